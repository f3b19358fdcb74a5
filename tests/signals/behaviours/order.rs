//! In which order receivers run.

use super::*;

#[test]
fn t79_receivers_run_by_order_and_ties_in_the_order_of_connection() -> Done {
    /// Order and name as connected, names as they run.
    type Case = (&'static [(i32, &'static str)], &'static [&'static str]);
    let cases: [Case; 5] = [
        (&[(0, "a"), (0, "b"), (0, "c")], &["a", "b", "c"]),
        (&[(2, "a"), (1, "b"), (0, "c")], &["c", "b", "a"]),
        (
            &[(0, "a"), (-1, "b"), (1, "c"), (-1, "d")],
            &["b", "d", "a", "c"],
        ),
        (
            &[(1, "a"), (0, "b"), (1, "c"), (0, "d"), (1, "e")],
            &["b", "d", "a", "c", "e"],
        ),
        (
            &[(i32::MAX, "a"), (0, "b"), (i32::MIN, "c"), (i32::MAX, "d")],
            &["c", "b", "a", "d"],
        ),
    ];
    for (connected, runs) in cases {
        let signal = Signal::new("tick");
        let log = Log::new();
        let mut guards = Vec::new();
        for (place, name) in connected {
            let options = order(*place).uid(*name);
            guards.push(signal.connect_with(options, log.named(name))?);
        }
        assert!(signal.send_robust(&1).is_ok());
        assert_eq!(log.take(), runs);
        signal.send(&1)?;
        assert_eq!(log.take(), runs);
        assert_eq!(uids(&signal), runs);
    }
    Ok(())
}

#[test]
fn t79_a_receiver_that_comes_back_is_the_last_of_its_order() -> Done {
    let signal = Signal::new("tick");
    let log = Log::new();
    let first = signal.connect(log.named("a"));
    let _second = signal.connect(log.named("b"));
    let _late = signal.connect_with(order(1), log.named("z"))?;
    drop(first);
    let _again = signal.connect(log.named("a"));
    signal.send(&1)?;
    assert_eq!(log.take(), ["b", "a", "z"]);
    Ok(())
}
