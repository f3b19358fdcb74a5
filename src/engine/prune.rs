//! What is old is forgotten.

use std::time::Duration;

use super::{EngineError, WebhookEngine};
use crate::model::Timestamp;
use crate::store::{Mode, Store, transact};

/// The least time for which finished events should be kept: 8 days, since Meta repeats a webhook
/// for up to 7. It is the argument of [`WebhookEngine::prune`].
pub const RETENTION: Duration = Duration::from_secs(8 * 24 * 60 * 60);

/// What is old.
impl<S: Store> WebhookEngine<S> {
    /// Forgets what came longer ago than this and is finished: events, logged
    /// webhooks, and statuses whose message never came. Messages, contacts and
    /// signups stay, and so does what is not finished. Gives the number of
    /// deleted rows.
    ///
    /// A forgotten event that comes again is processed again, so do not go below [`RETENTION`].
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
