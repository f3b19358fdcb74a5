//! A store in a file, and what happens when the file is not as it should be.

use std::error::Error;
use std::fs;
use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use crate::support::batch::messages;
use crate::support::engines::engine_over;
use crate::support::folder::Folder;
use rusqlite::Connection;
use whatsapp_signals::event::MessageReceived;
use whatsapp_signals::signals::MESSAGE_RECEIVED;
use whatsapp_signals::store::{
    SqliteOptions, SqliteStore, StoreError, StoreErrorKind, StoreExt, store_conformance,
};
use whatsapp_signals::{Context, EngineError};

#[test]
fn the_sqlite_store_is_right() {
    let folder = Folder::new();
    let number = AtomicUsize::new(0);
    store_conformance(|| {
        let number = number.fetch_add(1, Ordering::Relaxed);
        SqliteStore::open(folder.file(&format!("{number}.db"))).unwrap()
    });
}

fn pragma(path: &Path, name: &str) -> String {
    let connection = Connection::open(path).unwrap();
    let value =
        connection.pragma_query_value(None, name, |row| row.get::<_, rusqlite::types::Value>(0));
    format!("{:?}", value.unwrap())
}

fn quick() -> SqliteOptions {
    SqliteOptions::new().busy_timeout(Duration::from_millis(20))
}

/// The kind of a store's error, whose text must not quote what is stored.
fn kind<T: std::fmt::Debug>(result: Result<T, EngineError>) -> StoreErrorKind {
    match result.unwrap_err() {
        EngineError::Store(error) => {
            assert_quotes_nothing(&error);
            error.kind()
        }
        other => panic!("{other:?}"),
    }
}

fn assert_quotes_nothing(error: &StoreError) {
    let mut texts = vec![error.to_string(), format!("{error:?}")];
    texts.extend(error.source().map(ToString::to_string));
    for text in texts {
        assert!(!text.contains("15550101001"), "{text}");
        assert!(!text.contains("Number"), "{text}");
    }
}

#[test]
fn a_file_is_in_wal_mode_and_has_a_version() {
    let folder = Folder::new();
    let path = folder.file("store.db");
    drop(SqliteStore::open(&path).unwrap());
    drop(SqliteStore::open(&path).unwrap()); // and again
    assert_eq!(pragma(&path, "journal_mode"), "Text(\"wal\")");
    assert_eq!(pragma(&path, "user_version"), "Integer(1)");
}

#[test]
fn a_file_of_a_newer_version_is_refused() {
    let folder = Folder::new();
    let path = folder.file("store.db");
    drop(SqliteStore::open(&path).unwrap());
    let connection = Connection::open(&path).unwrap();
    connection.pragma_update(None, "user_version", 99).unwrap();
    drop(connection);
    let error = SqliteStore::open(&path).unwrap_err();
    assert_eq!(error.kind(), StoreErrorKind::TooNew);
    assert_eq!(pragma(&path, "user_version"), "Integer(99)");
}

#[test]
fn a_database_of_another_program_is_refused_and_left_as_it_is() {
    for version in [0, 1, 99] {
        let folder = Folder::new();
        let path = folder.file("other.db");
        let connection = Connection::open(&path).unwrap();
        connection.execute_batch("CREATE TABLE mine (a)").unwrap();
        let set = connection.pragma_update(None, "user_version", version);
        set.unwrap();
        drop(connection);
        let before = fs::read(&path).unwrap();
        let error = SqliteStore::open(&path).unwrap_err();
        assert_eq!(error.kind(), StoreErrorKind::Corrupt, "version {version}");
        assert_eq!(fs::read(&path).unwrap(), before);
    }
}

#[test]
fn a_path_that_cannot_be_opened_is_unavailable() {
    let folder = Folder::new();
    for path in [folder.file("no/such/folder.db"), folder.path().to_owned()] {
        let error = SqliteStore::open(path).unwrap_err();
        assert_eq!(error.kind(), StoreErrorKind::Unavailable);
    }
}

#[test]
fn a_file_that_is_no_database_is_corrupt() {
    let folder = Folder::new();
    let path = folder.file("store.db");
    fs::write(
        &path,
        "not a database, and long enough to be one ".repeat(200),
    )
    .unwrap();
    let error = SqliteStore::open(&path).unwrap_err();
    assert_eq!(error.kind(), StoreErrorKind::Corrupt);
}

#[test]
fn a_damaged_file_is_an_error_and_finishes_nothing() {
    let folder = Folder::new();
    let path = folder.file("store.db");
    let store = SqliteStore::open(&path).unwrap();
    assert_eq!(
        engine_over(store)
            .process(&messages(0..500))
            .unwrap()
            .fired(),
        500
    );

    // All pages but the first one, which says what tables there are.
    let mut bytes = fs::read(&path).unwrap();
    bytes[4096..].fill(0xA5);
    fs::write(&path, &bytes).unwrap();

    let engine = engine_over(SqliteStore::open(&path).unwrap());
    assert_eq!(
        kind(engine.process(&messages(0..500))),
        StoreErrorKind::Corrupt
    );
    assert_eq!(
        kind(engine.process(&messages(900..901))),
        StoreErrorKind::Corrupt
    );
}

