use super::{Payload, TemplateCategory};
use crate::json::object::object;
use crate::model::text_enum::text_enum;
use crate::model::{TemplateId, Timestamp};

object! {
    /// `message_template_status_update`: a template was approved, rejected,
    /// paused, disabled, deleted, …
    ///
    /// ```json
    /// {"event": "REJECTED", "message_template_id": 1689556908129835,
    ///  "message_template_name": "spring_offer", "message_template_language": "en_US",
    ///  "message_template_category": "MARKETING", "reason": "INVALID_FORMAT",
    ///  "rejection_info": {"reason": "…", "recommendation": "…"}}
    /// ```
    ///
    /// Meta's page: [message_template_status_update webhook](https://developers.facebook.com/documentation/business-messaging/whatsapp/webhooks/reference/message_template_status_update).
    ///
    /// ```
    /// use whatsapp_signals::event::{TemplateEvent, WebhookEvent};
    ///
    /// let body = &std::fs::read("tests/payloads/template-status-rejected.json")?;
    /// let webhook = whatsapp_signals::parse(body)?;
    /// let [WebhookEvent::MessageTemplateStatusUpdate(change)] = webhook.events() else {
    ///     panic!("one change")
    /// };
    /// assert_eq!(change.value.event, Some(TemplateEvent::Rejected));
    /// assert!(change.value.rejection_info.is_some());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[derive(Default, Eq, Hash)]
    pub struct MessageTemplateStatusUpdate {
        /// What happened. Missing in an example of Meta's that has the members
        /// of a [`MessageTemplateQualityUpdate`](super::MessageTemplateQualityUpdate).
        pub event: Option<TemplateEvent>,
        /// The template.
        pub message_template_id: Option<TemplateId>,
        /// Its name.
        pub message_template_name: Option<Box<str>>,
        /// Its language code, `en_US` or `en-US`.
        pub message_template_language: Option<Box<str>>,
        /// Its category.
        pub message_template_category: Option<TemplateCategory>,
        /// Why: `INVALID_FORMAT`, `PROMOTIONAL`, …; `NONE` or missing when
        /// there is nothing to say.
        pub reason: Option<Box<str>>,
        /// When it was disabled.
        pub disable_info: Option<DisableInfo>,
        /// Why it was paused, locked or unlocked.
        pub other_info: Option<OtherInfo>,
        /// What to mend.
        pub rejection_info: Option<RejectionInfo>,
        /// As in a [`MessageTemplateQualityUpdate`](super::MessageTemplateQualityUpdate).
        pub previous_quality_score: Option<Box<str>>,
        /// As in a [`MessageTemplateQualityUpdate`](super::MessageTemplateQualityUpdate).
        pub new_quality_score: Option<Box<str>>,
    }
}

text_enum! {
    /// What happened to a template.
    pub enum TemplateEvent {
        /// It may be sent.
        Approved = "APPROVED",
        /// It was put away because nobody used it.
        Archived = "ARCHIVED",
        /// It is back.
        Unarchived = "UNARCHIVED",
        /// It is gone.
        Deleted = "DELETED",
        /// It may no longer be sent.
        Disabled = "DISABLED",
        /// Users dislike it.
        Flagged = "FLAGGED",
        /// Its rejection is being looked at again.
        InAppeal = "IN_APPEAL",
        /// The account has too many.
        LimitExceeded = "LIMIT_EXCEEDED",
        /// It cannot be edited.
        Locked = "LOCKED",
        /// It can be edited again.
        Unlocked = "UNLOCKED",
        /// It may not be sent for some hours.
        Paused = "PAUSED",
        /// It is being reviewed.
        Pending = "PENDING",
        /// It will be deleted.
        PendingDeletion = "PENDING_DELETION",
        /// It may be sent again.
        Reinstated = "REINSTATED",
        /// It may not be sent.
        Rejected = "REJECTED",
    }
}

object! {
    /// When a template was disabled.
    ///
    /// # Examples
    ///
    /// ```
    /// use whatsapp_signals::event::DisableInfo;
    ///
    /// let info: DisableInfo = serde_json::from_str(r#"{"disable_date": 1785096000}"#)?;
    /// assert_eq!(info.disable_date.unwrap().as_secs(), 1_785_096_000);
    /// # Ok::<(), serde_json::Error>(())
    /// ```
    #[derive(Default, Eq, Hash)]
    pub struct DisableInfo {
        /// The time.
        pub disable_date: Option<Timestamp>,
    }
}

object! {
    /// Why a template was paused, locked or unlocked.
    ///
    /// # Examples
    ///
    /// ```
    /// use whatsapp_signals::event::OtherInfo;
    ///
    /// let info: OtherInfo = serde_json::from_str(r#"{"title": "SECOND_PAUSE"}"#)?;
    /// assert_eq!(info.title.as_deref(), Some("SECOND_PAUSE"));
    /// # Ok::<(), serde_json::Error>(())
    /// ```
    #[derive(Default, Eq, Hash)]
    pub struct OtherInfo {
        /// `FIRST_PAUSE`, `SECOND_PAUSE`, `UNPAUSE`, …
        pub title: Option<Box<str>>,
        /// In words.
        pub description: Option<Box<str>>,
    }
}

object! {
    /// Why a template was rejected.
    ///
    /// # Examples
    ///
    /// ```
    /// use whatsapp_signals::event::WebhookEvent;
    ///
    /// let body = &std::fs::read("tests/payloads/template-status-rejected.json")?;
    /// let webhook = whatsapp_signals::parse(body)?;
    /// let [WebhookEvent::MessageTemplateStatusUpdate(change)] = webhook.events() else {
    ///     panic!("one change")
    /// };
    /// let info = change.value.rejection_info.clone().unwrap_or_default();
    /// let to_do = info.recommendation.as_deref();
    /// assert_eq!(to_do, Some("Put a word between the bicycle and the price."));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[derive(Default, Eq, Hash)]
    pub struct RejectionInfo {
        /// What is wrong.
        pub reason: Option<Box<str>>,
        /// What to do.
        pub recommendation: Option<Box<str>>,
    }
}

impl Payload for MessageTemplateStatusUpdate {}
