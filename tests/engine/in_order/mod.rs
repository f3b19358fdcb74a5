//! The events of one user, one after the other.

mod faults;
mod model;

use std::collections::{BTreeMap, HashSet};
use std::future::pending;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;
use std::time::Duration;

use crate::support::engines::{
    Engine, account, engine_over, with_each_steady_store, with_each_store,
};
use crate::support::rows;
use crate::support::stores::{any_store, scaled};
use crate::support::unsteady::{Rates, Unsteady};
use crate::unsteady::should_retry;
use parking_lot::Mutex;
use whatsapp_signals::event::{MessageReceived, WebhookEvent};
use whatsapp_signals::model::Identity;
use whatsapp_signals::signals::{ANY_EVENT, MESSAGE_RECEIVED};
use whatsapp_signals::store::{Changes, ReadyStore, Store, WebhookChange};
use whatsapp_signals::testing::{self, Sample};
use whatsapp_signals::{ConnectOptions, Context, Outcome, Retry, WebhookEngine, with_state};

/// The users of the tests, by the last digits of their phone numbers.
const ADA: &str = "15550101001";
const BRAM: &str = "15550101002";

/// The state of a receiver that counts how many run at once.
type Counting = (Log, Arc<AtomicU64>, Arc<AtomicU64>);

/// The receiver of the tests: the messages that it had, and those that it fails at.
#[derive(Clone, Default)]
struct Log {
    calls: Arc<Mutex<Vec<String>>>,
    failing: Arc<Mutex<HashSet<String>>>,
}

impl Log {
    fn fail_at(&self, id: &str) {
        self.failing.lock().insert(id.to_owned());
    }

    fn repair(&self) {
        self.failing.lock().clear();
    }

    fn call(&self, id: &str) -> Result<(), Retry> {
        self.calls.lock().push(id.to_owned());
        match self.failing.lock().contains(id) {
            true if id.contains("never") => Err(Retry::never("refused")),
            true if id.contains("late") => Err(Retry::after(Duration::from_secs(3600), "down")),
            true => Err(Retry::after(Duration::ZERO, "down")),
            false => Ok(()),
        }
    }

    fn take(&self) -> Vec<String> {
        std::mem::take(&mut *self.calls.lock())
    }
}

/// Returns an engine that delivers messages in order to a receiver that notes them.
fn logging<S: Store>(engine: WebhookEngine<S>) -> (WebhookEngine<S>, Log) {
    let log = Log::default();
    let of_receiver = log.clone();
    let context = Context::new().only_own_receivers();
    let options = ConnectOptions::new().uid("log");
    let receiver = move |event: &MessageReceived| of_receiver.call(event.message.id.as_str());
    let connected = context.connect_with(&MESSAGE_RECEIVED, options, receiver);
    connected.unwrap();
    (engine.in_order(true).context(context), log)
}

fn message(from: &str, id: &str) -> Sample<MessageReceived> {
    testing::text("Hello").from(from).id(id)
}

fn process<S: ReadyStore>(engine: &WebhookEngine<S>, from: &str, id: &str) -> Outcome {
    engine.process(&message(from, id).body()).unwrap()
}

/// Returns how many events were delivered and held back, and how many are unfinished.
fn counts(outcome: &Outcome) -> [usize; 3] {
    [
        outcome.delivered(),
        outcome.held_back(),
        outcome.unfinished(),
    ]
}

/// Retries until nothing is unfinished.
fn retry_all(engine: &Engine) {
    for _ in 0..20 {
        if engine.retry_unfinished().unwrap().unfinished() == 0 {
            assert_eq!(engine.webhooks(None, 9).unwrap(), []);
            return;
        }
    }
    panic!("events wait for ever: {}", engine.backlog().unwrap());
}

