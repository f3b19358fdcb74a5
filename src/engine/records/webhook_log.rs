//! The log of stored webhooks.

use std::fmt;

use super::Records;
use crate::engine::batch::Batch;
use crate::engine::runtime::ready;
use crate::engine::stored_body::split_replay;
use crate::engine::tenants::OwnerKey;
use crate::engine::{EngineCall, WebhookEngine};
use crate::event::WebhookEvent;
use crate::model::Timestamp;
use crate::signal::ReceiverMode;
use crate::store::{ReadyStore, Store, StoreError, WebhookId, WebhookQuery, WebhookRow};

/// The number of webhooks that are loaded at once to find those of a tenant.
const WEBHOOKS: usize = 100;

/// A stored webhook. Its body is personal data, and `Debug` leaves it out.
///
/// # Examples
///
/// ```
/// use whatsapp_signals::WebhookEngine;
/// use whatsapp_signals::store::MemoryStore;
///
/// let engine = WebhookEngine::new(MemoryStore::new()).log_webhooks(true);
/// let body = &std::fs::read("tests/payloads/text.json")?;
/// engine.process(body)?;
///
/// let logged = engine.webhooks(None, 1)?.remove(0);
/// assert_eq!((logged.open, logged.dead), (0, 0), "its event is finished");
/// assert_eq!(&logged.body, body);
/// assert_eq!(logged.events.as_ref().unwrap()[0].name(), "message_received");
/// assert!(!format!("{logged:?}").contains("gravel"));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, PartialEq)]
#[non_exhaustive]
pub struct LoggedWebhook {
    /// The id of its row in the store.
    pub id: WebhookId,
    /// The time at which it came.
    pub received_at: Timestamp,
    /// The number of its events that are neither finished nor dead, also of other tenants.
    pub open: u32,
    /// The number of its dead events, also of other tenants.
    pub dead: u32,
    /// The webhook that is repeated, if this one is an unfinished [replay](WebhookEngine::replay).
    pub replay_of: Option<WebhookId>,
    /// Its events; with [`Records::webhooks`], those of the tenant or number. `None` if the body is
    /// no webhook.
    pub events: Option<Vec<WebhookEvent>>,
    /// The number of events that `events` leaves out, as they belong to another tenant or number.
    pub omitted_events: usize,
    /// The whole body, as it came, also with the events of other tenants. Events that came without
    /// a body are stored as JSON of this crate.
    pub body: Vec<u8>,
}

impl LoggedWebhook {
    /// Retains the events that satisfy a condition. Returns whether there are any.
    fn keep_events(
        &mut self,
        mut is_kept: impl FnMut(&WebhookEvent) -> Result<bool, StoreError>,
    ) -> Result<bool, StoreError> {
        let mut kept = Vec::new();
        for event in self.events.take().unwrap_or_default() {
            if is_kept(&event)? {
                kept.push(event);
            } else {
                self.omitted_events += 1;
            }
        }
        let has_events = !kept.is_empty();
        self.events = Some(kept);
        Ok(has_events)
    }
}

impl fmt::Debug for LoggedWebhook {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LoggedWebhook")
            .field("id", &self.id)
            .field("received_at", &self.received_at)
            .field("open", &self.open)
            .field("dead", &self.dead)
            .field("replay_of", &self.replay_of)
            .field("events", &self.events.as_ref().map(Vec::len))
            .field("omitted_events", &self.omitted_events)
            .field("len", &self.body.len())
            .finish_non_exhaustive()
    }
}

/// The log of all tenants, for sync callers.
impl<S: ReadyStore> WebhookEngine<S> {
    /// Returns the webhooks after the given one, or the first ones: all of them if
    /// [`log_webhooks`](Self::log_webhooks) is on, otherwise the unfinished ones.
    ///
    /// # Errors
    ///
    /// When the store fails.
    ///
    /// ```
    /// use whatsapp_signals::WebhookEngine;
    /// use whatsapp_signals::store::MemoryStore;
    ///
    /// let engine = WebhookEngine::new(MemoryStore::new()).log_webhooks(true);
    /// engine.process(&std::fs::read("tests/payloads/text.json")?)?;
    /// engine.process(&std::fs::read("tests/payloads/image.json")?)?;
    /// let first = engine.webhooks(None, 1)?.remove(0);
    /// assert_eq!(engine.webhooks(Some(first.id), 50)?.len(), 1);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn webhooks(
        &self,
        after: Option<WebhookId>,
        limit: usize,
    ) -> Result<Vec<LoggedWebhook>, StoreError> {
        ready(self.call(ReceiverMode::Sync).webhooks(None, after, limit))
    }
}

