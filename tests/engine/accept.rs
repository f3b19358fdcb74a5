//! Webhooks that are accepted now and delivered later.

use std::sync::Arc;

use crate::support::engines::{Engine, engine_over, records, with_each_store};
use crate::support::messages::messages;
use crate::support::stores::{any_store, scaled};
use crate::support::unsteady::{Rates, Unsteady};
use parking_lot::Mutex;
use whatsapp_signals::event::MessageReceived;
use whatsapp_signals::model::Identity;
use whatsapp_signals::signals::MESSAGE_RECEIVED;
use whatsapp_signals::{ConnectOptions, Context, SignatureVerifier, http_status};

/// Returns an engine that is tended, and the messages that its receiver had.
fn counting(engine: Engine) -> (Engine, Arc<Mutex<Vec<String>>>) {
    let calls = Arc::new(Mutex::new(Vec::new()));
    (engine.tended(true).context(context(&calls)), calls)
}

fn context(calls: &Arc<Mutex<Vec<String>>>) -> Context {
    let calls = Arc::clone(calls);
    let context = Context::new().only_own_receivers();
    let options = ConnectOptions::new().uid("one");
    let receiver = move |event: &MessageReceived| {
        calls.lock().push(event.message.id.to_string());
    };
    let connected = context.connect_with(&MESSAGE_RECEIVED, options, receiver);
    connected.unwrap();
    context
}

#[test]
fn all_that_a_claim_writes_is_stored_and_no_receiver_runs() {
    with_each_store(|engine| {
        let (engine, calls) = counting(engine);
        let outcome = engine.accept(&messages(0..3)).unwrap();
        assert_eq!((outcome.delivered(), outcome.unfinished()), (0, 3));
        assert_eq!(outcome.http_status(), 200);
        assert!(outcome.due().is_some());
        assert!(calls.lock().is_empty());
        let webhooks = engine.webhooks(None, 9).unwrap();
        assert_eq!(webhooks.len(), 1);
        let stored = records(&engine)
            .message(&"wamid.0".into())
            .unwrap()
            .unwrap();
        let contact = records(&engine).contact(&stored.user.unwrap()).unwrap();
        assert!(contact.is_some());

        let outcome = engine.retry_unfinished().unwrap();
        assert_eq!((outcome.delivered(), outcome.unfinished()), (3, 0));
        assert_eq!(*calls.lock(), ["wamid.0", "wamid.1", "wamid.2"]);
        assert_eq!(engine.webhooks(None, 9).unwrap(), []);
    });
}

#[test]
fn a_repetition_is_unfinished_until_it_was_delivered_and_then_a_duplicate() {
    with_each_store(|engine| {
        let (engine, calls) = counting(engine);
        let body = messages(0..2);
        for _ in 0..3 {
            let outcome = engine.accept(&body).unwrap();
            assert_eq!((outcome.unfinished(), outcome.duplicates()), (2, 0));
            assert_eq!(outcome.http_status(), 200);
        }
        assert_eq!(engine.retry_unfinished().unwrap().delivered(), 2);
        let outcome = engine.accept(&body).unwrap();
        assert_eq!((outcome.unfinished(), outcome.duplicates()), (0, 2));
        assert_eq!(calls.lock().len(), 2);
    });
}

#[test]
fn another_engine_over_the_same_store_delivers_it() {
    with_each_store(|engine| {
        let (engine, calls) = counting(engine);
        let other = engine_over(Arc::clone(engine.store())).context(context(&calls));
        let outcome = engine.accept(&messages(0..1)).unwrap();
        assert_eq!(outcome.unfinished(), 1);
        assert_eq!(other.retry_unfinished().unwrap().delivered(), 1);
        assert_eq!(engine.retry_unfinished().unwrap().delivered(), 0);
        assert_eq!(calls.lock().len(), 1);
    });
}

#[test]
fn an_engine_that_is_not_tended_has_meta_repeat_it() {
    with_each_store(|engine| {
        let (engine, calls) = counting(engine);
        let engine = engine.tended(false);
        let body = messages(0..1);
        assert_eq!(engine.accept(&body).unwrap().http_status(), 503);
        let outcome = engine.process(&body).unwrap();
        assert_eq!((outcome.delivered(), outcome.http_status()), (1, 200));
        assert_eq!(engine.accept(&body).unwrap().http_status(), 200);
        assert_eq!(calls.lock().len(), 1);
    });
}

#[test]
fn a_body_is_stored_once_whatever_the_result_of_its_commit() {
    for seed in 0..scaled(40) {
        let rates = Rates {
            unknown: 60,
            ..Rates::default()
        };
        let store = Unsteady::new(any_store(), seed, rates).ready();
        let (engine, calls) = counting(engine_over(Arc::new(store)));
        for number in 0..5 {
            while engine.accept(&messages(number..number + 1)).is_err() {}
        }
        assert_eq!(engine.backlog().unwrap().open, 5, "seed {seed}");
        while engine
            .retry_unfinished()
            .map_or(1, |outcome| outcome.unfinished())
            > 0
        {}
        assert_eq!(calls.lock().len(), 5, "seed {seed}");
    }
}

#[test]
fn a_body_of_several_parts_is_accepted_as_a_whole() {
    with_each_store(|engine| {
        let (engine, calls) = counting(engine);
        let body = messages(0..4_500);
        let outcome = engine.accept(&body).unwrap();
        assert_eq!((outcome.unfinished(), outcome.duplicates()), (4_500, 0));
        let again = engine.accept(&body).unwrap();
        assert_eq!((again.unfinished(), again.duplicates()), (4_500, 0));
        let outcome = engine.retry_unfinished().unwrap();
        assert_eq!((outcome.delivered(), outcome.unfinished()), (4_500, 0));
        assert_eq!(calls.lock().len(), 4_500);
    });
}

#[test]
fn a_signed_body_is_answered_as_if_it_were_processed() {
    with_each_store(|engine| {
        let (engine, _) = counting(engine);
        let verifier = SignatureVerifier::new("app secret").unwrap();
        let status = |body: &[u8], signature: Option<String>| {
            let header = signature.as_deref().map(str::as_bytes);
            http_status(&engine.accept_signed(body, header, &verifier))
        };
        let body = messages(0..1);
        assert_eq!(status(&body, Some(verifier.sign(&body))), 200);
        assert_eq!(status(&body, Some(verifier.sign("other"))), 401);
        assert_eq!(status(&body, None), 401);
        assert_eq!(status(b"{", Some(verifier.sign("{"))), 200);
        assert_eq!(&engine.dead_letters(9).unwrap()[0].body[..], b"{");
    });
}

#[test]
fn an_async_caller_accepts_as_a_sync_one_does() {
    with_each_store(|engine| {
        let (engine, calls) = counting(engine);
        let body = messages(0..1);
        let accepted = pollster::block_on(engine.accept_async(&body)).unwrap();
        assert_eq!((accepted.delivered(), accepted.unfinished()), (0, 1));
        let ada = Identity::from_phone("15550101001").unwrap();
        assert!(records(&engine).conversation(&ada, None, 9).is_ok());
        let retried = pollster::block_on(engine.retry_unfinished_async()).unwrap();
        assert_eq!(retried.delivered(), 1);
        assert_eq!(calls.lock().len(), 1);
    });
}
