//! Dead letters that are requeued or discarded by a filter, many at once.

use std::collections::HashSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering::Relaxed};

use crate::support::batch::{ODD, items};
use crate::support::engines::{Engine, engine_over, with_each_steady_store, with_each_store};
use crate::support::messages::messages;
use crate::support::watched::{Access, Watched};
use whatsapp_signals::engine::DeadLetterFilter;
use whatsapp_signals::event::{BusinessStatusUpdate, FieldEvent, MessageReceived, Unrecognized};
use whatsapp_signals::model::Timestamp;
use whatsapp_signals::signals::{BUSINESS_STATUS_UPDATE, MESSAGE_RECEIVED, UNRECOGNIZED};
use whatsapp_signals::store::{
    Changes, DeadEventPosition, ReadyStore, StoreError, StoreErrorKind, Tenant,
};
use whatsapp_signals::{
    ConnectOptions, Context, DeadLetter, EngineErrorKind, WebhookEngine, testing,
};

/// Returns an engine of receivers that fail as long as the switch is on, and are not tried again:
/// `archive` and `count` have messages, and `look` has what is not recognised.
fn failing<S: ReadyStore>(engine: WebhookEngine<S>) -> (WebhookEngine<S>, Arc<AtomicBool>) {
    let is_failing = Arc::new(AtomicBool::new(true));
    let context = Context::new().only_own_receivers();
    let attempt = || {
        let is_failing = Arc::clone(&is_failing);
        move || (!is_failing.load(Relaxed)).then_some(()).ok_or("not now")
    };
    let uid = |uid: &'static str| ConnectOptions::new().uid(uid);
    let (archive, look) = (attempt(), attempt());
    let archive = move |_: &MessageReceived| archive();
    let look = move |_: &Unrecognized| look();
    let connected = context.connect_with(&MESSAGE_RECEIVED, uid("archive"), archive);
    connected.unwrap();
    let connected = context.connect_with(&MESSAGE_RECEIVED, uid("count"), |_: &MessageReceived| {});
    connected.unwrap();
    let connected = context.connect_with(&UNRECOGNIZED, ConnectOptions::new().uid("look"), look);
    connected.unwrap();
    (engine.context(context).max_attempts(1), is_failing)
}

/// Returns the numbers of open and of dead events.
fn open_and_dead<S: ReadyStore>(engine: &WebhookEngine<S>) -> (u64, u64) {
    let backlog = engine.backlog().unwrap();
    (backlog.open, backlog.dead)
}

