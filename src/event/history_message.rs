use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::model::{Account, Contact, HistoryContext, HistoryProgress, Message, RawJson, WaId};

/// A message of old conversations, in either direction.
///
/// Delivered by the webhook field `history`: for each message of its threads, and
/// for the files that follow them (`value.messages` and
/// `value.message_echoes`). It is not a
/// [`MessageReceived`](super::MessageReceived), since nobody waits for an
/// answer to it.
///
/// A file is first a message of type
/// [`media_placeholder`](crate::model::Content::MediaPlaceholder) in a thread,
/// and comes in a webhook of its own, with the same wamid.
///
/// Meta's page: [history webhook](https://developers.facebook.com/documentation/business-messaging/whatsapp/webhooks/reference/history).
///
/// # Examples
///
/// ```
/// use whatsapp_signals::event::WebhookEvent;
/// use whatsapp_signals::model::Direction;
///
/// let body = &std::fs::read("tests/payloads/history.json")?;
/// let webhook = whatsapp_signals::parse(body)?;
/// let mut directions = webhook.iter().filter_map(|event| match event {
///     WebhookEvent::HistoryMessage(event) => Some(&event.message.direction),
///     _ => None,
/// });
/// assert!(directions.any(|direction| *direction == Direction::Inbound));
/// assert!(directions.any(|direction| *direction == Direction::Outbound));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct HistoryMessage {
    /// The message, in a box: else this event would be the largest variant of
    /// [`WebhookEvent`](crate::event::WebhookEvent), and all events have the size of that.
    pub message: Box<Message>,
    /// The business number that an outbound one was sent from, as Meta wrote
    /// it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub from_number: Option<WaId>,
    /// The id of its thread, usually the user's phone number.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub thread_id: Option<WaId>,
    /// How far it had come.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub history_context: Option<HistoryContext>,
    /// The piece of history that it is in.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub progress: Option<HistoryProgress>,
    /// The user, as the thread or the webhook's `contacts` array has them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub contact: Option<Arc<Contact>>,
    /// The business number.
    pub account: Arc<Account>,
    /// The message's JSON.
    pub raw: RawJson,
    /// The id by which other events of the body name the user, if it is a better one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) known_as: Option<Box<str>>,
}
