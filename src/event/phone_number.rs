//! Updates of a business number: display name, quality, limits, settings and two-step PIN.

use serde_json::{Map, Value};

use super::{Decision, Payload};
use crate::json::object::json_object;
use crate::model::text_enum::text_enum;
use crate::model::{PhoneNumberId, Timestamp};

/// `phone_number_name_update`: the result of a review of a number's display name.
///
/// ```json
/// {"display_phone_number": "15550100200", "decision": "APPROVED",
///  "requested_verified_name": "Juniper Yard", "rejection_reason": null}
/// ```
///
/// Meta's page: [phone_number_name_update webhook](https://developers.facebook.com/documentation/business-messaging/whatsapp/webhooks/reference/phone_number_name_update).
///
/// ```
/// use whatsapp_signals::event::{Decision, WebhookEvent};
///
/// let body = &std::fs::read("tests/payloads/phone-number-name-update.json")?;
/// let webhook = whatsapp_signals::parse(body)?;
/// let [WebhookEvent::PhoneNumberNameUpdate(change)] = webhook.events() else { panic!("one change") };
/// assert_eq!(change.value.decision, Decision::Rejected);
/// assert_eq!(change.value.rejection_reason.as_deref(), Some("NAME_FORMAT_UNACCEPTABLE"));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[json_object]
#[derive(Eq, Hash)]
pub struct PhoneNumberNameUpdate {
    /// The phone number, formatted.
    pub display_phone_number: Option<Box<str>>,
    /// The outcome.
    pub decision: Decision,
    /// The reviewed name.
    pub requested_verified_name: Option<Box<str>>,
    /// The reason for a rejection.
    pub rejection_reason: Option<Box<str>>,
}

impl Payload for PhoneNumberNameUpdate {}

/// `phone_number_quality_update`: a change of a number's throughput or, in older versions, of its
/// quality or messaging limit.
///
/// ```json
/// {"display_phone_number": "15550100200", "event": "THROUGHPUT_UPGRADE",
///  "old_limit": "TIER_10K", "current_limit": "TIER_UNLIMITED",
///  "max_daily_conversations_per_business": "TIER_UNLIMITED"}
/// ```
///
/// Meta's page: [phone_number_quality_update webhook](https://developers.facebook.com/documentation/business-messaging/whatsapp/webhooks/reference/phone_number_quality_update).
///
/// ```
/// use whatsapp_signals::event::{QualityEvent, WebhookEvent};
///
/// let body = &std::fs::read("tests/payloads/phone-number-quality-update.json")?;
/// let webhook = whatsapp_signals::parse(body)?;
/// let [WebhookEvent::PhoneNumberQualityUpdate(change)] = webhook.events() else {
///     panic!("one change")
/// };
/// assert_eq!(change.value.event, QualityEvent::ThroughputUpgrade);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[json_object]
#[derive(Eq, Hash)]
pub struct PhoneNumberQualityUpdate {
    /// The phone number, formatted.
    pub display_phone_number: Option<Box<str>>,
    /// The kind of change.
    pub event: QualityEvent,
    /// The number of users that the business may message in a day.
    pub max_daily_conversations_per_business: Option<MessagingLimit>,
    /// The new limit of the number, in older webhooks.
    pub current_limit: Option<MessagingLimit>,
    /// The previous limit of the number, in older webhooks.
    pub old_limit: Option<MessagingLimit>,
}

text_enum! {
    /// The kind of a [`PhoneNumberQualityUpdate`].
    pub enum QualityEvent {
        /// The number is being registered.
        Onboarding = "ONBOARDING",
        /// The throughput of the number rose.
        ThroughputUpgrade = "THROUGHPUT_UPGRADE",
        /// The messaging limit rose, in older webhooks.
        Upgrade = "UPGRADE",
        /// The messaging limit fell, in older webhooks.
        Downgrade = "DOWNGRADE",
        /// The quality is low, in older webhooks.
        Flagged = "FLAGGED",
        /// The quality is no longer low, in older webhooks.
        Unflagged = "UNFLAGGED",
    }
}

impl Payload for PhoneNumberQualityUpdate {}

text_enum! {
    /// The number of users that a business may message in a day.
    ///
    /// Meta sends a tier in some versions and a number in others; [`messages`](Self::messages)
    /// returns the number of both.
    ///
    /// ```
    /// use whatsapp_signals::event::MessagingLimit;
    ///
    /// let tier: MessagingLimit = serde_json::from_str(r#""TIER_10K""#)?;
    /// assert_eq!(tier.messages(), Some(10_000));
    /// let number: MessagingLimit = serde_json::from_str("2000")?;
    /// assert_eq!(number.messages(), Some(2_000));
    /// let unlimited: MessagingLimit = serde_json::from_str("-1")?;
    /// assert!(unlimited.is_unlimited());
/// assert_eq!(unlimited.messages(), None);
    /// # Ok::<(), serde_json::Error>(())
    /// ```
    pub enum MessagingLimit {
        /// The business has sent no messages yet.
        NotSet = "TIER_NOT_SET",
        /// 50.
        Tier50 = "TIER_50",
        /// 250.
        Tier250 = "TIER_250",
        /// 1,000.
        Tier1K = "TIER_1K",
        /// 2,000.
        Tier2K = "TIER_2K",
        /// 10,000.
        Tier10K = "TIER_10K",
        /// 100,000.
        Tier100K = "TIER_100K",
        /// No limit.
        Unlimited = "TIER_UNLIMITED" | "-1",
    }
}

