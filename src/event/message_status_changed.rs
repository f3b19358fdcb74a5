use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::model::{Account, Contact, RawJson, StatusUpdate};

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
