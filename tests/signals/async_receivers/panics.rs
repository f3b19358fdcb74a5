//! Receivers that panic, and receivers that are dropped before their end.

use super::*;

/// Panics when it is dropped, but for while another panic passes.
struct PanicsAtTheEnd;

impl Drop for PanicsAtTheEnd {
    fn drop(&mut self) {
        assert!(std::thread::panicking(), "in drop");
    }
}

fn before(_: &u32) -> std::future::Ready<()> {
    panic!("before there is a future")
}

#[test]
fn a_panic_costs_no_other_receiver_the_event() {
    on_each_executor(|| async {
        let (signal, log) = (Signal::new("tick"), Log::default());
        let _at_once = signal.connect(async |n: &u32| assert_eq!(*n, 0, "at once"));
        let _good = signal.connect(logs(&log, "good", "good done", 3, None));
        let _later = signal.connect(async |n: &u32| {
            turn().await;
            assert!(*n == 0, "later {n}");
        });
        let _before = signal.connect(before);
        // A future's own state, and one that outlives its panic.
        let _in_drop = signal.connect(async |_: &u32| {
            let _panics = PanicsAtTheEnd;
            turn().await;
        });
        let report = signal.asend_robust(&7).await;
        assert_eq!(
            said(&report),
            [
                "panic: assertion `left == right` failed: at once\n  left: 7\n right: 0",
                "panic: later 7",
                "panic: before there is a future",
                "panic: in drop"
            ]
        );
        assert_eq!(
            (report.called(), log.take()),
            (5, vec!["good", "good done"])
        );
    });
}

#[test]
fn a_panic_passes_through_asend() {
    let signal = Signal::new("tick");
    let _panics = signal.connect(async |n: &u32| assert!(*n == 0, "oh"));
    let sent = std::panic::catch_unwind(|| pollster::block_on(signal.asend(&1)).is_ok());
    assert!(sent.is_err());
}

/// Counts those that are alive.
struct Alive(Arc<AtomicUsize>);

impl Alive {
    fn new(count: &Arc<AtomicUsize>) -> Self {
        count.fetch_add(1, Relaxed);
        Self(Arc::clone(count))
    }
}

impl Drop for Alive {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Relaxed);
    }
}

#[test]
fn dropping_the_future_drops_all_of_them() {
    let signal = Signal::new("tick");
    let alive = Arc::new(AtomicUsize::new(0));
    let connections = [(); 3].map(|()| {
        let alive = Arc::clone(&alive);
        signal.connect(move |_: &u32| {
            let alive = Alive::new(&alive);
            async move {
                let _alive = alive;
                pending::<()>().await;
            }
        })
    });
    for is_robust in [false, true] {
        let mut cx = Context::from_waker(Waker::noop());
        if is_robust {
            let mut sent = Box::pin(signal.asend_robust(&1));
            assert!(sent.as_mut().poll(&mut cx).is_pending());
            assert_eq!(alive.load(Relaxed), 3);
        } else {
            let mut sent = Box::pin(signal.asend(&1));
            assert!(sent.as_mut().poll(&mut cx).is_pending());
            assert_eq!(alive.load(Relaxed), 3);
        }
        assert_eq!(alive.load(Relaxed), 0);
    }
    drop(connections);
}

/// Panics when it is dropped.
struct AlwaysPanics;

impl Drop for AlwaysPanics {
    fn drop(&mut self) {
        // Not `panic!`, which would show up in the test's output.
        std::panic::resume_unwind(Box::new("in drop"));
    }
}

#[test]
fn destructors_that_panic_do_not_end_a_program_that_cancels() {
    let signal = Signal::new("tick");
    let panics = |_: &u32| async {
        let _panics = AlwaysPanics;
        pending::<()>().await;
    };
    let _connections = [signal.connect(panics), signal.connect(panics)];
    let mut cx = Context::from_waker(Waker::noop());
    let mut robust = Box::pin(signal.asend_robust(&1));
    assert!(robust.as_mut().poll(&mut cx).is_pending());
    drop(robust);
    let mut sent = Box::pin(signal.asend(&1));
    assert!(sent.as_mut().poll(&mut cx).is_pending());
    drop(sent);
}
