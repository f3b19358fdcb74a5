//! The engine with async receivers: waited for, marked, retried, cancelled.

use std::future::{Future, poll_fn};
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering::Relaxed};
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use crate::support::engines::{self, Engine, account, engine_over, records};
use crate::support::messages::messages;
use crate::support::stores::{AnyStore, any_store};
use crate::support::watched::Watched;
use parking_lot::{Mutex, MutexGuard};
use whatsapp_signals::event::{MessageReceived, MessageSent, WebhookEvent};
use whatsapp_signals::model::{Content, Identity, Message};
use whatsapp_signals::signals::{ANY_EVENT, MESSAGE_RECEIVED, MESSAGE_SENT};
use whatsapp_signals::{
    Cause, ConnectOptions, Context as Values, SignatureVerifier, WebhookEngine, http_status,
};

static TURN: Mutex<()> = Mutex::new(());
static DONE: Mutex<Vec<String>> = Mutex::new(Vec::new());
static FAILS: AtomicBool = AtomicBool::new(false);
static HANGS: AtomicBool = AtomicBool::new(false);

fn turn() -> MutexGuard<'static, ()> {
    let turn = TURN.lock();
    FAILS.store(false, Relaxed);
    HANGS.store(false, Relaxed);
    done();
    turn
}

fn done() -> Vec<String> {
    std::mem::take(&mut DONE.lock())
}

/// Yields to other tasks, and never ends while `HANGS` is set.
async fn wait() {
    let mut is_over = false;
    poll_fn(|cx| {
        if std::mem::replace(&mut is_over, true) && !HANGS.load(Relaxed) {
            return Poll::Ready(());
        }
        cx.waker().wake_by_ref();
        Poll::Pending
    })
    .await;
}

fn note(event: &MessageReceived) {
    DONE.lock().push(format!("note {}", event.message.id));
}

async fn forward(event: &MessageReceived) -> Result<(), &'static str> {
    // Stored by now.
    let contact = event.contact.as_ref();
    assert!(contact.is_some_and(|contact| contact.created_at.is_some()));
    wait().await;
    if FAILS.load(Relaxed) {
        return Err("the other side is down");
    }
    DONE.lock().push(format!("forward {}", event.message.id));
    Ok(())
}

async fn log_sent(event: &MessageSent) -> Result<(), &'static str> {
    wait().await;
    DONE.lock().push(format!("sent {}", event.message.id));
    Ok(())
}

/// Returns a context with these receivers alone.
fn receivers() -> Values {
    let context = Values::new().only_own_receivers();
    context.connect(&MESSAGE_RECEIVED, note);
    let named = ConnectOptions::new().uid("forward");
    let connected = context.connect_with(&MESSAGE_RECEIVED, named, forward);
    connected.unwrap();
    context.connect(&MESSAGE_SENT, log_sent);
    context
}

/// Returns an engine for these receivers.
fn engine() -> WebhookEngine<AnyStore> {
    engine_over(any_store()).context(receivers())
}

/// Runs a test with an engine over each store, for these receivers.
fn with_each_store(test: impl Fn(Engine)) {
    engines::with_each_store(|engine| test(engine.context(receivers())));
}

#[test]
fn events_come_one_after_the_other_and_each_receiver_runs_once() {
    let _turn = turn();
    with_each_store(|engine| {
        pollster::block_on(async {
            let body = messages(0..2);
            let outcome = engine.process_async(&body).await.unwrap();
            assert_eq!(
                outcome.to_string(),
                "delivered 2 duplicates 0 unrecognized 0 failed 0"
            );
            let ran = [
                "note wamid.0",
                "forward wamid.0",
                "note wamid.1",
                "forward wamid.1",
            ];
            assert_eq!(done(), ran);
            assert_eq!(engine.process_async(&body).await.unwrap().duplicates(), 2);
            // Sync and async calls share the stored events.
            assert_eq!(engine.process(&body).unwrap().duplicates(), 2);
            assert!(done().is_empty());
        });
        assert_eq!(records(&engine).unread_counts().unwrap()[0].1, 2);
    });
}

#[test]
fn only_failed_receivers_run_again() {
    let _turn = turn();
    with_each_store(|engine| {
        pollster::block_on(async {
            FAILS.store(true, Relaxed);
            let outcome = engine.process_async(&messages(0..1)).await.unwrap();
            assert_eq!((outcome.failed(), outcome.http_status()), (1, 503));
            assert_eq!(done(), ["note wamid.0"]);
            FAILS.store(false, Relaxed);
            let outcome = engine.retry_unfinished_async().await.unwrap();
            assert_eq!((outcome.delivered(), outcome.unfinished()), (1, 0));
            assert_eq!(done(), ["forward wamid.0"]);
        });
    });
}

