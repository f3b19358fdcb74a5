//! Publishing webhooks.

use std::collections::HashMap;
use std::fs;
use std::path::Path;
use std::time::{Duration, Instant};

use crate::support::{Server, body, webhook};
use futures_util::StreamExt;
use whatsapp_signals::{Parser, SignatureVerifier, Webhook, WebhookEvent};
use whatsapp_signals_nats::async_nats::jetstream::Message;
use whatsapp_signals_nats::async_nats::jetstream::consumer::pull;
use whatsapp_signals_nats::{
    DeadLetterErrorKind, DeadLetters, Envelope, PublishErrorKind, Relay, StreamConfig,
};

/// Returns all messages of a stream.
async fn stored(server: &Server, stream: &str) -> Vec<Message> {
    let count = usize::try_from(server.count(stream).await).unwrap();
    let stream = server.jetstream().await.get_stream(stream).await.unwrap();
    let consumer = stream
        .create_consumer(pull::Config::default())
        .await
        .unwrap();
    let messages = consumer.messages().await.unwrap().take(count);
    messages.map(Result::unwrap).collect().await
}

fn id(message: &Message) -> &str {
    message
        .headers
        .as_ref()
        .unwrap()
        .get("Nats-Msg-Id")
        .unwrap()
        .as_str()
}

fn partition(message: &Message) -> &str {
    message.subject.rsplit('.').next().unwrap()
}

#[tokio::test]
async fn an_event_has_the_subject_of_its_number_and_partition_and_the_id_of_its_key() {
    let Some(server) = Server::start() else {
        return;
    };
    let relay = Relay::new(&server.stream(StreamConfig::new()).await);
    let users: Vec<String> = (0..40).map(|user| format!("1555{user:07}")).collect();
    let ids: Vec<String> = (0..80).map(|id| format!("wamid.{id}")).collect();
    // Two messages of each user.
    let messages = ids.iter().enumerate();
    let messages = messages.map(|(at, id)| (users[at % 40].as_str(), id.as_str(), "Hi"));
    let webhook = webhook(&body(messages));
    let published = relay.publish(&webhook).await.unwrap();
    assert_eq!((published.stored, published.duplicates), (80, 0));

    let stored = stored(&server, "WA").await;
    assert_eq!(stored.len(), 80);
    let mut partitions = HashMap::new();
    for (message, event) in stored.iter().zip(&webhook) {
        assert_eq!(id(message), event.dedup_key());
        assert!(message.subject.starts_with("wa.106540352242922.p"));
        let envelope = Envelope::from_json(&message.payload).unwrap();
        assert_eq!(&envelope.event, event);
        assert_eq!(envelope.event.raw().as_str(), event.raw().as_str());
        let before = partitions.insert(event.partition_key(), partition(message));
        assert!(before.is_none_or(|before| before == partition(message)));
    }
    let used: std::collections::HashSet<_> = partitions.values().collect();
    assert!(used.len() > 5, "40 users are in {used:?}");
}

#[tokio::test]
async fn every_recorded_event_survives_a_round_trip_through_the_stream() {
    let Some(server) = Server::start_with("max_payload: 8MB") else {
        return;
    };
    let relay = Relay::new(&server.stream(StreamConfig::new()).await);
    let project = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let mut folders = vec![project.join("tests/payloads")];
    // Bodies from Meta's documentation, where they are present.
    if let Ok(corpus) = fs::read_dir(project.join("../shared/corpus")) {
        folders.extend(
            corpus
                .map(|entry| entry.unwrap().path())
                .filter(|path| path.is_dir()),
        );
    }
    let mut events: HashMap<String, WebhookEvent> = HashMap::new();
    let mut invalid = 0;
    for folder in folders {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                continue;
            }
            let body = fs::read(&path).unwrap();
            let Ok(webhook) = whatsapp_signals::parse(&body) else {
                invalid += 1;
                continue;
            };
            let published = relay.publish(&webhook).await;
            let published = published.unwrap_or_else(|error| panic!("{path:?}: {error}"));
            assert_eq!(published.stored, webhook.events().len(), "{path:?}");
            for event in webhook {
                if !event.repeats() {
                    events.entry(event.dedup_key()).or_insert(event);
                }
            }
        }
    }
    assert!(events.len() > 150, "{}", events.len());
    assert!(invalid < 30, "{invalid}");
    for message in stored(&server, "WA").await {
        let envelope = Envelope::from_json(&message.payload).unwrap();
        if !envelope.event.repeats() {
            assert_eq!(events.remove(&envelope.key).as_ref(), Some(&envelope.event));
        }
    }
    assert!(events.is_empty(), "{} are lost", events.len());
}

