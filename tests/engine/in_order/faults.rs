//! Faults of the order that were found and repaired, by kind.

use std::collections::HashSet;
use std::future::pending;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context as TaskContext, Poll, Waker};
use std::thread;
use std::time::Duration;

use super::model::{is_stored, store_with_clock};
use super::{ADA, BRAM, counts, logging, message, process};
use crate::support::engines::{Engine, account, engine_over, with_each_steady_store};
use crate::support::stores::{any_store, scaled};
use crate::support::unsteady::{Rates, Unsteady};
use parking_lot::Mutex;
use whatsapp_signals::engine::DeadLetterFilter;
use whatsapp_signals::event::MessageReceived;
use whatsapp_signals::model::Identity;
use whatsapp_signals::signals::MESSAGE_RECEIVED;
use whatsapp_signals::testing;
use whatsapp_signals::{Context, with_state};

const CARL: &str = "15550101003";

fn body(messages: &[(&str, &str)]) -> Vec<u8> {
    testing::batch(messages.iter().map(|(from, id)| message(from, id))).body()
}

/// A body with the same events in another order.
#[test]
fn events_of_one_webhook_run_in_stored_order_when_a_body_has_them_otherwise() {
    with_each_steady_store(|engine| {
        let (engine, log) = logging(engine);
        log.fail_at("wamid.A0");
        let _ = engine.process(&body(&[(ADA, "wamid.A0"), (ADA, "wamid.A1")]));
        log.repair();
        log.take();
        let _ = engine.process(&body(&[(ADA, "wamid.A1"), (ADA, "wamid.A0")]));
        let _ = engine.retry_unfinished().unwrap();
        assert_eq!(log.take(), ["wamid.A0", "wamid.A1"]);
    });
}

/// An event of the second part of a body comes in a body of its own.
#[test]
fn a_later_part_is_behind_an_earlier_one_in_another_body() {
    with_each_steady_store(|engine| {
        let (engine, log) = logging(engine);
        log.fail_at("wamid.0");
        let messages = (0..2005).map(|number| {
            let from = if number == 0 || number >= 2000 {
                ADA
            } else {
                BRAM
            };
            message(from, &format!("wamid.{number}"))
        });
        let all = testing::batch(messages).body();
        assert_eq!(counts(&engine.process(&all).unwrap()), [2000, 5, 6]);
        log.take();
        let outcome = process(&engine, ADA, "wamid.2000");
        assert_eq!(log.take(), Vec::<String>::new(), "wamid.0 is open");
        assert_eq!(counts(&outcome), [0, 1, 1]);
    });
}

/// The first part's event waits for its time, and the second part's is tried.
#[test]
fn a_later_part_is_behind_an_event_that_is_not_due() {
    with_each_steady_store(|engine| {
        let (engine, log) = logging(engine);
        log.fail_at("wamid.late");
        log.fail_at("wamid.1");
        let messages = (0..2005).map(|number| {
            let from = if number == 0 || number >= 2000 {
                ADA
            } else {
                BRAM
            };
            let id = if number == 0 {
                "late".to_owned()
            } else {
                number.to_string()
            };
            message(from, &format!("wamid.{id}"))
        });
        let all = testing::batch(messages).body();
        // Ada's first fails, and so does Bram's first, which is due at once.
        let _ = engine.process(&all).unwrap();
        log.take();
        let _ = engine.tend().unwrap();
        let calls = log.take();
        let of_ada: Vec<_> = calls
            .iter()
            .filter(|id| id.starts_with("wamid.20"))
            .collect();
        assert_eq!(of_ada, Vec::<&String>::new(), "wamid.late is open");
    });
}

/// Two turns end in one commit that conflicts, and a third webhook is next.
#[test]
fn the_end_of_two_turns_in_one_commit_releases_the_third() {
    let rates = Rates {
        conflict: 60,
        unknown: 0,
        locked: 0,
    };
    let mut waiting: Vec<u64> = Vec::new();
    for seed in 0..scaled(30) {
        let store = Unsteady::new(any_store(), seed, rates).ready();
        let store = Arc::new(store);
        let (engine, log) = logging(engine_over(Arc::clone(&store)));
        log.fail_at("wamid.A0");
        let mut all_stored = true;
        for id in ["wamid.A0", "wamid.A1", "wamid.A2"] {
            all_stored &= engine.process(&message(ADA, id).body()).is_ok();
        }
        log.repair();
        let outcome = engine.process(&body(&[(ADA, "wamid.A0"), (ADA, "wamid.A1")]));
        if !all_stored || outcome.is_err() {
            continue;
        }
        store.calm();
        let _ = engine.tend().unwrap();
        let open = engine.backlog().unwrap().open;
        if open > 0 && counts(outcome.as_ref().unwrap()) == [2, 0, 0] {
            waiting.push(seed);
        }
    }
    assert_eq!(
        waiting,
        Vec::<u64>::new(),
        "seeds in which A2 waits with nothing before it"
    );
}

