//! Async sends: async receivers run concurrently, within the sender's task.

use std::any::Any;
use std::collections::VecDeque;
use std::future::poll_fn;
use std::mem;
use std::task::{self, Poll};

use super::context::{Context, EMPTY, InContext};
use super::delivery::{
    ActiveReceivers, CollectFailures, Cursor, DeliveryObserver, FailFast, Policy, ReceiverMode,
    call, failure,
};
use super::receiver::BoxFuture;
use super::receiver_list::Receivers;
use super::report::{CallResult, Cause, Failure, Report, has_responses};
use super::signal::Signal;
use crate::panic_guard::{Guarded, drop_guarded};

/// Async sends.
impl<T: 'static, R: 'static> Signal<T, R> {
    /// Sends as [`send`](Self::send) does, and awaits async receivers.
    ///
    /// Sync receivers run first, in order, in this thread. Then the async receivers run
    /// concurrently, polled within this task: no task is spawned, any executor will do, and
    /// task-locals and spans stay in effect. The first error ends the send: pending receivers are
    /// dropped, and the remaining ones are not started. Dropping the future drops all receivers
    /// that it has started.
    ///
    /// # Errors
    ///
    /// The first failure.
    ///
    /// # Panics
    ///
    /// Panics if a receiver panics: the panic passes through.
    ///
    /// # Examples
    ///
    /// ```
    /// use whatsapp_signals::{Failure, Signal, receiver};
    ///
    /// static TICK: Signal<u32> = Signal::new("tick");
    ///
    /// #[receiver(TICK)]
    /// async fn store(n: &u32) -> Result<(), String> {
    ///     if *n > 8 { Err("full".to_owned()) } else { Ok(()) }
    /// }
    ///
    /// # fn main() -> Result<(), Failure> {
    /// # pollster::block_on(async {
    /// assert_eq!(TICK.asend(&7).await?.called(), 1);
    /// let failure = TICK.asend(&9).await.unwrap_err();
    /// assert_eq!(failure.error().unwrap().to_string(), "full");
    /// # Ok(())
    /// # })
    /// # }
    /// ```
    pub async fn asend(&self, event: &T) -> Result<Report<R>, Failure> {
        let receivers = self.receivers_erased();
        let report = receivers.asend::<FailFast>(|| event, &EMPTY).await;
        report.into_result()
    }

    /// Sends as [`send_robust`](Self::send_robust) does, and awaits async receivers as
    /// [`asend`](Self::asend) does. A failure does not affect the other receivers. The failures are
    /// in the order of the receivers, those of async receivers last.
    ///
    /// # Examples
    ///
    /// ```
    /// use whatsapp_signals::Signal;
    ///
    /// let signal: Signal<u32> = Signal::new("tick");
    /// let _panics = signal.connect(async |n: &u32| assert!(*n > 1, "oh"));
    /// let _succeeds = signal.connect(async |_: &u32| {});
    ///
    /// # pollster::block_on(async {
    /// let report = signal.asend_robust(&1).await;
    /// assert_eq!((report.called(), report.succeeded()), (2, 1));
    /// assert_eq!(report.failures()[0].panic_message(), Some("oh"));
    /// # });
    /// ```
    #[must_use = "the report holds the failures"]
    pub async fn asend_robust(&self, event: &T) -> Report<R> {
        let receivers = self.receivers_erased();
        receivers.asend::<CollectFailures>(|| event, &EMPTY).await
    }
}

/// Async sends with a context.
impl<T: 'static, R: 'static> InContext<'_, Signal<T, R>> {
    /// Sends as [`Signal::asend`] does.
    ///
    /// # Errors
    ///
    /// The first failure.
    ///
    /// # Panics
    ///
    /// Panics if a receiver panics: the panic passes through.
    pub async fn asend(self, event: &T) -> Result<Report<R>, Failure> {
        let receivers = self.delivered.receivers_erased();
        let report = receivers.asend::<FailFast>(|| event, self.context).await;
        report.into_result()
    }

    /// Sends as [`Signal::asend_robust`] does.
    #[must_use = "the report holds the failures"]
    pub async fn asend_robust(self, event: &T) -> Report<R> {
        let receivers = self.delivered.receivers_erased();
        let event = || event as &dyn Any;
        receivers
            .asend::<CollectFailures>(event, self.context)
            .await
    }
}

