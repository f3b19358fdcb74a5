//! From the stream to the receivers.

mod handler;
mod settings;

mod pull;

mod partition;

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use thiserror::Error;
use tokio::sync::watch;
use tokio::task::JoinSet;
use whatsapp_signals::store::Store;
use whatsapp_signals::{BoxError, Context, WebhookEngine};

use crate::stream::EventStream;
use partition::{BlockingPool, Partition};
use settings::{Backoff, DAY, Settings};

/// Takes events from the stream and runs their receivers.
///
/// Any number of workers may run, in one process or in many. All of them consume all partitions,
/// and the server delivers one event of a partition at a time, so the events of a partition stay in
/// order while workers come and go.
///
/// # Examples
///
/// ```no_run
/// use std::time::Duration;
///
/// use whatsapp_signals::event::MessageReceived;
/// use whatsapp_signals::{receiver, signals::MESSAGE_RECEIVED};
/// use whatsapp_signals_nats::{EventStream, Worker};
///
/// #[receiver(MESSAGE_RECEIVED)]
/// async fn greet(event: &MessageReceived) {}
///
/// # async fn run(stream: &EventStream) -> Result<(), Box<dyn std::error::Error>> {
/// let stop = async { tokio::signal::ctrl_c().await.unwrap_or_default() };
/// Worker::new(stream)
///     .max_deliveries(5)
///     .backoff(Duration::from_secs(1), Duration::from_secs(60))
///     .run(stop)
///     .await?;
/// # Ok(())
/// # }
/// ```
///
/// # Results of a delivery
///
/// - All receivers succeed: the event is finished.
/// - A receiver fails or panics: the event is delivered again after the [backoff](Self::backoff),
///   and its partition is blocked until then.
/// - A receiver returns [`Retry::after`]: the event is delivered again after that duration or the
///   backoff, whichever is longer. The longest duration of all receivers counts, up to a day, and
///   the partition is blocked until then.
/// - All receivers that failed give up, by [`Retry::never`] or after their
///   [`attempts`](whatsapp_signals::ReceiverInfo::attempts): the event becomes a dead letter at
///   once. While another receiver is retried, one that gave up runs again too. Each delivery is an
///   attempt of every receiver, unless the [context](Self::context) lacks a value that the
///   receiver takes.
/// - [8 deliveries](Self::max_deliveries) have failed: the event becomes a
///   [dead letter](crate::DeadLetters) that names the failed receivers, and its partition goes on.
/// - The worker is killed: the event is delivered again after
///   [30 seconds](Self::ack_wait), perhaps to another worker.
///
/// So receivers may run more than once for one event; an [engine](Self::engine) prevents that. An
/// engine treats a [`Retry`] as any other error, and ignores `attempts`. No worker enforces a
/// [`timeout`](whatsapp_signals::ReceiverInfo::timeout) yet.
///
/// [`Retry`]: whatsapp_signals::Retry
/// [`Retry::after`]: whatsapp_signals::Retry::after
/// [`Retry::never`]: whatsapp_signals::Retry::never
pub struct Worker(Settings);

impl Worker {
    /// Creates a worker that sends events to their receivers and keeps no record of them.
    #[must_use]
    pub fn new(stream: &EventStream) -> Self {
        Self(Settings::new(stream))
    }

    /// Sets the context of the events that the worker delivers without an engine. An
    /// [engine](Self::engine) has its own: [`WebhookEngine::context`].
    ///
    /// A receiver that needs a value which the context lacks fails, and the event is delivered
    /// again, up to [`max_deliveries`](Self::max_deliveries). Such a delivery is no attempt of the
    /// receiver.
    ///
    /// ```no_run
    /// use whatsapp_signals::event::MessageReceived;
    /// use whatsapp_signals::{Context, receiver, signals::MESSAGE_RECEIVED};
    /// use whatsapp_signals_nats::{EventStream, Worker};
    ///
    /// struct Greeting(String);
    ///
    /// #[receiver(MESSAGE_RECEIVED)]
    /// fn greet(event: &MessageReceived, greeting: &Greeting) {
    ///     println!("{}: {}", greeting.0, event.message.body());
    /// }
    ///
    /// # fn worker(stream: &EventStream) -> Worker {
    /// Worker::new(stream).context(Context::new().with(Greeting("Hi".to_owned())))
    /// # }
    /// ```
    #[must_use]
    pub fn context(mut self, context: Context) -> Self {
        self.0.context = context;
        self
    }

