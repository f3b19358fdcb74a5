//! Statuses of messages, with their prices and payments.

use serde_json::{Map, Value};

use super::text_enum::text_enum;
use super::{
    ConversationId, GroupId, Identity, MessageId, MetaError, ReferenceId, TemplateId, Timestamp,
    TransactionId,
};
use crate::json::object::json_object;
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

/// The conversation that a message was billed under.
///
/// ```
/// use whatsapp_signals::model::Conversation;
///
/// let conversation: Conversation =
///     serde_json::from_str(r#"{"id": "72b1", "origin": {"type": "marketing"}}"#)?;
/// assert_eq!(conversation.origin.unwrap().kind.unwrap(), "marketing");
/// # Ok::<(), serde_json::Error>(())
/// ```
#[json_object]
#[derive(Default, Eq, Hash)]
pub struct Conversation {
    /// Its id.
    pub id: Option<ConversationId>,
    /// When its window closes; only with `sent`.
    pub expiration_timestamp: Option<Timestamp>,
    /// What opened it.
    pub origin: Option<ConversationOrigin>,
    /// In group statuses Meta writes the pricing here.
    pub pricing: Option<Pricing>,
}

/// What opened a conversation.
///
/// # Examples
///
/// ```
/// use whatsapp_signals::model::{ConversationOrigin, PricingCategory};
///
/// let origin: ConversationOrigin = serde_json::from_str(r#"{"type": "utility"}"#)?;
/// assert_eq!(origin.kind, Some(PricingCategory::Utility));
/// # Ok::<(), serde_json::Error>(())
/// ```
#[json_object]
#[derive(Default, Eq, Hash)]
pub struct ConversationOrigin {
    /// Its category.
    #[json(rename = "type")]
    pub kind: Option<PricingCategory>,
}

/// What a message costs.
///
/// ```
/// use whatsapp_signals::model::{Pricing, PricingCategory, PricingModel};
///
/// let pricing: Pricing = serde_json::from_str(
///     r#"{"billable": true, "pricing_model": "PMP", "type": "regular", "category": "utility"}"#,
/// )?;
/// assert_eq!(pricing.pricing_model, Some(PricingModel::PerMessage));
/// assert_eq!(pricing.category, Some(PricingCategory::Utility));
/// # Ok::<(), serde_json::Error>(())
/// ```
///
/// Meta's page: [pricing](https://developers.facebook.com/docs/whatsapp/pricing).
#[json_object]
#[derive(Default, Eq, Hash)]
pub struct Pricing {
    /// Whether it is billed; Meta means to drop this.
    pub billable: Option<bool>,
    /// By conversation or by message.
    pub pricing_model: Option<PricingModel>,
    /// Reason why it is free, or that it is not.
    #[json(rename = "type")]
    pub kind: Option<PricingType>,
    /// Finer distinction within the type.
    pub subtype: Option<PricingSubtype>,
    /// The rate.
    pub category: Option<PricingCategory>,
}

text_enum! {
    /// By what Meta bills.
    pub enum PricingModel {
        /// By conversation; the model until July 2025.
        PerConversation = "CBP",
        /// By message.
        PerMessage = "PMP",
    }
}

text_enum! {
    /// Reason why a message is free, or that it is not.
    ///
    /// Meta changed the rules on 1 October 2026, so one value covers different
    /// messages before and after that day.
    ///
    /// Meta's page: [pricing](https://developers.facebook.com/docs/whatsapp/pricing).
    pub enum PricingType {
        /// Billed. Since October 2026 also a utility message within 24 hours
        /// after a user's message.
        Regular = "regular",
        /// Free: a service message within the free tier. Until October 2026: a
        /// service or utility message within 24 hours after a user's message.
        FreeCustomerService = "free_customer_service",
        /// Free: a service message to a group.
        FreeGroupCustomerService = "free_group_customer_service",
        /// Free: within the window after a free entry point, which lasts 72
        /// hours, or up to 7 days since October 2026.
        FreeEntryPoint = "free_entry_point",
    }
}

text_enum! {
    /// Finer distinction within a [`PricingType`].
    ///
    /// ```
    /// use whatsapp_signals::event::WebhookEvent;
    /// use whatsapp_signals::model::PricingSubtype;
    ///
    /// let body = &std::fs::read("tests/payloads/status-paid-exempt.json")?;
    /// let webhook = whatsapp_signals::parse(body)?;
    /// let [WebhookEvent::MessageStatusChanged(event)] = webhook.events() else { panic!("a status") };
    /// let pricing = event.update.pricing.as_ref().unwrap();
    /// assert_eq!(pricing.subtype, Some(PricingSubtype::PaidExempt));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// Meta's page: [status messages webhook](https://developers.facebook.com/documentation/business-messaging/whatsapp/webhooks/reference/messages/status).
    pub enum PricingSubtype {
        /// Exempt from the charge.
        PaidExempt = "paid_exempt",
    }
}

