//! One partition: event after event.

use std::sync::Arc;
use std::time::Duration;

use async_nats::Error;
use async_nats::connection::State;
use async_nats::jetstream::consumer::Consumer;
use async_nats::jetstream::consumer::pull::Config;
use async_nats::jetstream::{AckKind, Message};
use tokio::runtime::Handle;
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};

use super::Worker;
use super::handler::{Delivery, Handled};
use super::pull::Pull;
use super::settings::DAY;
use super::threads::Threads;
use crate::dead_letter::{self, REQUEUED};
use crate::envelope::Envelope;

/// How long nothing is asked of a server that fails.
const PAUSE: Duration = Duration::from_millis(500);
/// How long a server may take to hear what became of an event.
const SETTLE: Duration = Duration::from_secs(5);

#[derive(Clone)]
pub(super) struct Partition {
    worker: Arc<Worker>,
    threads: Arc<Threads>,
    number: u16,
}

impl Partition {
    pub(super) fn new(worker: &Arc<Worker>, threads: &Arc<Threads>, number: u16) -> Self {
        Self {
            worker: Arc::clone(worker),
            threads: Arc::clone(threads),
            number,
        }
    }

    /// Takes events until `stopped` is closed, and ends when those that it has
    /// taken are done.
    pub(super) async fn run(
        self,
        mut consumer: Consumer<Config>,
        mut stopped: watch::Receiver<()>,
    ) {
        let mut running = JoinSet::new();
        while let Err(error) = self.take(&consumer, &mut stopped, &mut running).await {
            tracing::warn!(partition = self.number, error, "no events can be taken");
            tokio::select! {
                _ = stopped.changed() => break,
                anew = self.consumer_anew() => consumer = anew,
            }
        }
        running.join_all().await;
    }

    /// The consumer, which may be gone with a server that has lost it.
    async fn consumer_anew(&self) -> Consumer<Config> {
        let client = self.worker.stream.context.client();
        loop {
            sleep(PAUSE).await;
            // What is asked while the server is away piles up in the client, until that
            // takes no more.
            if client.connection_state() == State::Connected
                && let Ok(consumer) = self.worker.consumer(self.number).await
            {
                return consumer;
            }
        }
    }

    /// Takes events until `stopped` is closed or something fails.
    async fn take(
        &self,
        consumer: &Consumer<Config>,
        stopped: &mut watch::Receiver<()>,
        running: &mut JoinSet<()>,
    ) -> Result<(), Error> {
        let most = usize::from(self.worker.max_ack_pending);
        let mut pull = tokio::select! {
            _ = stopped.changed() => return Ok(()),
            pull = Pull::start(&self.worker.stream, consumer) => pull?,
        };
        let result = loop {
            tokio::select! {
                biased;
                _ = stopped.changed() => break Ok(()),
                Some(_) = running.join_next(), if running.len() >= most => {}
                message = pull.next(), if running.len() < most => match message {
                    Ok(message) => _ = running.spawn(self.clone().handle(message)),
                    Err(error) => break Err(error),
                },
            }
        };
        for message in pull.end().await {
            running.spawn(self.clone().handle(message));
        }
        result
    }

    async fn handle(self, message: Message) {
        let Ok(info) = message.info() else {
            tracing::error!(
                partition = self.number,
                "a message that is not the stream's"
            );
            return;
        };
        let (sequence, deliveries) = (info.stream_sequence, info.delivered.unsigned_abs());
        match self.outcome(&message, deliveries).await {
            Outcome::Done => self.acknowledge(&message, sequence).await,
            Outcome::Again(delay) => self.again(&message, deliveries, delay).await,
            Outcome::Dead { reason, failed } => {
                self.store_unreadable(&message, sequence, deliveries, &reason, &failed)
                    .await;
            }
        }
    }