/// The log of all tenants.
impl<S: Store> WebhookEngine<S> {
    /// Returns logged webhooks as [`webhooks`](Self::webhooks) does, and awaits the store.
    ///
    /// # Errors
    ///
    /// When the store fails.
    pub async fn webhooks_async(
        &self,
        after: Option<WebhookId>,
        limit: usize,
    ) -> Result<Vec<LoggedWebhook>, StoreError> {
        let call = self.call(ReceiverMode::Async);
        call.webhooks(None, after, limit).await
    }
}

/// The log of a number or tenant, for sync callers.
#[allow(clippy::missing_errors_doc, reason = "said once, at the type")]
impl<S: ReadyStore> Records<'_, S> {
    /// Returns the stored webhooks with an event of these records, as [`WebhookEngine::webhooks`]
    /// returns all of them.
    ///
    /// A body may have events of several tenants: [`events`](LoggedWebhook::events) has only those
    /// of these records, and [`body`](LoggedWebhook::body) all of them. A body that is no webhook
    /// belongs to no records. All stored webhooks are searched.
    ///
    /// ```
    /// use whatsapp_signals::WebhookEngine;
    /// use whatsapp_signals::store::MemoryStore;
    /// use whatsapp_signals::testing;
    ///
    /// let engine = WebhookEngine::new(MemoryStore::new()).log_webhooks(true);
    /// let bikes = testing::text("Hi").waba("900800700600500");
    /// let boats = testing::text("Ahoy").waba("520400300200800").to_number("77", "15550100201");
    /// engine.process(&testing::batch([bikes, boats]).body())?;
    ///
    /// let webhook = engine.tenant("520400300200800").webhooks(None, 10)?.remove(0);
    /// assert_eq!((webhook.events.unwrap().len(), webhook.omitted_events), (1, 1));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn webhooks(
        &self,
        after: Option<WebhookId>,
        limit: usize,
    ) -> Result<Vec<LoggedWebhook>, StoreError> {
        let call = self.call(ReceiverMode::Sync);
        ready(call.webhooks(Some(&self.owner), after, limit))
    }
}

/// The log of a number or tenant.
#[allow(clippy::missing_errors_doc, reason = "said once, at the type")]
impl<S: Store> Records<'_, S> {
    /// Returns webhooks as [`webhooks`](Self::webhooks) does, and awaits the store.
    pub async fn webhooks_async(
        &self,
        after: Option<WebhookId>,
        limit: usize,
    ) -> Result<Vec<LoggedWebhook>, StoreError> {
        let call = self.call(ReceiverMode::Async);
        call.webhooks(Some(&self.owner), after, limit).await
    }
}

impl EngineCall<'_> {
    /// Returns logged webhooks: all, or those with an event of an owner of records.
    async fn webhooks(
        self,
        owner: Option<&OwnerKey>,
        mut after: Option<WebhookId>,
        limit: usize,
    ) -> Result<Vec<LoggedWebhook>, StoreError> {
        let tenants = match owner {
            Some(_) => Some(self.tenants().await?),
            None => None,
        };
        let mut found = Vec::new();
        while found.len() < limit {
            // Most of the webhooks may belong to other owners.
            let step = if owner.is_some() { WEBHOOKS } else { limit };
            let query = WebhookQuery::first(step).after(after).with_bodies();
            let page = self.access.webhooks(&query).await?;
            let is_last = page.len() < step;
            after = page.last().map(|(id, ..)| *id);
            for (id, row, body) in page {
                let logged = self.logged(id, &row, body.unwrap_or_default());
                match (owner, &tenants) {
                    (Some(owner), Some(tenants)) => {
                        let mut logged = logged;
                        if logged.keep_events(|event| tenants.owns(owner, event))? {
                            found.push(logged);
                        }
                    }
                    _ => found.push(logged),
                }
            }
            if is_last {
                break;
            }
        }
        found.truncate(limit);
        Ok(found)
    }

    fn logged(self, id: WebhookId, row: &WebhookRow, stored: Vec<u8>) -> LoggedWebhook {
        let batch = Batch::parse_stored(self.core.settings.parser, row.kind, &stored);
        let batch = batch.ok().map(|(batch, _)| batch);
        let replay = batch.as_ref().and_then(|batch| batch.replay.as_ref());
        let of = replay.map(|replay| replay.of);
        let (replay_of, body) = match split_replay(row.kind, &stored) {
            Some((replay, body)) => (Some(replay.of), body.to_vec()),
            None => (of, stored),
        };
        LoggedWebhook {
            id,
            received_at: row.received_at,
            open: row.open,
            dead: row.dead,
            replay_of,
            events: batch.map(|batch| batch.events),
            omitted_events: 0,
            body,
        }
    }
}