#[tokio::test]
async fn a_repeated_event_is_stored_once_also_after_a_crash_of_the_server() {
    let Some(mut server) = Server::start() else {
        return;
    };
    let stream = server.stream(StreamConfig::new()).await;
    let relay = Relay::new(&stream);
    let first = webhook(&body([
        ("15550101001", "wamid.A", "Hi"),
        ("15550101001", "wamid.B", "Hi"),
    ]));
    let published = relay.publish(&first).await.unwrap();
    assert_eq!((published.stored, published.duplicates), (2, 0));
    // One of the two events is new.
    let second = webhook(&body([
        ("15550101001", "wamid.B", "Hi"),
        ("15550101001", "wamid.C", "Hi"),
    ]));
    let published = relay.publish(&second).await.unwrap();
    assert_eq!((published.stored, published.duplicates), (2, 1));
    server.kill();
    server.restart();
    let relay = Relay::new(&server.stream(StreamConfig::new()).await);
    for webhook in [&first, &second] {
        let published = relay.publish(webhook).await.unwrap();
        assert_eq!((published.stored, published.duplicates), (2, 2));
    }
    assert_eq!(server.count("WA").await, 3);
}

/// The README has a warning about it.
#[tokio::test]
async fn events_of_a_purged_stream_remain_duplicates() {
    let Some(server) = Server::start() else {
        return;
    };
    let relay = Relay::new(&server.stream(StreamConfig::new()).await);
    let webhook = webhook(&body([("15550101001", "wamid.A", "Hi")]));
    assert_eq!(relay.publish(&webhook).await.unwrap().duplicates, 0);
    let stream = server.jetstream().await.get_stream("WA").await.unwrap();
    stream.purge().await.unwrap();
    assert_eq!(relay.publish(&webhook).await.unwrap().duplicates, 1);
    assert_eq!(server.count("WA").await, 0);
}

#[tokio::test]
async fn an_event_that_may_recur_is_stored_each_time() {
    let Some(server) = Server::start() else {
        return;
    };
    let relay = Relay::new(&server.stream(StreamConfig::new()).await);
    let body = include_str!("../../../tests/payloads/value-errors.json");
    for _ in 0..2 {
        assert_eq!(relay.publish(&webhook(body)).await.unwrap().duplicates, 0);
    }
}

#[tokio::test]
async fn a_key_that_does_not_fit_into_a_header_is_deduplicated() {
    let Some(server) = Server::start() else {
        return;
    };
    let relay = Relay::new(&server.stream(StreamConfig::new()).await);
    let webhook = webhook(&body([("1 5.5*>", "wamid.\r\nNats-Msg-Id: B", "Hi")]));
    for duplicate in [0, 1] {
        let published = relay.publish(&webhook).await.unwrap();
        assert_eq!((published.stored, published.duplicates), (1, duplicate));
    }
}

#[tokio::test]
async fn a_full_stream_stores_the_remaining_events_later() {
    let Some(server) = Server::start() else {
        return;
    };
    let config = StreamConfig::new().max_messages(3);
    let relay = Relay::new(&server.stream(config.clone()).await);
    let ids = ["wamid.A", "wamid.B", "wamid.C", "wamid.D", "wamid.E"];
    let webhook = webhook(&body(ids.map(|id| ("15550101001", id, "Hi"))));
    let error = relay.publish(&webhook).await.unwrap_err();
    assert_eq!((error.stored(), error.events()), (3, 5));
    assert_eq!(
        (error.kind(), error.http_status()),
        (PublishErrorKind::Full, 503)
    );
    assert_eq!(
        error.to_string(),
        "3 of 5 events are stored: the stream is full"
    );
    // A full stream still recognizes its duplicates.
    assert_eq!(relay.publish(&webhook).await.unwrap_err().stored(), 3);
    // Meta sends the webhook again, after the limit was raised.
    let relay = Relay::new(&server.stream(config.max_messages(10)).await);
    let published = relay.publish(&webhook).await.unwrap();
    assert_eq!((published.stored, published.duplicates), (5, 3));
}

