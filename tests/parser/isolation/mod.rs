//! A malformed item or member costs only itself: its neighbors are parsed, and it becomes an
//! `Unrecognized` event with its JSON.

mod contacts;
mod duplicates;
mod limits;
mod members;
mod messages;
mod parts;

use crate::support;
use crate::support::events;
use serde_json::{Value, json};
use whatsapp_signals::event::{Reason, Unrecognized, WebhookEvent};
use whatsapp_signals::model::{Identity, Timestamp};
use whatsapp_signals::parse;

const GOOD: &str = r#"{"id":"wamid.GOOD","from":"15550101001","timestamp":"1785000000","type":"text","text":{"body":"Hello"}}"#;

/// A body of field `messages` whose value has these members.
fn body(members: &str) -> String {
    format!(
        r#"{{"object":"whatsapp_business_account","entry":[{{"id":"900","changes":[{{"field":"messages","value":{{"metadata":{{"phone_number_id":"300"}},{members}}}}}]}}]}}"#
    )
}

/// A body with these messages.
fn messages(items: &[&str]) -> String {
    body(&format!(r#""messages":[{}]"#, items.join(",")))
}

/// Asserts that the good message arrives, once, and returns the other events.
fn others(body: &str) -> Vec<Unrecognized> {
    let (mut good, mut malformed) = (0, Vec::new());
    for event in events(body) {
        match event {
            WebhookEvent::MessageReceived(event) if event.message.id == "wamid.GOOD" => {
                assert_eq!(event.message.text(), Some("Hello"));
                good += 1;
            }
            WebhookEvent::Unrecognized(event) => malformed.push(event),
            event => panic!("unexpected: {event:?}"),
        }
    }
    assert_eq!(good, 1, "the good message arrives exactly once");
    malformed
}

/// Asserts that the good message arrives beside exactly this.
#[track_caller]
fn beside(body: &str, path: &str, raw: &str, reason: &Reason) -> Unrecognized {
    let malformed = others(body);
    let [event] = &malformed[..] else {
        panic!("one unrecognized event, not {malformed:?}")
    };
    assert_eq!(event.path, format!("entry[0].changes[{path}"));
    assert_eq!(event.raw.as_str(), raw);
    assert_eq!(&event.reason, reason);
    event.clone()
}

/// Checks a malformed message before and after a good one.
#[track_caller]
fn malformed_message(malformed: &str, reason: &Reason) -> Unrecognized {
    beside(
        &messages(&[GOOD, malformed]),
        "0].value.messages[1]",
        malformed,
        reason,
    );
    beside(
        &messages(&[malformed, GOOD]),
        "0].value.messages[0]",
        malformed,
        reason,
    )
}
