//! The values of `filter =`.

use super::*;

static NUMBERS: Signal<(u32, Roll)> = Signal::new("numbers");

fn is_odd(event: &(u32, Roll)) -> bool {
    event.0 % 2 == 1
}

#[receiver(NUMBERS)]
fn all(event: &(u32, Roll)) {
    event.1.add("all");
}

#[receiver(NUMBERS, filter = is_odd)]
fn odd(event: &(u32, Roll)) {
    event.1.add("odd");
}

#[receiver(NUMBERS, filter = |event| event.0 > 9)]
fn big(event: &(u32, Roll)) {
    event.1.add("big");
}

#[receiver(NUMBERS, filter = |(n, _): &(u32, Roll)| { let small = 2; *n < small })]
fn small(event: &(u32, Roll)) {
    event.1.add("small");
}

// Twice on one signal, as two registrations.
#[receiver(NUMBERS, order = 1)]
#[receiver(NUMBERS, order = 2, filter = self::is_odd)]
fn last((_, roll): &(u32, Roll)) {
    roll.add("last");
}

#[test]
fn t27_t70_a_filter_decides_for_its_own_registration() -> Done {
    let cases: [(u32, &[&str], usize); 4] = [
        (1, &["all", "odd", "small", "last", "last"], 1),
        (4, &["all", "last"], 4),
        (12, &["all", "big", "last"], 3),
        (13, &["all", "odd", "big", "last", "last"], 1),
    ];
    for (n, received, filtered) in cases {
        let event = (n, Roll::default());
        let report = NUMBERS.send(&event)?;
        assert_eq!(event.1.0.into_inner()?, received, "{n}");
        assert_eq!(
            (report.called(), report.filtered()),
            (received.len(), filtered)
        );
    }
    Ok(())
}
