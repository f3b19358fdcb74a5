//! Servers that are restarted, full, slow or read-only: no event is lost, and each answer is 503.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use parking_lot::Mutex;
use tokio::net::{TcpSocket, TcpStream};
use tokio::task::{JoinSet, spawn_blocking};
use tokio::time::{sleep, timeout};
use whatsapp_signals::event::MessageReceived;
use whatsapp_signals::signals::MESSAGE_RECEIVED;
use whatsapp_signals::store::StoreErrorKind;
use whatsapp_signals::{Context, EngineError, EngineErrorKind, WebhookEngine, testing};
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

/// Clients that have bodies processed at once.
struct Load {
    engines: Vec<WebhookEngine<PostgresStore>>,
    runs: Runs,
    next: AtomicUsize,
    refused: AtomicUsize,
    unanswered: Mutex<HashSet<usize>>,
}

impl Load {
    const BODIES: usize = 400;
    /// The number of events of a body.
    const SIZE: usize = 5;
    const CLIENTS: usize = 8;

    /// Opens an instance by each URL.
    async fn new(options: &PostgresOptions, lease: Duration, urls: [String; 2]) -> Arc<Self> {
        let runs = Runs::default();
        let mut engines = Vec::new();
        for url in urls {
            let store = options.clone().connect(&url).await.unwrap();
            store.migrate().await.unwrap();
            engines.push(engine(store, &runs).lease(lease));
        }
        Arc::new(Self {
            engines,
            runs,
            next: AtomicUsize::new(0),
            refused: AtomicUsize::new(0),
            unanswered: Mutex::default(),
        })
    }

    /// Starts the clients.
    fn start(self: &Arc<Self>) -> JoinSet<()> {
        let run = |client| Arc::clone(self).run(client);
        (0..Self::CLIENTS).map(run).collect()
    }

    async fn run(self: Arc<Self>, client: usize) {
        loop {
            let number = {
                // A body that has begun is one of these.
                let mut unanswered = self.unanswered.lock();
                let number = self.next.fetch_add(1, Ordering::Relaxed);
                if number >= Self::BODIES {
                    return;
                }
                unanswered.insert(number);
                number
            };
            let body = body(number * Self::SIZE..(number + 1) * Self::SIZE);
            // As Meta does, until the answer is 200; each time by another instance.
            for attempt in client.. {
                let engine = &self.engines[attempt % self.engines.len()];
                let status = match engine.process_async(&body).await {
                    Ok(outcome) => outcome.http_status(),
                    Err(error) => error.http_status(),
                };
                if status == 200 {
                    self.unanswered.lock().remove(&number);
                    break;
                }
                assert_eq!(status, 503);
                self.refused.fetch_add(1, Ordering::Relaxed);
                sleep(Duration::from_millis(20)).await;
            }
        }
    }

    /// Returns the number of bodies that the clients have begun.
    fn begun(&self) -> usize {
        self.next.load(Ordering::Relaxed)
    }

    /// Waits until the clients have begun a number of bodies.
    async fn until_begun(&self, number: usize) {
        let begun = async || self.begun() >= number;
        until("some bodies are processed", begun).await;
    }

    /// Returns the numbers of the bodies that are sent and not answered.
    fn unanswered(&self) -> HashSet<usize> {
        self.unanswered.lock().clone()
    }

    /// Waits for the clients, then checks that each event ran and is stored, and ran once unless its
    /// body met a crash.
    async fn finish(&self, clients: JoinSet<()>, met_a_crash: &HashSet<usize>) {
        let finished = timeout(Duration::from_secs(120), clients.join_all());
        finished.await.expect("all bodies are answered");
        let (runs, events) = (self.runs.lock().clone(), Self::BODIES * Self::SIZE);
        assert_eq!(runs.len(), events, "no event is lost");
        for (id, runs) in runs {
            let number: usize = id["wamid.".len()..].parse().unwrap();
            let is_explained = met_a_crash.contains(&(number / Self::SIZE));
            assert!(runs == 1 || is_explained, "{id} ran {runs} times");
        }
        let refused = self.refused.load(Ordering::Relaxed);
        assert!(refused > 0, "no body met an outage");
        let engine = &self.engines[0];
        let backlog = engine.backlog_async().await.unwrap();
        assert_eq!((backlog.open, backlog.dead), (0, 0));
        let repeated = engine.process_async(&body(0..events)).await.unwrap();
        assert_eq!((repeated.delivered(), repeated.duplicates()), (0, events));
    }
}

/// A server that is shut down writes its log before it ends. After a crash, commits that need not
/// be durable are gone, so the webhooks that were not answered yet run again.
#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_restarts_under_load_loses_no_event_and_repeats_those_of_a_crash() {
    let Some(server) = Server::start_with("-c fsync=off") else {
        return;
    };
    let server = Arc::new(server);
    let (urls, lease) = ([server.url(), server.url()], Duration::from_secs(60));
    let load = Load::new(&Server::options(), lease, urls).await;
    let clients = load.start();
    let mut met_a_crash: HashSet<usize> = HashSet::new();
    for (part, signal) in ["INT", "QUIT", "INT", "QUIT"].into_iter().enumerate() {
        load.until_begun(Load::BODIES * (part + 1) / 6).await;
        let (first, before) = (load.begun(), load.unanswered());
        let server = Arc::clone(&server);
        let restart = spawn_blocking(move || server.restart(signal));
        restart.await.unwrap();
        if signal == "QUIT" {
            met_a_crash.extend(before);
            met_a_crash.extend(first..load.begun());
        }
    }
    load.finish(clients, &met_a_crash).await;
}

