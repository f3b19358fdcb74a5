//! Messages, in both directions.

mod attachment;
mod content;
mod context;
mod interactive;
mod outbound;
mod reply;
mod system;
mod tagged;
mod template;

use super::text_enum::text_enum;
use super::{GroupId, Identity, LogicalId, MessageId, MessageStatus, MetaError, Timestamp};
use crate::json::stored::stored;

pub use attachment::{
    CardAddress, CardEmail, CardName, CardOrg, CardPhone, CardUrl, ContactCard, Location, Media,
    Order, ProductItem,
};
pub(crate) use content::ContentReader;
pub use content::{Button, Content, Edit, EditedMessage, Reaction, Revoke, Text, Unsupported};
pub use context::{MessageContext, Referral, ReferralImage, ReferredProduct, WelcomeMessage};
pub use interactive::{Interactive, OtherReply};
pub use outbound::{
    ActionParameters, InteractiveAction, InteractiveButton, InteractiveCard, InteractiveHeader,
    InteractiveSection, InteractiveText, OutboundInteractive,
};
pub use reply::{
    ButtonReply, CallPermission, CallPermissionReply, FlowResponse, ListReply, NfmReply,
    PaymentMethod, ProductReply,
};
pub use system::{System, SystemKind};
pub(crate) use tagged::{Candidates, Tagged, TypeText, type_of};
pub use template::{
    LimitedTimeOffer, Template, TemplateCard, TemplateComponent, TemplateCurrency,
    TemplateDateTime, TemplateParameter,
};

stored! {
    /// A message from a user to the business, or from the business to a user.
    ///
    /// The parser creates inbound messages;
    /// [`MessageSent::from_graph`](crate::event::MessageSent::from_graph) and [`Message::outbound`]
    /// create the messages that you send with [`MESSAGE_SENT`](crate::signals::MESSAGE_SENT). The
    /// text, file or location is in [`content`](Self::content); [`body`](Self::body),
    /// [`media`](Self::media) and [`location`](Self::location) are shortcuts.
    ///
    /// # JSON
    ///
    /// ```json
    /// {"from": "15550101001", "id": "wamid.HBgL…", "timestamp": "1785000000",
    ///  "type": "text", "text": {"body": "Is my bike ready?"}}
    /// ```
    ///
    /// `Deserialize` reads this form, and the one that `Serialize` writes: with `direction`, `user`
    /// and `content` in place of `from`, `to`, `type` and the member that it names. A message
    /// with a `to` is outbound.
    ///
    /// Meta's page: [messages webhook](https://developers.facebook.com/docs/whatsapp/cloud-api/webhooks/reference/messages).
    ///
    /// # Examples
    ///
    /// ```
    /// use whatsapp_signals::model::{Content, Direction, Identity, Message};
    ///
    /// let ada = Identity::from_phone("15550101001").unwrap();
    /// let message = Message::outbound("wamid.HBgL", ada.clone(), Content::text("Your bike is ready"))
    ///     .reply_to("wamid.QUESTION")
    ///     .build();
    ///
    /// assert_eq!((message.recipient(), message.sender()), (Some(&ada), None));
    /// assert_eq!((message.message_type(), message.body()), ("text", "Your bike is ready"));
    /// assert_eq!(message.reply_to().unwrap(), "wamid.QUESTION");
    ///
    /// let question: Message = serde_json::from_str(
    ///     r#"{"from": "15550101001", "id": "wamid.QUESTION", "timestamp": "1785000000",
    ///         "type": "text", "text": {"body": "Is my bike ready?"}}"#,
    /// )?;
    /// assert_eq!((&question.direction, question.sender()), (&Direction::Inbound, Some(&ada)));
    /// assert_eq!((question.text(), question.media()), (Some("Is my bike ready?"), None));
    /// # Ok::<(), serde_json::Error>(())
    /// ```
    ///
    /// The file of a message, by the id for its download:
    ///
    /// ```
    /// use whatsapp_signals::event::WebhookEvent;
    ///
    /// let webhook = whatsapp_signals::parse(&std::fs::read("tests/payloads/image.json")?)?;
    /// let [WebhookEvent::MessageReceived(event)] = webhook.events() else { panic!("a message") };
    /// let to_download = event.message.media().and_then(|media| media.id.as_ref());
    /// assert_eq!(to_download.unwrap(), "7137021601430931");
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[derive(Clone, Debug, PartialEq)]
    #[non_exhaustive]
    pub struct Message {
        /// The wamid.
        pub id: MessageId,
        /// The side that sent it.
        pub direction: Direction,
        /// The user on the other side: the sender of an inbound message, the
        /// recipient of an outbound one. Missing when the webhook names no user.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub user: Option<Identity>,
        /// The time of sending. `None` without a valid time in the webhook.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub timestamp: Option<Timestamp>,
        /// The stage that an outbound message has reached.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub status: Option<MessageStatus>,
        /// The content, by type.
        pub content: Content,
        /// The message to which it replies, or the mark of a forwarded message.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub context: Option<Box<MessageContext>>,
        /// The advertisement or post that led the user to the conversation.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub referral: Option<Box<Referral>>,
        /// The group.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub group_id: Option<GroupId>,
        /// Changes when the user's WhatsApp identity changes; present when the
        /// identity check of the number is on.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub identity_key_hash: Option<Box<str>>,
        /// Meta's internal id of the sender, in some authentication messages.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub from_logical_id: Option<LogicalId>,
        /// Meta's internal id of the recipient, in some authentication messages.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub to_logical_id: Option<LogicalId>,
        /// The reason for shared contact cards: `contact_request` or `other`.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub origin: Option<Box<str>>,
        /// The errors of an unsupported message.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        pub errors: Vec<MetaError>,
    }
}

