//! The backlog: the numbers of events that are to be done, and of dead letters.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::time::Duration;

use crate::support::engines::{
    Engine, engine_over, with_each_clock, with_each_steady_store, with_each_store,
};
use crate::support::messages::messages;
use crate::support::rows;
use crate::support::watched::{Access, Watched};
use parking_lot::Mutex;
use whatsapp_signals::Context;
use whatsapp_signals::engine::Backlog;
use whatsapp_signals::event::MessageReceived;
use whatsapp_signals::model::Timestamp;
use whatsapp_signals::signals::MESSAGE_RECEIVED;
use whatsapp_signals::store::{Lease, StoreError, StoreErrorKind, WebhookKind, WebhookRow};
use whatsapp_signals::testing;

/// Returns an engine whose only receiver fails as long as the switch is on.
fn failing(engine: Engine) -> (Engine, Arc<AtomicBool>) {
    let is_failing = Arc::new(AtomicBool::new(true));
    let switch = Arc::clone(&is_failing);
    let context = Context::new().only_own_receivers();
    context.connect(&MESSAGE_RECEIVED, move |_: &MessageReceived| {
        if switch.load(Relaxed) {
            return Err("not now");
        }
        Ok(())
    });
    (engine.context(context), is_failing)
}

/// Returns all numbers: open, due, leased, dead, unreadable.
fn numbers(backlog: Backlog) -> [u64; 5] {
    let Backlog {
        open,
        due,
        leased,
        dead,
        unreadable,
        ..
    } = backlog;
    [open, due, leased, dead, unreadable]
}

#[test]
fn an_event_is_open_until_it_has_succeeded_or_is_dead() {
    with_each_store(|engine| {
        let (engine, is_failing) = failing(engine.max_attempts(2));
        let backlog = || engine.backlog().unwrap();
        assert_eq!((numbers(backlog()), backlog().oldest), ([0; 5], None));
        assert_eq!(engine.process(&messages(0..3)).unwrap().failed(), 3);
        assert_eq!(numbers(backlog()), [3, 3, 0, 0, 0]);
        assert!(backlog().oldest.is_some());

        is_failing.store(false, Relaxed);
        assert!(!engine.process(&messages(3..5)).unwrap().should_retry());
        assert_eq!(numbers(backlog()), [3, 3, 0, 0, 0], "as before");
        engine.store_unreadable(b"{").unwrap();
        assert_eq!(numbers(backlog()), [3, 3, 0, 1, 1]);

        is_failing.store(true, Relaxed);
        assert_eq!(engine.retry_unfinished().unwrap().dead_lettered(), 3);
        assert_eq!(numbers(backlog()), [0, 0, 0, 4, 1]);
        assert_eq!(engine.dead_letters(9).unwrap().len(), 4);
        assert_eq!(backlog().oldest, None, "dead letters do not count");

        let letters = engine.dead_letters(9).unwrap();
        assert!(engine.requeue(&letters[0].key).unwrap());
        assert!(engine.discard(&letters[3].key).unwrap());
        assert_eq!(numbers(backlog()), [1, 1, 0, 2, 0]);
    });
}

#[test]
fn an_event_with_a_running_receiver_is_leased() {
    with_each_steady_store(|engine| {
        let seen = Arc::new(Mutex::new(Vec::new()));
        let context = Context::new().only_own_receivers();
        let of_other = engine_over(Arc::clone(engine.store()));
        let list = Arc::clone(&seen);
        context.connect(&MESSAGE_RECEIVED, move |_: &MessageReceived| {
            list.lock().push(numbers(of_other.backlog().unwrap()));
        });
        let engine = engine.context(context);
        assert_eq!(engine.process(&messages(0..1)).unwrap().delivered(), 1);
        assert_eq!(seen.lock()[..], [[1, 0, 1, 0, 0]]);
        assert_eq!(numbers(engine.backlog().unwrap()), [0; 5]);
    });
}

#[test]
fn ages_and_leases_are_reckoned_by_the_clock_of_the_store() {
    with_each_clock(|engine, ahead| {
        let mut row = WebhookRow::new(WebhookKind::Body, Timestamp::now(), 2);
        row.lease = Some(Lease::new(7, Duration::from_secs(600)));
        rows::add_webhook(engine.store(), row, &messages(0..2), &[]);
        let backlog = || pollster::block_on(engine.backlog_async()).unwrap();
        let age = || backlog().oldest.unwrap().as_secs();
        assert_eq!(numbers(backlog()), [2, 0, 2, 0, 0]);
        assert!(age() < 300, "{}", age());
        ahead.store(300, Relaxed);
        assert_eq!(numbers(backlog()), [2, 0, 2, 0, 0]);
        assert!((300..600).contains(&age()), "{}", age());
        ahead.store(3600, Relaxed);
        assert_eq!(numbers(backlog()), [2, 2, 0, 0, 0], "the lease has ended");
        assert!((3600..4000).contains(&age()), "{}", age());
    });
    with_each_clock(|engine, _| {
        let later = Timestamp::from_secs(Timestamp::now().as_secs() + 3600);
        let row = WebhookRow::new(WebhookKind::Body, later, 1);
        rows::add_webhook(engine.store(), row, &messages(0..1), &[]);
        let oldest = engine.backlog().unwrap().oldest;
        assert_eq!(oldest, Some(Duration::ZERO), "the clock went back");
    });
}

#[test]
fn it_is_an_error_when_the_store_fails() {
    with_each_steady_store(|engine| {
        let store = Watched::new(Arc::clone(engine.store()), |access| match access {
            Access::Other => Err(StoreError::new(StoreErrorKind::Unavailable, "on purpose")),
            _ => Ok(()),
        });
        let error = engine_over(store).backlog().unwrap_err();
        assert_eq!(error.http_status(), 503);
    });
}

