//! What receivers find in the engine's context.

use whatsapp_signals::event::MessageStatusChanged;
use whatsapp_signals::signals::MESSAGE_STATUS_CHANGED;
use whatsapp_signals::{Cause, Context, WebhookEngine};

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
                (outcome.unfinished(), outcome.dead()),
                (1, 0),
                "no attempt counts"
            );
        }
        let notes = Arc::default();
        let context = Context::new().with(Notes(Arc::clone(&notes)));
        let rich = WebhookEngine::new(Arc::clone(engine.store())).context(context);
        assert!(rich.retry_unfinished().unwrap().failures().is_empty());
        assert_eq!(*notes.lock(), ["wamid.A"]);
        assert_eq!(rich.process(&body).unwrap().duplicate(), 1);
    });
}
