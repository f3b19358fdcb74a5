//! Only Meta gets in: the signature of a webhook, and the handshake before the
//! first one.

mod signature;
mod signature_error;
mod signed;
mod verify_token;

pub use signature::SignatureVerifier;
pub use signature_error::{SignatureError, SignatureErrorKind};
pub use signed::{SignedError, parse_signed};
pub use verify_token::{ChallengeError, ChallengeErrorKind, VerifyToken};
