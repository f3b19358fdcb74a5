//! `web` and `worker` as processes, with a real NATS server between them.

#[allow(dead_code, reason = "a part of it is used here")]
#[path = "end_to_end/meta.rs"]
mod meta;
#[path = "../../../nats/tests/support/mod.rs"]
mod nats;
#[allow(dead_code, reason = "a part of it is used here")]
#[path = "end_to_end/server.rs"]
mod server;

use std::path::Path;
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use meta::{body, key, send, sign};
use parking_lot::RwLock;
use reqwest::Client;
use rustix::process::Signal;
use server::{Printed, Server, command};
use tempfile::TempDir;
use tokio::task::JoinSet;
use tokio::time::sleep;
use whatsapp_signals_nats::{DeadLetters, StreamConfig};

/// Starts a program with the URL of the NATS server.
fn program(binary: &str, database: &Path, nats: &nats::Server) -> Command {
    let mut command = command(binary, database);
    command.env("NATS_URL", nats.url());
    command
}

fn web(folder: &TempDir, nats: &nats::Server) -> Server {
    let command = program(env!("CARGO_BIN_EXE_web"), folder.path(), nats);
    Server::start_command(command)
}

fn worker(folder: &TempDir, nats: &nats::Server) -> Server {
    let database = folder.path().join("store.db");
    Server::start_command(program(env!("CARGO_BIN_EXE_worker"), &database, nats))
}

#[tokio::test(flavor = "multi_thread")]
async fn kills_of_web_servers_lose_no_event_and_repeat_none() {
    const COUNT: usize = 1500;
    let Some(nats) = nats::Server::start() else {
        return;
    };
    let folder = TempDir::new().unwrap();
    let mut running = web(&folder, &nats);
    let workers = [(); 2].map(|()| worker(&folder, &nats));
    let url = Arc::new(RwLock::new(running.url().to_owned()));
    let (next, taken) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
    let mut senders = JoinSet::new();
    for _ in 0..32 {
        let (url, next, taken) = (url.clone(), next.clone(), taken.clone());
        senders.spawn(async move {
            let client = Client::new();
            while let number = next.fetch_add(1, Ordering::Relaxed)
                && number < COUNT
            {
                // Repeats the webhook until the answer is 200, as Meta does.
                let body = body(&format!("wamid.{number}"));
                loop {
                    let now = url.read().clone();
                    let signature = Some(sign(&body));
                    if let Ok(200) = send(&client, &now, body.clone(), signature).await {
                        break;
                    }
                    sleep(Duration::from_millis(20)).await;
                }
                taken.fetch_add(1, Ordering::Relaxed);
            }
        });
    }
    for kill in 1..=3 {
        let some = || async { taken.load(Ordering::Relaxed) >= COUNT * kill / 4 };
        nats::until("some more are taken", some).await;
        running.signal(Signal::KILL);
        assert!(!running.wait().0.success());
        running = web(&folder, &nats);
        running.url().clone_into(&mut url.write());
    }
    senders.join_all().await;
    let done = || async { nats.is_idle("WA").await };
    nats::until("all is done", done).await;
    assert!(running.stop().is_empty());
    let mut printed = Printed::new();
    for worker in workers {
        for (key, times) in worker.stop() {
            *printed.entry(key).or_default() += times;
        }
    }
    let expected = (0..COUNT).map(|number| (key(&format!("wamid.{number}")), 1));
    assert_eq!(printed, expected.collect());
}

#[tokio::test(flavor = "multi_thread")]
async fn only_signed_bodies_are_published() {
    let Some(nats) = nats::Server::start() else {
        return;
    };
    let folder = TempDir::new().unwrap();
    let web = web(&folder, &nats);
    let client = Client::new();
    let (good, broken) = (body("wamid.A"), r#"{"object":"whatsapp_business_account"}"#);
    for (body, signature, status) in [
        (good.clone(), Some(sign(&good)), 200),
        (good.clone(), Some(sign(&good)), 200),
        (good.replace("ready", "stolen"), Some(sign(&good)), 401),
        (good.clone(), None, 401),
        (broken.into(), Some(sign(broken)), 200),
    ] {
        let answer = send(&client, web.url(), body, signature).await.unwrap();
        assert_eq!(answer, status);
    }
    for (query, status) in [
        (
            "hub.mode=subscribe&hub.challenge=11&hub.verify_token=a%20token+%26%20more",
            200,
        ),
        (
            "hub.mode=subscribe&hub.challenge=11&hub.verify_token=guess",
            403,
        ),
    ] {
        let answer = client
            .get(format!("{}?{query}", web.url()))
            .send()
            .await
            .unwrap();
        assert_eq!(answer.status().as_u16(), status);
    }
    assert_eq!(nats.count("WA").await, 1);
    let stream = nats.stream(StreamConfig::new()).await;
    let letters = DeadLetters::of(&stream)
        .await
        .unwrap()
        .list(9)
        .await
        .unwrap();
    assert_eq!(&letters[0].payload[..], broken.as_bytes());
    web.stop();
}

#[tokio::test(flavor = "multi_thread")]
async fn without_nats_the_web_server_answers_503() {
    let Some(mut nats) = nats::Server::start() else {
        return;
    };
    let folder = TempDir::new().unwrap();
    let web = web(&folder, &nats);
    let (client, body) = (Client::new(), body("wamid.A"));
    nats.kill();
    let began = Instant::now();
    let answer = send(&client, web.url(), body.clone(), Some(sign(&body)))
        .await
        .unwrap();
    assert_eq!(answer, 503);
    assert!(
        began.elapsed() < Duration::from_secs(9),
        "before Meta gives up"
    );
    nats.restart();
    let taken = || async {
        send(&client, web.url(), body.clone(), Some(sign(&body)))
            .await
            .unwrap()
            == 200
    };
    nats::until("it is taken", taken).await;
    assert_eq!(nats.count("WA").await, 1);
    web.stop();
}
