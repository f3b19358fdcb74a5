use super::Payload;
use crate::json::object::object;
use crate::model::Timestamp;
use crate::model::text_enum::text_enum;

object! {
    /// `user_actions`, in the field `messages`: a user tapped a link in a
    /// marketing message, or viewed the page that the link leads to.
    ///
    /// Meta names neither the user nor the message. The click id is also in the
    /// address that the user opens. The view of a page may arrive before the
    /// tap, after it, or without it.
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
    /// use whatsapp_signals::event::{UserActionType, WebhookEvent};
    ///
    /// let body = &std::fs::read("tests/payloads/user-actions.json")?;
    /// let webhook = whatsapp_signals::parse(body)?;
    /// let [WebhookEvent::UserAction(change), ..] = webhook.events() else { panic!("a change") };
    /// assert_eq!(change.value.action_type, Some(UserActionType::MarketingMessagesLinkClick));
    /// let click = change.value.marketing_messages_link_click_data.as_ref().unwrap();
    /// assert_eq!(click.click_component.as_deref(), Some("cta"));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[derive(Default, Eq, Hash)]
    pub struct UserAction {
        /// Kind of action.
        pub action_type: Option<UserActionType>,
        /// Time of the action.
        pub timestamp: Option<Timestamp>,
        /// The link that was tapped, for both kinds of action.
        pub marketing_messages_link_click_data: Option<LinkClick>,
    }
}

text_enum! {
    /// Kind of a [`UserAction`].
    ///
    /// ```
    /// use whatsapp_signals::event::{UserActionType, WebhookEvent};
    ///
    /// let body = &std::fs::read("tests/payloads/user-actions-landing-page.json")?;
    /// let webhook = whatsapp_signals::parse(body)?;
    /// let [WebhookEvent::UserAction(change)] = webhook.events() else { panic!("a change") };
    /// assert_eq!(change.value.action_type, Some(UserActionType::LandingPageView));
    /// let link = change.value.marketing_messages_link_click_data.as_ref().unwrap();
    /// assert_eq!(link.click_id.as_deref(), Some("jyclick-71d8e0"));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub enum UserActionType {
        /// A tap on a link of a marketing message.
        MarketingMessagesLinkClick = "marketing_messages_link_click",
        /// A view of the page that the link leads to.
        LandingPageView = "landing_page_view",
    }
}

object! {
    /// A link of a marketing message that a user tapped.
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