text_enum! {
    /// The direction of a message.
    pub enum Direction {
        /// The user sent the message.
        Inbound = "inbound",
        /// The business sent the message.
        Outbound = "outbound",
    }
}

impl Message {
    pub(crate) fn new(id: MessageId, direction: Direction, content: Content) -> Self {
        Self {
            id,
            direction,
            user: None,
            timestamp: None,
            status: None,
            content,
            context: None,
            referral: None,
            group_id: None,
            identity_key_hash: None,
            from_logical_id: None,
            to_logical_id: None,
            origin: None,
            errors: Vec::new(),
        }
    }
}

impl Message {
    /// Returns the user who sent an inbound message.
    #[must_use]
    pub fn sender(&self) -> Option<&Identity> {
        self.user
            .as_ref()
            .filter(|_| self.direction == Direction::Inbound)
    }

    /// Returns the user who received an outbound message.
    #[must_use]
    pub fn recipient(&self) -> Option<&Identity> {
        self.user
            .as_ref()
            .filter(|_| self.direction == Direction::Outbound)
    }

    /// Returns the type as Meta spells it: `text`, `image`, `interactive`, … The older `unknown`
    /// becomes `unsupported`.
    #[must_use]
    pub fn message_type(&self) -> &'static str {
        self.content.message_type()
    }

    /// Returns the message in one line, as an inbox would list it: the text, the button's label,
    /// the caption or else `[Image]`, the emoji, the name of the location. May be empty.
    #[must_use]
    pub fn body(&self) -> &str {
        self.content.body()
    }

    /// Returns the text of a text message; `None` for any other type.
    #[must_use]
    pub fn text(&self) -> Option<&str> {
        match &self.content {
            Content::Text(text) => Some(&text.body),
            _ => None,
        }
    }

    /// Returns the file of an image, audio, video, document or sticker; `None` if Meta could not
    /// download it, with the reason in [`errors`](Self::errors).
    #[must_use]
    pub fn media(&self) -> Option<&Media> {
        self.content.media()
    }

    /// Returns whether the message has a file.
    #[must_use]
    pub fn has_media(&self) -> bool {
        self.media().is_some()
    }

    /// Returns the shared location.
    #[must_use]
    pub fn location(&self) -> Option<&Location> {
        match &self.content {
            Content::Location(location) => Some(location),
            _ => None,
        }
    }

    /// Returns whether the message shares a location.
    #[must_use]
    pub fn is_location(&self) -> bool {
        self.location().is_some()
    }

    /// Returns the reaction.
    #[must_use]
    pub fn reaction(&self) -> Option<&Reaction> {
        match &self.content {
            Content::Reaction(reaction) => Some(reaction),
            _ => None,
        }
    }

    /// Returns the submitted form.
    #[must_use]
    pub fn nfm_reply(&self) -> Option<&NfmReply> {
        self.content.nfm_reply()
    }

    /// Returns the id of the button or list row that the user tapped: the id of an interactive
    /// reply, the payload of a template's button.
    #[must_use]
    pub fn reply_id(&self) -> Option<&str> {
        match &self.content {
            Content::Button(button) => button.payload.as_deref(),
            Content::Interactive(interactive) => match &**interactive {
                Interactive::ButtonReply(reply) => Some(&reply.id),
                Interactive::ListReply(reply) => Some(&reply.id),
                _ => None,
            },
            _ => None,
        }
    }

    /// Returns the message to which it replies.
    #[must_use]
    pub fn reply_to(&self) -> Option<&MessageId> {
        self.context.as_ref()?.id.as_ref()
    }

    /// Returns the user by the new ids, if the message is a change of ids.
    pub(crate) fn changed_user(&self) -> Option<Identity> {
        match (&self.content, &self.direction) {
            (Content::System(system), Direction::Inbound) => system.current(self.user.as_ref()?),
            _ => None,
        }
    }

    /// Returns whether the message is a change of ids.
    pub(crate) fn changes_ids(&self) -> bool {
        self.changed_user().is_some()
    }
}

