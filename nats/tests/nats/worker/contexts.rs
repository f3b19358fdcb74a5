//! Receivers that take values of the worker's context.

use super::*;

#[tokio::test(flavor = "multi_thread")]
async fn a_receiver_takes_a_value_of_the_context() {
    let Some(server) = Server::start() else {
        return;
    };
    let stream = server.stream(StreamConfig::new()).await;
    let greeted = Greeted::default();
    let context = Context::new().with(greeted.clone());
    let worker = Running::start(quick_worker(&stream).context(context));
    publish(&stream, &[("1026", "wamid.A", "greet")]).await;
    until("`greet` has run", async || !greeted.0.lock().is_empty()).await;
    until("the stream is idle", async || server.is_idle("WA").await).await;
    worker.stop().await;
    assert_eq!(*greeted.0.lock(), ["wamid.A"]);
    assert_eq!(called("1026").len(), 1);
    assert_eq!(server.count("WA_DEAD").await, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_delivery_without_the_value_is_no_attempt() {
    let Some(server) = Server::start() else {
        return;
    };
    let stream = server.stream(StreamConfig::new()).await;
    let worker = Running::start(quick_worker(&stream).max_deliveries(1000));
    publish(&stream, &[("1027", "wamid.A", "greet")]).await;
    // `greet` has one attempt, and has not run.
    until("the event is delivered again", async || {
        called("1027").len() >= 2
    })
    .await;
    worker.stop().await;
    assert_eq!(server.count("WA_DEAD").await, 0);

    let greeted = Greeted::default();
    let context = Context::new().with(greeted.clone());
    let worker = Running::start(quick_worker(&stream).max_deliveries(1000).context(context));
    until("`greet` has run", async || !greeted.0.lock().is_empty()).await;
    until("the stream is idle", async || server.is_idle("WA").await).await;
    worker.stop().await;
    assert_eq!(*greeted.0.lock(), ["wamid.A"]);
    assert_eq!(server.count("WA_DEAD").await, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn without_the_value_an_event_is_a_dead_letter_after_max_deliveries() {
    let Some(server) = Server::start() else {
        return;
    };
    let stream = server.stream(StreamConfig::new()).await;
    publish(&stream, &[("1028", "wamid.A", "greet")]).await;
    let worker = Running::start(quick_worker(&stream).max_deliveries(2));
    until("the event is a dead letter", async || {
        server.count("WA_DEAD").await == 1
    })
    .await;
    worker.stop().await;
    let letters = DeadLetters::of(&stream).await.unwrap();
    let letter = letters.list(9).await.unwrap().remove(0);
    assert_eq!(letter.failed, ["greet"]);
    assert_eq!(letter.deliveries, 2);
}
