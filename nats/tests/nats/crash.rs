//! Kills of the server and of workers under load. No event is lost, and with an engine no
//! receiver that is recorded as successful runs again.

use std::collections::{HashMap, HashSet};
use std::env;
use std::fs::{self, OpenOptions};
use std::io::Write;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::Duration;

use crate::support::{Server, body, until, webhook};
use tempfile::TempDir;
use tokio::task::JoinSet;
use tokio::time::sleep;
use whatsapp_signals::event::MessageReceived;
use whatsapp_signals::signals::MESSAGE_RECEIVED;
use whatsapp_signals::store::SqliteStore;
use whatsapp_signals::{BoxError, ConnectOptions, Context, WebhookEngine};
use whatsapp_signals_nats::{EventStream, Relay, StreamConfig, Worker, async_nats, ensure_stream};

/// The address of the server, and the folder of a worker process.
const URL: &str = "WHATSAPP_SIGNALS_CRASH_URL";
const FOLDER: &str = "WHATSAPP_SIGNALS_CRASH_FOLDER";
/// Set if the worker has an engine.
const ENGINE: &str = "WHATSAPP_SIGNALS_CRASH_ENGINE";

fn a(event: &MessageReceived) -> Result<(), BoxError> {
    write_effect("a", event)
}

/// Fails at the first delivery of every seventh event.
fn b(event: &MessageReceived) -> Result<(), BoxError> {
    let wamid = event.message.id.as_str();
    let number: usize = wamid.trim_start_matches("wamid.").parse()?;
    if number.is_multiple_of(7) {
        let tried = Path::new(&env::var(FOLDER)?).join(format!("tried.{wamid}"));
        if !tried.exists() {
            fs::write(tried, "")?;
            return Err("the first time".into());
        }
    }
    write_effect("b", event)
}

/// Appends a line by one write, so that a kill cannot tear it.
fn write_effect(receiver: &str, event: &MessageReceived) -> Result<(), BoxError> {
    let path = Path::new(&env::var(FOLDER)?).join("effects");
    let mut effects = OpenOptions::new().create(true).append(true).open(path)?;
    let user = event.message.user.as_ref().ok_or("no user")?;
    let user = user.wa_id().ok_or("no phone number")?;
    let line = format!("{receiver} {user} {}\n", event.message.id);
    effects.write_all(line.as_bytes())?;
    Ok(())
}

/// Returns a context whose only receivers are `a` and `b`, in this order.
fn receivers() -> Context {
    let context = Context::new().only_own_receivers();
    let options = |uid| ConnectOptions::new().uid(uid);
    context
        .connect_with(&MESSAGE_RECEIVED, options("a"), a)
        .unwrap();
    context
        .connect_with(&MESSAGE_RECEIVED, options("b"), b)
        .unwrap();
    context
}

/// Not a test: the worker process that is killed.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn child() {
    let Ok(url) = env::var(URL) else { return };
    let stream = connect(&url).await;
    let mut worker = Worker::new(&stream)
        .context(receivers())
        .ack_wait(Duration::from_secs(2))
        // Every seventh event fails once, and is the only one of its partition at that time.
        .backoff(Duration::from_millis(2), Duration::from_millis(200))
        .max_deliveries(1000);
    if env::var_os(ENGINE).is_some() {
        let database = Path::new(&env::var(FOLDER).unwrap()).join("store.db");
        let store = SqliteStore::open(database).unwrap();
        let engine = WebhookEngine::new(store).context(receivers());
        let engine = engine.lease(Duration::from_secs(2)).max_attempts(1000);
        let engine = engine.backoff(Duration::from_millis(10), Duration::from_millis(100));
        worker = worker.engine(Arc::new(engine));
    }
    worker.run(std::future::pending()).await.unwrap();
}

async fn connect(url: &str) -> EventStream {
    let options = async_nats::ConnectOptions::new()
        .retry_on_initial_connect()
        .reconnect_delay_callback(|_| Duration::from_millis(50))
        .max_reconnects(None);
    let client = options.connect(url).await.unwrap();
    let jetstream = async_nats::jetstream::new(client);
    loop {
        match ensure_stream(&jetstream, StreamConfig::new().partitions(4)).await {
            Ok(stream) => return stream,
            // The server is restarting.
            Err(_) => sleep(Duration::from_millis(100)).await,
        }
    }
}

/// Worker processes.
struct Workers {
    url: String,
    folder: TempDir,
    has_engine: bool,
    children: Vec<Child>,
}

impl Workers {
    fn start(server: &Server, has_engine: bool, count: usize) -> Self {
        let mut workers = Self {
            url: server.url(),
            folder: TempDir::new().unwrap(),
            has_engine,
            children: Vec::new(),
        };
        for _ in 0..count {
            workers.add();
        }
        workers
    }

    fn add(&mut self) {
        let mut command = Command::new(env::current_exe().unwrap());
        command
            .args(["--exact", "crash::child"])
            .env(URL, &self.url)
            .env(FOLDER, self.folder.path())
            .stdout(Stdio::null())
            .stderr(Stdio::null());
        if self.has_engine {
            command.env(ENGINE, "1");
        }
        self.children.push(command.spawn().unwrap());
    }

    /// Kills the oldest worker and starts another one.
    fn kill_one(&mut self) {
        let mut child = self.children.remove(0);
        child.kill().unwrap();
        child.wait().unwrap();
        self.add();
    }

