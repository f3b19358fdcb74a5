//! What a message costs.

use serde::{Deserialize, Serialize};

use super::text_enum::text_enum;
use super::{ConversationId, Timestamp, scalar};
use crate::model::timestamp::readable;

/// The conversation that a message was billed under.
///
/// ```
/// use whatsapp_signals::model::Conversation;
///
/// let conversation: Conversation =
///     serde_json::from_str(r#"{"id": "72b1", "origin": {"type": "marketing"}}"#)?;
/// assert_eq!(conversation.origin.unwrap().kind.as_deref(), Some("marketing"));
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[non_exhaustive]
#[serde(default)]
pub struct Conversation {
    /// Its id.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub id: Option<ConversationId>,
    /// When its window closes; only with `sent`.
    #[serde(deserialize_with = "readable", skip_serializing_if = "Option::is_none")]
    pub expiration_timestamp: Option<Timestamp>,
    /// What opened it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub origin: Option<ConversationOrigin>,
    /// In group statuses Meta writes the pricing here.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pricing: Option<Pricing>,
}

/// What opened a conversation.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[non_exhaustive]
#[serde(default)]
pub struct ConversationOrigin {
    /// Its category: `marketing`, `utility`, `service`, …
    #[serde(rename = "type", skip_serializing_if = "Option::is_none")]
    pub kind: Option<Box<str>>,
}

/// What a message costs.
///
/// ```
/// use whatsapp_signals::model::{Pricing, PricingModel};
///
/// let pricing: Pricing = serde_json::from_str(
///     r#"{"billable": true, "pricing_model": "PMP", "type": "regular", "category": "utility"}"#,
/// )?;
/// assert_eq!(pricing.pricing_model, Some(PricingModel::PerMessage));
/// assert_eq!(pricing.category.as_deref(), Some("utility"));
/// # Ok::<(), serde_json::Error>(())
/// ```
///
/// Meta's page: [pricing](https://developers.facebook.com/docs/whatsapp/pricing).
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[non_exhaustive]
#[serde(default)]
pub struct Pricing {
    /// Whether it is billed; Meta means to drop this.
    #[serde(
        deserialize_with = "scalar::parsed_option",
        skip_serializing_if = "Option::is_none"
    )]
    pub billable: Option<bool>,
    /// By conversation or by message.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pricing_model: Option<PricingModel>,
    /// Why it is free, or that it is not.
    #[serde(rename = "type", skip_serializing_if = "Option::is_none")]
    pub kind: Option<PricingType>,
    /// The rate: `marketing`, `utility`, `authentication-international`, …
    #[serde(skip_serializing_if = "Option::is_none")]
    pub category: Option<Box<str>>,
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
    /// Why a message is free, or that it is not.
    pub enum PricingType {
        /// Billed.
        Regular = "regular",
        /// Free: within the 24 hours after a user's message.
        FreeCustomerService = "free_customer_service",
        /// Free: within the 72 hours after a free entry point.
        FreeEntryPoint = "free_entry_point",
    }
}
