//! Signals of all kinds: their receivers, their threads, and their filters.
//!
//! `dispatch` has static receivers of `MESSAGE_RECEIVED` and `MESSAGE_SENT`, `async_receivers` has
//! one of `MESSAGE_ECHO`; all other tests have their own signals or contexts. None calls `check`,
//! which is the first use of every signal.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod async_receivers;
mod behaviours;
mod dispatch;
#[cfg(feature = "testing")]
mod filters;
mod public_types;
mod threads;
