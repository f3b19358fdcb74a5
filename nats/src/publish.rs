//! Publishing to the streams.

use std::error::Error;
use std::fmt;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use async_nats::header::NATS_MESSAGE_ID;
use async_nats::jetstream::context::{
    PublishAckFuture, PublishError as NatsPublishError, PublishErrorKind as NatsPublishErrorKind,
};
use async_nats::jetstream::message::PublishMessage;
use async_nats::jetstream::publish::PublishAck;
use async_nats::jetstream::{Context, Error as ServerError, ErrorCode};
use futures_util::StreamExt;
use futures_util::stream::FuturesUnordered;
use tokio::time::timeout;
use whatsapp_signals::{BoxError, Webhook, WebhookEvent};

use crate::envelope::{self, ReceiptTime};
use crate::stream::{EventStream, StreamConfig};
use crate::subject::{event_subject, message_id};

/// The default deadline of a publication.
const DEADLINE: Duration = Duration::from_secs(5);

/// The space of the server's `max_payload` that a dead letter may need beside its event, in bytes.
/// A larger event is refused, because its dead letter could not be stored.
pub(crate) const HEADROOM: usize = 4096;

/// Publishes messages to the streams of events and of dead letters, each within a deadline.
#[derive(Clone)]
pub(crate) struct Publisher {
    context: Context,
    config: Arc<StreamConfig>,
    pub(crate) deadline: Duration,
}

impl Publisher {
    pub(crate) fn new(stream: &EventStream) -> Self {
        let publisher = Self {
            context: stream.context.clone(),
            config: Arc::clone(&stream.config),
            deadline: Duration::ZERO,
        };
        publisher.deadline(DEADLINE)
    }

    pub(crate) fn deadline(mut self, deadline: Duration) -> Self {
        self.deadline = deadline;
        self.context.set_timeout(deadline);
        self
    }

    /// Publishes one message and waits for the server's acknowledgment.
    pub(crate) async fn publish_message(
        &self,
        subject: String,
        message: PublishMessage,
    ) -> Result<(), PublishError> {
        let publish = async { self.context.send_publish(subject, message).await?.await };
        let cause = match timeout(self.deadline, publish).await {
            Ok(Ok(_)) => return Ok(()),
            Ok(Err(error)) => error.into(),
            Err(_) => PublishCause::timed_out(),
        };
        Err(PublishError {
            stored: 0,
            events: 1,
            cause,
        })
    }

    /// Publishes the events of a webhook and waits for all acknowledgments.
    pub(crate) async fn publish_webhook(
        &self,
        webhook: &Webhook,
    ) -> Result<Published, PublishError> {
        let mut progress = PublishProgress::default();
        let all = self.publish_events(webhook, &mut progress);
        if timeout(self.deadline, all).await.is_err() {
            progress.record_failure(PublishCause::timed_out());
        }
        progress.into_result(webhook.events().len())
    }

    /// Sends the events in order. Acknowledgments are polled beside each send: the client limits
    /// the number of outstanding ones, and a send may wait until one of them arrives.
    async fn publish_events(&self, webhook: &Webhook, progress: &mut PublishProgress) {
        let received = ReceiptTime::now();
        let max_len = self.context.client().max_payload().saturating_sub(HEADROOM);
        let mut acks = FuturesUnordered::new();
        for (event, key) in webhook.iter().zip(webhook.dedup_keys()) {
            let key = received.event_key(key, event);
            let mut pending = pin!(self.send_event(event, key, received, max_len));
            let sent = loop {
                tokio::select! {
                    biased;
                    sent = &mut pending => break sent,
                    Some(ack) = acks.next() => progress.record(ack),
                }
            };
            match sent {
                Ok(ack) => acks.push(ack.into_future()),
                Err(cause) => progress.record_failure(cause),
            }
        }
        while let Some(ack) = acks.next().await {
            progress.record(ack);
        }
    }

    async fn send_event(
        &self,
        event: &WebhookEvent,
        key: String,
        received: ReceiptTime,
        max_len: usize,
    ) -> Result<PublishAckFuture, PublishCause> {
        let json =
            envelope::serialize(&key, received.timestamp(), event).map_err(PublishCause::other)?;
        if json.len() > max_len {
            return Err(PublishCause::too_large());
        }
        let subject = event_subject(event, &self.config.prefix, self.config.partitions);
        let message = PublishMessage::build()
            .payload(json.into())
            .header(NATS_MESSAGE_ID, message_id(&key));
        Ok(self.context.send_publish(subject, message).await?)
    }
}

/// The result of publishing a webhook. The server has acknowledged every event.
///
/// # Examples
///
/// ```no_run
/// use whatsapp_signals::Webhook;
/// use whatsapp_signals_nats::Relay;
///
/// # async fn run(relay: &Relay, webhook: &Webhook) -> Result<(), Box<dyn std::error::Error>> {
/// assert_eq!(relay.publish(webhook).await?.stored, webhook.events().len());
///
/// let repeated = relay.publish(webhook).await?;
/// assert_eq!(repeated.duplicates, repeated.stored, "Meta sent it again");
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub struct Published {
    /// The number of events that are in the stream.
    pub stored: usize,
    /// The number of those that had been in the stream before.
    pub duplicates: usize,
}

