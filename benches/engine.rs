//! The times of an engine with each store, for bodies of one message and of a thousand, while the
//! store fills up.
//!
//! ```sh
//! cargo bench --features sqlite --bench engine                # 10 to 1,000,000 messages
//! cargo bench --features sqlite --bench engine -- 10 10000    # 10, then 10,000
//! ```
//!
//! The baseline is `parse` and `dispatch` of the same bodies in the same minute, with a no-op
//! receiver. A thousand messages are of 20 users, as after an outage, or of a thousand, the worst
//! case: no two of them share a row or a page. `bare` is the baseline of `sqlite`: the same rows by
//! bare statements. The time of `backlog()` without open events follows each size.
#![allow(missing_docs, reason = "a benchmark")]
#![allow(clippy::unwrap_used, reason = "a benchmark fails by panicking")]
#![allow(
    clippy::cast_precision_loss,
    reason = "counts and times are far from 2^52"
)]

use std::fmt::Write as _;
use std::hint::black_box;
use std::io::Write as _;
use std::path::Path;
use std::time::Instant;
use std::{env, fs, process};

use rusqlite::{Connection, ToSql};
use whatsapp_signals::event::MessageReceived;
use whatsapp_signals::store::{MemoryStore, ReadyStore, SqliteStore};
use whatsapp_signals::{WebhookEngine, parse, receiver, signals::MESSAGE_RECEIVED};

#[receiver(MESSAGE_RECEIVED)]
fn look(event: &MessageReceived) {
    black_box(&event.message);
}

/// The number of users.
const USERS: u64 = 10_000;

/// The number of measurements, of which the median counts.
const ROUNDS: usize = 7;

/// The measured bodies: the messages and users of each, and the bodies of a round.
const BODIES: [(u64, u64, u64); 3] = [(1, 1, 200), (1000, 20, 3), (1000, 1000, 3)];

fn main() {
    let sizes: Vec<u64> = env::args().filter_map(|arg| arg.parse().ok()).collect();
    let sizes = if sizes.is_empty() {
        vec![10, 1_000, 10_000, 100_000, 1_000_000]
    } else {
        sizes
    };
    let folder = env::temp_dir().join(format!("whatsapp-signals-bench-{}", process::id()));
    fs::create_dir_all(&folder).unwrap();
    println!("one fsync here takes {:.0} µs\n", fsync(&folder));
    println!("store     stored  messages/body  users  items/s  µs/item  base    on top  x base");
    measure("memory", &sizes, MemoryStore::bounded(usize::MAX), &folder);
    let store = SqliteStore::open(folder.join("engine.db")).unwrap();
    measure("sqlite", &sizes, store, &folder);
    measure_bare(&sizes, &folder.join("bare.db"));
    fs::remove_dir_all(&folder).unwrap();
}

fn measure(name: &str, sizes: &[u64], store: impl ReadyStore, folder: &Path) {
    let engine = WebhookEngine::new(store);
    let mut stored = 0;
    for size in sizes {
        while stored < *size {
            let items = (*size - stored).min(1000);
            let outcome = engine.process(&body(stored, items, items)).unwrap();
            assert_eq!(outcome.delivered() as u64, items);
            stored += items;
        }
        settle(folder);
        for (items, users, bodies) in BODIES {
            let mut baseline = Vec::new();
            let mut whole = Vec::new();
            for _ in 0..ROUNDS {
                let bodies: Vec<_> = (0..bodies)
                    .map(|at| body(stored + at * items, items, users))
                    .collect();
                let count = items * bodies.len() as u64;
                baseline.push(micros(count, || {
                    for body in &bodies {
                        assert!(parse(body).unwrap().dispatch().is_ok());
                    }
                }));
                whole.push(micros(count, || {
                    for body in &bodies {
                        assert_eq!(engine.process(body).unwrap().delivered() as u64, items);
                    }
                }));
                stored += count;
            }
            let (baseline, whole) = (median(baseline), median(whole));
            println!(
                "{name} {size:>9} {items:>14} {users:>6} {:>8.0} {whole:>8.2} {baseline:>6.2} {:>7.2} {:>8.1}",
                1e6 / whole,
                whole - baseline,
                whole / baseline
            );
        }
        let mut backlog = Vec::new();
        for _ in 0..ROUNDS {
            backlog.push(micros(1, || assert_eq!(engine.backlog().unwrap().open, 0)));
        }
        println!("{name} {size:>9} backlog() {:>8.2} µs", median(backlog));
    }
}

/// Measures bare statements for the rows of a thousand messages, without reads, decisions and
/// receivers: the least time of SQLite on this machine.
fn measure_bare(sizes: &[u64], path: &Path) {
    drop(SqliteStore::open(path).unwrap());
    let connection = Connection::open(path).unwrap();
    // The settings of the store.
    let settings = "PRAGMA wal_autocheckpoint = 16384; PRAGMA cache_size = -65536";
    connection.execute_batch(settings).unwrap();
    connection.set_prepared_statement_cache_capacity(64);
    let number = "INSERT INTO number (id, number, tenant) VALUES (1, '106540352242922', '1')";
    connection.execute(number, []).unwrap();
    let mut stored = 0;
    for size in sizes {
        while stored < *size {
            write_bare(&connection, stored, 1000);
            stored += 1000;
        }
        settle(path.parent().unwrap());
        for users in [20, 1000] {
            let mut whole = Vec::new();
            for _ in 0..ROUNDS {
                whole.push(micros(3000, || {
                    for at in 0..3 {
                        write_bare(&connection, stored + at * 1000, users);
                    }
                }));
                stored += 3000;
            }
            let whole = median(whole);
            println!(
                "bare {size:>11} {:>14} {users:>6} {:>8.0} {whole:>8.2}",
                1000,
                1e6 / whole
            );
        }
    }
}

