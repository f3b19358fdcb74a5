//! Async receivers, on three executors. The numbers in names are those of the
//! behaviours that Django's signals have.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::future::{Future, pending};
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering::Relaxed};
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use parking_lot::Mutex;
use whatsapp_signals::event::{Event, MessageReceived};
use whatsapp_signals::signals::MESSAGE_RECEIVED;
use whatsapp_signals::{
    AsyncReceiver, BoxError, Cause, ConnectOptions, ReceiverInfo, Report, Signal, parse, receiver,
};

/// Runs a test on tokio with two threads, on tokio with one, and on an executor
/// that has nothing but `block_on`.
fn on_each_executor<F: Future<Output = ()> + Send + 'static>(test: impl Fn() -> F) {
    let threads = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_time()
        .build()
        .unwrap();
    threads.block_on(threads.spawn(test())).unwrap();
    let one = tokio::runtime::Builder::new_current_thread();
    { one }.build().unwrap().block_on(test());
    pollster::block_on(test());
}

/// What was done, in order.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<&'static str>>>);

impl Log {
    fn add(&self, what: &'static str) {
        self.0.lock().push(what);
    }

    fn take(&self) -> Vec<&'static str> {
        std::mem::take(&mut self.0.lock())
    }
}

/// Lets the others have a turn.
async fn turn() {
    let mut is_over = false;
    std::future::poll_fn(|cx| {
        if std::mem::replace(&mut is_over, true) {
            return Poll::Ready(());
        }
        cx.waker().wake_by_ref();
        Poll::Pending
    })
    .await;
}

/// A receiver that logs its start and its end, which is turns away, and fails
/// with that text if there is one.
fn logs(
    log: &Log,
    start: &'static str,
    end: &'static str,
    turns: usize,
    fails: Option<&'static str>,
) -> impl AsyncReceiver<u32> {
    let log = log.clone();
    move |_: &u32| {
        let log = log.clone();
        async move {
            log.add(start);
            for _ in 0..turns {
                turn().await;
            }
            log.add(end);
            fails.map_or(Ok(()), Err)
        }
    }
}

