//! Updates of message templates.

use super::Payload;
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

object! {
    /// `message_template_quality_update`: how users like a template changed.
    ///
    /// ```json
    /// {"previous_quality_score": "GREEN", "new_quality_score": "YELLOW",
    ///  "message_template_id": 806312974732579, "message_template_name": "spring_offer",
    ///  "message_template_language": "en_US"}
    /// ```
    ///
    /// Meta's page: [message_template_quality_update webhook](https://developers.facebook.com/documentation/business-messaging/whatsapp/webhooks/reference/message_template_quality_update).
    ///
    /// ```
    /// use whatsapp_signals::event::{QualityScore, WebhookEvent};
    ///
    /// let body = &std::fs::read("tests/payloads/template-quality-update.json")?;
    /// let webhook = whatsapp_signals::parse(body)?;
    /// let [WebhookEvent::MessageTemplateQualityUpdate(change)] = webhook.events() else {
    ///     panic!("one change")
    /// };
    /// assert_eq!(change.value.new_quality_score, QualityScore::Yellow);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[derive(Eq, Hash)]
    pub struct MessageTemplateQualityUpdate {
        /// Until now.
        pub previous_quality_score: Option<QualityScore>,
        /// From now on.
        pub new_quality_score: QualityScore,
        /// The template.
        pub message_template_id: Option<TemplateId>,
        /// Its name.
        pub message_template_name: Option<Box<str>>,
        /// Its language code, `en_US` or `en-US`.
        pub message_template_language: Option<Box<str>>,
    }
}

text_enum! {
    /// How users like a template.
    pub enum QualityScore {
        /// Well.
        Green = "GREEN",
        /// Not all of them do.
        Yellow = "YELLOW",
        /// They do not.
        Red = "RED",
        /// Nobody knows yet.
        Unknown = "UNKNOWN",
    }
}

impl Payload for MessageTemplateQualityUpdate {}

object! {
    /// `message_template_components_update`: the text or the buttons of a
    /// template changed.
    ///
    /// ```json
    /// {"message_template_id": 1315502779341834, "message_template_name": "order_ready",
    ///  "message_template_language": "en_US", "message_template_title": "Ready!",
    ///  "message_template_element": "Your {{1}} is ready.", "message_template_footer": "Juniper Yard",
    ///  "message_template_buttons": [{"message_template_button_type": "URL",
    ///    "message_template_button_text": "Map", "message_template_button_url": "https://…"}]}
    /// ```
    ///
    /// Meta's page: [message_template_components_update webhook](https://developers.facebook.com/documentation/business-messaging/whatsapp/webhooks/reference/message_template_components_update).
    ///
    /// ```
    /// use whatsapp_signals::event::WebhookEvent;
    ///
    /// let body = &std::fs::read("tests/payloads/template-components-update.json")?;
    /// let webhook = whatsapp_signals::parse(body)?;
    /// let [WebhookEvent::MessageTemplateComponentsUpdate(change)] = webhook.events() else {
    ///     panic!("one change")
    /// };
    /// assert!(!change.value.message_template_buttons.is_empty());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[derive(Default, Eq, Hash)]
    pub struct MessageTemplateComponentsUpdate {
        /// The template.
        pub message_template_id: Option<TemplateId>,
        /// Its name.
        pub message_template_name: Option<Box<str>>,
        /// Its language code, `en_US` or `en-US`.
        pub message_template_language: Option<Box<str>>,
        /// The text of its header.
        pub message_template_title: Option<Box<str>>,
        /// The text of its body.
        pub message_template_element: Option<Box<str>>,
        /// The text of its footer.
        pub message_template_footer: Option<Box<str>>,
        /// Its buttons.
        pub message_template_buttons: Vec<TemplateButton>,
    }
}

object! {
    /// A button of a template.
    ///
    /// # Examples
    ///
    /// ```
    /// use whatsapp_signals::event::WebhookEvent;
    ///
    /// let body = &std::fs::read("tests/payloads/template-components-update.json")?;
    /// let webhook = whatsapp_signals::parse(body)?;
    /// let [WebhookEvent::MessageTemplateComponentsUpdate(change)] = webhook.events() else {
    ///     panic!("one change")
    /// };
    /// let mut buttons = change.value.message_template_buttons.iter();
    /// let link = buttons.find(|button| button.kind.as_deref() == Some("URL")).unwrap();
    /// assert_eq!(link.url.as_deref(), Some("https://juniper-yard.example/invoices"));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[derive(Default, Eq, Hash)]
    pub struct TemplateButton {
        /// `URL`, `PHONE_NUMBER`, `QUICK_REPLY`, …
        pub kind = "message_template_button_type": Option<Box<str>>,
        /// What the user reads on it.
        pub text = "message_template_button_text": Option<Box<str>>,
        /// What it opens.
        pub url = "message_template_button_url": Option<Box<str>>,
        /// Whom it calls.
        pub phone_number = "message_template_button_phone_number": Option<Box<str>>,
    }
}

impl Payload for MessageTemplateComponentsUpdate {}

text_enum! {
    /// The category of a template, which decides its price.
    ///
    /// ```
    /// use whatsapp_signals::event::TemplateCategory;
    ///
    /// assert_eq!(TemplateCategory::from("UTILITY"), TemplateCategory::Utility);
    /// ```
    pub enum TemplateCategory {
        /// Offers and news.
        Marketing = "MARKETING",
        /// What the user asked for or bought.
        Utility = "UTILITY",
        /// One-time codes.
        Authentication = "AUTHENTICATION",
    }
}

