//! Dead letters by a filter: the matching ones are listed, requeued or discarded, in steps.

use std::collections::HashSet;
use std::error::Error;
use std::sync::Arc;

use super::DeadLetter;
use crate::engine::batch::Batch;
use crate::engine::runtime::ready;
use crate::engine::tenants::NumberTenants;
use crate::engine::transaction::{FirstAttempt, transact};
use crate::engine::{EngineCall, EngineError, WebhookEngine, new_id};
use crate::event::WebhookEvent;
use crate::model::Timestamp;
use crate::signal::ReceiverMode;
use crate::store::{
    DeadEventPosition, Durability, EventState, Fingerprint, LoadQuery, NumberKey, ProgressRow,
    ReadyStore, ReceiverState, Store, StoreError, StoreErrorKind, Tenant, WebhookId, WebhookKind,
    WebhookRow,
};

/// The most dead letters that one commit resolves, so that webhooks are processed between two
/// commits.
const STEP: usize = 100;

/// The most dead letters whose bodies are loaded at once.
const BODIES: usize = 25;

/// A filter of dead letters. It matches those that satisfy all its conditions; without conditions,
/// all of them.
///
/// # Examples
///
/// ```
/// use whatsapp_signals::engine::DeadLetterFilter;
///
/// // Up to a thousand messages that the receiver `archive` failed to process.
/// let filter = DeadLetterFilter::new()
///     .name("message_received")
///     .receiver("archive")
///     .limit(1000);
/// # let engine = whatsapp_signals::WebhookEngine::new(whatsapp_signals::store::MemoryStore::new());
/// assert_eq!(engine.requeue_all(&filter)?, 0, "none failed");
/// # Ok::<(), whatsapp_signals::EngineError>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[must_use]
pub struct DeadLetterFilter {
    name: Option<String>,
    receiver: Option<String>,
    number: Option<NumberKey>,
    tenant: Option<Tenant>,
    since: Option<Timestamp>,
    before: Option<Timestamp>,
    after: Option<DeadEventPosition>,
    limit: Option<usize>,
}

impl DeadLetterFilter {
    /// Returns a filter that matches all dead letters, also bodies that are no webhook.
    pub fn new() -> Self {
        Self::default()
    }

    /// Limits the filter to events with this [name](WebhookEvent::name), such as
    /// `message_received`. Bodies that are no webhook have none.
    pub fn name(mut self, name: impl Into<String>) -> Self {
        self.name = Some(name.into());
        self
    }

    /// Limits the filter to events of which this receiver failed, named as in
    /// [`failed`](super::DeadLetter::failed).
    pub fn receiver(mut self, receiver: impl Into<String>) -> Self {
        self.receiver = Some(receiver.into());
        self
    }

    /// Limits the filter to events of your number with this `phone_number_id`.
    pub fn number(mut self, phone_number_id: impl Into<Arc<str>>) -> Self {
        self.number = Some(NumberKey::new(phone_number_id));
        self
    }

    /// Limits the filter to events of this tenant, which is the tenant of their number. An event
    /// without a number belongs to the tenant that [`tenant_of`](WebhookEngine::tenant_of) returns
    /// for its account (default: its WABA). Bodies that are no webhook have none.
    ///
    /// Each event of a body is matched by itself, as a body may have events of several tenants.
    pub fn tenant(mut self, tenant: impl Into<Arc<str>>) -> Self {
        self.tenant = Some(Tenant::new(tenant));
        self
    }

    /// Limits the filter to dead letters that [came](super::DeadLetter::received_at) at this time
    /// or later.
    pub fn received_since(mut self, time: Timestamp) -> Self {
        self.since = Some(time);
        self
    }

    /// Limits the filter to dead letters that [came](super::DeadLetter::received_at) before this
    /// time.
    pub fn received_before(mut self, time: Timestamp) -> Self {
        self.before = Some(time);
        self
    }

    /// Limits the number of dead letters. The oldest webhooks come first.
    pub fn limit(mut self, letters: usize) -> Self {
        self.limit = Some(letters);
        self
    }