#[test]
fn a_failed_event_holds_back_the_later_ones_of_its_user_only() {
    with_each_store(|engine| {
        let (engine, log) = logging(engine);
        log.fail_at("wamid.A0");
        assert_eq!(counts(&process(&engine, ADA, "wamid.A0")), [1, 0, 1]);
        let held = process(&engine, ADA, "wamid.A1");
        assert_eq!(
            (counts(&held), held.failed(), held.due()),
            ([0, 1, 1], 0, None)
        );
        assert_eq!(held.http_status(), 503);
        assert_eq!(counts(&process(&engine, BRAM, "wamid.B0")), [1, 0, 0]);
        assert_eq!(counts(&process(&engine, ADA, "wamid.A2")), [0, 1, 1]);
        let backlog = engine.backlog().unwrap();
        assert_eq!((backlog.open, backlog.held_back), (3, 2));
        assert_eq!(log.take(), ["wamid.A0", "wamid.B0"]);

        assert_eq!(
            counts(&process(&engine, ADA, "wamid.A1")),
            [0, 1, 1],
            "again"
        );
        log.repair();
        retry_all(&engine);
        assert_eq!(log.take(), ["wamid.A0", "wamid.A1", "wamid.A2"]);
        assert_eq!(counts(&process(&engine, ADA, "wamid.A3")), [1, 0, 0]);
        assert_eq!(engine.backlog().unwrap().held_back, 0);
    });
}

#[test]
fn an_event_in_the_same_body_is_held_back_as_well() {
    with_each_store(|engine| {
        let (engine, log) = logging(engine);
        log.fail_at("wamid.A0");
        let messages = [(ADA, "wamid.A0"), (ADA, "wamid.A1"), (BRAM, "wamid.B0")];
        let body = testing::batch(messages.map(|(from, id)| message(from, id))).body();
        let outcome = engine.process(&body).unwrap();
        assert_eq!((counts(&outcome), outcome.failed()), ([2, 1, 2], 1));
        assert_eq!(counts(&engine.process(&body).unwrap()), [1, 1, 2]);
        log.repair();
        assert_eq!(counts(&engine.process(&body).unwrap()), [2, 0, 0]);
        let expected = ["wamid.A0", "wamid.B0", "wamid.A0", "wamid.A0", "wamid.A1"];
        assert_eq!(log.take(), expected);
    });
}

#[test]
fn a_dead_event_holds_back_no_other_and_held_back_ones_make_no_attempt() {
    with_each_store(|engine| {
        let (engine, log) = logging(engine);
        let engine = engine.max_attempts(3);
        log.fail_at("wamid.A0");
        log.fail_at("wamid.A1");
        let _ = process(&engine, ADA, "wamid.A0");
        for _ in 0..4 {
            let _ = process(&engine, ADA, "wamid.A1");
        }
        assert_eq!(log.take(), ["wamid.A0"]);
        assert_eq!(process(&engine, ADA, "wamid.A0").dead_lettered(), 0);
        assert_eq!(process(&engine, ADA, "wamid.A0").dead_lettered(), 1);
        // It is the first attempt.
        assert_eq!(process(&engine, ADA, "wamid.A1").dead_lettered(), 0);
        assert_eq!(process(&engine, ADA, "wamid.A1").dead_lettered(), 0);
        assert_eq!(process(&engine, ADA, "wamid.A1").dead_lettered(), 1);
        log.fail_at("wamid.never");
        assert_eq!(process(&engine, ADA, "wamid.never").dead_lettered(), 1);
        assert_eq!(counts(&process(&engine, ADA, "wamid.A2")), [1, 0, 0]);
    });
}

#[test]
fn a_requeued_event_comes_behind_those_that_are_there() {
    with_each_store(|engine| {
        let (engine, log) = logging(engine);
        let engine = engine.max_attempts(1);
        log.fail_at("wamid.A0");
        assert_eq!(process(&engine, ADA, "wamid.A0").dead_lettered(), 1);
        let engine = engine.max_attempts(9);
        log.fail_at("wamid.A1");
        let _ = process(&engine, ADA, "wamid.A1");
        let letter = engine.dead_letters(1).unwrap().remove(0);
        assert!(engine.requeue(&letter.key).unwrap());
        log.take();
        let outcome = engine.retry_unfinished().unwrap();
        assert_eq!(counts(&outcome), [1, 1, 2]);
        log.repair();
        retry_all(&engine);
        assert_eq!(log.take(), ["wamid.A1", "wamid.A1", "wamid.A0"]);
    });
}

