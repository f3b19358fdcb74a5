//! A store that waits, and whose commits fail at random.

use std::future;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::task::Poll;

use tokio::sync::Semaphore;
use whatsapp_signals::model::Signup;
use whatsapp_signals::store::{
    BacklogRow, CampaignKey, CampaignMessages, CampaignRow, Changes, DeadEventPosition, Durability,
    Fingerprint, Lease, LeaseQuery, LeasedPage, LoadQuery, MessageQuery, MessageScan, NumberKey,
    Prune, Pruned, ReadyStore, ScannedMessages, Snapshot, Store, StoreError, StoreErrorKind,
    StoreFuture, StoredMessage, Tenant, Unread, UnreadQuery, WebhookPage, WebhookQuery,
};

/// A store whose futures are pending before and after their work, as those of a database on the
/// network are. So a future that is dropped may have written.
///
/// One seed gives the same waits and faults for the same sequence of calls.
pub(crate) struct Unsteady<S> {
    store: S,
    rates: Rates,
    waits: bool,
    connections: Semaphore,
    is_calm: AtomicBool,
    random: AtomicU64,
    loads: AtomicU64,
    commits: AtomicU64,
    others: AtomicU64,
}

/// The numbers of commits that fail, of a hundred, by the kind of the error.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Rates {
    /// With nothing written.
    pub(crate) conflict: u64,
    /// Half of them are written, and half are not.
    pub(crate) unknown: u64,
    /// With nothing written.
    pub(crate) locked: u64,
}

/// The numbers of calls so far.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Counts {
    pub(crate) loads: u64,
    pub(crate) commits: u64,
    /// Leases, queries and steps of pruning.
    pub(crate) others: u64,
}

/// The fate of a commit.
enum Fate {
    Committed,
    Lost(StoreErrorKind),
    /// It is written, and its result is lost.
    Unanswered,
}

impl<S> Unsteady<S> {
    pub(crate) fn new(store: S, seed: u64, rates: Rates) -> Self {
        Self {
            store,
            rates,
            waits: true,
            connections: Semaphore::new(Semaphore::MAX_PERMITS),
            is_calm: AtomicBool::new(false),
            random: AtomicU64::new(seed),
            loads: AtomicU64::new(0),
            commits: AtomicU64::new(0),
            others: AtomicU64::new(0),
        }
    }

    /// Lets futures be ready at the first poll, as those of a `ReadyStore` are.
    pub(crate) fn ready(mut self) -> Self {
        self.waits = false;
        self
    }

    /// Sets the most calls that run at once, as a pool of connections does. The others wait.
    pub(crate) fn connections(mut self, connections: usize) -> Self {
        self.connections = Semaphore::new(connections);
        self
    }

    /// Lets commits fail no more. They still wait.
    pub(crate) fn calm(&self) {
        self.is_calm.store(true, Ordering::Relaxed);
    }

    pub(crate) fn counts(&self) -> Counts {
        let count = |count: &AtomicU64| count.load(Ordering::Relaxed);
        Counts {
            loads: count(&self.loads),
            commits: count(&self.commits),
            others: count(&self.others),
        }
    }

    /// Returns a number below this one.
    fn below(&self, end: u64) -> u64 {
        // SplitMix64: one addition, so that threads need no lock.
        const STEP: u64 = 0x9e37_79b9_7f4a_7c15;
        let state = self.random.fetch_add(STEP, Ordering::Relaxed);
        let mixed = (state ^ (state >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (mixed ^ (mixed >> 31)) % end
    }

    fn fate(&self) -> Fate {
        let Rates {
            conflict,
            unknown,
            locked,
        } = self.rates;
        let drawn = self.below(100);
        if self.is_calm.load(Ordering::Relaxed) {
            Fate::Committed
        } else if drawn < conflict {
            Fate::Lost(StoreErrorKind::Conflict)
        } else if drawn < conflict + locked {
            Fate::Lost(StoreErrorKind::Locked)
        } else if drawn < conflict + locked + unknown {
            match self.below(2) {
                0 => Fate::Lost(StoreErrorKind::Unknown),
                _ => Fate::Unanswered,
            }
        } else {
            Fate::Committed
        }
    }

    /// Is pending once, twice or three times, and wakes the task each time.
    async fn wait(&self) {
        let mut polls = if self.waits { 1 + self.below(3) } else { 0 };
        future::poll_fn(|context| {
            if polls == 0 {
                return Poll::Ready(());
            }
            polls -= 1;
            context.waker().wake_by_ref();
            Poll::Pending
        })
        .await;
    }
}

impl<S: Store> Unsteady<S> {
    /// Counts a call, and waits before and after its work.
    fn call<'a, T: Send + 'a>(
        &'a self,
        count: &'a AtomicU64,
        work: StoreFuture<'a, T>,
    ) -> StoreFuture<'a, T> {
        Box::pin(async move {
            count.fetch_add(1, Ordering::Relaxed);
            let _connection = self.connections.acquire().await;
            self.wait().await;
            let result = work.await;
            self.wait().await;
            result
        })
    }
}

fn fault(kind: StoreErrorKind) -> StoreError {
    StoreError::new(kind, "on purpose")
}

impl<S: Store> Store for Unsteady<S> {
    fn load<'a>(&'a self, wanted: &'a LoadQuery) -> StoreFuture<'a, Snapshot> {
        self.call(&self.loads, self.store.load(wanted))
    }

