//! Why a body may not be Meta's.

use thiserror::Error;

/// Why there is no verifier, or why a body may not be Meta's. It holds nothing
/// of a secret, a signature or a body, so that it may be logged.
///
/// # Examples
///
/// ```
/// use whatsapp_signals::{SignatureErrorKind, SignatureVerifier};
///
/// let error = SignatureVerifier::new("app secret")?.verify("{}", Some(b"sha256=7f")).unwrap_err();
/// assert_eq!(error.kind(), &SignatureErrorKind::WrongLength(2));
/// assert_eq!(error.to_string(), "the signature has 2 hexadecimal digits, not 64");
/// # Ok::<(), whatsapp_signals::SignatureError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash, Error)]
#[error("{0}")]
pub struct SignatureError(pub(super) SignatureErrorKind);

impl SignatureError {
    /// What is wrong.
    ///
    /// ```
    /// use whatsapp_signals::{SignatureErrorKind, SignatureVerifier};
    ///
    /// let verifier = SignatureVerifier::new("app secret")?;
    /// let error = verifier.verify("{}", Some(b"sha1=7f")).unwrap_err();
    /// assert_eq!(error.kind(), &SignatureErrorKind::Sha1);
    /// # Ok::<(), whatsapp_signals::SignatureError>(())
    /// ```
    #[must_use]
    pub fn kind(&self) -> &SignatureErrorKind {
        &self.0
    }
}

/// What is wrong with a secret or a signature.
///
/// # Examples
///
/// ```
/// use whatsapp_signals::{SignatureErrorKind, SignatureVerifier};
///
/// let verifier = SignatureVerifier::new("app secret")?;
/// let forged = SignatureVerifier::new("a guess")?.sign("{}");
/// let error = verifier.verify("{}", Some(forged.as_bytes())).unwrap_err();
/// assert_eq!(error.kind(), &SignatureErrorKind::Mismatch);
///
/// let error = verifier.verify("{}", None).unwrap_err();
/// assert_eq!(error.kind(), &SignatureErrorKind::Missing);
/// # Ok::<(), whatsapp_signals::SignatureError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash, Error)]
#[non_exhaustive]
pub enum SignatureErrorKind {
    /// The app secret is empty: a setting may be missing.
    #[error("the app secret is empty")]
    EmptySecret,
    /// The request has no such header, or an empty one.
    #[error("the header X-Hub-Signature-256 is missing")]
    Missing,
    /// It begins with `sha1=`, as the older header `X-Hub-Signature` does.
    #[error("the signature is sha1: it is not that of X-Hub-Signature-256")]
    Sha1,
    /// It does not begin with `sha256=`.
    #[error("the signature does not begin with sha256=")]
    NoPrefix,
    /// What follows `sha256=` is not all hexadecimal digits. It may be two
    /// headers, joined with a comma.
    #[error("the signature is not hexadecimal")]
    NotHex,
    /// It has this many hexadecimal digits, and not 64.
    #[error("the signature has {0} hexadecimal digits, not 64")]
    WrongLength(usize),
    /// Someone else signed, the bytes are not
    /// [those that Meta signed](crate::SignatureVerifier#the-raw-bytes), or the
    /// secret is that of another app.
    #[error("the signature is not that of these bytes with any of the app secrets")]
    Mismatch,
}
