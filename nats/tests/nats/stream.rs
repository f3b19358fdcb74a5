//! Creating, enlarging and finding the streams.

use std::time::Duration;

use crate::support::Server;
use whatsapp_signals_nats::async_nats::jetstream::stream::{
    Config, DiscardPolicy, RetentionPolicy, StorageType,
};
use whatsapp_signals_nats::{
    DeadLetters, Relay, StreamConfig, StreamErrorKind, ensure_stream, find_stream,
};

const DAY: Duration = Duration::from_secs(24 * 60 * 60);

#[tokio::test]
async fn a_stream_is_created_once_with_the_requested_settings() {
    let Some(server) = Server::start() else {
        return;
    };
    let jetstream = server.jetstream().await;
    for _ in 0..2 {
        ensure_stream(&jetstream, StreamConfig::new().partitions(3))
            .await
            .unwrap();
    }
    let stream = jetstream.get_stream("WA").await.unwrap();
    let config = &stream.cached_info().config;
    assert_eq!(config.subjects, ["wa.*.p0", "wa.*.p1", "wa.*.p2"]);
    assert_eq!(config.storage, StorageType::File);
    assert_eq!(config.discard, DiscardPolicy::New);
    assert_eq!(config.retention, RetentionPolicy::Limits);
    assert_eq!(config.duplicate_window, 8 * DAY);
    assert_eq!(config.max_age, 14 * DAY);
    assert_eq!((config.max_bytes, config.max_messages), (-1, -1));
    let dead = jetstream.get_stream("WA_DEAD").await.unwrap();
    let config = &dead.cached_info().config;
    assert_eq!(config.subjects, ["wa.dead"]);
    assert_eq!(config.max_age, Duration::ZERO, "letters never expire");
}

#[tokio::test]
async fn two_programs_that_start_at_once_create_one_stream() {
    let Some(server) = Server::start() else {
        return;
    };
    let (a, b) = (server.jetstream().await, server.jetstream().await);
    let config = StreamConfig::new();
    let created = tokio::join!(ensure_stream(&a, config.clone()), ensure_stream(&b, config));
    created.0.unwrap();
    created.1.unwrap();
}

type Change = fn(StreamConfig) -> StreamConfig;

#[tokio::test]
async fn a_stream_grows_and_refuses_to_shrink() {
    let Some(server) = Server::start() else {
        return;
    };
    let jetstream = server.jetstream().await;
    let small = StreamConfig::new()
        .partitions(2)
        .duplicate_window(DAY)
        .max_age(2 * DAY)
        .max_bytes(1 << 20)
        .max_messages(1000);
    ensure_stream(&jetstream, small.clone()).await.unwrap();
    let mut config = small;
    let changes: [(&str, &str, Change); 5] = [
        ("partitions", "from 4 to 2", |config| config.partitions(4)),
        (
            "max age in milliseconds",
            "from 345600000 to 172800000",
            |config| config.max_age(4 * DAY),
        ),
        (
            "duplicate window in milliseconds",
            "from 172800000 to 86400000",
            |config| config.duplicate_window(2 * DAY),
        ),
        ("max bytes", "from 2097152 to 1048576", |config| {
            config.max_bytes(2 << 20)
        }),
        ("max messages", "from 2000 to 1000", |config| {
            config.max_messages(2000)
        }),
    ];
    for (setting, sizes, change) in changes {
        let larger = change(config.clone());
        ensure_stream(&jetstream, larger.clone()).await.unwrap();
        let error = ensure_stream(&jetstream, config).await.unwrap_err();
        let text = error.to_string();
        assert_eq!(
            text,
            format!("the {setting} of the stream WA cannot shrink {sizes}")
        );
        ensure_stream(&jetstream, larger.clone()).await.unwrap();
        config = larger;
    }
    // A limit is smaller than none.
    let unlimited = StreamConfig::new().partitions(4);
    ensure_stream(&jetstream, unlimited.clone()).await.unwrap();
    let error = ensure_stream(&jetstream, unlimited.max_bytes(1 << 30))
        .await
        .unwrap_err();
    assert!(
        error.to_string().ends_with("from unlimited to 1073741824"),
        "{error}"
    );
}

#[tokio::test]
async fn settings_of_the_administrator_are_kept() {
    let Some(server) = Server::start() else {
        return;
    };
    let jetstream = server.jetstream().await;
    ensure_stream(&jetstream, StreamConfig::new())
        .await
        .unwrap();
    let mut config = jetstream
        .get_stream("WA")
        .await
        .unwrap()
        .cached_info()
        .config
        .clone();
    config.description = Some("events from WhatsApp".into());
    jetstream.update_stream(&config).await.unwrap();
    ensure_stream(&jetstream, StreamConfig::new().partitions(16))
        .await
        .unwrap();
    let stream = jetstream.get_stream("WA").await.unwrap();
    let config = &stream.cached_info().config;
    assert_eq!(config.description.as_deref(), Some("events from WhatsApp"));
    assert_eq!(config.subjects.len(), 16);
}

