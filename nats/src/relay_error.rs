//! Why a body is not in the stream.

use thiserror::Error;
use whatsapp_signals::SignedError;

use crate::publish_error::PublishError;

/// Why a body is not in the stream, or not all of it.
///
/// # Examples
///
/// ```
/// use whatsapp_signals::{SignatureVerifier, parse_signed};
/// use whatsapp_signals_nats::RelayError;
///
/// let verifier = SignatureVerifier::new("app secret")?;
/// let forged = parse_signed(b"{}", None, &verifier).unwrap_err();
/// assert_eq!(RelayError::from(forged).http_status(), 401);
/// # Ok::<(), whatsapp_signals::SignatureError>(())
/// ```
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum RelayError {
    /// The body is not signed, or is no webhook. What is signed and no webhook is a
    /// dead letter, unless it is too large or of another product of Meta's.
    #[error(transparent)]
    Signed(#[from] SignedError),
    /// Not all of it is stored, and Meta is to send it again.
    #[error(transparent)]
    Publish(#[from] PublishError),
}

impl RelayError {
    /// What to answer Meta: 401 for a wrong signature, 413 for what is too large,
    /// 503 when it should come again, and else 200.
    #[must_use]
    pub fn http_status(&self) -> u16 {
        match self {
            Self::Signed(error) => error.http_status(),
            Self::Publish(error) => error.http_status(),
        }
    }
}
