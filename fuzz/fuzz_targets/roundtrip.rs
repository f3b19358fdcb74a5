//! Serializes the events of any bytes, and parses another spelling of the body. Started like the
//! target `parse`.
#![no_main]

use libfuzzer_sys::fuzz_target;

#[allow(dead_code, reason = "the other target uses the other check")]
#[path = "../checks.rs"]
mod checks;

fuzz_target!(|body: &[u8]| checks::roundtrip(body));