#[tokio::test]
async fn a_stream_of_another_program_is_not_changed() {
    let Some(server) = Server::start() else {
        return;
    };
    let jetstream = server.jetstream().await;
    let other = Config {
        name: "WA".into(),
        subjects: vec!["orders".into()],
        discard: DiscardPolicy::New,
        ..Config::default()
    };
    jetstream.create_stream(&other).await.unwrap();
    let error = ensure_stream(&jetstream, StreamConfig::new())
        .await
        .unwrap_err();
    assert_eq!(
        error.to_string(),
        "the stream WA exists with a different set of subjects"
    );
    let in_memory = Config {
        name: "MEM".into(),
        subjects: (0..8).map(|n| format!("mem.*.p{n}")).collect(),
        storage: StorageType::Memory,
        ..other
    };
    jetstream.create_stream(&in_memory).await.unwrap();
    let config = StreamConfig::new().name("MEM").prefix("mem");
    let error = ensure_stream(&jetstream, config).await.unwrap_err();
    assert!(
        matches!(
            error.kind(),
            StreamErrorKind::Differs {
                setting: "storage",
                ..
            }
        ),
        "{error}"
    );
}

#[tokio::test]
async fn an_invalid_configuration_is_refused_before_a_stream_is_created() {
    let Some(server) = Server::start() else {
        return;
    };
    let jetstream = server.jetstream().await;
    let config = StreamConfig::new;
    for (config, text) in [
        (config().name("W A"), "invalid name"),
        (config().prefix("wa.>"), "invalid prefix"),
        (config().partitions(0), "invalid number of partitions"),
        (config().replicas(0), "invalid number of replicas"),
        (config().max_age(DAY), "invalid duplicate window"),
        (
            config().duplicate_window(Duration::ZERO),
            "invalid duplicate window",
        ),
        (config().max_age(Duration::MAX), "invalid max age"),
        (config().max_bytes(0), "invalid max bytes"),
        (
            config().replicas(3),
            "3 replicas require a cluster, and the server is in none",
        ),
    ] {
        let error = ensure_stream(&jetstream, config).await.unwrap_err();
        assert_eq!(error.to_string(), text);
    }
    assert!(jetstream.get_stream("WA").await.is_err());
}

#[tokio::test]
async fn an_unreachable_server_is_an_error() {
    let Some(mut server) = Server::start() else {
        return;
    };
    let mut jetstream = server.jetstream().await;
    jetstream.set_timeout(Duration::from_millis(300));
    server.kill();
    let error = ensure_stream(&jetstream, StreamConfig::new())
        .await
        .unwrap_err();
    assert_eq!(error.kind(), &StreamErrorKind::Server, "{error}");
    assert!(std::error::Error::source(&error).is_some());
}

#[tokio::test]
async fn find_stream_reads_the_settings_of_existing_streams_and_creates_none() {
    let Some(server) = Server::start() else {
        return;
    };
    let jetstream = server.jetstream().await;
    let missing = find_stream(&jetstream, "WA").await.unwrap_err();
    assert_eq!(missing.to_string(), "the stream WA does not exist");
    assert!(matches!(missing.kind(), StreamErrorKind::Missing(_)));
    assert!(jetstream.get_stream("WA").await.is_err());
    let invalid = find_stream(&jetstream, "W A").await.unwrap_err();
    assert!(matches!(invalid.kind(), StreamErrorKind::Invalid(_)));

    let config = StreamConfig::new().name("BIKES").prefix("bikes");
    ensure_stream(&jetstream, config.partitions(3))
        .await
        .unwrap();
    let found = find_stream(&jetstream, "BIKES").await.unwrap();
    // Events are published to the existing partitions, not to the default ones.
    for n in 0..20 {
        let (user, wamid) = (format!("1555010{n}"), format!("wamid.{n}"));
        let body = crate::support::body([(&*user, &*wamid, "Hi")]);
        let webhook = crate::support::webhook(&body);
        Relay::new(&found).publish(&webhook).await.unwrap();
    }
    assert_eq!(server.count("BIKES").await, 20);
    let mut letters = jetstream.get_stream("BIKES_DEAD").await.unwrap();
    for _ in 0..3 {
        let letter = jetstream.publish("bikes.dead", "{".into()).await.unwrap();
        letter.await.unwrap();
    }
    assert_eq!(letters.info().await.unwrap().state.messages, 3);
    let letters = DeadLetters::of(&found).await.unwrap();
    let page = letters.list_after(1, 9).await.unwrap();
    let page: Vec<_> = page.iter().map(|letter| letter.sequence).collect();
    assert_eq!(page, [2, 3]);
    assert!(letters.list_after(3, 9).await.unwrap().is_empty());

    let mut other = jetstream.get_stream("BIKES").await.unwrap();
    let mut config = other.info().await.unwrap().config.clone();
    config.subjects.push("boats".into());
    jetstream.update_stream(&config).await.unwrap();
    let differs = find_stream(&jetstream, "BIKES").await.unwrap_err();
    assert!(
        matches!(differs.kind(), StreamErrorKind::Differs { .. }),
        "{differs}"
    );
}
