//! Compares each event with its JSON: every value is also in the typed form, except the few that are
//! listed here.
//!
//! Every text and number of the sample bodies is first replaced by one that
//! stands nowhere else, so that nothing is found by chance.

use crate::support;
use std::collections::{BTreeSet, HashMap};

use serde_json::{Value, json};
use whatsapp_signals::event::WebhookEvent;
use whatsapp_signals::parse;

/// The values that the typed form does not carry, each with the reason. All
/// are in the event's raw JSON.
const NOT_CARRIED: &[(&str, &str)] = &[
    // The product is always WhatsApp.
    ("account_settings_update", "messaging_product"),
    ("messaging_handover", "messaging_product"),
    // A placeholder in an example of Meta's, `<time_of_click>`, is no time.
    ("user_action", "timestamp"),
    // The signal is the preference; the other members describe it.
    ("user_subscribed", "messaging_product"),
    ("user_subscribed", "category"),
    ("user_subscribed", "detail"),
    ("user_subscribed", "value"),
];

/// Gives each text and number another one that stands nowhere else.
#[derive(Default)]
pub(crate) struct Unique {
    count: u64,
    /// An id that stands twice names one thing in both.
    ids: HashMap<String, String>,
}

impl Unique {
    pub(crate) fn replace(&mut self, name: &str, value: &mut Value) {
        match value {
            Value::Object(members) => {
                for (name, member) in members {
                    self.replace(name, member);
                }
            }
            Value::Array(items) => items.iter_mut().for_each(|item| self.replace(name, item)),
            Value::Number(_) => *value = json!(self.number()),
            Value::String(text) if !is_kept(name, text) => *text = self.text(text),
            _ => {}
        }
    }

    fn number(&mut self) -> u64 {
        self.count += 1;
        7_000_000_000 + self.count
    }

    fn text(&mut self, text: &str) -> String {
        if let Some(known) = self.ids.get(text) {
            return known.clone();
        }
        let number = self.number();
        let is_user_id =
            |kind: &str| kind.len() == 2 && kind.bytes().all(|c| c.is_ascii_uppercase());
        let is_id = text
            .split_once('.')
            .is_some_and(|(kind, _)| kind == "wamid" || is_user_id(kind));
        let is_digits = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
        let unique = match text.split_once('.') {
            Some((kind, _)) if is_id => format!("{kind}.{number}"),
            _ if is_digits => number.to_string(),
            _ => format!("{text}~{number}"),
        };
        if is_id || is_digits {
            self.ids.insert(text.to_owned(), unique.clone());
        }
        unique
    }
}

/// Returns true for values that select a parser, which must stay unchanged.
fn is_kept(name: &str, text: &str) -> bool {
    let decides = [
        "object",
        "field",
        "type",
        "recipient_type",
        "messaging_product",
    ];
    decides.contains(&name) || (name, text) == ("value", "signup") || name == "response_json"
}

/// Each scalar with its path, without the indexes.
pub(crate) fn leaves(path: &str, value: &Value, found: &mut Vec<(String, String)>) {
    match value {
        Value::Null => {}
        Value::Object(members) => members
            .iter()
            .for_each(|(name, member)| leaves(&format!("{path}.{name}"), member, found)),
        Value::Array(items) => items
            .iter()
            .for_each(|item| leaves(&format!("{path}[]"), item, found)),
        Value::String(text) => found.push((path.to_owned(), text.clone())),
        Value::Number(number) => {
            found.push((path.to_owned(), number.as_f64().unwrap().to_string()));
        }
        Value::Bool(bool) => {
            let name = path.rsplit('.').next().unwrap();
            found.push((path.to_owned(), format!("{name}={bool}")));
        }
    }
}

/// All that the typed form says: its scalars and, since the enums of contents
/// are written as `{"text": …}`, the names of their variants. Numbers that Meta
/// wrote as text count as either.
fn said(event: &WebhookEvent) -> BTreeSet<String> {
    let mut value = serde_json::to_value(event).unwrap();
    without_raw(&mut value);
    said_by("", &value)
}

