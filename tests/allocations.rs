//! Counts allocations: a send has none, an `asend` one future for each receiver, and parsing a
//! webhook little more than its events keep.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

#[path = "../benches/subjects/bodies.rs"]
#[allow(dead_code, reason = "the benchmarks use the rest")]
mod bodies;

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};

use allocation_counter::{AllocationInfo, measure};
use bodies::texts;
use whatsapp_signals::event::{MessageReceived, WebhookEvent};
use whatsapp_signals::signals::{ANY_EVENT, MESSAGE_RECEIVED};
use whatsapp_signals::{Context as Values, Parser, Signal, Webhook, parse, receiver};

static TICK: Signal<u32> = Signal::new("tick");

#[receiver(TICK)]
fn first(_: &u32) {}

#[receiver(TICK, filter = |n| *n > 1)]
fn second(_: &u32) {}

#[test]
fn a_send_allocates_nothing() {
    assert_eq!(
        TICK.send(&1).unwrap().called(),
        1,
        "the list is made at first use"
    );
    let connected = Signal::new("connected");
    let _connections = [0; 8].map(|_| connected.connect(|_: &u32| {}));
    for signal in [&TICK, &connected] {
        for n in [1, 2] {
            let send = || assert!(signal.send(&n).is_ok());
            let send_robust = || assert!(signal.send_robust(&n).is_ok());
            assert_eq!(measure(send).count_total, 0, "{signal:?}");
            assert_eq!(measure(send_robust).count_total, 0, "{signal:?}");
        }
    }
}

#[test]
fn a_send_with_a_context_allocates_nothing() {
    static ADDED: Signal<u32> = Signal::new("added");

    #[receiver(ADDED)]
    fn add(n: &u32, by: &u32, _: &String) {
        assert!(n + by > 0);
    }

    let _connection = ADDED.connect(|_: &u32| {});
    let context = Values::new().with(7_u32).with(String::new());
    let shared = context.clone().without_receiver("none");
    for (context, receivers) in [(&context, 2), (&shared, 3)] {
        if receivers == 3 {
            shared.connect(&ADDED, |_: &u32| {});
        }
        let send = || assert_eq!(ADDED.with(context).send(&1).unwrap().called(), receivers);
        let send_robust = || assert_eq!(ADDED.with(context).send_robust(&1).called(), receivers);
        send();
        assert_eq!(measure(send).count_total, 0, "{receivers} receivers");
        assert_eq!(measure(send_robust).count_total, 0, "{receivers} receivers");
    }
}

/// Without receivers, with a typed one, and with one of all events.
#[test]
fn a_dispatch_allocates_nothing() {
    let webhook = parse(&texts(2, "Hello!")).unwrap();
    let context = Values::new();
    context.connect(&MESSAGE_RECEIVED, |_: &MessageReceived| {});
    let with_any = Values::new();
    with_any.connect(&ANY_EVENT, |_: &WebhookEvent| {});
    for (context, called) in [(&Values::new(), 0), (&context, 2), (&with_any, 2)] {
        let webhook = webhook.with(context);
        let dispatch = || assert_eq!(webhook.dispatch().called(), called);
        dispatch();
        assert_eq!(measure(dispatch).count_total, 0, "{called} calls");
        let executor = measure(|| pollster::block_on(async {})).count_total;
        let dispatch = || {
            let report = pollster::block_on(webhook.dispatch_async());
            assert_eq!(report.called(), called);
        };
        let count = measure(dispatch).count_total - executor;
        assert_eq!(count, 0, "{called} calls");
    }
}

async fn is_ready(n: &u32) -> Result<(), &'static str> {
    if *n > 0 { Ok(()) } else { Err("none") }
}

async fn waits(_: &u32) {
    struct Once(bool);
    impl Future for Once {
        type Output = ();
        fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
            if std::mem::replace(&mut self.0, true) {
                return Poll::Ready(());
            }
            cx.waker().wake_by_ref();
            Poll::Pending
        }
    }
    Once(false).await;
}

