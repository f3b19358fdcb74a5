//! An engine reads new and stored bodies with the parser that it was given.

use crate::support;
use crate::support::engines::{self, Engine, records};
use parking_lot::Mutex;
use whatsapp_signals::event::MessageReceived;
use whatsapp_signals::signals::MESSAGE_RECEIVED;
use whatsapp_signals::{Context, EngineErrorKind, Parser};

/// The ids of messages for which the receiver fails.
static FAILING: Mutex<Vec<String>> = Mutex::new(Vec::new());

fn take(event: &MessageReceived) -> Result<(), &'static str> {
    let is_failing = FAILING
        .lock()
        .iter()
        .any(|id| id == event.message.id.as_str());
    if is_failing { Err("not now") } else { Ok(()) }
}

/// Runs a test with an engine over each store, for this receiver.
fn with_each_store(test: impl Fn(Engine)) {
    engines::with_each_store(|engine| {
        let context = Context::new().only_own_receivers();
        context.connect(&MESSAGE_RECEIVED, take);
        test(engine.context(context));
    });
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
            "delivered 1 duplicates 0 unrecognized 0 failed 0"
        );
    });
}

#[test]
fn an_ignored_member_stays_ignored_when_its_body_is_requeued() {
    let body = gupshup_body("wamid.REQUEUE");
    let requeue = |engine: &Engine| {
        engine.store_unreadable(body.as_bytes()).unwrap();
        let key = engine.dead_letters(9).unwrap().remove(0).key;
        assert!(engine.requeue(&key).unwrap());
        let outcome = engine.retry_unfinished().unwrap();
        (outcome.delivered(), outcome.unrecognized())
    };
    with_each_store(|engine| assert_eq!(requeue(&engine), (2, 1)));
    with_each_store(|engine| assert_eq!(requeue(&engine.parser(GUPSHUP)), (1, 0)));
}

fn body_of(object: &str, entry: &str) -> String {
    format!(r#"{{"object":"{object}","entry":[{entry}]}}"#)
}

const OBJECT: &str = "whatsapp_business_account";

#[test]
fn an_entry_is_stored_as_a_body_and_retried_as_one() {
    let (id, entry) = ("wamid.ENTRY", entry("wamid.ENTRY"));
    with_each_store(|engine| {
        // The envelope does not count.
        let engine = engine.parser(Parser::new().max_len(entry.len()));
        let engine = engine.log_webhooks(true);
        fail(id);
        let outcome = engine.process_entry(entry.as_bytes()).unwrap();
        assert_eq!((outcome.delivered(), outcome.unfinished()), (1, 1));
        let log = engine.webhooks(None, 9).unwrap();
        assert_eq!(log[0].body, body_of(OBJECT, &entry).into_bytes());

        succeed(id);
        let outcome = engine.retry_unfinished().unwrap();
        assert_eq!((outcome.delivered(), outcome.unfinished()), (1, 0));
        let outcome = engine.process_entry(entry.as_bytes()).unwrap();
        assert_eq!((outcome.delivered(), outcome.duplicates()), (0, 1));
        // Meta's own webhook has the same keys.
        let engine = engine.parser(Parser::new());
        let outcome = engine.process(body_of(OBJECT, &entry).as_bytes()).unwrap();
        assert_eq!((outcome.delivered(), outcome.duplicates()), (0, 1));
        assert_eq!(records(&engine).unread_counts().unwrap()[0].1, 1);
    });
}

#[test]
fn an_entry_becomes_a_dead_letter_with_its_event_and_can_be_requeued() {
    let (id, entry) = ("wamid.DEAD", entry("wamid.DEAD"));
    with_each_store(|engine| {
        let parser = Parser::new().accepted_objects(&["whatsapp_account"]);
        let engine = engine.parser(parser).max_attempts(1);
        fail(id);
        assert_eq!(
            engine
                .process_entry(entry.as_bytes())
                .unwrap()
                .dead_lettered(),
            1
        );
        let letter = engine.dead_letters(9).unwrap().remove(0);
        let event = letter.event.as_ref().unwrap();
        assert_eq!(event.dedup_key(), letter.key);
        let body = body_of("whatsapp_account", &entry);
        assert_eq!(&letter.body[..], body.as_bytes());

        succeed(id);
        assert!(engine.requeue(&letter.key).unwrap());
        assert_eq!(engine.retry_unfinished().unwrap().delivered(), 1);
        assert!(engine.dead_letters(9).unwrap().is_empty());
    });
}

#[test]
fn a_text_that_is_no_entry_leaves_nothing_behind() {
    with_each_store(|engine| {
        let engine = engine.parser(Parser::new().max_len(500)).log_webhooks(true);
        for text in [
            "",
            "[]",
            r#"{}],"object":"x","entry":[{}"#,
            &body_of(OBJECT, &entry("wamid.BODY")),
            &" ".repeat(501),
        ] {
            let error = engine.process_entry(text.as_bytes()).unwrap_err();
            assert!(
                matches!(error.kind(), EngineErrorKind::Parse(_)),
                "{text}: {error}"
            );
            assert!(!error.should_retry());
        }
        assert!(engine.webhooks(None, 9).unwrap().is_empty());
        assert!(engine.dead_letters(9).unwrap().is_empty());
    });
}

#[test]
fn an_entry_is_processed_async_as_it_is_sync() {
    let entry = entry("wamid.ASYNC");
    with_each_store(|engine| {
        let process = || pollster::block_on(engine.process_entry_async(entry.as_bytes()));
        assert_eq!(process().unwrap().delivered(), 1);
        assert_eq!(process().unwrap().duplicates(), 1);
        let error = pollster::block_on(engine.process_entry_async(b"{")).unwrap_err();
        assert!(matches!(error.kind(), EngineErrorKind::Parse(_)));
    });
}

#[test]
fn an_entry_out_of_an_sns_message_of_aws_is_processed() {
    let Some(message) = support::case("044-aws-entry.json") else {
        return;
    };
    let message: serde_json::Value = serde_json::from_str(&message).unwrap();
    let entry = message["whatsAppWebhookEntry"].as_str().unwrap();
    with_each_store(|engine| {
        let outcome = engine.process_entry(entry.as_bytes()).unwrap();
        assert_eq!((outcome.delivered(), outcome.unrecognized()), (1, 0));
        assert_eq!(
            engine.process_entry(entry.as_bytes()).unwrap().duplicates(),
            1
        );
        let (contact, _) = records(&engine).unread_counts().unwrap().remove(0);
        assert_eq!(contact.display_name(), "Test");
    });
}
