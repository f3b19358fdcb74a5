//! The functions by which a program runs an engine: for work that blocks, and as a timer.

use std::future::Future;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use crate::panic_guard::{Guarded, catch_panic};
use crate::store::{StoreError, StoreErrorKind};

/// A function that runs blocking work before it returns.
pub(super) type Blocking = fn(&mut dyn FnMut());

/// Runs blocking work in the calling thread.
pub(super) fn in_place(work: &mut dyn FnMut()) {
    work();
}

/// Polls a future of a [`ReadyStore`](crate::store::ReadyStore) once, as it must be ready.
pub(super) fn ready<T, E: From<StoreError>>(
    future: impl Future<Output = Result<T, E>>,
) -> Result<T, E> {
    match pin!(future).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(result) => result,
        Poll::Pending => {
            let source = "a future of a ReadyStore was pending";
            Err(StoreError::new(StoreErrorKind::NotReady, source).into())
        }
    }
}

/// A function that returns a future which is ready after this time.
pub(super) type Timer = Arc<dyn Fn(Duration) -> Sleep + Send + Sync>;

/// The future of a timer.
pub(super) type Sleep = Pin<Box<dyn Future<Output = ()> + Send>>;

/// A deadline by the program's timer. It never passes without a timer, or after the timer has
/// panicked.
pub(super) struct Deadline<'e> {
    timer: Option<&'e Timer>,
    sleep: Guarded<Sleep>,
}

impl<'e> Deadline<'e> {
    pub(super) fn new(timer: Option<&'e Timer>) -> Self {
        Self {
            timer,
            sleep: Guarded::from(None),
        }
    }

    /// Returns whether the deadline has passed, and clears it then. A deadline that is not set is
    /// set to the time `left` from now; the task is woken when it passes.
    pub(super) fn poll(&mut self, left: impl FnOnce() -> Duration, cx: &mut Context<'_>) -> bool {
        let Some(timer) = self.timer else {
            return false;
        };
        let has_passed = catch_panic(|| {
            if self.sleep.get_mut().is_none() {
                self.sleep = Guarded::new(timer(left()));
            }
            let sleep = self.sleep.get_mut();
            sleep.is_some_and(|sleep| sleep.as_mut().poll(cx).is_ready())
        });
        if has_passed.is_none() {
            self.timer = None;
        }
        if has_passed != Some(false) {
            self.cancel();
        }
        has_passed == Some(true)
    }

    pub(super) fn cancel(&mut self) {
        self.sleep = Guarded::from(None);
    }
}
