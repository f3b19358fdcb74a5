//! From the stream to the receivers.

mod backoff;
mod error;
mod handler;
mod partition;
mod pull;
mod settings;
mod threads;

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use async_nats::jetstream::consumer::pull::Config;
use async_nats::jetstream::consumer::{AckPolicy, Consumer};
use tokio::sync::watch;
use tokio::task::JoinSet;
use whatsapp_signals::Context;

use crate::stream::EventStream;
use backoff::Backoff;
use handler::Handler;
use partition::Partition;
use threads::Threads;

pub use error::WorkerError;

/// Takes events from the stream and runs their receivers.
///
/// Any number of workers may run, in one process or in many. They all take from all
/// partitions, and the server gives out one event of a partition at a time, so
/// what is in one partition stays in order, however workers come and go.
///
/// # Examples
///
/// ```no_run
/// use whatsapp_signals::event::MessageReceived;
/// use whatsapp_signals::{receiver, signals::MESSAGE_RECEIVED};
/// use whatsapp_signals_nats::{EventStream, Worker};
///
/// #[receiver(MESSAGE_RECEIVED)]
/// async fn greet(event: &MessageReceived) {}
///
/// # async fn run(stream: &EventStream) -> Result<(), Box<dyn std::error::Error>> {
/// let until = async { tokio::signal::ctrl_c().await.unwrap_or_default() };
/// Worker::new(stream).run(until).await?;
/// # Ok(())
/// # }
/// ```
///
/// # What becomes of an event
///
/// - All its receivers succeed: it is done.
/// - One fails or panics: it is delivered again after a while, which grows from
///   [half a second to 30](Self::backoff), and its partition waits meanwhile.
/// - One fails with [`Retry::after`]: it is delivered again after that duration, unless the
///   backoff is longer. The longest duration of all receivers counts, up to a day, and its
///   partition waits meanwhile.
/// - All that failed give up, by [`Retry::never`] or after their
///   [`attempts`](whatsapp_signals::ReceiverInfo::attempts): it becomes a dead letter at once.
///   While another receiver is retried, one that gave up runs again too. Each delivery is an
///   attempt of every receiver, unless the [context](Self::context) lacks a value that the
///   receiver takes.
/// - It was delivered [8 times](Self::max_deliveries) to no avail: it becomes a
///   [dead letter](crate::DeadLetters) that names who failed, and its partition
///   goes on.
/// - The worker is killed: it is delivered again after
///   [30 seconds](Self::ack_wait), perhaps to another one.
///
/// So receivers may run more than once for one event, which an
/// [engine](Self::engine) puts an end to. An engine treats a [`Retry`] as any other error, and
/// ignores `attempts`. No worker enforces a
/// [`timeout`](whatsapp_signals::ReceiverInfo::timeout) yet.
///
/// [`Retry`]: whatsapp_signals::Retry
/// [`Retry::after`]: whatsapp_signals::Retry::after
/// [`Retry::never`]: whatsapp_signals::Retry::never
pub struct Worker {
    stream: EventStream,
    handler: Arc<dyn Handler>,
    context: Context,
    max_deliveries: u64,
    backoff: Backoff,
    ack_wait: Duration,
    max_ack_pending: u16,
}

impl Worker {
    /// Works until `stop` is there, and then to the end of what it has.
    ///
    /// While the server is away, it waits for it. Receivers run in threads of their
    /// own, so they may block. When this future is dropped instead, receivers that run go
    /// on, and their events are delivered again meanwhile.
    ///
    /// # Errors
    ///
    /// When the server cannot set up the consumers at the start.
    ///
    /// ```no_run
    /// use whatsapp_signals_nats::{EventStream, Worker};
    ///
    /// # async fn run(stream: &EventStream) -> Result<(), Box<dyn std::error::Error>> {
    /// let (stop, stopped) = tokio::sync::oneshot::channel::<()>();
    /// let worker = Worker::new(stream).run(async { stopped.await.unwrap_or_default() });
    /// let worker = tokio::spawn(worker);
    ///
    /// drop(stop); // when your program ends
    /// worker.await??;
    /// # Ok(())
    /// # }
    /// ```
    pub async fn run(self, stop: impl Future<Output = ()>) -> Result<(), WorkerError> {
        let mut consumers = Vec::new();
        for partition in 0..self.stream.config.partitions {
            consumers.push(self.consumer(partition).await?);
        }
        // An event that comes while another one is still at work needs one more.
        let most = consumers.len() * (usize::from(self.max_ack_pending) + 1);
        let threads = Threads::new(most).map_err(|error| WorkerError(error.into()))?;
        let threads = Arc::new(threads);
        let (stopping, stopped) = watch::channel(());
        let worker = Arc::new(self);
        let mut partitions = JoinSet::new();
        for (number, consumer) in (0..).zip(consumers) {
            let partition = Partition::new(&worker, &threads, number);
            partitions.spawn(partition.run(consumer, stopped.clone()));
        }
        stop.await;
        drop(stopping);
        partitions.join_all().await;
        Ok(())
    }

    /// How often the server is told that an event is worked on. Not much less often
    /// where `ack_wait` is long: another worker may have set a shorter one.
    fn heartbeat(&self) -> Duration {
        (self.ack_wait / 3).min(Duration::from_secs(2))
    }

    /// The consumer of a partition, which all workers share.
    async fn consumer(&self, partition: u16) -> Result<Consumer<Config>, WorkerError> {
        let config = Config {
            durable_name: Some(format!("p{partition}")),
            filter_subject: self.stream.config.subject(partition),
            ack_policy: AckPolicy::Explicit,
            ack_wait: self.ack_wait,
            max_ack_pending: i64::from(self.max_ack_pending),
            // It is we who give up, with a dead letter.
            max_deliver: -1,
            ..Config::default()
        };
        let name = &self.stream.config.name;
        let context = &self.stream.context;
        let consumer = context.create_consumer_on_stream(config, name).await;
        consumer.map_err(|error| WorkerError(error.into()))
    }
}

impl fmt::Debug for Worker {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Worker")
            .field("stream", &self.stream)
            .field("max_deliveries", &self.max_deliveries)
            .field("backoff", &self.backoff)
            .field("ack_wait", &self.ack_wait)
            .field("max_ack_pending", &self.max_ack_pending)
            .finish_non_exhaustive()
    }
}
