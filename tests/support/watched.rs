//! A store whose accesses pass through a function of the test.

use std::future::pending;

use whatsapp_signals::model::Signup;
use whatsapp_signals::store::{
    BacklogRow, CampaignKey, CampaignMessages, CampaignRow, Changes, DeadEventPosition, Durability,
    Fingerprint, Lease, LeaseQuery, LeasedPage, LoadQuery, MessageQuery, MessageScan, NumberKey,
    Prune, Pruned, ReadyStore, ScannedMessages, Snapshot, Store, StoreError, StoreErrorKind,
    StoreFuture, StoredMessage, Tenant, Unread, UnreadQuery, WebhookPage, WebhookQuery,
};

/// An access to a store.
#[derive(Clone, Copy)]
pub(crate) enum Access<'a> {
    Load(&'a LoadQuery),
    Commit(&'a Changes<'a>),
    Other,
}

/// A store with a function that is called before each access, and can make it fail. After an
/// error of the kind `NotReady` the access never ends.
pub(crate) struct Watched<S, F> {
    store: S,
    before: F,
}

impl<S: Store, F> Watched<S, F>
where
    F: Fn(Access<'_>) -> Result<(), StoreError> + Send + Sync,
{
    pub(crate) fn new(store: S, before: F) -> Self {
        Self { store, before }
    }

    fn after<'a, T: 'a>(
        &'a self,
        access: Access<'a>,
        future: StoreFuture<'a, T>,
    ) -> StoreFuture<'a, T> {
        Box::pin(async move {
            match (self.before)(access) {
                Ok(()) => future.await,
                Err(error) if error.kind() == StoreErrorKind::NotReady => pending().await,
                Err(error) => Err(error),
            }
        })
    }
}

impl<S: Store, F> Store for Watched<S, F>
where
    F: Fn(Access<'_>) -> Result<(), StoreError> + Send + Sync,
{
    fn load<'a>(&'a self, wanted: &'a LoadQuery) -> StoreFuture<'a, Snapshot> {
        self.after(Access::Load(wanted), self.store.load(wanted))
    }

    fn commit<'a>(
        &'a self,
        changes: &'a Changes<'a>,
        durability: Durability,
    ) -> StoreFuture<'a, ()> {
        let access = Access::Commit(changes);
        self.after(access, self.store.commit(changes, durability))
    }

    fn lease_due(&self, lease: Lease, query: LeaseQuery) -> StoreFuture<'_, LeasedPage> {
        let leased = self.store.lease_due(lease, query);
        self.after(Access::Other, leased)
    }

    fn webhooks<'a>(&'a self, query: &'a WebhookQuery) -> StoreFuture<'a, WebhookPage> {
        self.after(Access::Other, self.store.webhooks(query))
    }

    fn dead_events(
        &self,
        after: Option<DeadEventPosition>,
        limit: usize,
    ) -> StoreFuture<'_, Vec<(DeadEventPosition, Fingerprint)>> {
        self.after(Access::Other, self.store.dead_events(after, limit))
    }

    fn backlog(&self) -> StoreFuture<'_, BacklogRow> {
        self.after(Access::Other, self.store.backlog())
    }

    fn messages<'a>(&'a self, query: &'a MessageQuery) -> StoreFuture<'a, Vec<StoredMessage>> {
        self.after(Access::Other, self.store.messages(query))
    }

    fn unread<'a>(&'a self, query: &'a UnreadQuery) -> StoreFuture<'a, Vec<Unread>> {
        self.after(Access::Other, self.store.unread(query))
    }

    fn signups<'a>(&'a self, tenant: &'a Tenant) -> StoreFuture<'a, Vec<Signup>> {
        self.after(Access::Other, self.store.signups(tenant))
    }

    fn campaigns<'a>(
        &'a self,
        tenant: Option<&'a Tenant>,
    ) -> StoreFuture<'a, Vec<(CampaignKey, CampaignRow)>> {
        self.after(Access::Other, self.store.campaigns(tenant))
    }

    fn campaign_messages<'a>(
        &'a self,
        campaigns: &'a [CampaignKey],
    ) -> StoreFuture<'a, Vec<CampaignMessages>> {
        self.after(Access::Other, self.store.campaign_messages(campaigns))
    }

    fn numbers(&self) -> StoreFuture<'_, Vec<(NumberKey, Tenant)>> {
        self.after(Access::Other, self.store.numbers())
    }

    fn prune<'a>(&'a self, step: &'a Prune) -> StoreFuture<'a, Pruned> {
        self.after(Access::Other, self.store.prune(step))
    }

    fn scan_messages<'a>(&'a self, step: &'a MessageScan) -> StoreFuture<'a, ScannedMessages> {
        self.after(Access::Other, self.store.scan_messages(step))
    }

    fn scrub(&self) -> StoreFuture<'_, bool> {
        self.after(Access::Other, self.store.scrub())
    }

    fn is_remote(&self) -> bool {
        self.store.is_remote()
    }
}

impl<S: ReadyStore, F> ReadyStore for Watched<S, F> where
    F: Fn(Access<'_>) -> Result<(), StoreError> + Send + Sync
{
}
