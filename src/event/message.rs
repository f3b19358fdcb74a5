//! Messages of users, statuses of outbound messages, echoes and history.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::Payload;
use super::key::{message_meta, of_message, of_status};
use crate::json::object::json_object;
use crate::model::{
    Account, Contact, ConversationContext, HistoryContext, HistoryProgress, Message, MetaError,
    RawJson, StatusUpdate, WaId,
};

/// A message of a user.
///
/// The webhook field `messages` produces one event for each item of `value.messages`. A submitted
/// flow produces this event and a [`FlowCompleted`](super::FlowCompleted).
///
/// Meta's page: [messages webhook](https://developers.facebook.com/docs/whatsapp/cloud-api/webhooks/reference/messages).
///
/// # Examples
///
/// ```standalone_crate
/// use whatsapp_signals::event::MessageReceived;
/// use whatsapp_signals::{receiver, signals::MESSAGE_RECEIVED};
///
/// #[receiver(MESSAGE_RECEIVED)]
/// fn greet(event: &MessageReceived) {
///     let text = "Good morning! Is my gravel bike out of the stand yet?";
///     assert_eq!(event.message.text(), Some(text));
///     assert_eq!(event.contact.as_ref().unwrap().display_name(), "Ada Okafor");
/// }
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let body = &std::fs::read("tests/payloads/text.json")?;
/// let report = whatsapp_signals::parse(body)?.dispatch();
/// assert!(report.is_ok());
/// assert_eq!(report.called(), 1);
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct MessageReceived {
    /// The message.
    pub message: Message,
    /// The contact of the sender, if the webhook's `contacts` array has one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub contact: Option<Arc<Contact>>,
    /// The summary of the conversation before its handover to you. It is also sent as
    /// [`CONVERSATION_CONTEXT`](crate::signals::CONVERSATION_CONTEXT).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub conversation_context: Option<Arc<ConversationContext>>,
    /// The business number that received the message.
    pub account: Arc<Account>,
    /// The item of `value.messages`.
    pub raw: RawJson,
    /// The best id of the user in the body, if the event itself has only a lesser id.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) known_as: Option<Box<str>>,
}

/// `message_echoes`: a message that the business sent from the WhatsApp Business app.
///
/// The webhook field `smb_message_echoes`, also spelled `message_echoes`, produces the event, and
/// so does such a list in the field `messages`. The message is outbound. A bot that stops answering
/// once a person has answered needs a receiver of this event.
///
/// ```json
/// {"from": "15550100200", "to": "15550101001", "id": "wamid.HBgL…",
///  "timestamp": "1785000000", "type": "text", "text": {"body": "It is ready!"}}
/// ```
///
/// This is Meta's item, which `Deserialize` of [`Message`] reads. `Deserialize` of an event reads
/// the JSON that `Serialize` writes, with `message`, `account` and `raw`.
///
/// Meta's page: [smb_message_echoes webhook](https://developers.facebook.com/documentation/business-messaging/whatsapp/webhooks/reference/smb_message_echoes).
///
/// # Examples
///
/// ```
/// use whatsapp_signals::event::WebhookEvent;
/// use whatsapp_signals::model::Direction;
///
/// let body = &std::fs::read("tests/payloads/message-echo.json")?;
/// let webhook = whatsapp_signals::parse(body)?;
/// let [WebhookEvent::MessageEcho(event)] = webhook.events() else { panic!("one event") };
/// assert_eq!(event.message.direction, Direction::Outbound);
/// assert!(event.message.recipient().is_some());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct MessageEcho {
    /// The message.
    pub message: Message,
    /// The business number that sent the message, as Meta wrote it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub from_number: Option<WaId>,
    /// The contact of the recipient, if the webhook's `contacts` array has one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub contact: Option<Arc<Contact>>,
    /// The business number that sent the message.
    pub account: Arc<Account>,
    /// The item of `value.message_echoes`.
    pub raw: RawJson,
    /// The best id of the user in the body, if the event itself has only a lesser id.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) known_as: Option<Box<str>>,
}

