//! Receivers that a macro writes.

use super::*;

static MADE: Signal<Roll> = Signal::new("made");

/// Everything that a macro can pass on; the rest has the macro's hygiene.
macro_rules! make {
    ($signal:path, $name:ident, $event:ident: $payload:ty, $order:expr, $uid:literal) => {
        #[receiver($signal, order = $order, uid = $uid, filter = |_| true)]
        fn $name($event: &$payload) -> Result<(), String> {
            $event.add(stringify!($name));
            Ok(())
        }
    };
}

make!(MADE, last, roll: Roll, i32::MAX - 1, "made-last");
make!(self::MADE, first, event: super::Roll, -(1 + 1), "made-first");

macro_rules! wrapped {
    ($($function:item)*) => { $( #[receiver(MADE)] $function )* };
}

// On one line for the compiler, hence by path.
wrapped! {
    fn beta(roll: &Roll) { roll.add("beta"); }
    fn alpha(roll: &Roll) { roll.add("alpha"); }
}

macro_rules! own_names {
    () => {
        mod hidden {
            use super::*;

            #[receiver(MADE, order = 5)]
            fn named_by_the_macro(roll: &Roll) {
                roll.add("named_by_the_macro");
            }
        }
    };
}

own_names!();

#[test]
fn t20_macro_rules_may_make_receivers() {
    let all = ["first", "alpha", "beta", "named_by_the_macro", "last"];
    assert_eq!(called(&MADE), all);
    assert!(MADE.disconnect("made-last") && MADE.disconnect("made-first"));
}
