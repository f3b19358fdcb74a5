//! Observers: the numbers that an engine reports to a dashboard.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::time::Duration;

use crate::support::engines::{Engine, engine_over, with_each_steady_store, with_each_store};
use crate::support::messages::messages;
use crate::support::unsteady::{Rates, Unsteady};
use parking_lot::Mutex;
use whatsapp_signals::engine::{Backlog, DeadLettered, Delivery, Observer, Received};
use whatsapp_signals::event::{MessageReceived, WebhookEvent};
use whatsapp_signals::signals::{ANY_EVENT, MESSAGE_RECEIVED};
use whatsapp_signals::store::{MemoryStore, ReadyStore};
use whatsapp_signals::{
    ConnectOptions, Context, EngineError, EngineErrorKind, Retry, SignatureVerifier, WebhookEngine,
};

/// An observer that writes a line for each report.
#[derive(Default)]
struct Log(Mutex<Vec<String>>);

impl Log {
    fn take(&self) -> Vec<String> {
        std::mem::take(&mut self.0.lock())
    }

    fn add(&self, line: String) {
        self.0.lock().push(line);
    }
}

impl Observer for Log {
    fn received(&self, received: &Received<'_>) {
        let names: Vec<_> = received.events.iter().map(|event| event.name()).collect();
        let duplicates = received.duplicates;
        self.add(format!("received {names:?}, {duplicates} duplicates"));
    }

    fn failed(&self, error: &EngineError) {
        self.add(format!("failed: {error}"));
    }

    fn delivered(&self, delivery: &Delivery<'_>) {
        let Delivery {
            event,
            receiver,
            attempt,
            ..
        } = delivery;
        assert!(delivery.duration < Duration::from_secs(60));
        let (name, uid) = (event.name(), receiver.uid().unwrap());
        let signal = receiver.signal();
        let result = match delivery.failure {
            None => "ok".to_owned(),
            Some(failure) => format!("{}", failure.cause()),
        };
        let end = if delivery.gave_up { ", gave up" } else { "" };
        self.add(format!(
            "{uid} of {signal} for {name}, attempt {attempt}: {result}{end}"
        ));
    }

    fn dead_lettered(&self, dead: &DeadLettered<'_>) {
        let name = dead.event.map(WebhookEvent::name);
        self.add(format!("dead {name:?} after {}", dead.attempts));
    }

    fn backlog(&self, backlog: &Backlog) {
        self.add(format!("open {} dead {}", backlog.open, backlog.dead));
    }
}

/// Returns an engine that is observed, of three receivers: `crm` fails while the switch is on,
/// `archive` succeeds, and the filter of `media` declines texts.
fn observed<S: ReadyStore>(
    engine: WebhookEngine<S>,
) -> (WebhookEngine<S>, Arc<Log>, Arc<AtomicBool>) {
    let (log, is_down) = (Arc::new(Log::default()), Arc::new(AtomicBool::new(true)));
    let context = Context::new().only_own_receivers();
    let switch = Arc::clone(&is_down);
    let crm = move |_: &MessageReceived| (!switch.load(Relaxed)).then_some(()).ok_or("is down");
    let uid = |uid: &'static str| ConnectOptions::new().uid(uid);
    let connected = context.connect_with(&MESSAGE_RECEIVED, uid("crm"), crm);
    connected.unwrap();
    let archive = ConnectOptions::new().uid("archive").order(-1);
    let connected = context.connect_with(&ANY_EVENT, archive, |_: &WebhookEvent| {});
    connected.unwrap();
    let media = uid("media").filter(|event: &MessageReceived| event.message.has_media());
    let connected = context.connect_with(&MESSAGE_RECEIVED, media, |_: &MessageReceived| {});
    connected.unwrap();
    let engine = engine
        .context(context)
        .max_attempts(2)
        .observe(Arc::clone(&log));
    (engine, log, is_down)
}

