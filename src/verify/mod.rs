//! The verification of Meta's requests: the signature of each webhook, and the handshake that
//! registers the URL.

mod signature;
mod verify_token;

pub use signature::{
    SignatureError, SignatureErrorKind, SignatureVerifier, SignedError, SignedErrorKind,
    parse_signed,
};
pub use verify_token::{ChallengeError, ChallengeErrorKind, VerifyToken};
