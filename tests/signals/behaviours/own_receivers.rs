//! Receivers of a context's own, and contexts that leave others out.

use super::*;
use whatsapp_signals::Context;

/// A signal with receivers of orders 0 and 5, the second with a uid.
fn with_two(log: &Log) -> &'static Signal<u32> {
    let signal = leaked();
    signal
        .connect_with(order(0), log.named("signal 0"))
        .expect("a new uid")
        .detach();
    let fifth = order(5).uid("fifth");
    signal
        .connect_with(fifth, log.named("signal 5"))
        .expect("a new uid")
        .detach();
    signal
}

fn sends(signal: &'static Signal<u32>, context: &Context) -> [usize; 4] {
    let sent = signal.with(context);
    [
        sent.send(&1).expect("no failure").called(),
        sent.send_robust(&1).called(),
        pollster::block_on(sent.asend(&1))
            .expect("no failure")
            .called(),
        pollster::block_on(sent.asend_robust(&1)).called(),
    ]
}

#[test]
fn they_are_merged_by_order_behind_those_of_the_signal() {
    let log = Log::new();
    let signal = with_two(&log);
    let context = Context::new();
    let shared = context.clone().with(7_u32);
    for (own, name) in [(5, "own 5"), (0, "own 0"), (-1, "own -1"), (9, "own 9")] {
        context
            .connect_with(signal, order(own), log.named(name))
            .unwrap();
    }
    let all = ["own -1", "signal 0", "own 0", "signal 5", "own 5", "own 9"];
    for context in [&context, &shared] {
        assert_eq!(sends(signal, context), [6; 4]);
        assert_eq!(log.take(), [all; 4].concat());
        assert_eq!(signal.with(context).receivers().len(), 6);
    }
    assert_eq!(sends(signal, &Context::new()), [2; 4]);
    assert!(signal.send(&1).is_ok_and(|report| report.called() == 2));
    assert_eq!(log.take(), ["signal 0", "signal 5"].repeat(5));
}

#[test]
fn a_context_leaves_receivers_out() {
    let log = Log::new();
    let signal = with_two(&log);
    let replaced = Context::new();
    replaced
        .connect_with(signal, uid("fifth"), log.named("own"))
        .unwrap();
    let only = Context::new().only_own_receivers();
    only.connect(signal, log.named("own"));
    for (context, expected) in [
        (Context::new().without_receiver("fifth"), &["signal 0"][..]),
        (
            Context::new()
                .without_receiver("fifth")
                .without_receiver("x"),
            &["signal 0"],
        ),
        (Context::new().only_own_receivers(), &[]),
        (
            Context::new().only_own_receivers().without_receiver("x"),
            &[],
        ),
        (only.clone(), &["own"]),
        (only.with(7_u32), &["own"]),
        (replaced, &["signal 0", "own"]),
    ] {
        assert_eq!(sends(signal, &context), [expected.len(); 4]);
        assert_eq!(log.take(), expected.repeat(4));
        let sent = signal.with(&context);
        assert_eq!(sent.has_receivers(), !expected.is_empty());
        assert_eq!(sent.receivers().len(), expected.len());
    }
}

#[test]
fn a_uid_is_taken_once_in_a_context() {
    let (signal, context) = (leaked(), Context::new());
    context
        .connect_with(signal, uid("a"), |_: &u32| {})
        .unwrap();
    let error = context
        .connect_with(signal, uid("a"), |_: &u32| {})
        .unwrap_err();
    assert_eq!(error.connected().unwrap().uid(), Some("a"));
    context
        .connect_with(leaked(), uid("a"), |_: &u32| {})
        .unwrap();
    assert_eq!(sends(signal, &context), [1; 4]);
}

#[test]
fn one_that_is_connected_by_a_receiver_is_called_from_the_next_send_on() {
    let (signal, context) = (leaked(), Context::new());
    let inner = context.clone();
    context.connect(signal, move |n: &u32| {
        if *n == 1 {
            inner.connect(signal, |_: &u32| {});
        }
    });
    let sent = |n| signal.with(&context).send(&n).unwrap().called();
    assert_eq!([sent(1), sent(2), sent(1), sent(2)], [1, 2, 2, 3]);
}

#[test]
fn failures_are_in_the_order_of_the_receivers() {
    let (signal, context) = (leaked(), Context::new());
    let fails = |name: &'static str| move |_: &u32| async move { Err::<(), _>(name) };
    signal
        .connect_with(order(1), fails("third"))
        .unwrap()
        .detach();
    signal
        .connect_with(order(0), fails("first"))
        .unwrap()
        .detach();
    context
        .connect_with(signal, order(0), fails("second"))
        .unwrap();
    context
        .connect_with(signal, order(1), |_: &u32| Err("sync"))
        .unwrap();
    let report = pollster::block_on(signal.with(&context).asend_robust(&1));
    let errors = report.failures().iter().filter_map(Failure::error);
    let errors: Vec<_> = errors.map(ToString::to_string).collect();
    assert_eq!(errors, ["sync", "first", "second", "third"]);
}

#[test]
fn a_muted_signal_calls_none_of_them() {
    let (signal, context) = (leaked(), Context::new());
    context.connect(signal, |_: &u32| {});
    let silence = signal.mute();
    assert_eq!(sends(signal, &context), [0; 4]);
    drop(silence);
    assert_eq!(sends(signal, &context), [1; 4]);
}
