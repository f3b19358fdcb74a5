//! The streams that events and dead letters lie in.

use std::collections::HashSet;
use std::fmt::Display;
use std::sync::Arc;
use std::time::Duration;

use async_nats::jetstream::Context;
use async_nats::jetstream::context::GetStreamErrorKind;
use async_nats::jetstream::stream::{Config, DiscardPolicy, RetentionPolicy, StorageType};
use thiserror::Error;
use whatsapp_signals::BoxError;

use crate::partition::is_token;

/// How the stream of events is to be.
///
/// # Examples
///
/// ```
/// use std::time::Duration;
/// use whatsapp_signals_nats::StreamConfig;
///
/// let config = StreamConfig::new()
///     .partitions(16)
///     .replicas(3)
///     .max_bytes(20 << 30)
///     .max_age(Duration::from_secs(30 * 24 * 60 * 60));
/// # let _ = config;
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StreamConfig {
    pub(crate) name: String,
    pub(crate) prefix: String,
    pub(crate) partitions: u16,
    replicas: usize,
    duplicate_window: Duration,
    max_age: Duration,
    max_bytes: Option<u64>,
    max_messages: Option<u64>,
}

const DAY: Duration = Duration::from_secs(24 * 60 * 60);

impl StreamConfig {
    /// The defaults: the stream `WA` of the subjects `wa.*.p0` to `wa.*.p7`, one
    /// replica, 8 days of duplicates, 14 days of events, and no limit but the
    /// server's.
    #[must_use]
    pub fn new() -> Self {
        Self {
            name: "WA".into(),
            prefix: "wa".into(),
            partitions: 8,
            replicas: 1,
            duplicate_window: 8 * DAY,
            max_age: 14 * DAY,
            max_bytes: None,
            max_messages: None,
        }
    }

    /// The stream's name. That of the dead letters has `_DEAD` behind it.
    #[must_use]
    pub fn name(mut self, name: impl Into<String>) -> Self {
        self.name = name.into();
        self
    }

    /// What its subjects begin with, in place of `wa`. Dead letters have the
    /// subject `<prefix>.dead`.
    #[must_use]
    pub fn prefix(mut self, prefix: impl Into<String>) -> Self {
        self.prefix = prefix.into();
        self
    }

    /// How many partitions there are, from 1 to 1,024: so many events are worked
    /// on at once, since those of one partition come one after the other.
    ///
    /// With another number a user is in another partition. To add some, stop the
    /// web servers, wait until the workers have done everything, and start them
    /// again; else a user's new events may overtake the old ones.
    #[must_use]
    pub fn partitions(mut self, partitions: u16) -> Self {
        self.partitions = partitions;
        self
    }

    /// How many servers of the cluster keep each event.
    #[must_use]
    pub fn replicas(mut self, replicas: usize) -> Self {
        self.replicas = replicas;
        self
    }

    /// How long the server knows an event again. Meta repeats a webhook for up to
    /// 7 days.
    ///
    /// The server keeps the ids of this time in memory: see the README for how
    /// much that is, and for what to do when it is too much.
    #[must_use]
    pub fn duplicate_window(mut self, window: Duration) -> Self {
        self.duplicate_window = window;
        self
    }

    /// How long an event stays, handled or not. After that it is gone, also when
    /// no worker has had it. At least as long as the window of duplicates, since
    /// a server that starts anew reads from its events what it knows.
    #[must_use]
    pub fn max_age(mut self, age: Duration) -> Self {
        self.max_age = age;
        self
    }

    /// How many bytes the stream may have. When it is full, events are refused
    /// until old ones are gone, and Meta sends them again.
    #[must_use]
    pub fn max_bytes(mut self, bytes: u64) -> Self {
        self.max_bytes = Some(bytes);
        self
    }