/// Returns the allocations of an `asend`, without those of the executor.
fn asend(signal: &Signal<u32>) -> AllocationInfo {
    // The first use of any signal sorts the static receivers of the program.
    let _ = signal.has_receivers();
    let executor = measure(|| pollster::block_on(async {}));
    let mut sent = measure(|| assert!(pollster::block_on(signal.asend_robust(&1)).is_ok()));
    sent.count_total -= executor.count_total;
    sent
}

#[test]
fn an_asend_allocates_once_a_receiver() {
    for count in [0, 1, 8, 64] {
        let signal = Signal::new("tick");
        let _connections: Vec<_> = (0..count).map(|_| signal.connect(is_ready)).collect();
        for _ in 0..2 {
            let sent = asend(&signal);
            assert_eq!((sent.count_total, sent.count_current), (count, 0));
        }
    }
}

#[test]
fn an_asend_allocates_once_more_for_all_that_wait() {
    for count in [1, 8, 64] {
        let signal = Signal::new("tick");
        let _connections: Vec<_> = (0..count).map(|_| signal.connect(waits)).collect();
        let sent = asend(&signal);
        assert_eq!((sent.count_total, sent.count_current), (count + 1, 0));
    }
}

/// Counts the allocations of a parse; the events are kept until then. The index of the body
/// is in a buffer that the first parse of a thread leaves to the next one.
fn reading(body: &[u8], messages: usize) -> AllocationInfo {
    drop(parse(body));
    let mut webhook = Webhook::default();
    let info = measure(|| webhook = parse(body).unwrap());
    assert_eq!(webhook.events().len(), messages);
    info
}

#[test]
fn one_message_allocates_only_the_memory_of_its_event() {
    let info = reading(&texts(1, "Hello!"), 1);
    // The body; the list of events; the account and its three ids; the contact,
    // its number, which is the sender's too, and its name; the message's id and text.
    assert_eq!(info.count_current, 11);
    assert_eq!(info.count_total, 11);
}

#[test]
fn an_ignored_member_allocates_nothing() {
    let body = String::from_utf8(texts(1, "Hello!")).unwrap();
    let gupshup = body.replacen('{', r#"{"gs_app_id":"4a1322a2","more":true,"#, 1);
    let parser = Parser::new().ignored_members(&["gs_app_id", "more"]);
    drop(parser.parse(gupshup.as_bytes()));
    let mut webhook = Webhook::default();
    let info = measure(|| webhook = parser.parse(gupshup.as_bytes()).unwrap());
    assert_eq!(webhook.events().len(), 1);
    assert_eq!(info.count_total, 11);
}

#[test]
fn a_batch_allocates_five_times_a_message() {
    let info = reading(&texts(1000, "Hello!"), 1000);
    assert!(info.count_total < 5100, "{info:?}");
}

/// As large as Meta's get: a thousand messages in three megabytes.
#[test]
fn reading_takes_at_most_2_6_times_the_body() {
    let body = texts(1000, &"Is my bicycle ready? ".repeat(140));
    assert!(body.len() > 3_000_000);
    let mut webhook = Webhook::default();
    let info = measure(|| webhook = parse(&body).unwrap());
    assert_eq!(webhook.events().len(), 1000);
    let most = body.len() as u64 * 26 / 10;
    assert!(info.bytes_max < most, "{} of {most} bytes", info.bytes_max);
}

#[test]
fn reading_a_hostile_body_takes_at_most_40_mebibytes() {
    let values = |value: &str| {
        let body = format!(r#"{{"object":"whatsapp_business_account","entry":[{value}"#);
        let times = (Parser::DEFAULT_MAX_LEN - body.len() - 2) / (value.len() + 1);
        format!("{body}{}]}}", format!(",{value}").repeat(times))
    };
    for body in [
        "[".repeat(Parser::DEFAULT_MAX_LEN),
        values("[]"),
        values("1"),
    ] {
        let info = measure(|| drop(parse(body.as_bytes())));
        let start = &body[..60.min(body.len())];
        assert!(
            info.bytes_max < 40 << 20,
            "{} bytes for {start}",
            info.bytes_max
        );
    }
}
