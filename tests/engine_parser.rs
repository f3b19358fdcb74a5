//! An engine reads new and stored bodies with the parser that it was given.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod support;

use parking_lot::Mutex;
use support::engines::{Engine, with_each_store};
use whatsapp_signals::event::MessageReceived;
use whatsapp_signals::signals::MESSAGE_RECEIVED;
use whatsapp_signals::{Parser, receiver};

/// The ids of messages for which the receiver fails.
static FAILING: Mutex<Vec<String>> = Mutex::new(Vec::new());

#[receiver(MESSAGE_RECEIVED, uid = "take")]
fn take(event: &MessageReceived) -> Result<(), &'static str> {
    let is_failing = FAILING
        .lock()
        .iter()
        .any(|id| id == event.message.id.as_str());
    if is_failing { Err("not now") } else { Ok(()) }
}

/// Has the receiver fail for a message until `succeed` is called.
fn fail(id: &str) {
    FAILING.lock().push(id.to_owned());
}

fn succeed(id: &str) {
    FAILING.lock().retain(|failing| failing != id);
}

/// The entry of one text message.
fn entry(id: &str) -> String {
    format!(
        r#"{{"id":"102290129340398","changes":[{{"field":"messages","value":{{"messaging_product":"whatsapp","messages":[{{"from":"15550101001","id":"{id}","timestamp":"1785000042","type":"text","text":{{"body":"Hi"}}}}]}}}}]}}"#
    )
}

/// A body as Gupshup forwards it.
fn gupshup_body(id: &str) -> String {
    format!(
        r#"{{"entry":[{}],"gs_app_id":"4a1322a2","object":"whatsapp_business_account"}}"#,
        entry(id)
    )
}

const GUPSHUP: Parser = Parser::new().ignored_members(&["gs_app_id"]);

#[test]
fn an_ignored_member_stays_ignored_when_its_body_is_retried() {
    let (id, body) = ("wamid.RETRY", gupshup_body("wamid.RETRY"));
    with_each_store(|engine| {
        // The stored body is longer than the limit that holds by then.
        let engine = engine.parser(GUPSHUP.max_len(body.len()));
        fail(id);
        let outcome = engine.process(body.as_bytes()).unwrap();
        assert_eq!((outcome.unfinished(), outcome.unrecognized()), (1, 0));
        let engine = engine.parser(GUPSHUP.max_len(1));
        succeed(id);
        let outcome = engine.retry_unfinished().unwrap();
        assert_eq!(
            outcome.to_string(),
            "fired 1 duplicate 0 unrecognized 0 failed 0"
        );
    });
}

#[test]
fn an_ignored_member_stays_ignored_when_its_body_is_requeued() {
    let body = gupshup_body("wamid.REQUEUE");
    let requeue = |engine: &Engine| {
        engine.bury(body.as_bytes()).unwrap();
        let key = engine.dead_letters(9).unwrap().remove(0).key;
        assert!(engine.requeue(&key).unwrap());
        let outcome = engine.retry_unfinished().unwrap();
        (outcome.fired(), outcome.unrecognized())
    };
    with_each_store(|engine| assert_eq!(requeue(&engine), (2, 1)));
    with_each_store(|engine| assert_eq!(requeue(&engine.parser(GUPSHUP)), (1, 0)));
}