#[test]
fn two_numbers_and_events_without_a_user_are_apart() {
    with_each_store(|engine| {
        let (engine, log) = logging(engine);
        log.fail_at("wamid.A0");
        let _ = process(&engine, ADA, "wamid.A0");
        let other = message(ADA, "wamid.A1").to_number("300200100500601", "15550100201");
        assert_eq!(counts(&engine.process(&other.body()).unwrap()), [1, 0, 0]);
        let of_flow = testing::flow_status("DRAFT", "PUBLISHED");
        assert_eq!(counts(&engine.process(&of_flow.body()).unwrap()), [1, 0, 0]);
        assert_eq!(counts(&process(&engine, ADA, "wamid.A2")), [0, 1, 1]);
    });
}

#[test]
fn events_without_a_user_are_in_order_by_their_partition_key() {
    with_each_store(|engine| {
        let names = Arc::new(Mutex::new(Vec::new()));
        let of_receiver = Arc::clone(&names);
        let context = Context::new().only_own_receivers();
        context.connect(&ANY_EVENT, move |event: &WebhookEvent| {
            let mut names = of_receiver.lock();
            names.push(event.raw().as_str().contains("PUBLISHED"));
            if names.len() < 3 { Err("down") } else { Ok(()) }
        });
        let engine = engine.in_order(true).context(context);
        let (first, second) = (
            testing::flow_status("DRAFT", "PUBLISHED").body(),
            testing::flow_status("THROTTLED", "BLOCKED").body(),
        );
        assert_eq!(counts(&engine.process(&first).unwrap()), [1, 0, 1]);
        assert_eq!(counts(&engine.process(&second).unwrap()), [0, 1, 1]);
        assert_eq!(counts(&engine.process(&first).unwrap()), [1, 0, 1]);
        assert_eq!(counts(&engine.process(&first).unwrap()), [1, 0, 0]);
        assert_eq!(counts(&engine.process(&second).unwrap()), [1, 0, 0]);
        assert_eq!(*names.lock(), [true, true, true, false]);
    });
}

#[test]
fn a_user_is_one_by_all_ids_that_the_contact_has() {
    with_each_store(|engine| {
        let (engine, log) = logging(engine);
        let by = |id, user: fn(Sample<MessageReceived>) -> Sample<MessageReceived>| {
            engine.process(&user(message(ADA, id)).body()).unwrap()
        };
        log.fail_at("wamid.phone");
        // The contact has the number only, then both ids, and then the event names one.
        assert_eq!(counts(&by("wamid.phone", |user| user)), [1, 0, 1]);
        let both = by("wamid.both", |user| user.user_id("US.7001"));
        assert_eq!(counts(&both), [0, 1, 1]);
        let user_id = by("wamid.user", |user| user.user_id("US.7001").without_phone());
        assert_eq!(counts(&user_id), [0, 1, 1]);
        let other = by("wamid.other", |user| {
            user.user_id("US.7002").without_phone()
        });
        assert_eq!(counts(&other), [1, 0, 0]);
        log.take();
        log.repair();
        retry_all(&engine);
        assert_eq!(log.take(), ["wamid.phone", "wamid.both", "wamid.user"]);
    });
}