/// Async sends without the type of the payload.
impl<R: 'static> Receivers<'_, R> {
    /// Calls the sync receivers in order, and then the async receivers concurrently, within the
    /// task that polls.
    ///
    /// `event` returns the event, so that the future is `Send` if the event is `Sync`.
    // Not `deliver_observed` with `()`: its checkpoints between sync receivers take 5 to 20
    // instructions a send even if they are always ready.
    async fn asend<'a, P: Policy>(
        self,
        event: impl Fn() -> &'a dyn Any,
        context: &Context,
    ) -> Report<R> {
        let snapshot = self.snapshot();
        let mut report = Report::default();
        if snapshot.entries().is_empty() && !context.changes_receivers() {
            return report;
        }
        let own = self.unmuted_own_list(context);
        let receivers = ActiveReceivers::merged(snapshot.entries(), own.as_deref(), context);
        // Without sync receivers, a pass over the list would find none to call.
        if snapshot.has_sync() || own.as_ref().is_some_and(|own| own.has_sync()) {
            let mut has_async = false;
            let mut cursor = Cursor::default();
            while let Some(next) = receivers.next(&mut cursor) {
                if next.1.is_async() {
                    has_async = true;
                    continue;
                }
                let signal = self.signal;
                if call::<R, P>(next, signal, &receivers, event(), &mut (), &mut report) {
                    return report;
                }
            }
            if !has_async {
                return report;
            }
        }
        let mut delivery = AsyncDelivery::new(self.signal, &receivers, report);
        poll_fn(|cx| delivery.poll::<P>(cx, event(), &mut ())).await;
        delivery.finish()
    }
}

/// A delivery with the type of the payload erased.
pub(crate) struct ErasedDelivery<'a, R: 'static> {
    receivers: Receivers<'a, R>,
    event: &'a (dyn Any + Sync),
    context: &'a Context,
}

impl<'a, T: Sync, R> InContext<'a, Signal<T, R>> {
    /// Returns the delivery of an event with its type erased, for code that is compiled once for
    /// all signals.
    pub(crate) fn erase(self, event: &'a T) -> ErasedDelivery<'a, R> {
        ErasedDelivery {
            receivers: self.delivered.receivers_erased(),
            event,
            context: self.context,
        }
    }
}

impl<R> ErasedDelivery<'_, R> {
    /// Sends as [`Signal::asend_robust`] does.
    pub(crate) async fn asend_robust(self) -> Report<R> {
        let event = || self.event as &dyn Any;
        let receivers = self.receivers;
        receivers
            .asend::<CollectFailures>(event, self.context)
            .await
    }

    /// Delivers with an observer: in [`ReceiverMode::Async`] as [`Signal::asend_robust`] does, and
    /// in [`ReceiverMode::Sync`] as [`Signal::send_robust`] does, so that only the observer is
    /// awaited.
    pub(crate) async fn deliver_observed(
        self,
        mode: ReceiverMode,
        observer: &mut impl DeliveryObserver,
    ) -> Report<R> {
        let (receivers, event, context) = (self.receivers, self.event, self.context);
        let snapshot = receivers.snapshot();
        let own = receivers.unmuted_own_list(context);
        let active = ActiveReceivers::merged(snapshot.entries(), own.as_deref(), context);
        let mut report = Report::default();
        let mut has_async = false;
        let mut cursor = Cursor::default();
        while let Some(next) = active.next(&mut cursor) {
            if mode == ReceiverMode::Async && next.1.is_async() {
                has_async = true;
                continue;
            }
            poll_fn(|cx| observer.poll_checkpoint(cx)).await;
            let signal = receivers.signal;
            call::<R, CollectFailures>(next, signal, &active, event, observer, &mut report);
        }
        if !has_async {
            poll_fn(|cx| observer.poll_checkpoint(cx)).await;
            return report;
        }
        let mut delivery = AsyncDelivery::new(receivers.signal, &active, report);
        poll_fn(|cx| delivery.poll::<CollectFailures>(cx, event, observer)).await;
        delivery.finish()
    }
}

