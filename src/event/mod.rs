//! The payloads that signals carry.
//!
//! What the parser makes of a webhook is a [`WebhookEvent`]: one variant for
//! each signal that a webhook can fire. Messages, their statuses and what else
//! concerns a conversation have payloads of their own; the other fields of
//! Meta's come as a [`Change`] of what Meta wrote. Each has the account that it concerns,
//! its time, and the JSON that it was made from.
//!
//! Most programs meet them as the argument of a receiver. One that has the whole webhook in
//! its hand, for a queue or a table, matches:
//!
//! ```
//! use whatsapp_signals::event::WebhookEvent;
//!
//! let webhook = whatsapp_signals::parse(include_bytes!("../../tests/payloads/text.json"))?;
//! match &webhook.events()[0] {
//!     WebhookEvent::MessageReceived(event) => assert_eq!(event.message.message_type(), "text"),
//!     WebhookEvent::Unrecognized(event) => eprintln!("{} at {}", event.reason, event.path),
//!     other => println!("{}", other.name()),
//! }
//! # Ok::<(), whatsapp_signals::ParseError>(())
//! ```

mod account_alert;
mod account_review_update;
mod account_settings_update;
mod account_update;
mod automatic_event;
mod business_capability_update;
mod business_status_update;
mod business_username_update;
mod call;
mod call_status;
mod campaign_completed;
mod change;
mod conversation_context;
mod flow_completed;
mod flow_update;
mod group_lifecycle_update;
mod group_participants_update;
mod group_settings_update;
mod group_status_update;
mod history;
mod history_message;
mod json;
pub(crate) mod key;
mod message_echo;
mod message_received;
mod message_sent;
mod message_status_changed;
mod message_template_components_update;
mod message_template_quality_update;
mod message_template_status_update;
mod messaging_handover;
mod messaging_limit;
mod meta_error;
mod partner_solution;
mod payment_configuration_update;
mod phone_number_name_update;
mod phone_number_quality_update;
mod security;
mod smb_app_state_sync;
mod standby_echo;
mod standby_message;
mod standby_status;
mod template_category;
mod template_category_update;
mod template_correct_category_detection;
mod tracking_event;
mod unrecognized;
mod user_action;
mod user_id_update;
mod user_preference;
mod user_subscribed;

use crate::signal::{Failure, Report, Signal};

pub(crate) use crate::model::{ConversationContext, MetaError};
pub use crate::signals::WebhookEvent;
pub use account_alert::{AccountAlert, AlertInfo, AlertSeverity};
pub use account_review_update::{AccountReviewUpdate, Decision};
pub use account_settings_update::{AccountSettingsUpdate, PhoneNumberSettings};
pub use account_update::{
    AccountEvent, AccountUpdate, BanInfo, BanState, CertificationInfo, CertificationNeededInfo,
    DisconnectionInfo, ExceptionCountry, RateEligibility, RestrictionInfo, ViolationInfo,
    VolumeTierInfo, WabaInfo,
};
pub use automatic_event::{AutomaticEvent, PurchaseData};
pub use business_capability_update::BusinessCapabilityUpdate;
pub use business_status_update::BusinessStatusUpdate;
pub use business_username_update::{BusinessUsernameUpdate, UsernameStatus};
pub use call::{
    Call, CallConnection, CallDirection, CallEvent, CallOutcome, CallRecording, CallSession,
    CallTranscript,
};
pub use call_status::{CallStage, CallStatus};
pub use campaign_completed::CampaignCompleted;
pub use change::Change;
pub(crate) use change::Payload;
pub use flow_completed::FlowCompleted;
pub use flow_update::{AlertState, FlowError, FlowEvent, FlowStatus, FlowUpdate};
pub use group_lifecycle_update::{GroupLifecycle, GroupLifecycleUpdate};
pub use group_participants_update::{GroupParticipant, GroupParticipantsUpdate, ParticipantsEvent};
pub use group_settings_update::{GroupSetting, GroupSettingsUpdate};
pub use group_status_update::{GroupState, GroupStatusUpdate};
pub use history::History;
pub use history_message::HistoryMessage;
pub use json::EventJsonError;
pub(crate) use key::Keys;
pub use message_echo::MessageEcho;
pub use message_received::MessageReceived;
pub use message_sent::MessageSent;
pub use message_status_changed::MessageStatusChanged;
pub use message_template_components_update::{MessageTemplateComponentsUpdate, TemplateButton};
pub use message_template_quality_update::{MessageTemplateQualityUpdate, QualityScore};
pub use message_template_status_update::{
    DisableInfo, MessageTemplateStatusUpdate, OtherInfo, RejectionInfo, TemplateEvent,
};
pub use messaging_handover::{
    Control, HandoverKind, HandoverRecipient, HandoverSender, MessagingHandover,
};
pub use messaging_limit::MessagingLimit;
pub use partner_solution::{PartnerSolution, SolutionStatus};
pub use payment_configuration_update::{PaymentConfigurationStatus, PaymentConfigurationUpdate};
pub use phone_number_name_update::PhoneNumberNameUpdate;
pub use phone_number_quality_update::{PhoneNumberQualityUpdate, QualityEvent};
pub use security::{Security, SecurityEvent};
pub use smb_app_state_sync::{SmbAppStateSync, SyncAction, SyncMetadata, SyncedContact};
pub use standby_echo::StandbyEcho;
pub use standby_message::StandbyMessage;
pub use standby_status::StandbyStatus;
pub use template_category::TemplateCategory;
pub use template_category_update::TemplateCategoryUpdate;
pub use template_correct_category_detection::TemplateCorrectCategoryDetection;
pub use tracking_event::{TrackingData, TrackingEvent};
pub(crate) use unrecognized::Quoted;
pub use unrecognized::{Reason, Unrecognized};
pub use user_action::{LinkClick, UserAction};
pub use user_id_update::{IdChange, UserIdUpdate};
pub use user_preference::{PreferenceValue, UserPreference};
pub use user_subscribed::UserSubscribed;

