//! Takes the time, turn by turn.

use std::time::{Duration, Instant};

use crate::bodies::Body;
use crate::readers::{Reader, Seen};

const ROUNDS: usize = 301;
const ROUND: Duration = Duration::from_micros(250);

/// The nanoseconds that each takes for a body, and the ratio to the first one's;
/// `None` for those that cannot read it.
pub(crate) fn medians(
    readers: &mut [Reader],
    seen: &[Option<Seen>],
    body: &Body,
) -> Vec<Option<(f64, f64)>> {
    let mut turns: Vec<_> = readers
        .iter_mut()
        .zip(seen)
        .map(|(reader, seen)| {
            let seen = seen.as_ref()?;
            let times = calibrate(reader, seen, body);
            Some((reader, seen, times))
        })
        .collect();
    let mut round = || -> Vec<_> {
        let turns = turns.iter_mut().map(|turn| {
            let (reader, seen, times) = turn.as_mut()?;
            Some(nanoseconds(reader, seen, body, *times))
        });
        turns.collect()
    };
    let rounds: Vec<_> = (0..ROUNDS).map(|_| round()).collect();
    (0..seen.len())
        .map(|index| {
            let of = |round: &Vec<Option<f64>>| round[index];
            let beside_first = |round: &Vec<Option<f64>>| Some(round[index]? / round[0]?);
            let time = median(rounds.iter().filter_map(of))?;
            let ratio = median(rounds.iter().filter_map(beside_first))?;
            Some((time, ratio))
        })
        .collect()
}

/// How often it can be done in one round.
fn calibrate(reader: &mut Reader, seen: &Seen, body: &Body) -> u64 {
    let mut times = 1;
    loop {
        let taken = nanoseconds(reader, seen, body, times) * times as f64;
        if taken >= ROUND.as_nanos() as f64 {
            return times;
        }
        times *= 2;
    }
}

fn nanoseconds(reader: &mut Reader, seen: &Seen, body: &Body, times: u64) -> f64 {
    let start = Instant::now();
    reader.read(body, seen, times);
    start.elapsed().as_nanos() as f64 / times as f64
}

fn median(values: impl Iterator<Item = f64>) -> Option<f64> {
    let mut values: Vec<_> = values.collect();
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied()
}
