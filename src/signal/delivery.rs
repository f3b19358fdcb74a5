//! The call of one receiver: under one of two policies, and with an observer.

use std::any::Any;
use std::borrow::Cow;
use std::panic::{AssertUnwindSafe, catch_unwind};

use super::audience::Audience;
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
        // Unwind safety: a receiver only has `&T`. State of its own that a panic left
        // inconsistent is the receiver's concern, as after a panic in another thread.
        catch_unwind(AssertUnwindSafe(work))
            .unwrap_or_else(|payload| Err(Cause::Panic(message(payload))))
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
    watch: &mut impl Watch,
    report: &mut Report<R>,
) -> bool {
    if !watch.wants(audience, at) {
        report.skip();
        return false;
    }
    match P::guard(|| slot.call(event, audience.context)) {
        Ok(called) => {
            watch.succeeded(audience, at);
            report.add(called, || slot.info(signal));
            false
        }
        Err(cause) => {
            watch.failed(audience, at);
            report.push(describe(signal, slot, cause));
            P::STOPS
        }
    }
}

#[cold]
pub(super) fn describe<T, R>(signal: &'static str, slot: &Slot<T, R>, cause: Cause) -> Failure {
    Failure::new(slot.info(signal), cause)
}

/// Observes a delivery, receiver by receiver, and may skip receivers.
pub(crate) trait Watch {
    /// Whether the receiver at this place is to be called.
    fn wants<S: Slots + ?Sized>(&mut self, slots: &S, at: usize) -> bool;

    /// Records that the receiver has succeeded, or that its filter declined.
    fn succeeded<S: Slots + ?Sized>(&mut self, slots: &S, at: usize);

    /// Records that all receivers which are not done are pending.
    fn waits(&mut self);

    /// Records that the receiver has failed.
    fn failed<S: Slots + ?Sized>(&mut self, slots: &S, at: usize);
}

/// No observer, at no cost.
impl Watch for () {
    #[inline]
    fn wants<S: Slots + ?Sized>(&mut self, _: &S, _: usize) -> bool {
        true
    }

    #[inline]
    fn succeeded<S: Slots + ?Sized>(&mut self, _: &S, _: usize) {}

    #[inline]
    fn waits(&mut self) {}

    #[inline]
    fn failed<S: Slots + ?Sized>(&mut self, _: &S, _: usize) {}
}

/// The identity of a receiver across restarts of the program: its uid, or else its
/// path, with a number if several receivers of the signal have that path.
pub(crate) type ReceiverId = Cow<'static, str>;

/// The receivers of a send, of any payload.
pub(crate) trait Slots {
    fn receiver_id(&self, at: usize) -> ReceiverId;

    fn order(&self, at: usize) -> i32;
}

/// Drops a user's value. A destructor that panics must not cost the other receivers
/// the event, nor the sender the report; the panic hook has reported the panic.
#[cold]
pub(super) fn drop_quietly<T>(value: T) {
    if let Err(payload) = catch_unwind(AssertUnwindSafe(|| drop(value))) {
        // Its destructor could panic in turn.
        std::mem::forget(payload);
    }
}

/// Returns the text of a panic that carried text.
#[cold]
fn message(payload: Box<dyn Any + Send>) -> Option<Box<str>> {
    let payload = match payload.downcast::<&'static str>() {
        Ok(text) => return Some((*text).into()),
        Err(payload) => payload,
    };
    match payload.downcast::<String>() {
        Ok(text) => Some(text.into_boxed_str()),
        Err(payload) => {
            drop_quietly(payload);
            None
        }
    }
}