/// A payload that has a signal of its own.
///
/// Every payload of this crate is one, so that what your code dispatches by
/// hand reads as it should. Implement it for payloads of your own when you
/// like that better than `ORDER_PAID.send(&event)`.
///
/// # Examples
///
/// ```
/// use whatsapp_signals::event::{CampaignCompleted, Event};
/// use whatsapp_signals::model::Campaign;
///
/// let report = CampaignCompleted::new(Campaign::new("Spring"), 118, 2).send()?;
/// assert_eq!(report.called(), 0, "nobody listens in this example");
/// assert_eq!(CampaignCompleted::NAME, "campaign_completed");
/// # Ok::<(), whatsapp_signals::Failure>(())
/// ```
pub trait Event: Sized + 'static {
    /// The signal's name.
    const NAME: &'static str;

    /// The signal that carries it.
    fn signal() -> &'static Signal<Self>;

    /// What the event is known by when it comes again, as webhooks do for up
    /// to seven days: equal for the same event, different for any other.
    ///
    /// It begins with [`NAME`](Self::NAME), so that the events of one item (a
    /// message and the flow that it submits) have keys of their own. After
    /// that comes
    ///
    /// - for a message, and the flow that it submits: its wamid and type. For
    ///   an edit also a hash, since one message may be edited more than once;
    /// - for a status: the wamid, the status and its time, the participant of a
    ///   group and the payment, since all statuses of a message share its wamid;
    /// - for a call and its statuses: the call's id, and what happened to it;
    /// - for all else: a hash of the account, the time that Meta gave, and the
    ///   JSON, in which neither white space nor the order of members counts.
    ///   Where Meta gives no time, two things that look alike have one key: the
    ///   second of two equal [`META_ERROR`](crate::signals::META_ERROR)s may be
    ///   another error, so do not drop it.
    ///
    /// A wamid has the user's phone number in it: treat keys as personal data.
    ///
    /// ```
    /// use whatsapp_signals::parse;
    ///
    /// let body = include_bytes!("../../tests/payloads/status-read.json");
    /// let (first, again) = (parse(body)?, parse(body)?);
    /// let key = first.events()[0].dedup_key();
    /// assert_eq!(key, again.events()[0].dedup_key());
    /// assert!(key.starts_with("message_status_changed:wamid."));
    /// # Ok::<(), whatsapp_signals::ParseError>(())
    /// ```
    fn dedup_key(&self) -> String;

    /// What must stay in order: events with one key concern one conversation,
    /// so that workers can share the others among them.
    ///
    /// Of a webhook's event it is the business number and the user,
    /// `300200100500600:US.7001`; the members of a group are users too. What
    /// names no user stays with its group or, failing that, with its number.
    /// The events of a type of your own all stay in order, unless you say
    /// otherwise.
    ///
    /// It may hold a phone number: treat it as personal data.
    ///
    /// ```
    /// use whatsapp_signals::event::WebhookEvent;
    ///
    /// let body = include_bytes!("../../tests/payloads/flow-reply.json");
    /// let webhook = whatsapp_signals::parse(body)?;
    /// let keys: Vec<_> = webhook.iter().map(WebhookEvent::partition_key).collect();
    /// assert_eq!(keys[0], keys[1], "the message and its flow stay together");
    /// # Ok::<(), whatsapp_signals::ParseError>(())
    /// ```
    fn partition_key(&self) -> String {
        Self::NAME.to_owned()
    }

    /// Sends it: [`Signal::send`].
    ///
    /// # Errors
    ///
    /// The first receiver's failure.
    fn send(&self) -> Result<Report, Failure> {
        Self::signal().send(self)
    }

    /// Sends it to everyone: [`Signal::send_robust`].
    #[must_use = "the report holds the failures"]
    fn send_robust(&self) -> Report {
        Self::signal().send_robust(self)
    }

    /// Sends it, and waits for async receivers: [`Signal::asend`].
    ///
    /// # Errors
    ///
    /// The first receiver's failure.
    ///
    /// ```
    /// use whatsapp_signals::event::{CampaignCompleted, Event};
    /// use whatsapp_signals::model::Campaign;
    /// use whatsapp_signals::{receiver, signals::CAMPAIGN_COMPLETED};
    ///
    /// #[receiver(CAMPAIGN_COMPLETED)]
    /// async fn report(_event: &CampaignCompleted) {}
    ///
    /// # fn main() -> Result<(), whatsapp_signals::Failure> {
    /// # pollster::block_on(async {
    /// let done = CampaignCompleted::new(Campaign::new("Spring"), 118, 2);
    /// assert_eq!(done.asend().await?.called(), 1);
    /// # Ok(())
    /// # })
    /// # }
    /// ```
    fn asend(&self) -> impl Future<Output = Result<Report, Failure>> + Send
    where
        Self: Sync,
    {
        Self::signal().asend(self)
    }

    /// Sends it to everyone, and waits for async receivers:
    /// [`Signal::asend_robust`].
    fn asend_robust(&self) -> impl Future<Output = Report> + Send
    where
        Self: Sync,
    {
        Self::signal().asend_robust(self)
    }
}
