//! One receiver for each uid.

use super::*;

#[test]
fn t11_connecting_one_uid_six_times_yields_one_call() -> Done {
    let signal = Signal::new("tick");
    let log = Log::new();
    let tries: Vec<_> = (0..6)
        .map(|n| {
            let log = log.clone();
            signal.connect_with(uid("once"), move |_: &u32| log.write(n))
        })
        .collect();
    assert_eq!(tries.iter().filter(|result| result.is_ok()).count(), 1);
    assert_eq!(signal.send(&1)?.called(), 1);
    assert_eq!(log.take(), [0]);
    Ok(())
}

#[test]
fn t11_without_a_uid_one_function_connected_twice_is_two_receivers() -> Done {
    fn nothing(_: &u32) {}
    let signal = Signal::new("tick");
    let first = signal.connect(nothing);
    let _second = signal.connect(nothing);
    assert_eq!(signal.send(&1)?.called(), 2);
    drop(first);
    assert_eq!(signal.send(&1)?.called(), 1);
    Ok(())
}

#[test]
fn t12_t80_the_first_with_a_uid_stays_and_the_error_names_it() -> Done {
    let signal = Signal::new("tick");
    let log = Log::new();
    let line = line!() + 1;
    let _first = signal.connect_with(uid("greeter"), log.named("first"))?;
    let error: ConnectError = signal
        .connect_with(uid("greeter").order(-1), log.named("second"))
        .expect_err("the uid is taken");

    assert_eq!(error.kind(), ConnectErrorKind::UidTaken);
    let connected = error.connected().expect("it has the uid");
    assert_eq!(connected.uid(), Some("greeter"));
    assert_eq!((connected.file(), connected.line()), (file!(), line));
    assert_eq!((connected.signal(), connected.order()), ("tick", 0));
    assert_eq!(*connected, signal.receivers()[0]);
    let text = error.to_string();
    for part in ["\"greeter\"", "tick", &format!("{}:{line}", file!())] {
        assert!(text.contains(part), "{part} in {text}");
    }

    signal.send(&1)?;
    assert_eq!(log.take(), ["first"]);
    assert_eq!(signal.receivers().len(), 1);
    Ok(())
}

#[test]
fn t12_t18_t31_disconnect_by_uid_says_whether_it_removed_one() -> Done {
    let signal = Signal::new("tick");
    let log = Log::new();
    let a = signal.connect_with(uid("a"), log.named("a"))?;
    let _b = signal.connect_with(uid("b"), log.named("b"))?;
    let _anonymous = signal.connect(log.named("anonymous"));

    for (name, removed) in [("c", false), ("", false), ("a", true), ("a", false)] {
        assert_eq!(signal.disconnect(name), removed, "{name}");
    }
    signal.send(&1)?;
    assert_eq!(log.take(), ["b", "anonymous"]);
    assert!(!a.is_connected());
    assert!(!a.disconnect(), "the uid was disconnected before");
    Ok(())
}

#[test]
fn a_uid_is_free_again_when_its_receiver_is_gone() -> Done {
    let signal = Signal::new("tick");
    let log = Log::new();
    drop(signal.connect_with(uid("a"), log.named("dropped"))?);
    signal
        .connect_with(uid("a"), log.named("disconnected"))?
        .detach();
    assert!(signal.disconnect("a"));
    let _third = signal.connect_with(uid("a"), log.named("third"))?;
    signal.send(&1)?;
    assert_eq!(log.take(), ["third"]);
    Ok(())
}

#[test]
fn a_stale_guard_leaves_the_next_receiver_of_its_uid_alone() -> Done {
    let signal = Signal::new("tick");
    let log = Log::new();
    let stale = signal.connect_with(uid("a"), log.named("old"))?;
    signal.disconnect("a");
    let new = signal.connect_with(uid("a"), log.named("new"))?;
    drop(stale);
    assert!(new.is_connected());
    signal.send(&1)?;
    assert_eq!(log.take(), ["new"]);
    Ok(())
}

#[test]
fn a_uid_may_be_computed_and_is_taken_on_its_own_signal_only() -> Done {
    let [one, other] = [Signal::new("tick"), Signal::new("tick")];
    let name = format!("shop-{}", 7);
    let options = || ConnectOptions::new().uid(name.clone());
    let _one = one.connect_with(options(), |_: &u32| {})?;
    let _other = other.connect_with(options(), |_: &u32| {})?;
    assert!(one.disconnect(&name));
    assert_eq!((uids(&one).len(), uids(&other)), (0, vec![name]));
    Ok(())
}
