//! Sending to receivers that wait: all at once, within the task of the sender.

use std::future::poll_fn;
use std::task::{Context, Poll};

use super::Signal;
use super::async_receiver::BoxFuture;
use super::delivery::{self, Policy, Robust, StopAtFirst, call, describe};
use super::receiver_of::Slot;
use super::report::{Cause, Failure, Report};
use super::watch::Watch;

/// Sending to receivers that may be async.
impl<T: 'static> Signal<T> {
    /// [`send`](Self::send), and waits for async receivers.
    ///
    /// The others run first, in order, in this thread. Then all async ones run
    /// at once, polled within this task: nothing is spawned, no executor is
    /// asked for, and task-locals and spans hold. The first error ends it, and
    /// those who are not done are dropped. So are all when the future is
    /// dropped.
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
        let snapshot = self.snapshot();
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
        let snapshot = self.snapshot();
        let Ok(report) = adeliver::<T, Robust>(self.name, &snapshot, event, watch).await;
        snapshot.drop_quietly();
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
    let mut waiting = 0;
    for (at, slot) in slots.iter().enumerate() {
        if slot.receiver().is_async() {
            waiting += 1;
        } else {
            call::<T, P>(signal, slots, at, event, &mut report, watch)?;
        }
    }
    if waiting == 0 {
        return Ok(report);
    }
    let mut sending = Sending {
        signal,
        slots,
        report,
        started: Vec::with_capacity(waiting),
        first: 0,
        failed: Vec::new(),
    };
    sending.start::<P>(event, watch);
    poll_fn(|cx| sending.poll::<P, _>(cx, watch)).await;
    sending.finish::<P>()
}

/// A send to receivers of which some wait.
struct Sending<'a, T: 'static> {
    signal: &'static str,
    slots: &'a [Slot<T>],
    report: Report,
    /// What the async receivers are about, in order; `None` when there is
    /// nothing left of it.
    started: Vec<Option<BoxFuture<'a>>>,
    /// Who has the first turn. An executor may grant a task no more than so much
    /// a turn, which one that is always ready would take from the others.
    first: usize,
    /// Those that have failed, in the order in which they did.
    failed: Vec<(usize, Cause)>,
}

impl<'a, T: 'static> Sending<'a, T> {
    /// Calls all that wait.
    #[inline]
    fn start<P: Policy>(&mut self, event: &'a T, watch: &mut impl Watch) {
        for (at, slot) in waiting(self.slots) {
            let mut future = None;
            if watch.wants(self.slots, at) {
                match P::guard(|| Ok(slot.receiver().start(event))) {
                    Ok(None) => {
                        self.report.filtered += 1;
                        watch.succeeded(self.slots, at);
                    }
                    Ok(started) => future = started,
                    Err(cause) => self.fail(at, cause, watch),
                }
            }
            self.started.push(future);
        }
    }

    /// Polls all that are not done, once each.
    #[inline]
    fn poll<P: Policy, W: Watch>(&mut self, cx: &mut Context<'_>, watch: &mut W) -> Poll<()> {
        let mut waits = false;
        let (first, len) = (self.first, self.started.len());
        self.first = if first + 1 < len { first + 1 } else { 0 };
        for index in (first..len).chain(0..first) {
            let state = &mut self.started[index];
            if state.is_none() {
                continue;
            }
            let polled = P::guard(|| {
                let polled = state.as_mut().map(|future| future.as_mut().poll(cx));
                let Some(Poll::Ready(result)) = polled else {
                    return Ok(false);
                };
                // Dropping it is still the receiver's.
                *state = None;
                result.map(|()| true).map_err(Cause::Error)
            });
            match polled {
                Ok(false) => waits = true,
                Ok(true) => {
                    self.report.called += 1;
                    if W::LOOKS_ON {
                        watch.succeeded(self.slots, place(self.slots, index));
                    }
                }
                Err(cause) => {
                    // There is something left of one that has panicked.
                    delivery::drop_quietly(state.take());
                    self.fail(place(self.slots, index), cause, watch);
                    if P::STOPS {
                        return Poll::Ready(());
                    }
                }
            }
        }
        if waits {
            watch.waits();
            return Poll::Pending;
        }
        Poll::Ready(())
    }

    #[cold]
    fn fail(&mut self, at: usize, cause: Cause, watch: &mut impl Watch) {
        self.report.called += 1;
        watch.failed(self.slots, at);
        self.failed.push((at, cause));
    }

    /// Tells of those that have failed, in the order of the receivers.
    #[inline]
    fn finish<P: Policy>(mut self) -> Result<Report, P::Stop> {
        if !self.failed.is_empty() {
            self.failed.sort_by_key(|(at, _)| *at);
            for (at, cause) in std::mem::take(&mut self.failed) {
                let failure = describe(self.signal, &self.slots[at], cause);
                P::failed(&mut self.report, failure)?;
            }
        }
        Ok(std::mem::take(&mut self.report))
    }
}

/// Also of those that are cut short each is dropped by itself: two destructors
/// that panic would end the program.
impl<T: 'static> Drop for Sending<'_, T> {
    fn drop(&mut self) {
        for future in self.started.drain(..).flatten() {
            delivery::drop_quietly(future);
        }
    }
}

/// The async receivers, with their places.
#[inline]
fn waiting<T>(slots: &[Slot<T>]) -> impl Iterator<Item = (usize, &Slot<T>)> {
    let slots = slots.iter().enumerate();
    slots.filter(|(_, slot)| slot.receiver().is_async())
}

/// The place of an async receiver among all of them.
fn place<T>(slots: &[Slot<T>], index: usize) -> usize {
    waiting(slots).nth(index).map_or(slots.len(), |(at, _)| at)
}
