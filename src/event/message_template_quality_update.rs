use super::Payload;
use crate::json::object::object;
use crate::model::TemplateId;
use crate::model::text_enum::text_enum;

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
