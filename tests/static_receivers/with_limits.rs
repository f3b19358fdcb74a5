//! Static receivers with `attempts` and `timeout`.
#![allow(clippy::unused_async, reason = "the receivers are examples")]

use std::time::Duration;

use super::*;

static TICK: Signal<u32> = Signal::new("tick");
static TOCK: Signal<u32> = Signal::new("tock");

const ATTEMPTS: u32 = 3;

mod seconds {
    pub(super) const TEN: u64 = 10;
}

#[receiver([TICK, TOCK], attempts = ATTEMPTS, timeout = seconds::TEN)]
async fn both(_: &u32) -> Result<(), &'static str> {
    Err("full")
}

#[receiver(TICK, order = 1, attempts = 1)]
fn only_attempts(_: &u32) {}

#[receiver(TICK, order = 2, timeout = 60 * 60)]
async fn only_a_timeout(_: &u32) {}

#[receiver(TICK, order = 3)]
async fn neither(_: &u32) {}

fn limits(receiver: &ReceiverInfo) -> (Option<u32>, Option<u64>) {
    let timeout = receiver.timeout();
    (receiver.attempts(), timeout.as_ref().map(Duration::as_secs))
}

#[test]
fn limits_are_listed_with_each_receiver() {
    let listed: Vec<_> = TICK.receivers().iter().map(limits).collect();
    let expected = [
        (Some(3), Some(10)),
        (Some(1), None),
        (None, Some(3600)),
        (None, None),
    ];
    assert_eq!(listed, expected);
    assert_eq!(limits(&TOCK.receivers()[0]), expected[0]);
    let all = receivers();
    let both = all.iter().find(|receiver| receiver.signal() == "tock");
    assert_eq!(both.map(limits), Some(expected[0]));
}

#[test]
fn limits_are_reachable_from_a_failure() {
    let report = pollster::block_on(TICK.asend_robust(&1));
    let [failure] = report.failures() else {
        panic!("one failure: {report:?}");
    };
    assert_eq!(limits(failure.receiver()), (Some(3), Some(10)));
    let failure = TOCK.send(&1).expect_err("it is async");
    assert_eq!(limits(failure.receiver()), (Some(3), Some(10)));
}
