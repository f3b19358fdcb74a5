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

mod account_alert;
mod account_info;
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
mod campaign_tally;
mod conversation_context;
#[allow(
    clippy::module_inception,
    reason = "the trait is what the module is named for"
)]
mod event;
mod field_event;
mod flow_completed;
mod flow_update;
mod group_lifecycle_update;
mod group_participants_update;
mod group_settings_update;
mod group_status_update;
mod hash;
mod history;
mod history_message;
mod json;
pub(crate) mod key;
mod message_echo;
mod message_received;
mod message_refused;
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
mod users;

pub use crate::graph::GraphJsonError;
pub(crate) use crate::model::{ConversationContext, MetaError};
pub use crate::signals::WebhookEvent;
pub use account_alert::{AccountAlert, AlertInfo, AlertSeverity};
pub use account_info::{
    BanInfo, BanState, CertificationInfo, CertificationNeededInfo, DisconnectionInfo,
    ExceptionCountry, RateEligibility, RestrictionInfo, ViolationInfo, VolumeTierInfo, WabaInfo,
};
pub use account_review_update::{AccountReviewUpdate, Decision};
pub use account_settings_update::{AccountSettingsUpdate, PhoneNumberSettings};
pub use account_update::{AccountEvent, AccountUpdate};
pub use automatic_event::{AutomaticEvent, PurchaseData};
pub use business_capability_update::BusinessCapabilityUpdate;
pub use business_status_update::BusinessStatusUpdate;
pub use business_username_update::{BusinessUsernameUpdate, UsernameContext, UsernameStatus};
pub use call::{
    Call, CallConnection, CallDirection, CallEvent, CallOutcome, CallRecording, CallSession,
    CallTranscript,
};
pub use call_status::{CallStage, CallStatus};
pub use campaign_completed::CampaignCompleted;
pub use campaign_tally::CampaignTally;
pub use event::Event;
pub(crate) use event::Sealed;
pub use field_event::FieldEvent;
pub(crate) use field_event::Payload;
pub use flow_completed::FlowCompleted;
pub use flow_update::{AlertState, FlowError, FlowEvent, FlowStatus, FlowUpdate};
pub use group_lifecycle_update::{GroupLifecycle, GroupLifecycleUpdate};
pub use group_participants_update::{GroupParticipant, GroupParticipantsUpdate, ParticipantsEvent};
pub use group_settings_update::{GroupSetting, GroupSettingsUpdate};
pub use group_status_update::{GroupState, GroupStatusUpdate};
pub use history::History;
pub use history_message::HistoryMessage;
pub use json::EventJsonError;
pub(crate) use key::{Keys, best_id, dedup_keys};
pub use message_echo::MessageEcho;
pub use message_received::MessageReceived;
pub use message_refused::MessageRefused;
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
pub use template_category_update::{CategoryAppealStatus, TemplateCategoryUpdate};
pub use template_correct_category_detection::TemplateCorrectCategoryDetection;
pub use tracking_event::{TrackingData, TrackingEvent};
pub use unrecognized::{Reason, Unrecognized};
pub use user_action::{LinkClick, UserAction, UserActionType};
pub use user_id_update::{IdChange, UserIdUpdate};
pub use user_preference::{PreferenceValue, UserPreference};
pub use user_subscribed::UserSubscribed;
pub(crate) use users::complete_ids;
