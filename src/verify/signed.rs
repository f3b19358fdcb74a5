//! Reading a body only when Meta signed it.

use thiserror::Error;

use super::{SignatureError, SignatureVerifier};
use crate::webhook::{ParseError, Parser, Webhook};

/// Reads the body of a webhook if its signature is right: [`parse`](crate::parse),
/// behind [`SignatureVerifier::verify`].
///
/// The length comes first, then the signature, and only then is anything read.
/// `header` is the `X-Hub-Signature-256`; `None` if the request has none, which is an error.
///
/// # Errors
///
/// See [`SignedError`].
///
/// # Examples
///
/// ```
/// use whatsapp_signals::{SignatureVerifier, SignedError, parse_signed};
///
/// let verifier = SignatureVerifier::new("app secret")?;
/// let body = &std::fs::read("tests/payloads/text.json")?;
/// let signature = verifier.sign(body);
/// let header = Some(signature.as_bytes()); // in a test; else your web server has it
/// assert_eq!(parse_signed(body, header, &verifier)?.events().len(), 1);
///
/// let error = parse_signed(b"{", header, &verifier).unwrap_err();
/// assert!(matches!(error, SignedError::Signature(_)), "it was not even read");
/// assert_eq!(error.http_status(), 401);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn parse_signed(
    body: &[u8],
    header: Option<&[u8]>,
    verifier: &SignatureVerifier,
) -> Result<Webhook, SignedError> {
    Parser::new().parse_signed(body, header, verifier)
}

impl Parser {
    /// See [`parse_signed`].
    ///
    /// # Errors
    ///
    /// See [`SignedError`].
    ///
    /// ```
    /// use whatsapp_signals::{Parser, SignatureVerifier};
    ///
    /// let verifier = SignatureVerifier::new("app secret")?;
    /// let error = Parser::new().max_len(1).parse_signed(b"{}", None, &verifier).unwrap_err();
    /// assert_eq!(error.http_status(), 413, "however it is signed");
    /// # Ok::<(), whatsapp_signals::SignatureError>(())
    /// ```
    pub fn parse_signed(
        &self,
        body: &[u8],
        header: Option<&[u8]>,
        verifier: &SignatureVerifier,
    ) -> Result<Webhook, SignedError> {
        self.check_len(body)?;
        verifier.verify(body, header)?;
        Ok(self.parse(body)?)
    }
}

/// Why a body was not read.
///
/// # Examples
///
/// ```
/// use whatsapp_signals::{SignatureVerifier, SignedError, parse_signed};
///
/// let verifier = SignatureVerifier::new("app secret")?;
/// let forged = parse_signed(b"{}", Some(b"sha256=7f"), &verifier).unwrap_err();
/// assert!(matches!(forged, SignedError::Signature(_)));
/// assert_eq!(forged.http_status(), 401);
///
/// let signature = verifier.sign("Hi");
/// let signed = parse_signed(b"Hi", Some(signature.as_bytes()), &verifier).unwrap_err();
/// assert!(matches!(signed, SignedError::Parse(_)));
/// assert_eq!(signed.http_status(), 200, "keep it: Meta would repeat it in vain");
/// # Ok::<(), whatsapp_signals::SignatureError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash, Error)]
#[non_exhaustive]
pub enum SignedError {
    /// It may be anyone's. Nothing of it was read.
    #[error(transparent)]
    Signature(#[from] SignatureError),
    /// It is too large, and nothing was read; or its signature is right, and
    /// it is no webhook.
    #[error(transparent)]
    Parse(#[from] ParseError),
}

impl SignedError {
    /// What to answer: 401, 413, or 200 for what is signed and no webhook. Keep
    /// such a body: with any other status Meta repeats it for up to seven days,
    /// and it reads no better.
    ///
    /// ```
    /// use whatsapp_signals::{Parser, SignatureVerifier};
    ///
    /// let verifier = SignatureVerifier::new("app secret")?;
    /// let status = |body: &[u8], header: Option<&[u8]>| {
    ///     let result = Parser::new().max_len(9).parse_signed(body, header, &verifier);
    ///     result.unwrap_err().http_status()
    /// };
    /// assert_eq!(status(b"{}", Some(b"sha256=7f")), 401);
    /// assert_eq!(status(b"{}", Some(verifier.sign("{}").as_bytes())), 200);
    /// assert_eq!(status(b"0123456789", None), 413);
    /// # Ok::<(), whatsapp_signals::SignatureError>(())
    /// ```
    #[must_use]
    pub fn http_status(&self) -> u16 {
        match self {
            Self::Signature(_) => 401,
            Self::Parse(error) => error.http_status(),
        }
    }
}
