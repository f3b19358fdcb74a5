//! Signals with 0, 1, 8 and 64 static receivers, sync and async.

use std::cell::Cell;
use std::future::{poll_fn, ready};
use std::task::Poll;

use whatsapp_signals::{Signal, receiver};

pub(super) const COUNTS: [usize; 4] = [0, 1, 8, 64];

thread_local! {
    static SUM: Cell<u64> = const { Cell::new(0) };
}

/// The body of each sync receiver.
#[inline]
pub(super) fn add(n: &u64) {
    SUM.set(SUM.get().wrapping_add(*n));
}

/// The body of each async receiver.
#[inline]
pub(super) async fn add_async(n: &u64) {
    add(n);
    ready(()).await;
}

/// The body of an async receiver that is pending at its first poll.
#[inline]
pub(super) async fn add_pending(n: &u64) {
    add(n);
    let mut was_polled = false;
    poll_fn(|_| {
        if std::mem::replace(&mut was_polled, true) {
            Poll::Ready(())
        } else {
            Poll::Pending
        }
    })
    .await;
}

static NONE: Signal<u64> = Signal::new("none");
static ONE: Signal<u64> = Signal::new("one");
static EIGHT: Signal<u64> = Signal::new("eight");
static SIXTY_FOUR: Signal<u64> = Signal::new("sixty_four");

static ASYNC_ONE: Signal<u64> = Signal::new("async_one");
static ASYNC_EIGHT: Signal<u64> = Signal::new("async_eight");
static ASYNC_SIXTY_FOUR: Signal<u64> = Signal::new("async_sixty_four");

/// The signal of eight receivers that are pending at the first poll.
pub(super) static PENDING_EIGHT: Signal<u64> = Signal::new("pending_eight");

pub(super) fn signal(receivers: usize) -> &'static Signal<u64> {
    match receivers {
        0 => &NONE,
        1 => &ONE,
        8 => &EIGHT,
        _ => &SIXTY_FOUR,
    }
}

pub(super) fn async_signal(receivers: usize) -> &'static Signal<u64> {
    match receivers {
        0 => &NONE,
        1 => &ASYNC_ONE,
        8 => &ASYNC_EIGHT,
        _ => &ASYNC_SIXTY_FOUR,
    }
}

/// Asserts that all receivers are linked.
pub(super) fn check() {
    for count in COUNTS {
        assert_eq!(signal(count).receivers().len(), count);
        assert_eq!(async_signal(count).receivers().len(), count);
    }
    assert_eq!(PENDING_EIGHT.receivers().len(), 8);
}

#[receiver(ONE)]
fn only(n: &u64) {
    add(n);
}

#[receiver(ASYNC_ONE)]
async fn only_async(n: &u64) {
    add_async(n).await;
}

/// Defines eight receivers for each token, all of the signal of 64, and the first also of the
/// signal of 8; and as many functions for the bare loop.
macro_rules! rows {
    ($($row:literal)*) => {
        $( row! { $row } )*

        pub(super) static FUNCTIONS: [[fn(&u64); 8]; 8] = [$([
            function::<$row, 0>,
            function::<$row, 1>,
            function::<$row, 2>,
            function::<$row, 3>,
            function::<$row, 4>,
            function::<$row, 5>,
            function::<$row, 6>,
            function::<$row, 7>,
        ]),*];
    };
}

/// A separate function for each instance, as each receiver is.
fn function<const ROW: usize, const COLUMN: usize>(n: &u64) {
    add(n);
}

macro_rules! row {
    ($row:tt) => {
        const _: () = {
            #[receiver([EIGHT, SIXTY_FOUR])]
            fn first(n: &u64) {
                add(n);
            }

            #[receiver([ASYNC_EIGHT, ASYNC_SIXTY_FOUR])]
            async fn first_async(n: &u64) {
                add_async(n).await;
            }

            #[receiver(PENDING_EIGHT)]
            async fn first_pending(n: &u64) {
                add_pending(n).await;
            }

            more! { a b c d e f g }
        };
    };
}

macro_rules! more {
    ($($name:ident)*) => { $(
        const _: () = {
            #[receiver(SIXTY_FOUR)]
            fn $name(n: &u64) {
                add(n);
            }

            const _: () = {
                #[receiver(ASYNC_SIXTY_FOUR)]
                async fn $name(n: &u64) {
                    add_async(n).await;
                }
            };
        };
    )* };
}

rows! { 1 2 3 4 5 6 7 8 }
