//! One odd thing in a webhook costs itself: what stands beside it arrives, and
//! the odd thing arrives as `Unrecognized` with its JSON.

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
    let (mut good, mut odd) = (0, Vec::new());
    for event in events(body) {
        match event {
            WebhookEvent::MessageReceived(event) if event.message.id == "wamid.GOOD" => {
                assert_eq!(event.message.text(), Some("Hello"));
                good += 1;
            }
            WebhookEvent::Unrecognized(event) => odd.push(event),
            event => panic!("unexpected: {event:?}"),
        }
    }
    assert_eq!(good, 1, "the good message arrives exactly once");
    odd
}

/// Asserts that the good message arrives beside exactly this.
#[track_caller]
fn beside(body: &str, path: &str, raw: &str, reason: &Reason) -> Unrecognized {
    let odd = others(body);
    let [event] = &odd[..] else {
        panic!("one odd thing, not {odd:?}")
    };
    assert_eq!(event.path, format!("entry[0].changes[{path}"));
    assert_eq!(event.raw.as_str(), raw);
    assert_eq!(&event.reason, reason);
    event.clone()
}

/// One odd message before, after and between good ones.
#[track_caller]
fn odd_message(odd: &str, reason: &Reason) -> Unrecognized {
    beside(&messages(&[GOOD, odd]), "0].value.messages[1]", odd, reason);
    beside(&messages(&[odd, GOOD]), "0].value.messages[0]", odd, reason)
}
