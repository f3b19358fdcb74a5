use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::model::{Account, Contact, Message, RawJson};

/// `messages`, in the field `standby`: a user wrote in a conversation that
/// somebody else answers and you only watch.
///
/// It is not a [`MessageReceived`](super::MessageReceived), since a bot that
/// answers those must not answer this.
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
    /// Who sent it, as the `contacts` beside it have them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub contact: Option<Arc<Contact>>,
    /// The number that it was sent to.
    pub account: Arc<Account>,
    /// The item of `value.standby.messages`.
    pub raw: RawJson,
    /// The id by which other events of the body name the user, if it is a better one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) known_as: Option<Box<str>>,
}
