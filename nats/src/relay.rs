//! From the web server into the stream.

use std::fmt;
use std::pin::pin;
use std::time::Duration;

use async_nats::header::NATS_MESSAGE_ID;
use async_nats::jetstream::Context;
use async_nats::jetstream::context::PublishAckFuture;
use async_nats::jetstream::message::PublishMessage;
use futures_util::StreamExt;
use futures_util::stream::FuturesUnordered;
use tokio::time::timeout;
use whatsapp_signals::{ParseError, Parser, SignatureVerifier, SignedError, Webhook, WebhookEvent};

use crate::dead_letter::{self, HEADROOM};
use crate::envelope::{self, Received};
use crate::message_id::message_id;
use crate::publish_error::{Cause, PublishError};
use crate::published::{Published, Tally};
use crate::relay_error::RelayError;
use crate::stream::EventStream;
use crate::subject::subject_of;

/// Puts the events of webhooks into the stream: what a web server calls before
/// it answers Meta.
///
/// # Examples
///
/// ```no_run
/// use whatsapp_signals::SignatureVerifier;
/// use whatsapp_signals_nats::{Relay, StreamConfig, async_nats, ensure_stream};
///
/// # async fn run(body: &[u8], signature: Option<&[u8]>) -> Result<u16, Box<dyn std::error::Error>> {
/// let client = async_nats::connect("nats://127.0.0.1:4222").await?;
/// let jetstream = async_nats::jetstream::new(client);
/// let stream = ensure_stream(&jetstream, StreamConfig::new()).await?;
/// let relay = Relay::new(&stream);
/// let verifier = SignatureVerifier::new("your app secret")?;
///
/// // For each request; `signature` is its header X-Hub-Signature-256.
/// let status = match relay.publish_signed(body, signature, &verifier).await {
///     Ok(_) => 200,
///     Err(error) => error.http_status(),
/// };
/// # Ok(status)
/// # }
/// ```
#[derive(Clone)]
pub struct Relay {
    stream: EventStream,
    context: Context,
    deadline: Duration,
    parser: Parser,
}

impl fmt::Debug for Relay {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Relay")
            .field("stream", &self.stream)
            .field("deadline", &self.deadline)
            .field("parser", &self.parser)
            .finish_non_exhaustive()
    }
}

impl Relay {
    /// A relay into this stream, with a deadline of 5 seconds.
    #[must_use]
    pub fn new(stream: &EventStream) -> Self {
        let relay = Self {
            stream: stream.clone(),
            context: stream.context.clone(),
            deadline: Duration::ZERO,
            parser: Parser::new(),
        };
        relay.deadline(Duration::from_secs(5))
    }

    /// How long a [`publish`](Self::publish) may take. Meta waits for about 10
    /// seconds.
    ///
    /// ```no_run
    /// use std::time::Duration;
    /// use whatsapp_signals::Parser;
    /// use whatsapp_signals_nats::{EventStream, Relay};
    ///
    /// # fn relay(stream: &EventStream) -> Relay {
    /// let parser = Parser::new().max_len(1024 * 1024);
    /// Relay::new(stream).deadline(Duration::from_secs(3)).parser(parser)
    /// # }
    /// ```
    #[must_use]
    pub fn deadline(mut self, deadline: Duration) -> Self {
        self.deadline = deadline;
        self.context.set_timeout(deadline);
        self
    }

    /// Reads bodies with this parser. [`DeadLetters::parser`](crate::DeadLetters::parser)
    /// takes the same one.
    #[must_use]
    pub fn parser(mut self, parser: Parser) -> Self {
        self.parser = parser;
        self
    }

