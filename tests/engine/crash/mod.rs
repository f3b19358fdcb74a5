//! Programs that are killed while they handle webhooks, again and again.
//!
//! `CRASH_KILLS=100` kills a hundred times in each test (default: 25).

mod logs;
mod one_program;
mod order;
mod programs;
mod receivers;
mod shared_bodies;
