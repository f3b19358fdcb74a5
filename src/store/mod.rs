//! The stores of a [`WebhookEngine`](crate::WebhookEngine).
//!
//! A [`Store`] keeps webhooks, the progress of their events, messages, contacts, signups and
//! campaigns.
//! [`MemoryStore`] keeps them as long as the program runs, `SqliteStore` (feature `sqlite`) in a
//! file. A program reads them by [`Records`](crate::engine::Records).
//!
//! # A store of your own
//!
//! A store loads rows and commits changes, and has no rules of its own: the engine decides which
//! status follows which, when two contacts are merged and when an event is finished.
//! [`Store::load`] reads the rows that a decision needs; [`Store::commit`] writes all rows that it
//! changes, or is a [conflict](StoreErrorKind::Conflict) if a row that the decision read has
//! changed since. The engine then loads and decides again.
//!
//! Futures of a store may wait, as a database on the network does. A store whose futures are
//! ready at the first poll is a [`ReadyStore`]: with it every operation exists without `_async`,
//! too. [`store_conformance`] checks such a store, and [`store_conformance_async`] any store.

mod error;

mod row;

mod campaign;
mod turn;

mod changes;
mod query;
mod snapshot;

mod memory;
#[cfg(feature = "sqlite")]
mod sqlite;

mod conformance;

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

pub use campaign::{CampaignKey, CampaignMessages, CampaignRow};
pub use changes::{
    Changes, ConversationKey, CowMessage, EventChange, Merge, NewMessage, NewStatus, ReadRow,
    Upsert, WebhookChange,
};
pub use conformance::{store_conformance, store_conformance_async};
pub use error::{StoreError, StoreErrorKind};
pub use memory::MemoryStore;
pub use query::{
    BacklogRow, DeadEventPosition, LeaseQuery, MessageQuery, MessageScan, Prune, Pruned,
    ScanFilter, ScannedMessage, ScannedMessages, Scope, StoreCheck, StoredMessage, Unread,
    UnreadQuery, WebhookQuery,
};
pub(crate) use row::id_at;
pub use row::{
    ContactId, ContactRow, Due, EventState, Fingerprint, IdKey, IdRow, Lease, MessageKey,
    MessageState, NumberKey, ProgressRow, ReceiverProgress, ReceiverState, SignupKey, Tenant,
    Versioned, WebhookId, WebhookKind, WebhookRow,
};
pub use snapshot::{LoadQuery, Snapshot};
#[cfg(feature = "sqlite")]
pub use sqlite::{SqliteOptions, SqliteStore};
pub use turn::{PartitionKey, PartitionRow, StoredTurn, TurnChange, TurnPosition, TurnRow};

pub use crate::model::IdKind;
use crate::model::Signup;

/// The future of a store.
pub type StoreFuture<'a, T> = Pin<Box<dyn Future<Output = Result<T, StoreError>> + Send + 'a>>;

/// Webhooks, each with its body if the query includes bodies.
pub type WebhookPage = Vec<(WebhookId, WebhookRow, Option<Vec<u8>>)>;

/// Leased webhooks, as they were before the lease.
pub type LeasedPage = Vec<(WebhookId, Versioned<WebhookRow>)>;

