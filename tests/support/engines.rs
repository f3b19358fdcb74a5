//! Engines over each store, that call no receivers of the program.

use std::sync::Arc;

use whatsapp_signals::store::{MemoryStore, Store};
use whatsapp_signals::{Context, WebhookEngine};

/// A store behind a pointer, whichever it is.
pub(crate) type Engine = WebhookEngine<Arc<dyn Store>>;

/// Returns an engine over a store. Only receivers that are connected to a context of its own
/// are called, so tests with other receivers may run beside.
pub(crate) fn engine_over<S: Store>(store: S) -> WebhookEngine<S> {
    WebhookEngine::new(store).context(Context::new().only_own_receivers())
}

/// Runs a test with a new engine over each store that is there.
pub(crate) fn with_each_store(test: impl Fn(Engine)) {
    test(engine_over(Arc::new(MemoryStore::new())));
    #[cfg(feature = "sqlite")]
    {
        let folder = super::folder::Folder::new();
        let store = whatsapp_signals::store::SqliteStore::open(folder.file("store.db"));
        test(engine_over(Arc::new(store.expect("a store"))));
    }
}