#[test]
fn each_attempt_of_a_receiver_is_reported_until_the_event_is_a_dead_letter() {
    with_each_store(|engine| {
        let (engine, log, _) = observed(engine);
        assert_eq!(engine.process(&messages(0..1)).unwrap().failed(), 1);
        assert_eq!(
            log.take(),
            [
                r#"received ["message_received"], 0 duplicates"#,
                "archive of any_event for message_received, attempt 1: ok",
                "crm of message_received for message_received, attempt 1: failed",
            ]
        );
        // Meta repeats the webhook.
        assert_eq!(engine.process(&messages(0..1)).unwrap().dead_lettered(), 1);
        assert_eq!(
            log.take(),
            [
                "crm of message_received for message_received, attempt 2: failed, gave up",
                r#"dead Some("message_received") after 2"#,
            ]
        );
        assert_eq!(engine.process(&messages(0..2)).unwrap().duplicates(), 1);
        let first = r#"received ["message_received"], 1 duplicates"#;
        assert_eq!(log.take()[0], first);
    });
}

#[test]
fn async_receivers_are_reported_with_the_time_until_they_are_ready() {
    with_each_steady_store(|engine| {
        let log = Arc::new(Times::default());
        let context = Context::new().only_own_receivers();
        context.connect(&MESSAGE_RECEIVED, async |_: &MessageReceived| {
            tokio::time::sleep(Duration::from_millis(20)).await;
        });
        context.connect(&MESSAGE_RECEIVED, async |_: &MessageReceived| {
            tokio::time::sleep(Duration::from_millis(1)).await;
            Err(Retry::never("400 Bad Request"))
        });
        let engine = engine.context(context).observe(Arc::clone(&log));
        let mut runtime = tokio::runtime::Builder::new_current_thread();
        let runtime = runtime.enable_time().build().unwrap();
        let body = messages(0..1);
        assert_eq!(
            runtime
                .block_on(engine.process_async(&body))
                .unwrap()
                .dead_lettered(),
            1
        );
        let times = log.0.lock();
        let [(fast, true), (slow, false)] = times[..] else {
            panic!("{times:?}");
        };
        assert!(fast >= Duration::from_millis(1) && slow >= Duration::from_millis(20));
        assert!(fast < slow, "they run concurrently");
    });
}

/// An observer that keeps the times of calls, and whether the receiver gave up.
#[derive(Default)]
struct Times(Mutex<Vec<(Duration, bool)>>);

impl Observer for Times {
    fn delivered(&self, delivery: &Delivery<'_>) {
        self.0.lock().push((delivery.duration, delivery.gave_up));
    }
}

