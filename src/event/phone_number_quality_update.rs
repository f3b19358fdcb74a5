use super::{MessagingLimit, Payload};
use crate::json::object::object;
use crate::model::text_enum::text_enum;

object! {
    /// `phone_number_quality_update`: the throughput, or in older versions the
    /// quality or the messaging limit, of one of your numbers changed.
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
    #[derive(Eq, Hash)]
    pub struct PhoneNumberQualityUpdate {
        /// The number, as people see it.
        pub display_phone_number: Option<Box<str>>,
        /// What happened.
        pub event: QualityEvent,
        /// How many users you may write to in a day.
        pub max_daily_conversations_per_business: Option<MessagingLimit>,
        /// Older: the number's limit from now on.
        pub current_limit: Option<MessagingLimit>,
        /// Older: the number's limit until now.
        pub old_limit: Option<MessagingLimit>,
    }
}

text_enum! {
    /// What happened to a number.
    pub enum QualityEvent {
        /// It is being registered.
        Onboarding = "ONBOARDING",
        /// It may send faster.
        ThroughputUpgrade = "THROUGHPUT_UPGRADE",
        /// Older: its messaging limit rose.
        Upgrade = "UPGRADE",
        /// Older: its messaging limit fell.
        Downgrade = "DOWNGRADE",
        /// Older: its quality is low.
        Flagged = "FLAGGED",
        /// Older: its quality is no longer low.
        Unflagged = "UNFLAGGED",
    }
}

impl Payload for PhoneNumberQualityUpdate {}