    /// Stores all events of a webhook in the stream, and returns when the server
    /// has said of each that it is stored.
    ///
    /// The events go out in their order, and none waits for the answer to another. What
    /// is in the stream already counts as stored.
    ///
    /// # Errors
    ///
    /// When not every event is stored: the server is full, cannot be reached, or
    /// has not answered before the deadline. Answer Meta with 503; it is harmless
    /// that some events are stored by then, since they are known when they come
    /// again. An event may be stored although the server's answer has not come. When one
    /// was refused and a later one of the same user was not, their order is the one in
    /// which they are stored in the end.
    ///
    /// ```no_run
    /// # use whatsapp_signals_nats::Relay;
    /// # async fn run(relay: &Relay) -> Result<(), Box<dyn std::error::Error>> {
    /// let webhook = whatsapp_signals::parse(&std::fs::read("../tests/payloads/text.json")?)?;
    /// assert_eq!(relay.publish(&webhook).await?.stored, 1);
    /// # Ok(())
    /// # }
    /// ```
    pub async fn publish(&self, webhook: &Webhook) -> Result<Published, PublishError> {
        let mut tally = Tally::default();
        let all = self.send_all(webhook, &mut tally);
        if timeout(self.deadline, all).await.is_err() {
            tally.refused(Cause::late());
        }
        tally.into_result(webhook.events().len())
    }

    /// One event is sent after the other, and all answers are waited for at once: also
    /// while there is no room to send, since it is answers that make room.
    async fn send_all(&self, webhook: &Webhook, tally: &mut Tally) {
        let received = Received::now();
        let max_len = self.context.client().max_payload().saturating_sub(HEADROOM);
        let mut answers = FuturesUnordered::new();
        for (event, key) in webhook.iter().zip(webhook.dedup_keys()) {
            let key = received.key_of(key, event);
            let mut sending = pin!(self.send(event, key, received, max_len));
            let sent = loop {
                tokio::select! {
                    biased;
                    sent = &mut sending => break sent,
                    Some(answer) = answers.next() => tally.add(answer),
                }
            };
            match sent {
                Ok(answer) => answers.push(answer.into_future()),
                Err(cause) => tally.refused(cause),
            }
        }
        while let Some(answer) = answers.next().await {
            tally.add(answer);
        }
    }

    async fn send(
        &self,
        event: &WebhookEvent,
        key: String,
        received: Received,
        max_len: usize,
    ) -> Result<PublishAckFuture, Cause> {
        let config = &self.stream.config;
        let json = envelope::write(&key, received.at(), event).map_err(Cause::other)?;
        if json.len() > max_len {
            return Err(Cause::too_large());
        }
        let subject = subject_of(event, &config.prefix, config.partitions);
        let message = PublishMessage::build()
            .payload(json.into())
            .header(NATS_MESSAGE_ID, message_id(&key));
        Ok(self.context.send_publish(subject, message).await?)
    }

    /// [`publish`](Self::publish), for a body that Meta signed: what your web
    /// server calls. `header` is the `X-Hub-Signature-256`; `None` if the request has none,
    /// which is an error.
    ///
    /// What is signed and no webhook becomes a [dead letter](crate::DeadLetters),
    /// since Meta would only repeat it; what another product of Meta's has sent to
    /// your URL does not.
    ///
    /// # Errors
    ///
    /// See [`RelayError`]; its [`http_status`](RelayError::http_status) is what to
    /// answer Meta.
    pub async fn publish_signed(
        &self,
        body: &[u8],
        header: Option<&[u8]>,
        verifier: &SignatureVerifier,
    ) -> Result<Published, RelayError> {
        match self.parser.parse_signed(body, header, verifier) {
            Ok(webhook) => Ok(self.publish(&webhook).await?),
            Err(error) => {
                if let SignedError::Parse(error) = &error
                    && error.should_archive()
                {
                    self.store_unreadable(body, error).await?;
                }
                Err(error.into())
            }
        }
    }

    async fn store_unreadable(&self, body: &[u8], error: &ParseError) -> Result<(), PublishError> {
        let letter = dead_letter::of_body(body, error);
        let subject = self.stream.config.dead_subject();
        self.stream.store(subject, letter, self.deadline).await
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Web servers and runtimes ask for it.
    #[test]
    fn what_it_does_can_be_done_in_any_thread() {
        fn is_send(_: impl Send) {}
        let _ = |relay: &Relay, webhook: &Webhook, verifier: &SignatureVerifier| {
            is_send(relay.publish(webhook));
            is_send(relay.publish_signed(b"", None, verifier));
        };
    }
}
