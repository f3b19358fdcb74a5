//! For all bodies: parsing never panics, every item gives an event, and the
//! fast way and the slow way through a body agree.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod support;

use proptest::prelude::*;
use proptest::sample::{Index, select};
use serde_json::{Value, json};
use whatsapp_signals::event::{Reason, WebhookEvent};
use whatsapp_signals::parse;

fn bodies() -> impl Strategy<Value = String> {
    let bodies: Vec<String> = support::all().into_iter().map(|(_, body)| body).collect();
    select(bodies)
}

/// Items like those of real bodies, and some that are odd in every way.
fn items() -> impl Strategy<Value = Value> {
    let real: Vec<Value> = support::all()
        .iter()
        .filter_map(|(_, body)| serde_json::from_str::<Value>(body).ok())
        .flat_map(|body| {
            let value = &body["entry"][0]["changes"][0]["value"];
            let kinds = ["messages", "statuses", "contacts", "user_preferences"];
            kinds.map(|kind| value[kind].as_array().cloned().unwrap_or_default())
        })
        .flatten()
        .collect();
    prop_oneof![
        select(real.clone()),
        (select(real), any::<Index>(), odd()).prop_map(mutate)
    ]
}

fn odd() -> impl Strategy<Value = Value> {
    select(vec![
        json!(null),
        json!(true),
        json!(5),
        json!(-0.5),
        json!("x"),
        json!(""),
        json!([]),
        json!(["a", "b"]),
        json!({}),
        json!({"a": {"b": []}}),
    ])
}

/// The item with one of its parts, at any depth, replaced or dropped.
fn mutate((mut item, index, odd): (Value, Index, Value)) -> Value {
    fn parts(value: &Value) -> usize {
        1 + match value {
            Value::Object(members) => members.values().map(parts).sum(),
            Value::Array(items) => items.iter().map(parts).sum(),
            _ => 0,
        }
    }
    fn replace(value: &mut Value, at: &mut usize, odd: &Value) {
        if *at == 0 {
            *value = odd.clone();
        }
        *at = at.wrapping_sub(1);
        match value {
            _ if *at > usize::MAX / 2 => {}
            Value::Object(members) => members.values_mut().for_each(|part| replace(part, at, odd)),
            Value::Array(items) => items.iter_mut().for_each(|part| replace(part, at, odd)),
            _ => {}
        }
    }
    let mut at = index.index(parts(&item));
    replace(&mut item, &mut at, &odd);
    item
}

fn webhook(messages: &[Value], statuses: &[Value], contacts: &[Value]) -> Value {
    json!({"object": "whatsapp_business_account", "entry": [{"id": "900", "changes": [{
        "field": "messages", "value": {
            "metadata": {"phone_number_id": "300", "display_phone_number": "1555"},
            "contacts": contacts, "messages": messages, "statuses": statuses}}]}]})
}

/// The events without their raw JSON's surroundings, which `==` ignores too.
fn events(body: &str) -> Vec<WebhookEvent> {
    parse(body.as_bytes()).unwrap().into_events()
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(512) })]

    #[test]
    fn any_bytes_are_parsed_or_refused(body in prop::collection::vec(any::<u8>(), 0..200)) {
        let _ = parse(&body);
    }

    #[test]
    fn a_real_body_with_bytes_changed_is_parsed_or_refused(
        body in bodies(), at in any::<Index>(), byte in any::<u8>(), cut in any::<Index>(),
    ) {
        let mut body = body.into_bytes();
        let at = at.index(body.len());
        body[at] = byte;
        let _ = parse(&body);
        body.truncate(cut.index(body.len()));
        let _ = parse(&body);
    }

    #[test]
    fn every_item_gives_its_events_whatever_it_is(
        messages in prop::collection::vec(items(), 0..6),
        statuses in prop::collection::vec(items(), 0..6),
        contacts in prop::collection::vec(items(), 0..4),
    ) {
        let body = webhook(&messages, &statuses, &contacts).to_string();
        let (mut flows, mut of_messages, mut of_statuses) = (0, 0, 0);
        for event in events(&body) {
            match event {
                WebhookEvent::MessageReceived(_) => of_messages += 1,
                WebhookEvent::MessageStatusChanged(_) => of_statuses += 1,
                WebhookEvent::FlowCompleted(_) => flows += 1,
                WebhookEvent::Unrecognized(event) if event.path.contains(".messages[") => {
                    // An answer that cannot be read is odd beside its message.
                    let is_flow = event.raw.as_str().contains("nfm_reply")
                        && event.reason == Reason::Malformed
                        && events(&webhook(&[event.raw.parse().unwrap()], &[], &[]).to_string()).len() == 2;
                    if is_flow { flows += 1 } else { of_messages += 1 }
                }
                WebhookEvent::Unrecognized(event) if event.path.contains(".statuses[") => {
                    of_statuses += 1;
                }
                WebhookEvent::Unrecognized(event) => {
                    prop_assert!(event.path.contains(".contacts["), "{}", event.path);
                }
                other => panic!("{other:?}"),
            }
        }
        prop_assert_eq!((of_messages, of_statuses), (messages.len(), statuses.len()));
        prop_assert!(flows <= of_messages);
    }

    /// An unknown member in the value makes the parser take the slow way.
    #[test]
    fn the_slow_way_gives_what_the_fast_way_gives(
        messages in prop::collection::vec(items(), 0..6),
        statuses in prop::collection::vec(items(), 0..6),
        contacts in prop::collection::vec(items(), 0..4),
    ) {
        let mut body = webhook(&messages, &statuses, &contacts);
        let fast = events(&body.to_string());
        body["entry"][0]["changes"][0]["value"]["zzz"] = json!(1);
        let (unknown, slow): (Vec<_>, Vec<_>) = events(&body.to_string())
            .into_iter()
            .partition(|event| matches!(event, WebhookEvent::Unrecognized(event) if event.path.contains(".zzz")));
        prop_assert_eq!(unknown.len(), 1);
        prop_assert_eq!(fast, slow);
    }

    #[test]
    fn events_survive_serialization_whatever_they_are(
        messages in prop::collection::vec(items(), 1..4),
        contacts in prop::collection::vec(items(), 0..3),
    ) {
        for event in events(&webhook(&messages, &messages, &contacts).to_string()) {
            let json = serde_json::to_string(&event).unwrap();
            prop_assert_eq!(serde_json::from_str::<WebhookEvent>(&json).unwrap(), event);
        }
    }
}

#[test]
fn the_slow_way_gives_what_the_fast_way_gives_for_real_bodies() {
    for (file, text) in support::all() {
        let Ok(mut body) = serde_json::from_str::<Value>(&text) else {
            continue; // half a surrogate pair
        };
        let all = events(&body.to_string());
        // A member that is there twice is refused by the fast way.
        let entry = body["entry"][0].take();
        let changes = entry["changes"].as_array().unwrap();
        for change in changes.iter().filter(|change| change["value"].is_object()) {
            let one = json!({"object": "whatsapp_business_account", "entry": [
                {"id": entry["id"], "time": entry["time"], "changes": [change, null]}]});
            let (odd, slow): (Vec<_>, Vec<_>) = events(&one.to_string())
                .into_iter()
                .partition(|event| event.raw().as_str() == "null");
            assert_eq!(odd.len(), 1, "{file}");
            assert!(slow.iter().all(|event| all.contains(event)), "{file}");
        }
    }
}
