//! `dead … --nats`, over the dead letters of a real server.

use serde_json::{Value, json};
use tokio::sync::oneshot;
use whatsapp_signals::event::MessageReceived;
use whatsapp_signals::signals::MESSAGE_RECEIVED;
use whatsapp_signals::{ConnectOptions, Context, SignatureVerifier, parse, testing};
use whatsapp_signals_nats::{Relay, StreamConfig, Worker, async_nats, ensure_stream};

use super::database::{ADA, BRAM, PERSONAL, runtime};
use super::nats_server::{Server, until};
use super::store::json_lines;
use super::{Run, SECRET, run};

/// Returns a server with the dead letters of two numbers, an event each, and of a body. None of its
/// streams is named `WA`.
fn server_with_letters() -> Option<Server> {
    let server = Server::start()?;
    runtime().block_on(async {
        let config = StreamConfig::new().name("BIKES").prefix("bikes");
        let jetstream = server.jetstream().await;
        let stream = ensure_stream(&jetstream, config.partitions(3))
            .await
            .unwrap();
        let ada = testing::text("I live in Lantern Street").from(ADA);
        let bram = testing::text("The light of Lantern Street is down").from(BRAM);
        let bram = bram.to_number("300200100500601", "15550100201");
        let relay = Relay::new(&stream);
        for body in [ada.body(), bram.body()] {
            relay.publish(&parse(&body).unwrap()).await.unwrap();
        }
        let verifier = SignatureVerifier::new(SECRET).unwrap();
        let broken = format!("{{ {BRAM} wrote about Lantern Street").into_bytes();
        let signature = verifier.sign(&broken);
        let published = relay
            .publish_signed(&broken, Some(signature.as_bytes()), &verifier)
            .await;
        assert!(published.is_err(), "it is a dead letter");

        let context = Context::new().only_own_receivers();
        let crm = ConnectOptions::new().uid("crm");
        let fail = |_: &MessageReceived| Err("the CRM is down");
        context.connect_with(&MESSAGE_RECEIVED, crm, fail).unwrap();
        let worker = Worker::new(&stream).context(context).max_deliveries(1);
        let (stop, stopped) = oneshot::channel::<()>();
        let work = async { worker.run(async { _ = stopped.await }).await.unwrap() };
        let wait = async {
            let are_dead = async || server.count("BIKES_DEAD").await == 3;
            until("the events are dead", are_dead).await;
            stop.send(()).unwrap();
        };
        tokio::join!(work, wait);
    });
    Some(server)
}

/// Runs a command about dead letters.
fn dead(server: &Server, args: &[&str]) -> Run {
    let queue = ["--nats", &server.url(), "--stream", "BIKES"];
    run(&[&["dead"], args, &queue].concat())
}

fn count(server: &Server, stream: &str) -> u64 {
    runtime().block_on(server.count(stream))
}

#[test]
fn the_letters_of_a_queue_are_listed_by_filters_and_pages_without_personal_data() {
    let Some(server) = server_with_letters() else {
        return;
    };
    let list = |args: &[&str]| {
        let run = dead(&server, &[&["list", "--json"], args].concat());
        assert_eq!(run.code, 0, "{}", run.errors);
        json_lines(&run.out)
    };
    let all = list(&[]);
    let body = all.iter().find(|letter| letter["event"].is_null()).unwrap();
    assert_eq!(body["failed"], json!([]));
    let events: Vec<_> = all.iter().filter(|letter| *letter != body).collect();
    assert_eq!((all.len(), events.len()), (3, 2));
    assert_eq!(events[0]["failed"], json!(["crm"]));
    assert_eq!(events[0]["reason"], "receivers failed");
    for (filter, taken) in [
        (&["--receiver", "crm"][..], 2),
        (&["--receiver", "answer"], 0),
        (&["--signal", "message_received"], 2),
        (&["--number", "300200100500601"], 1),
        (&["--newer-than", "1h"], 3),
        (&["--older-than", "1h"], 0),
        (&["--limit", "2"], 2),
        (&["--after", all[1]["position"].as_str().unwrap()], 1),
    ] {
        assert_eq!(list(filter).len(), taken, "{filter:?}");
    }
    let first = dead(&server, &["list", "--limit", "1"]);
    let next = format!(
        "\nnext page: --after {}\n",
        all[0]["position"].as_str().unwrap()
    );
    assert!(first.out.ends_with(&next), "{}", first.out);

    let position = all[0]["position"].as_str().unwrap();
    for args in [
        &["list"][..],
        &["show", position],
        &["requeue", "--all", "--dry-run"],
    ] {
        let run = dead(&server, args);
        assert_eq!(run.code, 0, "{args:?}: {}", run.errors);
        let printed = run.out + &run.errors;
        for text in PERSONAL {
            assert!(!printed.contains(text), "{args:?}: {text} is in {printed}");
        }
    }
    let event = events[0]["position"].as_str().unwrap();
    let shown = dead(&server, &["show", event, "--show-personal", "--json"]).out;
    let shown: Value = serde_json::from_str(&shown).unwrap();
    assert!(shown["body"].as_str().unwrap().contains("Lantern Street"));
}