/// The same by kept marks, without any conflict: the future is dropped anywhere.
#[test]
fn kept_marks_of_two_turns_release_the_third() {
    let mut waiting: Vec<usize> = Vec::new();
    for polls in 0..120 {
        let (store, ahead) = store_with_clock(0, Rates::default());
        let (engine, log) = logging(engine_over(store));
        log.fail_at("wamid.A0");
        for id in ["wamid.A0", "wamid.A1", "wamid.A2"] {
            let _ = pollster::block_on(engine.process_async(&message(ADA, id).body())).unwrap();
        }
        log.repair();
        let two = body(&[(ADA, "wamid.A0"), (ADA, "wamid.A1")]);
        let mut cx = TaskContext::from_waker(Waker::noop());
        let mut future = Box::pin(engine.process_async(&two));
        let mut is_over = false;
        for _ in 0..polls {
            is_over = future.as_mut().poll(&mut cx).is_ready();
            if is_over {
                break;
            }
        }
        drop(future);
        if is_over {
            break;
        }
        ahead.fetch_add(61_000, Ordering::Relaxed);
        for _ in 0..10 {
            let _ = pollster::block_on(engine.tend_async(pending())).unwrap();
        }
        if pollster::block_on(engine.backlog_async()).unwrap().open > 0 {
            waiting.push(polls);
        }
    }
    assert_eq!(
        waiting,
        Vec::<usize>::new(),
        "dropped after so many polls, A2 waits"
    );
}

/// Processes a body, and tends until nothing is open.
fn process_until_done(engine: &Engine, body: &[u8]) {
    let outcome = engine.process(body);
    assert_eq!(outcome.map(drop).map_err(|error| error.to_string()), Ok(()));
    for _ in 0..5 {
        let _ = engine.tend().unwrap();
    }
    assert_eq!(engine.backlog().unwrap().open, 0);
}

/// Two webhooks of one user get their turns in one commit.
#[test]
fn two_webhooks_that_get_their_turns_at_once_do_not_conflict() {
    with_each_steady_store(|engine| {
        let (engine, log) = logging(engine);
        let engine = engine.in_order(false);
        for id in ["wamid.A0", "wamid.A1"] {
            log.fail_at(id);
            let _ = process(&engine, ADA, id);
        }
        let engine = engine.in_order(true);
        log.repair();
        process_until_done(&engine, &body(&[(ADA, "wamid.A0"), (ADA, "wamid.A1")]));
    });
}

/// The same with requeued dead letters.
#[test]
fn two_requeued_letters_of_a_user_in_one_body_do_not_conflict() {
    with_each_steady_store(|engine| {
        let (engine, log) = logging(engine);
        for id in ["wamid.never0", "wamid.never1"] {
            log.fail_at(id);
            let _ = process(&engine, ADA, id);
        }
        log.repair();
        let all = DeadLetterFilter::new();
        assert_eq!(engine.requeue_all(&all).unwrap(), 2);
        process_until_done(
            &engine,
            &body(&[(ADA, "wamid.never0"), (ADA, "wamid.never1")]),
        );
    });
}

/// The second turn's webhook is held first, and both end in one commit.
#[test]
fn two_turns_end_in_one_commit_whichever_webhook_is_held_first() {
    with_each_steady_store(|engine| {
        let (engine, log) = logging(engine);
        log.fail_at("wamid.A0");
        log.fail_at("wamid.B0");
        let _ = process(&engine, ADA, "wamid.A0");
        let _ = engine
            .process(&body(&[(BRAM, "wamid.B0"), (ADA, "wamid.A1")]))
            .unwrap();
        log.repair();
        log.take();
        let three = body(&[(BRAM, "wamid.B0"), (ADA, "wamid.A0"), (ADA, "wamid.A1")]);
        let outcome = engine.process(&three).map(|outcome| counts(&outcome));
        assert_eq!(log.take(), ["wamid.B0", "wamid.A0", "wamid.A1"]);
        let later = engine.process(&message(CARL, "wamid.C0").body());
        assert_eq!(
            (
                outcome.map_err(|e| e.to_string()),
                later.map(|o| o.delivered()).map_err(|e| e.to_string())
            ),
            (Ok([3, 0, 0]), Ok(1)),
        );
    });
}

