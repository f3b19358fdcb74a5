//! The stores that the tests run over. Tests of another store have a file of their own in place of
//! this one.

#[cfg(feature = "sqlite")]
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::time::SystemTime;

use whatsapp_signals::store::{MemoryStore, ReadyStore};

use super::engines::clock;
use super::folder::Folder;

/// The store of tests that need one store, or that put another one around it.
pub(crate) type AnyStore = MemoryStore;

/// Returns an empty store.
pub(crate) fn any_store() -> AnyStore {
    MemoryStore::new()
}

/// Returns an empty store with this clock.
pub(crate) fn any_store_with_clock(
    clock: impl Fn() -> SystemTime + Send + Sync + 'static,
) -> AnyStore {
    MemoryStore::new().clock(clock)
}

/// Returns the number of times that a test repeats its work, for a store that needs no server.
pub(crate) fn scaled(count: u64) -> u64 {
    count
}

/// Runs a test with each store.
pub(crate) fn with_each_store(test: impl Fn(Arc<dyn ReadyStore>)) {
    test(Arc::new(any_store()));
    #[cfg(feature = "sqlite")]
    {
        let folder = Folder::new();
        let store = whatsapp_signals::store::SqliteStore::open(folder.file("store.db"));
        test(Arc::new(store.expect("a store")));
    }
}

/// Runs a test with each store, and the seconds by which its clock is ahead.
pub(crate) fn with_each_clock(test: impl Fn(Arc<dyn ReadyStore>, Arc<AtomicU64>)) {
    let (ahead, now) = clock();
    test(Arc::new(any_store_with_clock(now)), ahead);
    #[cfg(feature = "sqlite")]
    {
        let (ahead, now) = clock();
        let folder = Folder::new();
        let options = whatsapp_signals::store::SqliteOptions::new().clock(now);
        let store = options.open(folder.file("store.db")).expect("a store");
        test(Arc::new(store), ahead);
    }
}

/// The programs that share a store have clocks of their own.
pub(crate) const HAS_CLOCKS: bool = true;

/// Prepares the store that the programs of a folder share. Returns whether there can be one.
pub(crate) fn create_shared(_: &Folder) -> bool {
    true
}

/// Opens the store that the programs of a folder share, by the clock of this program.
#[cfg(feature = "sqlite")]
pub(crate) fn open_shared(
    folder: &Path,
    clock: impl Fn() -> SystemTime + Send + Sync + 'static,
) -> whatsapp_signals::store::SqliteStore {
    let options = whatsapp_signals::store::SqliteOptions::new().clock(clock);
    options.open(folder.join("store.db")).expect("a store")
}

/// Checks that a shared store is not damaged.
#[cfg(feature = "sqlite")]
pub(crate) fn check_shared(folder: &Folder) {
    let file = rusqlite::Connection::open(folder.file("store.db")).expect("a file");
    let check = file.query_row("PRAGMA integrity_check", [], |row| row.get::<_, String>(0));
    assert_eq!(check.expect("a check"), "ok");
}
