//! Each receiver gets each event until it has succeeded, and never again.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod support;

use std::sync::Arc;
use std::time::Duration;

use parking_lot::{Mutex, MutexGuard};
use support::batch::{ERRORS, GOOD, ODD, items, messages, value};
use support::engines::{Engine, with_each_store};
use whatsapp_signals::event::{Change, MessageReceived, Unrecognized};
use whatsapp_signals::model::{MetaError, Timestamp};
use whatsapp_signals::signals::{MESSAGE_RECEIVED, META_ERROR, UNRECOGNIZED};
use whatsapp_signals::store::{EventRecord, Mode, Store, StoreExt, Transaction, WebhookRecord};
use whatsapp_signals::{ConnectOptions, Event, Outcome, receiver};

/// What the receivers of this file do and have done. They are those of the
/// whole program, so that one test at a time has them.
#[derive(Default)]
struct Desk {
    /// The receivers that fail now, and how.
    failing: Vec<(&'static str, Fails)>,
    /// Who succeeded with which event, in order.
    done: Vec<(&'static str, String)>,
}

#[derive(Clone, Copy, PartialEq)]
enum Fails {
    Error,
    Panic,
}

static DESK: Mutex<Desk> = Mutex::new(Desk {
    failing: Vec::new(),
    done: Vec::new(),
});
static TURN: Mutex<()> = Mutex::new(());

/// Waits until no other test uses the desk, and clears it.
fn turn() -> MutexGuard<'static, ()> {
    let turn = TURN.lock();
    *DESK.lock() = Desk::default();
    turn
}

fn act(receiver: &'static str, event: &str) -> Result<(), &'static str> {
    let mut desk = DESK.lock();
    let fails = desk.failing.iter().find(|(name, _)| *name == receiver);
    match fails.map(|(_, fails)| *fails) {
        None => {
            desk.done.push((receiver, event.to_owned()));
            Ok(())
        }
        Some(Fails::Error) => Err("as it was told"),
        // Not `panic!`, which would show up in the test's output.
        Some(Fails::Panic) => std::panic::resume_unwind(Box::new("as it was told")),
    }
}

fn fail(receiver: &'static str, fails: Fails) {
    DESK.lock().failing.push((receiver, fails));
}

fn mend() {
    DESK.lock().failing.clear();
}

/// Who succeeded since the last call.
fn done() -> Vec<(&'static str, String)> {
    std::mem::take(&mut DESK.lock().done)
}

#[receiver(MESSAGE_RECEIVED, order = 1)]
fn first(event: &MessageReceived) -> Result<(), &'static str> {
    act("first", event.message.id.as_str())
}

#[receiver(MESSAGE_RECEIVED, order = 2, uid = "second")]
fn second(event: &MessageReceived) -> Result<(), &'static str> {
    act("second", event.message.id.as_str())
}

#[receiver(MESSAGE_RECEIVED, order = 3, filter = |event| event.message.has_media())]
fn never(_: &MessageReceived) -> Result<(), &'static str> {
    act("never", "")
}

#[receiver(META_ERROR)]
fn error(_: &Change<MetaError>) -> Result<(), &'static str> {
    act("error", "")
}

#[receiver(UNRECOGNIZED)]
fn odd(event: &Unrecognized) -> Result<(), &'static str> {
    act("odd", &event.path)
}

fn line(outcome: &Outcome) -> String {
    outcome.to_string()
}

fn with(receiver: &'static str, event: &str) -> (&'static str, String) {
    (receiver, event.to_owned())
}

#[test]
fn a_webhook_that_comes_again_runs_nothing() {
    let _turn = turn();
    with_each_store(|engine| {
        let body = messages(0..3);
        let outcome = engine.process(&body).unwrap();
        assert_eq!(
            line(&outcome),
            "fired 3 duplicate 0 unrecognized 0 failed 0"
        );
        assert_eq!(done().len(), 6);
        for _ in 0..2 {
            let outcome = engine.process(&body).unwrap();
            assert_eq!(
                line(&outcome),
                "fired 0 duplicate 3 unrecognized 0 failed 0"
            );
            assert!(!outcome.should_retry());
            assert_eq!(done(), []);
        }
        assert_eq!(
            engine.store().webhooks(None, 9).unwrap(),
            [],
            "nothing is left"
        );
        assert_eq!(
            line(&engine.retry_unfinished().unwrap()),
            "fired 0 duplicate 0 unrecognized 0 failed 0"
        );
    });
}