/// The turn comes while a webhook runs, and a checkpoint is written before the last one.
#[test]
fn a_turn_that_comes_before_a_checkpoint_in_the_middle_is_noticed() {
    let store = Arc::new(any_store());
    let (first, log) = logging(engine_over(Arc::clone(&store)));
    log.fail_at("wamid.A0");
    let _ = process(&first, ADA, "wamid.A0");
    log.repair();
    let first = Arc::new(first);
    let (second, _) = logging(engine_over(Arc::clone(&store)));
    let context = Context::new().only_own_receivers();
    let calls = Arc::new(Mutex::new(Vec::new()));
    let (of_receiver, other) = (Arc::clone(&calls), Arc::clone(&first));
    context.connect(&MESSAGE_RECEIVED, move |event: &MessageReceived| {
        let id = event.message.id.to_string();
        if id == "wamid.B0" {
            assert_eq!(process(&other, ADA, "wamid.A0").delivered(), 1);
            thread::sleep(Duration::from_millis(15));
        }
        of_receiver.lock().push(id);
    });
    let second = second.context(context);
    let three = body(&[(ADA, "wamid.A1"), (BRAM, "wamid.B0"), (CARL, "wamid.C0")]);
    assert_eq!(counts(&second.process(&three).unwrap()), [2, 1, 1]);
    let backlog = second.backlog().unwrap();
    assert_eq!(
        (backlog.open, backlog.due, backlog.held_back),
        (1, 1, 0),
        "nothing is before A1"
    );
}

/// A turn that came after the claim is released: those who wait for work are woken.
#[test]
fn the_end_of_a_turn_wakes_the_tender_of_a_later_one() {
    let store = Arc::new(any_store());
    let is_stuck = Arc::new(AtomicBool::new(true));
    let context = Context::new().only_own_receivers();
    let receiver = async |is_stuck: Arc<AtomicBool>, event: &MessageReceived| {
        while event.message.id.as_str() == "wamid.A0" && is_stuck.load(Ordering::Relaxed) {
            tokio::task::yield_now().await;
        }
    };
    context.connect(
        &MESSAGE_RECEIVED,
        with_state(Arc::clone(&is_stuck), receiver),
    );
    let engine = engine_over(store)
        .in_order(true)
        .tended(true)
        .context(context);
    let mut cx = TaskContext::from_waker(Waker::noop());
    let a0 = message(ADA, "wamid.A0").body();
    let mut running = Box::pin(engine.process_async(&a0));
    for _ in 0..20 {
        assert!(running.as_mut().poll(&mut cx).is_pending());
    }
    let _ = engine.accept(&message(ADA, "wamid.A1").body()).unwrap();
    let tended = pollster::block_on(engine.tend_async(pending())).unwrap();
    assert_eq!(tended.outcome.held_back(), 1);
    let _ = pollster::block_on(engine.tend_async(pending())).unwrap();
    is_stuck.store(false, Ordering::Relaxed);
    assert_eq!(pollster::block_on(running).unwrap().delivered(), 1);
    assert_eq!(engine.backlog().unwrap().due, 1, "it was released");
    let mut work = std::pin::pin!(engine.wait_for_work());
    assert_eq!(
        work.as_mut().poll(&mut cx),
        Poll::Ready(()),
        "it wakes those who wait"
    );
}

/// An erasure that releases a webhook wakes those who wait for work.
#[test]
fn an_erasure_wakes_the_tender() {
    let (engine, log) = logging(engine_over(any_store()));
    let engine = engine.tended(true);
    log.fail_at("wamid.late");
    // One body of both; the second one of Bram's is behind Ada's event by their common number.
    let both = message(ADA, "wamid.late").user_id("US.7001");
    let _ = engine.process(&both.body()).unwrap();
    let other = message(ADA, "wamid.A1").user_id("US.7002");
    assert_eq!(counts(&engine.process(&other.body()).unwrap()), [0, 1, 1]);
    let _ = engine.tend().unwrap();
    let ada = Identity::from_user_id("US.7001").unwrap();
    assert_eq!(engine.account(&account()).erase(&ada).unwrap().events, 1);
    assert_eq!(engine.backlog().unwrap().due, 1, "it was released");
    let mut cx = TaskContext::from_waker(Waker::noop());
    let mut work = std::pin::pin!(engine.wait_for_work());
    assert_eq!(
        work.as_mut().poll(&mut cx),
        Poll::Ready(()),
        "it wakes those who wait"
    );
}

