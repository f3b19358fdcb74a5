//! The signature of a webhook: its verification, alone or before a parse.

use std::fmt::{self, Write as _};

use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;
use thiserror::Error;

use SignatureErrorKind::{EmptySecret, Mismatch, Missing, NoPrefix, NotHex, Sha1, WrongLength};

use crate::webhook::{ParseError, Parser, Webhook};

type Key = Hmac<Sha256>;

/// A verifier of the signature that Meta makes of each body with your app's secret.
///
/// The URL of a webhook is public, and the signature proves that a body is Meta's. Meta sends the HMAC-SHA256 of each body in the header
/// `X-Hub-Signature-256`; see
/// [Meta's page](https://developers.facebook.com/documentation/business-messaging/whatsapp/webhooks/create-webhook-endpoint).
/// Create one verifier at the start of the program. It needs the feature `signature`, which is on
/// by default.
///
/// # The raw bytes
///
/// Verify the bytes of the request, before they are decoded. Meta signs the escapes that it sends,
/// such as `\/` and `\u0040`; JSON that was parsed and serialized again has other bytes. So the
/// signature is lost by a framework that gives you a parsed body, and by a proxy that serializes
/// the body again.
///
/// # Replays
///
/// The signature has no timestamp: a signed body is valid for ever.
/// [`Event::dedup_key`](crate::Event::dedup_key) recognizes a repeated event.
///
/// # Examples
///
/// ```
/// use whatsapp_signals::{SignatureVerifier, parse};
///
/// let verifier = SignatureVerifier::new("app secret")?;
///
/// // From your web server. A test signs the body itself.
/// let body = &std::fs::read("tests/payloads/text.json")?;
/// let signature = verifier.sign(body);
///
/// verifier.verify(body, Some(signature.as_bytes()))?;
/// assert_eq!(parse(body)?.events().len(), 1);
///
/// let error = verifier.verify(body, None).unwrap_err();
/// assert_eq!(error.to_string(), "missing header X-Hub-Signature-256");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone)]
pub struct SignatureVerifier {
    // Each key is computed once. A verification clones its state.
    first: Key,
    others: Vec<Key>,
}

impl SignatureVerifier {
    /// Returns a verifier with one app secret. White space is significant: trim a secret that you
    /// read from a file.
    ///
    /// # Errors
    ///
    /// [`EmptySecret`](SignatureErrorKind::EmptySecret).
    ///
    /// ```
    /// use whatsapp_signals::{SignatureErrorKind, SignatureVerifier};
    ///
    /// let error = SignatureVerifier::new("").unwrap_err();
    /// assert_eq!(error.kind(), &SignatureErrorKind::EmptySecret);
    /// ```
    pub fn new(secret: impl AsRef<[u8]>) -> Result<Self, SignatureError> {
        let (first, others) = (key(secret.as_ref())?, Vec::new());
        Ok(Self { first, others })
    }

    /// Adds an app secret: the previous one during a change, or the secret of another app that
    /// calls the same URL.
    ///
    /// # Errors
    ///
    /// [`EmptySecret`](SignatureErrorKind::EmptySecret).
    ///
    /// ```
    /// use whatsapp_signals::SignatureVerifier;
    ///
    /// let old = SignatureVerifier::new("old")?;
    /// let both = SignatureVerifier::new("new")?.with_secret("old")?;
    /// assert!(both.verify("{}", Some(old.sign("{}").as_bytes())).is_ok());
    /// # Ok::<(), whatsapp_signals::SignatureError>(())
    /// ```
    pub fn with_secret(mut self, secret: impl AsRef<[u8]>) -> Result<Self, SignatureError> {
        self.others.push(key(secret.as_ref())?);
        Ok(self)
    }