    fn commit<'a>(
        &'a self,
        changes: &'a Changes<'a>,
        durability: Durability,
    ) -> StoreFuture<'a, ()> {
        let commit = Box::pin(async move {
            match self.fate() {
                Fate::Committed => self.store.commit(changes, durability).await,
                Fate::Lost(kind) => Err(fault(kind)),
                Fate::Unanswered => {
                    self.store.commit(changes, durability).await?;
                    Err(fault(StoreErrorKind::Unknown))
                }
            }
        });
        self.call(&self.commits, commit)
    }

    fn lease_due(&self, lease: Lease, query: LeaseQuery) -> StoreFuture<'_, LeasedPage> {
        self.call(&self.others, self.store.lease_due(lease, query))
    }

    fn webhooks<'a>(&'a self, query: &'a WebhookQuery) -> StoreFuture<'a, WebhookPage> {
        self.call(&self.others, self.store.webhooks(query))
    }

    fn dead_events(
        &self,
        after: Option<DeadEventPosition>,
        limit: usize,
    ) -> StoreFuture<'_, Vec<(DeadEventPosition, Fingerprint)>> {
        self.call(&self.others, self.store.dead_events(after, limit))
    }

    fn backlog(&self) -> StoreFuture<'_, BacklogRow> {
        self.call(&self.others, self.store.backlog())
    }

    fn messages<'a>(&'a self, query: &'a MessageQuery) -> StoreFuture<'a, Vec<StoredMessage>> {
        self.call(&self.others, self.store.messages(query))
    }

    fn unread<'a>(&'a self, query: &'a UnreadQuery) -> StoreFuture<'a, Vec<Unread>> {
        self.call(&self.others, self.store.unread(query))
    }

    fn signups<'a>(&'a self, tenant: &'a Tenant) -> StoreFuture<'a, Vec<Signup>> {
        self.call(&self.others, self.store.signups(tenant))
    }

    fn campaigns<'a>(
        &'a self,
        tenant: Option<&'a Tenant>,
    ) -> StoreFuture<'a, Vec<(CampaignKey, CampaignRow)>> {
        self.call(&self.others, self.store.campaigns(tenant))
    }

    fn campaign_messages<'a>(
        &'a self,
        campaigns: &'a [CampaignKey],
    ) -> StoreFuture<'a, Vec<CampaignMessages>> {
        self.call(&self.others, self.store.campaign_messages(campaigns))
    }

    fn numbers(&self) -> StoreFuture<'_, Vec<(NumberKey, Tenant)>> {
        self.call(&self.others, self.store.numbers())
    }

    fn prune<'a>(&'a self, step: &'a Prune) -> StoreFuture<'a, Pruned> {
        self.call(&self.others, self.store.prune(step))
    }

    fn scan_messages<'a>(&'a self, step: &'a MessageScan) -> StoreFuture<'a, ScannedMessages> {
        self.call(&self.others, self.store.scan_messages(step))
    }

    fn scrub(&self) -> StoreFuture<'_, bool> {
        self.call(&self.others, self.store.scrub())
    }

    fn is_remote(&self) -> bool {
        true
    }
}

/// It is marked as ready, whether it is or not.
impl<S: ReadyStore> ReadyStore for Unsteady<S> {}
