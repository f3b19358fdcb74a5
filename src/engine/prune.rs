//! Deletion of old, finished rows.

use std::time::Duration;

use super::{EngineError, WebhookEngine};
use crate::model::Timestamp;
use crate::store::{Mode, Store, transact};

/// The least time for which finished events should be kept: 8 days, since Meta repeats a webhook
/// for up to 7. [`WebhookEngine::prune`] takes it, as its example shows.
pub const RETENTION: Duration = Duration::from_secs(8 * 24 * 60 * 60);

/// Pruning.
impl<S: Store> WebhookEngine<S> {
    /// Deletes finished rows that are older than this, and returns their number: events, logged
    /// webhooks, and statuses whose message never came. Messages, contacts, signups and unfinished
    /// events stay.
    ///
    /// An event whose row was deleted is processed again when it comes again, so do not go below
    /// [`RETENTION`].
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
        let age = i64::try_from(older_than.as_secs()).unwrap_or(i64::MAX);
        let before = Timestamp::from_secs(Timestamp::now().as_secs().saturating_sub(age));
        let mut pruned = 0;
        loop {
            // In pieces, so that webhooks get their turn.
            match transact(&self.store, Mode::Write, |tx| tx.prune(before, 1000))? {
                0 => return Ok(pruned),
                piece => pruned += piece,
            }
        }
    }
}
