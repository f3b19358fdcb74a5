//! The parser: a pure function from the body of a webhook to events.
//!
//! Each item is read by itself. A malformed item becomes one
//! [`Unrecognized`](crate::event::Unrecognized) event, and does not affect the others.
//!
//! The files in the order of the data, with their main functions:
//!
//! ```text
//! parser      Parser::parse         checks the length and UTF-8, and copies the body
//!                                   indexes its values (crate::json::tape), reads `object`
//! change      add_entry             reads `id` and `time` of each `entry`
//!             Entry::add_change     reads `field` and `metadata` of each of `changes`
//!             Value::add_items      splits the value into its lists and `contacts`
//! contacts    ContactIndex          finds the contact of an item by the user's ids
//! fields      kind_of_list          gives the kind of the items in a list, by the signals
//! item        Item                  an item with its path and its context
//! item_kind   ItemKind::add_events  adds the events of an item
//! message, status, history, signup  read the items that are more than a payload
//! event_sink  EventSink             collects events, reports malformed parts
//! summary     ItemSummary           reads the id, user and time for such a report
//! webhook     Webhook               holds the events, dispatches them
//!             DispatchReport        counts and failures of a dispatch
//! error       ParseError            the error of a malformed body
//! ```
//!
//! To *add* is to make the events of a part of the body, and to *report* is to make an
//! `Unrecognized` event.
//!
//! The table of [`signals`](crate::signals) defines the lists of a field, and the event of an item.

mod change;
mod contacts;
mod error;
mod event_sink;
mod fields;
mod history;
mod item;
mod item_kind;
mod message;
mod parser;
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
pub use webhook::{DispatchReport, EventFailure, Webhook};

/// Parses the body of a webhook.
///
/// # Errors
///
/// A malformed envelope, see [`ParseErrorKind`], or a body of more than 4 MiB, a limit of
/// [`Parser::max_len`]. Malformed items are no error.
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
/// let [WebhookEvent::MessageReceived(received), WebhookEvent::Unrecognized(unrecognized)] =
///     webhook.events()
/// else { panic!("one of each") };
/// assert_eq!(received.message.body(), "Hi");
/// assert_eq!(unrecognized.reason.to_string(), r#"unknown type "hologram""#);
/// # Ok::<(), whatsapp_signals::ParseError>(())
/// ```
pub fn parse(body: &[u8]) -> Result<Webhook, ParseError> {
    Parser::new().parse(body)
}

/// Parses one entry without its body: the `whatsAppWebhookEntry` of AWS End User Messaging Social,
/// a string of JSON in an SNS message.
///
/// The result equals that of [`parse`] for a body with this entry alone; paths begin with
/// `entry[0]`. The message has no signature of Meta's to be verified; the signature of SNS or the
/// access policy of your queue takes its place.
/// [`WebhookEngine::process_entry`](crate::WebhookEngine::process_entry) stores the entry first.
///
/// # Errors
///
/// As [`parse`]. [`ParseErrorKind::NotAnEntry`] for a whole body and for a whole SNS message.
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