/// Part of a body is claimed, and the rest comes in a webhook of its own.
#[test]
fn a_body_is_finished_when_other_bodies_have_its_remaining_parts() {
    for in_order in [false, true] {
        let (store, ahead) = store_with_clock(0, Rates::default());
        let (engine, _) = logging(engine_over(Arc::clone(&store)));
        let engine = engine.in_order(in_order);
        let messages = (0..2001).map(|number| message(ADA, &format!("wamid.{number}")));
        let all = testing::batch(messages).body();
        let first = message(ADA, "wamid.0").body();
        let mut cx = TaskContext::from_waker(Waker::noop());
        {
            let mut future = Box::pin(engine.process_async(&all));
            while !is_stored(&store, &first) {
                assert!(future.as_mut().poll(&mut cx).is_pending());
            }
        }
        let _ = pollster::block_on(engine.process_async(&all)).unwrap();
        ahead.fetch_add(61_000, Ordering::Relaxed);
        for _ in 0..4 {
            let _ = pollster::block_on(engine.tend_async(pending())).unwrap();
        }
        let backlog = pollster::block_on(engine.backlog_async()).unwrap();
        assert_eq!((backlog.open, backlog.due), (0, 0), "in order: {in_order}");
    }
}

/// The first part of an accepted body is committed, and the result is lost.
#[test]
fn an_accepted_body_of_two_parts_is_delivered_after_commits_of_unknown_result() {
    let messages = (0..2001).map(|number| message(ADA, &format!("wamid.{number}")));
    let all = testing::batch(messages).body();
    let mut lost = Vec::new();
    for in_order in [false, true] {
        for seed in 0..scaled(8) {
            let rates = Rates {
                conflict: 0,
                unknown: 60,
                locked: 0,
            };
            let store = Arc::new(Unsteady::new(any_store(), seed, rates).ready());
            let (engine, log) = logging(engine_over(Arc::clone(&store)));
            let engine = engine.in_order(in_order);
            let mut calls = 0;
            let outcome = loop {
                calls += 1;
                if let Ok(outcome) = engine.accept(&all) {
                    break (
                        calls,
                        outcome.unfinished(),
                        outcome.duplicates(),
                        outcome.http_status(),
                    );
                }
            };
            store.calm();
            for _ in 0..4 {
                let _ = engine.tend().unwrap();
            }
            let handled: HashSet<_> = log.take().into_iter().collect();
            let (open, dead) = (
                engine.backlog().unwrap().open,
                engine.backlog().unwrap().dead,
            );
            if handled.len() < 2001 {
                lost.push((in_order, seed, outcome, handled.len(), open, dead));
            }
        }
    }
    assert!(
        lost.is_empty(),
        "in order, seed, (calls, unfinished, duplicate, status), handled, open, dead: {lost:?}"
    );
}

/// Work: twice as many accepted webhooks of one user take about twice as many commits.
#[test]
fn accepted_webhooks_of_one_user_are_linear_work() {
    let work = |many: u64| {
        let store = Arc::new(Unsteady::new(any_store(), 0, Rates::default()).ready());
        let context = Context::new().only_own_receivers();
        let receiver = async |_: Arc<()>, _: &MessageReceived| tokio::task::yield_now().await;
        context.connect(&MESSAGE_RECEIVED, with_state(Arc::new(()), receiver));
        let engine = engine_over(Arc::clone(&store))
            .in_order(true)
            .tended(true)
            .context(context);
        for number in 0..many {
            let _ = engine
                .accept(&message(ADA, &format!("wamid.{number}")).body())
                .unwrap();
        }
        let before = store.counts();
        let mut rounds = 0;
        while engine.backlog().unwrap().open > 0 {
            let _ = pollster::block_on(engine.tend_async(pending())).unwrap();
            rounds += 1;
            assert!(rounds < 1000);
        }
        let after = store.counts();
        (
            rounds,
            after.loads - before.loads,
            after.commits - before.commits,
        )
    };
    let (one, two) = (work(scaled(100)), work(scaled(400)));
    assert!(two.2 < 6 * one.2 && two.1 < 6 * one.1, "{one:?} {two:?}");
}
