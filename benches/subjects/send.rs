//! Sending to functions, beside a bare loop over pointers to as many.

use std::hint::black_box;

use whatsapp_signals::Signal;

use super::receivers::{COUNTS, FUNCTIONS, add, signal};
use super::{Goal, Subject};

/// Connected to once, when the subjects are made.
static CONNECTED: Signal<u64> = Signal::new("connected");

pub(super) fn subjects() -> Vec<Subject> {
    let mut subjects = Vec::new();
    for receivers in COUNTS {
        // A loop over one is too short to be a measure.
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
    CONNECTED.connect(add).detach();
    let goal = Goal::Nanoseconds(15.0);
    let name = "send to 1 of run time / loop";
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
