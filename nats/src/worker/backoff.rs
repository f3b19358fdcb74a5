//! How long a failed event waits.

use std::time::Duration;

#[derive(Clone, Copy, Debug)]
pub(super) struct Backoff {
    first: Duration,
    longest: Duration,
}

impl Backoff {
    pub(super) fn new(first: Duration, longest: Duration) -> Self {
        Self { first, longest }
    }

    /// How long it waits that was delivered so often, from 1 on.
    pub(super) fn after(self, deliveries: u64) -> Duration {
        let doublings = deliveries.saturating_sub(1).min(31);
        // At most 31.
        #[allow(clippy::cast_possible_truncation)]
        let times = 1_u32 << doublings as u32;
        self.first.saturating_mul(times).min(self.longest)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_doubles_until_it_is_long_enough() {
        let backoff = Backoff::new(Duration::from_millis(500), Duration::from_secs(30));
        let waits = [1, 2, 3, 6, 7, 8, 1_000_000].map(|deliveries| backoff.after(deliveries));
        let millis = waits.map(|wait| wait.as_millis());
        assert_eq!(millis, [500, 1000, 2000, 16000, 30000, 30000, 30000]);
    }
}
