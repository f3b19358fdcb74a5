//! A receiver's captured values are dropped with it, and their destructors may
//! call the signal as well: no lock may be held then.

use std::fmt;
use std::panic::resume_unwind;
use std::task::{Context, Waker};

use super::*;

/// Fails a test that waits for itself, instead of waiting with it.
fn without_deadlock(test: fn() -> Done) -> Done {
    let (done, finished) = mpsc::channel();
    thread::spawn(move || done.send(test().map_err(|error| error.to_string())));
    Ok(finished.recv_timeout(Duration::from_secs(30))??)
}

/// Uses every operation of a signal, as a destructor.
fn uses(signal: &'static Signal<u32>, log: &Log) {
    assert!(signal.send_robust(&0).is_ok());
    let connection = signal.connect(|_: &u32| {});
    let _silence = signal.mute();
    signal.disconnect("other");
    assert!(connection.disconnect());
    log.write("dropped");
}

fn captures(signal: &'static Signal<u32>, log: &Log) -> impl Fn(&u32) + Send + Sync + use<> {
    let log = log.clone();
    let captured = OnDrop(move || uses(signal, &log));
    move |_: &u32| _ = &captured
}

#[test]
fn every_way_to_disconnect_may_drop_a_value_that_uses_the_signal() -> Done {
    without_deadlock(|| {
        type Way = fn(Connection<'static>, &Signal<u32>);
        let ways: [(&str, Way); 3] = [
            ("guard dropped", |connection, _| drop(connection)),
            ("disconnect", |connection, _| {
                assert!(connection.disconnect());
            }),
            ("by uid", |_connection, signal| {
                assert!(signal.disconnect("it"));
            }),
        ];
        for (way, go) in ways {
            let signal = leaked();
            let log = Log::new();
            signal.connect_with(uid("other"), |_: &u32| {})?.detach();
            let connection = signal.connect_with(uid("it"), captures(signal, &log))?;
            signal.send(&1)?;
            assert!(log.take().is_empty(), "{way}");
            go(connection, signal);
            assert_eq!(log.take(), ["dropped"], "{way}");
            assert!(!signal.has_receivers() && !signal.is_muted(), "{way}");
        }
        Ok(())
    })
}

#[test]
fn a_receiver_that_owns_the_guard_of_another_takes_it_along() -> Done {
    without_deadlock(|| {
        let signal = leaked();
        let log = Log::new();
        let inner = signal.connect(log.named("inner"));
        let owner = signal.connect(move |_: &u32| assert!(inner.is_connected()));
        assert_eq!(signal.send(&1)?.called(), 2);
        drop(owner);
        assert!(!signal.has_receivers());
        assert_eq!(log.take(), ["inner"]);
        Ok(())
    })
}

#[test]
fn a_receiver_that_disconnects_itself_is_dropped_when_the_send_is_over() -> Done {
    without_deadlock(|| {
        let signal = leaked();
        let log = Log::new();
        let captured = captures(signal, &log);
        let inner = log.clone();
        let receiver = move |n: &u32| {
            captured(n);
            signal.disconnect("it");
            inner.write("ran");
        };
        signal.connect_with(uid("it"), receiver)?.detach();
        let _behind = signal.connect(log.named("behind"));
        signal.send(&1)?;
        // The destructor sends once more, to the receiver behind.
        assert_eq!(log.take(), ["ran", "behind", "behind", "dropped"]);
        Ok(())
    })
}

/// Two panics at once would end the program.
#[test]
fn destructors_that_panic_during_a_send_come_one_at_a_time_and_stay_there() -> Done {
    type Send = fn(&Signal<u32>) -> bool;
    let sends: [Send; 4] = [
        |signal| signal.send(&1).is_ok(),
        |signal| signal.send_robust(&1).is_ok(),
        |signal| pollster::block_on(signal.asend(&1)).is_ok(),
        |signal| pollster::block_on(signal.asend_robust(&1)).is_ok(),
    ];
    for send in sends {
        for (bombs, panics) in [(2, false), (1, true), (2, true)] {
            let signal: &'static Signal<u32> = Box::leak(Box::new(Signal::new("tick")));
            for uid in ["a", "b"].into_iter().take(bombs) {
                let bomb = OnDrop(|| panic!("in a destructor"));
                let options = ConnectOptions::new().uid(uid).order(1);
                signal
                    .connect_with(options, move |_: &u32| {
                        let _whole = &bomb;
                    })?
                    .detach();
            }
            let disconnects = move |_: &u32| {
                signal.disconnect("a");
                signal.disconnect("b");
                assert!(!panics, "in a receiver");
            };
            signal.connect(disconnects).detach();
            // A panic of a receiver passes through a plain send, and that of a
            // destructor through none.
            let sent = catch_unwind(AssertUnwindSafe(|| send(signal)));
            assert_eq!(sent.unwrap_or(false), !panics);
            assert_eq!(signal.receivers().len(), 1);
        }
    }
    Ok(())
}

#[test]
fn a_destructor_that_panics_costs_send_robust_neither_its_report_nor_the_others() -> Done {
    let signal: &'static Signal<u32> = Box::leak(Box::new(Signal::new("tick")));
    let log = Log::new();
    let bomb = OnDrop(|| panic!("in a destructor"));
    signal
        .connect_with(ConnectOptions::new().uid("bomb"), move |_: &u32| {
            let _whole = &bomb;
            signal.disconnect("bomb");
        })?
        .detach();
    signal.connect(log.named("other")).detach();

    let report = signal.send_robust(&1);
    assert_eq!((report.called(), report.is_ok()), (2, true));
    assert_eq!(log.take(), ["other"]);
    assert_eq!(signal.send_robust(&2).called(), 1);
    Ok(())
}

#[test]
fn a_send_may_be_wrapped_in_catch_unwind_as_it_is() {
    let signal: Signal<u32> = Signal::new("tick");
    let _guard = signal.connect(|n: &u32| assert!(*n > 1));
    assert!(catch_unwind(|| signal.send(&1).is_ok()).is_err());
    assert!(catch_unwind(|| signal.send(&2).is_ok()).unwrap_or(false));
}

#[test]
fn a_refused_receiver_and_its_filter_are_dropped_at_once() -> Done {
    without_deadlock(|| {
        let signal = leaked();
        let log = Log::new();
        let _first = signal.connect_with(uid("it"), |_: &u32| {})?;
        let captured = captures(signal, &log);
        let options = uid("it").filter(move |n: &u32| {
            captured(n);
            true
        });
        let refused = signal.connect_with(options, captures(signal, &log));
        assert_eq!(log.take(), ["dropped", "dropped"]);
        assert!(refused.is_err());
        assert_eq!(uids(signal), ["it"]);
        Ok(())
    })
}

#[test]
fn a_receiver_is_dropped_once_and_with_its_signal_at_the_latest() {
    let drops = Log::new();
    let signal = Signal::new("tick");
    for name in ["detached", "disconnected"] {
        let drops = drops.clone();
        let captured = OnDrop(move || drops.write(name));
        let connection = signal.connect(move |_: &u32| _ = &captured);
        if name == "detached" {
            connection.detach();
        } else {
            assert!(connection.disconnect());
        }
    }
    assert_eq!(drops.take(), ["disconnected"]);
    drop(signal);
    assert_eq!(drops.take(), ["detached"]);
}

/// Panics in its `Display`, its `source` or its destructor, without output.
#[derive(Debug)]
struct Bomb(&'static str);

impl Bomb {
    fn pass(&self, place: &str) {
        if self.0 == place {
            resume_unwind(Box::new("in an error"));
        }
    }
}

impl fmt::Display for Bomb {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.pass("Display");
        f.write_str("a bomb")
    }
}

impl Error for Bomb {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        self.pass("source");
        None
    }
}

