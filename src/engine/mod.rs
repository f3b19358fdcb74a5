//! The webhook engine: webhooks are stored first, processed once, and never lost.
//!
//! [`Webhook::dispatch`](crate::Webhook::dispatch) stores nothing; a [`WebhookEngine`] stores each
//! body, and
//!
//! 1. **claims** it: writes the new events, the body, messages, contacts, statuses and signups in
//!    one commit, under a lease (a body of more than 2,000 events takes several commits);
//! 2. **delivers**, event by event, to the receivers that have not succeeded yet;
//! 3. **marks** the events as finished. The last of these commits is the only `fsync` of a body.
//!
//! Then the call returns, and Meta gets its answer. A receiver that fails is called again, alone,
//! when Meta repeats the body or [`retry_unfinished`](WebhookEngine::retry_unfinished) is called,
//! until the event is a [`DeadLetter`].
//!
//! ```
//! use whatsapp_signals::WebhookEngine;
//! use whatsapp_signals::store::MemoryStore;
//!
//! let engine = WebhookEngine::new(MemoryStore::new());
//! let body = &std::fs::read("tests/payloads/text.json")?;
//! assert_eq!(engine.process(body)?.delivered(), 1);
//! assert_eq!(engine.process(body)?.duplicates(), 1, "Meta sent it again");
//! let shop = engine.number("300200100500600");
//! assert_eq!(shop.unread_counts()?[0].0.display_name(), "Ada Okafor");
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

// In the order of the way of a webhook, in which rustdoc lists the methods, too.
mod settings;

mod process;
mod replay;

mod batch;
mod stored_body;

mod claim;

mod contacts;
mod recorder;
mod tenants;

mod transaction;

mod delivery;

mod observer;
mod outcome;
mod trace;

mod maintenance;

mod dead_letters;

mod backlog;

mod records;

mod runtime;

use std::collections::HashMap;
use std::hash::{BuildHasher, Hasher, RandomState};
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::{Instant, SystemTime};

use parking_lot::Mutex;

use crate::event::WebhookEvent;
use crate::signal::ReceiverMode;
use crate::store::{BacklogRow, NumberKey, Store, StoreError, Tenant, id_at};
use batch::{Batch, NewBody};
use claim::Claim;
use delivery::{Checkpointer, KeptUpdates, deliver};
use maintenance::Tending;
use observer::Observers;
use runtime::in_place;
use settings::Settings;
use tenants::{TenantCache, TenantResolver};
use transaction::{Access, ContactCache, sync};

pub use backlog::{Backlog, RecordsBacklog};
pub use dead_letters::{DeadLetter, DeadLetterFilter};
pub use maintenance::{RETENTION, Tended};
pub use observer::{DeadLettered, Delivery, Observer, Received};
pub use outcome::{EngineError, EngineErrorKind, Outcome, http_status};
pub use records::{Erased, LoggedWebhook, Records};

