//! Single events for an engine, from a queue that may deliver them more than once.

use crate::support::batch::{ERRORS, value};
use crate::support::engines::{self, Engine, records};
use crate::support::messages::messages;
use parking_lot::{Mutex, MutexGuard};
use whatsapp_signals::event::{FieldEvent, MessageReceived, WebhookEvent};
use whatsapp_signals::model::MetaError;
use whatsapp_signals::signals::{MESSAGE_RECEIVED, META_ERROR};
use whatsapp_signals::{ConnectOptions, Context};

/// The calls of the receivers, and the setting by which the second one fails.
struct Desk {
    done: Vec<&'static str>,
    is_failing: bool,
}

static DESK: Mutex<Desk> = Mutex::new(Desk {
    done: Vec::new(),
    is_failing: false,
});
static TURN: Mutex<()> = Mutex::new(());

/// One test at a time, since the receivers of all tests here have one desk.
fn turn() -> MutexGuard<'static, ()> {
    let turn = TURN.lock();
    set_failing(false);
    done();
    turn
}

fn set_failing(is_failing: bool) {
    DESK.lock().is_failing = is_failing;
}

/// Returns the calls since the last use of this function.
fn done() -> Vec<&'static str> {
    std::mem::take(&mut DESK.lock().done)
}

fn first(_: &MessageReceived) {
    DESK.lock().done.push("first");
}

fn second(_: &MessageReceived) -> Result<(), &'static str> {
    let mut desk = DESK.lock();
    if desk.is_failing {
        return Err("as the test asks");
    }
    desk.done.push("second");
    Ok(())
}

fn error(_: &FieldEvent<MetaError>) {
    DESK.lock().done.push("error");
}

/// Runs a test with an engine over each store, for these receivers.
fn with_each_store(test: impl Fn(Engine)) {
    engines::with_each_store(|engine| {
        let context = Context::new().only_own_receivers();
        let uid = |uid: &'static str| ConnectOptions::new().uid(uid);
        let connected = [
            context.connect_with(&MESSAGE_RECEIVED, uid("first"), first),
            context.connect_with(&MESSAGE_RECEIVED, uid("second"), second),
        ];
        assert!(connected.iter().all(Result::is_ok));
        context.connect(&META_ERROR, error);
        test(engine.context(context));
    });
}

/// The event of a body, as a queue gives it.
fn queued(body: &[u8]) -> (String, WebhookEvent) {
    let event = whatsapp_signals::parse(body)
        .unwrap()
        .into_events()
        .remove(0);
    let json = event.to_json().unwrap();
    let event = WebhookEvent::from_json(json.as_bytes()).unwrap();
    (event.dedup_key(), event)
}

#[test]
fn an_event_that_is_delivered_again_runs_nothing_and_leaves_nothing() {
    let _turn = turn();
    with_each_store(|engine| {
        let (key, event) = queued(&messages(0..1));
        let outcome = engine.process_event(&key, event.clone()).unwrap();
        assert_eq!((outcome.delivered(), outcome.should_retry()), (1, false));
        assert_eq!(done(), ["first", "second"]);
        assert_eq!(
            records(&engine).unread_counts().unwrap().len(),
            1,
            "it is recorded"
        );
        for _ in 0..2 {
            let outcome = engine.process_event(&key, event.clone()).unwrap();
            assert_eq!((outcome.delivered(), outcome.duplicates()), (0, 1));
        }
        // Nor when Meta sends its webhook to the engine itself.
        assert_eq!(engine.process(&messages(0..1)).unwrap().duplicates(), 1);
        assert!(done().is_empty());
        assert!(engine.webhooks(None, 9).unwrap().is_empty());
    });
}

#[test]
fn each_receiver_succeeds_once_however_often_the_event_is_delivered() {
    let _turn = turn();
    with_each_store(|engine| {
        let (key, event) = queued(&messages(0..1));
        set_failing(true);
        for times in [1, 0, 0] {
            let outcome = engine.process_event(&key, event.clone()).unwrap();
            assert_eq!((outcome.failed(), outcome.should_retry()), (1, true));
            assert_eq!(done(), vec!["first"; times]);
        }
        set_failing(false);
        let outcome = engine.process_event(&key, event.clone()).unwrap();
        assert_eq!((outcome.delivered(), outcome.should_retry()), (1, false));
        assert_eq!(done(), ["second"]);
        assert_eq!(engine.process_event(&key, event).unwrap().duplicates(), 1);
    });
}

#[test]
fn an_event_that_failed_is_retried_from_the_store_too() {
    let _turn = turn();
    with_each_store(|engine| {
        let (_, event) = queued(&messages(0..1));
        set_failing(true);
        let key = "orders:17"; // a name that the queue has given it
        assert!(
            engine
                .process_event(key, event.clone())
                .unwrap()
                .should_retry()
        );
        set_failing(false);
        done();
        let outcome = engine.retry_unfinished().unwrap();
        assert_eq!((outcome.delivered(), outcome.unfinished()), (1, 0));
        assert_eq!(done(), ["second"]);
        assert_eq!(engine.process_event(key, event).unwrap().duplicates(), 1);
    });
}

#[test]
fn an_event_that_fails_too_often_is_a_dead_letter_and_can_be_requeued() {
    let _turn = turn();
    with_each_store(|engine| {
        let engine = engine.max_attempts(2);
        let (_, event) = queued(&messages(0..1));
        let key = "orders:17";
        set_failing(true);
        assert_eq!(
            engine
                .process_event(key, event.clone())
                .unwrap()
                .dead_lettered(),
            0
        );
        let outcome = engine.process_event(key, event.clone()).unwrap();
        assert_eq!(
            (outcome.dead_lettered(), outcome.should_retry()),
            (1, false)
        );

        let letter = engine.dead_letters(9).unwrap().remove(0);
        assert_eq!(
            (letter.key.as_str(), &letter.failed[..]),
            (key, &["second".to_owned()][..])
        );
        assert_eq!(letter.event.as_ref(), Some(&event));

        set_failing(false);
        done();
        assert!(engine.requeue(key).unwrap());
        assert_eq!(engine.process_event(key, event).unwrap().delivered(), 1);
        assert_eq!(done(), ["second"]);
        assert!(engine.dead_letters(9).unwrap().is_empty());
    });
}

#[test]
fn an_error_without_an_id_is_one_event_for_each_key_that_it_is_given() {
    let _turn = turn();
    with_each_store(|engine| {
        let (key, event) = queued(&value("messages", ERRORS));
        assert!(event.repeats());
        for (key, times) in [(key.as_str(), 1), (&key, 0), ("again", 1), ("again", 0)] {
            let _ = engine.process_event(key, event.clone()).unwrap();
            assert_eq!(done(), vec!["error"; times], "{key}");
        }
    });
}
