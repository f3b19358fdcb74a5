//! What is old is forgotten.

use std::time::Duration;

use super::{EngineError, WebhookEngine};
use crate::model::Timestamp;
use crate::store::{Mode, Store, transact};

/// What is old.
impl<S: Store> WebhookEngine<S> {
    /// Forgets what came longer ago than this and is finished: events, logged
    /// webhooks, and statuses whose message never came. Messages, contacts and
    /// signups stay, and so does what is not finished. Gives the number of
    /// deleted rows.
    ///
    /// What is forgotten is handled anew should it come again, so do not go
    /// below [`RETENTION`](Self::RETENTION).
    ///
    /// # Errors
    ///
    /// When the store fails.
    ///
    /// ```
    /// use whatsapp_signals::WebhookEngine;
    /// use whatsapp_signals::store::MemoryStore;
    ///
    /// let engine = WebhookEngine::new(MemoryStore::new());
    /// engine.process(&std::fs::read("tests/payloads/text.json")?)?;
    /// assert_eq!(engine.prune(WebhookEngine::<MemoryStore>::RETENTION)?, 0);
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