/// Writes the rows of a body with a thousand messages, and then those of its completion.
fn write_bare(connection: &Connection, first: u64, users: u64) {
    let body = body(first, 1000, users);
    let run = |sql: &str, params: &[&dyn ToSql]| {
        connection
            .prepare_cached(sql)
            .unwrap()
            .execute(params)
            .unwrap();
    };
    connection
        .execute_batch("PRAGMA synchronous = NORMAL; BEGIN IMMEDIATE")
        .unwrap();
    // As the engine creates ids: milliseconds and 20 bits.
    let webhook = (1_785_000_000_000 + first) << 20;
    run(
        "INSERT INTO webhook (id, version, kind, received_at, open, dead, unclaimed, lease_holder,
            lease_length, lease_until, held_back)
        VALUES (?1, 1, 0, ?2, 1000, 0, 0, 7, 60000, 1785000060000, 0)",
        &[&webhook, &1_785_000_000],
    );
    run("INSERT INTO body VALUES (?1, ?2)", &[&webhook, &body]);
    for number in first..first + 1000 {
        let phone = user(first, number, users);
        let wamid = wamid(phone, number);
        // Ordered by user, then at random: the keys of an event and of a message.
        let mut fingerprint = [0; 16];
        fingerprint[..4].copy_from_slice(&scatter(phone).to_be_bytes()[..4]);
        fingerprint[4..12].copy_from_slice(&scatter(number).to_be_bytes());
        let mut key = [0; 20];
        key[..4].copy_from_slice(&fingerprint[..4]);
        key[4..12].copy_from_slice(&scatter(!number).to_be_bytes());
        run(
            "INSERT INTO event (fingerprint, webhook) VALUES (?1, ?2)",
            &[&fingerprint, &webhook],
        );
        let message = format!(
            r#"{{"id":"{wamid}","direction":"inbound","user":{{"wa_id":"{phone}"}},"timestamp":1785000000,"content":{{"text":{{"body":"Is the gravel bike ready for Saturday? Number {number}"}}}}}}"#
        );
        run(
            "INSERT INTO message (key, wamid, number, version, contact, at, is_unread, message)
            VALUES (?1, ?2, 1, 1, ?3, ?4, 1, ?5)",
            &[&key, &wamid, &(phone % USERS), &1_785_000_000, &message],
        );
    }
    let done = "COMMIT; PRAGMA synchronous = FULL; BEGIN IMMEDIATE";
    connection.execute_batch(done).unwrap();
    run("DELETE FROM webhook WHERE id = ?1", &[&webhook]);
    connection.execute_batch("COMMIT").unwrap();
}

/// Waits until the disk has what was written to fill the store, so that no measurement pays for it.
fn settle(folder: &Path) {
    for file in fs::read_dir(folder).unwrap() {
        fs::File::open(file.unwrap().path())
            .and_then(|file| file.sync_all())
            .unwrap();
    }
}

/// Returns the microseconds of one `fsync`.
fn fsync(folder: &Path) -> f64 {
    let mut file = fs::File::create(folder.join("fsync")).unwrap();
    let mut times = Vec::new();
    for _ in 0..20 {
        times.push(micros(1, || {
            file.write_all(&[0; 4096]).unwrap();
            file.sync_data().unwrap();
        }));
    }
    median(times)
}

fn micros(items: u64, work: impl FnOnce()) -> f64 {
    let start = Instant::now();
    work();
    start.elapsed().as_secs_f64() * 1e6 / items as f64
}

fn median(mut of: Vec<f64>) -> f64 {
    of.sort_by(f64::total_cmp);
    of[of.len() / 2]
}

/// Returns a body with messages that no other body has, from `first` on.
fn body(first: u64, items: u64, users: u64) -> Vec<u8> {
    let (mut contacts, mut messages) = (String::new(), String::new());
    for number in first..first + users {
        let phone = user(first, number, users);
        let comma = if number == first { "" } else { "," };
        let _ = write!(
            contacts,
            r#"{comma}{{"profile":{{"name":"User {phone}"}},"wa_id":"{phone}"}}"#
        );
    }
    for number in first..first + items {
        let phone = user(first, number, users);
        let (wamid, at) = (wamid(phone, number), 1_785_000_000 + number);
        let comma = if number == first { "" } else { "," };
        let _ = write!(
            messages,
            r#"{comma}{{"from":"{phone}","id":"{wamid}","timestamp":"{at}","type":"text","text":{{"body":"Is the gravel bike ready for Saturday? Number {number}"}}}}"#
        );
    }
    format!(
        r#"{{"object":"whatsapp_business_account","entry":[{{"id":"102290129340398","changes":[{{"field":"messages","value":{{"messaging_product":"whatsapp","metadata":{{"display_phone_number":"15550783881","phone_number_id":"106540352242922"}},"contacts":[{contacts}],"messages":[{messages}]}}}}]}}]}}"#
    )
    .into_bytes()
}

/// Returns the sender of a message. Each body has other users, who are not adjacent.
fn user(first: u64, number: u64, users: u64) -> u64 {
    15_550_000_000 + ((scatter(first) >> 40) + number % users) * 7919 % USERS
}

/// Returns a wamid that begins with the user and ends at random, as those of Meta do.
fn wamid(phone: u64, number: u64) -> String {
    format!("wamid.HBgL{phone}VAgASGBQ{:016X}AA==", scatter(number))
}

/// Maps each number to another one, in no order.
fn scatter(number: u64) -> u64 {
    number.wrapping_mul(0x9E37_79B9_7F4A_7C15)
}
