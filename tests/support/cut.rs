//! Removes the JSON of all events from a body, and checks the rest.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;

use serde_json::value::RawValue;
use whatsapp_signals::event::{Reason, WebhookEvent};
use whatsapp_signals::model::RawJson;
use whatsapp_signals::parse;

use super::json::Json;

/// Stands for what some event has.
const CUT: &str = r#""~cut~""#;

/// Returns the range of a JSON value in its body.
fn range(raw: &RawJson) -> Range<usize> {
    let start = raw.as_str().as_ptr().addr() - raw.body().as_ptr().addr();
    start..start + raw.as_str().len()
}

/// The data of events outside of their own JSON.
#[derive(Default)]
struct Seen {
    contacts: BTreeSet<String>,
    /// The ids and numbers of their accounts.
    accounts: BTreeSet<String>,
}

impl Seen {
    /// The ids that stand around an event must be in its account.
    fn assert_ids(&self, around: &Json, names: &[&str]) {
        let Json::Object(members) = around else {
            return;
        };
        for (name, member) in members {
            if let Json::Scalar(id) = member
                && names.contains(&name.trim_matches('"'))
                && !["null", CUT].contains(&&**id)
            {
                let id = id.trim_matches('"');
                assert!(self.accounts.contains(id), "{name} {id} is in no account");
            }
        }
    }
}

/// Removes all events from the body, and checks that only the envelope and the members of the account
/// remain.
pub(crate) fn assert_nothing_is_lost(body: &str) {
    let Ok(webhook) = parse(body.as_bytes()) else {
        return; // a malformed envelope is an error, which loses nothing
    };
    let mut by_range: BTreeMap<(usize, usize), Vec<&'static str>> = BTreeMap::new();
    let mut ranges = Vec::new();
    let mut seen = Seen::default();
    for event in &webhook {
        assert_eq!(event.raw().body(), body);
        let of_event = range(event.raw());
        let events = by_range.entry((of_event.start, of_event.end)).or_default();
        events.push(event.name());
        ranges.push(of_event);
        if let Some(raw) = event.contact().and_then(|contact| contact.raw.as_ref()) {
            ranges.push(range(raw));
            seen.contacts.insert(Json::parse(raw.as_str()).to_string());
        }
        let account = event.account();
        let ids = [
            account.waba_id.as_ref().map(AsRef::as_ref),
            account.phone_number_id.as_ref().map(AsRef::as_ref),
            account.display_phone_number.as_deref(),
        ];
        let ids = ids.into_iter().flatten().map(str::to_owned);
        seen.accounts.extend(ids);
        if let WebhookEvent::Unrecognized(event) = event {
            seen.contacts
                .insert(Json::parse(event.raw.as_str()).to_string());
            assert!(
                !matches!(event.reason, Reason::TooMany(_)),
                "the samples are small"
            );
        }
    }
    let ranges_of_events: BTreeSet<_> = by_range.keys().copied().collect();
    for event in &webhook {
        if let WebhookEvent::History(chunk) = event {
            assert_messages_are_there(&chunk.raw, &ranges_of_events);
        }
    }
    for events in by_range.values() {
        let is_one = events.len() == 1;
        // A message, and the flow that it submits, readable or not.
        let is_flow = events.len() == 2 && events[0] == "message_received";
        assert!(is_one || is_flow, "{events:?} for one item");
    }

    ranges.sort_by_key(|range| (range.start, usize::MAX - range.end));
    // A contact without the members that are reported by themselves.
    for event in &webhook {
        if let Some(raw) = event.contact().and_then(|contact| contact.raw.as_ref()) {
            let contact = range(raw);
            let within = ranges.iter().filter(|part| {
                **part != contact && contact.start <= part.start && part.end <= contact.end
            });
            let left = cut(body, contact.clone(), within);
            seen.contacts.insert(Json::parse(&left).to_string());
        }
    }
    let left = Json::parse(&cut(body, 0..body.len(), &ranges));
    assert_envelope("", &left, &seen);
}

