//! Microseconds an event of an engine over Postgres, beside the same rows by bare statements, and
//! beside SQLite, in the same run.
//!
//! ```sh
//! cargo bench -p whatsapp-signals-postgres                    # in an empty store
//! cargo bench -p whatsapp-signals-postgres -- 5000 1000000    # then with 1,000,000 events in it
//! ```
//!
//! The first number is that of the measured events, at least 24 bodies. Each other number is that of
//! the events of a new store before its first measurement. The bare statements have two transactions
//! for each body, as the engine has, each in one round trip: the first inserts the webhook, its body,
//! events and messages, and the second deletes the webhook. The server runs with `fsync = on`.
//! `benches/charts` draws the output.
#![allow(clippy::unwrap_used, reason = "a bench fails by panicking")]
#![allow(clippy::cast_precision_loss, reason = "the numbers are small")]

#[path = "../../benches/subjects/machine.rs"]
mod machine;
#[path = "../tests/support/server.rs"]
#[allow(dead_code, reason = "the tests use the rest of it")]
mod server;

use std::env;
use std::ops::Range;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use deadpool_postgres::Pool;
use deadpool_postgres::tokio_postgres::types::ToSql;
use server::Server;
use tokio::task::JoinSet;
use whatsapp_signals::signals::MESSAGE_RECEIVED;
use whatsapp_signals::store::{SqliteStore, Store};
use whatsapp_signals::{Context, WebhookEngine, testing};
use whatsapp_signals_postgres::{PostgresOptions, deadpool_postgres};

/// The users that the messages are from, in turn.
const USERS: usize = 500;

/// The sizes of bodies, and the numbers of clients. Large bodies make the store grow, so those of
/// 8 clients come last.
const CASES: [(usize, usize); 4] = [(1, 1), (1000, 1), (1, 8), (1000, 8)];

/// The fewest bodies of a measurement: three for each of 8 clients.
const BODIES: usize = 24;

#[tokio::main]
async fn main() {
    // Cargo gives `--bench`, too.
    let mut numbers = env::args().filter_map(|arg| arg.parse().ok());
    let count: usize = numbers.next().unwrap_or(5_000);
    let sizes: Vec<usize> = numbers.collect();
    let Some(server) = Server::start_with("-c fsync=on -c shared_buffers=512MB") else {
        return;
    };
    let lockfile = include_str!("../../Cargo.lock");
    let rusqlite = machine::version(lockfile, "rusqlite").unwrap();
    let versions = [
        format!("Postgres {}", server_version(&server).await),
        format!("rusqlite {rusqlite}"),
    ];
    println!("{}\n", machine::description(&versions));
    println!("   stored  store     events a body  clients  µs an event  worst ms");
    let mut bytes = Vec::new();
    for size in [0].into_iter().chain(sizes) {
        bytes.push((size, measure_store(&server, size, count).await));
    }
    println!("\n   stored  bytes of an event in Postgres");
    for (size, bytes) in bytes {
        println!("{size:9}  {bytes:29.0}");
    }
}

/// Measures each case in new stores with so many events. Returns the bytes that an event takes in
/// Postgres.
async fn measure_store(server: &Server, size: usize, count: usize) -> f64 {
    let folder = tempfile::TempDir::new().unwrap();
    let bare = Arc::new(Bare::create(server).await);
    let store = server.open(PostgresOptions::new().schema("engine")).await;
    let postgres = Arc::new(engine(store));
    let sqlite = SqliteStore::open(folder.path().join("engine.db")).unwrap();
    let sqlite = Arc::new(engine(sqlite));
    // And the rows of the users before the first measurement.
    let mut stored = 0;
    for events in bodies(0, size.max(USERS), 1000) {
        let body = body(&events);
        bare.handle(&events, &body).await;
        postgres.handle(&events, &body).await;
        sqlite.handle(&events, &body).await;
        stored = events.end;
    }
    let admin = server.pool().get().await.unwrap();
    // Keeps autovacuum and checkpoints of earlier rows out of the measurements.
    admin.batch_execute("VACUUM (ANALYZE)").await.unwrap();
    for (size_of_body, clients) in CASES {
        let count = count.max(BODIES * size_of_body);
        let bodies: Vec<_> = bodies(stored, count, size_of_body);
        admin.batch_execute("CHECKPOINT").await.unwrap();
        let measured = [
            ("bare", measure(&bare, &bodies, clients).await),
            ("postgres", measure(&postgres, &bodies, clients).await),
            ("sqlite", measure(&sqlite, &bodies, clients).await),
        ];
        for (name, (time, worst)) in measured {
            let events = bodies.iter().map(Range::len).sum::<usize>();
            println!(
                "{size:9}  {name:8} {size_of_body:14}  {clients:7}  {:11.1}  {:8.1}",
                time.as_secs_f64() * 1e6 / events as f64,
                worst.as_secs_f64() * 1e3,
            );
        }
        stored = bodies.last().unwrap().end;
    }
    let bytes = bytes_of_tables(server).await as f64 / stored as f64;
    let drop = "DROP SCHEMA engine CASCADE; DROP SCHEMA bare CASCADE";
    admin.batch_execute(drop).await.unwrap();
    bytes
}

