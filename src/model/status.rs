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
    /// The status of an outbound message.
    ///
    /// Statuses may be repeated and arrive in any order; [`MessageStatus::supersedes`] is `true`
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
        /// The wamid of the message.
        pub id: MessageId,
        /// The stage of the message.
        pub status: MessageStatus,
        /// The subject of the status when it is not a message: `payment`.
        #[serde(rename = "type", default, skip_serializing_if = "Option::is_none")]
        pub kind: Option<Box<str>>,
        /// The time of the status.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub timestamp: Option<Timestamp>,
        /// The recipient; for a group message, the participant of this status.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub recipient: Option<Identity>,
        /// The kind of recipient: `group`, or missing.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub recipient_type: Option<Box<str>>,
        /// The recipient group.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub group_id: Option<GroupId>,
        /// The hash of the recipient's identity, when the identity check is on.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub recipient_identity_key_hash: Option<Box<str>>,
        /// The conversation under which the message was billed; since v24 only in a
        /// free-entry-point window.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub conversation: Option<Box<Conversation>>,
        /// The price; with `sent` and one of `delivered` and `read`.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub pricing: Option<Pricing>,
        /// The payment of a status of the kind `payment`.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub payment: Option<Box<Payment>>,
        /// The template of the message.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub template_id: Option<TemplateId>,
        /// The errors of a failed message.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        pub errors: Vec<MetaError>,
        /// The text of your request.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub biz_opaque_callback_data: Option<Box<str>>,
    }
}

impl StatusUpdate {
    /// Returns whether the message was sent to a group.
    #[must_use]
    pub fn is_group_message(&self) -> bool {
        self.group_id.is_some() || self.recipient_type.as_deref() == Some("group")
    }

    /// Returns whether the status is that of the whole message, and not of a payment or of one
    /// member of a group.
    pub(crate) fn is_of_message(&self) -> bool {
        let is_of_message = self.kind.as_deref().is_none_or(|kind| kind == "message");
        let is_of_member = self.is_group_message() && self.recipient.is_some();
        let is_failure = self.status == MessageStatus::Failed;
        is_of_message && !(is_of_member && is_failure)
    }

    /// Returns a status with an id and a stage, and no other members.
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
    /// The stage of an outbound message.
    pub enum MessageStatus {
        /// The message was sent.
        Sent = "sent",
        /// The message was delivered.
        Delivered = "delivered",
        /// The message was read.
        Read = "read",
        /// The voice message was played.
        Played = "played",
        /// The message was not delivered; the errors contain the reason.
        Failed = "failed",
        /// The user deleted the message.
        Deleted = "deleted",
        /// The message has a problem; older versions.
        Warning = "warning",
    }
}

impl MessageStatus {
    /// Returns whether this status is later than `earlier`.
    ///
    /// `delivered` does not supersede `read`, and only a deletion supersedes a failure. An unknown
    /// status supersedes nothing.
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

    /// Returns whether this status supersedes `status`. Any first status does, even an unknown one.
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
    /// The pacing of a template message: the `message_status` of the response.
    ///
    /// Meta holds back messages of a new or badly rated template until users have rated the first
    /// ones. It sends or drops the remaining ones later; a dropped message has the status `failed`.
    ///
    /// Meta's page: [template pacing](https://developers.facebook.com/documentation/business-messaging/whatsapp/templates/template-pacing).
    pub enum PacingStatus {
        /// Meta sends the message now.
        Accepted = "accepted",
        /// Meta sends the message later, or drops it.
        HeldForQualityAssessment = "held_for_quality_assessment",
        /// The template is paused.
        Paused = "paused",
    }
}

/// The conversation under which a message was billed.
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
    /// The id.
    pub id: Option<ConversationId>,
    /// The end of the window; only with `sent`.
    pub expiration_timestamp: Option<Timestamp>,
    /// The origin.
    pub origin: Option<ConversationOrigin>,
    /// The pricing, in group statuses.
    pub pricing: Option<Pricing>,
}

/// The origin of a conversation.
#[json_object]
#[derive(Default, Eq, Hash)]
pub struct ConversationOrigin {
    /// The category.
    #[json(rename = "type")]
    pub kind: Option<PricingCategory>,
}

/// The price of a message.
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
    /// True for a billed message; Meta intends to remove this member.
    pub billable: Option<bool>,
    /// The billing model.
    pub pricing_model: Option<PricingModel>,
    /// The reason for a free message, or `regular`.
    #[json(rename = "type")]
    pub kind: Option<PricingType>,
    /// The subtype.
    pub subtype: Option<PricingSubtype>,
    /// The category of the rate.
    pub category: Option<PricingCategory>,
}

text_enum! {
    /// The unit of billing.
    pub enum PricingModel {
        /// Billing by conversation; the model until July 2025.
        PerConversation = "CBP",
        /// Billing by message.
        PerMessage = "PMP",
    }
}

text_enum! {
    /// The reason for a free message, or `regular`.
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
    /// The subtype of a [`PricingType`].
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
        /// A template with a login code.
        Authentication = "authentication",
        /// A template with a login code, at the rate for businesses of other countries. In a
        /// conversation Meta writes `authentication_international`.
        AuthenticationInternational = "authentication-international" | "authentication_international",
        /// A promotional template.
        Marketing = "marketing",
        /// A template sent with the Marketing Messages API.
        MarketingLite = "marketing_lite",
        /// A template about an order or an account.
        Utility = "utility",
        /// A message within 24 hours after a user's message.
        Service = "service",
        /// A conversation that began with an advertisement.
        ReferralConversion = "referral_conversion",
        /// A promotional template to a group.
        GroupMarketing = "group_marketing",
        /// A template about an order or an account, to a group.
        GroupUtility = "group_utility",
        /// A message to a group within 24 hours after a message in it.
        GroupService = "group_service",
        /// A message of an assistant that is the business's main product.
        GeneralPurposeAi = "general_purpose_ai",
    }
}

/// A user's payment for an order.
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
    /// The amount.
    pub amount: Option<Amount>,
    /// The currency, an ISO 4217 code.
    pub currency: Option<Box<str>>,
    /// The transaction of the payment provider.
    pub transaction: Option<Transaction>,
    /// The number of your receipt.
    pub receipt: Option<Box<str>>,
    /// Your notes of the order.
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
    /// The amount in units of `1 / offset`.
    pub value: Option<i64>,
    /// The number of parts of one unit, usually 100.
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
    /// The provider's id.
    pub id: Option<TransactionId>,
    /// The provider or the method.
    #[json(rename = "type")]
    pub kind: Option<Box<str>>,
    /// `success`, `failed`, `pending`.
    pub status: Option<Box<str>>,
    /// The amount.
    pub amount: Option<Amount>,
    /// The currency, an ISO 4217 code.
    pub currency: Option<Box<str>>,
    /// The method of the payment.
    pub method: Option<PaymentMethodKind>,
    /// The error of a failed payment.
    pub error: Option<PaymentError>,
    /// The time of the creation.
    pub created_timestamp: Option<Timestamp>,
    /// The time of the last change.
    pub updated_timestamp: Option<Timestamp>,
}

/// The method of a payment.
#[json_object]
#[derive(Default, Eq, Hash)]
pub struct PaymentMethodKind {
    /// `upi`, `card`, `netbanking`, …
    #[json(rename = "type")]
    pub kind: Option<Box<str>>,
}

/// The error of a failed payment.
#[json_object]
#[derive(Default, Eq, Hash)]
pub struct PaymentError {
    /// The code to match on.
    pub code: Option<Box<str>>,
    /// The description.
    pub reason: Option<Box<str>>,
}
