//! Payments, which come as statuses of the order that you sent.

use serde::{Deserialize, Serialize};

use super::{ReferenceId, Timestamp, TransactionId, scalar};
use crate::model::timestamp::readable;

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
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
#[serde(default)]
pub struct Payment {
    /// Your id of the order.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reference_id: Option<ReferenceId>,
    /// How much.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub amount: Option<Amount>,
    /// In what, by its ISO 4217 code.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub currency: Option<Box<str>>,
    /// The payment provider's side of it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub transaction: Option<Transaction>,
}

/// An amount of money: `value / offset` units of its currency.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[non_exhaustive]
#[serde(default)]
pub struct Amount {
    /// In parts of `offset`.
    #[serde(
        deserialize_with = "scalar::parsed_option",
        skip_serializing_if = "Option::is_none"
    )]
    pub value: Option<i64>,
    /// How many parts make one unit, usually 100.
    #[serde(
        deserialize_with = "scalar::parsed_option",
        skip_serializing_if = "Option::is_none"
    )]
    pub offset: Option<i64>,
}

/// A payment provider's transaction.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[non_exhaustive]
#[serde(default)]
pub struct Transaction {
    /// The provider's id of it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub id: Option<TransactionId>,
    /// The provider or the method.
    #[serde(rename = "type", skip_serializing_if = "Option::is_none")]
    pub kind: Option<Box<str>>,
    /// `success`, `failed`, `pending`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub status: Option<Box<str>>,
    /// When it began.
    #[serde(deserialize_with = "readable", skip_serializing_if = "Option::is_none")]
    pub created_timestamp: Option<Timestamp>,
    /// When it last changed.
    #[serde(deserialize_with = "readable", skip_serializing_if = "Option::is_none")]
    pub updated_timestamp: Option<Timestamp>,
}