#[test]
fn what_comes_again_in_other_company_is_known_one_by_one() {
    let _turn = turn();
    with_each_store(|engine| {
        assert_eq!(engine.process(&messages(0..2)).unwrap().fired(), 2);
        let outcome = engine.process(&messages(1..4)).unwrap();
        assert_eq!(
            line(&outcome),
            "fired 2 duplicate 1 unrecognized 0 failed 0"
        );
        assert_eq!(engine.process(&messages(0..4)).unwrap().duplicate(), 4);
        assert_eq!(done().len(), 8);
    });
}

#[test]
fn what_is_in_one_body_twice_runs_once() {
    let _turn = turn();
    with_each_store(|engine| {
        let outcome = engine.process(&items("messages", &[GOOD, GOOD])).unwrap();
        assert_eq!(
            line(&outcome),
            "fired 1 duplicate 1 unrecognized 0 failed 0"
        );
        assert_eq!(
            done(),
            [with("first", "wamid.A"), with("second", "wamid.A")]
        );
    });
}

#[test]
fn a_redelivery_runs_only_the_receivers_that_have_not_succeeded() {
    let _turn = turn();
    for fails in [Fails::Error, Fails::Panic] {
        for (bad, good) in [("first", "second"), ("second", "first")] {
            with_each_store(|engine| {
                fail(bad, fails);
                let body = messages(0..2);
                let outcome = engine.process(&body).unwrap();
                assert_eq!(
                    line(&outcome),
                    "fired 2 duplicate 0 unrecognized 0 failed 2"
                );
                assert_eq!((outcome.unfinished(), outcome.should_retry()), (2, true));
                assert_eq!((outcome.failures()[1].event, outcome.unheard()), (1, 0));
                assert_eq!(done(), [with(good, "wamid.0"), with(good, "wamid.1")]);

                // It fails again, and the other one is left alone.
                assert_eq!(engine.process(&body).unwrap().failed(), 2);
                assert_eq!(done(), []);

                mend();
                let outcome = engine.process(&body).unwrap();
                assert_eq!(outcome.unheard(), 0);
                assert_eq!(
                    line(&outcome),
                    "fired 2 duplicate 0 unrecognized 0 failed 0"
                );
                assert_eq!(done(), [with(bad, "wamid.0"), with(bad, "wamid.1")]);
                assert_eq!(engine.process(&body).unwrap().duplicate(), 2);
                assert_eq!(done(), []);
            });
        }
    }
}

#[test]
fn one_bad_event_leaves_its_neighbours_finished() {
    let _turn = turn();
    with_each_store(|engine| {
        let body = items("messages", &[ODD, GOOD]);
        fail("odd", Fails::Error);
        let outcome = engine.process(&body).unwrap();
        assert_eq!(
            line(&outcome),
            "fired 2 duplicate 0 unrecognized 1 failed 1"
        );
        let outcome = engine.process(&body).unwrap();
        assert_eq!(
            line(&outcome),
            "fired 1 duplicate 1 unrecognized 1 failed 1"
        );
        mend();
        let outcome = engine.retry_unfinished().unwrap();
        assert_eq!(
            line(&outcome),
            "fired 1 duplicate 0 unrecognized 1 failed 0"
        );
        assert_eq!(engine.process(&body).unwrap().duplicate(), 2);
    });
}