    /// Returns receiver, user and wamid of each call, in order.
    fn effects(&self) -> Vec<[String; 3]> {
        let effects = fs::read_to_string(self.folder.path().join("effects"));
        let effects = effects.unwrap_or_default();
        let parts = |line: &str| {
            let mut parts = line.split(' ').map(str::to_owned);
            [(); 3].map(|()| parts.next().unwrap())
        };
        effects.lines().map(parts).collect()
    }

    /// Returns the number of calls.
    fn count(&self) -> usize {
        let effects = fs::read_to_string(self.folder.path().join("effects"));
        effects.unwrap_or_default().lines().count()
    }

    /// Returns the number of calls by receiver and wamid.
    fn times(&self) -> HashMap<(String, String), usize> {
        let mut times = HashMap::new();
        for [receiver, _, wamid] in self.effects() {
            *times.entry((receiver, wamid)).or_default() += 1;
        }
        times
    }
}

impl Drop for Workers {
    fn drop(&mut self) {
        for child in &mut self.children {
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

const USERS: usize = 20;

/// Publishes events, each repeatedly until it is stored, as Meta does, and those of one user in
/// order.
async fn publish(url: String, events: usize) {
    let stream = connect(&url).await;
    let mut users = JoinSet::new();
    for user in 0..USERS {
        let relay = Relay::new(&stream).deadline(Duration::from_secs(2));
        users.spawn(async move {
            let id = format!("1555{user:07}");
            for event in (user..events).step_by(USERS) {
                let wamid = format!("wamid.{event}");
                let webhook = webhook(&body([(id.as_str(), wamid.as_str(), "Hi")]));
                while relay.publish(&webhook).await.is_err() {
                    sleep(Duration::from_millis(100)).await;
                }
                // Some are repeated although they are stored.
                if event.is_multiple_of(10) {
                    let _ = relay.publish(&webhook).await;
                }
            }
        });
    }
    users.join_all().await;
}

/// Publishes events while `kill` runs at intervals, until all are handled.
async fn load(
    server: &mut Server,
    workers: &mut Workers,
    events: usize,
    kills: usize,
    kill: impl Fn(&mut Server, &mut Workers, usize),
) {
    let publishing = tokio::spawn(publish(server.url(), events));
    for number in 1..=kills {
        let done = 2 * events * number / (kills + 1);
        until("more events are handled", async || workers.count() >= done).await;
        kill(server, workers, number);
    }
    publishing.await.unwrap();
    assert_eq!(
        server.count("WA").await,
        events as u64,
        "each is stored once"
    );
    until("all events are handled", async || {
        // The cheap condition first: these are checked often while the workers run.
        workers.count() >= 2 * events
            && workers.times().len() >= 2 * events
            && server.is_idle("WA").await
    })
    .await;
}

fn kill_and_restart(server: &mut Server) {
    server.kill();
    server.restart();
}

/// Asserts that both receivers ran for each event, and in order for each user.
fn assert_all_in_order(workers: &Workers, events: usize) {
    let times = workers.times();
    let mut missing = Vec::new();
    for event in 0..events {
        for receiver in ["a", "b"] {
            if !times.contains_key(&(receiver.to_owned(), format!("wamid.{event}"))) {
                missing.push((receiver, event));
            }
        }
    }
    assert!(missing.is_empty(), "{missing:?}");
    assert_eq!(times.len(), 2 * events);
    let mut last = HashMap::new();
    let mut seen = HashSet::new();
    for [receiver, user, wamid] in workers.effects() {
        let number: usize = wamid["wamid.".len()..].parse().unwrap();
        if seen.insert((receiver.clone(), number)) {
            let before = last.insert((receiver, user), number);
            assert!(
                before.is_none_or(|before| before < number),
                "{before:?} {number}"
            );
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn kills_of_server_and_workers_lose_none_of_ten_thousand_events() {
    let Some(mut server) = Server::start() else {
        return;
    };
    let mut workers = Workers::start(&server, false, 2);
    load(
        &mut server,
        &mut workers,
        10_000,
        9,
        |server, workers, number| {
            if number % 3 == 0 {
                kill_and_restart(server);
            } else {
                workers.kill_one();
            }
        },
    )
    .await;
    assert_all_in_order(&workers, 10_000);
}

#[tokio::test(flavor = "multi_thread")]
async fn with_an_engine_kills_of_the_server_repeat_no_receiver() {
    let Some(mut server) = Server::start() else {
        return;
    };
    let mut workers = Workers::start(&server, true, 2);
    load(&mut server, &mut workers, 1000, 4, |server, _, _| {
        kill_and_restart(server);
    })
    .await;
    assert_all_in_order(&workers, 1000);
    let times = workers.times();
    let twice: Vec<_> = times.iter().filter(|(_, times)| **times > 1).collect();
    assert!(twice.is_empty(), "{twice:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn with_an_engine_kills_of_workers_repeat_only_running_receivers() {
    let Some(mut server) = Server::start() else {
        return;
    };
    let mut workers = Workers::start(&server, true, 2);
    let kills = 6;
    load(&mut server, &mut workers, 1000, kills, |_, workers, _| {
        workers.kill_one();
    })
    .await;
    assert_all_in_order(&workers, 1000);
    let again: usize = workers.times().values().map(|times| times - 1).sum();
    // At each kill, two receivers of one event of each partition at most.
    assert!(again <= kills * 4 * 2, "{again}");
}