    /// Limits the filter to dead letters after this position, that of the last letter of the
    /// previous page, as [`find_dead_letters`](WebhookEngine::find_dead_letters) returned it.
    pub fn after(mut self, position: DeadEventPosition) -> Self {
        self.after = Some(position);
        self
    }

    fn matches_time(&self, at: Timestamp) -> bool {
        self.since.is_none_or(|since| since <= at) && self.before.is_none_or(|before| at < before)
    }

    /// Returns whether the conditions on the rows hold, which need no body.
    fn matches_row(&self, progress: &ProgressRow, webhook: &WebhookRow) -> bool {
        self.matches_time(webhook.received_at)
            && self.receiver.as_ref().is_none_or(|name| {
                let mut receivers = progress.receivers.iter();
                receivers.any(|receiver| {
                    receiver.receiver == *name && receiver.state != ReceiverState::Succeeded
                })
            })
    }

    fn needs_event(&self) -> bool {
        self.name.is_some() || self.number.is_some() || self.tenant.is_some()
    }

    /// Returns whether the conditions on the event hold. `tenants` are given if the filter has a
    /// tenant.
    fn matches_event(
        &self,
        tenants: Option<&NumberTenants<'_>>,
        event: &WebhookEvent,
    ) -> Result<bool, StoreError> {
        let number = || NumberKey::of(event.account());
        if self.name.as_ref().is_some_and(|name| name != event.name())
            || self.number.as_ref().is_some_and(|of| *of != number())
        {
            return Ok(false);
        }
        match (&self.tenant, tenants) {
            (Some(tenant), Some(tenants)) => tenants.belongs_to(event.account(), tenant),
            _ => Ok(true),
        }
    }
}

/// Dead letters by a filter, for sync callers.
impl<S: ReadyStore> WebhookEngine<S> {
    /// Returns the dead letters that match a filter, with their positions: in the order of their
    /// webhooks, and within a webhook in the order in which they became dead letters.
    ///
    /// Without a [limit](DeadLetterFilter::limit) all of them are in memory, with their bodies. Up
    /// to 25 bodies are loaded at once.
    ///
    /// # Errors
    ///
    /// When the store fails.
    ///
    /// # Examples
    ///
    /// ```
    /// use whatsapp_signals::WebhookEngine;
    /// use whatsapp_signals::engine::DeadLetterFilter;
    /// use whatsapp_signals::store::MemoryStore;
    ///
    /// let engine = WebhookEngine::new(MemoryStore::new());
    /// for body in [b"{", b"[", b"<"] {
    ///     engine.store_unreadable(body)?;
    /// }
    /// // Page by page.
    /// let mut filter = DeadLetterFilter::new().limit(2);
    /// let mut bodies = Vec::new();
    /// loop {
    ///     let page = engine.find_dead_letters(&filter)?;
    ///     let Some((last, _)) = page.last() else { break };
    ///     filter = filter.after(*last);
    ///     bodies.extend(page.into_iter().map(|(_, letter)| letter.body));
    /// }
    /// assert_eq!(bodies.len(), 3);
    /// # Ok::<(), whatsapp_signals::EngineError>(())
    /// ```
    pub fn find_dead_letters(
        &self,
        filter: &DeadLetterFilter,
    ) -> Result<Vec<(DeadEventPosition, DeadLetter)>, EngineError> {
        ready(self.call(ReceiverMode::Sync).find_dead_letters(filter))
    }

