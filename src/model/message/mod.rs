//! Messages, in both directions.

mod accessors;
mod builder;
mod card;
mod content;
mod context;
mod edit;
mod interactive;
mod media;
mod order;
mod outbound;
mod parts;
mod system;
mod template;

use super::text_enum::text_enum;
use super::{GroupId, Identity, LogicalId, MessageId, MessageStatus, MetaError, Timestamp};
use crate::json::stored::stored;

pub use builder::MessageBuilder;
pub use card::{CardAddress, CardEmail, CardName, CardOrg, CardPhone, CardUrl, ContactCard};
pub use content::Content;
pub(crate) use content::{Candidates, ContentReader, Kind, Tagged, type_of};
pub use context::{MessageContext, Referral, ReferralImage, ReferredProduct, WelcomeMessage};
pub use edit::{Edit, EditedMessage, Revoke};
pub use interactive::{
    ButtonReply, CallPermission, CallPermissionReply, Interactive, ListReply, NfmReply, OtherReply,
    PaymentMethod, ProductReply,
};
pub use media::{Location, Media};
pub use order::{Order, ProductItem};
pub use outbound::{
    ActionParameters, InteractiveAction, InteractiveButton, InteractiveCard, InteractiveHeader,
    InteractiveSection, InteractiveText, OutboundInteractive,
};
pub use parts::{Button, Reaction, Text, Unsupported};
pub use system::{System, SystemKind};
pub use template::{
    LimitedTimeOffer, Template, TemplateCard, TemplateComponent, TemplateCurrency,
    TemplateDateTime, TemplateParameter,
};

stored! {
    /// A message that a user sent to you, or that you sent to a user.
    ///
    /// The parser makes inbound ones;
    /// [`MessageSent::from_graph`](crate::event::MessageSent::from_graph) and [`Message::outbound`]
    /// make the ones that you announce with [`MESSAGE_SENT`](crate::signals::MESSAGE_SENT). Its text,
    /// file or place is in [`content`](Self::content); for the frequent questions
    /// there are shorter ways: [`body`](Self::body), [`media`](Self::media),
    /// [`location`](Self::location).
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
    /// let message = Message::outbound("wamid.HBgL", ada, Content::text("Your bike is ready"))
    ///     .reply_to("wamid.QUESTION")
    ///     .build();
    ///
    /// assert_eq!(message.direction, Direction::Outbound);
    /// assert_eq!((message.message_type(), message.body()), ("text", "Your bike is ready"));
    /// assert_eq!(message.reply_to().unwrap(), "wamid.QUESTION");
    ///
    /// let question: Message = serde_json::from_str(
    ///     r#"{"from": "15550101001", "id": "wamid.QUESTION", "timestamp": "1785000000",
    ///         "type": "text", "text": {"body": "Is my bike ready?"}}"#,
    /// )?;
    /// assert_eq!((question.direction, question.user), (Direction::Inbound, message.user));
    /// # Ok::<(), serde_json::Error>(())
    /// ```
    #[derive(Clone, Debug, PartialEq)]
    #[non_exhaustive]
    pub struct Message {
        /// Its wamid.
        pub id: MessageId,
        /// The side that sent it.
        pub direction: Direction,
        /// The user on the other side: the sender of an inbound message, the
        /// recipient of an outbound one. Missing when the webhook names no user.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub user: Option<Identity>,
        /// When it was sent. `None` when Meta gave no time or one that is not a
        /// time.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub timestamp: Option<Timestamp>,
        /// The stage that an outbound message has reached.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub status: Option<MessageStatus>,
        /// Its content, by type.
        pub content: Content,
        /// The message that it answers, or that it was forwarded.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub context: Option<Box<MessageContext>>,
        /// The advertisement or post through which the user came.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub referral: Option<Box<Referral>>,
        /// The group that it was sent in.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub group_id: Option<GroupId>,
        /// Changes when the user's WhatsApp identity changes; present when the
        /// identity check of the number is on.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub identity_key_hash: Option<Box<str>>,
        /// Meta's internal id of the sender, in some authentication messages.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub from_logical_id: Option<LogicalId>,
        /// Meta's internal id of the recipient, likewise.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub to_logical_id: Option<LogicalId>,
        /// Why contact cards were shared: `contact_request` or `other`.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub origin: Option<Box<str>>,
        /// Why WhatsApp cannot show it to you, of an unsupported message.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        pub errors: Vec<MetaError>,
    }
}

text_enum! {
    /// Who sent a message.
    pub enum Direction {
        /// The user.
        Inbound = "inbound",
        /// The business.
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
