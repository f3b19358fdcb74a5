//! Rounds of all that has to be done now and then.

use std::future::{pending, ready};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, mpsc};
use std::thread;
use std::time::Duration;

use crate::support::engines::{Engine, engine_over, with_each_clock, with_each_store};
use crate::support::messages::messages;
use crate::support::stores::any_store;
use crate::support::unsteady::{Rates, Unsteady};
use parking_lot::Mutex;
use pollster::block_on;
use tokio::sync::watch;
use whatsapp_signals::event::MessageReceived;
use whatsapp_signals::signals::MESSAGE_RECEIVED;
use whatsapp_signals::{ConnectOptions, Context, Retry, with_state};

type Counter = Arc<AtomicUsize>;
type Place = Arc<Mutex<Option<usize>>>;

/// The number of receivers that run, and the greatest one so far.
type Counts = Arc<(AtomicUsize, AtomicUsize)>;

/// Returns an engine that is tended, with its context.
fn tended(engine: Engine) -> (Engine, Context) {
    let context = Context::new().only_own_receivers();
    (engine.tended(true).context(context.clone()), context)
}

/// Connects a receiver that notes its messages, and fails as long as this is set.
fn note(context: &Context, fails: &Arc<AtomicBool>) -> Arc<Mutex<Vec<String>>> {
    let noted = Arc::new(Mutex::new(Vec::new()));
    let (of_receiver, fails) = (Arc::clone(&noted), Arc::clone(fails));
    let options = ConnectOptions::new().uid("one");
    let receiver = move |event: &MessageReceived| {
        of_receiver.lock().push(event.message.id.to_string());
        let fails = fails.load(Ordering::Relaxed);
        if fails { Err("down") } else { Ok(()) }
    };
    let connected = context.connect_with(&MESSAGE_RECEIVED, options, receiver);
    connected.unwrap();
    noted
}

/// The longest time until the next round.
const LONGEST_WAIT: Duration = Duration::from_secs(5);

fn tokio_runtime() -> tokio::runtime::Runtime {
    let mut runtime = tokio::runtime::Builder::new_current_thread();
    runtime.enable_time().build().unwrap()
}

#[test]
fn a_round_delivers_due_events_oldest_first_and_returns_the_next_time() {
    with_each_clock(|engine, ahead| {
        let (engine, context) = tended(engine);
        let fails = Arc::new(AtomicBool::new(true));
        let noted = note(&context, &fails);
        let engine = engine.backoff(Duration::from_secs(20), Duration::from_secs(20));
        for number in 0..3 {
            let _ = engine.accept(&messages(number..number + 1)).unwrap();
        }
        let tended = engine.tend().unwrap();
        assert_eq!(
            (tended.outcome.delivered(), tended.outcome.failed()),
            (3, 3)
        );
        assert_eq!(*noted.lock(), ["wamid.0", "wamid.1", "wamid.2"]);
        assert_eq!(tended.next, LONGEST_WAIT, "they are due in 20 s");

        ahead.store(17, Ordering::Relaxed);
        let tended = engine.tend().unwrap();
        assert_eq!(tended.outcome.delivered(), 0, "none is due");
        assert!(tended.next <= Duration::from_secs(3));
        fails.store(false, Ordering::Relaxed);
        ahead.store(20, Ordering::Relaxed);
        let tended = engine.tend().unwrap();
        assert_eq!(
            (tended.outcome.delivered(), tended.outcome.failed()),
            (3, 0)
        );
        assert_eq!(tended.next, LONGEST_WAIT, "nothing is left");
        assert_eq!(engine.webhooks(None, 9).unwrap(), []);
    });
}

#[test]
fn the_next_round_is_when_the_lease_of_a_killed_program_ends() {
    with_each_clock(|engine, ahead| {
        let (engine, context) = tended(engine);
        let noted = note(&context, &Arc::default());
        let _ = engine.accept(&messages(0..1)).unwrap();
        let lease = whatsapp_signals::store::Lease::new(7, Duration::from_secs(30));
        let query = whatsapp_signals::store::LeaseQuery::first(1);
        let store = engine.store();
        assert_eq!(block_on(store.lease_due(lease, query)).unwrap().len(), 1);
        let tended = engine.tend().unwrap();
        assert_eq!(tended.outcome.delivered(), 0);
        assert_eq!(tended.next, LONGEST_WAIT);
        ahead.store(27, Ordering::Relaxed);
        let tended = engine.tend().unwrap();
        assert_eq!(tended.outcome.delivered(), 0);
        assert!(tended.next <= Duration::from_secs(3));
        ahead.store(31, Ordering::Relaxed);
        assert_eq!(engine.tend().unwrap().outcome.delivered(), 1);
        assert_eq!(noted.lock().len(), 1);
    });
}

