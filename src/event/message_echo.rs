use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::model::{Account, Contact, Message, RawJson, WaId};

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
