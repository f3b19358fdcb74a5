//! The JSON of messages, which is stored beside them if the program asks for it.

use super::*;
use whatsapp_signals::model::{MessageId, RawJson};
use whatsapp_signals::{WebhookEvent, parse};

/// Bodies with each kind of event that is stored as a message, and its name.
const BODIES: [(&[u8], &str); 5] = [
    (TEXT, "message_received"),
    (
        include_bytes!("../../payloads/message-echo.json"),
        "message_echo",
    ),
    (
        include_bytes!("../../payloads/standby-message.json"),
        "standby_message",
    ),
    (
        include_bytes!("../../payloads/standby-echo-text.json"),
        "standby_echo",
    ),
    (
        include_bytes!("../../payloads/history.json"),
        "history_message",
    ),
];

const TEXT: &[u8] = include_bytes!("../../payloads/text.json");

/// Returns the id of the message that is stored of an event, if one is.
fn id_of(event: &WebhookEvent) -> Option<MessageId> {
    match event {
        WebhookEvent::MessageReceived(event) => Some(event.message.id.clone()),
        WebhookEvent::MessageEcho(event) => Some(event.message.id.clone()),
        WebhookEvent::StandbyMessage(event) => Some(event.message.id.clone()),
        WebhookEvent::StandbyEcho(event) => Some(event.value.id.clone()),
        WebhookEvent::HistoryMessage(event) => Some(event.message.id.clone()),
        _ => None,
    }
}

fn raw_of(engine: &Engine, event: &WebhookEvent) -> Option<String> {
    let stored = engine.account(event.account());
    let raw = stored.raw_payload(&id_of(event)?).unwrap()?;
    assert_eq!(raw.body(), raw.as_str(), "the rest of the body is not kept");
    Some(raw.as_str().to_owned())
}

#[test]
fn each_stored_message_has_its_json_beside_it_byte_for_byte() {
    with_each_store(|engine| {
        let engine = engine.keep_raw_payloads(true);
        for (body, signal) in BODIES {
            process(&engine, body);
            let mut messages = 0;
            for event in parse(body).unwrap().events() {
                if id_of(event).is_some() {
                    assert_eq!(event.name(), signal);
                    let raw = raw_of(&engine, event);
                    assert_eq!(raw.as_deref(), Some(event.raw().as_str()), "{signal}");
                    messages += 1;
                }
            }
            assert!(messages > 0, "{signal}");
        }
    });
}

#[test]
fn a_sent_message_has_its_request() {
    with_each_store(|engine| {
        let request = r#"{"to":"+1 555 010-1001","type":"hologram","hologram":{}}"#;
        let store = |engine: &Engine, id: &str| {
            let response = format!(r#"{{"messages":[{{"id":"{id}"}}]}}"#);
            let event = MessageSent::from_graph(request, response).unwrap();
            let event = event.into_iter().next().unwrap().with_account(account());
            assert!(!engine.process_sent(event).unwrap().should_retry());
            records(engine).raw_payload(&id.into()).unwrap()
        };
        assert_eq!(store(&engine, "wamid.S"), None);
        let raw = store(&engine.keep_raw_payloads(true), "wamid.T").unwrap();
        assert_eq!(raw.as_str(), request);
    });
}

#[test]
fn no_json_is_stored_by_default_or_of_messages_without_a_request() {
    with_each_store(|engine| {
        for (body, signal) in BODIES {
            process(&engine, body);
            for event in parse(body).unwrap().events() {
                assert_eq!(raw_of(&engine, event), None, "{signal}");
            }
        }
        let engine = engine.keep_raw_payloads(true);
        send(&engine, "wamid.S");
        let status = status_of(&engine, "wamid.S");
        assert_eq!(status, Some(MessageStatus::Sent), "it is stored");
        let raw = records(&engine).raw_payload(&"wamid.S".into()).unwrap();
        assert_eq!(raw, None);
        let raw = records(&engine).raw_payload(&"wamid.none".into()).unwrap();
        assert_eq!(raw, None);
    });
}

#[test]
fn it_stays_when_the_message_is_read_or_gets_a_status_and_stands_beside_each_number() {
    with_each_store(|engine| {
        let engine = engine.keep_raw_payloads(true);
        let (first, second) = (text().id("wamid.A"), text().id("wamid.A"));
        let second = second.to_number("300200100500601", "15550100201");
        process(&engine, &first.body());
        process(&engine, &second.body());
        process(&engine, &testing::read("wamid.A").body());
        records(&engine).mark_read(&phone("15550101001")).unwrap();
        let stored = engine.messages(&"wamid.A".into()).unwrap();
        assert_eq!(stored.len(), 2);
        for (stored, event) in stored.iter().zip([first.event(), second.event()]) {
            let raw = stored.raw_payload.as_ref().map(RawJson::as_str);
            assert_eq!(raw, Some(event.raw.as_str()));
        }
    });
}

#[test]
fn an_event_from_a_queue_has_it_too() {
    with_each_store(|engine| {
        let engine = engine.keep_raw_payloads(true);
        let event = parse(TEXT).unwrap().into_events().remove(0);
        let queued = WebhookEvent::from_json(event.to_json().unwrap().as_bytes()).unwrap();
        assert_eq!(engine.process_event("key", queued).unwrap().delivered(), 1);
        let raw = raw_of(&engine, &event);
        assert_eq!(raw.as_deref(), Some(event.raw().as_str()));
    });
}
