//! Retries of events that a crash or a failed receiver left unfinished.

use std::time::Instant;

use crate::engine::batch::Batch;
use crate::engine::claim::{Claim, LeasedWebhook};
use crate::engine::runtime::ready;
use crate::engine::trace;
use crate::engine::{EngineCall, EngineError, Outcome, WebhookEngine};
use crate::signal::ReceiverMode;
use crate::store::{
    LeaseQuery, LoadQuery, ReadyStore, Store, StoreError, Versioned, WebhookId, WebhookQuery,
    WebhookRow,
};
use crate::trace::{Source, TraceSpan};

/// The number of webhooks that are loaded at once to count the leased ones.
const PAGE: usize = 100;

/// Retries of events that a crash or a failed receiver left.
impl<S: Store> WebhookEngine<S> {
    /// Delivers unfinished events again as [`retry_unfinished`](Self::retry_unfinished) does, and
    /// awaits async receivers.
    ///
    /// # Errors
    ///
    /// As of [`retry_unfinished`](Self::retry_unfinished).
    pub async fn retry_unfinished_async(&self) -> Result<Outcome, EngineError> {
        self.call(ReceiverMode::Async).retry_unfinished().await
    }
}

/// Retries of events that a crash or a failed receiver left.
impl<S: ReadyStore> WebhookEngine<S> {
    /// Delivers the unfinished events again whose webhook no engine has leased: those that a crash
    /// or a failed receiver left.
    ///
    /// Call it when the program starts, and regularly.
    ///
    /// # Errors
    ///
    /// When the store fails. A damaged row is an error after all other webhooks are delivered. A
    /// body that this version of the crate cannot read becomes a [`DeadLetter`](crate::DeadLetter).
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

/// The body of a leased webhook.
enum StoredBody {
    /// The events of the body.
    Events(Batch),
    /// The body is unreadable.
    Unreadable {
        /// `true` if the body has become a dead letter just now.
        is_new: bool,
    },
}

impl EngineCall<'_> {
    async fn retry_unfinished(self) -> Result<Outcome, EngineError> {
        self.write_kept_updates().await?;
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
                // A damaged webhook must not stop the others.
                Err(error) if error.concerns_one_webhook() => _ = damaged.get_or_insert(error),
                Err(error) => return Err(error),
            }
        }
        outcome.unfinished += self.open_of_others().await?;
        damaged.map_or(Ok(outcome), Err)
    }

    /// Delivers the open events of a webhook that was leased.
    pub(crate) async fn retry(
        self,
        id: WebhookId,
        before: Versioned<WebhookRow>,
        is_early: bool,
    ) -> Result<Outcome, EngineError> {
        let leased_at = Instant::now();
        let mut row = before.row;
        let after_crash = row.lease.is_some();
        row.lease = Some(self.core.settings.lease_of(self.holder));
        let leased = LeasedWebhook {
            id,
            stored: Versioned {
                version: before.version + 1,
                row,
            },
            after_crash,
        };
        let mut claim = Claim::default();
        match self
            .claim_leased(leased.clone(), is_early, &mut claim)
            .await
        {
            Ok(StoredBody::Events(mut batch)) => {
                self.report_received(&batch, &claim);
                let span = TraceSpan::webhook(Source::Engine, &batch.events);
                let delivery = self.deliver(&mut batch, claim, leased_at);
                Ok(span.around(delivery).await?)
            }
            Ok(StoredBody::Unreadable { is_new }) => {
                if is_new {
                    self.report_dead_lettered(None, 0);
                }
                Ok(Outcome {
                    dead_lettered: usize::from(is_new),
                    ..Outcome::default()
                })
            }
            Err(error) => {
                // If this fails as well, the engine keeps the lease among its updates.
                let _ = self.return_leases(&[leased]).await;
                Err(error.into())
            }
        }
    }

    /// Claims the open events of a leased webhook. A body that this version of the crate cannot
    /// read becomes a dead letter.
    async fn claim_leased(
        self,
        leased: LeasedWebhook,
        is_early: bool,
        claim: &mut Claim,
    ) -> Result<StoredBody, StoreError> {
        let (id, kind) = (leased.id, leased.stored.row.kind);
        let mut query = LoadQuery::default();
        query.bodies.insert(id);
        let mut loaded = self.access.load(&query).await?;
        let body = loaded.bodies.remove(&id).flatten().unwrap_or_default();
        match Batch::parse_stored(self.core.settings.parser, kind, &body) {
            Ok((batch, kind)) => {
                self.claim_stored(&batch, leased, kind, &body, is_early, claim)
                    .await?;
                Ok(StoredBody::Events(batch))
            }
            Err(error) => {
                trace::unreadable(&error);
                let is_new = self.store_leased_unreadable(id, &body).await?;
                Ok(StoredBody::Unreadable { is_new })
            }
        }
    }

    /// Returns the number of open events in leased webhooks.
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
