//! Workers that stop, and servers that are unreachable.

use super::*;

#[tokio::test(flavor = "multi_thread")]
async fn a_stop_finishes_the_running_event_and_releases_the_others_at_once() {
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
    until("the receiver runs", async || called("1007").len() == 1).await;
    // Longer than a pull request.
    tokio::time::sleep(Duration::from_millis(1500)).await;
    worker.stop().await;
    assert_eq!(
        called("1007"),
        ["wamid.A"],
        "the event was not delivered again"
    );
    let began = Instant::now();
    let worker = Running::start(slow(&stream));
    until("the stream is idle", async || server.is_idle("WA").await).await;
    assert!(
        began.elapsed() < Duration::from_secs(10),
        "no event is blocked for `ack_wait`"
    );
    worker.stop().await;
    assert_eq!(called("1007"), ["wamid.A", "wamid.B", "wamid.C"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stop_does_not_count_as_a_delivery() {
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
async fn a_stop_does_not_wait_for_an_unreachable_server() {
    let Some(mut server) = Server::start() else {
        return;
    };
    // A client that queues few requests while it is disconnected.
    let options = ConnectOptions::new()
        .client_capacity(4)
        .max_reconnects(None);
    let client = options.connect(server.url()).await.unwrap();
    let jetstream = jetstream::new(client);
    let stream = ensure_stream(&jetstream, StreamConfig::new().partitions(32)).await;
    let worker = Running::start(quick_worker(&stream.unwrap()));
    tokio::time::sleep(Duration::from_secs(1)).await;
    server.kill();
    tokio::time::sleep(Duration::from_secs(5)).await;
    let began = Instant::now();
    worker.stop().await;
    assert!(began.elapsed() < Duration::from_secs(10));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_worker_goes_on_after_a_restart_of_the_server() {
    let Some(mut server) = Server::start() else {
        return;
    };
    let stream = server.stream(StreamConfig::new()).await;
    let worker = Running::start(quick_worker(&stream));
    publish(&stream, &[("1010", "wamid.A", "Hi")]).await;
    until("the receiver has run", async || called("1010").len() == 1).await;
    server.kill();
    tokio::time::sleep(Duration::from_secs(1)).await;
    server.restart();
    let relay = Relay::new(&stream);
    let more = webhook(&body([("1010", "wamid.B", "Hi")]));
    until("the webhook is published", async || {
        relay.publish(&more).await.is_ok()
    })
    .await;
    until("the receiver has run", async || {
        called("1010").contains(&"wamid.B".to_owned())
    })
    .await;
    worker.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_worker_without_a_stream_does_not_start() {
    let Some(server) = Server::start() else {
        return;
    };
    let stream = server.stream(StreamConfig::new()).await;
    server.jetstream().await.delete_stream("WA").await.unwrap();
    let error = Worker::new(&stream).run(async {}).await.unwrap_err();
    assert_eq!(error.to_string(), "the worker could not start");
}
