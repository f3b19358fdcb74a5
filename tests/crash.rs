//! A program that is killed while it handles a webhook, again and again, and
//! started anew with the same body: nothing is lost, and what was marked is
//! never done twice.
//!
//! `CRASH_KILLS=100` kills it a hundred times; 25 unless given.
#![cfg(feature = "sqlite")]
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod support;

use std::collections::HashMap;
use std::fs::{self, OpenOptions};
use std::hash::{BuildHasher, Hasher, RandomState};
use std::io::Write;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};
use std::{env, thread};

use parking_lot::Mutex;
use rusqlite::Connection;
use support::batch::messages;
use support::folder::Folder;
use whatsapp_signals::event::MessageReceived;
use whatsapp_signals::signals::MESSAGE_RECEIVED;
use whatsapp_signals::store::{Mode, Progress, SqliteStore, Store, StoreExt};
use whatsapp_signals::{BoxError, Event, WebhookEngine, receiver};

/// Where the child finds its store and writes what its receivers did.
const FOLDER: &str = "WHATSAPP_SIGNALS_CRASH_FOLDER";

const ITEMS: usize = 1000;

#[receiver(MESSAGE_RECEIVED, order = 1, uid = "a")]
fn a(event: &MessageReceived) -> Result<(), BoxError> {
    write_effect("a", event)
}

/// What this one does comes to the same when it is done twice, as the docs of
/// the engine advise: its effect is in the ledger once.
#[receiver(MESSAGE_RECEIVED, order = 2, uid = "b")]
fn b(event: &MessageReceived) -> Result<(), BoxError> {
    static LEDGER: Mutex<Option<Connection>> = Mutex::new(None);
    let mut ledger = LEDGER.lock();
    if ledger.is_none() {
        *ledger = Some(open_ledger(Path::new(&env::var(FOLDER)?))?);
    }
    if let Some(ledger) = &*ledger {
        let sql = "INSERT INTO ledger VALUES (?1) ON CONFLICT DO NOTHING";
        ledger.prepare_cached(sql)?.execute([event.dedup_key()])?;
    }
    write_effect("b", event)
}

fn open_ledger(folder: &Path) -> rusqlite::Result<Connection> {
    let ledger = Connection::open(folder.join("ledger.db"))?;
    ledger.busy_timeout(Duration::from_secs(5))?;
    ledger.execute_batch(
        "PRAGMA journal_mode = WAL; PRAGMA synchronous = OFF;
        CREATE TABLE IF NOT EXISTS ledger (key TEXT PRIMARY KEY) WITHOUT ROWID;",
    )?;
    Ok(ledger)
}

/// One line, by one write: it is in the file as soon as that returns, whatever
/// becomes of the program.
fn write_effect(receiver: &str, event: &MessageReceived) -> Result<(), BoxError> {
    let path = Path::new(&env::var(FOLDER)?).join("effects");
    let mut effects = OpenOptions::new().create(true).append(true).open(path)?;
    effects.write_all(format!("{receiver} {}\n", event.dedup_key()).as_bytes())?;
    thread::sleep(Duration::from_micros(20));
    Ok(())
}

/// Not a test: the program that is killed. It exits once the body is done.
#[test]
fn child() {
    let Ok(folder) = env::var(FOLDER) else {
        return;
    };
    let folder = Path::new(&folder);
    let body = fs::read(folder.join("body")).unwrap();
    let store = SqliteStore::open(folder.join("store.db")).unwrap();
    let engine = WebhookEngine::new(store).lease(Duration::from_millis(30));
    while engine.process(&body).unwrap().should_retry() {
        thread::sleep(Duration::from_millis(3)); // as Meta does, but sooner
    }
}

fn start(folder: &Folder) -> Child {
    Command::new(env::current_exe().unwrap())
        .args(["--exact", "child"])
        .env(FOLDER, folder.path())
        .stdout(Stdio::null())
        .spawn()
        .unwrap()
}

/// How often each receiver has handled each event, by `receiver key`.
fn effects(folder: &Folder) -> HashMap<String, usize> {
    let effects = fs::read_to_string(folder.file("effects")).unwrap_or_default();
    let mut counts = HashMap::new();
    for line in effects.lines() {
        *counts.entry(line.to_owned()).or_default() += 1;
    }
    counts
}

