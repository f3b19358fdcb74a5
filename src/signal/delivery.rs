//! How receivers are called, and the two policies that they are called under.

use std::any::Any;
use std::convert::Infallible;
use std::panic::{AssertUnwindSafe, catch_unwind};

use super::info::ReceiverInfo;
use super::report::{Called, Cause, Failure, Failures, Report};
use super::slot::Slot;
use super::watch::Watch;

/// What a receiver's failure means for those behind it.
pub(super) trait Policy {
    /// Why a delivery ended early.
    type Stop;

    /// Whether the first failure is the end.
    const STOPS: bool;

    /// Does what is a receiver's.
    fn guard<R>(work: impl FnOnce() -> Result<R, Cause>) -> Result<R, Cause>;

    fn failed(failures: &mut Failures, failure: Failure) -> Result<(), Self::Stop>;
}

/// Calls the receivers in order. Most are plain functions that succeed, and are
/// called in a loop that knows nothing else.
#[inline]
pub(super) fn deliver<T: 'static, P: Policy>(
    signal: &'static str,
    slots: &[Slot<T>],
    event: &T,
) -> Result<Report, P::Stop> {
    for (at, slot) in slots.iter().enumerate() {
        let mut report = Report {
            succeeded: at,
            ..Report::default()
        };
        let Some(call) = slot.function() else {
            return deliver_from::<T, P>(at, report, signal, slots, event, &mut ());
        };
        if let Err(cause) = P::guard(|| call(event).map_err(Cause::Error)) {
            P::failed(&mut report.failures, describe(signal, slot, cause))?;
            return deliver_from::<T, P>(at + 1, report, signal, slots, event, &mut ());
        }
    }
    Ok(Report {
        succeeded: slots.len(),
        ..Report::default()
    })
}

/// Calls the receivers from `first` on, as far as the watch wants them called, and
/// adds them to the report.
// Out of line, so that the loop of plain functions stays as short as it is.
#[inline(never)]
pub(super) fn deliver_from<T: 'static, P: Policy>(
    first: usize,
    mut report: Report,
    signal: &'static str,
    slots: &[Slot<T>],
    event: &T,
    watch: &mut impl Watch,
) -> Result<Report, P::Stop> {
    for at in first..slots.len() {
        match call::<T, P>(slots, at, event, watch) {
            Ok(called) => report.count(called),
            Err(cause) => P::failed(&mut report.failures, describe(signal, &slots[at], cause))?,
        }
    }
    Ok(report)
}

/// Calls one of them.
#[inline]
pub(super) fn call<T: 'static, P: Policy>(
    slots: &[Slot<T>],
    at: usize,
    event: &T,
    watch: &mut impl Watch,
) -> Result<Called, Cause> {
    if !watch.wants(slots, at) {
        return Ok(Called::LeftOut);
    }
    let called = P::guard(|| slots[at].call(event));
    match called {
        Ok(_) => watch.succeeded(slots, at),
        Err(_) => watch.failed(slots, at),
    }
    called
}

#[cold]
pub(super) fn describe<T>(signal: &'static str, slot: &Slot<T>, cause: Cause) -> Failure {
    Failure::new(ReceiverInfo::new(signal, slot.details()), cause)
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

    #[inline]
    fn failed(_: &mut Failures, failure: Failure) -> Result<(), Failure> {
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
    fn failed(failures: &mut Failures, failure: Failure) -> Result<(), Infallible> {
        failures.push(failure);
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
