//! Events per second into the stream and out of it, each beside the figure of `async_nats` alone
//! for the same bytes in the same run. Before these, microseconds per event from a body to a
//! receiver, for the bodies of the Postgres store's bench: `benches/charts` draws them.
//!
//! ```sh
//! cargo bench -p whatsapp-signals-nats
//! NATS_SERVER=/path/to/nats-server SYNC=always cargo bench -p whatsapp-signals-nats
//! ```
//!
//! With `SYNC=always`, the server syncs each event to the disk (NATS 2.10 or later). `-- 1000` measures with 1,000 events in place of 20,000.
#![allow(clippy::unwrap_used, reason = "a bench fails by panicking")]

#[path = "../../benches/subjects/machine.rs"]
mod machine;
#[path = "../tests/support/mod.rs"]
mod support;

use std::env;
use std::ops::Range;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use futures_util::{StreamExt, stream};
use support::{Server, webhook};
use tokio::sync::oneshot;
use whatsapp_signals::event::MessageReceived;
use whatsapp_signals::signals::MESSAGE_RECEIVED;
use whatsapp_signals::store::SqliteStore;
use whatsapp_signals::{Webhook, WebhookEngine, parse, receiver, testing};
use whatsapp_signals_nats::async_nats::jetstream::consumer::pull;
use whatsapp_signals_nats::{Envelope, EventStream, Relay, StreamConfig, Worker};

static HANDLED: AtomicUsize = AtomicUsize::new(0);

#[receiver(MESSAGE_RECEIVED)]
fn count(_event: &MessageReceived) {
    // Ordering: nothing depends on the counter.
    HANDLED.fetch_add(1, Ordering::Relaxed);
}

#[tokio::main]
async fn main() {
    // Cargo also passes `--bench`.
    let count = env::args()
        .find_map(|arg| arg.parse().ok())
        .unwrap_or(20_000);
    let settings = match env::var("SYNC") {
        Ok(sync) => format!("jetstream {{ sync_interval: {sync:?} }}"),
        Err(_) => String::new(),
    };
    let Some(server) = Server::start_with(&settings) else {
        return;
    };
    let rusqlite = machine::version(include_str!("../../Cargo.lock"), "rusqlite").unwrap();
    let nats = server.client().await.server_info().version;
    let versions = [format!("NATS {nats}"), format!("rusqlite {rusqlite}")];
    println!("{}\n", machine::description(&versions));
    measure_bodies(&server, count / 4).await;
    let bodies: Vec<Webhook> = (0..count).map(one_message).collect();
    let bodies = Arc::new(bodies);
    println!("\n{count} events of {} bytes", envelope(&bodies[0]).len());
    println!("\nto the stream        async_nats/s  relay/s  ratio");
    for in_flight in [1, 64, 512] {
        // One in flight is slow if the server syncs each event.
        let events = if in_flight == 1 { count / 10 } else { count };
        let baseline = publish_raw(&server, &bodies[..events], in_flight).await;
        let relay = publish(&server, &bodies[..events], in_flight).await;
        println!(
            "{:20} {}",
            format!("{in_flight} in flight"),
            row(events, baseline, relay)
        );
    }
    println!("\nto a handled event   async_nats/s worker/s  ratio");
    for partitions in [1, 2, 4] {
        let config = config(partitions);
        let stream = server.stream(config.clone()).await;
        fill(&stream, &bodies).await;
        let baseline = take_raw(&server, partitions, count).await;
        let worker = handle(Worker::new(&stream), count).await;
        println!(
            "{:20} {}",
            format!("{partitions} partitions"),
            row(count, baseline, worker)
        );
        server
            .jetstream()
            .await
            .delete_stream(config_name(partitions))
            .await
            .unwrap();
    }
    let some = count / 10;
    let stream = server.stream(config(4)).await;
    fill(&stream, &bodies[..some]).await;
    let folder = tempfile::TempDir::new().unwrap();
    let engine = WebhookEngine::new(SqliteStore::open(folder.path().join("store.db")).unwrap());
    let worker = handle(Worker::new(&stream).engine(Arc::new(engine)), some).await;
    println!("4, an SqliteStore    {:21.0}", per_second(some, worker));
    drop(server);
    let ids = 10 * count;
    let Some(mut server) = Server::start_with(&settings) else {
        return;
    };
    let stream = server.stream(StreamConfig::new()).await;
    let before = server.memory();
    for at in 0..10 {
        let bodies: Vec<_> = (at * count..(at + 1) * count).map(one_message).collect();
        fill(&stream, &bodies).await;
    }
    let after = server.memory();
    let began = Instant::now();
    server.kill();
    server.restart();
    let seconds = began.elapsed().as_secs_f64();
    let restarted = server.memory();
    println!(
        "\nthe server's memory: {} MB, with {ids} ids {} MB",
        before >> 20,
        after >> 20
    );
    println!("after a restart of {seconds:.1} s: {} MB", restarted >> 20);
}

