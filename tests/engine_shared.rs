//! One webhook, and several who would handle it: each receiver runs once.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod support;

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread;
use std::time::Duration;

use parking_lot::{Mutex, MutexGuard};
use support::batch::{ERRORS, messages, value};
use support::engines::{Engine, with_each_store};
#[cfg(feature = "sqlite")]
use support::folder::Folder;
use whatsapp_signals::event::{Change, MessageReceived};
use whatsapp_signals::model::MetaError;
use whatsapp_signals::signals::{MESSAGE_RECEIVED, META_ERROR};
use whatsapp_signals::store::{Lease, MemoryStore, Mode, Store, StoreExt, WebhookId};
use whatsapp_signals::{ConnectOptions, Outcome, WebhookEngine, receiver};

static RUNS: Mutex<Option<HashMap<String, usize>>> = Mutex::new(None);

/// Runs of one test at a time are counted.
static TURN: Mutex<()> = Mutex::new(());

fn turn() -> MutexGuard<'static, ()> {
    let turn = TURN.lock();
    take_runs();
    turn
}

#[receiver(MESSAGE_RECEIVED)]
fn count(event: &MessageReceived) {
    let mut runs = RUNS.lock();
    let id = event.message.id.to_string();
    *runs.get_or_insert_default().entry(id).or_default() += 1;
}

fn take_runs() -> HashMap<String, usize> {
    RUNS.lock().take().unwrap_or_default()
}

fn assert_each_ran_once(count: usize) {
    let runs = take_runs();
    assert_eq!(runs.len(), count);
    assert!(runs.values().all(|runs| *runs == 1), "{runs:?}");
}

/// Processes a body until nobody has to send it again.
fn deliver(engine: &WebhookEngine<impl Store>, body: &[u8]) -> usize {
    let mut fired = 0;
    loop {
        let outcome = engine.process(body).unwrap();
        fired += outcome.fired();
        if !outcome.should_retry() {
            return fired;
        }
        thread::sleep(Duration::from_millis(1));
    }
}

#[test]
fn threads_with_the_same_bodies_run_each_receiver_once() {
    let _turn = turn();
    with_each_store(|engine| {
        let fired = Mutex::new(0);
        thread::scope(|scope| {
            for thread in 0..4 {
                let (engine, fired) = (&engine, &fired);
                scope.spawn(move || {
                    for round in 0..25 {
                        // Bodies overlap, and each thread begins elsewhere.
                        let first = (round + thread * 7) % 25 * 4;
                        *fired.lock() += deliver(engine, &messages(first..first + 8));
                    }
                });
            }
        });
        assert_eq!(fired.into_inner(), 104);
        assert_each_ran_once(104);
        assert_eq!(engine.store().webhooks(None, 9).unwrap(), []);
    });
}

#[cfg(feature = "sqlite")]
#[test]
fn engines_over_one_file_run_each_receiver_once() {
    let _turn = turn();
    let folder = Folder::new();
    let path = folder.file("store.db");
    thread::scope(|scope| {
        for _ in 0..3 {
            scope.spawn(|| {
                // Each its own connection, as if in a process of its own.
                let store = whatsapp_signals::store::SqliteStore::open(&path).unwrap();
                let engine = WebhookEngine::new(store);
                for first in (0..200).step_by(20) {
                    deliver(&engine, &messages(first..first + 20));
                }
            });
        }
    });
    assert_each_ran_once(200);
}

#[test]
fn while_somebody_works_on_a_webhook_others_leave_it_alone_and_ask_for_it_again() {
    let _turn = turn();
    with_each_store(|engine| {
        let (entered, has_entered) = channel();
        let (leave, may_leave) = channel::<()>();
        let may_leave = Mutex::new(may_leave);
        let last = ConnectOptions::new().order(1);
        let slow = MESSAGE_RECEIVED.connect_with(last, move |_: &MessageReceived| {
            entered.send(()).unwrap();
            may_leave.lock().recv().unwrap();
        });
        thread::scope(|scope| {
            let worker = scope.spawn(|| engine.process(&messages(0..1)).unwrap());
            has_entered.recv().unwrap();
            let other = engine.process(&messages(0..1)).unwrap();
            assert_eq!((other.fired(), other.duplicate()), (0, 0));
            assert_eq!((other.unfinished(), other.should_retry()), (1, true));
            let retried = engine.retry_unfinished().unwrap();
            assert_eq!((retried.fired(), retried.unfinished()), (0, 1));
            leave.send(()).unwrap();
            assert_eq!(worker.join().unwrap().fired(), 1);
        });
        drop(slow);
        assert_eq!(engine.process(&messages(0..1)).unwrap().duplicate(), 1);
        assert_each_ran_once(1);
    });
}

