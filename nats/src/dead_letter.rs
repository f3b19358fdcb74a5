//! What nobody could read, and what was tried often enough.

use std::fmt;
use std::str::FromStr;

use async_nats::HeaderMap;
use async_nats::header::{HeaderValue, NATS_MESSAGE_ID};
use async_nats::jetstream::message::{PublishMessage, StreamMessage};
use bytes::Bytes;
use serde_json::Value;
use whatsapp_signals::ParseError;
use whatsapp_signals::model::Timestamp;

use crate::message_id::hashed;

/// Why it is a dead letter.
const REASON: &str = "Wa-Reason";
/// Since when, in seconds since 1970.
const DIED_AT: &str = "Wa-Died-At";
/// The subject that it lay under.
const SUBJECT: &str = "Wa-Subject";
/// What its `Nats-Msg-Id` was.
const ID: &str = "Wa-Msg-Id";
/// How often it was delivered.
const DELIVERIES: &str = "Wa-Deliveries";
/// The receivers that failed, as a list in JSON. Not a header for each: `async_nats` keeps the
/// last value of a name when it reads a stored message.
const FAILED: &str = "Wa-Failed";
/// That it was a dead letter, and is to be tried once more.
pub(crate) const REQUEUED: &str = "Wa-Requeued";

/// How many bytes of the server's `max_payload` a dead letter may need beside the
/// event: an event must leave so many.
pub(crate) const HEADROOM: usize = 4096;

/// A body that Meta signed and that is no webhook, or an event of which a receiver
/// failed so often that it is not tried any more.
///
/// Its [`payload`](Self::payload) is personal data, and `Debug` leaves it out.
///
/// # Examples
///
/// ```no_run
/// use whatsapp_signals_nats::{DeadLetters, Envelope};
///
/// # async fn run(letters: &DeadLetters) -> Result<(), Box<dyn std::error::Error>> {
/// for letter in letters.list(100).await? {
///     match &letter.subject {
///         Some(_) => {
///             let event = Envelope::from_json(&letter.payload)?.event;
///             println!("{} failed at a {}", letter.failed.join(", "), event.name());
///         }
///         None => println!("a body: {}", letter.reason),
///     }
/// }
/// # Ok(())
/// # }
/// ```
#[derive(Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct DeadLetter {
    /// Its number in the stream of dead letters.
    pub sequence: u64,
    /// When it became one.
    pub died_at: Timestamp,
    /// Why.
    pub reason: String,
    /// The subject of an event; `None` for a body.
    pub subject: Option<String>,
    /// How often an event was delivered.
    pub deliveries: u64,
    /// The receivers that failed the last time, by uid or path. None when the program
    /// ended while they ran.
    pub failed: Vec<String>,
    /// The body, or the [`Envelope`](crate::Envelope), as it came.
    pub payload: Vec<u8>,
    pub(crate) id: Option<String>,
}

impl fmt::Debug for DeadLetter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DeadLetter")
            .field("sequence", &self.sequence)
            .field("died_at", &self.died_at)
            .field("reason", &self.reason)
            .field("subject", &self.subject)
            .field("deliveries", &self.deliveries)
            .field("failed", &self.failed)
            .finish_non_exhaustive()
    }
}

/// What the dead letter of a body says.
pub(crate) fn of_body(body: &[u8], error: &ParseError) -> PublishMessage {
    letter(
        headers(&hashed(body), &error.to_string()),
        Bytes::copy_from_slice(body),
    )
}

/// What the dead letter of an event says.
pub(crate) fn of_event(
    message: &async_nats::Message,
    sequence: u64,
    deliveries: u64,
    reason: &str,
    failed: &[String],
) -> PublishMessage {
    // Its number, not its id: requeued it may die a second time. And its bytes, as the
    // numbers of a stream that is made anew begin at 1.
    let id = format!("event:{sequence}:{}", hashed(&message.payload));
    let mut headers = headers(&id, reason);
    headers.insert(SUBJECT, value(&message.subject));
    headers.insert(DELIVERIES, HeaderValue::from(deliveries));
    let known = message.headers.as_ref();
    if let Some(id) = known.and_then(|headers| headers.get(NATS_MESSAGE_ID)) {
        headers.insert(ID, id.clone());
    }
    headers.insert(FAILED, value(&names(failed)));
    letter(headers, message.payload.clone())
}

/// Returns the names as a list in JSON, without those beyond the [`HEADROOM`]: an event that
/// fitted into the stream fits into the dead letters too.
fn names(failed: &[String]) -> String {
    let mut room = HEADROOM / 2;
    let names = failed.iter().map(|name| Value::from(name.as_str()));
    let fitting = names.take_while(|name| {
        room = room.saturating_sub(name.to_string().len() + 1);
        room > 0
    });
    fitting.collect::<Value>().to_string()
}

/// What all dead letters say.
fn headers(id: &str, reason: &str) -> HeaderMap {
    let mut headers = HeaderMap::new();
    headers.insert(NATS_MESSAGE_ID, id);
    headers.insert(REASON, value(reason));
    headers.insert(DIED_AT, HeaderValue::from(Timestamp::now().as_secs()));
    headers
}

fn letter(headers: HeaderMap, payload: Bytes) -> PublishMessage {
    PublishMessage::build().headers(headers).payload(payload)
}

/// A text as a header, which has one line.
fn value(text: &str) -> HeaderValue {
    text.parse()
        .unwrap_or_else(|_| HeaderValue::from(text.replace(['\r', '\n'], " ")))
}

/// A header as a number; 0 when it is none.
fn number<T: FromStr + Default>(headers: &HeaderMap, name: &str) -> T {
    let value = headers.get(name);
    let number = value.and_then(|value| value.as_str().parse().ok());
    number.unwrap_or_default()
}

impl DeadLetter {
    /// What the server keeps of it.
    pub(crate) fn read(message: StreamMessage) -> Self {
        let headers = &message.headers;
        let get = |name: &str| headers.get(name).map(|value| value.as_str().to_owned());
        Self {
            sequence: message.sequence,
            died_at: Timestamp::from_secs(number(headers, DIED_AT)),
            reason: get(REASON).unwrap_or_default(),
            subject: get(SUBJECT),
            deliveries: number(headers, DELIVERIES),
            failed: get(FAILED)
                .and_then(|names| serde_json::from_str(&names).ok())
                .unwrap_or_default(),
            id: get(ID),
            payload: message.payload.into(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_names_of_receivers_fit_into_the_room_that_is_kept_for_them() {
        let name = "a::\"b\"\r\n".to_owned();
        assert_eq!(names(std::slice::from_ref(&name)), r#"["a::\"b\"\r\n"]"#);
        let json = names(&vec![name; 10_000]);
        assert!((HEADROOM / 3..HEADROOM / 2).contains(&json.len()));
        assert!(serde_json::from_str::<Vec<String>>(&json).is_ok());
        assert_eq!(names(&[]), "[]");
    }
}