/// All that a serialized value says, which stands in a member of this name.
pub(crate) fn said_by(name: &str, value: &Value) -> BTreeSet<String> {
    fn variants(name: &str, value: &Value, said: &mut BTreeSet<String>) {
        match value {
            Value::Object(members) => {
                for (member, value) in members {
                    if ["content", "interactive"].contains(&name) {
                        said.insert(member.clone());
                    }
                    variants(member, value, said);
                }
            }
            Value::Array(items) => items.iter().for_each(|item| variants("", item, said)),
            _ => {}
        }
    }
    let mut found = Vec::new();
    leaves("", value, &mut found);
    let mut said: BTreeSet<String> = found.into_iter().map(|(_, scalar)| scalar).collect();
    variants(name, value, &mut said);
    said
}

fn without_raw(value: &mut Value) {
    match value {
        Value::Object(members) => {
            members.remove("raw");
            members.values_mut().for_each(without_raw);
        }
        Value::Array(items) => items.iter_mut().for_each(without_raw),
        _ => {}
    }
}

/// Calls `report` with signal, path and file of each value that the typed form
/// of some event lacks, and returns how many values were looked at.
fn for_each_missing(mut report: impl FnMut(&'static str, &str, &str)) -> usize {
    let mut checked = 0;
    for (file, text) in support::all() {
        let Ok(mut body) = serde_json::from_str::<Value>(&text) else {
            continue; // half a surrogate pair
        };
        Unique::default().replace("", &mut body);
        let webhook = parse(body.to_string().as_bytes()).unwrap();
        let all: BTreeSet<String> = webhook.iter().flat_map(said).collect();
        for event in &webhook {
            let said = match event {
                // The message that submitted it has all of this JSON.
                WebhookEvent::FlowCompleted(_) | WebhookEvent::Unrecognized(_) => continue,
                // Its messages are events of their own.
                WebhookEvent::History(_) => all.clone(),
                event => said(event),
            };
            let mut found = Vec::new();
            leaves("", &event.raw().parse().unwrap(), &mut found);
            for (path, scalar) in found {
                checked += 1;
                // The older spelling of `unsupported`.
                let is_unknown = path == ".type" && scalar == "unknown";
                if !said.contains(&scalar) && !is_unknown {
                    report(event.name(), &path[1..], &file);
                }
            }
        }
    }
    checked
}

#[test]
fn the_typed_form_carries_every_value_of_metas_but_those_listed() {
    let mut missing = BTreeSet::new();
    let checked = for_each_missing(|signal, path, file| {
        if !NOT_CARRIED.contains(&(signal, path)) {
            missing.insert(format!("{signal}: {path} in {file}"));
        }
    });
    assert!(checked > 1_000, "{checked}");
    assert!(missing.is_empty(), "{missing:#?}");
}

#[test]
fn a_contact_carries_every_value_of_metas() {
    for (file, text) in support::all() {
        let Ok(mut body) = serde_json::from_str::<Value>(&text) else {
            continue; // half a surrogate pair
        };
        Unique::default().replace("", &mut body);
        for event in parse(body.to_string().as_bytes()).unwrap() {
            let event = serde_json::to_value(event).unwrap();
            let payload = event.as_object().unwrap().values().next().unwrap();
            let Some(raw) = payload["contact"]["raw"].as_str() else {
                continue;
            };
            let mut contact = payload["contact"].clone();
            without_raw(&mut contact);
            let (mut typed, mut wire) = (Vec::new(), Vec::new());
            leaves("", &contact, &mut typed);
            leaves("", &serde_json::from_str(raw).unwrap(), &mut wire);
            for (path, scalar) in wire {
                assert!(
                    typed.iter().any(|(_, said)| *said == scalar),
                    "{file}: {path}"
                );
            }
        }
    }
}

/// An entry for something that is carried after all would hide the day on
/// which it no longer is.
#[test]
fn the_listed_values_are_in_no_event() {
    let mut left = NOT_CARRIED.to_vec();
    for_each_missing(|signal, path, _| left.retain(|listed| *listed != (signal, path)));
    // The placeholder is in a body that only some machines have.
    left.retain(|listed| *listed != ("user_action", "timestamp"));
    assert_eq!(left, []);
}
