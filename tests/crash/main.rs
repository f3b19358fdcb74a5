//! Programs that are killed while they handle webhooks, again and again.
//!
//! `CRASH_KILLS=100` kills a hundred times in each test (default: 25).
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod logs;
mod one_program;
mod order;
mod programs;
mod receivers;
mod shared_bodies;

#[path = "../support/mod.rs"]
mod support;
