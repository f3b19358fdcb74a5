//! Deliveries: once and in order.

use super::*;

#[tokio::test(flavor = "multi_thread")]
async fn an_event_is_delivered_once_if_its_receivers_succeed() {
    let Some(server) = Server::start() else {
        return;
    };
    let stream = server.stream(StreamConfig::new()).await;
    publish(
        &stream,
        &[("1001", "wamid.A", "Hi"), ("1001", "wamid.B", "Hi")],
    )
    .await;
    let worker = Running::start(quick_worker(&stream));
    until("the stream is idle", async || server.is_idle("WA").await).await;
    // Published while the worker runs.
    publish(&stream, &[("1001", "wamid.C", "Hi")]).await;
    until("the receiver has run", async || called("1001").len() == 3).await;
    worker.stop().await;
    // A second worker receives no event.
    let worker = Running::start(quick_worker(&stream));
    tokio::time::sleep(Duration::from_secs(1)).await;
    worker.stop().await;
    assert_eq!(called("1001"), ["wamid.A", "wamid.B", "wamid.C"]);
}

#[tokio::test]
async fn a_current_thread_runtime_suffices() {
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
    let worker = Running::start(quick_worker(&stream));
    until("the stream is idle", async || server.is_idle("WA").await).await;
    worker.stop().await;
    assert_eq!(called("1002"), ["wamid.A", "wamid.B"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn retries_keep_the_order_of_a_partition() {
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
    // With three workers, each could take the next event.
    let workers = [(); 3].map(|()| Running::start(quick_worker(&stream)));
    until("the stream is idle", async || server.is_idle("WA").await).await;
    for worker in workers {
        worker.stop().await;
    }
    let expected = [
        "wamid.A", "wamid.B", "wamid.B", "wamid.B", "wamid.C", "wamid.C", "wamid.D",
    ];
    assert_eq!(called("1003"), expected);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_receiver_may_run_longer_than_ack_wait() {
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
    let workers = [(); 2].map(|()| Running::start(quick_worker(&stream)));
    until("the stream is idle", async || server.is_idle("WA").await).await;
    for worker in workers {
        worker.stop().await;
    }
    assert_eq!(called("1006"), ["wamid.A", "wamid.B"]);
}

#[test]
fn receivers_that_spawn_blocking_work_do_not_block_each_other() {
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
        let worker = Running::start(quick_worker(&stream));
        until("the stream is idle", async || server.is_idle("WA").await).await;
        worker.stop().await;
        assert!(users.iter().all(|user| called(user).len() == 1));
    });
}

#[tokio::test(flavor = "multi_thread")]
async fn events_are_handled_once_and_in_order_while_workers_start_and_stop() {
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
        // Starts a worker, and stops the oldest one.
        workers.push(Running::start(Worker::new(&stream)));
        if workers.len() > 3 {
            workers.remove(0).stop().await;
        }
    }
    until("the stream is idle", async || server.is_idle("WA").await).await;
    assert!(
        began.elapsed() < Duration::from_secs(25),
        "no event was delivered to a stopped worker and blocked for `ack_wait`"
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
async fn max_ack_pending_runs_several_events_of_a_partition_at_once() {
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
    until("the stream is idle", async || server.is_idle("WA").await).await;
    assert!(
        began.elapsed() < Duration::from_secs(7),
        "one after the other takes 8 s"
    );
    worker.stop().await;
    assert_eq!(called("1009").len(), 8);
}