#[tokio::test]
async fn a_stream_at_its_limit_of_bytes_is_full() {
    let Some(server) = Server::start() else {
        return;
    };
    let relay = Relay::new(&server.stream(StreamConfig::new().max_bytes(4000)).await);
    let ids: Vec<String> = (0..20).map(|id| format!("wamid.{id}")).collect();
    let webhook = webhook(&body(
        ids.iter().map(|id| ("15550101001", id.as_str(), "Hi")),
    ));
    let error = relay.publish(&webhook).await.unwrap_err();
    assert_eq!(error.kind(), PublishErrorKind::Full);
    assert!((1..20).contains(&error.stored()), "{error}");
}

#[tokio::test]
async fn without_a_server_publishing_ends_at_the_deadline() {
    let Some(mut server) = Server::start() else {
        return;
    };
    let stream = server.stream(StreamConfig::new()).await;
    let relay = Relay::new(&stream).deadline(Duration::from_millis(500));
    server.kill();
    let webhook = webhook(&body([("15550101001", "wamid.A", "Hi")]));
    let began = Instant::now();
    let error = relay.publish(&webhook).await.unwrap_err();
    assert!(began.elapsed() < Duration::from_secs(5));
    assert_eq!(
        (error.kind(), error.stored()),
        (PublishErrorKind::TimedOut, 0)
    );
    assert_eq!(error.http_status(), 503);
    // The relay reconnects.
    server.restart();
    crate::support::until("the webhook is stored", async || {
        relay.publish(&webhook).await.is_ok()
    })
    .await;
    assert_eq!(server.count("WA").await, 1);
}

#[tokio::test]
async fn a_deleted_stream_is_an_error() {
    let Some(server) = Server::start() else {
        return;
    };
    let relay = Relay::new(&server.stream(StreamConfig::new()).await);
    server.jetstream().await.delete_stream("WA").await.unwrap();
    let webhook = webhook(&body([("15550101001", "wamid.A", "Hi")]));
    let error = relay.publish(&webhook).await.unwrap_err();
    assert_eq!(error.kind(), PublishErrorKind::NoStream);
}

#[tokio::test]
async fn a_refused_event_does_not_affect_the_others_of_its_webhook() {
    let Some(server) = Server::start_with("max_payload: 100KB") else {
        return;
    };
    let relay = Relay::new(&server.stream(StreamConfig::new()).await);
    // The event would fit, but its dead letter would not.
    let long = "x".repeat(49_500);
    let webhook = webhook(&body([
        ("15550101001", "wamid.A", "Hi"),
        ("15550101001", "wamid.B", &long),
        ("15550101001", "wamid.C", "Hi"),
    ]));
    let error = relay.publish(&webhook).await.unwrap_err();
    assert_eq!(
        (error.kind(), error.stored()),
        (PublishErrorKind::TooLarge, 2)
    );
    assert!(!format!("{error} {error:?}").contains("15550101001"));
}

#[tokio::test]
async fn more_events_than_may_be_in_flight_are_all_stored() {
    let Some(server) = Server::start() else {
        return;
    };
    let relay = Relay::new(&server.stream(StreamConfig::new()).await);
    let relay = relay.deadline(Duration::from_secs(60));
    let ids: Vec<String> = (0..6000).map(|id| format!("wamid.{id}")).collect();
    let webhook = webhook(&body(
        ids.iter().map(|id| ("15550101001", id.as_str(), "Hi")),
    ));
    // Concurrently, so that both share the limit of the client.
    let published = tokio::join!(relay.publish(&webhook), relay.publish(&webhook));
    let (first, second) = (published.0.unwrap(), published.1.unwrap());
    assert_eq!((first.stored, second.stored), (6000, 6000));
    assert_eq!(first.duplicates + second.duplicates, 6000);
    assert_eq!(server.count("WA").await, 6000);
}

#[tokio::test]
async fn publishing_a_webhook_without_events_succeeds() {
    let Some(server) = Server::start() else {
        return;
    };
    let relay = Relay::new(&server.stream(StreamConfig::new()).await);
    let published = relay.publish(&Webhook::default()).await.unwrap();
    assert_eq!(published.stored, 0);
}

