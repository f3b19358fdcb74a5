//! The one loop that calls receivers, and the two policies that it runs under.

use std::any::Any;
use std::convert::Infallible;
use std::panic::{AssertUnwindSafe, catch_unwind};

use super::info::ReceiverInfo;
use super::receiver_of::{Called, ReceiverOf, Slot};
use super::report::{Cause, Failure, Report};
use super::watch::Watch;

/// How a receiver is called, and what its failure means for those behind it.
pub(super) trait Policy {
    /// Why the loop ended early.
    type Stop;

    fn call<T>(receiver: &ReceiverOf<T>, event: &T) -> Result<Called, Cause>;

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
    for (at, slot) in slots.iter().enumerate() {
        if !watch.wants(slots, at) {
            continue;
        }
        match P::call(slot.receiver(), event) {
            Ok(called) => {
                report.called += usize::from(called == Called::Ran);
                report.filtered += usize::from(called == Called::Filtered);
                watch.succeeded(slots, at);
            }
            Err(cause) => {
                report.called += 1;
                watch.failed(slots, at);
                P::failed(&mut report, describe(signal, slot, cause))?;
            }
        }
    }
    Ok(report)
}

#[cold]
fn describe<T>(signal: &'static str, slot: &Slot<T>, cause: Cause) -> Failure {
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

    #[inline]
    fn call<T>(receiver: &ReceiverOf<T>, event: &T) -> Result<Called, Cause> {
        receiver.call(event).map_err(Cause::Error)
    }

    fn failed(_: &mut Report, failure: Failure) -> Result<(), Failure> {
        Err(failure)
    }
}

/// `send_robust`: everyone is called, whatever the others did.
pub(super) struct Robust;

impl Policy for Robust {
    type Stop = Infallible;

    #[inline]
    fn call<T>(receiver: &ReceiverOf<T>, event: &T) -> Result<Called, Cause> {
        // Unwind safety: a receiver only has `&T`, and what it broke of its
        // own state before it panicked is its own to mend, as after any panic
        // in another thread.
        match catch_unwind(AssertUnwindSafe(|| receiver.call(event))) {
            Ok(outcome) => outcome.map_err(Cause::Error),
            Err(payload) => Err(Cause::Panic(message(payload))),
        }
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
