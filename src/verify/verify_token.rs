//! The handshake by which Meta registers a webhook's URL: the verify token and the challenge.

use std::borrow::Cow;
use std::fmt;

use hmac::digest::CtOutput;
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;
use thiserror::Error;

use ChallengeErrorKind::{Duplicate, EmptyToken, Missing, WrongMode, WrongToken};

type Key = Hmac<Sha256>;

/// The verify tokens of the handshake by which Meta registers your URL.
///
/// You choose a token and enter it in the App Dashboard, or in the request that subscribes an
/// account to another URL. Meta then sends a `GET` request with the token as `hub.verify_token` in
/// its query, beside `hub.mode` and `hub.challenge`. Answer with status 200 and the challenge as
/// the body, or with status 403 after an error; see
/// [Meta's page](https://developers.facebook.com/documentation/business-messaging/whatsapp/webhooks/create-webhook-endpoint).
///
/// Create one value at the start of the program. The handshake has no signature; a
/// [`SignatureVerifier`](crate::SignatureVerifier) verifies the webhooks that follow. Both need
/// the feature `signature`, which is on by default.
///
/// # Examples
///
/// ```
/// use whatsapp_signals::{ChallengeErrorKind, VerifyToken};
///
/// let token = VerifyToken::new("my token")?;
///
/// // The query of the URL, from your web server.
/// let query = "hub.mode=subscribe&hub.challenge=1158201444&hub.verify_token=my%20token";
/// let (status, body) = match token.verify_query(query) {
///     Ok(challenge) => (200, challenge),
///     Err(_) => (403, "".into()),
/// };
/// assert_eq!((status, &*body), (200, "1158201444"));
///
/// let guess = "hub.mode=subscribe&hub.challenge=1158201444&hub.verify_token=guess";
/// let error = token.verify_query(guess).unwrap_err();
/// assert_eq!(error.kind(), &ChallengeErrorKind::WrongToken);
/// # Ok::<(), whatsapp_signals::ChallengeError>(())
/// ```
#[derive(Clone)]
pub struct VerifyToken {
    first: Token,
    others: Vec<Token>,
}

/// A token as the key of an HMAC, and the HMAC of the token with that key. The token itself is not
/// stored.
#[derive(Clone)]
struct Token {
    key: Key,
    hash: CtOutput<Key>,
}

impl VerifyToken {
    /// Returns a value with one token. White space is significant: trim a token that you read from
    /// a file.
    ///
    /// # Errors
    ///
    /// [`EmptyToken`](ChallengeErrorKind::EmptyToken).
    ///
    /// ```
    /// use whatsapp_signals::{ChallengeErrorKind, VerifyToken};
    ///
    /// let error = VerifyToken::new("").unwrap_err();
    /// assert_eq!(error.kind(), &ChallengeErrorKind::EmptyToken);
    /// ```
    pub fn new(token: impl AsRef<str>) -> Result<Self, ChallengeError> {
        let (first, others) = (Token::new(token.as_ref())?, Vec::new());
        Ok(Self { first, others })
    }

    /// Adds a token: that of another account with the same URL, or the new one during a change.
    ///
    /// # Errors
    ///
    /// [`EmptyToken`](ChallengeErrorKind::EmptyToken).
    ///
    /// ```
    /// use whatsapp_signals::VerifyToken;
    ///
    /// // One token for each account.
    /// let tokens = VerifyToken::new("of the shop")?.with_token("of the workshop")?;
    /// let query = "hub.mode=subscribe&hub.challenge=7&hub.verify_token=of+the+workshop";
    /// assert_eq!(tokens.verify_query(query)?, "7");
    /// # Ok::<(), whatsapp_signals::ChallengeError>(())
    /// ```
    pub fn with_token(mut self, token: impl AsRef<str>) -> Result<Self, ChallengeError> {
        self.others.push(Token::new(token.as_ref())?);
        Ok(self)
    }

