//! Parsing a body, beside serde_json alone: checking its syntax (`scan`), and building a [`Value`].

use std::hint::black_box;

use serde::de::IgnoredAny;
use serde_json::Value;
use sha2::{Digest, Sha256};
use whatsapp_signals::event::MessageReceived;
use whatsapp_signals::signals::MESSAGE_RECEIVED;
use whatsapp_signals::{Parser, SignatureVerifier, parse, parse_signed, receiver};

use super::bodies::{self, payloads, statuses};
use super::{Goal, Subject};

#[receiver(MESSAGE_RECEIVED)]
fn look(event: &MessageReceived) {
    black_box(event.message.body());
}

fn texts(count: usize) -> Vec<u8> {
    bodies::texts(count, "Hello! Is my bicycle ready for pick-up today?")
}

const ONE: usize = 1;
const TEN: usize = 10;
const THOUSAND: usize = 1000;

pub(super) fn subjects() -> Vec<Subject> {
    vec![
        payloads_beside("scan", 4.5, scan),
        payloads_beside("value", 0.75, value),
        texts_beside(ONE, "one text", "scan", 3.0, scan),
        texts_beside(ONE, "one text", "value", 0.6, value),
        Subject::new(
            "parse, one status / scan",
            Goal::Times(3.5),
            on(statuses(ONE), read),
            on(statuses(ONE), scan),
        ),
        texts_beside(THOUSAND, "a text of 1,000", "scan", 5.0, scan),
        texts_beside(THOUSAND, "a text of 1,000", "value", 0.6, value),
        Subject::new(
            "parse, a text of 1,000 / of 10",
            Goal::Times(1.0),
            on(texts(THOUSAND), read),
            on(texts(TEN), read),
        )
        .per_round(THOUSAND, TEN),
        Subject::new(
            "parse + dispatch, one text / parse",
            Goal::Times(1.03),
            on(texts(ONE), read_and_dispatch),
            on(texts(ONE), read),
        ),
        Subject::new(
            "parse + dispatch, 1,000 texts / parse",
            Goal::Times(1.03),
            on(texts(THOUSAND), read_and_dispatch),
            on(texts(THOUSAND), read),
        )
        .per_round(THOUSAND, THOUSAND),
        signed(),
        Subject::new(
            "dispatch, statuses without receivers / scan",
            Goal::Times(1.5),
            on(statuses(THOUSAND), dispatch),
            on(statuses(THOUSAND), scan),
        )
        .per_round(THOUSAND, THOUSAND),
    ]
}

fn payloads_beside(name: &str, goal: f64, baseline: fn(&[u8])) -> Subject {
    let each = |work: fn(&[u8])| {
        let bodies = payloads();
        move || bodies.iter().for_each(|body| work(black_box(body)))
    };
    Subject::new(
        format!("parse, a sample body / {name}"),
        Goal::Times(goal),
        each(read),
        each(baseline),
    )
    .per_round(payloads().len(), payloads().len())
}

fn texts_beside(
    count: usize,
    operation: &str,
    name: &str,
    goal: f64,
    baseline: fn(&[u8]),
) -> Subject {
    Subject::new(
        format!("parse, {operation} / {name}"),
        Goal::Times(goal),
        on(texts(count), read),
        on(texts(count), baseline),
    )
    .per_round(count, count)
}

/// Measures the path from a signed body to its receiver.
fn signed() -> Subject {
    let verifier = SignatureVerifier::new("an app secret").expect("a secret");
    let body = texts(ONE);
    let header = verifier.sign(&body);
    Subject::new(
        "signature + parse + dispatch / sha2 + parse",
        Goal::Times(1.15),
        move || {
            let webhook = parse_signed(black_box(&body), Some(header.as_bytes()), &verifier);
            let _ = black_box(webhook.expect("a signed body").dispatch());
        },
        on(texts(ONE), |body| {
            black_box(Sha256::digest(body));
            read(body);
        }),
    )
}

fn on(body: Vec<u8>, work: fn(&[u8])) -> impl FnMut() {
    move || work(black_box(&body))
}

fn scan(body: &[u8]) {
    let _ = black_box(serde_json::from_slice::<IgnoredAny>(body));
}

fn value(body: &[u8]) {
    let _ = black_box(serde_json::from_slice::<Value>(body));
}

fn read(body: &[u8]) {
    let _ = black_box(parse(body));
}

fn read_and_dispatch(body: &[u8]) {
    let _ = black_box(parse(body).map(|webhook| webhook.dispatch()));
}

fn dispatch(body: &[u8]) {
    let _ = black_box(Parser::new().dispatch(body));
}