    /// Requeues all dead letters that match a filter, as [`requeue`](Self::requeue) does with one,
    /// and returns their number: after a receiver was repaired, for example.
    ///
    /// Up to 100 of them are written in one commit, and other calls run between two commits. Events
    /// that become dead letters again meanwhile are not requeued again.
    ///
    /// # Errors
    ///
    /// When the store fails; the earlier ones are requeued then. A letter with a damaged row, or
    /// with repeated conflicts with other programs, is an error after all others are requeued.
    ///
    /// # Examples
    ///
    /// ```standalone_crate
    /// use std::sync::atomic::{AtomicBool, Ordering};
    /// use whatsapp_signals::engine::DeadLetterFilter;
    /// use whatsapp_signals::event::MessageReceived;
    /// use whatsapp_signals::store::MemoryStore;
    /// use whatsapp_signals::{WebhookEngine, receiver, signals::MESSAGE_RECEIVED};
    ///
    /// static IS_UP: AtomicBool = AtomicBool::new(false);
    ///
    /// #[receiver(MESSAGE_RECEIVED, uid = "archive")]
    /// fn archive(_: &MessageReceived) -> Result<(), &'static str> {
    ///     IS_UP.load(Ordering::Relaxed).then_some(()).ok_or("no archive")
    /// }
    ///
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let engine = WebhookEngine::new(MemoryStore::new()).max_attempts(1);
    /// assert_eq!(engine.process(&std::fs::read("tests/payloads/text.json")?)?.dead_lettered(), 1);
    ///
    /// IS_UP.store(true, Ordering::Relaxed);
    /// assert_eq!(engine.requeue_all(&DeadLetterFilter::new().receiver("archive"))?, 1);
    /// assert_eq!(engine.retry_unfinished()?.unfinished(), 0);
    /// # Ok(())
    /// # }
    /// ```
    pub fn requeue_all(&self, filter: &DeadLetterFilter) -> Result<usize, EngineError> {
        let call = self.call(ReceiverMode::Sync);
        ready(call.resolve_all(filter, EventState::Open))
    }

    /// Discards all dead letters that match a filter, as [`discard`](Self::discard) does with one,
    /// in steps as [`requeue_all`](Self::requeue_all), and returns their number.
    ///
    /// # Errors
    ///
    /// As of [`requeue_all`](Self::requeue_all).
    ///
    /// ```
    /// use std::time::Duration;
    /// use whatsapp_signals::WebhookEngine;
    /// use whatsapp_signals::engine::{DeadLetterFilter, RETENTION};
    /// use whatsapp_signals::model::Timestamp;
    /// use whatsapp_signals::store::MemoryStore;
    ///
    /// let engine = WebhookEngine::new(MemoryStore::new());
    /// engine.store_unreadable(b"{")?;
    /// let eight_days = i64::try_from(RETENTION.as_secs()).expect("a short time");
    /// let old = Timestamp::from_secs(Timestamp::now().as_secs() - eight_days);
    /// assert_eq!(engine.discard_all(&DeadLetterFilter::new().received_before(old))?, 0);
    /// assert_eq!(engine.discard_all(&DeadLetterFilter::new())?, 1);
    /// assert!(engine.dead_letters(10)?.is_empty());
    /// # Ok::<(), whatsapp_signals::EngineError>(())
    /// ```
    pub fn discard_all(&self, filter: &DeadLetterFilter) -> Result<usize, EngineError> {
        let call = self.call(ReceiverMode::Sync);
        ready(call.resolve_all(filter, EventState::Finished))
    }
}

/// Dead letters by a filter.
impl<S: Store> WebhookEngine<S> {
    /// Returns dead letters as [`find_dead_letters`](Self::find_dead_letters) does, and awaits the
    /// store.
    ///
    /// # Errors
    ///
    /// When the store fails.
    pub async fn find_dead_letters_async(
        &self,
        filter: &DeadLetterFilter,
    ) -> Result<Vec<(DeadEventPosition, DeadLetter)>, EngineError> {
        let call = self.call(ReceiverMode::Async);
        call.find_dead_letters(filter).await
    }

    /// Requeues dead letters as [`requeue_all`](Self::requeue_all) does, and awaits the store.
    ///
    /// # Errors
    ///
    /// As of [`requeue_all`](Self::requeue_all).
    pub async fn requeue_all_async(&self, filter: &DeadLetterFilter) -> Result<usize, EngineError> {
        let call = self.call(ReceiverMode::Async);
        call.resolve_all(filter, EventState::Open).await
    }

