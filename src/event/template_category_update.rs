use super::{Payload, TemplateCategory};
use crate::json::object::object;
use crate::model::text_enum::text_enum;
use crate::model::{TemplateId, Timestamp};

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
