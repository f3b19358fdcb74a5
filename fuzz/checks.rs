//! Checks that hold for any bytes. The fuzz targets call them with the bytes of the fuzzer, and
//! `tests/parser/fuzz_seeds.rs` with the seeds.

use std::collections::HashSet;
use std::fmt;

use serde::de::{Deserialize, Deserializer, Error, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_json::Value;
use whatsapp_signals::event::{Reason, WebhookEvent};

/// Parsing does not panic, gives the same again, and no item is lost.
pub(crate) fn parse(body: &[u8]) {
    let Ok(webhook) = whatsapp_signals::parse(body) else {
        return;
    };
    let text = text(body);
    for event in &webhook {
        let raw = event.raw().as_str();
        assert!(text.contains(raw), "JSON that is not in the body");
        serde_json::from_str::<IgnoredAny>(raw).expect("raw JSON");
        let key = event.dedup_key();
        let rest = key.strip_prefix(event.name());
        assert!(rest.is_some_and(|rest| rest.starts_with(':')), "{key}");
        let _ = event.partition_key();
    }
    let again = whatsapp_signals::parse(body).expect("what was parsed before");
    assert!(again == webhook, "the same bytes gave other events");

    if let Some(value) = unambiguous(text)
        && !is_capped(webhook.events())
    {
        every_item_is_there(&value, webhook.events());
    }
}

/// Events survive serialization, and their keys survive another spelling of
/// the body.
pub(crate) fn roundtrip(body: &[u8]) {
    let Ok(webhook) = whatsapp_signals::parse(body) else {
        return;
    };
    for event in &webhook {
        let json = serde_json::to_string(event).expect("an event serializes");
        let back: WebhookEvent = serde_json::from_str(&json).expect("an event comes back");
        assert!(back == *event, "came back as another: {json}");
        assert_eq!(back.dedup_key(), event.dedup_key());
        assert_eq!(back.partition_key(), event.partition_key());
    }

    let Some(value) = unambiguous(text(body)).filter(|value| is_respellable(value, MAX_DEPTH))
    else {
        return;
    };
    let respelled = whatsapp_signals::parse(value.to_string().as_bytes());
    let respelled = respelled.expect("the same body in another spelling");
    if !is_capped(webhook.events()) {
        assert_eq!(keys(webhook.events()), keys(respelled.events()));
    }
}

/// The body as the parser reads it. Call it for a body that was parsed.
fn text(body: &[u8]) -> &str {
    let text = str::from_utf8(body).expect("only UTF-8 is parsed");
    text.strip_prefix('\u{feff}').unwrap_or(text)
}

/// Whether there were more odd things than are reported one by one; then it
/// depends on their order which ones are.
fn is_capped(events: &[WebhookEvent]) -> bool {
    let is_rest = |event: &WebhookEvent| matches!(event, WebhookEvent::Unrecognized(odd) if matches!(odd.reason, Reason::TooMany(_)));
    events.last().is_some_and(is_rest)
}

/// All keys, whatever their order.
fn keys(events: &[WebhookEvent]) -> Vec<String> {
    // A contact that is there twice is told once if the two are spelled alike,
    // so that another spelling may make one of two.
    let is_stray = |event: &&WebhookEvent| matches!(event, WebhookEvent::Unrecognized(odd) if odd.reason == Reason::StrayContact);
    let events = events.iter().filter(|event| !is_stray(event));
    let mut keys: Vec<_> = events.map(WebhookEvent::dedup_key).collect();
    keys.sort();
    keys
}

/// Walks the body on its own, and holds what it finds against the events:
/// each message and status is one event, in the order of the body.
fn every_item_is_there(body: &Value, events: &[WebhookEvent]) {
    let items = items(body);
    let paths: HashSet<&str> = items.iter().map(|(path, _)| path.as_str()).collect();
    let mut items = items.iter();
    let mut next = |event: &WebhookEvent| {
        let (path, item) = items.next().expect("an event of an item");
        let raw: Value = event.raw().parse().expect("raw JSON");
        assert_eq!(raw, **item, "{path}");
        path
    };
    let mut before: Option<&WebhookEvent> = None;
    for event in events {
        match event {
            WebhookEvent::MessageReceived(_) => {
                let path = next(event);
                assert!(path.contains(".messages["), "{path} is a message");
            }
            WebhookEvent::MessageStatusChanged(_) => {
                let path = next(event);
                assert!(path.contains(".statuses["), "{path} is a status");
            }
            WebhookEvent::FlowCompleted(_) => {
                assert!(is_beside(before, event), "a flow without its message");
            }
            // A flow whose answer cannot be read is odd beside its message.
            WebhookEvent::Unrecognized(odd)
                if paths.contains(&*odd.path) && !is_beside(before, event) =>
            {
                assert_eq!(*next(event), odd.path);
            }
            _ => {}
        }
        before = Some(event);
    }
    assert_eq!(items.next(), None, "an item without an event");
}

/// Whether an event is the flow, or the unreadable flow, of the message before
/// it. Two equal items are no such pair: they are read alike.
fn is_beside(before: Option<&WebhookEvent>, event: &WebhookEvent) -> bool {
    matches!(before, Some(WebhookEvent::MessageReceived(message))
        if message.message.nfm_reply().is_some() && message.raw == *event.raw())
}

/// The messages and statuses of a body, with their places.
fn items(body: &Value) -> Vec<(String, &Value)> {
    let mut items = Vec::new();
    for (at, entry) in elements(body, "entry") {
        let entry_path = format!("entry[{at}]");
        for (at, change) in elements(entry, "changes") {
            // What stands beside a signup counts as in a conversation.
            if change["field"] != "messages" && change["field"] != "in_app_signup" {
                continue;
            }
            let path = format!("{entry_path}.changes[{at}].value");
            for name in ["messages", "statuses"] {
                let list = elements(&change["value"], name);
                items.extend(list.map(|(at, item)| (format!("{path}.{name}[{at}]"), item)));
            }
        }
    }
    items
}

fn elements<'a>(object: &'a Value, name: &str) -> impl Iterator<Item = (usize, &'a Value)> {
    object[name].as_array().into_iter().flatten().enumerate()
}