#[test]
fn a_round_runs_as_many_webhooks_at_once_as_it_may() {
    with_each_store(|engine| {
        let (engine, context) = tended(engine);
        let engine = engine.concurrency(3);
        let counts: Counts = Arc::default();
        let receiver = async |counts: Counts, _: &MessageReceived| {
            let running = counts.0.fetch_add(1, Ordering::Relaxed) + 1;
            counts.1.fetch_max(running, Ordering::Relaxed);
            for _ in 0..3 {
                tokio::task::yield_now().await;
            }
            counts.0.fetch_sub(1, Ordering::Relaxed);
        };
        context.connect(&MESSAGE_RECEIVED, with_state(Arc::clone(&counts), receiver));
        for number in 0..8 {
            let _ = engine.accept(&messages(number..number + 1)).unwrap();
        }
        let tended = tokio_runtime().block_on(engine.tend_async(pending()));
        assert_eq!(tended.unwrap().outcome.delivered(), 8);
        assert_eq!(counts.1.load(Ordering::Relaxed), 3);
    });
}

#[tokio::test]
async fn the_webhooks_of_a_round_share_one_connection_of_the_store() {
    let store = Unsteady::new(any_store(), 0, Rates::default()).connections(1);
    let context = Context::new().only_own_receivers();
    let noted = note(&context, &Arc::default());
    // Fewer than the webhooks: the next one is leased while others run.
    let engine = engine_over(store).tended(true).concurrency(3);
    let engine = engine.context(context);
    for number in 0..8 {
        let _ = engine.accept_async(&messages(number..number + 1)).await;
    }
    let round = engine.tend_async(pending());
    let tended = tokio::time::timeout(Duration::from_secs(20), round).await;
    let tended = tended.expect("it waits for no connection that it has itself");
    assert_eq!(tended.unwrap().outcome.delivered(), 8);
    assert_eq!(noted.lock().len(), 8);
}

#[test]
fn a_webhook_of_slow_sync_receivers_gives_the_others_of_its_round_their_turns() {
    with_each_store(|engine| {
        let (engine, context) = tended(engine);
        let blocked = Arc::new(AtomicUsize::new(0));
        let of_receiver = Arc::clone(&blocked);
        context.connect(&MESSAGE_RECEIVED, move |event: &MessageReceived| {
            if event.message.id.as_str() != "wamid.0" {
                thread::sleep(Duration::from_millis(12));
                of_receiver.fetch_add(1, Ordering::Relaxed);
            }
        });
        let resumed = Arc::new(Mutex::new(None));
        let receiver = async |(blocked, resumed): (Counter, Place), event: &MessageReceived| {
            if event.message.id.as_str() == "wamid.0" {
                tokio::task::yield_now().await;
                *resumed.lock() = Some(blocked.load(Ordering::Relaxed));
            }
        };
        let state = (Arc::clone(&blocked), Arc::clone(&resumed));
        context.connect(&MESSAGE_RECEIVED, with_state(state, receiver));
        let _ = engine.accept(&messages(0..1)).unwrap();
        let _ = engine.accept(&messages(1..5)).unwrap();
        let tended = tokio_runtime().block_on(engine.tend_async(pending()));
        assert_eq!(tended.unwrap().outcome.delivered(), 5);
        assert_eq!(blocked.load(Ordering::Relaxed), 4);
        assert_eq!(
            *resumed.lock(),
            Some(1),
            "receivers that blocked in between"
        );
    });
}