#[test]
fn it_is_one_line_of_text_or_an_object_of_json() {
    with_each_clock(|engine, ahead| {
        let shown = || engine.backlog().unwrap().to_string();
        assert_eq!(
            shown(),
            "open 0 due 0 leased 0 held back 0 dead 0 unreadable 0"
        );
        let json = serde_json::to_value(engine.backlog().unwrap()).unwrap();
        assert_eq!(json["oldest_seconds"], serde_json::Value::Null);
        assert_eq!(json.as_object().unwrap().len(), 7);

        let at = Timestamp::from_secs(1_785_000_000);
        let row = WebhookRow::new(WebhookKind::Body, at, 1);
        rows::add_webhook(engine.store(), row, &messages(0..1), &[]);
        ahead.store(60, Relaxed);
        let backlog = engine.backlog().unwrap();
        let age = backlog.oldest.unwrap().as_secs();
        let expected =
            format!("open 1 due 1 leased 0 held back 0 dead 0 unreadable 0 oldest {age} s");
        assert_eq!(backlog.to_string(), expected);
        let json = serde_json::to_value(backlog).unwrap();
        assert_eq!(
            (&json["open"], &json["oldest_seconds"]),
            (&1.into(), &age.into())
        );
    });
}

/// Returns the first pages of the indexes of dead events.
#[cfg(feature = "sqlite")]
fn index_pages(path: &std::path::Path) -> Vec<Vec<u8>> {
    let connection = rusqlite::Connection::open(path).unwrap();
    let sql = "SELECT rootpage FROM sqlite_schema
        WHERE name IN ('webhook_dead', 'progress_dead') ORDER BY name";
    let mut roots = connection.prepare(sql).unwrap();
    let roots = roots.query_map([], |row| row.get::<_, i64>(0)).unwrap();
    let roots: Vec<_> = roots.map(Result::unwrap).collect();
    assert_eq!(roots.len(), 2);
    let file = std::fs::read(path).unwrap();
    let page = |root: &i64| {
        let end = usize::try_from(*root).unwrap() * 4096;
        file[end - 4096..end].to_vec()
    };
    roots.iter().map(page).collect()
}

/// The count of dead events must cost bodies that succeed nothing.
#[cfg(feature = "sqlite")]
#[test]
fn a_body_that_succeeds_at_once_writes_no_index_of_dead_events() {
    use whatsapp_signals::store::SqliteStore;

    let folder = crate::support::folder::Folder::new();
    let path = folder.file("store.db");
    let with_engine = |work: &dyn Fn(Engine)| {
        work(engine_over(Arc::new(SqliteStore::open(&path).unwrap())));
        // The last connection moves the log into the file.
        index_pages(&path)
    };
    let empty = with_engine(&|_| ());
    let after_success = with_engine(&|engine| {
        let (engine, is_failing) = failing(engine);
        is_failing.store(false, Relaxed);
        assert_eq!(engine.process(&messages(0..9)).unwrap().delivered(), 9);
    });
    assert!(empty == after_success, "a page was written");
    let after_failure = with_engine(&|engine| {
        let (engine, _) = failing(engine.max_attempts(1));
        assert_eq!(engine.process(&messages(9..10)).unwrap().dead_lettered(), 1);
    });
    assert!(empty.iter().zip(&after_failure).all(|(a, b)| a != b));
}

#[test]
fn the_backlog_of_records_has_their_own_open_and_dead_events_only() {
    with_each_store(|engine| {
        let (engine, is_failing) = failing(engine.max_attempts(2));
        let text = |tenant: &'static str, number: &'static str, id: &'static str| {
            let text = testing::text("Hi").waba(tenant);
            text.to_number(number, "15550100200")
                .from("15550101001")
                .id(id)
        };
        let mixed = testing::batch([
            text("900", "300", "wamid.A"),
            text("901", "310", "wamid.B"),
            text("901", "311", "wamid.C"),
        ]);
        assert_eq!(engine.process(&mixed.body()).unwrap().failed(), 3);
        let lone = text("901", "311", "wamid.D").body();
        assert_eq!(engine.process(&lone).unwrap().failed(), 1);
        engine.store_unreadable(b"{").unwrap();
        let numbers = || {
            let tenants = ["900", "901", "902"].map(|tenant| engine.tenant(tenant).backlog());
            let numbers = ["310", "311"].map(|number| engine.number(number).backlog());
            let all = tenants.into_iter().chain(numbers);
            all.map(|backlog| {
                let backlog = backlog.unwrap();
                assert_eq!(backlog.oldest.is_some(), backlog.open > 0, "{backlog}");
                (backlog.open, backlog.dead)
            })
            .collect::<Vec<_>>()
        };
        assert_eq!(numbers(), [(1, 0), (3, 0), (0, 0), (1, 0), (2, 0)]);

        // The second attempt of the lone one succeeds, and those of the others are the last.
        is_failing.store(false, Relaxed);
        assert_eq!(engine.process(&lone).unwrap().delivered(), 1);
        is_failing.store(true, Relaxed);
        assert_eq!(engine.retry_unfinished().unwrap().dead_lettered(), 3);
        assert_eq!(numbers(), [(0, 1), (0, 2), (0, 0), (0, 1), (0, 1)]);
        let backlog = engine.backlog().unwrap();
        assert_eq!(
            (backlog.open, backlog.dead),
            (0, 4),
            "the unreadable one is of no tenant"
        );
    });
}
