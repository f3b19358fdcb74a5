//! Sending to async receivers, concurrently within the sender's task.

use std::collections::VecDeque;
use std::future::poll_fn;
use std::task::{self, Poll};

use super::async_receiver::BoxFuture;
use super::audience::{Audience, Places};
use super::context::EMPTY;
use super::delivery::{
    CollectFailures, DeliveryObserver, FailFast, Policy, ReceiverMode, call, describe,
};
use super::guard::{Guarded, drop_quietly};
use super::report::{CallResult, Cause, Failure, Report, is_kept};
use super::{Context, InContext, Signal};

/// Sending to receivers that may be async.
impl<T: 'static, R: 'static> Signal<T, R> {
    /// Sends as [`send`](Self::send) does, and awaits async receivers.
    ///
    /// Sync receivers run first, in order, in this thread. Then the async ones run
    /// concurrently, polled within this task: nothing is spawned, no executor is
    /// needed, and task-locals and spans hold. The first error ends the send:
    /// receivers that are not done are dropped, or not even started. All are
    /// dropped with the future.
    ///
    /// # Errors
    ///
    /// The first failure.
    ///
    /// # Panics
    ///
    /// When a receiver panics: the panic passes through.
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
        deliver_async::<T, R, FailFast>(self, event, &EMPTY)
            .await
            .into_result()
    }

    /// Sends as [`send_robust`](Self::send_robust) does, and awaits async receivers
    /// as [`asend`](Self::asend) does. A failure does not affect the other
    /// receivers; failures are in the order of the receivers, those of async
    /// ones last.
    ///
    /// # Examples
    ///
    /// ```
    /// use whatsapp_signals::Signal;
    ///
    /// let signal: Signal<u32> = Signal::new("tick");
    /// let _panics = signal.connect(async |n: &u32| assert!(*n > 1, "oh"));
    /// let _runs = signal.connect(async |_: &u32| {});
    ///
    /// # pollster::block_on(async {
    /// let report = signal.asend_robust(&1).await;
    /// assert_eq!((report.called(), report.succeeded()), (2, 1));
    /// assert_eq!(report.failures()[0].panic_message(), Some("oh"));
    /// # });
    /// ```
    #[must_use = "the report holds the failures"]
    pub async fn asend_robust(&self, event: &T) -> Report<R> {
        deliver_async::<T, R, CollectFailures>(self, event, &EMPTY).await
    }
}

/// Sending with a context to receivers that may be async.
impl<T: 'static, R: 'static> InContext<'_, Signal<T, R>> {
    /// Sends as [`Signal::asend`] does.
    ///
    /// # Errors
    ///
    /// The first failure.
    ///
    /// # Panics
    ///
    /// When a receiver panics: the panic passes through.
    pub async fn asend(self, event: &T) -> Result<Report<R>, Failure> {
        deliver_async::<T, R, FailFast>(self.delivered, event, self.context)
            .await
            .into_result()
    }

    /// Sends as [`Signal::asend_robust`] does.
    #[must_use = "the report holds the failures"]
    pub async fn asend_robust(self, event: &T) -> Report<R> {
        deliver_async::<T, R, CollectFailures>(self.delivered, event, self.context).await
    }

    /// Delivers with an observer: in [`ReceiverMode::Sync`] as [`send_robust`](Self::send_robust)
    /// does, so that only the observer is awaited, and in [`ReceiverMode::Async`] as
    /// [`asend_robust`](Self::asend_robust) does.
    pub(crate) async fn deliver_observed(
        self,
        event: &T,
        mode: ReceiverMode,
        observer: &mut impl DeliveryObserver,
    ) -> Report<R> {
        let (signal, context) = (self.delivered, self.context);
        let snapshot = signal.overlay.snapshot(signal.statics());
        let own = context.own_list(signal).filter(|_| !signal.is_muted());
        let audience = Audience::merged(&snapshot, own.as_deref(), context);
        let mut report = Report::default();
        let mut has_async = false;
        let mut places = Places::default();
        while let Some(next) = audience.next(&mut places) {
            if mode == ReceiverMode::Async && next.1.is_async() {
                has_async = true;
                continue;
            }
            poll_fn(|cx| observer.poll_checkpoint(cx)).await;
            let name = signal.name;
            call::<T, R, CollectFailures>(next, name, &audience, event, observer, &mut report);
        }
        if !has_async {
            poll_fn(|cx| observer.poll_checkpoint(cx)).await;
            return report;
        }
        let mut delivery = AsyncDelivery::new(signal.name, &audience, report);
        poll_fn(|cx| delivery.poll::<CollectFailures>(cx, event, observer)).await;
        delivery.finish()
    }
}

