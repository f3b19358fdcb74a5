//! Async receivers, on three executors. The numbers in names are those of the behaviors of Django's
//! signals.

mod any_event;
mod order;
mod panics;
mod shapes;
mod waiting;

use std::future::{Future, pending};
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering::Relaxed};
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use parking_lot::Mutex;
use whatsapp_signals::event::MessageEcho;
use whatsapp_signals::signals::MESSAGE_ECHO;
use whatsapp_signals::{
    AsyncReceiver, BoxError, Cause, ConnectOptions, ReceiverInfo, Report, Signal, parse, receiver,
    with_state,
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

/// The calls, in order.
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

/// Returns a receiver that logs its start and, so many turns later, its end. It fails with the
/// text if there is one.
fn logs<T: Sync + 'static>(
    log: &Log,
    start: &'static str,
    end: &'static str,
    turns: usize,
    fails: Option<&'static str>,
) -> impl AsyncReceiver<T> + use<T> {
    let log = log.clone();
    move |_: &T| {
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