    /// Discards dead letters as [`discard_all`](Self::discard_all) does, and awaits the store.
    ///
    /// # Errors
    ///
    /// As of [`requeue_all`](Self::requeue_all).
    pub async fn discard_all_async(&self, filter: &DeadLetterFilter) -> Result<usize, EngineError> {
        let call = self.call(ReceiverMode::Async);
        call.resolve_all(filter, EventState::Finished).await
    }
}

/// The resolution of many dead letters: the filter, and their new state.
struct BulkResolution<'f> {
    filter: &'f DeadLetterFilter,
    tenants: Option<NumberTenants<'f>>,
    state: EventState,
    /// The number of letters that may still be resolved.
    left: usize,
    /// The webhook whose body was parsed last, and the keys of its events that match the filter.
    read: Option<(WebhookId, HashSet<String>)>,
}

impl<'e> EngineCall<'e> {
    pub(crate) async fn find_dead_letters(
        self,
        filter: &DeadLetterFilter,
    ) -> Result<Vec<(DeadEventPosition, DeadLetter)>, EngineError> {
        self.write_kept_updates().await?;
        let tenants = self.tenants_for(filter).await?;
        let most = filter.limit.unwrap_or(usize::MAX);
        let mut found = Vec::new();
        let mut after = filter.after;
        while found.len() < most {
            let mut page = self.access.dead_events(after, STEP).await?;
            let Some((last, _)) = page.last() else { break };
            after = Some(*last);
            let mut query = LoadQuery::default();
            query.events.extend(page.iter().map(|(_, event)| *event));
            let rows = self.access.load(&query).await?;
            page.retain(|(_, event)| {
                let progress = rows.progress.get(event).and_then(Option::as_ref);
                progress.is_some_and(|progress| {
                    let webhook = rows.webhooks.get(&progress.webhook);
                    let webhook = webhook.and_then(Option::as_ref);
                    webhook.is_some_and(|webhook| filter.matches_row(progress, &webhook.row))
                })
            });
            for page in page.chunks(BODIES) {
                if found.len() >= most {
                    break;
                }
                let mut query = LoadQuery::default();
                query.events.extend(page.iter().map(|(_, event)| *event));
                query
                    .bodies
                    .extend(page.iter().map(|(position, _)| position.webhook));
                let loaded = self.access.load(&query).await?;
                for (position, letter) in self.letters(loaded, page.iter().copied()) {
                    let is_taken = match &letter.event {
                        Some(event) => filter.matches_event(tenants.as_ref(), event)?,
                        None => !filter.needs_event(),
                    };
                    if is_taken {
                        found.push((position, letter));
                    }
                }
            }
        }
        found.truncate(most);
        Ok(found)
    }

