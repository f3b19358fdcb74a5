//! Maintenance rounds: due deliveries, renewal of leases, and pruning.

use std::collections::HashMap;
use std::future::{self, Future, poll_fn};
use std::pin::{Pin, pin};
use std::task::{Context, Poll, Waker};
use std::time::{Duration, Instant};

use parking_lot::Mutex;

use super::prune::RETENTION;
use crate::engine::runtime::{Deadline, ready};
use crate::engine::transaction::{Draft, FirstAttempt, transact};
use crate::engine::{EngineCall, EngineError, Outcome, WebhookEngine, random};
use crate::panic_guard::catch_panic;
use crate::signal::ReceiverMode;
use crate::store::{Durability, LeaseQuery, ReadyStore, Snapshot, Store, StoreError, WebhookId};

/// The longest time until the next round, as other processes store webhooks, too.
const LONGEST_WAIT: Duration = Duration::from_secs(5);

/// The time between two rounds that delete old rows.
const PRUNE_INTERVAL: Duration = Duration::from_secs(60 * 60);

/// The result of a maintenance round, which [`WebhookEngine::tend`] returns.
#[derive(Debug)]
#[non_exhaustive]
#[must_use = "it has the time until the next round"]
pub struct Tended {
    /// The outcome of the webhooks that were due.
    pub outcome: Outcome,
    /// The number of old rows that were deleted.
    pub pruned: usize,
    /// The time until the next round, 5 s at most: other programs may have stored or requeued events.
    pub next: Duration,
}

/// The state of an engine between rounds.
#[derive(Debug, Default)]
pub(crate) struct Tending {
    leases: Mutex<HashMap<(WebhookId, i64), Instant>>,
    pruned_at: Mutex<Option<Instant>>,
    work: Mutex<Work>,
}

/// The signal that events were stored for later delivery since the last round, and the tasks that
/// wait for it.
#[derive(Debug, Default)]
struct Work {
    is_new: bool,
    waiting: Vec<Waker>,
}

impl Tending {
    /// Adds the lease of a webhook by a call, acquired at this time.
    pub(crate) fn add_lease(&self, id: WebhookId, holder: i64, leased_at: Instant) {
        self.leases.lock().insert((id, holder), leased_at);
    }

    /// Removes the lease of a webhook by a call.
    pub(crate) fn remove_lease(&self, id: WebhookId, holder: i64) {
        self.leases.lock().remove(&(id, holder));
    }

    /// Signals that events were stored for later delivery.
    pub(crate) fn add_work(&self) {
        let mut work = self.work.lock();
        work.is_new = true;
        let waiting = std::mem::take(&mut work.waiting);
        drop(work);
        waiting.into_iter().for_each(Waker::wake);
    }

    async fn wait_for_work(&self) {
        poll_fn(|cx| {
            let mut work = self.work.lock();
            if work.is_new {
                return Poll::Ready(());
            }
            if !work.waiting.iter().any(|waker| waker.will_wake(cx.waker())) {
                work.waiting.push(cx.waker().clone());
            }
            Poll::Pending
        })
        .await;
    }

    /// Returns the leases that are at least this old.
    fn leases_older_than(&self, age: Duration) -> Vec<(WebhookId, i64)> {
        let leases = self.leases.lock();
        let old = leases.iter().filter(|(_, at)| at.elapsed() >= age);
        old.map(|(lease, _)| *lease).collect()
    }
}

/// Rounds by sync callers.
impl<S: ReadyStore> WebhookEngine<S> {
    /// Runs one maintenance round: delivers the events that are due, oldest webhooks first, renews
    /// the leases of other calls of this engine, and once an hour deletes rows older than
    /// [`RETENTION`]. Returns the time until the next round.
    ///
    /// # Errors
    ///
    /// When the store fails. A damaged row is an error after all other webhooks are delivered.
    ///
    /// # Examples
    ///
    /// A thread beside those of the web server:
    ///
    /// ```
    /// # use std::sync::atomic::{AtomicBool, Ordering};
    /// use std::thread;
    /// use std::time::Duration;
    ///
    /// use whatsapp_signals::WebhookEngine;
    /// use whatsapp_signals::store::MemoryStore;
    ///
    /// # static IS_STOPPED: AtomicBool = AtomicBool::new(false);
    /// let engine = WebhookEngine::new(MemoryStore::new()).tended(true);
    /// engine.accept(&std::fs::read("tests/payloads/text.json")?)?;
    /// thread::scope(|scope| {
    ///     scope.spawn(|| {
    ///         while !IS_STOPPED.load(Ordering::Relaxed) {
    ///             let next = engine.tend().map_or(Duration::from_secs(1), |tended| tended.next);
    ///             thread::sleep(next.min(Duration::from_millis(100)));
    /// #           IS_STOPPED.store(true, Ordering::Relaxed);
    ///         }
    ///     });
    /// });
    /// assert_eq!(engine.webhooks(None, 1)?, []);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn tend(&self) -> Result<Tended, EngineError> {
        let call = self.call(ReceiverMode::Sync);
        let tended = ready(call.tend(future::pending()));
        tended.map_err(|error| call.report_failed(error))
    }
}