#[test]
fn a_retry_runs_what_failed_with_the_stored_contact() {
    let _turn = turn();
    with_each_store(|engine| {
        fail("second", Fails::Error);
        assert!(engine.process(&messages(0..2)).unwrap().should_retry());
        assert_eq!(engine.retry_unfinished().unwrap().failed(), 2);
        mend();
        done();
        let user = whatsapp_signals::model::Identity::from_phone("15550101001").unwrap();
        engine
            .store()
            .update_contact(&user, |c| c.labels.push("gravel".into()))
            .unwrap();
        let (sender, seen) = std::sync::mpsc::channel();
        let connection = MESSAGE_RECEIVED.connect(move |event: &MessageReceived| {
            let contact = event.contact.as_ref().unwrap();
            sender
                .send((contact.labels.clone(), contact.created_at))
                .unwrap();
        });
        let outcome = engine.retry_unfinished().unwrap();
        drop(connection);
        assert_eq!(
            line(&outcome),
            "fired 2 duplicate 0 unrecognized 0 failed 0"
        );
        assert_eq!(
            done(),
            [with("second", "wamid.0"), with("second", "wamid.1")]
        );
        for (labels, created_at) in seen {
            assert_eq!(labels, ["gravel"]);
            assert!(created_at.is_some());
        }
        assert_eq!(engine.retry_unfinished().unwrap().fired(), 0);
        assert_eq!(
            engine.store().unread_count(&user).unwrap(),
            2,
            "written down once"
        );
    });
}

#[test]
fn many_unfinished_webhooks_are_all_retried_in_the_order_in_which_they_came() {
    let _turn = turn();
    with_each_store(|engine| {
        fail("first", Fails::Error);
        for number in 0..250 {
            assert!(
                engine
                    .process(&messages(number..number + 1))
                    .unwrap()
                    .should_retry()
            );
        }
        mend();
        done();
        assert_eq!(engine.retry_unfinished().unwrap().fired(), 250);
        let expected: Vec<_> = (0..250)
            .map(|n| with("first", &format!("wamid.{n}")))
            .collect();
        assert_eq!(done(), expected);
    });
}

#[test]
fn what_fails_too_often_is_a_dead_letter_that_can_be_requeued_and_discarded() {
    let _turn = turn();
    let test = |engine: Engine| {
        let engine = engine.max_attempts(3);
        fail("second", Fails::Error);
        let body = messages(0..2);
        for attempt in 1..=3 {
            let outcome = engine.process(&body).unwrap();
            assert_eq!((outcome.failed(), outcome.should_retry()), (2, attempt < 3));
            assert_eq!(outcome.dead(), if attempt == 3 { 2 } else { 0 });
        }
        assert_eq!(
            engine.process(&body).unwrap().duplicate(),
            2,
            "nobody tries again"
        );
        assert_eq!(engine.retry_unfinished().unwrap().fired(), 0);

        let letters = engine.dead_letters(9).unwrap();
        let keys: Vec<_> = letters.iter().map(|letter| letter.key.as_str()).collect();
        assert_eq!(
            keys,
            [
                "message_received:wamid.0:text",
                "message_received:wamid.1:text"
            ]
        );
        assert_eq!(letters[0].failed, ["second"]);
        assert_eq!(letters[0].attempts, 3);
        let event = letters[0].event.as_ref().unwrap();
        assert_eq!(event.dedup_key(), letters[0].key);
        assert!(
            !format!("{letters:?}").contains("wamid"),
            "no personal data"
        );
        assert_eq!(engine.dead_letters(1).unwrap().len(), 1);

        // Both are requeued; one of them is finished, one dies again.
        assert!(engine.requeue(keys[0]).unwrap());
        assert!(
            !engine.requeue(keys[0]).unwrap(),
            "it is no dead letter now"
        );
        assert!(!engine.requeue("nonsense").unwrap());
        mend();
        done();
        assert_eq!(engine.retry_unfinished().unwrap().fired(), 1);
        assert_eq!(done(), [with("second", "wamid.0")], "`first` had succeeded");
        assert!(!engine.discard(keys[0]).unwrap(), "it is finished");

        assert!(engine.discard(keys[1]).unwrap());
        assert_eq!(engine.dead_letters(9).unwrap(), []);
        assert_eq!(engine.process(&body).unwrap().duplicate(), 2);
        assert_eq!(
            engine.store().webhooks(None, 9).unwrap(),
            [],
            "nothing is left"
        );
    };
    with_each_store(test);
}