    /// Loads the tenants if a filter needs them.
    async fn tenants_for(
        self,
        filter: &DeadLetterFilter,
    ) -> Result<Option<NumberTenants<'e>>, StoreError> {
        match filter.tenant {
            Some(_) => self.tenants().await.map(Some),
            None => Ok(None),
        }
    }

    /// Opens or finishes all dead events that match a filter. Returns their number.
    async fn resolve_all(
        self,
        filter: &DeadLetterFilter,
        state: EventState,
    ) -> Result<usize, EngineError> {
        self.write_kept_updates().await?;
        let most = filter.limit.unwrap_or(usize::MAX);
        let mut bulk = BulkResolution {
            filter,
            tenants: self.tenants_for(filter).await?,
            state,
            left: most,
            read: None,
        };
        // An end, as webhooks that come meanwhile may fail as fast as their letters are resolved.
        let end = WebhookId(new_id());
        let mut failed = None;
        let mut after = filter.after;
        // The events of one webhook so far: one that fails again comes behind its first position.
        let mut seen = HashSet::new();
        while bulk.left > 0 {
            let page = self.access.dead_events(after, STEP).await?;
            let is_last = page.is_empty();
            let mut events = Vec::with_capacity(page.len());
            for (position, event) in page {
                if after.is_none_or(|after| position.webhook != after.webhook) {
                    seen.clear();
                }
                after = Some(position);
                if position.webhook < end && seen.insert(event) {
                    events.push(event);
                }
            }
            if events.is_empty() && (is_last || after.is_some_and(|after| after.webhook >= end)) {
                break;
            }
            match self.resolve_step(&mut bulk, &events).await {
                Ok(()) => {}
                Err(error) if concerns_one_letter(&error) => {
                    // It must not prevent the resolution of the others of its page.
                    for event in &events {
                        match self.resolve_step(&mut bulk, &[*event]).await {
                            Ok(()) => {}
                            Err(error) if concerns_one_letter(&error) => {
                                failed.get_or_insert(error);
                            }
                            Err(error) => return Err(error.into()),
                        }
                    }
                }
                Err(error) => return Err(error.into()),
            }
        }
        failed.map_or(Ok(most - bulk.left), |error| Err(error.into()))
    }

    /// Resolves the dead events among these that match the filter, in one commit.
    async fn resolve_step(
        self,
        bulk: &mut BulkResolution<'_>,
        events: &[Fingerprint],
    ) -> Result<(), StoreError> {
        let mut query = LoadQuery::default();
        query.events.extend(events);
        let loaded = self.access.load(&query).await?;
        let mut chosen = Vec::with_capacity(events.len());
        for event in events {
            let Some(Some(progress)) = loaded.progress.get(event) else {
                continue;
            };
            let Some(Some(webhook)) = loaded.webhooks.get(&progress.webhook) else {
                continue;
            };
            if bulk.filter.matches_row(progress, &webhook.row)
                && self.matches_event(bulk, progress, webhook.row.kind).await?
            {
                chosen.push(*event);
            }
        }
        let (state, left) = (bulk.state, bulk.left);
        let resolved = transact(
            self.access,
            loaded,
            FirstAttempt::Loaded,
            Durability::Disk,
            |draft| {
                let mut resolved = 0;
                for event in &chosen {
                    if resolved == left {
                        break;
                    }
                    resolved += usize::from(self.resolve_in(draft, *event, state)?);
                }
                Ok(resolved)
            },
        );
        let resolved = resolved.await?;
        if resolved > 0 {
            self.core.tending.add_work();
        }
        bulk.left -= resolved;
        Ok(())
    }

    /// Returns whether the event of a row of progress matches the filter.
    async fn matches_event(
        self,
        bulk: &mut BulkResolution<'_>,
        progress: &ProgressRow,
        kind: WebhookKind,
    ) -> Result<bool, StoreError> {
        if !bulk.filter.needs_event() {
            return Ok(true);
        }
        let id = progress.webhook;
        if bulk.read.as_ref().is_none_or(|(read, _)| *read != id) {
            // One body at a time, since a page of bodies may be large.
            let mut query = LoadQuery::default();
            query.bodies.insert(id);
            let mut loaded = self.access.load(&query).await?;
            let body = loaded.bodies.remove(&id).flatten().unwrap_or_default();
            let mut keys = HashSet::new();
            if let Ok((batch, _)) = Batch::parse_stored(self.core.settings.parser, kind, &body) {
                for (key, event) in batch.keys.into_iter().zip(batch.events) {
                    if bulk.filter.matches_event(bulk.tenants.as_ref(), &event)? {
                        keys.insert(key);
                    }
                }
            }
            bulk.read = Some((id, keys));
        }
        let keys = bulk.read.as_ref().map(|(_, keys)| keys);
        Ok(keys.is_some_and(|keys| keys.contains(&progress.key)))
    }
}

/// Returns whether an error concerns one letter and not the store: a damaged row, or a row with
/// repeated conflicts.
fn concerns_one_letter(error: &StoreError) -> bool {
    match error.kind() {
        StoreErrorKind::Corrupt => true,
        // The last conflict is its source.
        StoreErrorKind::Locked => {
            let source = error.source();
            source
                .and_then(|source| source.downcast_ref::<StoreError>())
                .is_some()
        }
        _ => false,
    }
}
