//! Sending to async functions, beside a bare loop over as many boxed futures.

use std::future::{Future, poll_fn};
use std::hint::black_box;
use std::pin::{Pin, pin};
use std::task::{Context, Poll, Waker};

use whatsapp_signals::BoxError;

use super::receivers::{COUNTS, add_async, async_signal};
use super::{Goal, Subject};

type BoxFuture<'a> = Pin<Box<dyn Future<Output = Result<(), BoxError>> + Send + 'a>>;

/// Polls a future that is ready, where it is made, as an `.await` does.
macro_rules! now {
    ($future:expr) => {
        match pin!($future).poll(&mut Context::from_waker(Waker::noop())) {
            Poll::Ready(value) => value,
            Poll::Pending => unreachable!("nothing waits here"),
        }
    };
}

pub(super) fn subjects() -> Vec<Subject> {
    COUNTS
        .into_iter()
        .flat_map(|receivers| {
            let goal = Goal::Times(1.3);
            let name = |send| format!("{send} to {receivers} / loop");
            [
                Subject::new(name("asend"), goal, asend(receivers), bare(receivers)),
                Subject::new(
                    name("asend_robust"),
                    goal,
                    asend_robust(receivers),
                    bare(receivers),
                ),
            ]
        })
        .collect()
}

fn asend(receivers: usize) -> impl FnMut() {
    let signal = async_signal(receivers);
    move || {
        black_box(now!(black_box(signal).asend(black_box(&1))).is_ok());
    }
}

fn asend_robust(receivers: usize) -> impl FnMut() {
    let signal = async_signal(receivers);
    move || {
        black_box(now!(black_box(signal).asend_robust(black_box(&1))).is_ok());
    }
}

async fn receive(n: &u64) {
    add_async(n).await;
}

fn bare(receivers: usize) -> impl FnMut() {
    let list: Vec<fn(&u64) -> BoxFuture<'_>> = vec![
        |n| Box::pin(async move {
            receive(n).await;
            Ok(())
        });
        receivers
    ];
    move || {
        let list = black_box(&list);
        let mut futures: Vec<_> = list.iter().map(|call| Some(call(black_box(&1)))).collect();
        let result = now!(poll_fn(|cx| {
            let mut waits = false;
            for slot in &mut futures {
                if let Some(future) = slot {
                    match future.as_mut().poll(cx) {
                        Poll::Ready(Ok(())) => *slot = None,
                        Poll::Ready(Err(error)) => return Poll::Ready(Err(error)),
                        Poll::Pending => waits = true,
                    }
                }
            }
            if waits {
                Poll::Pending
            } else {
                Poll::Ready(Ok(()))
            }
        }));
        black_box(result.is_ok());
    }
}