fn said(report: &Report) -> Vec<String> {
    let failures = report.failures().iter();
    let said = failures.map(|failure| match failure.cause() {
        Cause::Error(error) => error.to_string(),
        Cause::Panic(message) => format!("panic: {}", message.as_deref().unwrap_or("?")),
        _ => "needs asend".to_owned(),
    });
    said.collect()
}

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

    // What its filter declines is not for it anyway.
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
        assert!(signal.asend(&1).await.unwrap().is_unheard());
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
fn a_panic_costs_nobody_else_the_event() {
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

/// Panics when it is dropped, whatever happens.
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
fn a_muted_signal_starts_nobody() {
    let (signal, log) = (Signal::new("tick"), Log::default());
    let _connection = signal.connect(logs(&log, "in", "out", 0, None));
    let silence = signal.mute();
    let muted = pollster::block_on(signal.asend_robust(&1));
    assert!(muted.is_unheard() && log.take().is_empty());
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
fn a_receiver_that_is_disconnected_meanwhile_is_heard_to_its_end() {
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

async fn is_even(n: &u32) -> Result<(), String> {
    turn().await;
    if n.is_multiple_of(2) {
        Ok(())
    } else {
        Err(format!("{n} is odd"))
    }
}

struct AtLeast(u32);

impl AsyncReceiver<u32> for AtLeast {
    async fn receive(&self, n: &u32) -> Result<(), BoxError> {
        turn().await;
        if *n < self.0 {
            Err("too few".into())
        } else {
            Ok(())
        }
    }
}

#[test]
fn functions_closures_and_structs_connect_alike() {
    on_each_executor(|| async {
        let signal = Signal::new("tick");
        let _function = signal.connect(is_even);
        let _closure = signal.connect(async |n: &u32| {
            turn().await;
            if *n > 8 { Err("too many") } else { Ok(()) }
        });
        let limit = 5;
        let _returns_a_block = signal.connect(move |n: &u32| {
            let n = *n;
            async move { if n == limit { Err("five") } else { Ok(()) } }
        });
        let _struct = signal.connect(AtLeast(2));
        let _sync = signal.connect(|n: &u32| if *n == 4 { Err("four") } else { Ok(()) });
        let mut heard = Vec::new();
        for n in [1, 2, 4, 5, 10] {
            heard.push(said(&signal.asend_robust(&n).await));
        }
        assert_eq!(heard[0], ["1 is odd", "too few"]);
        assert_eq!(heard[1], [""; 0]);
        assert_eq!(heard[2], ["four"]);
        assert_eq!(heard[3], ["5 is odd", "five"]);
        assert_eq!(heard[4], ["too many"]);
        let kinds: Vec<_> = signal
            .receivers()
            .iter()
            .map(ReceiverInfo::is_async)
            .collect();
        assert_eq!(kinds, [true, true, true, true, false]);
    });
}

struct Borrowed<'a>(&'a str);

static BORROWED: Signal<Borrowed<'static>> = Signal::new("borrowed");

#[receiver(BORROWED)]
async fn elides(event: &Borrowed<'_>) -> Result<(), String> {
    turn().await;
    Err(event.0.to_owned())
}

#[test]
fn the_lifetime_of_a_payload_may_be_elided() {
    let report = pollster::block_on(BORROWED.asend_robust(&Borrowed("it")));
    assert_eq!(said(&report), ["it"]);
}

static PAID: Signal<u32> = Signal::new("paid");
static LOG: Mutex<Vec<String>> = Mutex::new(Vec::new());

#[receiver(PAID, order = 2, uid = "thank", filter = |cents| *cents > 100)]
async fn thank(cents: &u32) -> Result<(), String> {
    turn().await;
    LOG.lock().push(format!("thank {cents}"));
    if *cents == 500 {
        Err("no".to_owned())
    } else {
        Ok(())
    }
}

#[receiver(PAID, order = 1)]
async fn note(cents: &u32) {
    LOG.lock().push(format!("note {cents}"));
    turn().await;
}

#[receiver(PAID, order = 3)]
fn count(cents: &u32) {
    LOG.lock().push(format!("count {cents}"));
}

#[test]
fn async_functions_are_registered_with_the_attribute() {
    let report = pollster::block_on(PAID.asend_robust(&500));
    assert_eq!((report.called(), said(&report)), (3, vec!["no".into()]));
    assert_eq!(report.failures()[0].receiver().uid(), Some("thank"));
    assert_eq!(
        std::mem::take(&mut *LOG.lock()),
        ["count 500", "note 500", "thank 500"]
    );
    assert_eq!(pollster::block_on(PAID.asend(&5)).unwrap().filtered(), 1);
    let kinds = PAID.receivers();
    let kinds: Vec<_> = kinds
        .iter()
        .map(|info| (info.order(), info.is_async()))
        .collect();
    assert_eq!(kinds, [(1, true), (2, true), (3, false)]);
    // The function stays what it was.
    assert_eq!(pollster::block_on(thank(&500)), Err("no".to_owned()));
}

#[receiver(MESSAGE_RECEIVED)]
async fn read(event: &MessageReceived) -> Result<(), String> {
    turn().await;
    Err(event.message.body().to_owned())
}

#[test]
fn webhooks_and_events_wait_too() {
    on_each_executor(|| async {
        let webhook = parse(include_bytes!("payloads/text.json")).unwrap();
        let report = webhook.dispatch_async().await;
        assert_eq!((report.called(), report.failures().len()), (1, 1));
        let event = &webhook.events()[0];
        assert_eq!(event.dispatch_async().await.failures().len(), 1);
        let whatsapp_signals::WebhookEvent::MessageReceived(event) = event else {
            panic!("{event:?}");
        };
        assert!(event.asend().await.is_err());
        assert_eq!(event.asend_robust().await.called(), 1);
        assert_eq!(said(&event.send_robust()), ["needs asend"]);
    });
}

#[test]
fn what_is_awaited_may_go_to_other_threads() {
    fn is_send(_: &impl Send) {}
    static TICK: Signal<u32> = Signal::new("tick");
    let webhook = parse(include_bytes!("payloads/text.json")).unwrap();
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
