//! Programs that share a database and are killed while they handle webhooks: the tests of the core,
//! `tests/crash`.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

#[path = "../../../tests/crash/logs.rs"]
mod logs;
#[path = "../../../tests/crash/one_program.rs"]
mod one_program;
#[path = "../../../tests/crash/order.rs"]
mod order;
#[path = "../../../tests/crash/programs.rs"]
mod programs;
#[path = "../../../tests/crash/receivers.rs"]
mod receivers;
#[path = "../support/server.rs"]
#[allow(dead_code, reason = "a part of it is used here")]
mod server;
#[path = "../../../tests/crash/shared_bodies.rs"]
mod shared_bodies;
#[path = "../support/mod.rs"]
mod support;
