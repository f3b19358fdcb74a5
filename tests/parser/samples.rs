//! The events of each sample body. Every item of every body becomes exactly one event (a submitted
//! flow: two).

use crate::support;
use std::collections::BTreeMap;

use serde_json::{Value, json};
use whatsapp_signals::event::WebhookEvent;
use whatsapp_signals::model::ConversationContext;
use whatsapp_signals::parse;

/// One line for an event: enough to see that it was understood.
fn summary(event: &WebhookEvent) -> String {
    let who = |contact: Option<&whatsapp_signals::model::Contact>| {
        contact.map_or("-".into(), |contact| contact.display_name().to_owned())
    };
    let what = match event {
        WebhookEvent::MessageReceived(event) => {
            let message = &event.message;
            let from = who(event.contact.as_deref());
            let context = event.conversation_context.as_deref();
            let before = context.and_then(ConversationContext::text);
            let before = before.map_or_else(String::new, |text| format!(", after {text:?}"));
            format!(
                "{} from {from}: {:?}{before}",
                message.message_type(),
                message.body()
            )
        }
        WebhookEvent::MessageStatusChanged(event) => {
            let update = &event.update;
            let errors: Vec<_> = update.errors.iter().flat_map(|error| &error.code).collect();
            format!(
                "{} to {} {errors:?}",
                update.status,
                who(event.contact.as_deref())
            )
        }
        WebhookEvent::FlowCompleted(event) => {
            let response = &event.response;
            let token = response.flow_token.as_ref().map(AsRef::as_ref);
            // Sorted: with serde_json's `preserve_order` a map keeps Meta's order.
            let mut fields: Vec<_> = response.data.keys().collect();
            fields.sort();
            format!("{:?} {token:?} {fields:?}", response.name)
        }
        WebhookEvent::UserSubscribed(event) => {
            format!(
                "{} to {}",
                event.contact.display_name(),
                event.signup.signup_id
            )
        }
        WebhookEvent::Unrecognized(event) => format!("{}: {}", event.path, event.reason),
        other => typed(other),
    };
    format!("{}: {what}", event.name())
}

/// All that was typed of an event, without its JSON and its account.
fn typed(event: &WebhookEvent) -> String {
    let mut event = serde_json::to_value(event).unwrap();
    let payload = event.as_object_mut().unwrap().values_mut().next().unwrap();
    let payload = payload.as_object_mut().unwrap();
    for member in ["raw", "account"] {
        payload.remove(member);
    }
    if let Some(contact) = payload.get_mut("contact") {
        contact.as_object_mut().unwrap().remove("raw");
    }
    sorted(&json!(payload))
}

/// The same text with and without serde_json's `preserve_order`.
fn sorted(value: &Value) -> String {
    match value {
        Value::Object(members) => {
            let members: BTreeMap<_, _> = members.iter().collect();
            let members = members
                .iter()
                .map(|(name, member)| format!("{name}: {}", sorted(member)));
            format!("{{{}}}", members.collect::<Vec<_>>().join(", "))
        }
        Value::Array(items) => {
            let items: Vec<_> = items.iter().map(sorted).collect();
            format!("[{}]", items.join(", "))
        }
        scalar => scalar.to_string(),
    }
}

#[test]
fn every_sample_body_becomes_the_events_that_its_name_promises() {
    let mut lines = Vec::new();
    for (file, body) in support::payloads() {
        lines.push(file);
        for event in parse(body.as_bytes()).unwrap().events() {
            lines.push(format!("  {}", summary(event)));
        }
    }
    insta::assert_snapshot!(lines.join("\n"));
}

#[test]
fn every_event_survives_serialization() {
    for (file, body) in support::all() {
        for event in parse(body.as_bytes()).unwrap() {
            let json = serde_json::to_string(&event).unwrap();
            let from_text: WebhookEvent = serde_json::from_str(&json).unwrap();
            assert_eq!(from_text, event, "{file}");
            let value = serde_json::to_value(&event).unwrap();
            let from_value: WebhookEvent = serde_json::from_value(value).unwrap();
            assert_eq!(from_value, event, "{file}");
        }
    }
}

