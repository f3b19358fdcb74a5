//! Properties of any input. The fuzz targets check them with the bytes of the fuzzer, and
//! `tests/parser/fuzz_seeds.rs` with the seeds.

use std::collections::HashSet;
use std::fmt;

use serde::de::{Deserialize, Deserializer, Error, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_json::Value;
use whatsapp_signals::event::{Reason, WebhookEvent};

/// Checks that parsing does not panic, is deterministic, and loses no item.
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
    let again = whatsapp_signals::parse(body).expect("a body that was parsed before");
    assert!(
        again == webhook,
        "the same bytes were parsed into other events"
    );

    if let Some(value) = unambiguous(text)
        && !is_capped(webhook.events())
    {
        every_item_is_there(&value, webhook.events());
    }
}

/// Checks that events survive serialization, and their keys another spelling of the body.
pub(crate) fn roundtrip(body: &[u8]) {
    let Ok(webhook) = whatsapp_signals::parse(body) else {
        return;
    };
    for event in &webhook {
        let json = serde_json::to_string(event).expect("an event serializes");
        let back: WebhookEvent = serde_json::from_str(&json).expect("an event deserializes");
        assert!(back == *event, "deserialized as another event: {json}");
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

/// Returns the text of a body that was parsed.
fn text(body: &[u8]) -> &str {
    let text = str::from_utf8(body).expect("only UTF-8 is parsed");
    text.strip_prefix('\u{feff}').unwrap_or(text)
}

/// Returns true if some malformed items are reported as a number only. The order of the items then
/// decides which ones have events.
fn is_capped(events: &[WebhookEvent]) -> bool {
    let is_rest = |event: &WebhookEvent| matches!(event, WebhookEvent::Unrecognized(odd) if matches!(odd.reason, Reason::TooMany(_)));
    events.last().is_some_and(is_rest)
}

/// Returns the sorted keys of all events.
fn keys(events: &[WebhookEvent]) -> Vec<String> {
    // Two contacts with the same spelling are reported once, so another spelling of the body may
    // change their number.
    let is_stray = |event: &&WebhookEvent| matches!(event, WebhookEvent::Unrecognized(odd) if odd.reason == Reason::StrayContact);
    let events = events.iter().filter(|event| !is_stray(event));
    let mut keys: Vec<_> = events.map(WebhookEvent::dedup_key).collect();
    keys.sort();
    keys
}

/// Checks that each message and status of the body has one event, in the same order.
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
            // A flow with a malformed answer is unrecognized, beside its message.
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

/// Returns true if an event is the flow of the message before it, or its malformed flow. Two equal
/// items are no such pair, because both are messages.
fn is_beside(before: Option<&WebhookEvent>, event: &WebhookEvent) -> bool {
    matches!(before, Some(WebhookEvent::MessageReceived(message))
        if message.message.nfm_reply().is_some() && message.raw == *event.raw())
}

/// Returns the messages and statuses of a body, with their paths.
fn items(body: &Value) -> Vec<(String, &Value)> {
    let mut items = Vec::new();
    for (at, entry) in elements(body, "entry") {
        let entry_path = format!("entry[{at}]");
        for (at, change) in elements(entry, "changes") {
            // Items beside a signup are parsed as those of a conversation.
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

/// The depth up to which a key does not depend on the order of members.
const MAX_DEPTH: u32 = 24;

/// Returns true if no other spelling changes a key.
///
/// A key has the digits of a number as Meta wrote them (`1.0` is not `1`), and a `Value` keeps those
/// of integers only. Beyond the maximum depth, a key has the text itself.
fn is_respellable(value: &Value, depth: u32) -> bool {
    let mut parts: Box<dyn Iterator<Item = &Value>> = match value {
        Value::Number(number) => return number.is_i64() || number.is_u64(),
        Value::Array(elements) => Box::new(elements.iter()),
        Value::Object(members) => Box::new(members.values()),
        Value::Null | Value::Bool(_) | Value::String(_) => return true,
    };
    depth > 0 && parts.all(|part| is_respellable(part, depth - 1))
}

/// Returns the body as a `Value`, if that loses nothing of the text.
fn unambiguous(text: &str) -> Option<Value> {
    // The names by which serde_json represents its own types. An object with one of them would be
    // parsed as such a type.
    let has_private_name = text.contains("$serde_json::private::");
    if has_private_name || serde_json::from_str::<NoRepeats>(text).is_err() {
        return None;
    }
    // A `Value` holds neither half of a surrogate pair nor a number beyond an `f64`.
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
                return Err(A::Error::custom("a repeated member"));
            }
        }
        Ok(self)
    }
}
