//! How a worker is built.

use std::sync::Arc;
use std::time::Duration;

use whatsapp_signals::store::Store;
use whatsapp_signals::{Context, WebhookEngine};

use super::Worker;
use super::backoff::Backoff;
use super::handler::Receivers;
use crate::stream::EventStream;

/// The longest delay before an event is delivered again: eight of them are over before the
/// stream drops the event (default: after 14 days), so that it becomes a dead letter
/// first. The server counts in nanoseconds, in 64 bits.
pub(super) const DAY: Duration = Duration::from_secs(24 * 60 * 60);

/// The building of a worker.
///
/// ```no_run
/// use std::time::Duration;
/// use whatsapp_signals_nats::{EventStream, Worker};
///
/// # fn worker(stream: &EventStream) -> Worker {
/// let worker = Worker::new(stream)
///     .max_deliveries(5)
///     .backoff(Duration::from_secs(1), Duration::from_secs(60))
///     .ack_wait(Duration::from_secs(45))
///     .max_ack_pending(4);
/// assert!(format!("{worker:?}").contains("max_deliveries: 5"));
/// # worker
/// # }
/// ```
impl Worker {
    /// A worker that sends events to their receivers and keeps no record of it.
    #[must_use]
    pub fn new(stream: &EventStream) -> Self {
        Self {
            stream: stream.clone(),
            handler: Arc::new(Receivers),
            context: Context::new(),
            max_deliveries: 8,
            backoff: Backoff::new(Duration::from_millis(500), Duration::from_secs(30)),
            ack_wait: Duration::from_secs(30),
            max_ack_pending: 1,
        }
    }

    /// Sets the context of the events that the worker delivers without an engine. An
    /// [engine](Self::engine) has its own: [`WebhookEngine::context`].
    ///
    /// A receiver that needs a value which the context lacks fails, and the event is delivered
    /// again: up to [`max_deliveries`](Self::max_deliveries), since that is no attempt of the
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
        self.context = context;
        self
    }

    /// Has an engine handle the events: it records in its store which receivers have
    /// succeeded, so that none of them gets an event twice, whatever is
    /// delivered again. Workers that share a store share what is recorded.
    ///
    /// The engine limits the attempts of an event by its
    /// [`max_attempts`](WebhookEngine::max_attempts) (default: 20), with its
    /// [`backoff`](WebhookEngine::backoff) between them; a failure of its store is no attempt. Its [`lease`](WebhookEngine::lease) is how long
    /// an event waits that a killed worker had.
    ///
    /// A dead letter is in the engine's store as well as in the stream of dead letters. To
    /// [requeue](crate::DeadLetters::requeue) the latter is enough; to discard it, discard
    /// both.
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
        self.handler = Arc::new(engine);
        self
    }

    /// How often an event is delivered before it is a dead letter; 8 times unless
    /// given, 1 at least.
    #[must_use]
    pub fn max_deliveries(mut self, deliveries: u64) -> Self {
        self.max_deliveries = deliveries.max(1);
        self
    }

    /// How long an event waits before it is delivered again: `first`, and each time
    /// twice as long, up to `longest`, which is a day at most.
    #[must_use]
    pub fn backoff(mut self, first: Duration, longest: Duration) -> Self {
        self.backoff = Backoff::new(first, longest.min(DAY));
        self
    }

    /// How long the server waits for a worker of which it hears nothing, 30 seconds
    /// unless given, a day at most. A worker says all the time that it is still at work, so
    /// receivers may take longer.
    ///
    /// It is the server that keeps this and [`max_ack_pending`](Self::max_ack_pending): those
    /// of the worker that was started last are everyone's.
    #[must_use]
    pub fn ack_wait(mut self, wait: Duration) -> Self {
        self.ack_wait = wait.clamp(Duration::from_millis(100), DAY);
        self
    }

    /// How many events of a partition are worked on at once, by all workers; 1
    /// unless given. With more, the events of one user may overtake each other. Each
    /// that runs takes a thread.
    #[must_use]
    pub fn max_ack_pending(mut self, events: u16) -> Self {
        self.max_ack_pending = events.max(1);
        self
    }
}