#[test]
fn a_requeued_letter_does_not_bring_back_its_neighbours() {
    let _turn = turn();
    with_each_store(|engine| {
        let engine = engine.max_attempts(2);
        let item = |id| {
            format!(r#"{{"id":"wamid.{id}","from":"1","type":"text","text":{{"body":"Hi"}}}}"#)
        };
        let body = items("messages", &[&item(0), ODD, &item(1)]);
        fail("odd", Fails::Error);
        for _ in 0..2 {
            assert_eq!(engine.process(&body).unwrap().failed(), 1);
        }
        done();
        let letters = engine.dead_letters(9).unwrap();
        assert!(engine.requeue(&letters[0].key).unwrap());
        mend();
        let outcome = engine.retry_unfinished().unwrap();
        assert_eq!(
            line(&outcome),
            "fired 1 duplicate 0 unrecognized 1 failed 0"
        );
        assert_eq!(done().len(), 1);
    });
}

#[test]
fn nor_those_that_were_finished_after_it_had_died() {
    let _turn = turn();
    with_each_store(|engine| {
        let engine = engine.max_attempts(2);
        fail("odd", Fails::Error);
        fail("second", Fails::Error);
        assert_eq!(
            engine
                .process(&items("messages", &[GOOD, ODD]))
                .unwrap()
                .failed(),
            2
        );
        assert_eq!(
            engine.process(&items("messages", &[ODD])).unwrap().dead(),
            1
        );
        mend();
        assert_eq!(
            engine.process(&items("messages", &[GOOD])).unwrap().fired(),
            1
        );
        done();
        let letters = engine.dead_letters(9).unwrap();
        assert!(engine.requeue(&letters[0].key).unwrap());
        assert_eq!(engine.retry_unfinished().unwrap().fired(), 1);
        assert_eq!(done().len(), 1, "the odd one alone");
    });
}

#[test]
fn what_nobody_hears_is_counted_and_finished() {
    let _turn = turn();
    with_each_store(|engine| {
        let silence = MESSAGE_RECEIVED.mute();
        let outcome = engine.process(&messages(0..2)).unwrap();
        assert_eq!((outcome.fired(), outcome.unheard()), (2, 2));
        drop(silence);
        let mut outcome = engine.process(&messages(0..3)).unwrap();
        assert_eq!((outcome.duplicate(), outcome.unheard()), (2, 0));
        let silence = MESSAGE_RECEIVED.mute();
        outcome += engine.process(&messages(3..4)).unwrap();
        drop(silence);
        assert_eq!(outcome.unheard(), 1);
        assert_eq!(done().len(), 2, "both heard the third");
    });
}

#[test]
fn a_receiver_that_is_added_later_gets_only_what_is_not_finished() {
    let _turn = turn();
    with_each_store(|engine| {
        assert_eq!(engine.process(&messages(0..1)).unwrap().fired(), 1);
        fail("second", Fails::Error);
        assert_eq!(engine.process(&messages(1..2)).unwrap().failed(), 1);
        mend();
        let (sender, seen) = std::sync::mpsc::channel();
        let connection = MESSAGE_RECEIVED.connect(move |event: &MessageReceived| {
            sender.send(event.message.id.to_string()).unwrap();
        });
        assert_eq!(engine.process(&messages(0..2)).unwrap().fired(), 1);
        drop(connection);
        assert_eq!(seen.iter().collect::<Vec<_>>(), ["wamid.1"]);
    });
}

#[test]
fn receivers_with_one_path_are_told_apart() {
    let _turn = turn();
    with_each_store(|engine| {
        let connect = |name: &'static str| {
            MESSAGE_RECEIVED
                .connect(move |event: &MessageReceived| act(name, event.message.id.as_str()))
        };
        let connections = ["a", "b", "c"].map(connect);
        fail("b", Fails::Error);
        assert_eq!(engine.process(&messages(0..1)).unwrap().failed(), 1);
        assert_eq!(done().len(), 4);
        mend();
        assert_eq!(engine.process(&messages(0..1)).unwrap().failed(), 0);
        assert_eq!(done(), [with("b", "wamid.0")]);
        drop(connections);
    });
}