    /// Verifies the raw bytes of a body by the value of its header `X-Hub-Signature-256`: `sha256=`
    /// and 64 hexadecimal digits of either case. The header is `None` for a request without one,
    /// which is an error.
    ///
    /// The signature is compared in constant time, with each of the secrets. Two headers that a
    /// server joined with a comma are rejected, even if both are valid: Meta sends one.
    ///
    /// # Errors
    ///
    /// See [`SignatureErrorKind`]. After any error, the body is untrusted.
    ///
    /// ```
    /// use whatsapp_signals::{SignatureErrorKind, SignatureVerifier};
    ///
    /// let verifier = SignatureVerifier::new("app secret")?;
    /// let header = verifier.sign(r#"{"url":"https:\/\/wa.me"}"#);
    ///
    /// let written_again = r#"{"url":"https://wa.me"}"#;
    /// let error = verifier.verify(written_again, Some(header.as_bytes())).unwrap_err();
    /// assert_eq!(error.kind(), &SignatureErrorKind::Mismatch);
    /// # Ok::<(), whatsapp_signals::SignatureError>(())
    /// ```
    pub fn verify(
        &self,
        body: impl AsRef<[u8]>,
        header: Option<&[u8]>,
    ) -> Result<(), SignatureError> {
        let (body, tag) = (body.as_ref(), parse_header(header.unwrap_or_default())?);
        let mut matches = false;
        for key in std::iter::once(&self.first).chain(&self.others) {
            // Constant time: no early return after a match.
            matches |= key.clone().chain_update(body).verify_slice(&tag).is_ok();
        }
        matches.then_some(()).ok_or(SignatureError(Mismatch))
    }

    /// Returns the header that Meta would send with a body, signed with the first secret, for
    /// tests.
    ///
    /// ```
    /// use whatsapp_signals::SignatureVerifier;
    ///
    /// let header = SignatureVerifier::new("app secret")?.sign("{}");
    /// assert!(header.starts_with("sha256=1fd1121b7be5"));
    /// # Ok::<(), whatsapp_signals::SignatureError>(())
    /// ```
    #[must_use]
    pub fn sign(&self, body: impl AsRef<[u8]>) -> String {
        let mac = self.first.clone().chain_update(body);
        let mut header = String::from("sha256=");
        for byte in mac.finalize().into_bytes() {
            // Writing to a `String` cannot fail.
            let _ = write!(header, "{byte:02x}");
        }
        header
    }
}

/// Shows the number of secrets only.
impl fmt::Debug for SignatureVerifier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SignatureVerifier")
            .field("secrets", &(1 + self.others.len()))
            .finish_non_exhaustive()
    }
}

fn key(secret: &[u8]) -> Result<Key, SignatureError> {
    match Key::new_from_slice(secret) {
        // Invariant: HMAC takes a key of any length. An empty key is no secret, so it is rejected
        // here.
        Ok(key) if !secret.is_empty() => Ok(key),
        _ => Err(SignatureError(EmptySecret)),
    }
}

/// Parses the value of the header.
fn parse_header(header: &[u8]) -> Result<[u8; 32], SignatureError> {
    let Some(digits) = header.strip_prefix(b"sha256=") else {
        return Err(SignatureError(match header {
            [] => Missing,
            _ if header.starts_with(b"sha1=") => Sha1,
            _ => NoPrefix,
        }));
    };
    if !digits.iter().all(u8::is_ascii_hexdigit) {
        return Err(SignatureError(NotHex));
    }
    let mut tag = [0; 32];
    if digits.len() != 2 * tag.len() {
        return Err(SignatureError(WrongLength(digits.len())));
    }
    for (index, digit) in digits.iter().enumerate() {
        // In ASCII, `0` is 0x30, `A` is 0x41 and `a` is 0x61.
        let value = (digit & 0xf) + 9 * (digit >> 6);
        tag[index / 2] = (tag[index / 2] << 4) | value;
    }
    Ok(tag)
}

/// The error of an empty secret, or of a body whose signature was not verified. It may be logged,
/// since it has no part of a secret, a signature or a body.
///
/// # Examples
///
/// ```
/// use whatsapp_signals::{SignatureErrorKind, SignatureVerifier};
///
/// let error = SignatureVerifier::new("app secret")?.verify("{}", Some(b"sha256=7f")).unwrap_err();
/// assert_eq!(error.kind(), &SignatureErrorKind::WrongLength(2));
/// assert_eq!(error.to_string(), "expected 64 hexadecimal digits, found 2");
/// # Ok::<(), whatsapp_signals::SignatureError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash, Error)]
#[error("{0}")]
pub struct SignatureError(SignatureErrorKind);

impl SignatureError {
    /// Returns the cause.
    #[must_use]
    pub fn kind(&self) -> &SignatureErrorKind {
        &self.0
    }
}

