//! The payloads that signals carry.
//!
//! What the parser makes of a webhook is a [`WebhookEvent`]: one variant for
//! each signal that a webhook can fire. Messages, their statuses and what else
//! concerns a conversation have payloads of their own; the other fields of
//! Meta's come as a [`FieldEvent`] of what Meta wrote. Each has the account that it concerns,
//! its time, and the JSON that it was made from.
//!
//! Most programs meet them as the argument of a receiver. One that has the whole webhook in
//! its hand, for a queue or a table, matches:
//!
//! ```
//! use whatsapp_signals::event::WebhookEvent;
//!
//! let webhook = whatsapp_signals::parse(&std::fs::read("tests/payloads/text.json")?)?;
//! match &webhook.events()[0] {
//!     WebhookEvent::MessageReceived(event) => assert_eq!(event.message.message_type(), "text"),
//!     WebhookEvent::Unrecognized(event) => eprintln!("{} at {}", event.reason, event.path),
//!     other => println!("{}", other.name()),
//! }
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod account;
mod business;
mod call;
mod campaign;
mod field_event;
mod flow;
mod group;
mod handover;
pub(crate) mod key;
mod message;
mod outbound;
mod partition;
mod phone_number;
mod template;
mod tracking;
mod unrecognized;
mod user;

use thiserror::Error;

pub use crate::graph::GraphJsonError;
pub(crate) use crate::model::{ConversationContext, MetaError};
use crate::signal::Signal;
pub use crate::signals::WebhookEvent;
pub use account::{
    AccountAlert, AccountEvent, AccountReviewUpdate, AccountUpdate, AlertInfo, AlertSeverity,
    BanInfo, BanState, CertificationInfo, CertificationNeededInfo, Decision, DisconnectionInfo,
    ExceptionCountry, RateEligibility, RestrictionInfo, ViolationInfo, VolumeTierInfo, WabaInfo,
};
pub use business::{
    BusinessCapabilityUpdate, BusinessStatusUpdate, BusinessUsernameUpdate, PartnerSolution,
    PaymentConfigurationStatus, PaymentConfigurationUpdate, SolutionStatus, UsernameContext,
    UsernameStatus,
};
pub use call::{
    Call, CallConnection, CallDirection, CallEvent, CallOutcome, CallRecording, CallSession,
    CallStage, CallStatus, CallTranscript,
};
pub use campaign::{CampaignCompleted, CampaignTally};
pub use field_event::FieldEvent;
pub(crate) use field_event::Payload;
pub use flow::{AlertState, FlowCompleted, FlowError, FlowEvent, FlowStatus, FlowUpdate};
pub use group::{
    GroupLifecycle, GroupLifecycleUpdate, GroupParticipant, GroupParticipantsUpdate, GroupSetting,
    GroupSettingsUpdate, GroupState, GroupStatusUpdate, ParticipantsEvent,
};
pub use handover::{
    Control, HandoverKind, HandoverRecipient, HandoverSender, MessagingHandover, StandbyEcho,
    StandbyMessage, StandbyStatus,
};
pub(crate) use key::{EventMeta, best_id, dedup_keys};
pub use message::{History, HistoryMessage, MessageEcho, MessageReceived, MessageStatusChanged};
pub use outbound::{MessageRefused, MessageSent};
pub(crate) use partition::complete_ids;
pub use phone_number::{
    AccountSettingsUpdate, MessagingLimit, PhoneNumberNameUpdate, PhoneNumberQualityUpdate,
    PhoneNumberSettings, QualityEvent, Security, SecurityEvent,
};
pub(crate) use sealed::Sealed;
pub use template::{
    CategoryAppealStatus, DisableInfo, MessageTemplateComponentsUpdate,
    MessageTemplateQualityUpdate, MessageTemplateStatusUpdate, OtherInfo, QualityScore,
    RejectionInfo, TemplateButton, TemplateCategory, TemplateCategoryUpdate,
    TemplateCorrectCategoryDetection, TemplateEvent,
};
pub use tracking::{
    AutomaticEvent, LinkClick, PurchaseData, TrackingData, TrackingEvent, UserAction,
    UserActionType,
};
pub use unrecognized::{Reason, Unrecognized};
pub use user::{
    IdChange, PreferenceValue, SmbAppStateSync, SyncAction, SyncMetadata, SyncedContact,
    UserIdUpdate, UserPreference, UserSubscribed,
};