async fn server_version(server: &Server) -> String {
    let client = server.pool().get().await.unwrap();
    let row = client.query_one("SHOW server_version", &[]).await.unwrap();
    let version: String = row.get(0);
    // Debian's goes on with the version of its package.
    version.split(' ').next().unwrap().to_owned()
}

/// Returns the size of the tables and indexes of the engine's store.
async fn bytes_of_tables(server: &Server) -> i64 {
    let sql = "SELECT sum(pg_total_relation_size(oid))::bigint FROM pg_class
        WHERE relnamespace = to_regnamespace('engine') AND relkind = 'r'";
    let client = server.pool().get().await.unwrap();
    client.query_one(sql, &[]).await.unwrap().get(0)
}

/// Returns the events of bodies of this size, from `first` on.
fn bodies(first: usize, count: usize, size: usize) -> Vec<Range<usize>> {
    let starts = (first..first + count).step_by(size);
    starts.map(|start| start..start + size).collect()
}

fn user(event: usize) -> String {
    format!("1555{:07}", event % USERS)
}

/// Returns a wamid, which begins with the user and ends at random, as those of Meta do.
fn wamid(event: usize) -> String {
    let scattered = (event as u64).wrapping_mul(0x9E37_79B9_7F4A_7C15);
    format!("wamid.HBgL{}VAgASGBQ{scattered:016X}AA==", user(event))
}

fn body(events: &Range<usize>) -> Vec<u8> {
    let message = |event| testing::text("Hello").from(&user(event)).id(&wamid(event));
    testing::batch(events.clone().map(message)).body()
}

/// Measures bodies. Returns the time of all of them, and that of the slowest.
async fn measure(
    subject: &Arc<impl Subject>,
    bodies: &[Range<usize>],
    clients: usize,
) -> (Duration, Duration) {
    let bodies: Vec<_> = bodies
        .iter()
        .map(|events| (events.clone(), body(events)))
        .collect();
    let (bodies, next) = (Arc::new(bodies), Arc::new(AtomicUsize::new(0)));
    let start = Instant::now();
    let mut tasks = JoinSet::new();
    for _ in 0..clients {
        let (subject, bodies, next) = (Arc::clone(subject), bodies.clone(), next.clone());
        tasks.spawn(async move {
            let mut worst = Duration::ZERO;
            while let Some((events, body)) = bodies.get(next.fetch_add(1, Ordering::Relaxed)) {
                let start = Instant::now();
                subject.handle(events, body).await;
                worst = worst.max(start.elapsed());
            }
            worst
        });
    }
    let worst = tasks.join_all().await.into_iter().max().unwrap();
    (start.elapsed(), worst)
}

trait Subject: Send + Sync + 'static {
    fn handle(&self, events: &Range<usize>, body: &[u8]) -> impl Future<Output = ()> + Send;
}

fn engine<S: Store>(store: S) -> WebhookEngine<S> {
    let context = Context::new().only_own_receivers();
    context.connect(&MESSAGE_RECEIVED, |_: &_| {});
    WebhookEngine::new(store).context(context)
}

impl<S: Store + 'static> Subject for WebhookEngine<S> {
    async fn handle(&self, events: &Range<usize>, body: &[u8]) {
        let outcome = self.process_async(body).await.unwrap();
        assert_eq!(
            (outcome.http_status(), outcome.delivered()),
            (200, events.len())
        );
    }
}

type Param<'a> = &'a (dyn ToSql + Sync);

/// The rows of messages by bare statements, with nothing read or decided.
struct Bare {
    pool: Pool,
}

const BEGIN: &str = "BEGIN; SET LOCAL synchronous_commit = off";
const ADD_WEBHOOK: &str = "INSERT INTO webhook (id, version, kind, received_at, open, dead,
        unclaimed, lease_holder, lease_length, lease_until, held_back)
    VALUES ($1, 1, 0, 1785000000, $2, 0, 0, 7, 60000, 1785000060000, 0)";
