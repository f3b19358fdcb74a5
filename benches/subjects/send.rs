//! `send` to functions, beside a bare loop over as many function pointers.

use std::hint::black_box;

use whatsapp_signals::{Context, Signal, receiver};

use super::receivers::{COUNTS, FUNCTIONS, add, signal};
use super::{Goal, Subject};

/// The signal of one run-time receiver.
static CONNECTED: Signal<u64> = Signal::new("connected");

/// The signal of a receiver that takes three values of the context.
static NEEDS_THREE: Signal<u64> = Signal::new("needs_three");

#[receiver(NEEDS_THREE)]
fn take_three(n: &u64, first: &u8, second: &u16, third: &u32) {
    add(&(n + u64::from(*first) + u64::from(*second) + u64::from(*third)));
}

pub(super) fn subjects() -> Vec<Subject> {
    let mut subjects = Vec::new();
    for receivers in COUNTS {
        // A loop over one function is too short for a ratio.
        let goal = match receivers {
            0 | 1 => Goal::Nanoseconds(2.5),
            _ => Goal::Times(1.2),
        };
        let name = format!("send to {receivers} / loop");
        subjects.push(Subject::new(&name, goal, send(receivers), bare(receivers)));
        subjects.push(
            Subject::new(
                format!("{name}, two threads"),
                goal,
                send(receivers),
                bare(receivers),
            )
            .meanwhile(match receivers {
                0 => send_to::<0>,
                1 => send_to::<1>,
                8 => send_to::<8>,
                _ => send_to::<64>,
            }),
        );
        subjects.push(Subject::new(
            format!("send_robust to {receivers} / send"),
            Goal::Times(1.3),
            send_robust(receivers),
            send(receivers),
        ));
    }
    let context = Context::new().with(1_u8).with(2_u16).with(3_u32);
    subjects.push(Subject::new(
        "send to 1 with three values / loop",
        Goal::Nanoseconds(12.5),
        move || {
            let signal = black_box(&NEEDS_THREE).with(black_box(&context));
            black_box(signal.send(black_box(&1)).is_ok());
        },
        bare(1),
    ));
    CONNECTED.connect(add).detach();
    let goal = Goal::Nanoseconds(15.0);
    let name = "send to 1 run-time receiver / loop";
    subjects.push(Subject::new(name, goal, send_connected, bare(1)));
    subjects.push(
        Subject::new(
            format!("{name}, two threads"),
            goal,
            send_connected,
            bare(1),
        )
        .meanwhile(send_connected),
    );
    subjects
}

fn send(receivers: usize) -> impl FnMut() {
    let signal = signal(receivers);
    move || {
        black_box(black_box(signal).send(black_box(&1)).is_ok());
    }
}

fn send_to<const RECEIVERS: usize>() {
    black_box(signal(RECEIVERS).send(black_box(&1)).is_ok());
}

fn send_robust(receivers: usize) -> impl FnMut() {
    let signal = signal(receivers);
    move || {
        black_box(black_box(signal).send_robust(black_box(&1)).is_ok());
    }
}

fn send_connected() {
    black_box(black_box(&CONNECTED).send(black_box(&1)).is_ok());
}

fn bare(receivers: usize) -> impl FnMut() {
    let list: Vec<_> = FUNCTIONS.as_flattened()[..receivers].to_vec();
    move || {
        let event = black_box(&1);
        for call in black_box(&list) {
            call(event);
        }
    }
}