/// A payload of this crate: its name, its signal and its keys. Sealed.
///
/// Import the trait to call [`dedup_key`](Self::dedup_key) of a payload, or to write a function
/// for the payloads of several signals. A payload of your own does not implement `Event`, as a
/// [`Signal`] carries a value of any type: declare a signal for it.
///
/// # Examples
///
/// ```
/// use std::collections::HashSet;
///
/// use whatsapp_signals::event::{CampaignCompleted, MessageReceived};
/// use whatsapp_signals::model::Campaign;
/// use whatsapp_signals::{Event, Report};
///
/// /// Sends an event, unless it was sent before.
/// fn send_once<E: Event>(event: &E, sent: &mut HashSet<String>) -> Option<Report> {
///     let is_new = sent.insert(event.dedup_key());
///     is_new.then(|| E::signal().send_robust(event))
/// }
///
/// let mut sent = HashSet::new();
/// let done = CampaignCompleted::new(Campaign::new("Spring"));
/// assert!(send_once(&done, &mut sent).is_some());
/// assert!(send_once(&done, &mut sent).is_none());
/// assert_eq!(MessageReceived::NAME, "message_received");
/// ```
pub trait Event: Sealed + Sized + 'static {
    /// The signal's name.
    const NAME: &'static str;

    /// Returns the signal that carries the payload.
    fn signal() -> &'static Signal<Self>;

    /// Returns the key of the event: equal when Meta repeats it, as it does for up to seven
    /// days, and different for any other event.
    ///
    /// It begins with [`NAME`](Self::NAME), so that the events of one item (a
    /// message and the flow that it submits) have keys of their own. It ends with the
    /// business number, as one wamid may come to two numbers, or else with the WABA. Between
    /// them stands
    ///
    /// - for a message: its wamid and type. For an edit also a hash of the new content, since
    ///   one message may be edited more than once;
    /// - for the flow that a message submits: the wamid;
    /// - for a status: the wamid and the status, the participant of a group and the payment,
    ///   since all statuses of a message share its wamid. Its time does not count: Meta
    ///   repeats a status at another second;
    /// - for a call and its statuses: the id of the call and its event or status;
    /// - for a [`MessageRefused`](super::MessageRefused): the `fbtrace_id`, or without one a hash
    ///   of all that it has;
    /// - for any other event: a hash of the entry's time and the JSON, in which neither white
    ///   space nor the order of members counts, nor the signed `url` of a medium.
    ///
    /// An event that has neither an id nor a time, as a
    /// [`META_ERROR`](crate::signals::META_ERROR), may recur: the next one with its key may be
    /// another event, so do not drop it. Then
    /// [`WebhookEvent::repeats`](super::WebhookEvent::repeats) is true, and
    /// [`Webhook::dedup_keys`](crate::Webhook::dedup_keys) adds a count to equal keys of one
    /// body.
    ///
    /// A wamid has the user's phone number in it: treat keys as personal data.
    ///
    /// ```
    /// use whatsapp_signals::parse;
    ///
    /// let body = &std::fs::read("tests/payloads/status-read.json")?;
    /// let (first, again) = (parse(body)?, parse(body)?);
    /// let key = first.events()[0].dedup_key();
    /// assert_eq!(key, again.events()[0].dedup_key());
    /// assert!(key.starts_with("message_status_changed:wamid."));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    fn dedup_key(&self) -> String;

    /// Returns the key of the partition in which the event is to stay in order: events with
    /// one key concern one conversation, so that workers can share the partitions.
    ///
    /// For an event of a webhook it is the business number and the user,
    /// `300200100500600:US.7001`; the members of a group are users too. An event that
    /// names no user is in the partition of its group or, without one, of its number. A user
    /// has one partition in all events of a body, including [`UNRECOGNIZED`] ones, and is named
    /// by the best id that the body has: the business-scoped user id, the parent id or the phone
    /// number. Another body may name the user by another id.
    ///
    /// News of a changed id is in the partition of the previous id, and later events are in
    /// the partition of the new one. Workers of two partitions do not wait for one another, so
    /// order across the change is not promised. An engine that delivers
    /// [in order](crate::WebhookEngine::in_order) has all ids of the stored contact, and keeps the
    /// order across it.
    ///
    /// A [`MessageSent`](super::MessageSent) or [`MessageRefused`](super::MessageRefused) has the
    /// key of its account and user or group. All [`CampaignCompleted`](super::CampaignCompleted)
    /// events have one key.
    ///
    /// [`UNRECOGNIZED`]: crate::signals::UNRECOGNIZED
    ///
    /// Meta promises no order of its webhooks: a `read` may arrive before the
    /// `delivered`, and an edit before the message. The order that a queue keeps
    /// is the order of arrival.
    ///
    /// It may hold a phone number: treat it as personal data.
    ///
    /// ```
    /// use whatsapp_signals::event::WebhookEvent;
    ///
    /// let body = &std::fs::read("tests/payloads/flow-reply.json")?;
    /// let webhook = whatsapp_signals::parse(body)?;
    /// let keys: Vec<_> = webhook.iter().map(WebhookEvent::partition_key).collect();
    /// assert_eq!(keys[0], keys[1], "the message and its flow stay together");
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    fn partition_key(&self) -> String;
}

