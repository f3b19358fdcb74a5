//! The engine and its stores: each receiver has each event until it has succeeded, once.
//!
//! The static receivers in `receivers` are those of the whole program. The engines of all other
//! tests leave them out, and call what the test has connected to their context.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod accept;
mod async_receivers;
mod backlog;
mod bodies;
mod contact_cache;
mod crash;
mod dead_letters;
mod due;
mod erase;
mod events;
mod in_order;
mod kept_marks;
mod memory_store;
mod observer;
mod parser;
mod receivers;
mod records;
mod replays;
mod round_trips;
mod shared;
mod sqlite;
mod sqlite_check;
mod sqlite_store;
mod stores;
mod tend;
mod testing;
mod timeouts;
mod unreadable;
mod unsteady;
mod versions;

#[path = "../support/mod.rs"]
mod support;