/// The acknowledgments and failures of a webhook's events so far.
#[derive(Default)]
struct PublishProgress {
    published: Published,
    first_failure: Option<PublishCause>,
}

impl PublishProgress {
    fn record(&mut self, ack: Result<PublishAck, NatsPublishError>) {
        match ack {
            Ok(ack) => {
                self.published.stored += 1;
                self.published.duplicates += usize::from(ack.duplicate);
            }
            Err(error) => self.record_failure(error.into()),
        }
    }

    fn record_failure(&mut self, cause: PublishCause) {
        self.first_failure.get_or_insert(cause);
    }

    /// Returns the counts, or the first failure among `events` events.
    fn into_result(self, events: usize) -> Result<Published, PublishError> {
        match self.first_failure {
            None => Ok(self.published),
            Some(cause) => Err(PublishError {
                stored: self.published.stored,
                events,
                cause,
            }),
        }
    }
}

/// A webhook of which the server did not acknowledge every event.
///
/// `Display` quotes nothing of the events.
///
/// # Examples
///
/// ```no_run
/// use whatsapp_signals::Webhook;
/// use whatsapp_signals_nats::{PublishErrorKind, Relay};
///
/// # async fn run(relay: &Relay, webhook: &Webhook) -> u16 {
/// let Err(error) = relay.publish(webhook).await else { return 200 };
/// assert!(error.stored() <= error.events());
/// if error.kind() == PublishErrorKind::Full {
///     eprintln!("raise max_bytes or max_messages: {error}");
/// }
/// error.http_status()
/// # }
/// ```
#[derive(Debug)]
pub struct PublishError {
    stored: usize,
    events: usize,
    cause: PublishCause,
}

/// The first failure among the events of a webhook.
#[derive(Debug)]
struct PublishCause {
    kind: PublishErrorKind,
    source: Option<BoxError>,
}

impl PublishError {
    /// Returns the number of events that are stored.
    #[must_use]
    pub fn stored(&self) -> usize {
        self.stored
    }

    /// Returns the number of events of the webhook.
    #[must_use]
    pub fn events(&self) -> usize {
        self.events
    }

    /// Returns the kind of the first failure.
    #[must_use]
    pub fn kind(&self) -> PublishErrorKind {
        self.cause.kind
    }

    /// Returns the HTTP status for Meta: 503, after which Meta sends the webhook again.
    #[must_use]
    pub fn http_status(&self) -> u16 {
        503
    }
}

impl fmt::Display for PublishError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { stored, events, .. } = self;
        write!(f, "{stored} of {events} events are stored: {}", self.kind())
    }
}

impl Error for PublishError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        let source = self.cause.source.as_deref();
        source.map(|source| source as &(dyn Error + 'static))
    }
}

impl PublishCause {
    fn timed_out() -> Self {
        Self {
            kind: PublishErrorKind::TimedOut,
            source: None,
        }
    }

    fn too_large() -> Self {
        Self {
            kind: PublishErrorKind::TooLarge,
            source: None,
        }
    }

    fn other(error: impl Into<BoxError>) -> Self {
        Self {
            kind: PublishErrorKind::Other,
            source: Some(error.into()),
        }
    }
}

impl From<NatsPublishError> for PublishCause {
    fn from(error: NatsPublishError) -> Self {
        let kind = match error.kind() {
            NatsPublishErrorKind::TimedOut | NatsPublishErrorKind::BrokenPipe => {
                PublishErrorKind::TimedOut
            }
            NatsPublishErrorKind::StreamNotFound => PublishErrorKind::NoStream,
            NatsPublishErrorKind::MaxPayloadExceeded => PublishErrorKind::TooLarge,
            _ => classify_refusal(Error::source(&error)),
        };
        Self {
            kind,
            source: Some(error.into()),
        }
    }
}

/// Maps the server's error code of a refused message to a kind.
fn classify_refusal(error: Option<&(dyn Error + 'static)>) -> PublishErrorKind {
    let error = error.and_then(|error| error.downcast_ref::<ServerError>());
    match error.map(ServerError::error_code) {
        // The first code is a limit of the stream, the others are limits of the server.
        Some(
            ErrorCode::STREAM_STORE_FAILED
            | ErrorCode::STORAGE_RESOURCES_EXCEEDED
            | ErrorCode::INSUFFICIENT_RESOURCES,
        ) => PublishErrorKind::Full,
        Some(ErrorCode::STREAM_MESSAGE_EXCEEDS_MAXIMUM) => PublishErrorKind::TooLarge,
        _ => PublishErrorKind::Other,
    }
}

/// The kind of a [`PublishError`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum PublishErrorKind {
    /// The stream or the server's disk is full.
    Full,
    /// The deadline passed before the server acknowledged every event. The server may be down, or
    /// the connection lost.
    TimedOut,
    /// No stream has the subject of the events. It was deleted, or has other partitions.
    NoStream,
    /// An event exceeds the server's `max_payload`, less 4 KB that its dead letter would need.
    /// `max_payload` is 1 MB by default and 64 MB at most.
    TooLarge,
    /// Any other refusal of the server.
    Other,
}

impl fmt::Display for PublishErrorKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Full => "the stream is full",
            Self::TimedOut => "the server has not answered in time",
            Self::NoStream => "no stream has their subject",
            Self::TooLarge => "an event is larger than the server's max_payload",
            Self::Other => "the server has refused an event",
        })
    }
}
