//! Receivers that use the signal that calls them.

use super::*;

#[test]
fn t29_two_receivers_that_disconnect_themselves_both_run() -> Done {
    let signal = leaked();
    let log = Log::new();
    for name in ["a", "b"] {
        let log = log.clone();
        let receiver = move |_: &u32| {
            log.write(name);
            assert!(signal.disconnect(name));
        };
        signal.connect_with(uid(name), receiver)?.detach();
    }
    assert_eq!(signal.send(&1)?.called(), 2);
    assert_eq!(log.take(), ["a", "b"]);
    assert!(signal.receivers().is_empty());
    assert!(signal.send(&1)?.has_no_receivers());
    Ok(())
}

#[test]
fn t81_a_receiver_connected_during_a_send_is_called_from_the_next_one_on() -> Done {
    let signal = leaked();
    let log = Log::new();
    let inner = log.clone();
    let _connector = signal.connect(move |_: &u32| {
        for (place, name) in [(-1, "earlier"), (1, "later")] {
            let options = order(place).uid(name);
            if let Ok(connection) = signal.connect_with(options, inner.named(name)) {
                connection.detach();
            }
        }
        inner.write("connector");
    });
    assert_eq!(signal.send(&1)?.called(), 1);
    assert_eq!(log.take(), ["connector"]);
    assert_eq!(signal.send(&2)?.called(), 3);
    assert_eq!(log.take(), ["earlier", "connector", "later"]);
    Ok(())
}

#[test]
fn t82_a_receiver_disconnected_during_a_send_is_still_called_by_it() -> Done {
    let signal = leaked();
    let log = Log::new();
    let inner = log.clone();
    let _first = signal.connect(move |_: &u32| {
        inner.write("first");
        signal.disconnect("second");
    });
    let second = signal.connect_with(uid("second"), log.named("second"))?;
    assert_eq!(signal.send(&1)?.called(), 2);
    assert!(!second.is_connected());
    assert_eq!(log.take(), ["first", "second"]);
    assert_eq!(signal.send(&2)?.called(), 1);
    assert_eq!(log.take(), ["first"]);
    Ok(())
}

#[test]
fn t83_a_send_within_a_send_runs_first_and_to_any_depth() -> Done {
    let signal = leaked();
    let log = Log::new();
    let inner = log.clone();
    let _recursive = signal.connect(move |n: &u32| {
        if *n < 50 {
            let report = signal.send_robust(&(n + 1));
            assert_eq!((report.called(), report.failures().len()), (2, 0));
        }
        inner.write(*n);
    });
    let _behind = signal.connect({
        let log = log.clone();
        move |n: &u32| log.write(1000 + n)
    });
    assert_eq!(signal.send(&0)?.called(), 2);
    let inside_out: Vec<u32> = (0..=50).rev().flat_map(|n| [n, 1000 + n]).collect();
    assert_eq!(log.take(), inside_out);
    Ok(())
}

#[test]
fn t83_a_receiver_may_connect_itself_again_and_again() -> Done {
    fn doubles(signal: &'static Signal<u32>) {
        signal.connect(move |_: &u32| doubles(signal)).detach();
    }
    let signal = leaked();
    doubles(signal);
    for sends in 0..6 {
        assert_eq!(signal.send(&0)?.called(), 1 << sends);
    }
    assert_eq!(signal.receivers().len(), 64);
    Ok(())
}

#[test]
fn t83_two_signals_may_connect_to_and_send_each_other() -> Done {
    let (table, wall) = (leaked(), leaked());
    let log = Log::new();
    for (name, here, there) in [("ping", table, wall), ("pong", wall, table)] {
        let log = log.clone();
        let hop = move |n: &u32| {
            log.write(name);
            there.connect(|_: &u32| {}).detach();
            if *n > 0 {
                assert!(there.send(&(n - 1)).is_ok());
            }
        };
        here.connect(hop).detach();
    }
    table.send(&3)?;
    assert_eq!(log.take(), ["ping", "pong", "ping", "pong"]);
    assert_eq!([table.receivers().len(), wall.receivers().len()], [3, 3]);
    Ok(())
}

#[test]
fn a_mute_during_a_send_silences_the_sends_within_but_not_this_one() -> Done {
    let signal = leaked();
    let log = Log::new();
    let inner = log.clone();
    let _mutes = signal.connect(move |_: &u32| {
        let _silence = signal.mute();
        assert!(
            signal
                .send(&0)
                .is_ok_and(|report| report.has_no_receivers())
        );
        inner.write("mutes");
    });
    let _behind = signal.connect(log.named("behind"));
    assert_eq!(signal.send(&1)?.called(), 2);
    assert_eq!(log.take(), ["mutes", "behind"]);
    assert!(!signal.is_muted());
    Ok(())
}

#[test]
fn a_receiver_may_ask_the_signal_about_itself() -> Done {
    let signal = leaked();
    let log = Log::new();
    let inner = log.clone();
    let _asks = signal.connect_with(uid("asks"), move |_: &u32| {
        assert!(signal.has_receivers() && !signal.is_muted());
        inner.write((uids(signal), format!("{signal:?}").contains("asks")));
    })?;
    signal.send(&1)?;
    assert_eq!(log.take(), [(vec!["asks".to_owned()], true)]);
    Ok(())
}
