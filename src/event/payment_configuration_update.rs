use super::Payload;
use crate::json::object::object;
use crate::model::Timestamp;
use crate::model::text_enum::text_enum;

object! {
    /// `payment_configuration_update`: the connection to a payment provider
    /// changed.
    ///
    /// ```json
    /// {"configuration_name": "juniper-pay", "provider_name": "razorpay", "provider_mid": "acc_42",
    ///  "status": "Needs Testing", "created_timestamp": 1785000000, "updated_timestamp": 1785000300}
    /// ```
    ///
    /// Meta's page: [payment_configuration_update webhook](https://developers.facebook.com/documentation/business-messaging/whatsapp/webhooks/reference/payment_configuration_update).
    ///
    /// ```
    /// use whatsapp_signals::event::WebhookEvent;
    ///
    /// let body = &std::fs::read("tests/payloads/payment-configuration-update.json")?;
    /// let webhook = whatsapp_signals::parse(body)?;
    /// let [WebhookEvent::PaymentConfigurationUpdate(change)] = webhook.events() else {
    ///     panic!("one change")
    /// };
    /// assert!(change.value.updated_timestamp > change.value.created_timestamp);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[derive(Default, Eq, Hash)]
    pub struct PaymentConfigurationUpdate {
        /// Your name for it.
        pub configuration_name: Option<Box<str>>,
        /// `razorpay`, `payu`, …
        pub provider_name: Option<Box<str>>,
        /// Your merchant id at the provider.
        pub provider_mid: Option<Box<str>>,
        /// Whether it works.
        pub status: Option<PaymentConfigurationStatus>,
        /// When it was made.
        pub created_timestamp: Option<Timestamp>,
        /// When it last changed.
        pub updated_timestamp: Option<Timestamp>,
    }
}

text_enum! {
    /// Whether a connection to a payment provider works.
    pub enum PaymentConfigurationStatus {
        /// It does.
        Active = "Active",
        /// It is to be connected.
        NeedsConnecting = "Needs Connecting",
        /// It is connected, and to be tested.
        NeedsTesting = "Needs Testing",
    }
}

impl Payload for PaymentConfigurationUpdate {
    fn time(&self) -> Option<Timestamp> {
        self.updated_timestamp
    }
}