#[test]
fn a_letter_by_a_clock_that_is_ahead_is_listed() {
    let Some(server) = server_with_letters() else {
        return;
    };
    runtime().block_on(async {
        let mut headers = async_nats::HeaderMap::new();
        headers.insert("Wa-Died-At", "32503680000");
        let jetstream = server.jetstream().await;
        let stored = jetstream.publish_with_headers("bikes.dead", headers, "{".into());
        stored.await.unwrap().await.unwrap();
    });
    let list = dead(&server, &["list", "--json"]);
    assert_eq!(json_lines(&list.out).len(), 4, "{}", list.errors);
    let dry = dead(&server, &["discard", "--all", "--dry-run"]).out;
    assert!(dry.ends_with("\ndiscarded 0 of 4 (--dry-run)\n"), "{dry}");
}

#[test]
fn letters_of_a_queue_are_requeued_and_discarded() {
    let Some(server) = server_with_letters() else {
        return;
    };
    let dry = dead(&server, &["requeue", "--receiver", "crm", "--dry-run"]);
    assert!(
        dry.out.ends_with("\nrequeued 0 of 2 (--dry-run)\n"),
        "{}",
        dry.out
    );
    assert_eq!(
        (count(&server, "BIKES"), count(&server, "BIKES_DEAD")),
        (2, 3)
    );

    let number = ["requeue", "--number", "300200100500601", "--json"];
    let run = dead(&server, &number);
    assert_eq!(
        (run.code, &*run.out),
        (0, "{\"requeued\":1}\n"),
        "{}",
        run.errors
    );
    assert_eq!(
        (count(&server, "BIKES"), count(&server, "BIKES_DEAD")),
        (3, 2)
    );

    let all = dead(&server, &["requeue", "--all"]);
    assert_eq!(
        (all.code, &*all.out),
        (1, "requeued 1\n"),
        "one is no webhook"
    );
    assert!(all.errors.contains("is no webhook: "), "{}", all.errors);
    assert_eq!(
        (count(&server, "BIKES"), count(&server, "BIKES_DEAD")),
        (4, 1)
    );

    let position = dead(&server, &["list", "--json"]).out;
    let position = json_lines(&position)[0]["position"]
        .as_str()
        .unwrap()
        .to_owned();
    let discarded = dead(&server, &["discard", &position, "99"]);
    assert_eq!((discarded.code, &*discarded.out), (1, "discarded 1\n"));
    assert_eq!(
        discarded.errors,
        "error: there is no dead letter with the number 99\n"
    );
    assert_eq!(count(&server, "BIKES_DEAD"), 0);
}

#[test]
fn a_queue_that_is_missing_is_a_failure_and_is_not_created() {
    let Some(server) = Server::start() else {
        return;
    };
    let missing = run(&["dead", "list", "--nats", &server.url()]);
    assert_eq!((missing.code, &*missing.out), (3, ""));
    assert_eq!(missing.errors, "error: the stream WA does not exist\n");
    runtime().block_on(async {
        let jetstream = server.jetstream().await;
        assert!(jetstream.get_stream("WA").await.is_err());
    });
    let down = run(&[
        "dead",
        "list",
        "--nats",
        "nats://bikes:hush-4711@127.0.0.1:1",
    ]);
    assert_eq!((down.code, &*down.out), (3, ""));
    assert!(
        down.errors
            .starts_with("error: connecting to the queue failed: "),
        "{}",
        down.errors
    );
    assert!(!down.errors.contains("hush-4711"), "{}", down.errors);
    for (args, text) in [
        (
            &["dead", "list", "--tenant", "900800700600500"][..],
            "expected --number, found --tenant",
        ),
        (
            &["dead", "show", "KEY"],
            "expected the number of a dead letter",
        ),
        (&["dead", "requeue"], "expected a key, a filter or --all"),
    ] {
        let run = run(&[args, &["--nats", &server.url()]].concat());
        assert_eq!((run.code, &*run.out), (2, ""), "{args:?}");
        assert!(run.errors.contains(text), "{args:?}: {}", run.errors);
    }
}
