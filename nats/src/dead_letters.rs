//! Dead letters: their format, listing, requeuing and deletion.

use std::fmt;
use std::str::FromStr;

use async_nats::HeaderMap;
use async_nats::header::{HeaderValue, NATS_MESSAGE_ID};
use async_nats::jetstream::ErrorCode;
use async_nats::jetstream::message::{PublishMessage, StreamMessage};
use async_nats::jetstream::stream::{
    DeleteMessageError, DeleteMessageErrorKind, RawMessageErrorKind, Stream,
};
use bytes::Bytes;
use serde_json::Value;
use thiserror::Error;
use whatsapp_signals::model::Timestamp;
use whatsapp_signals::{BoxError, ParseError, Parser};

use crate::envelope::Envelope;
use crate::publish::{HEADROOM, PublishError, Publisher};
use crate::stream::EventStream;
use crate::subject::{event_subject, hash_id};

/// The reason of the dead letter.
const REASON: &str = "Wa-Reason";
/// The time at which it became one, in seconds since 1970.
const DIED_AT: &str = "Wa-Died-At";
/// The subject of the event.
const SUBJECT: &str = "Wa-Subject";
/// The `Nats-Msg-Id` of the event.
const ID: &str = "Wa-Msg-Id";
/// The number of deliveries.
const DELIVERIES: &str = "Wa-Deliveries";
/// The receivers that failed, as a JSON array. `async_nats` keeps only the last value of a header
/// when it reads a stored message, so a header for each of them would lose all but one.
const FAILED: &str = "Wa-Failed";
/// Present on an event that was a dead letter and has been requeued.
pub(crate) const REQUEUED: &str = "Wa-Requeued";

/// A signed body that is no webhook, or an event whose deliveries failed too often.
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
    /// The sequence number in the stream of dead letters.
    pub sequence: u64,
    /// The time at which it became a dead letter.
    pub died_at: Timestamp,
    /// The reason.
    pub reason: String,
    /// The subject of an event; `None` for a body.
    pub subject: Option<String>,
    /// The number of deliveries of an event.
    pub deliveries: u64,
    /// The uids or paths of the receivers that failed in the last delivery. Empty if the program
    /// ended while they ran.
    pub failed: Vec<String>,
    /// The body, or the [`Envelope`], byte for byte.
    pub payload: Vec<u8>,
    /// The `Nats-Msg-Id` of an event.
    id: Option<String>,
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

impl DeadLetter {
    fn from_message(message: StreamMessage) -> Self {
        let headers = &message.headers;
        let get = |name: &str| headers.get(name).map(|value| value.as_str().to_owned());
        Self {
            sequence: message.sequence,
            died_at: Timestamp::from_secs(number_header(headers, DIED_AT)),
            reason: get(REASON).unwrap_or_default(),
            subject: get(SUBJECT),
            deliveries: number_header(headers, DELIVERIES),
            failed: get(FAILED)
                .and_then(|names| serde_json::from_str(&names).ok())
                .unwrap_or_default(),
            id: get(ID),
            payload: message.payload.into(),
        }
    }
}

/// Returns the dead letter of a body.
pub(crate) fn body_letter(body: &[u8], error: &ParseError) -> PublishMessage {
    PublishMessage::build()
        .headers(letter_headers(&hash_id(body), &error.to_string()))
        .payload(Bytes::copy_from_slice(body))
}

/// Returns the dead letter of an event.
pub(crate) fn event_letter(
    message: &async_nats::Message,
    sequence: u64,
    deliveries: u64,
    reason: &str,
    failed: &[String],
) -> PublishMessage {
    // The id has the sequence number, since a requeued event may become a dead letter again, and
    // a hash of the payload, since the numbers of a recreated stream begin at 1.
    let id = format!("event:{sequence}:{}", hash_id(&message.payload));
    let mut headers = letter_headers(&id, reason);
    headers.insert(SUBJECT, text_header(&message.subject));
    headers.insert(DELIVERIES, HeaderValue::from(deliveries));
    let event_headers = message.headers.as_ref();
    if let Some(id) = event_headers.and_then(|headers| headers.get(NATS_MESSAGE_ID)) {
        headers.insert(ID, id.clone());
    }
    headers.insert(FAILED, text_header(&names_json(failed)));
    PublishMessage::build()
        .headers(headers)
        .payload(message.payload.clone())
}

/// Returns the headers that every dead letter has.
fn letter_headers(id: &str, reason: &str) -> HeaderMap {
    let mut headers = HeaderMap::new();
    headers.insert(NATS_MESSAGE_ID, id);
    headers.insert(REASON, text_header(reason));
    headers.insert(DIED_AT, HeaderValue::from(Timestamp::now().as_secs()));
    headers
}

/// Returns the names as a JSON array, cut off at half of the [`HEADROOM`], so that the dead letter
/// of any event that the relay accepts fits into `max_payload`.
fn names_json(failed: &[String]) -> String {
    let mut room = HEADROOM / 2;
    let names = failed.iter().map(|name| Value::from(name.as_str()));
    let fitting = names.take_while(|name| {
        room = room.saturating_sub(name.to_string().len() + 1);
        room > 0
    });
    fitting.collect::<Value>().to_string()
}

