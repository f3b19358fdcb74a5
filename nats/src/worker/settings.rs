//! The settings of a worker, which its partitions share.

use std::sync::Arc;
use std::time::Duration;

use async_nats::jetstream::consumer::pull::Config;
use async_nats::jetstream::consumer::{AckPolicy, Consumer};
use whatsapp_signals::{BoxError, Context};

use super::handler::{EventHandler, ReceiverHandler};
use crate::stream::EventStream;

/// The longest delay before an event is delivered again.
///
/// Eight such delays end before the stream deletes the event (default: after 14 days), so the event
/// becomes a dead letter first. The server counts in nanoseconds, in 64 bits.
pub(super) const DAY: Duration = Duration::from_secs(24 * 60 * 60);

pub(super) struct Settings {
    pub(super) stream: EventStream,
    pub(super) handler: Arc<dyn EventHandler>,
    pub(super) context: Context,
    pub(super) max_deliveries: u64,
    pub(super) backoff: Backoff,
    pub(super) ack_wait: Duration,
    pub(super) max_ack_pending: u16,
}

impl Settings {
    pub(super) fn new(stream: &EventStream) -> Self {
        Self {
            stream: stream.clone(),
            handler: Arc::new(ReceiverHandler),
            context: Context::new(),
            max_deliveries: 8,
            backoff: Backoff {
                first: Duration::from_millis(500),
                longest: Duration::from_secs(30),
            },
            ack_wait: Duration::from_secs(30),
            max_ack_pending: 1,
        }
    }

    /// Returns the time between two progress reports to the server. It is short even if `ack_wait`
    /// is long, because another worker may have set a shorter one.
    pub(super) fn progress_interval(&self) -> Duration {
        (self.ack_wait / 3).min(Duration::from_secs(2))
    }

    /// Creates or returns the consumer of a partition, which all workers share.
    pub(super) async fn consumer(&self, partition: u16) -> Result<Consumer<Config>, BoxError> {
        let config = Config {
            durable_name: Some(format!("p{partition}")),
            filter_subject: self.stream.config.partition_subject(partition),
            ack_policy: AckPolicy::Explicit,
            ack_wait: self.ack_wait,
            max_ack_pending: i64::from(self.max_ack_pending),
            // The worker stores a dead letter after its own number of deliveries.
            max_deliver: -1,
            ..Config::default()
        };
        let name = &self.stream.config.name;
        let context = &self.stream.context;
        Ok(context.create_consumer_on_stream(config, name).await?)
    }
}

/// Delays between the deliveries of an event, each twice as long as the one before.
#[derive(Clone, Copy, Debug)]
pub(super) struct Backoff {
    pub(super) first: Duration,
    pub(super) longest: Duration,
}

impl Backoff {
    /// Returns the delay after delivery `n`, counted from 1.
    pub(super) fn delay_after(self, n: u64) -> Duration {
        let doublings = n.saturating_sub(1).min(31);
        // At most 31.
        #[allow(clippy::cast_possible_truncation)]
        let factor = 1_u32 << doublings as u32;
        self.first.saturating_mul(factor).min(self.longest)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_backoff_doubles_up_to_the_longest_delay() {
        let backoff = Backoff {
            first: Duration::from_millis(500),
            longest: Duration::from_secs(30),
        };
        let delays = [1, 2, 3, 6, 7, 8, 1_000_000].map(|n| backoff.delay_after(n).as_millis());
        assert_eq!(delays, [500, 1000, 2000, 16000, 30000, 30000, 30000]);
    }
}
