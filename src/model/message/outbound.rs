//! Interactive messages that the business sends.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::{ButtonReply, ListReply, Media, ProductReply};
use crate::json::object::{MemberValue, json_object};
use crate::json::{any, read_scalar, with_tape};
use crate::model::{CatalogId, FlowId, FlowToken, ProductRetailerId, ReferenceId};

/// An interactive message of the business: buttons, a list, a flow, a link, products, …
///
/// [`json`](Self::json) is the whole object. The methods return its parts: a header, a text, a
/// footer, and the [action](Self::action) with buttons, rows, products or cards. A malformed part
/// counts as missing.
///
/// ```json
/// {"type": "button", "body": {"text": "Shall we order the part?"},
///  "action": {"buttons": [{"type": "reply", "reply": {"id": "yes", "title": "Yes"}}]}}
/// ```
///
/// Meta's page: [interactive reply buttons messages](https://developers.facebook.com/documentation/business-messaging/whatsapp/messages/interactive-reply-buttons-messages).
///
/// # Examples
///
/// ```
/// use whatsapp_signals::event::WebhookEvent;
/// use whatsapp_signals::model::{Content, Interactive};
///
/// let body = &std::fs::read("tests/payloads/message-echo-interactive.json")?;
/// let webhook = whatsapp_signals::parse(body)?;
/// let WebhookEvent::MessageEcho(echo) = &webhook.events()[0] else { panic!("an echo") };
/// assert_eq!(echo.message.body(), "Shall we order the part?");
///
/// let Content::Interactive(interactive) = &echo.message.content else { panic!("interactive") };
/// let Interactive::Outbound(message) = &**interactive else { panic!("sent by the business") };
/// assert_eq!(message.kind(), "button");
/// assert_eq!(message.header().unwrap().text.as_deref(), Some("Pannier hooks"));
/// assert_eq!(message.text(), Some("Shall we order the part?"));
/// assert_eq!(message.footer(), Some("Juniper Yard"));
/// let buttons = message.action().buttons;
/// let titles: Vec<_> = buttons.iter().filter_map(|button| button.button_reply()?.title.as_deref()).collect();
/// assert_eq!(titles, ["Yes, order it", "Not yet"]);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(transparent)]
#[non_exhaustive]
pub struct OutboundInteractive {
    /// The whole object, with `type`, `body`, `action` and its other members.
    #[serde(deserialize_with = "any::object")]
    pub json: Map<String, Value>,
}

impl OutboundInteractive {
    /// Returns the `type`: `button`, `list`, `flow`, `cta_url`, `product`, …
    #[must_use]
    pub fn kind(&self) -> &str {
        let kind = self.json.get("type").and_then(Value::as_str);
        kind.unwrap_or_default()
    }

    /// Returns the header: a text or a file.
    #[must_use]
    pub fn header(&self) -> Option<InteractiveHeader> {
        self.part("header")
    }

    /// Returns the text of the body; a product may lack a body.
    #[must_use]
    pub fn text(&self) -> Option<&str> {
        self.text_of("body")
    }

    /// Returns the text of the footer.
    #[must_use]
    pub fn footer(&self) -> Option<&str> {
        self.text_of("footer")
    }

    /// Returns the action: the buttons, rows, products or cards that the user can select; empty for
    /// a message without an action.
    #[must_use]
    pub fn action(&self) -> InteractiveAction {
        self.part("action").unwrap_or_default()
    }

    /// Returns the message in one line: [`Interactive::title`](super::Interactive::title).
    pub(super) fn title(&self) -> &str {
        let texts = [self.text(), self.text_of("header")];
        let text = texts.into_iter().flatten().find(|text| !text.is_empty());
        text.unwrap_or(match self.kind() {
            "product" => "[Product]",
            _ => "",
        })
    }

    fn text_of(&self, part: &str) -> Option<&str> {
        self.json.get(part)?.get("text")?.as_str()
    }

    /// Reads a part without its malformed members.
    fn part<T: MemberValue>(&self, name: &str) -> Option<T> {
        let json = self.json.get(name)?.to_string();
        with_tape(&json, |part| read_scalar(part)).ok().flatten()
    }
}

/// The header of an [`OutboundInteractive`].
///
/// ```json
/// {"type": "text", "text": "Pannier hooks"}
/// {"type": "image", "image": {"link": "https://juniper-yard.example/hooks.jpg"}}
/// ```
#[json_object]
#[derive(Default, Eq, Hash)]
pub struct InteractiveHeader {
    /// `text`, `image`, `video` or `document`.
    #[json(rename = "type")]
    pub kind: Option<Box<str>>,
    /// The text.
    pub text: Option<Box<str>>,
    /// The image.
    pub image: Option<Media>,
    /// The video.
    pub video: Option<Media>,
    /// The file.
    pub document: Option<Media>,
}

