//! Asking the server for events.

use std::time::Duration;

use async_nats::jetstream::Message;
use async_nats::jetstream::consumer::Consumer;
use async_nats::jetstream::consumer::pull::{BatchConfig, Config};
use async_nats::{Error, StatusCode, Subject, Subscriber};
use futures_util::StreamExt;
use tokio::time::timeout;

use crate::stream::EventStream;

/// How long the server keeps a request.
const EXPIRES: Duration = Duration::from_secs(2);
/// How long after that it has forgotten it, as one that was killed has.
const GRACE: Duration = Duration::from_secs(1);

/// Takes one event after the other.
///
/// Not `async_nats`'s own stream of messages, since that drops what is on its way
/// when it is dropped, and a partition then waits for
/// [`ack_wait`](super::Worker::ack_wait).
pub(super) struct Pull<'a> {
    stream: &'a EventStream,
    consumer: &'a Consumer<Config>,
    inbox: Subject,
    messages: Subscriber,
    /// Has come and was not given out yet.
    taken: Option<Message>,
}

impl<'a> Pull<'a> {
    pub(super) async fn start(
        stream: &'a EventStream,
        consumer: &'a Consumer<Config>,
    ) -> Result<Self, Error> {
        let client = stream.context.client();
        let inbox = Subject::from(client.new_inbox());
        let pull = Self {
            stream,
            consumer,
            messages: client.subscribe(inbox.clone()).await?,
            inbox,
            taken: None,
        };
        pull.ask().await?;
        Ok(pull)
    }

    async fn ask(&self) -> Result<(), Error> {
        let one = BatchConfig {
            batch: 1,
            expires: Some(EXPIRES),
            ..BatchConfig::default()
        };
        Ok(self.consumer.request_batch(one, self.inbox.clone()).await?)
    }

    /// The next event. When this is dropped, nothing is lost.
    pub(super) async fn next(&mut self) -> Result<Message, Error> {
        loop {
            if self.taken.is_some() {
                // Asked for now, so that it comes as soon as this one is done.
                self.ask().await?;
            }
            if let Some(message) = self.taken.take() {
                return Ok(message);
            }
            let message = timeout(EXPIRES + GRACE, self.messages.next()).await;
            let message = message.map_err(|_| "the server is silent")?;
            let message = message.ok_or("the connection is closed")?;
            match message.status {
                None => self.taken = Some(self.of_stream(message)),
                Some(StatusCode::TIMEOUT) => self.ask().await?,
                Some(status) => {
                    let why = message.description.unwrap_or_default();
                    return Err(format!("the server answers {status} {why}").into());
                }
            }
        }
    }

    /// What was on its way when no more is asked for.
    pub(super) async fn end(mut self) -> Vec<Message> {
        let mut last = Vec::from_iter(self.taken.take());
        let rest = async {
            self.messages.drain().await?;
            while let Some(message) = self.messages.next().await {
                if message.status.is_none() {
                    last.push(self.of_stream(message));
                }
            }
            Ok::<(), Error>(())
        };
        // Where the server does not answer, it will deliver it again.
        let _ = timeout(GRACE, rest).await;
        last
    }

    fn of_stream(&self, message: async_nats::Message) -> Message {
        Message {
            message,
            context: self.stream.context.clone(),
        }
    }
}
