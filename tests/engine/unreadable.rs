//! Bodies that are no webhooks: each is stored once, until it is discarded or requeued.

use std::sync::Arc;
use std::time::Duration;

use crate::support::engines::{
    Engine, engine_over, records, with_each_steady_store, with_each_store,
};
use crate::support::rows;
use whatsapp_signals::model::Timestamp;
use whatsapp_signals::store::{Lease, WebhookId, WebhookKind, WebhookRow};
use whatsapp_signals::{DeadLetter, Parser, WebhookEngine};

const BROKEN: &[u8] = b"{\"object\":\"whatsapp_business_account\",\"entry\":[";

#[track_caller]
fn only_letter(engine: &Engine) -> DeadLetter {
    let mut letters = engine.dead_letters(10).unwrap();
    assert_eq!(letters.len(), 1, "{letters:?}");
    letters.remove(0)
}

#[test]
fn it_is_kept_once_however_often_it_comes() {
    with_each_store(|engine| {
        for _ in 0..3 {
            engine.store_unreadable(BROKEN).unwrap();
        }
        let letter = only_letter(&engine);
        assert_eq!(&letter.body[..], BROKEN);
        assert_eq!((letter.event.as_ref(), letter.attempts), (None, 0));
        assert!(letter.failed.is_empty());
        let shown = format!("{letter:?}");
        assert!(
            !shown.contains("object") && !shown.contains(&letter.key),
            "{shown}"
        );

        engine.store_unreadable(b"{").unwrap();
        assert_eq!(engine.dead_letters(10).unwrap().len(), 2, "another body");
        // Neither a retry nor pruning changes it.
        assert_eq!(engine.retry_unfinished().unwrap().to_string(), NOTHING);
        engine.prune(Duration::ZERO).unwrap();
        assert_eq!(engine.dead_letters(10).unwrap().len(), 2);
    });
}

const NOTHING: &str = "delivered 0 duplicates 0 unrecognized 0 failed 0";

#[test]
fn it_is_a_dead_letter_again_while_it_cannot_be_read() {
    with_each_store(|engine| {
        engine.store_unreadable(BROKEN).unwrap();
        let key = only_letter(&engine).key;
        for _ in 0..3 {
            assert!(engine.requeue(&key).unwrap());
            assert!(engine.dead_letters(10).unwrap().is_empty());
            let outcome = engine.retry_unfinished().unwrap();
            assert_eq!(
                (outcome.dead_lettered(), outcome.should_retry()),
                (1, false)
            );
            assert_eq!(only_letter(&engine).key, key);
        }
        assert!(engine.discard(&key).unwrap());
        assert!(engine.dead_letters(10).unwrap().is_empty());
        engine.store_unreadable(BROKEN).unwrap();
        let letters = engine.dead_letters(10).unwrap();
        assert!(letters.is_empty(), "it was discarded");
        assert!(!engine.discard(&key).unwrap());
    });
}

/// The same body, stored as if it could not be read: what a version that can
/// read it finds.
fn bury_readable(engine: &Engine, body: &[u8]) {
    engine.store_unreadable(body).unwrap();
}

#[test]
fn a_requeued_body_that_a_later_version_parses_is_delivered() {
    let body = include_bytes!("../payloads/text.json");
    with_each_store(|engine| {
        bury_readable(&engine, body);
        assert!(engine.requeue(&only_letter(&engine).key).unwrap());
        let outcome = engine.retry_unfinished().unwrap();
        assert_eq!((outcome.delivered(), outcome.dead_lettered()), (1, 0));
        assert!(engine.dead_letters(10).unwrap().is_empty());
        assert_eq!(engine.retry_unfinished().unwrap().delivered(), 0);
        assert_eq!(engine.process(body).unwrap().duplicates(), 1);
        assert_eq!(records(&engine).unread_counts().unwrap().len(), 1);
    });
    // A repetition by Meta is delivered, too, and the letter stays.
    with_each_store(|engine| {
        bury_readable(&engine, body);
        assert_eq!(engine.process(body).unwrap().delivered(), 1);
        assert!(engine.requeue(&only_letter(&engine).key).unwrap());
        assert_eq!(engine.retry_unfinished().unwrap().delivered(), 0);
        assert!(engine.dead_letters(10).unwrap().is_empty());
    });
}

