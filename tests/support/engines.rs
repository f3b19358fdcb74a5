//! Engines over each store.

use std::sync::Arc;

use whatsapp_signals::WebhookEngine;
use whatsapp_signals::store::{MemoryStore, Store};

/// A store behind a pointer, whichever it is.
pub(crate) type Engine = WebhookEngine<Arc<dyn Store>>;

/// Runs a test with a new engine over each store that is there.
pub(crate) fn with_each_store(test: impl Fn(Engine)) {
    test(WebhookEngine::new(Arc::new(MemoryStore::new())));
    #[cfg(feature = "sqlite")]
    {
        let folder = super::folder::Folder::new();
        let store = whatsapp_signals::store::SqliteStore::open(folder.file("store.db"));
        test(WebhookEngine::new(Arc::new(store.expect("a store"))));
    }
}
