//! Receivers that a macro writes all in one line.

use super::*;

static LINE: Signal<Roll> = Signal::new("line");

macro_rules! eight {
    ($($n:literal)*) => { $(
        const _: () = {
            #[receiver(LINE)]
            fn one_of_eight(roll: &Roll) {
                roll.add($n);
            }
        };
    )* };
}

eight! { "a" "b" "c" "d" "e" "f" "g" "h" }

#[test]
fn receivers_of_one_name_in_one_line_run_in_the_order_of_the_source() {
    assert_eq!(called(&LINE), ["a", "b", "c", "d", "e", "f", "g", "h"]);
}
