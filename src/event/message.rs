//! Messages of users, statuses of your messages, echoes and old conversations.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::Payload;
use super::key::{message_meta, of_message, of_status};
use crate::json::object::object;
use crate::model::{
    Account, Contact, ConversationContext, HistoryContext, HistoryProgress, Message, MetaError,
    RawJson, StatusUpdate, WaId,
};

/// A user sent you a message.
///
/// Delivered by the webhook field `messages`, once for each item of
/// `value.messages`. A submitted flow fires this and
/// [`FlowCompleted`](super::FlowCompleted): it is a message too.
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
    /// Who sent it, as the webhook's `contacts` array has them; it may leave
    /// them out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub contact: Option<Arc<Contact>>,
    /// What was said before the conversation was handed to you. The webhook
    /// also fires it as [`CONVERSATION_CONTEXT`](crate::signals::CONVERSATION_CONTEXT).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub conversation_context: Option<Arc<ConversationContext>>,
    /// The number that it was sent to.
    pub account: Arc<Account>,
    /// The item of `value.messages`.
    pub raw: RawJson,
    /// The id by which other events of the body name the user, if it is a better one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) known_as: Option<Box<str>>,
}

/// `message_echoes`: somebody answered from the WhatsApp Business app, beside
/// your program.
///
/// Delivered by the webhook field `smb_message_echoes`, which is also spelled
/// `message_echoes`, and by such a list in the field `messages`. The message is
/// outbound: a bot that keeps quiet once a person has answered listens to this.
///
/// ```json
/// {"from": "15550100200", "to": "15550101001", "id": "wamid.HBgL…",
///  "timestamp": "1785000000", "type": "text", "text": {"body": "It is ready!"}}
/// ```
///
/// This is Meta's item. `Deserialize` of [`Message`] reads it; `Deserialize` of an event reads
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
    /// The business number that it was sent from, as Meta wrote it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub from_number: Option<WaId>,
    /// Whom it was sent to, as the webhook's `contacts` array has them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub contact: Option<Arc<Contact>>,
    /// The number that it was sent from.
    pub account: Arc<Account>,
    /// The item of `value.message_echoes`.
    pub raw: RawJson,
    /// The id by which other events of the body name the user, if it is a better one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) known_as: Option<Box<str>>,
}

/// A message that you sent came one step further, or failed.
///
/// Delivered by the webhook field `messages`, once for each item of
/// `value.statuses`. The steps of one message may come twice and in any order;
/// [`MessageStatus::supersedes`](crate::model::MessageStatus::supersedes)
/// compares them.
///
/// A status whose [`kind`](crate::model::StatusUpdate::kind) is `payment` is
/// about a payment for the message: `failed` is then the payment, and the message
/// was read long ago.
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
    /// Which message, and what became of it.
    pub update: StatusUpdate,
    /// Whom it was sent to, as the webhook's `contacts` array has them; it is
    /// missing for failures and before 2026.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub contact: Option<Arc<Contact>>,
    /// The number that it was sent from.
    pub account: Arc<Account>,
    /// The item of `value.statuses`.
    pub raw: RawJson,
    /// The id by which other events of the body name the user, if it is a better one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) known_as: Option<Box<str>>,
}

object! {
    /// `history`: a piece of the old conversations of a business that joined
    /// with its WhatsApp Business app, or the news that it does not share them.
    ///
    /// Each message in it is a [`HistoryMessage`](super::HistoryMessage) of its
    /// own, right after this; the threads themselves are in the raw JSON.
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
    #[derive(Default, Eq, Hash)]
    pub struct History {
        /// Which piece, and how many are to come.
        pub metadata: Option<HistoryProgress>,
        /// Why there is nothing; 2593109: the business does not share it.
        pub errors: Vec<MetaError>,
    }
}

impl Payload for History {
    /// A chunk is numbered.
    fn has_id(&self) -> bool {
        self.metadata.is_some()
    }
}

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

message_meta! {
    MessageReceived: message, user, of_message, Message::is_news_of_ids;
    MessageEcho: message, user, of_message, |_| false;
    HistoryMessage: message, user, of_message, |_| false;
    MessageStatusChanged: update, recipient, of_status, |_| false;
}
