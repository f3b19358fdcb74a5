//! Whether a webhook is registered by somebody who knows the verify token: the
//! handshake.

use std::borrow::Cow;

use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;
use thiserror::Error;

use ChallengeErrorKind::{Duplicate, EmptyToken, Missing, WrongMode, WrongToken};

/// Checks the handshake by which Meta registers your URL, and gives the
/// challenge, which is what to answer: status 200, and nothing else in the
/// body. Answer anything else with 403.
///
/// Meta sends a `GET` with `hub.mode`, `hub.verify_token` and `hub.challenge`
/// in its query; see
/// [Meta's page](https://developers.facebook.com/documentation/business-messaging/whatsapp/webhooks/create-webhook-endpoint).
/// `expected` is the verify token that you have chosen and told Meta. A part
/// that is not there is an empty one, and an error. The handshake has no
/// signature: a [`SignatureVerifier`](crate::SignatureVerifier) is for the
/// webhooks that follow. It needs the feature `signature`, which is on by
/// default.
///
/// How long it takes does not tell how much of the token is right.
///
/// # Errors
///
/// See [`ChallengeErrorKind`].
///
/// # Examples
///
/// ```
/// use whatsapp_signals::{ChallengeErrorKind, verify_challenge};
///
/// let challenge = verify_challenge("subscribe", "my token", "1158201444", "my token")?;
/// assert_eq!(challenge, "1158201444");
///
/// let error = verify_challenge("subscribe", "guess", "1158201444", "my token").unwrap_err();
/// assert_eq!(error.kind(), &ChallengeErrorKind::WrongToken);
/// # Ok::<(), whatsapp_signals::ChallengeError>(())
/// ```
pub fn verify_challenge<'a>(
    mode: &str,
    token: &str,
    challenge: &'a str,
    expected: &str,
) -> Result<&'a str, ChallengeError> {
    if expected.is_empty() {
        return Err(ChallengeError(EmptyToken));
    }
    for (name, part) in [(MODE, mode), (TOKEN, token), (CHALLENGE, challenge)] {
        if part.is_empty() {
            return Err(ChallengeError(Missing(name)));
        }
    }
    if mode != "subscribe" {
        return Err(ChallengeError(WrongMode));
    }
    if !is_equal(token, expected) {
        return Err(ChallengeError(WrongToken));
    }
    Ok(challenge)
}

/// [`verify_challenge`] with the query of the URL as it came, without the `?`.
///
/// # Errors
///
/// See [`ChallengeErrorKind`].
///
/// # Examples
///
/// ```
/// use whatsapp_signals::verify_challenge_query;
///
/// let query = "hub.mode=subscribe&hub.challenge=1158201444&hub.verify_token=my%20token";
/// assert_eq!(verify_challenge_query(query, "my token")?, "1158201444");
/// # Ok::<(), whatsapp_signals::ChallengeError>(())
/// ```
pub fn verify_challenge_query<'a>(
    query: &'a str,
    expected: &str,
) -> Result<Cow<'a, str>, ChallengeError> {
    let names = [MODE, TOKEN, CHALLENGE];
    let mut parts: [Option<Cow<'a, str>>; 3] = [None, None, None];
    for (name, value) in form_urlencoded::parse(query.as_bytes()) {
        if let Some(at) = names.iter().position(|known| *known == name)
            && parts[at].replace(value).is_some()
        {
            return Err(ChallengeError(Duplicate(names[at])));
        }
    }
    let [mode, token, challenge] = parts.map(Option::unwrap_or_default);
    verify_challenge(&mode, &token, &challenge, expected)?;
    Ok(challenge)
}

const MODE: &str = "hub.mode";
const TOKEN: &str = "hub.verify_token";
const CHALLENGE: &str = "hub.challenge";

/// Whether two texts are equal, in a time that tells nothing of where they
/// differ, nor how long the secret one is: what is compared are their hashes.
fn is_equal(text: &str, secret: &str) -> bool {
    let hash = |text: &str| {
        let key = Hmac::<Sha256>::new_from_slice(secret.as_bytes()).ok()?;
        // `CtOutput`, whose `==` is of constant time.
        Some(key.chain_update(text).finalize())
    };
    // Invariant: HMAC takes a key of any length, so that both are there.
    matches!((hash(text), hash(secret)), (Some(text), Some(secret)) if text == secret)
}

/// Why a handshake is refused. It holds nothing of the tokens, so that it may
/// be logged.
///
/// # Examples
///
/// ```
/// use whatsapp_signals::verify_challenge_query;
///
/// let error = verify_challenge_query("hub.mode=subscribe", "my token").unwrap_err();
/// assert_eq!(error.to_string(), "hub.verify_token is missing");
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash, Error)]
#[error("{0}")]
pub struct ChallengeError(ChallengeErrorKind);

impl ChallengeError {
    /// What is wrong.
    ///
    /// ```
    /// use whatsapp_signals::{ChallengeErrorKind, verify_challenge};
    ///
    /// let error = verify_challenge("subscribe", "", "1158201444", "my token").unwrap_err();
    /// assert_eq!(error.kind(), &ChallengeErrorKind::Missing("hub.verify_token"));
    /// ```
    #[must_use]
    pub fn kind(&self) -> &ChallengeErrorKind {
        &self.0
    }
}

/// What is wrong with a handshake.
///
/// # Examples
///
/// ```
/// use whatsapp_signals::{ChallengeErrorKind, verify_challenge_query};
///
/// let query = "hub.mode=subscribe&hub.verify_token=a+guess&hub.challenge=1158201444";
/// let error = verify_challenge_query(query, "my token").unwrap_err();
/// assert_eq!(error.kind(), &ChallengeErrorKind::WrongToken);
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash, Error)]
#[non_exhaustive]
pub enum ChallengeErrorKind {
    /// The expected token is empty, so that anyone would know it: a setting may
    /// be missing.
    #[error("the expected verify token is empty")]
    EmptyToken,
    /// This part of the query is empty, or not there.
    #[error("{0} is missing")]
    Missing(&'static str),
    /// This part of the query is there twice.
    #[error("{0} is there twice")]
    Duplicate(&'static str),
    /// `hub.mode` is not `subscribe`.
    #[error("hub.mode is not subscribe")]
    WrongMode,
    /// It is not the token that was expected.
    #[error("hub.verify_token is not the expected one")]
    WrongToken,
}
