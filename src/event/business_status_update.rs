use super::Payload;
use crate::json::object::object;

object! {
    /// `business_status_update`: something happened to a business portfolio.
    ///
    /// Meta has no page about this field; what is known of it comes from
    /// libraries that read it. Everything else is in the raw JSON.
    ///
    /// ```json
    /// {"event": "ACCOUNT_VIOLATION"}
    /// ```
    ///
    /// ```
    /// use whatsapp_signals::event::WebhookEvent;
    ///
    /// let body = &std::fs::read("tests/payloads/business-status-update.json")?;
    /// let webhook = whatsapp_signals::parse(body)?;
    /// let [WebhookEvent::BusinessStatusUpdate(change)] = webhook.events() else { panic!("one change") };
    /// assert_eq!(change.value.event.as_deref(), Some("ACCOUNT_VIOLATION"));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[derive(Default, Eq, Hash)]
    pub struct BusinessStatusUpdate {
        /// What happened.
        pub event: Option<Box<str>>,
    }
}

impl Payload for BusinessStatusUpdate {}