impl MessagingLimit {
    /// Returns the limit as a number; `None` when there is no limit or it is unknown.
    #[must_use]
    pub fn messages(&self) -> Option<u64> {
        match self {
            Self::NotSet | Self::Unlimited => None,
            Self::Tier50 => Some(50),
            Self::Tier250 => Some(250),
            Self::Tier1K => Some(1_000),
            Self::Tier2K => Some(2_000),
            Self::Tier10K => Some(10_000),
            Self::Tier100K => Some(100_000),
            Self::Other(number) => number.parse().ok(),
        }
    }

    /// Returns whether there is no limit.
    #[must_use]
    pub fn is_unlimited(&self) -> bool {
        *self == Self::Unlimited
    }
}

/// `account_settings_update`: a change of a number's settings.
///
/// ```json
/// {"messaging_product": "whatsapp", "timestamp": "1785000000", "type": "PHONE_NUMBER_SETTINGS",
///  "phone_number_settings": {"phone_number_id": "300200100500600", "calling": {"status": "ENABLED"}}}
/// ```
///
/// `messaging_product` is always `whatsapp`, and is not kept.
///
/// Meta's page: [call settings](https://developers.facebook.com/documentation/business-messaging/whatsapp/calling/call-settings).
///
/// ```
/// use whatsapp_signals::event::WebhookEvent;
///
/// let body = &std::fs::read("tests/payloads/account-settings-update.json")?;
/// let webhook = whatsapp_signals::parse(body)?;
/// let [WebhookEvent::AccountSettingsUpdate(change)] = webhook.events() else { panic!("one change") };
/// let settings = change.value.phone_number_settings.as_ref().unwrap();
/// assert_eq!(settings.calling.as_ref().unwrap()["status"], "ENABLED");
/// assert_eq!(change.account.phone_number_id, settings.phone_number_id);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[json_object]
#[derive(Default, Eq, Hash)]
pub struct AccountSettingsUpdate {
    /// The time of the change.
    pub timestamp: Option<Timestamp>,
    /// The kind of settings: `PHONE_NUMBER_SETTINGS`.
    #[json(rename = "type")]
    pub kind: Option<Box<str>>,
    /// The settings of the number.
    pub phone_number_settings: Option<PhoneNumberSettings>,
}

/// The settings of a number.
#[json_object]
#[derive(Default, Eq, Hash)]
pub struct PhoneNumberSettings {
    /// The number.
    pub phone_number_id: Option<PhoneNumberId>,
    /// The call settings, in the form of Meta's settings endpoint.
    pub calling: Option<Map<String, Value>>,
}

impl Payload for AccountSettingsUpdate {
    fn phone_number_id(&self) -> Option<&PhoneNumberId> {
        self.phone_number_settings
            .as_ref()?
            .phone_number_id
            .as_ref()
    }

    fn time(&self) -> Option<Timestamp> {
        self.timestamp
    }
}

/// `security`: a change of a number's two-step PIN, or a request for a reset.
///
/// ```json
/// {"display_phone_number": "15550100200", "event": "PIN_RESET_REQUEST",
///  "requester": "61550001112223"}
/// ```
///
/// Meta's page: [security webhook](https://developers.facebook.com/documentation/business-messaging/whatsapp/webhooks/reference/security).
///
/// ```
/// use whatsapp_signals::event::{SecurityEvent, WebhookEvent};
///
/// let body = &std::fs::read("tests/payloads/security.json")?;
/// let webhook = whatsapp_signals::parse(body)?;
/// let [WebhookEvent::Security(change)] = webhook.events() else { panic!("one change") };
/// assert_eq!(change.value.event, SecurityEvent::PinResetRequest);
/// assert!(change.value.requester.is_some());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[json_object]
#[derive(Eq, Hash)]
pub struct Security {
    /// The phone number, formatted.
    pub display_phone_number: Option<Box<str>>,
    /// The kind of change.
    pub event: SecurityEvent,
    /// The user of Meta Business Suite who requested the reset.
    pub requester: Option<Box<str>>,
}

text_enum! {
    /// The kind of a [`Security`] event.
    pub enum SecurityEvent {
        /// The PIN was set or changed.
        PinChanged = "PIN_CHANGED",
        /// A reset of the PIN was requested.
        PinResetRequest = "PIN_RESET_REQUEST",
        /// The PIN was disabled through Meta's email.
        PinRequestSuccess = "PIN_REQUEST_SUCCESS",
    }
}

impl Payload for Security {}