/// A transactional store of the rows of an engine.
///
/// An implementation reads rows, commits changes unless a row has changed since it was read, and
/// leases webhooks; all rules are those of the engine. The [module](self#a-store-of-your-own)
/// describes the contract, and [`store_conformance_async`] checks an implementation.
///
/// # Errors
///
/// Each method returns a [`StoreError`] if the store fails, and [`commit`](Self::commit) also for a
/// conflict.
///
/// # Examples
///
/// A store that wraps another one and counts its commits:
///
/// ```
/// use std::sync::atomic::{AtomicU32, Ordering};
///
/// use whatsapp_signals::WebhookEngine;
/// use whatsapp_signals::model::Signup;
/// use whatsapp_signals::store::*;
///
/// #[derive(Default)]
/// struct Counting<S> {
///     store: S,
///     commits: AtomicU32,
/// }
///
/// impl<S: Store> Store for Counting<S> {
///     fn commit<'a>(&'a self, changes: &'a Changes<'a>, to: Durability) -> StoreFuture<'a, ()> {
///         self.commits.fetch_add(1, Ordering::Relaxed);
///         self.store.commit(changes, to)
///     }
///
///     fn load<'a>(&'a self, query: &'a LoadQuery) -> StoreFuture<'a, Snapshot> {
///         self.store.load(query)
///     }
///
///     // The others are forwarded as `load` is.
/// #   fn lease_due(&self, lease: Lease, query: LeaseQuery) -> StoreFuture<'_, LeasedPage> {
/// #       self.store.lease_due(lease, query)
/// #   }
/// #   fn webhooks<'a>(&'a self, query: &'a WebhookQuery) -> StoreFuture<'a, WebhookPage> {
/// #       self.store.webhooks(query)
/// #   }
/// #   fn dead_events(
/// #       &self,
/// #       after: Option<DeadEventPosition>,
/// #       limit: usize,
/// #   ) -> StoreFuture<'_, Vec<(DeadEventPosition, Fingerprint)>> {
/// #       self.store.dead_events(after, limit)
/// #   }
/// #   fn backlog(&self) -> StoreFuture<'_, BacklogRow> {
/// #       self.store.backlog()
/// #   }
/// #   fn messages<'a>(&'a self, query: &'a MessageQuery) -> StoreFuture<'a, Vec<StoredMessage>> {
/// #       self.store.messages(query)
/// #   }
/// #   fn unread<'a>(&'a self, query: &'a UnreadQuery) -> StoreFuture<'a, Vec<Unread>> {
/// #       self.store.unread(query)
/// #   }
/// #   fn signups<'a>(&'a self, tenant: &'a Tenant) -> StoreFuture<'a, Vec<Signup>> {
/// #       self.store.signups(tenant)
/// #   }
/// #   fn campaigns<'a>(
/// #       &'a self,
/// #       tenant: Option<&'a Tenant>,
/// #   ) -> StoreFuture<'a, Vec<(CampaignKey, CampaignRow)>> {
/// #       self.store.campaigns(tenant)
/// #   }
/// #   fn campaign_messages<'a>(
/// #       &'a self,
/// #       campaigns: &'a [CampaignKey],
/// #   ) -> StoreFuture<'a, Vec<CampaignMessages>> {
/// #       self.store.campaign_messages(campaigns)
/// #   }
/// #   fn numbers(&self) -> StoreFuture<'_, Vec<(NumberKey, Tenant)>> {
/// #       self.store.numbers()
/// #   }
/// #   fn prune<'a>(&'a self, step: &'a Prune) -> StoreFuture<'a, Pruned> {
/// #       self.store.prune(step)
/// #   }
/// #   fn scan_messages<'a>(&'a self, step: &'a MessageScan) -> StoreFuture<'a, ScannedMessages> {
/// #       self.store.scan_messages(step)
/// #   }
/// #   fn scrub(&self) -> StoreFuture<'_, bool> {
/// #       self.store.scrub()
/// #   }
/// #   fn is_remote(&self) -> bool {
/// #       self.store.is_remote()
/// #   }
/// }
///
/// impl<S: ReadyStore> ReadyStore for Counting<S> {}
///
/// let store = Counting::<MemoryStore>::default();
/// let engine = WebhookEngine::new(&store);
/// engine.process(&std::fs::read("tests/payloads/text.json")?)?;
/// // The claim, and the last checkpoint.
/// assert_eq!(store.commits.load(Ordering::Relaxed), 2);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[allow(clippy::missing_errors_doc, reason = "documented at the trait")]
pub trait Store: Send + Sync {
    /// Reads the rows of a query as of one moment, and the time of the store.
    ///
    /// The snapshot of an event includes its row of progress and the row of its webhook, and that of
    /// an id its contacts.
    fn load<'a>(&'a self, query: &'a LoadQuery) -> StoreFuture<'a, Snapshot>;

