//! Payments, which come as statuses of the order that you sent.

use serde_json::{Map, Value};

use super::{ReferenceId, Timestamp, TransactionId};
use crate::json::object::object;

object! {
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
}

object! {
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
    #[derive(Copy, Default, Eq, Hash)]
    pub struct Amount {
        /// In parts of `offset`.
        pub value: Option<i64>,
        /// How many parts make one unit, usually 100.
        pub offset: Option<i64>,
    }
}

object! {
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
    #[derive(Default, Eq, Hash)]
    pub struct Transaction {
        /// The provider's id of it.
        pub id: Option<TransactionId>,
        /// The provider or the method.
        pub kind = "type": Option<Box<str>>,
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
}

object! {
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
    #[derive(Default, Eq, Hash)]
    pub struct PaymentMethodKind {
        /// `upi`, `card`, `netbanking`, …
        pub kind = "type": Option<Box<str>>,
    }
}

object! {
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
    #[derive(Default, Eq, Hash)]
    pub struct PaymentError {
        /// What to match on.
        pub code: Option<Box<str>>,
        /// In words.
        pub reason: Option<Box<str>>,
    }
}
