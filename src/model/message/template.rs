//! Templates, with the values that a message fills in.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::tagged::Tagged;
use super::{Location, Media, ReferredProduct};
use crate::json::object::{FromNode, Lenient, ReadMembers, json_object, members};
use crate::json::{Fault, Node, Omissions};

/// A template of the business, with the values of its parameters.
///
/// Meta stores the text of a template: a request has its name and the values of its parameters. The
/// cards of a carousel are [`cards`](Self::cards), beside the components.
///
/// Meta's page: [sending templates](https://developers.facebook.com/documentation/business-messaging/whatsapp/templates/overview).
///
/// # Examples
///
/// ```
/// use whatsapp_signals::event::MessageSent;
/// use whatsapp_signals::model::Content;
///
/// let request = r#"{"to": "15550101001", "type": "template", "template": {
///     "name": "bike_ready", "language": {"code": "en_US"},
///     "components": [{"type": "body", "parameters": [
///         {"type": "text", "parameter_name": "name", "text": "Ada"}]}]}}"#;
/// let response = r#"{"contacts": [{"wa_id": "15550101001"}], "messages": [{"id": "wamid.A"}]}"#;
/// let sent = MessageSent::from_graph(request, response)?.remove(0);
///
/// let Content::Template(template) = &sent.message.content else { panic!("a template") };
/// assert_eq!((&*template.name, &*template.language), ("bike_ready", "en_US"));
/// let name = &template.components[0].parameters[0];
/// assert_eq!((name.parameter_name.as_deref(), name.value()), (Some("name"), Some("Ada")));
/// # Ok::<(), whatsapp_signals::event::GraphJsonError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Template {
    /// The name.
    pub name: String,
    /// The language code, `en_US`.
    pub language: String,
    /// The parts of the template with parameters.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub components: Vec<TemplateComponent>,
    /// The cards of a carousel.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub cards: Vec<TemplateCard>,
}

/// A part of a template, with the values of its parameters.
///
/// ```json
/// {"type": "body", "parameters": [{"type": "text", "text": "Ada"}]}
/// {"type": "button", "sub_type": "quick_reply", "index": "0",
///  "parameters": [{"type": "payload", "payload": "BOOK"}]}
/// ```
///
/// ```
/// use whatsapp_signals::model::TemplateComponent;
///
/// let button: TemplateComponent = serde_json::from_str(
///     r#"{"type": "button", "sub_type": "url", "index": "1",
///         "parameters": [{"type": "text", "text": "jobs/4471"}]}"#,
/// )?;
/// assert_eq!((button.sub_type.as_deref(), button.index), (Some("url"), Some(1)));
/// assert_eq!(button.parameters[0].value(), Some("jobs/4471"));
/// # Ok::<(), serde_json::Error>(())
/// ```
#[json_object]
#[derive(Default)]
pub struct TemplateComponent {
    /// `header`, `body`, `button`, `carousel`, `limited_time_offer`, …
    #[json(rename = "type")]
    pub kind: Option<Box<str>>,
    /// The type of a button: `quick_reply`, `url`, `copy_code`, `flow`, `catalog`, `mpm`, …
    pub sub_type: Option<Box<str>>,
    /// The position of a button, counted from 0.
    pub index: Option<u64>,
    /// The values, in the order of the template's placeholders or with their names.
    pub parameters: Vec<TemplateParameter>,
}

/// A value of a [`TemplateComponent`]; the member that its `type` names is set.
///
/// ```json
/// {"type": "text", "parameter_name": "day", "text": "Friday"}
/// {"type": "currency", "currency":
///   {"fallback_value": "$89.50", "code": "USD", "amount_1000": 89500}}
/// ```
///
/// ```
/// use whatsapp_signals::model::TemplateParameter;
///
/// let price: TemplateParameter = serde_json::from_str(
///     r#"{"type": "currency", "currency": {"fallback_value": "$89.50", "code": "USD"}}"#,
/// )?;
/// assert_eq!(price.value(), Some("$89.50"));
///
/// let code: TemplateParameter =
///     serde_json::from_str(r#"{"type": "coupon_code", "coupon_code": "SPRING25"}"#)?;
/// assert_eq!(code.value(), Some("SPRING25"));
/// # Ok::<(), serde_json::Error>(())
/// ```
#[json_object]
#[derive(Default)]
pub struct TemplateParameter {
    /// `text`, `currency`, `date_time`, `image`, `payload`, `coupon_code`, `action`, …
    #[json(rename = "type")]
    pub kind: Option<Box<str>>,
    /// The name of the parameter, in a template with named parameters.
    pub parameter_name: Option<Box<str>>,
    /// A text.
    pub text: Option<Box<str>>,
    /// The text that a quick-reply button returns.
    pub payload: Option<Box<str>>,
    /// The code that a button copies.
    pub coupon_code: Option<Box<str>>,
    /// A sum of money.
    pub currency: Option<TemplateCurrency>,
    /// A date.
    pub date_time: Option<TemplateDateTime>,
    /// The image of a header.
    pub image: Option<Media>,
    /// The video of a header.
    pub video: Option<Media>,
    /// The document of a header.
    pub document: Option<Media>,
    /// The location of a header.
    pub location: Option<Location>,
    /// The product of a card's header.
    pub product: Option<ReferredProduct>,
    /// The end of an offer.
    pub limited_time_offer: Option<LimitedTimeOffer>,
    /// The JSON of a flow, catalog or multi-product button, as the request has it.
    pub action: Option<Map<String, Value>>,
}