#[test]
fn a_row_that_somebody_else_wrote_is_corrupt() {
    let folder = Folder::new();
    let path = folder.file("store.db");
    let engine = engine_over(SqliteStore::open(&path).unwrap());
    assert_eq!(engine.process(&messages(0..1)).unwrap().fired(), 1);
    let connection = Connection::open(&path).unwrap();
    connection
        .execute("UPDATE message SET message = '{\"id\": \"15550101001'", [])
        .unwrap();
    let error = engine.store().message(&"wamid.0".into()).unwrap_err();
    assert_quotes_nothing(&error);
    assert_eq!(error.kind(), StoreErrorKind::Corrupt);
}

#[test]
fn a_damaged_row_keeps_no_other_webhook_from_its_retry() {
    let folder = Folder::new();
    let path = folder.file("store.db");
    let engine = engine_over(SqliteStore::open(&path).unwrap());
    let context = Context::new().only_own_receivers();
    context.connect(&MESSAGE_RECEIVED, |_: &MessageReceived| Err("not today"));
    let failing = engine.context(context);
    for item in 0..2 {
        let outcome = failing.process(&messages(item..item + 1)).unwrap();
        assert!(outcome.should_retry());
    }
    let engine = failing.context(Context::new().only_own_receivers());
    let connection = Connection::open(&path).unwrap();
    let damage = "UPDATE event SET done = '[\"15550101001' WHERE webhook = 1";
    assert_eq!(connection.execute(damage, []).unwrap(), 1);

    let error = engine.retry_unfinished().unwrap_err();
    assert!(matches!(&error, EngineError::Store(error) if error.kind() == StoreErrorKind::Corrupt));
    let open: Vec<_> = engine.store().webhooks(None, 9).unwrap();
    assert_eq!(open.len(), 1, "the other one is done");
    assert_eq!(open[0].body, messages(0..1));
}

#[test]
fn a_full_store_finishes_nothing_and_goes_on_when_there_is_room() {
    let folder = Folder::new();
    let path = folder.file("store.db");
    let small = quick().max_bytes(200 * 1024);
    let engine = engine_over(small.open(&path).unwrap());
    let body = messages(0..2000);
    assert_eq!(kind(engine.process(&body)), StoreErrorKind::Full);
    assert_eq!(engine.store().webhooks(None, 9).unwrap(), []);
    assert_eq!(engine.store().unread_counts().unwrap(), []);
    // What fits is still taken.
    assert_eq!(engine.process(&messages(0..1)).unwrap().fired(), 1);
    drop(engine);

    let engine = engine_over(quick().open(&path).unwrap());
    let outcome = engine.process(&body).unwrap();
    assert_eq!((outcome.fired(), outcome.duplicate()), (1999, 1));
}

#[test]
fn a_locked_store_finishes_nothing_and_goes_on_when_it_is_free() {
    let folder = Folder::new();
    let path = folder.file("store.db");
    let engine = engine_over(quick().open(&path).unwrap());
    let other = Connection::open(&path).unwrap();
    other.execute_batch("BEGIN IMMEDIATE").unwrap();
    assert_eq!(
        kind(engine.process(&messages(0..3))),
        StoreErrorKind::Locked
    );
    assert_eq!(
        engine.store().unread_counts().unwrap(),
        [],
        "reading goes on"
    );
    other.execute_batch("COMMIT").unwrap();
    assert_eq!(engine.process(&messages(0..3)).unwrap().fired(), 3);
}

#[test]
fn what_ran_is_not_finished_when_its_mark_cannot_be_written() {
    let folder = Folder::new();
    let path = folder.file("store.db");
    let engine = engine_over(quick().open(&path).unwrap());
    let engine = engine.lease(Duration::ZERO); // so that nobody has to wait for it
    let other = Connection::open(&path).unwrap();
    // The receiver takes the lock, so that the mark cannot be written.
    let other = std::sync::Mutex::new(other);
    let context = Context::new().only_own_receivers();
    context.connect(&MESSAGE_RECEIVED, move |_: &MessageReceived| {
        other.lock().unwrap().execute_batch("BEGIN IMMEDIATE")
    });
    let engine = engine.context(context);
    assert_eq!(
        kind(engine.process(&messages(0..1))),
        StoreErrorKind::Locked
    );
    // Without the receiver, and with it the lock.
    let engine = engine.context(Context::new().only_own_receivers());
    let outcome = engine.process(&messages(0..1)).unwrap();
    assert_eq!(
        (outcome.fired(), outcome.duplicate()),
        (1, 0),
        "it was not finished"
    );
    assert_eq!(engine.process(&messages(0..1)).unwrap().duplicate(), 1);
}

#[test]
fn a_new_file_can_be_opened_by_several_at_once() {
    for _ in 0..20 {
        let folder = Folder::new();
        let path = folder.file("store.db");
        std::thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| drop(SqliteStore::open(&path).unwrap()));
            }
        });
    }
}
