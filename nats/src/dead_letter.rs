//! What nobody could read, and what was tried often enough.

use std::fmt;

use async_nats::HeaderMap;
use async_nats::header::{HeaderValue, NATS_MESSAGE_ID};
use async_nats::jetstream::message::{PublishMessage, StreamMessage};
use async_nats::jetstream::stream::{RawMessageErrorKind, Stream};
use bytes::Bytes;
use thiserror::Error;
use whatsapp_signals::model::Timestamp;
use whatsapp_signals::{BoxError, ParseError, Parser};

use crate::partition::hashed;
use crate::publish_error::{Cause, PublishError};
use crate::relay::Relay;
use crate::stream::EventStream;

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
/// A receiver that failed; once for each.
const FAILED: &str = "Wa-Failed";
/// That it was a dead letter, and is to be tried once more.
pub(crate) const REQUEUED: &str = "Wa-Requeued";

/// A body that Meta signed and that is no webhook, or an event of which a receiver
/// failed so often that it is not tried any more.
///
/// Its [`payload`](Self::payload) is personal data, and `Debug` leaves it out.
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
    pub payload: Bytes,
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
    // Its own number, not its id: requeued it may die a second time.
    let mut headers = headers(&format!("event:{sequence}"), reason);
    headers.insert(SUBJECT, value(&message.subject));
    headers.insert(DELIVERIES, HeaderValue::from(deliveries));
    let known = message.headers.as_ref();
    if let Some(id) = known.and_then(|headers| headers.get(NATS_MESSAGE_ID)) {
        headers.insert(ID, id.clone());
    }
    for receiver in failed {
        headers.append(FAILED, value(receiver));
    }
    letter(headers, message.payload.clone())
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

/// The dead letters of a stream: to be looked at, and tried again or discarded.
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
///     letters.requeue(letter.sequence).await?; // once the cause is mended
/// }
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct DeadLetters {
    stream: EventStream,
    dead: Stream,
}

impl DeadLetters {
    /// Those of this stream.
    ///
    /// # Errors
    ///
    /// When the server cannot be reached.
    pub async fn of(stream: &EventStream) -> Result<Self, DeadLetterError> {
        let name = stream.config.dead_name();
        let dead = stream.context.get_stream(name).await;
        Ok(Self {
            stream: stream.clone(),
            dead: dead.map_err(DeadLetterError::server)?,
        })
    }

    /// Up to `limit` of them, the oldest first.
    ///
    /// # Errors
    ///
    /// When the server cannot be reached.
    pub async fn list(&self, limit: usize) -> Result<Vec<DeadLetter>, DeadLetterError> {
        let mut letters = Vec::new();
        let mut next = 1;
        while letters.len() < limit
            && let Some(letter) = self.next(next).await?
        {
            next = letter.sequence + 1;
            letters.push(letter);
        }
        Ok(letters)
    }

    /// The first letter from this number on.
    async fn next(&self, sequence: u64) -> Result<Option<DeadLetter>, DeadLetterError> {
        let subject = self.stream.config.dead_subject();
        let found = self.dead.raw_message_builder().sequence(sequence);
        match found.next_by_subject(subject).send().await {
            Ok(message) => Ok(Some(DeadLetter::from(message))),
            Err(error) if error.kind() == RawMessageErrorKind::NoMessageFound => Ok(None),
            Err(error) => Err(DeadLetterError::server(error)),
        }
    }

    async fn get(&self, sequence: u64) -> Result<Option<DeadLetter>, DeadLetterError> {
        let found = self.next(sequence).await?;
        Ok(found.filter(|letter| letter.sequence == sequence))
    }

    /// Puts an event into its partition again, behind what waits there; and reads
    /// a body anew, as a later version may be able to. False when there is no
    /// letter with this number.
    ///
    /// # Errors
    ///
    /// When the server cannot be reached, or the body still is no webhook. The letter
    /// stays then.
    pub async fn requeue(&self, sequence: u64) -> Result<bool, DeadLetterError> {
        let Some(letter) = self.get(sequence).await? else {
            return Ok(false);
        };
        if let Some(subject) = &letter.subject {
            self.requeue_event(&letter, subject.clone()).await?;
        } else {
            let parser = Parser::new().max_len(usize::MAX);
            let webhook = parser.parse(&letter.payload)?;
            Relay::new(&self.stream).publish(&webhook).await?;
        }
        self.discard(sequence).await
    }

    async fn requeue_event(
        &self,
        letter: &DeadLetter,
        subject: String,
    ) -> Result<(), PublishError> {
        // Another id: the first one is known to the server.
        let id = letter.id.as_deref().unwrap_or_default();
        let message = PublishMessage::build()
            .payload(letter.payload.clone())
            .header(
                NATS_MESSAGE_ID,
                format!("{id}:requeued={}", letter.sequence),
            )
            .header(REQUEUED, "1");
        let context = &self.stream.context;
        let publish = async {
            let ack = context.send_publish(subject, message).await?;
            ack.await
        };
        let published = publish.await.map_err(Cause::from);
        published.map(drop).map_err(PublishError::of_one)
    }

    /// Deletes a letter. False when there is none with this number.
    ///
    /// # Errors
    ///
    /// When the server cannot be reached.
    pub async fn discard(&self, sequence: u64) -> Result<bool, DeadLetterError> {
        if self.get(sequence).await?.is_none() {
            return Ok(false);
        }
        let deleted = self.dead.delete_message(sequence).await;
        deleted.map_err(DeadLetterError::server)
    }
}

impl From<StreamMessage> for DeadLetter {
    fn from(message: StreamMessage) -> Self {
        let headers = &message.headers;
        let get = |name: &str| headers.get(name).map(|value| value.as_str().to_owned());
        let number = |name| get(name).and_then(|text| text.parse().ok());
        Self {
            sequence: message.sequence,
            died_at: Timestamp::from_secs(number(DIED_AT).unwrap_or_default()),
            reason: get(REASON).unwrap_or_default(),
            subject: get(SUBJECT),
            deliveries: get(DELIVERIES)
                .and_then(|text| text.parse().ok())
                .unwrap_or_default(),
            failed: headers
                .get_all(FAILED)
                .map(|value| value.as_str().to_owned())
                .collect(),
            id: get(ID),
            payload: message.payload,
        }
    }
}

/// Why something could not be done with a dead letter.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum DeadLetterError {
    /// The server cannot be reached, or has refused.
    #[error("the server could not look after its dead letters")]
    Server(#[source] BoxError),
    /// The body still is no webhook.
    #[error(transparent)]
    Parse(#[from] ParseError),
    /// The letter could not be put into the stream.
    #[error(transparent)]
    Publish(#[from] PublishError),
}

impl DeadLetterError {
    fn server(error: impl Into<BoxError>) -> Self {
        Self::Server(error.into())
    }
}
