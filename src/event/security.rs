use super::Payload;
use crate::json::object::object;
use crate::model::text_enum::text_enum;

object! {
    /// `security`: somebody changed the two-step PIN of one of your numbers, or
    /// asked to.
    ///
    /// ```json
    /// {"display_phone_number": "15550100200", "event": "PIN_RESET_REQUEST",
    ///  "requester": "61550001112223"}
    /// ```
    ///
    /// Meta's page: [security webhook](https://developers.facebook.com/documentation/business-messaging/whatsapp/webhooks/reference/security).
    ///
    /// ```
    /// use whatsapp_signals::event::{SecurityEvent, WebhookEvent};
    ///
    /// let body = &std::fs::read("tests/payloads/security.json")?;
    /// let webhook = whatsapp_signals::parse(body)?;
    /// let [WebhookEvent::Security(change)] = webhook.events() else { panic!("one change") };
    /// assert_eq!(change.value.event, SecurityEvent::PinResetRequest);
    /// assert!(change.value.requester.is_some());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[derive(Eq, Hash)]
    pub struct Security {
        /// The number, as people see it.
        pub display_phone_number: Option<Box<str>>,
        /// What happened.
        pub event: SecurityEvent,
        /// The user of Meta Business Suite who asked for the reset.
        pub requester: Option<Box<str>>,
    }
}

text_enum! {
    /// What happened to a two-step PIN.
    pub enum SecurityEvent {
        /// It was set or changed.
        PinChanged = "PIN_CHANGED",
        /// Somebody asked to turn it off.
        PinResetRequest = "PIN_RESET_REQUEST",
        /// It was turned off through the mail that Meta sent.
        PinRequestSuccess = "PIN_REQUEST_SUCCESS",
    }
}

impl Payload for Security {}