    /// How many events the stream may have; as
    /// [`max_bytes`](Self::max_bytes).
    #[must_use]
    pub fn max_messages(mut self, messages: u64) -> Self {
        self.max_messages = Some(messages);
        self
    }

    pub(crate) fn dead_name(&self) -> String {
        format!("{}_DEAD", self.name)
    }

    pub(crate) fn dead_subject(&self) -> String {
        format!("{}.dead", self.prefix)
    }

    /// What a partition's events have as their subjects.
    pub(crate) fn subject(&self, partition: u16) -> String {
        format!("{}.*.p{partition}", self.prefix)
    }

    fn check(&self) -> Result<(), StreamError> {
        for (what, is_right) in [
            ("a name", is_token(&self.name)),
            ("a prefix", is_token(&self.prefix)),
            (
                "a number of partitions",
                (1..=1024).contains(&self.partitions),
            ),
            ("a number of replicas", (1..=5).contains(&self.replicas)),
            (
                "a window of duplicates",
                self.duplicate_window <= self.max_age,
            ),
            ("a limit of bytes", self.max_bytes != Some(0)),
            ("a limit of messages", self.max_messages != Some(0)),
        ] {
            if !is_right {
                return Err(StreamError::Invalid(what));
            }
        }
        Ok(())
    }

    fn of_events(&self) -> Config {
        let limit =
            |limit: Option<u64>| limit.map_or(-1, |limit| i64::try_from(limit).unwrap_or(i64::MAX));
        Config {
            subjects: (0..self.partitions)
                .map(|partition| self.subject(partition))
                .collect(),
            max_age: self.max_age,
            duplicate_window: self.duplicate_window,
            max_bytes: limit(self.max_bytes),
            max_messages: limit(self.max_messages),
            ..self.common(self.name.clone())
        }
    }

    /// Letters stay until somebody has seen to them.
    fn of_dead_letters(&self) -> Config {
        Config {
            subjects: vec![self.dead_subject()],
            duplicate_window: self.duplicate_window,
            max_bytes: -1,
            max_messages: -1,
            ..self.common(self.dead_name())
        }
    }

    fn common(&self, name: String) -> Config {
        Config {
            name,
            storage: StorageType::File,
            // Not the retention of a work queue, which deletes what was handled:
            // a server that starts anew would not know it again.
            retention: RetentionPolicy::Limits,
            discard: DiscardPolicy::New,
            num_replicas: self.replicas,
            ..Config::default()
        }
    }
}

impl Default for StreamConfig {
    fn default() -> Self {
        Self::new()
    }
}

