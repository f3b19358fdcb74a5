//! `asend` to async functions, beside a bare loop over as many boxed futures.

use std::future::{Future, poll_fn};
use std::hint::black_box;
use std::pin::{Pin, pin};
use std::task::{Context, Poll, Waker};

use whatsapp_signals::{BoxError, Signal};

use super::receivers::{COUNTS, PENDING_EIGHT, add_async, add_pending, async_signal};
use super::{Goal, Subject};

type BoxFuture<'a> = Pin<Box<dyn Future<Output = Result<(), BoxError>> + Send + 'a>>;

/// Polls a future in place until it is ready, as `.await` does.
macro_rules! now {
    ($future:expr) => {{
        let mut future = pin!($future);
        let mut cx = Context::from_waker(Waker::noop());
        loop {
            if let Poll::Ready(value) = future.as_mut().poll(&mut cx) {
                break value;
            }
        }
    }};
}

const GOAL: Goal = Goal::Times(1.3);

pub(super) fn subjects() -> Vec<Subject> {
    let mut subjects = Vec::new();
    for receivers in COUNTS {
        let (signal, bare) = (async_signal(receivers), bare(receivers, ready));
        let name = format!("asend to {receivers} / loop");
        subjects.push(Subject::new(name, GOAL, asend(signal), bare.clone()));
        let name = format!("asend_robust to {receivers} / loop");
        subjects.push(Subject::new(name, GOAL, asend_robust(signal), bare));
    }
    let name = "asend to 8 pending / loop";
    let bare = bare(8, pending);
    subjects.push(Subject::new(name, GOAL, asend(&PENDING_EIGHT), bare));
    subjects
}

fn asend(signal: &'static Signal<u64>) -> impl FnMut() {
    move || {
        black_box(now!(black_box(signal).asend(black_box(&1))).is_ok());
    }
}

fn asend_robust(signal: &'static Signal<u64>) -> impl FnMut() {
    move || {
        black_box(now!(black_box(signal).asend_robust(black_box(&1))).is_ok());
    }
}

async fn receive(n: &u64) {
    add_async(n).await;
}

fn ready(n: &u64) -> BoxFuture<'_> {
    Box::pin(async move {
        receive(n).await;
        Ok(())
    })
}

async fn receive_pending(n: &u64) {
    add_pending(n).await;
}

fn pending(n: &u64) -> BoxFuture<'_> {
    Box::pin(async move {
        receive_pending(n).await;
        Ok(())
    })
}

/// Creates all futures, then polls them until all are ready.
fn bare(receivers: usize, call: fn(&u64) -> BoxFuture<'_>) -> impl FnMut() + Clone {
    let list = vec![call; receivers];
    move || {
        let list = black_box(&list);
        let event = black_box(&1);
        let mut futures: Vec<_> = list.iter().map(|call| Some(call(event))).collect();
        let result = now!(poll_fn(|cx| {
            let mut is_pending = false;
            for slot in &mut futures {
                if let Some(future) = slot {
                    match future.as_mut().poll(cx) {
                        Poll::Ready(Ok(())) => *slot = None,
                        Poll::Ready(Err(error)) => return Poll::Ready(Err(error)),
                        Poll::Pending => is_pending = true,
                    }
                }
            }
            if is_pending {
                Poll::Pending
            } else {
                Poll::Ready(Ok(()))
            }
        }));
        black_box(result.is_ok());
    }
}
