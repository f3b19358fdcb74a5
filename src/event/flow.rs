//! Submitted flows, and updates of flows.

use std::borrow::Cow;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::{EventMeta, Payload};
use crate::json::object::object;
use crate::model::text_enum::text_enum;
use crate::model::{
    Account, Contact, FlowId, FlowResponse, Identity, MessageId, RawJson, Timestamp,
};

/// A user filled in a form and sent it: a flow, an address.
///
/// Delivered by the webhook field `messages` for each `nfm_reply`, right after its
/// [`MessageReceived`](super::MessageReceived).
///
/// Meta's page: [receiving a flow response](https://developers.facebook.com/docs/whatsapp/flows/guides/receiveflowresponse).
///
/// # Examples
///
/// ```standalone_crate
/// use whatsapp_signals::event::FlowCompleted;
/// use whatsapp_signals::{receiver, signals::FLOW_COMPLETED};
///
/// #[receiver(FLOW_COMPLETED)]
/// fn book(event: &FlowCompleted) {
///     assert!(event.response.flow_token.is_some());
///     assert!(!event.response.data.is_empty());
/// }
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let body = &std::fs::read("tests/payloads/flow-reply.json")?;
/// let report = whatsapp_signals::parse(body)?.dispatch();
/// assert!(report.is_ok());
/// assert_eq!(report.called(), 1);
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct FlowCompleted {
    /// What was submitted.
    pub response: FlowResponse,
    /// The message that submitted it.
    pub message_id: MessageId,
    /// Who submitted it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub user: Option<Identity>,
    /// When.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub timestamp: Option<Timestamp>,
    /// Who submitted it, as the webhook's `contacts` array has them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub contact: Option<Arc<Contact>>,
    /// The number that it was sent to.
    pub account: Arc<Account>,
    /// The item of `value.messages`.
    pub raw: RawJson,
    /// The id by which other events of the body name the user, if it is a better one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) known_as: Option<Box<str>>,
}

impl EventMeta for FlowCompleted {
    fn known_as(&self) -> Option<&str> {
        self.known_as.as_deref()
    }

    fn key(&self) -> String {
        self.message_id.to_string()
    }

    fn account(&self) -> Option<&Account> {
        Some(&self.account)
    }

    fn user(&self) -> Option<Cow<'_, Identity>> {
        self.user.as_ref().map(Cow::Borrowed)
    }

    fn contact(&self) -> Option<&Contact> {
        self.contact.as_deref()
    }

    fn set_contact(&mut self, contact: Arc<Contact>) {
        self.contact = Some(contact);
    }
}

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
