//! Why events are not in the stream.

use std::error::Error;
use std::fmt;

use async_nats::jetstream::context::{PublishError as Source, PublishErrorKind as SourceKind};
use async_nats::jetstream::{Error as ServerError, ErrorCode};
use whatsapp_signals::BoxError;

/// Some events of a webhook are not in the stream, as far as the server has said.
///
/// As text it quotes nothing of them.
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
///     eprintln!("more room is needed: {error}");
/// }
/// error.http_status()
/// # }
/// ```
#[derive(Debug)]
pub struct PublishError {
    pub(crate) stored: usize,
    pub(crate) events: usize,
    pub(crate) cause: Cause,
}

/// What kept the first of them out.
#[derive(Debug)]
pub(crate) struct Cause {
    kind: PublishErrorKind,
    source: Option<BoxError>,
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

/// What kept events out of the stream.
///
/// # Examples
///
/// ```
/// use whatsapp_signals_nats::PublishErrorKind;
///
/// let kinds = [PublishErrorKind::TimedOut, PublishErrorKind::Full];
/// let texts = kinds.map(|kind| kind.to_string());
/// assert_eq!(texts, ["the server has not answered in time", "the stream is full"]);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, thiserror::Error)]
#[non_exhaustive]
pub enum PublishErrorKind {
    /// The stream has no room left, or the server's disk.
    #[error("the stream is full")]
    Full,
    /// The server has not answered before the deadline. It may be down, or the
    /// connection lost.
    #[error("the server has not answered in time")]
    TimedOut,
    /// No stream takes the events: it was deleted, or has other partitions by now.
    #[error("no stream takes them")]
    NoStream,
    /// An event is larger than the server takes, less 4 KB that its dead letter would
    /// need. The server's `max_payload` is 1 MB unless it was set; it may be up to 64 MB.
    #[error("an event is larger than the server's max_payload")]
    TooLarge,
    /// All else.
    #[error("the server has refused them")]
    Other,
}

impl PublishError {
    /// For what is no event, and stands alone.
    pub(crate) fn of_one(cause: Cause) -> Self {
        Self {
            stored: 0,
            events: 1,
            cause,
        }
    }

    /// How many events are stored.
    #[must_use]
    pub fn stored(&self) -> usize {
        self.stored
    }

    /// How many events the webhook has.
    #[must_use]
    pub fn events(&self) -> usize {
        self.events
    }

    /// What kept the first of the others out.
    #[must_use]
    pub fn kind(&self) -> PublishErrorKind {
        self.cause.kind
    }

    /// What to answer Meta: 503, so that it sends the webhook again.
    #[must_use]
    pub fn http_status(&self) -> u16 {
        503
    }
}

impl Cause {
    pub(crate) fn late() -> Self {
        Self {
            kind: PublishErrorKind::TimedOut,
            source: None,
        }
    }

    pub(crate) fn too_large() -> Self {
        Self {
            kind: PublishErrorKind::TooLarge,
            source: None,
        }
    }

    pub(crate) fn other(error: impl Into<BoxError>) -> Self {
        Self {
            kind: PublishErrorKind::Other,
            source: Some(error.into()),
        }
    }
}

impl From<Source> for Cause {
    fn from(error: Source) -> Self {
        let kind = match error.kind() {
            SourceKind::TimedOut | SourceKind::BrokenPipe => PublishErrorKind::TimedOut,
            SourceKind::StreamNotFound => PublishErrorKind::NoStream,
            SourceKind::MaxPayloadExceeded => PublishErrorKind::TooLarge,
            _ => kind_of(Error::source(&error)),
        };
        Self {
            kind,
            source: Some(error.into()),
        }
    }
}

/// What the server says of a stream that refuses an event.
fn kind_of(error: Option<&(dyn Error + 'static)>) -> PublishErrorKind {
    let error = error.and_then(|error| error.downcast_ref::<ServerError>());
    match error.map(ServerError::error_code) {
        // The first is that of a stream at its limit, the others of a server at its.
        Some(
            ErrorCode::STREAM_STORE_FAILED
            | ErrorCode::STORAGE_RESOURCES_EXCEEDED
            | ErrorCode::INSUFFICIENT_RESOURCES,
        ) => PublishErrorKind::Full,
        Some(ErrorCode::STREAM_MESSAGE_EXCEEDS_MAXIMUM) => PublishErrorKind::TooLarge,
        _ => PublishErrorKind::Other,
    }
}
