//! The payloads that signals carry.
//!
//! The parser converts a webhook to [`WebhookEvent`]s, with one variant for each signal that a
//! webhook can send. Messages, statuses and other parts of a conversation have their own payloads;
//! the other fields come as a [`FieldEvent`]. Each payload has its account, its time and its JSON.
//!
//! Most programs use payloads as the argument of a receiver. A program that handles whole webhooks,
//! for a queue or a table, matches:
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
mod graph;
mod group;
mod handover;
pub(crate) mod key;
mod message;
mod outbound;
mod partition;
mod phone_number;
mod table;
mod template;
mod tracking;
mod unrecognized;
mod user;
mod webhook_event;

use thiserror::Error;

pub(crate) use crate::model::{ConversationContext, MetaError};
use crate::signal::Signal;
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
pub use graph::{GraphJsonError, GraphJsonErrorKind};
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
pub(crate) use table::for_each_signal;
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
pub use webhook_event::WebhookEvent;
pub(crate) use webhook_event::{OwnSignal, match_payload};

/// A payload of this crate, with its name, signal and keys. Sealed.
///
/// Import the trait to call [`dedup_key`](Self::dedup_key) of a payload, or to write a function for
/// the payloads of several signals. Your own payloads need no `Event`: a [`Signal`] carries a value
/// of any type.
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

    /// Returns the deduplication key: equal when Meta repeats the event, as it does for up to seven
    /// days, and different for any other event.
    ///
    /// The key begins with [`NAME`](Self::NAME), so that the events of one item (a message and the
    /// flow that it submits) have different keys. It ends with the business number, as two numbers
    /// may receive one wamid, or else with the WABA. The middle part is
    ///
    /// - for a message: its wamid and type. For an edit also a hash of the new content, since
    ///   one message may be edited more than once;
    /// - for the flow that a message submits: the wamid;
    /// - for a status: the wamid and the status, the participant of a group and the payment, since
    ///   all statuses of a message share its wamid. The time does not count: Meta repeats a status
    ///   at another second;
    /// - for a call and its statuses: the id of the call and its event or status;
    /// - for a [`MessageRefused`]: the `fbtrace_id`, or else a hash of the
    ///   event;
    /// - for any other event: a hash of the entry's time and the JSON, in which neither white
    ///   space nor the order of members counts, nor the signed `url` of a medium.
    ///
    /// An event without an id and a time, such as a [`META_ERROR`](crate::signals::META_ERROR), may
    /// recur: the next event with its key may be another one, so do not drop it. For these events
    /// [`WebhookEvent::repeats`](super::WebhookEvent::repeats) is true, and
    /// [`Webhook::dedup_keys`](crate::Webhook::dedup_keys) adds a count to equal keys of one body.
    ///
    /// A wamid contains the user's phone number: treat keys as personal data.
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

    /// Returns the partition key. The events of one conversation have one key, so that workers can
    /// share the partitions and keep the order of each.
    ///
    /// For an event of a webhook it is the business number and the user, `300200100500600:US.7001`;
    /// the members of a group are users too. An event without a user is in the partition of its
    /// group or, without one, of its number. A user has one partition in all events of a body,
    /// including [`UNRECOGNIZED`] ones. Its id is the best one in the body: the business-scoped
    /// user id, the parent id or the phone number. Another body may name the user by another id.
    ///
    /// A change of ids is in the partition of the previous id, and later events are in the
    /// partition of the new one. The order across the change is not guaranteed, as workers of two
    /// partitions are independent. An engine that delivers [in
    /// order](crate::WebhookEngine::in_order) has all ids of the stored contact, and keeps the
    /// order across the change.
    ///
    /// A [`MessageSent`] or [`MessageRefused`] has the
    /// key of its account and user or group. All [`CampaignCompleted`]
    /// events have one key.
    ///
    /// [`UNRECOGNIZED`]: crate::signals::UNRECOGNIZED
    ///
    /// Meta does not guarantee the order of its webhooks: a `read` may arrive before the
    /// `delivered`, and an edit before the message. A queue keeps the order of arrival.
    ///
    /// The key may contain a phone number: treat it as personal data.
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

/// Prevents other crates from implementing [`Event`], so that it can get more methods.
mod sealed {
    pub trait Sealed {}
}

impl WebhookEvent {
    /// Returns the event as JSON, including its raw JSON, for [`from_json`](Self::from_json) in
    /// this version of the crate or a later one. It is personal data.
    ///
    /// # Errors
    ///
    /// Those of `serde_json`, which no event causes.
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

    /// Parses the JSON of [`to_json`](Self::to_json).
    ///
    /// # Errors
    ///
    /// When the text is not the JSON of an event, or of an event that a later version of the crate
    /// added. Unlike that of `serde_json`, the error does not quote the text.
    pub fn from_json(json: &[u8]) -> Result<Self, EventJsonError> {
        serde_json::from_slice(json).map_err(|error| EventJsonError {
            line: error.line(),
            column: error.column(),
        })
    }
}

/// The position at which a text is not the JSON of an event. The error does not quote the text.
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
    /// The line, counted from 1.
    pub line: usize,
    /// The column in bytes, counted from 1.
    pub column: usize,
}
