//! Which webhooks came, and which of their events are finished.

use serde::{Deserialize, Serialize};

use super::StoreError;
use crate::model::Timestamp;

/// The number of a webhook in a store.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct WebhookId(pub i64);

/// A webhook that came: how much of it is left to do, and who does it.
///
/// Its body lies beside it, since it is never changed. [`Inbox`] has an example.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub struct WebhookRecord {
    /// When it came.
    pub received_at: Timestamp,
    /// How many of its events are neither finished nor dead.
    pub open: u32,
    /// How many of its events are dead.
    pub dead: u32,
    /// Who works on it.
    pub lease: Option<Lease>,
}

/// The right to work on a webhook.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub struct Lease {
    /// Who holds it: a random number.
    pub holder: i64,
    /// When it ends, in milliseconds since 1970.
    pub until: i64,
}

/// An event that came, by its [`dedup_key`](crate::Event::dedup_key).
///
/// It is finished when its progress says so, and also when its webhook has
/// nothing open, or is gone: a webhook of which all went well is closed as a
/// whole, and its events are left as they are. [`Inbox`] has an example.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub struct EventRecord {
    /// The webhook that it came in first.
    pub webhook: WebhookId,
    /// When it came.
    pub received_at: Timestamp,
    /// How far it is.
    pub progress: Progress,
    /// How often it has failed.
    pub attempts: u32,
    /// The receivers that have succeeded.
    pub done: Vec<String>,
    /// The receivers that failed the last time.
    pub failed: Vec<String>,
}

/// How far an event is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Progress {
    /// Some receiver has not succeeded yet.
    Open,
    /// Nothing is left to do.
    Finished,
    /// It was tried often enough: somebody must look at it.
    Dead,
}

impl WebhookRecord {
    /// Whether something of it is open, or it was left behind with its lease.
    ///
    /// ```
    /// use whatsapp_signals::model::Timestamp;
    /// use whatsapp_signals::store::{Lease, WebhookRecord};
    ///
    /// assert!(WebhookRecord::new(Timestamp::now(), 1, None).is_unsettled());
    /// assert!(WebhookRecord::new(Timestamp::now(), 0, Some(Lease::new(7, 0))).is_unsettled());
    /// assert!(!WebhookRecord::new(Timestamp::now(), 0, None).is_unsettled());
    /// ```
    #[must_use]
    pub fn is_unsettled(&self) -> bool {
        self.open > 0 || self.lease.is_some()
    }

    /// A webhook with this many events to do.
    #[must_use]
    pub fn new(received_at: Timestamp, open: u32, lease: Option<Lease>) -> Self {
        Self {
            received_at,
            open,
            dead: 0,
            lease,
        }
    }
}

impl Lease {
    /// A lease of this holder.
    #[must_use]
    pub fn new(holder: i64, until: i64) -> Self {
        Self { holder, until }
    }
}

impl EventRecord {
    /// An event that nobody has worked on.
    #[must_use]
    pub fn new(webhook: WebhookId, received_at: Timestamp) -> Self {
        Self {
            webhook,
            received_at,
            progress: Progress::Open,
            attempts: 0,
            done: Vec::new(),
            failed: Vec::new(),
        }
    }
}

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
/// let now = Timestamp::now();
/// MemoryStore::new().transact(Mode::Write, &mut |tx| {
///     let webhook = WebhookRecord::new(now, 1, Some(Lease::new(7, i64::MAX)));
///     let id = tx.add_webhook(&webhook, b"{}")?;
///     assert_eq!(tx.webhook(id)?, Some(webhook));
///     assert_eq!(tx.body(id)?.as_deref(), Some(&b"{}"[..]));
///     assert_eq!(tx.webhooks(WebhookId(0), true, 9)?.len(), 1);
///
///     let mut event = EventRecord::new(id, now);
///     assert!(tx.add_event("message_received:wamid.A:text", &event)?);
///     assert!(!tx.add_event("message_received:wamid.A:text", &event)?, "it is known");
///     event.progress = Progress::Dead;
///     tx.put_event("message_received:wamid.A:text", &event)?;
///     assert_eq!(tx.dead_events(9)?[0].1, event);
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

    /// The [dead](Progress::Dead) events, those that came first before the
    /// others.
    fn dead_events(&mut self, limit: usize) -> Result<Vec<(String, EventRecord)>, StoreError>;

    /// Deletes up to `limit` of what came before this and is
    /// over: finished events, webhooks of which nothing is open or
    /// dead, and statuses whose message never came. Gives the number of
    /// deleted rows, 0 when there is nothing left to delete.
    fn prune(&mut self, before: Timestamp, limit: usize) -> Result<usize, StoreError>;
}
