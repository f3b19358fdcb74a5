//! The store over a real server, which is started by the first test that needs one.
//!
//! The modules of `tests/engine` are those of the core, except the tests of its own stores, its
//! parser and its testing kit. `support::stores` has the stores that they run over.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]
#![allow(
    unexpected_cfgs,
    reason = "tests of SQLite have the feature of the core"
)]

mod engines;
mod outages;
mod schema;
mod store;

#[path = "../support/server.rs"]
mod server;
#[path = "../support/mod.rs"]
mod support;

#[path = "../../../tests/engine/accept.rs"]
mod accept;
#[path = "../../../tests/engine/async_receivers.rs"]
mod async_receivers;
#[path = "../../../tests/engine/backlog.rs"]
mod backlog;
#[path = "../../../tests/engine/contact_cache.rs"]
mod contact_cache;
#[path = "../../../tests/engine/crash/mod.rs"]
mod crash;
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
#[path = "../../../tests/engine/shared/mod.rs"]
mod shared;
#[path = "../../../tests/engine/tend.rs"]
mod tend;
#[path = "../../../tests/engine/timeouts.rs"]
mod timeouts;
#[path = "../../../tests/engine/unreadable.rs"]
mod unreadable;
#[path = "../../../tests/engine/unsteady.rs"]
mod unsteady;

/// Returns the server, or from the test.
macro_rules! require_server {
    () => {
        match $crate::server::Server::shared() {
            Some(server) => server,
            None => return,
        }
    };
}
use require_server;
