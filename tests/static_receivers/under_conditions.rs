//! Receivers behind `cfg`.

use super::*;

static CONDITIONS: Signal<Roll> = Signal::new("conditions");

#[receiver(CONDITIONS)]
#[cfg(any())]
fn never(roll: &Roll) {
    roll.add("never");
}

#[cfg(any())]
#[receiver(CONDITIONS)]
fn never_either(roll: &Roll) {
    roll.add("never_either");
}

#[receiver(CONDITIONS)]
#[cfg(not(any()))]
#[cfg(any())]
fn never_by_the_second(roll: &Roll) {
    roll.add("never_by_the_second");
}

#[receiver(CONDITIONS)]
#[cfg(not(any()))]
fn always(roll: &Roll) {
    roll.add("always");
}

#[cfg_attr(all(), receiver(CONDITIONS))]
fn conditionally_registered(roll: &Roll) {
    roll.add("conditionally_registered");
}

#[cfg_attr(any(), receiver(CONDITIONS))]
fn conditionally_not_registered(roll: &Roll) {
    roll.add("conditionally_not_registered");
}

#[test]
fn a_function_that_is_configured_away_takes_its_registration_along() {
    let all = ["always", "conditionally_registered"];
    assert_eq!(called(&CONDITIONS), all);
    assert_eq!(names(&CONDITIONS.receivers()), all);
    conditionally_not_registered(&Roll::default());
}
