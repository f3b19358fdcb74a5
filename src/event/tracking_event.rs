use super::Payload;
use crate::json::object::object;
use crate::model::Timestamp;

object! {
    /// `tracking_events`: what became of a marketing message that is tracked.
    ///
    /// ```json
    /// {"event_name": "sent", "timestamp": 1785000000,
    ///  "tracking_data": {"click_id": "…", "tracking_token": "…"}}
    /// ```
    ///
    /// Meta's page: [marketing messages](https://developers.facebook.com/documentation/business-messaging/whatsapp/marketing-messages/track-click-events).
    ///
    /// ```
    /// use whatsapp_signals::event::WebhookEvent;
    ///
    /// let body = &std::fs::read("tests/payloads/tracking-events.json")?;
    /// let webhook = whatsapp_signals::parse(body)?;
    /// let [WebhookEvent::TrackingEvent(change), ..] = webhook.events() else { panic!("a change") };
    /// assert!(change.value.tracking_data.is_some());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[derive(Default, Eq, Hash)]
    pub struct TrackingEvent {
        /// What happened: `sent`, …
        pub event_name: Option<Box<str>>,
        /// When.
        pub timestamp: Option<Timestamp>,
        /// By what to know the message.
        pub tracking_data: Option<TrackingData>,
    }
}

object! {
    /// By what to know a message that is tracked.
    ///
    /// # Examples
    ///
    /// ```
    /// use whatsapp_signals::event::TrackingData;
    ///
    /// let data: TrackingData = serde_json::from_str(r#"{"click_id": "jyclick-7b20e4"}"#)?;
    /// assert_eq!(data.click_id.as_deref(), Some("jyclick-7b20e4"));
    /// # Ok::<(), serde_json::Error>(())
    /// ```
    #[derive(Default, Eq, Hash)]
    pub struct TrackingData {
        /// The id of the tap.
        pub click_id: Option<Box<str>>,
        /// Meta's own token.
        pub tracking_token: Option<Box<str>>,
    }
}

impl Payload for TrackingEvent {
    fn time(&self) -> Option<Timestamp> {
        self.timestamp
    }
}
