use serde_json::{Map, Value};

use super::Payload;
use crate::model::object::object;
use crate::model::{Identity, MessageId, Timestamp};

object! {
    /// `message_echoes`, in the field `standby`: whoever answers a conversation
    /// that you only watch has sent a message.
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
    /// let body = include_bytes!("../../tests/payloads/standby-echo.json");
    /// let webhook = whatsapp_signals::parse(body)?;
    /// let [WebhookEvent::StandbyEcho(change)] = webhook.events() else { panic!("one change") };
    /// assert_eq!(change.value.message["type"], "template");
    /// assert!(change.value.user().is_some());
    /// # Ok::<(), whatsapp_signals::ParseError>(())
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
    /// Whom it was sent to.
    #[must_use]
    pub fn user(&self) -> Option<Identity> {
        let to = self.message.get("to").and_then(Value::as_str);
        let user_id = self.message.get("recipient").and_then(Value::as_str);
        Identity::new(to, user_id, None)
    }
}

impl Payload for StandbyEcho {
    const IS_ABOUT_USER: bool = true;

    fn user(&self, _: Option<&str>) -> Option<Identity> {
        self.user()
    }

    fn key(&self) -> Option<String> {
        Some(self.id.to_string())
    }
}
