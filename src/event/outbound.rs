//! Outbound messages: those that Meta accepted, and those that Meta refused.

use std::borrow::Cow;

use serde::{Deserialize, Serialize};

use super::graph;
use super::key::hash_of;
use super::{EventMeta, GraphJsonError};
use crate::model::{
    Account, CampaignId, Content, GraphError, GroupId, Identity, Message, MessageContext,
    PacingStatus, RawJson, Timestamp,
};

/// An outbound message that Meta accepted.
///
/// This crate does not send messages, so your code sends this event, or has an engine [store and
/// deliver](crate::WebhookEngine::process_sent) it. [`from_graph`](Self::from_graph) builds it from
/// your request and Meta's response, and [`new`](Self::new) from a message.
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
    /// The business number that sent the message.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub account: Option<Account>,
    /// The pacing of a template message, from Meta's response.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub message_status: Option<PacingStatus>,
    /// The text of your request that the statuses of the message repeat.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub biz_opaque_callback_data: Option<Box<str>>,
    /// The campaign, whose counts in an engine include the message.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub campaign: Option<CampaignId>,
    /// The request that sent the message.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub request: Option<RawJson>,
}

impl MessageSent {
    /// Returns the event for a message.
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

    /// Returns the messages of a request to `POST /{phone_number_id}/messages`, from the JSON of
    /// the request and of Meta's response.
    ///
    /// There is one event for each message of the response: one for most requests, several for
    /// several recipients, and none for a read receipt or a typing indicator, which use the same
    /// endpoint. A loop over the list is right for every request.
    ///
    /// - **User**: the `wa_id` and `user_id` in the response's `contacts`, [never the
    ///   `input`](Identity::from_phone), so that the message belongs to the conversation of later
    ///   webhooks. Without them, the digits of the request's `to`, and its `recipient`. A message
    ///   to a group has the [`group_id`](Message::group_id) and no user.
    /// - **Status**: `Sent`, or the [`message_status`](Self::message_status) of a message that Meta
    ///   holds back.
    /// - **Time**: the current time; [`with_timestamp`](Self::with_timestamp) sets another.
    /// - **Account**: none, as neither JSON names it; [`with_account`](Self::with_account) sets it.
    /// - **Content**: typed, with the template's parameters and the buttons, rows, products or
    ///   cards of an [interactive message](crate::model::OutboundInteractive). An unknown type is
    ///   [`Content::Unsupported`](crate::model::Content::Unsupported); the
    ///   [`request`](Self::request) has its JSON.
    ///
    /// A malformed or unknown member is skipped. Neither argument is changed, sent or logged. Pass
    /// a `serde_json::Value` as its `to_string()`.
    ///
    /// Meta's page: [sending messages](https://developers.facebook.com/documentation/business-messaging/whatsapp/messages/send-messages).
    ///
    /// # Errors
    ///
    /// When one of the two is not a JSON object, when the response is a refusal (see
    /// [`MessageRefused::from_graph_error`](super::MessageRefused::from_graph_error)), or when it
    /// has no message with an id.
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

    /// Sets the business number that sent the message.
    #[must_use]
    pub fn with_account(mut self, account: Account) -> Self {
        self.account = Some(account);
        self
    }

    /// Sets the campaign of the message.
    /// [`Records::save_campaign`](crate::engine::Records::save_campaign) has an example.
    #[must_use]
    pub fn with_campaign(mut self, id: impl Into<CampaignId>) -> Self {
        self.campaign = Some(id.into());
        self
    }

    /// Sets the time at which the message was sent.
    #[must_use]
    pub fn with_timestamp(mut self, timestamp: Timestamp) -> Self {
        self.message.timestamp = Some(timestamp);
        self
    }
}

