//! The queue over real servers: each test starts its own.
//!
//! The static receivers in `worker` are those of the whole program. The tests of `engine` and
//! `crash` leave them out, and connect their receivers to a context.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]
#![allow(clippy::large_futures, reason = "there is one of each")]

mod crash;
mod engine;
mod publish;
mod stream;
mod worker;

#[path = "../support/mod.rs"]
mod support;
#[path = "../../../tests/support/watched.rs"]
#[allow(dead_code, reason = "other tests use the rest of the module")]
mod watched;
