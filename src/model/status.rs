//! What became of a message that you sent.

use super::text_enum::text_enum;
use super::{
    Conversation, GroupId, Identity, MessageId, MetaError, Payment, Pricing, TemplateId, Timestamp,
};
use crate::json::stored::stored;

stored! {
    /// One step in the life of a message that you sent.
    ///
    /// Steps may come twice and in any order; [`MessageStatus::supersedes`] is `true`
    /// for the later of two.
    ///
    /// # JSON
    ///
    /// ```json
    /// {"id": "wamid.HBgL…", "status": "failed", "timestamp": "1785000000",
    ///  "recipient_id": "15550101001", "errors": [{"code": 131026, "title": "…"}]}
    /// ```
    ///
    /// `Deserialize` reads this form, and the one that `Serialize` writes: with `recipient` and
    /// `group_id` in place of `recipient_id`, `recipient_user_id`, …
    ///
    /// Meta's page: [status messages webhook](https://developers.facebook.com/docs/whatsapp/cloud-api/webhooks/reference/messages/status).
    ///
    /// ```
    /// use whatsapp_signals::model::{MessageStatus, StatusUpdate};
    ///
    /// let read = StatusUpdate::new("wamid.HBgL", MessageStatus::Read);
    /// assert!(read.status.supersedes(&MessageStatus::Delivered));
    ///
    /// let sent: StatusUpdate = serde_json::from_str(
    ///     r#"{"id": "wamid.HBgL", "status": "sent", "recipient_id": "15550101001"}"#,
    /// )?;
    /// assert_eq!(sent.recipient.unwrap().phone(), Some("15550101001"));
    /// # Ok::<(), serde_json::Error>(())
    /// ```
    #[derive(Clone, Debug, PartialEq, Eq)]
    #[non_exhaustive]
    pub struct StatusUpdate {
        /// The message, by the wamid that sending it returned.
        pub id: MessageId,
        /// The stage that the message is at.
        pub status: MessageStatus,
        /// The subject of the status when it is not a message: `payment`.
        #[serde(rename = "type", default, skip_serializing_if = "Option::is_none")]
        pub kind: Option<Box<str>>,
        /// When.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub timestamp: Option<Timestamp>,
        /// The user that it was sent to; of a group message, the participant that
        /// this status is about.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub recipient: Option<Identity>,
        /// The kind of recipient: `group`, or missing.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub recipient_type: Option<Box<str>>,
        /// The group that it was sent to.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub group_id: Option<GroupId>,
        /// The recipient's identity, when the identity check is on.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub recipient_identity_key_hash: Option<Box<str>>,
        /// The conversation that it was billed under; not sent since v24 except in
        /// a free-entry-point window.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub conversation: Option<Box<Conversation>>,
        /// Its price; with `sent` and one of `delivered` and `read`.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub pricing: Option<Pricing>,
        /// The payment that a status of kind `payment` is about.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub payment: Option<Box<Payment>>,
        /// The template that it used.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub template_id: Option<TemplateId>,
        /// Why it failed.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        pub errors: Vec<MetaError>,
        /// The text that you gave when you sent it.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub biz_opaque_callback_data: Option<Box<str>>,
    }
}

impl StatusUpdate {
    /// Whether the message was sent to a group.
    ///
    /// ```
    /// use whatsapp_signals::model::{MessageStatus, StatusUpdate};
    ///
    /// let mut update = StatusUpdate::new("wamid.HBgL", MessageStatus::Read);
    /// assert!(!update.is_group_message());
    /// update.group_id = Some("Y2FwaV9n".into());
    /// assert!(update.is_group_message());
    /// ```
    #[must_use]
    pub fn is_group_message(&self) -> bool {
        self.group_id.is_some() || self.recipient_type.as_deref() == Some("group")
    }

    /// Returns whether a status is one of the message itself. The status of a payment is not, and
    /// a failure at one member of a group says little of the message.
    pub(crate) fn is_of_message(&self) -> bool {
        let is_of_message = self.kind.as_deref().is_none_or(|kind| kind == "message");
        let is_of_member = self.is_group_message() && self.recipient.is_some();
        let is_failure = self.status == MessageStatus::Failed;
        is_of_message && !(is_of_member && is_failure)
    }

    /// A step of which nothing else is known.
    ///
    /// # Examples
    ///
    /// ```
    /// use whatsapp_signals::model::{MessageStatus, StatusUpdate};
    ///
    /// let update = StatusUpdate::new("wamid.HBgL", MessageStatus::Delivered);
    /// assert_eq!((update.id.as_str(), update.status.as_str()), ("wamid.HBgL", "delivered"));
    /// ```
    #[must_use]
    pub fn new(id: impl Into<MessageId>, status: MessageStatus) -> Self {
        Self {
            id: id.into(),
            status,
            kind: None,
            timestamp: None,
            recipient: None,
            recipient_type: None,
            group_id: None,
            recipient_identity_key_hash: None,
            conversation: None,
            pricing: None,
            payment: None,
            template_id: None,
            errors: Vec::new(),
            biz_opaque_callback_data: None,
        }
    }
}

text_enum! {
    /// The stages of a message that you sent.
    pub enum MessageStatus {
        /// On its way.
        Sent = "sent",
        /// On the user's phone.
        Delivered = "delivered",
        /// Seen by the user.
        Read = "read",
        /// A voice message that the user listened to.
        Played = "played",
        /// Not delivered; the errors say why.
        Failed = "failed",
        /// Deleted by the user.
        Deleted = "deleted",
        /// Something about it is amiss; older versions.
        Warning = "warning",
    }
}

impl MessageStatus {
    /// Whether a message that is at `earlier` moves on to this status.
    ///
    /// Read is never followed by delivered, and nothing but a deletion clears
    /// a failure. A status that this version does not know supersedes nothing.
    ///
    /// ```
    /// use whatsapp_signals::model::MessageStatus::{Delivered, Failed, Read, Sent};
    ///
    /// assert!(Read.supersedes(&Sent));
    /// assert!(!Delivered.supersedes(&Read));
    /// assert!(Failed.supersedes(&Sent));
    /// assert!(!Sent.supersedes(&Failed));
    /// ```
    #[must_use]
    pub fn supersedes(&self, earlier: &Self) -> bool {
        self.rank() > earlier.rank()
    }

    /// Returns whether a message at `status` moves to this one. The first status is one in any
    /// case, also if this version does not know it.
    pub(crate) fn is_news_after(&self, status: Option<&Self>) -> bool {
        status.is_none_or(|status| self.supersedes(status))
    }

    fn rank(&self) -> u8 {
        match self {
            Self::Other(_) | Self::Warning => 0,
            Self::Sent => 1,
            Self::Delivered => 2,
            Self::Read => 3,
            Self::Played => 4,
            Self::Failed => 5,
            Self::Deleted => 6,
        }
    }
}

text_enum! {
    /// The `message_status` of a response to a template: sent at once, held back or paused.
    ///
    /// Meta holds back messages of a new or badly rated template, to see first what users think of
    /// those that were sent. It sends or drops the rest later; a dropped one has a status `failed`.
    ///
    /// Meta's page: [template pacing](https://developers.facebook.com/documentation/business-messaging/whatsapp/templates/template-pacing).
    pub enum PacingStatus {
        /// Meta sends it now.
        Accepted = "accepted",
        /// Meta sends it later, or drops it.
        HeldForQualityAssessment = "held_for_quality_assessment",
        /// The template is paused.
        Paused = "paused",
    }
}
