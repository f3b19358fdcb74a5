//! Events that become dead letters.

use super::*;

#[tokio::test(flavor = "multi_thread")]
async fn a_poison_event_blocks_only_its_partition_until_it_is_a_dead_letter() {
    let Some(server) = Server::start() else {
        return;
    };
    let stream = server.stream(StreamConfig::new()).await;
    // Long enough for the other events.
    let worker = || quick_worker(&stream).backoff(Duration::from_secs(3), Duration::from_secs(3));
    let others: Vec<String> = (0..40).map(|user| format!("1004{user:03}")).collect();
    let mut messages = vec![
        ("1004", "wamid.POISON", "fail 1000"),
        ("1004", "wamid.B", "Hi"),
    ];
    messages.extend(others.iter().map(|user| (user.as_str(), "wamid.C", "Hi")));
    // Each message has a different wamid.
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
    assert!(
        called("1004").len() < 3,
        "the poison event is still retried"
    );
    until("the stream is idle", async || server.is_idle("WA").await).await;
    worker.stop().await;
    let mut calls = called("1004");
    // Three deliveries; an old server may add one.
    assert!(calls.len() >= 4, "{calls:?}");
    calls.dedup();
    assert_eq!(calls, ["wamid.0", "wamid.1"]);
    assert_eq!(neighbours(), 40);

    let letters = DeadLetters::of(&stream).await.unwrap();
    let letter = letters.list(9).await.unwrap().remove(0);
    assert_eq!(
        (letter.failed.as_slice(), letter.deliveries),
        (&["scripted".to_owned()][..], 3)
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
async fn a_requeued_event_may_become_a_dead_letter_again() {
    let Some(server) = Server::start() else {
        return;
    };
    let stream = server.stream(StreamConfig::new()).await;
    let worker = Running::start(quick_worker(&stream));
    publish(
        &stream,
        &[("1005", "wamid.A", "fail 6"), ("1005", "wamid.B", "Hi")],
    )
    .await;
    let letters = DeadLetters::of(&stream).await.unwrap();
    for times in [3, 6] {
        until("the event is a dead letter", async || {
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
            "the letter is deleted"
        );
    }
    until("the receiver has run", async || called("1005").len() == 8).await;
    until("the stream is idle", async || server.is_idle("WA").await).await;
    worker.stop().await;
    assert!(letters.list(9).await.unwrap().is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn an_invalid_envelope_is_a_dead_letter_at_once() {
    let Some(server) = Server::start() else {
        return;
    };
    let stream = server.stream(StreamConfig::new()).await;
    let jetstream = server.jetstream().await;
    for payload in ["{", r#"{"version":7}"#] {
        let ack = jetstream.publish("wa.1.p0", payload.into()).await.unwrap();
        ack.await.unwrap();
    }
    let worker = Running::start(quick_worker(&stream));
    until("the stream is idle", async || server.is_idle("WA").await).await;
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
    let other = "expected an envelope of version 1, found 7";
    assert_eq!(reasons, ["not an envelope", other]);
    assert_eq!(&letters[0].payload[..], b"{");
    assert_eq!(letters[0].deliveries, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_event_stays_in_the_stream_while_its_dead_letter_cannot_be_stored() {
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
    let worker = Running::start(quick_worker(&stream));
    tokio::time::sleep(Duration::from_secs(1)).await;
    assert_eq!(server.count("WA_DEAD").await, 1);
    assert!(
        !server.is_idle("WA").await,
        "the second event is not acknowledged"
    );
    config.max_messages = -1;
    jetstream.update_stream(&config).await.unwrap();
    until("the stream is idle", async || server.is_idle("WA").await).await;
    worker.stop().await;
    assert_eq!(server.count("WA_DEAD").await, 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dead_letter_of_a_recreated_stream_is_no_duplicate() {
    let Some(server) = Server::start() else {
        return;
    };
    let stream = server.stream(StreamConfig::new()).await;
    for wamid in ["wamid.A", "wamid.B"] {
        let worker = Running::start(quick_worker(&stream));
        publish(&stream, &[("1013", wamid, "fail 1000")]).await;
        until("the event is a dead letter", async || {
            server.is_idle("WA").await
        })
        .await;
        worker.stop().await;
        // The sequence numbers begin at 1 again.
        let jetstream = server.jetstream().await;
        jetstream.delete_stream("WA").await.unwrap();
        server.stream(StreamConfig::new()).await;
    }
    assert_eq!(server.count("WA_DEAD").await, 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dead_letter_is_requeued_into_the_current_partition_of_its_user() {
    let Some(server) = Server::start() else {
        return;
    };
    let stream = server.stream(StreamConfig::new().partitions(1)).await;
    let worker = Running::start(quick_worker(&stream));
    publish(&stream, &[("1014", "wamid.A", "fail 3")]).await;
    until("the event is a dead letter", async || {
        server.count("WA_DEAD").await == 1
    })
    .await;
    worker.stop().await;
    let stream = server.stream(StreamConfig::new().partitions(8)).await;
    let letters = DeadLetters::of(&stream).await.unwrap();
    // Of two concurrent calls, at least one succeeds.
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
        "the user has another partition"
    );
    assert_eq!(server.count("WA").await, 3, "the event was requeued once");
}
