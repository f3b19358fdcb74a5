//! The compiler's messages for mistakes with `#[receiver]`, `Signal::connect` and open enums: one
//! file in `cases` for each mistake, with the expected messages in the file beside it.
//!
//! Half of each message is rustc's and changes between versions. The `.stderr` files are for rustc
//! 1.95; other versions ignore the test.
//!
//! rustc prints a closure with the path of its file, and moves a reason of more than 140 characters
//! out of the label. Therefore signals to which a closure is connected have a payload with a long
//! name: the messages are the same wherever the project is.
//!
//! After an update of rustc or a change of a message, write the messages again and read the diff:
//!
//! ```sh
//! TRYBUILD=overwrite cargo test -p ui
//! ```

use strict_crate::TICK;
use whatsapp_signals::signals::MESSAGE_RECEIVED;

#[rustversion::attr(
    not(stable(1.95)),
    ignore = "the expected messages are those of rustc 1.95"
)]
#[test]
fn mistakes_are_explained() {
    trybuild::TestCases::new().compile_fail("cases/*.rs");
}

#[test]
fn a_strict_crate_has_all_its_receivers() {
    assert_eq!(TICK.receivers().len(), 3);
    assert_eq!(MESSAGE_RECEIVED.receivers().len(), 1);
}
