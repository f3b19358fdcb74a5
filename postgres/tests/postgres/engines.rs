//! Engines over one database.

use std::collections::BTreeMap;
use std::future::pending;
use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
use whatsapp_signals::event::MessageReceived;
use whatsapp_signals::signals::MESSAGE_RECEIVED;
use whatsapp_signals::{ConnectOptions, Context, Retry, WebhookEngine, testing};
use whatsapp_signals_postgres::{PostgresOptions, PostgresStore};

use crate::require_server;
use crate::server::Server;

const USERS: usize = 6;
const MESSAGES: usize = 12;

/// The ids of the messages that were handled, in their order.
type Log = Arc<Mutex<Vec<String>>>;

/// Returns an engine with a receiver that notes messages. Every fifth message fails once.
async fn engine(
    server: &Server,
    options: &PostgresOptions,
    log: &Log,
) -> WebhookEngine<PostgresStore> {
    let store = server.open(options.clone()).await;
    let context = Context::new().only_own_receivers();
    let failed = Arc::new(Mutex::new(Vec::new()));
    let log = Arc::clone(log);
    let receiver = move |event: &MessageReceived| {
        let id = event.message.id.as_str().to_owned();
        let mut failed = failed.lock();
        if id.ends_with('5') && !failed.contains(&id) {
            failed.push(id);
            return Err(Retry::after(Duration::ZERO, "down"));
        }
        log.lock().push(id);
        Ok(())
    };
    let options = ConnectOptions::new().uid("log");
    let connected = context.connect_with(&MESSAGE_RECEIVED, options, receiver);
    connected.unwrap();
    // Without a delay between attempts: the default one is 5 s, and twice as long each time.
    let engine = WebhookEngine::new(store).backoff(Duration::ZERO, Duration::ZERO);
    engine.in_order(true).tended(true).context(context)
}

fn body(user: usize, number: usize) -> Vec<u8> {
    let message = testing::text("Hello").from(&format!("1555010100{user}"));
    message.id(&format!("wamid.{user}.{number:02}")).body()
}

/// Checks that each message was handled, and those of each user in their order.
fn check(log: &Log) {
    let log = log.lock();
    let mut by_user: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for id in log.iter() {
        let (user, _) = id.rsplit_once('.').unwrap();
        by_user.entry(user).or_default().push(id);
    }
    assert_eq!(by_user.len(), USERS, "{log:?}");
    for (user, ids) in by_user {
        let expected = (0..MESSAGES).map(|number| format!("{user}.{number:02}"));
        assert!(ids.iter().copied().eq(expected), "{user}: {ids:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn two_engines_share_the_webhooks_of_one_database() {
    let server = require_server!();
    let (options, log) = (Server::options(), Log::default());
    let mut engines = Vec::new();
    for _ in 0..2 {
        engines.push(Arc::new(engine(server, &options, &log).await));
    }
    // Each user's webhooks come one after the other, to both engines in turn; one is processed at
    // once, the next one accepted.
    let users = (0..USERS).map(|user| {
        let engines = engines.clone();
        tokio::spawn(async move {
            for number in 0..MESSAGES {
                let (engine, body) = (&engines[number % 2], body(user, number));
                let outcome = match number % 3 {
                    0 => engine.accept_async(&body).await,
                    _ => engine.process_async(&body).await,
                };
                assert_eq!(outcome.unwrap().http_status(), 200);
            }
        })
    });
    let users: Vec<_> = users.collect();
    let workers = engines.iter().cloned().map(|engine| {
        tokio::spawn(async move {
            loop {
                let tended = engine.tend_async(pending()).await.unwrap();
                if tended.next > Duration::ZERO {
                    let pause = tended.next.min(Duration::from_millis(20));
                    tokio::time::sleep(pause).await;
                }
            }
        })
    });
    let workers: Vec<_> = workers.collect();
    for user in users {
        user.await.unwrap();
    }
    crate::server::until("all is handled", async || {
        engines[0].backlog_async().await.unwrap().open == 0
    })
    .await;
    for worker in workers {
        worker.abort();
    }
    check(&log);
    // All of it once more: nothing is handled twice.
    let outcome = engines[1].process_async(&body(0, 0)).await.unwrap();
    assert_eq!((outcome.delivered(), outcome.duplicates()), (0, 1));
    check(&log);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_large_body_is_processed() {
    let server = require_server!();
    let log = Log::default();
    let engine = engine(server, &Server::options(), &log).await;
    let messages = (0..1000).map(|n| {
        let user = format!("1555{n:07}");
        let message = testing::text("Hello").from(&user);
        message.id(&format!("wamid.{n:04}x"))
    });
    let body = testing::batch(messages).body();
    let outcome = engine.process_async(&body).await.unwrap();
    assert_eq!(outcome.delivered(), 1000);
    assert_eq!(engine.backlog_async().await.unwrap().open, 0);
    let outcome = engine.process_async(&body).await.unwrap();
    assert_eq!((outcome.delivered(), outcome.duplicates()), (0, 1000));
}
