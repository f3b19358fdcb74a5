//! The streams that events and dead letters lie in.

mod config;
mod error;
mod growth;

use std::collections::HashSet;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use async_nats::jetstream::context::{GetStreamError, GetStreamErrorKind};
use async_nats::jetstream::message::PublishMessage;
use async_nats::jetstream::stream::Config;
use async_nats::jetstream::{Context, ErrorCode};
use tokio::time::timeout;

use crate::publish_error::{Cause, PublishError};

pub use config::StreamConfig;
pub use error::StreamError;
use growth::grown;

/// A stream that is there: what a [`Relay`](crate::Relay) publishes to and a
/// [`Worker`](crate::Worker) takes from.
///
/// # Examples
///
/// ```no_run
/// use whatsapp_signals_nats::async_nats::jetstream;
/// use whatsapp_signals_nats::{DeadLetters, Relay, StreamConfig, Worker, ensure_stream};
///
/// # async fn run(jetstream: &jetstream::Context) -> Result<(), Box<dyn std::error::Error>> {
/// let stream = ensure_stream(jetstream, StreamConfig::new()).await?;
/// let relay = Relay::new(&stream);
/// let worker = Worker::new(&stream);
/// let letters = DeadLetters::of(&stream).await?;
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct EventStream {
    pub(crate) context: Context,
    pub(crate) config: Arc<StreamConfig>,
}

impl EventStream {
    /// Stores one message, and returns when the server has said so.
    pub(crate) async fn store(
        &self,
        subject: String,
        message: PublishMessage,
        within: Duration,
    ) -> Result<(), PublishError> {
        let stored = async { self.context.send_publish(subject, message).await?.await };
        let cause = match timeout(within, stored).await {
            Ok(Ok(_)) => return Ok(()),
            Ok(Err(error)) => error.into(),
            Err(_) => Cause::late(),
        };
        Err(PublishError::of_one(cause))
    }
}

impl fmt::Debug for EventStream {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("EventStream")
            .field("config", &self.config)
            .finish_non_exhaustive()
    }
}

/// Makes the streams of events and of dead letters, if they are not there, and
/// lets existing ones grow to what `config` asks for. Call it when a web server or
/// a worker starts.
///
/// Events lie in files; when there is no room, new ones are refused and none is
/// dropped.
///
/// # Errors
///
/// When the server cannot be reached, when the configuration makes no sense, or when
/// what is there would have to shrink: less partitions, replicas, time or room. To
/// do that all the same, change the stream with the tools of NATS.
///
/// # Examples
///
/// ```no_run
/// use whatsapp_signals_nats::{StreamConfig, async_nats, ensure_stream};
///
/// # async fn run() -> Result<(), Box<dyn std::error::Error>> {
/// let client = async_nats::connect("nats://127.0.0.1:4222").await?;
/// let jetstream = async_nats::jetstream::new(client);
/// let stream = ensure_stream(&jetstream, StreamConfig::new().partitions(16)).await?;
/// # Ok(())
/// # }
/// ```
pub async fn ensure_stream(
    jetstream: &Context,
    config: StreamConfig,
) -> Result<EventStream, StreamError> {
    config.check()?;
    let info = jetstream.client().server_info();
    if config.replicas > 1 && info.cluster.is_none() {
        // Some servers take it, and keep one copy.
        return Err(StreamError::NoCluster(config.replicas));
    }
    if info.max_payload < LARGEST_EVENT {
        tracing::warn!(
            max_payload = info.max_payload,
            "an event may be larger than what the server takes; set its max_payload to 8MB"
        );
    }
    ensure(jetstream, config.of_events()).await?;
    ensure(jetstream, config.of_dead_letters()).await?;
    Ok(EventStream {
        context: jetstream.clone(),
        config: Arc::new(config),
    })
}

/// Returns the streams of events and of dead letters as they are, by the name of the first one.
/// Nothing is created or changed: for a tool that looks after the streams of a program.
///
/// # Errors
///
/// [`Missing`](StreamError::Missing) if there are no such streams, [`Differs`](StreamError::Differs)
/// if their subjects are not those of [`ensure_stream`], or when the server cannot be reached.
///
/// # Examples
///
/// ```no_run
/// use whatsapp_signals_nats::{DeadLetters, async_nats, find_stream};
///
/// # async fn run() -> Result<(), Box<dyn std::error::Error>> {
/// let client = async_nats::connect("nats://127.0.0.1:4222").await?;
/// let stream = find_stream(&async_nats::jetstream::new(client), "WA").await?;
/// println!("{} dead letters at most", DeadLetters::of(&stream).await?.list(100).await?.len());
/// # Ok(())
/// # }
/// ```
pub async fn find_stream(jetstream: &Context, name: &str) -> Result<EventStream, StreamError> {
    let mut config = StreamConfig::new().name(name);
    // A name with a dot or a space would be another subject of the server's interface.
    config.check()?;
    let events = find(jetstream, name).await?;
    let dead = find(jetstream, &config.dead_name()).await?;
    let differs = |stream: &str| StreamError::Differs {
        stream: stream.to_owned(),
        what: "subjects",
    };
    let prefix = dead
        .subjects
        .first()
        .and_then(|subject| subject.strip_suffix(".dead"));
    let prefix = prefix.ok_or_else(|| differs(&dead.name))?;
    prefix.clone_into(&mut config.prefix);
    let partitions = u16::try_from(events.subjects.len());
    config.partitions = partitions.map_err(|_| differs(name))?;
    config.replicas = events.num_replicas;
    let found: HashSet<_> = events.subjects.into_iter().collect();
    let expected = (0..config.partitions).map(|partition| config.subject(partition));
    if found.is_empty() || found != expected.collect() {
        return Err(differs(name));
    }
    Ok(EventStream {
        context: jetstream.clone(),
        config: Arc::new(config),
    })
}

/// Returns the configuration of a stream that is there.
async fn find(jetstream: &Context, name: &str) -> Result<Config, StreamError> {
    match jetstream.get_stream(name).await {
        Ok(stream) => Ok(stream.cached_info().config.clone()),
        Err(error) if is_missing(&error) => Err(StreamError::Missing(name.to_owned())),
        Err(error) => Err(StreamError::server(error)),
    }
}

fn is_missing(error: &GetStreamError) -> bool {
    matches!(
        error.kind(),
        GetStreamErrorKind::JetStream(error)
            if error.error_code() == ErrorCode::STREAM_NOT_FOUND
    )
}

/// About what Meta's largest body, 3 MB, takes as one event: its JSON twice, once
/// escaped.
const LARGEST_EVENT: usize = 8_000_000;

async fn ensure(jetstream: &Context, wanted: Config) -> Result<(), StreamError> {
    let existing = match find(jetstream, &wanted.name).await {
        Ok(existing) => existing,
        Err(StreamError::Missing(_)) => {
            let created = jetstream.create_stream(&wanted).await;
            return created.map(drop).map_err(StreamError::server);
        }
        Err(error) => return Err(error),
    };
    let grown = grown(&existing, &wanted)?;
    if grown != existing {
        let updated = jetstream.update_stream(&grown).await;
        updated.map_err(StreamError::server)?;
    }
    Ok(())
}
