//! Three programs share a store, and their bodies and clocks differ: each repetition of a receiver
//! is explained by a kill.

use std::collections::HashMap;
use std::env;
use std::future::pending;
use std::mem;
use std::path::Path;
use std::thread;
use std::time::{Duration, Instant, SystemTime};

use whatsapp_signals::store::{LoadQuery, Store, WebhookQuery};
use whatsapp_signals::{WebhookEngine, parse, testing};

use super::logs::{BLOCK, explain_repetitions, read_logs};
use super::programs::{
    FOLDER, SETTINGS, kill_program, micros, one_in, random, start, wait, wanted_kills,
};
use super::receivers::{LEASE, MESSAGE_RECEIVERS, open_log, sharing_receivers, write_log};
use crate::support::engines::records;
use crate::support::folder::Folder;
use crate::support::messages::messages;
use crate::support::{rows, stores};

/// The roles of the three programs, and how far their clocks are ahead. The second clock jumps
/// back to the right time while the first body is handled.
///
/// A clock that is ahead takes the leases of others for ended. So a program with such a clock
/// handles only bodies of its own, each once.
const ROLES: [(&str, u64); 3] = [("right", 0), ("jumps", 3 * 3600), ("ahead", 2 * 3600)];

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

/// Not a test: a program that shares its store with others. It runs until it is killed; the last
/// one, until nothing is unfinished.
#[tokio::test]
async fn sharer() {
    let Ok(settings) = env::var(SETTINGS) else {
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
    let engine = WebhookEngine::new(stores::open_shared(folder, clock))
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

/// Returns the keys of the events of a body.
fn keys_of(body: &[u8]) -> Vec<String> {
    parse(body).unwrap().dedup_keys()
}

#[test]
fn three_programs_lose_nothing_and_repeat_only_what_a_kill_explains() {
    let folder = Folder::new();
    if env::var(FOLDER).is_ok() || !stores::create_shared(&folder) {
        return;
    }
    let wanted = wanted_kills();
    let store = stores::open_shared(folder.path(), SystemTime::now);
    let webhooks = |query: &WebhookQuery| pollster::block_on(store.webhooks(query)).unwrap();
    let unsettled = WebhookQuery::first(100).only_unsettled();
    let (since, begun) = (micros(), Instant::now());
    // The time when each program was killed.
    let mut deaths = Vec::new();
    let start_role = |(role, ahead), deaths: &mut Vec<u64>| {
        deaths.push(u64::MAX);
        let number = deaths.len() - 1;
        let settings = format!("{role} {number} {since} {ahead}");
        (number, start(&folder, module_path!(), "sharer", &settings))
    };
    let mut programs = ROLES.map(|role| start_role(role, &mut deaths));
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
                let mut wanted = LoadQuery::default();
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
        let next = start_role(ROLES[role], &mut deaths);
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
    let (_, mut last) = start_role(("last", 0), &mut deaths);
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
    assert!(
        ahead_leases > 0 || !stores::HAS_CLOCKS,
        "no clock was ahead"
    );
    println!(
        "{} kills in {:?}, {between_parts} of them between parts of a claim, {ahead_leases} with a \
        lease by a clock that was ahead; {} runs, {repeated} of them repeated",
        deaths.len() - 1,
        begun.elapsed(),
        logs.starts.iter().map(Vec::len).sum::<usize>(),
    );
}
