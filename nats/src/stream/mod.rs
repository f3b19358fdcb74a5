//! The streams of events and of dead letters.

mod error;

mod config;

use std::collections::HashSet;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use async_nats::jetstream::context::{GetStreamError, GetStreamErrorKind};
use async_nats::jetstream::stream::Config;
use async_nats::jetstream::{Context, ErrorCode};

pub use config::StreamConfig;
pub use error::{StreamError, StreamErrorKind};

/// A handle to an existing stream of events and its stream of dead letters. A
/// [`Relay`](crate::Relay) publishes to it, and a [`Worker`](crate::Worker) consumes it.
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

impl fmt::Debug for EventStream {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("EventStream")
            .field("config", &self.config)
            .finish_non_exhaustive()
    }
}

/// The size of an event that holds Meta's largest body, 3 MB: its JSON twice, once escaped.
const LARGEST_EVENT: usize = 8_000_000;

/// Creates the streams of events and of dead letters, or enlarges existing ones to `config`. Call
/// it at the start of each web server and worker.
///
/// The streams are stored in files. A full stream refuses new events, and never drops old ones.
///
/// # Errors
///
/// When the server cannot be reached, the configuration is invalid, or a setting of an existing
/// stream would shrink: partitions, replicas, times or limits. To shrink it nevertheless, use the
/// tools of NATS.
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
    config.validate()?;
    let info = jetstream.client().server_info();
    if config.replicas > 1 && info.cluster.is_none() {
        // Some servers accept the number and keep one copy.
        return Err(StreamErrorKind::NoCluster(config.replicas).into());
    }
    if info.max_payload < LARGEST_EVENT {
        tracing::warn!(
            max_payload = info.max_payload,
            "the server's max_payload is smaller than the largest event; set it to 8MB"
        );
    }
    create_or_update(jetstream, config.event_stream()).await?;
    create_or_update(jetstream, config.dead_letter_stream()).await?;
    Ok(EventStream {
        context: jetstream.clone(),
        config: Arc::new(config),
    })
}

/// Returns the existing streams of events and of dead letters, by the name of the former. Creates
/// and changes nothing, which suits a tool beside the program that owns the streams.
///
/// # Errors
///
/// [`Missing`](StreamErrorKind::Missing) if a stream does not exist,
/// [`Differs`](StreamErrorKind::Differs) if the subjects are not those of [`ensure_stream`], or when
/// the server cannot be reached.
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
    // A name with a dot or a space would address another subject of the server's API.
    config.validate()?;
    let events = fetch_config(jetstream, name).await?;
    let dead = fetch_config(jetstream, &config.dead_name()).await?;
    let differs = |stream: &str| StreamErrorKind::Differs {
        stream: stream.to_owned(),
        setting: "set of subjects",
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
    let expected = (0..config.partitions).map(|partition| config.partition_subject(partition));
    if found.is_empty() || found != expected.collect() {
        return Err(differs(name).into());
    }
    Ok(EventStream {
        context: jetstream.clone(),
        config: Arc::new(config),
    })
}

/// Returns the configuration of an existing stream.
async fn fetch_config(jetstream: &Context, name: &str) -> Result<Config, StreamError> {
    match jetstream.get_stream(name).await {
        Ok(stream) => Ok(stream.cached_info().config.clone()),
        Err(error) if is_missing(&error) => Err(StreamErrorKind::Missing(name.to_owned()).into()),
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

async fn create_or_update(jetstream: &Context, requested: Config) -> Result<(), StreamError> {
    let existing = match fetch_config(jetstream, &requested.name).await {
        Ok(existing) => existing,
        Err(error) if matches!(error.kind(), StreamErrorKind::Missing(_)) => {
            let created = jetstream.create_stream(&requested).await;
            return created.map(drop).map_err(StreamError::server);
        }
        Err(error) => return Err(error),
    };
    let merged = merge_config(&existing, &requested)?;
    if merged != existing {
        let updated = jetstream.update_stream(&merged).await;
        updated.map_err(StreamError::server)?;
    }
    Ok(())
}

const UNLIMITED: u64 = u64::MAX;

/// Returns the existing configuration with the requested sizes, none of which may shrink.
fn merge_config(existing: &Config, requested: &Config) -> Result<Config, StreamError> {
    for (setting, is_equal) in [
        ("storage", existing.storage == requested.storage),
        (
            "retention policy",
            existing.retention == requested.retention,
        ),
        ("discard policy", existing.discard == requested.discard),
        ("set of subjects", shares_subjects(existing, requested)),
    ] {
        if !is_equal {
            let stream = requested.name.clone();
            return Err(StreamErrorKind::Differs { stream, setting }.into());
        }
    }
    // The server's -1 is the largest limit.
    let count = |limit: i64| u64::try_from(limit).unwrap_or(UNLIMITED);
    let age = |age: Duration| {
        if age.is_zero() {
            UNLIMITED
        } else {
            millis(age)
        }
    };
    let sizes = |config: &Config| {
        [
            ("partitions", config.subjects.len() as u64),
            ("replicas", config.num_replicas as u64),
            (
                "duplicate window in milliseconds",
                millis(config.duplicate_window),
            ),
            ("max age in milliseconds", age(config.max_age)),
            ("max bytes", count(config.max_bytes)),
            ("max messages", count(config.max_messages)),
        ]
    };
    for ((setting, old), (_, new)) in sizes(existing).into_iter().zip(sizes(requested)) {
        if new < old {
            let limit = |size| Some(size).filter(|size| *size != UNLIMITED);
            return Err(StreamErrorKind::Shrinks {
                stream: requested.name.clone(),
                setting,
                existing: limit(old),
                requested: limit(new),
            }
            .into());
        }
    }
    Ok(Config {
        subjects: requested.subjects.clone(),
        num_replicas: requested.num_replicas,
        duplicate_window: requested.duplicate_window,
        max_age: requested.max_age,
        max_bytes: requested.max_bytes,
        max_messages: requested.max_messages,
        // The other settings belong to the administrator of the server.
        ..existing.clone()
    })
}

/// Returns true if one configuration has all subjects of the other.
fn shares_subjects(existing: &Config, requested: &Config) -> bool {
    let existing: HashSet<_> = existing.subjects.iter().collect();
    let requested: HashSet<_> = requested.subjects.iter().collect();
    existing.is_subset(&requested) || requested.is_subset(&existing)
}

fn millis(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(UNLIMITED)
}