    /// Writes all changes or none.
    ///
    /// # Errors
    ///
    /// [`Conflict`](StoreErrorKind::Conflict) if a row that the decision read has changed;
    /// [`Unknown`](StoreErrorKind::Unknown) if the changes may have been written. After any other
    /// error they were not.
    fn commit<'a>(
        &'a self,
        changes: &'a Changes<'a>,
        durability: Durability,
    ) -> StoreFuture<'a, ()>;

    /// Leases webhooks that are [unsettled](WebhookRow::is_unsettled) and [due](WebhookRow::due)
    /// and have no running lease, least ids first, and returns them as they were before.
    ///
    /// The step is atomic: no two callers lease the same webhook. A lease that
    /// [exceeds its length](Lease::exceeds_length) is running, and is shortened to its length from
    /// now on.
    fn lease_due(&self, lease: Lease, query: LeaseQuery) -> StoreFuture<'_, LeasedPage>;

    /// Returns webhooks, in the order of their ids.
    fn webhooks<'a>(&'a self, query: &'a WebhookQuery) -> StoreFuture<'a, WebhookPage>;

    /// Returns up to `limit` [dead](EventState::Dead) events after a position, ordered by webhook, and
    /// within a webhook by the time of death.
    fn dead_events(
        &self,
        after: Option<DeadEventPosition>,
        limit: usize,
    ) -> StoreFuture<'_, Vec<(DeadEventPosition, Fingerprint)>>;

    /// Returns the numbers of open and dead events as of one moment, and the time of the store.
    ///
    /// Engines call it every few seconds, so it should read only unsettled webhooks and those with
    /// dead events.
    fn backlog(&self) -> StoreFuture<'_, BacklogRow>;

    /// Returns messages.
    fn messages<'a>(&'a self, query: &'a MessageQuery) -> StoreFuture<'a, Vec<StoredMessage>>;

    /// Returns the contacts that have unread messages, in the order of their ids.
    fn unread<'a>(&'a self, query: &'a UnreadQuery) -> StoreFuture<'a, Vec<Unread>>;

    /// Returns the signups of a tenant, in the order of their ids.
    fn signups<'a>(&'a self, tenant: &'a Tenant) -> StoreFuture<'a, Vec<Signup>>;

    /// Returns the campaigns of a tenant, or of all, in the order of their keys.
    fn campaigns<'a>(
        &'a self,
        tenant: Option<&'a Tenant>,
    ) -> StoreFuture<'a, Vec<(CampaignKey, CampaignRow)>>;

    /// Returns the stored messages of campaigns, in the order of the keys, as of one moment.
    ///
    /// A status does not update its campaign, so an index of campaigns and statuses should serve this
    /// query.
    fn campaign_messages<'a>(
        &'a self,
        campaigns: &'a [CampaignKey],
    ) -> StoreFuture<'a, Vec<CampaignMessages>>;

    /// Returns all numbers with their tenants, in the order of their keys.
    fn numbers(&self) -> StoreFuture<'_, Vec<(NumberKey, Tenant)>>;

    /// Deletes old rows in one bounded step: finished events, closed webhooks, statuses whose message
    /// never arrived, and turns of webhooks without open events. The age of an event is that of its
    /// [webhook](WebhookId::at).
    fn prune<'a>(&'a self, step: &'a Prune) -> StoreFuture<'a, Pruned>;

    /// Reads a bounded number of messages, and returns those of the filter.
    fn scan_messages<'a>(&'a self, step: &'a MessageScan) -> StoreFuture<'a, ScannedMessages>;

    /// Removes copies of deleted rows from the store's files. Returns false if copies may remain,
    /// because another process reads the files or the removal would take too long.
    ///
    /// The default is a no-op that returns `true`. A store with a write-ahead log should write the log
    /// to its table files, without the deleted rows, and empty it.
    fn scrub(&self) -> StoreFuture<'_, bool> {
        Box::pin(async { Ok(true) })
    }

    /// Returns true if a load is a round trip to another process (default: `false`).
    ///
    /// The engine of a remote store caches the contacts of up to 16,384 ids, with up to 8 MiB of JSON,
    /// and decides about new events without a load if it has their contacts. A commit is a conflict if
    /// one of them has changed since, and the engine then loads it.
    fn is_remote(&self) -> bool {
        false
    }
}

