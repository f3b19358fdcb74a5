//! The operations of a store as an engine calls them.

use std::fmt;
use std::future::poll_fn;

use super::contact_cache::ContactCache;
use crate::engine::runtime::Blocking;
use crate::model::Signup;
use crate::store::{
    BacklogRow, CampaignKey, CampaignMessages, CampaignRow, Changes, DeadEventPosition, Durability,
    Fingerprint, Lease, LeaseQuery, LeasedPage, LoadQuery, MessageQuery, MessageScan, NumberKey,
    Prune, Pruned, ScannedMessages, Snapshot, Store, StoreError, StoreFuture, StoredMessage,
    Tenant, Unread, UnreadQuery, WebhookPage, WebhookQuery,
};

/// A store, the function that runs its blocking work, and the cache of its contacts.
#[derive(Clone, Copy)]
pub(crate) struct Access<'a> {
    store: &'a dyn Store,
    blocking: Blocking,
    contacts: Option<&'a ContactCache>,
}

impl<'a> Access<'a> {
    pub(crate) fn new(
        store: &'a dyn Store,
        blocking: Blocking,
        contacts: &'a ContactCache,
    ) -> Self {
        Self {
            store,
            blocking,
            contacts: store.is_remote().then_some(contacts),
        }
    }

    /// Returns the cache if loads are round trips.
    pub(crate) fn contacts(self) -> Option<&'a ContactCache> {
        self.contacts
    }

    /// Loads rows, without a round trip if none are wanted.
    pub(crate) async fn load(self, query: &LoadQuery) -> Result<Snapshot, StoreError> {
        self.run(self.store.load(query)).await
    }

    pub(crate) async fn commit(
        self,
        changes: &Changes<'_>,
        durability: Durability,
    ) -> Result<(), StoreError> {
        self.run(self.store.commit(changes, durability)).await
    }

    pub(crate) async fn lease_due(
        self,
        lease: Lease,
        query: LeaseQuery,
    ) -> Result<LeasedPage, StoreError> {
        self.run(self.store.lease_due(lease, query)).await
    }

    pub(crate) async fn webhooks(self, query: &WebhookQuery) -> Result<WebhookPage, StoreError> {
        self.run(self.store.webhooks(query)).await
    }

    pub(crate) async fn dead_events(
        self,
        after: Option<DeadEventPosition>,
        limit: usize,
    ) -> Result<Vec<(DeadEventPosition, Fingerprint)>, StoreError> {
        self.run(self.store.dead_events(after, limit)).await
    }

    pub(crate) async fn backlog(self) -> Result<BacklogRow, StoreError> {
        self.run(self.store.backlog()).await
    }

    pub(crate) async fn prune(self, step: &Prune) -> Result<Pruned, StoreError> {
        self.run(self.store.prune(step)).await
    }

    pub(crate) async fn messages(
        self,
        query: &MessageQuery,
    ) -> Result<Vec<StoredMessage>, StoreError> {
        self.run(self.store.messages(query)).await
    }

    pub(crate) async fn scan_messages(
        self,
        step: &MessageScan,
    ) -> Result<ScannedMessages, StoreError> {
        self.run(self.store.scan_messages(step)).await
    }

    pub(crate) async fn scrub(self) -> Result<bool, StoreError> {
        self.run(self.store.scrub()).await
    }

    pub(crate) async fn unread(self, query: &UnreadQuery) -> Result<Vec<Unread>, StoreError> {
        self.run(self.store.unread(query)).await
    }

    pub(crate) async fn signups(self, tenant: &Tenant) -> Result<Vec<Signup>, StoreError> {
        self.run(self.store.signups(tenant)).await
    }

    pub(crate) async fn campaigns(
        self,
        tenant: Option<&Tenant>,
    ) -> Result<Vec<(CampaignKey, CampaignRow)>, StoreError> {
        self.run(self.store.campaigns(tenant)).await
    }

    pub(crate) async fn campaign_messages(
        self,
        campaigns: &[CampaignKey],
    ) -> Result<Vec<CampaignMessages>, StoreError> {
        self.run(self.store.campaign_messages(campaigns)).await
    }

    pub(crate) async fn numbers(self) -> Result<Vec<(NumberKey, Tenant)>, StoreError> {
        self.run(self.store.numbers()).await
    }

    /// Awaits an operation of the store, which is polled where it may block.
    pub(crate) async fn run<T>(self, mut future: StoreFuture<'_, T>) -> Result<T, StoreError> {
        poll_fn(|cx| self.block(|| future.as_mut().poll(cx))).await
    }

    /// Runs blocking work.
    fn block<R>(self, work: impl FnOnce() -> R) -> R {
        let (mut work, mut result) = (Some(work), None);
        (self.blocking)(&mut || result = result.take().or_else(|| work.take().map(|work| work())));
        match (result, work) {
            (Some(result), _) => result,
            // The program's function has not called the work.
            (None, Some(work)) => work(),
            // The program's function has caught a panic of the store.
            (None, None) => panic!("the store panicked"),
        }
    }
}

impl fmt::Debug for Access<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Access").finish_non_exhaustive()
    }
}