impl Drop for Bomb {
    fn drop(&mut self) {
        self.pass("drop");
    }
}

#[test]
fn an_error_whose_display_source_or_drop_panics_costs_no_other_receiver() {
    for place in ["Display", "source", "drop"] {
        let (signal, log) = (Signal::new("tick"), Log::new());
        let _sync = signal.connect(move |_: &u32| Err(Bomb(place)));
        let _async = signal.connect(async move |_: &u32| Err(Bomb(place)));
        let _behind = signal.connect(log.named("behind"));
        for report in [
            signal.send_robust(&1),
            pollster::block_on(signal.asend_robust(&1)),
        ] {
            assert_eq!(
                (report.called(), report.failures().len()),
                (3, 2),
                "{place}"
            );
            assert_eq!(report.failures()[0].retry(), None, "{place}");
            let failures = report.into_failures();
            assert!(matches!(failures[0].cause(), Cause::Error(error) if error.is::<Bomb>()));
        }
        assert_eq!(log.take(), ["behind", "behind"], "{place}");
        assert!(signal.send(&1).is_err(), "{place}");
        assert!(pollster::block_on(signal.asend(&1)).is_err(), "{place}");
    }
}

#[test]
fn answers_and_errors_whose_destructors_panic_are_dropped_one_by_one() {
    let signal: Signal<u32, Bomb> = Signal::with_responses("tick");
    let _answers = [(); 2].map(|()| signal.connect(|_: &u32| Bomb("drop")));
    let _async = [(); 2].map(|()| signal.connect(async |_: &u32| Bomb("drop")));
    let _fails = [(); 2].map(|()| signal.connect(async |_: &u32| Err::<Bomb, _>(Bomb("drop"))));
    drop(signal.send_robust(&1));
    drop(pollster::block_on(signal.asend_robust(&1)));
    assert!(pollster::block_on(signal.asend(&1)).is_err());

    // Cancelled when there are answers and errors.
    let _pending = signal.connect(async |_: &u32| std::future::pending::<Bomb>().await);
    let mut sent = Box::pin(signal.asend_robust(&1));
    let mut cx = Context::from_waker(Waker::noop());
    assert!(sent.as_mut().poll(&mut cx).is_pending());
}

#[test]
fn a_receiver_and_its_filter_whose_destructors_panic_do_not_end_the_program() -> Done {
    let signal: Signal<u32> = Signal::new("tick");
    let [filter, receiver] = [(); 2].map(|()| Bomb("drop"));
    let options = uid("it").filter(move |_: &u32| filter.to_string() == "a bomb");
    let called = move |_: &u32| assert_eq!(receiver.to_string(), "a bomb");
    signal.connect_with(options, called)?.detach();
    assert_eq!(signal.send(&1)?.called(), 1);
    assert!(signal.disconnect("it"));
    assert!(!signal.has_receivers());
    Ok(())
}
