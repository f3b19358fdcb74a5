//! Interactive messages: the replies of users, and messages of the business.

use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::{Map, Value};

use super::tagged::Tagged;
use super::{
    ButtonReply, CallPermissionReply, ListReply, NfmReply, OutboundInteractive, PaymentMethod,
    ProductReply,
};
use crate::json::object::{FromNode, Lenient, ReadMembers, members};
use crate::json::{Fault, Node, Omissions, any, stored};

/// `interactive`: the reply to an interactive message, or, in an echo, the
/// [message](OutboundInteractive) itself.
///
/// ```json
/// {"type": "button_reply", "button_reply": {"id": "yes", "title": "Yes"}}
/// ```
///
/// `Deserialize` reads this form, and the one that `Serialize` writes: the variant alone,
/// `{"button_reply": {"id": "yes", "title": "Yes"}}`.
///
/// Meta's page: [interactive messages webhook](https://developers.facebook.com/docs/whatsapp/cloud-api/webhooks/reference/messages/interactive).
///
/// # Examples
///
/// ```
/// use whatsapp_signals::event::WebhookEvent;
/// use whatsapp_signals::model::{Content, Interactive};
///
/// let webhook = whatsapp_signals::parse(&std::fs::read("tests/payloads/list-reply.json")?)?;
/// let [WebhookEvent::MessageReceived(event)] = webhook.events() else { panic!("a message") };
/// let Content::Interactive(answer) = &event.message.content else { panic!("an answer") };
/// assert!(matches!(&**answer, Interactive::ListReply(row) if row.id == "svc_brakes"));
/// assert_eq!(answer.title(), "Brake service");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Interactive {
    /// A tap on a reply button.
    ButtonReply(ButtonReply),
    /// A selected row of a list.
    ListReply(ListReply),
    /// A submitted form: a flow, an address.
    NfmReply(NfmReply),
    /// The answer to a call permission request.
    CallPermissionReply(CallPermissionReply),
    /// A selected product of a carousel.
    Product(ProductReply),
    /// The selected payment method.
    PaymentMethod(PaymentMethod),
    /// A reply of an unknown type.
    ///
    /// Only the parser and `Deserialize` create it, and never for a `type` that has a variant.
    Other(OtherReply),
    /// An interactive message that the business sent.
    Outbound(OutboundInteractive),
}

impl Interactive {
    /// Returns the label of the button or row that the user selected, the text that the chat shows
    /// for a form, or the body of a message of the business. Without a body it is the text of the
    /// header, or `[Product]` for a product.
    #[must_use]
    pub fn title(&self) -> &str {
        match self {
            Self::ButtonReply(reply) => reply.title.as_deref(),
            Self::ListReply(reply) => reply.title.as_deref(),
            Self::NfmReply(reply) => reply.body.as_deref(),
            Self::Outbound(message) => Some(message.title()),
            _ => None,
        }
        .unwrap_or_default()
    }
}

/// The own form of an [`Interactive`].
#[derive(Deserialize)]
#[serde(rename_all = "snake_case", remote = "Interactive")]
enum Own {
    ButtonReply(ButtonReply),
    ListReply(ListReply),
    NfmReply(NfmReply),
    CallPermissionReply(CallPermissionReply),
    Product(ProductReply),
    PaymentMethod(PaymentMethod),
    Other(#[serde(deserialize_with = "OtherReply::of_any_type")] OtherReply),
    Outbound(OutboundInteractive),
}

/// The types of replies with a variant.
const REPLIES: [&str; 6] = [
    "button_reply",
    "list_reply",
    "nfm_reply",
    "call_permission_reply",
    "product",
    "payment_method",
];

impl<'de> Deserialize<'de> for Interactive {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let members = stored::members(deserializer)?;
        if members.contains_key("type") {
            return stored::from_members(members, interactive);
        }
        match Own::deserialize(Value::Object(members)).map_err(D::Error::custom)? {
            // An earlier version without the variant may have serialized the reply.
            Self::Other(reply) if reply.has_variant() => {
                let reply = Map::from_iter([(reply.kind.into(), reply.content.into())]);
                Own::deserialize(Value::Object(reply)).map_err(D::Error::custom)
            }
            interactive => Ok(interactive),
        }
    }
}