#[test]
fn an_error_without_a_name_that_happens_again_is_another_one() {
    let _turn = turn();
    with_each_store(|engine| {
        let body = value("messages", ERRORS);
        for _ in 0..3 {
            let outcome = engine.process(&body).unwrap();
            assert_eq!(
                line(&outcome),
                "fired 1 duplicate 0 unrecognized 0 failed 0"
            );
        }
        fail("error", Fails::Error);
        assert!(engine.process(&body).unwrap().should_retry());
        mend();
        assert_eq!(engine.retry_unfinished().unwrap().fired(), 1);
    });
}

#[test]
fn an_error_that_comes_with_what_came_before_has_come_before() {
    let _turn = turn();
    with_each_store(|engine| {
        let message = |id| {
            format!(
                r#""messages":[{{"id":"wamid.{id}","from":"1","type":"text","text":{{"body":"Hi"}}}}]"#
            )
        };
        let body = |id| value("messages", &format!("{},{ERRORS}", message(id)));
        fail("second", Fails::Error);
        for _ in 0..3 {
            assert!(engine.process(&body("A")).unwrap().should_retry());
        }
        mend();
        assert_eq!(engine.process(&body("A")).unwrap().fired(), 1);
        let told = done().iter().filter(|(name, _)| *name == "error").count();
        assert_eq!(told, 1);
        assert_eq!(
            engine.process(&body("B")).unwrap().fired(),
            2,
            "in new company"
        );
        done();
    });
}

#[test]
fn an_error_that_happens_again_takes_the_place_of_its_dead_letter() {
    let _turn = turn();
    with_each_store(|engine| {
        let engine = engine.max_attempts(1);
        let body = value("messages", ERRORS);
        fail("error", Fails::Error);
        assert_eq!(engine.process(&body).unwrap().dead(), 1);
        mend();
        assert_eq!(engine.process(&body).unwrap().fired(), 1);
        assert_eq!(engine.dead_letters(9).unwrap(), []);
        assert_eq!(engine.store().webhooks(None, 9).unwrap(), []);
    });
}

#[test]
fn a_webhook_that_cannot_be_read_keeps_no_other_from_its_retry() {
    let _turn = turn();
    with_each_store(|engine| {
        engine
            .store()
            .transact(Mode::Write, &mut |tx| {
                let webhook = WebhookRecord::new(Timestamp::now(), 1, None);
                tx.add_webhook(&webhook, b"{").map(|_| ())
            })
            .unwrap();
        fail("second", Fails::Error);
        assert!(engine.process(&messages(0..1)).unwrap().should_retry());
        mend();
        done();
        let outcome = engine.retry_unfinished().unwrap();
        assert_eq!(outcome.dead(), 1, "and it is told of");
        assert_eq!(done(), [with("second", "wamid.0")]);
    });
}

#[test]
fn a_slow_receiver_is_marked_as_soon_as_it_returns() {
    let _turn = turn();
    with_each_store(|engine| {
        let slow = MESSAGE_RECEIVED.connect_with(
            ConnectOptions::new().order(7).uid("slow"),
            |_: &MessageReceived| std::thread::sleep(Duration::from_millis(15)),
        );
        // The one behind it looks into the store.
        let (sender, marked) = std::sync::mpsc::channel();
        let store = Arc::clone(engine.store());
        let looks = move |event: &MessageReceived| {
            let mut look = |tx: &mut dyn Transaction| {
                let record = tx.event(&event.dedup_key())?;
                sender.send(record.map(|record| record.done)).unwrap();
                Ok(())
            };
            store.transact(Mode::Read, &mut look).unwrap();
        };
        let last = ConnectOptions::new().order(8);
        let looks = MESSAGE_RECEIVED.connect_with(last, looks);
        assert_eq!(engine.process(&messages(0..1)).unwrap().failed(), 0);
        drop((slow, looks));
        let names = marked.recv().unwrap().unwrap();
        let expected = [
            "engine_receivers::first",
            "second",
            "engine_receivers::never",
            "slow",
        ];
        assert_eq!(names, expected);
    });
}

