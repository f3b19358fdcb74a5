//! Web servers and workers as processes, with a real Postgres server that all of them share.

#[allow(dead_code, reason = "a part of it is used here")]
#[path = "end_to_end/meta.rs"]
mod meta;
#[allow(dead_code, reason = "a part of it is used here")]
#[path = "../../../postgres/tests/support/server.rs"]
mod postgres;
#[allow(dead_code, reason = "a part of it is used here")]
#[path = "end_to_end/scenarios.rs"]
mod scenarios;
#[allow(dead_code, reason = "a part of it is used here")]
#[path = "end_to_end/server.rs"]
mod server;

use std::collections::{BTreeMap, HashMap};
use std::env;
use std::fs::{self, OpenOptions};
use std::hash::{BuildHasher, RandomState};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use meta::{body, key, send, sign};
use parking_lot::RwLock;
use reqwest::Client;
use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;
use server::{Server, background, command};
use tempfile::TempDir;
use tokio::task::JoinSet;
use tokio::time::sleep;
use whatsapp_signals::WebhookEngine;
use whatsapp_signals_postgres::PostgresStore;

/// The number of webhooks that a worker delivers at once.
const AT_ONCE: usize = 8;

/// The number of users. Each has one message under way.
const USERS: usize = 50;

/// The number of programs that end during the run: in turn a web server and a worker by SIGKILL,
/// and a worker by SIGTERM.
const ENDS: usize = 12;

#[tokio::test(flavor = "multi_thread")]
async fn workers_and_web_servers_are_killed_and_each_user_is_handled_in_order() {
    let Some(postgres) = postgres::Server::start_with("-c fsync=off") else {
        return;
    };
    let count = env::var("WEBHOOKS").map_or(1500, |count| count.parse().unwrap());
    let begun = Instant::now();
    let folder = TempDir::new().unwrap();
    let database = PathBuf::from(postgres.url());
    let mut webs = [(); 2].map(|()| web(&database));
    let urls = webs.each_ref().map(|web| web.url().to_owned());
    let urls = Arc::new(RwLock::new(urls));
    let mut workers = [(); 3].map(|()| Worker::start(&database, &folder));
    let mut killed = HashMap::new();

    let taken = Arc::new(AtomicUsize::new(0));
    let senders = start_senders(count, &urls, &taken);
    for end in 0..ENDS {
        // The last one comes when all is sent, and workers are behind.
        until_taken(&taken, count * (end + 1) / ENDS).await;
        sleep(Duration::from_millis(random(50))).await;
        if end % 3 == 0 {
            let number = random(2) as usize;
            let web = std::mem::replace(&mut webs[number], web(&database));
            web.signal(Signal::KILL);
            assert!(!web.wait().0.success());
            webs[number].url().clone_into(&mut urls.write()[number]);
        } else {
            let next = Worker::start(&database, &folder);
            let worker = std::mem::replace(&mut workers[random(3) as usize], next);
            if end % 3 == 1 {
                let (process, printed) = worker.kill();
                killed.insert(process, printed);
            } else {
                worker.stop();
            }
        }
    }
    let times = senders.join_all().await;
    until_done(&open_engine(&postgres).await).await;
    for worker in workers {
        worker.stop();
    }
    for web in webs {
        assert!(web.stop().is_empty(), "a web server runs no receiver");
    }

    let runs = read_runs(&folder);
    let repeated = explain_repetitions(&runs, &killed);
    check_order(&runs, count);
    println!(
        "{count} webhooks in {:?}, sent {} times; {ENDS} programs ended, {repeated} runs repeated",
        begun.elapsed(),
        times.iter().sum::<usize>()
    );
}

fn web(database: &Path) -> Server {
    let mut command = command(env!("CARGO_BIN_EXE_axum"), database);
    command.env("ANSWER", "stored").env("TEND", "no");
    Server::start_command(command)
}

/// A worker that appends its lines to the file of all workers, so that they are in the order in
/// which the receivers ran.
struct Worker {
    child: Child,
    lines: PathBuf,
}