/// Stores two dead messages, one dead message of another number, one dead event that is not
/// recognised, and a body that is no webhook.
fn five_letters(engine: &Engine) {
    assert_eq!(engine.process(&messages(0..2)).unwrap().dead_lettered(), 2);
    let of_other = String::from_utf8(messages(2..3)).unwrap();
    let of_other = of_other.replace(r#""300""#, r#""301""#);
    assert_eq!(
        engine.process(of_other.as_bytes()).unwrap().dead_lettered(),
        1
    );
    let unrecognized = items("messages", &[ODD]);
    assert_eq!(engine.process(&unrecognized).unwrap().dead_lettered(), 1);
    engine.store_unreadable(b"{").unwrap();
    assert_eq!(open_and_dead(engine), (0, 5));
}

#[test]
fn a_filter_takes_the_letters_that_satisfy_all_its_conditions() {
    let all = DeadLetterFilter::new;
    let now = Timestamp::now().as_secs();
    let from_now = |seconds| Timestamp::from_secs(now + seconds);
    for (filter, taken) in [
        (all(), 5),
        (all().name("message_received"), 3),
        (all().name("unrecognized"), 1),
        (all().name("message_sent"), 0),
        (all().receiver("archive"), 3),
        (all().receiver("look"), 1),
        (all().receiver("count"), 0), // It succeeded.
        (all().number("300"), 3),
        (all().number("301"), 1),
        (all().number("301").name("unrecognized"), 0),
        (all().tenant("900"), 4),
        (all().tenant("900").number("301"), 1),
        (all().tenant("901"), 0),
        (all().number("300").name("message_received"), 2),
        (all().receiver("archive").name("unrecognized"), 0),
        (all().received_since(from_now(-60)), 5),
        (all().received_since(from_now(3600)), 0),
        (all().received_before(from_now(3600)), 5),
        (all().received_before(from_now(-60)), 0),
        (all().limit(0), 0),
        (all().limit(2), 2),
        (all().limit(2).number("301"), 1),
        (all().limit(9), 5),
    ] {
        with_each_store(|engine| {
            let (engine, _) = failing(engine);
            five_letters(&engine);
            assert_eq!(engine.requeue_all(&filter).unwrap(), taken, "{filter:?}");
            let taken = taken as u64;
            assert_eq!(open_and_dead(&engine), (taken, 5 - taken), "{filter:?}");
        });
        with_each_store(|engine| {
            let (engine, _) = failing(engine);
            five_letters(&engine);
            let discarded = pollster::block_on(engine.discard_all_async(&filter));
            assert_eq!(discarded.unwrap(), taken, "{filter:?}");
            assert_eq!(open_and_dead(&engine), (0, 5 - taken as u64), "{filter:?}");
        });
    }
}

/// Stores a body with a dead message of each of two tenants, and one of the first tenant only.
fn letters_of_two_tenants(engine: &Engine) {
    let bikes = |wamid: &str| {
        testing::text("Hi")
            .waba("900")
            .to_number("300", "1")
            .id(wamid)
    };
    let boats = testing::text("Ahoy").waba("901").to_number("301", "2");
    let both = testing::batch([bikes("wamid.A"), boats.id("wamid.B")]).body();
    assert_eq!(engine.process(&both).unwrap().dead_lettered(), 2);
    assert_eq!(
        engine
            .process(&bikes("wamid.C").body())
            .unwrap()
            .dead_lettered(),
        1
    );
}

#[test]
fn a_tenant_has_its_events_of_a_body_that_it_shares() {
    with_each_store(|engine| {
        let (engine, is_failing) = failing(engine);
        letters_of_two_tenants(&engine);
        let filter = DeadLetterFilter::new().tenant("901");
        let found = engine.find_dead_letters(&filter).unwrap();
        assert_eq!(found.len(), 1);
        assert!(found[0].1.key.contains("wamid.B"), "{}", found[0].1.key);
        assert_eq!(engine.requeue_all(&filter).unwrap(), 1);
        is_failing.store(false, Relaxed);
        assert_eq!(engine.retry_unfinished().unwrap().delivered(), 1);
        assert_eq!(engine.discard_all(&filter).unwrap(), 0);
        let filter = DeadLetterFilter::new().tenant("900");
        assert_eq!(engine.discard_all(&filter).unwrap(), 2);
        assert_eq!(open_and_dead(&engine), (0, 0));
    });
}

#[test]
fn the_tenant_of_a_number_is_the_stored_one_and_of_another_event_that_of_its_account() {
    with_each_steady_store(|engine| {
        let store = Arc::clone(engine.store());
        let (engine, _) = failing(engine.tenant_of(|_| Tenant::new("shop")));
        letters_of_two_tenants(&engine);
        let alert = testing::business_status("APPROVED").waba("900");
        let (alerts, connect) = (Context::new().only_own_receivers(), ConnectOptions::new());
        let fail = |_: &FieldEvent<BusinessStatusUpdate>| Err("not now");
        alerts
            .connect_with(&BUSINESS_STATUS_UPDATE, connect, fail)
            .unwrap();
        let alerts = engine_over(Arc::clone(&store)).context(alerts);
        assert_eq!(
            alerts
                .max_attempts(1)
                .process(&alert.body())
                .unwrap()
                .dead_lettered(),
            1
        );
        // A program without the function, such as the command line.
        let tool = engine_over(store);
        let count = |engine: &Engine, tenant: &str| {
            let filter = DeadLetterFilter::new().tenant(tenant);
            engine.find_dead_letters(&filter).unwrap().len()
        };
        assert_eq!((count(&tool, "shop"), count(&tool, "900")), (3, 1));
        assert_eq!((count(&engine, "shop"), count(&engine, "900")), (4, 0));
    });
}

#[test]
fn pages_of_dead_letters_have_each_letter_once_in_the_order_of_the_list() {
    with_each_store(|engine| {
        let (engine, _) = failing(engine);
        let most = 60;
        for n in 0..most / 3 {
            let body = messages(n * 3..n * 3 + 3);
            assert_eq!(engine.process(&body).unwrap().dead_lettered(), 3);
        }
        engine.store_unreadable(b"{").unwrap();
        let keys = |letters: Vec<(DeadEventPosition, DeadLetter)>| {
            let keys = letters.into_iter().map(|(_, letter)| letter.key);
            keys.collect::<Vec<_>>()
        };
        let all = engine.dead_letters(usize::MAX).unwrap();
        let all: Vec<_> = all.into_iter().map(|letter| letter.key).collect();
        assert_eq!(all.len(), most + 1);
        for (filter, expected) in [
            (DeadLetterFilter::new(), &all[..]),
            (DeadLetterFilter::new().receiver("archive"), &all[..most]),
            (DeadLetterFilter::new().number("300"), &all[..most]),
        ] {
            let mut filter = filter.limit(7);
            let mut found = Vec::new();
            loop {
                let page = engine.find_dead_letters(&filter).unwrap();
                let Some((last, _)) = page.last() else { break };
                filter = filter.after(*last);
                found.extend(keys(page));
            }
            assert_eq!(found, expected);
        }
        let first = engine.find_dead_letters(&DeadLetterFilter::new().limit(1));
        let behind = DeadLetterFilter::new().after(first.unwrap()[0].0);
        assert_eq!(engine.requeue_all(&behind).unwrap(), most);
    });
}

#[test]
fn the_time_of_a_letter_is_since_it_and_not_before_it() {
    with_each_store(|engine| {
        let (engine, _) = failing(engine);
        five_letters(&engine);
        let letters = engine.dead_letters(9).unwrap();
        let last = letters.iter().map(|letter| letter.received_at).max();
        let last = last.unwrap();
        let count = letters.iter().filter(|letter| letter.received_at == last);
        let filter = DeadLetterFilter::new().received_since(last);
        let none = filter.clone().received_before(last);
        assert_eq!(engine.requeue_all(&none).unwrap(), 0);
        assert_eq!(engine.requeue_all(&filter).unwrap(), count.count());
    });
}

#[test]
fn letters_that_are_requeued_are_tried_again_and_those_that_came_first_before_the_others() {
    with_each_store(|engine| {
        let (engine, is_failing) = failing(engine);
        assert_eq!(
            engine.process(&messages(0..250)).unwrap().dead_lettered(),
            250
        );
        assert_eq!(
            engine.process(&messages(250..260)).unwrap().dead_lettered(),
            10
        );
        let first = DeadLetterFilter::new().limit(120);
        assert_eq!(engine.requeue_all(&first).unwrap(), 120);
        let next = engine.dead_letter("message_received:wamid.120:text:number=300");
        let left = engine.dead_letters(999).unwrap();
        assert_eq!(left[0], next.unwrap().unwrap());
        let all = DeadLetterFilter::new();
        let requeued = pollster::block_on(engine.requeue_all_async(&all));
        assert_eq!(requeued.unwrap(), 140);
        assert_eq!(open_and_dead(&engine), (260, 0));

        is_failing.store(false, Relaxed);
        let outcome = engine.retry_unfinished().unwrap();
        assert_eq!((outcome.delivered(), outcome.failed()), (260, 0));
        assert_eq!(open_and_dead(&engine), (0, 0));
        assert_eq!(engine.requeue_all(&all).unwrap(), 0);
    });
}

#[test]
fn letters_that_are_discarded_do_not_come_back_and_leave_no_webhook() {
    with_each_store(|engine| {
        let (engine, _) = failing(engine);
        let body = messages(0..250);
        assert_eq!(engine.process(&body).unwrap().dead_lettered(), 250);
        let all = DeadLetterFilter::new().name("message_received");
        assert_eq!(engine.discard_all(&all).unwrap(), 250);
        assert!(engine.dead_letters(9).unwrap().is_empty());
        assert!(engine.webhooks(None, 9).unwrap().is_empty());
        assert_eq!(engine.process(&body).unwrap().duplicates(), 250);
    });
}

/// Returns the number of events whose state a commit writes.
fn letters_of(changes: &Changes<'_>) -> usize {
    changes.progress.len()
}

#[test]
fn no_commit_has_more_than_a_hundred_letters() {
    with_each_steady_store(|engine| {
        let most = Arc::new(AtomicUsize::new(0));
        let commits = Arc::new(AtomicUsize::new(0));
        let (seen, counted) = (Arc::clone(&most), Arc::clone(&commits));
        let store = Watched::new(Arc::clone(engine.store()), move |access| {
            if let Access::Commit(changes) = access {
                seen.fetch_max(letters_of(changes), Relaxed);
                counted.fetch_add(1, Relaxed);
            }
            Ok(())
        });
        let (engine, _) = failing(engine);
        assert_eq!(
            engine.process(&messages(0..250)).unwrap().dead_lettered(),
            250
        );
        let (engine, _) = failing(engine_over(store));
        let all = DeadLetterFilter::new();
        assert_eq!(engine.requeue_all(&all).unwrap(), 250);
        assert_eq!((most.load(Relaxed), commits.load(Relaxed)), (100, 3));
    });
}

#[test]
fn a_letter_that_cannot_be_requeued_keeps_no_other_waiting() {
    let letter = "message_received:wamid.5:text:number=300";
    // Its row is damaged, or each commit of it is a conflict.
    for (on_load, kind) in [
        (true, StoreErrorKind::Corrupt),
        (false, StoreErrorKind::Locked),
    ] {
        with_each_steady_store(|engine| {
            let event = whatsapp_signals::store::Fingerprint::of(letter);
            let store = Watched::new(Arc::clone(engine.store()), move |access| match access {
                Access::Load(wanted) if on_load && wanted.events.contains(&event) => {
                    Err(StoreError::new(StoreErrorKind::Corrupt, "on purpose"))
                }
                Access::Commit(changes)
                    if !on_load && changes.progress.iter().any(|(key, _)| *key == event) =>
                {
                    Err(StoreError::new(StoreErrorKind::Conflict, "on purpose"))
                }
                _ => Ok(()),
            });
            let (engine, _) = failing(engine);
            assert_eq!(
                engine.process(&messages(0..150)).unwrap().dead_lettered(),
                150
            );
            let (watched, _) = failing(engine_over(store));
            let all = DeadLetterFilter::new();
            let error = watched.requeue_all(&all).unwrap_err();
            let EngineErrorKind::Store(error) = error.kind() else {
                panic!("one letter cannot be requeued");
            };
            assert_eq!(error.kind(), kind);
            assert_eq!(open_and_dead(&engine), (149, 1));
            assert_eq!(engine.dead_letters(9).unwrap()[0].key, letter);
        });
    }
}

#[test]
fn a_store_that_fails_ends_it_at_once() {
    with_each_steady_store(|engine| {
        let commits = Arc::new(AtomicUsize::new(0));
        let counted = Arc::clone(&commits);
        let store = Watched::new(Arc::clone(engine.store()), move |access| match access {
            Access::Commit(_) => match counted.fetch_add(1, Relaxed) {
                0 => Ok(()),
                _ => Err(StoreError::new(StoreErrorKind::Unavailable, "on purpose")),
            },
            _ => Ok(()),
        });
        let (engine, _) = failing(engine);
        assert_eq!(
            engine.process(&messages(0..300)).unwrap().dead_lettered(),
            300
        );
        let (watched, _) = failing(engine_over(store));
        assert!(watched.discard_all(&DeadLetterFilter::new()).is_err());
        assert_eq!(commits.load(Relaxed), 2);
        assert_eq!(open_and_dead(&engine), (0, 200), "the first step is done");
    });
}

/// Receivers that fail at once make a dead letter again of each event that is requeued.
#[test]
fn letters_that_die_again_meanwhile_are_not_requeued_for_ever() {
    with_each_steady_store(|engine| {
        let (worker, _) = failing(engine_over(Arc::clone(engine.store())));
        let store = Watched::new(Arc::clone(engine.store()), move |access| {
            // Before each page of dead letters.
            if let Access::Other = access {
                let _ = worker.retry_unfinished().unwrap();
            }
            Ok(())
        });
        let (engine, _) = failing(engine);
        assert_eq!(
            engine.process(&messages(0..250)).unwrap().dead_lettered(),
            250
        );
        assert_eq!(
            engine.process(&messages(250..300)).unwrap().dead_lettered(),
            50
        );
        let (watched, _) = failing(engine_over(store));
        let requeued = watched.requeue_all(&DeadLetterFilter::new()).unwrap();
        assert_eq!(requeued, 300, "each of them once");
        assert_eq!(open_and_dead(&engine), (0, 300));
    });
}

#[test]
fn several_callers_requeue_each_letter_once() {
    with_each_store(|engine| {
        let (engine, _) = failing(engine);
        assert_eq!(
            engine.process(&messages(0..130)).unwrap().dead_lettered(),
            130
        );
        let (engine, all) = (&engine, &DeadLetterFilter::new());
        let requeued: usize = std::thread::scope(|scope| {
            let threads = [(); 4].map(|()| scope.spawn(|| engine.requeue_all(all).unwrap()));
            threads
                .into_iter()
                .map(|thread| thread.join().unwrap())
                .sum()
        });
        assert!(requeued >= 130, "{requeued}");
        assert_eq!(open_and_dead(engine), (130, 0));
        let outcome = engine.retry_unfinished().unwrap();
        let letters = engine.dead_letters(999).unwrap();
        let keys: HashSet<_> = letters.iter().map(|letter| &letter.key).collect();
        assert_eq!((outcome.dead_lettered(), keys.len()), (130, 130));
    });
}

#[cfg(feature = "sqlite")]
#[test]
fn letters_that_are_discarded_leave_no_row_of_progress() {
    use whatsapp_signals::store::SqliteStore;

    let folder = crate::support::folder::Folder::new();
    let path = folder.file("store.db");
    let store = Arc::new(SqliteStore::open(&path).unwrap());
    let (engine, _) = failing(engine_over(store));
    assert_eq!(engine.process(&messages(0..3)).unwrap().dead_lettered(), 3);
    let connection = rusqlite::Connection::open(&path).unwrap();
    let count = || {
        let sql = "SELECT count(*) FROM progress";
        connection.query_row(sql, [], |row| row.get::<_, i64>(0))
    };
    assert_eq!(count().unwrap(), 3);
    let letter = engine.dead_letters(1).unwrap().remove(0);
    assert!(engine.discard(&letter.key).unwrap());
    assert_eq!(engine.discard_all(&DeadLetterFilter::new()).unwrap(), 2);
    assert_eq!(count().unwrap(), 0);
}
