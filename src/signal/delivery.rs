//! The call of one receiver: under one of two policies, and with an observer.

use std::borrow::Cow;
use std::task::{self, Poll};
use std::time::Duration;

use super::audience::Audience;
use super::guard;
use super::info::ReceiverInfo;
use super::receiver_list::Slot;
use super::report::{Cause, Failure, Report};

/// Decides what a failure means for the remaining receivers.
pub(super) trait Policy {
    /// Whether the first failure ends the delivery.
    const STOPS: bool;

    /// Runs code of receivers.
    fn guard<R>(work: impl FnOnce() -> Result<R, Cause>) -> Result<R, Cause>;
}

/// The policy of `send`: the first error ends the delivery, and a panic passes through.
pub(super) struct FailFast;

impl Policy for FailFast {
    const STOPS: bool = true;

    #[inline]
    fn guard<R>(work: impl FnOnce() -> Result<R, Cause>) -> Result<R, Cause> {
        work()
    }
}

/// The policy of `send_robust`: all receivers are called, and failures are collected.
pub(super) struct CollectFailures;

impl Policy for CollectFailures {
    const STOPS: bool = false;

    #[inline]
    fn guard<R>(work: impl FnOnce() -> Result<R, Cause>) -> Result<R, Cause> {
        guard::catch(work, |message| Err(Cause::Panic(message)))
    }
}

/// Calls the receiver at this place if the observer wants it called, and adds it to the report.
/// Returns true if its failure ends the delivery.
#[inline]
pub(super) fn call<T: 'static, R: 'static, P: Policy>(
    (at, slot): (usize, &Slot<T, R>),
    signal: &'static str,
    audience: &Audience<'_, T, R>,
    event: &T,
    observer: &mut impl DeliveryObserver,
    report: &mut Report<R>,
) -> bool {
    if !observer.wants(audience, at) {
        report.skip();
        return false;
    }
    let run = || P::guard(|| slot.call(event, audience.context));
    match observer.scope(audience, at, run) {
        Ok(called) => {
            observer.succeeded(audience, at, !called.is_filtered());
            report.add(called, || slot.info(signal));
            false
        }
        Err(cause) => {
            let failure = describe(signal, slot, cause);
            observer.failed(audience, at, &failure);
            report.push(failure);
            P::STOPS
        }
    }
}

#[cold]
pub(super) fn describe<T, R>(signal: &'static str, slot: &Slot<T, R>, cause: Cause) -> Failure {
    Failure::new(slot.info(signal), cause)
}

/// The treatment of async receivers by an observed delivery.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ReceiverMode {
    /// Async receivers fail with [`Cause::NeedsAsend`], in their place among the sync ones.
    Sync,
    /// Async receivers are awaited, after the sync ones.
    Async,
}

/// Observes a delivery, receiver by receiver, and may skip or hold up receivers. By default it does
/// nothing: each receiver is called at once, and may take as long as it needs.
pub(crate) trait DeliveryObserver {
    /// Polled until ready before each receiver is started, skipped ones included, and after the
    /// last one; and at each poll of the delivery while async receivers are pending. `Pending`
    /// holds up the start of further receivers and the end of the delivery, and no receiver that
    /// has been started. May be polled again after it was ready.
    #[inline]
    fn poll_checkpoint(&mut self, _cx: &mut task::Context<'_>) -> Poll<()> {
        Poll::Ready(())
    }

    /// Whether the receiver at this place is to be called.
    #[inline]
    fn wants<I: ReceiverIds + ?Sized>(&mut self, _ids: &I, _at: usize) -> bool {
        true
    }

    /// Runs the call of a sync receiver, or one poll of an async one.
    #[inline]
    fn scope<I: ReceiverIds + ?Sized, O>(
        &mut self,
        _ids: &I,
        _at: usize,
        run: impl FnOnce() -> O,
    ) -> O {
        run()
    }

    /// Records that the receiver has succeeded: by a call, or since its filter declined.
    #[inline]
    fn succeeded<I: ReceiverIds + ?Sized>(&mut self, _ids: &I, _at: usize, _is_called: bool) {}

    /// Records that all started receivers that are not done are pending: the delivery is about
    /// to wait for them.
    #[inline]
    fn waits(&mut self) {}

    /// Records that the receiver has failed.
    #[inline]
    fn failed<I: ReceiverIds + ?Sized>(&mut self, _ids: &I, _at: usize, _failure: &Failure) {}

    /// Polled after each poll at which an async receiver was pending: ready when it may take no
    /// longer. Else the task is woken by then.
    #[inline]
    fn poll_timeout<I: ReceiverIds + ?Sized>(
        &mut self,
        _ids: &I,
        _at: usize,
        _cx: &mut task::Context<'_>,
    ) -> Poll<()> {
        Poll::Pending
    }
}

/// No observer, at no cost.
impl DeliveryObserver for () {}

/// The identity of a receiver across restarts of the program: its uid, or else its
/// path, with a number if several receivers of the signal have that path.
pub(crate) type ReceiverId = Cow<'static, str>;

/// The receivers of a delivery, of any payload.
pub(crate) trait ReceiverIds {
    /// Returns the id of the receiver at a place.
    fn receiver_id(&self, at: usize) -> ReceiverId;

    /// Returns the description of the receiver at a place, of the signal with this name.
    fn info(&self, signal: &'static str, at: usize) -> ReceiverInfo;

    /// Returns the order of the receiver at a place.
    fn order(&self, at: usize) -> i32;

    /// Returns the receiver's own limit of attempts, if it has one.
    fn attempts(&self, at: usize) -> Option<u32>;

    /// Returns the longest time that a run of the receiver may take, if it has one.
    fn timeout(&self, at: usize) -> Option<Duration>;
}
