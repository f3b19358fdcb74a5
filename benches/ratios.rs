//! What this crate takes, as a ratio to a floor that is measured in the same run.
//!
//! ```sh
//! cargo bench --bench ratios            # all
//! cargo bench --bench ratios -- asend   # those whose name has this in it
//! ```
//!
//! Ours and the floor take turns, in rounds of a quarter of a millisecond, so that
//! what else the machine does meets both. Of all rounds the medians are shown, and
//! the median of the ratios. It exits with 1 when one is over its goal by more
//! than a tenth.
#![allow(missing_docs, reason = "a benchmark")]

mod subjects;

use std::process::ExitCode;
use std::sync::atomic::{AtomicBool, Ordering};

use subjects::clock::{ROUNDS, calibrate, median, nanoseconds};
use subjects::{Goal, Subject, Work};

fn main() -> ExitCode {
    let wanted: Vec<_> = std::env::args()
        .skip(1)
        .filter(|argument| !argument.starts_with("--"))
        .collect();
    let is_wanted = |subject: &Subject| {
        wanted.is_empty() || wanted.iter().any(|part| subject.name.contains(part))
    };
    println!(
        "{:<46} {:>9} {:>9} {:>6} {:>7}",
        "", "ours_ns", "floor_ns", "ratio", "goal"
    );
    let mut is_good = true;
    for subject in subjects::all().into_iter().filter(is_wanted) {
        is_good &= report(subject);
    }
    if is_good {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    }
}

/// Measures one and prints its line; false when it is over its goal by more than
/// a tenth.
fn report(subject: Subject) -> bool {
    let middle = |values: &mut dyn Iterator<Item = f64>| median(values).expect("some rounds");
    let measured = measure(subject.ours, subject.floor, subject.meanwhile);
    let things = subject.per_round.map(f64::from);
    let [ours, floor] =
        [0, 1].map(|side| middle(&mut measured.iter().map(|round| round[side] / things[side])));
    let scale = things[1] / things[0];
    let ratio = middle(&mut measured.iter().map(|[ours, floor]| ours / floor * scale));
    let (goal, part) = match subject.goal {
        Goal::Times(goal) => (format!("{goal}"), ratio / goal),
        Goal::Nanoseconds(goal) => {
            let over = middle(&mut measured.iter().map(|[ours, floor]| ours - floor));
            (format!("+{goal} ns"), over / goal)
        }
    };
    let verdict = if part <= 1.0 { "ok" } else { "OVER" };
    let name = subject.name;
    println!("{name:<46} {ours:>9.1} {floor:>9.1} {ratio:>6.2} {goal:>7} {verdict}");
    part <= 1.1
}

/// Nanoseconds that ours takes, and the floor, round by round.
fn measure(mut ours: Work, mut floor: Work, meanwhile: Option<fn()>) -> Vec<[f64; 2]> {
    let is_done = AtomicBool::new(false);
    std::thread::scope(|scope| {
        let is_done = &is_done;
        if let Some(work) = meanwhile {
            scope.spawn(move || {
                while !is_done.load(Ordering::Relaxed) {
                    (0..1000).for_each(|_| work());
                }
            });
        }
        let times = [&mut ours, &mut floor].map(|work| calibrate(work));
        let rounds = (0..ROUNDS).map(|_| {
            [
                nanoseconds(&mut ours, times[0]),
                nanoseconds(&mut floor, times[1]),
            ]
        });
        let rounds = rounds.collect();
        is_done.store(true, Ordering::Relaxed);
        rounds
    })
}