/// A body with the object that Meta has announced for 2027.
fn body_of_2027() -> String {
    let body = include_str!("../payloads/text.json");
    body.replacen("whatsapp_business_account", "whatsapp_account", 1)
}

const PARSER_OF_2027: Parser =
    Parser::new().accepted_objects(&["whatsapp_business_account", "whatsapp_account"]);

#[test]
fn a_body_of_an_unaccepted_object_is_sent_when_it_is_requeued_under_a_setting_that_accepts_it() {
    let body = body_of_2027();
    with_each_store(|engine| {
        assert!(engine.process(body.as_bytes()).is_err());
        engine.store_unreadable(body.as_bytes()).unwrap();
        let key = only_letter(&engine).key;
        assert!(engine.requeue(&key).unwrap());
        assert_eq!(
            engine.retry_unfinished().unwrap().dead_lettered(),
            1,
            "as before"
        );

        // The program was changed, and started again over its store.
        let engine = engine_over(Arc::clone(engine.store())).parser(PARSER_OF_2027);
        assert_eq!(only_letter(&engine).key, key);
        assert!(engine.requeue(&key).unwrap());
        let outcome = engine.retry_unfinished().unwrap();
        assert_eq!((outcome.delivered(), outcome.dead_lettered()), (1, 0));
        assert!(engine.dead_letters(10).unwrap().is_empty());
        assert_eq!(engine.process(body.as_bytes()).unwrap().duplicates(), 1);
        // The keys of events do not depend on the object.
        let body = include_bytes!("../payloads/text.json");
        assert_eq!(engine.process(body).unwrap().duplicates(), 1);
    });
}

#[test]
fn a_signed_body_of_an_unaccepted_object_is_kept_until_a_setting_accepts_it() {
    let verifier = whatsapp_signals::SignatureVerifier::new("app secret").unwrap();
    let body = body_of_2027();
    let signature = verifier.sign(&body);
    with_each_steady_store(|engine| {
        let error = engine.process_signed(body.as_bytes(), Some(signature.as_bytes()), &verifier);
        assert_eq!(error.unwrap_err().http_status(), 200);
        let letter = only_letter(&engine);
        assert_eq!(&letter.body[..], body.as_bytes());

        let engine = engine_over(Arc::clone(engine.store())).parser(PARSER_OF_2027);
        assert!(engine.requeue(&letter.key).unwrap());
        assert_eq!(engine.retry_unfinished().unwrap().delivered(), 1);
    });
}

/// Stores a body with something open, as a version that could read it did.
fn leave_open(engine: &Engine, body: &[u8], lease: Option<Lease>) -> WebhookId {
    let mut row = WebhookRow::new(WebhookKind::Body, Timestamp::now(), 2);
    row.lease = lease;
    rows::add_webhook(engine.store(), row, body, &[])
}

#[test]
fn an_unreadable_stored_body_does_not_block_other_webhooks() {
    with_each_steady_store(|engine| {
        let held = leave_open(&engine, BROKEN, Some(Lease::new(7, Duration::MAX)));
        assert_eq!(engine.retry_unfinished().unwrap().unfinished(), 2);
        assert!(
            engine.dead_letters(10).unwrap().is_empty(),
            "another engine has it"
        );

        leave_open(&engine, b"{", Some(Lease::new(7, Duration::ZERO)));
        let good = include_bytes!("../payloads/text.json");
        let id = leave_open(&engine, good, None);
        let outcome = engine.retry_unfinished().unwrap();
        assert_eq!((outcome.dead_lettered(), outcome.delivered()), (1, 1));
        assert_eq!(&only_letter(&engine).body[..], b"{");
        let webhook = |id| rows::webhook(engine.store(), id);
        assert!(webhook(id).is_none_or(|webhook| webhook.open == 0));
        assert!(webhook(held).is_some_and(|webhook| webhook.open == 2));
    });
}

#[test]
fn two_engines_store_one_unreadable_body_once() {
    with_each_store(|engine| {
        let engine: &WebhookEngine<_> = &engine;
        std::thread::scope(|scope| {
            for _ in 0..8 {
                scope.spawn(|| engine.store_unreadable(BROKEN).unwrap());
            }
        });
        only_letter(engine);
    });
}
