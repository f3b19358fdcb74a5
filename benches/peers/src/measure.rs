//! Takes the time, turn by turn.

use crate::bodies::Body;
use crate::clock::{ROUNDS, calibrate, median, nanoseconds};
use crate::readers::{Reader, Seen};

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
            let mut read = move |times| reader.read(body, seen, times);
            let times = calibrate(&mut read);
            Some((read, times))
        })
        .collect();
    let mut round = || -> Vec<_> {
        let turns = turns.iter_mut().map(|turn| {
            let (read, times) = turn.as_mut()?;
            Some(nanoseconds(read, *times))
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