/// Keeps other crates from implementing [`Event`], so that it may get more methods.
mod sealed {
    pub trait Sealed {}
}

impl WebhookEvent {
    /// Its JSON, with the raw JSON in it, as a string: what
    /// [`from_json`](Self::from_json) reads again, in this version of the crate or
    /// a later one. It is personal data.
    ///
    /// # Errors
    ///
    /// Those of `serde_json`, which an event does not cause.
    ///
    /// # Examples
    ///
    /// ```
    /// use whatsapp_signals::WebhookEvent;
    ///
    /// let webhook = whatsapp_signals::parse(&std::fs::read("tests/payloads/text.json")?)?;
    /// for event in &webhook {
    ///     let queued = event.to_json()?;
    ///     assert_eq!(&WebhookEvent::from_json(queued.as_bytes())?, event);
    /// }
    ///
    /// let error = WebhookEvent::from_json(br#"{"message_received": "Hi"}"#).unwrap_err();
    /// assert_eq!(error.to_string(), "not the JSON of an event, at line 1 column 25");
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn to_json(&self) -> serde_json::Result<String> {
        serde_json::to_string(self)
    }

    /// Reads what [`to_json`](Self::to_json) wrote.
    ///
    /// # Errors
    ///
    /// When it is not the JSON of an event, or of one that a later version of the
    /// crate has added. Unlike that of `serde_json`, the error quotes nothing.
    ///
    /// # Examples
    ///
    /// ```
    /// use whatsapp_signals::WebhookEvent;
    ///
    /// let webhook = whatsapp_signals::parse(&std::fs::read("tests/payloads/status-read.json")?)?;
    /// let row = webhook.events()[0].to_json()?;
    /// assert_eq!(WebhookEvent::from_json(row.as_bytes())?.name(), "message_status_changed");
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn from_json(json: &[u8]) -> Result<Self, EventJsonError> {
        serde_json::from_slice(json).map_err(|error| EventJsonError {
            line: error.line(),
            column: error.column(),
        })
    }
}

/// Something is not the JSON of an event. As text it says where, and quotes nothing.
///
/// # Examples
///
/// ```
/// use whatsapp_signals::WebhookEvent;
///
/// let error = WebhookEvent::from_json(b"{\n  no JSON").unwrap_err();
/// assert_eq!((error.line, error.column), (2, 3));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Error)]
#[error("not the JSON of an event, at line {line} column {column}")]
#[non_exhaustive]
pub struct EventJsonError {
    /// Counted from 1.
    pub line: usize,
    /// Counted from 1, in bytes.
    pub column: usize,
}