/// A synchronous standby has each commit that an answer of 200 depends on. Commits that need not be
/// durable are gone, as after a crash.
#[tokio::test(flavor = "multi_thread")]
async fn a_fail_over_under_load_loses_no_event_and_repeats_those_of_unanswered_webhooks() {
    fail_over(async |_| {}).await;
}

/// No webhook is answered until the standby has its events.
#[tokio::test(flavor = "multi_thread")]
async fn a_fail_over_to_a_standby_that_lags_behind_loses_no_event() {
    fail_over(async |standby| {
        let client = standby.pool().get().await.unwrap();
        for sql in [
            "ALTER SYSTEM SET primary_conninfo = ''",
            "SELECT pg_reload_conf()",
        ] {
            client.batch_execute(sql).await.unwrap();
        }
        let is_cut = async || {
            let receivers = "SELECT 1 FROM pg_stat_wal_receiver";
            client.query(receivers, &[]).await.unwrap().is_empty()
        };
        until("the standby receives nothing", is_cut).await;
        sleep(Duration::from_millis(200)).await;
    })
    .await;
}

/// Ends a primary server under load, after a step, and promotes its standby.
async fn fail_over(before_the_end: impl AsyncFnOnce(&Server)) {
    let options = "-c fsync=off -c synchronous_standby_names=*";
    let Some(primary) = Server::start_with(options) else {
        return;
    };
    let standby = primary.start_standby("-c fsync=off");
    // One instance has to pass over the server that ends, the other one over the standby.
    let urls = [
        standby.url_after(primary.port()),
        primary.url_after(standby.port()),
    ];
    let options = Server::options();
    // A claim whose answer was lost with the server keeps its webhook until its lease ends.
    let load = Load::new(&options, Duration::from_secs(2), urls).await;
    let clients = load.start();
    load.until_begun(Load::BODIES / 3).await;
    // A pool does not keep connections to a server that only reads.
    let reading = standby.pool();
    let store = options.over(reading.clone()).unwrap();
    let result = engine(store, &load.runs).process_async(&body(0..1)).await;
    assert_eq!(kind(result), StoreErrorKind::Unavailable);
    assert_eq!(reading.status().size, 0);

    before_the_end(&standby).await;
    spawn_blocking(|| primary.end()).await.unwrap();
    let met_the_end = load.unanswered();
    let refused = load.refused.load(Ordering::Relaxed);
    let is_refused = async || load.refused.load(Ordering::Relaxed) > refused + 2 * Load::CLIENTS;
    until("both instances refuse bodies", is_refused).await;
    let client = standby.pool().get().await.unwrap();
    client.execute("SELECT pg_promote()", &[]).await.unwrap();
    load.finish(clients, &met_the_end).await;
}

/// A kernel drops connections to a port whose queue is full, so that no answer comes, as from a host
/// without power.
#[tokio::test]
async fn a_host_that_does_not_answer_is_passed_over() {
    let server = require_server!();
    let socket = TcpSocket::new_v4().unwrap();
    socket.bind(([127, 0, 0, 1], 0).into()).unwrap();
    let silent = socket.listen(1).unwrap();
    let address = silent.local_addr().unwrap();
    let mut queue = Vec::new();
    let short = Duration::from_millis(200);
    while let Ok(stream) = timeout(short, TcpStream::connect(address)).await {
        queue.push(stream.unwrap());
    }
    let url = server.url_after(address.port());
    let options = PostgresOptions::new().timeout(Duration::from_secs(2));
    options.connect(&url).await.unwrap();
}

/// Returns the kind of the store's error, after a check that Meta sends the body again.
fn kind<T: std::fmt::Debug>(result: Result<T, EngineError>) -> StoreErrorKind {
    let error = result.unwrap_err();
    assert_eq!(error.http_status(), 503);
    match error.kind() {
        EngineErrorKind::Store(error) => error.kind(),
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
    assert_eq!((outcome.delivered(), outcome.duplicates()), (3, 0));
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
    assert_eq!((outcome.delivered(), outcome.duplicates()), (3, 0));
}

#[tokio::test]
async fn a_pool_without_a_free_connection_is_an_error() {
    let server = require_server!();
    let options = PostgresOptions::new().schema("pool").connections(1);
    let options = options.timeout(Duration::from_secs(1));
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
        sleep(Duration::from_millis(300)).await;
        let result = engine.process_async(&body(1..2)).await;
        blocking.rollback().await.unwrap();
        kind(result)
    };
    let (waited, refused) = tokio::join!(waiting, refused);
    assert_eq!(refused, StoreErrorKind::Unavailable);
    assert_eq!(waited.unwrap().delivered(), 1);
}