/// Returns a text as the value of a header, with spaces for line breaks.
fn text_header(text: &str) -> HeaderValue {
    text.parse()
        .unwrap_or_else(|_| HeaderValue::from(text.replace(['\r', '\n'], " ")))
}

/// Returns the number in a header; 0 if it is missing or no number.
fn number_header<T: FromStr + Default>(headers: &HeaderMap, name: &str) -> T {
    let value = headers.get(name);
    let number = value.and_then(|value| value.as_str().parse().ok());
    number.unwrap_or_default()
}

/// The dead letters of a stream.
///
/// # Examples
///
/// ```no_run
/// use whatsapp_signals_nats::{DeadLetters, EventStream};
///
/// # async fn run(stream: &EventStream) -> Result<(), Box<dyn std::error::Error>> {
/// let letters = DeadLetters::of(stream).await?;
/// for letter in letters.list(100).await? {
///     println!("{}: {} {:?}", letter.sequence, letter.reason, letter.failed);
///     letters.requeue(letter.sequence).await?; // once the cause is repaired
/// }
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct DeadLetters {
    stream: EventStream,
    letters: Stream,
    parser: Parser,
}

impl fmt::Debug for DeadLetters {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DeadLetters")
            .field("stream", &self.stream)
            .field("parser", &self.parser)
            .finish_non_exhaustive()
    }
}

impl DeadLetters {
    /// Returns the dead letters of a stream.
    ///
    /// # Errors
    ///
    /// When the server cannot be reached.
    pub async fn of(stream: &EventStream) -> Result<Self, DeadLetterError> {
        let name = stream.config.dead_name();
        let letters = stream.context.get_stream(name).await;
        Ok(Self {
            stream: stream.clone(),
            letters: letters.map_err(DeadLetterError::server)?,
            parser: Parser::new(),
        })
    }

    /// Sets the parser of requeued bodies, usually the [relay's](crate::Relay::parser). Its limit
    /// of size does not apply, because the bodies are stored already.
    #[must_use]
    pub fn parser(mut self, parser: Parser) -> Self {
        self.parser = parser;
        self
    }

    /// Returns up to `limit` letters, the oldest first.
    ///
    /// # Errors
    ///
    /// When the server cannot be reached.
    pub async fn list(&self, limit: usize) -> Result<Vec<DeadLetter>, DeadLetterError> {
        self.list_after(0, limit).await
    }

    /// Returns up to `limit` letters with greater numbers than `sequence`, the oldest first: the
    /// next page of a [`list`](Self::list).
    ///
    /// # Errors
    ///
    /// When the server cannot be reached.
    ///
    /// ```no_run
    /// # use whatsapp_signals_nats::{DeadLetterError, DeadLetters};
    /// # async fn run(letters: &DeadLetters) -> Result<(), DeadLetterError> {
    /// let mut last = 0;
    /// loop {
    ///     let page = letters.list_after(last, 100).await?;
    ///     let Some(letter) = page.last() else { break };
    ///     last = letter.sequence;
    /// }
    /// # Ok(())
    /// # }
    /// ```
    pub async fn list_after(
        &self,
        sequence: u64,
        limit: usize,
    ) -> Result<Vec<DeadLetter>, DeadLetterError> {
        let mut letters = Vec::new();
        let mut next = sequence.saturating_add(1);
        while letters.len() < limit
            && let Some(letter) = self.first_from(next).await?
        {
            next = letter.sequence.saturating_add(1);
            letters.push(letter);
        }
        Ok(letters)
    }

    /// Returns the first letter with this number or a greater one.
    async fn first_from(&self, sequence: u64) -> Result<Option<DeadLetter>, DeadLetterError> {
        let subject = self.stream.config.dead_subject();
        let request = self.letters.raw_message_builder().sequence(sequence);
        match request.next_by_subject(subject).send().await {
            Ok(message) => Ok(Some(DeadLetter::from_message(message))),
            Err(error) if error.kind() == RawMessageErrorKind::NoMessageFound => Ok(None),
            Err(error) => Err(DeadLetterError::server(error)),
        }
    }

    /// Returns the letter with this number.
    ///
    /// # Errors
    ///
    /// When the server cannot be reached.
    pub async fn get(&self, sequence: u64) -> Result<Option<DeadLetter>, DeadLetterError> {
        let found = self.first_from(sequence).await?;
        Ok(found.filter(|letter| letter.sequence == sequence))
    }