/// A stream that is there: what a [`Relay`](crate::Relay) publishes to and a
/// [`Worker`](crate::Worker) takes from.
#[derive(Clone, Debug)]
pub struct EventStream {
    pub(crate) context: Context,
    pub(crate) config: Arc<StreamConfig>,
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

/// More than Meta's largest body, 3 MB, takes as one event: its JSON twice, once
/// escaped.
const LARGEST_EVENT: usize = 8_000_000;

async fn ensure(jetstream: &Context, wanted: Config) -> Result<(), StreamError> {
    let existing = match jetstream.get_stream(&wanted.name).await {
        Ok(stream) => stream.cached_info().config.clone(),
        Err(error) => {
            let is_missing = matches!(
                error.kind(),
                GetStreamErrorKind::JetStream(error)
                    if error.error_code() == async_nats::jetstream::ErrorCode::STREAM_NOT_FOUND
            );
            if !is_missing {
                return Err(StreamError::server(error));
            }
            let created = jetstream.create_stream(&wanted).await;
            return created.map(drop).map_err(StreamError::server);
        }
    };
    let grown = grown(&existing, &wanted)?;
    if grown != existing {
        let updated = jetstream.update_stream(&grown).await;
        updated.map_err(StreamError::server)?;
    }
    Ok(())
}

/// What is there, as large as is wanted.
fn grown(existing: &Config, wanted: &Config) -> Result<Config, StreamError> {
    for (what, is_so) in [
        ("storage", existing.storage == wanted.storage),
        ("retention policy", existing.retention == wanted.retention),
        ("discard policy", existing.discard == wanted.discard),
        ("subjects", share_subjects(existing, wanted)),
    ] {
        if !is_so {
            return Err(StreamError::Differs {
                stream: wanted.name.clone(),
                what,
            });
        }
    }
    // No limit is the greatest one.
    let count = |limit: i64| u64::try_from(limit).unwrap_or(UNLIMITED);
    let age = |age: Duration| {
        if age.is_zero() {
            UNLIMITED
        } else {
            age.as_secs()
        }
    };
    for (what, existing, wanted_now) in [
        (
            "partitions",
            existing.subjects.len() as u64,
            wanted.subjects.len() as u64,
        ),
        (
            "replicas",
            existing.num_replicas as u64,
            wanted.num_replicas as u64,
        ),
        (
            "duplicate window in seconds",
            existing.duplicate_window.as_secs(),
            wanted.duplicate_window.as_secs(),
        ),
        (
            "max age in seconds",
            age(existing.max_age),
            age(wanted.max_age),
        ),
        (
            "max bytes",
            count(existing.max_bytes),
            count(wanted.max_bytes),
        ),
        (
            "max messages",
            count(existing.max_messages),
            count(wanted.max_messages),
        ),
    ] {
        if wanted_now < existing {
            return Err(StreamError::Shrinks {
                stream: wanted.name.clone(),
                what,
                existing: limit(existing),
                wanted: limit(wanted_now),
            });
        }
    }
    Ok(Config {
        subjects: wanted.subjects.clone(),
        num_replicas: wanted.num_replicas,
        duplicate_window: wanted.duplicate_window,
        max_age: wanted.max_age,
        max_bytes: wanted.max_bytes,
        max_messages: wanted.max_messages,
        // What the owner of the server has set besides is the owner's.
        ..existing.clone()
    })
}

/// Whether one has all subjects of the other.
fn share_subjects(existing: &Config, wanted: &Config) -> bool {
    let existing: HashSet<_> = existing.subjects.iter().collect();
    let wanted: HashSet<_> = wanted.subjects.iter().collect();
    existing.is_subset(&wanted) || wanted.is_subset(&existing)
}

const UNLIMITED: u64 = u64::MAX;

fn limit(limit: u64) -> Option<u64> {
    Some(limit).filter(|limit| *limit != UNLIMITED)
}

/// Why a stream could not be set up.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum StreamError {
    /// The configuration asks for this, which there cannot be.
    #[error("a stream cannot have such {0}")]
    Invalid(&'static str),
    /// The stream is there, and has more of something than is asked for.
    #[error(
        "the stream {stream} would shrink: its {what} would be {}, and is {}",
        shown(*.wanted), shown(*.existing)
    )]
    Shrinks {
        /// The stream.
        stream: String,
        /// What there would be less of.
        what: &'static str,
        /// How much there is; `None` where there is no limit.
        existing: Option<u64>,
        /// How much is asked for.
        wanted: Option<u64>,
    },
    /// A stream of this name is there, and is another one.
    #[error("the stream {stream} is there already, with another {what}")]
    Differs {
        /// The stream.
        stream: String,
        /// What is not as it should be.
        what: &'static str,
    },
    /// So many replicas need a cluster, and the server is in none.
    #[error("{0} replicas need a cluster, and the server is in none")]
    NoCluster(usize),
    /// The server cannot be reached, or has refused.
    #[error("the server could not set up the stream")]
    Server(#[source] BoxError),
}

impl StreamError {
    fn server(error: impl Into<BoxError>) -> Self {
        Self::Server(error.into())
    }
}

fn shown(limit: Option<u64>) -> impl Display {
    limit.map_or_else(|| "unlimited".to_owned(), |limit| limit.to_string())
}