/// A processor of webhooks that stores each one and delivers its events: each event once, however
/// often Meta repeats it, and to each receiver until it succeeds.
///
/// One engine serves all threads. Several processes may share a store.
///
/// # Examples
///
/// ```standalone_crate
/// use whatsapp_signals::event::MessageReceived;
/// use whatsapp_signals::store::MemoryStore;
/// use whatsapp_signals::{WebhookEngine, http_status, receiver, signals::MESSAGE_RECEIVED};
///
/// #[receiver(MESSAGE_RECEIVED)]
/// fn greet(event: &MessageReceived) {
///     // Stored already, as it is in Django.
///     assert!(event.contact.as_ref().unwrap().created_at.is_some());
/// }
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let engine = WebhookEngine::new(MemoryStore::new()); // or an SqliteStore
/// let body = std::fs::read("tests/payloads/text.json")?;
///
/// let result = engine.process(&body);
/// assert_eq!(http_status(&result), 200);
/// assert_eq!(result?.delivered(), 1);
///
/// assert_eq!(engine.process(&body)?.duplicates(), 1, "Meta repeats itself");
/// # Ok(())
/// # }
/// ```
///
/// # Guarantees
///
/// - A receiver that has succeeded never gets the event again, once the success is written.
///   Successes are written as receivers return, when 10 ms have passed since the last write,
///   before async receivers are awaited, and at the end of each body. After a crash, receivers that
///   succeeded in the last 10 ms may run again; if [`tend`](Self::tend) runs several webhooks in
///   turn, also those that succeeded since the last turn of their webhook. So receivers should have
///   the same result when they run twice; the [`dedup_key`](crate::Event::dedup_key) is the same
///   both times. (An event that
///   [has neither an id nor a time](crate::event::WebhookEvent::repeats) runs again when it comes
///   again alone.)
/// - A receiver that fails or panics gets the event again, when Meta repeats the webhook or in
///   [`retry_unfinished`](Self::retry_unfinished), up to [`max_attempts`](Self::max_attempts)
///   times. Then the event is a [dead letter](Self::dead_letters).
/// - Two engines never deliver one webhook at the same time: each holds a lease on it, which is
///   renewed while receivers run. The leases of a killed program end after [`lease`](Self::lease).
/// - Successes that the store failed to write are kept in memory, and the next call writes them
///   before it calls a receiver.
///
/// # Names of receivers
///
/// The store keeps the receivers that have succeeded by uid, or by path if they have none, so that
/// a later build of the program recognizes them. Those of [`ANY_EVENT`](crate::signals::ANY_EVENT)
/// have the prefix `any_event:`. A renamed receiver counts as a new one for unfinished events. Give
/// a `uid` to closures that you connect at run time, since all closures of one function have one
/// path.
#[derive(Debug)]
pub struct WebhookEngine<S> {
    store: S,
    core: Core,
}

/// An engine without its store: the settings, and the state between calls.
#[derive(Debug)]
struct Core {
    settings: Settings,
    /// The tenants of numbers. They never change.
    tenants: TenantCache,
    /// The cached contacts of a remote store.
    contacts: ContactCache,
    /// Updates that earlier calls could not write.
    kept_updates: KeptUpdates,
    tending: Tending,
}

impl Core {
    fn new(settings: Settings) -> Self {
        Self {
            settings,
            tenants: Mutex::new(HashMap::new()),
            contacts: ContactCache::default(),
            kept_updates: KeptUpdates::default(),
            tending: Tending::default(),
        }
    }

    fn tenant_resolver(&self) -> TenantResolver<'_> {
        TenantResolver::new(self.settings.tenant_of.as_ref(), &self.tenants)
    }

    fn add_tenants(&self, added: &[(NumberKey, Tenant)]) {
        if !added.is_empty() {
            self.tenants.lock().extend(added.iter().cloned());
        }
    }
}

/// One call of an engine, with the values that all its steps need.
#[derive(Clone, Copy, Debug)]
struct EngineCall<'e> {
    core: &'e Core,
    access: Access<'e>,
    mode: ReceiverMode,
    /// The holder of the leases of this call: a random number.
    holder: i64,
    /// `true` if events are stored and not delivered.
    accepts: bool,
}

impl<S: Store> WebhookEngine<S> {
    fn call(&self, mode: ReceiverMode) -> EngineCall<'_> {
        let blocking = match mode {
            ReceiverMode::Sync => in_place,
            ReceiverMode::Async => self.core.settings.blocking,
        };
        EngineCall {
            core: &self.core,
            access: Access::new(&self.store, blocking, &self.core.contacts),
            mode,
            holder: random().cast_signed(),
            accepts: false,
        }
    }
}

