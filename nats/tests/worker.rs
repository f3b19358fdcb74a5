//! From the stream to the receivers.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod support;

use std::collections::HashMap;
use std::thread;
use std::time::{Duration, Instant};

use parking_lot::Mutex;
use support::{Server, body, until, webhook};
use tokio::sync::oneshot;
use tokio::task::JoinHandle;
use whatsapp_signals::event::MessageReceived;
use whatsapp_signals::receiver;
use whatsapp_signals::signals::MESSAGE_RECEIVED;
use whatsapp_signals_nats::async_nats::{ConnectOptions, jetstream};
use whatsapp_signals_nats::{
    DeadLetters, EventStream, Published, Relay, StreamConfig, Worker, WorkerError, ensure_stream,
};

/// The wamids that a user's receivers were called with, in order. Each test has
/// users of its own.
static CALLED: Mutex<Option<HashMap<String, Vec<String>>>> = Mutex::new(None);

/// How often it was called with this one before.
fn note(event: &MessageReceived) -> usize {
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

/// Does what the message says.
#[receiver(MESSAGE_RECEIVED, uid = "obedient")]
fn obey(event: &MessageReceived) -> Result<(), &'static str> {
    let before = note(event);
    let (what, much) = event.message.body().split_once(' ').unwrap_or_default();
    let much: usize = much.parse().unwrap_or_default();
    match what {
        "fail" if before < much => Err("as it was told"),
        "panic" if before < much => std::panic::resume_unwind(Box::new("as it was told")),
        "sleep" => {
            thread::sleep(Duration::from_millis(much as u64));
            Ok(())
        }
        _ => Ok(()),
    }
}

/// Waits for one of the runtime's threads for blocking work.
#[receiver(MESSAGE_RECEIVED, filter = |event| event.message.body() == "block")]
async fn block(_event: &MessageReceived) -> Result<(), tokio::task::JoinError> {
    tokio::task::spawn_blocking(|| thread::sleep(Duration::from_millis(20))).await
}

/// An async receiver, which waits in another way.
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

/// A worker that does not wait for long.
fn hasty(stream: &EventStream) -> Worker {
    Worker::new(stream)
        .backoff(Duration::from_millis(100), Duration::from_millis(200))
        .ack_wait(Duration::from_secs(2))
        .max_deliveries(3)
}

