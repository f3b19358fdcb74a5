//! The message format of the queue.

use std::borrow::Cow;
use std::error::Error;
use std::fmt;
use std::time::{Duration, SystemTime};

use serde::{Deserialize, Serialize};
use whatsapp_signals::WebhookEvent;
use whatsapp_signals::model::Timestamp;

/// A message of the queue: one event with its key and the time of its receipt, as JSON.
///
/// The event contains its raw JSON, as Meta sent it. All of it is personal data, and `Debug` shows
/// the name and the time only.
///
/// # Examples
///
/// ```
/// use whatsapp_signals_nats::Envelope;
///
/// let webhook = whatsapp_signals::parse(&std::fs::read("../tests/payloads/text.json")?)?;
/// let envelope = Envelope::new(webhook.events()[0].clone());
/// assert!(envelope.key.starts_with("message_received:wamid."));
///
/// let json = envelope.to_json()?;
/// let value: serde_json::Value = serde_json::from_slice(&json)?;
/// assert_eq!(value["version"], 1);
/// assert!(value["received_at"].is_number());
/// assert!(value["event"]["message_received"]["raw"].is_string());
/// assert_eq!(Envelope::from_json(&json)?, envelope);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, PartialEq)]
#[non_exhaustive]
pub struct Envelope {
    /// The key of the event in every delivery: its [`dedup_key`](WebhookEvent::dedup_key). The key
    /// of an event that [may recur](WebhookEvent::repeats) also has the time of its receipt and,
    /// from a relay, the count among equal ones of its body.
    pub key: String,
    /// When the web server received it.
    pub received_at: Timestamp,
    /// The event.
    pub event: WebhookEvent,
}

/// The version of the format that is written.
const VERSION: u32 = 1;

#[derive(Serialize)]
struct SerializedEnvelope<'a> {
    version: u32,
    key: &'a str,
    received_at: Timestamp,
    event: &'a WebhookEvent,
}

#[derive(Deserialize)]
struct VersionOnly {
    version: u32,
}

#[derive(Deserialize)]
struct DeserializedEnvelope<'a> {
    #[serde(borrow)]
    key: Cow<'a, str>,
    received_at: Timestamp,
    event: WebhookEvent,
}

impl Envelope {
    /// Creates the envelope of an event that is received now.
    #[must_use]
    pub fn new(event: WebhookEvent) -> Self {
        let received = ReceiptTime::now();
        Self {
            key: received.event_key(event.dedup_key(), &event),
            received_at: received.timestamp(),
            event,
        }
    }

    /// Serializes the envelope.
    ///
    /// # Errors
    ///
    /// Those of `serde_json`. No event causes one.
    pub fn to_json(&self) -> serde_json::Result<Vec<u8>> {
        serialize(&self.key, self.received_at, &self.event)
    }

    /// Parses the output of [`to_json`](Self::to_json) of this version of the crate or an earlier
    /// one. Unknown members are ignored.
    ///
    /// # Errors
    ///
    /// When the JSON is no envelope, or was written by a later version.
    ///
    /// ```
    /// use whatsapp_signals_nats::{Envelope, EnvelopeErrorKind};
    ///
    /// let error = Envelope::from_json(br#"{"version": 7}"#).unwrap_err();
    /// assert_eq!(error.kind(), EnvelopeErrorKind::UnsupportedVersion(7));
    /// ```
    pub fn from_json(json: &[u8]) -> Result<Self, EnvelopeError> {
        let Ok(VersionOnly { version }) = serde_json::from_slice(json) else {
            return Err(EnvelopeError(EnvelopeErrorKind::NotAnEnvelope));
        };
        if version != VERSION {
            return Err(EnvelopeError(EnvelopeErrorKind::UnsupportedVersion(
                version,
            )));
        }
        // The error of `serde_json` is dropped because it may quote a user's text.
        let envelope: DeserializedEnvelope<'_> = serde_json::from_slice(json)
            .map_err(|_| EnvelopeError(EnvelopeErrorKind::InvalidEvent))?;
        Ok(Self {
            key: envelope.key.into_owned(),
            received_at: envelope.received_at,
            event: envelope.event,
        })
    }
}

/// Serializes an envelope around a borrowed event.
pub(crate) fn serialize(
    key: &str,
    received_at: Timestamp,
    event: &WebhookEvent,
) -> serde_json::Result<Vec<u8>> {
    serde_json::to_vec(&SerializedEnvelope {
        version: VERSION,
        key,
        received_at,
        event,
    })
}