#[tokio::test]
async fn only_signed_bodies_are_published_and_a_signed_invalid_one_is_a_dead_letter() {
    let Some(server) = Server::start() else {
        return;
    };
    let stream = server.stream(StreamConfig::new()).await;
    let relay = Relay::new(&stream);
    let verifier = SignatureVerifier::new("app secret").unwrap();
    let good = body([("15550101001", "wamid.A", "Hi")]);
    let broken = r#"{"object":"whatsapp_business_account"}"#;
    let large = " ".repeat(5 << 20);
    for (body, signature, status, dead) in [
        (good.as_str(), verifier.sign(&good), 200, 0),
        (&good, String::new(), 401, 0),
        (broken, "sha256=00".into(), 401, 0),
        (broken, verifier.sign(broken), 200, 1),
        (broken, verifier.sign(broken), 200, 1),
        (
            r#"{"object":"page"}"#,
            verifier.sign(r#"{"object":"page"}"#),
            200,
            1,
        ),
        (&large, verifier.sign(&large), 413, 1),
    ] {
        let header = (!signature.is_empty()).then_some(signature.as_bytes());
        let result = relay
            .publish_signed(body.as_bytes(), header, &verifier)
            .await;
        let answer = result.map_or_else(|error| error.http_status(), |_| 200);
        assert_eq!(answer, status);
        assert_eq!(server.count("WA_DEAD").await, dead);
    }
    assert_eq!(server.count("WA").await, 1);

    let letters = DeadLetters::of(&stream).await.unwrap();
    let letter = letters.list(9).await.unwrap().remove(0);
    assert_eq!(letter.reason, r#"expected an array "entry", found none"#);
    assert_eq!(
        (&letter.payload[..], letter.subject.as_ref()),
        (broken.as_bytes(), None)
    );
    assert!(letter.died_at.as_secs() > 1_700_000_000);
    // The body is still no webhook.
    let error = letters.requeue(letter.sequence).await.unwrap_err();
    assert!(
        matches!(error.kind(), DeadLetterErrorKind::Parse(_)),
        "{error}"
    );
    assert_eq!(
        letters.list(9).await.unwrap(),
        std::slice::from_ref(&letter),
        "the letter is kept"
    );
    assert!(letters.discard(letter.sequence).await.unwrap());
    assert!(!letters.discard(letter.sequence).await.unwrap());
    assert!(letters.list(9).await.unwrap().is_empty());
}

#[tokio::test]
async fn a_body_of_an_unaccepted_object_is_requeued_with_a_parser_that_accepts_it() {
    let Some(server) = Server::start() else {
        return;
    };
    let stream = server.stream(StreamConfig::new()).await;
    let verifier = SignatureVerifier::new("app secret").unwrap();
    let body = body([("15550101001", "wamid.A", "Hi")]);
    let body = body.replacen("whatsapp_business_account", "whatsapp_account", 1);
    let error = Relay::new(&stream)
        .publish_signed(
            body.as_bytes(),
            Some(verifier.sign(&body).as_bytes()),
            &verifier,
        )
        .await
        .unwrap_err();
    assert_eq!(error.http_status(), 200);

    let letters = DeadLetters::of(&stream).await.unwrap();
    let letter = letters.list(9).await.unwrap().remove(0);
    let error = letters.requeue(letter.sequence).await.unwrap_err();
    assert!(
        matches!(error.kind(), DeadLetterErrorKind::Parse(_)),
        "{error}"
    );
    // The limit of the parser does not apply to stored bodies.
    let parser = Parser::new()
        .accepted_objects(&["whatsapp_account"])
        .max_len(1);
    let letters = letters.parser(parser);
    assert!(letters.requeue(letter.sequence).await.unwrap());
    assert_eq!(server.count("WA").await, 1);
    assert_eq!(server.count("WA_DEAD").await, 0);
}

#[tokio::test]
async fn a_relay_ignores_the_ignored_members_of_its_parser() {
    let Some(server) = Server::start() else {
        return;
    };
    let stream = server.stream(StreamConfig::new()).await;
    let verifier = SignatureVerifier::new("app secret").unwrap();
    let gupshup = Parser::new().ignored_members(&["gs_app_id"]);
    let body = body([("15550101001", "wamid.A", "Hi")]);
    let body = body.replacen('{', r#"{"gs_app_id":"4a1322a2","#, 1);
    for (parser, stored) in [(gupshup, 1), (Parser::new(), 2)] {
        let relay = Relay::new(&stream).parser(parser);
        let signature = verifier.sign(&body);
        let header = Some(signature.as_bytes());
        let published = relay.publish_signed(body.as_bytes(), header, &verifier);
        assert_eq!(published.await.unwrap().stored, stored);
    }
}
