//! Servers that are restarted, full, slow or read-only: no event is lost, and each answer is 503.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use parking_lot::Mutex;
use tokio::task::{JoinSet, spawn_blocking};
use tokio::time::sleep;
use whatsapp_signals::event::MessageReceived;
use whatsapp_signals::signals::MESSAGE_RECEIVED;
use whatsapp_signals::store::StoreErrorKind;
use whatsapp_signals::{Context, EngineError, WebhookEngine, testing};
use whatsapp_signals_postgres::{PostgresOptions, PostgresStore};

use crate::require_server;
use crate::server::{Server, until};

/// The number of runs by message.
type Runs = Arc<Mutex<HashMap<String, usize>>>;

/// Returns an engine with a receiver that counts its runs.
fn engine(store: PostgresStore, runs: &Runs) -> WebhookEngine<PostgresStore> {
    let context = Context::new().only_own_receivers();
    let runs = Arc::clone(runs);
    context.connect(&MESSAGE_RECEIVED, move |event: &MessageReceived| {
        let id = event.message.id.to_string();
        *runs.lock().entry(id).or_default() += 1;
    });
    WebhookEngine::new(store).context(context)
}

fn body(numbers: std::ops::Range<usize>) -> Vec<u8> {
    let message = |number: usize| {
        let message = testing::text("Hello").from(&format!("1555{:07}", number % 40));
        message.id(&format!("wamid.{number}"))
    };
    testing::batch(numbers.map(message)).body()
}

/// A server that is shut down writes its log before it ends. After a crash, commits that need not
/// be durable are gone, so the webhooks that were not answered yet run again.
#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_restarts_under_load_loses_no_event_and_repeats_those_of_a_crash() {
    const BODIES: usize = 600;
    const SIZE: usize = 5;
    const CLIENTS: usize = 8;
    let Some(server) = Server::start_with("-c fsync=off") else {
        return;
    };
    let server = Arc::new(server);
    let (options, runs) = (Server::options(), Runs::default());
    let mut engines = Vec::new();
    for _ in 0..2 {
        let store = server.open(options.clone()).await;
        engines.push(Arc::new(engine(store, &runs)));
    }
    let (next, refused) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
    let unanswered = Arc::new(Mutex::new(HashSet::new()));
    let mut clients = JoinSet::new();
    for client in 0..CLIENTS {
        let (engines, next, refused) = (engines.clone(), next.clone(), refused.clone());
        let unanswered = unanswered.clone();
        clients.spawn(async move {
            loop {
                let number = next.fetch_add(1, Ordering::Relaxed);
                if number >= BODIES {
                    return;
                }
                let body = body(number * SIZE..(number + 1) * SIZE);
                unanswered.lock().insert(number);
                // As Meta does, until the answer is 200; each time by another instance.
                for attempt in client.. {
                    let engine = &engines[attempt % engines.len()];
                    let status = match engine.process_async(&body).await {
                        Ok(outcome) => outcome.http_status(),
                        Err(error) => error.http_status(),
                    };
                    if status == 200 {
                        unanswered.lock().remove(&number);
                        break;
                    }
                    assert_eq!(status, 503);
                    refused.fetch_add(1, Ordering::Relaxed);
                    sleep(Duration::from_millis(20)).await;
                }
            }
        });
    }
    let mut met_a_crash: HashSet<usize> = HashSet::new();
    for (part, signal) in ["INT", "QUIT", "INT", "QUIT"].into_iter().enumerate() {
        let begun = async || next.load(Ordering::Relaxed) >= BODIES * (part + 1) / 6;
        until("some bodies are processed", begun).await;
        let (before, first) = (unanswered.lock().clone(), next.load(Ordering::Relaxed));
        let server = Arc::clone(&server);
        let restart = spawn_blocking(move || server.restart(signal));
        restart.await.unwrap();
        if signal == "QUIT" {
            met_a_crash.extend(before);
            met_a_crash.extend(first..next.load(Ordering::Relaxed));
        }
    }
    while let Some(client) = clients.join_next().await {
        client.unwrap();
    }
    let runs = runs.lock().clone();
    assert_eq!(runs.len(), BODIES * SIZE, "no event is lost");
    for (id, runs) in runs {
        let number: usize = id["wamid.".len()..].parse().unwrap();
        let is_explained = met_a_crash.contains(&(number / SIZE));
        assert!(runs == 1 || is_explained, "{id} ran {runs} times");
    }
    assert!(refused.load(Ordering::Relaxed) > 0, "no body met a restart");
    let backlog = engines[0].backlog_async().await.unwrap();
    assert_eq!((backlog.open, backlog.dead), (0, 0));
}

