//! `send`: signed webhooks to a web server under test, one or many at a steady rate.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use clap::Args;
use indicatif::{ProgressBar, ProgressStyle};
use serde::Serialize;
use whatsapp_signals::SignatureVerifier;

use crate::bodies::{Bodies, Kind, Parties};
use crate::exit::{Error, Exit};
use crate::http::Target;
use crate::output::Output;
use crate::signing::Secret;

/// Sends signed webhooks to a web server under test
///
/// Creates a body, signs it with the app secret, posts it, and prints the status and the time of the
/// response. The exit code is 1 if a response is not 200, and 3 without a response. Secrets in arguments
/// can be seen by other users of the machine: prefer the variable `META_APP_SECRET`.
#[derive(Args)]
#[command(after_help = "Examples:\n  \
    whatsapp-signals send text 'Is my bike ready?' --from 15550101001\n  \
    whatsapp-signals send text Hi --repeat 1000 --users 50 --concurrency 8 --rate 200")]
pub(crate) struct SendArgs {
    #[command(subcommand)]
    kind: Kind,
    #[command(flatten)]
    parties: Parties,
    #[command(flatten)]
    target: Target,
    #[command(flatten)]
    secret: Secret,
    /// Number of webhooks
    #[arg(long, global = true, value_name = "N", default_value_t = 1,
        value_parser = clap::value_parser!(u64).range(1..=10_000_000))]
    repeat: u64,
    /// Webhooks per second (default: no limit)
    #[arg(long, global = true, value_name = "N", value_parser = parse_rate)]
    rate: Option<f64>,
    /// Number of webhooks in flight
    #[arg(long, global = true, value_name = "N", default_value_t = 1,
        value_parser = clap::value_parser!(u16).range(1..=1024))]
    concurrency: u16,
}

/// Sends the webhooks.
pub(crate) fn run(args: SendArgs, output: &mut Output) -> Result<Exit, Error> {
    let concurrency = usize::from(args.concurrency);
    let verifier: SignatureVerifier = args.secret.verifier()?;
    let client = args.target.client(concurrency)?;
    let bodies = Bodies::new(args.parties, args.kind);
    let load = Load {
        repeat: args.repeat,
        rate: args.rate,
        concurrency,
    };
    let answers = load.run(|nth| {
        let body = bodies.body(nth);
        let answer = client.post(&body, &verifier.sign(&body))?;
        Ok(answer.status)
    });
    print(&answers, output)?;
    Ok(match answers.statuses.keys().all(|status| *status == 200) {
        _ if !answers.errors.is_empty() => Exit::Failed,
        true => Exit::Done,
        false => Exit::Fault,
    })
}

fn print(answers: &Answers, output: &mut Output) -> Result<(), Error> {
    if output.is_json() {
        return Ok(output.json(answers)?);
    }
    output.text(&format!(
        "sent {} in {:.3} s",
        answers.sent, answers.seconds
    ))?;
    for (status, count) in &answers.statuses {
        output.text(&format!("status {status}: {count}"))?;
    }
    for (error, count) in &answers.errors {
        output.text(&format!("no answer: {count}: {error}"))?;
    }
    if let Some(latency) = answers.latency_ms {
        output.text(&format!("latency {latency}"))?;
    }
    Ok(())
}

fn parse_rate(text: &str) -> Result<f64, String> {
    match text.parse() {
        Ok(rate) if (0.001..=1e6).contains(&rate) => Ok(rate),
        _ => Err("expected a number from 0.001 to 1000000".into()),
    }
}

/// The number of requests, and their distribution over time and threads.
#[derive(Clone, Copy)]
pub(crate) struct Load {
    pub(crate) repeat: u64,
    /// Requests per second.
    pub(crate) rate: Option<f64>,
    pub(crate) concurrency: usize,
}

/// The responses to all requests.
#[derive(Default, Serialize)]
pub(crate) struct Answers {
    pub(crate) sent: u64,
    /// The number of responses by status.
    pub(crate) statuses: BTreeMap<u16, u64>,
    /// The number of requests without a response, by cause.
    pub(crate) errors: BTreeMap<String, u64>,
    pub(crate) seconds: f64,
    /// The time from a request, or from its due time by the rate, to the response.
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

    /// Waits until the request with this number is due, and returns that time; without a rate, the
    /// current time.
    ///
    /// The latency counts from the due time, so that it includes the delay of a request while all
    /// threads wait for responses (coordinated omission).
    fn wait(self, start: Instant, nth: u64) -> Instant {
        let Some(rate) = self.rate else {
            return Instant::now();
        };
        #[allow(clippy::cast_precision_loss, reason = "2^52 requests take years")]
        let due = Duration::try_from_secs_f64(nth as f64 / rate).unwrap_or(Duration::MAX);
        thread::sleep(due.saturating_sub(start.elapsed()));
        start.checked_add(due).unwrap_or_else(Instant::now)
    }

    /// Returns the progress bar, which is drawn if stderr is a terminal and there are several requests.
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

/// Percentiles of times, in milliseconds.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub(crate) struct Latency {
    p50: f64,
    p90: f64,
    p99: f64,
    max: f64,
}

impl Latency {
    /// Computes the percentiles by the nearest rank. Returns `None` without times.
    pub(crate) fn of(mut times: Vec<Duration>) -> Option<Self> {
        times.sort_unstable();
        let max = times.last()?;
        let percentile = |percent: usize| {
            let rank = (times.len() * percent).div_ceil(100);
            milliseconds(times[rank.max(1) - 1])
        };
        Some(Self {
            p50: percentile(50),
            p90: percentile(90),
            p99: percentile(99),
            max: milliseconds(*max),
        })
    }
}

impl fmt::Display for Latency {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { p50, p90, p99, max } = self;
        write!(
            f,
            "p50 {p50:.1} ms p90 {p90:.1} ms p99 {p99:.1} ms max {max:.1} ms"
        )
    }
}

fn milliseconds(time: Duration) -> f64 {
    // Rounded to microseconds.
    (time.as_secs_f64() * 1e6).round() / 1e3
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::Latency;

    #[test]
    fn percentiles_are_nearest_ranks_in_any_order_of_the_times() {
        let times = (1..=200).rev().map(Duration::from_millis).collect();
        let latency = Latency::of(times).map(|latency| latency.to_string());
        assert_eq!(
            latency.as_deref(),
            Some("p50 100.0 ms p90 180.0 ms p99 198.0 ms max 200.0 ms")
        );
        let one = Latency::of(vec![Duration::from_micros(1500)]).map(|latency| latency.to_string());
        assert_eq!(
            one.as_deref(),
            Some("p50 1.5 ms p90 1.5 ms p99 1.5 ms max 1.5 ms")
        );
        assert_eq!(Latency::of(Vec::new()), None);
    }
}
