use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::model::{Account, Contact, RawJson, StatusUpdate};

/// `statuses`, in the field `standby`: a message came one step further that
/// somebody else sent, in a conversation that you only watch.
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
    /// Which message, and what became of it.
    pub update: StatusUpdate,
    /// Whom it was sent to, as the `contacts` beside it have them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub contact: Option<Arc<Contact>>,
    /// The number that it was sent from.
    pub account: Arc<Account>,
    /// The item of `value.standby.statuses`.
    pub raw: RawJson,
    /// The id by which other events of the body name the user, if it is a better one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) known_as: Option<Box<str>>,
}
