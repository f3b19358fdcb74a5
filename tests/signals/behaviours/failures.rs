//! Receivers that fail or panic, and whom it costs.

use super::*;

fn fails(_: &u32) -> Result<(), String> {
    Err("secret words".to_owned())
}

fn panics_with_text(_: &u32) {
    panic!("secret literal");
}

fn panics_with_string(n: &u32) {
    panic!("secret number {n}");
}

fn panics_with_value(_: &u32) {
    panic_any(7_u8);
}

/// Panics with a value that panics once more when it is dropped.
fn panics_twice(_: &u32) {
    panic_any(OnDrop(|| panic!("in the payload's Drop")));
}

#[test]
fn t16_send_robust_runs_all_others_and_names_each_that_failed() {
    let signal = Signal::new("tick");
    let log = Log::new();
    let line = line!();
    let _guards = [
        signal.connect(log.named("a")),
        signal.connect(fails),
        signal.connect(log.named("b")),
        signal.connect(panics_with_text),
        signal.connect(panics_with_string),
        signal.connect(panics_with_value),
        signal.connect(panics_twice),
        signal.connect(log.named("c")),
    ];

    let report = signal.send_robust(&5);
    assert_eq!(log.take(), ["a", "b", "c"]);
    assert_eq!((report.called(), report.succeeded()), (8, 3));

    let expected = [
        ("fails", line + 3, None),
        ("panics_with_text", line + 5, Some("secret literal")),
        ("panics_with_string", line + 6, Some("secret number 5")),
        ("panics_with_value", line + 7, None),
        ("panics_twice", line + 8, None),
    ];
    assert_eq!(report.failures().len(), expected.len());
    for (failure, (name, line, panic)) in report.failures().iter().zip(expected) {
        let receiver = failure.receiver();
        let path = format!("{}::{name}", module_path!());
        assert_eq!((receiver.path(), receiver.line()), (&*path, line));
        assert_eq!((receiver.file(), receiver.signal()), (file!(), "tick"));
        assert_eq!(failure.panic_message(), panic);
        assert_eq!(matches!(failure.cause(), Cause::Panic(_)), name != "fails");
        assert_eq!(failure.error().is_some(), name == "fails");
    }
}

#[test]
fn the_text_of_a_failure_names_the_receiver_and_leaves_its_words_to_the_source() {
    let signal = Signal::new("tick");
    let line = line!() + 1;
    let _guards = [signal.connect(fails), signal.connect(panics_with_string)];

    let failures = signal.send_robust(&5).into_failures();
    for (failure, (name, verb)) in failures
        .iter()
        .zip([("fails", "failed"), ("panics_with_string", "panicked")])
    {
        let text = failure.to_string();
        assert!(!text.contains("secret"), "{text}");
        let here = format!("{}::{name} ({}:{line})", module_path!(), file!());
        for part in [&*here, "tick", verb] {
            assert!(text.contains(part), "{part} in {text}");
        }
    }
    let source = failures[0].source().map(ToString::to_string);
    assert_eq!(source.as_deref(), Some("secret words"));
    assert!(failures[1].source().is_none());
    assert_eq!(failures[1].panic_message(), Some("secret number 5"));
}

#[test]
fn t85_send_stops_at_the_first_error_and_later_sends_work() -> Done {
    let signal = Signal::new("tick");
    let log = Log::new();
    let _first = signal.connect(log.named("a"));
    let _bad = signal.connect(|n: &u32| if *n == 0 { Err("zero") } else { Ok(()) });
    let _late = signal.connect(log.named("b"));

    let failure: Failure = signal.send(&0).expect_err("zero is an error");
    assert_eq!(log.take(), ["a"]);
    assert_eq!(failure.receiver().line(), signal.receivers()[1].line());
    assert!(
        failure
            .error()
            .is_some_and(|error| error.to_string() == "zero")
    );
    assert_eq!(signal.send(&1)?.called(), 3);
    assert_eq!(log.take(), ["a", "b"]);
    Ok(())
}

#[test]
fn the_error_of_a_receiver_keeps_its_type() {
    let signal = Signal::new("tick");
    let _bad = signal.connect(|_: &u32| "x".parse::<u8>().map(drop));
    let failures = signal.send_robust(&1).into_failures();
    let error = failures[0].error();
    assert!(error.is_some_and(<dyn Error + Send + Sync>::is::<ParseIntError>));
}

#[test]
fn send_lets_a_panic_through_and_later_sends_work() -> Done {
    let signal = Signal::new("tick");
    let log = Log::new();
    let _first = signal.connect(log.named("a"));
    let _bad = signal.connect(|n: &u32| assert!(*n != 0, "zero"));
    let _late = signal.connect(log.named("b"));

    for _ in 0..2 {
        assert_eq!(panic_of(|| signal.send(&0)), Some("zero"));
        assert_eq!(log.take(), ["a"]);
    }
    assert_eq!(signal.send(&1)?.called(), 3);
    assert_eq!(signal.send_robust(&1).succeeded(), 3);
    assert_eq!(log.take(), ["a", "b", "a", "b"]);
    assert!(signal.connect(|_: &u32| {}).disconnect());
    Ok(())
}

#[test]
fn a_failure_outlives_the_receiver_and_the_signal() {
    let failures = {
        let signal = Signal::new("tick");
        let _bad = signal.connect_with(uid("bad").order(3), fails);
        signal.send_robust(&1).into_failures()
    };
    let receiver = failures[0].receiver();
    assert_eq!((receiver.uid(), receiver.order()), (Some("bad"), 3));
}