impl InteractiveHeader {
    /// Returns the image, video or document.
    ///
    /// ```
    /// use whatsapp_signals::model::InteractiveHeader;
    ///
    /// let header: InteractiveHeader = serde_json::from_str(
    ///     r#"{"type": "document", "document": {"id": "42", "filename": "offer.pdf"}}"#,
    /// )?;
    /// assert_eq!(header.media().unwrap().filename.as_deref(), Some("offer.pdf"));
    /// # Ok::<(), serde_json::Error>(())
    /// ```
    #[must_use]
    pub fn media(&self) -> Option<&Media> {
        let media = self.image.as_ref().or(self.video.as_ref());
        media.or(self.document.as_ref())
    }
}

/// The text of a part of an interactive message.
#[json_object]
#[derive(Default, Eq, Hash)]
pub struct InteractiveText {
    /// The text.
    pub text: Option<Box<str>>,
}

/// The choices of an [`OutboundInteractive`]. The type of the message decides which members
/// are set.
///
/// | type | members |
/// | --- | --- |
/// | `button` | [`buttons`](Self::buttons) |
/// | `list` | [`button`](Self::button), [`sections`](Self::sections) with rows |
/// | `cta_url`, `flow`, `voice_call`, `catalog_message`, `address_message`, `order_details` | [`parameters`](Self::parameters) |
/// | `product` | [`catalog_id`](Self::catalog_id), [`product_retailer_id`](Self::product_retailer_id) |
/// | `product_list` | [`catalog_id`](Self::catalog_id), [`sections`](Self::sections) with products |
/// | `carousel` | [`cards`](Self::cards) |
/// | `location_request_message`, `call_permission_request` | [`name`](Self::name) alone |
///
/// ```json
/// {"name": "cta_url", "parameters":
///   {"display_text": "Track the job", "url": "https://juniper-yard.example/jobs/4471"}}
/// {"button": "Days", "sections": [{"title": "This week", "rows": [{"id": "fri", "title": "Friday"}]}]}
/// {"catalog_id": "194836987003835", "product_retailer_id": "jy-hook-22"}
/// ```
///
/// ```
/// use whatsapp_signals::model::InteractiveAction;
///
/// let action: InteractiveAction = serde_json::from_str(
///     r#"{"name": "cta_url", "parameters": {"display_text": "Track", "url": "https://a.example"}}"#,
/// )?;
/// let link = action.parameters.unwrap();
/// assert_eq!((link.label(), link.url.as_deref()), (Some("Track"), Some("https://a.example")));
///
/// let action: InteractiveAction = serde_json::from_str(
///     r#"{"button": "Days", "sections": [{"title": "This week", "rows": [
///         {"id": "fri", "title": "Friday", "description": "from 9 to 12"}]}]}"#,
/// )?;
/// assert_eq!(action.sections[0].rows[0].id, "fri");
/// # Ok::<(), serde_json::Error>(())
/// ```
#[json_object]
#[derive(Default, Eq, Hash)]
pub struct InteractiveAction {
    /// `cta_url`, `flow`, `send_location`, `catalog_message`, …
    pub name: Option<Box<str>>,
    /// The label of the button that opens a list.
    pub button: Option<Box<str>>,
    /// The reply buttons.
    pub buttons: Vec<InteractiveButton>,
    /// The sections of a list or of several products.
    pub sections: Vec<InteractiveSection>,
    /// The cards of a carousel.
    pub cards: Vec<InteractiveCard>,
    /// The settings of a link, flow, call or catalog button.
    pub parameters: Option<Box<ActionParameters>>,
    /// The catalog of the products.
    pub catalog_id: Option<CatalogId>,
    /// Your id of the product.
    pub product_retailer_id: Option<ProductRetailerId>,
}

/// A reply button.
///
/// ```json
/// {"type": "reply", "reply": {"id": "yes", "title": "Yes"}}
/// {"type": "quick_reply", "quick_reply": {"id": "yes", "title": "Yes"}}
/// ```
///
/// [`OutboundInteractive`] has an example.
#[json_object]
#[derive(Default, Eq, Hash)]
pub struct InteractiveButton {
    /// `reply`, or `quick_reply` on a card.
    #[json(rename = "type")]
    pub kind: Option<Box<str>>,
    /// The button of a message.
    pub reply: Option<ButtonReply>,
    /// The button of a card.
    pub quick_reply: Option<ButtonReply>,
}