#[test]
fn two_contacts_that_turn_out_to_be_one_keep_the_order_of_both() {
    with_each_store(|engine| {
        let (engine, log) = logging(engine);
        for id in ["wamid.0", "wamid.1"] {
            log.fail_at(id);
        }
        let send = |message: Sample<MessageReceived>| engine.process(&message.body()).unwrap();
        assert_eq!(counts(&send(message(ADA, "wamid.0"))), [1, 0, 1]);
        let of_id = message(ADA, "wamid.1").user_id("US.7001").without_phone();
        assert_eq!(counts(&send(of_id)), [1, 0, 1]);
        let of_both = message(ADA, "wamid.2").user_id("US.7001");
        assert_eq!(counts(&send(of_both)), [0, 1, 1]);
        let of_id = message(ADA, "wamid.3").user_id("US.7001").without_phone();
        assert_eq!(counts(&send(of_id)), [0, 1, 1]);
        log.failing.lock().remove("wamid.0");
        let outcome = engine.retry_unfinished().unwrap();
        assert_eq!(counts(&outcome), [2, 2, 3], "the other one is still open");
        log.repair();
        log.take();
        retry_all(&engine);
        assert_eq!(log.take(), ["wamid.1", "wamid.2", "wamid.3"]);
    });
}

#[test]
fn an_erasure_releases_the_remaining_events() {
    with_each_store(|engine| {
        let (engine, log) = logging(engine);
        for id in ["wamid.A0", "wamid.B0"] {
            log.fail_at(id);
        }
        let messages = [(ADA, "wamid.A0"), (BRAM, "wamid.B0")];
        let body = testing::batch(messages.map(|(from, id)| message(from, id))).body();
        assert_eq!(counts(&engine.process(&body).unwrap()), [2, 0, 2]);
        assert_eq!(counts(&process(&engine, ADA, "wamid.A1")), [0, 1, 1]);
        assert_eq!(counts(&process(&engine, BRAM, "wamid.B1")), [0, 1, 1]);
        let ada = Identity::from_phone(ADA).unwrap();
        let erased = engine.account(&account()).erase(&ada).unwrap();
        assert_eq!(erased.events, 2);
        log.take();
        assert_eq!(counts(&process(&engine, ADA, "wamid.A2")), [1, 0, 0]);
        assert_eq!(counts(&process(&engine, BRAM, "wamid.B2")), [0, 1, 1]);
        log.repair();
        retry_all(&engine);
        assert_eq!(log.take(), ["wamid.A2", "wamid.B0", "wamid.B1", "wamid.B2"]);
    });
}

#[test]
fn a_body_that_cannot_be_read_any_more_holds_back_no_other() {
    with_each_steady_store(|engine| {
        let (engine, log) = logging(engine);
        log.fail_at("wamid.A0");
        let _ = process(&engine, ADA, "wamid.A0");
        let _ = process(&engine, ADA, "wamid.A1");
        let id = engine.webhooks(None, 1).unwrap()[0].id;
        let mut wanted = whatsapp_signals::store::LoadQuery::default();
        wanted.webhooks.insert(id);
        let stored = rows::load(engine.store(), &wanted).webhooks.remove(&id);
        let stored = stored.flatten().unwrap();
        let mut changes = Changes::default();
        changes.webhooks.push(WebhookChange::Replace {
            id,
            version: stored.version,
            row: stored.row,
            body: b"{".to_vec(),
        });
        rows::commit(engine.store(), &changes);
        log.take();
        for _ in 0..2 {
            let _ = engine.retry_unfinished().unwrap();
        }
        assert_eq!(engine.dead_letters(9).unwrap().len(), 1);
        assert_eq!(log.take(), ["wamid.A1"]);
    });
}

#[test]
fn the_setting_may_change_while_events_are_open() {
    with_each_store(|engine| {
        let (engine, log) = logging(engine);
        log.fail_at("wamid.A0");
        let engine = engine.in_order(false);
        let _ = process(&engine, ADA, "wamid.A0");
        let engine = engine.in_order(true);
        let outcome = process(&engine, ADA, "wamid.A0");
        assert_eq!(counts(&outcome), [1, 0, 1], "now it has its turn");
        assert_eq!(counts(&process(&engine, ADA, "wamid.A1")), [0, 1, 1]);
        log.repair();
        let engine = engine.in_order(false);
        retry_all(&engine);
        let engine = engine.in_order(true);
        assert_eq!(counts(&process(&engine, ADA, "wamid.A2")), [0, 1, 1]);
        // It deletes the turns that the other engine has left.
        assert_eq!(engine.prune(Duration::from_secs(3600)).unwrap(), 2);
        assert_eq!(counts(&process(&engine, ADA, "wamid.A2")), [1, 0, 0]);
    });
}

