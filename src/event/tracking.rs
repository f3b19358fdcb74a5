//! Conversions and clicks of users.

use super::Payload;
use crate::json::object::json_object;
use crate::model::text_enum::text_enum;
use crate::model::{MessageId, Timestamp};

/// `tracking_events`: the progress of a tracked marketing message.
///
/// ```json
/// {"event_name": "sent", "timestamp": 1785000000,
///  "tracking_data": {"click_id": "…", "tracking_token": "…"}}
/// ```
///
/// Meta's page: [marketing messages](https://developers.facebook.com/documentation/business-messaging/whatsapp/marketing-messages/track-click-events).
///
/// ```
/// use whatsapp_signals::event::WebhookEvent;
///
/// let body = &std::fs::read("tests/payloads/tracking-events.json")?;
/// let webhook = whatsapp_signals::parse(body)?;
/// let [WebhookEvent::TrackingEvent(change), ..] = webhook.events() else { panic!("a change") };
/// assert!(change.value.tracking_data.is_some());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[json_object]
#[derive(Default, Eq, Hash)]
pub struct TrackingEvent {
    /// The kind of event: `sent`, …
    pub event_name: Option<Box<str>>,
    /// The time of the event.
    pub timestamp: Option<Timestamp>,
    /// The ids of the message.
    pub tracking_data: Option<TrackingData>,
}

/// The ids of a tracked message.
#[json_object]
#[derive(Default, Eq, Hash)]
pub struct TrackingData {
    /// The id of the tap.
    pub click_id: Option<Box<str>>,
    /// Meta's tracking token.
    pub tracking_token: Option<Box<str>>,
}

impl Payload for TrackingEvent {
    fn time(&self) -> Option<Timestamp> {
        self.timestamp
    }
}

/// `user_actions` in the field `messages`: a tap on a link of a marketing message, or a view of the
/// linked page.
///
/// Meta names neither the user nor the message. The click id is also in the address that the user
/// opens. The view of a page may arrive before the tap, after it, or without it.
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
#[json_object]
#[derive(Default, Eq, Hash)]
pub struct UserAction {
    /// Kind of action.
    pub action_type: Option<UserActionType>,
    /// Time of the action.
    pub timestamp: Option<Timestamp>,
    /// The tapped link, for both kinds of action.
    pub marketing_messages_link_click_data: Option<LinkClick>,
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

/// A link of a marketing message that a user tapped.
#[json_object]
#[derive(Default, Eq, Hash)]
pub struct LinkClick {
    /// The component: `cta`, the button, or `body`.
    pub click_component: Option<Box<str>>,
    /// The product of the link.
    pub product_id: Option<Box<str>>,
    /// The id of the tap.
    pub click_id: Option<Box<str>>,
    /// Meta's tracking token.
    pub tracking_token: Option<Box<str>>,
}

impl Payload for UserAction {
    fn time(&self) -> Option<Timestamp> {
        self.timestamp
    }
}

/// `automatic_events`: a purchase or lead that Meta detected in a conversation that began with an
/// advertisement.
///
/// ```json
/// {"id": "wamid.HBgL…", "event_name": "Purchase", "timestamp": 1785000000,
///  "ctwa_clid": "Afc3…", "custom_data": {"currency": "USD", "value": 25000}}
/// ```
///
/// Meta's page: [automatic events API](https://developers.facebook.com/documentation/business-messaging/whatsapp/embedded-signup/automatic-events-api).
///
/// ```
/// use whatsapp_signals::event::WebhookEvent;
///
/// let body = &std::fs::read("tests/payloads/automatic-events.json")?;
/// let webhook = whatsapp_signals::parse(body)?;
/// let names: Vec<_> = webhook
///     .iter()
///     .map(|event| match event {
///         WebhookEvent::AutomaticEvent(change) => change.value.event_name.as_deref(),
///         _ => None,
///     })
///     .collect();
/// assert!(names.contains(&Some("Purchase")));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[json_object]
#[derive(Default)]
pub struct AutomaticEvent {
    /// The message with the purchase or lead.
    pub id: Option<MessageId>,
    /// `Purchase`, `LeadSubmitted`.
    pub event_name: Option<Box<str>>,
    /// The time of the event.
    pub timestamp: Option<Timestamp>,
    /// The tap on the advertisement.
    pub ctwa_clid: Option<Box<str>>,
    /// The purchase.
    pub custom_data: Option<PurchaseData>,
}

/// The amount of a purchase.
#[json_object]
#[derive(Default)]
pub struct PurchaseData {
    /// The ISO 4217 code.
    pub currency: Option<Box<str>>,
    /// The amount.
    pub value: Option<f64>,
}

impl Payload for AutomaticEvent {
    fn time(&self) -> Option<Timestamp> {
        self.timestamp
    }

    fn has_id(&self) -> bool {
        self.id.is_some()
    }
}