/// How deep the order of members is looked at for a key.
const MAX_DEPTH: u32 = 24;

/// Whether another spelling cannot change a key: the digits of a number count
/// as Meta wrote them (`1.0` is not `1`), of which a `Value` keeps those of
/// integers only; and what lies deep counts as it is written.
fn is_respellable(value: &Value, depth: u32) -> bool {
    let mut parts: Box<dyn Iterator<Item = &Value>> = match value {
        Value::Number(number) => return number.is_i64() || number.is_u64(),
        Value::Array(elements) => Box::new(elements.iter()),
        Value::Object(members) => Box::new(members.values()),
        Value::Null | Value::Bool(_) | Value::String(_) => return true,
    };
    depth > 0 && parts.all(|part| is_respellable(part, depth - 1))
}

/// The body as a `Value`, if that has all that the text has.
fn unambiguous(text: &str) -> Option<Value> {
    // Names by which serde_json passes on its own types; it takes an object
    // that has one for such a type.
    let is_taken_for_another = text.contains("$serde_json::private::");
    if is_taken_for_another || serde_json::from_str::<NoRepeats>(text).is_err() {
        return None;
    }
    // No `Value` holds half a surrogate pair, or a number beyond an `f64`.
    serde_json::from_str(text).ok()
}

/// Any JSON in which no object has a member twice.
struct NoRepeats;

impl<'de> Deserialize<'de> for NoRepeats {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(NoRepeats)
    }
}

impl<'de> Visitor<'de> for NoRepeats {
    type Value = Self;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON without repeated members")
    }

    fn visit_unit<E>(self) -> Result<Self, E> {
        Ok(self)
    }

    fn visit_bool<E>(self, _: bool) -> Result<Self, E> {
        Ok(self)
    }

    fn visit_i64<E>(self, _: i64) -> Result<Self, E> {
        Ok(self)
    }

    fn visit_u64<E>(self, _: u64) -> Result<Self, E> {
        Ok(self)
    }

    fn visit_f64<E>(self, _: f64) -> Result<Self, E> {
        Ok(self)
    }

    fn visit_str<E>(self, _: &str) -> Result<Self, E> {
        Ok(self)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Self, A::Error> {
        while let Some(NoRepeats) = seq.next_element()? {}
        Ok(self)
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self, A::Error> {
        let mut names = HashSet::new();
        while let Some((name, NoRepeats)) = map.next_entry::<String, _>()? {
            if !names.insert(name) {
                return Err(A::Error::custom("a member is there twice"));
            }
        }
        Ok(self)
    }
}