/// Builder of an outbound [`Message`], returned by [`Message::outbound`].
///
/// # Examples
///
/// ```
/// use whatsapp_signals::model::{Content, Identity, Message, MessageStatus, Timestamp};
///
/// let ada = Identity::from_phone("15550101001").unwrap();
/// let message = Message::outbound("wamid.B", ada, Content::text("Yes, it is ready"))
///     .reply_to("wamid.A")
///     .timestamp(Timestamp::from_secs(1_785_000_000))
///     .status(MessageStatus::Sent)
///     .build();
/// assert_eq!(message.reply_to().unwrap(), "wamid.A");
/// assert_eq!(message.recipient().and_then(Identity::phone), Some("15550101001"));
/// ```
#[derive(Clone, Debug)]
#[must_use = "call `build` to get the message"]
pub struct MessageBuilder(Message);

impl Message {
    /// Returns the builder of an accepted message, for
    /// [`MESSAGE_SENT`](crate::signals::MESSAGE_SENT).
    ///
    /// Meta's response has both: `id` is the wamid, and `to` the `wa_id`, [never the
    /// `input`](Identity::from_phone), since the statuses of the message have the `wa_id`.
    /// [`MessageSent::from_graph`](crate::event::MessageSent::from_graph) takes both from the
    /// response, and the content from your request.
    ///
    /// # Examples
    ///
    /// ```
    /// use whatsapp_signals::event::MessageSent;
    /// use whatsapp_signals::model::{Content, Identity, Message, MessageStatus};
    /// use whatsapp_signals::signals::MESSAGE_SENT;
    ///
    /// let ada = Identity::from_phone("15550101001").unwrap();
    /// let offer = Content::template("spring_offer", "en_US");
    /// let message = Message::outbound("wamid.HBgL", ada, offer).build();
    /// assert_eq!(message.status, Some(MessageStatus::Sent));
    ///
    /// let report = MESSAGE_SENT.send_robust(&MessageSent::new(message));
    /// assert!(report.is_ok());
    /// ```
    pub fn outbound(id: impl Into<MessageId>, to: Identity, content: Content) -> MessageBuilder {
        let mut message = Self::new(id.into(), Direction::Outbound, content);
        message.user = Some(to);
        message.status = Some(MessageStatus::Sent);
        MessageBuilder(message)
    }
}

impl MessageBuilder {
    /// Sets the time of sending.
    pub fn timestamp(mut self, timestamp: Timestamp) -> Self {
        self.0.timestamp = Some(timestamp);
        self
    }

    /// Sets the status (default: [`Sent`](MessageStatus::Sent)).
    pub fn status(mut self, status: MessageStatus) -> Self {
        self.0.status = Some(status);
        self
    }

    /// Returns the message to which it replies.
    pub fn reply_to(mut self, id: impl Into<MessageId>) -> Self {
        self.0.context.get_or_insert_with(Box::default).id = Some(id.into());
        self
    }

    /// Sets the whole context.
    pub fn context(mut self, context: MessageContext) -> Self {
        self.0.context = Some(Box::new(context));
        self
    }

    /// Sets the recipient group.
    pub fn group(mut self, id: impl Into<GroupId>) -> Self {
        self.0.group_id = Some(id.into());
        self
    }

    /// Returns the message.
    #[must_use]
    pub fn build(self) -> Message {
        self.0
    }
}
