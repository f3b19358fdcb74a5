//! The body of a webhook with one item or several.

use serde_json::{Map, Value, json};

use super::item::{Item, Settings};
#[cfg(feature = "signature")]
use crate::SignatureVerifier;
use crate::{Webhook, WebhookEvent, parse};

/// A builder of a webhook with several items.
///
/// The items of one account are in one entry, and those of one number and field in one value. Each
/// user has one contact in a value: that of the first item of the user.
///
/// ```
/// use whatsapp_signals::testing;
///
/// let webhook = testing::batch([
///         testing::text("Hi").from("15550101001"),
///         testing::text("Goedemorgen").from("31970100202").named("Bram de Wit"),
///     ])
///     .and(testing::read("wamid.OFFER").to("15550101001"))
///     .and(testing::text("Hi").to_number("300200100500601", "15550100201"))
///     .webhook();
///
/// let names: Vec<_> = webhook.iter().map(|event| event.name()).collect();
/// assert_eq!(names[..2], ["message_received", "message_received"]);
/// assert_eq!(names[2..], ["message_status_changed", "message_received"]);
/// assert_eq!(webhook.events()[1].contact().unwrap().display_name(), "Bram de Wit");
/// ```
#[derive(Clone, Debug, Default)]
#[must_use = "call `webhook`, `body` or `signed`"]
pub struct Batch {
    items: Vec<Item>,
}

/// Creates a webhook with several items. [`Batch::and`] adds items of other types.
pub fn batch<I: Into<Item>>(items: impl IntoIterator<Item = I>) -> Batch {
    let items = items.into_iter().map(Into::into).collect();
    Batch { items }
}

impl Batch {
    /// Adds an item.
    pub fn and(mut self, item: impl Into<Item>) -> Self {
        self.items.push(item.into());
        self
    }

    /// Returns the parsed webhook with the items.
    ///
    /// # Panics
    ///
    /// If the parser does not type an item.
    #[track_caller]
    #[must_use]
    pub fn webhook(&self) -> Webhook {
        parsed(&self.items).1
    }

    /// Returns the body of the webhook, as Meta's POST request has it.
    ///
    /// # Panics
    ///
    /// If the parser does not type an item.
    #[track_caller]
    #[must_use]
    pub fn body(&self) -> Vec<u8> {
        parsed(&self.items).0
    }

    /// Returns the JSON of the webhook without parsing it, for printing or changes.
    ///
    /// # Panics
    ///
    /// If a pointer of [`Sample::set`](super::Sample::set) leads nowhere.
    #[track_caller]
    #[must_use]
    pub fn json(&self) -> Value {
        of(&self.items)
    }

    /// Returns the body with its signature.
    ///
    /// # Panics
    ///
    /// If the parser does not type an item.
    #[cfg(feature = "signature")]
    #[track_caller]
    #[must_use]
    pub fn signed(&self, verifier: &SignatureVerifier) -> Signed {
        Signed::new(self.body(), verifier)
    }
}

/// Returns the body of a webhook and the parsed webhook.
#[track_caller]
pub(super) fn parsed(items: &[Item]) -> (Vec<u8>, Webhook) {
    let body = of(items).to_string();
    let webhook = match parse(body.as_bytes()) {
        Ok(webhook) => webhook,
        Err(error) => panic!("the parser rejects {body}: {error}"),
    };
    let untyped = webhook.iter().find_map(|event| match event {
        WebhookEvent::Unrecognized(untyped) => Some(untyped),
        _ => None,
    });
    if let Some(untyped) = untyped.filter(|_| !items.iter().any(|item| item.is_unrecognized)) {
        let (reason, path) = (&untyped.reason, &untyped.path);
        panic!("the parser does not type {path}: {reason}; the body is {body}");
    }
    (body.into_bytes(), webhook)
}

/// A body with its signature header.
///
/// ```
/// use whatsapp_signals::{SignatureVerifier, WebhookEngine, http_status};
/// use whatsapp_signals::{store::MemoryStore, testing};
///
/// let verifier = SignatureVerifier::new("app secret")?;
/// let signed = testing::text("Hi").signed(&verifier);
///
/// let engine = WebhookEngine::new(MemoryStore::new());
/// let header = Some(signed.signature.as_bytes());
/// assert_eq!(http_status(&engine.process_signed(&signed.body, header, &verifier)), 200);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[cfg(feature = "signature")]
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Signed {
    /// The body.
    pub body: Vec<u8>,
    /// The header `X-Hub-Signature-256`.
    pub signature: String,
}

