//! Receivers that wait: for each other, for long, for ever.

use super::*;

/// tokio lets a task do no more than so much a turn.
#[test]
fn one_that_is_always_ready_does_not_starve_the_others() {
    let runtime = tokio::runtime::Builder::new_current_thread();
    let runtime = { runtime }.enable_time().build().unwrap();
    let (signal, is_over) = (Signal::new("tick"), Arc::new(AtomicBool::new(false)));
    let flag = Arc::clone(&is_over);
    let _busy = signal.connect(move |_: &u32| {
        let flag = Arc::clone(&flag);
        async move {
            while !flag.load(Relaxed) {
                tokio::task::consume_budget().await;
            }
        }
    });
    let flag = Arc::clone(&is_over);
    let _other = signal.connect(move |_: &u32| {
        let flag = Arc::clone(&flag);
        async move {
            tokio::time::sleep(Duration::from_millis(1)).await;
            flag.store(true, Relaxed);
        }
    });
    let sent = runtime
        .block_on(async { tokio::time::timeout(Duration::from_secs(10), signal.asend(&1)).await });
    assert_eq!(sent.unwrap().unwrap().called(), 2);
}

#[test]
fn each_turn_begins_with_another_one() {
    let (signal, log) = (Signal::new("tick"), Log::default());
    let _connections = ["a", "b", "c"].map(|name| {
        let log = log.clone();
        signal.connect(move |_: &u32| {
            let log = log.clone();
            async move {
                for _ in 0..3 {
                    log.add(name);
                    turn().await;
                }
            }
        })
    });
    assert!(pollster::block_on(signal.asend_robust(&1)).is_ok());
    assert_eq!(log.take().concat(), "abcbcacab");
}

#[test]
fn a_muted_signal_starts_no_receiver() {
    let (signal, log) = (Signal::new("tick"), Log::default());
    let _connection = signal.connect(logs(&log, "in", "out", 0, None));
    let silence = signal.mute();
    let muted = pollster::block_on(signal.asend_robust(&1));
    assert!(muted.has_no_receivers() && log.take().is_empty());
    drop(silence);
    assert_eq!(pollster::block_on(signal.asend(&1)).unwrap().called(), 1);
}

#[test]
#[cfg_attr(miri, ignore = "nothing ends in time there")]
fn one_that_never_ends_can_be_left_with_a_timeout() {
    let runtime = tokio::runtime::Builder::new_multi_thread();
    let runtime = { runtime }.enable_time().build().unwrap();
    let (signal, log) = (Signal::new("tick"), Log::default());
    let _never = signal.connect(async |_: &u32| pending::<()>().await);
    let _good = signal.connect(logs(&log, "good", "good done", 2, None));
    let sent = runtime.block_on(async {
        tokio::time::timeout(Duration::from_millis(50), signal.asend_robust(&1)).await
    });
    assert!(sent.is_err());
    assert_eq!(log.take(), ["good", "good done"]);
}

#[test]
fn receivers_may_wait_for_each_other() {
    on_each_executor(|| async {
        let signal = Signal::new("tick");
        let turns = Arc::new(AtomicUsize::new(0));
        // Each goes on when it is its turn: they must be polled in turns.
        let connections = [0, 1].map(|own| {
            let turns = Arc::clone(&turns);
            signal.connect(move |_: &u32| {
                let turns = Arc::clone(&turns);
                async move {
                    for round in 0..10 {
                        while turns.load(Relaxed) != 2 * round + own {
                            turn().await;
                        }
                        turns.fetch_add(1, Relaxed);
                    }
                }
            })
        });
        assert!(signal.asend(&1).await.is_ok());
        assert_eq!(turns.load(Relaxed), 20);
        drop(connections);
    });
}

type BoxFuture<T> = std::pin::Pin<Box<dyn Future<Output = T> + Send>>;

#[test]
fn nothing_is_locked_while_receivers_wait() {
    static TICK: Signal<u32> = Signal::new("tick");
    let (log, late) = (Log::default(), Log::default());
    let (start, behind) = (log.clone(), late.clone());
    let _connects = TICK.connect(move |n: &u32| {
        let (n, start, behind) = (*n, start.clone(), behind.clone());
        async move {
            start.add("sent");
            turn().await;
            if n > 0 {
                // This signal again, within itself.
                let again: BoxFuture<bool> = Box::pin(async { TICK.asend(&0).await.is_ok() });
                assert!(again.await);
                TICK.connect(logs(&behind, "late", "late done", 0, None))
                    .detach();
                assert!(!TICK.disconnect("nobody"));
            }
        }
    });
    let report = pollster::block_on(TICK.asend(&1)).unwrap();
    assert_eq!((report.called(), log.take()), (1, vec!["sent", "sent"]));
    assert_eq!(late.take(), [""; 0], "from the next send on");
    assert_eq!(pollster::block_on(TICK.asend(&0)).unwrap().called(), 2);
    assert_eq!(late.take(), ["late", "late done"]);
}

#[test]
fn a_receiver_that_is_disconnected_meanwhile_runs_to_its_end() {
    on_each_executor(|| async {
        let (signal, log) = (Signal::new("tick"), Log::default());
        let options = ConnectOptions::new().uid("slow");
        signal
            .connect_with(options, logs(&log, "slow", "slow done", 3, None))
            .unwrap()
            .detach();
        let mut sent = pin!(signal.asend_robust(&1));
        let mut is_first = true;
        let report = std::future::poll_fn(|cx| {
            let polled = sent.as_mut().poll(cx);
            if std::mem::take(&mut is_first) {
                assert!(signal.disconnect("slow"));
            }
            polled
        })
        .await;
        assert_eq!(
            (report.called(), log.take()),
            (1, vec!["slow", "slow done"])
        );
        assert!(!signal.has_receivers());
    });
}

#[test]
fn futures_may_move_to_other_threads() {
    fn is_send(_: &impl Send) {}
    static TICK: Signal<u32> = Signal::new("tick");
    let webhook = parse(include_bytes!("../../payloads/text.json")).unwrap();
    is_send(&TICK.asend(&1));
    is_send(&TICK.asend_robust(&1));
    is_send(&webhook.dispatch_async());
    is_send(&webhook.events()[0].dispatch_async());
}

/// Wakes come from other threads, late and one by one.
#[test]
fn no_wake_is_lost() {
    let signal = Signal::new("tick");
    let connections: Vec<_> = (0..64)
        .map(|number: u64| {
            signal.connect(move |_: &u32| {
                let (sender, receiver) = tokio::sync::oneshot::channel();
                std::thread::spawn(move || {
                    std::thread::sleep(Duration::from_micros(number * 37 % 1000));
                    sender.send(()).unwrap();
                });
                async move { receiver.await.unwrap() }
            })
        })
        .collect();
    for _ in 0..5 {
        assert_eq!(pollster::block_on(signal.asend(&1)).unwrap().called(), 64);
    }
    drop(connections);
}
