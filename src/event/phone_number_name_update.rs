use super::{Decision, Payload};
use crate::json::object::object;

object! {
    /// `phone_number_name_update`: Meta has reviewed the display name of one of
    /// your numbers.
    ///
    /// ```json
    /// {"display_phone_number": "15550100200", "decision": "APPROVED",
    ///  "requested_verified_name": "Juniper Yard", "rejection_reason": null}
    /// ```
    ///
    /// Meta's page: [phone_number_name_update webhook](https://developers.facebook.com/documentation/business-messaging/whatsapp/webhooks/reference/phone_number_name_update).
    ///
    /// ```
    /// use whatsapp_signals::event::{Decision, WebhookEvent};
    ///
    /// let body = &std::fs::read("tests/payloads/phone-number-name-update.json")?;
    /// let webhook = whatsapp_signals::parse(body)?;
    /// let [WebhookEvent::PhoneNumberNameUpdate(change)] = webhook.events() else { panic!("one change") };
    /// assert_eq!(change.value.decision, Decision::Rejected);
    /// assert_eq!(change.value.rejection_reason.as_deref(), Some("NAME_FORMAT_UNACCEPTABLE"));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[derive(Eq, Hash)]
    pub struct PhoneNumberNameUpdate {
        /// The number, as people see it.
        pub display_phone_number: Option<Box<str>>,
        /// The outcome.
        pub decision: Decision,
        /// The name that was reviewed.
        pub requested_verified_name: Option<Box<str>>,
        /// Why it was rejected.
        pub rejection_reason: Option<Box<str>>,
    }
}

impl Payload for PhoneNumberNameUpdate {}
