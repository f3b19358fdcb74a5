//! Sending to receivers that wait: all at once, within the task of the sender.

use std::collections::VecDeque;
use std::future::poll_fn;
use std::task::{Context, Poll};

use super::Signal;
use super::async_receiver::BoxFuture;
use super::delivery::{self, Policy, Robust, StopAtFirst, call, describe};
use super::receiver_of::Called;
use super::report::{Cause, Failure, Report};
use super::slot::Slot;
use super::watch::Watch;

/// Sending to receivers that may be async.
impl<T: 'static> Signal<T> {
    /// [`send`](Self::send), and waits for async receivers.
    ///
    /// The others run first, in order, in this thread. Then all async ones run
    /// at once, polled within this task: nothing is spawned, no executor is
    /// asked for, and task-locals and spans hold. The first error ends it: those
    /// who are not done are dropped, or not even started. All are dropped when
    /// the future is.
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
    pub async fn asend(&self, event: &T) -> Result<Report, Failure> {
        let snapshot = self.overlay.snapshot(self.statics());
        if snapshot.is_empty() {
            return Ok(Report::default());
        }
        adeliver::<T, StopAtFirst>(self.name, &snapshot, event, &mut ()).await
    }

    /// [`send_robust`](Self::send_robust), and waits for async receivers, as
    /// [`asend`](Self::asend) does. Whatever one does, the others are heard to
    /// their end; failures are in the order of the receivers, those of async
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
    pub async fn asend_robust(&self, event: &T) -> Report {
        self.asend_watched(event, &mut ()).await
    }

    /// [`asend_robust`](Self::asend_robust), with somebody who watches.
    pub(crate) async fn asend_watched(&self, event: &T, watch: &mut impl Watch) -> Report {
        let snapshot = self.overlay.snapshot(self.statics());
        if snapshot.is_empty() {
            return Report::default();
        }
        let Ok(report) = adeliver::<T, Robust>(self.name, &snapshot, event, watch).await;
        report
    }
}

/// Calls the receivers that need not be waited for, in order; and then all
/// others at once, within the task that polls.
async fn adeliver<T: 'static, P: Policy>(
    signal: &'static str,
    slots: &[Slot<T>],
    event: &T,
    watch: &mut impl Watch,
) -> Result<Report, P::Stop> {
    let mut report = Report::default();
    let mut first_async = slots.len();
    for (at, slot) in slots.iter().enumerate() {
        if slot.is_async() {
            first_async = first_async.min(at);
            continue;
        }
        match call::<T, P>(slots, at, event, watch) {
            Ok(called) => report.count(called),
            Err(cause) => P::failed(&mut report.failures, describe(signal, slot, cause))?,
        }
    }
    if first_async == slots.len() {
        return Ok(report);
    }
    let mut sending = Sending {
        signal,
        slots,
        report,
        next: first_async,
        waiting: VecDeque::new(),
        failed: Vec::new(),
    };
    poll_fn(|cx| sending.poll::<P>(cx, event, watch)).await;
    sending.finish::<P>()
}

/// A send to receivers of which some wait.
struct Sending<'a, T: 'static> {
    signal: &'static str,
    slots: &'a [Slot<T>],
    report: Report,
    /// From here on they have not been started.
    next: usize,
    /// Those that wait, with their places. Most that have nothing to wait for
    /// are done when they are started, and are never here.
    waiting: VecDeque<(usize, Started<'a>)>,
    /// Those that have failed, in the order in which they did.
    failed: Vec<(usize, Cause)>,
}

impl<'a, T: 'static> Sending<'a, T> {
    /// Polls all that are not done, once each.
    #[inline]
    fn poll<P: Policy>(
        &mut self,
        cx: &mut Context<'_>,
        event: &'a T,
        watch: &mut impl Watch,
    ) -> Poll<()> {
        let ends = self.poll_waiting::<P>(cx, watch) || self.start::<P>(cx, event, watch);
        if ends || self.waiting.is_empty() {
            return Poll::Ready(());
        }
        watch.waits();
        Poll::Pending
    }

