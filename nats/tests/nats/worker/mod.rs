//! From the stream to the receivers.

mod contexts;
mod dead_letters;
mod delivery;
mod retries;
mod stopping;

use std::collections::HashMap;
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use crate::support::{Server, body, until, webhook};
use parking_lot::Mutex;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;
use whatsapp_signals::event::MessageReceived;
use whatsapp_signals::signals::MESSAGE_RECEIVED;
use whatsapp_signals::{BoxError, Context, Retry, receiver};
use whatsapp_signals_nats::async_nats::{ConnectOptions, jetstream};
use whatsapp_signals_nats::{
    DeadLetters, EventStream, Published, Relay, StreamConfig, Worker, WorkerError, ensure_stream,
};

/// The wamids of the calls of `scripted`, by user and in order. No two tests share a user.
static CALLED: Mutex<Option<HashMap<String, Vec<String>>>> = Mutex::new(None);

/// Records a call, and returns the number of earlier calls with the same message.
fn record_call(event: &MessageReceived) -> usize {
    let user = event.message.user.as_ref().unwrap();
    let wamid = event.message.id.as_str();
    let mut called = CALLED.lock();
    let called = called.get_or_insert_default();
    let called = called.entry(user.wa_id().unwrap().to_string()).or_default();
    called.push(wamid.to_owned());
    called.iter().filter(|other| *other == wamid).count() - 1
}

fn called(user: &str) -> Vec<String> {
    let called = CALLED.lock();
    let called = called.as_ref().and_then(|called| called.get(user));
    called.cloned().unwrap_or_default()
}

/// Fails, panics or sleeps as the text of the message says.
#[receiver(MESSAGE_RECEIVED, uid = "scripted")]
fn scripted(event: &MessageReceived) -> Result<(), BoxError> {
    let earlier = record_call(event);
    let (action, count) = event.message.body().split_once(' ').unwrap_or_default();
    let count: usize = count.parse().unwrap_or_default();
    match action {
        "fail" | "twice" if earlier < count => Err("as the message asks".into()),
        "never" => Err(Retry::never("as the message asks").into()),
        "after" if earlier == 0 => {
            let delay = Duration::from_millis(count as u64);
            Err(Retry::after(delay, "as the message asks").into())
        }
        "panic" if earlier < count => std::panic::resume_unwind(Box::new("as the message asks")),
        "sleep" => {
            thread::sleep(Duration::from_millis(count as u64));
            Ok(())
        }
        _ => Ok(()),
    }
}

/// Runs after `scripted` and fails as often as the message says, with a delay of two seconds.
#[receiver(MESSAGE_RECEIVED, uid = "second", filter = |event| event.message.body().starts_with("never "))]
fn fail_too(event: &MessageReceived) -> Result<(), Retry> {
    let user = event.message.user.as_ref().unwrap();
    let calls = called(user.wa_id().unwrap()).len();
    let (_, count) = event.message.body().split_once(' ').unwrap_or_default();
    if calls <= count.parse().unwrap_or_default() {
        return Err(Retry::after(Duration::from_secs(2), "as the message asks"));
    }
    Ok(())
}

/// Fails always, and has two attempts.
#[receiver(
    MESSAGE_RECEIVED,
    uid = "twice",
    attempts = 2,
    filter = |event| event.message.body().starts_with("twice ")
)]
fn fail_twice(event: &MessageReceived) -> Result<(), BoxError> {
    match event.message.body() {
        "twice never" => Err(Retry::never("as the message asks").into()),
        "twice after" => Err(Retry::after(Duration::ZERO, "as the message asks").into()),
        _ => Err("as the message asks".into()),
    }
}

/// The wamids that `greet` was called with, as a value of a context.
#[derive(Clone, Default)]
struct Greeted(Arc<Mutex<Vec<String>>>);

/// Has one attempt, and takes a value of the context.
#[receiver(
    MESSAGE_RECEIVED,
    uid = "greet",
    attempts = 1,
    filter = |event| event.message.body() == "greet"
)]
fn greet(event: &MessageReceived, greeted: &Greeted) {
    greeted.0.lock().push(event.message.id.as_str().to_owned());
}

/// Uses the runtime's threads for blocking work.
#[receiver(MESSAGE_RECEIVED, filter = |event| event.message.body() == "block")]
async fn block(_event: &MessageReceived) -> Result<(), tokio::task::JoinError> {
    tokio::task::spawn_blocking(|| thread::sleep(Duration::from_millis(20))).await
}

/// Waits without blocking a thread.
#[receiver(MESSAGE_RECEIVED, uid = "async", filter = |event| event.message.body() == "wait")]
async fn wait(_event: &MessageReceived) {
    tokio::time::sleep(Duration::from_secs(5)).await;
}

/// A worker that runs until it is stopped.
struct Running {
    stop: oneshot::Sender<()>,
    work: JoinHandle<Result<(), WorkerError>>,
}

impl Running {
    fn start(worker: Worker) -> Self {
        let (stop, stopped) = oneshot::channel();
        let until = async { _ = stopped.await };
        let work = tokio::spawn(worker.run(until));
        Self { stop, work }
    }

    async fn stop(self) {
        self.stop.send(()).unwrap();
        self.work.await.unwrap().unwrap();
    }
}

/// Returns a worker with short delays.
fn quick_worker(stream: &EventStream) -> Worker {
    Worker::new(stream)
        .backoff(Duration::from_millis(100), Duration::from_millis(200))
        .ack_wait(Duration::from_secs(2))
        .max_deliveries(3)
}

async fn publish(stream: &EventStream, messages: &[(&str, &str, &str)]) -> Published {
    let webhook = webhook(&body(messages.iter().copied()));
    Relay::new(stream).publish(&webhook).await.unwrap()
}
