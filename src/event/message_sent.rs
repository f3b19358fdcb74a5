use std::borrow::Cow;

use serde::{Deserialize, Serialize};

use super::{GraphJsonError, Keys};
use crate::graph;
use crate::model::{Account, CampaignId, Identity, Message, PacingStatus, RawJson, Timestamp};

/// You sent a message, and Meta accepted it.
///
/// Your code fires this one, as sending is not this crate's business, or has an engine
/// [store and deliver](crate::WebhookEngine::process_sent) it. [`from_graph`](Self::from_graph)
/// makes it of your request and Meta's response; [`new`](Self::new) of a message.
///
/// # Examples
///
/// ```standalone_crate
/// use whatsapp_signals::event::MessageSent;
/// use whatsapp_signals::model::{Account, Content, Identity, Message};
/// use whatsapp_signals::{receiver, signals::MESSAGE_SENT};
///
/// #[receiver(MESSAGE_SENT)]
/// fn log(event: &MessageSent) {
///     assert_eq!(event.message.id, "wamid.HBgL");
/// }
///
/// # fn main() -> Result<(), whatsapp_signals::Failure> {
/// let ada = Identity::from_phone("15550101001").unwrap();
/// let message = Message::outbound("wamid.HBgL", ada, Content::text("Your bike is ready")).build();
/// let account = Account::new("102290129340398").with_number("106540352242922", "15550783881");
/// let report = MESSAGE_SENT.send(&MessageSent::new(message).with_account(account))?;
/// assert_eq!(report.called(), 1);
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct MessageSent {
    /// The message.
    pub message: Message,
    /// The number that it was sent from.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub account: Option<Account>,
    /// The pacing of a template, as Meta's response has it: sent at once, held back or paused.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub message_status: Option<PacingStatus>,
    /// The text of yours that the statuses of the message will have.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub biz_opaque_callback_data: Option<Box<str>>,
    /// The campaign that it is part of, whose counts have it in an engine.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub campaign: Option<CampaignId>,
    /// The request that sent it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub request: Option<RawJson>,
}

impl MessageSent {
    /// The event for this message.
    ///
    /// # Examples
    ///
    /// ```
    /// use whatsapp_signals::event::MessageSent;
    /// use whatsapp_signals::model::{Content, Identity, Message};
    ///
    /// let ada = Identity::from_phone("15550101001").unwrap();
    /// let event = MessageSent::new(Message::outbound("wamid.A", ada, Content::text("Hello")).build());
    /// assert_eq!((event.message.body(), event.account), ("Hello", None));
    /// ```
    #[must_use]
    pub fn new(message: Message) -> Self {
        Self {
            message,
            account: None,
            message_status: None,
            biz_opaque_callback_data: None,
            campaign: None,
            request: None,
        }
    }

