//! Updates of message templates.

use super::Payload;
use crate::json::object::json_object;
use crate::model::text_enum::text_enum;
use crate::model::{TemplateId, Timestamp};

/// `message_template_status_update`: a template was approved, rejected, paused, disabled, deleted,
/// …
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
/// let to_do = change.value.rejection_info.as_ref().and_then(|info| info.recommendation.as_deref());
/// assert_eq!(to_do, Some("Put a word between the bicycle and the price."));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[json_object]
#[derive(Default, Eq, Hash)]
pub struct MessageTemplateStatusUpdate {
    /// The kind of change. Missing in an example of Meta that has the members of a
    /// [`MessageTemplateQualityUpdate`](super::MessageTemplateQualityUpdate).
    pub event: Option<TemplateEvent>,
    /// The template.
    pub message_template_id: Option<TemplateId>,
    /// The name of the template.
    pub message_template_name: Option<Box<str>>,
    /// The language code, `en_US` or `en-US`.
    pub message_template_language: Option<Box<str>>,
    /// The category of the template.
    pub message_template_category: Option<TemplateCategory>,
    /// The reason: `INVALID_FORMAT`, `PROMOTIONAL`, …; `NONE` or missing without one.
    pub reason: Option<Box<str>>,
    /// The time of the disabling.
    pub disable_info: Option<DisableInfo>,
    /// The reason for a pause, lock or unlock.
    pub other_info: Option<OtherInfo>,
    /// The reason for a rejection, and the recommended change.
    pub rejection_info: Option<RejectionInfo>,
    /// The previous score, as in a
    /// [`MessageTemplateQualityUpdate`](super::MessageTemplateQualityUpdate).
    pub previous_quality_score: Option<Box<str>>,
    /// The new score, as in a
    /// [`MessageTemplateQualityUpdate`](super::MessageTemplateQualityUpdate).
    pub new_quality_score: Option<Box<str>>,
}

text_enum! {
    /// The kind of a [`MessageTemplateStatusUpdate`].
    pub enum TemplateEvent {
        /// The template may be sent.
        Approved = "APPROVED",
        /// The template was archived because it was not used.
        Archived = "ARCHIVED",
        /// The template is no longer archived.
        Unarchived = "UNARCHIVED",
        /// The template was deleted.
        Deleted = "DELETED",
        /// The template may no longer be sent.
        Disabled = "DISABLED",
        /// The quality of the template is low.
        Flagged = "FLAGGED",
        /// The rejection is being reviewed.
        InAppeal = "IN_APPEAL",
        /// The account has too many templates.
        LimitExceeded = "LIMIT_EXCEEDED",
        /// The template cannot be edited.
        Locked = "LOCKED",
        /// The template can be edited again.
        Unlocked = "UNLOCKED",
        /// The template may not be sent for some hours.
        Paused = "PAUSED",
        /// The template is being reviewed.
        Pending = "PENDING",
        /// The template will be deleted.
        PendingDeletion = "PENDING_DELETION",
        /// The template may be sent again.
        Reinstated = "REINSTATED",
        /// The template may not be sent.
        Rejected = "REJECTED",
    }
}

/// The disabling of a template.
#[json_object]
#[derive(Default, Eq, Hash)]
pub struct DisableInfo {
    /// The time.
    pub disable_date: Option<Timestamp>,
}

/// The pause, lock or unlock of a template.
#[json_object]
#[derive(Default, Eq, Hash)]
pub struct OtherInfo {
    /// `FIRST_PAUSE`, `SECOND_PAUSE`, `UNPAUSE`, …
    pub title: Option<Box<str>>,
    /// The description.
    pub description: Option<Box<str>>,
}

/// The rejection of a template.
#[json_object]
#[derive(Default, Eq, Hash)]
pub struct RejectionInfo {
    /// The reason.
    pub reason: Option<Box<str>>,
    /// The recommended change.
    pub recommendation: Option<Box<str>>,
}

impl Payload for MessageTemplateStatusUpdate {}

/// `message_template_quality_update`: a change of a template's quality score.
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
#[json_object]
#[derive(Eq, Hash)]
pub struct MessageTemplateQualityUpdate {
    /// The previous score.
    pub previous_quality_score: Option<QualityScore>,
    /// The new score.
    pub new_quality_score: QualityScore,
    /// The template.
    pub message_template_id: Option<TemplateId>,
    /// The name of the template.
    pub message_template_name: Option<Box<str>>,
    /// The language code, `en_US` or `en-US`.
    pub message_template_language: Option<Box<str>>,
}