/// The cause of a [`SignatureError`].
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
    #[error("missing header X-Hub-Signature-256")]
    Missing,
    /// The signature begins with `sha1=`, as in the older header `X-Hub-Signature`.
    #[error("expected a signature that begins with sha256=, found sha1=")]
    Sha1,
    /// The signature does not begin with `sha256=`.
    #[error("expected a signature that begins with sha256=")]
    NoPrefix,
    /// Another character than a hexadecimal digit follows `sha256=`. A server may have joined two
    /// headers with a comma.
    #[error("expected hexadecimal digits behind sha256=, found another character")]
    NotHex,
    /// The signature has this many hexadecimal digits.
    #[error("expected 64 hexadecimal digits, found {0}")]
    WrongLength(usize),
    /// The body is forged, its bytes are not
    /// [those that Meta signed](crate::SignatureVerifier#the-raw-bytes), or the secret is that of
    /// another app.
    #[error("the signature matches the body with none of the app secrets")]
    Mismatch,
}

/// Verifies the signature of a webhook's body, and parses the body:
/// [`SignatureVerifier::verify`], then [`parse`](crate::parse).
///
/// The length is checked before the signature. `header` is the value of `X-Hub-Signature-256`;
/// `None` for a request without it, which is an error.
///
/// # Errors
///
/// See [`SignedError`].
///
/// # Examples
///
/// ```
/// use whatsapp_signals::{SignatureVerifier, SignedErrorKind, parse_signed};
///
/// let verifier = SignatureVerifier::new("app secret")?;
/// let body = &std::fs::read("tests/payloads/text.json")?;
/// let signature = verifier.sign(body);
/// let header = Some(signature.as_bytes()); // from your web server; a test signs the body itself
/// assert_eq!(parse_signed(body, header, &verifier)?.events().len(), 1);
///
/// let error = parse_signed(b"{", header, &verifier).unwrap_err();
/// assert!(matches!(error.kind(), SignedErrorKind::Signature(_)), "the body was not parsed");
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
    /// Verifies and parses a body as [`parse_signed`] does, with these settings.
    ///
    /// # Errors
    ///
    /// See [`SignedError`].
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

/// The error of a body that was not verified or not parsed.
///
/// # Examples
///
/// ```
/// use whatsapp_signals::{SignatureVerifier, SignedErrorKind, parse_signed};
///
/// let verifier = SignatureVerifier::new("app secret")?;
/// let forged = parse_signed(b"{}", Some(b"sha256=7f"), &verifier).unwrap_err();
/// assert!(matches!(forged.kind(), SignedErrorKind::Signature(_)));
/// assert_eq!(forged.http_status(), 401);
///
/// let signature = verifier.sign("Hi");
/// let signed = parse_signed(b"Hi", Some(signature.as_bytes()), &verifier).unwrap_err();
/// assert!(matches!(signed.kind(), SignedErrorKind::Parse(_)));
/// assert_eq!(signed.http_status(), 200, "Meta would repeat the same body");
/// # Ok::<(), whatsapp_signals::SignatureError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash, Error)]
#[error(transparent)]
pub struct SignedError(SignedErrorKind);

impl SignedError {
    /// Returns the cause.
    #[must_use]
    pub fn kind(&self) -> &SignedErrorKind {
        &self.0
    }

    /// Returns the status of the answer: 401 without a valid signature, otherwise that of
    /// [`ParseError::http_status`].
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
        match &self.0 {
            SignedErrorKind::Signature(_) => 401,
            SignedErrorKind::Parse(error) => error.http_status(),
        }
    }
}

impl From<SignatureError> for SignedError {
    fn from(error: SignatureError) -> Self {
        Self(SignedErrorKind::Signature(error))
    }
}

impl From<ParseError> for SignedError {
    fn from(error: ParseError) -> Self {
        Self(SignedErrorKind::Parse(error))
    }
}

/// The cause of a [`SignedError`].
#[derive(Clone, Debug, PartialEq, Eq, Hash, Error)]
#[non_exhaustive]
pub enum SignedErrorKind {
    /// The signature was not verified. The body is untrusted, and was not parsed.
    #[error(transparent)]
    Signature(SignatureError),
    /// The body is too large and was not verified, or its signature is valid and its envelope is
    /// malformed.
    #[error(transparent)]
    Parse(ParseError),
}
