//! The loop of one partition, and the threads that its receivers run on.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use async_nats::Error;
use async_nats::connection::State;
use async_nats::jetstream::consumer::Consumer;
use async_nats::jetstream::consumer::pull::Config;
use async_nats::jetstream::{AckKind, Message};
use tokio::runtime::{Builder, Handle, Runtime};
use tokio::sync::watch;
use tokio::task::{JoinHandle, JoinSet};
use tokio::time::{sleep, timeout};

use super::handler::{Delivery, DeliveryResult};
use super::pull::Pull;
use super::settings::{DAY, Settings};
use crate::dead_letters::{self, REQUEUED};
use crate::envelope::Envelope;
use crate::publish::Publisher;

/// The delay before a failed consumer is created again.
const RETRY_DELAY: Duration = Duration::from_millis(500);
/// The longest time for the server's confirmation of an acknowledgment.
const ACK_TIMEOUT: Duration = Duration::from_secs(5);

/// Threads for receivers, apart from those of the program's runtime: receivers that use
/// `spawn_blocking` would otherwise wait for the threads that other receivers occupy.
pub(super) struct BlockingPool(Option<Runtime>);

impl BlockingPool {
    /// Creates a pool of up to `max` threads, which start on demand.
    pub(super) fn new(max: usize) -> io::Result<Self> {
        let mut builder = Builder::new_current_thread();
        builder.max_blocking_threads(max);
        builder.thread_name("whatsapp-worker");
        builder.build().map(|runtime| Self(Some(runtime)))
    }

    /// Runs a function on a thread of the pool. Returns `None` if it panics.
    async fn run<R: Send + 'static>(&self, work: impl FnOnce() -> R + Send + 'static) -> Option<R> {
        let task: Option<JoinHandle<R>> =
            self.0.as_ref().map(|runtime| runtime.spawn_blocking(work));
        task?.await.ok()
    }
}

impl Drop for BlockingPool {
    fn drop(&mut self) {
        // In a task, the drop of a runtime panics because it blocks.
        if let Some(runtime) = self.0.take() {
            runtime.shutdown_background();
        }
    }
}

#[derive(Clone)]
pub(super) struct Partition {
    settings: Arc<Settings>,
    pool: Arc<BlockingPool>,
    number: u16,
}

impl Partition {
    pub(super) fn new(settings: &Arc<Settings>, pool: &Arc<BlockingPool>, number: u16) -> Self {
        Self {
            settings: Arc::clone(settings),
            pool: Arc::clone(pool),
            number,
        }
    }

    /// Handles events until `stop` is closed, then finishes those that have begun.
    pub(super) async fn run(self, mut consumer: Consumer<Config>, mut stop: watch::Receiver<()>) {
        let mut running = JoinSet::new();
        while let Err(error) = self.pull_events(&consumer, &mut stop, &mut running).await {
            tracing::warn!(partition = self.number, error, "pulling events failed");
            tokio::select! {
                _ = stop.changed() => break,
                recreated = self.recreate_consumer() => consumer = recreated,
            }
        }
        running.join_all().await;
    }

    /// Creates the consumer again, since a restarted server may have lost it.
    async fn recreate_consumer(&self) -> Consumer<Config> {
        let client = self.settings.stream.context.client();
        loop {
            sleep(RETRY_DELAY).await;
            // While disconnected, the client queues requests until its buffer is full.
            if client.connection_state() == State::Connected
                && let Ok(consumer) = self.settings.consumer(self.number).await
            {
                return consumer;
            }
        }
    }

    /// Spawns a task for each event, until `stop` is closed or a request fails.
    async fn pull_events(
        &self,
        consumer: &Consumer<Config>,
        stop: &mut watch::Receiver<()>,
        running: &mut JoinSet<()>,
    ) -> Result<(), Error> {
        let max = usize::from(self.settings.max_ack_pending);
        let mut pull = tokio::select! {
            _ = stop.changed() => return Ok(()),
            pull = Pull::start(&self.settings.stream, consumer) => pull?,
        };
        let result = loop {
            tokio::select! {
                biased;
                _ = stop.changed() => break Ok(()),
                Some(_) = running.join_next(), if running.len() >= max => {}
                message = pull.next(), if running.len() < max => match message {
                    Ok(message) => _ = running.spawn(self.clone().handle(message)),
                    Err(error) => break Err(error),
                },
            }
        };
        for message in pull.finish().await {
            running.spawn(self.clone().handle(message));
        }
        result
    }

