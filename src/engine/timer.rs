//! The timer of the program, behind the guard.

use std::pin::Pin;
use std::sync::Arc;
use std::task::Context;
use std::time::Duration;

use crate::signal::{Guarded, quietly};

/// A function that returns a future which is ready after this time.
pub(super) type Timer = Arc<dyn Fn(Duration) -> Sleep + Send + Sync>;

/// The future of a timer.
pub(super) type Sleep = Pin<Box<dyn Future<Output = ()> + Send>>;

/// An alarm by the program's timer: it never rings without a timer, or once that has panicked.
pub(super) struct Alarm<'e> {
    timer: Option<&'e Timer>,
    sleep: Guarded<Sleep>,
}

impl<'e> Alarm<'e> {
    pub(super) fn new(timer: Option<&'e Timer>) -> Self {
        Self {
            timer,
            sleep: Guarded::from(None),
        }
    }

    /// Returns whether the alarm rings. It is set to the time `left` if it is not set, and the
    /// task is woken when it rings.
    pub(super) fn poll(&mut self, left: impl FnOnce() -> Duration, cx: &mut Context<'_>) -> bool {
        let Some(timer) = self.timer else {
            return false;
        };
        let rings = quietly(|| {
            if self.sleep.get_mut().is_none() {
                self.sleep = Guarded::new(timer(left()));
            }
            let sleep = self.sleep.get_mut();
            sleep.is_some_and(|sleep| sleep.as_mut().poll(cx).is_ready())
        });
        if rings.is_none() {
            self.timer = None;
        }
        if rings != Some(false) {
            self.cancel();
        }
        rings == Some(true)
    }

    pub(super) fn cancel(&mut self) {
        self.sleep = Guarded::from(None);
    }
}
