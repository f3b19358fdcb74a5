//! Tests of observed deliveries, which only an engine makes.

use std::future::poll_fn;
use std::sync::Arc;
use std::task::{self, Poll, Waker};

use parking_lot::Mutex;

use super::{
    Cause, ConnectOptions, Context, DeliveryObserver, Failure, ReceiverIds, ReceiverMode, Retry,
    RetryWhen, Signal,
};

#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<String>>>);

impl Log {
    fn write(&self, line: impl Into<String>) {
        self.0.lock().push(line.into());
    }

    fn take(&self) -> Vec<String> {
        std::mem::take(&mut self.0.lock())
    }
}

/// An observer that writes the calls of a delivery into a log. Each checkpoint is pending for a
/// number of polls.
struct Recorder {
    log: Log,
    polls: u32,
    remaining: u32,
}

impl Recorder {
    fn new(log: &Log, polls: u32) -> Self {
        Self {
            log: log.clone(),
            polls,
            remaining: polls,
        }
    }
}

impl DeliveryObserver for Recorder {
    fn poll_checkpoint(&mut self, cx: &mut task::Context<'_>) -> Poll<()> {
        if self.remaining > 0 {
            self.remaining -= 1;
            cx.waker().wake_by_ref();
            return Poll::Pending;
        }
        self.remaining = self.polls;
        self.log.write("checkpoint");
        Poll::Ready(())
    }

    fn should_call<I: ReceiverIds + ?Sized>(&mut self, ids: &I, at: usize) -> bool {
        ids.receiver_id(at) != "skipped"
    }

    fn succeeded<I: ReceiverIds + ?Sized>(&mut self, ids: &I, at: usize, _: bool) {
        self.log.write(format!("{} succeeded", ids.receiver_id(at)));
    }

    fn all_pending(&mut self) {
        self.log.write("all pending");
    }

    fn failed<I: ReceiverIds + ?Sized>(&mut self, ids: &I, at: usize, failure: &Failure) {
        let cause = failure.cause();
        let (id, attempts, retry) = (ids.receiver_id(at), ids.attempts(at), cause.retry());
        let needs_asend = matches!(cause, Cause::NeedsAsend);
        assert_eq!(needs_asend, retry.is_none());
        self.log
            .write(format!("{id} failed {attempts:?} {retry:?}"));
    }

    fn poll_timeout<I: ReceiverIds + ?Sized>(
        &mut self,
        _: &I,
        _: usize,
        _: &mut task::Context<'_>,
    ) -> Poll<()> {
        Poll::Pending
    }
}

/// Returns a signal with a sync receiver, an async receiver that is pending for one poll, a skipped
/// receiver, a sync receiver that fails, and an async receiver that is ready at its first poll.
fn signal(log: &Log) -> Signal<u32> {
    let signal = Signal::new("tick");
    let uid = |uid: &'static str| ConnectOptions::new().uid(uid);
    let [sync, pending, later, ready] = [(); 4].map(|()| log.clone());
    let connections = [
        signal.connect_with(uid("sync"), move |_: &u32| sync.write("sync runs")),
        signal.connect_with(uid("pending"), move |_: &u32| {
            let (log, later) = (pending.clone(), later.clone());
            async move {
                log.write("pending starts");
                yield_once().await;
                later.write("pending resumes");
            }
        }),
        signal.connect_with(uid("skipped"), |_: &u32| -> () { panic!("called") }),
        signal.connect_with(uid("fails").attempts(3), |_: &u32| Err(Retry::never("no"))),
        signal.connect_with(uid("ready"), move |_: &u32| {
            ready.write("ready runs");
            std::future::ready(())
        }),
    ];
    for connection in connections {
        assert!(connection.map(super::Connection::detach).is_ok());
    }
    signal
}

/// Returns `Pending` at the first poll.
async fn yield_once() {
    let mut is_first = true;
    poll_fn(|cx| {
        cx.waker().wake_by_ref();
        if std::mem::take(&mut is_first) {
            Poll::Pending
        } else {
            Poll::Ready(())
        }
    })
    .await;
}

const NEVER: Option<RetryWhen> = Some(RetryWhen::Never);

#[test]
fn a_checkpoint_precedes_each_receiver_and_the_end() {
    for polls in [0, 2] {
        let log = Log::default();
        let (signal, context) = (signal(&log), Context::new());
        let mut recorder = Recorder::new(&log, polls);
        let delivery = signal
            .with(&context)
            .erase(&1)
            .deliver_observed(ReceiverMode::Sync, &mut recorder);
        let report = pollster::block_on(delivery);
        let failed = report.failures().iter().map(Failure::receiver);
        let failed: Vec<_> = failed.filter_map(|receiver| receiver.uid()).collect();
        assert_eq!(failed, ["pending", "fails", "ready"]);
        let expected = [
            "checkpoint",
            "sync runs",
            "sync succeeded",
            "checkpoint",
            "pending failed None None",
            "checkpoint",
            "checkpoint",
            &format!("fails failed Some(3) {NEVER:?}"),
            "checkpoint",
            "ready failed None None",
            "checkpoint",
        ];
        assert_eq!(log.take(), expected, "{polls} polls");
    }
}

#[test]
fn a_pending_checkpoint_delays_the_start_of_async_receivers_but_not_started_ones() {
    let async_part = |log: &Log| {
        let lines = log.take();
        assert_eq!(lines[6..8], ["checkpoint", "pending starts"], "{lines:?}");
        lines[8..].join(", ")
    };
    // Each poll of the delivery polls the started receivers first, and then the checkpoint.
    let expected = [
        (
            0,
            "checkpoint, ready runs, ready succeeded, all pending, checkpoint, \
             pending resumes, pending succeeded, checkpoint",
        ),
        (
            1,
            "all pending, pending resumes, pending succeeded, checkpoint, ready runs, \
             ready succeeded, checkpoint",
        ),
    ];
    for (polls, expected) in expected {
        let log = Log::default();
        let (signal, context) = (signal(&log), Context::new());
        let mut recorder = Recorder::new(&log, polls);
        let delivery = signal
            .with(&context)
            .erase(&1)
            .deliver_observed(ReceiverMode::Async, &mut recorder);
        let report = pollster::block_on(delivery);
        assert_eq!((report.called(), report.failures().len()), (4, 1));
        assert_eq!(async_part(&log), expected, "{polls} polls");
    }
}

#[test]
fn a_ready_receiver_does_not_end_the_delivery_before_the_checkpoint() {
    let log = Log::default();
    let (signal, context) = (Signal::<u32>::new("tick"), Context::new());
    let _ready = signal.connect(async |_: &u32| {});
    let mut recorder = Recorder::new(&log, 0);
    let mut cx = task::Context::from_waker(Waker::noop());
    recorder.remaining = 1;
    recorder.polls = 1;
    let in_context = signal.with(&context);
    let mut delivery = Box::pin(
        in_context
            .erase(&1)
            .deliver_observed(ReceiverMode::Async, &mut recorder),
    );
    // Before the receiver, and after it.
    assert!(delivery.as_mut().poll(&mut cx).is_pending());
    assert!(delivery.as_mut().poll(&mut cx).is_pending());
    assert!(delivery.as_mut().poll(&mut cx).is_ready());
}
