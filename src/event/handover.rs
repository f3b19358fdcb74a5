//! Handovers of conversations, and the conversations that another app answers.

use std::sync::Arc;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::Payload;
use super::graph::GraphRequest;
use super::key::{message_meta, of_message, of_status};
use crate::json::object::json_object;
use crate::json::{Fault, Node, with_tape};
use crate::model::text_enum::text_enum;
use crate::model::{
    Account, AppId, Contact, ConversationContext, Direction, Identity, Message, MessageId, Numbers,
    PhoneNumberId, RawJson, StatusUpdate, Timestamp, WaId,
};

/// `messaging_handovers`: the control over a conversation was passed to you, or taken from you.
///
/// The App Dashboard's test button sends no `type`. [`kind`](Self::kind) is
/// then the member that is present, `control_passed` or `control_taken`.
///
/// ```json
/// {"sender": {"phone_number": "15550101001"},
///  "recipient": {"phone_number_id": "300200100500600", "display_phone_number": "15550100200"},
///  "type": "control_passed", "timestamp": "1785000000",
///  "control_passed": {"previous_owner_role": "ai_agent", "new_owner_role": "escalation",
///                     "metadata": "…", "conversation_context": {"type": "summary", "summary": {"text": "…"}}}}
/// ```
///
/// Meta's page: [messaging_handovers webhook](https://developers.facebook.com/documentation/business-messaging/whatsapp/webhooks/reference/messaging-handovers).
///
/// ```
/// use whatsapp_signals::event::{HandoverKind, WebhookEvent};
///
/// let body = &std::fs::read("tests/payloads/handover-passed.json")?;
/// let webhook = whatsapp_signals::parse(body)?;
/// let [WebhookEvent::MessagingHandover(change)] = webhook.events() else { panic!("one change") };
/// assert_eq!(change.value.kind, Some(HandoverKind::ControlPassed));
/// let control = change.value.control().unwrap();
/// assert!(control.conversation_context.is_some());
/// assert!(change.value.user().is_some());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[json_object]
#[derive(Eq, Hash)]
pub struct MessagingHandover {
    /// Direction of the handover; in an event never `None`.
    #[json(rename = "type")]
    pub kind: Option<HandoverKind>,
    /// The time of the handover.
    pub timestamp: Option<Timestamp>,
    /// The user.
    pub sender: Option<HandoverSender>,
    /// The business number.
    pub recipient: Option<HandoverRecipient>,
    /// The owners, when control was passed to you.
    pub control_passed: Option<Box<Control>>,
    /// The owners, when control was taken from you.
    pub control_taken: Option<Box<Control>>,
}

text_enum! {
    /// The direction of a handover.
    pub enum HandoverKind {
        /// You own the conversation now, and are expected to answer.
        ControlPassed = "control_passed",
        /// You no longer own the conversation.
        ControlTaken = "control_taken",
    }
}

/// The user of a [`MessagingHandover`].
#[json_object]
#[derive(Default, Eq, Hash)]
pub struct HandoverSender {
    /// The phone number, when Meta shows it.
    pub phone_number: Option<WaId>,
}

/// The business number of a [`MessagingHandover`].
#[json_object]
#[derive(Default, Eq, Hash)]
pub struct HandoverRecipient {
    /// The id of the number.
    pub phone_number_id: Option<PhoneNumberId>,
    /// The phone number, formatted.
    pub display_phone_number: Option<Box<str>>,
}

/// The previous and the new owner of a conversation.
#[json_object]
#[derive(Default, Eq, Hash)]
pub struct Control {
    /// The role of the previous owner: `ai_agent`, `customer_service`, …
    pub previous_owner_role: Option<Box<str>>,
    /// The role of the new owner: `escalation`, …
    pub new_owner_role: Option<Box<str>>,
    /// The app of the previous owner.
    pub previous_owner_app_id: Option<AppId>,
    /// The role of the previous owner's app; Meta intends to remove this member.
    pub previous_owner_app_role: Option<Box<str>>,
    /// The app of the new owner.
    pub new_owner_app_id: Option<AppId>,
    /// The text of the previous owner.
    pub metadata: Option<Box<str>>,
    /// The summary of the conversation.
    pub conversation_context: Option<ConversationContext>,
}

