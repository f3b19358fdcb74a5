//! Receivers that return `Retry`, and receivers with `attempts`.

use super::*;

#[tokio::test(flavor = "multi_thread")]
async fn an_event_is_a_dead_letter_at_once_when_all_failed_receivers_give_up() {
    let Some(server) = Server::start() else {
        return;
    };
    let stream = server.stream(StreamConfig::new()).await;
    publish(
        &stream,
        &[("1015", "wamid.A", "never 0"), ("1015", "wamid.B", "Hi")],
    )
    .await;
    let worker = Running::start(quick_worker(&stream));
    until("both messages are delivered", async || {
        called("1015").len() == 2
    })
    .await;
    worker.stop().await;
    assert_eq!(called("1015"), ["wamid.A", "wamid.B"]);

    let letters = DeadLetters::of(&stream).await.unwrap();
    let letter = letters.list(9).await.unwrap().remove(0);
    assert_eq!(
        (&*letter.reason, letter.deliveries),
        ("receivers failed", 1)
    );
    assert_eq!(letter.failed, ["scripted"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_event_is_retried_for_the_receivers_that_have_not_given_up() {
    let Some(server) = Server::start() else {
        return;
    };
    let stream = server.stream(StreamConfig::new()).await;
    let began = Instant::now();
    publish(&stream, &[("1016", "wamid.A", "never 1")]).await;
    let worker = Running::start(quick_worker(&stream));
    until("the event is a dead letter", async || {
        server.count("WA_DEAD").await == 1
    })
    .await;
    worker.stop().await;
    assert_eq!(called("1016"), ["wamid.A", "wamid.A"]);
    assert!(
        began.elapsed() >= Duration::from_secs(2),
        "the delay of `second`"
    );

    let letters = DeadLetters::of(&stream).await.unwrap();
    let letter = letters.list(9).await.unwrap().remove(0);
    assert_eq!(letter.failed, ["scripted"], "`second` has succeeded");
    assert_eq!(letter.deliveries, 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_longer_of_delay_and_backoff_counts() {
    let Some(server) = Server::start() else {
        return;
    };
    let stream = server.stream(StreamConfig::new()).await;
    let backoff = Duration::from_secs(1);
    let worker = quick_worker(&stream).backoff(backoff, backoff);
    let worker = Running::start(worker);
    for (user, wamid, text, wait) in [
        ("1017", "wamid.A", "after 3000", 3000),
        ("1018", "wamid.B", "after 1", 1000),
    ] {
        let began = Instant::now();
        publish(&stream, &[(user, wamid, text)]).await;
        until("the receiver runs again", async || called(user).len() == 2).await;
        assert!(began.elapsed() >= Duration::from_millis(wait), "{text}");
    }
    until("the stream is idle", async || server.is_idle("WA").await).await;
    worker.stop().await;
    assert_eq!(server.count("WA_DEAD").await, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_delay_outlives_the_worker_and_costs_one_delivery() {
    let Some(server) = Server::start() else {
        return;
    };
    // Longer than `ack_wait`, and partly without a worker.
    let stream = server.stream(StreamConfig::new()).await;
    let began = Instant::now();
    let worker = Running::start(quick_worker(&stream).max_deliveries(2));
    publish(&stream, &[("1019", "wamid.A", "after 5000")]).await;
    until("the receiver has run", async || called("1019").len() == 1).await;
    worker.stop().await;
    let worker = Running::start(quick_worker(&stream).max_deliveries(2));
    until("the receiver runs again", async || {
        called("1019").len() == 2
    })
    .await;
    worker.stop().await;
    assert!(began.elapsed() >= Duration::from_secs(5));
    assert_eq!(called("1019"), ["wamid.A", "wamid.A"]);
    assert_eq!(server.count("WA_DEAD").await, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_dead_letter_of_the_last_delivery_names_all_failed_receivers() {
    let Some(server) = Server::start() else {
        return;
    };
    let stream = server.stream(StreamConfig::new()).await;
    publish(&stream, &[("1020", "wamid.A", "never 9")]).await;
    let worker = Running::start(quick_worker(&stream).max_deliveries(1));
    until("the event is a dead letter", async || {
        server.count("WA_DEAD").await == 1
    })
    .await;
    worker.stop().await;
    let letters = DeadLetters::of(&stream).await.unwrap();
    let letter = letters.list(9).await.unwrap().remove(0);
    assert_eq!(letter.failed, ["scripted", "second"]);
    assert_eq!(called("1020").len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_event_is_a_dead_letter_once_all_failed_receivers_have_used_up_their_attempts() {
    let Some(server) = Server::start() else {
        return;
    };
    let stream = server.stream(StreamConfig::new()).await;
    let letters = DeadLetters::of(&stream).await.unwrap();
    let worker = Running::start(quick_worker(&stream).max_deliveries(8));
    for (user, wamid, text, deliveries) in [
        ("1021", "wamid.A", "twice 0", 2),
        ("1022", "wamid.B", "twice after", 2),
        ("1023", "wamid.C", "twice never", 1),
        // `scripted` has no limit, and succeeds at the fourth delivery.
        ("1024", "wamid.D", "twice 3", 4),
    ] {
        publish(&stream, &[(user, wamid, text)]).await;
        until("the event is a dead letter", async || {
            server.count("WA_DEAD").await == 1
        })
        .await;
        let letter = letters.list(9).await.unwrap().remove(0);
        assert_eq!(letter.failed, ["twice"], "{text}");
        assert_eq!(letter.deliveries, deliveries, "{text}");
        assert_eq!(called(user).len() as u64, deliveries, "{text}");
        assert!(letters.discard(letter.sequence).await.unwrap());
    }
    worker.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn max_deliveries_ends_an_event_despite_remaining_attempts() {
    let Some(server) = Server::start() else {
        return;
    };
    let stream = server.stream(StreamConfig::new()).await;
    publish(&stream, &[("1025", "wamid.A", "twice 0")]).await;
    let worker = Running::start(quick_worker(&stream).max_deliveries(1));
    until("the event is a dead letter", async || {
        server.count("WA_DEAD").await == 1
    })
    .await;
    worker.stop().await;
    assert_eq!(called("1025").len(), 1);
}