/// The state of a send whose sync receivers have been called.
struct AsyncDelivery<'a, R: 'static> {
    signal: &'static str,
    receivers: &'a ActiveReceivers<'a, R>,
    report: Report<R>,
    /// The position of the next receiver to start.
    cursor: Cursor,
    /// The pending receivers with their indexes. A receiver that is ready at its first poll is
    /// never added.
    pending: VecDeque<(usize, PendingReceiver<'a, R>)>,
    /// The responses and failures with the indexes of their receivers, in the order of completion.
    results: Vec<(usize, Result<Guarded<R>, Failure>)>,
}

impl<'a, R: 'static> AsyncDelivery<'a, R> {
    /// Returns the initial state. `report` is the report of the sync receivers.
    fn new(signal: &'static str, receivers: &'a ActiveReceivers<'a, R>, report: Report<R>) -> Self {
        Self {
            signal,
            receivers,
            report,
            cursor: Cursor::default(),
            pending: VecDeque::new(),
            results: Vec::new(),
        }
    }

    /// Polls each receiver that is not ready once.
    #[inline]
    fn poll<P: Policy>(
        &mut self,
        cx: &mut task::Context<'_>,
        event: &'a dyn Any,
        observer: &mut impl DeliveryObserver,
    ) -> Poll<()> {
        if self.poll_pending::<P>(cx, observer) {
            return Poll::Ready(());
        }
        let started = self.start::<P>(cx, event, observer);
        if started == Poll::Ready(true) {
            return Poll::Ready(());
        }
        if !self.pending.is_empty() {
            observer.all_pending();
        }
        // `start` has polled a pending checkpoint already.
        let is_at_end = started.is_ready() && observer.poll_checkpoint(cx).is_ready();
        if is_at_end && self.pending.is_empty() {
            return Poll::Ready(());
        }
        Poll::Pending
    }

    /// Polls the pending receivers. Returns true if a failure ends the send.
    fn poll_pending<P: Policy>(
        &mut self,
        cx: &mut task::Context<'_>,
        observer: &mut impl DeliveryObserver,
    ) -> bool {
        // Executors budget each poll of a task. Rotate, so that one receiver that is
        // always ready cannot starve the others.
        if !self.pending.is_empty() {
            self.pending.rotate_left(1);
        }
        for _ in 0..self.pending.len() {
            let Some((index, receiver)) = self.pending.front_mut() else {
                break;
            };
            let index = *index;
            let polled = observer.scope(self.receivers, index, || P::guard(|| receiver.poll(cx)));
            match in_time(polled, self.receivers, index, observer, cx) {
                Ok(Poll::Pending) => self.pending.rotate_left(1),
                Ok(Poll::Ready(called)) => {
                    self.pending.pop_front();
                    self.succeeded(index, called, observer);
                }
                Err(cause) => {
                    // Drops the future of a receiver that has panicked or timed out.
                    self.pending.pop_front();
                    self.failed(index, cause, observer);
                    if P::STOPS {
                        return true;
                    }
                }
            }
        }
        false
    }

    /// Starts the remaining receivers. Ready with true if a failure ends the send; pending while
    /// the observer delays a receiver.
    #[inline]
    fn start<P: Policy>(
        &mut self,
        cx: &mut task::Context<'_>,
        event: &'a dyn Any,
        observer: &mut impl DeliveryObserver,
    ) -> Poll<bool> {
        let receivers = self.receivers;
        loop {
            let cursor = self.cursor;
            let Some((index, entry)) = receivers.next(&mut self.cursor) else {
                return Poll::Ready(false);
            };
            if !entry.is_async() {
                continue;
            }
            if observer.poll_checkpoint(cx).is_pending() {
                self.cursor = cursor;
                return Poll::Pending;
            }
            if !observer.should_call(receivers, index) {
                self.report.skip();
                continue;
            }
            let mut receiver = PendingReceiver(Guarded::from(None));
            let start = || {
                P::guard(|| {
                    receiver.0 = entry.start(event, receivers.context).into();
                    receiver.poll(cx)
                })
            };
            let polled = observer.scope(receivers, index, start);
            match in_time(polled, receivers, index, observer, cx) {
                Ok(Poll::Pending) => {
                    self.pending.reserve(receivers.len() - self.pending.len());
                    self.pending.push_back((index, receiver));
                }
                Ok(Poll::Ready(called)) => self.succeeded(index, called, observer),
                Err(cause) => {
                    self.failed(index, cause, observer);
                    if P::STOPS {
                        return Poll::Ready(true);
                    }
                }
            }
        }
    }