#[test]
fn every_event_keeps_its_item_byte_for_byte_and_reaches_the_whole_body() {
    for (file, body) in support::all() {
        for event in parse(body.as_bytes()).unwrap().events() {
            assert!(body.contains(event.raw().as_str()), "{file}");
            assert_eq!(event.raw().body(), body, "{file}");
        }
    }
}

/// The items of one kind, by an independent walk over the body.
fn items<'a>(body: &'a Value, kind: &'a str) -> impl Iterator<Item = &'a Value> {
    let list = |value: &'a Value| value.as_array().into_iter().flatten();
    let entries = list(&body["entry"]);
    let changes = entries.flat_map(move |entry| list(&entry["changes"]));
    changes
        .filter(|change| change["field"] == "messages")
        .flat_map(move |change| list(&change["value"][kind]))
}

/// The signups, in each of their three shapes, by an independent walk.
fn signups(body: &Value) -> usize {
    let list = |value: &Value| value.as_array().cloned().unwrap_or_default();
    let changes = list(&body["entry"])
        .into_iter()
        .flat_map(|entry| list(&entry["changes"]));
    changes
        .map(|change| {
            let value = &change["value"];
            let direct = change["field"] == "in_app_signup" || value.get("in_app_signup").is_some();
            let preferences = list(&value["user_preferences"]).into_iter();
            usize::from(direct) + preferences.filter(|item| item["value"] == "signup").count()
        })
        .sum()
}

#[test]
fn items_in_equal_events_out() {
    let (mut messages, mut statuses, mut subscribed) = (0, 0, 0);
    for (file, text) in support::all() {
        // One sample has half a surrogate pair, which no `Value` can hold. Another character
        // replaces it.
        let body: Value = serde_json::from_str(&text.replace("\\ud83d\"", "?\"")).unwrap();
        let webhook = parse(text.as_bytes()).unwrap();
        let count = |wanted: fn(&WebhookEvent) -> bool| {
            webhook
                .events()
                .iter()
                .filter(|event| wanted(event))
                .count()
        };
        let malformed = |member: &str| {
            let is_odd = |event: &&WebhookEvent| {
                matches!(event, WebhookEvent::Unrecognized(event)
                if event.path.contains(&format!(".value.{member}[")))
            };
            webhook.events().iter().filter(is_odd).count()
        };
        let received = count(|event| matches!(event, WebhookEvent::MessageReceived(_)));
        assert_eq!(
            received + malformed("messages"),
            items(&body, "messages").count(),
            "{file}"
        );
        let changed = count(|event| matches!(event, WebhookEvent::MessageStatusChanged(_)));
        assert_eq!(
            changed + malformed("statuses"),
            items(&body, "statuses").count(),
            "{file}"
        );
        let flows =
            items(&body, "messages").filter(|item| !item["interactive"]["nfm_reply"].is_null());
        let completed = count(|event| matches!(event, WebhookEvent::FlowCompleted(_)));
        assert_eq!(completed, flows.count(), "{file}");
        let signups_out = count(|event| matches!(event, WebhookEvent::UserSubscribed(_)));
        assert_eq!(signups_out, signups(&body), "{file}");
        messages += received;
        statuses += changed;
        subscribed += signups_out;
    }
    assert!(
        messages >= 46 && statuses >= 12 && subscribed >= 3,
        "the walk saw our samples"
    );
}

/// Items of known types are never unrecognized, except those that are malformed on purpose.
#[test]
fn messages_and_statuses_of_every_body_are_typed() {
    for (file, body) in support::all() {
        for event in parse(body.as_bytes()).unwrap().events() {
            if let WebhookEvent::Unrecognized(event) = event
                && (event.path.contains(".messages[") || event.path.contains(".statuses["))
                && event.field.as_deref() == Some("messages")
            {
                let on_purpose = file == "batch-with-odd-items.json"
                    || event.reason.to_string() == r#"unknown type "holo_message_2027""#;
                assert!(on_purpose, "{file}: {}: {}", event.path, event.reason);
            }
        }
    }
}
