//! Which webhooks came, and which of their events are finished.

use super::{EventRecord, StoreError, WebhookId, WebhookRecord};
use crate::model::Timestamp;

/// The rows about webhooks and their events.
///
/// # Errors
///
/// Of every method: when the store fails.
///
/// # Examples
///
/// ```
/// use whatsapp_signals::model::Timestamp;
/// use whatsapp_signals::store::{
///     EventRecord, Lease, MemoryStore, Mode, Progress, Store, WebhookId, WebhookRecord,
/// };
///
/// let now = Timestamp::from_secs(1_785_000_000);
/// MemoryStore::new().transact(Mode::Write, &mut |tx| {
///     let mut webhook = WebhookRecord::new(now, 1, Some(Lease::new(7, i64::MAX)));
///     let id = tx.add_webhook(&webhook, b"{}")?;
///     assert_eq!(tx.webhook(id)?.as_ref(), Some(&webhook));
///     assert_eq!(tx.body(id)?.as_deref(), Some(&b"{}"[..]));
///     assert_eq!(tx.webhooks(WebhookId(0), true, 9)?.len(), 1);
///
///     let key = "message_received:wamid.A:text";
///     let mut event = EventRecord::new(id, now);
///     assert!(tx.add_event(key, &event)?);
///     assert!(!tx.add_event(key, &event)?, "it is known");
///     event.progress = Progress::Dead;
///     tx.put_event(key, &event)?;
///     assert_eq!(tx.dead_events(9)?[0].1, event);
///
///     event.progress = Progress::Finished;
///     tx.put_event(key, &event)?;
///     assert_eq!(tx.event(key)?, Some(event));
///     (webhook.open, webhook.lease) = (0, None);
///     tx.put_webhook(id, &webhook)?;
///     assert!(tx.webhooks(WebhookId(0), true, 9)?.is_empty(), "all is settled");
///
///     tx.delete_webhook(id)?;
///     assert_eq!(tx.body(id)?, None);
///     assert_eq!(tx.prune(Timestamp::now(), 9)?, 1, "the event");
///     Ok(())
/// })?;
/// # Ok::<(), whatsapp_signals::store::StoreError>(())
/// ```
#[allow(clippy::missing_errors_doc, reason = "said once, above")]
pub trait Inbox {
    /// Adds a webhook. Later ones get greater numbers, and no number is used
    /// twice, also when its webhook is deleted.
    fn add_webhook(
        &mut self,
        webhook: &WebhookRecord,
        body: &[u8],
    ) -> Result<WebhookId, StoreError>;

    /// The webhook with this number.
    fn webhook(&mut self, id: WebhookId) -> Result<Option<WebhookRecord>, StoreError>;

    /// Its body.
    fn body(&mut self, id: WebhookId) -> Result<Option<Vec<u8>>, StoreError>;

    /// Replaces what is stored of a webhook, but for its body.
    fn put_webhook(&mut self, id: WebhookId, webhook: &WebhookRecord) -> Result<(), StoreError>;

    /// Deletes a webhook and its body, if it is there.
    fn delete_webhook(&mut self, id: WebhookId) -> Result<(), StoreError>;

    /// The webhooks with greater numbers than `after`, least first; all of them
    /// or only those that are unsettled, which have something open or a lease.
    fn webhooks(
        &mut self,
        after: WebhookId,
        only_unsettled: bool,
        limit: usize,
    ) -> Result<Vec<(WebhookId, WebhookRecord)>, StoreError>;

    /// The event with this key.
    fn event(&mut self, key: &str) -> Result<Option<EventRecord>, StoreError>;

    /// Adds an event, unless its key is known. Gives whether it was added.
    fn add_event(&mut self, key: &str, event: &EventRecord) -> Result<bool, StoreError>;

    /// Replaces what is stored of an event.
    fn put_event(&mut self, key: &str, event: &EventRecord) -> Result<(), StoreError>;

    /// The [dead](super::Progress::Dead) events, those that came first before the
    /// others.
    fn dead_events(&mut self, limit: usize) -> Result<Vec<(String, EventRecord)>, StoreError>;

    /// Deletes up to `limit` of what came before this and is
    /// over: finished events, webhooks of which nothing is open or
    /// dead, and statuses whose message never came. Gives the number of
    /// deleted rows, 0 when there is nothing left to delete.
    fn prune(&mut self, before: Timestamp, limit: usize) -> Result<usize, StoreError>;
}
