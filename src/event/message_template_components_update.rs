use super::Payload;
use crate::json::object::object;
use crate::model::TemplateId;

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