/// Rounds by async callers.
impl<S: Store> WebhookEngine<S> {
    /// Runs a maintenance round as [`tend`](Self::tend) does, and awaits async receivers, of up to
    /// [`concurrency`](Self::concurrency) webhooks at once.
    ///
    /// When `stop` is ready, no further delivery is started: the running ones are finished, and the
    /// other webhooks stay due. [`wait_for_work`](Self::wait_for_work) is ready when this engine
    /// has stored events since the round began.
    ///
    /// # Errors
    ///
    /// As of [`tend`](Self::tend).
    ///
    /// # Examples
    ///
    /// A task beside the web server, with tokio:
    ///
    /// ```
    /// use std::sync::Arc;
    /// use std::time::Duration;
    ///
    /// use tokio::sync::watch;
    /// use tokio::time::sleep;
    /// use whatsapp_signals::WebhookEngine;
    /// use whatsapp_signals::store::MemoryStore;
    ///
    /// type Engine = WebhookEngine<MemoryStore>;
    ///
    /// async fn tend(engine: Arc<Engine>, mut stopped: watch::Receiver<bool>) {
    ///     while !*stopped.borrow() {
    ///         let mut stop = stopped.clone();
    ///         let stop = async move { _ = stop.wait_for(|stopped| *stopped).await };
    ///         let next = match engine.tend_async(stop).await {
    ///             Ok(tended) => tended.next,
    ///             Err(error) => {
    ///                 eprintln!("{error}");
    ///                 Duration::from_secs(1)
    ///             }
    ///         };
    ///         tokio::select! {
    ///             () = sleep(next) => {}
    ///             () = engine.wait_for_work() => {}
    ///             _ = stopped.changed() => {}
    ///         }
    ///     }
    /// }
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let engine = WebhookEngine::new(MemoryStore::new()).tended(true);
    /// let engine = Arc::new(engine.timer(|time| Box::pin(sleep(time))));
    /// let (stop, stopped) = watch::channel(false);
    /// let tending = tokio::spawn(tend(Arc::clone(&engine), stopped));
    ///
    /// engine.accept_async(&std::fs::read("tests/payloads/text.json")?).await?;
    /// while !engine.webhooks_async(None, 1).await?.is_empty() {
    ///     sleep(Duration::from_millis(1)).await;
    /// }
    /// stop.send(true)?;
    /// tending.await?;
    /// # Ok(())
    /// # }
    /// ```
    pub async fn tend_async(&self, stop: impl Future<Output = ()>) -> Result<Tended, EngineError> {
        let call = self.call(ReceiverMode::Async);
        let tended = call.tend(stop).await;
        tended.map_err(|error| call.report_failed(error))
    }

    /// Waits until this engine has stored events for later delivery since the last round began:
    /// [accepted](Self::accept) ones, and events whose receivers failed.
    pub async fn wait_for_work(&self) {
        self.core.tending.wait_for_work().await;
    }
}

/// The delivery of a webhook.
type WebhookDelivery<'e> = Pin<Box<dyn Future<Output = Result<Outcome, EngineError>> + Send + 'e>>;

/// A leased webhook and its delivery.
type StartedDelivery<'e> = (WebhookId, WebhookDelivery<'e>);

/// An operation of the store that is not part of a delivery.
type Operation<'e, T> = Pin<Box<dyn Future<Output = Result<T, StoreError>> + Send + 'e>>;

/// An event in a round.
enum Step<'e> {
    /// The next webhook was leased, or none is due.
    Started(Result<Option<StartedDelivery<'e>>, StoreError>),
    /// A delivery has ended.
    Ended(Result<Outcome, EngineError>),
    /// The leases are to be renewed.
    MustRenew,
    /// The leases were renewed.
    Renewed(Result<(), StoreError>),
}

/// Polls an operation, and removes it when it is ready.
fn poll_operation<T>(
    operation: &mut Option<Operation<'_, T>>,
    cx: &mut Context<'_>,
) -> Option<Result<T, StoreError>> {
    match operation.as_mut()?.as_mut().poll(cx) {
        Poll::Ready(result) => {
            *operation = None;
            Some(result)
        }
        Poll::Pending => None,
    }
}

