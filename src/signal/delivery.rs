//! How receivers are called, and the two policies that they are called under.

use std::any::Any;
use std::convert::Infallible;
use std::panic::{AssertUnwindSafe, catch_unwind};

use super::info::ReceiverInfo;
use super::receiver_of::{Called, Slot};
use super::report::{Cause, Failure, Report};
use super::watch::Watch;

/// What a receiver's failure means for those behind it.
pub(super) trait Policy {
    /// Why a delivery ended early.
    type Stop;

    /// Whether the first failure is the end.
    const STOPS: bool;

    /// Does what is a receiver's.
    fn guard<R>(work: impl FnOnce() -> Result<R, Cause>) -> Result<R, Cause>;

    fn failed(report: &mut Report, failure: Failure) -> Result<(), Self::Stop>;
}

/// Calls the receivers in order, as far as the watch wants them called.
#[inline]
pub(super) fn deliver<T: 'static, P: Policy>(
    signal: &'static str,
    slots: &[Slot<T>],
    event: &T,
    watch: &mut impl Watch,
) -> Result<Report, P::Stop> {
    let mut report = Report::default();
    for at in 0..slots.len() {
        call::<T, P>(signal, slots, at, event, &mut report, watch)?;
    }
    Ok(report)
}

/// Calls one of them.
#[inline]
pub(super) fn call<T: 'static, P: Policy>(
    signal: &'static str,
    slots: &[Slot<T>],
    at: usize,
    event: &T,
    report: &mut Report,
    watch: &mut impl Watch,
) -> Result<(), P::Stop> {
    let slot = &slots[at];
    if !watch.wants(slots, at) {
        return Ok(());
    }
    match P::guard(|| slot.receiver().call(event)) {
        Ok(called) => {
            report.called += usize::from(called == Called::Ran);
            report.filtered += usize::from(called == Called::Filtered);
            watch.succeeded(slots, at);
            Ok(())
        }
        Err(cause) => {
            report.called += 1;
            watch.failed(slots, at);
            P::failed(report, describe(signal, slot, cause))
        }
    }
}

#[cold]
pub(super) fn describe<T>(signal: &'static str, slot: &Slot<T>, cause: Cause) -> Failure {
    let receiver = ReceiverInfo {
        signal,
        details: slot.details().clone(),
        shadowed: false,
    };
    Failure::new(receiver, cause)
}

/// `send`: the first error ends it, and a panic unwinds through it.
pub(super) struct StopAtFirst;

impl Policy for StopAtFirst {
    type Stop = Failure;

    const STOPS: bool = true;

    #[inline]
    fn guard<R>(work: impl FnOnce() -> Result<R, Cause>) -> Result<R, Cause> {
        work()
    }

    fn failed(_: &mut Report, failure: Failure) -> Result<(), Failure> {
        Err(failure)
    }
}

/// `send_robust`: everyone is called, whatever the others did.
pub(super) struct Robust;

impl Policy for Robust {
    type Stop = Infallible;

    const STOPS: bool = false;

    #[inline]
    fn guard<R>(work: impl FnOnce() -> Result<R, Cause>) -> Result<R, Cause> {
        // Unwind safety: a receiver only has `&T`, and what it broke of its
        // own state before it panicked is its own to mend, as after any panic
        // in another thread.
        catch_unwind(AssertUnwindSafe(work))
            .unwrap_or_else(|payload| Err(Cause::Panic(message(payload))))
    }

    #[cold]
    fn failed(report: &mut Report, failure: Failure) -> Result<(), Infallible> {
        report.failures.push(failure);
        Ok(())
    }
}

/// Drops what is a user's. A destructor that panics must not cost the other
/// receivers the event, nor the sender the report; the panic hook has told of it.
#[cold]
pub(super) fn drop_quietly<T>(value: T) {
    if let Err(payload) = catch_unwind(AssertUnwindSafe(|| drop(value))) {
        // Its destructor could panic in turn.
        std::mem::forget(payload);
    }
}

/// The text of a panic, when it carried text.
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