#[test]
fn the_parts_of_a_large_body_are_in_order() {
    with_each_store(|engine| {
        let (engine, log) = logging(engine);
        let id = |number: usize| format!("wamid.{number}");
        log.fail_at(&id(1));
        // The messages of two users in turn, claimed in two commits.
        let from = |number: usize| [ADA, BRAM][number % 2];
        let messages = (0..2100).map(|number| message(from(number), &id(number)));
        let body = testing::batch(messages).body();
        assert_eq!(counts(&engine.process(&body).unwrap()), [1051, 1049, 1050]);
        assert_eq!(counts(&process(&engine, BRAM, "wamid.B")), [0, 1, 1]);
        assert_eq!(counts(&process(&engine, ADA, "wamid.A")), [1, 0, 0]);
        log.repair();
        log.take();
        retry_all(&engine);
        let mut expected: Vec<_> = (0..1050).map(|number| id(2 * number + 1)).collect();
        expected.push("wamid.B".to_owned());
        assert_eq!(log.take(), expected);
    });
}

#[test]
fn accepted_webhooks_of_a_user_run_in_order_and_others_beside_them() {
    with_each_store(|engine| {
        let context = Context::new().only_own_receivers();
        let (log, running) = (Log::default(), Arc::new(AtomicU64::new(0)));
        let most = Arc::new(AtomicU64::new(0));
        let state = (log.clone(), Arc::clone(&running), Arc::clone(&most));
        let receiver = async |(log, running, most): Counting, event: &MessageReceived| {
            most.fetch_max(
                running.fetch_add(1, Ordering::Relaxed) + 1,
                Ordering::Relaxed,
            );
            for _ in 0..3 {
                tokio::task::yield_now().await;
            }
            running.fetch_sub(1, Ordering::Relaxed);
            log.call(event.message.id.as_str())
        };
        context.connect(&MESSAGE_RECEIVED, with_state(state, receiver));
        let engine = engine.in_order(true).tended(true).context(context);
        let runtime = tokio::runtime::Builder::new_current_thread();
        let runtime = { runtime }.enable_time().build().unwrap();
        runtime.block_on(async {
            for number in 0..4 {
                for (user, name) in [(ADA, "A"), (BRAM, "B")] {
                    let body = message(user, &format!("wamid.{name}{number}")).body();
                    let outcome = engine.accept_async(&body).await.unwrap();
                    assert_eq!(outcome.http_status(), 200);
                }
            }
            let backlog = engine.backlog_async().await.unwrap();
            assert_eq!((backlog.open, backlog.held_back), (8, 6));
            for _ in 0..20 {
                let tended = engine.tend_async(pending()).await.unwrap();
                if tended.next > Duration::ZERO {
                    break;
                }
            }
        });
        assert_eq!(engine.backlog().unwrap().open, 0);
        let log = log.take();
        for name in ["A", "B"] {
            let of_user = log.iter().filter(|id| id.contains(name));
            let expected: Vec<_> = (0..4)
                .map(|number| format!("wamid.{name}{number}"))
                .collect();
            assert!(of_user.eq(&expected), "{log:?}");
        }
        assert_eq!(most.load(Ordering::Relaxed), 2, "one of each user at once");
    });
}

#[test]
fn the_end_of_an_event_wakes_waiting_callers() {
    with_each_store(|engine| {
        let (engine, log) = logging(engine);
        let engine = engine.tended(true);
        log.fail_at("wamid.A0");
        let _ = process(&engine, ADA, "wamid.A0");
        let _ = process(&engine, ADA, "wamid.A1");
        let runtime = tokio::runtime::Builder::new_current_thread();
        let runtime = { runtime }.enable_time().build().unwrap();
        runtime.block_on(async {
            let _ = engine.tend_async(pending()).await.unwrap();
            let _ = engine.tend_async(pending()).await.unwrap();
            log.repair();
            let body = message(ADA, "wamid.A0").body();
            assert_eq!(engine.process_async(&body).await.unwrap().unfinished(), 0);
            engine.wait_for_work().await;
            assert_eq!(
                engine
                    .tend_async(pending())
                    .await
                    .unwrap()
                    .outcome
                    .delivered(),
                1
            );
        });
        assert_eq!(engine.backlog().unwrap().open, 0);
    });
}