impl MessagingHandover {
    /// Returns the user, when Meta shows the phone number.
    #[must_use]
    pub fn user(&self) -> Option<Identity> {
        let phone = self.sender.as_ref()?.phone_number.as_ref()?;
        Identity::verbatim(Some(phone.as_str()), None, None)
    }

    /// Returns the previous and the new owner of the conversation, for both
    /// kinds.
    #[must_use]
    pub fn control(&self) -> Option<&Control> {
        match self.kind {
            Some(HandoverKind::ControlPassed) => self.control_passed.as_deref(),
            Some(HandoverKind::ControlTaken) => self.control_taken.as_deref(),
            Some(HandoverKind::Other(_)) | None => {
                let control = self.control_passed.as_ref().or(self.control_taken.as_ref());
                control.map(|control| &**control)
            }
        }
    }
}

impl Payload for MessagingHandover {
    const IS_ABOUT_USER: bool = true;

    fn user(&self, _: Numbers<'_>) -> Option<Identity> {
        self.user()
    }

    /// Sets a missing kind by the member that is present, even if malformed.
    fn complete(&mut self, json: Node<'_>) -> Result<(), Fault> {
        if self.kind.is_none() {
            let has = |name: &str| json.only(name).is_ok_and(|member| member.is_some());
            self.kind = Some(match (has("control_passed"), has("control_taken")) {
                (true, false) => HandoverKind::ControlPassed,
                (false, true) => HandoverKind::ControlTaken,
                _ => return Err(Fault::Missing("type".into())),
            });
        }
        Ok(())
    }

    fn phone_number_id(&self) -> Option<&PhoneNumberId> {
        self.recipient.as_ref()?.phone_number_id.as_ref()
    }

    fn time(&self) -> Option<Timestamp> {
        self.timestamp
    }
}

impl Payload for ConversationContext {}

/// `messages` in the field `standby`: a user's message in a conversation that another app or agent
/// answers.
///
/// It is not a [`MessageReceived`](super::MessageReceived), since a bot that answers those must not
/// answer this message.
///
/// Meta's page: [standby webhook](https://developers.facebook.com/documentation/business-messaging/whatsapp/webhooks/reference/standby).
///
/// # Examples
///
/// ```
/// use whatsapp_signals::event::WebhookEvent;
///
/// let body = &std::fs::read("tests/payloads/standby-message.json")?;
/// let webhook = whatsapp_signals::parse(body)?;
/// let [WebhookEvent::StandbyMessage(event)] = webhook.events() else { panic!("one event") };
/// assert!(event.message.text().is_some());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct StandbyMessage {
    /// The message.
    pub message: Message,
    /// The contact of the sender, from the `contacts` beside the message.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub contact: Option<Arc<Contact>>,
    /// The business number that received the message.
    pub account: Arc<Account>,
    /// The item of `value.standby.messages`.
    pub raw: RawJson,
    /// The best id of the user in the body, if the event itself has only a lesser id.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) known_as: Option<Box<str>>,
}

/// `message_echoes` in the field `standby`: a message of the app or agent that answers a
/// conversation in your place.
///
/// It contains the request that sent the message; [`to_message`](Self::to_message) converts the
/// request to a [`Message`], which the [engine](crate::WebhookEngine) stores.
///
/// ```json
/// {"id": "wamid.HBgL…", "timestamp": "1785000000",
///  "message": {"messaging_product": "whatsapp", "to": "15550101001", "type": "text",
///              "text": {"body": "We are on it"}}}
/// ```
///
/// Meta's page: [standby webhook](https://developers.facebook.com/documentation/business-messaging/whatsapp/webhooks/reference/standby).
///
/// ```
/// use whatsapp_signals::event::WebhookEvent;
///
/// let body = &std::fs::read("tests/payloads/standby-echo.json")?;
/// let webhook = whatsapp_signals::parse(body)?;
/// let [WebhookEvent::StandbyEcho(change)] = webhook.events() else { panic!("one change") };
/// assert_eq!(change.value.message["type"], "template");
/// assert!(change.value.user().is_some());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[json_object]
#[derive(Eq, Hash)]
pub struct StandbyEcho {
    /// The message's wamid.
    pub id: MessageId,
    /// The time of sending.
    pub timestamp: Option<Timestamp>,
    /// The request that sent it, in the form of Meta's endpoint for
    /// sending.
    pub message: Map<String, Value>,
    /// The template of the message.
    pub template: Option<Map<String, Value>>,
    /// The flow of the message.
    pub flow: Option<Map<String, Value>>,
}

