//! The webhooks as they came, for whoever looks at them.

use std::fmt;

use super::{Mode, Store, StoreError, WebhookId, transact};
use crate::model::Timestamp;

/// A webhook as it came. Its body is personal data, and `Debug` leaves it out.
///
/// # Examples
///
/// ```
/// use whatsapp_signals::WebhookEngine;
/// use whatsapp_signals::store::{MemoryStore, StoreExt};
///
/// let engine = WebhookEngine::new(MemoryStore::new()).log_webhooks(true);
/// let body = &std::fs::read("tests/payloads/text.json")?;
/// engine.process(body)?;
///
/// let logged = engine.store().webhooks(None, 1)?.remove(0);
/// assert_eq!((logged.open, logged.dead), (0, 0), "its event is finished");
/// assert_eq!(&logged.body, body);
/// assert!(!format!("{logged:?}").contains("gravel"));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub struct LoggedWebhook {
    /// Its number in the store.
    pub id: WebhookId,
    /// When it came.
    pub received_at: Timestamp,
    /// How many of its events are neither finished nor dead.
    pub open: u32,
    /// How many of its events are dead.
    pub dead: u32,
    /// Its body, as it came.
    pub body: Vec<u8>,
}

impl fmt::Debug for LoggedWebhook {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LoggedWebhook")
            .field("id", &self.id)
            .field("received_at", &self.received_at)
            .field("open", &self.open)
            .field("dead", &self.dead)
            .field("len", &self.body.len())
            .finish_non_exhaustive()
    }
}

/// Up to `limit` webhooks that came after the given one.
pub(super) fn webhooks(
    store: &(impl Store + ?Sized),
    after: Option<WebhookId>,
    limit: usize,
) -> Result<Vec<LoggedWebhook>, StoreError> {
    transact(store, Mode::Read, |tx| {
        let after = after.unwrap_or(WebhookId(i64::MIN));
        let mut logged = Vec::new();
        for (id, webhook) in tx.webhooks(after, false, limit)? {
            logged.push(LoggedWebhook {
                id,
                received_at: webhook.received_at,
                open: webhook.open,
                dead: webhook.dead,
                body: tx.body(id)?.unwrap_or_default(),
            });
        }
        Ok(logged)
    })
}