#[test]
fn a_stop_finishes_running_events_and_leaves_the_others_to_the_next_round() {
    with_each_store(|engine| {
        let (engine, context) = tended(engine);
        let engine = engine.concurrency(2);
        let (stop, mut stopped) = watch::channel(false);
        let receiver = async |stop: watch::Sender<bool>, _: &MessageReceived| {
            stop.send_replace(true);
            tokio::task::yield_now().await;
        };
        context.connect(&MESSAGE_RECEIVED, with_state(stop, receiver));
        for number in 0..5 {
            let _ = engine.accept(&messages(number..number + 1)).unwrap();
        }
        let stop = async move { _ = stopped.wait_for(|stopped| *stopped).await };
        let tended = tokio_runtime().block_on(engine.tend_async(stop)).unwrap();
        assert_eq!(
            (tended.outcome.delivered(), tended.next),
            (2, Duration::ZERO)
        );
        // None of the others is leased.
        let other = engine_over(Arc::clone(engine.store()));
        assert_eq!(other.retry_unfinished().unwrap().delivered(), 3);
        let tended = block_on(engine.tend_async(ready(()))).unwrap();
        assert_eq!(tended.outcome.delivered(), 0);
    });
}

#[test]
fn a_round_renews_the_lease_of_a_receiver_that_blocks_longer_than_it() {
    with_each_store(|engine| {
        let (engine, context) = tended(engine);
        let engine = engine.lease(Duration::from_millis(300));
        let is_done = Arc::new(AtomicBool::new(false));
        let of_receiver = Arc::clone(&is_done);
        let (started, starts) = mpsc::channel();
        context.connect(&MESSAGE_RECEIVED, move |_: &MessageReceived| {
            started.send(()).unwrap();
            thread::sleep(Duration::from_millis(900));
            of_receiver.store(true, Ordering::Relaxed);
        });
        let other = engine_over(Arc::clone(engine.store()));
        let body = messages(0..1);
        thread::scope(|scope| {
            let running = scope.spawn(|| engine.process(&body).unwrap());
            starts.recv().unwrap();
            while !is_done.load(Ordering::Relaxed) {
                let next = engine.tend().unwrap().next;
                assert_eq!(other.process(&body).unwrap().delivered(), 0);
                thread::sleep(next.min(Duration::from_millis(20)));
            }
            let outcome = running.join().unwrap();
            assert_eq!((outcome.delivered(), outcome.unfinished()), (1, 0));
        });
    });
}

#[test]
fn a_waiting_caller_is_woken_by_accepted_and_by_failed_events() {
    with_each_store(|engine| {
        let (engine, context) = tended(engine);
        let fails = Arc::new(AtomicBool::new(true));
        note(&context, &fails);
        let store: [&dyn Fn(); 2] = [&|| drop(engine.accept(&messages(0..1)).unwrap()), &|| {
            drop(engine.process(&messages(1..2)).unwrap());
        }];
        for store in store {
            let _ = engine.tend().unwrap();
            let _ = engine.tend().unwrap();
            fails.store(true, Ordering::Relaxed);
            tokio_runtime().block_on(async {
                let mut waiting = std::pin::pin!(engine.wait_for_work());
                let timeout = tokio::time::timeout(Duration::from_millis(1), &mut waiting);
                assert!(timeout.await.is_err(), "nothing was stored");
                store();
                waiting.await;
            });
            fails.store(false, Ordering::Relaxed);
        }
        let _ = engine.tend().unwrap();
        assert_eq!(engine.tend().unwrap().outcome.unfinished(), 0);
    });
}

#[test]
fn a_round_waits_for_the_delay_of_a_receiver() {
    with_each_clock(|engine, ahead| {
        let (engine, context) = tended(engine);
        let calls = Arc::new(AtomicUsize::new(0));
        let of_receiver = Arc::clone(&calls);
        context.connect(
            &MESSAGE_RECEIVED,
            move |_: &MessageReceived| match of_receiver.fetch_add(1, Ordering::Relaxed) {
                0 => Err(Retry::after(Duration::from_secs(50), "too many requests")),
                _ => Ok(()),
            },
        );
        let _ = engine.accept(&messages(0..1)).unwrap();
        assert_eq!(engine.tend().unwrap().next, LONGEST_WAIT);
        ahead.store(40, Ordering::Relaxed);
        assert_eq!(engine.tend().unwrap().outcome.delivered(), 0);
        ahead.store(51, Ordering::Relaxed);
        assert_eq!(engine.tend().unwrap().outcome.delivered(), 1);
        assert_eq!(calls.load(Ordering::Relaxed), 2);
    });
}
