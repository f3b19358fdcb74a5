//! The scenarios that every server passes.

use std::collections::HashSet;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use reqwest::{Client, Method};
use rustix::process::Signal;
use serde_json::Value;
use tempfile::TempDir;
use tokio::task::JoinSet;
use whatsapp_signals::model::Identity;
use whatsapp_signals::store::SqliteStore;
use whatsapp_signals::{Parser, SignatureVerifier, WebhookEngine};

use super::meta::{Request, batch, body, deliver, key, send, send_large, sign};
use super::server::{OLD_SECRET, Printed, SECRET, Server, background, command};

fn once<'a>(wamids: impl IntoIterator<Item = &'a str>) -> Printed {
    wamids.into_iter().map(|wamid| (key(wamid), 1)).collect()
}

pub async fn the_handshake_requires_the_token(binary: &str) {
    let folder = TempDir::new().unwrap();
    let server = Server::start(binary, &folder.path().join("store.db"));
    let client = Client::new();
    let ask = async |method: Method, query: &str| {
        let request = client.request(method, format!("{}{query}", server.url()));
        let answer = request.send().await.unwrap();
        (answer.status().as_u16(), answer.text().await.unwrap())
    };
    let good = "?hub.mode=subscribe&hub.challenge=1158201444&hub.verify_token=a%20token+%26%20more";
    let answer = ask(Method::GET, good).await;
    assert_eq!(answer, (200, "1158201444".to_owned()));
    for query in [
        "",
        "?hub.mode=subscribe&hub.challenge=1&hub.verify_token=guess",
        "?hub.mode=subscribe&hub.challenge=1",
        "?hub.challenge=1&hub.verify_token=a%20token+%26%20more",
        "?hub.mode=unsubscribe&hub.challenge=1&hub.verify_token=a%20token+%26%20more",
    ] {
        assert_eq!(
            ask(Method::GET, query).await,
            (403, String::new()),
            "{query}"
        );
    }
    assert_eq!(ask(Method::DELETE, good).await.0, 405);
    assert!(server.stop().is_empty());
}

pub async fn only_signed_bodies_are_received(binary: &str) {
    let folder = TempDir::new().unwrap();
    let server = Server::start(binary, &folder.path().join("store.db"));
    let client = Client::new();
    let by = |secret: &str, body: &str| SignatureVerifier::new(secret).unwrap().sign(body);
    let (good, old) = (body("wamid.GOOD"), body("wamid.OLD"));
    let (upper, forged) = (body("wamid.UPPER"), body("wamid.FORGED"));
    let digits = sign(&upper)["sha256=".len()..].to_ascii_uppercase();
    // Other bytes of the same JSON.
    let written_again: serde_json::Value = serde_json::from_str(&good).unwrap();
    for (body, signature, status) in [
        (good.clone(), Some(sign(&good)), 200),
        (old.clone(), Some(by(OLD_SECRET, &old)), 200),
        (upper, Some(format!("sha256={digits}")), 200),
        (written_again.to_string(), Some(sign(&good)), 401),
        (good.replace("ready", "stolen"), Some(sign(&good)), 401),
        (forged.clone(), None, 401),
        (forged.clone(), Some(String::new()), 401),
        (
            forged.clone(),
            Some(sign(&forged).replace("sha256=", "sha1=")),
            401,
        ),
        (
            forged.clone(),
            Some(sign(&forged)["sha256=".len()..].to_owned()),
            401,
        ),
        (forged.clone(), Some(by("guess", &forged)), 401),
        (
            forged.clone(),
            Some(by(&SECRET.to_uppercase(), &forged)),
            401,
        ),
        (String::new(), None, 401),
        ("{".to_owned(), None, 401),
    ] {
        let shown = format!("{body} {signature:?}");
        let answer = send(&client, server.url(), body, signature).await.unwrap();
        assert_eq!(answer, status, "{shown}");
    }
    assert_eq!(
        server.stop(),
        once(["wamid.GOOD", "wamid.OLD", "wamid.UPPER"])
    );
}

