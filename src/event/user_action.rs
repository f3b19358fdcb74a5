use super::Payload;
use crate::model::Timestamp;
use crate::model::object::object;

object! {
    /// `user_actions`, in the field `messages`: a user tapped a link in a
    /// marketing message.
    ///
    /// Meta names neither the user nor the message. The click id is also in the
    /// address that the user opens.
    ///
    /// ```json
    /// {"action_type": "marketing_messages_link_click", "timestamp": "1785000000",
    ///  "marketing_messages_link_click_data": {"click_component": "cta", "product_id": "bell-7",
    ///                                         "click_id": "…", "tracking_token": "…"}}
    /// ```
    ///
    /// Meta's page: [track click events](https://developers.facebook.com/documentation/business-messaging/whatsapp/marketing-messages/track-click-events).
    ///
    /// ```
    /// use whatsapp_signals::event::WebhookEvent;
    ///
    /// let body = include_bytes!("../../tests/payloads/user-actions.json");
    /// let webhook = whatsapp_signals::parse(body)?;
    /// let [WebhookEvent::UserAction(change), ..] = webhook.events() else { panic!("a change") };
    /// let click = change.value.marketing_messages_link_click_data.as_ref().unwrap();
    /// assert_eq!(click.click_component.as_deref(), Some("cta"));
    /// # Ok::<(), whatsapp_signals::ParseError>(())
    /// ```
    #[derive(Default, Eq, Hash)]
    pub struct UserAction {
        /// What the user did: `marketing_messages_link_click`.
        pub action_type: Option<Box<str>>,
        /// When.
        pub timestamp: Option<Timestamp>,
        /// The tap.
        pub marketing_messages_link_click_data: Option<LinkClick>,
    }
}

object! {
    /// A tap on a link of a marketing message.
    ///
    /// # Examples
    ///
    /// ```
    /// use whatsapp_signals::event::LinkClick;
    ///
    /// let click: LinkClick = serde_json::from_str(
    ///     r#"{"click_component": "body", "product_id": "jy-tube-700c"}"#,
    /// )?;
    /// assert_eq!(click.product_id.as_deref(), Some("jy-tube-700c"));
    /// # Ok::<(), serde_json::Error>(())
    /// ```
    #[derive(Default, Eq, Hash)]
    pub struct LinkClick {
        /// Where: `cta`, the button, or `body`.
        pub click_component: Option<Box<str>>,
        /// The product that it was about.
        pub product_id: Option<Box<str>>,
        /// The id of this tap.
        pub click_id: Option<Box<str>>,
        /// Meta's own token.
        pub tracking_token: Option<Box<str>>,
    }
}

impl Payload for UserAction {
    fn time(&self) -> Option<Timestamp> {
        self.timestamp
    }
}
