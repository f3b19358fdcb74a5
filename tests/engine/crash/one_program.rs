//! One program is started again with the same body: no event is lost, and no receiver that is in
//! a checkpoint runs again.

use std::collections::HashMap;
use std::env;
use std::fs::{self, File, OpenOptions};
use std::io::Write;
use std::path::Path;
use std::thread;
use std::time::{Duration, SystemTime};

use whatsapp_signals::event::MessageReceived;
use whatsapp_signals::signals::MESSAGE_RECEIVED;
use whatsapp_signals::store::{EventState, Fingerprint, LoadQuery, ReceiverState};
use whatsapp_signals::{BoxError, ConnectOptions, Context, Event, WebhookEngine};

use super::programs::{FOLDER, random, start, wait, wanted_kills};
use crate::support::engines::records;
use crate::support::folder::Folder;
use crate::support::messages::messages;
use crate::support::{rows, stores};

const ITEMS: usize = 1000;

fn a(event: &MessageReceived) -> Result<(), BoxError> {
    write_effect("a", event)
}

/// Has the same effect when it runs twice, as the docs of the engine advise: one file.
fn b(event: &MessageReceived) -> Result<(), BoxError> {
    let ledger = Path::new(&env::var(FOLDER)?).join("ledger");
    File::create(ledger.join(event.dedup_key()))?;
    write_effect("b", event)
}

/// Writes one line, by one write: it is in the file as soon as that returns, whether the program is
/// killed or not.
fn write_effect(receiver: &str, event: &MessageReceived) -> Result<(), BoxError> {
    let path = Path::new(&env::var(FOLDER)?).join("effects");
    let mut effects = OpenOptions::new().create(true).append(true).open(path)?;
    effects.write_all(format!("{receiver} {}\n", event.dedup_key()).as_bytes())?;
    thread::sleep(Duration::from_micros(20));
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

/// Not a test: the program that is killed. It exits once the body is done.
#[test]
fn child() {
    let Ok(folder) = env::var(FOLDER) else {
        return;
    };
    let folder = Path::new(&folder);
    let body = fs::read(folder.join("body")).unwrap();
    let store = stores::open_shared(folder, SystemTime::now);
    let engine = WebhookEngine::new(store).context(receivers());
    let engine = engine.lease(Duration::from_millis(30));
    let engine = engine.backoff(Duration::ZERO, Duration::ZERO);
    while engine.process(&body).unwrap().should_retry() {
        thread::sleep(Duration::from_millis(3)); // as Meta does, but sooner
    }
}

/// Returns the number of runs by `receiver key`.
fn effects(folder: &Folder) -> HashMap<String, usize> {
    let effects = fs::read_to_string(folder.file("effects")).unwrap_or_default();
    let mut counts = HashMap::new();
    for line in effects.lines() {
        *counts.entry(line.to_owned()).or_default() += 1;
    }
    counts
}

/// Returns the successes that the store has, as `receiver key`.
fn marks(folder: &Folder, keys: &[String]) -> Vec<String> {
    stores::check_shared(folder);
    let mut marks = Vec::new();
    let store = stores::open_shared(folder.path(), SystemTime::now);
    let mut wanted = LoadQuery::default();
    wanted
        .events
        .extend(keys.iter().map(|key| Fingerprint::of(key)));
    let loaded = rows::load(&store, &wanted);
    for key in keys {
        let event = Fingerprint::of(key);
        let Some(webhook) = loaded.events[&event] else {
            continue;
        };
        let webhook = loaded.webhooks.get(&webhook).and_then(Option::as_ref);
        let is_closed = webhook.is_none_or(|webhook| webhook.row.open == 0);
        let progress = loaded.progress.get(&event).and_then(Option::as_ref);
        let is_finished = progress.is_some_and(|row| row.state == EventState::Finished);
        let succeeded = progress.map(|row| rows::receivers(row, ReceiverState::Succeeded));
        let succeeded = succeeded.unwrap_or_default();
        for receiver in ["a", "b"] {
            if is_closed || is_finished || succeeded.contains(&receiver) {
                marks.push(format!("{receiver} {key}"));
            }
        }
    }
    marks
}

#[test]
fn nothing_is_lost_and_no_receiver_with_a_checkpoint_runs_again() {
    let folder = Folder::new();
    if env::var(FOLDER).is_ok() || !stores::create_shared(&folder) {
        return;
    }
    let wanted = wanted_kills();
    fs::create_dir(folder.file("ledger")).unwrap();
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
            let mut child = start(&folder, module_path!(), "child", "");
            let ended = wait(&mut child, random(time));
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
            for mark in marks(&folder, &keys) {
                let count = effects.get(&mark).copied().unwrap_or_default();
                assert!(count > 0, "{mark} is marked, and never ran");
                marked.insert(mark, count);
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
        let engine = WebhookEngine::new(stores::open_shared(folder.path(), SystemTime::now));
        assert_eq!(engine.webhooks(None, 9).unwrap(), [], "nothing is left");
        let ledger = fs::read_dir(folder.file("ledger")).unwrap().count();
        assert_eq!(ledger, first, "an effect for each event, and one only");
        let (_, unread) = records(&engine).unread_counts().unwrap().remove(0);
        assert_eq!(unread, u64::try_from(first).unwrap(), "stored once");
    }
    println!(
        "{kills} kills, {in_the_middle} of them with part of the body marked; \
        {repeated} receivers ran again that were not marked yet"
    );
    assert!(in_the_middle > 0, "no kill came in the middle");
}
