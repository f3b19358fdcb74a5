//! A worker with an engine: no receiver that is recorded as successful runs again.

use std::sync::Arc;
use std::time::Duration;

use crate::support::{Server, body, until, webhook};
use crate::watched::Watched;
use parking_lot::Mutex;
use tokio::sync::oneshot;
use whatsapp_signals::event::MessageReceived;
use whatsapp_signals::signals::MESSAGE_RECEIVED;
use whatsapp_signals::store::{MemoryStore, Store, StoreError, StoreErrorKind};
use whatsapp_signals::{ConnectOptions, Context, WebhookEngine};
use whatsapp_signals_nats::{DeadLetters, EventStream, Relay, StreamConfig, Worker};

/// The calls that succeeded: receiver and user.
static DONE: Mutex<Vec<(&str, String)>> = Mutex::new(Vec::new());
/// The users for whom the second receiver fails.
static FAILING: Mutex<Vec<&str>> = Mutex::new(Vec::new());

fn act(receiver: &'static str, event: &MessageReceived) -> Result<(), &'static str> {
    let user = event.message.user.as_ref().unwrap().wa_id().unwrap();
    if receiver == "second" && FAILING.lock().contains(&user) {
        return Err("as the test asks");
    }
    DONE.lock().push((receiver, user.to_string()));
    Ok(())
}

fn first(event: &MessageReceived) -> Result<(), &'static str> {
    // The contact is stored before the receivers run, as without a queue.
    assert!(
        event
            .contact
            .as_ref()
            .is_some_and(|contact| contact.created_at.is_some())
    );
    act("first", event)
}

fn second(event: &MessageReceived) -> Result<(), &'static str> {
    act("second", event)
}

async fn third(event: &MessageReceived) -> Result<(), &'static str> {
    tokio::task::yield_now().await;
    act("third", event)
}

fn done(user: &str) -> Vec<&'static str> {
    let done = DONE.lock();
    let of_user = done.iter().filter(|(_, done)| done == user);
    let mut receivers: Vec<_> = of_user.map(|(receiver, _)| *receiver).collect();
    receivers.sort_unstable();
    receivers
}

/// Runs a worker until `work` is ready.
async fn while_working<S: Store + 'static>(
    stream: &EventStream,
    engine: &Arc<WebhookEngine<S>>,
    work: impl Future<Output = ()>,
) {
    let worker = Worker::new(stream)
        .engine(Arc::clone(engine))
        .backoff(Duration::from_millis(50), Duration::from_millis(100))
        .max_deliveries(1);
    let (stop, stopped) = oneshot::channel();
    let running = tokio::spawn(worker.run(async { _ = stopped.await }));
    work.await;
    stop.send(()).unwrap();
    running.await.unwrap().unwrap();
}

async fn publish(stream: &EventStream, user: &str) {
    let webhook = webhook(&body([(user, &*format!("wamid.{user}"), "Hi")]));
    Relay::new(stream).publish(&webhook).await.unwrap();
}

/// Returns an engine without a backoff, whose only receivers are those of this file.
fn engine_over<S: Store>(store: S) -> WebhookEngine<S> {
    let context = Context::new().only_own_receivers();
    context.connect(&MESSAGE_RECEIVED, first);
    let options = ConnectOptions::new().uid("second");
    context
        .connect_with(&MESSAGE_RECEIVED, options, second)
        .unwrap();
    context.connect(&MESSAGE_RECEIVED, third);
    let engine = WebhookEngine::new(store).context(context);
    engine.backoff(Duration::ZERO, Duration::ZERO)
}

