use super::Payload;
use crate::json::object::object;
use crate::model::{MessageId, Timestamp};

object! {
    /// `automatic_events`: Meta saw a purchase or a lead in a conversation that
    /// began with an advertisement.
    ///
    /// ```json
    /// {"id": "wamid.HBgL…", "event_name": "Purchase", "timestamp": 1785000000,
    ///  "ctwa_clid": "Afc3…", "custom_data": {"currency": "USD", "value": 25000}}
    /// ```
    ///
    /// Meta's page: [automatic events API](https://developers.facebook.com/documentation/business-messaging/whatsapp/embedded-signup/automatic-events-api).
    ///
    /// ```
    /// use whatsapp_signals::event::WebhookEvent;
    ///
    /// let body = &std::fs::read("tests/payloads/automatic-events.json")?;
    /// let webhook = whatsapp_signals::parse(body)?;
    /// let names: Vec<_> = webhook
    ///     .iter()
    ///     .map(|event| match event {
    ///         WebhookEvent::AutomaticEvent(change) => change.value.event_name.as_deref(),
    ///         _ => None,
    ///     })
    ///     .collect();
    /// assert!(names.contains(&Some("Purchase")));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[derive(Default)]
    pub struct AutomaticEvent {
        /// The message in which Meta saw it.
        pub id: Option<MessageId>,
        /// `Purchase`, `LeadSubmitted`.
        pub event_name: Option<Box<str>>,
        /// When.
        pub timestamp: Option<Timestamp>,
        /// The tap on the advertisement.
        pub ctwa_clid: Option<Box<str>>,
        /// What was bought.
        pub custom_data: Option<PurchaseData>,
    }
}

object! {
    /// What was bought.
    ///
    /// # Examples
    ///
    /// ```
    /// use whatsapp_signals::event::PurchaseData;
    ///
    /// let bought: PurchaseData = serde_json::from_str(r#"{"currency": "EUR", "value": 89.5}"#)?;
    /// assert_eq!((bought.currency.as_deref(), bought.value), (Some("EUR"), Some(89.5)));
    /// # Ok::<(), serde_json::Error>(())
    /// ```
    #[derive(Default)]
    pub struct PurchaseData {
        /// The ISO 4217 code.
        pub currency: Option<Box<str>>,
        /// For how much.
        pub value: Option<f64>,
    }
}

impl Payload for AutomaticEvent {
    fn time(&self) -> Option<Timestamp> {
        self.timestamp
    }

    fn has_id(&self) -> bool {
        self.id.is_some()
    }
}
