//! The configuration of the streams.

use std::time::Duration;

use async_nats::jetstream::stream::{Config, DiscardPolicy, RetentionPolicy, StorageType};

use super::error::{StreamError, StreamErrorKind};
use crate::subject::is_token;

/// The configuration of the stream of events.
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
    /// Returns the defaults.
    ///
    /// ```
    /// use std::time::Duration;
    /// use whatsapp_signals_nats::StreamConfig;
    ///
    /// let day = Duration::from_secs(24 * 60 * 60);
    /// // The subjects are `wa.*.p0` to `wa.*.p7`.
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

    /// Sets the name of the stream (default: `WA`). The stream of dead letters has the same name
    /// with the suffix `_DEAD`.
    #[must_use]
    pub fn name(mut self, name: impl Into<String>) -> Self {
        self.name = name.into();
        self
    }

    /// Sets the first token of the subjects (default: `wa`). Dead letters have the subject
    /// `<prefix>.dead`.
    #[must_use]
    pub fn prefix(mut self, prefix: impl Into<String>) -> Self {
        self.prefix = prefix.into();
        self
    }

    /// Sets the number of partitions, from 1 to 1,024 (default: 8). The events of a partition are
    /// handled one at a time, so this is also the number of events that are handled at once.
    ///
    /// Another number moves users to other partitions. To add partitions, stop the web servers,
    /// wait until the workers have handled all events, and start the web servers again; otherwise a
    /// user's new events may overtake the old ones.
    #[must_use]
    pub fn partitions(mut self, partitions: u16) -> Self {
        self.partitions = partitions;
        self
    }

    /// Sets the number of servers of a cluster that store each event (default: 1).
    #[must_use]
    pub fn replicas(mut self, replicas: usize) -> Self {
        self.replicas = replicas;
        self
    }

    /// Sets how long the server recognizes a duplicate (default: 8 days). Meta repeats a webhook
    /// for up to 7 days.
    ///
    /// The server keeps the ids of this window in memory. The README has the figures, and a remedy
    /// for servers with little memory.
    #[must_use]
    pub fn duplicate_window(mut self, window: Duration) -> Self {
        self.duplicate_window = window;
        self
    }

    /// Sets the age at which an event is deleted, handled or not (default: 14 days).
    ///
    /// It must not be shorter than the [window of duplicates](Self::duplicate_window), because a
    /// server that restarts rebuilds its ids from the stored events.
    #[must_use]
    pub fn max_age(mut self, age: Duration) -> Self {
        self.max_age = age;
        self
    }

    /// Sets the largest size of the stream (default: unlimited). A full stream refuses new events
    /// until old ones expire, and Meta sends them again.
    #[must_use]
    pub fn max_bytes(mut self, bytes: u64) -> Self {
        self.max_bytes = Some(bytes);
        self
    }

    /// Sets the largest number of events in the stream (default: unlimited), with the effect of
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

    /// Returns the subject that matches all events of a partition.
    pub(crate) fn partition_subject(&self, partition: u16) -> String {
        format!("{}.*.p{partition}", self.prefix)
    }

    pub(super) fn validate(&self) -> Result<(), StreamError> {
        // Servers round a shorter window up.
        let window = Duration::from_secs(1)..=self.max_age;
        for (setting, is_valid) in [
            ("name", is_token(&self.name)),
            ("prefix", is_token(&self.prefix)),
            (
                "number of partitions",
                (1..=1024).contains(&self.partitions),
            ),
            ("number of replicas", (1..=5).contains(&self.replicas)),
            ("duplicate window", window.contains(&self.duplicate_window)),
            ("max age", self.max_age <= 36_500 * DAY),
            ("max bytes", self.max_bytes != Some(0)),
            ("max messages", self.max_messages != Some(0)),
        ] {
            if !is_valid {
                return Err(StreamErrorKind::Invalid(setting).into());
            }
        }
        Ok(())
    }

    /// Returns the server's configuration of the stream of events.
    pub(super) fn event_stream(&self) -> Config {
        let limit =
            |limit: Option<u64>| limit.map_or(-1, |limit| i64::try_from(limit).unwrap_or(i64::MAX));
        Config {
            subjects: (0..self.partitions)
                .map(|partition| self.partition_subject(partition))
                .collect(),
            max_age: self.max_age,
            duplicate_window: self.duplicate_window,
            max_bytes: limit(self.max_bytes),
            max_messages: limit(self.max_messages),
            ..self.base_config(self.name.clone())
        }
    }

    /// Returns the server's configuration of the stream of dead letters, which never expire.
    pub(super) fn dead_letter_stream(&self) -> Config {
        Config {
            subjects: vec![self.dead_subject()],
            duplicate_window: self.duplicate_window,
            max_bytes: -1,
            max_messages: -1,
            ..self.base_config(self.dead_name())
        }
    }

    fn base_config(&self, name: String) -> Config {
        Config {
            name,
            storage: StorageType::File,
            // The retention of a work queue deletes handled events. A server that restarts
            // rebuilds the ids of the window from the stored events, and would miss theirs.
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
