use super::{Payload, TemplateCategory};
use crate::json::object::object;
use crate::model::TemplateId;

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
