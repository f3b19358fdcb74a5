//! One signal in many threads: concurrent sends, connections and mutes lose no event, call no receiver
//! twice, and do not deadlock.

use std::array::from_fn;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::sync::mpsc::{self, RecvTimeoutError};
use std::sync::{Arc, Barrier};
use std::thread;
use std::time::Duration;

use whatsapp_signals::{ConnectOptions, Signal, receiver};

const SENDERS: u32 = 8;
const CHURNERS: usize = 4;
// Miri runs a program about a thousand times slower.
const SENDS: u32 = if cfg!(miri) { 20 } else { 2_000 };
const RACES: usize = if cfg!(miri) { 3 } else { 50 };
const ROUNDS: usize = if cfg!(miri) { 30 } else { 3_000 };

/// Fails a test that hangs, instead of hanging.
fn within_a_minute(test: impl FnOnce() + Send + 'static) {
    let (done, finished) = mpsc::channel();
    let thread = thread::spawn(move || {
        test();
        done.send(())
    });
    let minutes = if cfg!(miri) { 60 } else { 1 };
    let outcome = finished.recv_timeout(Duration::from_secs(60 * minutes));
    assert_ne!(outcome, Err(RecvTimeoutError::Timeout), "a deadlock");
    let _sent = thread.join().expect("the test itself passes");
}

/// The number of calls of one receiver for each event.
struct Calls(Vec<AtomicU32>);

impl Calls {
    fn new() -> Arc<Self> {
        let events = SENDERS * SENDS;
        Arc::new(Self((0..events).map(|_| AtomicU32::new(0)).collect()))
    }

    fn count(self: &Arc<Self>) -> impl Fn(&u32) + Send + Sync + use<> {
        let received = Arc::clone(self);
        move |event: &u32| {
            received.0[*event as usize].fetch_add(1, Ordering::Relaxed);
        }
    }

    fn assert_all_once(&self) {
        let wrong = |received: &&AtomicU32| received.load(Ordering::Relaxed) != 1;
        assert_eq!(self.0.iter().filter(wrong).count(), 0);
    }
}

/// Sends every event once, from all senders, while `churn` runs in others.
fn send_all(signal: &Signal<u32>, churn: impl Fn(usize) + Sync) {
    let start = Barrier::new(SENDERS as usize + CHURNERS);
    let (start, churn) = (&start, &churn);
    thread::scope(|scope| {
        for sender in 0..SENDERS {
            scope.spawn(move || {
                start.wait();
                for event in sender * SENDS..(sender + 1) * SENDS {
                    let report = if event % 2 == 0 {
                        signal.send_robust(&event)
                    } else {
                        signal.send(&event).expect("no receiver fails")
                    };
                    assert!(report.is_ok() && report.called() >= 2);
                }
            });
        }
        for churner in 0..CHURNERS {
            scope.spawn(move || {
                start.wait();
                (0..ROUNDS).for_each(|_| churn(churner));
            });
        }
    });
}

#[test]
fn t84_sends_reach_the_permanent_receivers_once_while_others_come_and_go() {
    within_a_minute(|| {
        let signal = Signal::new("tick");
        let received: [_; 2] = from_fn(|_| Calls::new());
        let orders = [i32::MIN, i32::MAX];
        let _permanent: [_; 2] = from_fn(|n| {
            let options = ConnectOptions::new().order(orders[n]);
            signal.connect_with(options, received[n].count())
        });

        send_all(&signal, |churner| {
            let order = i32::try_from(churner).expect("a small number");
            let named = ConnectOptions::new().order(order).uid(churner.to_string());
            let named = signal
                .connect_with(named, |_: &u32| {})
                .expect("its own uid");
            let plain = signal.connect(|_: &u32| {});
            assert!(named.is_connected() && plain.is_connected());
            assert!(signal.disconnect(&churner.to_string()));
            assert!(!named.disconnect() && plain.disconnect());
        });

        for received in received {
            received.assert_all_once();
        }
        assert_eq!(signal.receivers().len(), 2);
    });
}

#[test]
fn t84_receivers_may_connect_and_disconnect_in_many_threads_at_once() {
    within_a_minute(|| {
        let signal: &Signal<u32> = Box::leak(Box::new(Signal::new("tick")));
        let received = Calls::new();
        let _counting = signal.connect(received.count());
        let _busy = signal.connect(|_: &u32| {
            let connection = signal.connect(|_: &u32| {});
            assert!(connection.is_connected());
        });
        send_all(signal, |_| drop(signal.connect(|_: &u32| {})));
        received.assert_all_once();
        assert_eq!(signal.receivers().len(), 2);
    });
}

