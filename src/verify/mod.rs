//! Only Meta gets in: the signature of a webhook, and the handshake before the
//! first one.

mod challenge;
mod signature;
mod signed;

pub use challenge::{ChallengeError, ChallengeErrorKind, verify_challenge, verify_challenge_query};
pub use signature::{SignatureError, SignatureErrorKind, SignatureVerifier};
pub use signed::{SignedError, parse_signed};
