//! What one signal does in one thread: who is called, in which order, with
//! which failures, and what receivers may do to it meanwhile.
//!
//! `tNN` and `rNN` number the cases of Django, blinker and other dispatchers
//! whose behaviour a test keeps.

use std::error::Error;
use std::num::ParseIntError;
use std::panic::{AssertUnwindSafe, catch_unwind, panic_any};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, mpsc};
use std::thread;
use std::time::Duration;

use whatsapp_signals::{
    AnySignal, BoxError, Cause, ConnectError, ConnectOptions, Connection, Failure, Receiver, Signal,
};

type Done = Result<(), Box<dyn Error>>;

/// What the receivers of a test wrote down.
struct Log<T = &'static str>(Arc<Mutex<Vec<T>>>);

impl<T> Clone for Log<T> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl<T: Send + 'static> Log<T> {
    fn new() -> Self {
        Self(Arc::default())
    }

    fn write(&self, entry: T) {
        self.0.lock().expect("no test panics here").push(entry);
    }

    /// What was written since the last time.
    fn take(&self) -> Vec<T> {
        std::mem::take(&mut self.0.lock().expect("no test panics here"))
    }
}

impl Log {
    /// A receiver that writes its name.
    fn named(&self, name: &'static str) -> impl Fn(&u32) + Send + Sync + use<> {
        let log = self.clone();
        move |_: &u32| log.write(name)
    }
}

impl Log<u32> {
    /// A receiver that writes what it hears.
    fn numbers(&self) -> impl Fn(&u32) + Send + Sync + use<> {
        let log = self.clone();
        move |n: &u32| log.write(*n)
    }
}

/// For receivers that need their own signal, which must outlive them.
fn leaked() -> &'static Signal<u32> {
    Box::leak(Box::new(Signal::new("tick")))
}

fn order(order: i32) -> ConnectOptions<u32> {
    ConnectOptions::new().order(order)
}

fn uid(uid: &'static str) -> ConnectOptions<u32> {
    ConnectOptions::new().uid(uid)
}

fn only(wanted: u32) -> ConnectOptions<u32> {
    ConnectOptions::new().filter(move |n: &u32| *n == wanted)
}

fn uids(signal: &Signal<u32>) -> Vec<String> {
    let listed = signal.receivers();
    listed
        .iter()
        .map(|receiver| receiver.uid().unwrap_or("-").to_owned())
        .collect()
}

/// The text that `f` panicked with.
fn panic_of<R>(f: impl FnOnce() -> R) -> Option<&'static str> {
    let payload = catch_unwind(AssertUnwindSafe(f)).err()?;
    payload.downcast_ref::<&'static str>().copied()
}

/// Runs its function when it is dropped: a captured value whose destructor
/// uses the signal.
struct OnDrop<F: Fn()>(F);

impl<F: Fn()> Drop for OnDrop<F> {
    fn drop(&mut self) {
        (self.0)();
    }
}

mod sending {
    use super::*;

    #[test]
    fn t03_t13_both_sends_deliver_the_event_to_a_connected_receiver_until_it_is_disconnected()
    -> Done {
        let signal = Signal::new("tick");
        let log = Log::new();
        let connection = signal.connect(log.numbers());

        let reports = [signal.send(&1)?, signal.send_robust(&2)];
        assert_eq!(log.take(), [1, 2]);
        for report in reports {
            assert_eq!((report.called(), report.succeeded()), (1, 1));
            assert!(report.is_ok());
        }

        assert!(connection.disconnect());
        assert!(signal.receivers().is_empty());
        assert_eq!(signal.send(&3)?.called(), 0);
        assert!(log.take().is_empty());
        Ok(())
    }

    #[test]
    fn t04_t14_a_send_without_receivers_reports_nothing() -> Done {
        let signal: Signal<u32> = Signal::new("tick");
        for report in [signal.send(&1)?, signal.send_robust(&1)] {
            assert_eq!((report.called(), report.filtered()), (0, 0));
            assert_eq!(report.succeeded(), 0);
            assert!(report.is_unheard() && report.is_ok());
            assert!(report.into_failures().is_empty());
        }
        Ok(())
    }

    #[test]
    fn t05_t15_without_a_filter_every_event_is_heard() -> Done {
        let signal = Signal::new("tick");
        let log = Log::new();
        let _connection = signal.connect(log.numbers());
        for n in 0..3 {
            assert_eq!(signal.send(&n)?.called(), 1);
            assert_eq!(signal.send_robust(&n).called(), 1);
        }
        assert_eq!(log.take(), [0, 0, 1, 1, 2, 2]);
        Ok(())
    }