#[test]
fn accepted_events_are_received_once_and_a_round_reports_the_backlog() {
    with_each_store(|engine| {
        let (engine, log, is_down) = observed(engine.tended(true));
        is_down.store(false, Relaxed);
        assert_eq!(engine.accept(&messages(0..1)).unwrap().unfinished(), 1);
        assert_eq!(
            log.take(),
            [r#"received ["message_received"], 0 duplicates"#]
        );
        assert_eq!(engine.backlog().unwrap().open, 1);
        assert_eq!(log.take(), ["open 1 dead 0"]);
        assert_eq!(engine.tend().unwrap().outcome.delivered(), 1);
        assert_eq!(
            log.take(),
            [
                "archive of any_event for message_received, attempt 1: ok",
                "crm of message_received for message_received, attempt 1: ok",
                "open 0 dead 0",
            ]
        );
    });
}

#[test]
fn a_body_that_is_no_webhook_and_a_store_that_fails_are_reported() {
    with_each_store(|engine| {
        let (engine, log, _) = observed(engine);
        assert!(engine.process(b"{").is_err());
        engine.store_unreadable(b"{").unwrap();
        engine.store_unreadable(b"{").unwrap();
        assert_eq!(
            log.take(),
            [
                "failed: unexpected end of the body at line 1 column 1",
                "dead None after 0"
            ]
        );
    });
    let rates = Rates {
        conflict: 0,
        unknown: 0,
        locked: 100,
    };
    let store = Unsteady::new(Arc::new(MemoryStore::new()), 0, rates).ready();
    let (engine, log, _) = observed(engine_over(store));
    assert!(engine.process(&messages(0..1)).is_err());
    let lines = log.take();
    let [line] = &lines[..] else {
        panic!("one report: {lines:?}")
    };
    assert!(line.starts_with("failed: "), "{line}");
    // A signed body that cannot be read is to be kept.
    let (body, secret) = (br#"{"object":"whatsapp_business_account"}"#, "secret");
    let verifier = SignatureVerifier::new(secret).unwrap();
    let signature = verifier.sign(body);
    let kept = engine.process_signed(body, Some(signature.as_bytes()), &verifier);
    let error = kept.unwrap_err();
    assert!(
        matches!(error.kind(), EngineErrorKind::Store(_)),
        "{error:?}"
    );
    assert_eq!(
        log.take(),
        [
            "failed: expected an array \"entry\", found none",
            line.as_str()
        ]
    );
}

/// An observer that panics.
struct Panics;

impl Observer for Panics {
    fn received(&self, _: &Received<'_>) {
        std::panic::resume_unwind(Box::new("in received"));
    }

    fn delivered(&self, _: &Delivery<'_>) {
        std::panic::resume_unwind(Box::new("in delivered"));
    }
}

#[test]
fn an_observer_that_panics_affects_neither_the_events_nor_the_other_observers() {
    with_each_store(|engine| {
        let (engine, log, is_down) = observed(engine.observe(Panics));
        is_down.store(false, Relaxed);
        let outcome = engine.process(&messages(0..2)).unwrap();
        assert_eq!((outcome.delivered(), outcome.failed()), (2, 0));
        assert_eq!(log.take().len(), 1 + 2 * 2);
    });
}

#[test]
fn a_replay_is_delivered_and_not_received_again() {
    with_each_store(|engine: Engine| {
        let (engine, log, is_down) = observed(engine.log_webhooks(true));
        is_down.store(false, Relaxed);
        assert_eq!(engine.process(&messages(0..1)).unwrap().delivered(), 1);
        log.take();
        let id = engine.webhooks(None, 1).unwrap()[0].id;
        assert_eq!(engine.replay(id, &[]).unwrap().unwrap().delivered(), 1);
        assert_eq!(
            log.take(),
            [
                "archive of any_event for message_received, attempt 1: ok",
                "crm of message_received for message_received, attempt 1: ok",
            ]
        );
    });
}

/// Returns an engine whose only receiver fails with this text.
fn failing(engine: Engine, text: &'static str) -> Engine {
    let context = Context::new().only_own_receivers();
    let options = ConnectOptions::new().uid("crm");
    let connected = context.connect_with(&MESSAGE_RECEIVED, options, move |_: &MessageReceived| {
        Err::<(), _>(std::io::Error::other(text))
    });
    connected.unwrap();
    engine.context(context).max_attempts(1)
}

#[test]
fn a_dead_letter_has_the_error_of_its_receiver_if_that_is_enabled() {
    let long: &'static str = Box::leak("é".repeat(900).into_boxed_str());
    for (text, kept) in [
        ("the CRM is down", "the CRM is down"),
        (long, &long[..1_000]),
    ] {
        with_each_store(|engine| {
            let engine = failing(engine, text);
            assert_eq!(engine.process(&messages(0..1)).unwrap().dead_lettered(), 1);
            assert!(engine.dead_letters(9).unwrap()[0].errors.is_empty());

            let engine = engine.keep_errors(true);
            assert_eq!(engine.process(&messages(1..2)).unwrap().dead_lettered(), 1);
            let letter = &engine.dead_letters(9).unwrap()[1];
            assert_eq!(letter.failed, ["crm"]);
            assert_eq!(letter.errors["crm"], kept);
            let debug = format!("{letter:?}");
            assert!(
                !debug.contains("CRM is down") && !debug.contains('é'),
                "{debug}"
            );
        });
    }
}