#[test]
fn t12_t84_of_threads_that_connect_one_uid_at_once_one_wins() {
    within_a_minute(|| {
        let signal = Signal::new("tick");
        let start = Barrier::new(8);
        for _ in 0..RACES {
            let winners = thread::scope(|scope| {
                let threads: [_; 8] = from_fn(|_| {
                    scope.spawn(|| {
                        start.wait();
                        let options = ConnectOptions::new().uid("once");
                        signal.connect_with(options, |_: &u32| {}).ok()
                    })
                });
                threads.map(|thread| thread.join().expect("no panic"))
            });
            assert_eq!(winners.iter().flatten().count(), 1);
            assert_eq!(signal.receivers().len(), 1);
        }
        assert!(!signal.has_receivers());
    });
}

#[test]
fn t31_t84_of_concurrent_disconnects_of_one_uid_one_succeeds() {
    within_a_minute(|| {
        let signal = Signal::new("tick");
        let start = Barrier::new(8);
        for _ in 0..RACES {
            let options = ConnectOptions::new().uid("once");
            let connection = signal.connect_with(options, |_: &u32| {});
            connection.expect("the uid is free").detach();
            let removed = thread::scope(|scope| {
                let threads: [_; 8] = from_fn(|_| {
                    scope.spawn(|| {
                        start.wait();
                        signal.disconnect("once")
                    })
                });
                threads.map(|thread| thread.join().expect("no panic"))
            });
            assert_eq!(removed.iter().filter(|removed| **removed).count(), 1);
        }
    });
}

#[test]
fn t75_t87_mutes_of_many_threads_count_and_all_end() {
    within_a_minute(|| {
        let signal = Signal::new("tick");
        let _connection = signal.connect(|_: &u32| {});
        thread::scope(|scope| {
            for _ in 0..8 {
                scope.spawn(|| {
                    for n in 0..ROUNDS {
                        let _silence = signal.mute();
                        let event = u32::try_from(n).expect("a small number");
                        assert!(signal.send_robust(&event).has_no_receivers());
                    }
                });
            }
        });
        assert!(!signal.is_muted());
        assert_eq!(signal.send_robust(&1).called(), 1);
    });
}

#[test]
fn the_next_send_of_another_thread_sees_connects_and_disconnects() {
    within_a_minute(|| {
        let signal: Signal<u32> = Signal::new("tick");
        let (connected, received) = (AtomicBool::new(false), AtomicU32::new(0));
        let turn = Barrier::new(2);
        thread::scope(|scope| {
            scope.spawn(|| {
                for _ in 0..200 {
                    turn.wait();
                    let called = signal.send_robust(&1).called();
                    assert_eq!(called == 1, connected.load(Ordering::Relaxed));
                    received.fetch_add(u32::from(called == 1), Ordering::Relaxed);
                    turn.wait();
                }
            });
            let mut connection = None;
            for _ in 0..200 {
                connection = match connection {
                    Some(_) => None,
                    None => Some(signal.connect(|_: &u32| {})),
                };
                connected.store(connection.is_some(), Ordering::Relaxed);
                turn.wait();
                turn.wait();
            }
        });
        assert_eq!(received.into_inner(), 100);
    });
}

#[test]
fn a_value_that_a_receiver_or_its_filter_owns_is_dropped_at_once_whichever_thread_has_sent() {
    within_a_minute(|| {
        let signal: Signal<u32> = Signal::new("tick");
        let turn = Barrier::new(2);
        thread::scope(|scope| {
            scope.spawn(|| {
                for _ in 0..2 {
                    turn.wait();
                    assert_eq!(signal.send_robust(&1).called(), 1);
                    turn.wait();
                    // The thread lives while the receiver is disconnected.
                    turn.wait();
                }
            });
            for is_filter in [false, true] {
                let owned = Arc::new(());
                let value = Arc::clone(&owned);
                let connection = if is_filter {
                    let options =
                        ConnectOptions::new().filter(move |_| Arc::strong_count(&value) > 0);
                    signal.connect_with(options, |_: &u32| {}).expect("no uid")
                } else {
                    signal.connect(move |_: &u32| _ = &value)
                };
                turn.wait();
                turn.wait();
                drop(connection);
                assert_eq!(Arc::strong_count(&owned), 1);
                turn.wait();
            }
        });
    });
}