pub async fn a_redelivered_webhook_is_received_once_also_after_a_restart(binary: &str) {
    let folder = TempDir::new().unwrap();
    let database = folder.path().join("store.db");
    let client = Client::new();
    let body = body("wamid.A");
    for expected in [once(["wamid.A"]), Printed::new()] {
        let server = Server::start(binary, &database);
        for _ in 0..3 {
            let answer = send(&client, server.url(), body.clone(), Some(sign(&body))).await;
            assert_eq!(answer.unwrap(), 200);
        }
        assert_eq!(server.stop(), expected);
    }
}

pub async fn three_mebibytes_are_received(binary: &str) {
    let folder = TempDir::new().unwrap();
    let server = Server::start(binary, &folder.path().join("store.db"));
    let wamids: Vec<String> = (0..15_000)
        .map(|item| format!("wamid.{item:040}"))
        .collect();
    let body = batch(wamids.iter().map(String::as_str));
    assert!(body.len() >= 3 * 1024 * 1024, "{}", body.len());
    let signature = Some(sign(&body));
    let answer = send(&Client::new(), server.url(), body, signature).await;
    assert_eq!(answer.unwrap(), 200);
    assert_eq!(server.stop(), once(wamids.iter().map(String::as_str)));
}

pub async fn too_large_bodies_are_refused(binary: &str) {
    let folder = TempDir::new().unwrap();
    let server = Server::start(binary, &folder.path().join("store.db"));
    assert_eq!(
        send_large(&server, Parser::DEFAULT_MAX_LEN),
        401,
        "it is read"
    );
    assert_eq!(send_large(&server, Parser::DEFAULT_MAX_LEN + 1), 413);
    deliver(&Client::new(), server.url(), &body("wamid.A")).await;
    assert_eq!(server.stop(), once(["wamid.A"]));
}

pub async fn a_signed_body_that_is_no_webhook_is_stored_once(binary: &str) {
    let folder = TempDir::new().unwrap();
    let database = folder.path().join("store.db");
    // The answer is the same if the output of the server is closed.
    let server = Server::start_mute(command(binary, &database));
    let broken = r#"{"object":"whatsapp_business_account"}"#;
    for body in [broken, broken, r#"{"object":"page"}"#] {
        let answer = send(&Client::new(), server.url(), body.into(), Some(sign(body))).await;
        assert_eq!(answer.unwrap(), 200, "{body}");
    }
    assert!(server.stop().is_empty());
    let engine = WebhookEngine::new(SqliteStore::open(database).unwrap());
    let letters = engine.dead_letters(9).unwrap();
    assert_eq!(letters.len(), 1, "another product's is not ours to keep");
    assert_eq!(&letters[0].body[..], broken.as_bytes());
}

pub async fn a_failed_receiver_is_retried(binary: &str) {
    let folder = TempDir::new().unwrap();
    let database = folder.path().join("store.db");
    let client = Client::new();
    let body = body("wamid.A");
    let server = Server::start_mute(command(binary, &database));
    let answer = send(&client, server.url(), body.clone(), Some(sign(&body))).await;
    assert_eq!(answer.unwrap(), 503);
    assert!(server.stop().is_empty());
    // The server retries at its start, or when Meta sends the webhook again.
    let server = Server::start(binary, &database);
    deliver(&client, server.url(), &body).await;
    assert_eq!(server.stop(), once(["wamid.A"]));
}