impl EngineCall<'_> {
    /// Claims the events of a body and delivers them.
    async fn claim_and_deliver(
        self,
        mut batch: Batch,
        new: NewBody<'_>,
    ) -> Result<Outcome, StoreError> {
        let leased_at = Instant::now();
        let mut claim = Claim::default();
        let claimed = self.claim_body(&batch, new, &mut claim).await;
        self.report_received(&batch, &claim);
        if let Err(error) = claimed {
            // The checkpointer keeps the leases of the claimed parts, so that the next call returns
            // them.
            drop(Checkpointer::new(self, &batch, claim, leased_at));
            return Err(error);
        }
        let is_stored_elsewhere = claim.leased.is_empty() && claim.busy > 0;
        if is_stored_elsewhere && (self.accepts || self.core.settings.is_tended) {
            // Another call has stored the events, perhaps without a sync yet. The answer 200 has
            // Meta never repeat them, so they must be on the disk. If this call has events too, its
            // own commit syncs both.
            sync(self.access).await?;
        }
        if self.accepts {
            return Ok(self.accepted(&claim));
        }
        if self.core.settings.in_order
            && let Err(error) = self.find_turns(&batch, &mut claim, false).await
        {
            drop(Checkpointer::new(self, &batch, claim, leased_at));
            return Err(error);
        }
        self.deliver(&mut batch, claim, leased_at).await
    }

    /// Delivers the events of a claim that began at `leased_at`.
    async fn deliver(
        self,
        batch: &mut Batch,
        mut claim: Claim,
        leased_at: Instant,
    ) -> Result<Outcome, StoreError> {
        for job in &mut claim.jobs {
            let stored = std::mem::take(&mut job.stored);
            stored.apply_to(&mut batch.events[job.event]);
        }
        let (checkpointer, jobs) = Checkpointer::new(self, batch, claim, leased_at);
        let outcome = deliver(checkpointer, jobs).await?;
        trace::processed(&outcome);
        Ok(outcome)
    }
}

/// Returns a new id for a row, greater than those before: webhooks of one millisecond keep their
/// order.
fn new_id() -> i64 {
    static LAST: AtomicI64 = AtomicI64::new(0);

    let id = id_at(now_ms(), random());
    // Ordering: no other memory depends on this number.
    let next = |last: i64| Some(id.max(last.saturating_add(1)));
    let last = LAST.fetch_update(Ordering::Relaxed, Ordering::Relaxed, next);
    id.max(last.unwrap_or_default().saturating_add(1))
}

/// Returns the milliseconds since 1970; 0 if the clock is before that.
fn now_ms() -> i64 {
    let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
    since.map_or(0, |since| since.as_millis().try_into().unwrap_or(i64::MAX))
}

fn random() -> u64 {
    RandomState::new().build_hasher().finish()
}

impl EngineCall<'_> {
    fn observers(&self) -> &Observers {
        &self.core.settings.observers
    }

    /// Reports the events that a claim has stored to the observers.
    pub(super) fn report_received(self, batch: &Batch, claim: &Claim) {
        if self.observers().is_empty() || batch.replay.is_some() {
            return;
        }
        let new = claim.jobs.iter().filter(|job| job.is_new);
        let received = Received {
            events: new.map(|job| &batch.events[job.event]).collect(),
            duplicates: claim.duplicates,
        };
        if !received.events.is_empty() || received.duplicates > 0 {
            self.observers()
                .notify(|observer| observer.received(&received));
        }
    }

    /// Reports to the observers that a call failed, and returns its error.
    pub(super) fn report_failed(self, error: EngineError) -> EngineError {
        self.observers().notify(|observer| observer.failed(&error));
        error
    }

    /// Reports a new dead letter to the observers.
    pub(super) fn report_dead_lettered(self, event: Option<&WebhookEvent>, attempts: u32) {
        let dead = DeadLettered { event, attempts };
        self.observers()
            .notify(|observer| observer.dead_lettered(&dead));
    }

    /// Reports the backlog to the observers.
    pub(super) fn report_backlog(self, row: &BacklogRow) {
        if !self.observers().is_empty() {
            let backlog = Backlog::from(*row);
            self.observers()
                .notify(|observer| observer.backlog(&backlog));
        }
    }
}
