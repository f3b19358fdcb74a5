//! The times of attempts: backoff, and the delays that receivers ask for.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, SystemTime};

use crate::support::engines::{Engine, with_each_clock, with_each_store};
use crate::support::messages::messages;
use parking_lot::Mutex;
use whatsapp_signals::event::MessageReceived;
use whatsapp_signals::signals::MESSAGE_RECEIVED;
use whatsapp_signals::{ConnectOptions, Context, Retry};

/// Returns an engine whose receiver fails with this as long as there is one, and the calls.
fn failing(
    engine: Engine,
    failure: impl Fn(&str) -> Option<Retry> + Send + Sync + 'static,
) -> (Engine, Arc<Mutex<Vec<String>>>) {
    let calls = Arc::new(Mutex::new(Vec::new()));
    let of_receiver = Arc::clone(&calls);
    let context = Context::new().only_own_receivers();
    let options = ConnectOptions::new().uid("one");
    let receiver = move |event: &MessageReceived| {
        let id = event.message.id.as_str();
        of_receiver.lock().push(id.to_owned());
        failure(id).map_or(Ok(()), Err)
    };
    let connected = context.connect_with(&MESSAGE_RECEIVED, options, receiver);
    connected.unwrap();
    let engine = engine.backoff(Duration::from_secs(5), Duration::from_secs(3600));
    (engine.context(context), calls)
}

fn error() -> Retry {
    Retry::after(Duration::ZERO, "down")
}

/// Returns the seconds until an outcome is due.
fn seconds(due: Option<SystemTime>) -> u64 {
    let left = due.unwrap().duration_since(SystemTime::now()).unwrap();
    left.as_millis().div_ceil(1000).try_into().unwrap()
}

#[test]
fn a_repetition_before_the_due_time_neither_runs_nor_counts() {
    with_each_clock(|engine, ahead| {
        let (engine, calls) = failing(engine.max_attempts(2), |_| Some(error()));
        let body = messages(0..1);
        let first = engine.process(&body).unwrap();
        assert_eq!((first.failed(), first.unfinished()), (1, 1));
        assert_eq!(seconds(first.due()), 5);
        for _ in 0..5 {
            let again = engine.process(&body).unwrap();
            assert_eq!((again.delivered(), again.unfinished()), (0, 1));
            assert_eq!(again.http_status(), 503);
            assert!(seconds(again.due()) <= 5);
        }
        ahead.store(5, Ordering::Relaxed);
        let last = engine.process(&body).unwrap();
        assert_eq!((last.dead_lettered(), last.due()), (1, None));
        assert_eq!(calls.lock().len(), 2);
    });
}

#[test]
fn delays_double_from_the_first_to_the_longest() {
    with_each_clock(|engine, ahead| {
        let (engine, _) = failing(engine, |_| Some(error()));
        let engine = engine.backoff(Duration::from_secs(5), Duration::from_secs(60));
        let mut delays = Vec::new();
        for _ in 0..6 {
            let outcome = engine.process(&messages(0..1)).unwrap();
            assert_eq!(outcome.delivered(), 1);
            delays.push(seconds(outcome.due()));
            ahead.fetch_add(delays[delays.len() - 1], Ordering::Relaxed);
        }
        assert_eq!(delays, [5, 10, 20, 40, 60, 60]);
    });
}

#[test]
fn a_receiver_that_asks_for_a_longer_delay_has_it() {
    with_each_clock(|engine, ahead| {
        let delay = Duration::from_secs(600);
        let (engine, calls) = failing(engine, move |_| Some(Retry::after(delay, "busy")));
        let body = messages(0..1);
        assert_eq!(seconds(engine.process(&body).unwrap().due()), 600);
        ahead.store(599, Ordering::Relaxed);
        assert_eq!(engine.process(&body).unwrap().delivered(), 0);
        ahead.store(601, Ordering::Relaxed);
        assert_eq!(engine.process(&body).unwrap().delivered(), 1);
        assert_eq!(calls.lock().len(), 2);
    });
}

#[test]
fn each_event_of_a_body_has_its_own_time() {
    with_each_clock(|engine, ahead| {
        let (engine, calls) = failing(engine, |id| match id {
            "wamid.0" => Some(Retry::after(Duration::from_secs(100), "busy")),
            "wamid.1" => Some(error()),
            _ => None,
        });
        let body = messages(0..3);
        let outcome = engine.process(&body).unwrap();
        assert_eq!((outcome.unfinished(), seconds(outcome.due())), (2, 5));
        calls.lock().clear();
        ahead.store(6, Ordering::Relaxed);
        let again = engine.process(&body).unwrap();
        assert_eq!((again.delivered(), again.unfinished()), (1, 2));
        assert_eq!(seconds(again.due()), 10);
        assert_eq!(*calls.lock(), ["wamid.1"]);
    });
}

#[test]
fn a_retry_by_hand_does_not_wait_for_the_due_time() {
    with_each_store(|engine| {
        let fails = Arc::new(AtomicU64::new(1));
        let left = Arc::clone(&fails);
        let (engine, calls) = failing(engine, move |_| {
            let fails = left.swap(0, Ordering::Relaxed) > 0;
            fails.then(|| Retry::after(Duration::from_secs(1000), "busy"))
        });
        assert_eq!(engine.process(&messages(0..1)).unwrap().unfinished(), 1);
        let outcome = engine.retry_unfinished().unwrap();
        assert_eq!((outcome.delivered(), outcome.unfinished()), (1, 0));
        assert_eq!(calls.lock().len(), 2);
    });
}

#[test]
fn a_dead_letter_that_is_requeued_is_due_at_once() {
    with_each_store(|engine| {
        let (engine, calls) = failing(engine.max_attempts(1), |_| Some(error()));
        let body = messages(0..1);
        assert_eq!(engine.process(&body).unwrap().dead_lettered(), 1);
        let key = engine.dead_letters(1).unwrap().remove(0).key;
        assert!(engine.requeue(&key).unwrap());
        assert_eq!(engine.process(&body).unwrap().delivered(), 1);
        assert_eq!(calls.lock().len(), 2);
    });
}

#[test]
fn a_due_time_of_a_clock_that_was_years_ahead_has_come() {
    with_each_clock(|engine, ahead| {
        let (engine, calls) = failing(engine, |_| Some(error()));
        ahead.store(100_000_000, Ordering::Relaxed);
        assert_eq!(engine.process(&messages(0..1)).unwrap().unfinished(), 1);
        ahead.store(0, Ordering::Relaxed);
        assert_eq!(engine.process(&messages(0..1)).unwrap().delivered(), 1);
        assert_eq!(calls.lock().len(), 2);
    });
}