#[tokio::test(flavor = "multi_thread")]
async fn only_the_failed_receiver_runs_again() {
    let Some(server) = Server::start() else {
        return;
    };
    let stream = server.stream(StreamConfig::new()).await;
    // As the docs of the engine advise.
    let engine = engine_over(MemoryStore::new()).blocking(|work| tokio::task::block_in_place(work));
    let engine = Arc::new(engine);
    FAILING.lock().push("2001");
    while_working(&stream, &engine, async {
        publish(&stream, "2001").await;
        until("the others have run", async || done("2001").len() == 2).await;
        tokio::time::sleep(Duration::from_millis(500)).await;
        assert_eq!(done("2001"), ["first", "third"], "they did not run again");
        FAILING.lock().retain(|user| *user != "2001");
        until("all have run", async || done("2001").len() == 3).await;
        until("the stream is idle", async || server.is_idle("WA").await).await;
    })
    .await;
    assert_eq!(done("2001"), ["first", "second", "third"]);
    let (number, _) = engine.numbers().unwrap().remove(0);
    let unread = engine.number(number.as_str()).unread_counts().unwrap();
    assert_eq!(unread.len(), 1, "the message is stored");
    assert_eq!(server.count("WA_DEAD").await, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dead_letter_of_the_engine_is_one_of_the_stream_and_can_be_requeued() {
    let Some(server) = Server::start() else {
        return;
    };
    let stream = server.stream(StreamConfig::new()).await;
    let engine = Arc::new(engine_over(MemoryStore::new()).max_attempts(3));
    let letters = DeadLetters::of(&stream).await.unwrap();
    FAILING.lock().push("2002");
    while_working(&stream, &engine, async {
        publish(&stream, "2002").await;
        until("the event is a dead letter", async || {
            !letters.list(9).await.unwrap().is_empty()
        })
        .await;
        let letter = letters.list(9).await.unwrap().remove(0);
        assert_eq!(
            (&letter.failed[..], letter.deliveries),
            (&["second".to_owned()][..], 3)
        );
        assert_eq!(engine.dead_letters(9).unwrap().len(), 1);

        FAILING.lock().retain(|user| *user != "2002");
        assert!(letters.requeue(letter.sequence).await.unwrap());
        until("all have run", async || done("2002").len() == 3).await;
        until("the stream is idle", async || server.is_idle("WA").await).await;
    })
    .await;
    assert_eq!(done("2002"), ["first", "second", "third"]);
    assert!(engine.dead_letters(9).unwrap().is_empty());
    assert!(letters.list(9).await.unwrap().is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn storing_a_dead_letter_is_retried() {
    let Some(server) = Server::start() else {
        return;
    };
    let stream = server.stream(StreamConfig::new()).await;
    let jetstream = server.jetstream().await;
    let dead = jetstream.get_stream("WA_DEAD").await.unwrap();
    let mut config = dead.cached_info().config.clone();
    config.max_bytes = 1;
    jetstream.update_stream(&config).await.unwrap();
    let engine = Arc::new(engine_over(MemoryStore::new()).max_attempts(1));
    FAILING.lock().push("2005");
    while_working(&stream, &engine, async {
        publish(&stream, "2005").await;
        until("the event is a dead letter", async || {
            !engine.dead_letters(9).unwrap().is_empty()
        })
        .await;
        tokio::time::sleep(Duration::from_millis(500)).await;
        config.max_bytes = -1;
        jetstream.update_stream(&config).await.unwrap();
        until("the stream is idle", async || server.is_idle("WA").await).await;
    })
    .await;
    let letters = DeadLetters::of(&stream).await.unwrap();
    let letters = letters.list(9).await.unwrap();
    assert_eq!(letters[0].failed, ["second"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn failures_of_the_store_are_no_attempts() {
    let Some(server) = Server::start() else {
        return;
    };
    let stream = server.stream(StreamConfig::new()).await;
    let left = Mutex::new(12);
    let store = Watched::new(MemoryStore::new(), move |_| {
        let mut left = left.lock();
        if *left == 0 {
            return Ok(());
        }
        *left -= 1;
        Err(StoreError::new(StoreErrorKind::Unavailable, "unavailable"))
    });
    let engine = Arc::new(engine_over(store));
    while_working(&stream, &engine, async {
        publish(&stream, "2003").await;
        until("all have run", async || done("2003").len() == 3).await;
        until("the stream is idle", async || server.is_idle("WA").await).await;
    })
    .await;
    assert_eq!(server.count("WA_DEAD").await, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_repetition_after_the_loss_of_the_stream_is_a_duplicate() {
    let Some(server) = Server::start() else {
        return;
    };
    let stream = server.stream(StreamConfig::new()).await;
    let engine = Arc::new(engine_over(MemoryStore::new()));
    while_working(&stream, &engine, async {
        publish(&stream, "2004").await;
        until("the stream is idle", async || server.is_idle("WA").await).await;
    })
    .await;
    // Without the stream, the server recognizes no duplicate.
    server.jetstream().await.delete_stream("WA").await.unwrap();
    let stream = server.stream(StreamConfig::new()).await;
    while_working(&stream, &engine, async {
        publish(&stream, "2004").await;
        until("the stream is idle", async || server.is_idle("WA").await).await;
    })
    .await;
    assert_eq!(done("2004"), ["first", "second", "third"]);
}
