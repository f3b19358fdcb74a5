//! The synchronisation primitives of the overlay. `tests/loom.rs` has its own of each.

pub(super) use std::sync::Arc;
pub(super) use std::sync::atomic::{AtomicUsize, Ordering};

pub(super) use arc_swap::ArcSwapOption;
pub(super) use parking_lot::Mutex;
