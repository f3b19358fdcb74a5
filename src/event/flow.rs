//! Submitted flows, and updates of flows.

use std::borrow::Cow;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::{EventMeta, Payload};
use crate::json::object::json_object;
use crate::model::text_enum::text_enum;
use crate::model::{
    Account, Contact, FlowId, FlowResponse, Identity, MessageId, RawJson, Timestamp,
};

/// A form that a user submitted: a flow, an address.
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
    /// The submitted fields.
    pub response: FlowResponse,
    /// The message that submitted it.
    pub message_id: MessageId,
    /// The user.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub user: Option<Identity>,
    /// The time of the message.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub timestamp: Option<Timestamp>,
    /// The contact of the user, from the webhook's `contacts` array.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub contact: Option<Arc<Contact>>,
    /// The business number that received the message.
    pub account: Arc<Account>,
    /// The item of `value.messages`.
    pub raw: RawJson,
    /// The best id of the user in the body, if the event itself has only a lesser id.
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

/// `flows`: a change of a flow's status, or an alert about its errors.
///
/// The fields that a user submits come as a [`FlowCompleted`](super::FlowCompleted).
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
#[json_object]
pub struct FlowUpdate {
    /// The kind of event.
    pub event: FlowEvent,
    /// The flow.
    pub flow_id: Option<FlowId>,
    /// The description.
    pub message: Option<Box<str>>,
    /// The description of a version's expiry.
    pub warning: Option<Box<str>>,
    /// The previous status.
    pub old_status: Option<FlowStatus>,
    /// The new status.
    pub new_status: Option<FlowStatus>,
    /// The state of the alert.
    pub alert_state: Option<AlertState>,
    /// The exceeded threshold: per cent, or milliseconds of latency.
    pub threshold: Option<f64>,
    /// The share of failed requests, in per cent.
    pub error_rate: Option<f64>,
    /// The errors by type.
    pub errors: Vec<FlowError>,
    /// The median latency, in milliseconds.
    pub p50_latency: Option<f64>,
    /// The 90th percentile of the latency, in milliseconds.
    pub p90_latency: Option<f64>,
    /// The availability of your endpoint, in per cent.
    pub availability: Option<f64>,
    /// The number of requests.
    pub requests_count: Option<u64>,
}

text_enum! {
    /// The kind of a [`FlowUpdate`].
    pub enum FlowEvent {
        /// The flow was created, published, throttled, blocked, …
        FlowStatusChange = "FLOW_STATUS_CHANGE",
        /// The version of the flow will expire.
        FlowVersionExpiryWarning = "FLOW_VERSION_EXPIRY_WARNING",
        /// The error rate on users' devices exceeds the threshold.
        ClientErrorRate = "CLIENT_ERROR_RATE",
        /// The error rate of your endpoint exceeds the threshold.
        EndpointErrorRate = "ENDPOINT_ERROR_RATE",
        /// The latency of your endpoint exceeds the threshold.
        EndpointLatency = "ENDPOINT_LATENCY",
        /// The availability of your endpoint is below the threshold.
        EndpointAvailability = "ENDPOINT_AVAILABILITY",
    }
}

text_enum! {
    /// The status of a flow.
    pub enum FlowStatus {
        /// The flow is not published yet.
        Draft = "DRAFT",
        /// The flow can be sent.
        Published = "PUBLISHED",
        /// You deprecated the flow, so that it can no longer be sent.
        Deprecated = "DEPRECATED",
        /// The flow fails too often, and can be sent ten times an hour.
        Throttled = "THROTTLED",
        /// The flow fails too often, and can no longer be sent.
        Blocked = "BLOCKED",
    }
}

text_enum! {
    /// The state of an alert.
    pub enum AlertState {
        /// The alert begins.
        Activated = "ACTIVATED",
        /// The alert ends.
        Deactivated = "DEACTIVATED",
    }
}

/// The frequency of one type of error.
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
#[json_object]
#[derive(Default)]
pub struct FlowError {
    /// The type: `TIMEOUT`, `INVALID_SCREEN_TRANSITION`, …
    pub error_type: Option<Box<str>>,
    /// The share of this type among all errors, in per cent.
    pub error_rate: Option<f64>,
    /// The number of errors of this type.
    pub error_count: Option<u64>,
}

impl Payload for FlowUpdate {}