    #[inline]
    fn succeeded(
        &mut self,
        index: usize,
        called: CallResult<R>,
        observer: &mut impl DeliveryObserver,
    ) {
        let is_called = !called.is_filtered();
        match called {
            CallResult::Succeeded(response) if has_responses::<R>() => {
                self.results.push((index, Ok(Guarded::new(response))));
            }
            called => self.report.count(&called),
        }
        observer.succeeded(self.receivers, index, is_called);
    }

    #[cold]
    fn failed(&mut self, index: usize, cause: Cause, observer: &mut impl DeliveryObserver) {
        let failure = failure(self.signal, self.receivers.entry(index), cause);
        observer.failed(self.receivers, index, &failure);
        self.results.push((index, Err(failure)));
    }

    /// Returns the report, with the responses and failures in the order of the receivers.
    #[inline]
    fn finish(mut self) -> Report<R> {
        if !self.results.is_empty() {
            self.report_in_order();
        }
        self.report
    }

    #[cold]
    fn report_in_order(&mut self) {
        let receivers = self.receivers;
        let mut results = mem::take(&mut self.results);
        results.sort_by_key(|(index, _)| receivers.sort_key(*index));
        for (index, result) in results {
            match result {
                Ok(mut response) => {
                    if let Some(response) = response.take() {
                        let info = || receivers.entry(index).info(self.signal);
                        self.report.add(CallResult::Succeeded(response), info);
                    }
                }
                Err(failure) => self.report.push(failure),
            }
        }
    }
}

/// Returns the result of a receiver's poll, or [`Cause::TimedOut`] if the receiver is pending and
/// its time is over.
#[inline]
fn in_time<R: 'static>(
    polled: Result<Poll<CallResult<R>>, Cause>,
    receivers: &ActiveReceivers<'_, R>,
    index: usize,
    observer: &mut impl DeliveryObserver,
    cx: &mut task::Context<'_>,
) -> Result<Poll<CallResult<R>>, Cause> {
    match polled {
        Ok(Poll::Pending) if observer.poll_timeout(receivers, index, cx).is_ready() => {
            Err(Cause::TimedOut)
        }
        polled => polled,
    }
}

/// The future of an async receiver; none if its filter declined the event, or once it is ready.
struct PendingReceiver<'a, R>(Guarded<BoxFuture<'a, R>>);

impl<R> PendingReceiver<'_, R> {
    #[allow(
        clippy::inline_always,
        reason = "out of line it takes 41 instructions more a receiver"
    )]
    #[inline(always)]
    fn poll(&mut self, cx: &mut task::Context<'_>) -> Result<Poll<CallResult<R>>, Cause> {
        let Some(future) = self.0.get_mut() else {
            return Ok(Poll::Ready(CallResult::Filtered));
        };
        let Poll::Ready(result) = future.as_mut().poll(cx) else {
            return Ok(Poll::Pending);
        };
        match result {
            Ok(response) => {
                // A panic of the future's destructor counts as a panic of the receiver.
                drop(self.0.take());
                Ok(Poll::Ready(CallResult::Succeeded(response)))
            }
            Err(error) => {
                let cause = Cause::of(error);
                // The error's destructor could panic while a panic of the future's destructor
                // unwinds.
                drop_guarded(self.0.take());
                Err(cause)
            }
        }
    }
}