    /// Polls those that wait; true when that ends it.
    fn poll_waiting<P: Policy>(&mut self, cx: &mut Context<'_>, watch: &mut impl Watch) -> bool {
        // An executor may grant a task no more than so much a turn, which one
        // that is always ready would take from the others: the first turn goes
        // round.
        if !self.waiting.is_empty() {
            self.waiting.rotate_left(1);
        }
        for _ in 0..self.waiting.len() {
            let Some((at, started)) = self.waiting.front_mut() else {
                break;
            };
            let at = *at;
            match P::guard(|| started.poll(cx)) {
                Ok(Poll::Pending) => self.waiting.rotate_left(1),
                Ok(Poll::Ready(called)) => {
                    self.waiting.pop_front();
                    self.succeeded(at, called, watch);
                }
                Err(cause) => {
                    // Something is left of one that has panicked.
                    self.waiting.pop_front();
                    self.failed(at, cause, watch);
                    if P::STOPS {
                        return true;
                    }
                }
            }
        }
        false
    }

    /// Starts those that have not been; true when that ends it.
    #[inline]
    fn start<P: Policy>(
        &mut self,
        cx: &mut Context<'_>,
        event: &'a T,
        watch: &mut impl Watch,
    ) -> bool {
        let slots = self.slots;
        while let Some(slot) = slots.get(self.next) {
            let at = self.next;
            self.next += 1;
            if !slot.is_async() || !watch.wants(slots, at) {
                continue;
            }
            let mut started = Started(None);
            let polled = P::guard(|| {
                started.0 = slot.start(event);
                if started.0.is_none() {
                    return Ok(Poll::Ready(Called::Filtered));
                }
                started.poll(cx)
            });
            match polled {
                Ok(Poll::Pending) => {
                    self.waiting.reserve(slots.len() - at);
                    self.waiting.push_back((at, started));
                }
                Ok(Poll::Ready(called)) => self.succeeded(at, called, watch),
                Err(cause) => {
                    self.failed(at, cause, watch);
                    if P::STOPS {
                        return true;
                    }
                }
            }
        }
        false
    }

    #[inline]
    fn succeeded(&mut self, at: usize, called: Called, watch: &mut impl Watch) {
        self.report.count(called);
        watch.succeeded(self.slots, at);
    }

    #[cold]
    fn failed(&mut self, at: usize, cause: Cause, watch: &mut impl Watch) {
        watch.failed(self.slots, at);
        self.failed.push((at, cause));
    }

    /// Tells of those that have failed, in the order of the receivers.
    #[inline]
    fn finish<P: Policy>(mut self) -> Result<Report, P::Stop> {
        self.failed.sort_by_key(|(at, _)| *at);
        for (at, cause) in self.failed {
            let failure = describe(self.signal, &self.slots[at], cause);
            P::failed(&mut self.report.failures, failure)?;
        }
        Ok(self.report)
    }
}

/// What an async receiver is about; `None` when nothing is left of it.
///
/// Each is dropped by itself: two destructors that panic, of some that are cut
/// short, would end the program.
struct Started<'a>(Option<BoxFuture<'a>>);

impl Started<'_> {
    #[inline]
    fn poll(&mut self, cx: &mut Context<'_>) -> Result<Poll<Called>, Cause> {
        let polled = self.0.as_mut().map(|future| future.as_mut().poll(cx));
        let Some(Poll::Ready(result)) = polled else {
            return Ok(Poll::Pending);
        };
        // Dropping it is still the receiver's.
        self.0 = None;
        result.map_err(Cause::Error)?;
        Ok(Poll::Ready(Called::Ran))
    }
}

impl Drop for Started<'_> {
    #[inline]
    fn drop(&mut self) {
        if let Some(future) = self.0.take() {
            delivery::drop_quietly(future);
        }
    }
}