text_enum! {
    /// The category by which a message or a conversation is billed.
    ///
    /// Meta's page: [pricing](https://developers.facebook.com/docs/whatsapp/pricing).
    pub enum PricingCategory {
        /// A template with a code to log in with.
        Authentication = "authentication",
        /// The same, at the rate for businesses of other countries. In a conversation Meta
        /// writes `authentication_international`.
        AuthenticationInternational = "authentication-international" | "authentication_international",
        /// A template that promotes.
        Marketing = "marketing",
        /// A template sent with the Marketing Messages API.
        MarketingLite = "marketing_lite",
        /// A template about an order or an account.
        Utility = "utility",
        /// A message within 24 hours after a user's message.
        Service = "service",
        /// A conversation that began with an advertisement.
        ReferralConversion = "referral_conversion",
        /// A template that promotes, sent to a group.
        GroupMarketing = "group_marketing",
        /// A template about an order or an account, sent to a group.
        GroupUtility = "group_utility",
        /// A message to a group within 24 hours after a message in it.
        GroupService = "group_service",
        /// A message of an assistant that is the business's main product.
        GeneralPurposeAi = "general_purpose_ai",
    }
}

/// A payment that the user made for an order that you sent.
///
/// ```
/// use whatsapp_signals::model::Payment;
///
/// let payment: Payment = serde_json::from_str(
///     r#"{"reference_id": "order-42", "amount": {"value": "21000", "offset": 100},
///         "currency": "INR", "transaction": {"id": "txn-42", "status": "success"}}"#,
/// )?;
/// let amount = payment.amount.unwrap();
/// assert_eq!((amount.value, amount.offset), (Some(21_000), Some(100)));
/// assert_eq!(payment.transaction.unwrap().status.as_deref(), Some("success"));
/// # Ok::<(), serde_json::Error>(())
/// ```
#[json_object]
#[derive(Default, Eq)]
pub struct Payment {
    /// Your id of the order.
    pub reference_id: Option<ReferenceId>,
    /// How much.
    pub amount: Option<Amount>,
    /// In what, by its ISO 4217 code.
    pub currency: Option<Box<str>>,
    /// The payment provider's side of it.
    pub transaction: Option<Transaction>,
    /// The number that you gave the receipt.
    pub receipt: Option<Box<str>>,
    /// What you noted on the order.
    pub notes: Option<Map<String, Value>>,
}

/// An amount of money: `value / offset` units of its currency.
///
/// # Examples
///
/// ```
/// use whatsapp_signals::model::Amount;
///
/// let amount: Amount = serde_json::from_str(r#"{"value": 249900, "offset": 100}"#)?;
/// assert_eq!(amount.value.zip(amount.offset).map(|(value, offset)| value / offset), Some(2_499));
/// # Ok::<(), serde_json::Error>(())
/// ```
#[json_object]
#[derive(Copy, Default, Eq, Hash)]
pub struct Amount {
    /// In parts of `offset`.
    pub value: Option<i64>,
    /// How many parts make one unit, usually 100.
    pub offset: Option<i64>,
}

/// A payment provider's transaction.
///
/// # Examples
///
/// ```
/// use whatsapp_signals::event::WebhookEvent;
///
/// let body = &std::fs::read("tests/payloads/status-payment.json")?;
/// let webhook = whatsapp_signals::parse(body)?;
/// let [WebhookEvent::MessageStatusChanged(event)] = webhook.events() else { panic!("a status") };
/// let payment = event.update.payment.as_ref().unwrap();
/// let transaction = payment.transaction.as_ref().unwrap();
/// assert_eq!(transaction.status.as_deref(), Some("success"));
/// assert!(transaction.updated_timestamp > transaction.created_timestamp);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[json_object]
#[derive(Default, Eq, Hash)]
pub struct Transaction {
    /// The provider's id of it.
    pub id: Option<TransactionId>,
    /// The provider or the method.
    #[json(rename = "type")]
    pub kind: Option<Box<str>>,
    /// `success`, `failed`, `pending`.
    pub status: Option<Box<str>>,
    /// How much.
    pub amount: Option<Amount>,
    /// In what, by its ISO 4217 code.
    pub currency: Option<Box<str>>,
    /// How the user paid.
    pub method: Option<PaymentMethodKind>,
    /// Why it failed.
    pub error: Option<PaymentError>,
    /// When it began.
    pub created_timestamp: Option<Timestamp>,
    /// When it last changed.
    pub updated_timestamp: Option<Timestamp>,
}

/// How a user paid.
///
/// # Examples
///
/// ```
/// use whatsapp_signals::model::Transaction;
///
/// let paid: Transaction = serde_json::from_str(r#"{"method": {"type": "upi"}}"#)?;
/// assert_eq!(paid.method.unwrap().kind.as_deref(), Some("upi"));
/// # Ok::<(), serde_json::Error>(())
/// ```
#[json_object]
#[derive(Default, Eq, Hash)]
pub struct PaymentMethodKind {
    /// `upi`, `card`, `netbanking`, …
    #[json(rename = "type")]
    pub kind: Option<Box<str>>,
}

/// Why a payment failed.
///
/// # Examples
///
/// ```
/// use whatsapp_signals::model::Transaction;
///
/// let failed: Transaction = serde_json::from_str(
///     r#"{"status": "failed", "error": {"code": "GATEWAY_DECLINED", "reason": "card_limit_reached"}}"#,
/// )?;
/// assert_eq!(failed.error.unwrap().code.as_deref(), Some("GATEWAY_DECLINED"));
/// # Ok::<(), serde_json::Error>(())
/// ```
#[json_object]
#[derive(Default, Eq, Hash)]
pub struct PaymentError {
    /// What to match on.
    pub code: Option<Box<str>>,
    /// In words.
    pub reason: Option<Box<str>>,
}
