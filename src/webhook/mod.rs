//! From the body of a webhook to events.
//!
//! [`parse`] is a pure function from bytes to events. Each item is read by itself: a malformed
//! one becomes one [`Unrecognized`](crate::event::Unrecognized) event, and costs none of its
//! neighbours. A body is gone through once, from top to bottom:
//!
//! ```text
//! Parser::parse     checks the length and UTF-8, and copies the body
//! with_tape         checks the syntax, and indexes the values
//! envelope::read    `object`, and each `entry`
//! Entry::read       `id`, `time`, and each of `changes`
//! read_value        the field decides: lists of items, or one item
//! Value::read       `metadata`, `contacts`, then the items of each list
//! Item::add         the reader of the list: message, status, signup, history, or a payload
//! Members::fill     the members of the item, from the tape to their place
//! Events::push      the event; the members that it lacks are reported behind it
//! Events::into_list the events in the order of the body
//! ```
//!
//! The table of [`signals`](crate::signals) says which fields hold lists, and which event an
//! item becomes.

mod change;
mod contacts;
mod envelope;
mod error;
mod events;
mod history;
mod item;
mod message;
mod parser;
mod report;
mod signup;
mod status;
mod summary;
#[allow(
    clippy::module_inception,
    reason = "the type is the result of this module"
)]
mod webhook;

pub use error::{ParseError, ParseErrorKind};
pub use parser::Parser;
pub use report::{DispatchReport, EventFailure};
pub use webhook::Webhook;

/// Reads the body of a webhook, as Meta sent it.
///
/// # Errors
///
/// Only a broken envelope is an error; see [`ParseErrorKind`]. The body may
/// have up to 4 MiB; [`Parser`] changes that.
///
/// # Examples
///
/// ```
/// use whatsapp_signals::event::WebhookEvent;
///
/// let body = br#"{
///     "object": "whatsapp_business_account",
///     "entry": [{"id": "102290129340398", "changes": [{"field": "messages", "value": {
///         "messages": [
///             {"id": "wamid.A", "from": "15550101001", "type": "text", "text": {"body": "Hi"}},
///             {"id": "wamid.B", "from": "15550101001", "type": "hologram"}
///         ]
///     }}]}]
/// }"#;
/// let webhook = whatsapp_signals::parse(body)?;
///
/// let [WebhookEvent::MessageReceived(good), WebhookEvent::Unrecognized(odd)] = webhook.events()
/// else { panic!("one of each") };
/// assert_eq!(good.message.body(), "Hi");
/// assert_eq!(odd.reason.to_string(), r#"unknown type "hologram""#);
/// # Ok::<(), whatsapp_signals::ParseError>(())
/// ```
pub fn parse(body: &[u8]) -> Result<Webhook, ParseError> {
    Parser::new().parse(body)
}

/// Parses one entry that came without its body: the `whatsAppWebhookEntry` that AWS
/// End User Messaging Social puts into an SNS message, as a string of JSON.
///
/// The result is that of [`parse`] for a body with this entry alone, with paths that
/// begin with `entry[0]`. No signature is checked, since Meta's is not in the message:
/// SNS's own signature, or the access policy of your queue, takes its place.
/// [`WebhookEngine::process_entry`](crate::WebhookEngine::process_entry) stores the
/// entry first.
///
/// # Errors
///
/// As [`parse`]: the text must be one JSON object, with the same limit for its length.
/// For a whole body, or a whole SNS message, the error is
/// [`ParseErrorKind::NotAnEntry`].
///
/// # Examples
///
/// ```
/// use whatsapp_signals::{ParseErrorKind, parse_entry};
///
/// // `Message` of the SNS notification.
/// # let entry = r#"{"id": "102290129340398", "changes": [{"field": "messages", "value": {
/// #     "messages": [{"id": "wamid.A", "from": "15550101001", "type": "text", "text": {"body": "Hi"}}]
/// # }}]}"#;
/// # let message = serde_json::json!({"messageId": "1", "whatsAppWebhookEntry": entry}).to_string();
/// let message: serde_json::Value = serde_json::from_str(&message)?;
/// let entry = message["whatsAppWebhookEntry"].as_str().ok_or("no entry")?;
///
/// let webhook = parse_entry(entry.as_bytes())?;
/// assert_eq!(webhook.events()[0].name(), "message_received");
///
/// let error = parse_entry(message.to_string().as_bytes()).unwrap_err();
/// assert_eq!(error.kind(), &ParseErrorKind::NotAnEntry("whatsAppWebhookEntry".into()));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn parse_entry(entry: &[u8]) -> Result<Webhook, ParseError> {
    Parser::new().parse_entry(entry)
}