/// Takes the lease of a webhook for somebody who is not there.
fn lease_to_nobody(engine: &Engine, until: i64) {
    let store = engine.store();
    let id = store.webhooks(None, 9).unwrap()[0].id;
    store
        .transact(Mode::Write, &mut |tx| {
            let mut webhook = tx.webhook(id)?.unwrap();
            webhook.lease = Some(Lease::new(1, until));
            tx.put_webhook(id, &webhook)
        })
        .unwrap();
}

/// A webhook whose only receiver that is connected at run time has failed.
fn leave_unfinished(engine: &Engine) {
    let fails = MESSAGE_RECEIVED.connect(|_: &MessageReceived| Err("not yet"));
    assert!(engine.process(&messages(0..2)).unwrap().should_retry());
    drop(fails);
}

#[test]
fn a_lease_that_has_ended_is_taken_over_and_one_that_has_not_is_respected() {
    let _turn = turn();
    with_each_store(|engine| {
        leave_unfinished(&engine);
        lease_to_nobody(&engine, i64::MAX);
        let outcome = engine.process(&messages(0..2)).unwrap();
        assert_eq!((outcome.fired(), outcome.unfinished()), (0, 2));
        lease_to_nobody(&engine, 0);
        let outcome = engine.process(&messages(0..2)).unwrap();
        assert_eq!((outcome.fired(), outcome.unfinished()), (2, 0));
        assert_each_ran_once(2);
    });
}