impl TemplateParameter {
    /// Returns the text that the parameter inserts into the message or its button; `None` for a
    /// file, a location or an unknown type.
    #[must_use]
    pub fn value(&self) -> Option<&str> {
        let currency = || self.currency.as_ref()?.fallback_value.as_deref();
        let date = || self.date_time.as_ref()?.fallback_value.as_deref();
        let text = self.text.as_deref().or(self.payload.as_deref());
        text.or(self.coupon_code.as_deref())
            .or_else(currency)
            .or_else(date)
    }
}

/// A sum of money in a template.
#[json_object]
#[derive(Default, Eq, Hash)]
pub struct TemplateCurrency {
    /// The text of the sum.
    pub fallback_value: Option<Box<str>>,
    /// The ISO 4217 code.
    pub code: Option<Box<str>>,
    /// The sum in thousandths of the currency unit.
    pub amount_1000: Option<i64>,
}

/// A date in a template.
#[json_object]
#[derive(Default, Eq, Hash)]
pub struct TemplateDateTime {
    /// The text of the date.
    pub fallback_value: Option<Box<str>>,
}

/// The end of a limited-time offer.
///
/// # Examples
///
/// ```
/// use whatsapp_signals::model::{LimitedTimeOffer, Timestamp};
///
/// let offer: LimitedTimeOffer =
///     serde_json::from_str(r#"{"expiration_time_ms": 1785000000000}"#)?;
/// let end = offer.expiration_time_ms.map(|ms| Timestamp::from_secs(ms / 1_000));
/// assert_eq!(end, Some(Timestamp::from_secs(1_785_000_000)));
/// # Ok::<(), serde_json::Error>(())
/// ```
#[json_object]
#[derive(Default, Eq, Hash)]
pub struct LimitedTimeOffer {
    /// The end, in milliseconds since 1970.
    pub expiration_time_ms: Option<i64>,
}

/// A card of a carousel template.
///
/// ```json
/// {"card_index": 0, "components": [
///   {"type": "header", "parameters": [{"type": "image", "image": {"id": "1003383421387256"}}]}]}
/// ```
#[json_object]
#[derive(Default)]
pub struct TemplateCard {
    /// The position of the card, counted from 0.
    pub card_index: Option<u64>,
    /// The parts of the card with parameters.
    pub components: Vec<TemplateComponent>,
}

members! {
    struct Members {
        name: String,
        language: Language,
        components: Components,
    }

    struct LanguageMembers {
        code: String,
    }
}

/// The code of a language: `{"code": "en_US"}`, or the code itself.
struct Language(String);

impl<'a> FromNode<'a> for Language {
    fn read_into(slot: &mut Option<Self>, json: Lenient<'_, 'a>) -> Result<(), Fault> {
        json.read_with(|node, omitted| {
            let code = if node.is_object() {
                let members = LanguageMembers::read(node, omitted)?;
                members.code.ok_or_else(|| omitted.missing(node, "code"))?
            } else {
                omitted.read(node)?
            };
            *slot = Some(Self(code));
            Ok(())
        })
    }
}

/// The components of a template, and the cards in them.
struct Components {
    components: Vec<TemplateComponent>,
    cards: Vec<TemplateCard>,
}

impl<'a> FromNode<'a> for Components {
    fn read_into(slot: &mut Option<Self>, json: Lenient<'_, 'a>) -> Result<(), Fault> {
        json.read_with(|list, omitted| {
            let components = omitted.read(list)?;
            // Nested cards would overflow the stack.
            let cards = list
                .elements()
                .flat_map(|component| cards_of(component, omitted));
            let cards = cards.collect();
            *slot = Some(Self { components, cards });
            Ok(())
        })
    }
}

/// Reads the cards of a component that is a carousel.
fn cards_of<'a>(component: Node<'a>, omitted: &mut Omissions<'a>) -> Vec<TemplateCard> {
    let cards = component.only("cards").ok().flatten();
    let cards = cards.and_then(|cards| omitted.read_part(component, cards));
    cards.unwrap_or_default()
}

/// Reads a template in the form of Meta's endpoint for sending.
pub(super) fn read<'a>(
    tagged: &Tagged<'a>,
    omitted: &mut Omissions<'a>,
) -> Result<Template, Fault> {
    let template = tagged.required()?;
    let members = Members::read(template, omitted)?;
    let name = members
        .name
        .ok_or_else(|| omitted.missing(template, "name"))?;
    let language = members.language;
    let Language(language) = language.ok_or_else(|| omitted.missing(template, "language"))?;
    let (components, cards) = members
        .components
        .map(|read| (read.components, read.cards))
        .unwrap_or_default();
    Ok(Template {
        name,
        language,
        components,
        cards,
    })
}