    async fn outcome(&self, message: &Message, deliveries: u64) -> Outcome {
        let envelope = match Envelope::from_json(&message.payload) {
            Ok(envelope) => envelope,
            Err(error) => {
                return Outcome::Dead {
                    reason: error.to_string(),
                    failed: Vec::new(),
                };
            }
        };
        let most = self.worker.max_deliveries;
        if deliveries > most && self.worker.handler.gives_up_untried() {
            return Outcome::Dead {
                reason: "delivered too often".into(),
                failed: Vec::new(),
            };
        }
        match self.run_receivers(message, envelope, deliveries).await {
            Handled::Done => Outcome::Done,
            Handled::NotNow(why, wait) => {
                tracing::debug!(
                    partition = self.number,
                    deliveries,
                    why,
                    "an event is to come again"
                );
                Outcome::Again(wait)
            }
            Handled::Failed(_, delay) if deliveries < most => Outcome::Again(delay),
            Handled::Failed(failed, _) | Handled::Dead(failed) => Outcome::Dead {
                reason: "receivers failed".into(),
                failed,
            },
        }
    }

    /// Runs the receivers in a thread that may block, and reports progress to the server meanwhile.
    async fn run_receivers(&self, message: &Message, envelope: Envelope, number: u64) -> Handled {
        let worker = Arc::clone(&self.worker);
        let headers = message.headers.as_ref();
        let delivery = Delivery {
            envelope,
            number,
            is_requeued: headers.is_some_and(|headers| headers.get(REQUEUED).is_some()),
        };
        let runtime = Handle::current();
        let work = move || {
            let Worker {
                handler, context, ..
            } = &*worker;
            handler.handle(&runtime, context, delivery)
        };
        let heartbeat = async {
            loop {
                sleep(self.worker.heartbeat()).await;
                // One that is lost is followed by others.
                let _ = message.ack_with(AckKind::Progress).await;
            }
        };
        tokio::select! {
            // The panics of receivers are failures; this is another one.
            result = self.threads.run(work) => {
                result.unwrap_or(Handled::Failed(Vec::new(), Duration::ZERO))
            }
            () = heartbeat => unreachable!("it goes on"),
        }
    }

    async fn acknowledge(&self, message: &Message, sequence: u64) {
        // Until the server has it, the event may be delivered again.
        let acknowledged = timeout(SETTLE, message.double_ack()).await;
        if !matches!(acknowledged, Ok(Ok(()))) {
            let partition = self.number;
            tracing::warn!(partition, sequence, "an event may come again that is done");
        }
    }

    /// Has the server deliver the event again, after the backoff or this delay, whichever
    /// is longer.
    async fn again(&self, message: &Message, deliveries: u64, delay: Duration) {
        let wait = self.worker.backoff.after(deliveries).max(delay.min(DAY));
        // If it is lost, the event comes again all the same, after `ack_wait`.
        let nak = message.ack_with(AckKind::Nak(Some(wait)));
        let _ = timeout(SETTLE, nak).await;
    }

    async fn store_unreadable(
        &self,
        message: &Message,
        sequence: u64,
        deliveries: u64,
        reason: &str,
        failed: &[String],
    ) {
        let stream = &self.worker.stream;
        let letter = dead_letter::of_event(message, sequence, deliveries, reason, failed);
        let subject = stream.config.dead_subject();
        let partition = self.number;
        match stream.store(subject, letter, SETTLE).await {
            Ok(()) => {
                tracing::error!(partition, sequence, reason, "a dead letter");
                self.acknowledge(message, sequence).await;
            }
            Err(error) => {
                let error = error.kind();
                tracing::error!(partition, sequence, %error, "a dead letter is not stored");
                self.again(message, deliveries, Duration::ZERO).await;
            }
        }
    }
}

/// What an event has come to.
enum Outcome {
    Done,
    /// Delivered again, after this delay at least.
    Again(Duration),
    Dead {
        reason: String,
        failed: Vec<String>,
    },
}
