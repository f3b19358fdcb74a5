//! The store over a real server, which is started by the first test.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod engine;
mod outages;
mod schema;
#[path = "../support/server.rs"]
mod server;
mod store;

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