#[test]
fn an_event_that_ends_the_program_every_time_is_a_dead_letter_in_the_end() {
    let _turn = turn();
    with_each_store(|engine| {
        let engine = engine.max_attempts(3);
        leave_unfinished(&engine);
        // Each of these runs ends in the second event, as the program would,
        // and leaves its lease behind.
        let mut attempts = Vec::new();
        loop {
            lease_to_nobody(&engine, 0);
            let ends = MESSAGE_RECEIVED.connect(|event: &MessageReceived| {
                assert!(event.message.id != "wamid.1", "the end");
            });
            let outcome = engine.process(&messages(0..2)).unwrap();
            drop(ends);
            attempts.push((outcome.fired(), outcome.dead()));
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
    let _turn = turn();
    with_each_store(|engine| {
        leave_unfinished(&engine);
        lease_to_nobody(&engine, 0);
        let store = Arc::clone(engine.store());
        let (sender, attempts) = channel();
        let looks = MESSAGE_RECEIVED.connect(move |event: &MessageReceived| {
            let key = whatsapp_signals::Event::dedup_key(event);
            store
                .transact(Mode::Read, &mut |tx| {
                    sender.send(tx.event(&key)?.unwrap().attempts).unwrap();
                    Ok(())
                })
                .unwrap();
        });
        let outcome = engine.process(&messages(0..2)).unwrap();
        drop(looks);
        assert_eq!((outcome.fired(), outcome.unfinished()), (2, 0));
        assert_eq!(attempts.iter().collect::<Vec<_>>(), [2, 2]);
    });
}

#[test]
fn who_has_lost_the_lease_stops_and_what_both_did_is_kept() {
    let _turn = turn();
    with_each_store(|engine| {
        let engine = Arc::new(engine);
        let (thief, slow) = (
            Arc::clone(&engine),
            ConnectOptions::new().order(1).uid("slow"),
        );
        let stolen = Mutex::new(false);
        let (sender, results) = channel::<Outcome>();
        // Within the first event somebody else takes the webhook over, as if
        // the lease had ended, and does all of it.
        let steals = MESSAGE_RECEIVED.connect_with(slow, move |_: &MessageReceived| {
            if !std::mem::replace(&mut *stolen.lock(), true) {
                lease_to_nobody(&thief, 0);
                sender
                    .send(thief.process(&messages(0..3)).unwrap())
                    .unwrap();
            }
            thread::sleep(Duration::from_millis(11)); // so that it is marked
        });
        let outcome = engine.process(&messages(0..3)).unwrap();
        drop(steals);
        let other = results.recv().unwrap();
        assert_eq!((other.fired(), other.should_retry()), (3, false));
        assert_eq!(outcome.fired(), 1, "it stopped");
        assert!(outcome.should_retry());
        assert_eq!(engine.process(&messages(0..3)).unwrap().duplicate(), 3);
        let runs = take_runs();
        assert_eq!((runs["wamid.1"], runs["wamid.2"]), (1, 1));
    });
}

/// Stops those who come, in the order in which they come, until they are let
/// go.
struct Gate {
    enter: Sender<()>,
    leave: Mutex<std::vec::IntoIter<Receiver<()>>>,
}

impl Gate {
    /// A gate for two: itself, who hears of them, and what lets them go.
    fn for_two() -> (Arc<Self>, Receiver<()>, [Sender<()>; 2]) {
        let (enter, entered) = channel();
        let ((first, wait_first), (second, wait_second)) = (channel(), channel());
        let leave = Mutex::new(vec![wait_first, wait_second].into_iter());
        (Arc::new(Self { enter, leave }), entered, [first, second])
    }

    fn pass(&self) {
        let waits = self.leave.lock().next();
        if let Some(waits) = waits {
            self.enter.send(()).unwrap();
            let _ = waits.recv();
        }
    }
}

const LEASE: Duration = Duration::from_millis(40);

#[test]
fn who_comes_back_late_does_not_close_what_somebody_else_works_on() {
    let _turn = turn();
    with_each_store(|engine| {
        let engine = engine.lease(LEASE);
        let (gate, entered, [first, second]) = Gate::for_two();
        let is_down = Arc::new(Mutex::new(true));
        let seen = Arc::clone(&is_down);
        let receiver = MESSAGE_RECEIVED.connect_with(
            ConnectOptions::new().order(1).uid("r"),
            move |event: &MessageReceived| {
                if event.message.id == "wamid.1" {
                    gate.pass();
                } else if *seen.lock() {
                    return Err("not yet");
                }
                Ok(())
            },
        );
        // Both fail at message 0 and are stopped in message 1: the late one
        // first, and once its lease has ended the one that takes over.
        thread::scope(|scope| {
            let late = scope.spawn(|| engine.process(&messages(0..2)).unwrap());
            entered.recv().unwrap();
            thread::sleep(LEASE * 2);
            let other = scope.spawn(|| engine.process(&messages(0..2)).unwrap());
            entered.recv().unwrap();
            first.send(()).unwrap();
            assert!(late.join().unwrap().should_retry());
            second.send(()).unwrap();
            assert!(other.join().unwrap().should_retry());
        });
        *is_down.lock() = false;
        let outcome = engine.retry_unfinished().unwrap();
        assert_eq!(
            (outcome.fired(), outcome.unfinished()),
            (1, 0),
            "it is not lost"
        );
        assert_eq!(engine.process(&messages(0..2)).unwrap().duplicate(), 2);
        drop(receiver);
    });
}

#[test]
fn who_comes_back_late_makes_no_dead_letter_of_what_somebody_else_has_finished() {
    let _turn = turn();
    with_each_store(|engine| {
        let engine = engine.lease(LEASE).log_webhooks(true).max_attempts(1);
        let (gate, entered, [first, second]) = Gate::for_two();
        drop(second); // nobody else is stopped
        let receiver = MESSAGE_RECEIVED.connect_with(
            ConnectOptions::new().order(1).uid("r"),
            move |event: &MessageReceived| {
                let is_late = gate.leave.lock().len() == 2;
                if event.message.id == "wamid.0" && is_late {
                    gate.pass();
                    return Err("too late");
                }
                Ok(())
            },
        );
        thread::scope(|scope| {
            let late = scope.spawn(|| engine.process(&messages(0..3)).unwrap());
            entered.recv().unwrap();
            thread::sleep(LEASE * 2);
            let other = engine.process(&messages(0..3)).unwrap();
            assert_eq!((other.fired(), other.should_retry()), (3, false));
            first.send(()).unwrap();
            let late = late.join().unwrap();
            assert_eq!((late.failed(), late.dead()), (1, 0));
            assert!(late.should_retry());
        });
        drop(receiver);
        assert_eq!(engine.dead_letters(9).unwrap(), []);
        assert_eq!(engine.process(&messages(0..3)).unwrap().duplicate(), 3);
    });
}

#[test]
fn who_comes_back_late_leaves_alone_what_belongs_to_another_webhook_by_now() {
    let _turn = turn();
    let message = r#""messages":[{"id":"wamid.M","from":"1","type":"text","text":{"body":"Hi"}}]"#;
    with_each_store(|engine| {
        let engine = engine.lease(LEASE);
        let (gate, entered, [first, second]) = Gate::for_two();
        drop(second);
        let is_down = Arc::new(Mutex::new(true));
        let down = Arc::clone(&is_down);
        let fails = MESSAGE_RECEIVED.connect_with(
            ConnectOptions::new().uid("m"),
            move |event: &MessageReceived| {
                let is_down = event.message.id == "wamid.M" && *down.lock();
                (!is_down).then_some(()).ok_or("not yet")
            },
        );
        // The late one is stopped and succeeds, the next succeeds, the third
        // fails, and whoever comes then succeeds.
        let (sender, calls) = channel();
        let count = Mutex::new(0);
        let stops = META_ERROR.connect_with(
            ConnectOptions::new().uid("e"),
            move |_: &Change<MetaError>| {
                let call = {
                    let mut count = count.lock();
                    *count += 1;
                    *count
                };
                sender.send(call).unwrap();
                if call == 1 {
                    gate.pass();
                }
                (call != 3).then_some(()).ok_or("not yet")
            },
        );
        thread::scope(|scope| {
            let both = value("messages", &format!("{message},{ERRORS}"));
            let engine = &engine;
            let late = scope.spawn(move || engine.process(&both).unwrap());
            entered.recv().unwrap();
            thread::sleep(LEASE * 2);
            // The error is finished by somebody else, happens again, and is
            // not finished then.
            assert!(engine.retry_unfinished().unwrap().should_retry());
            let again = engine.process(&value("messages", ERRORS)).unwrap();
            assert_eq!((again.fired(), again.failed()), (1, 1));
            first.send(()).unwrap();
            assert!(late.join().unwrap().should_retry());
        });
        *is_down.lock() = false;
        let outcome = engine.retry_unfinished().unwrap();
        assert_eq!((outcome.fired(), outcome.unfinished()), (2, 0));
        assert_eq!(
            calls.try_iter().last(),
            Some(4),
            "the second error was told"
        );
        drop((fails, stops));
    });
}

#[test]
fn a_store_that_runs_the_work_twice_changes_nothing_twice() {
    /// Rolls every transaction back once, as a store does that has met a
    /// conflict.
    struct Twice(MemoryStore);

    impl Store for Twice {
        fn transact(
            &self,
            mode: Mode,
            work: &mut whatsapp_signals::store::Work<'_>,
        ) -> Result<(), whatsapp_signals::store::StoreError> {
            let conflict = || {
                let kind = whatsapp_signals::store::StoreErrorKind::Locked;
                whatsapp_signals::store::StoreError::new(kind, "a conflict")
            };
            let first = self.0.transact(mode, &mut |tx| {
                work(tx)?;
                Err(conflict())
            });
            assert!(first.is_err());
            self.0.transact(mode, work)
        }
    }

    let _turn = turn();
    let engine = WebhookEngine::new(Twice(MemoryStore::new()));
    let outcome = engine.process(&messages(0..5)).unwrap();
    assert_eq!((outcome.fired(), outcome.duplicate()), (5, 0));
    assert_eq!(engine.process(&messages(0..6)).unwrap().duplicate(), 5);
    assert_each_ran_once(6);
    let (_, unread) = engine.store().unread_counts().unwrap().remove(0);
    assert_eq!(unread, 6);
    assert_eq!(engine.store().webhooks(Some(WebhookId(0)), 9).unwrap(), []);
}
