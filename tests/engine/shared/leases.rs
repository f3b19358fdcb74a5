//! The holders of leases, and the end of a lease.

use super::*;
use whatsapp_signals::Event;
use whatsapp_signals::store::ReceiverState;

#[test]
fn a_leased_webhook_is_refused_and_requested_again() {
    with_each_store(|engine| {
        let (entered, has_entered) = channel();
        let (leave, may_leave) = channel::<()>();
        let may_leave = Mutex::new(may_leave);
        let last = ConnectOptions::new().order(1);
        let context = counting();
        let slow = context.connect_with(&MESSAGE_RECEIVED, last, move |_: &MessageReceived| {
            entered.send(()).unwrap();
            may_leave.lock().recv().unwrap();
        });
        slow.unwrap();
        let engine = engine.context(context);
        thread::scope(|scope| {
            let worker = scope.spawn(|| engine.process(&messages(0..1)).unwrap());
            has_entered.recv().unwrap();
            let other = engine.process(&messages(0..1)).unwrap();
            assert_eq!((other.delivered(), other.duplicates()), (0, 0));
            assert_eq!((other.unfinished(), other.should_retry()), (1, true));
            let retried = engine.retry_unfinished().unwrap();
            assert_eq!((retried.delivered(), retried.unfinished()), (0, 1));
            leave.send(()).unwrap();
            assert_eq!(worker.join().unwrap().delivered(), 1);
        });
        assert_eq!(engine.process(&messages(0..1)).unwrap().duplicates(), 1);
        assert_each_ran_once(1);
    });
}

/// Leaves a webhook of which all receivers but one have succeeded. The returned engine does
/// not have that one.
pub(super) fn leave_unfinished(engine: Engine) -> Engine {
    let context = counting();
    context.connect(&MESSAGE_RECEIVED, |_: &MessageReceived| Err("not yet"));
    let engine = engine.context(context);
    assert!(engine.process(&messages(0..2)).unwrap().should_retry());
    engine.context(counting())
}

#[test]
fn a_lease_that_has_ended_is_taken_over_and_one_that_has_not_is_respected() {
    with_each_steady_store(|engine| {
        let engine = leave_unfinished(engine);
        lease_to_absent_engine(&engine, Duration::MAX);
        let outcome = engine.process(&messages(0..2)).unwrap();
        assert_eq!((outcome.delivered(), outcome.unfinished()), (0, 2));
        lease_to_absent_engine(&engine, Duration::ZERO);
        let outcome = engine.process(&messages(0..2)).unwrap();
        assert_eq!((outcome.delivered(), outcome.unfinished()), (2, 0));
        assert_each_ran_once(2);
    });
}

#[test]
fn an_event_that_ends_the_program_every_time_is_a_dead_letter_in_the_end() {
    with_each_steady_store(|engine| {
        let engine = leave_unfinished(engine.max_attempts(3));
        let context = counting();
        context.connect(&MESSAGE_RECEIVED, |event: &MessageReceived| {
            assert!(event.message.id != "wamid.1", "the end");
        });
        let engine = engine.context(context);
        // Each of these runs ends in the second event, as the program would,
        // and leaves its lease behind.
        let mut attempts = Vec::new();
        loop {
            lease_to_absent_engine(&engine, Duration::ZERO);
            let outcome = engine.process(&messages(0..2)).unwrap();
            attempts.push((outcome.delivered(), outcome.dead_lettered()));
            if !outcome.should_retry() {
                break;
            }
        }
        assert_eq!(attempts, [(2, 0), (1, 1)], "one attempt was before");
        let letters = engine.dead_letters(9).unwrap();
        assert_eq!(letters.len(), 1, "its neighbour is finished");
        assert_eq!(letters[0].attempts, 3);
    });
}

#[test]
fn after_a_crash_an_attempt_is_counted_before_it_is_made() {
    with_each_steady_store(|engine| {
        let engine = leave_unfinished(engine);
        lease_to_absent_engine(&engine, Duration::ZERO);
        let store = Arc::clone(engine.store());
        let (sender, attempts) = channel();
        let context = counting();
        context.connect(&MESSAGE_RECEIVED, move |event: &MessageReceived| {
            let key = whatsapp_signals::Event::dedup_key(event);
            let progress = rows::progress(&store, &key).unwrap();
            sender.send(progress.attempts).unwrap();
        });
        let engine = engine.context(context);
        let outcome = engine.process(&messages(0..2)).unwrap();
        assert_eq!((outcome.delivered(), outcome.unfinished()), (2, 0));
        assert_eq!(attempts.try_iter().collect::<Vec<_>>(), [2, 2]);
    });
}

