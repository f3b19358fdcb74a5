//! Compares the tape with serde_json for any text. Started like the target `parse`.
#![no_main]

use libfuzzer_sys::fuzz_target;

// A private module of the library.
#[allow(unused, reason = "the target checks the tape alone")]
#[path = "../../src/json/mod.rs"]
mod json;
#[path = "../tape.rs"]
mod tape;

fuzz_target!(|text: &str| tape::tape(text));
