//! Replies to interactive messages, and the fields of a submitted flow.

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::json::object::json_object;
use crate::json::{any, object_in_text};
use crate::model::text_enum::text_enum;
use crate::model::{CatalogId, FlowToken, MessageId, ProductRetailerId, ReferenceId, Timestamp};

/// `button_reply`: a tap on a reply button.
#[json_object]
#[derive(Eq, Hash)]
pub struct ButtonReply {
    /// The id from your request.
    pub id: String,
    /// The label.
    pub title: Option<Box<str>>,
}

/// `list_reply`: a selected row of a list.
///
/// ```
/// use whatsapp_signals::model::ListReply;
///
/// let row: ListReply = serde_json::from_str(r#"{"id": "svc_brakes", "title": "Brake service"}"#)?;
/// assert_eq!((&*row.id, row.description), ("svc_brakes", None));
/// # Ok::<(), serde_json::Error>(())
/// ```
#[json_object]
#[derive(Eq, Hash)]
pub struct ListReply {
    /// The id from your request.
    pub id: String,
    /// The label.
    pub title: Option<Box<str>>,
    /// The description below the label.
    pub description: Option<Box<str>>,
}

/// `nfm_reply`: a submitted form.
///
/// It also produces a [`FLOW_COMPLETED`](crate::signals::FLOW_COMPLETED), with the parsed fields.
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
    /// The text in the chat.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub body: Option<Box<str>>,
    /// The fields, as JSON in a string. `None` when the webhook lacks them: then
    /// [`FLOW_COMPLETED`](crate::signals::FLOW_COMPLETED) is not sent, and
    /// [`UNRECOGNIZED`](crate::signals::UNRECOGNIZED) is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub response_json: Option<String>,
}

/// `call_permission_reply`: the answer to a call permission request.
#[json_object]
#[derive(Eq, Hash)]
pub struct CallPermissionReply {
    /// The answer.
    pub response: CallPermission,
    /// Whether the permission has no end.
    pub is_permanent: Option<bool>,
    /// The end of the permission.
    pub expiration_timestamp: Option<Timestamp>,
    /// The source of the answer: the user, or the app after a call.
    pub response_source: Option<Box<str>>,
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

/// `product`: a selected product.
#[json_object]
#[derive(Default, Eq, Hash)]
pub struct ProductReply {
    /// The catalog.
    pub catalog_id: Option<CatalogId>,
    /// Your id of the product.
    pub product_retailer_id: Option<ProductRetailerId>,
}

/// `payment_method`: the selected payment method.
#[json_object]
#[derive(Default, Eq, Hash)]
pub struct PaymentMethod {
    /// `offsite_card_pay`, …
    pub payment_method: Option<Box<str>>,
    /// The time of the selection.
    pub payment_timestamp: Option<Timestamp>,
    /// Your id of the order.
    pub reference_id: Option<ReferenceId>,
    /// The last four digits of the card.
    pub last_four_digits: Option<Box<str>>,
    /// The id of the card at the payment provider.
    pub credential_id: Option<Box<str>>,
}

/// The fields of a submitted form, an `nfm_reply`.
///
/// Meta's page: [receiving a flow response](https://developers.facebook.com/docs/whatsapp/flows/guides/receiveflowresponse).
///
/// # Examples
///
/// ```
/// use whatsapp_signals::model::FlowResponse;
///
/// #[derive(serde::Deserialize)]
/// struct Booking { day: String, bikes: u8 }
///
/// let response = FlowResponse::from_response_json(
///     r#"{"flow_token": "booking-42", "day": "friday", "bikes": 2}"#,
/// )?;
/// assert_eq!(response.flow_token.as_ref().unwrap(), "booking-42");
/// assert!(!response.data.contains_key("flow_token"));
/// let booking: Booking = response.parse()?;
/// assert_eq!((booking.day.as_str(), booking.bikes), ("friday", 2));
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct FlowResponse {
    /// The kind of form: `flow`, `address_message`, …
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<Box<str>>,
    /// The text in the chat, usually `Sent`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub body: Option<Box<str>>,
    /// The token from your flow message.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub flow_token: Option<FlowToken>,
    /// The submitted fields, without the token.
    #[serde(deserialize_with = "any::object")]
    pub data: Map<String, Value>,
    /// The message that contained the form.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reply_to: Option<MessageId>,
}

impl FlowResponse {
    /// Parses Meta's `response_json`.
    ///
    /// U+FFFD replaces half of a surrogate pair, with which a truncated text may end.
    ///
    /// # Errors
    ///
    /// When the text is not a JSON object, or nested more than 64 deep. The error's text may quote
    /// it.
    pub fn from_response_json(response_json: &str) -> serde_json::Result<Self> {
        let mut data = match read(response_json) {
            Ok(data) => data,
            Err(error) => object_in_text(response_json).ok_or(error)?,
        };
        // A token of another type than text is not from your code, and stays in the data.
        let flow_token = match data.get("flow_token") {
            Some(Value::String(token)) if is_token(token) => Some(FlowToken::from(&**token)),
            _ => None,
        };
        if flow_token.is_some() {
            data.remove("flow_token");
        }
        Ok(Self {
            name: None,
            body: None,
            flow_token,
            data,
            reply_to: None,
        })
    }

    /// Parses the submitted fields as your own type.
    ///
    /// # Errors
    ///
    /// When the fields do not match the type. The error's text may quote them.
    pub fn parse<T: DeserializeOwned>(&self) -> serde_json::Result<T> {
        serde_json::from_value(Value::Object(self.data.clone()))
    }
}

fn read(response_json: &str) -> serde_json::Result<Map<String, Value>> {
    let mut deserializer = serde_json::Deserializer::from_str(response_json);
    let data = any::object(&mut deserializer)?;
    deserializer.end()?;
    Ok(data)
}

/// Returns whether a text can be a token: one with U+FFFD is truncated, and may be another token.
fn is_token(text: &str) -> bool {
    !text.is_empty() && !text.contains(char::REPLACEMENT_CHARACTER)
}
