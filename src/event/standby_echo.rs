use serde_json::{Map, Value};

use super::Payload;
use crate::graph::Request;
use crate::json::object::object;
use crate::json::with_tape;
use crate::model::{Direction, Identity, Message, MessageId, Numbers, Timestamp};

object! {
    /// `message_echoes`, in the field `standby`: a message sent by the app or
    /// agent that answers a conversation which you only watch.
    ///
    /// It holds the request that sent the message;
    /// [`to_message`](Self::to_message) makes a [`Message`] of it, which the
    /// [engine](crate::WebhookEngine) stores.
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
    #[derive(Eq, Hash)]
    pub struct StandbyEcho {
        /// The message's wamid.
        pub id: MessageId,
        /// When it was sent.
        pub timestamp: Option<Timestamp>,
        /// The request that sent it, in the form of Meta's endpoint for
        /// sending.
        pub message: Map<String, Value>,
        /// The template that it used.
        pub template: Option<Map<String, Value>>,
        /// The flow that it used.
        pub flow: Option<Map<String, Value>>,
    }
}

impl StandbyEcho {
    /// Returns the recipient; `None` for a message to a group. The app that sent the message
    /// may have formatted the phone number: the identity has its digits, as webhooks do.
    ///
    /// # Examples
    ///
    /// ```
    /// use whatsapp_signals::event::StandbyEcho;
    ///
    /// let echo: StandbyEcho = serde_json::from_str(
    ///     r#"{"id": "wamid.A", "message": {"to": "+1 555-010-1001", "text": {"body": "Hi"}}}"#,
    /// )?;
    /// assert_eq!(echo.user().unwrap().phone(), Some("15550101001"));
    /// # Ok::<(), serde_json::Error>(())
    /// ```
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
        let request = with_tape(&request, Request::read).ok()?;
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

    /// Returns a member that names something; with a part of a character it names nothing.
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