/// The numbers of events in a body and of clients.
const CASES: [(usize, usize); 4] = [(1, 1), (1, 8), (1000, 1), (1000, 8)];

/// Measures the time from the first body to the last call of a receiver, with a running worker and
/// a new stream for each case. `answered` is the time until all bodies are in the stream.
async fn measure_bodies(server: &Server, count: usize) {
    println!("worker  events a body  clients  µs an event  answered");
    for (size, clients) in CASES {
        // At least three bodies for each of 8 clients.
        let count = count.max(24 * size);
        let starts = (0..count).step_by(size);
        let bodies: Vec<_> = starts.map(|start| body(start..start + size)).collect();
        let events = size * bodies.len();
        for name in ["bare", "sqlite"] {
            let stream = server.stream(StreamConfig::new()).await;
            let folder = tempfile::TempDir::new().unwrap();
            let mut worker = Worker::new(&stream);
            if name == "sqlite" {
                let store = SqliteStore::open(folder.path().join("store.db")).unwrap();
                worker = worker.engine(Arc::new(WebhookEngine::new(store)));
            }
            let relay = Relay::new(&stream);
            let publish = async |body: &Vec<u8>| {
                relay.publish(&parse(body).unwrap()).await.unwrap();
            };
            let (answered, handled) =
                tokio::join!(at_once(&bodies, clients, publish), handle(worker, events));
            let micros = |took: Duration| 1e6 / per_second(events, took);
            println!(
                "{name:6}  {size:13}  {clients:7}  {:11.1}  {:8.1}",
                micros(handled),
                micros(answered),
            );
            let jetstream = server.jetstream().await;
            jetstream.delete_stream("WA").await.unwrap();
        }
    }
}

/// Returns a body with messages of 500 users, as in the bench of the Postgres store.
fn body(events: Range<usize>) -> Vec<u8> {
    let message = |event| {
        let user = format!("1555{:07}", event % 500);
        let scattered = (event as u64).wrapping_mul(0x9E37_79B9_7F4A_7C15);
        let wamid = format!("wamid.HBgL{user}VAgASGBQ{scattered:016X}AA==");
        testing::text("Hello").from(&user).id(&wamid)
    };
    testing::batch(events.map(message)).body()
}

fn row(events: usize, baseline: Duration, measured: Duration) -> String {
    let ratio = measured.as_secs_f64() / baseline.as_secs_f64();
    let (baseline, measured) = (per_second(events, baseline), per_second(events, measured));
    format!("{baseline:12.0} {measured:8.0} {ratio:6.2}")
}

#[allow(clippy::cast_precision_loss, reason = "the counts are small")]
fn per_second(events: usize, took: Duration) -> f64 {
    events as f64 / took.as_secs_f64()
}

/// Returns a webhook with a message of one of a thousand users.
fn one_message(number: usize) -> Webhook {
    let (user, wamid) = (
        format!("1555{:07}", number % 1000),
        format!("wamid.{number}"),
    );
    let text = "Good morning! Is my gravel bike out of the stand yet?";
    webhook(&support::body([(user.as_str(), wamid.as_str(), text)]))
}