impl fmt::Debug for Envelope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Envelope")
            .field("received_at", &self.received_at)
            .field("signal", &self.event.name())
            .finish_non_exhaustive()
    }
}

/// The time at which a webhook was received, as the duration since 1970.
#[derive(Clone, Copy)]
pub(crate) struct ReceiptTime(Duration);

impl ReceiptTime {
    pub(crate) fn now() -> Self {
        let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
        // A clock before 1970 was never set.
        Self(since.unwrap_or_default())
    }

    pub(crate) fn timestamp(self) -> Timestamp {
        Timestamp::from_secs(self.0.as_secs().try_into().unwrap_or(i64::MAX))
    }

    /// Returns the key of an event that was received at this time: `key`, with the time if the
    /// event may recur.
    pub(crate) fn event_key(self, key: String, event: &WebhookEvent) -> String {
        if event.repeats() {
            format!("{key}:received={}", self.0.as_nanos())
        } else {
            key
        }
    }
}

/// An error of [`Envelope::from_json`].
///
/// # Examples
///
/// ```
/// use whatsapp_signals_nats::{Envelope, EnvelopeErrorKind};
///
/// let error = Envelope::from_json(br#"{"version": 2}"#).unwrap_err();
/// assert_eq!(error.kind(), EnvelopeErrorKind::UnsupportedVersion(2));
/// assert_eq!(error.to_string(), "expected an envelope of version 1, found 2");
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EnvelopeError(EnvelopeErrorKind);

impl EnvelopeError {
    /// Returns the kind of the error.
    #[must_use]
    pub fn kind(&self) -> EnvelopeErrorKind {
        self.0
    }
}

impl fmt::Display for EnvelopeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            EnvelopeErrorKind::NotAnEnvelope => f.write_str("not an envelope"),
            EnvelopeErrorKind::UnsupportedVersion(version) => {
                write!(
                    f,
                    "expected an envelope of version {VERSION}, found {version}"
                )
            }
            EnvelopeErrorKind::InvalidEvent => f.write_str("an envelope with an invalid event"),
        }
    }
}

impl Error for EnvelopeError {}

/// The kind of an [`EnvelopeError`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum EnvelopeErrorKind {
    /// The message is not JSON, or has no version.
    NotAnEnvelope,
    /// The message has this version. Its publisher is newer than this program: update the workers
    /// before the web servers.
    UnsupportedVersion(u32),
    /// The envelope has no event that this version of the crate can deserialize.
    InvalidEvent,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_names_its_cause_and_quotes_no_text() {
        for (json, kind) in [
            (&b"\xff"[..], EnvelopeErrorKind::NotAnEnvelope),
            (b"", EnvelopeErrorKind::NotAnEnvelope),
            (b"{}", EnvelopeErrorKind::NotAnEnvelope),
            (
                br#"{"version":2,"payload":7}"#,
                EnvelopeErrorKind::UnsupportedVersion(2),
            ),
            (
                br#"{"version":1,"key":"k"}"#,
                EnvelopeErrorKind::InvalidEvent,
            ),
            (
                br#"{"version":1,"key":"k","received_at":1,"event":{"tomorrow":{"text":"Hi"}}}"#,
                EnvelopeErrorKind::InvalidEvent,
            ),
        ] {
            let error = Envelope::from_json(json).unwrap_err();
            assert_eq!(error.kind(), kind);
            assert!(!error.to_string().contains("Hi"));
        }
    }

    #[test]
    fn an_unknown_member_is_ignored() {
        let body = include_bytes!("../../tests/payloads/text.json");
        let webhook = whatsapp_signals::parse(body).unwrap();
        let envelope = Envelope::new(webhook.events()[0].clone());
        let json = String::from_utf8(envelope.to_json().unwrap()).unwrap();
        let json = json.replacen('{', r#"{"tomorrow":[1],"#, 1);
        assert_eq!(Envelope::from_json(json.as_bytes()).unwrap(), envelope);
    }

    #[test]
    fn an_event_that_may_recur_has_a_new_key_at_each_receipt() {
        let body = include_bytes!("../../tests/payloads/value-errors.json");
        let event = &whatsapp_signals::parse(body).unwrap().into_events()[0];
        let at =
            |nanos| ReceiptTime(Duration::from_nanos(nanos)).event_key(event.dedup_key(), event);
        assert_ne!(at(1), at(2));
        let body = include_bytes!("../../tests/payloads/text.json");
        let event = &whatsapp_signals::parse(body).unwrap().into_events()[0];
        assert_eq!(
            ReceiptTime::now().event_key(event.dedup_key(), event),
            event.dedup_key()
        );
    }
}
