//! Programs that are killed while they handle webhooks, again and again.
//!
//! - One program is started again with the same body: no event is lost, and no receiver that is
//!   in a checkpoint runs again.
//! - Three programs share a file, and their bodies and clocks differ: each repetition of a
//!   receiver is explained by a kill.
//! - Three programs that deliver in order share a file: the events of each user come one after the
//!   other, in their order.
//!
//! `CRASH_KILLS=100` kills a hundred times in each test (default: 25).
#![cfg(feature = "sqlite")]
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod support;

use std::collections::{HashMap, HashSet};
use std::fs::{self, File, OpenOptions};
use std::future::pending;
use std::hash::{BuildHasher, Hasher, RandomState};
use std::io::Write;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::OnceLock;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};
use std::{env, mem, panic, thread};

use parking_lot::Mutex;
use rusqlite::Connection;
use support::engines::records;
use support::folder::Folder;
use support::messages::messages;
use support::rows;
use whatsapp_signals::event::{MessageReceived, MessageStatusChanged};
use whatsapp_signals::signals::{MESSAGE_RECEIVED, MESSAGE_STATUS_CHANGED};
use whatsapp_signals::store::{
    EventState, Fingerprint, ReceiverState, SqliteOptions, SqliteStore, Store, Wanted, WebhookQuery,
};
use whatsapp_signals::{BoxError, Context, Event, WebhookEngine, parse, receiver, testing};

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
    let engine = engine.backoff(Duration::ZERO, Duration::ZERO);
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
    let mut wanted = Wanted::default();
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

/// Waits for a program no longer than this, and returns whether it has ended.
fn wait(program: &mut Child, longest: Duration) -> bool {
    let until = Instant::now() + longest;
    loop {
        if let Some(status) = program.try_wait().unwrap() {
            assert!(status.success(), "{status}");
            return true;
        }
        if Instant::now() >= until {
            return false;
        }
        thread::sleep(Duration::from_micros(200));
    }
}

