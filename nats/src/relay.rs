//! From the web server into the stream.

use std::fmt;
use std::time::Duration;

use thiserror::Error;
use whatsapp_signals::{
    ParseError, Parser, SignatureVerifier, SignedError, SignedErrorKind, Webhook,
};

use crate::dead_letters;
use crate::publish::{PublishError, Published, Publisher};
use crate::stream::EventStream;

/// Publishes webhooks to the stream. A web server calls it before it answers Meta.
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
    publisher: Publisher,
    parser: Parser,
}

impl fmt::Debug for Relay {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Relay")
            .field("stream", &self.stream)
            .field("deadline", &self.publisher.deadline)
            .field("parser", &self.parser)
            .finish_non_exhaustive()
    }
}

impl Relay {
    /// Creates a relay to this stream.
    #[must_use]
    pub fn new(stream: &EventStream) -> Self {
        Self {
            stream: stream.clone(),
            publisher: Publisher::new(stream),
            parser: Parser::new(),
        }
    }

    /// Sets the longest duration of a [`publish`](Self::publish) (default: 5 s). Meta gives up a
    /// request after about 10 seconds.
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
        self.publisher = self.publisher.deadline(deadline);
        self
    }

    /// Sets the parser of the bodies. Give
    /// [`DeadLetters::parser`](crate::DeadLetters::parser) the same one.
    #[must_use]
    pub fn parser(mut self, parser: Parser) -> Self {
        self.parser = parser;
        self
    }

    /// Stores all events of a webhook in the stream, and returns when the server has acknowledged
    /// each of them.
    ///
    /// The events are sent in order, without waiting for an acknowledgment in between. An event
    /// that is in the stream already counts as stored.
    ///
    /// # Errors
    ///
    /// When not every event is acknowledged: the stream is full, the server cannot be reached, or
    /// the deadline passes. Answer Meta with 503. The events that are stored by then are duplicates
    /// when Meta sends the webhook again, and an event may be stored although its acknowledgment
    /// was lost. If the server refuses an event and stores a later one of the same user, the
    /// stream has them in that order.
    pub async fn publish(&self, webhook: &Webhook) -> Result<Published, PublishError> {
        self.publisher.publish_webhook(webhook).await
    }

    /// Verifies, parses and [publishes](Self::publish) a body. `header` is the
    /// `X-Hub-Signature-256`; a request without one, `None`, is an error.
    ///
    /// A signed body that is no webhook becomes a [dead letter](crate::DeadLetters), because Meta
    /// would send the same body again. A body of another product of Meta's does not.
    ///
    /// # Errors
    ///
    /// See [`RelayError`]. Answer Meta with its [`http_status`](RelayError::http_status).
    pub async fn publish_signed(
        &self,
        body: &[u8],
        header: Option<&[u8]>,
        verifier: &SignatureVerifier,
    ) -> Result<Published, RelayError> {
        match self.parser.parse_signed(body, header, verifier) {
            Ok(webhook) => Ok(self.publish(&webhook).await?),
            Err(error) => {
                if let SignedErrorKind::Parse(error) = error.kind()
                    && error.should_archive()
                {
                    self.store_unreadable(body, error).await?;
                }
                Err(error.into())
            }
        }
    }

    async fn store_unreadable(&self, body: &[u8], error: &ParseError) -> Result<(), PublishError> {
        let letter = dead_letters::body_letter(body, error);
        let subject = self.stream.config.dead_subject();
        self.publisher.publish_message(subject, letter).await
    }
}

/// An error of [`Relay::publish_signed`].
///
/// # Examples
///
/// ```
/// use whatsapp_signals::{SignatureVerifier, parse_signed};
/// use whatsapp_signals_nats::{RelayError, RelayErrorKind};
///
/// let verifier = SignatureVerifier::new("app secret")?;
/// let forged = parse_signed(b"{}", None, &verifier).unwrap_err();
/// let error = RelayError::from(forged);
/// assert!(matches!(error.kind(), RelayErrorKind::Signed(_)));
/// assert_eq!(error.http_status(), 401);
/// # Ok::<(), whatsapp_signals::SignatureError>(())
/// ```
#[derive(Debug, Error)]
#[error(transparent)]
pub struct RelayError(RelayErrorKind);

impl RelayError {
    /// Returns the cause.
    #[must_use]
    pub fn kind(&self) -> &RelayErrorKind {
        &self.0
    }

    /// Returns the HTTP status for Meta: 401 for a wrong signature, 413 for a body that is too
    /// large, 503 if Meta has to send the webhook again, otherwise 200.
    #[must_use]
    pub fn http_status(&self) -> u16 {
        match &self.0 {
            RelayErrorKind::Signed(error) => error.http_status(),
            RelayErrorKind::Publish(error) => error.http_status(),
        }
    }
}

impl From<SignedError> for RelayError {
    fn from(error: SignedError) -> Self {
        Self(RelayErrorKind::Signed(error))
    }
}

impl From<PublishError> for RelayError {
    fn from(error: PublishError) -> Self {
        Self(RelayErrorKind::Publish(error))
    }
}

/// The cause of a [`RelayError`].
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum RelayErrorKind {
    /// The signature is wrong, or the body is no webhook. A signed body that is no webhook is
    /// stored as a dead letter, unless it is too large or of another product of Meta's.
    #[error(transparent)]
    Signed(SignedError),
    /// Some of the events are not stored. Meta has to send the webhook again.
    #[error(transparent)]
    Publish(PublishError),
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Multi-threaded runtimes require it.
    #[test]
    fn its_futures_are_send() {
        fn is_send(_: impl Send) {}
        let _ = |relay: &Relay, webhook: &Webhook, verifier: &SignatureVerifier| {
            is_send(relay.publish(webhook));
            is_send(relay.publish_signed(b"", None, verifier));
        };
    }
}
