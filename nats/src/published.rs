//! What is in the stream.

use async_nats::jetstream::context::PublishError as NatsPublishError;
use async_nats::jetstream::publish::PublishAck;

use crate::publish_error::{Cause, PublishError};

/// What was published.
///
/// All of it is in the stream: the server has said so.
///
/// # Examples
///
/// ```no_run
/// use whatsapp_signals::Webhook;
/// use whatsapp_signals_nats::Relay;
///
/// # async fn run(relay: &Relay, webhook: &Webhook) -> Result<(), Box<dyn std::error::Error>> {
/// assert_eq!(relay.publish(webhook).await?.stored, webhook.events().len());
///
/// let again = relay.publish(webhook).await?;
/// assert_eq!(again.duplicates, again.stored, "Meta sent it again");
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub struct Published {
    /// How many events are stored.
    pub stored: usize,
    /// How many of these had been stored before.
    pub duplicates: usize,
}

/// What has become of the events of a webhook so far.
#[derive(Default)]
pub(crate) struct Tally {
    published: Published,
    /// What kept the first of the others out.
    cause: Option<Cause>,
}

impl Tally {
    pub(crate) fn add(&mut self, answer: Result<PublishAck, NatsPublishError>) {
        match answer {
            Ok(ack) => {
                self.published.stored += 1;
                self.published.duplicates += usize::from(ack.duplicate);
            }
            Err(error) => self.refused(error.into()),
        }
    }

    pub(crate) fn refused(&mut self, cause: Cause) {
        self.cause.get_or_insert(cause);
    }

    /// All of so many events, or what kept the first of the others out.
    pub(crate) fn into_result(self, events: usize) -> Result<Published, PublishError> {
        match self.cause {
            None => Ok(self.published),
            Some(cause) => Err(PublishError {
                stored: self.published.stored,
                events,
                cause,
            }),
        }
    }
}
