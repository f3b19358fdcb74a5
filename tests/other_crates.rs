//! Receivers in several crates: the fixture in `tests/fixtures/handlers` and
//! this one.
//!
//! Link order differs between debug and release builds, and the order in which
//! receivers run must not: run this test in both.

// Links a crate with receivers, as a program does.
use wa_handlers as _;

use std::path::Path;
use std::sync::Arc;

use parking_lot::Mutex;
use wa_handlers::orders::{ORDER_PAID, OrderPaid, PREORDER_PAID};
use wa_handlers::receipts::{Printer, Shop};
use wa_handlers::{record, take_calls};
use whatsapp_signals::event::{MessageReceived, MessageStatusChanged};
use whatsapp_signals::signals::{MESSAGE_RECEIVED, MESSAGE_STATUS_CHANGED, UNRECOGNIZED};
use whatsapp_signals::store::MemoryStore;
use whatsapp_signals::{Context, ReceiverInfo, Signal, WebhookEngine, parse, receiver, receivers};

#[receiver(MESSAGE_RECEIVED, order = 30)]
fn log(_event: &MessageReceived) {
    record("here::log");
}

#[receiver(MESSAGE_RECEIVED, order = 20)]
fn index(_event: &MessageReceived) {
    record("here::index");
}

#[receiver(MESSAGE_RECEIVED)]
fn wave(_event: &MessageReceived) {
    record("here::wave");
}

#[receiver(MESSAGE_RECEIVED)]
fn bow(_event: &MessageReceived) {
    record("here::bow");
}

#[receiver(MESSAGE_RECEIVED, order = -5)]
fn route(_event: &MessageReceived) {
    record("here::route");
}

#[receiver(MESSAGE_RECEIVED, order = -20)]
fn trace(_event: &MessageReceived) {
    record("here::trace");
}

#[receiver(ORDER_PAID)]
fn celebrate(_event: &OrderPaid) {
    record("here::celebrate");
}

struct Desk {
    number: u8,
}

#[receiver(MESSAGE_STATUS_CHANGED, order = 10)]
fn stamp(event: &MessageStatusChanged, desk: &Desk, printer: &dyn Printer) {
    record("here::stamp");
    printer.print(&format!("desk {}: {}", desk.number, event.update.status));
}

/// Returns the calls that `send` records in this thread.
fn calls_of(send: impl FnOnce()) -> Vec<&'static str> {
    drop(take_calls());
    send();
    take_calls()
}

/// Each receiver's path and order.
fn listed<T>(signal: &Signal<T>) -> Vec<(&'static str, i32)> {
    let listed = signal.receivers().into_iter();
    listed.map(|info| (info.path(), info.order())).collect()
}

#[test]
fn a_webhook_reaches_receivers_of_both_crates_in_one_order() {
    let webhook = parse(include_bytes!("payloads/text.json")).unwrap();
    let calls = calls_of(|| {
        let report = webhook.dispatch();
        assert!(report.is_ok(), "{report:?}");
        assert_eq!(report.called(), 10);
    });
    assert_eq!(
        calls,
        [
            "here::trace",
            "inbox::block",
            "here::route",
            "inbox::translate",
            "inbox::answer",
            "here::wave",
            "here::bow",
            "inbox::archive",
            "here::index",
            "here::log",
        ]
    );
}

#[test]
fn the_filter_of_another_crate_runs() {
    let webhook = parse(include_bytes!("payloads/image.json")).unwrap();
    let calls = calls_of(|| assert_eq!(webhook.dispatch().called(), 11));
    assert_eq!(
        calls[3..7],
        [
            "inbox::translate",
            "inbox::answer",
            "inbox::download",
            "here::wave"
        ]
    );
}

#[test]
fn receivers_of_both_crates_are_listed_in_the_order_in_which_they_run() {
    assert_eq!(
        listed(&MESSAGE_RECEIVED),
        [
            ("other_crates::trace", -20),
            ("wa_handlers::inbox::block", -10),
            ("other_crates::route", -5),
            ("wa_handlers::inbox::translate", 0),
            ("wa_handlers::inbox::answer", 0),
            ("wa_handlers::inbox::download", 0),
            ("other_crates::wave", 0),
            ("other_crates::bow", 0),
            ("wa_handlers::inbox::archive", 20),
            ("other_crates::index", 20),
            ("other_crates::log", 30),
        ]
    );
}

