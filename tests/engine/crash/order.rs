//! Three programs that deliver in order share a store: the events of each user come one after the
//! other, in their order.

use std::collections::HashMap;
use std::env;
use std::future::pending;
use std::mem;
use std::path::Path;
use std::thread;
use std::time::{Duration, Instant, SystemTime};

use whatsapp_signals::event::MessageReceived;
use whatsapp_signals::{WebhookEngine, testing};

use super::logs::{Logs, Run, explain_repetitions, read_logs};
use super::programs::{FOLDER, SETTINGS, kill_program, one_in, random, start, wait, wanted_kills};
use super::receivers::{LEASE, open_log, sharing_receivers};
use crate::support::engines;
use crate::support::folder::Folder;
use crate::support::stores;

/// The users of a program that delivers in order, beside the one whom all programs share.
const USERS: usize = 3;

/// Not a test: a program that delivers in order and shares its store with others. It runs until it
/// is killed; the last one, until nothing is unfinished.
#[tokio::test]
async fn orderer() {
    let Ok(settings) = env::var(SETTINGS) else {
        return;
    };
    let (role, number) = settings.split_once(' ').unwrap();
    let number: usize = number.parse().unwrap();
    let folder = env::var(FOLDER).unwrap();
    open_log(Path::new(&folder), number.try_into().unwrap());
    let store = stores::open_shared(Path::new(&folder), SystemTime::now);
    let engine = WebhookEngine::new(store)
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
    let folder = Folder::new();
    if env::var(FOLDER).is_ok() || !stores::create_shared(&folder) {
        return;
    }
    let begun = Instant::now();
    let mut deaths = Vec::new();
    let start_role = |role: &str, deaths: &mut Vec<u64>| {
        deaths.push(u64::MAX);
        let number = deaths.len() - 1;
        (
            number,
            start(
                &folder,
                module_path!(),
                "orderer",
                &format!("{role} {number}"),
            ),
        )
    };
    let mut programs = [(); 3].map(|()| start_role("sends", &mut deaths));
    for kill in 0..wanted_kills() {
        thread::sleep(random(Duration::from_millis(400)));
        let next = start_role("sends", &mut deaths);
        let (number, program) = mem::replace(&mut programs[kill % 3], next);
        kill_program(number, program, &mut deaths);
    }
    for (number, program) in programs {
        kill_program(number, program, &mut deaths);
    }
    let (_, mut last) = start_role("last", &mut deaths);
    assert!(
        wait(&mut last, Duration::from_secs(60)),
        "events wait for ever"
    );

    let logs = read_logs(&folder, deaths.len());
    let repeated = explain_repetitions(&logs, &deaths);
    let events = check_order(&logs, &deaths);
    let engine = WebhookEngine::new(stores::open_shared(folder.path(), SystemTime::now));
    assert_eq!(engine.webhooks(None, 9).unwrap(), [], "nothing is left");
    let (_, unread) = engine
        .account(&engines::account())
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
