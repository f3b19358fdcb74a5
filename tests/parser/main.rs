//! The parser: bodies in, events out. Only `dispatch` connects receivers to signals of this crate.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod adversarial;
mod campaigns;
mod contacts;
mod dates;
mod dispatch;
mod documented_json;
mod envelope;
mod fidelity;
mod fields;
mod fuzz_seeds;
mod graph;
mod handshake;
mod history;
mod isolation;
mod keys;
mod models;
mod nothing_lost;
mod open_enums;
mod phones;
mod properties;
mod reported;
mod samples;
mod signature;
mod signed;
mod statuses;

#[path = "../../fuzz/checks.rs"]
mod checks;
#[allow(unused, reason = "the tests check the tape alone")]
#[path = "../../src/json/mod.rs"]
mod json;
#[path = "../support/mod.rs"]
mod support;
#[path = "../../fuzz/tape.rs"]
mod tape;
