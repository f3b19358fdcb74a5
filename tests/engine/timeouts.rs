//! Timeouts of async receivers.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use crate::support::engines::{Engine, with_each_store};
use crate::support::messages::messages;
use whatsapp_signals::event::MessageReceived;
use whatsapp_signals::signals::{ANY_EVENT, MESSAGE_RECEIVED};
use whatsapp_signals::{Cause, ConnectOptions, Context, Problem, Signal, WebhookEvent, with_state};

/// A receiver that takes this many milliseconds, and counts its runs and their ends.
type Counts = Arc<(AtomicUsize, AtomicUsize)>;

async fn run(counts: &Counts, time: u64) {
    counts.0.fetch_add(1, Ordering::Relaxed);
    tokio::time::sleep(Duration::from_millis(time)).await;
    counts.1.fetch_add(1, Ordering::Relaxed);
}

fn connect(context: &Context, uid: &'static str, timeout: Option<u64>, time: u64) -> Counts {
    let counts = Counts::default();
    let receiver = async |(counts, time): (Counts, u64), _: &MessageReceived| {
        run(&counts, time).await;
    };
    let options = options(&MESSAGE_RECEIVED, uid, timeout);
    let receiver = with_state((Arc::clone(&counts), time), receiver);
    let connected = context.connect_with(&MESSAGE_RECEIVED, options, receiver);
    connected.unwrap();
    counts
}

fn options<T>(_: &Signal<T>, uid: &'static str, timeout: Option<u64>) -> ConnectOptions<T> {
    let options = ConnectOptions::new().uid(uid);
    match timeout {
        Some(timeout) => options.timeout(Duration::from_millis(timeout)),
        None => options,
    }
}

fn with_context(engine: Engine) -> (Engine, Context) {
    let context = Context::new().only_own_receivers();
    (engine.context(context.clone()), context)
}

fn with_timer(engine: Engine) -> Engine {
    engine.timer(|time| Box::pin(tokio::time::sleep(time)))
}

fn process(engine: &Engine) -> whatsapp_signals::Outcome {
    let mut runtime = tokio::runtime::Builder::new_current_thread();
    let runtime = runtime.enable_time().build().unwrap();
    let body = messages(0..1);
    runtime.block_on(engine.process_async(&body)).unwrap()
}

fn counted(counts: &Counts) -> (usize, usize) {
    (
        counts.0.load(Ordering::Relaxed),
        counts.1.load(Ordering::Relaxed),
    )
}

#[test]
fn a_run_that_takes_too_long_is_dropped_and_is_a_failed_attempt() {
    with_each_store(|engine| {
        let (engine, context) = with_context(engine.max_attempts(2));
        let slow = connect(&context, "slow", Some(20), 60_000);
        let quick = connect(&context, "quick", Some(60_000), 40);
        let patient = connect(&context, "patient", None, 80);
        let engine = with_timer(engine);
        let outcome = process(&engine);
        assert_eq!((outcome.failed(), outcome.unfinished()), (1, 1));
        let failure = &outcome.failures()[0].failure;
        assert_eq!(failure.receiver().uid(), Some("slow"));
        assert!(matches!(failure.cause(), Cause::TimedOut));
        assert!(
            failure
                .to_string()
                .ends_with("took longer than its timeout")
        );

        assert_eq!(process(&engine).dead_lettered(), 1);
        assert_eq!(counted(&slow), (2, 0));
        assert_eq!((counted(&quick), counted(&patient)), ((1, 1), (1, 1)));
        let letter = engine.dead_letters(1).unwrap().remove(0);
        assert_eq!(letter.failed, ["slow"]);
    });
}

#[test]
fn each_receiver_has_a_time_of_its_own_in_each_signal() {
    with_each_store(|engine| {
        let (engine, context) = with_context(engine);
        let engine = with_timer(engine);
        // Both are the first ones of their signal.
        let typed = connect(&context, "typed", Some(150), 60);
        let any = Counts::default();
        let receiver = async |counts: Counts, _: &WebhookEvent| run(&counts, 100).await;
        let options = options(&ANY_EVENT, "any", Some(150));
        let receiver = with_state(Arc::clone(&any), receiver);
        context.connect_with(&ANY_EVENT, options, receiver).unwrap();
        let outcome = process(&engine);
        assert_eq!((outcome.failed(), outcome.unfinished()), (0, 0));
        assert_eq!((counted(&typed), counted(&any)), ((1, 1), (1, 1)));
    });
}

#[test]
fn a_timeout_without_a_timer_is_found_at_start_up_and_not_enforced() {
    with_each_store(|engine| {
        let (engine, context) = with_context(engine);
        let slow = connect(&context, "slow", Some(1), 30);
        let error = engine.check().unwrap_err();
        let [Problem::NeedsTimer(receiver)] = error.problems() else {
            panic!("{error}");
        };
        assert_eq!(receiver.uid(), Some("slow"));
        assert_eq!(process(&engine).failed(), 0);
        assert_eq!(counted(&slow), (1, 1));
        assert!(with_timer(engine).check().is_ok());
    });
}
