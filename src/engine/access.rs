//! A store as the engine calls it: by sync callers, which poll once, and by async ones, which
//! say where it may block.

use std::fmt;
use std::future::{Future, poll_fn};
use std::pin::pin;
use std::task::{Context, Poll, Waker};

use super::contact_cache::ContactCache;
use crate::model::Signup;
use crate::store::{
    BacklogRow, CampaignKey, CampaignMessages, CampaignRow, Changes, DeadPlace, Durability,
    Fingerprint, Lease, LeaseQuery, LeasedPage, LoadQuery, MessageQuery, MessageScan, NumberKey,
    Prune, Pruned, ScannedMessages, Snapshot, Store, StoreError, StoreErrorKind, StoreFuture,
    StoredMessage, Tenant, Unread, UnreadQuery, WebhookPage, WebhookQuery,
};

/// Runs work that blocks, before it returns.
pub(super) type Blocking = fn(&mut dyn FnMut());

/// Runs work that blocks in place.
pub(super) fn in_place(work: &mut dyn FnMut()) {
    work();
}

/// A store, the function that runs what blocks in it, and the cache of its contacts.
#[derive(Clone, Copy)]
pub(super) struct Access<'a> {
    store: &'a dyn Store,
    blocking: Blocking,
    contacts: Option<&'a ContactCache>,
}

impl<'a> Access<'a> {
    pub(super) fn new(
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

    /// Returns the cache, if loads are round trips.
    pub(super) fn contacts(self) -> Option<&'a ContactCache> {
        self.contacts
    }

    /// Loads rows; without a round trip if none are wanted.
    pub(super) async fn load(self, wanted: &LoadQuery) -> Result<Snapshot, StoreError> {
        self.run(self.store.load(wanted)).await
    }

    pub(super) async fn commit(
        self,
        changes: &Changes<'_>,
        durability: Durability,
    ) -> Result<(), StoreError> {
        self.run(self.store.commit(changes, durability)).await
    }

    pub(super) async fn lease_due(
        self,
        lease: Lease,
        query: LeaseQuery,
    ) -> Result<LeasedPage, StoreError> {
        self.run(self.store.lease_due(lease, query)).await
    }

    pub(super) async fn webhooks(self, query: &WebhookQuery) -> Result<WebhookPage, StoreError> {
        self.run(self.store.webhooks(query)).await
    }

    pub(super) async fn dead_events(
        self,
        after: Option<DeadPlace>,
        limit: usize,
    ) -> Result<Vec<(DeadPlace, Fingerprint)>, StoreError> {
        self.run(self.store.dead_events(after, limit)).await
    }

    pub(super) async fn backlog(self) -> Result<BacklogRow, StoreError> {
        self.run(self.store.backlog()).await
    }

    pub(super) async fn prune(self, step: &Prune) -> Result<Pruned, StoreError> {
        self.run(self.store.prune(step)).await
    }

    pub(super) async fn messages(
        self,
        query: &MessageQuery,
    ) -> Result<Vec<StoredMessage>, StoreError> {
        self.run(self.store.messages(query)).await
    }

    pub(super) async fn scan_messages(
        self,
        step: &MessageScan,
    ) -> Result<ScannedMessages, StoreError> {
        self.run(self.store.scan_messages(step)).await
    }

    pub(super) async fn scrub(self) -> Result<bool, StoreError> {
        self.run(self.store.scrub()).await
    }

    pub(super) async fn unread(self, query: &UnreadQuery) -> Result<Vec<Unread>, StoreError> {
        self.run(self.store.unread(query)).await
    }

    pub(super) async fn signups(self, tenant: &Tenant) -> Result<Vec<Signup>, StoreError> {
        self.run(self.store.signups(tenant)).await
    }

    pub(super) async fn campaigns(
        self,
        tenant: Option<&Tenant>,
    ) -> Result<Vec<(CampaignKey, CampaignRow)>, StoreError> {
        self.run(self.store.campaigns(tenant)).await
    }

    pub(super) async fn campaign_messages(
        self,
        campaigns: &[CampaignKey],
    ) -> Result<Vec<CampaignMessages>, StoreError> {
        self.run(self.store.campaign_messages(campaigns)).await
    }

    pub(super) async fn numbers(self) -> Result<Vec<(NumberKey, Tenant)>, StoreError> {
        self.run(self.store.numbers()).await
    }

    /// Awaits a store, and polls it where it may block.
    pub(super) async fn run<T>(self, mut future: StoreFuture<'_, T>) -> Result<T, StoreError> {
        poll_fn(|cx| self.block(|| future.as_mut().poll(cx))).await
    }

    /// Runs work that blocks.
    fn block<R>(self, work: impl FnOnce() -> R) -> R {
        let (mut work, mut result) = (Some(work), None);
        (self.blocking)(&mut || result = result.take().or_else(|| work.take().map(|work| work())));
        match (result, work) {
            (Some(result), _) => result,
            // A function of the program that has not called it.
            (None, Some(work)) => work(),
            // It has caught the panic of a store.
            (None, None) => panic!("the store panicked"),
        }
    }
}

impl fmt::Debug for Access<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Access").finish_non_exhaustive()
    }
}

/// Polls a future of a [`ReadyStore`](crate::store::ReadyStore) once.
pub(super) fn ready<T, E: From<StoreError>>(
    future: impl Future<Output = Result<T, E>>,
) -> Result<T, E> {
    match pin!(future).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(result) => result,
        Poll::Pending => {
            let source = "a future of a ReadyStore was pending";
            Err(StoreError::new(StoreErrorKind::NotReady, source).into())
        }
    }
}
