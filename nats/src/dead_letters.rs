//! Looking after dead letters.

use std::fmt;
use std::time::Duration;

use async_nats::header::NATS_MESSAGE_ID;
use async_nats::jetstream::ErrorCode;
use async_nats::jetstream::message::PublishMessage;
use async_nats::jetstream::stream::{
    DeleteMessageError, DeleteMessageErrorKind, RawMessageErrorKind, Stream,
};
use thiserror::Error;
use whatsapp_signals::{BoxError, ParseError, Parser};

use crate::dead_letter::{DeadLetter, REQUEUED};
use crate::envelope::Envelope;
use crate::publish_error::PublishError;
use crate::relay::Relay;
use crate::stream::EventStream;
use crate::subject::subject_of;

/// How long the server may take to store one again.
const DEADLINE: Duration = Duration::from_secs(5);

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
#[derive(Clone)]
pub struct DeadLetters {
    stream: EventStream,
    dead: Stream,
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
            parser: Parser::new(),
        })
    }

    /// Reads requeued bodies with this parser, which should be the
    /// [relay's](Relay::parser). Its limit does not apply: the bodies were stored.
    ///
    /// ```no_run
    /// use whatsapp_signals::Parser;
    /// use whatsapp_signals_nats::{DeadLetterError, DeadLetters, EventStream};
    ///
    /// # async fn run(stream: &EventStream) -> Result<(), DeadLetterError> {
    /// let gupshup = Parser::new().ignored_members(&["gs_app_id"]);
    /// let letters = DeadLetters::of(stream).await?.parser(gupshup);
    /// for letter in letters.list(100).await? {
    ///     assert!(letters.requeue(letter.sequence).await?);
    /// }
    /// # Ok(())
    /// # }
    /// ```
    #[must_use]
    pub fn parser(mut self, parser: Parser) -> Self {
        self.parser = parser;
        self
    }

    /// Up to `limit` of them, the oldest first.
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
            && let Some(letter) = self.next(next).await?
        {
            next = letter.sequence.saturating_add(1);
            letters.push(letter);
        }
        Ok(letters)
    }

    /// The first letter from this number on.
    async fn next(&self, sequence: u64) -> Result<Option<DeadLetter>, DeadLetterError> {
        let subject = self.stream.config.dead_subject();
        let found = self.dead.raw_message_builder().sequence(sequence);
        match found.next_by_subject(subject).send().await {
            Ok(message) => Ok(Some(DeadLetter::read(message))),
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
    ///
    /// ```no_run
    /// use whatsapp_signals_nats::{DeadLetterError, DeadLetters};
    ///
    /// # async fn run(letters: &DeadLetters, sequence: u64) -> Result<(), DeadLetterError> {
    /// match letters.requeue(sequence).await {
    ///     Ok(is_there) => assert!(is_there),
    ///     Err(DeadLetterError::Parse(error)) => println!("still no webhook: {error}"),
    ///     Err(error) => return Err(error),
    /// }
    /// # Ok(())
    /// # }
    /// ```
    pub async fn requeue(&self, sequence: u64) -> Result<bool, DeadLetterError> {
        let Some(letter) = self.get(sequence).await? else {
            return Ok(false);
        };
        if let Some(subject) = &letter.subject {
            // The stream may have other partitions by now.
            let config = &self.stream.config;
            let subject = Envelope::from_json(&letter.payload).map_or_else(
                |_| subject.clone(),
                |envelope| subject_of(&envelope.event, &config.prefix, config.partitions),
            );
            self.requeue_event(&letter, subject).await?;
        } else {
            let parser = self.parser.max_len(usize::MAX);
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
            .payload(letter.payload.clone().into())
            .header(
                NATS_MESSAGE_ID,
                format!("{id}:requeued={}", letter.sequence),
            )
            .header(REQUEUED, "1");
        self.stream.store(subject, message, DEADLINE).await
    }

    /// Deletes a letter. False when there is none with this number.
    ///
    /// # Errors
    ///
    /// When the server cannot be reached.
    ///
    /// ```no_run
    /// # use whatsapp_signals_nats::{DeadLetterError, DeadLetters};
    /// # async fn run(letters: &DeadLetters) -> Result<(), DeadLetterError> {
    /// for letter in letters.list(100).await? {
    ///     assert!(letters.discard(letter.sequence).await?);
    /// }
    /// # Ok(())
    /// # }
    /// ```
    pub async fn discard(&self, sequence: u64) -> Result<bool, DeadLetterError> {
        match self.dead.delete_message(sequence).await {
            Ok(is_deleted) => Ok(is_deleted),
            Err(error) if is_missing(&error) => Ok(false),
            Err(error) => Err(DeadLetterError::server(error)),
        }
    }
}

/// Whether there is no message to delete.
fn is_missing(error: &DeleteMessageError) -> bool {
    let missing = [
        ErrorCode::STREAM_MESSAGE_DELETE_FAILED,
        ErrorCode::SEQUENCE_NOT_FOUND,
        ErrorCode::NO_MESSAGE_FOUND,
    ];
    let kind = error.kind();
    matches!(kind, DeleteMessageErrorKind::JetStream(error) if missing.contains(&error.error_code()))
}

/// Why something could not be done with a dead letter.
///
/// # Examples
///
/// ```
/// use whatsapp_signals_nats::DeadLetterError;
///
/// let error = DeadLetterError::from(whatsapp_signals::parse(b"{").unwrap_err());
/// assert_eq!(error.to_string(), "the body ends early, at line 1 column 1");
/// ```
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