/// A reply of an unknown `type`.
///
/// ```
/// use whatsapp_signals::model::Interactive;
///
/// let json = r#"{"other": {"type": "new", "content": {"paid": true}}}"#;
/// let Interactive::Other(reply) = serde_json::from_str(json)? else { panic!("a new type") };
/// assert_eq!(reply.kind(), "new");
/// assert_eq!(reply.content.unwrap()["paid"], true);
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize)]
#[non_exhaustive]
pub struct OtherReply {
    #[serde(rename = "type")]
    kind: Box<str>,
    /// The member with the name of the `type`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub content: Option<Value>,
}

impl OtherReply {
    /// Returns the `type`.
    #[must_use]
    pub fn kind(&self) -> &str {
        &self.kind
    }

    /// Returns whether [`Interactive`] has a variant for the `type`.
    fn has_variant(&self) -> bool {
        REPLIES.contains(&self.kind())
    }

    /// Reads a reply whose `type` may have a variant.
    fn of_any_type<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        struct Members {
            #[serde(rename = "type")]
            kind: Box<str>,
            #[serde(default, deserialize_with = "content")]
            content: Option<Value>,
        }
        fn content<'de, D: Deserializer<'de>>(json: D) -> Result<Option<Value>, D::Error> {
            any::value(json).map(|value| Some(value).filter(|value| !value.is_null()))
        }

        let Members { kind, content } = Members::deserialize(deserializer)?;
        Ok(Self { kind, content })
    }
}

impl<'de> Deserialize<'de> for OtherReply {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let reply = Self::of_any_type(deserializer)?;
        if reply.has_variant() {
            return Err(D::Error::custom(
                "expected a type without a variant of its own",
            ));
        }
        Ok(reply)
    }
}

/// Reads a reply, or an interactive message that the business sent.
pub(super) fn read<'a>(
    tagged: &Tagged<'a>,
    omitted: &mut Omissions<'a>,
) -> Result<Box<Interactive>, Fault> {
    interactive(tagged.required()?, omitted).map(Box::new)
}

fn interactive<'a>(object: Node<'a>, omitted: &mut Omissions<'a>) -> Result<Interactive, Fault> {
    let reply = Tagged::new(object)?;
    Ok(match &*reply.kind {
        "button_reply" => Interactive::ButtonReply(omitted.read(reply.required()?)?),
        "list_reply" => Interactive::ListReply(omitted.read(reply.required()?)?),
        "nfm_reply" => Interactive::NfmReply(nfm_reply(reply.required()?, omitted)?),
        "call_permission_reply" => {
            Interactive::CallPermissionReply(omitted.read(reply.required()?)?)
        }
        "payment_method" => Interactive::PaymentMethod(omitted.read(reply.required()?)?),
        // Some types, such as `product`, occur in replies and in messages of the business.
        _ if reply.optional()?.is_none() && is_outbound(object)? => {
            Interactive::Outbound(OutboundInteractive {
                json: omitted.read(object)?,
            })
        }
        "product" => Interactive::Product(omitted.read(reply.required()?)?),
        other => {
            let content = reply.optional()?.map(|member| omitted.read(member));
            Interactive::Other(OtherReply {
                kind: other.into(),
                content: content.transpose()?,
            })
        }
    })
}

/// Returns whether the object is a message of the business: it has parts in place of the member
/// that the `type` names.
fn is_outbound(object: Node<'_>) -> Result<bool, Fault> {
    let mut has_part = false;
    for part in ["header", "body", "footer", "action"] {
        has_part |= object.only(part)?.is_some_and(Node::is_object);
    }
    Ok(has_part)
}

members! {
    struct NfmMembers {
        name: Box<str>,
        body: Box<str>,
        response_json: ResponseJson,
    }
}

/// The text of `response_json`: the JSON in a string, or the JSON itself.
struct ResponseJson(String);

impl<'a> FromNode<'a> for ResponseJson {
    fn read_into(slot: &mut Option<Self>, json: Lenient<'_, 'a>) -> Result<(), Fault> {
        json.read_with(|node, _| {
            let text = node.text().unwrap_or_else(|| node.json().into());
            *slot = Some(Self(text.into_owned()));
            Ok(())
        })
    }
}

/// Reads the reply of a flow, which is valid even without the submitted fields.
fn nfm_reply<'a>(reply: Node<'a>, omitted: &mut Omissions<'a>) -> Result<NfmReply, Fault> {
    let members = NfmMembers::read(reply, omitted)?;
    Ok(NfmReply {
        name: members.name,
        body: members.body,
        response_json: members.response_json.map(|ResponseJson(json)| json),
    })
}
