//! A store in memory.

mod contacts;
mod messages;
mod turns;
mod webhooks;

mod tables;

use std::fmt;
use std::time::SystemTime;

use parking_lot::Mutex;

use super::{
    BacklogRow, CampaignKey, CampaignMessages, CampaignRow, Changes, DeadEventPosition, Durability,
    Fingerprint, Lease, LeaseQuery, LeasedPage, LoadQuery, MessageQuery, MessageScan, NumberKey,
    Prune, Pruned, ReadyStore, ScannedMessages, Snapshot, Store, StoreError, StoreFuture,
    StoredMessage, Tenant, Unread, UnreadQuery, WebhookPage, WebhookQuery,
};
use crate::model::Signup;
use tables::Tables;

/// A store in memory, for tests and for programs that may lose its rows.
///
/// The numbers of events, webhooks, messages and contacts are bounded, each by the same number. At the
/// bound, the store evicts the oldest finished event, closed webhook or message, or the least recently
/// used contact. Unfinished events and unclosed webhooks are never evicted: if no row can be, the store
/// is [`Full`](super::StoreErrorKind::Full), and the webhook is refused. Signups, campaigns and numbers
/// are not bounded.
///
/// # Examples
///
/// ```
/// use whatsapp_signals::WebhookEngine;
/// use whatsapp_signals::store::MemoryStore;
///
/// let engine = WebhookEngine::new(MemoryStore::new());
/// let body = &std::fs::read("tests/payloads/text.json")?;
/// assert_eq!(engine.process(body)?.delivered(), 1);
/// assert_eq!(engine.process(body)?.duplicates(), 1);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct MemoryStore {
    tables: Mutex<Tables>,
    clock: Box<dyn Fn() -> SystemTime + Send + Sync>,
}

impl MemoryStore {
    /// The bound of a [`new`](Self::new) store: 100,000 rows of each kind.
    pub const DEFAULT_BOUND: usize = 100_000;

    /// Creates an empty store with the default bound.
    #[must_use]
    pub fn new() -> Self {
        Self::bounded(Self::DEFAULT_BOUND)
    }

    /// Creates an empty store with up to `rows` rows of each kind.
    ///
    /// ```
    /// use whatsapp_signals::store::{MemoryStore, StoreErrorKind};
    /// use whatsapp_signals::{EngineErrorKind, WebhookEngine};
    ///
    /// let engine = WebhookEngine::new(MemoryStore::bounded(1));
    /// let two = &std::fs::read("tests/payloads/flow-reply.json")?;
    /// let error = engine.process(two).unwrap_err();
    /// let EngineErrorKind::Store(error) = error.kind() else { panic!("the store's error") };
    /// assert_eq!(error.kind(), StoreErrorKind::Full);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn bounded(rows: usize) -> Self {
        Self {
            tables: Mutex::new(Tables::new(rows)),
            clock: Box::new(SystemTime::now),
        }
    }

    /// Sets the clock of leases and due times (default: that of the system), for tests.
    ///
    /// ```
    /// use std::sync::Arc;
    /// use std::sync::atomic::{AtomicU64, Ordering};
    /// use std::time::{Duration, SystemTime};
    /// use whatsapp_signals::store::MemoryStore;
    ///
    /// let seconds = Arc::new(AtomicU64::new(1_785_000_000));
    /// let clock = Arc::clone(&seconds);
    /// let store = MemoryStore::new().clock(move || {
    ///     SystemTime::UNIX_EPOCH + Duration::from_secs(clock.load(Ordering::Relaxed))
    /// });
    /// // An hour passes.
    /// seconds.fetch_add(3600, Ordering::Relaxed);
    /// # drop(store);
    /// ```
    #[must_use]
    pub fn clock(self, now: impl Fn() -> SystemTime + Send + Sync + 'static) -> Self {
        let clock = Box::new(now);
        Self { clock, ..self }
    }

    /// Returns the time in milliseconds since 1970.
    fn now(&self) -> i64 {
        let since = (self.clock)().duration_since(SystemTime::UNIX_EPOCH);
        // A clock before 1970 was never set.
        since.map_or(0, |since| since.as_millis().try_into().unwrap_or(i64::MAX))
    }

    /// Returns a future that runs `work` at its first poll, and is ready then.
    fn work<'a, T>(
        &'a self,
        work: impl FnOnce(&mut Tables, i64) -> Result<T, StoreError> + Send + 'a,
    ) -> StoreFuture<'a, T> {
        Box::pin(async move { work(&mut self.tables.lock(), self.now()) })
    }
}

impl Default for MemoryStore {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for MemoryStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MemoryStore").finish_non_exhaustive()
    }
}

impl Store for MemoryStore {
    fn load<'a>(&'a self, query: &'a LoadQuery) -> StoreFuture<'a, Snapshot> {
        self.work(|tables, now| Ok(tables.load(query, now)))
    }

    fn commit<'a>(&'a self, changes: &'a Changes<'a>, _: Durability) -> StoreFuture<'a, ()> {
        self.work(|tables, now| tables.commit(changes, now))
    }

    fn lease_due(&self, lease: Lease, query: LeaseQuery) -> StoreFuture<'_, LeasedPage> {
        self.work(move |tables, now| Ok(tables.lease_due(lease, query, now)))
    }

    fn webhooks<'a>(&'a self, query: &'a WebhookQuery) -> StoreFuture<'a, WebhookPage> {
        self.work(|tables, _| Ok(tables.webhooks.page(query)))
    }

    fn dead_events(
        &self,
        after: Option<DeadEventPosition>,
        limit: usize,
    ) -> StoreFuture<'_, Vec<(DeadEventPosition, Fingerprint)>> {
        self.work(move |tables, _| Ok(tables.webhooks.dead_events(after, limit)))
    }

    fn backlog(&self) -> StoreFuture<'_, BacklogRow> {
        self.work(|tables, now| Ok(tables.webhooks.backlog(now)))
    }

    fn messages<'a>(&'a self, query: &'a MessageQuery) -> StoreFuture<'a, Vec<StoredMessage>> {
        self.work(|tables, _| Ok(tables.messages(query)))
    }

    fn unread<'a>(&'a self, query: &'a UnreadQuery) -> StoreFuture<'a, Vec<Unread>> {
        self.work(|tables, _| Ok(tables.unread(query)))
    }

    fn signups<'a>(&'a self, tenant: &'a Tenant) -> StoreFuture<'a, Vec<Signup>> {
        self.work(|tables, _| Ok(tables.signups(tenant)))
    }

    fn campaigns<'a>(
        &'a self,
        tenant: Option<&'a Tenant>,
    ) -> StoreFuture<'a, Vec<(CampaignKey, CampaignRow)>> {
        self.work(move |tables, _| Ok(tables.campaigns(tenant)))
    }

    fn campaign_messages<'a>(
        &'a self,
        campaigns: &'a [CampaignKey],
    ) -> StoreFuture<'a, Vec<CampaignMessages>> {
        self.work(|tables, _| Ok(tables.campaign_messages(campaigns)))
    }

    fn numbers(&self) -> StoreFuture<'_, Vec<(NumberKey, Tenant)>> {
        self.work(|tables, _| Ok(tables.numbers()))
    }

    fn prune<'a>(&'a self, step: &'a Prune) -> StoreFuture<'a, Pruned> {
        self.work(|tables, _| Ok(tables.prune(step)))
    }

    fn scan_messages<'a>(&'a self, step: &'a MessageScan) -> StoreFuture<'a, ScannedMessages> {
        self.work(|tables, _| Ok(tables.scan_messages(step)))
    }
}

impl ReadyStore for MemoryStore {}
