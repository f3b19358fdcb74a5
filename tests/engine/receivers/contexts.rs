//! The values and receivers of an engine's context.

use whatsapp_signals::Cause;
use whatsapp_signals::event::MessageStatusChanged;
use whatsapp_signals::signals::MESSAGE_STATUS_CHANGED;

use super::*;

/// Appends to the list that the engine's context has.
struct Notes(Arc<Mutex<Vec<String>>>);

#[receiver(MESSAGE_STATUS_CHANGED)]
fn note(event: &MessageStatusChanged, notes: &Notes) {
    notes.0.lock().push(event.update.id.to_string());
}

#[test]
fn an_event_stays_open_until_the_context_has_the_value() {
    let _turn = turn();
    with_each_store(|engine| {
        let status = r#"{"id": "wamid.A", "status": "read", "recipient_id": "1"}"#;
        let body = items("statuses", &[status]);
        let poor = WebhookEngine::new(Arc::clone(engine.store())).max_attempts(1);
        let outcome = poor.process(&body).unwrap();
        let [failed] = outcome.failures() else {
            panic!("one failure: {outcome:?}");
        };
        assert!(matches!(failed.failure.cause(), Cause::MissingContext(_)));
        for _ in 0..3 {
            let outcome = poor.retry_unfinished().unwrap();
            assert_eq!(
                (outcome.unfinished(), outcome.dead_lettered()),
                (1, 0),
                "no attempt counts"
            );
        }
        let notes = Arc::default();
        let context = Context::new().with(Notes(Arc::clone(&notes)));
        let rich = engine_over(Arc::clone(engine.store())).context(context);
        assert!(rich.retry_unfinished().unwrap().failures().is_empty());
        assert_eq!(*notes.lock(), ["wamid.A"]);
        assert_eq!(rich.process(&body).unwrap().duplicates(), 1);
    });
}

#[test]
fn a_contexts_own_receivers_are_called_until_they_succeed() {
    with_each_store(|engine| {
        let context = Context::new().only_own_receivers();
        let engine = engine_over(Arc::clone(engine.store())).context(context.clone());
        let calls = Arc::new(Mutex::new(Vec::new()));
        for name in ["a", "b"] {
            let calls = Arc::clone(&calls);
            context.connect(&MESSAGE_RECEIVED, move |_: &MessageReceived| {
                let mut calls = calls.lock();
                calls.push(name);
                if *calls == ["a", "b"] {
                    Err("not yet")
                } else {
                    Ok(())
                }
            });
        }
        let outcome = engine.process(&messages(0..1)).unwrap();
        assert_eq!(
            (
                outcome.delivered(),
                outcome.without_receivers(),
                outcome.failed()
            ),
            (1, 0, 1)
        );
        assert_eq!(engine.retry_unfinished().unwrap().failed(), 0);
        assert_eq!(*calls.lock(), ["a", "b", "b"]);
        assert_eq!(engine.process(&messages(0..1)).unwrap().duplicates(), 1);
    });
}
