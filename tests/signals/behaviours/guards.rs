//! The lifetime of a connection.

use super::*;

#[test]
fn r08_r17_r64_t56_a_receiver_is_connected_as_long_as_its_guard_lives() -> Done {
    let signal = Signal::new("tick");
    let log = Log::new();
    {
        let inside = signal.connect(log.named("inside"));
        assert!(inside.is_connected());
        assert_eq!(signal.send(&1)?.called(), 1);
    }
    assert!(signal.receivers().is_empty() && !signal.has_receivers());
    assert!(signal.send(&2)?.has_no_receivers());

    // Some by hand, some by scope, in any order: nothing is left.
    let mut guards: Vec<_> = (0..4).map(|_| signal.connect(|_: &u32| {})).collect();
    assert!(guards.remove(1).disconnect());
    drop(guards.remove(2));
    assert_eq!(signal.receivers().len(), 2);
    drop(guards);
    assert!(signal.receivers().is_empty());
    assert_eq!(log.take(), ["inside"]);
    Ok(())
}

#[test]
fn t58_a_panic_in_the_block_drops_the_guard() {
    let signal = Signal::new("tick");
    let block = || {
        let _connection = signal.connect(|_: &u32| {});
        assert!(signal.has_receivers());
        panic!("in the block");
    };
    assert_eq!(panic_of(block), Some("in the block"));
    assert!(!signal.has_receivers());
}

#[test]
fn r60_disconnect_returns_its_success_and_dropping_a_guard_is_silent() -> Done {
    let signal = Signal::new("tick");
    assert!(signal.connect(|_: &u32| {}).disconnect());
    let dropped = signal.connect_with(uid("a"), |_: &u32| {})?;
    drop(dropped);
    assert!(!signal.disconnect("a"), "the guard has done it");
    let late = signal.connect_with(uid("a"), |_: &u32| {})?;
    assert!(signal.disconnect("a"));
    drop(late);
    assert!(!signal.has_receivers());
    Ok(())
}

#[test]
fn r65_a_detached_receiver_stays_and_its_uid_still_finds_it() -> Done {
    let signal = Signal::new("tick");
    let log = Log::new();
    signal.connect_with(uid("kept"), log.numbers())?.detach();
    signal.send(&1)?;
    assert!(signal.disconnect("kept"));
    signal.send(&2)?;
    assert_eq!(log.take(), [1]);
    Ok(())
}

#[test]
fn r67_a_struct_that_holds_its_own_guard_receives_while_it_lives() -> Done {
    struct Counter<'a> {
        received: Arc<AtomicUsize>,
        _connection: Connection<'a>,
    }
    impl<'a> Counter<'a> {
        fn of(signal: &'a Signal<u32>) -> Self {
            let received = Arc::new(AtomicUsize::new(0));
            let shared = Arc::downgrade(&received);
            let count = move |_: &u32| {
                if let Some(received) = shared.upgrade() {
                    received.fetch_add(1, Ordering::Relaxed);
                }
            };
            Self {
                received,
                _connection: signal.connect(count),
            }
        }
    }

    let signal = Signal::new("tick");
    let counter = Counter::of(&signal);
    signal.send(&1)?;
    assert_eq!(counter.received.load(Ordering::Relaxed), 1);
    drop(counter);
    assert!(signal.send(&2)?.has_no_receivers());
    Ok(())
}

#[test]
fn t19_has_receivers_before_while_and_after_a_connection() -> Done {
    let signal = Signal::new("tick");
    let any: &dyn AnySignal = &signal;
    assert!(!any.has_receivers());
    let plain = signal.connect(|_: &u32| {});
    assert!(any.has_receivers());
    drop(plain);
    assert!(!any.has_receivers());
    // Unlike Django's: a receiver with a filter is one as well.
    let _filtered = signal.connect_with(only(1), |_: &u32| {})?;
    assert!(any.has_receivers() && any.receivers().len() == 1);
    Ok(())
}

#[test]
fn t62_connecting_and_disconnecting_leaves_nothing_behind() {
    let signal = Signal::new("tick");
    let held = Arc::new(());
    for _ in 0..if cfg!(miri) { 20 } else { 10_000 } {
        let captured = Arc::clone(&held);
        let connection = signal.connect(move |_: &u32| drop(Arc::clone(&captured)));
        assert_eq!(signal.receivers().len(), 1);
        assert!(connection.disconnect());
        assert!(signal.receivers().is_empty() && !signal.has_receivers());
    }
    assert_eq!(Arc::strong_count(&held), 1);
}

#[test]
fn r73_r74_debug_names_the_signal_and_its_receivers() -> Done {
    let signal = Signal::new("order_paid");
    let options = uid("mailer").order(4);
    for part in ["mailer", "4", "filter: false"] {
        assert!(format!("{options:?}").contains(part), "{part}");
    }
    let connection = signal.connect_with(options, |_: &u32| {})?;
    let silence = signal.mute();
    assert_eq!(signal.name(), "order_paid");
    for part in ["order_paid", "mailer", file!(), "muted: true"] {
        assert!(format!("{signal:?}").contains(part), "{part}");
    }
    assert!(format!("{connection:?}").contains("order_paid"));
    assert!(format!("{silence:?}").contains("order_paid"));
    Ok(())
}
