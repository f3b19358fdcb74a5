//! Cuts all events out of a body, to see what is left.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;

use whatsapp_signals::event::{Reason, WebhookEvent};
use whatsapp_signals::model::{Contact, RawJson};
use whatsapp_signals::parse;

use super::json::Json;

/// Stands for what some event has.
const CUT: &str = r#""~cut~""#;

/// Where a piece of JSON stands in its body.
fn range(raw: &RawJson) -> Range<usize> {
    let start = raw.as_str().as_ptr().addr() - raw.body().as_ptr().addr();
    start..start + raw.as_str().len()
}

fn contact(event: &WebhookEvent) -> Option<&Contact> {
    match event {
        WebhookEvent::MessageReceived(event) => event.contact.as_deref(),
        WebhookEvent::MessageStatusChanged(event) => event.contact.as_deref(),
        WebhookEvent::UserSubscribed(event) => Some(&event.contact),
        WebhookEvent::MessageEcho(event) => event.contact.as_deref(),
        WebhookEvent::HistoryMessage(event) => event.contact.as_deref(),
        WebhookEvent::StandbyMessage(event) => event.contact.as_deref(),
        WebhookEvent::StandbyStatus(event) => event.contact.as_deref(),
        WebhookEvent::StandbyEcho(event) => event.contact.as_deref(),
        WebhookEvent::Call(event) => event.contact.as_deref(),
        WebhookEvent::CallStatus(event) => event.contact.as_deref(),
        WebhookEvent::UserPreference(event) => event.contact.as_deref(),
        WebhookEvent::UserIdUpdate(event) => event.contact.as_deref(),
        WebhookEvent::UserAction(event) => event.contact.as_deref(),
        WebhookEvent::MetaError(event) => event.contact.as_deref(),
        WebhookEvent::ConversationContext(event) => event.contact.as_deref(),
        WebhookEvent::GroupParticipantsUpdate(event) => event.contact.as_deref(),
        WebhookEvent::GroupLifecycleUpdate(event) => event.contact.as_deref(),
        WebhookEvent::GroupSettingsUpdate(event) => event.contact.as_deref(),
        WebhookEvent::GroupStatusUpdate(event) => event.contact.as_deref(),
        WebhookEvent::SmbAppStateSync(event) => event.contact.as_deref(),
        WebhookEvent::AutomaticEvent(event) => event.contact.as_deref(),
        WebhookEvent::TrackingEvent(event) => event.contact.as_deref(),
        WebhookEvent::History(event) => event.contact.as_deref(),
        _ => None,
    }
}

/// What the events have beside their own JSON.
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

/// Cuts all events out of the body, and looks at what is left: the envelope
/// and what the account is made of, nothing else.
pub(crate) fn assert_nothing_is_lost(body: &str) {
    let Ok(webhook) = parse(body.as_bytes()) else {
        return; // a broken envelope, which loses nothing: the caller is told
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
        if let Some(raw) = contact(event).and_then(|contact| contact.raw.as_ref()) {
            ranges.push(range(raw));
            seen.contacts.insert(Json::parse(raw.as_str()).to_string());
        }
        let json = serde_json::to_value(event).unwrap();
        let account = &json.as_object().unwrap().values().next().unwrap()["account"];
        let ids = account.as_object().unwrap().values();
        seen.accounts
            .extend(ids.map(|id| id.as_str().unwrap().to_owned()));
        if let WebhookEvent::Unrecognized(event) = event {
            seen.contacts
                .insert(Json::parse(event.raw.as_str()).to_string());
            assert!(
                !matches!(event.reason, Reason::TooMany(_)),
                "the samples are small"
            );
        }
    }
    for events in by_range.values() {
        let is_one = events.len() == 1;
        // A message, and the flow that it submits, readable or not.
        let is_flow = events.len() == 2 && events[0] == "message_received";
        assert!(is_one || is_flow, "{events:?} for one item");
    }

    ranges.sort_by_key(|range| (range.start, usize::MAX - range.end));
    let (mut left, mut end) = (String::new(), 0);
    for range in ranges {
        if range.start >= end {
            left += &body[end..range.start];
            left += CUT;
            end = range.end;
        }
        assert!(range.end <= end, "events within events, or beside them");
    }
    left += &body[end..];
    let left = Json::parse(&left);
    assert_envelope("", &left, &seen);
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
