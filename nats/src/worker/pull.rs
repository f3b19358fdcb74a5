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
///
/// No divisor of what people wait after a failure: servers of before May 2024 give an event
/// out once more, as a new one, when it was to come again in the moment in which a request
/// ended (<https://github.com/nats-io/nats-server/pull/5305>).
const EXPIRES: Duration = Duration::from_millis(710);
/// How long after that it has forgotten it, as one that was killed has.
const GRACE: Duration = Duration::from_secs(1);

/// Takes one event after the other.
///
/// Not `async_nats`'s own stream of messages: what is on its way when that is dropped is
/// lost to it, and its partition waits for [`ack_wait`](super::Worker::ack_wait).
/// (`Subscriber::drain` does not help, as it does not wait for the server.)
pub(super) struct Pull<'a> {
    stream: &'a EventStream,
    consumer: &'a Consumer<Config>,
    inbox: Subject,
    messages: Subscriber,
    /// The server has a request that it has not answered.
    is_asked: bool,
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
        Ok(Self {
            stream,
            consumer,
            messages: client.subscribe(inbox.clone()).await?,
            inbox,
            is_asked: false,
            taken: None,
        })
    }

    async fn ask(&mut self) -> Result<(), Error> {
        self.is_asked = true;
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
            // Also before the one that has come is given out: so the next one comes as
            // soon as that is done.
            if !self.is_asked {
                self.ask().await?;
            }
            if let Some(message) = self.taken.take() {
                return Ok(message);
            }
            self.taken = self.answer().await?;
        }
    }

    /// What was on its way when no more is asked for, at the end. (Not given back: that
    /// would count as one more delivery of an event that nobody has tried.)
    pub(super) async fn end(mut self) -> Vec<Message> {
        let mut late = Vec::from_iter(self.taken.take());
        if self.is_asked {
            late.extend(self.answer().await.ok().flatten());
        }
        late
    }

    /// The answer to the request: an event, or that there is none.
    async fn answer(&mut self) -> Result<Option<Message>, Error> {
        let answer = timeout(EXPIRES + GRACE, self.messages.next()).await;
        self.is_asked = false;
        let message = answer.map_err(|_| "the server is silent")?;
        let message = message.ok_or("the connection is closed")?;
        match message.status {
            None => Ok(Some(Message {
                message,
                context: self.stream.context.clone(),
            })),
            Some(StatusCode::TIMEOUT) => Ok(None),
            Some(status) => {
                let why = message.description.unwrap_or_default();
                Err(format!("the server answers {status} {why}").into())
            }
        }
    }
}
