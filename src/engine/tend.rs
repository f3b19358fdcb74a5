//! Rounds of all that has to be done now and then.

use std::collections::HashMap;
use std::future::{self, Future, poll_fn};
use std::pin::{Pin, pin};
use std::task::{Context, Poll, Waker};
use std::time::{Duration, Instant};

use parking_lot::Mutex;

use super::access::ready;
use super::draft::Draft;
use super::retry::RETENTION;
use super::timer::Alarm;
use super::transact::{First, transact};
use super::{Call, EngineError, Outcome, WebhookEngine, random};
use crate::signal::{ReceiverMode, quietly};
use crate::store::{Durability, LeaseQuery, ReadyStore, Snapshot, Store, StoreError, WebhookId};

/// The longest time until the next round: other processes store webhooks, too.
const LONGEST_WAIT: Duration = Duration::from_secs(5);

/// The time between two rounds that delete old rows.
const PRUNE_INTERVAL: Duration = Duration::from_secs(60 * 60);

/// The result of a round: [`WebhookEngine::tend`] returns it.
#[derive(Debug)]
#[non_exhaustive]
#[must_use = "it says when the next round is due"]
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
pub(super) struct Tending {
    runs: Mutex<HashMap<(WebhookId, i64), Instant>>,
    pruned_at: Mutex<Option<Instant>>,
    work: Mutex<Work>,
}

/// Events that were stored for later since the last round, and the tasks that wait for such.
#[derive(Debug, Default)]
struct Work {
    is_new: bool,
    waiting: Vec<Waker>,
}

impl Tending {
    /// Notes that webhooks are leased by a call since this time.
    pub(super) fn add_run(&self, id: WebhookId, holder: i64, leased_at: Instant) {
        self.runs.lock().insert((id, holder), leased_at);
    }

    /// Notes that a call is done with a webhook.
    pub(super) fn remove_run(&self, id: WebhookId, holder: i64) {
        self.runs.lock().remove(&(id, holder));
    }

    /// Notes that events are to be delivered later.
    pub(super) fn add_work(&self) {
        let mut work = self.work.lock();
        work.is_new = true;
        let waiting = std::mem::take(&mut work.waiting);
        drop(work);
        waiting.into_iter().for_each(Waker::wake);
    }

    async fn work(&self) {
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

    /// Returns the runs whose lease is as old as this.
    fn old_runs(&self, age: Duration) -> Vec<(WebhookId, i64)> {
        let runs = self.runs.lock();
        let old = runs.iter().filter(|(_, at)| at.elapsed() >= age);
        old.map(|(run, _)| *run).collect()
    }
}

/// Rounds by sync callers.
impl<S: ReadyStore> WebhookEngine<S> {
    /// Does all that has to be done now and then, once: delivers the events that are due, the
    /// oldest webhooks first, renews the leases of other calls of this engine, and deletes rows
    /// that are older than [`RETENTION`], once in an hour. Returns when the next round is due.
    ///
    /// # Errors
    ///
    /// When the store fails. A damaged row is an error after all others have had their turn.
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
    /// Does all that has to be done now and then as [`tend`](Self::tend) does, and awaits async
    /// receivers, of up to [`concurrency`](Self::concurrency) webhooks at once.
    ///
    /// When `stop` is ready, no further webhook is begun: the running ones are finished, and the
    /// others wait for the next round. [`wait_for_work`](Self::wait_for_work) is ready when this
    /// engine has stored events since the round began.
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

    /// Waits until this engine has stored events to be delivered later, since the last round
    /// began: [accepted](Self::accept) ones, and those of receivers that failed.
    pub async fn wait_for_work(&self) {
        self.core.tending.work().await;
    }
}

/// A webhook that is delivered.
type Run<'e> = Pin<Box<dyn Future<Output = Result<Outcome, EngineError>> + Send + 'e>>;

/// A webhook that was leased, and its run.
type Begun<'e> = (WebhookId, Run<'e>);

/// An operation of the store that is not part of a run.
type Operation<'e, T> = Pin<Box<dyn Future<Output = Result<T, StoreError>> + Send + 'e>>;

