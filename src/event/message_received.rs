use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::model::{Account, Contact, ConversationContext, Message, RawJson};

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