/// A part of a body without these ranges, of which the outer ones come first.
fn cut<'r>(
    body: &str,
    part: Range<usize>,
    ranges: impl IntoIterator<Item = &'r Range<usize>>,
) -> String {
    let (mut left, mut end) = (String::new(), part.start);
    for range in ranges {
        if range.start >= end {
            left += &body[end..range.start];
            left += CUT;
            end = range.end;
        }
        assert!(range.end <= end, "events within events, or beside them");
    }
    left + &body[end..part.end]
}

/// The lists of a chunk or of a thread.
#[derive(serde::Deserialize)]
struct Lists<'a> {
    #[serde(borrow)]
    threads: Option<&'a RawValue>,
    #[serde(borrow)]
    messages: Option<&'a RawValue>,
}

/// Checks that each message of a chunk of history is an event, or part of an unrecognized one. The
/// JSON of the chunk has all of its threads, so removing it would prove nothing.
fn assert_messages_are_there(chunk: &RawJson, events: &BTreeSet<(usize, usize)>) {
    let elements = |list: &RawValue| -> Vec<Range<usize>> {
        let list: Vec<&RawValue> = serde_json::from_str(list.get()).unwrap_or_default();
        let range = |piece: &RawValue| {
            let start = piece.get().as_ptr().addr() - chunk.body().as_ptr().addr();
            start..start + piece.get().len()
        };
        list.into_iter().map(range).collect()
    };
    let lists = |object: Range<usize>| serde_json::from_str::<Lists<'_>>(&chunk.body()[object]);
    let Some(threads) = lists(range(chunk)).ok().and_then(|chunk| chunk.threads) else {
        return;
    };
    for thread in elements(threads) {
        if events.contains(&(thread.start, thread.end)) {
            continue; // malformed as a whole
        }
        let Some(messages) = lists(thread).ok().and_then(|thread| thread.messages) else {
            continue;
        };
        for message in elements(messages) {
            let is_event = events.contains(&(message.start, message.end));
            assert!(is_event, "a message of a thread without an event");
        }
    }
}

fn assert_envelope(path: &str, json: &Json, seen: &Seen) {
    match json {
        Json::Scalar(text) if text == CUT || text == "null" => {}
        Json::Scalar(text) => {
            let value = path.strip_prefix("entry[].changes[].value.").unwrap_or("");
            let of_value = [
                "messaging_product",
                "standby.messaging_product",
                "metadata.phone_number_id",
                "metadata.display_phone_number",
                "standby.metadata.phone_number_id",
                "standby.metadata.display_phone_number",
            ];
            let of_envelope = [
                "object",
                "entry[].id",
                "entry[].time",
                "entry[].changes[].field",
            ];
            let is_known = of_value.contains(&value) || of_envelope.contains(&path);
            assert!(is_known, "{path} is lost: {text}");
        }
        Json::Array(elements) => {
            for element in elements {
                // One that is listed twice is in the events once.
                if path.ends_with(".contacts") && seen.contacts.contains(&element.to_string()) {
                    continue;
                }
                let is_list = !matches!(path, "entry" | "entry[].changes");
                let is_cut = *element == Json::Scalar(CUT.to_owned());
                let is_level = !is_list && matches!(element, Json::Object(_));
                assert!(is_cut || is_level, "{path}: no event for {element}");
                assert_envelope(&format!("{path}[]"), element, seen);
            }
        }
        Json::Object(members) => {
            let has_events = json.to_string().contains(CUT);
            if has_events && path == "entry[]" {
                seen.assert_ids(json, &["id"]);
            }
            for (name, member) in members {
                let name = name.trim_matches('"');
                if has_events && name == "metadata" && path == "entry[].changes[].value" {
                    seen.assert_ids(member, &["phone_number_id", "display_phone_number"]);
                }
                let dot = if path.is_empty() { "" } else { "." };
                assert_envelope(&format!("{path}{dot}{name}"), member, seen);
            }
        }
    }
}
