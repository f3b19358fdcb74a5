//! The tests of the engine, over Postgres.
//!
//! They are those of the core, `tests/engine`, except the tests of its own stores and those of its
//! parser. `support::stores` has the stores that they run over.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]
#![allow(
    unexpected_cfgs,
    reason = "tests of SQLite have the feature of the core"
)]

#[path = "../../../tests/engine/accept.rs"]
mod accept;
#[path = "../../../tests/engine/async_receivers.rs"]
mod async_receivers;
#[path = "../../../tests/engine/backlog.rs"]
mod backlog;
#[path = "../../../tests/engine/contact_cache.rs"]
mod contact_cache;
#[path = "../../../tests/engine/dead_letters.rs"]
mod dead_letters;
#[path = "../../../tests/engine/due.rs"]
mod due;
#[path = "../../../tests/engine/erase.rs"]
mod erase;
#[path = "../../../tests/engine/events.rs"]
mod events;
#[path = "../../../tests/engine/in_order/mod.rs"]
mod in_order;
#[path = "../../../tests/engine/kept_marks.rs"]
mod kept_marks;
#[path = "../../../tests/engine/observer.rs"]
mod observer;
#[path = "../../../tests/engine/receivers/mod.rs"]
mod receivers;
#[path = "../../../tests/engine/records/mod.rs"]
mod records;
#[path = "../../../tests/engine/replays.rs"]
mod replays;
#[path = "../../../tests/engine/round_trips.rs"]
mod round_trips;
#[path = "../support/server.rs"]
#[allow(dead_code, reason = "a part of it is used here")]
mod server;
#[path = "../../../tests/engine/shared/mod.rs"]
mod shared;
#[path = "../support/mod.rs"]
mod support;
#[path = "../../../tests/engine/tend.rs"]
mod tend;
#[path = "../../../tests/engine/timeouts.rs"]
mod timeouts;
#[path = "../../../tests/engine/unreadable.rs"]
mod unreadable;
#[path = "../../../tests/engine/unsteady.rs"]
mod unsteady;