    /// Verifies a handshake by the query of the URL, percent-encoded and without the `?`, and
    /// returns its challenge.
    ///
    /// The token is compared in constant time, with each of the tokens.
    ///
    /// # Errors
    ///
    /// See [`ChallengeErrorKind`].
    ///
    /// ```
    /// use whatsapp_signals::{ChallengeErrorKind, VerifyToken};
    ///
    /// let error = VerifyToken::new("my token")?.verify_query("hub.mode=subscribe").unwrap_err();
    /// assert_eq!(error.kind(), &ChallengeErrorKind::Missing("hub.verify_token"));
    /// # Ok::<(), whatsapp_signals::ChallengeError>(())
    /// ```
    pub fn verify_query<'a>(&self, query: &'a str) -> Result<Cow<'a, str>, ChallengeError> {
        self.verify_pairs(form_urlencoded::parse(query.as_bytes()))
    }

    /// Verifies a handshake as [`verify_query`](Self::verify_query) does, by the names and values
    /// of a decoded query. Pairs of other names are ignored.
    ///
    /// # Errors
    ///
    /// See [`ChallengeErrorKind`].
    ///
    /// ```
    /// use std::collections::HashMap;
    /// use whatsapp_signals::VerifyToken;
    ///
    /// let query = HashMap::from([
    ///     ("hub.mode".to_owned(), "subscribe".to_owned()),
    ///     ("hub.verify_token".to_owned(), "my token".to_owned()),
    ///     ("hub.challenge".to_owned(), "1158201444".to_owned()),
    /// ]);
    /// assert_eq!(VerifyToken::new("my token")?.verify_pairs(&query)?, "1158201444");
    /// # Ok::<(), whatsapp_signals::ChallengeError>(())
    /// ```
    pub fn verify_pairs<N: AsRef<str>, V: AsRef<str>>(
        &self,
        pairs: impl IntoIterator<Item = (N, V)>,
    ) -> Result<V, ChallengeError> {
        let mut parts = NAMES.map(|_| None);
        for (name, value) in pairs {
            if let Some(at) = NAMES.iter().position(|known| *known == name.as_ref())
                && parts[at].replace(value).is_some()
            {
                return Err(ChallengeError(Duplicate(NAMES[at])));
            }
        }
        let [mode, token, challenge] = parts;
        let (mode, token) = (part(mode, MODE)?, part(token, TOKEN)?);
        let challenge = part(challenge, CHALLENGE)?;
        if mode.as_ref() != "subscribe" {
            return Err(ChallengeError(WrongMode));
        }
        let mut matches = false;
        for known in std::iter::once(&self.first).chain(&self.others) {
            // Constant time: no early return after a match.
            matches |= known.matches(token.as_ref());
        }
        matches
            .then_some(challenge)
            .ok_or(ChallengeError(WrongToken))
    }
}

const MODE: &str = "hub.mode";
const TOKEN: &str = "hub.verify_token";
const CHALLENGE: &str = "hub.challenge";
const NAMES: [&str; 3] = [MODE, TOKEN, CHALLENGE];

/// Returns a part of the handshake, which must not be empty.
fn part<V: AsRef<str>>(value: Option<V>, name: &'static str) -> Result<V, ChallengeError> {
    let value = value.filter(|value| !value.as_ref().is_empty());
    value.ok_or(ChallengeError(Missing(name)))
}

impl Token {
    fn new(token: &str) -> Result<Self, ChallengeError> {
        match Key::new_from_slice(token.as_bytes()) {
            // Invariant: HMAC takes a key of any length. An empty token is no secret, so it is
            // rejected here.
            Ok(key) if !token.is_empty() => {
                let hash = key.clone().chain_update(token).finalize();
                Ok(Self { key, hash })
            }
            _ => Err(ChallengeError(EmptyToken)),
        }
    }

    /// Compares a text with the token by their HMACs, in constant time: the duration depends
    /// neither on the first difference nor on the length of the token.
    fn matches(&self, text: &str) -> bool {
        self.key.clone().chain_update(text).finalize() == self.hash
    }
}

/// Shows the number of tokens only.
impl fmt::Debug for VerifyToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("VerifyToken")
            .field("tokens", &(1 + self.others.len()))
            .finish_non_exhaustive()
    }
}

/// The error of an empty token, or of a rejected handshake. It may be logged, since it has no part
/// of a token.
///
/// # Examples
///
/// ```
/// use whatsapp_signals::{ChallengeErrorKind, VerifyToken};
///
/// let error = VerifyToken::new("my token")?.verify_query("hub.mode=subscribe").unwrap_err();
/// assert_eq!(error.kind(), &ChallengeErrorKind::Missing("hub.verify_token"));
/// assert_eq!(error.to_string(), "missing hub.verify_token");
/// # Ok::<(), whatsapp_signals::ChallengeError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash, Error)]
#[error("{0}")]
pub struct ChallengeError(ChallengeErrorKind);

impl ChallengeError {
    /// Returns the cause.
    #[must_use]
    pub fn kind(&self) -> &ChallengeErrorKind {
        &self.0
    }
}

/// The cause of a [`ChallengeError`].
///
/// # Examples
///
/// ```
/// use whatsapp_signals::{ChallengeErrorKind, VerifyToken};
///
/// let query = "hub.mode=subscribe&hub.verify_token=a+guess&hub.challenge=1158201444";
/// let error = VerifyToken::new("my token")?.verify_query(query).unwrap_err();
/// assert_eq!(error.kind(), &ChallengeErrorKind::WrongToken);
/// # Ok::<(), whatsapp_signals::ChallengeError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash, Error)]
#[non_exhaustive]
pub enum ChallengeErrorKind {
    /// A token of the [`VerifyToken`] is empty: a setting may be missing.
    #[error("the verify token is empty")]
    EmptyToken,
    /// The query lacks this part, or has it without a value.
    #[error("missing {0}")]
    Missing(&'static str),
    /// The query has this part several times.
    #[error("duplicate {0}")]
    Duplicate(&'static str),
    /// `hub.mode` is not `subscribe`.
    #[error("expected hub.mode=subscribe, found another mode")]
    WrongMode,
    /// `hub.verify_token` is none of the tokens.
    #[error("hub.verify_token matches none of the verify tokens")]
    WrongToken,
}
