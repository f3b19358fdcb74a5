//! Times in short rounds, in which the compared operations take turns.

use std::time::{Duration, Instant};

pub(crate) const ROUNDS: usize = 301;
const ROUND: Duration = Duration::from_micros(250);

/// Returns the number of repetitions that fill a round.
pub(crate) fn calibrate(work: &mut dyn FnMut(u32)) -> u32 {
    let mut times = 1;
    while time(work, times) < ROUND {
        times *= 2;
    }
    times
}

/// Returns the nanoseconds of one repetition.
pub(crate) fn nanoseconds(work: &mut dyn FnMut(u32), times: u32) -> f64 {
    time(work, times).as_secs_f64() * 1e9 / f64::from(times)
}

fn time(work: &mut dyn FnMut(u32), times: u32) -> Duration {
    let start = Instant::now();
    work(times);
    start.elapsed()
}

/// Returns the median; `None` without values.
pub(crate) fn median(values: impl Iterator<Item = f64>) -> Option<f64> {
    let mut values: Vec<_> = values.collect();
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied()
}