    #[test]
    fn t24_functions_closures_and_structs_with_state_are_receivers() -> Done {
        static HEARD: AtomicUsize = AtomicUsize::new(0);
        fn function(n: &u32) {
            HEARD.fetch_add(*n as usize, Ordering::Relaxed);
        }

        struct Sum(Arc<AtomicUsize>);
        impl Receiver<u32> for Sum {
            fn receive(&self, event: &u32) -> Result<(), BoxError> {
                self.0.fetch_add(*event as usize, Ordering::Relaxed);
                Ok(())
            }
        }

        let signal = Signal::new("tick");
        let (total, log) = (Arc::default(), Log::new());
        let _function = signal.connect(function);
        let _closure = signal.connect(log.numbers());
        let _struct = signal.connect(Sum(Arc::clone(&total)));

        assert_eq!(signal.send(&3)?.called() + signal.send(&4)?.called(), 6);
        assert_eq!(HEARD.load(Ordering::Relaxed), 7);
        assert_eq!(log.take(), [3, 4]);
        assert_eq!(total.load(Ordering::Relaxed), 7);
        Ok(())
    }

    #[test]
    fn a_report_counts_the_called_the_filtered_and_the_failed() {
        let signal = Signal::new("tick");
        let _ok = [signal.connect(|_: &u32| {}), signal.connect(|_: &u32| {})];
        let _bad = signal.connect(|_: &u32| Err("no"));
        let _deaf = [1, 2, 3].map(|n| signal.connect_with(only(n), |_: &u32| {}).ok());

        let report = signal.send_robust(&9);
        assert_eq!((report.called(), report.filtered()), (3, 3));
        assert_eq!((report.succeeded(), report.failures().len()), (2, 1));
        assert!(!report.is_ok() && !report.is_unheard());
    }

    #[test]
    fn an_event_that_every_filter_declined_was_not_unheard() -> Done {
        let signal = Signal::new("tick");
        let _deaf = signal.connect_with(only(1), |_: &u32| {})?;
        for report in [signal.send(&2)?, signal.send_robust(&2)] {
            assert_eq!((report.called(), report.filtered()), (0, 1));
            assert!(report.is_ok() && !report.is_unheard());
        }
        Ok(())
    }

    #[test]
    fn the_payload_is_borrowed_so_every_receiver_sees_the_same_one() -> Done {
        let signal: Signal<String> = Signal::new("line");
        let log = Log::new();
        let _receivers = [(); 2].map(|()| {
            let log = log.clone();
            signal.connect(move |line: &String| log.write(line.as_ptr() as usize))
        });
        let line = "hello".to_owned();
        signal.send(&line)?;
        assert_eq!(log.take(), [line.as_ptr() as usize; 2]);
        Ok(())
    }
}

mod order {
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
}

mod uids {
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

        let connected = error.connected();
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
}

mod filters {
    use super::*;

