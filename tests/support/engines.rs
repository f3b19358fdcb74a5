//! Engines over each store, that call no receivers of the program.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, SystemTime};

use super::stores::{self, any_store};
use super::unsteady::{Rates, Unsteady};
use whatsapp_signals::engine::Records;
use whatsapp_signals::model::Account;
use whatsapp_signals::store::{ReadyStore, Store};
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

/// Runs a test with a new engine over each store, and over one whose commits conflict or have an
/// unknown result: the engine repeats those, and no test sees them.
pub(crate) fn with_each_store(test: impl Fn(Engine)) {
    let rates = Rates {
        conflict: 20,
        unknown: 10,
        locked: 0,
    };
    let store = Unsteady::new(any_store(), 0, rates).ready();
    test(engine_over(Arc::new(store)));
    with_each_steady_store(test);
}

/// Runs a test with a new engine over each store, but for the one whose commits fail: a test that
/// counts commits, or writes rows itself.
pub(crate) fn with_each_steady_store(test: impl Fn(Engine)) {
    stores::with_each_store(|store| test(engine_over(store)));
}

/// Runs a test with a new engine over each store, and the seconds by which its clock is ahead.
pub(crate) fn with_each_clock(test: impl Fn(Engine, Arc<AtomicU64>)) {
    stores::with_each_clock(|store, ahead| test(engine_over(store), ahead));
}

/// Returns a clock, and the seconds by which it is ahead.
pub(crate) fn clock() -> (
    Arc<AtomicU64>,
    impl Fn() -> SystemTime + Send + Sync + Clone,
) {
    let ahead = Arc::new(AtomicU64::new(0));
    let seconds = Arc::clone(&ahead);
    // Ordering: only the number itself matters.
    let ahead_of = move || Duration::from_secs(seconds.load(Ordering::Relaxed));
    (ahead, move || SystemTime::now() + ahead_of())
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
