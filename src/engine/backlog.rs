//! The backlog of a store: the numbers of events that are open, due, leased and dead.

use std::fmt;
use std::time::Duration;

use serde::{Serialize, Serializer};

#[cfg(doc)]
use super::Records;
use super::runtime::ready;
use super::{EngineCall, EngineError, WebhookEngine};
use crate::model::Timestamp;
use crate::signal::ReceiverMode;
use crate::store::{BacklogRow, ReadyStore, Store};

/// The numbers of unfinished events and dead letters in a store, for a health check.
///
/// It contains no personal data. `Display` is one line for a log. In JSON [`oldest`](Self::oldest)
/// is `oldest_seconds`, a whole number or `null`.
///
/// [`WebhookEngine::backlog`] returns it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Backlog {
    /// The number of events that are neither finished nor dead: [`due`](Self::due),
    /// [`leased`](Self::leased), or due later.
    pub open: u64,
    /// The number of open events that [`tend`](WebhookEngine::tend) would deliver now.
    pub due: u64,
    /// The number of open events that an engine delivers now, or that the lease of a killed one
    /// still covers.
    pub leased: u64,
    /// The number of open events that an earlier event of their user held back at the last
    /// delivery, by an engine that delivers [in order](WebhookEngine::in_order).
    pub held_back: u64,
    /// The number of [dead letters](WebhookEngine::dead_letters).
    pub dead: u64,
    /// The number of dead letters that are unreadable bodies. They count in addition to the dead
    /// events of these bodies.
    pub unreadable: u64,
    /// The age of the oldest webhook with open events, by the clock of the store.
    #[serde(rename = "oldest_seconds", serialize_with = "as_seconds")]
    pub oldest: Option<Duration>,
}

#[allow(clippy::ref_option, reason = "serde calls it so")]
fn as_seconds<S: Serializer>(age: &Option<Duration>, serializer: S) -> Result<S::Ok, S::Error> {
    age.map(|age| age.as_secs()).serialize(serializer)
}

/// Returns the age of a webhook at a time in milliseconds since 1970; zero if that time is earlier.
pub(super) fn age(received_at: Timestamp, now: i64) -> Duration {
    let age = now.saturating_sub(received_at.as_secs().saturating_mul(1000));
    Duration::from_millis(age.try_into().unwrap_or(0))
}

impl From<BacklogRow> for Backlog {
    fn from(row: BacklogRow) -> Self {
        Self {
            open: row.open,
            due: row.due,
            leased: row.leased,
            held_back: row.held_back,
            dead: row.dead,
            unreadable: row.unreadable,
            oldest: row.oldest.map(|oldest| age(oldest, row.now)),
        }
    }
}

impl fmt::Display for Backlog {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            open,
            due,
            leased,
            held_back,
            dead,
            unreadable,
            oldest,
        } = self;
        write!(
            f,
            "open {open} due {due} leased {leased} held back {held_back} dead {dead} \
            unreadable {unreadable}"
        )?;
        match oldest {
            Some(age) => write!(f, " oldest {} s", age.as_secs()),
            None => Ok(()),
        }
    }
}

/// The numbers of unfinished events and dead letters of a tenant or a number. [`Records::backlog`]
/// returns it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct RecordsBacklog {
    /// The number of events that are neither finished nor dead.
    pub open: u64,
    /// The number of dead letters that are events.
    pub dead: u64,
    /// The age of the oldest webhook with open events, by the clock of this program.
    #[serde(rename = "oldest_seconds", serialize_with = "as_seconds")]
    pub oldest: Option<Duration>,
}

impl fmt::Display for RecordsBacklog {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { open, dead, oldest } = self;
        write!(f, "open {open} dead {dead}")?;
        match oldest {
            Some(age) => write!(f, " oldest {} s", age.as_secs()),
            None => Ok(()),
        }
    }
}

/// The backlog, for sync callers.
impl<S: ReadyStore> WebhookEngine<S> {
    /// Returns the numbers of unfinished events and dead letters, as of one moment. The time grows
    /// with these numbers, not with the size of the store.
    ///
    /// # Errors
    ///
    /// When the store fails, also to write the progress of an earlier call: answer a health check
    /// with 503.
    ///
    /// # Examples
    ///
    /// ```standalone_crate
    /// use whatsapp_signals::event::MessageReceived;
    /// use whatsapp_signals::store::MemoryStore;
    /// use whatsapp_signals::{WebhookEngine, receiver, signals::MESSAGE_RECEIVED};
    ///
    /// #[receiver(MESSAGE_RECEIVED)]
    /// fn forward(_: &MessageReceived) -> Result<(), &'static str> {
    ///     Err("the other side is down")
    /// }
    ///
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let engine = WebhookEngine::new(MemoryStore::new());
    /// assert!(engine.process(&std::fs::read("tests/payloads/text.json")?)?.should_retry());
    ///
    /// let backlog = engine.backlog()?;
    /// assert_eq!((backlog.open, backlog.dead), (1, 0));
    /// assert_eq!((backlog.due, backlog.leased), (0, 0), "it is tried in five seconds");
    /// let age = backlog.oldest.expect("an open event").as_secs();
    /// let json = format!(
    ///     r#"{{"open":1,"due":0,"leased":0,"held_back":0,"dead":0,"unreadable":0,"oldest_seconds":{age}}}"#
    /// );
    /// assert_eq!(serde_json::to_string(&backlog)?, json);
    /// # Ok(())
    /// # }
    /// ```
    pub fn backlog(&self) -> Result<Backlog, EngineError> {
        ready(self.call(ReceiverMode::Sync).backlog())
    }
}

/// The backlog.
impl<S: Store> WebhookEngine<S> {
    /// Returns the backlog as [`backlog`](Self::backlog) does, and awaits the store.
    ///
    /// # Errors
    ///
    /// As of [`backlog`](Self::backlog).
    pub async fn backlog_async(&self) -> Result<Backlog, EngineError> {
        self.call(ReceiverMode::Async).backlog().await
    }
}

impl EngineCall<'_> {
    async fn backlog(self) -> Result<Backlog, EngineError> {
        self.write_kept_updates().await?;
        let row = self.access.backlog().await?;
        self.report_backlog(&row);
        Ok(row.into())
    }
}