#[test]
fn a_receiver_of_a_signal_is_called_by_it_wherever_it_was_moved() {
    static CALLED: [AtomicU32; 2] = [const { AtomicU32::new(0) }; 2];
    fn add<const SIGNAL: usize>(n: &u32) {
        CALLED[SIGNAL].fetch_add(*n, Ordering::Relaxed);
    }
    let mut signals = [Signal::new("first"), Signal::new("second")];
    signals[0].connect(add::<0>).detach();
    signals[1].connect(add::<1>).detach();
    for n in [1, 10] {
        assert_eq!(signals[0].send_robust(&n).called(), 1);
        signals.swap(0, 1);
    }
    assert_eq!([1, 10], [0, 1].map(|n| CALLED[n].load(Ordering::Relaxed)));
    // A new signal may be where another was.
    signals[0] = Signal::new("third");
    assert_eq!(signals[0].send_robust(&100).called(), 0);
}

#[test]
fn functions_that_send_connect_and_disconnect_within_a_send_are_called_once_each() {
    static NESTED: Signal<u32> = Signal::new("nested");
    static SUM: AtomicU32 = AtomicU32::new(0);
    fn recurses(n: &u32) {
        if *n > 0 {
            let uid = n.to_string();
            let options = ConnectOptions::new().uid(uid.clone());
            let other = NESTED.connect_with(options, add).expect("a new uid");
            assert_eq!(NESTED.send_robust(&(n - 1)).called(), 2 + 4 - *n as usize);
            assert!(NESTED.disconnect(&uid) && !other.disconnect());
        }
    }
    fn add(n: &u32) {
        SUM.fetch_add(n + 1, Ordering::Relaxed);
    }
    NESTED.connect(recurses).detach();
    assert_eq!(NESTED.send_robust(&3).called(), 1);
    assert_eq!(SUM.load(Ordering::Relaxed), 3 + 2 * 2 + 3);
    assert_eq!(NESTED.receivers().len(), 1);
}

#[test]
fn a_destructor_at_the_end_of_a_thread_may_send() {
    static LATE: Signal<u32> = Signal::new("late");
    static SUM: AtomicU32 = AtomicU32::new(0);
    struct SendsAtLast;
    impl Drop for SendsAtLast {
        fn drop(&mut self) {
            assert_eq!(LATE.send_robust(&1).called(), 1);
        }
    }
    thread_local! {
        static FIRST: SendsAtLast = const { SendsAtLast };
    }
    LATE.connect(|n: &u32| _ = SUM.fetch_add(*n, Ordering::Relaxed))
        .detach();
    for is_kept in [false, true] {
        let thread = thread::spawn(move || {
            // Thread locals are dropped in the order in which they were first used, or
            // in the opposite one.
            FIRST.with(|_| {});
            if is_kept {
                assert_eq!(LATE.send_robust(&10).called(), 1);
            }
        });
        thread.join().expect("no panic");
    }
    assert_eq!(SUM.load(Ordering::Relaxed), 12);
}

#[test]
fn r08_a_guard_may_be_dropped_in_another_thread() {
    let signal = Signal::new("tick");
    let connection = signal.connect(|_: &u32| {});
    thread::scope(|scope| {
        scope.spawn(|| drop(connection));
    });
    assert!(!signal.has_receivers());
}

static RACED: Signal<u32> = Signal::new("raced");

#[receiver(RACED)]
fn receives_the_race(_: &u32) {}

#[test]
fn t86_threads_that_use_a_signal_first_at_once_all_reach_its_static_receiver() {
    within_a_minute(|| {
        let start = Barrier::new(8);
        let called = thread::scope(|scope| {
            let threads: [_; 8] = from_fn(|n| {
                let start = &start;
                scope.spawn(move || {
                    start.wait();
                    // Half of them come to the list by another way.
                    let _connection = (n % 2 == 0).then(|| {
                        let options = ConnectOptions::new().filter(|_: &u32| false);
                        RACED.connect_with(options, |_: &u32| {})
                    });
                    RACED.send_robust(&1).called()
                })
            });
            threads.map(|thread| thread.join().expect("no panic"))
        });
        assert_eq!(called, [1; 8]);
    });
}