/// Calls the sync receivers in order, and then the async ones concurrently, within the
/// task that polls.
// Not `deliver_observed` with `()`: its checkpoints between sync receivers take 5 to 20
// instructions a send even if they are always ready.
async fn deliver_async<T: 'static, R: 'static, P: Policy>(
    signal: &Signal<T, R>,
    event: &T,
    context: &Context,
) -> Report<R> {
    let snapshot = signal.overlay.snapshot(signal.statics());
    let mut report = Report::default();
    if snapshot.is_empty() && !context.changes_receivers() {
        return report;
    }
    let own = context.own_list(signal).filter(|_| !signal.is_muted());
    let audience = Audience::merged(&snapshot, own.as_deref(), context);
    let mut has_async = false;
    let mut places = Places::default();
    while let Some(next) = audience.next(&mut places) {
        if next.1.is_async() {
            has_async = true;
        } else if call::<T, R, P>(next, signal.name, &audience, event, &mut (), &mut report) {
            return report;
        }
    }
    if !has_async {
        return report;
    }
    let mut delivery = AsyncDelivery::new(signal.name, &audience, report);
    poll_fn(|cx| delivery.poll::<P>(cx, event, &mut ())).await;
    delivery.finish()
}

/// The state of a send with async receivers.
struct AsyncDelivery<'a, T: 'static, R: 'static> {
    signal: &'static str,
    audience: &'a Audience<'a, T, R>,
    report: Report<R>,
    /// The places of the receivers that have not been started.
    rest: Places,
    /// The pending receivers with their places. A receiver that is ready at the first
    /// poll is never here.
    waiting: VecDeque<(usize, PendingReceiver<'a, R>)>,
    /// The answers and failures with the places of their receivers, in the order in which they
    /// came.
    results: Vec<(usize, Result<Guarded<R>, Failure>)>,
}

impl<'a, T: 'static, R: 'static> AsyncDelivery<'a, T, R> {
    /// Returns the state after the sync receivers were called, with their report.
    fn new(signal: &'static str, audience: &'a Audience<'a, T, R>, report: Report<R>) -> Self {
        Self {
            signal,
            audience,
            report,
            rest: Places::default(),
            waiting: VecDeque::new(),
            results: Vec::new(),
        }
    }

    /// Polls all receivers that are not done, once each.
    #[inline]
    fn poll<P: Policy>(
        &mut self,
        cx: &mut task::Context<'_>,
        event: &'a T,
        observer: &mut impl DeliveryObserver,
    ) -> Poll<()> {
        if self.poll_waiting::<P>(cx, observer) {
            return Poll::Ready(());
        }
        let started = self.start::<P>(cx, event, observer);
        if started == Poll::Ready(true) {
            return Poll::Ready(());
        }
        if !self.waiting.is_empty() {
            observer.waits();
        }
        // A checkpoint that holds up the start has been polled by it.
        let is_at_end = started.is_ready() && observer.poll_checkpoint(cx).is_ready();
        if is_at_end && self.waiting.is_empty() {
            return Poll::Ready(());
        }
        Poll::Pending
    }

    /// Polls the pending receivers; true when a failure ends the send.
    fn poll_waiting<P: Policy>(
        &mut self,
        cx: &mut task::Context<'_>,
        observer: &mut impl DeliveryObserver,
    ) -> bool {
        // Executors budget each poll of a task. Rotate, so that one receiver that is
        // always ready cannot starve the others.
        if !self.waiting.is_empty() {
            self.waiting.rotate_left(1);
        }
        for _ in 0..self.waiting.len() {
            let Some((at, started)) = self.waiting.front_mut() else {
                break;
            };
            let at = *at;
            let polled = observer.scope(self.audience, at, || P::guard(|| started.poll(cx)));
            match in_time(polled, self.audience, at, observer, cx) {
                Ok(Poll::Pending) => self.waiting.rotate_left(1),
                Ok(Poll::Ready(called)) => {
                    self.waiting.pop_front();
                    self.succeeded(at, called, observer);
                }
                Err(cause) => {
                    // A future that has panicked or timed out is still there.
                    self.waiting.pop_front();
                    self.failed(at, cause, observer);
                    if P::STOPS {
                        return true;
                    }
                }
            }
        }
        false
    }

