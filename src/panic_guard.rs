//! Containment of panics in user code: receivers, filters, destructors, the texts and sources of
//! errors, and subscribers of `tracing`.

use std::any::Any;
use std::mem;
use std::panic::{AssertUnwindSafe, catch_unwind};

/// Runs user code. A panic becomes the result of `or`, which gets the text of the panic, if it
/// carried text. The panic hook has already reported the panic.
#[inline]
pub(crate) fn catch_panic_or<O>(
    work: impl FnOnce() -> O,
    or: impl FnOnce(Option<Box<str>>) -> O,
) -> O {
    // Unwind safety: a receiver only has `&T`. State inside the receiver that a panic left
    // inconsistent is the receiver's concern, as after a panic in another thread.
    catch_unwind(AssertUnwindSafe(work)).unwrap_or_else(|payload| or(message(payload)))
}

/// Runs user code, and returns `None` if it panics.
#[inline]
pub(crate) fn catch_panic<O>(work: impl FnOnce() -> O) -> Option<O> {
    catch_panic_or(|| Some(work()), |_| None)
}

/// Drops a value of user code. A destructor that panics must not keep the event from the
/// remaining receivers, nor the report from the sender.
#[cold]
pub(crate) fn drop_guarded<T>(value: T) {
    catch_panic(|| drop(value));
}

/// An optional value of user code, whose destructor may panic without unwinding into its owner.
///
/// Each value is guarded separately: a second destructor that panics during an unwind would abort
/// the program.
pub(crate) struct Guarded<T>(Option<T>);

impl<T> Guarded<T> {
    #[inline]
    pub(crate) fn new(value: T) -> Self {
        Self(Some(value))
    }

    #[cfg(feature = "tracing")]
    pub(crate) fn get(&self) -> Option<&T> {
        self.0.as_ref()
    }

    #[inline]
    pub(crate) fn get_mut(&mut self) -> Option<&mut T> {
        self.0.as_mut()
    }

    /// Takes the value out of its guard.
    #[inline]
    pub(crate) fn take(&mut self) -> Option<T> {
        self.0.take()
    }
}

impl<T> From<Option<T>> for Guarded<T> {
    #[inline]
    fn from(value: Option<T>) -> Self {
        Self(value)
    }
}

impl<T> Drop for Guarded<T> {
    #[inline]
    fn drop(&mut self) {
        if let Some(value) = self.0.take() {
            drop_guarded(value);
        }
    }
}

/// Returns the text of a panic, if the panic carried text.
#[cold]
fn message(payload: Box<dyn Any + Send>) -> Option<Box<str>> {
    let payload = match payload.downcast::<&'static str>() {
        Ok(text) => return Some((*text).into()),
        Err(payload) => payload,
    };
    match payload.downcast::<String>() {
        Ok(text) => Some(text.into_boxed_str()),
        Err(payload) => {
            // If the payload's destructor panics, the payload of that panic could panic in turn.
            if let Err(payload) = catch_unwind(AssertUnwindSafe(|| drop(payload))) {
                mem::forget(payload);
            }
            None
        }
    }
}
