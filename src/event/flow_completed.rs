use std::borrow::Cow;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::Keys;
use crate::model::{Account, Contact, FlowResponse, Identity, MessageId, RawJson, Timestamp};

/// A user filled in a form and sent it: a flow, an address.
///
/// Delivered by the webhook field `messages` for each `nfm_reply`, right after its
/// [`MessageReceived`](super::MessageReceived).
///
/// Meta's page: [receiving a flow response](https://developers.facebook.com/docs/whatsapp/flows/guides/receiveflowresponse).
///
/// # Examples
///
/// ```standalone_crate
/// use whatsapp_signals::event::FlowCompleted;
/// use whatsapp_signals::{receiver, signals::FLOW_COMPLETED};
///
/// #[receiver(FLOW_COMPLETED)]
/// fn book(event: &FlowCompleted) {
///     assert!(event.response.flow_token.is_some());
///     assert!(!event.response.data.is_empty());
/// }
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let body = &std::fs::read("tests/payloads/flow-reply.json")?;
/// let report = whatsapp_signals::parse(body)?.dispatch();
/// assert!(report.is_ok());
/// assert_eq!(report.called(), 1);
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct FlowCompleted {
    /// What was submitted.
    pub response: FlowResponse,
    /// The message that submitted it.
    pub message_id: MessageId,
    /// Who submitted it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub user: Option<Identity>,
    /// When.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub timestamp: Option<Timestamp>,
    /// Who submitted it, as the webhook's `contacts` array has them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub contact: Option<Arc<Contact>>,
    /// The number that it was sent to.
    pub account: Arc<Account>,
    /// The item of `value.messages`.
    pub raw: RawJson,
    /// The id by which other events of the body name the user, if it is a better one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) known_as: Option<Box<str>>,
}

impl Keys for FlowCompleted {
    fn known_as(&self) -> Option<&str> {
        self.known_as.as_deref()
    }

    fn key(&self) -> String {
        self.message_id.to_string()
    }

    fn account(&self) -> Option<&Account> {
        Some(&self.account)
    }

    fn user(&self) -> Option<Cow<'_, Identity>> {
        self.user.as_ref().map(Cow::Borrowed)
    }

    fn contact(&self) -> Option<&Contact> {
        self.contact.as_deref()
    }

    fn set_contact(&mut self, contact: Arc<Contact>) {
        self.contact = Some(contact);
    }
}
