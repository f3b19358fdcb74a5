//! The order and the threads of async receivers.

use super::*;

#[test]
fn t38_the_sync_one_runs_first_then_the_async_one() {
    on_each_executor(|| async {
        let (signal, log) = (Signal::new("tick"), Log::default());
        // Connected first, and of a lower order: it waits all the same.
        let first = ConnectOptions::new().order(-1);
        let _async = signal.connect_with(first, logs(&log, "async", "done", 0, None));
        let sync = log.clone();
        let _sync = signal.connect(move |_: &u32| sync.add("sync"));
        let report = signal.asend(&1).await.unwrap();
        assert_eq!(log.take(), ["sync", "async", "done"]);
        assert_eq!((report.called(), report.is_ok()), (2, true));
    });
}

#[test]
fn t39_t66_a_plain_send_says_that_it_cannot_wait() {
    let (signal, log) = (Signal::new("tick"), Log::default());
    let before = log.clone();
    let _sync = signal.connect(move |_: &u32| before.add("sync"));
    let _async = signal.connect(logs(&log, "async", "done", 0, None));
    let behind = log.clone();
    let _last = signal.connect(move |_: &u32| behind.add("last"));

    let failure = signal.send(&1).unwrap_err();
    assert!(matches!(failure.cause(), Cause::NeedsAsend));
    assert!(failure.receiver().is_async());
    assert!(
        failure
            .to_string()
            .ends_with(" of signal tick is async and needs asend, dispatch_async or process_async")
    );
    assert!(failure.error().is_none() && failure.panic_message().is_none());
    assert_eq!(log.take(), ["sync"], "as at any failure");

    let report = signal.send_robust(&1);
    assert_eq!(
        (report.called(), said(&report)),
        (3, vec!["needs asend".into()])
    );
    assert_eq!(log.take(), ["sync", "last"]);

    // An event that its filter declines is no failure.
    let never = ConnectOptions::new().filter(|_: &u32| false);
    let picky = Signal::new("tock");
    let _picky = picky.connect_with(never, logs(&log, "async", "done", 0, None));
    assert_eq!(picky.send(&1).unwrap().filtered(), 1);
    let report = pollster::block_on(picky.asend(&1)).unwrap();
    assert_eq!((report.called(), report.filtered()), (0, 1));
}

#[test]
fn t40_t41_failures_come_sync_first_then_async_in_the_order_of_connection() {
    on_each_executor(|| async {
        let (signal, log) = (Signal::new("tick"), Log::default());
        // The first takes longest.
        let _slow = signal.connect(logs(&log, "slow", "slow done", 5, Some("slow")));
        let _good = signal.connect(logs(&log, "good", "good done", 1, None));
        let _sync = signal.connect(|_: &u32| Err("sync"));
        let _fast = signal.connect(logs(&log, "fast", "fast done", 0, Some("fast")));
        let report = signal.asend_robust(&1).await;
        assert_eq!((report.called(), report.succeeded()), (4, 1));
        assert_eq!(said(&report), ["sync", "slow", "fast"]);
        let done = [
            "slow",
            "good",
            "fast",
            "fast done",
            "good done",
            "slow done",
        ];
        assert_eq!(log.take(), done, "all at once");
    });
}

#[test]
fn t42_t43_all_of_them_may_be_async() {
    on_each_executor(|| async {
        let signal = Signal::new("tick");
        assert!(signal.asend(&1).await.unwrap().has_no_receivers());
        let log = Log::default();
        let _a = signal.connect(logs(&log, "a", "a done", 2, None));
        let _b = signal.connect(logs(&log, "b", "b done", 1, None));
        assert_eq!(signal.asend(&1).await.unwrap().called(), 2);
        assert_eq!(signal.asend_robust(&1).await.called(), 2);
        assert_eq!(log.take().len(), 8);
    });
}

tokio::task_local!(static REQUEST: u32);

#[test]
fn t44_to_t55_receivers_run_in_the_task_that_sends() {
    static SEEN: AtomicUsize = AtomicUsize::new(0);
    fn see() {
        SEEN.fetch_add(REQUEST.get() as usize, Relaxed);
    }
    async fn waits(_: &u32) {
        see();
        turn().await;
        see();
    }
    fn runs(_: &u32) {
        see();
    }
    for (is_async, is_sync, seen) in [(true, false, 14), (false, true, 7), (true, true, 21)] {
        on_each_executor(move || {
            REQUEST.scope(7, async move {
                let signal = Signal::new("tick");
                let _async = is_async.then(|| signal.connect(waits));
                let _sync = is_sync.then(|| signal.connect(runs));
                SEEN.store(0, Relaxed);
                assert!(signal.asend(&1).await.is_ok());
                assert_eq!(SEEN.swap(0, Relaxed), seen);
                assert!(signal.asend_robust(&1).await.is_ok());
                assert_eq!(SEEN.swap(0, Relaxed), seen);
                if !is_async {
                    assert!(signal.send(&1).is_ok() && signal.send_robust(&1).is_ok());
                    assert_eq!(SEEN.swap(0, Relaxed), 2 * seen);
                }
            })
        });
    }
}

#[test]
fn asend_drops_the_others_at_the_first_error() {
    on_each_executor(|| async {
        let (signal, log) = (Signal::new("tick"), Log::default());
        let _slow = signal.connect(logs(&log, "slow", "never", 1000, None));
        let _bad = signal.connect(logs(&log, "bad", "bad done", 3, Some("no")));
        let _none = signal.connect(logs(&log, "quick", "quick done", 1, None));
        let failure = signal.asend(&1).await.unwrap_err();
        assert_eq!(failure.error().unwrap().to_string(), "no");
        assert_eq!(
            log.take(),
            ["slow", "bad", "quick", "quick done", "bad done"]
        );
    });
}

#[test]
fn a_sync_failure_comes_before_any_async_receiver_begins() {
    on_each_executor(|| async {
        let (signal, log) = (Signal::new("tick"), Log::default());
        let _async = signal.connect(logs(&log, "async", "done", 0, None));
        let _bad = signal.connect(|_: &u32| Err("no"));
        assert!(signal.asend(&1).await.is_err());
        assert_eq!(log.take(), [""; 0]);
        assert_eq!(said(&signal.asend_robust(&1).await), ["no"]);
        assert_eq!(log.take(), ["async", "done"]);
    });
}
