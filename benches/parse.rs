//! What reading a webhook costs, beside what serde_json alone costs on the
//! same bytes: `scan` only checks the syntax, `value` builds a `Value`.
//!
//! ```sh
//! cargo bench --bench parse
//! ```
#![allow(missing_docs, reason = "a benchmark")]

use divan::counter::ItemsCount;
use divan::{Bencher, black_box};
use serde::de::IgnoredAny;
use serde_json::Value;
use whatsapp_signals::event::MessageReceived;
use whatsapp_signals::{parse, receiver, signals::MESSAGE_RECEIVED};

#[receiver(MESSAGE_RECEIVED)]
fn look(event: &MessageReceived) {
    black_box(event.message.body());
}

fn main() {
    divan::main();
}

/// A webhook with this many text messages, each with its contact, as compact
/// as Meta writes it.
fn batch(messages: usize) -> Vec<u8> {
    let list =
        |item: &dyn Fn(usize) -> String| (0..messages).map(item).collect::<Vec<_>>().join(",");
    let contacts =
        list(&|n| format!(r#"{{"profile":{{"name":"Rider {n}"}},"wa_id":"1555010{n:04}"}}"#));
    let items = list(&|n| {
        format!(
            r#"{{"from":"1555010{n:04}","id":"wamid.HBgLMTU1NTAxMDEwMDEVAgASGBQzQT{n:08}","timestamp":"1785000042","text":{{"body":"Hello! Is my bicycle ready for pick-up today?"}},"type":"text"}}"#
        )
    });
    format!(
        r#"{{"object":"whatsapp_business_account","entry":[{{"id":"900800700600500","changes":[{{"value":{{"messaging_product":"whatsapp","metadata":{{"display_phone_number":"15550100200","phone_number_id":"300200100500600"}},"contacts":[{contacts}],"messages":[{items}]}},"field":"messages"}}]}}]}}"#
    )
    .into_bytes()
}

const SIZES: [usize; 4] = [1, 10, 100, 1000];

#[divan::bench(args = SIZES)]
fn scan(bencher: Bencher<'_, '_>, messages: usize) {
    let body = batch(messages);
    bencher
        .counter(ItemsCount::new(messages))
        .bench(|| serde_json::from_slice::<IgnoredAny>(black_box(&body)).is_ok());
}

#[divan::bench(args = SIZES)]
fn value(bencher: Bencher<'_, '_>, messages: usize) {
    let body = batch(messages);
    bencher
        .counter(ItemsCount::new(messages))
        .bench(|| serde_json::from_slice::<Value>(black_box(&body)));
}

#[divan::bench(args = SIZES)]
fn typed(bencher: Bencher<'_, '_>, messages: usize) {
    let body = batch(messages);
    bencher
        .counter(ItemsCount::new(messages))
        .bench(|| parse(black_box(&body)));
}

#[divan::bench(args = SIZES)]
fn typed_and_dispatched(bencher: Bencher<'_, '_>, messages: usize) {
    let body = batch(messages);
    bencher
        .counter(ItemsCount::new(messages))
        .bench(|| parse(black_box(&body)).map(|webhook| webhook.dispatch()));
}
