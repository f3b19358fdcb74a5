//! Engines over each store, that call no receivers of the program.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, SystemTime};

use super::unsteady::{Rates, Unsteady};
use whatsapp_signals::engine::Records;
use whatsapp_signals::model::Account;
use whatsapp_signals::store::{MemoryStore, ReadyStore, Store};
use whatsapp_signals::{Context, WebhookEngine};

/// A store behind a pointer, whichever it is.
pub(crate) type Engine = WebhookEngine<Arc<dyn ReadyStore>>;

/// Returns an engine over a store, which waits for no time between two attempts. Only receivers
/// that are connected to a context of its own are called, so tests with other receivers may run
/// beside.
pub(crate) fn engine_over<S: Store>(store: S) -> WebhookEngine<S> {
    let engine = WebhookEngine::new(store).backoff(Duration::ZERO, Duration::ZERO);
    engine.context(Context::new().only_own_receivers())
}

/// Runs a test with a new engine over each store that is there, and over one whose commits
/// conflict or have an unknown result: the engine repeats those, and no test sees them.
pub(crate) fn with_each_store(test: impl Fn(Engine)) {
    let rates = Rates {
        conflict: 20,
        unknown: 10,
        locked: 0,
    };
    let store = Unsteady::new(MemoryStore::new(), 0, rates).ready();
    test(engine_over(Arc::new(store)));
    with_each_steady_store(test);
}

/// Runs a test with a new engine over each store that is there: one that counts commits, or
/// writes rows itself.
pub(crate) fn with_each_steady_store(test: impl Fn(Engine)) {
    test(engine_over(Arc::new(MemoryStore::new())));
    #[cfg(feature = "sqlite")]
    {
        let folder = super::folder::Folder::new();
        let store = whatsapp_signals::store::SqliteStore::open(folder.file("store.db"));
        test(engine_over(Arc::new(store.expect("a store"))));
    }
}

/// Runs a test with a new engine over each store, and the seconds by which its clock is ahead.
pub(crate) fn with_each_clock(test: impl Fn(Engine, Arc<AtomicU64>)) {
    let clock = || {
        let ahead = Arc::new(AtomicU64::new(0));
        let seconds = Arc::clone(&ahead);
        // Ordering: only the number itself matters.
        let ahead_of = move || Duration::from_secs(seconds.load(Ordering::Relaxed));
        (ahead, move || SystemTime::now() + ahead_of())
    };
    let (ahead, now) = clock();
    test(engine_over(Arc::new(MemoryStore::new().clock(now))), ahead);
    #[cfg(feature = "sqlite")]
    {
        let (ahead, now) = clock();
        let folder = super::folder::Folder::new();
        let options = whatsapp_signals::store::SqliteOptions::new().clock(now);
        let store = options.open(folder.file("store.db")).expect("a store");
        test(engine_over(Arc::new(store)), ahead);
    }
}

/// Returns the number that the testing kit writes to, with its WABA.
pub(crate) fn account() -> Account {
    Account::new("900800700600500").with_number("300200100500600", "15550100200")
}

/// Returns the records of the first number that has received something, or of
/// [`account`] if none has.
pub(crate) fn records<S: ReadyStore>(engine: &WebhookEngine<S>) -> Records<'_, S> {
    match &engine.numbers().expect("the numbers")[..] {
        [] => engine.account(&account()),
        [(number, _), ..] => engine.number(number.as_str()),
    }
}
