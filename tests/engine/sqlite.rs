//! An engine over a file that is damaged, full or locked.

use std::error::Error;
use std::fs;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use crate::support::engines::{engine_over, records};
use crate::support::folder::Folder;
use crate::support::messages::messages;
use pollster::block_on;
use rusqlite::Connection;
use whatsapp_signals::event::MessageReceived;
use whatsapp_signals::model::Timestamp;
use whatsapp_signals::signals::MESSAGE_RECEIVED;
use whatsapp_signals::store::{
    Prune, SqliteOptions, SqliteStore, Store, StoreError, StoreErrorKind,
};
use whatsapp_signals::{Context, EngineError, EngineErrorKind};

fn quick() -> SqliteOptions {
    SqliteOptions::new().busy_timeout(Duration::from_millis(20))
}

/// Returns the kind of a store's error, after a check that its text quotes no row.
fn kind<T: std::fmt::Debug>(result: Result<T, EngineError>) -> StoreErrorKind {
    match result.unwrap_err().kind() {
        EngineErrorKind::Store(error) => {
            assert_quotes_nothing(error);
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

/// Returns the first pages of all tables and indices.
fn pages(path: &Path) -> Vec<usize> {
    let connection = Connection::open(path).unwrap();
    let sql = "SELECT rootpage FROM sqlite_schema WHERE rootpage > 0";
    let mut pages = connection.prepare(sql).unwrap();
    let pages = pages.query_map([], |row| row.get::<_, u16>(0)).unwrap();
    pages.map(|page| page.unwrap().into()).collect()
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
            .delivered(),
        500
    );

    // All pages but those that say what tables there are: they are among those of an empty file.
    let empty = folder.file("empty.db");
    drop(SqliteStore::open(&empty).unwrap());
    let first_pages = fs::read(&empty).unwrap().len() / 4096;
    let roots = pages(&path);
    let mut bytes = fs::read(&path).unwrap();
    for (at, page) in bytes.chunks_mut(4096).enumerate() {
        if at >= first_pages || roots.contains(&(at + 1)) {
            page.fill(0xA5);
        }
    }
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
fn a_malformed_row_is_corrupt() {
    let folder = Folder::new();
    let path = folder.file("store.db");
    let engine = engine_over(SqliteStore::open(&path).unwrap());
    assert_eq!(engine.process(&messages(0..1)).unwrap().delivered(), 1);
    let connection = Connection::open(&path).unwrap();
    connection
        .execute("UPDATE message SET message = '{\"id\": \"15550101001'", [])
        .unwrap();
    let error = records(&engine).message(&"wamid.0".into()).unwrap_err();
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
    let damage = "UPDATE progress SET receivers = '[\"15550101001'
        WHERE webhook = (SELECT min(id) FROM webhook)";
    assert_eq!(connection.execute(damage, []).unwrap(), 1);

    assert_eq!(kind(engine.retry_unfinished()), StoreErrorKind::Corrupt);
    let open: Vec<_> = engine.webhooks(None, 9).unwrap();
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
    assert_eq!(engine.webhooks(None, 9).unwrap(), []);
    assert_eq!(records(&engine).unread_counts().unwrap(), []);
    // A smaller body is still stored.
    assert_eq!(engine.process(&messages(0..1)).unwrap().delivered(), 1);
    drop(engine);

    let engine = engine_over(quick().open(&path).unwrap());
    let outcome = engine.process(&body).unwrap();
    assert_eq!((outcome.delivered(), outcome.duplicates()), (1999, 1));
}

#[test]
fn a_store_at_its_limit_is_pruned_and_has_room_again() {
    for limit in (160..400).step_by(20) {
        let folder = Folder::new();
        let store = quick().max_bytes(limit * 1024);
        let store = Arc::new(store.open(folder.file("store.db")).unwrap());
        let engine = engine_over(Arc::clone(&store)).log_webhooks(true);
        let mut bodies = (0..).step_by(5).map(|first| messages(first..first + 5));
        let (refused, error) = bodies
            .find_map(|body| engine.process(&body).err().map(|error| (body, error)))
            .unwrap();
        assert_eq!(kind::<()>(Err(error)), StoreErrorKind::Full);

        let later = Timestamp::from_secs(Timestamp::now().as_secs() + 60);
        let pruned = block_on(store.prune(&Prune::new(later, 1000))).unwrap();
        assert!(pruned.rows > 5, "{limit} KiB: {pruned:?}");
        assert!(pruned.next.is_none(), "{limit} KiB: one step is enough");
        let outcome = engine.process(&refused).unwrap();
        assert_eq!((outcome.failed(), outcome.should_retry()), (0, false));
        assert_eq!(engine.process(&refused).unwrap().duplicates(), 5);
    }
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
        records(&engine).unread_counts().unwrap(),
        [],
        "reading goes on"
    );
    other.execute_batch("COMMIT").unwrap();
    assert_eq!(engine.process(&messages(0..3)).unwrap().delivered(), 3);
}

#[test]
fn a_success_without_its_checkpoint_is_not_finished() {
    let folder = Folder::new();
    let path = folder.file("store.db");
    let engine = engine_over(quick().open(&path).unwrap());
    let engine = engine.lease(Duration::ZERO); // so that no engine waits for its end
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
    // Without the receiver, and with it the lock. The engine is another one, as after a crash:
    // the first one would write the mark now.
    drop(engine);
    let engine = engine_over(quick().open(&path).unwrap());
    let outcome = engine.process(&messages(0..1)).unwrap();
    assert_eq!(
        (outcome.delivered(), outcome.duplicates()),
        (1, 0),
        "it was not finished"
    );
    assert_eq!(engine.process(&messages(0..1)).unwrap().duplicates(), 1);
}