/// A status of an outbound message: sent, delivered, read, failed.
///
/// The webhook field `messages` produces one event for each item of `value.statuses`. The statuses
/// of one message may be repeated and in any order;
/// [`MessageStatus::supersedes`](crate::model::MessageStatus::supersedes) compares them.
///
/// A status with the [`kind`](crate::model::StatusUpdate::kind) `payment` is that of a payment for
/// the message: after `failed` the payment failed, and the message was delivered.
///
/// Meta's page: [status messages webhook](https://developers.facebook.com/docs/whatsapp/cloud-api/webhooks/reference/messages/status).
///
/// # Examples
///
/// ```standalone_crate
/// use whatsapp_signals::event::MessageStatusChanged;
/// use whatsapp_signals::model::MessageStatus;
/// use whatsapp_signals::{receiver, signals::MESSAGE_STATUS_CHANGED};
///
/// #[receiver(MESSAGE_STATUS_CHANGED)]
/// fn explain(event: &MessageStatusChanged) {
///     assert_eq!(event.update.status, MessageStatus::Failed);
///     assert_eq!(event.update.errors[0].code.as_ref().unwrap(), "131026");
/// }
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let body = &std::fs::read("tests/payloads/status-failed.json")?;
/// let report = whatsapp_signals::parse(body)?.dispatch();
/// assert!(report.is_ok());
/// assert_eq!(report.called(), 1);
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct MessageStatusChanged {
    /// The message and its status.
    pub update: StatusUpdate,
    /// The contact of the recipient, from the webhook's `contacts` array; missing for failures and
    /// before 2026.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub contact: Option<Arc<Contact>>,
    /// The business number that sent the message.
    pub account: Arc<Account>,
    /// The item of `value.statuses`.
    pub raw: RawJson,
    /// The best id of the user in the body, if the event itself has only a lesser id.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) known_as: Option<Box<str>>,
}

/// `history`: a chunk of the earlier conversations of a business that onboarded with its WhatsApp
/// Business app, or the refusal to share them.
///
/// A [`HistoryMessage`](super::HistoryMessage) for each message of the chunk follows; the raw JSON
/// has the threads.
///
/// ```json
/// {"metadata": {"phase": 0, "chunk_order": 1, "progress": 55}, "threads": [{"id": "15550101001",
///   "messages": [{"from": "15550101001", "id": "wamid.HBgL…", "timestamp": "1780000000",
///                 "type": "text", "text": {"body": "…"}, "history_context": {"status": "READ"}}]}]}
/// {"errors": [{"code": 2593109, "title": "…"}]}
/// ```
///
/// Meta's page: [history webhook](https://developers.facebook.com/documentation/business-messaging/whatsapp/webhooks/reference/history).
///
/// ```
/// use whatsapp_signals::event::WebhookEvent;
///
/// let body = &std::fs::read("tests/payloads/history.json")?;
/// let webhook = whatsapp_signals::parse(body)?;
/// let [WebhookEvent::History(chunk), WebhookEvent::HistoryMessage(first), ..] = webhook.events()
/// else { panic!("a chunk and its messages") };
/// assert!(chunk.value.metadata.unwrap().progress.is_some());
/// assert_eq!(first.progress, chunk.value.metadata);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[json_object]
#[derive(Default, Eq, Hash)]
pub struct History {
    /// The number of the chunk, and the progress.
    pub metadata: Option<HistoryProgress>,
    /// The errors in place of a history; 2593109: the business does not share it.
    pub errors: Vec<MetaError>,
}

impl Payload for History {
    /// A chunk is numbered.
    fn has_id(&self) -> bool {
        self.metadata.is_some()
    }
}

/// A message of an earlier conversation, in either direction.
///
/// The webhook field `history` produces one event for each message of its threads, and for the
/// files that follow them (`value.messages` and `value.message_echoes`). It is not a
/// [`MessageReceived`](super::MessageReceived), since the user does not expect an answer.
///
/// A file comes first as a message of type
/// [`media_placeholder`](crate::model::Content::MediaPlaceholder) in a thread, and again in another
/// webhook with the same wamid.
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
    /// The message, in a box: otherwise this event would be the largest variant of
    /// [`WebhookEvent`](crate::event::WebhookEvent), whose size all events have.
    pub message: Box<Message>,
    /// The business number that sent an outbound message, as Meta wrote it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub from_number: Option<WaId>,
    /// The id of the thread, usually the user's phone number.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub thread_id: Option<WaId>,
    /// The status of the message.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub history_context: Option<HistoryContext>,
    /// The chunk of the history.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub progress: Option<HistoryProgress>,
    /// The contact of the user, from the thread or the webhook's `contacts` array.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub contact: Option<Arc<Contact>>,
    /// The business number.
    pub account: Arc<Account>,
    /// The message's JSON.
    pub raw: RawJson,
    /// The best id of the user in the body, if the event itself has only a lesser id.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) known_as: Option<Box<str>>,
}

message_meta! {
    MessageReceived: message, user, of_message, Message::changes_ids;
    MessageEcho: message, user, of_message, |_| false;
    HistoryMessage: message, user, of_message, |_| false;
    MessageStatusChanged: update, recipient, of_status, |_| false;
}