pub async fn a_health_check_shows_the_backlog_and_fails_with_the_store(binary: &str) {
    let folder = TempDir::new().unwrap();
    let database = folder.path().join("store.db");
    let client = Client::new();
    let server = Server::start_mute(command(binary, &database));
    let health = async || health(&client, &server).await;
    let (status, backlog) = health().await;
    assert_eq!((status, &backlog["open"]), (200, &0.into()));
    let body = body("wamid.A");
    let answer = send(&client, server.url(), body.clone(), Some(sign(&body))).await;
    assert_eq!(answer.unwrap(), 503);
    let (status, backlog) = health().await;
    assert_eq!((status, &backlog["open"]), (200, &1.into()));
    assert!(backlog["oldest_seconds"].is_u64(), "{backlog}");
    assert!(!backlog.to_string().contains("wamid"), "{backlog}");

    let connection = rusqlite::Connection::open(&database).unwrap();
    connection.execute_batch("DROP TABLE webhook").unwrap();
    let (status, error) = health().await;
    assert_eq!((status, error["open"].as_u64()), (503, None));
    assert!(server.stop().is_empty());
}

/// Returns the status and the JSON of a health check.
async fn health(client: &Client, server: &Server) -> (u16, Value) {
    let url = server.url().replace("/webhook", "/healthz");
    let answer = client.get(&url).send().await.unwrap();
    assert_eq!(answer.headers()["content-type"], "application/json");
    (answer.status().as_u16(), answer.json().await.unwrap())
}

