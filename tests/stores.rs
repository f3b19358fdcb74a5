//! Our own stores are right, by the same checks that yours can use.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::sync::Arc;

use whatsapp_signals::store::{MemoryStore, Store, store_conformance};

#[test]
fn the_memory_store_is_right() {
    store_conformance(MemoryStore::new);
}

#[test]
fn a_store_behind_a_pointer_is_right() {
    store_conformance(|| Arc::new(MemoryStore::new()) as Arc<dyn Store>);
}
