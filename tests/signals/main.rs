//! Signals of all kinds: their receivers, their threads, and their filters.
//!
//! One test has a static receiver of a signal of this crate; all others have signals or
//! contexts of their own. None calls `check`, which would be the first use of every signal.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod async_receivers;
mod behaviours;
#[cfg(feature = "testing")]
mod filters;
mod threads;