/// What is marked as done in the store, as `receiver key`.
fn marks(folder: &Folder, keys: &[String]) -> Vec<String> {
    let path = folder.file("store.db");
    let check = Connection::open(&path).unwrap();
    let check: String = check
        .query_row("PRAGMA integrity_check", [], |row| row.get(0))
        .unwrap();
    assert_eq!(check, "ok");

    let mut marks = Vec::new();
    let store = SqliteStore::open(&path).unwrap();
    store
        .transact(Mode::Read, &mut |tx| {
            for key in keys {
                let Some(event) = tx.event(key)? else {
                    continue;
                };
                let webhook = tx.webhook(event.webhook)?;
                let is_closed = webhook.is_none_or(|webhook| webhook.open == 0);
                let is_over = event.progress == Progress::Finished || is_closed;
                for receiver in ["a", "b"] {
                    if is_over || event.done.iter().any(|done| done == receiver) {
                        marks.push(format!("{receiver} {key}"));
                    }
                }
            }
            Ok(())
        })
        .unwrap();
    marks
}

/// Some time below the given one.
fn random(below: Duration) -> Duration {
    let random = RandomState::new().build_hasher().finish();
    Duration::from_micros(random % u64::try_from(below.as_micros()).unwrap())
}

#[test]
fn nothing_is_lost_and_what_is_marked_is_not_done_again() {
    if env::var(FOLDER).is_ok() {
        return; // the child has this test too
    }
    let wanted = env::var("CRASH_KILLS").map_or(25, |kills| kills.parse().unwrap());
    let folder = Folder::new();
    let (mut kills, mut repeated, mut in_the_middle) = (0, 0, 0);
    let mut first = 0;
    while kills < wanted {
        let numbers = first..first + ITEMS;
        first += ITEMS;
        let keys: Vec<_> = numbers
            .clone()
            .map(|number| format!("message_received:wamid.{number}:text:number=300"))
            .collect();
        fs::write(folder.file("body"), messages(numbers)).unwrap();
        let _ = fs::remove_file(folder.file("effects"));

        // It is killed until it is done; the time that it gets suits its speed.
        let mut time = Duration::from_millis(150);
        let mut marked: HashMap<String, usize> = HashMap::new();
        loop {
            let mut child = start(&folder);
            let until = Instant::now() + random(time);
            let ended = loop {
                if let Some(status) = child.try_wait().unwrap() {
                    assert!(status.success(), "{status}");
                    break true;
                }
                if Instant::now() >= until {
                    break false;
                }
                thread::sleep(Duration::from_micros(200));
            };
            if !ended {
                child.kill().unwrap();
                child.wait().unwrap();
                kills += 1;
                time += Duration::from_millis(20);
            }
            let effects = effects(&folder);
            for (mark, before) in &marked {
                assert_eq!(effects[mark], *before, "{mark} was marked, and ran again");
            }
            if fs::exists(folder.file("store.db")).unwrap() {
                for mark in marks(&folder, &keys) {
                    let count = effects.get(&mark).copied().unwrap_or_default();
                    assert!(count > 0, "{mark} is marked, and never ran");
                    marked.insert(mark, count);
                }
            }
            if ended {
                break;
            }
            in_the_middle += usize::from(!marked.is_empty() && marked.len() < 2 * ITEMS);
        }

        let effects = effects(&folder);
        assert_eq!(effects.len(), 2 * ITEMS, "every receiver had every event");
        assert_eq!(marked.len(), 2 * ITEMS, "and is marked");
        repeated += effects.values().sum::<usize>() - effects.len();
        let store = SqliteStore::open(folder.file("store.db")).unwrap();
        assert_eq!(store.webhooks(None, 9).unwrap(), [], "nothing is left");
        let ledger: usize = open_ledger(folder.path())
            .unwrap()
            .query_row("SELECT count(*) FROM ledger", [], |row| row.get(0))
            .unwrap();
        assert_eq!(ledger, first, "an effect for each event, and one only");
        let (_, unread) = store.unread_counts().unwrap().remove(0);
        assert_eq!(unread, u64::try_from(first).unwrap(), "stored once");
    }
    println!(
        "{kills} kills, {in_the_middle} of them with part of the body marked; \
        {repeated} receivers ran again that were not marked yet"
    );
    assert!(in_the_middle > 0, "no kill came in the middle");
}