/// A step of a round.
enum Step<'e> {
    /// A webhook was leased, or none is due.
    Begun(Result<Option<Begun<'e>>, StoreError>),
    /// A webhook is delivered.
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

impl<'e> Call<'e> {
    async fn tend(self, stop: impl Future<Output = ()>) -> Result<Tended, EngineError> {
        self.write_kept_marks().await?;
        self.core.tending.work.lock().is_new = false;
        self.renew_runs().await?;
        let mut stop = pin!(stop);
        let mut alarm = Alarm::new(self.core.settings.timer.as_ref());
        let mut runs: Vec<Run<'e>> = Vec::new();
        // Runs may hold connections of the store while they are not polled, so these operations
        // are polled beside them: otherwise they could wait for such a connection.
        let mut beginning: Option<Operation<'e, Option<Begun<'e>>>> = None;
        let mut renewal: Option<Operation<'e, ()>> = None;
        let (mut outcome, mut failure) = (Outcome::default(), None);
        let (mut after, mut is_stopped, mut is_over) = (None, false, false);
        // A future of the program: if it panics, it is ready.
        let mut stops = move |cx: &mut Context<'_>| {
            quietly(|| stop.as_mut().poll(cx).is_ready()).unwrap_or(true)
        };
        loop {
            is_stopped = is_stopped || poll_fn(|cx| Poll::Ready(stops(cx))).await;
            let may_begin = !is_stopped && !is_over && runs.len() < self.core.settings.concurrency;
            if may_begin && beginning.is_none() {
                beginning = Some(Box::pin(self.begin_run(after)));
            }
            if runs.is_empty() && beginning.is_none() && renewal.is_none() {
                break;
            }
            let next = poll_fn(|cx| {
                is_stopped = is_stopped || stops(cx);
                if let Some(result) = poll_operation(&mut beginning, cx) {
                    return Poll::Ready(Step::Begun(result));
                }
                if let Some(result) = poll_operation(&mut renewal, cx) {
                    return Poll::Ready(Step::Renewed(result));
                }
                for at in 0..runs.len() {
                    if let Poll::Ready(result) = runs[at].as_mut().poll(cx) {
                        drop(runs.remove(at));
                        return Poll::Ready(Step::Ended(result));
                    }
                }
                if renewal.is_none() && alarm.poll(|| self.core.settings.lease / 3, cx) {
                    return Poll::Ready(Step::MustRenew);
                }
                Poll::Pending
            });
            match next.await {
                Step::Begun(Ok(Some((id, run)))) => {
                    after = Some(id);
                    runs.push(run);
                }
                Step::Begun(Ok(None)) => is_over = true,
                Step::Begun(Err(error)) => {
                    is_over = true;
                    _ = failure.get_or_insert(EngineError::from(error));
                }
                Step::Ended(Ok(ended)) => outcome += ended,
                // A failure of one webhook keeps no other from its turn.
                Step::Ended(Err(error)) => {
                    is_over |= !error.is_of_webhook();
                    _ = failure.get_or_insert(error);
                }
                Step::MustRenew => renewal = Some(Box::pin(self.renew_runs())),
                Step::Renewed(result) => result?,
            }
        }
        if let Some(error) = failure {
            return Err(error);
        }
        let pruned = if is_stopped {
            0
        } else {
            self.prune_now_and_then().await?
        };
        let next = self.next_round().await?;
        Ok(Tended {
            outcome,
            pruned,
            next,
        })
    }

    /// Leases the next webhook that is due, and returns its run.
    async fn begin_run(self, after: Option<WebhookId>) -> Result<Option<Begun<'e>>, StoreError> {
        // Each run has a holder of its own, so that no other one takes its events along.
        let call = Self {
            holder: random().cast_signed(),
            ..self
        };
        let lease = self.core.settings.lease_of(call.holder);
        let query = LeaseQuery::first(1).after(after);
        let leased = self.access.lease_due(lease, query).await?;
        Ok(leased.into_iter().next().map(|(id, stored)| {
            let run: Run<'e> = Box::pin(call.retry(id, stored, query.early));
            (id, run)
        }))
    }

    /// Renews the leases of calls that have less than two thirds left: their receivers may block.
    async fn renew_runs(self) -> Result<(), StoreError> {
        let settings = &self.core.settings;
        for (id, holder) in self.core.tending.old_runs(settings.lease / 3) {
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
            transact(self.access, known, First::Stored, durability, renew).await?;
            if let Some(leased_at) = self.core.tending.runs.lock().get_mut(&(id, holder)) {
                *leased_at = Instant::now();
            }
        }
        Ok(())
    }

    async fn prune_now_and_then(self) -> Result<usize, EngineError> {
        let pruned_at = *self.core.tending.pruned_at.lock();
        if pruned_at.is_some_and(|at| at.elapsed() < PRUNE_INTERVAL) {
            return Ok(0);
        }
        let pruned = self.prune(RETENTION).await?;
        *self.core.tending.pruned_at.lock() = Some(Instant::now());
        Ok(pruned)
    }

    /// Returns the time until a webhook is due, the lease of another engine ends, or one of this
    /// engine is to be renewed.
    async fn next_round(self) -> Result<Duration, StoreError> {
        let backlog = self.access.backlog().await?;
        self.report_backlog(&backlog);
        let left = backlog
            .next
            .map(|left| Duration::from_millis(left.try_into().unwrap_or(0)));
        let has_runs = !self.core.tending.runs.lock().is_empty();
        let renewal = has_runs.then(|| self.core.settings.lease / 3);
        let next = [left, renewal].into_iter().flatten().min();
        Ok(next.map_or(LONGEST_WAIT, |next| next.min(LONGEST_WAIT)))
    }
}