#[cfg(feature = "signature")]
impl Signed {
    pub(super) fn new(body: Vec<u8>, verifier: &SignatureVerifier) -> Self {
        let signature = verifier.sign(&body);
        Self { body, signature }
    }
}

/// The webhook field whose lists are one level deeper.
const STANDBY: &str = "standby";

/// An account's part of a body.
struct Entry<'a> {
    waba_id: &'a str,
    /// Meta gives the time of changes that are one item.
    time: Option<i64>,
    changes: Vec<Change<'a>>,
}

/// A field's part of an entry.
struct Change<'a> {
    field: &'static str,
    settings: &'a Settings,
    content: Content,
}

enum Content {
    /// The lists of a value, the contacts among them.
    Lists(Map<String, Value>),
    Whole(Value),
}

/// Returns the body of a webhook with these items.
#[track_caller]
pub(super) fn of(items: &[Item]) -> Value {
    let mut entries: Vec<Entry<'_>> = Vec::new();
    for item in items {
        let waba_id = &*item.settings.waba_id;
        let time = item.kind.list.is_none().then(|| item.settings.own_time());
        let is_it = |entry: &Entry<'_>| entry.waba_id == waba_id && entry.time == time;
        let at = entries.iter().position(is_it).unwrap_or_else(|| {
            let changes = Vec::new();
            entries.push(Entry {
                waba_id,
                time,
                changes,
            });
            entries.len() - 1
        });
        entries[at].add(item);
    }
    let entries: Vec<_> = entries.into_iter().map(Entry::into_json).collect();
    json!({"object": "whatsapp_business_account", "entry": entries})
}

impl<'a> Entry<'a> {
    #[track_caller]
    fn add(&mut self, item: &'a Item) {
        let (field, settings) = (item.kind.field, &item.settings);
        let Some(list) = item.kind.list else {
            let content = Content::Whole(item.json());
            return self.changes.push(Change {
                field,
                settings,
                content,
            });
        };
        let is_it = |change: &Change<'_>| {
            let has_lists = matches!(change.content, Content::Lists(_));
            has_lists && change.field == field && change.has_number_of(settings)
        };
        let at = self.changes.iter().position(is_it);
        let at = at.unwrap_or_else(|| {
            let content = Content::Lists(Map::new());
            self.changes.push(Change {
                field,
                settings,
                content,
            });
            self.changes.len() - 1
        });
        if let Content::Lists(lists) = &mut self.changes[at].content {
            push(lists, list, item.json());
            if let Some(contact) = item.contact() {
                let ids = ["wa_id", "user_id", "parent_user_id"];
                let is_same = |other: &Value| ids.iter().all(|id| other[*id] == contact[*id]);
                let contacts = lists.get("contacts").and_then(Value::as_array);
                if !contacts.is_some_and(|contacts| contacts.iter().any(is_same)) {
                    push(lists, "contacts", contact);
                }
            }
        }
    }

    fn into_json(self) -> Value {
        let changes: Vec<_> = self.changes.into_iter().map(Change::into_json).collect();
        match self.time {
            Some(time) => json!({"id": self.waba_id, "time": time, "changes": changes}),
            None => json!({"id": self.waba_id, "changes": changes}),
        }
    }
}

impl Change<'_> {
    fn has_number_of(&self, settings: &Settings) -> bool {
        let own = self.settings;
        own.phone_number_id == settings.phone_number_id && own.display == settings.display
    }

    fn into_json(self) -> Value {
        let lists = match self.content {
            Content::Whole(value) => return json!({"field": self.field, "value": value}),
            Content::Lists(lists) => lists,
        };
        let mut value = if self.field == STANDBY {
            Map::from_iter([(STANDBY.into(), Value::Object(lists))])
        } else {
            lists
        };
        value.insert("messaging_product".into(), "whatsapp".into());
        let metadata = json!({
            "phone_number_id": self.settings.phone_number_id,
            "display_phone_number": self.settings.display,
        });
        value.insert("metadata".into(), metadata);
        json!({"field": self.field, "value": value})
    }
}

/// Adds an element to a list. The first context of a conversation is no list, but an object, which
/// belongs to the messages beside it.
fn push(lists: &mut Map<String, Value>, name: &str, element: Value) {
    match lists.get_mut(name) {
        Some(Value::Array(elements)) => elements.push(element),
        Some(first) => *first = Value::Array(vec![first.take(), element]),
        None if name == "conversation_context" => _ = lists.insert(name.into(), element),
        None => _ = lists.insert(name.into(), Value::Array(vec![element])),
    }
}
