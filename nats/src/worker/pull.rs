//! Pull requests for events.

use std::time::Duration;

use async_nats::jetstream::Message;
use async_nats::jetstream::consumer::Consumer;
use async_nats::jetstream::consumer::pull::{BatchConfig, Config};
use async_nats::{Error, StatusCode, Subject, Subscriber};
use futures_util::StreamExt;
use tokio::time::timeout;

use crate::stream::EventStream;

/// The time after which the server drops a request.
///
/// It does not divide the usual delays evenly: servers from before May 2024 deliver an event twice,
/// the second time as a first delivery, if a request expires at the moment of its redelivery
/// (<https://github.com/nats-io/nats-server/pull/5305>).
const EXPIRES: Duration = Duration::from_millis(710);
/// The time after the expiry at which the request counts as lost, as after a restart of the server.
const EXPIRY_MARGIN: Duration = Duration::from_secs(1);

/// Pulls one event after the other.
///
/// `async_nats` has a stream of messages, which loses the messages that are in flight when it is
/// dropped; their partitions would be blocked for [`ack_wait`](super::Worker::ack_wait).
/// `Subscriber::drain` does not wait for the server, so it loses them too.
pub(super) struct Pull<'a> {
    stream: &'a EventStream,
    consumer: &'a Consumer<Config>,
    inbox: Subject,
    messages: Subscriber,
    /// Whether a request is open.
    is_requested: bool,
    /// A message that has arrived and is not yet returned.
    buffered: Option<Message>,
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
            is_requested: false,
            buffered: None,
        })
    }

    async fn request(&mut self) -> Result<(), Error> {
        self.is_requested = true;
        let one = BatchConfig {
            batch: 1,
            expires: Some(EXPIRES),
            ..BatchConfig::default()
        };
        Ok(self.consumer.request_batch(one, self.inbox.clone()).await?)
    }

    /// Returns the next event. Cancel safe.
    pub(super) async fn next(&mut self) -> Result<Message, Error> {
        loop {
            // The next request is open before this event is handled, so that the server sends the
            // next event as soon as this one is acknowledged.
            if !self.is_requested {
                self.request().await?;
            }
            if let Some(message) = self.buffered.take() {
                return Ok(message);
            }
            self.buffered = self.receive().await?;
        }
    }

    /// Ends the pull, and returns the messages that were in flight. They are not returned to the
    /// server, which would count a delivery for events that no receiver has seen.
    pub(super) async fn finish(mut self) -> Vec<Message> {
        let mut late = Vec::from_iter(self.buffered.take());
        if self.is_requested {
            late.extend(self.receive().await.ok().flatten());
        }
        late
    }

    /// Returns the response to the open request: an event, or `None` if the request expired.
    async fn receive(&mut self) -> Result<Option<Message>, Error> {
        let response = timeout(EXPIRES + EXPIRY_MARGIN, self.messages.next()).await;
        self.is_requested = false;
        let message = response.map_err(|_| "the server did not respond to a request")?;
        let message = message.ok_or("the connection is closed")?;
        match message.status {
            None => Ok(Some(Message {
                message,
                context: self.stream.context.clone(),
            })),
            Some(StatusCode::TIMEOUT) => Ok(None),
            Some(status) => {
                let description = message.description.unwrap_or_default();
                Err(format!("the server responded {status} {description}").into())
            }
        }
    }
}