fn wanted_kills() -> usize {
    env::var("CRASH_KILLS").map_or(25, |kills| kills.parse().unwrap())
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
    let wanted = wanted_kills();
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
        let engine = WebhookEngine::new(SqliteStore::open(folder.file("store.db")).unwrap());
        assert_eq!(engine.webhooks(None, 9).unwrap(), [], "nothing is left");
        let ledger: u32 = open_ledger(folder.path())
            .unwrap()
            .query_row("SELECT count(*) FROM ledger", [], |row| row.get(0))
            .unwrap();
        let ledger = usize::try_from(ledger).unwrap();
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

/// The settings of a program that shares its file: its role and number, the start of the test in
/// microseconds since 1970, and the seconds by which its clock is ahead.
const SHARER: &str = "WHATSAPP_SIGNALS_CRASH_SHARER";

/// The roles of the three programs, and how far their clocks are ahead. The second clock jumps
/// back to the right time while the first body is handled.
///
/// A clock that is ahead takes the leases of others for ended. So a program with such a clock
/// handles only bodies of its own, each once.
const ROLES: [(&str, u64); 3] = [("right", 0), ("jumps", 3 * 3600), ("ahead", 2 * 3600)];

/// Other programs wait for the commit of a large body: some 100 ms in a debug build, and longer
/// on a busy machine. A lease that ends in this time would repeat runs without a kill.
const LEASE: Duration = Duration::from_secs(1);

/// The longest time of a success without a checkpoint, in microseconds.
const UNCONFIRMED: u64 = 10_000;

/// The number of messages that two bodies share. They belong to one webhook, whose events are
/// delivered one after the other; a program that tends runs several webhooks at once.
const BLOCK: usize = 20;

/// The number of async receivers: they start together, with one checkpoint before them. A program
/// may be suspended between a checkpoint that is not due yet and their start.
const STARTED_TOGETHER: usize = 2;

static LOG: OnceLock<File> = OnceLock::new();

/// Returns the microseconds since 1970.
fn micros() -> u64 {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
    u64::try_from(now.as_micros()).unwrap()
}

/// Returns true in one of `n` calls, at random.
fn one_in(n: u64) -> bool {
    random(Duration::from_micros(n)).is_zero()
}

fn open_log(folder: &Path, number: u64) {
    let log = folder.join(format!("log-{number}"));
    let log = OpenOptions::new().create(true).append(true).open(log);
    LOG.set(log.unwrap()).unwrap();
}

/// Writes one line, by one write, to the log of this program.
fn write_log(line: &str) {
    let line = format!("{} {line}\n", micros());
    LOG.get().unwrap().write_all(line.as_bytes()).unwrap();
}

/// Ends a run: some of them fail, and some panic.
fn end(receiver: &str, key: &str) -> Result<(), BoxError> {
    if receiver != "steady" && one_in(16) {
        write_log(&format!("failed {receiver} {key}"));
        if one_in(2) {
            panic::resume_unwind(Box::new("on purpose")); // without a message
        }
        return Err("on purpose".into());
    }
    write_log(&format!("succeeded {receiver} {key}"));
    Ok(())
}

fn run(receiver: &str, event: &impl Event) -> Result<(), BoxError> {
    let key = event.dedup_key();
    write_log(&format!("began {receiver} {key}"));
    if receiver == "slow" && one_in(16) {
        thread::sleep(random(LEASE / 20));
    }
    end(receiver, &key)
}

async fn run_async(receiver: &str, event: &MessageReceived) -> Result<(), BoxError> {
    let key = event.dedup_key();
    write_log(&format!("began {receiver} {key}"));
    let longest = if one_in(16) { LEASE / 20 } else { LEASE / 1000 };
    tokio::time::sleep(random(longest)).await;
    end(receiver, &key)
}

const MESSAGE_RECEIVERS: [&str; 5] = ["steady", "failing", "slow", "waiting", "forwarding"];

/// Returns a context with the receivers of the programs that share a file.
fn sharing_receivers() -> Context {
    fn steady(event: &MessageReceived) -> Result<(), BoxError> {
        run("steady", event)
    }
    fn failing(event: &MessageReceived) -> Result<(), BoxError> {
        run("failing", event)
    }
    fn slow(event: &MessageReceived) -> Result<(), BoxError> {
        run("slow", event)
    }
    fn status(event: &MessageStatusChanged) -> Result<(), BoxError> {
        run("status", event)
    }
    async fn waiting(event: &MessageReceived) -> Result<(), BoxError> {
        run_async("waiting", event).await
    }
    async fn forwarding(event: &MessageReceived) -> Result<(), BoxError> {
        run_async("forwarding", event).await
    }
    let context = Context::new().only_own_receivers();
    // Each is known by its path.
    context.connect(&MESSAGE_RECEIVED, steady);
    context.connect(&MESSAGE_RECEIVED, failing);
    context.connect(&MESSAGE_RECEIVED, slow);
    context.connect(&MESSAGE_RECEIVED, waiting);
    context.connect(&MESSAGE_RECEIVED, forwarding);
    context.connect(&MESSAGE_STATUS_CHANGED, status);
    context
}

/// Returns a body of messages, half of which are in the next one, too; or of more statuses than
/// are claimed in one commit.
fn body_of(kind: &str, first: usize) -> Vec<u8> {
    if kind == "messages" {
        return messages(first..first + 2 * BLOCK);
    }
    let status = |number| testing::read(format!("wamid.{number}")).without_contact();
    let statuses = (first..first + 2500).map(status);
    let statuses = statuses.map(|status| status.waba("900").to_number("300", "15550100200"));
    testing::batch(statuses).body()
}

/// Not a test: a program that shares its file with others. It runs until it is killed; the last
/// one, until nothing is unfinished.
#[tokio::test]
async fn sharer() {
    let Ok(settings) = env::var(SHARER) else {
        return;
    };
    let mut settings = settings.split(' ');
    let role = settings.next().unwrap();
    let mut next = || settings.next().unwrap().parse::<u64>().unwrap();
    let (number, since, ahead) = (next(), next(), next());
    let folder = env::var(FOLDER).unwrap();
    let folder = Path::new(&folder);
    open_log(folder, number);

    let jump = if role == "jumps" { 150_000 } else { u64::MAX };
    let jump = micros().saturating_add(jump);
    let ahead = move || if micros() < jump { ahead } else { 0 };
    let clock = move || SystemTime::now() + Duration::from_secs(ahead());
    let store = SqliteOptions::new().clock(clock);
    let engine = WebhookEngine::new(store.open(folder.join("store.db")).unwrap())
        .context(sharing_receivers())
        .lease(LEASE)
        .max_attempts(1_000_000)
        .backoff(Duration::from_millis(1), Duration::from_millis(10))
        .tended(true)
        .timer(|duration| Box::pin(tokio::time::sleep(duration)));
    let retry = async || match engine.retry_unfinished_async().await {
        Ok(outcome) => outcome.unfinished(),
        Err(error) => {
            assert_eq!(error.http_status(), 503, "{error}");
            1
        }
    };
    if role == "last" {
        while retry().await > 0 {
            thread::sleep(Duration::from_millis(10));
        }
        return;
    }
    let mut own = usize::try_from(number + 1).unwrap() * 1_000_000;
    loop {
        let is_ahead = ahead() > 0;
        let kind = match role {
            "ahead" if one_in(2) => "statuses",
            _ => "messages",
        };
        let first = if is_ahead {
            own += 2500;
            own
        } else {
            // All programs with the right time have the same body at the same time.
            usize::try_from((micros() - since) / 100_000).unwrap() * BLOCK
        };
        let body = body_of(kind, first);
        let answer = if one_in(3) {
            engine.accept_async(&body).await
        } else {
            engine.process_async(&body).await
        };
        match answer {
            Ok(_) => write_log(&format!("answered {kind} {first}")),
            Err(error) => assert_eq!(error.http_status(), 503, "{error}"),
        }
        if is_ahead {
            continue;
        }
        if one_in(2) {
            retry().await;
        } else if let Err(error) = engine.tend_async(pending()).await {
            assert_eq!(error.http_status(), 503, "{error}");
        }
    }
}

/// Starts a program: one of the functions of this file.
fn share(folder: &Folder, program: &str, settings: &str) -> Child {
    Command::new(env::current_exe().unwrap())
        .args(["--exact", program])
        .env(FOLDER, folder.path())
        .env(SHARER, settings)
        .stdout(Stdio::null())
        .spawn()
        .unwrap()
}

/// Kills a program, and notes when.
fn kill_program(number: usize, mut program: Child, deaths: &mut [u64]) {
    let ended = program.try_wait().unwrap();
    assert_eq!(ended, None, "a program ended before it was killed");
    deaths[number] = micros();
    program.kill().unwrap();
    program.wait().unwrap();
}

/// A run of a receiver for an event.
#[derive(Debug)]
struct Run {
    program: usize,
    began: u64,
    /// When it ended, and whether it succeeded.
    end: Option<(u64, bool)>,
}

/// The logs of all programs.
#[derive(Default)]
struct Logs {
    /// The runs by `receiver key`.
    runs: HashMap<String, Vec<Run>>,
    /// When runs began, and their blocks, by program.
    starts: Vec<Vec<(u64, usize)>>,
    /// The kind and the first number of each body that was answered.
    answered: HashSet<(String, usize)>,
}

fn read_logs(folder: &Folder, programs: usize) -> Logs {
    let mut logs = Logs::default();
    for program in 0..programs {
        let mut starts = Vec::new();
        let log = fs::read_to_string(folder.file(&format!("log-{program}")));
        for line in log.unwrap_or_default().lines() {
            let mut words = line.splitn(3, ' ');
            let mut next = || words.next().unwrap();
            let (began, word, name) = (next().parse().unwrap(), next(), next());
            if word == "answered" {
                let (kind, first) = name.split_once(' ').unwrap();
                let body = (kind.to_owned(), first.parse().unwrap());
                logs.answered.insert(body);
                continue;
            }
            let runs = logs.runs.entry(name.to_owned()).or_default();
            if word == "began" {
                starts.push((began, block_of(name)));
                let end = None;
                runs.push(Run {
                    program,
                    began,
                    end,
                });
            } else {
                let run = runs.last_mut().filter(|run| run.program == program);
                run.unwrap().end = Some((began, word == "succeeded"));
            }
        }
        logs.starts.push(starts);
    }
    for runs in logs.runs.values_mut() {
        runs.sort_by_key(|run| run.began);
    }
    logs
}

/// Returns the block of messages that a run belongs to.
fn block_of(name: &str) -> usize {
    let (_, number) = name.split_once("wamid.").unwrap();
    let number = number.split(':').next().unwrap();
    number.parse::<usize>().unwrap() / BLOCK
}

/// Checks that each run that followed another is explained by a failure or a kill, and returns
/// the number of runs that followed a success. `deaths` has the times of the kills, by program.
fn explain_repetitions(logs: &Logs, deaths: &[u64]) -> usize {
    let mut repeated = 0;
    for (name, runs) in &logs.runs {
        let is_handled = runs.iter().any(|run| run.end.is_some_and(|end| end.1));
        assert!(is_handled, "{name} is lost");
        let pairs = runs.iter().enumerate();
        let pairs = pairs.flat_map(|(at, run)| runs[..at].iter().map(move |before| (before, run)));
        for (before, run) in pairs {
            let died = deaths[before.program];
            let text = format!("{name}: {before:?}, killed at {died}, then {run:?},");
            let (ended, succeeded) = before.end.unwrap_or((died, false));
            assert!(ended <= run.began, "{text} at the same time");
            if succeeded {
                repeated += 1;
                assert!(died <= run.began, "{text} without a kill");
                let starts = logs.starts[before.program].iter();
                let block = block_of(name);
                let later =
                    starts.filter(|start| start.0 > ended + UNCONFIRMED && start.1 == block);
                let is_unconfirmed = later.count() <= STARTED_TOGETHER;
                assert!(is_unconfirmed, "{text} after a checkpoint");
            }
        }
    }
    repeated
}

/// Returns the keys of the events of a body.
fn keys_of(body: &[u8]) -> Vec<String> {
    parse(body).unwrap().dedup_keys()
}

#[test]
fn three_programs_lose_nothing_and_repeat_only_what_a_kill_explains() {
    if env::var(FOLDER).is_ok() {
        return;
    }
    let wanted = wanted_kills();
    let folder = Folder::new();
    let store = SqliteStore::open(folder.file("store.db")).unwrap();
    let webhooks = |query: &WebhookQuery| pollster::block_on(store.webhooks(query)).unwrap();
    let unsettled = WebhookQuery::first(100).only_unsettled();
    let (since, begun) = (micros(), Instant::now());
    // The time when each program was killed.
    let mut deaths = Vec::new();
    let start = |(role, ahead), deaths: &mut Vec<u64>| {
        deaths.push(u64::MAX);
        let number = deaths.len() - 1;
        let settings = format!("{role} {number} {since} {ahead}");
        (number, share(&folder, "sharer", &settings))
    };
    let mut programs = ROLES.map(|role| start(role, &mut deaths));
    // The webhooks that were seen before their last part was claimed, and when.
    let mut partial = HashMap::new();
    let (mut between_parts, mut ahead_leases) = (0, 0);
    for _ in 0..wanted.saturating_sub(programs.len()) {
        let until = Instant::now() + random(Duration::from_millis(400));
        let role = loop {
            let now = micros();
            let mut seen = webhooks(&unsettled).into_iter();
            let seen = seen.find(|(id, row, _)| row.unclaimed > 0 && !partial.contains_key(id));
            if let Some((id, ..)) = seen {
                let mut wanted = Wanted::default();
                wanted.bodies.insert(id);
                if let Some(body) = rows::load(&store, &wanted).bodies.remove(&id).flatten() {
                    partial.insert(id, (now, keys_of(&body)));
                    between_parts += 1;
                    break 2; // the program that sends large bodies
                }
            }
            if Instant::now() >= until {
                break usize::try_from(random(Duration::from_micros(3)).as_micros()).unwrap();
            }
            thread::sleep(Duration::from_millis(1));
        };
        let next = start(ROLES[role], &mut deaths);
        let (number, program) = mem::replace(&mut programs[role], next);
        kill_program(number, program, &mut deaths);
        let an_hour_on = i64::try_from(micros() / 1000).unwrap() + 3_600_000;
        let leases = webhooks(&unsettled).into_iter();
        let mut leases = leases.filter_map(|(_, row, _)| row.lease);
        ahead_leases += usize::from(leases.any(|lease| lease.until > an_hour_on));
    }
    for (number, program) in programs {
        kill_program(number, program, &mut deaths);
    }
    let (_, mut last) = start(("last", 0), &mut deaths);
    // The programs take in more than they finish, so the rest grows with their number.
    let longest = Duration::from_secs(60) + Duration::from_secs(1) * u32::try_from(wanted).unwrap();
    let has_ended = wait(&mut last, longest);
    assert!(has_ended, "unfinished: {:?}", webhooks(&unsettled));

    let logs = read_logs(&folder, deaths.len());
    let repeated = explain_repetitions(&logs, &deaths);
    for (kind, first) in &logs.answered {
        let receivers = match &**kind {
            "messages" => &MESSAGE_RECEIVERS[..],
            _ => &["status"],
        };
        for key in keys_of(&body_of(kind, *first)) {
            for receiver in receivers {
                let name = format!("{receiver} {key}");
                assert!(logs.runs.contains_key(&name), "{name} is lost");
            }
        }
    }
    for (seen, keys) in partial.values() {
        for key in keys {
            let runs = logs.runs.get(&format!("status {key}"));
            let runs = runs.unwrap_or_else(|| panic!("{key} is lost"));
            assert!(runs[0].began >= *seen, "{key} ran before the last part");
        }
    }
    let engine = WebhookEngine::new(store);
    assert_eq!(engine.webhooks(None, 9).unwrap(), [], "nothing is left");
    assert_eq!(engine.dead_letters(9).unwrap(), []);
    let handled = MESSAGE_RECEIVERS.map(|receiver| {
        let names = logs.runs.keys();
        names.filter(|name| name.starts_with(receiver)).count()
    });
    let (_, unread) = records(&engine).unread_counts().unwrap().remove(0);
    let stored = usize::try_from(unread).unwrap();
    assert_eq!(
        handled, [stored; 5],
        "each message is stored once, and was handled"
    );
    assert!(ahead_leases > 0, "no clock was ahead");
    println!(
        "{} kills in {:?}, {between_parts} of them between parts of a claim, {ahead_leases} with a \
        lease by a clock that was ahead; {} runs, {repeated} of them repeated",
        deaths.len() - 1,
        begun.elapsed(),
        logs.starts.iter().map(Vec::len).sum::<usize>(),
    );
}

/// The users of a program that delivers in order, beside the one whom all programs share.
const USERS: usize = 3;

/// Not a test: a program that delivers in order and shares its file with others. It runs until it
/// is killed; the last one, until nothing is unfinished.
#[tokio::test]
async fn orderer() {
    let Ok(settings) = env::var(SHARER) else {
        return;
    };
    let (role, number) = settings.split_once(' ').unwrap();
    let number: usize = number.parse().unwrap();
    let folder = env::var(FOLDER).unwrap();
    open_log(Path::new(&folder), number.try_into().unwrap());
    let store = SqliteStore::open(Path::new(&folder).join("store.db"));
    let engine = WebhookEngine::new(store.unwrap())
        .context(sharing_receivers())
        .in_order(true)
        .lease(LEASE)
        .max_attempts(1_000_000)
        .backoff(Duration::from_millis(1), Duration::from_millis(10))
        .tended(true)
        .timer(|duration| Box::pin(tokio::time::sleep(duration)));
    if role == "last" {
        let unfinished = async || engine.retry_unfinished_async().await.unwrap().unfinished();
        while unfinished().await > 0 {
            thread::sleep(Duration::from_millis(10));
        }
        return;
    }
    for step in 0.. {
        let users = (0..USERS).map(|user| (number * USERS + user + 1, 2 * step));
        // The messages of the user whom all share are in no order that this program knows.
        let shared = (0, 1_000 * number + 2 * step);
        let messages = users
            .chain([shared])
            .flat_map(|(user, first)| [first, first + 1].map(|number| message_of(user, number)));
        let body = testing::batch(messages).body();
        loop {
            let answer = if one_in(2) {
                engine.accept_async(&body).await
            } else {
                engine.process_async(&body).await
            };
            match answer {
                Ok(_) => break,
                Err(error) => assert_eq!(error.http_status(), 503, "{error}"),
            }
        }
        let rounds = async {
            if one_in(2) {
                engine.retry_unfinished_async().await.map(drop)
            } else {
                engine.tend_async(pending()).await.map(drop)
            }
        };
        if let Err(error) = rounds.await {
            assert_eq!(error.http_status(), 503, "{error}");
        }
    }
}

/// Returns a message of a user.
fn message_of(user: usize, number: usize) -> testing::Sample<MessageReceived> {
    let message = testing::text("Hello").id(&format!("wamid.{}", user * 1_000_000 + number));
    message.from(&format!("1555{user:07}"))
}

/// The time from the first run of a receiver of an event until all of them have succeeded.
#[derive(Clone, Copy)]
struct Span {
    number: usize,
    began: u64,
    handled: u64,
}

/// Checks that the events of each user were handled one after the other; those that one program
/// has sent, in their order. A kill may repeat the last ones. Returns the number of events.
fn check_order(logs: &Logs, deaths: &[u64]) -> usize {
    let mut spans: HashMap<usize, Span> = HashMap::new();
    let mut users: HashMap<usize, Vec<(&Run, usize)>> = HashMap::new();
    for (name, runs) in &logs.runs {
        let (_, number) = name.split_once("wamid.").unwrap();
        let number: usize = number.split(':').next().unwrap().parse().unwrap();
        let span = spans.entry(number).or_insert(Span {
            number,
            began: u64::MAX,
            handled: 0,
        });
        let successes = runs.iter().filter_map(|run| run.end.filter(|end| end.1));
        let (first, _) = successes.min().expect("it is not lost");
        span.began = span.began.min(runs[0].began);
        span.handled = span.handled.max(first);
        let of_user = users.entry(number / 1_000_000).or_default();
        of_user.extend(runs.iter().map(|run| (run, number)));
    }
    for (user, mut runs) in users {
        let spans = spans
            .values()
            .filter(|span| span.number / 1_000_000 == user);
        let mut spans: Vec<_> = spans.copied().collect();
        spans.sort_by_key(|span| span.began);
        for pair in spans.windows(2) {
            let [before, after] = *pair else { continue };
            let text = format!("{} before {}", before.number, after.number);
            assert!(before.handled <= after.began, "{text}: not handled");
            assert!(user == 0 || before.number + 1 == after.number, "{text}");
        }
        runs.sort_by_key(|(run, _)| run.began);
        for pair in runs.windows(2) {
            let [(run, before), (next, after)] = *pair else {
                continue;
            };
            let (ended, _) = run.end.unwrap_or((deaths[run.program], false));
            assert!(
                before == after || ended <= next.began,
                "{before}: {run:?}, and {after} at the same time: {next:?}"
            );
        }
    }
    spans.len()
}

#[test]
fn three_programs_keep_the_order_of_each_user_and_leave_no_event_behind() {
    if env::var(FOLDER).is_ok() {
        return;
    }
    let folder = Folder::new();
    let begun = Instant::now();
    let mut deaths = Vec::new();
    let start = |role: &str, deaths: &mut Vec<u64>| {
        deaths.push(u64::MAX);
        let number = deaths.len() - 1;
        (
            number,
            share(&folder, "orderer", &format!("{role} {number}")),
        )
    };
    let mut programs = [(); 3].map(|()| start("sends", &mut deaths));
    for kill in 0..wanted_kills() {
        thread::sleep(random(Duration::from_millis(400)));
        let next = start("sends", &mut deaths);
        let (number, program) = mem::replace(&mut programs[kill % 3], next);
        kill_program(number, program, &mut deaths);
    }
    for (number, program) in programs {
        kill_program(number, program, &mut deaths);
    }
    let (_, mut last) = start("last", &mut deaths);
    assert!(
        wait(&mut last, Duration::from_secs(60)),
        "events wait for ever"
    );

    let logs = read_logs(&folder, deaths.len());
    let repeated = explain_repetitions(&logs, &deaths);
    let events = check_order(&logs, &deaths);
    let engine = WebhookEngine::new(SqliteStore::open(folder.file("store.db")).unwrap());
    assert_eq!(engine.webhooks(None, 9).unwrap(), [], "nothing is left");
    let (_, unread) = engine
        .account(&support::engines::account())
        .unread_counts()
        .unwrap()
        .into_iter()
        .fold((0, 0), |(users, sum), (_, unread)| {
            (users + 1, sum + unread)
        });
    assert_eq!(usize::try_from(unread).unwrap(), events, "each is handled");
    println!(
        "{} kills in {:?}; {events} events in order, {repeated} runs repeated",
        deaths.len() - 1,
        begun.elapsed()
    );
}
