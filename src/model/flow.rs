//! What a user submits in a flow.

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::{FlowToken, MessageId};
use crate::json::{any, object_in_text};

/// A form that the user filled in and sent: an `nfm_reply`.
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
    /// Which kind of form: `flow`, `address_message`, …
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<Box<str>>,
    /// What the chat shows for it, usually `Sent`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub body: Option<Box<str>>,
    /// The token that your code gave the flow.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub flow_token: Option<FlowToken>,
    /// The submitted fields, without the token.
    #[serde(deserialize_with = "any::object")]
    pub data: Map<String, Value>,
    /// The message with which you sent the form.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reply_to: Option<MessageId>,
}

impl FlowResponse {
    /// Reads the text of Meta's `response_json`.
    ///
    /// U+FFFD stands for half of a surrogate pair, which a text may end with where it was
    /// cut.
    ///
    /// # Errors
    ///
    /// When it is not a JSON object, or nested more than 64 deep. The error's
    /// text may quote it.
    ///
    /// # Examples
    ///
    /// ```
    /// use whatsapp_signals::model::FlowResponse;
    ///
    /// let response = FlowResponse::from_response_json(r#"{"service": "full_tune_up"}"#)?;
    /// assert_eq!(response.data["service"], "full_tune_up");
    /// assert!(FlowResponse::from_response_json("[]").is_err(), "no object");
    /// # Ok::<(), serde_json::Error>(())
    /// ```
    pub fn from_response_json(response_json: &str) -> serde_json::Result<Self> {
        let mut data = match read(response_json) {
            Ok(data) => data,
            Err(error) => object_in_text(response_json).ok_or(error)?,
        };
        // A token that is no text stays in the data: it is not one of yours.
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

    /// The submitted fields as a type of your own.
    ///
    /// # Errors
    ///
    /// When the fields do not fit the type. The error's text may quote them.
    ///
    /// # Examples
    ///
    /// ```
    /// use whatsapp_signals::model::FlowResponse;
    ///
    /// #[derive(serde::Deserialize)]
    /// struct Booking { bikes: u8 }
    ///
    /// let response = FlowResponse::from_response_json(r#"{"bikes": 2, "service": "brakes"}"#)?;
    /// assert_eq!(response.parse::<Booking>()?.bikes, 2);
    /// # Ok::<(), serde_json::Error>(())
    /// ```
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

/// Whether a text can be a token: one that was cut within a character may be another.
fn is_token(text: &str) -> bool {
    !text.is_empty() && !text.contains(char::REPLACEMENT_CHARACTER)
}
