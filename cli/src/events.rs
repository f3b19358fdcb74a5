//! The events of bodies, as lines of JSON or as a table.

use std::io;

use serde::Serialize;
use serde_json::Value;
use serde_json::value::RawValue;
use whatsapp_signals::WebhookEvent;

use crate::exit::Error;
use crate::mask;
use crate::output::{Output, Table};

/// An event as a line of JSON. `event` and `raw` are personal data, and `None` of a masked line.
#[derive(Serialize)]
pub(crate) struct EventLine<'a> {
    #[serde(skip_serializing_if = "str::is_empty")]
    file: &'a str,
    pub(crate) signal: &'static str,
    /// The key that duplicates of the event share.
    pub(crate) key: String,
    /// The partition key: its events are delivered in order.
    partition: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    pub(crate) user: String,
    /// The reason why it is unrecognized.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) reason: Option<String>,
    /// The path of an unrecognized item in the body.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) path: Option<&'a str>,
    /// The payload of the receivers.
    #[serde(skip_serializing_if = "Option::is_none")]
    event: Option<Value>,
    /// The JSON of the item.
    #[serde(skip_serializing_if = "Option::is_none")]
    raw: Option<Box<RawValue>>,
}

impl<'a> EventLine<'a> {
    /// Creates the line of an event, masked or with personal data. `file` is empty for an event of a
    /// store.
    pub(crate) fn new(
        file: &'a str,
        event: &'a WebhookEvent,
        shows_personal: bool,
    ) -> Result<Self, Error> {
        let partition = event.partition_key();
        let (key, user) = (event.dedup_key(), user(event, &partition));
        let unrecognized = match event {
            WebhookEvent::Unrecognized(unrecognized) => Some(unrecognized),
            _ => None,
        };
        let mut line = Self {
            file,
            signal: event.name(),
            key: mask::key(&key),
            partition: mask::partition(&partition),
            user: mask::user(user),
            reason: unrecognized.map(|unrecognized| unrecognized.reason.to_string()),
            path: unrecognized.map(|unrecognized| &*unrecognized.path),
            event: None,
            raw: None,
        };
        if shows_personal {
            user.clone_into(&mut line.user);
            line.event = Some(payload(event).map_err(|error| json_error(&error))?);
            let raw = RawValue::from_string(minify(event.raw().as_str()));
            line.raw = Some(raw.map_err(|error| json_error(&error))?);
            (line.key, line.partition) = (key, partition);
        }
        Ok(line)
    }
}

fn json_error(error: &serde_json::Error) -> Error {
    Error::Failed(format!("writing the JSON of an event failed: {error}"))
}

/// Returns the text of a message; for other events an empty one.
fn text(event: &WebhookEvent) -> &str {
    match event {
        WebhookEvent::MessageReceived(event) => event.message.body(),
        WebhookEvent::MessageEcho(event) => event.message.body(),
        WebhookEvent::HistoryMessage(event) => event.message.body(),
        WebhookEvent::StandbyMessage(event) => event.message.body(),
        _ => "",
    }
}

/// Returns the phone number of the user, or the id in the partition key.
fn user<'a>(event: &'a WebhookEvent, partition: &'a str) -> &'a str {
    let phone = event.contact().and_then(|contact| contact.identity.phone());
    let id = || partition.split_once(':').map_or("", |(_, id)| id);
    phone.unwrap_or_else(id)
}

/// Returns the payload as JSON without `raw`, which is a member of the line.
fn payload(event: &WebhookEvent) -> serde_json::Result<Value> {
    let mut event = serde_json::to_value(event)?;
    // The enum serializes as `{"message_received": {…}}`.
    let mut payload = event
        .as_object_mut()
        .and_then(|event| event.values_mut().next())
        .map(Value::take)
        .unwrap_or_default();
    if let Some(payload) = payload.as_object_mut() {
        payload.remove("raw");
        if let Some(Value::Object(contact)) = payload.get_mut("contact") {
            contact.remove("raw");
        }
    }
    Ok(payload)
}

/// Removes the white space between tokens, and keeps names, digits and escapes.
fn minify(json: &str) -> String {
    let (mut in_string, mut escaped) = (false, false);
    let keep = |c: &char| {
        let kept = in_string || !c.is_ascii_whitespace();
        in_string ^= *c == '"' && !escaped;
        escaped = *c == '\\' && !escaped;
        kept
    };
    json.chars().filter(keep).collect()
}

/// A table with a row for each event.
pub(crate) struct EventTable {
    table: Table,
    has_files: bool,
    shows_personal: bool,
}

impl EventTable {
    pub(crate) fn new(has_files: bool, shows_personal: bool) -> Self {
        let mut header = vec!["signal", "user", "key", "reason"];
        if has_files {
            header.insert(0, "file");
        }
        if shows_personal {
            header.push("text");
        }
        Self {
            table: Table::new(&header),
            has_files,
            shows_personal,
        }
    }

    pub(crate) fn add(&mut self, file: &str, line: EventLine<'_>, event: &WebhookEvent) {
        let reason = match (line.reason, line.path) {
            (Some(reason), Some(path)) => format!("{reason} at {path}"),
            _ => String::new(),
        };
        let signal = line.signal.to_owned();
        let mut cells = vec![signal, line.user, line.key, reason];
        if self.shows_personal {
            cells.push(text(event).to_owned());
        }
        self.push(file, cells);
    }

    pub(crate) fn add_error(&mut self, file: &str, error: &str) {
        let signal = "(unreadable)".to_owned();
        let cells = vec![signal, String::new(), String::new(), error.to_owned()];
        self.push(file, cells);
    }

    fn push(&mut self, file: &str, mut cells: Vec<String>) {
        if self.has_files {
            cells.insert(0, file.to_owned());
        }
        self.table.push(cells);
    }

    pub(crate) fn print(&mut self, output: &mut Output) -> io::Result<()> {
        self.table.print(output)
    }
}
