//! Filters of receivers.

use super::*;

#[test]
fn t06_t57_t76_a_filter_matches_by_value_and_spares_the_rest() -> Done {
    let signal: Signal<String> = Signal::new("line");
    let log = Log::new();
    let received = log.clone();
    let options = ConnectOptions::new().filter(|line: &String| line == "a");
    let _connection = signal.connect_with(options, move |line: &String| {
        received.write(line.clone());
    })?;
    for (line, called, filtered) in [("a", 1, 0), ("b", 0, 1), ("a", 1, 0)] {
        let report = signal.send(&line.to_owned())?;
        assert_eq!((report.called(), report.filtered()), (called, filtered));
    }
    assert_eq!(log.take(), ["a", "a"]);
    Ok(())
}

#[test]
fn t27_one_function_with_and_without_a_filter_is_disconnected_one_at_a_time() -> Done {
    fn nothing(_: &u32) {}
    let signal = Signal::new("tick");
    let filtered = signal.connect_with(only(1), nothing)?;
    let plain = signal.connect(nothing);
    assert_eq!(signal.send(&1)?.called(), 2);
    assert_eq!(signal.send(&2)?.called(), 1);
    drop(plain);
    assert_eq!(signal.send(&1)?.called(), 1);
    assert_eq!(signal.send(&2)?.called(), 0);
    drop(filtered);
    assert!(signal.send(&1)?.has_no_receivers());
    Ok(())
}

#[test]
fn t68_a_filtered_receiver_can_be_disconnected_and_come_back() -> Done {
    let signal = Signal::new("tick");
    let log = Log::new();
    let one = signal.connect_with(only(1).uid("r"), log.numbers())?;
    assert!(signal.send(&1)?.called() == 1 && one.disconnect());
    assert!(signal.send(&1)?.has_no_receivers());
    signal
        .connect_with(only(2).uid("r"), log.numbers())?
        .detach();
    signal.send(&1)?;
    signal.send(&2)?;
    assert!(signal.disconnect("r"));
    signal.send(&2)?;
    assert_eq!(log.take(), [1, 2]);
    Ok(())
}

#[test]
fn t71_one_uid_with_and_without_a_filter_is_called_once() -> Done {
    let signal = Signal::new("tick");
    let _any = signal.connect_with(uid("r"), |_: &u32| {})?;
    let again = signal.connect_with(only(123).uid("r"), |_: &u32| {});
    assert!(again.is_err());
    assert_eq!(signal.send(&123)?.called(), 1);
    assert_eq!(signal.send(&1)?.called(), 1);
    Ok(())
}

#[test]
fn a_filter_runs_once_a_send_and_only_for_its_receiver() -> Done {
    let signal = Signal::new("tick");
    let asked = Log::new();
    let guards = ["a", "b"].map(|name| {
        let asked = asked.clone();
        let options = ConnectOptions::new().filter(move |n: &u32| {
            asked.write(name);
            *n == 1
        });
        signal.connect_with(options, |_: &u32| {})
    });
    assert!(guards.iter().all(Result::is_ok));
    assert_eq!(signal.send(&1)?.called(), 2);
    assert_eq!(signal.send(&2)?.filtered(), 2);
    assert_eq!(asked.take(), ["a", "b", "a", "b"]);
    Ok(())
}

#[test]
fn a_filter_that_panics_fails_its_receiver_and_no_other() -> Done {
    let signal = Signal::new("tick");
    let log = Log::new();
    let options = ConnectOptions::new().filter(|_: &u32| panic!("filter"));
    let _bad = signal.connect_with(options, log.named("never"))?;
    let _good = signal.connect(log.named("good"));

    let report = signal.send_robust(&1);
    assert_eq!((report.called(), report.succeeded()), (2, 1));
    assert_eq!(report.failures()[0].panic_message(), Some("filter"));
    assert_eq!(log.take(), ["good"]);
    assert_eq!(panic_of(|| signal.send(&1)), Some("filter"));
    Ok(())
}

#[test]
fn a_filter_may_use_its_signal() -> Done {
    let signal = leaked();
    let options = ConnectOptions::new().filter(|n: &u32| {
        signal.disconnect("other");
        let _silence = signal.mute();
        signal.connect(|_: &u32| {}).detach();
        *n == 0
            || signal
                .send(&0)
                .is_ok_and(|report| report.has_no_receivers())
    });
    let _other = signal.connect_with(uid("other"), |_: &u32| {})?;
    let _filtered = signal.connect_with(options, |_: &u32| {})?;
    assert_eq!(signal.send(&1)?.called(), 2);
    assert_eq!(signal.receivers().len(), 2, "the filtered and a new one");
    Ok(())
}
