//! Interactive messages and the replies to them.

use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::{Map, Value};

use super::content::Tagged;
use super::outbound::OutboundInteractive;
use crate::json::object::{FromNode, Lenient, ReadMembers, members, object, option};
use crate::json::{Fault, Node, Omissions, stored};
use crate::model::text_enum::text_enum;
use crate::model::{CatalogId, ProductRetailerId, ReferenceId, Timestamp};

/// `interactive`: the reply to an interactive message that you sent, or, in an
/// echo, the [message](OutboundInteractive) itself.
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
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Interactive {
    /// A tap on a reply button.
    ButtonReply(ButtonReply),
    /// A row of a list.
    ListReply(ListReply),
    /// A form that was filled in: a flow, an address.
    NfmReply(NfmReply),
    /// Whether you may call the user.
    CallPermissionReply(CallPermissionReply),
    /// A product of a carousel.
    Product(ProductReply),
    /// How the user wants to pay.
    PaymentMethod(PaymentMethod),
    /// An answer that this version does not know: another way to pay, …
    ///
    /// Only the parser and `Deserialize` make it, and never of a `type` that has a variant of its
    /// own.
    Other(OtherReply),
    /// An interactive message that the business sent.
    Outbound(OutboundInteractive),
}

impl Interactive {
    /// Returns the text on the button or row that the user chose, the text that
    /// the chat shows for a form, or the body of a message that the business
    /// sent. Without a body it is the text of the header, or `[Product]` for a product.
    ///
    /// ```
    /// use whatsapp_signals::model::{ButtonReply, Interactive};
    ///
    /// let reply: ButtonReply = serde_json::from_str(r#"{"id": "yes", "title": "Yes"}"#)?;
    /// assert_eq!(Interactive::ButtonReply(reply).title(), "Yes");
    /// # Ok::<(), serde_json::Error>(())
    /// ```
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

/// The types of replies that have a variant, whose name in the JSON is the type.
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
            // An earlier version, which lacked the variant, may have written it.
            Self::Other(reply) if reply.has_variant() => {
                let reply = Map::from_iter([(reply.kind.into(), reply.content.into())]);
                Own::deserialize(Value::Object(reply)).map_err(D::Error::custom)
            }
            interactive => Ok(interactive),
        }
    }
}

/// An answer of a `type` that this version does not know.
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
    /// The member of that name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub content: Option<Value>,
}

impl OtherReply {
    /// Returns the `type`.
    #[must_use]
    pub fn kind(&self) -> &str {
        &self.kind
    }

    /// Whether [`Interactive`] has a variant for the `type`.
    fn has_variant(&self) -> bool {
        REPLIES.contains(&self.kind())
    }

