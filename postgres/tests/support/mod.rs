//! The helpers of the core's tests, with other stores.
#![allow(dead_code, reason = "these tests use a part of it")]

#[path = "../../../tests/support/batch.rs"]
pub(crate) mod batch;
#[path = "../../../tests/support/engines.rs"]
pub(crate) mod engines;
#[path = "../../../tests/support/folder.rs"]
pub(crate) mod folder;
#[path = "../../../tests/support/messages.rs"]
pub(crate) mod messages;
#[path = "../../../tests/support/rows.rs"]
pub(crate) mod rows;
pub(crate) mod stores;
#[path = "../../../tests/support/unsteady.rs"]
pub(crate) mod unsteady;
#[path = "../../../tests/support/watched.rs"]
pub(crate) mod watched;
