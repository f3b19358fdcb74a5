//! Marks that could not be written are kept, and no receiver runs twice.

use std::future::Future;
use std::pin::pin;
use std::sync::Arc;
use std::task::{Context as TaskContext, Waker};

use crate::support::engines::{Engine, engine_over, with_each_store};
use crate::support::messages::messages;
use crate::support::watched::{Access, Watched};
use parking_lot::Mutex;
use whatsapp_signals::event::MessageReceived;
use whatsapp_signals::signals::MESSAGE_RECEIVED;
use whatsapp_signals::store::{ReadyStore, StoreError, StoreErrorKind};
use whatsapp_signals::{Context, WebhookEngine, http_status};

/// The failure of all commits that add no event, and the messages that the receiver has got.
#[derive(Default)]
struct Desk {
    failure: Option<StoreErrorKind>,
    received: Vec<String>,
}

/// Returns an engine whose commits of marks fail in this way once its receiver has got `wamid.0`.
fn fails_after_the_first(
    engine: &Engine,
    failure: StoreErrorKind,
) -> (WebhookEngine<impl ReadyStore>, Arc<Mutex<Desk>>) {
    let desk = Arc::new(Mutex::new(Desk::default()));
    let seen = Arc::clone(&desk);
    let store = Watched::new(Arc::clone(engine.store()), move |access| {
        let is_mark = matches!(access, Access::Commit(changes) if changes.events.is_empty());
        let failure = seen.lock().failure;
        match failure.filter(|_| is_mark) {
            Some(kind) => Err(StoreError::new(kind, "for a while")),
            None => Ok(()),
        }
    });
    let context = Context::new().only_own_receivers();
    let receiver = Arc::clone(&desk);
    context.connect(&MESSAGE_RECEIVED, move |event: &MessageReceived| {
        let mut desk = receiver.lock();
        desk.received.push(event.message.id.to_string());
        if event.message.id == "wamid.0" {
            desk.failure = Some(failure);
        }
    });
    (engine_over(store).context(context), desk)
}

#[test]
fn while_a_mark_cannot_be_written_nothing_runs_and_then_nothing_runs_twice() {
    with_each_store(|engine| {
        let (engine, desk) = fails_after_the_first(&engine, StoreErrorKind::Locked);
        for body in [messages(0..1), messages(0..1), messages(1..2)] {
            assert_eq!(http_status(&engine.process(&body)), 503);
        }
        assert_eq!(http_status(&engine.retry_unfinished()), 503);
        assert_eq!(desk.lock().received, ["wamid.0"]);

        desk.lock().failure = None;
        let outcome = engine.process(&messages(0..2)).unwrap();
        assert_eq!((outcome.delivered(), outcome.duplicates()), (1, 1));
        assert_eq!(desk.lock().received, ["wamid.0", "wamid.1"]);
        assert_eq!(engine.webhooks(None, 9).unwrap(), [], "nothing is leased");
    });
}

#[test]
fn a_receiver_that_succeeded_before_the_future_was_dropped_does_not_run_again() {
    with_each_store(|engine| {
        // Its commit is never confirmed.
        let (engine, desk) = fails_after_the_first(&engine, StoreErrorKind::NotReady);
        let body = messages(0..1);
        {
            let mut dropped = pin!(engine.process_async(&body));
            let mut cx = TaskContext::from_waker(Waker::noop());
            assert!(dropped.as_mut().poll(&mut cx).is_pending());
            assert_eq!(desk.lock().received, ["wamid.0"]);
        }
        desk.lock().failure = None;
        let outcome = pollster::block_on(engine.process_async(&body)).unwrap();
        assert_eq!((outcome.delivered(), outcome.duplicates()), (0, 1));
        assert_eq!(desk.lock().received, ["wamid.0"]);
        assert_eq!(engine.webhooks(None, 9).unwrap(), [], "nothing is leased");
    });
}
