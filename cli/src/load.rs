//! Many requests, from several threads at a steady rate.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressStyle};
use serde::Serialize;

use crate::latency::Latency;

/// The number of requests, and how they are spread over time and threads.
#[derive(Clone, Copy)]
pub(crate) struct Load {
    pub(crate) repeat: u64,
    /// Requests a second.
    pub(crate) rate: Option<f64>,
    pub(crate) concurrency: usize,
}

/// The answers to all requests.
#[derive(Default, Serialize)]
pub(crate) struct Answers {
    pub(crate) sent: u64,
    /// The number of answers by status.
    pub(crate) statuses: BTreeMap<u16, u64>,
    /// The number of requests without an answer, by cause.
    pub(crate) errors: BTreeMap<String, u64>,
    pub(crate) seconds: f64,
    /// The times to the answers, from requests on, or from when they were due by the rate.
    pub(crate) latency_ms: Option<Latency>,
}

/// The results of one thread.
#[derive(Default)]
struct Part {
    statuses: BTreeMap<u16, u64>,
    errors: BTreeMap<String, u64>,
    times: Vec<Duration>,
}

impl Load {
    /// Calls `request` with each number below `repeat`, and collects the statuses that it returns.
    pub(crate) fn run(self, request: impl Fn(u64) -> Result<u16, String> + Sync) -> Answers {
        let bar = self.bar();
        let next = AtomicU64::new(0);
        let start = Instant::now();
        let work = || {
            let mut part = Part::default();
            loop {
                // Ordering: only the number itself matters.
                let nth = next.fetch_add(1, Ordering::Relaxed);
                if nth >= self.repeat {
                    return part;
                }
                let due = self.wait(start, nth);
                let result = request(nth);
                match result {
                    Ok(status) => {
                        *part.statuses.entry(status).or_default() += 1;
                        part.times.push(due.elapsed());
                    }
                    Err(error) => *part.errors.entry(error).or_default() += 1,
                }
                bar.inc(1);
            }
        };
        let parts: Vec<_> = thread::scope(|scope| {
            let threads: Vec<_> = (0..self.concurrency).map(|_| scope.spawn(work)).collect();
            let parts = threads
                .into_iter()
                .map(|thread| thread.join().unwrap_or_default());
            parts.collect()
        });
        bar.finish_and_clear();
        Answers::new(parts, start.elapsed())
    }

    /// Waits until the request with this number is due, and returns that time. Without a rate it is
    /// the present.
    ///
    /// A time counts from then on: if all threads wait for answers, the wait of a late request is
    /// part of its time (coordinated omission).
    fn wait(self, start: Instant, nth: u64) -> Instant {
        let Some(rate) = self.rate else {
            return Instant::now();
        };
        #[allow(clippy::cast_precision_loss, reason = "2^52 requests take years")]
        let due = Duration::try_from_secs_f64(nth as f64 / rate).unwrap_or(Duration::MAX);
        thread::sleep(due.saturating_sub(start.elapsed()));
        start.checked_add(due).unwrap_or_else(Instant::now)
    }

    /// Returns the progress bar of several requests. It is drawn to stderr, if that is a terminal.
    fn bar(self) -> ProgressBar {
        if self.repeat == 1 {
            return ProgressBar::hidden();
        }
        let bar = ProgressBar::new(self.repeat);
        match ProgressStyle::with_template("{bar:40} {pos}/{len} {per_sec} {eta}") {
            Ok(style) => bar.with_style(style),
            Err(_) => bar,
        }
    }
}

impl Answers {
    fn new(parts: Vec<Part>, elapsed: Duration) -> Self {
        let mut answers = Self::default();
        let mut times = Vec::new();
        for part in parts {
            times.extend(part.times);
            for (status, count) in part.statuses {
                *answers.statuses.entry(status).or_default() += count;
                answers.sent += count;
            }
            for (error, count) in part.errors {
                *answers.errors.entry(error).or_default() += count;
                answers.sent += count;
            }
        }
        answers.seconds = (elapsed.as_secs_f64() * 1e3).round() / 1e3;
        answers.latency_ms = Latency::of(times);
        answers
    }
}
