//! One function, one signal or several.

use super::*;

static A: Signal<Roll> = Signal::new("a");
static B: Signal<Roll> = Signal::new("b");
static C: Signal<Roll> = Signal::new("c");
static WITHOUT_RECEIVERS: Signal<Roll> = Signal::new("without_receivers");

#[receiver(A)]
fn of_a(roll: &Roll) {
    roll.add("of_a");
}

#[receiver([A, B,],)]
fn of_a_and_b(roll: &Roll) {
    roll.add("of_a_and_b");
}

#[receiver(B, order = 2)]
#[receiver(self::C, order = -2)]
fn of_b_late_and_c(roll: &Roll) {
    roll.add("of_b_late_and_c");
}

#[receiver([C])]
fn of_c(roll: &Roll) {
    roll.add("of_c");
}

#[test]
fn t20_t21_a_function_receives_each_of_its_signals_and_no_other() {
    assert_eq!(called(&A), ["of_a", "of_a_and_b"]);
    assert_eq!(called(&B), ["of_a_and_b", "of_b_late_and_c"]);
    assert_eq!(called(&C), ["of_b_late_and_c", "of_c"]);
    assert!(called(&WITHOUT_RECEIVERS).is_empty() && !WITHOUT_RECEIVERS.has_receivers());
}

#[test]
fn a_receiver_stays_a_function_that_can_be_called() {
    let roll = Roll::default();
    of_a(&roll);
    let pointer: fn(&Roll) = of_a_and_b;
    pointer(&roll);
    assert_eq!(roll.0.into_inner().unwrap(), ["of_a", "of_a_and_b"]);
}