impl Worker {
    fn start(database: &Path, folder: &TempDir) -> Self {
        let lines = folder.path().join("lines");
        let file = OpenOptions::new().append(true).create(true).open(&lines);
        let child = Command::new(env!("CARGO_BIN_EXE_tender"))
            .env("DATABASE", database)
            .stdout(file.unwrap())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        Self { child, lines }
    }

    fn signal(&self, signal: Signal) {
        kill_process(Pid::from_child(&self.child), signal).unwrap();
    }

    /// Kills it, and returns its process id and the length of the file before that.
    fn kill(mut self) -> (u32, usize) {
        let printed = fs::metadata(&self.lines).unwrap().len();
        assert_eq!(self.child.try_wait().unwrap(), None, "it runs");
        self.signal(Signal::KILL);
        self.child.wait().unwrap();
        (self.child.id(), printed.try_into().unwrap())
    }

    fn stop(mut self) {
        self.signal(Signal::TERM);
        assert!(self.child.wait().unwrap().success());
    }
}

impl Drop for Worker {
    fn drop(&mut self) {
        // Only a test that has failed leaves it running.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Starts a sender for each user, which sends the next message when the last one is answered with
/// 200. Each returns the number of requests.
fn start_senders(
    count: usize,
    urls: &Arc<RwLock<[String; 2]>>,
    taken: &Arc<AtomicUsize>,
) -> JoinSet<usize> {
    let mut senders = JoinSet::new();
    for user in 0..USERS {
        let (urls, taken) = (Arc::clone(urls), Arc::clone(taken));
        senders.spawn(async move {
            let (client, mut requests) = (Client::new(), 0);
            for number in 0..messages_of(user, count) {
                let body = body_of(user, number);
                loop {
                    let url = urls.read()[random(2) as usize].clone();
                    requests += 1;
                    match send(&client, &url, body.clone(), Some(sign(&body))).await {
                        Ok(200) => break,
                        Ok(503) | Err(_) => sleep(Duration::from_millis(20)).await,
                        Ok(status) => panic!("the answer is {status}"),
                    }
                }
                taken.fetch_add(1, Ordering::Relaxed);
            }
            requests
        });
    }
    senders
}

/// Returns a webhook with a message of a user.
fn body_of(user: usize, number: usize) -> String {
    let body = body(&format!("wamid.{user}.{number}"));
    body.replace("15550101001", &format!("1555{user:07}"))
}

/// Returns the number of messages of a user.
fn messages_of(user: usize, count: usize) -> usize {
    count / USERS + usize::from(user < count % USERS)
}

async fn until_taken(taken: &AtomicUsize, count: usize) {
    let is_reached = async || taken.load(Ordering::Relaxed) >= count;
    postgres::until("some more are taken", is_reached).await;
}

/// A run of the receiver.
struct Run {
    user: usize,
    number: usize,
    process: u32,
    /// The index of the line in the file.
    at: usize,
}

/// Returns all runs in their order.
fn read_runs(folder: &TempDir) -> Vec<Run> {
    let text = fs::read_to_string(folder.path().join("lines")).unwrap();
    let mut end = 0;
    let runs = text.split_inclusive('\n').map(|line| {
        end += line.len();
        // A kill may leave a part of a line, before that of another process.
        let start = line.rfind(r#"{"signal":"#).expect(line);
        let event: Value = serde_json::from_str(&line[start..]).expect(line);
        let id = event["key"].as_str().unwrap().split(':').nth(1).unwrap();
        let numbers = id.strip_prefix("wamid.").unwrap().split_once('.').unwrap();
        Run {
            user: numbers.0.parse().unwrap(),
            number: numbers.1.parse().unwrap(),
            process: event["process"].as_u64().unwrap().try_into().unwrap(),
            at: end - line.len() + start,
        }
    });
    runs.collect()
}

/// Checks that an event ran again only if the process of the run before was killed, and after
/// that; as many events of a process as it delivers at once. Returns the number of such runs.
fn explain_repetitions(runs: &[Run], killed: &HashMap<u32, usize>) -> usize {
    let mut last = HashMap::new();
    let mut repeated: HashMap<u32, usize> = HashMap::new();
    for run in runs {
        let (user, number) = (run.user, run.number);
        let Some(before) = last.insert((user, number), run.process) else {
            continue;
        };
        let killed = killed.get(&before);
        let killed = killed.unwrap_or_else(|| panic!("{user}.{number}: no kill before it"));
        assert!(*killed <= run.at, "{user}.{number}: at the same time");
        *repeated.entry(before).or_default() += 1;
    }
    let most = repeated.values().max();
    assert!(most <= Some(&AT_ONCE), "of one process: {repeated:?}");
    repeated.values().sum()
}

/// Checks that all messages of each user are there, each after the ones before it: if it runs
/// again, so it does before the next one.
fn check_order(runs: &[Run], count: usize) {
    let mut users: BTreeMap<usize, Vec<usize>> = BTreeMap::new();
    for run in runs {
        users.entry(run.user).or_default().push(run.number);
    }
    assert_eq!(users.len(), USERS);
    for (user, mut numbers) in users {
        assert!(numbers.is_sorted(), "user {user}: {numbers:?}");
        numbers.dedup();
        let expected: Vec<usize> = (0..messages_of(user, count)).collect();
        assert_eq!(numbers, expected, "user {user}");
    }
}

fn random(below: u64) -> u64 {
    RandomState::new().hash_one(0) % below
}

async fn stop_under_load(binary: &str) {
    if let Some(postgres) = postgres::Server::start_with("-c fsync=off") {
        scenarios::stop_under_load(binary, Path::new(&postgres.url())).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn axum_stops_under_load_and_repeats_nothing() {
    stop_under_load(env!("CARGO_BIN_EXE_axum")).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn actix_stops_under_load_and_repeats_nothing() {
    stop_under_load(env!("CARGO_BIN_EXE_actix")).await;
}

/// Stops a server that runs receivers in the background, and starts another one.
async fn stop_while_it_tends(binary: &str) {
    const COUNT: usize = 400;
    let Some(postgres) = postgres::Server::start_with("-c fsync=off") else {
        return;
    };
    let database = PathBuf::from(postgres.url());
    let server = Server::start_command(background(binary, &database));
    let (client, mut senders) = (Client::new(), JoinSet::new());
    for user in 0..COUNT {
        let (client, url, body) = (client.clone(), server.url().to_owned(), body_of(user, 0));
        senders.spawn(async move {
            let signature = Some(sign(&body));
            send(&client, &url, body, signature).await.unwrap()
        });
    }
    assert_eq!(senders.join_all().await, [200; COUNT]);
    let mut printed = server.stop();
    assert!(printed.len() < COUNT, "it is stopped while it tends");
    let engine = open_engine(&postgres).await;
    let backlog = engine.backlog_async().await.unwrap();
    assert_eq!(backlog.leased, 0, "what has begun is finished");

    let server = Server::start_command(background(binary, &database));
    until_done(&engine).await;
    for (key, times) in server.stop() {
        *printed.entry(key).or_default() += times;
    }
    let expected = (0..COUNT).map(|user| (key(&format!("wamid.{user}.0")), 1));
    assert_eq!(printed, expected.collect());
}

async fn open_engine(postgres: &postgres::Server) -> WebhookEngine<PostgresStore> {
    WebhookEngine::new(PostgresStore::connect(&postgres.url()).await.unwrap())
}

/// Waits until all is handled. A backlog may take long, but not a minute without progress.
async fn until_done(engine: &WebhookEngine<PostgresStore>) {
    let (mut least, mut since) = (u64::MAX, Instant::now());
    while least > 0 {
        let open = engine.backlog_async().await.unwrap().open;
        if open < least {
            (least, since) = (open, Instant::now());
        }
        assert!(since.elapsed() < Duration::from_secs(60), "{open} are left");
        sleep(Duration::from_millis(20)).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn axum_stops_while_it_tends_and_repeats_nothing() {
    stop_while_it_tends(env!("CARGO_BIN_EXE_axum")).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn actix_stops_while_it_tends_and_repeats_nothing() {
    stop_while_it_tends(env!("CARGO_BIN_EXE_actix")).await;
}
