//! In which order static receivers run.

use super::*;

const EARLY: i32 = -100;
const UID: &str = concat!("in_order", ".", "early");

static ORDERED: Signal<Roll> = Signal::new("ordered");

#[receiver(ORDERED, order = i32::MAX)]
fn max(roll: &Roll) {
    roll.add("max");
}

#[receiver(ORDERED)]
fn zero_b(roll: &Roll) {
    roll.add("zero_b");
}

#[receiver(ORDERED, order = 0)]
fn zero_a(roll: &Roll) {
    roll.add("zero_a");
}

#[receiver(ORDERED, uid = UID, order = EARLY)]
fn early(roll: &Roll) {
    roll.add("early");
}

#[receiver(ORDERED, order = EARLY - 1)]
fn earlier(roll: &Roll) {
    roll.add("earlier");
}

#[receiver(ORDERED)]
fn zero_c(roll: &Roll) {
    roll.add("zero_c");
}

#[receiver(ORDERED, order = i32::MIN)]
fn min(roll: &Roll) {
    roll.add("min");
}

const STATIC: [&str; 7] = [
    "min", "earlier", "early", "zero_b", "zero_a", "zero_c", "max",
];

fn own(name: &'static str) -> impl Fn(&Roll) + Send + Sync {
    move |roll: &Roll| roll.add(name)
}

/// One test, since all of it is about who is connected to one signal.
#[test]
fn t79_static_receivers_run_by_order_then_line_and_before_the_connected_of_their_order() -> Done {
    assert_eq!(called(&ORDERED), STATIC);
    assert_eq!(ORDERED.receivers()[2].uid(), Some("in_order.early"));

    let mut guards = Vec::new();
    for (order, name) in [
        (0, "own 0"),
        (i32::MIN, "own min"),
        (i32::MAX, "own max"),
        (EARLY, "own early"),
        (0, "own 0 too"),
        (1, "own 1"),
    ] {
        let options = ConnectOptions::new().order(order);
        guards.push(ORDERED.connect_with(options, own(name))?);
    }
    let merged = [
        "min",
        "own min",
        "earlier",
        "early",
        "own early",
        "zero_b",
        "zero_a",
        "zero_c",
        "own 0",
        "own 0 too",
        "own 1",
        "max",
        "own max",
    ];
    assert_eq!(called(&ORDERED), merged);

    drop(guards);
    assert_eq!(called(&ORDERED), STATIC);
    assert_eq!(names(&ORDERED.receivers()), STATIC);
    Ok(())
}
