//! Limits of receivers: how often, and for how long, they are called.

use whatsapp_signals::Context;

use super::*;

const SECOND: Duration = Duration::from_secs(1);

#[test]
fn limits_are_listed_and_reachable_from_a_failure() -> Done {
    static TICK: Signal<u32> = Signal::new("tick");
    let options = || ConnectOptions::new().attempts(3).timeout(SECOND);
    let _at_run_time = TICK.connect_with(options(), async |_: &u32| Err("full"))?;
    let context = Context::new();
    context.connect_with(&TICK, options(), async |_: &u32| Err("full"))?;

    let tick = TICK.with(&context);
    let report = pollster::block_on(tick.asend_robust(&1));
    let of_failures = report.failures().iter().map(Failure::receiver);
    let listed = tick.receivers();
    for receiver in of_failures.chain(&listed) {
        assert_eq!(receiver.attempts(), Some(3));
        assert_eq!(receiver.timeout(), Some(SECOND));
    }
    assert_eq!((report.failures().len(), listed.len()), (2, 2));
    Ok(())
}

#[test]
fn there_are_no_limits_unless_given() {
    let signal = Signal::new("tick");
    let _sync = signal.connect(|_: &u32| {});
    let _async = signal.connect(async |_: &u32| {});
    for receiver in signal.receivers() {
        assert_eq!((receiver.attempts(), receiver.timeout()), (None, None));
    }
}

#[test]
fn a_send_calls_a_receiver_however_often_it_failed() {
    let signal = Signal::new("tick");
    let once = ConnectOptions::new().attempts(1);
    let _fails = signal.connect_with(once, |_: &u32| Err("full"));
    for _ in 0..3 {
        assert_eq!(signal.send_robust(&1).failures().len(), 1);
    }
}

#[test]
fn a_limit_that_cannot_be_kept_is_refused() {
    static TICK: Signal<u32> = Signal::new("tick");
    fn sync(_: &u32) {}
    async fn waits(_: &u32) {
        std::future::pending::<()>().await;
    }
    let line = line!() + 1;
    let result = TICK.connect_with(ConnectOptions::new().timeout(SECOND), sync);
    let sync_timeout = result.expect_err("it is not async");
    let result = TICK.connect_with(ConnectOptions::new().timeout(Duration::ZERO), waits);
    let zero_timeout = result.expect_err("no time");
    let result = TICK.connect_with(ConnectOptions::new().attempts(0), waits);
    let zero_attempts = result.expect_err("no attempt");
    assert!(!TICK.has_receivers());

    let text = sync_timeout.to_string();
    let place = format!("sync ({}:{line})", file!());
    for part in ["expected an async receiver", "signal tick", &place] {
        assert!(text.contains(part), "{part} in {text}");
    }
    for (error, kind, expected) in [
        (sync_timeout, ConnectErrorKind::SyncTimeout, "async"),
        (
            zero_timeout,
            ConnectErrorKind::ZeroTimeout,
            "longer than 0 s",
        ),
        (
            zero_attempts,
            ConnectErrorKind::ZeroAttempts,
            "at least 1 attempt",
        ),
    ] {
        assert_eq!(error.kind(), kind);
        assert!(error.connected().is_none());
        assert!(error.to_string().contains(expected), "{error}");
    }
}

#[test]
fn a_context_refuses_the_same_limits() {
    static TICK: Signal<u32> = Signal::new("tick");
    let context = Context::new();
    for (options, kind) in [
        (order(0).timeout(SECOND), ConnectErrorKind::SyncTimeout),
        (
            order(0).timeout(Duration::ZERO),
            ConnectErrorKind::ZeroTimeout,
        ),
        (order(0).attempts(0), ConnectErrorKind::ZeroAttempts),
    ] {
        let result = context.connect_with(&TICK, options, |_: &u32| {});
        assert_eq!(result.expect_err("it is refused").kind(), kind);
    }
    assert!(!TICK.with(&context).has_receivers());
}
