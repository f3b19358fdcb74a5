//! Whether a body is Meta's: the signature of a webhook.

use std::fmt::{self, Write as _};

use super::signature_error::{SignatureError, SignatureErrorKind};
use SignatureErrorKind::{EmptySecret, Mismatch, Missing, NoPrefix, NotHex, Sha1, WrongLength};
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

type Key = Hmac<Sha256>;

/// Tells whether Meta signed the body of a webhook with your app's secret.
///
/// Anyone can post to your URL. Meta sends the HMAC-SHA256 of the body in the
/// header `X-Hub-Signature-256`; see
/// [Meta's page](https://developers.facebook.com/documentation/business-messaging/whatsapp/webhooks/create-webhook-endpoint).
/// Make one verifier when the program starts. It needs the feature
/// `signature`, which is on by default.
///
/// # The raw bytes
///
/// Verify the bytes of the wire, before anything decodes them. Meta signs its
/// own escapes, `\/` and `\u0040`: JSON that was parsed and written again says
/// the same in other bytes. A framework that hands you a parsed body, or a
/// proxy that writes it anew, breaks the signature.
///
/// # Replays
///
/// The signature has no timestamp: what Meta signed once is valid for ever. To
/// know an event again there is [`Event::dedup_key`](crate::Event::dedup_key).
///
/// # Examples
///
/// ```
/// use whatsapp_signals::{SignatureVerifier, parse};
///
/// let verifier = SignatureVerifier::new("app secret")?;
///
/// // From your web server; in a test, you sign the body yourself.
/// let body = &std::fs::read("tests/payloads/text.json")?;
/// let signature = verifier.sign(body);
///
/// verifier.verify(body, Some(signature.as_bytes()))?;
/// assert_eq!(parse(body)?.events().len(), 1);
///
/// let error = verifier.verify(body, None).unwrap_err();
/// assert_eq!(error.to_string(), "the header X-Hub-Signature-256 is missing");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone)]
pub struct SignatureVerifier {
    // Each is keyed once and fed nothing; a check clones it.
    first: Key,
    others: Vec<Key>,
}

impl SignatureVerifier {
    /// A verifier with one app secret. White space counts: trim what you read
    /// from a file.
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

    /// Accepts another app secret too: the old one while you change it, or that
    /// of another app which calls the same URL.
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

    /// Checks the raw bytes of a body against its `X-Hub-Signature-256`:
    /// `sha256=` and 64 hexadecimal digits of either case. A request without the header has
    /// `None`, which is an error.
    ///
    /// How long it takes does not tell how much of the signature is right, nor
    /// which secret it is of. Two headers that a server joined with a comma are
    /// never accepted, not even if both are right: Meta sends one.
    ///
    /// # Errors
    ///
    /// See [`SignatureErrorKind`]. Whichever it is, the body may be anyone's.
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
        let (body, tag) = (body.as_ref(), read(header.unwrap_or_default())?);
        let mut matches = false;
        for key in std::iter::once(&self.first).chain(&self.others) {
            // No early return: every secret is tried, whichever matches.
            matches |= key.clone().chain_update(body).verify_slice(&tag).is_ok();
        }
        matches.then_some(()).ok_or(SignatureError(Mismatch))
    }

    /// The header that Meta would send with a body, made with the first secret:
    /// for your tests.
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

/// Shows how many secrets there are, and nothing of them.
impl fmt::Debug for SignatureVerifier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SignatureVerifier")
            .field("secrets", &(1 + self.others.len()))
            .finish_non_exhaustive()
    }
}

fn key(secret: &[u8]) -> Result<Key, SignatureError> {
    match Key::new_from_slice(secret) {
        // Invariant: HMAC takes a key of any length. It is we who refuse the
        // empty one, with which anyone can sign.
        Ok(key) if !secret.is_empty() => Ok(key),
        _ => Err(SignatureError(EmptySecret)),
    }
}

/// The signature in a header.
fn read(header: &[u8]) -> Result<[u8; 32], SignatureError> {
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