async fn publish(stream: &EventStream, messages: &[(&str, &str, &str)]) -> Published {
    let webhook = webhook(&body(messages.iter().copied()));
    Relay::new(stream).publish(&webhook).await.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn an_event_whose_receivers_succeed_is_done() {
    let Some(server) = Server::start() else {
        return;
    };
    let stream = server.stream(StreamConfig::new()).await;
    publish(
        &stream,
        &[("1001", "wamid.A", "Hi"), ("1001", "wamid.B", "Hi")],
    )
    .await;
    let worker = Running::start(hasty(&stream));
    until("it is done", async || server.is_idle("WA").await).await;
    // Published while it runs.
    publish(&stream, &[("1001", "wamid.C", "Hi")]).await;
    until("it is called", async || called("1001").len() == 3).await;
    worker.stop().await;
    // A second worker finds nothing.
    let worker = Running::start(hasty(&stream));
    tokio::time::sleep(Duration::from_secs(1)).await;
    worker.stop().await;
    assert_eq!(called("1001"), ["wamid.A", "wamid.B", "wamid.C"]);
}

#[tokio::test]
async fn a_runtime_of_one_thread_is_enough() {
    let Some(server) = Server::start() else {
        return;
    };
    let stream = server.stream(StreamConfig::new()).await;
    publish(
        &stream,
        &[
            ("1002", "wamid.A", "sleep 5000"),
            ("1002", "wamid.B", "wait"),
        ],
    )
    .await;
    let worker = Running::start(hasty(&stream));
    until("it is done", async || server.is_idle("WA").await).await;
    worker.stop().await;
    assert_eq!(called("1002"), ["wamid.A", "wamid.B"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn order_is_kept_within_a_partition_while_an_event_is_delivered_again() {
    let Some(server) = Server::start() else {
        return;
    };
    let stream = server.stream(StreamConfig::new().partitions(1)).await;
    publish(
        &stream,
        &[
            ("1003", "wamid.A", "Hi"),
            ("1003", "wamid.B", "fail 2"),
            ("1003", "wamid.C", "panic 1"),
            ("1003", "wamid.D", "Hi"),
        ],
    )
    .await;
    // Three of them, so that each could take the next one.
    let workers = [(); 3].map(|()| Running::start(hasty(&stream)));
    until("it is done", async || server.is_idle("WA").await).await;
    for worker in workers {
        worker.stop().await;
    }
    let expected = [
        "wamid.A", "wamid.B", "wamid.B", "wamid.B", "wamid.C", "wamid.C", "wamid.D",
    ];
    assert_eq!(called("1003"), expected);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_poison_event_blocks_its_partition_for_a_while_and_no_other() {
    let Some(server) = Server::start() else {
        return;
    };
    let stream = server.stream(StreamConfig::new()).await;
    // Long enough for the others to pass.
    let worker = || hasty(&stream).backoff(Duration::from_secs(3), Duration::from_secs(3));
    let others: Vec<String> = (0..40).map(|user| format!("1004{user:03}")).collect();
    let mut messages = vec![
        ("1004", "wamid.POISON", "fail 1000"),
        ("1004", "wamid.B", "Hi"),
    ];
    messages.extend(others.iter().map(|user| (user.as_str(), "wamid.C", "Hi")));
    // Each user has a wamid of its own.
    let wamids: Vec<String> = (0..messages.len())
        .map(|at| format!("wamid.{at}"))
        .collect();
    for (message, wamid) in messages.iter_mut().zip(&wamids) {
        message.1 = wamid;
    }
    let worker = Running::start(worker());
    publish(&stream, &messages).await;
    let neighbours = || others.iter().filter(|user| called(user).len() == 1).count();
    until("the other partitions are done", async || neighbours() >= 25).await;
    assert!(called("1004").len() < 3, "the poison event is still tried");
    until("all is done", async || server.is_idle("WA").await).await;
    worker.stop().await;
    let mut calls = called("1004");
    // Three times; an old server may deliver it again when it was dead.
    assert!(calls.len() >= 4, "{calls:?}");
    calls.dedup();
    assert_eq!(calls, ["wamid.0", "wamid.1"]);
    assert_eq!(neighbours(), 40);

    let letters = DeadLetters::of(&stream).await.unwrap();
    let letter = letters.list(9).await.unwrap().remove(0);
    assert_eq!(
        (letter.failed.as_slice(), letter.deliveries),
        (&["obedient".to_owned()][..], 3)
    );
    assert_eq!(letter.reason, "receivers failed");
    assert!(
        letter
            .subject
            .as_ref()
            .unwrap()
            .starts_with("wa.106540352242922.p")
    );
    assert!(!format!("{letter:?}").contains("1004"), "{letter:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dead_letter_can_be_requeued_and_die_again() {
    let Some(server) = Server::start() else {
        return;
    };
    let stream = server.stream(StreamConfig::new()).await;
    let worker = Running::start(hasty(&stream));
    publish(
        &stream,
        &[("1005", "wamid.A", "fail 6"), ("1005", "wamid.B", "Hi")],
    )
    .await;
    let letters = DeadLetters::of(&stream).await.unwrap();
    for times in [3, 6] {
        until("it is dead", async || {
            !letters.list(9).await.unwrap().is_empty()
        })
        .await;
        let calls = called("1005");
        let calls = calls.iter().filter(|wamid| *wamid == "wamid.A");
        assert_eq!(calls.count(), times);
        let letter = letters.list(9).await.unwrap().remove(0);
        assert!(letters.requeue(letter.sequence).await.unwrap());
        assert!(
            !letters.requeue(letter.sequence).await.unwrap(),
            "it is gone"
        );
    }
    until("it is called", async || called("1005").len() == 8).await;
    until("it is done", async || server.is_idle("WA").await).await;
    worker.stop().await;
    assert!(letters.list(9).await.unwrap().is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn what_no_version_can_read_is_a_dead_letter_at_once() {
    let Some(server) = Server::start() else {
        return;
    };
    let stream = server.stream(StreamConfig::new()).await;
    let jetstream = server.jetstream().await;
    for payload in ["{", r#"{"version":7}"#] {
        let ack = jetstream.publish("wa.1.p0", payload.into()).await.unwrap();
        ack.await.unwrap();
    }
    let worker = Running::start(hasty(&stream));
    until("it is done", async || server.is_idle("WA").await).await;
    worker.stop().await;
    let letters = DeadLetters::of(&stream)
        .await
        .unwrap()
        .list(9)
        .await
        .unwrap();
    let reasons: Vec<_> = letters
        .iter()
        .map(|letter| letter.reason.as_str())
        .collect();
    let other = "an envelope of version 7, which this worker does not know";
    assert_eq!(reasons, ["not an envelope", other]);
    assert_eq!(&letters[0].payload[..], b"{");
    assert_eq!(letters[0].deliveries, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn without_room_for_a_dead_letter_the_event_waits() {
    let Some(server) = Server::start() else {
        return;
    };
    let stream = server.stream(StreamConfig::new()).await;
    let jetstream = server.jetstream().await;
    let mut config = jetstream
        .get_stream("WA_DEAD")
        .await
        .unwrap()
        .cached_info()
        .config
        .clone();
    config.max_messages = 1;
    jetstream.update_stream(&config).await.unwrap();
    for number in 0..2 {
        jetstream
            .publish("wa.1.p0", format!("{number}").into())
            .await
            .unwrap()
            .await
            .unwrap();
    }
    let worker = Running::start(hasty(&stream));
    tokio::time::sleep(Duration::from_secs(1)).await;
    assert_eq!(server.count("WA_DEAD").await, 1);
    assert!(!server.is_idle("WA").await, "the second one is not lost");
    config.max_messages = -1;
    jetstream.update_stream(&config).await.unwrap();
    until("it is done", async || server.is_idle("WA").await).await;
    worker.stop().await;
    assert_eq!(server.count("WA_DEAD").await, 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_slow_receiver_is_not_taken_for_dead() {
    let Some(server) = Server::start() else {
        return;
    };
    let stream = server.stream(StreamConfig::new()).await;
    // Each takes longer than `ack_wait`, which is 2 s.
    publish(
        &stream,
        &[
            ("1006", "wamid.A", "sleep 5000"),
            ("1006", "wamid.B", "wait"),
        ],
    )
    .await;
    let workers = [(); 2].map(|()| Running::start(hasty(&stream)));
    until("it is done", async || server.is_idle("WA").await).await;
    for worker in workers {
        worker.stop().await;
    }
    assert_eq!(called("1006"), ["wamid.A", "wamid.B"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stop_waits_for_what_has_begun_and_leaves_the_rest_to_others_at_once() {
    let Some(server) = Server::start() else {
        return;
    };
    let stream = server.stream(StreamConfig::new().partitions(1)).await;
    let slow = |stream: &EventStream| Worker::new(stream); // an `ack_wait` of 30 s
    let worker = Running::start(slow(&stream));
    let messages = [
        ("1007", "wamid.A", "sleep 2500"),
        ("1007", "wamid.B", "Hi"),
        ("1007", "wamid.C", "Hi"),
    ];
    publish(&stream, &messages).await;
    until("it has begun", async || called("1007").len() == 1).await;
    // The request for another one ends after a second.
    tokio::time::sleep(Duration::from_millis(1500)).await;
    worker.stop().await;
    assert_eq!(called("1007"), ["wamid.A"], "it was not begun anew");
    let began = Instant::now();
    let worker = Running::start(slow(&stream));
    until("it is done", async || server.is_idle("WA").await).await;
    assert!(
        began.elapsed() < Duration::from_secs(10),
        "nobody waits for `ack_wait`"
    );
    worker.stop().await;
    assert_eq!(called("1007"), ["wamid.A", "wamid.B", "wamid.C"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stop_costs_an_event_none_of_its_deliveries() {
    let Some(server) = Server::start() else {
        return;
    };
    let stream = server.stream(StreamConfig::new().partitions(2)).await;
    let wamids: Vec<String> = (0..40).map(|at| format!("wamid.{at}")).collect();
    let messages = wamids
        .iter()
        .map(|wamid| ("1011", wamid.as_str(), "sleep 20"));
    publish(&stream, &messages.collect::<Vec<_>>()).await;
    while !server.is_idle("WA").await {
        let worker = Running::start(Worker::new(&stream).max_deliveries(1));
        tokio::time::sleep(Duration::from_millis(50)).await;
        worker.stop().await;
    }
    assert_eq!(called("1011"), wamids);
    assert_eq!(server.count("WA_DEAD").await, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stop_does_not_wait_for_a_server_that_is_away() {
    let Some(mut server) = Server::start() else {
        return;
    };
    // A client that takes little while it is not connected.
    let options = ConnectOptions::new()
        .client_capacity(4)
        .max_reconnects(None);
    let client = options.connect(server.url()).await.unwrap();
    let jetstream = jetstream::new(client);
    let stream = ensure_stream(&jetstream, StreamConfig::new().partitions(32)).await;
    let worker = Running::start(hasty(&stream.unwrap()));
    tokio::time::sleep(Duration::from_secs(1)).await;
    server.kill();
    tokio::time::sleep(Duration::from_secs(5)).await;
    let began = Instant::now();
    worker.stop().await;
    assert!(began.elapsed() < Duration::from_secs(10));
}

#[test]
fn receivers_that_wait_for_blocking_work_do_not_wait_for_each_other() {
    let mut runtime = tokio::runtime::Builder::new_multi_thread();
    let runtime = runtime
        .enable_all()
        .max_blocking_threads(2)
        .build()
        .unwrap();
    runtime.block_on(async {
        let Some(server) = Server::start() else {
            return;
        };
        let stream = server.stream(StreamConfig::new()).await;
        let users: Vec<String> = (0..16).map(|user| format!("1012{user:03}")).collect();
        for (at, user) in users.iter().enumerate() {
            publish(&stream, &[(user, &format!("wamid.{at}"), "block")]).await;
        }
        let worker = Running::start(hasty(&stream));
        until("it is done", async || server.is_idle("WA").await).await;
        worker.stop().await;
        assert!(users.iter().all(|user| called(user).len() == 1));
    });
}

#[tokio::test(flavor = "multi_thread")]
async fn an_event_of_a_stream_that_was_made_anew_is_a_dead_letter_too() {
    let Some(server) = Server::start() else {
        return;
    };
    let stream = server.stream(StreamConfig::new()).await;
    for wamid in ["wamid.A", "wamid.B"] {
        let worker = Running::start(hasty(&stream));
        publish(&stream, &[("1013", wamid, "fail 1000")]).await;
        until("it is dead", async || server.is_idle("WA").await).await;
        worker.stop().await;
        // Its numbers begin at 1 again.
        let jetstream = server.jetstream().await;
        jetstream.delete_stream("WA").await.unwrap();
        server.stream(StreamConfig::new()).await;
    }
    assert_eq!(server.count("WA_DEAD").await, 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dead_letter_is_requeued_into_the_partition_that_its_user_has_by_now() {
    let Some(server) = Server::start() else {
        return;
    };
    let stream = server.stream(StreamConfig::new().partitions(1)).await;
    let worker = Running::start(hasty(&stream));
    publish(&stream, &[("1014", "wamid.A", "fail 3")]).await;
    until("it is dead", async || server.count("WA_DEAD").await == 1).await;
    worker.stop().await;
    let stream = server.stream(StreamConfig::new().partitions(8)).await;
    let letters = DeadLetters::of(&stream).await.unwrap();
    // Two do it at once, and one of them is right.
    let requeued = tokio::join!(letters.requeue(1), letters.requeue(1));
    assert!(requeued.0.unwrap() || requeued.1.unwrap());
    publish(&stream, &[("1014", "wamid.B", "Hi")]).await;
    let jetstream = server.jetstream().await;
    let stored = jetstream.get_stream("WA").await.unwrap();
    let subject_of = async |sequence| stored.get_raw_message(sequence).await.unwrap().subject;
    assert_eq!(subject_of(2).await, subject_of(3).await);
    assert_ne!(
        subject_of(1).await,
        subject_of(2).await,
        "this user has moved"
    );
    assert_eq!(server.count("WA").await, 3, "it was requeued once");
}

#[tokio::test(flavor = "multi_thread")]
async fn workers_come_and_go_and_each_event_is_handled_once_and_in_order() {
    let Some(server) = Server::start() else {
        return;
    };
    let stream = server.stream(StreamConfig::new().partitions(4)).await;
    let users: Vec<String> = (0..8).map(|user| format!("1008{user:03}")).collect();
    let wamids: Vec<String> = (0..400).map(|at| format!("wamid.{at:03}")).collect();
    let messages = wamids.iter().enumerate();
    let messages: Vec<_> = messages
        .map(|(at, wamid)| (users[at % 8].as_str(), wamid.as_str(), "sleep 2"))
        .collect();
    let began = Instant::now();
    let mut workers = vec![Running::start(Worker::new(&stream))];
    for messages in messages.chunks(50) {
        publish(&stream, messages).await;
        // A new one comes, and the oldest one goes.
        workers.push(Running::start(Worker::new(&stream)));
        if workers.len() > 3 {
            workers.remove(0).stop().await;
        }
    }
    until("it is done", async || server.is_idle("WA").await).await;
    assert!(
        began.elapsed() < Duration::from_secs(25),
        "no event was given to a worker that had gone, and waited for `ack_wait`"
    );
    for worker in workers {
        worker.stop().await;
    }
    for (at, user) in users.iter().enumerate() {
        let expected: Vec<_> = wamids.iter().skip(at).step_by(8).cloned().collect();
        assert_eq!(called(user), expected, "{user}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn several_events_of_a_partition_run_at_once_where_order_does_not_matter() {
    let Some(server) = Server::start() else {
        return;
    };
    let stream = server.stream(StreamConfig::new().partitions(1)).await;
    let wamids: Vec<String> = (0..8).map(|at| format!("wamid.{at}")).collect();
    let messages: Vec<_> = wamids
        .iter()
        .map(|wamid| ("1009", wamid.as_str(), "sleep 1000"))
        .collect();
    publish(&stream, &messages).await;
    let began = Instant::now();
    let worker = Running::start(Worker::new(&stream).max_ack_pending(8));
    until("it is done", async || server.is_idle("WA").await).await;
    assert!(
        began.elapsed() < Duration::from_secs(7),
        "one after the other takes 8"
    );
    worker.stop().await;
    assert_eq!(called("1009").len(), 8);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_worker_waits_for_a_server_that_was_killed_and_goes_on() {
    let Some(mut server) = Server::start() else {
        return;
    };
    let stream = server.stream(StreamConfig::new()).await;
    let worker = Running::start(hasty(&stream));
    publish(&stream, &[("1010", "wamid.A", "Hi")]).await;
    until("it is called", async || called("1010").len() == 1).await;
    server.kill();
    tokio::time::sleep(Duration::from_secs(1)).await;
    server.start_again();
    let relay = Relay::new(&stream);
    let more = webhook(&body([("1010", "wamid.B", "Hi")]));
    until("it is published", async || {
        relay.publish(&more).await.is_ok()
    })
    .await;
    until("it is called", async || {
        called("1010").contains(&"wamid.B".to_owned())
    })
    .await;
    worker.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_worker_without_a_stream_does_not_begin() {
    let Some(server) = Server::start() else {
        return;
    };
    let stream = server.stream(StreamConfig::new()).await;
    server.jetstream().await.delete_stream("WA").await.unwrap();
    let error = Worker::new(&stream).run(async {}).await.unwrap_err();
    assert_eq!(error.to_string(), "the worker could not begin");
}