    async fn handle(self, message: Message) {
        let Ok(info) = message.info() else {
            tracing::error!(
                partition = self.number,
                "a message has no metadata of the stream"
            );
            return;
        };
        let (sequence, deliveries) = (info.stream_sequence, info.delivered.unsigned_abs());
        match self.deliver(&message, deliveries).await {
            Disposition::Acknowledge => self.acknowledge(&message, sequence).await,
            Disposition::Retry(delay) => self.retry(&message, deliveries, delay).await,
            Disposition::DeadLetter { reason, failed } => {
                self.store_dead_letter(&message, sequence, deliveries, &reason, &failed)
                    .await;
            }
        }
    }

    async fn deliver(&self, message: &Message, deliveries: u64) -> Disposition {
        let envelope = match Envelope::from_json(&message.payload) {
            Ok(envelope) => envelope,
            Err(error) => {
                return Disposition::DeadLetter {
                    reason: error.to_string(),
                    failed: Vec::new(),
                };
            }
        };
        let max = self.settings.max_deliveries;
        if deliveries > max && self.settings.handler.enforces_max_deliveries() {
            return Disposition::DeadLetter {
                reason: "delivered too often".into(),
                failed: Vec::new(),
            };
        }
        match self.run_receivers(message, envelope, deliveries).await {
            DeliveryResult::Completed => Disposition::Acknowledge,
            DeliveryResult::Deferred(reason, delay) => {
                tracing::debug!(
                    partition = self.number,
                    deliveries,
                    reason,
                    "an event is deferred"
                );
                Disposition::Retry(delay)
            }
            DeliveryResult::Failed(_, delay) if deliveries < max => Disposition::Retry(delay),
            DeliveryResult::Failed(failed, _) | DeliveryResult::GivenUp(failed) => {
                Disposition::DeadLetter {
                    reason: "receivers failed".into(),
                    failed,
                }
            }
        }
    }

    /// Runs the receivers on a thread of the pool, and reports progress to the server meanwhile.
    async fn run_receivers(
        &self,
        message: &Message,
        envelope: Envelope,
        number: u64,
    ) -> DeliveryResult {
        let settings = Arc::clone(&self.settings);
        let headers = message.headers.as_ref();
        let delivery = Delivery {
            envelope,
            number,
            is_requeued: headers.is_some_and(|headers| headers.get(REQUEUED).is_some()),
        };
        let runtime = Handle::current();
        let work = move || {
            let Settings {
                handler, context, ..
            } = &*settings;
            handler.handle(&runtime, context, delivery)
        };
        let report_progress = async {
            loop {
                sleep(self.settings.progress_interval()).await;
                // A lost report is followed by others.
                let _ = message.ack_with(AckKind::Progress).await;
            }
        };
        tokio::select! {
            // A panic of a receiver is a failure in the report. `None` is any other panic.
            result = self.pool.run(work) => {
                result.unwrap_or(DeliveryResult::Failed(Vec::new(), Duration::ZERO))
            }
            () = report_progress => unreachable!("the loop has no end"),
        }
    }

    async fn acknowledge(&self, message: &Message, sequence: u64) {
        // An unconfirmed acknowledgment may be lost, and the event delivered again.
        let acknowledged = timeout(ACK_TIMEOUT, message.double_ack()).await;
        if !matches!(acknowledged, Ok(Ok(()))) {
            let partition = self.number;
            tracing::warn!(
                partition,
                sequence,
                "a finished event may be delivered again"
            );
        }
    }

    /// Requests another delivery, after the backoff or this delay, whichever is longer.
    async fn retry(&self, message: &Message, deliveries: u64, delay: Duration) {
        let backoff = self.settings.backoff.delay_after(deliveries);
        let delay = backoff.max(delay.min(DAY));
        // If the request is lost, the server delivers the event again after `ack_wait`.
        let nak = message.ack_with(AckKind::Nak(Some(delay)));
        let _ = timeout(ACK_TIMEOUT, nak).await;
    }

    async fn store_dead_letter(
        &self,
        message: &Message,
        sequence: u64,
        deliveries: u64,
        reason: &str,
        failed: &[String],
    ) {
        let stream = &self.settings.stream;
        let letter = dead_letters::event_letter(message, sequence, deliveries, reason, failed);
        let subject = stream.config.dead_subject();
        let partition = self.number;
        let publisher = Publisher::new(stream);
        match publisher.publish_message(subject, letter).await {
            Ok(()) => {
                tracing::error!(partition, sequence, reason, "an event is a dead letter");
                self.acknowledge(message, sequence).await;
            }
            Err(error) => {
                let error = error.kind();
                tracing::error!(partition, sequence, %error, "storing a dead letter failed");
                self.retry(message, deliveries, Duration::ZERO).await;
            }
        }
    }
}

/// The response to the server after a delivery.
enum Disposition {
    Acknowledge,
    /// Requests another delivery after this delay or a longer backoff.
    Retry(Duration),
    DeadLetter {
        reason: String,
        failed: Vec<String>,
    },
}