#[test]
fn receivers_are_sorted_by_order_file_and_line() {
    let sort_key = |info: &ReceiverInfo| (info.order(), info.file().to_owned(), info.line());
    let listed = MESSAGE_RECEIVED.receivers();
    assert!(listed.is_sorted_by_key(sort_key), "{listed:#?}");

    for info in listed {
        let expected = if info.path().starts_with("wa_handlers") {
            "tests/fixtures/handlers/src/inbox.rs"
        } else {
            "tests/other_crates.rs"
        };
        assert!(Path::new(info.file()).ends_with(expected), "{info}");
    }
}

#[test]
fn a_signal_of_another_crate_is_received_here() {
    let paid = OrderPaid { total_cents: 990 };
    let calls = calls_of(|| assert_eq!(ORDER_PAID.send(&paid).unwrap().called(), 4));
    assert_eq!(
        calls,
        [
            "orders::check",
            "orders::thank",
            "here::celebrate",
            "orders::ship"
        ]
    );
}

#[test]
fn a_receiver_of_two_signals_receives_each() {
    let paid = OrderPaid { total_cents: 990 };
    let calls = calls_of(|| assert!(PREORDER_PAID.send_robust(&paid).is_ok()));
    assert_eq!(calls, ["orders::thank"]);
}

#[test]
fn a_failure_names_the_receiver_of_another_crate() {
    let nothing = OrderPaid { total_cents: 0 };
    let mut failed = None;
    let calls = calls_of(|| failed = ORDER_PAID.send(&nothing).err());
    assert_eq!(calls, ["orders::check"]);

    let failed = failed.unwrap();
    assert_eq!(failed.receiver().path(), "wa_handlers::orders::check");
    assert_eq!(failed.error().unwrap().to_string(), "nothing was paid");
}

/// A printer that keeps its lines.
#[derive(Default)]
struct Paper(Mutex<Vec<String>>);

impl Printer for Paper {
    fn print(&self, line: &str) {
        self.0.lock().push(line.to_owned());
    }
}

/// The context of this program, without the printer.
fn context() -> Context {
    let shop = Shop {
        name: "Juniper Bikes",
    };
    Context::new().with(shop).with(Desk { number: 2 })
}

#[test]
fn receivers_of_both_crates_take_values_of_one_context() {
    let paper = Arc::new(Paper::default());
    let printer: Arc<dyn Printer> = paper.clone();
    let engine = WebhookEngine::new(MemoryStore::new()).context(context().with(printer));
    engine.check().unwrap();
    let calls = calls_of(|| {
        let outcome = engine.process(include_bytes!("payloads/status-read.json"));
        assert_eq!(outcome.unwrap().failures().len(), 0);
    });
    assert_eq!(calls, ["receipts::print", "here::stamp"]);
    assert_eq!(*paper.0.lock(), ["Juniper Bikes: read", "desk 2: read"]);
}

#[test]
fn a_check_names_the_receivers_of_both_crates_that_lack_a_value() {
    let engine = WebhookEngine::new(MemoryStore::new()).context(context());
    let error = engine.check().unwrap_err().to_string();
    let needs = "of signal message_status_changed needs \
                 alloc::sync::Arc<dyn wa_handlers::receipts::Printer>, which the context lacks";
    let print = "wa_handlers::receipts::print (tests/fixtures/handlers/src/receipts.rs:21)";
    let stamp = &MESSAGE_STATUS_CHANGED.receivers()[1];
    assert_eq!(
        error,
        format!("receivers cannot be called:\n- {print} {needs}\n- {stamp} {needs}")
    );
}

#[test]
fn the_program_lists_the_receivers_of_all_its_crates() {
    let of = |signal| {
        let all = receivers().into_iter();
        all.filter(|info| info.signal() == signal)
            .collect::<Vec<_>>()
    };
    assert_eq!(of("message_received"), MESSAGE_RECEIVED.receivers());
    assert_eq!(of("order_paid"), ORDER_PAID.receivers());
    assert_eq!(of("preorder_paid"), PREORDER_PAID.receivers());
    assert_eq!(
        listed(&MESSAGE_STATUS_CHANGED),
        [
            ("wa_handlers::receipts::print", 0),
            ("other_crates::stamp", 10)
        ]
    );
    assert_eq!(listed(&UNRECOGNIZED), [("wa_handlers::inbox::report", 0)]);
    assert_eq!(receivers().len(), 11 + 4 + 1 + 2 + 1);
}