#[test]
fn a_sync_call_fails_an_async_receiver_and_keeps_the_event() {
    let _turn = turn();
    with_each_store(|engine| {
        let outcome = engine.process(&messages(0..1)).unwrap();
        let cause = outcome.failures()[0].failure.cause();
        assert!(matches!(cause, Cause::NeedsAsend) && outcome.should_retry());
        assert_eq!(done(), ["note wamid.0"]);
        let outcome = pollster::block_on(engine.process_async(&messages(0..1))).unwrap();
        assert_eq!((outcome.delivered(), outcome.unfinished()), (1, 0));
        assert_eq!(done(), ["forward wamid.0"]);
    });
}

#[test]
fn a_sync_call_is_no_attempt_of_an_async_receiver() {
    let _turn = turn();
    with_each_store(|engine| {
        let engine = engine.max_attempts(2);
        for _ in 0..5 {
            let outcome = engine.process(&messages(0..1)).unwrap();
            assert_eq!((outcome.dead_lettered(), outcome.unfinished()), (0, 1));
            assert_eq!(engine.retry_unfinished().unwrap().dead_lettered(), 0);
        }
        // One that could be called and fails is.
        FAILS.store(true, Relaxed);
        let mut dead = 0;
        for _ in 0..2 {
            dead += pollster::block_on(engine.retry_unfinished_async())
                .unwrap()
                .dead_lettered();
        }
        assert_eq!(dead, 1);
        FAILS.store(false, Relaxed);
        done();
    });
}

#[test]
fn async_receivers_of_all_events_are_marked_and_retried_by_themselves() {
    let _turn = turn();
    with_each_store(|engine| {
        let context = receivers();
        let first = ConnectOptions::new().order(-1).uid("forward");
        let log = async |event: &WebhookEvent| DONE.lock().push(format!("log {}", event.name()));
        context.connect_with(&ANY_EVENT, first, log).unwrap();
        context.connect(&ANY_EVENT, async |event: &WebhookEvent| {
            if FAILS.load(Relaxed) {
                return Err("the archive is down");
            }
            DONE.lock().push(format!("archive {}", event.name()));
            Ok(())
        });
        let engine = engine.context(context).lease(Duration::from_millis(50));
        let body = messages(0..1);
        HANGS.store(true, Relaxed);
        {
            let mut cancelled = pin!(engine.process_async(&body));
            let mut cx = Context::from_waker(Waker::noop());
            for _ in 0..3 {
                assert!(cancelled.as_mut().poll(&mut cx).is_pending());
            }
        }
        assert_eq!(done(), ["log message_received", "note wamid.0"]);
        std::thread::sleep(Duration::from_millis(60));
        HANGS.store(false, Relaxed);
        FAILS.store(true, Relaxed);
        pollster::block_on(async {
            let outcome = engine.retry_unfinished_async().await.unwrap();
            assert_eq!((outcome.failed(), outcome.without_receivers()), (2, 0));
            assert!(done().is_empty());
            FAILS.store(false, Relaxed);
            let outcome = engine.process_async(&body).await.unwrap();
            assert_eq!((outcome.delivered(), outcome.unfinished()), (1, 0));
        });
        assert_eq!(done(), ["forward wamid.0", "archive message_received"]);
    });
}

#[test]
fn sent_messages_are_delivered_to_async_receivers() {
    let _turn = turn();
    with_each_store(|engine| {
        let ada = Identity::from_phone("15550101001").unwrap();
        let message = Message::outbound("wamid.S", ada.clone(), Content::text("It is ready"));
        let event = MessageSent::new(message.build()).with_account(account());
        assert_eq!(
            engine.process_sent(event.clone()).unwrap().failures().len(),
            1
        );
        let outcome = pollster::block_on(engine.process_sent_async(event)).unwrap();
        assert_eq!((outcome.delivered(), outcome.failed()), (1, 0));
        assert_eq!(done(), ["sent wamid.S"]);
        assert_eq!(
            records(&engine).conversation(&ada, None, 9).unwrap().len(),
            1
        );
    });
}

#[test]
fn a_cancelled_webhook_is_anyones_when_its_lease_has_ended() {
    let _turn = turn();
    with_each_store(|engine| {
        let engine = engine.lease(Duration::from_millis(50));
        let body = messages(0..1);
        HANGS.store(true, Relaxed);
        for _ in 0..3 {
            let mut cancelled = pin!(engine.process_async(&body));
            let mut cx = Context::from_waker(Waker::noop());
            for _ in 0..3 {
                assert!(cancelled.as_mut().poll(&mut cx).is_pending());
            }
            std::thread::sleep(Duration::from_millis(60));
        }
        assert_eq!(
            done(),
            ["note wamid.0"],
            "who is done was marked before the wait"
        );
        {
            let mut cancelled = pin!(engine.process_async(&body));
            let mut cx = Context::from_waker(Waker::noop());
            assert!(cancelled.as_mut().poll(&mut cx).is_pending());
        }
        HANGS.store(false, Relaxed);
        // The engine itself would give the lease back first, another one has to wait.
        let other = engine_over(Arc::clone(engine.store())).context(receivers());
        let outcome = pollster::block_on(other.process_async(&body)).unwrap();
        assert_eq!(
            (outcome.delivered(), outcome.unfinished()),
            (0, 1),
            "it is held"
        );
        std::thread::sleep(Duration::from_millis(60));
        let outcome = pollster::block_on(other.retry_unfinished_async()).unwrap();
        assert_eq!((outcome.delivered(), outcome.unfinished()), (1, 0));
        assert_eq!(done(), ["forward wamid.0"]);
        assert_eq!(engine.process(&body).unwrap().duplicates(), 1);
    });
}

