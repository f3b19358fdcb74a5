//! Microseconds an event of an engine over Postgres, beside SQLite in the same run.
//!
//! ```sh
//! cargo bench -p whatsapp-signals-postgres
//! ```
//!
//! `-- 500` measures with 500 events in place of 5,000. The server runs with `fsync = on`.
#![allow(clippy::unwrap_used, reason = "a bench fails by panicking")]
#![allow(clippy::cast_precision_loss, reason = "the numbers are small")]

#[path = "../tests/support/server.rs"]
#[allow(dead_code, reason = "the tests use the rest of it")]
mod server;

use std::env;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use server::Server;
use whatsapp_signals::signals::MESSAGE_RECEIVED;
use whatsapp_signals::store::{SqliteStore, Store};
use whatsapp_signals::{Context, WebhookEngine, testing};

/// The users that the messages are from, in turn.
const USERS: usize = 500;

#[tokio::main]
async fn main() {
    // Cargo gives `--bench`, too.
    let count = env::args().find_map(|arg| arg.parse().ok());
    let count: usize = count.unwrap_or(5_000);
    let Some(server) = Server::start_with("-c fsync=on") else {
        return;
    };
    println!("{count} events; µs an event");
    println!("store     events a body  clients  µs an event  worst ms");
    let folder = tempfile::TempDir::new().unwrap();
    for (size, clients) in [(1, 1), (1, 8), (1000, 1), (1000, 8)] {
        let store = server.store().await;
        measure("postgres", store, count, size, clients).await;
        let path = folder.path().join(format!("{size}-{clients}.db"));
        let store = SqliteStore::open(path).unwrap();
        measure("sqlite", store, count, size, clients).await;
    }
}

/// Measures bodies of one size, after as many of them.
async fn measure(
    name: &str,
    store: impl Store + 'static,
    count: usize,
    size: usize,
    clients: usize,
) {
    let context = Context::new().only_own_receivers();
    context.connect(&MESSAGE_RECEIVED, |_: &_| {});
    let engine = Arc::new(WebhookEngine::new(store).context(context));
    let mut result = (Duration::ZERO, Duration::ZERO);
    for round in 0..2 {
        let bodies = (0..count.div_ceil(size)).map(|body| {
            testing::batch((0..size).map(|n| {
                let n = body * size + n;
                let message = testing::text("Hello").from(&format!("1555{:07}", n % USERS));
                message.id(&format!("wamid.{round}.{n:07}"))
            }))
            .body()
        });
        let bodies: Arc<Vec<_>> = Arc::new(bodies.collect());
        let next = Arc::new(AtomicUsize::new(0));
        let start = Instant::now();
        let tasks = (0..clients).map(|_| {
            let (engine, bodies, next) = (engine.clone(), bodies.clone(), next.clone());
            tokio::spawn(async move {
                let mut worst = Duration::ZERO;
                while let Some(body) = bodies.get(next.fetch_add(1, Ordering::Relaxed)) {
                    let start = Instant::now();
                    let outcome = engine.process_async(body).await.unwrap();
                    assert_eq!(outcome.http_status(), 200);
                    worst = worst.max(start.elapsed());
                }
                worst
            })
        });
        let tasks: Vec<_> = tasks.collect();
        let mut worst = Duration::ZERO;
        for task in tasks {
            worst = worst.max(task.await.unwrap());
        }
        result = (start.elapsed(), worst);
    }
    let (time, worst) = result;
    let events = count.div_ceil(size) * size;
    println!(
        "{name:9} {size:13}  {clients:7}  {:11.1}  {:8.1}",
        time.as_secs_f64() * 1e6 / events as f64,
        worst.as_secs_f64() * 1e3,
    );
}