/// Waits for a backlog, half a minute at most.
async fn wait_for(client: &Client, server: &Server, is_wanted: impl Fn(&Value) -> bool) {
    let mut last = Value::Null;
    for _ in 0..600 {
        (_, last) = health(client, server).await;
        if is_wanted(&last) {
            return;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    panic!("the backlog is {last}");
}

/// Sends signed bodies, one after the other, which are answered with 200.
async fn send_all(client: &Client, server: &Server, wamids: impl IntoIterator<Item = &String>) {
    for wamid in wamids {
        let body = body(wamid);
        let signature = Some(sign(&body));
        let answer = send(client, server.url(), body, signature).await;
        assert_eq!(answer.unwrap(), 200, "{wamid}");
    }
}

/// Starts a server that answers before its receivers run, and sends messages of one user. The
/// receiver has failed at the first one.
async fn start_failing(binary: &str, database: &Path, wamids: &[String]) -> Server {
    let client = Client::new();
    let server = Server::start_mute(background(binary, database));
    send_all(&client, &server, wamids).await;
    let has_failed = |backlog: &Value| backlog["due"] == 0 && backlog["leased"] == 0;
    wait_for(&client, &server, has_failed).await;
    server
}

pub async fn slow_receivers_delay_no_answer(binary: &str) {
    let folder = TempDir::new().unwrap();
    let client = Client::new();
    let command = background(binary, &folder.path().join("store.db"));
    let mut server = Server::start_stalled(command);
    // More than a pipe holds, so that a receiver blocks until the output is read.
    let wamids = wamids(300);
    send_all(&client, &server, &wamids).await;
    let (_, backlog) = health(&client, &server).await;
    assert!(backlog["open"].as_u64() > Some(100), "{backlog}");
    server.read();
    wait_for(&client, &server, |backlog| backlog["open"] == 0).await;
    let keys: Vec<_> = wamids.iter().map(|wamid| key(wamid)).collect();
    assert_eq!(server.stop_in_order(), keys);
}

pub async fn three_messages_of_a_user_at_once_are_handled_in_order(binary: &str) {
    let folder = TempDir::new().unwrap();
    let database = folder.path().join("store.db");
    let client = Client::new();
    let wamids = wamids(3);
    let server = start_failing(binary, &database, &wamids).await;
    let (_, backlog) = health(&client, &server).await;
    assert_eq!(
        (&backlog["open"], &backlog["held_back"]),
        (&3.into(), &2.into())
    );
    assert!(server.stop().is_empty());

    let server = Server::start_command(background(binary, &database));
    wait_for(&client, &server, |backlog| backlog["open"] == 0).await;
    let keys: Vec<_> = wamids.iter().map(|wamid| key(wamid)).collect();
    assert_eq!(server.stop_in_order(), keys);
}

pub async fn events_of_an_erased_user_are_not_delivered(binary: &str) {
    let folder = TempDir::new().unwrap();
    let database = folder.path().join("store.db");
    let client = Client::new();
    let wamids = wamids(3);
    let server = start_failing(binary, &database, &wamids).await;
    // By another program, while the server runs.
    let engine = WebhookEngine::new(SqliteStore::open(&database).unwrap());
    let user = Identity::from_phone("15550101001").unwrap();
    let erased = engine.tenant("102290129340398").erase(&user).unwrap();
    assert_eq!(
        (erased.events, erased.messages, erased.is_complete()),
        (3, 3, true)
    );
    for file in std::fs::read_dir(folder.path()).unwrap() {
        let path = file.unwrap().path();
        let content = String::from_utf8_lossy(&std::fs::read(&path).unwrap()).into_owned();
        for personal in ["15550101001", "Ada Okafor", "Is it ready"] {
            assert!(
                !content.contains(personal),
                "{personal} in {}",
                path.display()
            );
        }
    }
    // Meta's repetition.
    send_all(&client, &server, &wamids).await;
    wait_for(&client, &server, |backlog| backlog["open"] == 0).await;
    assert!(server.stop().is_empty());

    let server = Server::start_command(background(binary, &database));
    send_all(&client, &server, &["wamid.new".to_owned()]).await;
    wait_for(&client, &server, |backlog| backlog["open"] == 0).await;
    assert_eq!(server.stop(), once(["wamid.new"]));
}

pub async fn a_thousand_at_once_are_each_received_once(binary: &str) {
    let folder = TempDir::new().unwrap();
    let server = Server::start(binary, &folder.path().join("store.db"));
    let client = Client::new();
    let mut requests = JoinSet::new();
    for wamid in wamids(1000) {
        let (client, server, body) = (client.clone(), server.url().to_owned(), body(&wamid));
        requests.spawn(async move {
            let signature = Some(sign(&body));
            send(&client, &server, body, signature).await.unwrap()
        });
    }
    let answers = requests.join_all().await;
    assert_eq!(answers, [200; 1000]);
    assert_eq!(server.stop(), once(wamids(1000).iter().map(String::as_str)));
}

pub async fn a_stop_under_load_loses_and_repeats_no_event(binary: &str) {
    let folder = TempDir::new().unwrap();
    stop_under_load(binary, &folder.path().join("store.db")).await;
}

/// Stops a server under load, and sends all of it again to a new one.
pub async fn stop_under_load(binary: &str, database: &Path) {
    let server = Server::start(binary, database);
    let answered = load(&server, Signal::TERM).await;
    let (status, mut printed) = server.wait();
    assert!(status.success(), "{status}");
    for wamid in &answered {
        assert_eq!(printed.get(&key(wamid)), Some(&1), "{wamid} was answered");
    }
    add(&mut printed, deliver_all(binary, database).await);
    assert_eq!(printed, once(wamids(LOAD).iter().map(String::as_str)));
}

pub async fn a_stop_answers_complete_requests_and_drops_incomplete_ones(binary: &str) {
    let folder = TempDir::new().unwrap();
    let server = Server::start(binary, &folder.path().join("store.db"));
    let slow = Request::begin(&server, &body("wamid.SLOW"));
    let never = Request::begin(&server, &body("wamid.NEVER"));
    // The server has received them once it has answered a later request.
    deliver(&Client::new(), server.url(), &body("wamid.A")).await;
    server.signal(Signal::TERM);
    tokio::time::sleep(Duration::from_millis(300)).await;
    assert_eq!(slow.end(), 200);
    let began = Instant::now();
    let (_, printed) = server.wait();
    assert!(began.elapsed() < Duration::from_secs(30), "it has ended");
    assert_eq!(printed, once(["wamid.A", "wamid.SLOW"]));
    drop(never);
}

pub async fn a_kill_under_load_loses_no_event_and_repeats_no_answered_one(binary: &str) {
    let folder = TempDir::new().unwrap();
    let database = folder.path().join("store.db");
    let server = Server::start(binary, &database);
    let answered = load(&server, Signal::KILL).await;
    let (status, mut printed) = server.wait();
    assert!(!status.success());
    add(&mut printed, deliver_all(binary, &database).await);
    for wamid in wamids(LOAD) {
        let times = printed.get(&key(&wamid)).copied().unwrap_or(0);
        let most = if answered.contains(&wamid) { 1 } else { 2 };
        assert!((1..=most).contains(&times), "{wamid}: {times} times");
    }
}

pub async fn a_missing_setting_is_named(binary: &str) {
    let folder = TempDir::new().unwrap();
    let database = folder.path().join("store.db");
    for (name, value, said) in [
        ("META_APP_SECRET", "", "META_APP_SECRET is not set"),
        ("META_APP_SECRET", "a,", "the app secret is empty"),
        ("META_VERIFY_TOKEN", "", "META_VERIFY_TOKEN is not set"),
        ("DATABASE", "", "DATABASE is not set"),
        ("PORT", "http", "expected a port in PORT"),
        ("ANSWER", "later", "expected delivered or stored in ANSWER"),
        ("TEND", "maybe", "expected yes or no in TEND"),
        ("TEND", "no", "TEND=no needs ANSWER=stored"),
    ] {
        let output = command(binary, &database)
            .env(name, value)
            .output()
            .unwrap();
        let errors = String::from_utf8(output.stderr).unwrap();
        assert!(
            !output.status.success() && errors.contains(said),
            "{errors}"
        );
        assert!(!errors.contains(SECRET), "{errors}");
    }
}

/// The number of webhooks of a load.
const LOAD: usize = 1500;

fn wamids(count: usize) -> Vec<String> {
    (0..count).map(|item| format!("wamid.{item}")).collect()
}

/// Sends many webhooks, 64 at a time, and the signal amid them. Returns those that were answered with
/// 200.
async fn load(server: &Server, signal: Signal) -> HashSet<String> {
    let client = Client::new();
    let queue = Arc::new((wamids(LOAD), AtomicUsize::new(0), AtomicUsize::new(0)));
    let mut senders = JoinSet::new();
    for _ in 0..64 {
        let (client, server, queue) = (client.clone(), server.url().to_owned(), queue.clone());
        senders.spawn(async move {
            let (wamids, next, count) = &*queue;
            let mut answered = Vec::new();
            while let Some(wamid) = wamids.get(next.fetch_add(1, Ordering::Relaxed)) {
                let body = body(wamid);
                let signature = Some(sign(&body));
                if let Ok(200) = send(&client, &server, body, signature).await {
                    count.fetch_add(1, Ordering::Relaxed);
                    answered.push(wamid.clone());
                }
            }
            answered
        });
    }
    let (_, next, count) = &*queue;
    while count.load(Ordering::Relaxed) < LOAD / 3 && next.load(Ordering::Relaxed) < LOAD {
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    server.signal(signal);
    let answered: HashSet<String> = senders.join_all().await.into_iter().flatten().collect();
    assert!(
        (LOAD / 3..LOAD).contains(&answered.len()),
        "{}",
        answered.len()
    );
    answered
}

/// Sends all webhooks of a load again to a new server, and returns its output.
async fn deliver_all(binary: &str, database: &Path) -> Printed {
    let server = Server::start(binary, database);
    let client = Client::new();
    let mut senders = JoinSet::new();
    for chunk in wamids(LOAD).chunks(100) {
        let (client, url, chunk) = (client.clone(), server.url().to_owned(), chunk.to_vec());
        senders.spawn(async move {
            for wamid in chunk {
                deliver(&client, &url, &body(&wamid)).await;
            }
        });
    }
    senders.join_all().await;
    server.stop()
}

fn add(printed: &mut Printed, more: Printed) {
    for (key, times) in more {
        *printed.entry(key).or_default() += times;
    }
}