    /// Sets an engine that handles the events. It records the receivers that succeeded in its
    /// store, so that none of them runs twice for an event, however often the event is delivered.
    /// Workers with the same store share the record.
    ///
    /// The engine limits the attempts of an event by its
    /// [`max_attempts`](WebhookEngine::max_attempts) (default: 20), with its
    /// [`backoff`](WebhookEngine::backoff) between them; a failure of its store is no attempt.
    /// After a crash of the worker, an event is blocked for the engine's
    /// [`lease`](WebhookEngine::lease).
    ///
    /// A dead letter is in the engine's store as well as in the stream of dead letters.
    /// [`requeue`](crate::DeadLetters::requeue) acts on both; to discard it, discard each.
    ///
    /// ```no_run
    /// use std::sync::Arc;
    /// use whatsapp_signals::WebhookEngine;
    /// use whatsapp_signals::store::SqliteStore;
    /// use whatsapp_signals_nats::{EventStream, Worker};
    ///
    /// # fn worker(stream: &EventStream) -> Result<Worker, Box<dyn std::error::Error>> {
    /// let engine = WebhookEngine::new(SqliteStore::open("bikes.db")?).max_attempts(8);
    /// let worker = Worker::new(stream).engine(Arc::new(engine));
    /// # Ok(worker)
    /// # }
    /// ```
    #[must_use]
    pub fn engine<S: Store + 'static>(mut self, engine: Arc<WebhookEngine<S>>) -> Self {
        self.0.handler = Arc::new(engine);
        self
    }

    /// Sets the number of deliveries before an event becomes a dead letter (default: 8, at least
    /// 1).
    #[must_use]
    pub fn max_deliveries(mut self, deliveries: u64) -> Self {
        self.0.max_deliveries = deliveries.max(1);
        self
    }

    /// Sets the delay before the second delivery, which doubles up to `longest` (default: 500 ms
    /// and 30 s, at most a day).
    #[must_use]
    pub fn backoff(mut self, first: Duration, longest: Duration) -> Self {
        let longest = longest.min(DAY);
        self.0.backoff = Backoff { first, longest };
        self
    }

    /// Sets the time after which the server delivers the event of a silent worker again (default:
    /// 30 s, at most a day). A worker reports progress to the server, so receivers may take
    /// longer.
    ///
    /// The server keeps this setting and [`max_ack_pending`](Self::max_ack_pending): the worker
    /// that was started last sets them for all workers.
    #[must_use]
    pub fn ack_wait(mut self, wait: Duration) -> Self {
        self.0.ack_wait = wait.clamp(Duration::from_millis(100), DAY);
        self
    }

    /// Sets the number of events of a partition that all workers together handle at once
    /// (default: 1). With more, the events of one user may overtake each other. Each running event
    /// occupies a thread.
    #[must_use]
    pub fn max_ack_pending(mut self, events: u16) -> Self {
        self.0.max_ack_pending = events.max(1);
        self
    }

    /// Handles events until `stop` is ready, then finishes those that have begun.
    ///
    /// While the server is away, the worker tries to reach it again. Receivers run on threads
    /// apart from the program's runtime, so they may block. If this future is dropped, running
    /// receivers go on, and the server delivers their events again.
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
        let settings = Arc::new(self.0);
        let mut consumers = Vec::new();
        for partition in 0..settings.stream.config.partitions {
            let consumer = settings.consumer(partition).await;
            consumers.push(consumer.map_err(WorkerError)?);
        }
        // A partition hands over its next event before the thread of the last one is free.
        let max = consumers.len() * (usize::from(settings.max_ack_pending) + 1);
        let pool = BlockingPool::new(max).map_err(|error| WorkerError(error.into()))?;
        let pool = Arc::new(pool);
        let (stop_sender, stop_receiver) = watch::channel(());
        let mut partitions = JoinSet::new();
        for (number, consumer) in (0..).zip(consumers) {
            let partition = Partition::new(&settings, &pool, number);
            partitions.spawn(partition.run(consumer, stop_receiver.clone()));
        }
        stop.await;
        drop(stop_sender);
        partitions.join_all().await;
        Ok(())
    }
}

impl fmt::Debug for Worker {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let settings = &self.0;
        f.debug_struct("Worker")
            .field("stream", &settings.stream)
            .field("max_deliveries", &settings.max_deliveries)
            .field("backoff", &settings.backoff)
            .field("ack_wait", &settings.ack_wait)
            .field("max_ack_pending", &settings.max_ack_pending)
            .finish_non_exhaustive()
    }
}

/// A worker that could not start.
///
/// # Examples
///
/// ```no_run
/// use std::error::Error;
/// use std::future::pending;
/// use whatsapp_signals_nats::{EventStream, Worker};
///
/// # async fn run(stream: &EventStream) {
/// if let Err(error) = Worker::new(stream).run(pending()).await {
///     assert_eq!(error.to_string(), "the worker could not start");
///     eprintln!("{error}: {:?}", error.source());
/// }
/// # }
/// ```
#[derive(Debug, Error)]
#[error("the worker could not start")]
pub struct WorkerError(#[source] BoxError);