#[test]
fn a_lease_is_renewed_while_receivers_that_fail_outlast_it() {
    with_each_store(|engine| {
        let context = counting();
        let tries = Arc::new(Mutex::new(Vec::new()));
        for (order, uid) in [(1, "a"), (2, "b"), (3, "c"), (4, "d")] {
            let other = engine_over(Arc::clone(engine.store())).context(counting());
            let tries = Arc::clone(&tries);
            let options = ConnectOptions::new().order(order).uid(uid);
            let fails = move |_: &MessageReceived| {
                thread::sleep(Duration::from_millis(250));
                let outcome = other.process(&messages(0..1)).unwrap();
                tries
                    .lock()
                    .push((outcome.delivered(), outcome.unfinished()));
                Err("slow, and fails")
            };
            let connected = context.connect_with(&MESSAGE_RECEIVED, options, fails);
            connected.unwrap();
        }
        let engine = engine.lease(Duration::from_millis(600)).context(context);
        let outcome = engine.process(&messages(0..1)).unwrap();
        assert_eq!((outcome.failed(), outcome.unfinished()), (4, 1));
        assert_eq!(*tries.lock(), [(0, 1); 4]);
        assert_each_ran_once(1);
    });
}

#[test]
fn a_renewal_between_two_receivers_stores_the_success_of_the_first() {
    with_each_store(|engine| {
        let context = Context::new().only_own_receivers();
        let (first, second) = (
            ConnectOptions::new().uid("a"),
            ConnectOptions::new().uid("b"),
        );
        // Longer than a third of the lease, and shorter than the interval of checkpoints.
        let slow = |_: &MessageReceived| thread::sleep(Duration::from_millis(4));
        context
            .connect_with(&MESSAGE_RECEIVED, first, slow)
            .unwrap();
        let stored = Arc::new(Mutex::new(Vec::new()));
        let (store, seen) = (Arc::clone(engine.store()), Arc::clone(&stored));
        let reads = move |event: &MessageReceived| {
            let progress = rows::progress(&store, &event.dedup_key());
            let progress = progress.expect("a checkpoint before this receiver");
            let succeeded = rows::receivers(&progress, ReceiverState::Succeeded);
            seen.lock().extend(succeeded.into_iter().map(String::from));
        };
        context
            .connect_with(&MESSAGE_RECEIVED, second.order(1), reads)
            .unwrap();
        let engine = engine.lease(Duration::from_millis(9)).context(context);
        assert_eq!(engine.process(&messages(0..1)).unwrap().delivered(), 1);
        assert_eq!(*stored.lock(), ["a"]);
    });
}

#[test]
fn with_a_timer_a_lease_is_renewed_while_async_receivers_outlast_it() {
    let mut runtime = tokio::runtime::Builder::new_current_thread();
    let runtime = runtime.enable_time().build().unwrap();
    with_each_store(|engine| {
        let other = engine_over(Arc::clone(engine.store())).context(counting());
        let context = counting();
        context.connect(&MESSAGE_RECEIVED, async |_: &MessageReceived| {
            tokio::time::sleep(Duration::from_millis(1200)).await;
        });
        let engine = engine.lease(Duration::from_millis(600)).context(context);
        let engine = engine.timer(|time| Box::pin(tokio::time::sleep(time)));
        let body = messages(0..1);
        let (outcome, tried) = runtime.block_on(async {
            tokio::join!(engine.process_async(&body), async {
                tokio::time::sleep(Duration::from_millis(900)).await;
                other.process_async(&body).await
            })
        });
        let (outcome, tried) = (outcome.unwrap(), tried.unwrap());
        assert_eq!((tried.delivered(), tried.unfinished()), (0, 1));
        assert_eq!((outcome.delivered(), outcome.unfinished()), (1, 0));
        assert_each_ran_once(1);
    });
}

#[test]
fn a_timer_that_panics_costs_no_event() {
    with_each_store(|engine| {
        let context = counting();
        context.connect(&MESSAGE_RECEIVED, async |_: &MessageReceived| {
            tokio::task::yield_now().await;
        });
        let engine = engine.context(context);
        let engine = engine.timer(|_| std::panic::resume_unwind(Box::new("no runtime")));
        let body = messages(0..3);
        let runtime = tokio::runtime::Builder::new_current_thread().build();
        let outcome = runtime.unwrap().block_on(engine.process_async(&body));
        let outcome = outcome.unwrap();
        assert_eq!((outcome.delivered(), outcome.failed()), (3, 0));
        assert_each_ran_once(3);
    });
}
