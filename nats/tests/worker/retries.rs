//! Receivers that say when they may run again.

use super::*;

#[tokio::test(flavor = "multi_thread")]
async fn an_event_is_a_dead_letter_at_once_when_all_that_failed_give_up() {
    let Some(server) = Server::start() else {
        return;
    };
    let stream = server.stream(StreamConfig::new()).await;
    publish(
        &stream,
        &[("1015", "wamid.A", "never 0"), ("1015", "wamid.B", "Hi")],
    )
    .await;
    let worker = Running::start(hasty(&stream));
    until("both are called", async || called("1015").len() == 2).await;
    worker.stop().await;
    assert_eq!(called("1015"), ["wamid.A", "wamid.B"]);

    let letters = DeadLetters::of(&stream).await.unwrap();
    let letter = letters.list(9).await.unwrap().remove(0);
    assert_eq!(
        (&*letter.reason, letter.deliveries),
        ("receivers failed", 1)
    );
    assert_eq!(letter.failed, ["obedient"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_receiver_that_gives_up_does_not_end_the_event_for_another_one() {
    let Some(server) = Server::start() else {
        return;
    };
    let stream = server.stream(StreamConfig::new()).await;
    let began = Instant::now();
    publish(&stream, &[("1016", "wamid.A", "never 1")]).await;
    let worker = Running::start(hasty(&stream));
    until("it is dead", async || server.count("WA_DEAD").await == 1).await;
    worker.stop().await;
    assert_eq!(called("1016"), ["wamid.A", "wamid.A"]);
    assert!(
        began.elapsed() >= Duration::from_secs(2),
        "`second` asked for it"
    );

    let letters = DeadLetters::of(&stream).await.unwrap();
    let letter = letters.list(9).await.unwrap().remove(0);
    assert_eq!(letter.failed, ["obedient"], "`second` has succeeded");
    assert_eq!(letter.deliveries, 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_event_waits_for_the_longer_of_the_delay_and_the_backoff() {
    let Some(server) = Server::start() else {
        return;
    };
    let stream = server.stream(StreamConfig::new()).await;
    let backoff = Duration::from_secs(1);
    let worker = hasty(&stream).backoff(backoff, backoff);
    let worker = Running::start(worker);
    for (user, wamid, text, wait) in [
        ("1017", "wamid.A", "after 3000", 3000),
        ("1018", "wamid.B", "after 1", 1000),
    ] {
        let began = Instant::now();
        publish(&stream, &[(user, wamid, text)]).await;
        until("it is called again", async || called(user).len() == 2).await;
        assert!(began.elapsed() >= Duration::from_millis(wait), "{text}");
    }
    until("it is done", async || server.is_idle("WA").await).await;
    worker.stop().await;
    assert_eq!(server.count("WA_DEAD").await, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_delay_is_kept_by_the_server_and_costs_one_delivery() {
    let Some(server) = Server::start() else {
        return;
    };
    // Longer than `ack_wait`, and with no worker for a part of it.
    let stream = server.stream(StreamConfig::new()).await;
    let began = Instant::now();
    let worker = Running::start(hasty(&stream).max_deliveries(2));
    publish(&stream, &[("1019", "wamid.A", "after 5000")]).await;
    until("it is called", async || called("1019").len() == 1).await;
    worker.stop().await;
    let worker = Running::start(hasty(&stream).max_deliveries(2));
    until("it is called again", async || called("1019").len() == 2).await;
    worker.stop().await;
    assert!(began.elapsed() >= Duration::from_secs(5));
    assert_eq!(called("1019"), ["wamid.A", "wamid.A"]);
    assert_eq!(server.count("WA_DEAD").await, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_last_delivery_ends_an_event_and_its_dead_letter_names_all_that_failed() {
    let Some(server) = Server::start() else {
        return;
    };
    let stream = server.stream(StreamConfig::new()).await;
    publish(&stream, &[("1020", "wamid.A", "never 9")]).await;
    let worker = Running::start(hasty(&stream).max_deliveries(1));
    until("it is dead", async || server.count("WA_DEAD").await == 1).await;
    worker.stop().await;
    let letters = DeadLetters::of(&stream).await.unwrap();
    let letter = letters.list(9).await.unwrap().remove(0);
    assert_eq!(letter.failed, ["obedient", "second"]);
    assert_eq!(called("1020").len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_event_is_a_dead_letter_once_all_that_failed_have_used_up_their_attempts() {
    let Some(server) = Server::start() else {
        return;
    };
    let stream = server.stream(StreamConfig::new()).await;
    let letters = DeadLetters::of(&stream).await.unwrap();
    let worker = Running::start(hasty(&stream).max_deliveries(8));
    for (user, wamid, text, deliveries) in [
        ("1021", "wamid.A", "twice 0", 2),
        ("1022", "wamid.B", "twice after", 2),
        ("1023", "wamid.C", "twice never", 1),
        // `obedient` has no limit, and succeeds at the fourth delivery.
        ("1024", "wamid.D", "twice 3", 4),
    ] {
        publish(&stream, &[(user, wamid, text)]).await;
        until("it is dead", async || server.count("WA_DEAD").await == 1).await;
        let letter = letters.list(9).await.unwrap().remove(0);
        assert_eq!(letter.failed, ["twice"], "{text}");
        assert_eq!(letter.deliveries, deliveries, "{text}");
        assert_eq!(called(user).len() as u64, deliveries, "{text}");
        assert!(letters.discard(letter.sequence).await.unwrap());
    }
    worker.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_last_delivery_ends_an_event_whose_receivers_have_attempts_left() {
    let Some(server) = Server::start() else {
        return;
    };
    let stream = server.stream(StreamConfig::new()).await;
    publish(&stream, &[("1025", "wamid.A", "twice 0")]).await;
    let worker = Running::start(hasty(&stream).max_deliveries(1));
    until("it is dead", async || server.count("WA_DEAD").await == 1).await;
    worker.stop().await;
    assert_eq!(called("1025").len(), 1);
}