impl<'e> EngineCall<'e> {
    async fn tend(self, stop: impl Future<Output = ()>) -> Result<Tended, EngineError> {
        self.write_kept_updates().await?;
        self.core.tending.work.lock().is_new = false;
        self.renew_leases().await?;
        let mut stop = pin!(stop);
        let mut renewal_deadline = Deadline::new(self.core.settings.timer.as_ref());
        let mut deliveries: Vec<WebhookDelivery<'e>> = Vec::new();
        // Deliveries may hold connections of the store while they are not polled. These operations
        // may wait for a connection, so all are polled side by side.
        let mut starting: Option<Operation<'e, Option<StartedDelivery<'e>>>> = None;
        let mut renewal: Option<Operation<'e, ()>> = None;
        let (mut outcome, mut failure) = (Outcome::default(), None);
        let (mut after, mut is_stopped, mut is_over) = (None, false, false);
        // A panic of the program's future stops the round.
        let mut stops = move |cx: &mut Context<'_>| {
            catch_panic(|| stop.as_mut().poll(cx).is_ready()).unwrap_or(true)
        };
        loop {
            is_stopped = is_stopped || poll_fn(|cx| Poll::Ready(stops(cx))).await;
            let may_start =
                !is_stopped && !is_over && deliveries.len() < self.core.settings.concurrency;
            if may_start && starting.is_none() {
                starting = Some(Box::pin(self.start_delivery(after)));
            }
            if deliveries.is_empty() && starting.is_none() && renewal.is_none() {
                break;
            }
            let next = poll_fn(|cx| {
                is_stopped = is_stopped || stops(cx);
                if let Some(result) = poll_operation(&mut starting, cx) {
                    return Poll::Ready(Step::Started(result));
                }
                if let Some(result) = poll_operation(&mut renewal, cx) {
                    return Poll::Ready(Step::Renewed(result));
                }
                for at in 0..deliveries.len() {
                    if let Poll::Ready(result) = deliveries[at].as_mut().poll(cx) {
                        drop(deliveries.remove(at));
                        return Poll::Ready(Step::Ended(result));
                    }
                }
                if renewal.is_none() && renewal_deadline.poll(|| self.core.settings.lease / 3, cx) {
                    return Poll::Ready(Step::MustRenew);
                }
                Poll::Pending
            });
            match next.await {
                Step::Started(Ok(Some((id, delivery)))) => {
                    after = Some(id);
                    deliveries.push(delivery);
                }
                Step::Started(Ok(None)) => is_over = true,
                Step::Started(Err(error)) => {
                    is_over = true;
                    _ = failure.get_or_insert(EngineError::from(error));
                }
                Step::Ended(Ok(ended)) => outcome += ended,
                // A failure of one webhook does not stop the others.
                Step::Ended(Err(error)) => {
                    is_over |= !error.concerns_one_webhook();
                    _ = failure.get_or_insert(error);
                }
                Step::MustRenew => renewal = Some(Box::pin(self.renew_leases())),
                Step::Renewed(result) => result?,
            }
        }
        if let Some(error) = failure {
            return Err(error);
        }
        let pruned = if is_stopped {
            0
        } else {
            self.prune_if_due().await?
        };
        let next = self.next_round().await?;
        Ok(Tended {
            outcome,
            pruned,
            next,
        })
    }

    /// Leases the next webhook that is due, and returns its delivery.
    async fn start_delivery(
        self,
        after: Option<WebhookId>,
    ) -> Result<Option<StartedDelivery<'e>>, StoreError> {
        // Each delivery has a holder of its own, so that no other one claims its events.
        let call = Self {
            holder: random().cast_signed(),
            ..self
        };
        let lease = self.core.settings.lease_of(call.holder);
        let query = LeaseQuery::first(1).after(after);
        let leased = self.access.lease_due(lease, query).await?;
        Ok(leased.into_iter().next().map(|(id, stored)| {
            let delivery: WebhookDelivery<'e> = Box::pin(call.retry(id, stored, query.early));
            (id, delivery)
        }))
    }

    /// Renews the leases of other calls with less than two thirds left, as their receivers may
    /// block.
    async fn renew_leases(self) -> Result<(), StoreError> {
        let settings = &self.core.settings;
        for (id, holder) in self.core.tending.leases_older_than(settings.lease / 3) {
            let renew = |draft: &mut Draft<'_, '_>| {
                if let Some(mut row) = draft.webhook(id)?
                    && row.lease.is_some_and(|lease| lease.holder == holder)
                {
                    row.lease = Some(settings.lease_of(holder));
                    draft.put_webhook(id, row)?;
                }
                Ok(())
            };
            let known = Snapshot::default();
            let durability = Durability::Process;
            transact(self.access, known, FirstAttempt::Loaded, durability, renew).await?;
            if let Some(leased_at) = self.core.tending.leases.lock().get_mut(&(id, holder)) {
                *leased_at = Instant::now();
            }
        }
        Ok(())
    }

    async fn prune_if_due(self) -> Result<usize, EngineError> {
        let pruned_at = *self.core.tending.pruned_at.lock();
        if pruned_at.is_some_and(|at| at.elapsed() < PRUNE_INTERVAL) {
            return Ok(0);
        }
        let pruned = self.prune(RETENTION).await?;
        *self.core.tending.pruned_at.lock() = Some(Instant::now());
        Ok(pruned)
    }

    /// Returns the time until a webhook is due, the lease of another engine ends, or a lease of
    /// this engine must be renewed.
    async fn next_round(self) -> Result<Duration, StoreError> {
        let backlog = self.access.backlog().await?;
        self.report_backlog(&backlog);
        let left = backlog
            .next
            .map(|left| Duration::from_millis(left.try_into().unwrap_or(0)));
        let has_leases = !self.core.tending.leases.lock().is_empty();
        let renewal = has_leases.then(|| self.core.settings.lease / 3);
        let next = [left, renewal].into_iter().flatten().min();
        Ok(next.map_or(LONGEST_WAIT, |next| next.min(LONGEST_WAIT)))
    }
}
