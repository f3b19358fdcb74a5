//! What a send costs with 0, 1, 8 and 64 static receivers, beside a bare loop
//! over as many function pointers.
//!
//! ```sh
//! cargo bench --bench signal
//! ```
#![allow(missing_docs, reason = "a benchmark")]

use std::cell::Cell;

use divan::{Bencher, black_box};
use whatsapp_signals::{ConnectOptions, Signal, receiver};

thread_local! {
    static SUM: Cell<u64> = const { Cell::new(0) };
}

#[inline(never)]
fn add(n: &u64) {
    SUM.set(SUM.get().wrapping_add(*n));
}

static NONE: Signal<u64> = Signal::new("none");
static ONE: Signal<u64> = Signal::new("one");
static EIGHT: Signal<u64> = Signal::new("eight");
static SIXTY_FOUR: Signal<u64> = Signal::new("sixty_four");

#[receiver(ONE)]
fn only(n: &u64) {
    add(n);
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
            more! { a b c d e f g }
        };
    };
}

macro_rules! more {
    ($($name:ident)*) => { $(
        #[receiver(SIXTY_FOUR)]
        fn $name(n: &u64) {
            add(n);
        }
    )* };
}

rows! { 1 2 3 4 5 6 7 8 }

fn main() {
    assert_eq!(EIGHT.receivers().len(), 8);
    assert_eq!(SIXTY_FOUR.receivers().len(), 64);
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
