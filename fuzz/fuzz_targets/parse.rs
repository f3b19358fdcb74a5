//! Parses any bytes: no panic, and no lost item.
//!
//! ```sh
//! mkdir -p fuzz/corpus/parse
//! RUSTC_BOOTSTRAP=1 cargo fuzz run parse -s none fuzz/corpus/parse fuzz/seeds tests/payloads \
//!     -- -dict=fuzz/webhook.dict -max_len=65536 -max_total_time=600
//! ```
#![no_main]

use libfuzzer_sys::fuzz_target;

#[allow(dead_code, reason = "the other target uses the other check")]
#[path = "../checks.rs"]
mod checks;

fuzz_target!(|body: &[u8]| checks::parse(body));
