//! The times of this crate, as ratios to baselines in the same run.
//!
//! ```sh
//! cargo bench --bench ratios            # all
//! cargo bench --bench ratios -- asend   # those with this text in the name
//! ```
//!
//! An operation and its baseline take turns in rounds of a quarter of a millisecond, so that other
//! load on the machine affects both. The output has the medians of all rounds, and the median of the
//! ratios. The exit code is 1 if an operation exceeds its goal by more than a tenth.
#![allow(missing_docs, reason = "a benchmark")]

mod subjects;

use std::process::ExitCode;
use std::sync::atomic::{AtomicBool, Ordering};

use subjects::clock::{ROUNDS, calibrate, median, nanoseconds};
use subjects::{Goal, Subject, Work};

fn main() -> ExitCode {
    let filters: Vec<_> = std::env::args()
        .skip(1)
        .filter(|argument| !argument.starts_with("--"))
        .collect();
    let is_selected = |subject: &Subject| {
        filters.is_empty() || filters.iter().any(|part| subject.name.contains(part))
    };
    println!(
        "{:<46} {:>9} {:>9} {:>6} {:>7}",
        "", "crate_ns", "base_ns", "ratio", "goal"
    );
    let mut is_within_goals = true;
    for subject in subjects::all().into_iter().filter(is_selected) {
        is_within_goals &= report(subject);
    }
    if is_within_goals {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    }
}

/// Measures a subject and prints its line. Returns false if it exceeds its goal by more than a tenth.
fn report(subject: Subject) -> bool {
    let middle = |values: &mut dyn Iterator<Item = f64>| median(values).expect("some rounds");
    let measured = measure(subject.operation, subject.baseline, subject.meanwhile);
    let items = subject.per_round.map(f64::from);
    let [operation, baseline] =
        [0, 1].map(|side| middle(&mut measured.iter().map(|round| round[side] / items[side])));
    let scale = items[1] / items[0];
    let ratio = middle(
        &mut measured
            .iter()
            .map(|[operation, baseline]| operation / baseline * scale),
    );
    let (goal, part) = match subject.goal {
        Goal::Times(goal) => (format!("{goal}"), ratio / goal),
        Goal::Nanoseconds(goal) => {
            let over = middle(
                &mut measured
                    .iter()
                    .map(|[operation, baseline]| operation - baseline),
            );
            (format!("+{goal} ns"), over / goal)
        }
    };
    let verdict = if part <= 1.0 { "ok" } else { "OVER" };
    let name = subject.name;
    println!("{name:<46} {operation:>9.1} {baseline:>9.1} {ratio:>6.2} {goal:>7} {verdict}");
    part <= 1.1
}

/// Returns the nanoseconds of the operation and of the baseline, round by round.
fn measure(mut operation: Work, mut baseline: Work, meanwhile: Option<fn()>) -> Vec<[f64; 2]> {
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
        let times = [&mut operation, &mut baseline].map(|work| calibrate(work));
        let rounds = (0..ROUNDS).map(|_| {
            [
                nanoseconds(&mut operation, times[0]),
                nanoseconds(&mut baseline, times[1]),
            ]
        });
        let rounds = rounds.collect();
        is_done.store(true, Ordering::Relaxed);
        rounds
    })
}
