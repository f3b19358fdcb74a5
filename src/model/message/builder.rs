//! Messages that you sent.

use super::{Content, Direction, Message, MessageContext};
use crate::model::{GroupId, Identity, MessageId, MessageStatus, Timestamp};

/// Puts together an outbound [`Message`]. Made by [`Message::outbound`].
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
    /// Returns the builder of a message that Meta accepted from you, to be announced with
    /// [`MESSAGE_SENT`](crate::signals::MESSAGE_SENT).
    ///
    /// Both are in Meta's answer: `id` is the wamid, and `to` the `wa_id`,
    /// [never the `input`](Identity::from_phone). A status of the
    /// message names the user by the `wa_id`.
    /// [`MessageSent::from_graph`](crate::event::MessageSent::from_graph) reads both, and the
    /// content from your request.
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
    /// When it was sent.
    ///
    /// # Examples
    ///
    /// ```
    /// use whatsapp_signals::model::{Content, Identity, Message, Timestamp};
    ///
    /// let ada = Identity::from_phone("15550101001").unwrap();
    /// let sent = Timestamp::from_secs(1_785_000_000);
    /// let message = Message::outbound("wamid.A", ada, Content::text("Hello")).timestamp(sent).build();
    /// assert_eq!(message.timestamp, Some(sent));
    /// ```
    pub fn timestamp(mut self, timestamp: Timestamp) -> Self {
        self.0.timestamp = Some(timestamp);
        self
    }

    /// How far it has come; [`Sent`](MessageStatus::Sent) unless given.
    ///
    /// # Examples
    ///
    /// ```
    /// use whatsapp_signals::model::{Content, Identity, Message, MessageStatus};
    ///
    /// let ada = Identity::from_phone("15550101001").unwrap();
    /// let message = Message::outbound("wamid.A", ada, Content::text("Hello"))
    ///     .status(MessageStatus::Delivered)
    ///     .build();
    /// assert_eq!(message.status, Some(MessageStatus::Delivered));
    /// ```
    pub fn status(mut self, status: MessageStatus) -> Self {
        self.0.status = Some(status);
        self
    }

    /// The message that it answers.
    ///
    /// # Examples
    ///
    /// ```
    /// use whatsapp_signals::model::{Content, Identity, Message};
    ///
    /// let ada = Identity::from_phone("15550101001").unwrap();
    /// let message = Message::outbound("wamid.B", ada, Content::text("Yes")).reply_to("wamid.A").build();
    /// assert_eq!(message.reply_to().unwrap(), "wamid.A");
    /// ```
    pub fn reply_to(mut self, id: impl Into<MessageId>) -> Self {
        self.0.context.get_or_insert_with(Box::default).id = Some(id.into());
        self
    }

    /// Everything about what it answers.
    ///
    /// # Examples
    ///
    /// ```
    /// use whatsapp_signals::model::{Content, MessageContext, Identity, Message};
    ///
    /// let ada = Identity::from_phone("15550101001").unwrap();
    /// let mut context = MessageContext::default();
    /// context.forwarded = Some(true);
    /// let message = Message::outbound("wamid.A", ada, Content::text("News")).context(context).build();
    /// assert!(message.context.unwrap().is_forwarded());
    /// ```
    pub fn context(mut self, context: MessageContext) -> Self {
        self.0.context = Some(Box::new(context));
        self
    }

    /// The group that it was sent to.
    ///
    /// # Examples
    ///
    /// ```
    /// use whatsapp_signals::model::{Content, Identity, Message};
    ///
    /// let ada = Identity::from_phone("15550101001").unwrap();
    /// let message = Message::outbound("wamid.A", ada, Content::text("Hello")).group("Y2FwaV9n").build();
    /// assert_eq!(message.group_id.unwrap(), "Y2FwaV9n");
    /// ```
    pub fn group(mut self, id: impl Into<GroupId>) -> Self {
        self.0.group_id = Some(id.into());
        self
    }

    /// The finished message.
    ///
    /// # Examples
    ///
    /// ```
    /// use whatsapp_signals::model::{Content, Identity, Message, MessageStatus};
    ///
    /// let ada = Identity::from_phone("15550101001").unwrap();
    /// let message = Message::outbound("wamid.A", ada, Content::text("Hello")).build();
    /// assert_eq!(message.id, "wamid.A");
    /// assert_eq!(message.status, Some(MessageStatus::Sent));
    /// ```
    #[must_use]
    pub fn build(self) -> Message {
        self.0
    }
}