impl InteractiveButton {
    /// Returns the id and the title of the button, which the user's reply will have.
    #[must_use]
    pub fn button_reply(&self) -> Option<&ButtonReply> {
        self.reply.as_ref().or(self.quick_reply.as_ref())
    }
}

/// A section of a list or of several products.
///
/// ```json
/// {"title": "This week", "rows": [{"id": "fri", "title": "Friday", "description": "from 9"}]}
/// {"title": "Bells", "product_items": [{"product_retailer_id": "bell-7"}]}
/// ```
#[json_object]
#[derive(Default, Eq, Hash)]
pub struct InteractiveSection {
    /// The title.
    pub title: Option<Box<str>>,
    /// The rows of a list, with the ids and titles that the user's reply will have.
    pub rows: Vec<ListReply>,
    /// The products.
    pub product_items: Vec<ProductReply>,
}

/// A card of a carousel.
///
/// ```json
/// {"card_index": 0, "type": "cta_url",
///  "header": {"type": "image", "image": {"link": "https://juniper-yard.example/bell.jpg"}},
///  "body": {"text": "A bell"},
///  "action": {"name": "cta_url", "parameters":
///    {"display_text": "Buy", "url": "https://juniper-yard.example/bell"}}}
/// ```
///
/// Meta's page: [interactive media carousel messages](https://developers.facebook.com/documentation/business-messaging/whatsapp/messages/interactive-media-carousel-messages).
#[json_object]
#[derive(Default, Eq, Hash)]
pub struct InteractiveCard {
    /// The position of the card, counted from 0.
    pub card_index: Option<u64>,
    /// `cta_url` or `product`; missing for reply buttons.
    #[json(rename = "type")]
    pub kind: Option<Box<str>>,
    /// The image or video.
    pub header: Option<InteractiveHeader>,
    /// The text.
    pub body: Option<InteractiveText>,
    /// The buttons, the link or the product.
    pub action: Option<Box<InteractiveAction>>,
}

/// The settings of a button that opens a link, a flow, a call or a catalog.
///
/// ```json
/// {"flow_id": "730620510400290", "flow_token": "jy-booking-4482", "flow_cta": "Pick a day",
///  "flow_action": "navigate"}
/// {"display_text": "Call us", "ttl_minutes": 1440, "payload": "job-4471"}
/// {"thumbnail_product_retailer_id": "bell-7"}
/// ```
///
/// Meta's page: [sending a flow](https://developers.facebook.com/docs/whatsapp/flows/guides/sendingaflow).
///
/// ```
/// use whatsapp_signals::model::ActionParameters;
///
/// let flow: ActionParameters = serde_json::from_str(
///     r#"{"flow_name": "book_a_tune_up", "flow_token": "jy-4482", "flow_cta": "Pick a day"}"#,
/// )?;
/// assert_eq!(flow.label(), Some("Pick a day"));
/// assert_eq!(flow.flow_token.unwrap(), "jy-4482");
/// # Ok::<(), serde_json::Error>(())
/// ```
#[json_object]
#[derive(Default, Eq, Hash)]
pub struct ActionParameters {
    /// The label of a link or call button.
    pub display_text: Option<Box<str>>,
    /// The address that a link opens.
    pub url: Option<Box<str>>,
    /// The flow, by its id.
    pub flow_id: Option<FlowId>,
    /// The flow, by its name.
    pub flow_name: Option<Box<str>>,
    /// The token that the reply to the flow contains.
    pub flow_token: Option<FlowToken>,
    /// The label of a flow button.
    pub flow_cta: Option<Box<str>>,
    /// `navigate` or `data_exchange`.
    pub flow_action: Option<Box<str>>,
    /// The product whose image represents the catalog.
    pub thumbnail_product_retailer_id: Option<ProductRetailerId>,
    /// The text that the webhook of the call contains.
    pub payload: Option<Box<str>>,
    /// The validity of a call button, in minutes.
    pub ttl_minutes: Option<u64>,
    /// The country of an address, a two-letter code.
    pub country: Option<Box<str>>,
    /// Your id of a payable order.
    pub reference_id: Option<ReferenceId>,
}

impl ActionParameters {
    /// Returns the label of the button.
    #[must_use]
    pub fn label(&self) -> Option<&str> {
        self.display_text.as_deref().or(self.flow_cta.as_deref())
    }
}