    /// Reads a reply whose `type` may have a variant.
    fn of_any_type<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        struct Members {
            #[serde(rename = "type")]
            kind: Box<str>,
            #[serde(default, deserialize_with = "option")]
            content: Option<Value>,
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

object! {
    /// `button_reply`: a tap on a reply button.
    ///
    /// ```
    /// use whatsapp_signals::model::ButtonReply;
    ///
    /// let reply: ButtonReply = serde_json::from_str(r#"{"id": "yes", "title": "Yes"}"#)?;
    /// assert_eq!((&*reply.id, reply.title.as_deref()), ("yes", Some("Yes")));
    /// # Ok::<(), serde_json::Error>(())
    /// ```
    #[derive(Eq, Hash)]
    pub struct ButtonReply {
        /// What your code called it.
        pub id: String,
        /// What the user read on it.
        pub title: Option<Box<str>>,
    }
}

object! {
    /// `list_reply`: a row of a list.
    ///
    /// ```
    /// use whatsapp_signals::model::ListReply;
    ///
    /// let row: ListReply = serde_json::from_str(r#"{"id": "svc_brakes", "title": "Brake service"}"#)?;
    /// assert_eq!((&*row.id, row.description), ("svc_brakes", None));
    /// # Ok::<(), serde_json::Error>(())
    /// ```
    #[derive(Eq, Hash)]
    pub struct ListReply {
        /// What your code called it.
        pub id: String,
        /// What the user read on it.
        pub title: Option<Box<str>>,
        /// What the user read under it.
        pub description: Option<Box<str>>,
    }
}

/// `nfm_reply`: a form that was filled in.
///
/// It also fires [`FLOW_COMPLETED`](crate::signals::FLOW_COMPLETED), with the
/// fields ready to use.
///
/// ```json
/// {"name": "flow", "body": "Sent", "response_json": "{\"flow_token\": \"…\", …}"}
/// ```
///
/// ```
/// use whatsapp_signals::model::{FlowResponse, NfmReply};
///
/// let reply: NfmReply = serde_json::from_str(r#"{"response_json": "{\"bikes\": 2}"}"#)?;
/// let response = FlowResponse::from_response_json(reply.response_json.as_deref().unwrap())?;
/// assert_eq!(response.data["bikes"], 2);
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[non_exhaustive]
pub struct NfmReply {
    /// `flow`, `address_message`, …
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<Box<str>>,
    /// What the chat shows.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub body: Option<Box<str>>,
    /// The fields, as JSON in a string. `None` when the webhook lacks them: then
    /// [`FLOW_COMPLETED`](crate::signals::FLOW_COMPLETED) is not sent, and
    /// [`UNRECOGNIZED`](crate::signals::UNRECOGNIZED) is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub response_json: Option<String>,
}

object! {
    /// `call_permission_reply`: whether you may call the user.
    ///
    /// ```
    /// use whatsapp_signals::model::{CallPermission, CallPermissionReply};
    ///
    /// let reply: CallPermissionReply = serde_json::from_str(r#"{"response": "reject"}"#)?;
    /// assert_eq!(reply.response, CallPermission::Reject);
    /// # Ok::<(), serde_json::Error>(())
    /// ```
    #[derive(Eq, Hash)]
    pub struct CallPermissionReply {
        /// Yes or no.
        pub response: CallPermission,
        /// Whether it holds until it is taken back.
        pub is_permanent: Option<bool>,
        /// Until when it holds.
        pub expiration_timestamp: Option<Timestamp>,
        /// Whether the user answered or the app did, after a call.
        pub response_source: Option<Box<str>>,
    }
}

text_enum! {
    /// The answer to a call permission request.
    pub enum CallPermission {
        /// You may call.
        Accept = "accept",
        /// You may not.
        Reject = "reject",
    }
}

object! {
    /// `product`: a product that the user chose.
    ///
    /// ```
    /// use whatsapp_signals::model::ProductReply;
    ///
    /// let reply: ProductReply = serde_json::from_str(r#"{"product_retailer_id": "bell-7"}"#)?;
    /// assert_eq!(reply.product_retailer_id.unwrap(), "bell-7");
    /// # Ok::<(), serde_json::Error>(())
    /// ```
    #[derive(Default, Eq, Hash)]
    pub struct ProductReply {
        /// The catalog.
        pub catalog_id: Option<CatalogId>,
        /// Your id of the product.
        pub product_retailer_id: Option<ProductRetailerId>,
    }
}

object! {
    /// `payment_method`: how the user wants to pay.
    ///
    /// ```
    /// use whatsapp_signals::model::PaymentMethod;
    ///
    /// let card: PaymentMethod = serde_json::from_str(r#"{"last_four_digits": "9073"}"#)?;
    /// assert_eq!(card.last_four_digits.as_deref(), Some("9073"));
    /// # Ok::<(), serde_json::Error>(())
    /// ```
    #[derive(Default, Eq, Hash)]
    pub struct PaymentMethod {
        /// `offsite_card_pay`, …
        pub payment_method: Option<Box<str>>,
        /// When the user chose.
        pub payment_timestamp: Option<Timestamp>,
        /// Your id of the order.
        pub reference_id: Option<ReferenceId>,
        /// Of the card.
        pub last_four_digits: Option<Box<str>>,
        /// Of the card, at the payment provider.
        pub credential_id: Option<Box<str>>,
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
        // Some types, such as `product`, are those of a reply and of a message.
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

/// Recognizes an interactive message that the business sent by its parts, which stand in place
/// of the member that its `type` names.
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

/// `response_json` is JSON in a string; the JSON itself is as good.
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

/// Reads the reply of a flow. Without its answers, the reply is a message all the same.
fn nfm_reply<'a>(reply: Node<'a>, omitted: &mut Omissions<'a>) -> Result<NfmReply, Fault> {
    let members = NfmMembers::read(reply, omitted)?;
    Ok(NfmReply {
        name: members.name,
        body: members.body,
        response_json: members.response_json.map(|ResponseJson(json)| json),
    })
}