#[test]
fn many_tasks_with_one_body_run_each_receiver_once() {
    let _turn = turn();
    for threads in [1, 4] {
        let mut runtime = tokio::runtime::Builder::new_multi_thread();
        let runtime = runtime
            .worker_threads(threads)
            .enable_time()
            .build()
            .unwrap();
        let engine = engine().blocking(|work| tokio::task::block_in_place(work));
        let engine = Arc::new(engine);
        let tasks: Vec<_> = (0..16)
            .map(|_| {
                let engine = Arc::clone(&engine);
                runtime.spawn(async move {
                    let body = messages(0..20);
                    while engine.process_async(&body).await.unwrap().should_retry() {
                        tokio::time::sleep(Duration::from_millis(1)).await;
                    }
                })
            })
            .collect();
        for task in tasks {
            runtime.block_on(task).unwrap();
        }
        let mut ran = done();
        assert_eq!(ran.len(), 40);
        ran.sort();
        ran.dedup();
        assert_eq!(ran.len(), 40);
    }
}

#[test]
fn blocking_work_runs_in_the_given_function() {
    static BLOCKED: AtomicUsize = AtomicUsize::new(0);
    static ACCESSES: AtomicUsize = AtomicUsize::new(0);
    let _turn = turn();
    let store = Watched::new(any_store(), |_| {
        ACCESSES.fetch_add(1, Relaxed);
        Ok(())
    });
    let counts = engine_over(store).context(receivers());
    let counts = counts.blocking(|work| {
        BLOCKED.fetch_add(1, Relaxed);
        work();
        work(); // more often than it should, which does nothing
    });
    assert_eq!(counts.process(&messages(0..1)).unwrap().delivered(), 1);
    assert_eq!(BLOCKED.load(Relaxed), 0, "it cannot wait anyway");
    ACCESSES.store(0, Relaxed);
    let outcome = pollster::block_on(counts.process_async(&messages(0..1))).unwrap();
    let blocked = BLOCKED.load(Relaxed);
    assert_eq!((outcome.delivered(), blocked), (1, ACCESSES.load(Relaxed)));
    assert!(blocked >= 2, "a claim and a mark");

    let forgets = engine().blocking(|_| {});
    let outcome = pollster::block_on(forgets.process_async(&messages(0..1))).unwrap();
    assert_eq!((outcome.delivered(), outcome.unfinished()), (1, 0));
}

#[test]
fn signed_webhooks_wait_too() {
    let _turn = turn();
    let verifier = SignatureVerifier::new("app secret").unwrap();
    let engine = engine();
    let answer = async |body: &[u8], header: String| {
        let header = Some(header.as_bytes());
        http_status(&engine.process_signed_async(body, header, &verifier).await)
    };
    pollster::block_on(async {
        let body = messages(0..1);
        assert_eq!(answer(&body, verifier.sign("{}")).await, 401);
        assert!(done().is_empty());
        assert_eq!(answer(&body, verifier.sign(&body)).await, 200);
        assert_eq!(done(), ["note wamid.0", "forward wamid.0"]);
        assert_eq!(answer(b"{", verifier.sign("{")).await, 200);
    });
    assert_eq!(engine.dead_letters(9).unwrap().len(), 1);
}

#[test]
fn futures_may_move_to_other_threads() {
    fn is_send(_: &impl Send) {}
    let engine = engine();
    let verifier = SignatureVerifier::new("app secret").unwrap();
    is_send(&engine.process_async(b"{}"));
    is_send(&engine.process_signed_async(b"{}", None, &verifier));
    is_send(&engine.retry_unfinished_async());
}

#[test]
fn a_check_for_programs_that_do_not_await_lists_async_receivers() {
    let context = receivers();
    let forward = &MESSAGE_RECEIVED.with(&context).receivers()[1];
    let log_sent = &MESSAGE_SENT.with(&context).receivers()[0];
    let engine = engine_over(any_store()).context(context);
    assert!(engine.check().is_ok());
    let error = engine.check_sync().unwrap_err();
    let reason = "is async and needs process_async";
    let expected = format!(
        "receivers cannot be called:\n- {forward} of signal message_received {reason}\n\
         - {log_sent} of signal message_sent {reason}"
    );
    assert_eq!(error.to_string(), expected);
    assert_eq!(error.problems().len(), 2);
}
