//! Answers to interactive messages.

use serde::{Deserialize, Serialize};

use crate::model::text_enum::text_enum;
use crate::model::timestamp::readable;
use crate::model::{CatalogId, ProductRetailerId, ReferenceId, Timestamp, scalar};

/// `interactive`: the answer to an interactive message that you sent.
///
/// ```json
/// {"type": "button_reply", "button_reply": {"id": "yes", "title": "Yes"}}
/// ```
///
/// Meta's page: [interactive messages webhook](https://developers.facebook.com/docs/whatsapp/cloud-api/webhooks/reference/messages/interactive).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Interactive {
    /// A tap on a reply button.
    ButtonReply(ButtonReply),
    /// A row of a list.
    ListReply(ListReply),
    /// A form that was filled in: a flow, an address.
    NfmReply(NfmReply),
    /// Whether you may call the user.
    CallPermissionReply(CallPermissionReply),
    /// A product of a carousel.
    Product(ProductReply),
    /// How the user wants to pay.
    PaymentMethod(PaymentMethod),
    /// An answer that this version does not know, by its `type`. Its content
    /// is in the event's raw JSON.
    Other(Box<str>),
}

impl Interactive {
    /// What the user read on the button or row, or what the chat shows.
    #[must_use]
    pub fn title(&self) -> &str {
        match self {
            Self::ButtonReply(reply) => &reply.title,
            Self::ListReply(reply) => &reply.title,
            Self::NfmReply(reply) => reply.body.as_deref().unwrap_or_default(),
            _ => "",
        }
    }
}

/// `button_reply`: a tap on a reply button.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[non_exhaustive]
pub struct ButtonReply {
    /// What your code called it.
    pub id: String,
    /// What the user read on it.
    #[serde(default)]
    pub title: String,
}

/// `list_reply`: a row of a list.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[non_exhaustive]
pub struct ListReply {
    /// What your code called it.
    pub id: String,
    /// What the user read on it.
    #[serde(default)]
    pub title: String,
    /// What the user read under it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<Box<str>>,
}

/// `nfm_reply`: a form that was filled in.
///
/// It also fires [`FLOW_COMPLETED`](crate::signals::FLOW_COMPLETED), with the
/// fields ready to use.
///
/// ```json
/// {"name": "flow", "body": "Sent", "response_json": "{\"flow_token\": \"…\", …}"}
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[non_exhaustive]
pub struct NfmReply {
    /// `flow`, `address_message`, …
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<Box<str>>,
    /// What the chat shows.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub body: Option<Box<str>>,
    /// The fields, as JSON in a string.
    pub response_json: String,
}

/// `call_permission_reply`: whether you may call the user.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[non_exhaustive]
pub struct CallPermissionReply {
    /// Yes or no.
    pub response: CallPermission,
    /// Whether it holds until it is taken back.
    #[serde(
        default,
        deserialize_with = "scalar::parsed_option",
        skip_serializing_if = "Option::is_none"
    )]
    pub is_permanent: Option<bool>,
    /// Until when it holds.
    #[serde(
        default,
        deserialize_with = "readable",
        skip_serializing_if = "Option::is_none"
    )]
    pub expiration_timestamp: Option<Timestamp>,
    /// Whether the user answered or the app did, after a call.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub response_source: Option<Box<str>>,
}

text_enum! {
    /// The answer to a call permission request.
    pub enum CallPermission {
        /// You may call.
        Accept = "accept",
        /// You may not.
        Reject = "reject",
    }
}

/// `product`: a product that the user chose.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[non_exhaustive]
#[serde(default)]
pub struct ProductReply {
    /// The catalog.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub catalog_id: Option<CatalogId>,
    /// Your id of the product.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub product_retailer_id: Option<ProductRetailerId>,
}

/// `payment_method`: how the user wants to pay.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[non_exhaustive]
#[serde(default)]
pub struct PaymentMethod {
    /// `offsite_card_pay`, …
    #[serde(skip_serializing_if = "Option::is_none")]
    pub payment_method: Option<Box<str>>,
    /// When the user chose.
    #[serde(deserialize_with = "readable", skip_serializing_if = "Option::is_none")]
    pub payment_timestamp: Option<Timestamp>,
    /// Your id of the order.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reference_id: Option<ReferenceId>,
    /// Of the card.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last_four_digits: Option<Box<str>>,
    /// Of the card, at the payment provider.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub credential_id: Option<Box<str>>,
}