    /// Returns the messages that a request to `POST /{phone_number_id}/messages` sent, by the JSON
    /// of the request and of Meta's response.
    ///
    /// There is one event for each message of the response: nearly always one, more for several
    /// recipients, and none for a read receipt or a typing indicator, which go to the same
    /// endpoint. So the result is a list, and a loop over it is right for every request.
    ///
    /// - **User**: by the `wa_id` and `user_id` in the response's `contacts`,
    ///   [never by the `input`](Identity::from_phone), so that the message is in the conversation
    ///   that webhooks continue. Without them it is the request's `to`, of which only the digits
    ///   count, and `recipient`. A message to a group has the [`group_id`](Message::group_id) and
    ///   no user.
    /// - **Status**: `Sent`, or the [`message_status`](Self::message_status) of a message that Meta
    ///   holds back.
    /// - **Time**: now; [`with_timestamp`](Self::with_timestamp) sets another.
    /// - **Account**: none, as neither JSON names it; [`with_account`](Self::with_account) sets it.
    /// - **Content**: typed, with the template's parameters and the buttons, rows, products or cards
    ///   of an [interactive message](crate::model::OutboundInteractive). A type that this version
    ///   does not know is [`Content::Unsupported`](crate::model::Content::Unsupported). The
    ///   [`request`](Self::request) has all the rest.
    ///
    /// A malformed or unknown member costs itself and not the message. Neither argument is changed,
    /// sent or logged. A `serde_json::Value` is given by its `to_string()`.
    ///
    /// Meta's page: [sending messages](https://developers.facebook.com/documentation/business-messaging/whatsapp/messages/send-messages).
    ///
    /// # Errors
    ///
    /// When one of the two is not a JSON object, when the response is a refusal, for
    /// [`MessageRefused::from_graph_error`](super::MessageRefused::from_graph_error), or when it has
    /// no message with an id.
    ///
    /// # Examples
    ///
    /// ```
    /// use whatsapp_signals::WebhookEngine;
    /// use whatsapp_signals::event::MessageSent;
    /// use whatsapp_signals::model::{Account, Identity};
    /// use whatsapp_signals::store::MemoryStore;
    ///
    /// let request = r#"{"messaging_product": "whatsapp", "to": "+52 1 55 5010 1001",
    ///     "type": "text", "text": {"body": "It is ready"}, "context": {"message_id": "wamid.A"}}"#;
    /// let response = r#"{"messaging_product": "whatsapp",
    ///     "contacts": [{"input": "+52 1 55 5010 1001", "wa_id": "525550101001"}],
    ///     "messages": [{"id": "wamid.B"}]}"#;
    ///
    /// let engine = WebhookEngine::new(MemoryStore::new());
    /// let account = Account::new("900800700600500").with_number("300200100500600", "15550100200");
    /// for sent in MessageSent::from_graph(request, response)? {
    ///     let outcome = engine.process_sent(sent.with_account(account.clone()))?; // or `MESSAGE_SENT.send(…)`
    ///     assert!(!outcome.should_retry());
    /// }
    /// let user = Identity::from_phone("525550101001").unwrap();
    /// let stored = engine.number("300200100500600").conversation(&user, None, 50)?;
    /// assert_eq!((stored[0].body(), stored[0].reply_to().unwrap().as_str()), ("It is ready", "wamid.A"));
    ///
    /// let read = r#"{"messaging_product": "whatsapp", "status": "read", "message_id": "wamid.A"}"#;
    /// assert_eq!(MessageSent::from_graph(read, r#"{"success": true}"#)?, []);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn from_graph(
        request: impl AsRef<[u8]>,
        response: impl AsRef<[u8]>,
    ) -> Result<Vec<Self>, GraphJsonError> {
        graph::sent(request.as_ref(), response.as_ref())
    }

    /// Returns the same event with the number that the message was sent from.
    ///
    /// # Examples
    ///
    /// ```
    /// use whatsapp_signals::event::MessageSent;
    /// use whatsapp_signals::model::{Account, Content, Identity, Message};
    ///
    /// let ada = Identity::from_phone("15550101001").unwrap();
    /// let message = Message::outbound("wamid.A", ada, Content::text("Hello")).build();
    /// let event = MessageSent::new(message).with_account(Account::new("900800700600500"));
    /// assert_eq!(event.account.unwrap().waba_id.unwrap(), "900800700600500");
    /// ```
    #[must_use]
    pub fn with_account(mut self, account: Account) -> Self {
        self.account = Some(account);
        self
    }

    /// Returns the same event with the campaign that the message is part of.
    /// [`Records::save_campaign`](crate::engine::Records::save_campaign) has an example.
    #[must_use]
    pub fn with_campaign(mut self, id: impl Into<CampaignId>) -> Self {
        self.campaign = Some(id.into());
        self
    }

    /// Returns the same event with the time at which the message was sent.
    ///
    /// # Examples
    ///
    /// ```
    /// use whatsapp_signals::event::MessageSent;
    /// use whatsapp_signals::model::Timestamp;
    ///
    /// let request = r#"{"to": "15550101001", "text": {"body": "It is ready"}}"#;
    /// let response = r#"{"messages": [{"id": "wamid.A"}]}"#;
    /// let at = Timestamp::from_secs(1_785_000_000);
    /// let sent = MessageSent::from_graph(request, response)?.remove(0).with_timestamp(at);
    /// assert_eq!(sent.message.timestamp, Some(at));
    /// # Ok::<(), whatsapp_signals::event::GraphJsonError>(())
    /// ```
    #[must_use]
    pub fn with_timestamp(mut self, timestamp: Timestamp) -> Self {
        self.message.timestamp = Some(timestamp);
        self
    }
}

impl Keys for MessageSent {
    fn key(&self) -> String {
        self.message.id.to_string()
    }

    fn account(&self) -> Option<&Account> {
        self.account.as_ref()
    }

    fn request_json(&self) -> Option<&RawJson> {
        self.request.as_ref()
    }

    fn user(&self) -> Option<Cow<'_, Identity>> {
        self.message.user.as_ref().map(Cow::Borrowed)
    }

    fn group(&self) -> Option<&str> {
        self.message.group_id.as_ref().map(AsRef::as_ref)
    }
}
