//! The work of now and then: retries of what a crash or a failed receiver left unfinished, and the
//! deletion of old rows.

use std::time::{Duration, Instant};

use super::access::ready;
use super::batch::Batch;
use super::claim::{Claim, Held};
use super::dead_letter::stored_batch;
use super::{Call, EngineError, Outcome, WebhookEngine};
use crate::model::Timestamp;
use crate::signal::ReceiverMode;
use crate::store::{
    LeaseQuery, LoadQuery, Prune, ReadyStore, Store, StoreError, Versioned, WebhookId,
    WebhookQuery, WebhookRow,
};
use crate::trace::{self, Scope, Source};

/// The number of webhooks that are read at once to count those of other engines.
const PAGE: usize = 100;

/// Retries of events that a crash or a failed receiver left.
impl<S: Store> WebhookEngine<S> {
    /// Delivers again what is unfinished, as [`retry_unfinished`](Self::retry_unfinished) does,
    /// and awaits async receivers.
    ///
    /// # Errors
    ///
    /// As of [`retry_unfinished`](Self::retry_unfinished).
    ///
    /// ```standalone_crate
    /// use whatsapp_signals::event::MessageReceived;
    /// use whatsapp_signals::store::MemoryStore;
    /// use whatsapp_signals::{WebhookEngine, receiver, signals::MESSAGE_RECEIVED};
    ///
    /// #[receiver(MESSAGE_RECEIVED)]
    /// async fn forward(_event: &MessageReceived) {}
    ///
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # pollster::block_on(async {
    /// let engine = WebhookEngine::new(MemoryStore::new());
    /// let body = &std::fs::read("tests/payloads/text.json")?;
    /// assert_eq!(engine.process(body)?.unfinished(), 1, "nobody waits for the receiver");
    /// assert_eq!(engine.retry_unfinished_async().await?.unfinished(), 0);
    /// # Ok(())
    /// # })
    /// # }
    /// ```
    pub async fn retry_unfinished_async(&self) -> Result<Outcome, EngineError> {
        self.call(ReceiverMode::Async).retry_unfinished().await
    }
}

/// Retries of events that a crash or a failed receiver left.
impl<S: ReadyStore> WebhookEngine<S> {
    /// Delivers again the unfinished events whose webhook no engine has leased: those that a
    /// crash or a failed receiver left.
    ///
    /// Call it when the program starts, and every now and then.
    ///
    /// # Errors
    ///
    /// When the store fails. A damaged row is an error after all others have had their turn; a
    /// body that this version of the crate cannot read becomes a
    /// [`DeadLetter`](super::DeadLetter).
    ///
    /// # Examples
    ///
    /// ```standalone_crate
    /// use std::sync::atomic::{AtomicBool, Ordering};
    /// use whatsapp_signals::event::MessageReceived;
    /// use whatsapp_signals::store::MemoryStore;
    /// use whatsapp_signals::{WebhookEngine, receiver, signals::MESSAGE_RECEIVED};
    ///
    /// static IS_UP: AtomicBool = AtomicBool::new(false);
    ///
    /// #[receiver(MESSAGE_RECEIVED)]
    /// fn forward(_: &MessageReceived) -> Result<(), &'static str> {
    ///     IS_UP.load(Ordering::Relaxed).then_some(()).ok_or("the other side is down")
    /// }
    ///
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let engine = WebhookEngine::new(MemoryStore::new());
    /// let outcome = engine.process(&std::fs::read("tests/payloads/text.json")?)?;
    /// assert!(outcome.should_retry());
    ///
    /// IS_UP.store(true, Ordering::Relaxed);
    /// let outcome = engine.retry_unfinished()?;
    /// assert_eq!((outcome.delivered(), outcome.unfinished()), (1, 0));
    /// # Ok(())
    /// # }
    /// ```
    pub fn retry_unfinished(&self) -> Result<Outcome, EngineError> {
        ready(self.call(ReceiverMode::Sync).retry_unfinished())
    }
}

/// A webhook that was leased to be retried.
enum Leased {
    /// Its events.
    Events(Batch),
    /// It cannot be read.
    Buried {
        /// Whether it has become a dead letter just now.
        is_new: bool,
    },
}

