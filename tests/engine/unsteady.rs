//! Engines over a store that waits, and whose commits conflict and fail at random.

use std::collections::HashMap;
use std::sync::Arc;

use parking_lot::Mutex;
use whatsapp_signals::event::MessageReceived;
use whatsapp_signals::model::Identity;
use whatsapp_signals::signals::MESSAGE_RECEIVED;
use whatsapp_signals::store::StoreErrorKind;
use whatsapp_signals::{Context, EngineError, EngineErrorKind, Outcome, WebhookEngine, with_state};

use crate::support::engines::engine_over;
use crate::support::messages::messages;
use crate::support::stores::{any_store, scaled};
use crate::support::unsteady::{Rates, Unsteady};

/// The number of runs by message and receiver.
type Runs = Arc<Mutex<HashMap<String, usize>>>;

/// Returns a context whose receivers handle each message, a sync one and an async one that
/// waits. The async one fails at each third call.
fn counting() -> (Context, Runs) {
    let runs = Runs::default();
    let context = Context::new().only_own_receivers();
    let sync = Arc::clone(&runs);
    context.connect(&MESSAGE_RECEIVED, move |event: &MessageReceived| {
        count(&sync, "sync", event);
    });
    let state = (Arc::clone(&runs), Arc::new(Mutex::new(0)));
    let receiver = with_state(
        state,
        async |(runs, calls): (Runs, Arc<Mutex<usize>>), event: &MessageReceived| {
            tokio::task::yield_now().await;
            let call = {
                let mut calls = calls.lock();
                *calls += 1;
                *calls
            };
            if call % 3 == 0 {
                return Err("each third call");
            }
            count(&runs, "async", event);
            Ok(())
        },
    );
    context.connect(&MESSAGE_RECEIVED, receiver);
    (context, runs)
}

fn count(runs: &Runs, receiver: &str, event: &MessageReceived) {
    let key = format!("{receiver} {}", event.message.id);
    *runs.lock().entry(key).or_default() += 1;
}

/// Returns whether the body is to be sent again. The store fails in no other way than it is set
/// to.
pub(crate) fn should_retry(result: Result<Outcome, EngineError>) -> bool {
    match result {
        Ok(outcome) => outcome.should_retry(),
        Err(error) => match error.kind() {
            EngineErrorKind::Store(error) => {
                assert_eq!(error.kind(), StoreErrorKind::Locked);
                true
            }
            other => panic!("{other}"),
        },
    }
}

/// Repeats a call until nothing is to be done again.
async fn until_done(call: impl AsyncFn() -> Result<Outcome, EngineError>) {
    for _ in 0..1000 {
        if !should_retry(call().await) {
            return;
        }
    }
    panic!("it is never done");
}

#[tokio::test]
async fn each_receiver_succeeds_once_with_each_event_whatever_the_store_does() {
    for seed in 0..scaled(40) {
        let rates = Rates {
            conflict: 25,
            unknown: 15,
            locked: 10,
        };
        let store = Unsteady::new(any_store(), seed, rates);
        let (context, runs) = counting();
        let engine = engine_over(store).context(context);
        let bodies = [messages(0..4), messages(2..9), messages(0..9)];
        for body in bodies.iter().chain(&bodies) {
            let process = async || engine.process_async(body).await;
            until_done(process).await;
        }
        until_done(async || engine.retry_unfinished_async().await).await;
        engine.store().calm();
        assert!(!should_retry(engine.retry_unfinished_async().await));
        let runs = runs.lock().clone();
        assert_eq!(runs.len(), 18, "seed {seed}: {runs:?}");
        assert!(
            runs.values().all(|runs| *runs == 1),
            "seed {seed}: {runs:?}"
        );
        let ada = Identity::from_phone("15550101001").unwrap();
        let (number, _) = engine.numbers_async().await.unwrap().remove(0);
        let records = engine.number(number.as_str());
        let conversation = records.conversation_async(&ada, None, 99).await.unwrap();
        assert_eq!(conversation.len(), 9, "seed {seed}");
        assert_eq!(records.unread_count_async(&ada).await.unwrap(), 9);
        assert_eq!(engine.webhooks_async(None, 9).await.unwrap(), []);
    }
}

#[test]
fn a_store_that_is_marked_as_ready_and_waits_is_an_error_and_no_panic() {
    let store = Unsteady::new(any_store(), 0, Rates::default());
    let error = WebhookEngine::new(store)
        .process(&messages(0..1))
        .unwrap_err();
    let EngineErrorKind::Store(error) = error.kind() else {
        panic!("the store's error");
    };
    assert_eq!(error.kind(), StoreErrorKind::NotReady);
}
