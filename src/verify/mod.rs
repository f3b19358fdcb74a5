//! Only Meta gets in: the signature of a webhook, and the handshake before the
//! first one.

mod challenge;
mod signature;
mod signature_error;
mod signed;

pub use challenge::{ChallengeError, ChallengeErrorKind, verify_challenge, verify_challenge_query};
pub use signature::SignatureVerifier;
pub use signature_error::{SignatureError, SignatureErrorKind};
pub use signed::{SignedError, parse_signed};
