//! The deletion of old rows.

use std::time::Duration;

use crate::engine::runtime::ready;
use crate::engine::{EngineCall, EngineError, WebhookEngine};
use crate::model::Timestamp;
use crate::signal::ReceiverMode;
use crate::store::{MessageScan, Prune, ReadyStore, ScanFilter, Store, StoreError};

/// The most rows that a step scans, so that webhooks are processed between two steps.
const PRUNE_STEP: usize = 1000;

/// The least time for which finished events should be kept: 8 days, since Meta repeats a webhook
/// for up to 7. Pass it to [`WebhookEngine::prune`].
pub const RETENTION: Duration = Duration::from_secs(8 * 24 * 60 * 60);

/// The deletion of old rows, for sync callers.
impl<S: ReadyStore> WebhookEngine<S> {
    /// Deletes old, finished rows, and returns their number: events, logged webhooks, and statuses
    /// whose message never came. Messages, contacts, signups and unfinished events stay.
    ///
    /// A repeated event whose row was deleted is processed again, so keep at least [`RETENTION`].
    ///
    /// An `SqliteStore` at its `max_bytes` can be pruned, but not on a full disk: see its
    /// documentation on how to keep a reserve.
    ///
    /// # Errors
    ///
    /// When the store fails.
    ///
    /// ```
    /// use whatsapp_signals::store::MemoryStore;
    /// use whatsapp_signals::{WebhookEngine, engine::RETENTION};
    ///
    /// let engine = WebhookEngine::new(MemoryStore::new());
    /// engine.process(&std::fs::read("tests/payloads/text.json")?)?;
    /// assert_eq!(engine.prune(RETENTION)?, 0);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn prune(&self, older_than: Duration) -> Result<usize, EngineError> {
        ready(self.call(ReceiverMode::Sync).prune(older_than))
    }

    /// Deletes old messages of all tenants with their statuses, and returns their number. Without
    /// this call messages are kept forever. Contacts stay.
    ///
    /// It scans all stored messages, in small steps.
    ///
    /// # Errors
    ///
    /// When the store fails.
    ///
    /// ```
    /// use std::time::Duration;
    /// use whatsapp_signals::WebhookEngine;
    /// use whatsapp_signals::store::MemoryStore;
    ///
    /// let engine = WebhookEngine::new(MemoryStore::new());
    /// engine.process(&std::fs::read("tests/payloads/text.json")?)?;
    /// let ten_years = Duration::from_secs(10 * 365 * 24 * 60 * 60);
    /// assert_eq!(engine.prune_messages(ten_years)?, 0);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn prune_messages(&self, older_than: Duration) -> Result<usize, StoreError> {
        ready(self.call(ReceiverMode::Sync).prune_messages(older_than))
    }
}

/// The deletion of old rows, for async callers.
impl<S: Store> WebhookEngine<S> {
    /// Deletes old rows as [`prune`](Self::prune) does, and awaits the store.
    ///
    /// # Errors
    ///
    /// When the store fails.
    pub async fn prune_async(&self, older_than: Duration) -> Result<usize, EngineError> {
        self.call(ReceiverMode::Async).prune(older_than).await
    }

    /// Deletes old messages as [`prune_messages`](Self::prune_messages) does, and awaits the store.
    ///
    /// # Errors
    ///
    /// When the store fails.
    pub async fn prune_messages_async(&self, older_than: Duration) -> Result<usize, StoreError> {
        let call = self.call(ReceiverMode::Async);
        call.prune_messages(older_than).await
    }
}

impl EngineCall<'_> {
    pub(crate) async fn prune(self, older_than: Duration) -> Result<usize, EngineError> {
        let age = i64::try_from(older_than.as_secs()).unwrap_or(i64::MAX);
        let before = Timestamp::from_secs(Timestamp::now().as_secs().saturating_sub(age));
        let mut step = Prune::new(before, PRUNE_STEP);
        let mut rows = 0;
        loop {
            let pruned = self.access.prune(&step).await?;
            rows += pruned.rows;
            match pruned.next {
                Some(_) => step.after = pruned.next,
                None => return Ok(rows),
            }
        }
    }
}

impl EngineCall<'_> {
    async fn prune_messages(self, older_than: Duration) -> Result<usize, StoreError> {
        let age = i64::try_from(older_than.as_secs()).unwrap_or(i64::MAX);
        let before = Timestamp::from_secs(Timestamp::now().as_secs().saturating_sub(age));
        let mut step = MessageScan::new(ScanFilter::Before(before), PRUNE_STEP);
        let mut rows = 0;
        loop {
            let found = self.access.scan_messages(&step).await?;
            let keys: Vec<_> = found.rows.into_iter().map(|found| found.key).collect();
            self.delete_messages(&keys).await?;
            rows += keys.len();
            step.after = found.next;
            if found.next.is_none() {
                return Ok(rows);
            }
        }
    }
}
