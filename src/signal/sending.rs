//! What has become so far of a send to receivers that wait.

use std::collections::VecDeque;
use std::task::{Context, Poll};

use super::async_receiver::BoxFuture;
use super::delivery::{self, Policy, Watch, describe};
use super::receiver_list::Slot;
use super::report::{CallResult, Cause, Report};

/// A send to receivers of which some wait.
pub(super) struct Sending<'a, T: 'static> {
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
    /// A send that the other receivers have heard, as `report` says; the first
    /// that may wait is at `next`.
    pub(super) fn new(
        signal: &'static str,
        slots: &'a [Slot<T>],
        report: Report,
        next: usize,
    ) -> Self {
        Self {
            signal,
            slots,
            report,
            next,
            waiting: VecDeque::new(),
            failed: Vec::new(),
        }
    }

    /// Polls all that are not done, once each.
    #[inline]
    pub(super) fn poll<P: Policy>(
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
                    return Ok(Poll::Ready(CallResult::Filtered));
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
    fn succeeded(&mut self, at: usize, called: CallResult, watch: &mut impl Watch) {
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
    pub(super) fn finish(mut self) -> Report {
        self.failed.sort_by_key(|(at, _)| *at);
        for (at, cause) in self.failed {
            let failure = describe(self.signal, &self.slots[at], cause);
            self.report.push(failure);
        }
        self.report
    }
}

/// What an async receiver is about; `None` when nothing is left of it.
///
/// Each is dropped by itself: two destructors that panic, of some that are cut
/// short, would end the program.
struct Started<'a>(Option<BoxFuture<'a>>);

impl Started<'_> {
    #[inline]
    fn poll(&mut self, cx: &mut Context<'_>) -> Result<Poll<CallResult>, Cause> {
        let polled = self.0.as_mut().map(|future| future.as_mut().poll(cx));
        let Some(Poll::Ready(result)) = polled else {
            return Ok(Poll::Pending);
        };
        // Dropping it is still the receiver's.
        self.0 = None;
        result.map_err(Cause::Error)?;
        Ok(Poll::Ready(CallResult::Succeeded))
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
