//! Takes the time in rounds, which those that are compared have by turns.

use std::time::{Duration, Instant};

pub(crate) const ROUNDS: usize = 301;
const ROUND: Duration = Duration::from_micros(250);

/// How often it can be done in one round.
pub(crate) fn calibrate(work: &mut dyn FnMut(u32)) -> u32 {
    let mut times = 1;
    while time(work, times) < ROUND {
        times *= 2;
    }
    times
}

/// Nanoseconds that each of so many times takes.
pub(crate) fn nanoseconds(work: &mut dyn FnMut(u32), times: u32) -> f64 {
    time(work, times).as_secs_f64() * 1e9 / f64::from(times)
}

fn time(work: &mut dyn FnMut(u32), times: u32) -> Duration {
    let start = Instant::now();
    work(times);
    start.elapsed()
}

/// `None` where there are none.
pub(crate) fn median(values: impl Iterator<Item = f64>) -> Option<f64> {
    let mut values: Vec<_> = values.collect();
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied()
}