    /// Starts the remaining receivers; true when a failure ends the send, and pending while the
    /// observer holds them up.
    #[inline]
    fn start<P: Policy>(
        &mut self,
        cx: &mut task::Context<'_>,
        event: &'a T,
        observer: &mut impl DeliveryObserver,
    ) -> Poll<bool> {
        let audience = self.audience;
        loop {
            let rest = self.rest;
            let Some((at, slot)) = audience.next(&mut self.rest) else {
                return Poll::Ready(false);
            };
            if !slot.is_async() {
                continue;
            }
            if observer.poll_checkpoint(cx).is_pending() {
                self.rest = rest;
                return Poll::Pending;
            }
            if !observer.wants(audience, at) {
                self.report.skip();
                continue;
            }
            let mut started = PendingReceiver(Guarded::from(None));
            let start = || {
                P::guard(|| {
                    started.0 = slot.start(event, audience.context).into();
                    started.poll(cx)
                })
            };
            let polled = observer.scope(audience, at, start);
            match in_time(polled, audience, at, observer, cx) {
                Ok(Poll::Pending) => {
                    self.waiting.reserve(audience.len() - self.waiting.len());
                    self.waiting.push_back((at, started));
                }
                Ok(Poll::Ready(called)) => self.succeeded(at, called, observer),
                Err(cause) => {
                    self.failed(at, cause, observer);
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
        at: usize,
        called: CallResult<R>,
        observer: &mut impl DeliveryObserver,
    ) {
        let is_called = !called.is_filtered();
        match called {
            CallResult::Succeeded(response) if is_kept::<R>() => {
                self.results.push((at, Ok(Guarded::new(response))));
            }
            called => self.report.count(&called),
        }
        observer.succeeded(self.audience, at, is_called);
    }

    #[cold]
    fn failed(&mut self, at: usize, cause: Cause, observer: &mut impl DeliveryObserver) {
        let failure = describe(self.signal, self.audience.slot(at), cause);
        observer.failed(self.audience, at, &failure);
        self.results.push((at, Err(failure)));
    }

    /// Returns the report, with the answers and failures in the order of the receivers.
    #[inline]
    fn finish(mut self) -> Report<R> {
        if !self.results.is_empty() {
            self.report_in_order();
        }
        self.report
    }

    #[cold]
    fn report_in_order(&mut self) {
        let audience = self.audience;
        self.results.sort_by_key(|(at, _)| audience.sort_key(*at));
        for (at, result) in self.results.drain(..) {
            match result {
                Ok(mut response) => {
                    if let Some(response) = response.take() {
                        let info = || audience.slot(at).info(self.signal);
                        self.report.add(CallResult::Succeeded(response), info);
                    }
                }
                Err(failure) => self.report.push(failure),
            }
        }
    }
}

/// Returns the result of a receiver's poll; that it timed out if it is pending and may take no
/// longer.
#[inline]
fn in_time<T: 'static, R: 'static>(
    polled: Result<Poll<CallResult<R>>, Cause>,
    audience: &Audience<'_, T, R>,
    at: usize,
    observer: &mut impl DeliveryObserver,
    cx: &mut task::Context<'_>,
) -> Result<Poll<CallResult<R>>, Cause> {
    match polled {
        Ok(Poll::Pending) if observer.poll_timeout(audience, at, cx).is_ready() => {
            Err(Cause::TimedOut)
        }
        polled => polled,
    }
}

/// The future of an async receiver; none when its filter declined the event, or it is done.
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
                // A panic of the future's destructor is one of the receiver.
                drop(self.0.take());
                Ok(Poll::Ready(CallResult::Succeeded(response)))
            }
            Err(error) => {
                let cause = Cause::of(error);
                // The error's destructor could panic, too, while a panic of the future's unwinds.
                drop_quietly(self.0.take());
                Err(cause)
            }
        }
    }
}