object! {
    /// `template_category_update`: Meta moved a template to another category,
    /// or is going to.
    ///
    /// A notice a day ahead has [`correct_category`](Self::correct_category);
    /// `new_category` is then still the present one. Once done, there is a
    /// `previous_category`.
    ///
    /// ```json
    /// {"message_template_id": 278077987957091, "message_template_name": "spring_offer",
    ///  "message_template_language": "en_US", "new_category": "UTILITY",
    ///  "correct_category": "MARKETING", "category_update_timestamp": 1785600000}
    /// {"message_template_id": 278077987957091, "message_template_name": "spring_offer",
    ///  "message_template_language": "en_US", "previous_category": "UTILITY",
    ///  "new_category": "MARKETING"}
    /// ```
    ///
    /// Meta's page: [template_category_update webhook](https://developers.facebook.com/documentation/business-messaging/whatsapp/webhooks/reference/template_category_update).
    ///
    /// ```
    /// use whatsapp_signals::event::{TemplateCategory, WebhookEvent};
    ///
    /// let body = &std::fs::read("tests/payloads/template-category-update.json")?;
    /// let webhook = whatsapp_signals::parse(body)?;
    /// let [WebhookEvent::TemplateCategoryUpdate(change)] = webhook.events() else { panic!("one change") };
    /// assert!(change.value.is_ahead());
    /// assert_eq!(change.value.correct_category, Some(TemplateCategory::Marketing));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[derive(Default, Eq, Hash)]
    pub struct TemplateCategoryUpdate {
        /// The template.
        pub message_template_id: Option<TemplateId>,
        /// Its name.
        pub message_template_name: Option<Box<str>>,
        /// Its language code, `en_US` or `en-US`.
        pub message_template_language: Option<Box<str>>,
        /// What it was until now.
        pub previous_category: Option<TemplateCategory>,
        /// What it is now.
        pub new_category: Option<TemplateCategory>,
        /// What it is going to be.
        pub correct_category: Option<TemplateCategory>,
        /// When it is going to be that.
        pub category_update_timestamp: Option<Timestamp>,
        /// Possibility or state of an appeal against the new category.
        pub category_appeal_status: Option<CategoryAppealStatus>,
    }
}

text_enum! {
    /// Possibility or state of an appeal against a template's new category.
    ///
    /// ```
    /// use whatsapp_signals::event::{CategoryAppealStatus, WebhookEvent};
    ///
    /// let body = &std::fs::read("tests/payloads/template-category-appeal.json")?;
    /// let webhook = whatsapp_signals::parse(body)?;
    /// let [WebhookEvent::TemplateCategoryUpdate(change)] = webhook.events() else { panic!("one change") };
    /// assert_eq!(change.value.category_appeal_status, Some(CategoryAppealStatus::Eligible));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub enum CategoryAppealStatus {
        /// You may appeal.
        Eligible = "ELIGIBLE",
    }
}

impl TemplateCategoryUpdate {
    /// Whether this tells what is going to happen, and not what has happened.
    ///
    /// # Examples
    ///
    /// ```
    /// use whatsapp_signals::event::TemplateCategoryUpdate;
    ///
    /// let done: TemplateCategoryUpdate = serde_json::from_str(
    ///     r#"{"previous_category": "UTILITY", "new_category": "MARKETING"}"#,
    /// )?;
    /// assert!(!done.is_ahead());
    /// # Ok::<(), serde_json::Error>(())
    /// ```
    #[must_use]
    pub fn is_ahead(&self) -> bool {
        self.correct_category.is_some()
    }
}

impl Payload for TemplateCategoryUpdate {
    fn time(&self) -> Option<Timestamp> {
        self.category_update_timestamp
    }
}

object! {
    /// `template_correct_category_detection`: what you sent belongs to another
    /// category than the one that you gave.
    ///
    /// ```json
    /// {"message_template_id": 1213485583768734, "message_template_name": "order_ready",
    ///  "message_template_language": "en_US", "category": "UTILITY", "correct_category": "MARKETING"}
    /// ```
    ///
    /// Meta's page: [content guidelines of direct send](https://developers.facebook.com/documentation/business-messaging/whatsapp/direct-send/integrity-and-content-guidelines).
    ///
    /// ```
    /// use whatsapp_signals::event::{TemplateCategory, WebhookEvent};
    ///
    /// let body = &std::fs::read("tests/payloads/template-correct-category-detection.json")?;
    /// let webhook = whatsapp_signals::parse(body)?;
    /// let [WebhookEvent::TemplateCorrectCategoryDetection(change)] = webhook.events() else {
    ///     panic!("one change")
    /// };
    /// assert_eq!(change.value.correct_category, Some(TemplateCategory::Marketing));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[derive(Default, Eq, Hash)]
    pub struct TemplateCorrectCategoryDetection {
        /// The template.
        pub message_template_id: Option<TemplateId>,
        /// Its name.
        pub message_template_name: Option<Box<str>>,
        /// Its language code, `en_US` or `en-US`.
        pub message_template_language: Option<Box<str>>,
        /// The category that you gave.
        pub category: Option<TemplateCategory>,
        /// The category that it belongs to.
        pub correct_category: Option<TemplateCategory>,
    }
}

impl Payload for TemplateCorrectCategoryDetection {}
