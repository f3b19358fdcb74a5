//! What a send costs with 0, 1, 8 and 64 static receivers, beside a bare loop
//! over as many function pointers; and an `asend` to as many async ones, beside a
//! bare loop over as many boxed futures.
//!
//! ```sh
//! cargo bench --bench signal
//! ```
#![allow(missing_docs, reason = "a benchmark")]

use std::cell::Cell;
use std::future::{Future, poll_fn, ready};
use std::pin::{Pin, pin};
use std::task::{Context, Poll, Waker};

use divan::{Bencher, black_box};
use whatsapp_signals::{BoxError, ConnectOptions, Signal, receiver};

thread_local! {
    static SUM: Cell<u64> = const { Cell::new(0) };
}

#[inline(never)]
fn add(n: &u64) {
    SUM.set(SUM.get().wrapping_add(*n));
}

#[inline(never)]
async fn add_async(n: &u64) {
    add(n);
    ready(()).await;
}

static NONE: Signal<u64> = Signal::new("none");
static ONE: Signal<u64> = Signal::new("one");
static EIGHT: Signal<u64> = Signal::new("eight");
static SIXTY_FOUR: Signal<u64> = Signal::new("sixty_four");

static ASYNC_ONE: Signal<u64> = Signal::new("async_one");
static ASYNC_EIGHT: Signal<u64> = Signal::new("async_eight");
static ASYNC_SIXTY_FOUR: Signal<u64> = Signal::new("async_sixty_four");

#[receiver(ONE)]
fn only(n: &u64) {
    add(n);
}

#[receiver(ASYNC_ONE)]
async fn only_async(n: &u64) {
    add_async(n).await;
}

/// A receiver of [`SIXTY_FOUR`] for each token, and of [`EIGHT`] for the first.
macro_rules! rows {
    ($($row:tt)*) => { $( columns! { $row } )* };
}

macro_rules! columns {
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

fn main() {
    assert_eq!(EIGHT.receivers().len(), 8);
    assert_eq!(SIXTY_FOUR.receivers().len(), 64);
    assert_eq!(ASYNC_EIGHT.receivers().len(), 8);
    assert_eq!(ASYNC_SIXTY_FOUR.receivers().len(), 64);
    divan::main();
}

const COUNTS: [usize; 4] = [0, 1, 8, 64];

fn signal(receivers: usize) -> &'static Signal<u64> {
    match receivers {
        0 => &NONE,
        1 => &ONE,
        8 => &EIGHT,
        _ => &SIXTY_FOUR,
    }
}

#[divan::bench(args = COUNTS)]
fn bare_loop(bencher: Bencher<'_, '_>, receivers: usize) {
    let list: Vec<fn(&u64)> = vec![add; receivers];
    bencher.bench(|| {
        for call in black_box(&list) {
            call(black_box(&1));
        }
    });
}

#[divan::bench(args = COUNTS)]
fn send(bencher: Bencher<'_, '_>, receivers: usize) {
    let signal = signal(receivers);
    bencher.bench(|| black_box(signal).send(black_box(&1)).is_ok());
}

#[divan::bench(args = COUNTS)]
fn send_robust(bencher: Bencher<'_, '_>, receivers: usize) {
    let signal = signal(receivers);
    bencher.bench(|| black_box(signal).send_robust(black_box(&1)).is_ok());
}

type BoxFuture<'a> = Pin<Box<dyn Future<Output = Result<(), BoxError>> + Send + 'a>>;

/// Polls a future that is ready, where it is made, as an `.await` does.
macro_rules! now {
    ($future:expr) => {
        match pin!($future).poll(&mut Context::from_waker(Waker::noop())) {
            Poll::Ready(value) => value,
            Poll::Pending => unreachable!("nothing waits here"),
        }
    };
}

#[divan::bench(args = COUNTS)]
fn bare_loop_over_boxed_futures(bencher: Bencher<'_, '_>, receivers: usize) {
    let list: Vec<fn(&u64) -> BoxFuture<'_>> = vec![
        |n| Box::pin(async move {
            only_async(n).await;
            Ok(())
        });
        receivers
    ];
    bencher.bench(|| {
        let list = black_box(&list);
        let mut futures: Vec<_> = list.iter().map(|call| Some(call(black_box(&1)))).collect();
        now!(poll_fn(|cx| {
            let mut waits = false;
            for slot in &mut futures {
                if let Some(future) = slot {
                    match future.as_mut().poll(cx) {
                        Poll::Ready(Ok(())) => *slot = None,
                        Poll::Ready(Err(error)) => return Poll::Ready(Err(error)),
                        Poll::Pending => waits = true,
                    }
                }
            }
            if waits {
                Poll::Pending
            } else {
                Poll::Ready(Ok(()))
            }
        }))
        .is_ok()
    });
}

fn async_signal(receivers: usize) -> &'static Signal<u64> {
    match receivers {
        0 => &NONE,
        1 => &ASYNC_ONE,
        8 => &ASYNC_EIGHT,
        _ => &ASYNC_SIXTY_FOUR,
    }
}

#[divan::bench(args = COUNTS)]
fn asend(bencher: Bencher<'_, '_>, receivers: usize) {
    let signal = async_signal(receivers);
    assert_eq!(
        now!(signal.asend(&1)).map_or(0, |report| report.called()),
        receivers
    );
    bencher.bench(|| now!(black_box(signal).asend(black_box(&1))).is_ok());
}

#[divan::bench(args = COUNTS)]
fn asend_robust(bencher: Bencher<'_, '_>, receivers: usize) {
    let signal = async_signal(receivers);
    bencher.bench(|| now!(black_box(signal).asend_robust(black_box(&1))).is_ok());
}

#[divan::bench]
fn send_to_one_connected_at_run_time(bencher: Bencher<'_, '_>) {
    let signal: Signal<u64> = Signal::new("local");
    let _connection = signal.connect(add);
    bencher.bench(|| black_box(&signal).send(black_box(&1)).is_ok());
}

#[divan::bench]
fn connect_and_disconnect(bencher: Bencher<'_, '_>) {
    let signal: Signal<u64> = Signal::new("local");
    bencher.bench(|| signal.connect_with(ConnectOptions::new(), add).is_ok());
}
