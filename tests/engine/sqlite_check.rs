//! The check of an SQLite file.

use std::fs;
use std::path::Path;

use crate::support::engines::engine_over;
use crate::support::folder::Folder;
use crate::support::messages::messages;
use rusqlite::Connection;
use whatsapp_signals::store::{SqliteStore, StoreErrorKind};

/// Fills a file with messages and dead letters.
fn fill(path: &Path) {
    let engine = engine_over(SqliteStore::open(path).unwrap());
    for n in 0..40 {
        let _ = engine.process(&messages(n..n + 1)).unwrap();
        engine
            .store_unreadable(format!("{{{n}").as_bytes())
            .unwrap();
    }
}

fn faults(path: &Path) -> Vec<String> {
    SqliteStore::check(path).unwrap().faults
}

#[test]
fn a_filled_file_has_no_fault_also_while_a_program_has_it_open() {
    let folder = Folder::new();
    let path = folder.file("store.db");
    fill(&path);
    let _open = SqliteStore::open(&path).unwrap();
    let check = SqliteStore::check(&path).unwrap();
    assert!(check.is_ok(), "{:?}", check.faults);
    assert_eq!((check.expected_version, check.version), (2, Some(2)));
    let mode = &check.facts[0];
    assert_eq!((mode.0, &*mode.1), ("journal_mode", "wal"));
}

#[test]
fn an_overwritten_page_is_a_fault_that_quotes_no_row() {
    let folder = Folder::new();
    let path = folder.file("store.db");
    fill(&path);
    let whole = fs::read(&path).unwrap();
    let pages = whole.len() / 4096;
    assert!(pages > 20, "{pages}");
    for page in 0..pages {
        let mut bytes = whole.clone();
        bytes[page * 4096..(page + 1) * 4096].fill(0x55);
        fs::write(&path, &bytes).unwrap();
        let faults = faults(&path);
        assert!(!faults.is_empty(), "page {page}");
        for fault in faults {
            assert!(
                !fault.contains("wamid") && !fault.contains("1555"),
                "{fault}"
            );
        }
    }
}

#[test]
fn another_version_another_program_and_an_empty_file_are_faults() {
    let folder = Folder::new();
    let path = folder.file("store.db");
    fill(&path);
    for (version, age) in [(3, "a newer"), (1, "an older")] {
        let connection = Connection::open(&path).unwrap();
        connection
            .pragma_update(None, "user_version", version)
            .unwrap();
        drop(connection);
        let fault = format!(
            "expected version 2 of the tables, found version {version} of {age} whatsapp-signals"
        );
        assert_eq!(faults(&path), [fault]);
    }
    let empty = folder.file("empty.db");
    fs::write(&empty, "").unwrap();
    assert_eq!(
        faults(&empty),
        ["expected version 2 of the tables, found none"]
    );
    assert_eq!(fs::read(&empty).unwrap(), b"", "nothing is written");
    let other = folder.file("other.db");
    let connection = Connection::open(&other).unwrap();
    connection.execute_batch("CREATE TABLE bike (id)").unwrap();
    assert_eq!(
        faults(&other),
        ["expected tables of whatsapp-signals, found those of another program"]
    );
}

#[test]
fn a_webhook_without_its_body_is_a_fault() {
    let folder = Folder::new();
    let path = folder.file("store.db");
    fill(&path);
    let connection = Connection::open(&path).unwrap();
    let delete = "DELETE FROM body WHERE webhook IN (SELECT webhook FROM body LIMIT 3)";
    connection.execute_batch(delete).unwrap();
    assert_eq!(faults(&path), ["webhooks without a body: 3"]);
}

#[test]
fn a_missing_file_is_an_error_and_is_not_created() {
    let folder = Folder::new();
    let path = folder.file("store.db");
    let error = SqliteStore::check(&path).unwrap_err();
    assert_eq!(error.kind(), StoreErrorKind::Unavailable);
    assert!(!path.exists());
}
