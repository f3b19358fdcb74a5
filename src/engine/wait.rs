//! One engine for two kinds of callers: those that wait for async receivers, and
//! those that cannot.

use std::future::Future;
use std::pin::pin;
use std::task::{Context, Poll, Waker};

/// Whether the caller waits.
#[derive(Clone, Copy, Debug)]
pub(super) enum Wait {
    /// It cannot: async receivers fail, and the disk is waited for in place.
    Never,
    /// It does, and what blocks is done by this.
    Async(Blocking),
}

/// Does what blocks, before it returns.
pub(super) type Blocking = fn(&mut dyn FnMut());

/// Blocks where it is called.
pub(super) fn in_place(work: &mut dyn FnMut()) {
    work();
}

impl Wait {
    /// Does something that blocks.
    pub(super) fn block<R>(self, work: impl FnOnce() -> R) -> R {
        let Self::Async(blocking) = self else {
            return work();
        };
        let (mut work, mut result) = (Some(work), None);
        blocking(&mut || result = result.take().or_else(|| work.take().map(|work| work())));
        match (result, work) {
            (Some(result), _) => result,
            // A user's function that has not called it.
            (None, Some(work)) => work(),
            // It has caught the panic of a store.
            (None, None) => panic!("the store panicked"),
        }
    }
}

/// The value of what was told to wait [never](Wait::Never).
pub(super) fn now<R>(work: impl Future<Output = R>) -> R {
    match pin!(work).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(value) => value,
        Poll::Pending => unreachable!("only receivers are waited for"),
    }
}