impl EventMeta for MessageSent {
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

/// An outbound message that Meta refused. It has no wamid, and no webhook contains it.
///
/// Your code sends this event. A message that Meta accepts and cannot deliver is a
/// [`MessageStatusChanged`](super::MessageStatusChanged) with the status `failed`.
///
/// # Examples
///
/// ```standalone_crate
/// use whatsapp_signals::event::MessageRefused;
/// use whatsapp_signals::{receiver, signals::MESSAGE_REFUSED};
///
/// #[receiver(MESSAGE_REFUSED)]
/// fn alert(event: &MessageRefused) {
///     assert_eq!(event.error.code.as_ref().unwrap(), "131047");
///     assert_eq!(event.user.as_ref().unwrap().phone(), Some("15550101001"));
///     assert_eq!(event.content.body(), "It is ready");
/// }
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let request = r#"{"to": "15550101001", "type": "text", "text": {"body": "It is ready"}}"#;
/// let response = r#"{"error": {"message": "(#131047) Re-engagement message", "code": 131047,
///     "type": "OAuthException", "fbtrace_id": "Az8or2yhqkZfEZ"}}"#;
/// if let Some(refused) = MessageRefused::from_graph_error(request, response)? {
///     let report = MESSAGE_REFUSED.send(&refused)?;
///     assert_eq!(report.called(), 1);
/// }
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct MessageRefused {
    /// The reason.
    pub error: GraphError,
    /// The recipient in the request; `None` for a group, and for several users.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub user: Option<Identity>,
    /// The recipient group.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub group_id: Option<GroupId>,
    /// The content of the message.
    pub content: Content,
    /// The message to which it replied.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub context: Option<Box<MessageContext>>,
    /// The time of the refusal.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub timestamp: Option<Timestamp>,
    /// The text of your request for the statuses of the message.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub biz_opaque_callback_data: Option<Box<str>>,
    /// The campaign, whose counts in an engine include the refusal.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub campaign: Option<CampaignId>,
    /// The business number of the request.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub account: Option<Account>,
    /// The request.
    pub request: RawJson,
    /// The `error` of the response.
    pub raw: RawJson,
}

impl MessageRefused {
    /// Returns the refused message, from the JSON of the request and of Meta's response; `None` for
    /// a read receipt or a typing indicator, which is no message.
    ///
    /// A refusal is one event, even for several recipients, since Meta refuses a request as a
    /// whole. The members are those of [`MessageSent::from_graph`](super::MessageSent::from_graph),
    /// except for the user: a refusal has no `wa_id`, so the user is the `to` and `recipient` of
    /// the request. The time is the current time; [`with_timestamp`](Self::with_timestamp) sets
    /// another.
    ///
    /// Meta's page: [error codes](https://developers.facebook.com/docs/whatsapp/cloud-api/support/error-codes).
    ///
    /// # Errors
    ///
    /// When one of the two is not a JSON object, or the response has no `error` object.
    ///
    /// # Examples
    ///
    /// ```
    /// use whatsapp_signals::event::{GraphJsonErrorKind, MessageRefused};
    ///
    /// let request = r#"{"to": "15550101001", "text": {"body": "It is ready"},
    ///     "biz_opaque_callback_data": "job-4471"}"#;
    /// let response = r#"{"error": {"message": "(#130429) Rate limit hit", "code": 130429,
    ///     "error_data": {"messaging_product": "whatsapp", "details": "Too many messages"}}}"#;
    /// let refused = MessageRefused::from_graph_error(request, response)?.expect("a message");
    /// assert_eq!(refused.error.details(), Some("Too many messages"));
    /// assert_eq!(refused.biz_opaque_callback_data.as_deref(), Some("job-4471"));
    ///
    /// let accepted = r#"{"messages": [{"id": "wamid.A"}]}"#;
    /// let error = MessageRefused::from_graph_error(request, accepted).unwrap_err();
    /// assert_eq!(error.kind(), GraphJsonErrorKind::NoError);
    /// # Ok::<(), whatsapp_signals::event::GraphJsonError>(())
    /// ```
    pub fn from_graph_error(
        request: impl AsRef<[u8]>,
        response: impl AsRef<[u8]>,
    ) -> Result<Option<Self>, GraphJsonError> {
        graph::refused(request.as_ref(), response.as_ref())
    }

    /// Sets the business number of the request.
    ///
    /// # Examples
    ///
    /// ```
    /// use whatsapp_signals::Event;
    /// use whatsapp_signals::event::MessageRefused;
    /// use whatsapp_signals::model::Account;
    ///
    /// let (request, response) = (r#"{"to": "15550101001"}"#, r#"{"error": {"fbtrace_id": "Az8or"}}"#);
    /// let refused = MessageRefused::from_graph_error(request, response)?.expect("a message");
    /// let account = Account::new("900800700600500").with_number("300200100500600", "15550100200");
    /// let refused = refused.with_account(account);
    /// assert_eq!(refused.dedup_key(), "message_refused:Az8or:number=300200100500600");
    /// # Ok::<(), whatsapp_signals::event::GraphJsonError>(())
    /// ```
    #[must_use]
    pub fn with_account(mut self, account: Account) -> Self {
        self.account = Some(account);
        self
    }

    /// Sets the campaign of the message.
    /// [`Records::save_campaign`](crate::engine::Records::save_campaign) has an example.
    #[must_use]
    pub fn with_campaign(mut self, id: impl Into<CampaignId>) -> Self {
        self.campaign = Some(id.into());
        self
    }

    /// Sets the time of the refusal.
    #[must_use]
    pub fn with_timestamp(mut self, timestamp: Timestamp) -> Self {
        self.timestamp = Some(timestamp);
        self
    }
}

impl EventMeta for MessageRefused {
    fn key(&self) -> String {
        let trace = self.error.fbtrace_id.as_deref();
        let trace = trace.filter(|trace| !trace.is_empty());
        trace.map_or_else(|| hash_of(self), str::to_owned)
    }

    fn account(&self) -> Option<&Account> {
        self.account.as_ref()
    }

    fn request_json(&self) -> Option<&RawJson> {
        Some(&self.request)
    }

    fn user(&self) -> Option<Cow<'_, Identity>> {
        self.user.as_ref().map(Cow::Borrowed)
    }

    fn group(&self) -> Option<&str> {
        self.group_id.as_ref().map(AsRef::as_ref)
    }
}