#[test]
fn finished_webhooks_are_kept_for_as_long_as_the_log_is_wanted() {
    let _turn = turn();
    with_each_store(|engine| {
        let engine = engine.log_webhooks(true);
        let body = messages(0..2);
        for _ in 0..2 {
            assert!(!engine.process(&body).unwrap().should_retry());
        }
        let logged = engine.store().webhooks(None, 9).unwrap();
        assert_eq!(logged.len(), 2, "what comes again is logged again");
        assert!(
            logged
                .iter()
                .all(|webhook| webhook.body == body && webhook.open == 0)
        );
        let later = engine.store().webhooks(Some(logged[0].id), 9).unwrap();
        assert_eq!(later, logged[1..]);
        assert!(!format!("{logged:?}").contains("wamid"), "no personal data");
        assert_eq!(engine.retry_unfinished().unwrap().fired(), 0);

        assert_eq!(engine.prune(Duration::from_secs(3600)).unwrap(), 0);
        assert_eq!(engine.process(&body).unwrap().duplicate(), 2);
    });
}

#[test]
fn a_retry_leaves_out_what_was_finished_and_pruned_since() {
    let _turn = turn();
    for attempts in [1, 20] {
        with_each_store(|engine| {
            let engine = engine.max_attempts(attempts);
            fail("odd", Fails::Error);
            let body = items("messages", &[GOOD, ODD]);
            assert_eq!(engine.process(&body).unwrap().failed(), 1);
            std::thread::sleep(Duration::from_millis(1100));
            assert_eq!(engine.prune(Duration::ZERO).unwrap(), 1);
            mend();
            done();
            for letter in engine.dead_letters(9).unwrap() {
                assert!(engine.requeue(&letter.key).unwrap());
            }
            assert_eq!(engine.retry_unfinished().unwrap().fired(), 1);
            assert_eq!(done().len(), 1, "the odd one alone");
        });
    }
}

#[test]
fn events_that_have_other_keys_by_now_are_run_under_those() {
    let _turn = turn();
    with_each_store(|engine| {
        // What another version stored: a webhook with two open events, whose
        // keys this version does not know.
        let body = messages(0..2);
        engine
            .store()
            .transact(Mode::Write, &mut |tx| {
                let webhook = WebhookRecord::new(Timestamp::now(), 2, None);
                let id = tx.add_webhook(&webhook, &body)?;
                for key in ["old:0", "old:1"] {
                    tx.add_event(key, &EventRecord::new(id, Timestamp::now()))?;
                }
                Ok(())
            })
            .unwrap();
        assert_eq!(engine.retry_unfinished().unwrap().fired(), 2);
        assert_eq!(done().len(), 4);
        assert_eq!(engine.retry_unfinished().unwrap().fired(), 0);
        assert_eq!(engine.store().webhooks(None, 9).unwrap(), []);
    });
}

#[test]
fn an_error_that_recurs_keeps_nothing_else_from_being_pruned() {
    let _turn = turn();
    with_each_store(|engine| {
        let error = value("messages", ERRORS);
        assert_eq!(engine.process(&error).unwrap().fired(), 1);
        assert_eq!(engine.process(&messages(0..9)).unwrap().fired(), 9);
        std::thread::sleep(Duration::from_millis(1100));
        assert_eq!(engine.process(&error).unwrap().fired(), 1);
        assert_eq!(engine.prune(Duration::ZERO).unwrap(), 9);
    });
}

#[test]
fn what_is_pruned_is_forgotten_and_what_is_not_finished_stays() {
    let _turn = turn();
    with_each_store(|engine| {
        assert_eq!(engine.process(&messages(0..1)).unwrap().fired(), 1);
        fail("second", Fails::Error);
        assert_eq!(engine.process(&messages(1..2)).unwrap().failed(), 1);
        mend();
        // Whole seconds: what is of this second is not older than it.
        std::thread::sleep(Duration::from_millis(1100));
        assert_eq!(engine.prune(Duration::from_secs(0)).unwrap(), 1);
        done();
        assert_eq!(engine.process(&messages(0..2)).unwrap().fired(), 2);
        let again = [
            with("first", "wamid.0"),
            with("second", "wamid.0"),
            with("second", "wamid.1"),
        ];
        assert_eq!(done(), again);
        let user = whatsapp_signals::model::Identity::from_phone("15550101001").unwrap();
        assert_eq!(
            engine.store().conversation(&user, None, 9).unwrap().len(),
            2
        );
        assert_eq!(engine.store().unread_count(&user).unwrap(), 2);
    });
}