/// A store whose futures are ready at the first poll.
///
/// The engine polls them once. A future that is not ready all the same is an error of kind
/// [`NotReady`](StoreErrorKind::NotReady).
pub trait ReadyStore: Store {}

/// The promise of a commit.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Durability {
    /// The commit survives a crash of the program; a power failure may undo it.
    Process,
    /// The commit and every one before it survive a power failure.
    Disk,
}

/// Implements both traits for a pointer to a store.
macro_rules! forward {
    ($($pointer:ty),+) => { $(
        impl<S: Store + ?Sized> Store for $pointer {
            fn load<'a>(&'a self, query: &'a LoadQuery) -> StoreFuture<'a, Snapshot> {
                (**self).load(query)
            }

            fn commit<'a>(
                &'a self,
                changes: &'a Changes<'a>,
                durability: Durability,
            ) -> StoreFuture<'a, ()> {
                (**self).commit(changes, durability)
            }

            fn lease_due(&self, lease: Lease, query: LeaseQuery) -> StoreFuture<'_, LeasedPage> {
                (**self).lease_due(lease, query)
            }

            fn webhooks<'a>(&'a self, query: &'a WebhookQuery) -> StoreFuture<'a, WebhookPage> {
                (**self).webhooks(query)
            }

            fn dead_events(
                &self,
                after: Option<DeadEventPosition>,
                limit: usize,
            ) -> StoreFuture<'_, Vec<(DeadEventPosition, Fingerprint)>> {
                (**self).dead_events(after, limit)
            }

            fn backlog(&self) -> StoreFuture<'_, BacklogRow> {
                (**self).backlog()
            }

            fn messages<'a>(
                &'a self,
                query: &'a MessageQuery,
            ) -> StoreFuture<'a, Vec<StoredMessage>> {
                (**self).messages(query)
            }

            fn unread<'a>(&'a self, query: &'a UnreadQuery) -> StoreFuture<'a, Vec<Unread>> {
                (**self).unread(query)
            }

            fn signups<'a>(&'a self, tenant: &'a Tenant) -> StoreFuture<'a, Vec<Signup>> {
                (**self).signups(tenant)
            }

            fn campaigns<'a>(
                &'a self,
                tenant: Option<&'a Tenant>,
            ) -> StoreFuture<'a, Vec<(CampaignKey, CampaignRow)>> {
                (**self).campaigns(tenant)
            }

            fn campaign_messages<'a>(
                &'a self,
                campaigns: &'a [CampaignKey],
            ) -> StoreFuture<'a, Vec<CampaignMessages>> {
                (**self).campaign_messages(campaigns)
            }

            fn numbers(&self) -> StoreFuture<'_, Vec<(NumberKey, Tenant)>> {
                (**self).numbers()
            }

            fn prune<'a>(&'a self, step: &'a Prune) -> StoreFuture<'a, Pruned> {
                (**self).prune(step)
            }

            fn scan_messages<'a>(
                &'a self,
                step: &'a MessageScan,
            ) -> StoreFuture<'a, ScannedMessages> {
                (**self).scan_messages(step)
            }

            fn scrub(&self) -> StoreFuture<'_, bool> {
                (**self).scrub()
            }

            fn is_remote(&self) -> bool {
                (**self).is_remote()
            }
        }

        impl<S: ReadyStore + ?Sized> ReadyStore for $pointer {}
    )+ };
}

forward!(&S, Arc<S>, Box<S>);
