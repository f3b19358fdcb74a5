//! Events that no receiver can take.

use super::*;

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