fn envelope(webhook: &Webhook) -> Vec<u8> {
    Envelope::new(webhook.events()[0].clone())
        .to_json()
        .unwrap()
}

fn config_name(partitions: u16) -> String {
    format!("WA{partitions}")
}

fn config(partitions: u16) -> StreamConfig {
    let config = StreamConfig::new().partitions(partitions);
    config
        .name(config_name(partitions))
        .prefix(format!("wa{partitions}"))
}

/// Runs `work` for each body, `in_flight` of them at once, and returns the time.
async fn at_once<T>(bodies: &[T], in_flight: usize, work: impl AsyncFn(&T)) -> Duration {
    let began = Instant::now();
    let all = stream::iter(0..bodies.len()).map(|at| work(&bodies[at]));
    all.buffer_unordered(in_flight)
        .for_each(async |()| ())
        .await;
    began.elapsed()
}

/// Returns the time that `async_nats` alone takes for the same envelopes.
async fn publish_raw(server: &Server, bodies: &[Webhook], in_flight: usize) -> Duration {
    let stream = config(1)
        .name(format!("RAW{in_flight}"))
        .prefix(format!("raw{in_flight}"));
    server.stream(stream).await;
    let jetstream = server.jetstream().await;
    let subject = format!("raw{in_flight}.106540352242922.p0");
    let envelope = envelope(&bodies[0]);
    at_once(bodies, in_flight, async |_| {
        let sent = jetstream
            .publish(subject.clone(), envelope.clone().into())
            .await;
        sent.unwrap().await.unwrap();
    })
    .await
}

async fn publish(server: &Server, bodies: &[Webhook], in_flight: usize) -> Duration {
    let stream = config(8)
        .name(format!("OUR{in_flight}"))
        .prefix(format!("our{in_flight}"));
    let relay = Relay::new(&server.stream(stream).await);
    at_once(bodies, in_flight, async |webhook| {
        assert_eq!(relay.publish(webhook).await.unwrap().stored, 1);
    })
    .await
}

async fn fill(stream: &EventStream, bodies: &[Webhook]) {
    let relay = Relay::new(stream);
    at_once(bodies, 512, async |webhook| {
        relay.publish(webhook).await.unwrap();
    })
    .await;
}

/// Returns the time that `async_nats` alone takes to pull and acknowledge the same envelopes, one at
/// a time in each partition.
async fn take_raw(server: &Server, partitions: u16, count: usize) -> Duration {
    let jetstream = server.jetstream().await;
    let stream = jetstream.get_stream(config_name(partitions)).await.unwrap();
    let taken = AtomicUsize::new(0);
    let began = Instant::now();
    let all = (0..partitions).map(async |partition| {
        let config = pull::Config {
            filter_subject: format!("wa{partitions}.*.p{partition}"),
            max_ack_pending: 1,
            ..pull::Config::default()
        };
        let consumer = stream.create_consumer(config).await.unwrap();
        let mut messages = consumer.messages().await.unwrap();
        while taken.load(Ordering::Relaxed) < count {
            let next = tokio::time::timeout(Duration::from_millis(100), messages.next());
            if let Ok(Some(message)) = next.await {
                message.unwrap().double_ack().await.unwrap();
                taken.fetch_add(1, Ordering::Relaxed);
            }
        }
    });
    futures_util::future::join_all(all).await;
    began.elapsed()
}

/// Returns the time until all events are handled.
async fn handle(worker: Worker, count: usize) -> Duration {
    HANDLED.store(0, Ordering::Relaxed);
    let (stop, stopped) = oneshot::channel();
    let began = Instant::now();
    let work = tokio::spawn(worker.run(async { _ = stopped.await }));
    while HANDLED.load(Ordering::Relaxed) < count {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    let took = began.elapsed();
    stop.send(()).unwrap();
    work.await.unwrap().unwrap();
    took
}