    /// Publishes an event to the end of its partition, or parses a body again and publishes its
    /// events, then deletes the letter. Returns false if no letter has this number.
    ///
    /// # Errors
    ///
    /// When the server cannot be reached, or the body is still no webhook. The letter is kept.
    ///
    /// ```no_run
    /// use whatsapp_signals_nats::{DeadLetterError, DeadLetterErrorKind, DeadLetters};
    ///
    /// # async fn run(letters: &DeadLetters, sequence: u64) -> Result<(), DeadLetterError> {
    /// match letters.requeue(sequence).await {
    ///     Ok(exists) => assert!(exists),
    ///     Err(error) => match error.kind() {
    ///         DeadLetterErrorKind::Parse(error) => println!("still no webhook: {error}"),
    ///         _ => return Err(error),
    ///     },
    /// }
    /// # Ok(())
    /// # }
    /// ```
    pub async fn requeue(&self, sequence: u64) -> Result<bool, DeadLetterError> {
        let Some(letter) = self.get(sequence).await? else {
            return Ok(false);
        };
        let publisher = Publisher::new(&self.stream);
        if let Some(subject) = &letter.subject {
            // The number of partitions may have changed since.
            let config = &self.stream.config;
            let subject = Envelope::from_json(&letter.payload).map_or_else(
                |_| subject.clone(),
                |envelope| event_subject(&envelope.event, &config.prefix, config.partitions),
            );
            let message = requeued_event(&letter);
            publisher.publish_message(subject, message).await?;
        } else {
            let parser = self.parser.max_len(usize::MAX);
            let webhook = parser.parse(&letter.payload)?;
            publisher.publish_webhook(&webhook).await?;
        }
        self.discard(sequence).await
    }

    /// Deletes a letter. Returns false if no letter has this number.
    ///
    /// # Errors
    ///
    /// When the server cannot be reached.
    pub async fn discard(&self, sequence: u64) -> Result<bool, DeadLetterError> {
        match self.letters.delete_message(sequence).await {
            Ok(is_deleted) => Ok(is_deleted),
            Err(error) if is_missing(&error) => Ok(false),
            Err(error) => Err(DeadLetterError::server(error)),
        }
    }
}

/// Returns the event of a letter with another message id. With the old one the server would treat
/// it as a duplicate.
fn requeued_event(letter: &DeadLetter) -> PublishMessage {
    let id = letter.id.as_deref().unwrap_or_default();
    let id = format!("{id}:requeued={}", letter.sequence);
    PublishMessage::build()
        .payload(letter.payload.clone().into())
        .header(NATS_MESSAGE_ID, id)
        .header(REQUEUED, "1")
}

/// Returns true if the message to delete does not exist.
fn is_missing(error: &DeleteMessageError) -> bool {
    let missing = [
        ErrorCode::STREAM_MESSAGE_DELETE_FAILED,
        ErrorCode::SEQUENCE_NOT_FOUND,
        ErrorCode::NO_MESSAGE_FOUND,
    ];
    let kind = error.kind();
    matches!(kind, DeleteMessageErrorKind::JetStream(error) if missing.contains(&error.error_code()))
}

/// An error of [`DeadLetters`].
///
/// # Examples
///
/// ```
/// use whatsapp_signals_nats::{DeadLetterError, DeadLetterErrorKind};
///
/// let error = DeadLetterError::from(whatsapp_signals::parse(b"{").unwrap_err());
/// assert!(matches!(error.kind(), DeadLetterErrorKind::Parse(_)));
/// assert_eq!(error.to_string(), "unexpected end of the body at line 1 column 1");
/// ```
#[derive(Debug, Error)]
#[error(transparent)]
pub struct DeadLetterError(DeadLetterErrorKind);

impl DeadLetterError {
    fn server(error: impl Into<BoxError>) -> Self {
        Self(DeadLetterErrorKind::Server(error.into()))
    }

    /// Returns the cause.
    #[must_use]
    pub fn kind(&self) -> &DeadLetterErrorKind {
        &self.0
    }
}

impl From<ParseError> for DeadLetterError {
    fn from(error: ParseError) -> Self {
        Self(DeadLetterErrorKind::Parse(error))
    }
}

impl From<PublishError> for DeadLetterError {
    fn from(error: PublishError) -> Self {
        Self(DeadLetterErrorKind::Publish(error))
    }
}

/// The cause of a [`DeadLetterError`].
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum DeadLetterErrorKind {
    /// The server cannot be reached, or has refused the request.
    #[error("the server could not read or delete dead letters")]
    Server(#[source] BoxError),
    /// The body is still no webhook.
    #[error(transparent)]
    Parse(ParseError),
    /// The events of the letter could not be published.
    #[error(transparent)]
    Publish(PublishError),
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_names_of_failed_receivers_fit_into_the_headroom() {
        let name = "a::\"b\"\r\n".to_owned();
        assert_eq!(
            names_json(std::slice::from_ref(&name)),
            r#"["a::\"b\"\r\n"]"#
        );
        let json = names_json(&vec![name; 10_000]);
        assert!((HEADROOM / 3..HEADROOM / 2).contains(&json.len()));
        assert!(serde_json::from_str::<Vec<String>>(&json).is_ok());
        assert_eq!(names_json(&[]), "[]");
    }
}