/// Checks that each message was handled once, and those of each user in their order.
fn check_order(handled: &[String], users: usize, messages: usize, name: &str) {
    let mut by_user: BTreeMap<&str, Vec<usize>> = BTreeMap::new();
    for id in handled {
        let (user, number) = id.strip_prefix("wamid.").unwrap().split_once('.').unwrap();
        by_user
            .entry(user)
            .or_default()
            .push(number.parse().unwrap());
    }
    assert_eq!(by_user.len(), users, "{name}");
    for (user, numbers) in by_user {
        let expected: Vec<_> = (0..messages).collect();
        assert_eq!(numbers, expected, "{name}, user {user}");
    }
}

#[tokio::test]
async fn the_order_is_kept_whatever_the_store_and_the_receivers_do() {
    for seed in 0..scaled(40) {
        let rates = Rates {
            conflict: 25,
            unknown: 15,
            locked: 10,
        };
        let store = Unsteady::new(any_store(), seed, rates);
        let handled = Arc::new(Mutex::new(Vec::new()));
        let calls = Arc::new(AtomicU64::new(seed));
        let context = Context::new().only_own_receivers();
        let receiver = async |(handled, calls): (Arc<Mutex<Vec<String>>>, Arc<AtomicU64>),
                              event: &MessageReceived| {
            tokio::task::yield_now().await;
            if calls.fetch_add(1, Ordering::Relaxed).is_multiple_of(3) {
                return Err("each third call");
            }
            handled.lock().push(event.message.id.to_string());
            Ok(())
        };
        let state = (Arc::clone(&handled), calls);
        context.connect(&MESSAGE_RECEIVED, with_state(state, receiver));
        let engine = engine_over(store).in_order(true).context(context);
        for number in 0..6 {
            let messages = (0..4).map(|user| {
                let id = format!("wamid.{user}.{number}");
                message(&format!("1555010100{user}"), &id)
            });
            let body = testing::batch(messages).body();
            // Once at least, so that it is stored.
            while engine.process_async(&body).await.is_err() {}
            if number % 3 == 0 {
                _ = should_retry(engine.retry_unfinished_async().await);
            }
        }
        let mut rounds = 0;
        while should_retry(engine.retry_unfinished_async().await) {
            rounds += 1;
            assert!(rounds < 1000, "seed {seed}: events wait for ever");
        }
        check_order(&handled.lock(), 4, 6, &format!("seed {seed}"));
    }
}

#[test]
fn the_order_is_kept_across_threads() {
    with_each_store(|engine| {
        let handled = Arc::new(Mutex::new(Vec::new()));
        let calls = AtomicU64::new(0);
        let of_receiver = Arc::clone(&handled);
        let context = Context::new().only_own_receivers();
        context.connect(&MESSAGE_RECEIVED, move |event: &MessageReceived| {
            if calls.fetch_add(1, Ordering::Relaxed).is_multiple_of(5) {
                return Err("each fifth call");
            }
            thread::sleep(Duration::from_micros(50));
            of_receiver.lock().push(event.message.id.to_string());
            Ok(())
        });
        let engine = engine.in_order(true).tended(true).context(context);
        thread::scope(|scope| {
            for user in 0..4 {
                let engine = &engine;
                scope.spawn(move || {
                    for number in 0..15 {
                        let id = format!("wamid.{user}.{number}");
                        let body = message(&format!("1555010100{user}"), &id).body();
                        while engine.process(&body).is_err() {}
                        _ = engine.retry_unfinished();
                    }
                });
            }
        });
        retry_all(&engine);
        check_order(&handled.lock(), 4, 15, "threads");
    });
}