/// Returns the kind of the store's error, after a check that Meta sends the body again.
fn kind<T: std::fmt::Debug>(result: Result<T, EngineError>) -> StoreErrorKind {
    let error = result.unwrap_err();
    assert_eq!(error.http_status(), 503);
    match error {
        EngineError::Store(error) => error.kind(),
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn a_full_disk_is_an_error_and_no_event_is_lost() {
    let server = require_server!();
    let client = server.pool().get().await.unwrap();
    // The server says it where it would extend a file; a trigger says it in the same words.
    let refuse = "CREATE FUNCTION full_disk.refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
            RAISE EXCEPTION 'could not extend file: No space left on device'
                USING ERRCODE = 'disk_full';
        END $$;
        CREATE TRIGGER refuse BEFORE INSERT ON full_disk.message
            EXECUTE FUNCTION full_disk.refuse()";
    let store = server
        .open(PostgresOptions::new().schema("full_disk"))
        .await;
    let runs = Runs::default();
    let engine = engine(store, &runs);
    client.batch_execute(refuse).await.unwrap();
    for _ in 0..2 {
        let result = engine.process_async(&body(0..3)).await;
        assert_eq!(kind(result), StoreErrorKind::Full);
    }
    assert!(runs.lock().is_empty());
    let repair = "DROP TRIGGER refuse ON full_disk.message";
    client.batch_execute(repair).await.unwrap();
    let outcome = engine.process_async(&body(0..3)).await.unwrap();
    assert_eq!((outcome.fired(), outcome.duplicate()), (3, 0));
}

#[tokio::test]
async fn a_statement_that_takes_too_long_is_an_error_and_no_event_is_lost() {
    let server = require_server!();
    let url = format!("{}?options=-c%20statement_timeout%3D200", server.url());
    let options = PostgresOptions::new().schema("slow");
    let store = options.connect(&url).await.unwrap();
    store.migrate().await.unwrap();
    let runs = Runs::default();
    let engine = engine(store, &runs);
    let mut client = server.pool().get().await.unwrap();
    let blocking = client.transaction().await.unwrap();
    let lock = "LOCK TABLE slow.event IN EXCLUSIVE MODE";
    blocking.batch_execute(lock).await.unwrap();
    let result = engine.process_async(&body(0..3)).await;
    assert_eq!(kind(result), StoreErrorKind::Unavailable);
    blocking.rollback().await.unwrap();
    let outcome = engine.process_async(&body(0..3)).await.unwrap();
    assert_eq!((outcome.fired(), outcome.duplicate()), (3, 0));
}

#[tokio::test]
async fn a_pool_without_a_free_connection_is_an_error() {
    let server = require_server!();
    let options = PostgresOptions::new().schema("pool").connections(1);
    let options = options.timeout(Duration::from_millis(200));
    let store = options.connect(&server.url()).await.unwrap();
    store.migrate().await.unwrap();
    let engine = engine(store, &Runs::default());
    // The only connection waits for a lock.
    let mut client = server.pool().get().await.unwrap();
    let blocking = client.transaction().await.unwrap();
    let lock = "LOCK TABLE pool.event IN EXCLUSIVE MODE";
    blocking.batch_execute(lock).await.unwrap();
    let waiting = body(0..1);
    let waiting = engine.process_async(&waiting);
    let refused = async {
        sleep(Duration::from_millis(50)).await;
        let result = engine.process_async(&body(1..2)).await;
        blocking.rollback().await.unwrap();
        kind(result)
    };
    let (waited, refused) = tokio::join!(waiting, refused);
    assert_eq!(refused, StoreErrorKind::Unavailable);
    assert_eq!(waited.unwrap().fired(), 1);
}