const ADD_BODY: &str = "INSERT INTO body (webhook, body) VALUES ($1, $2)";
const ADD_EVENTS: &str = "INSERT INTO event (fingerprint, webhook) SELECT fingerprint, $2 FROM unnest($1::bytea[]) AS input(fingerprint)";
const ADD_MESSAGES: &str = "INSERT INTO message (version, number, wamid, contact, at, is_unread,
        message)
    SELECT 1, 1, input.wamid, input.contact, 1785000000, true, input.message
    FROM unnest($1::bytea[], $2::bigint[], $3::text[]) AS input(wamid, contact, message)";
const BEGIN_DURABLE: &str = "BEGIN; SET LOCAL synchronous_commit = on";
const DELETE_WEBHOOK: &str = "DELETE FROM webhook WHERE id = $1";
const DELETE_BODY: &str = "DELETE FROM body WHERE webhook = $1";

impl Bare {
    async fn create(server: &Server) -> Self {
        server.open(PostgresOptions::new().schema("bare")).await;
        let url = format!("{}?options=-c%20search_path%3Dbare", server.url());
        let pool = Server::pool_of(&url);
        Self { pool }
    }
}

impl Subject for Bare {
    async fn handle(&self, events: &Range<usize>, body: &[u8]) {
        let client = self.pool.get().await.unwrap();
        let webhook = i64::try_from(events.start).unwrap();
        let open = i64::try_from(events.len()).unwrap();
        let (mut fingerprints, mut wamids) = (Vec::new(), Vec::new());
        let (mut contacts, mut messages) = (Vec::new(), Vec::new());
        for event in events.clone() {
            let (user, wamid) = (event % USERS, wamid(event));
            // By the user, and then at random.
            let mut fingerprint = (user as u64)
                .wrapping_mul(0x9E37_79B9_7F4A_7C15)
                .to_be_bytes()[..4]
                .to_vec();
            fingerprint.extend(
                (event as u128)
                    .wrapping_mul(0x9E37_79B9_7F4A_7C15_F39C_C060)
                    .to_be_bytes()[4..]
                    .iter(),
            );
            fingerprints.push(fingerprint);
            contacts.push(i64::try_from(user).unwrap());
            messages.push(format!(
                r#"{{"id":"{wamid}","direction":"inbound","user":{{"wa_id":"{}"}},"timestamp":1785000000,"content":{{"text":{{"body":"Hello"}}}}}}"#,
                self::user(event)
            ));
            wamids.push(wamid.into_bytes());
        }
        let [
            add_webhook,
            add_body,
            add_events,
            add_messages,
            delete_webhook,
            delete_body,
        ] = [
            client.prepare_cached(ADD_WEBHOOK).await.unwrap(),
            client.prepare_cached(ADD_BODY).await.unwrap(),
            client.prepare_cached(ADD_EVENTS).await.unwrap(),
            client.prepare_cached(ADD_MESSAGES).await.unwrap(),
            client.prepare_cached(DELETE_WEBHOOK).await.unwrap(),
            client.prepare_cached(DELETE_BODY).await.unwrap(),
        ];
        let of_webhook: [Param<'_>; 2] = [&webhook, &open];
        let of_body: [Param<'_>; 2] = [&webhook, &body];
        let of_events: [Param<'_>; 2] = [&fingerprints, &webhook];
        let of_messages: [Param<'_>; 3] = [&wamids, &contacts, &messages];
        // All of a transaction is sent before its first answer is awaited.
        let added = tokio::join!(
            biased;
            client.batch_execute(BEGIN),
            client.execute(&add_webhook, &of_webhook),
            client.execute(&add_body, &of_body),
            client.execute(&add_events, &of_events),
            client.execute(&add_messages, &of_messages),
            client.batch_execute("COMMIT"),
        );
        added.5.unwrap();
        assert_eq!(added.4.unwrap(), events.len() as u64);
        let gone: [Param<'_>; 1] = [&webhook];
        let deleted = tokio::join!(
            biased;
            client.batch_execute(BEGIN_DURABLE),
            client.execute(&delete_webhook, &gone),
            client.execute(&delete_body, &gone),
            client.batch_execute("COMMIT"),
        );
        deleted.3.unwrap();
        assert_eq!(deleted.2.unwrap(), 1);
    }
}
