//! Receivers in modules, function bodies, closures and constants.

use super::*;

static SCOPES: Signal<Roll> = Signal::new("scopes");

#[receiver(SCOPES)]
fn same_name(roll: &Roll) {
    roll.add("outer");
}

mod inner {
    mod deeper {
        use super::super::super::Roll;

        #[whatsapp_signals::receiver(super::super::SCOPES)]
        fn same_name(roll: &Roll) {
            roll.add("deeper");
        }
    }
}

// Never called: what is written in a body is registered all the same.
#[allow(dead_code)]
fn a_function() {
    #[receiver(SCOPES)]
    fn in_a_body(roll: &Roll) {
        roll.add("in_a_body");
    }
    std::iter::once(()).for_each(|()| {
        #[receiver(crate::in_scopes::SCOPES)]
        fn in_a_closure(roll: &Roll) {
            roll.add("in_a_closure");
        }
    });
}

const _: () = {
    #[receiver(SCOPES)]
    pub(super) fn in_a_const(roll: &Roll) {
        roll.add("in_a_const");
    }
};

#[test]
fn t20_modules_bodies_and_constants_may_hold_receivers_also_of_one_name() {
    let all = ["outer", "deeper", "in_a_body", "in_a_closure", "in_a_const"];
    assert_eq!(called(&SCOPES), all);
    let [outer, deeper, ..] = &SCOPES.receivers()[..] else {
        panic!("more than two");
    };
    let here = module_path!();
    assert_eq!(outer.path(), format!("{here}::same_name"));
    assert_eq!(deeper.path(), format!("{here}::inner::deeper::same_name"));
}

#[test]
fn a_signal_in_a_body_has_its_receivers_there() {
    static LOCAL: Signal<Roll> = Signal::new("local");

    #[receiver(LOCAL)]
    fn local(roll: &Roll) {
        roll.add("local");
    }

    assert_eq!(called(&LOCAL), ["local"]);
}