text_enum! {
    /// The quality of a template by the feedback of users.
    pub enum QualityScore {
        /// High quality.
        Green = "GREEN",
        /// Medium quality.
        Yellow = "YELLOW",
        /// Low quality.
        Red = "RED",
        /// The quality is not known yet.
        Unknown = "UNKNOWN",
    }
}

impl Payload for MessageTemplateQualityUpdate {}

/// `message_template_components_update`: a change of a template's text or buttons.
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
/// let mut buttons = change.value.message_template_buttons.iter();
/// let link = buttons.find(|button| button.kind.as_deref() == Some("URL")).unwrap();
/// assert_eq!(link.url.as_deref(), Some("https://juniper-yard.example/invoices"));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[json_object]
#[derive(Default, Eq, Hash)]
pub struct MessageTemplateComponentsUpdate {
    /// The template.
    pub message_template_id: Option<TemplateId>,
    /// The name of the template.
    pub message_template_name: Option<Box<str>>,
    /// The language code, `en_US` or `en-US`.
    pub message_template_language: Option<Box<str>>,
    /// The text of the header.
    pub message_template_title: Option<Box<str>>,
    /// The text of the body.
    pub message_template_element: Option<Box<str>>,
    /// The text of the footer.
    pub message_template_footer: Option<Box<str>>,
    /// The buttons.
    pub message_template_buttons: Vec<TemplateButton>,
}

/// A button of a template.
#[json_object]
#[derive(Default, Eq, Hash)]
pub struct TemplateButton {
    /// `URL`, `PHONE_NUMBER`, `QUICK_REPLY`, …
    #[json(rename = "message_template_button_type")]
    pub kind: Option<Box<str>>,
    /// The label.
    #[json(rename = "message_template_button_text")]
    pub text: Option<Box<str>>,
    /// The address that the button opens.
    #[json(rename = "message_template_button_url")]
    pub url: Option<Box<str>>,
    /// The phone number that the button calls.
    #[json(rename = "message_template_button_phone_number")]
    pub phone_number: Option<Box<str>>,
}

impl Payload for MessageTemplateComponentsUpdate {}

text_enum! {
    /// The category of a template, which determines the price of its messages.
    pub enum TemplateCategory {
        /// Offers and news.
        Marketing = "MARKETING",
        /// Updates about a request or purchase of the user.
        Utility = "UTILITY",
        /// One-time codes.
        Authentication = "AUTHENTICATION",
    }
}

/// `template_category_update`: a change of a template's category, or the notice of a change.
///
/// The notice, a day ahead, has a [`correct_category`](Self::correct_category), and its
/// `new_category` is the present category. The change itself has a `previous_category`.
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
#[json_object]
#[derive(Default, Eq, Hash)]
pub struct TemplateCategoryUpdate {
    /// The template.
    pub message_template_id: Option<TemplateId>,
    /// The name of the template.
    pub message_template_name: Option<Box<str>>,
    /// The language code, `en_US` or `en-US`.
    pub message_template_language: Option<Box<str>>,
    /// The previous category.
    pub previous_category: Option<TemplateCategory>,
    /// The present category.
    pub new_category: Option<TemplateCategory>,
    /// The category after the change.
    pub correct_category: Option<TemplateCategory>,
    /// The time of the change.
    pub category_update_timestamp: Option<Timestamp>,
    /// Possibility or state of an appeal against the new category.
    pub category_appeal_status: Option<CategoryAppealStatus>,
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
    /// Returns whether this is the notice of a change.
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

/// `template_correct_category_detection`: the content of a template belongs to another category
/// than the given one.
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
#[json_object]
#[derive(Default, Eq, Hash)]
pub struct TemplateCorrectCategoryDetection {
    /// The template.
    pub message_template_id: Option<TemplateId>,
    /// The name of the template.
    pub message_template_name: Option<Box<str>>,
    /// The language code, `en_US` or `en-US`.
    pub message_template_language: Option<Box<str>>,
    /// The given category.
    pub category: Option<TemplateCategory>,
    /// The category of the content.
    pub correct_category: Option<TemplateCategory>,
}

impl Payload for TemplateCorrectCategoryDetection {}
