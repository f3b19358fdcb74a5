//! Receivers in a crate that renames this one.

use super::*;

static RENAMED: Signal<Roll> = Signal::new("renamed");

mod facade {
    pub(super) use whatsapp_signals as wa;
}

#[receiver(RENAMED, crate = facade::wa)]
fn relative(roll: &Roll) {
    roll.add("relative");
}

#[facade::wa::receiver(RENAMED, order = -1, crate = ::whatsapp_signals)]
fn absolute(roll: &Roll) {
    roll.add("absolute");
}

#[test]
fn the_crate_option_says_where_the_crate_is() {
    assert_eq!(called(&RENAMED), ["absolute", "relative"]);
}
