//! Times of answers.

use std::fmt;
use std::time::Duration;

use serde::Serialize;

/// A summary of times, in milliseconds.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub(crate) struct Latency {
    p50: f64,
    p90: f64,
    p99: f64,
    max: f64,
}

impl Latency {
    /// Returns the summary of these times, or `None` without any. Percentiles are nearest ranks.
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
    // Three digits after the point: microseconds.
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