impl StandbyEcho {
    /// Returns the recipient; `None` for a message to a group. The app that sent the message
    /// may have formatted the phone number: the identity has its digits, as webhooks do.
    #[must_use]
    pub fn user(&self) -> Option<Identity> {
        if self.is_to_group() {
            return None;
        }
        Identity::of_request(self.text("to"), self.text("recipient"))
    }

    /// Converts the request to an outbound message: its content, recipient or
    /// group, time, and the message that it replies to.
    ///
    /// Returns `None` if [`Content`](crate::model::Content) has no variant for
    /// the request's `type`, or if the request is malformed.
    ///
    /// # Examples
    ///
    /// ```
    /// use whatsapp_signals::event::WebhookEvent;
    ///
    /// let body = &std::fs::read("tests/payloads/standby-echo-text.json")?;
    /// let webhook = whatsapp_signals::parse(body)?;
    /// let [WebhookEvent::StandbyEcho(change)] = webhook.events() else { panic!("one change") };
    /// let message = change.value.to_message().unwrap();
    /// assert_eq!(message.body(), "A mechanic will answer you in a minute.");
    /// assert_eq!(message.recipient(), change.value.user().as_ref());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn to_message(&self) -> Option<Message> {
        if self.id.as_str().is_empty() {
            return None;
        }
        let request = Value::Object(self.message.clone()).to_string();
        let request = with_tape(&request, GraphRequest::read).ok()?;
        let mut message = Message::new(self.id.clone(), Direction::Outbound, request.content?);
        message.user = self.user();
        message.timestamp = self.timestamp;
        message.group_id = request.group_id;
        message.context = request.context;
        Some(message)
    }

    fn is_to_group(&self) -> bool {
        self.text("recipient_type") == Some("group")
    }

    /// Returns the text of a member; `None` for a text with U+FFFD, which may stand for half of a
    /// surrogate pair.
    fn text(&self, member: &str) -> Option<&str> {
        let text = self.message.get(member)?.as_str()?;
        (!text.contains(char::REPLACEMENT_CHARACTER)).then_some(text)
    }
}

impl Payload for StandbyEcho {
    const IS_ABOUT_USER: bool = true;

    fn user(&self, _: Numbers<'_>) -> Option<Identity> {
        self.user()
    }

    fn group(&self) -> Option<&str> {
        self.text("to").filter(|_| self.is_to_group())
    }

    fn key(&self) -> Option<String> {
        let has_id = !self.id.as_str().is_empty();
        has_id.then(|| self.id.to_string())
    }
}

/// `statuses` in the field `standby`: a status of a message of the app or agent that answers a
/// conversation in your place.
///
/// Meta's page: [standby webhook](https://developers.facebook.com/documentation/business-messaging/whatsapp/webhooks/reference/standby).
///
/// # Examples
///
/// ```
/// use whatsapp_signals::event::WebhookEvent;
/// use whatsapp_signals::model::MessageStatus;
///
/// let body = &std::fs::read("tests/payloads/standby-status.json")?;
/// let webhook = whatsapp_signals::parse(body)?;
/// let [WebhookEvent::StandbyStatus(event)] = webhook.events() else { panic!("one event") };
/// assert_eq!(event.update.status, MessageStatus::Delivered);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct StandbyStatus {
    /// The message and its status.
    pub update: StatusUpdate,
    /// The contact of the recipient, from the `contacts` beside the status.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub contact: Option<Arc<Contact>>,
    /// The business number that sent the message.
    pub account: Arc<Account>,
    /// The item of `value.standby.statuses`.
    pub raw: RawJson,
    /// The best id of the user in the body, if the event itself has only a lesser id.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) known_as: Option<Box<str>>,
}

message_meta! {
    StandbyMessage: message, user, of_message, Message::changes_ids;
    StandbyStatus: update, recipient, of_status, |_| false;
}
