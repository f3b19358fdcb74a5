//! The compiler's words for those who misuse `#[receiver]`, `Signal::connect` or an open enum: one
//! file a mistake, with the expected words beside it.
//!
//! Half of the words are rustc's own and change between its versions, so the
//! `.stderr` files hold for rustc 1.95, and with another version this test is
//! ignored.
//!
//! rustc prints a closure with its file's path, and moves a reason of more than 140 characters out
//! of the label. So signals to which a closure is connected have a payload with a long name: the
//! words are the same wherever the project is.
//!
//! After an update, or after a change of a message, write them again and read the diff:
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