impl Call<'_> {
    async fn retry_unfinished(self) -> Result<Outcome, EngineError> {
        self.write_kept_marks().await?;
        let mut outcome = Outcome::default();
        let mut damaged = None;
        let mut after = None;
        let query = LeaseQuery::first(1).early();
        loop {
            let lease = self.core.settings.lease_of(self.holder);
            let leased = self.access.lease_due(lease, query.after(after)).await?;
            let Some((id, stored)) = leased.into_iter().next() else {
                break;
            };
            after = Some(id);
            match self.retry(id, stored, query.early).await {
                Ok(retried) => outcome += retried,
                // A damaged webhook must not keep the others from their turn.
                Err(error) if error.is_of_webhook() => _ = damaged.get_or_insert(error),
                Err(error) => return Err(error),
            }
        }
        outcome.unfinished += self.open_of_others().await?;
        damaged.map_or(Ok(outcome), Err)
    }

    /// Delivers the open events of a webhook that was leased.
    pub(super) async fn retry(
        self,
        id: WebhookId,
        before: Versioned<WebhookRow>,
        is_early: bool,
    ) -> Result<Outcome, EngineError> {
        let leased_at = Instant::now();
        let mut row = before.row;
        let after_crash = row.lease.is_some();
        row.lease = Some(self.core.settings.lease_of(self.holder));
        let held = Held {
            id,
            stored: Versioned {
                version: before.version + 1,
                row,
            },
            after_crash,
        };
        let mut claim = Claim::default();
        match self.claim_leased(held.clone(), is_early, &mut claim).await {
            Ok(Leased::Events(mut batch)) => {
                self.report_received(&batch, &claim);
                let span = Scope::webhook(Source::Engine, &batch.events);
                let delivery = self.deliver(&mut batch, claim, leased_at);
                Ok(span.around(delivery).await?)
            }
            Ok(Leased::Buried { is_new }) => {
                if is_new {
                    self.report_dead(None, 0);
                }
                Ok(Outcome {
                    dead_lettered: usize::from(is_new),
                    ..Outcome::default()
                })
            }
            Err(error) => {
                // If this fails as well, the lease is kept among the marks.
                let _ = self.give_back(&[held]).await;
                Err(error.into())
            }
        }
    }

    /// Claims the open events of a leased webhook. A body that this version of the crate cannot
    /// read becomes a dead letter.
    async fn claim_leased(
        self,
        held: Held,
        is_early: bool,
        claim: &mut Claim,
    ) -> Result<Leased, StoreError> {
        let (id, kind) = (held.id, held.stored.row.kind);
        let mut wanted = LoadQuery::default();
        wanted.bodies.insert(id);
        let mut loaded = self.access.load(&wanted).await?;
        let body = loaded.bodies.remove(&id).flatten().unwrap_or_default();
        match stored_batch(self.core.settings.parser, kind, &body) {
            Ok((batch, kind)) => {
                self.claim_stored(&batch, held, kind, &body, is_early, claim)
                    .await?;
                Ok(Leased::Events(batch))
            }
            Err(error) => {
                trace::unreadable(&error);
                let is_new = self.bury_stored(&held, &body).await?;
                Ok(Leased::Buried { is_new })
            }
        }
    }

    /// Returns how many open events belong to webhooks that others have leased.
    async fn open_of_others(self) -> Result<usize, StoreError> {
        let mut open = 0;
        let mut after = None;
        loop {
            let query = WebhookQuery::first(PAGE).only_unsettled().after(after);
            let page = self.access.webhooks(&query).await?;
            for (_, row, _) in &page {
                if row.lease.is_some() {
                    open += row.open as usize + row.unclaimed as usize;
                }
            }
            match page.last() {
                Some((id, ..)) => after = Some(*id),
                None => return Ok(open),
            }
        }
    }
}

/// The most rows that a step looks at, so that webhooks are processed between two steps.
const PRUNE_STEP: usize = 1000;

/// The least time for which finished events should be kept: 8 days, since Meta repeats a webhook
/// for up to 7. [`WebhookEngine::prune`] takes it, as its example shows.
pub const RETENTION: Duration = Duration::from_secs(8 * 24 * 60 * 60);

/// Pruning, by sync callers.
impl<S: ReadyStore> WebhookEngine<S> {
    /// Deletes finished rows that are older than this, and returns their number: events, logged
    /// webhooks, and statuses whose message never came. Messages, contacts, signups and unfinished
    /// events stay.
    ///
    /// An event whose row was deleted is processed again when it comes again, so do not go below
    /// [`RETENTION`].
    ///
    /// An `SqliteStore` at its `max_bytes` can be pruned. On a disk without free space it cannot:
    /// its documentation says how to keep a reserve.
    ///
    /// # Errors
    ///
    /// When the store fails.
    ///
    /// ```
    /// use whatsapp_signals::store::MemoryStore;
    /// use whatsapp_signals::{WebhookEngine, engine::RETENTION};
    ///
    /// let engine = WebhookEngine::new(MemoryStore::new());
    /// engine.process(&std::fs::read("tests/payloads/text.json")?)?;
    /// assert_eq!(engine.prune(RETENTION)?, 0);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn prune(&self, older_than: Duration) -> Result<usize, EngineError> {
        ready(self.call(ReceiverMode::Sync).prune(older_than))
    }
}

/// Pruning.
impl<S: Store> WebhookEngine<S> {
    /// Deletes old rows as [`prune`](Self::prune) does, and awaits the store.
    ///
    /// # Errors
    ///
    /// When the store fails.
    pub async fn prune_async(&self, older_than: Duration) -> Result<usize, EngineError> {
        self.call(ReceiverMode::Async).prune(older_than).await
    }
}

impl Call<'_> {
    pub(super) async fn prune(self, older_than: Duration) -> Result<usize, EngineError> {
        let age = i64::try_from(older_than.as_secs()).unwrap_or(i64::MAX);
        let before = Timestamp::from_secs(Timestamp::now().as_secs().saturating_sub(age));
        let mut step = Prune::new(before, PRUNE_STEP);
        let mut rows = 0;
        loop {
            let pruned = self.access.prune(&step).await?;
            rows += pruned.rows;
            match pruned.next {
                Some(_) => step.after = pruned.next,
                None => return Ok(rows),
            }
        }
    }
}
