//! How the streams are to be.

use std::time::Duration;

use async_nats::jetstream::stream::{Config, DiscardPolicy, RetentionPolicy, StorageType};

use super::error::StreamError;
use crate::subject::is_token;

/// How the stream of events is to be.
///
/// # Examples
///
/// ```
/// use std::time::Duration;
/// use whatsapp_signals_nats::StreamConfig;
///
/// let day = Duration::from_secs(24 * 60 * 60);
/// let config = StreamConfig::new().partitions(16).replicas(3).max_age(30 * day);
/// assert_ne!(config, StreamConfig::default());
///
/// let limited = config.clone().max_bytes(20 << 30).max_messages(10_000_000);
/// assert_ne!(limited, config);
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StreamConfig {
    pub(crate) name: String,
    pub(crate) prefix: String,
    pub(crate) partitions: u16,
    pub(super) replicas: usize,
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
    ///
    /// ```
    /// use std::time::Duration;
    /// use whatsapp_signals_nats::StreamConfig;
    ///
    /// let day = Duration::from_secs(24 * 60 * 60);
    /// let named = StreamConfig::new().name("WA").prefix("wa");
    /// let sized = named.partitions(8).replicas(1);
    /// let all = sized.duplicate_window(8 * day).max_age(14 * day);
    /// assert_eq!(all, StreamConfig::new());
    /// ```
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

    pub(super) fn check(&self) -> Result<(), StreamError> {
        // Servers round what is shorter.
        let window = Duration::from_secs(1)..=self.max_age;
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
                window.contains(&self.duplicate_window),
            ),
            ("a maximum age", self.max_age <= 36_500 * DAY),
            ("a limit of bytes", self.max_bytes != Some(0)),
            ("a limit of messages", self.max_messages != Some(0)),
        ] {
            if !is_right {
                return Err(StreamError::Invalid(what));
            }
        }
        Ok(())
    }

    pub(super) fn of_events(&self) -> Config {
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
    pub(super) fn of_dead_letters(&self) -> Config {
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
