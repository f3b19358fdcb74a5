//! What it costs to remember: an engine with either store, one message a body
//! and a thousand, while the store fills up.
//!
//! ```sh
//! cargo bench --features sqlite --bench engine                # up to 1,000,000 messages
//! cargo bench --features sqlite --bench engine -- 10 10000    # up to 10, then 10,000
//! ```
//!
//! The floor is `parse` and `dispatch` of the same bodies in the same minute.
//! A thousand messages are from a thousand of 10,000 users, which is the worst
//! case: no two of a body touch the same rows. The receiver does nothing.
#![allow(missing_docs, reason = "a benchmark")]
#![allow(clippy::unwrap_used, reason = "a benchmark fails by panicking")]
#![allow(
    clippy::cast_precision_loss,
    reason = "counts and times are far from 2^52"
)]

use std::fmt::Write as _;
use std::hint::black_box;
use std::path::PathBuf;
use std::time::Instant;
use std::{env, fs, process};

use whatsapp_signals::event::MessageReceived;
use whatsapp_signals::store::{MemoryStore, SqliteStore, Store};
use whatsapp_signals::{WebhookEngine, parse, receiver, signals::MESSAGE_RECEIVED};

#[receiver(MESSAGE_RECEIVED)]
fn look(event: &MessageReceived) {
    black_box(&event.message);
}

const USERS: u64 = 10_000;

/// How often each thing is measured; the median counts.
const ROUNDS: usize = 7;

fn main() {
    let sizes: Vec<u64> = env::args().filter_map(|arg| arg.parse().ok()).collect();
    let sizes = if sizes.is_empty() {
        vec![10, 1_000, 100_000, 1_000_000]
    } else {
        sizes
    };
    println!("store   stored     items/body   items/s   µs/item   floor   on top");
    let folder = env::temp_dir().join(format!("whatsapp-signals-bench-{}", process::id()));
    fs::create_dir_all(&folder).unwrap();
    let file: PathBuf = folder.join("engine.db");
    measure("memory", &sizes, MemoryStore::bounded(usize::MAX));
    measure("sqlite", &sizes, SqliteStore::open(file).unwrap());
    fs::remove_dir_all(&folder).unwrap();
}

fn measure(name: &str, sizes: &[u64], store: impl Store) {
    let engine = WebhookEngine::new(store);
    let mut stored = 0;
    for size in sizes {
        while stored < *size {
            let items = (*size - stored).min(1000);
            let outcome = engine.process(&body(stored, items)).unwrap();
            assert_eq!(outcome.fired() as u64, items);
            stored += items;
        }
        for (items, bodies) in [(1, 200), (1000, 3)] {
            let mut floor = Vec::new();
            let mut whole = Vec::new();
            for _ in 0..ROUNDS {
                let bodies: Vec<_> = (0..bodies)
                    .map(|at| body(stored + at * items, items))
                    .collect();
                let count = items * bodies.len() as u64;
                floor.push(micros(count, || {
                    for body in &bodies {
                        assert!(parse(body).unwrap().dispatch().is_ok());
                    }
                }));
                whole.push(micros(count, || {
                    for body in &bodies {
                        assert_eq!(engine.process(body).unwrap().fired() as u64, items);
                    }
                }));
                stored += count;
            }
            let (floor, whole) = (median(floor), median(whole));
            println!(
                "{name:7} {size:<10} {items:<12} {:<9.0} {whole:<9.2} {floor:<7.2} {:.2}",
                1e6 / whole,
                whole - floor
            );
        }
    }
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

/// A body with messages that no other has, from `first` on.
fn body(first: u64, items: u64) -> Vec<u8> {
    let (mut contacts, mut messages) = (String::new(), String::new());
    for number in first..first + items {
        // Neighbours are far apart, and nothing comes twice.
        let random = number.wrapping_mul(0x9E37_79B9_7F4A_7C15);
        let phone = 15_550_000_000 + number * 7919 % USERS;
        let at = 1_785_000_000 + number;
        let comma = if number == first { "" } else { "," };
        let _ = write!(
            contacts,
            r#"{comma}{{"profile":{{"name":"User {phone}"}},"wa_id":"{phone}"}}"#
        );
        let _ = write!(
            messages,
            r#"{comma}{{"from":"{phone}","id":"wamid.HBgL{phone}VAgASGBQ{random:016X}AA==","timestamp":"{at}","type":"text","text":{{"body":"Is the gravel bike ready for Saturday? Number {number}"}}}}"#
        );
    }
    format!(
        r#"{{"object":"whatsapp_business_account","entry":[{{"id":"102290129340398","changes":[{{"field":"messages","value":{{"messaging_product":"whatsapp","metadata":{{"display_phone_number":"15550783881","phone_number_id":"106540352242922"}},"contacts":[{contacts}],"messages":[{messages}]}}}}]}}]}}"#
    )
    .into_bytes()
}
