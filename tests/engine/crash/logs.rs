//! The logs of all programs, and the reasons for the runs in them.

use std::collections::{HashMap, HashSet};
use std::fs;

use crate::support::folder::Folder;

/// The longest time of a success without a checkpoint, in microseconds.
pub(crate) const UNCONFIRMED: u64 = 10_000;

/// The number of messages that two bodies share. They belong to one webhook, whose events are
/// delivered one after the other; a program that tends runs several webhooks at once.
pub(crate) const BLOCK: usize = 20;

/// The number of async receivers: they start together, with one checkpoint before them. A program
/// may be suspended between a checkpoint that is not due yet and their start.
pub(crate) const STARTED_TOGETHER: usize = 2;

/// A run of a receiver for an event.
#[derive(Debug)]
pub(crate) struct Run {
    pub(crate) program: usize,
    pub(crate) began: u64,
    /// When it ended, and whether it succeeded.
    pub(crate) end: Option<(u64, bool)>,
}

/// The logs of all programs.
#[derive(Default)]
pub(crate) struct Logs {
    /// The runs by `receiver key`.
    pub(crate) runs: HashMap<String, Vec<Run>>,
    /// When runs began, and their blocks, by program.
    pub(crate) starts: Vec<Vec<(u64, usize)>>,
    /// The kind and the first number of each body that was answered.
    pub(crate) answered: HashSet<(String, usize)>,
}

pub(crate) fn read_logs(folder: &Folder, programs: usize) -> Logs {
    let mut logs = Logs::default();
    for program in 0..programs {
        let mut starts = Vec::new();
        let log = fs::read_to_string(folder.file(&format!("log-{program}")));
        let log = log.unwrap_or_default();
        // A kill during a write may cut the last line.
        let (complete, _) = log.rsplit_once('\n').unwrap_or_default();
        for line in complete.lines() {
            let mut words = line.splitn(3, ' ');
            let mut next = || words.next().unwrap();
            let (began, word, name) = (next().parse().unwrap(), next(), next());
            if word == "answered" {
                let (kind, first) = name.split_once(' ').unwrap();
                let body = (kind.to_owned(), first.parse().unwrap());
                logs.answered.insert(body);
                continue;
            }
            let runs = logs.runs.entry(name.to_owned()).or_default();
            if word == "began" {
                starts.push((began, block_of(name)));
                let end = None;
                runs.push(Run {
                    program,
                    began,
                    end,
                });
            } else {
                let run = runs.last_mut().filter(|run| run.program == program);
                run.unwrap().end = Some((began, word == "succeeded"));
            }
        }
        logs.starts.push(starts);
    }
    for runs in logs.runs.values_mut() {
        runs.sort_by_key(|run| run.began);
    }
    logs
}

/// Returns the block of messages that a run belongs to.
pub(crate) fn block_of(name: &str) -> usize {
    let (_, number) = name.split_once("wamid.").unwrap();
    let number = number.split(':').next().unwrap();
    number.parse::<usize>().unwrap() / BLOCK
}

/// Checks that each run that followed another is explained by a failure or a kill, and returns
/// the number of runs that followed a success. `deaths` has the times of the kills, by program.
pub(crate) fn explain_repetitions(logs: &Logs, deaths: &[u64]) -> usize {
    let mut repeated = 0;
    for (name, runs) in &logs.runs {
        let is_handled = runs.iter().any(|run| run.end.is_some_and(|end| end.1));
        assert!(is_handled, "{name} is lost");
        let pairs = runs.iter().enumerate();
        let pairs = pairs.flat_map(|(at, run)| runs[..at].iter().map(move |before| (before, run)));
        for (before, run) in pairs {
            let died = deaths[before.program];
            let text = format!("{name}: {before:?}, killed at {died}, then {run:?},");
            let (ended, succeeded) = before.end.unwrap_or((died, false));
            assert!(ended <= run.began, "{text} at the same time");
            if succeeded {
                repeated += 1;
                assert!(died <= run.began, "{text} without a kill");
                let starts = logs.starts[before.program].iter();
                let block = block_of(name);
                let later =
                    starts.filter(|start| start.0 > ended + UNCONFIRMED && start.1 == block);
                let later: Vec<_> = later.map(|start| start.0).collect();
                let is_unconfirmed = later.len() <= STARTED_TOGETHER;
                assert!(is_unconfirmed, "{text} after a checkpoint: {later:?}");
            }
        }
    }
    repeated
}
