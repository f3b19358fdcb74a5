//! What lies in the queue.

use std::borrow::Cow;
use std::time::{Duration, SystemTime};

use serde::{Deserialize, Serialize};
use whatsapp_signals::WebhookEvent;
use whatsapp_signals::model::Timestamp;

use crate::envelope_error::EnvelopeError;

/// What lies in the queue: one event, as JSON, with what a worker must know
/// about it.
///
/// The event has its raw JSON in it, as Meta sent it. All of it is personal data.
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
    /// The key of the event, wherever it is delivered again: its
    /// [`dedup_key`](WebhookEvent::dedup_key). The key of an event that
    /// [may recur](WebhookEvent::repeats) also has the time of its receipt and, from a relay,
    /// the count among equal ones of its body.
    pub key: String,
    /// When the web server received it.
    pub received_at: Timestamp,
    /// The event.
    pub event: WebhookEvent,
}

/// The version of the format that is written.
const VERSION: u32 = 1;

#[derive(Serialize)]
struct Written<'a> {
    version: u32,
    key: &'a str,
    received_at: Timestamp,
    event: &'a WebhookEvent,
}

#[derive(Deserialize)]
struct Version {
    version: u32,
}

#[derive(Deserialize)]
struct Read<'a> {
    #[serde(borrow)]
    key: Cow<'a, str>,
    received_at: Timestamp,
    event: WebhookEvent,
}

impl Envelope {
    /// An envelope for an event that was received just now.
    ///
    /// ```
    /// use whatsapp_signals_nats::Envelope;
    ///
    /// let webhook = whatsapp_signals::parse(&std::fs::read("../tests/payloads/text.json")?)?;
    /// let event = &webhook.events()[0];
    /// assert_eq!(Envelope::new(event.clone()).key, event.dedup_key());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn new(event: WebhookEvent) -> Self {
        let received = Received::now();
        Self {
            key: received.key_of(event.dedup_key(), &event),
            received_at: received.at(),
            event,
        }
    }

    /// Its JSON.
    ///
    /// # Errors
    ///
    /// Those of `serde_json`, which an event does not cause.
    ///
    /// ```
    /// use whatsapp_signals_nats::Envelope;
    ///
    /// let webhook = whatsapp_signals::parse(&std::fs::read("../tests/payloads/text.json")?)?;
    /// let json = Envelope::new(webhook.into_events().remove(0)).to_json()?;
    /// assert!(json.starts_with(br#"{"version":1,"key":"message_received:wamid."#));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn to_json(&self) -> serde_json::Result<Vec<u8>> {
        write(&self.key, self.received_at, &self.event)
    }

    /// Reads what [`to_json`](Self::to_json) wrote, in this version of the crate or
    /// an earlier one. Members that it does not know are left out.
    ///
    /// # Errors
    ///
    /// When it is no envelope, or a later version has written it.
    ///
    /// ```
    /// use whatsapp_signals_nats::{Envelope, EnvelopeError};
    ///
    /// let webhook = whatsapp_signals::parse(&std::fs::read("../tests/payloads/text.json")?)?;
    /// let envelope = Envelope::new(webhook.into_events().remove(0));
    /// assert_eq!(Envelope::from_json(&envelope.to_json()?)?, envelope);
    /// assert_eq!(Envelope::from_json(b"{}"), Err(EnvelopeError::NotAnEnvelope));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn from_json(json: &[u8]) -> Result<Self, EnvelopeError> {
        let Ok(Version { version }) = serde_json::from_slice(json) else {
            return Err(EnvelopeError::NotAnEnvelope);
        };
        if version != VERSION {
            return Err(EnvelopeError::OtherVersion(version));
        }
        // The error of `serde_json` might quote what a user wrote.
        let read: Read<'_> = serde_json::from_slice(json).map_err(|_| EnvelopeError::Unreadable)?;
        Ok(Self {
            key: read.key.into_owned(),
            received_at: read.received_at,
            event: read.event,
        })
    }
}

/// The JSON of an envelope around an event that is somebody else's.
pub(crate) fn write(
    key: &str,
    received_at: Timestamp,
    event: &WebhookEvent,
) -> serde_json::Result<Vec<u8>> {
    serde_json::to_vec(&Written {
        version: VERSION,
        key,
        received_at,
        event,
    })
}

/// When something was received, since 1970.
#[derive(Clone, Copy)]
pub(crate) struct Received(Duration);

impl Received {
    pub(crate) fn now() -> Self {
        let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
        // A clock before 1970 is one that was never set.
        Self(since.unwrap_or_default())
    }

    pub(crate) fn at(self) -> Timestamp {
        Timestamp::from_secs(self.0.as_secs().try_into().unwrap_or(i64::MAX))
    }

    /// Returns what an event with this key is known by that was received then.
    pub(crate) fn key_of(self, key: String, event: &WebhookEvent) -> String {
        if event.repeats() {
            format!("{key}:received={}", self.0.as_nanos())
        } else {
            key
        }
    }
}

impl std::fmt::Debug for Envelope {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Envelope")
            .field("received_at", &self.received_at)
            .field("signal", &self.event.name())
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_cannot_be_read_says_why_and_quotes_nothing() {
        for (json, error) in [
            (&b"\xff"[..], EnvelopeError::NotAnEnvelope),
            (b"", EnvelopeError::NotAnEnvelope),
            (b"{}", EnvelopeError::NotAnEnvelope),
            (
                br#"{"version":2,"payload":7}"#,
                EnvelopeError::OtherVersion(2),
            ),
            (br#"{"version":1,"key":"k"}"#, EnvelopeError::Unreadable),
            (
                br#"{"version":1,"key":"k","received_at":1,"event":{"tomorrow":{"text":"Hi"}}}"#,
                EnvelopeError::Unreadable,
            ),
        ] {
            assert_eq!(Envelope::from_json(json).unwrap_err(), error);
            assert!(!error.to_string().contains("Hi"));
        }
    }

    #[test]
    fn a_member_of_tomorrow_is_no_reason_to_fail() {
        let body = include_bytes!("../../tests/payloads/text.json");
        let webhook = whatsapp_signals::parse(body).unwrap();
        let envelope = Envelope::new(webhook.events()[0].clone());
        let json = String::from_utf8(envelope.to_json().unwrap()).unwrap();
        let json = json.replacen('{', r#"{"tomorrow":[1],"#, 1);
        assert_eq!(Envelope::from_json(json.as_bytes()).unwrap(), envelope);
    }

    #[test]
    fn an_error_that_comes_again_later_has_another_key() {
        let body = include_bytes!("../../tests/payloads/value-errors.json");
        let event = &whatsapp_signals::parse(body).unwrap().into_events()[0];
        let at = |nanos| Received(Duration::from_nanos(nanos)).key_of(event.dedup_key(), event);
        assert_ne!(at(1), at(2));
        let body = include_bytes!("../../tests/payloads/text.json");
        let event = &whatsapp_signals::parse(body).unwrap().into_events()[0];
        assert_eq!(
            Received::now().key_of(event.dedup_key(), event),
            event.dedup_key()
        );
    }
}