    #[test]
    fn t06_t57_t76_a_filter_matches_by_value_and_spares_the_rest() -> Done {
        let signal: Signal<String> = Signal::new("line");
        let log = Log::new();
        let heard = log.clone();
        let options = ConnectOptions::new().filter(|line: &String| line == "a");
        let _connection = signal.connect_with(options, move |line: &String| {
            heard.write(line.clone());
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
        assert!(signal.send(&1)?.is_unheard());
        Ok(())
    }

    #[test]
    fn t68_a_filtered_receiver_can_be_disconnected_and_come_back() -> Done {
        let signal = Signal::new("tick");
        let log = Log::new();
        let one = signal.connect_with(only(1).uid("r"), log.numbers())?;
        assert!(signal.send(&1)?.called() == 1 && one.disconnect());
        assert!(signal.send(&1)?.is_unheard());
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
    fn a_filter_is_asked_once_a_send_and_only_for_its_own_receiver() -> Done {
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
    fn a_filter_may_use_the_signal_that_asks_it() -> Done {
        let signal = leaked();
        let options = ConnectOptions::new().filter(|n: &u32| {
            signal.disconnect("other");
            let _silence = signal.mute();
            signal.connect(|_: &u32| {}).detach();
            *n == 0 || signal.send(&0).is_ok_and(|report| report.is_unheard())
        });
        let _other = signal.connect_with(uid("other"), |_: &u32| {})?;
        let _filtered = signal.connect_with(options, |_: &u32| {})?;
        assert_eq!(signal.send(&1)?.called(), 2);
        assert_eq!(signal.receivers().len(), 2, "the filtered and a new one");
        Ok(())
    }
}

mod failures {
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
}

mod re_entrancy {
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
        assert!(signal.send(&1)?.is_unheard());
        Ok(())
    }

    #[test]
    fn t81_who_is_connected_during_a_send_is_called_from_the_next_one_on() -> Done {
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
    fn t82_who_is_disconnected_during_a_send_is_still_called_by_it() -> Done {
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
            assert!(signal.send(&0).is_ok_and(|report| report.is_unheard()));
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
}

/// A receiver's captured values are dropped with it, and their destructors may
/// call the signal as well: no lock may be held then.
mod destructors {
    use super::*;

    /// Fails a test that waits for itself, instead of waiting with it.
    fn without_deadlock(test: fn() -> Done) -> Done {
        let (done, finished) = mpsc::channel();
        thread::spawn(move || done.send(test().map_err(|error| error.to_string())));
        Ok(finished.recv_timeout(Duration::from_secs(30))??)
    }

    /// What a destructor does: everything that a signal can.
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
}

mod guards {
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
        assert!(signal.send(&2)?.is_unheard());

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
    fn r60_disconnect_tells_what_it_did_and_dropping_a_guard_is_silent() -> Done {
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
    fn r67_a_struct_that_holds_its_own_guard_hears_while_it_lives() -> Done {
        struct Counter<'a> {
            heard: Arc<AtomicUsize>,
            _connection: Connection<'a>,
        }
        impl<'a> Counter<'a> {
            fn of(signal: &'a Signal<u32>) -> Self {
                let heard = Arc::new(AtomicUsize::new(0));
                let shared = Arc::downgrade(&heard);
                let receiver = move |_: &u32| {
                    if let Some(heard) = shared.upgrade() {
                        heard.fetch_add(1, Ordering::Relaxed);
                    }
                };
                Self {
                    heard,
                    _connection: signal.connect(receiver),
                }
            }
        }

        let signal = Signal::new("tick");
        let counter = Counter::of(&signal);
        signal.send(&1)?;
        assert_eq!(counter.heard.load(Ordering::Relaxed), 1);
        drop(counter);
        assert!(signal.send(&2)?.is_unheard());
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
    fn r73_r74_debug_names_the_signal_and_who_is_connected() -> Done {
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
}

mod muting {
    use super::*;

    #[test]
    fn t75_a_muted_signal_delivers_nothing_and_keeps_its_receivers() -> Done {
        let signal = Signal::new("tick");
        let log = Log::new();
        let _connection = signal.connect(log.numbers());
        {
            let _silence = signal.mute();
            assert!(signal.is_muted());
            assert!(signal.send(&1)?.is_unheard());
            assert!(signal.send_robust(&2).is_unheard());
            assert!(signal.has_receivers());
            assert_eq!(signal.receivers().len(), 1);
        }
        assert!(!signal.is_muted());
        signal.send(&3)?;
        assert_eq!(log.take(), [3]);
        Ok(())
    }

    #[test]
    fn t87_nested_mutes_end_with_the_last_one_in_any_order() -> Done {
        let signal = Signal::new("tick");
        let _connection = signal.connect(|_: &u32| {});
        let outer = signal.mute();
        let inner = signal.mute();
        drop(outer);
        assert!(signal.is_muted() && signal.send(&1)?.is_unheard());
        drop(inner);
        assert!(!signal.is_muted());
        assert_eq!(signal.send(&2)?.called(), 1);
        Ok(())
    }

    #[test]
    fn t75_t87_a_panic_in_the_block_ends_its_mute_and_no_other() -> Done {
        let signal = Signal::new("tick");
        let _connection = signal.connect(|_: &u32| {});
        for muted in [false, true] {
            let _outer = muted.then(|| signal.mute());
            let block = || {
                let _silence = signal.mute();
                panic!("in the block");
            };
            assert_eq!(panic_of(block), Some("in the block"));
            assert_eq!(signal.is_muted(), muted);
            assert_eq!(signal.send(&1)?.is_unheard(), muted);
        }
        Ok(())
    }

    #[test]
    fn who_connects_or_leaves_while_muted_counts_afterwards() -> Done {
        let signal = Signal::new("tick");
        let log = Log::new();
        let leaves = signal.connect(log.named("leaves"));
        let silence = signal.mute();
        assert!(leaves.disconnect());
        let _comes = signal.connect(log.named("comes"));
        assert!(signal.send(&1)?.is_unheard());
        drop(silence);
        signal.send(&2)?;
        assert_eq!(log.take(), ["comes"]);
        Ok(())
    }
}
