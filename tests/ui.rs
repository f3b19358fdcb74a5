//! The compiler's words for those who misuse `#[receiver]`, `Signal::connect` or an open enum: one
//! file a mistake, with the expected words beside it.
//!
//! Half of the words are rustc's own and change between its versions, so the
//! `.stderr` files hold for rustc 1.95, and with another version this test is
//! ignored. After an update, or after a change of a message, write them anew
//! and read the diff:
//!
//! ```sh
//! TRYBUILD=overwrite cargo test --test ui
//! ```

#[rustversion::attr(not(stable(1.95)), ignore = "the words are those of rustc 1.95")]
#[test]
fn mistakes_are_explained() {
    trybuild::TestCases::new().compile_fail("tests/ui/*.rs");
}

#[test]
fn strict_crates_and_macros_compile() {
    trybuild::TestCases::new().pass("tests/ui/pass/*.rs");
}
