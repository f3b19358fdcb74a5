//! Measures all readers in turns.

use crate::bodies::Body;
use crate::clock::{ROUNDS, calibrate, median, nanoseconds};
use crate::reader::{Reader, Seen};

// A median of fewer rounds follows the noise.
const _: () = assert!(ROUNDS >= 5);

/// The medians of one reader for one body.
#[derive(Clone, Copy)]
pub(crate) struct Time {
    pub(crate) nanoseconds: f64,
    /// The median of the ratios to the first reader in the same round.
    pub(crate) ratio: f64,
}

/// Returns the times of each reader for a body; `None` for readers that reject it.
///
/// Each round has one turn for each reader. Rounds begin with another reader each, so that
/// no reader always follows the same one.
pub(crate) fn medians(
    readers: &mut [Reader],
    seen: &[Option<Seen>],
    body: &Body,
) -> Vec<Option<Time>> {
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
    let count = turns.len();
    let mut round = |first: usize| -> Vec<_> {
        let mut results = vec![None; count];
        for index in (0..count).map(|turn| (first + turn) % count) {
            if let Some((read, times)) = &mut turns[index] {
                results[index] = Some(nanoseconds(read, *times));
            }
        }
        results
    };
    let rounds: Vec<_> = (0..ROUNDS).map(&mut round).collect();
    (0..count)
        .map(|index| {
            let of = |round: &Vec<Option<f64>>| round[index];
            let beside_first = |round: &Vec<Option<f64>>| Some(round[index]? / round[0]?);
            Some(Time {
                nanoseconds: median(rounds.iter().filter_map(of))?,
                ratio: median(rounds.iter().filter_map(beside_first))?,
            })
        })
        .collect()
}
