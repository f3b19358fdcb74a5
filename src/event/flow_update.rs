use super::Payload;
use crate::json::object::object;
use crate::model::FlowId;
use crate::model::text_enum::text_enum;

object! {
    /// `flows`: a flow of yours was published, or does not work as it should.
    ///
    /// What users submit in a flow is a [`FlowCompleted`](super::FlowCompleted).
    ///
    /// ```json
    /// {"event": "FLOW_STATUS_CHANGE", "flow_id": "6627390910605886", "message": "…",
    ///  "old_status": "DRAFT", "new_status": "PUBLISHED"}
    /// {"event": "ENDPOINT_ERROR_RATE", "flow_id": "6627390910605886", "message": "…",
    ///  "error_rate": 14.28, "threshold": 10, "alert_state": "ACTIVATED",
    ///  "errors": [{"error_type": "TIMEOUT", "error_rate": 66.66, "error_count": 2}]}
    /// ```
    ///
    /// Meta's page: [flows webhooks](https://developers.facebook.com/docs/whatsapp/flows/guides/flowswebhooks).
    ///
    /// ```
    /// use whatsapp_signals::event::{FlowEvent, FlowStatus, WebhookEvent};
    ///
    /// let body = &std::fs::read("tests/payloads/flows-status-change.json")?;
    /// let webhook = whatsapp_signals::parse(body)?;
    /// let [WebhookEvent::FlowUpdate(change)] = webhook.events() else { panic!("one change") };
    /// assert_eq!(change.value.event, FlowEvent::FlowStatusChange);
    /// assert_eq!(change.value.new_status, Some(FlowStatus::Published));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub struct FlowUpdate {
        /// What happened.
        pub event: FlowEvent,
        /// Which flow.
        pub flow_id: Option<FlowId>,
        /// In words.
        pub message: Option<Box<str>>,
        /// That its version will end, in words.
        pub warning: Option<Box<str>>,
        /// Its status until now.
        pub old_status: Option<FlowStatus>,
        /// Its status from now on.
        pub new_status: Option<FlowStatus>,
        /// Whether an alert begins or ends.
        pub alert_state: Option<AlertState>,
        /// What was exceeded: per cent, or milliseconds of latency.
        pub threshold: Option<f64>,
        /// How many requests failed, in per cent.
        pub error_rate: Option<f64>,
        /// How they failed.
        pub errors: Vec<FlowError>,
        /// Half of all requests took less, in milliseconds.
        pub p50_latency: Option<f64>,
        /// Nine of ten requests took less, in milliseconds.
        pub p90_latency: Option<f64>,
        /// How often your endpoint could be reached, in per cent.
        pub availability: Option<f64>,
        /// How many requests were counted.
        pub requests_count: Option<u64>,
    }
}

text_enum! {
    /// What happened to a flow.
    pub enum FlowEvent {
        /// It was made, published, throttled, blocked, …
        FlowStatusChange = "FLOW_STATUS_CHANGE",
        /// Its version will end.
        FlowVersionExpiryWarning = "FLOW_VERSION_EXPIRY_WARNING",
        /// It fails on users' phones.
        ClientErrorRate = "CLIENT_ERROR_RATE",
        /// Your endpoint fails.
        EndpointErrorRate = "ENDPOINT_ERROR_RATE",
        /// Your endpoint is slow.
        EndpointLatency = "ENDPOINT_LATENCY",
        /// Your endpoint cannot be reached.
        EndpointAvailability = "ENDPOINT_AVAILABILITY",
    }
}

text_enum! {
    /// The status of a flow.
    pub enum FlowStatus {
        /// It is not published yet.
        Draft = "DRAFT",
        /// It can be sent.
        Published = "PUBLISHED",
        /// It can no longer be sent; you said so.
        Deprecated = "DEPRECATED",
        /// It can be sent ten times an hour; it fails too often.
        Throttled = "THROTTLED",
        /// It can no longer be sent; it fails too often.
        Blocked = "BLOCKED",
    }
}

text_enum! {
    /// Whether an alert begins or ends.
    pub enum AlertState {
        /// It begins.
        Activated = "ACTIVATED",
        /// It ends.
        Deactivated = "DEACTIVATED",
    }
}

object! {
    /// How often a flow failed in one way.
    ///
    /// # Examples
    ///
    /// ```
    /// use whatsapp_signals::event::WebhookEvent;
    ///
    /// let body = &std::fs::read("tests/payloads/flows-endpoint-error-rate.json")?;
    /// let webhook = whatsapp_signals::parse(body)?;
    /// let [WebhookEvent::FlowUpdate(change)] = webhook.events() else { panic!("one change") };
    /// let worst = change.value.errors.iter().max_by_key(|error| error.error_count).unwrap();
    /// assert_eq!(worst.error_type.as_deref(), Some("TIMEOUT"));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[derive(Default)]
    pub struct FlowError {
        /// In which: `TIMEOUT`, `INVALID_SCREEN_TRANSITION`, …
        pub error_type: Option<Box<str>>,
        /// How many of all failures were like this, in per cent.
        pub error_rate: Option<f64>,
        /// How many that were.
        pub error_count: Option<u64>,
    }
}

impl Payload for FlowUpdate {}
