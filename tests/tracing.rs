//! The spans and events of `tracing`, which have no personal data.
#![cfg(all(feature = "signature", feature = "tracing"))]
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod support;

use std::error::Error;
use std::fmt;
use std::io::{self, Write};
use std::sync::Arc;

use parking_lot::Mutex;
use serde_json::Value;
use support::engines::account;
use tracing::subscriber::Interest;
use tracing::{Metadata, Subscriber, span};
use tracing_subscriber::fmt::MakeWriter;
use whatsapp_signals::event::{FieldEvent, MessageReceived, MessageSent, MessageStatusChanged};
use whatsapp_signals::model::{Content, Identity, Message, MetaError};
use whatsapp_signals::signals::{
    MESSAGE_RECEIVED, MESSAGE_SENT, MESSAGE_STATUS_CHANGED, META_ERROR,
};
use whatsapp_signals::store::MemoryStore;
use whatsapp_signals::{Context, SignatureVerifier, WebhookEngine, parse, receiver};

/// An error with a cause.
#[derive(Debug)]
struct Down(io::Error);

impl fmt::Display for Down {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the CRM is down")
    }
}

impl Error for Down {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        Some(&self.0)
    }
}

#[receiver(MESSAGE_RECEIVED, uid = "crm")]
fn forward(_: &MessageReceived) -> Result<(), Down> {
    Err(Down(io::Error::other("connection refused")))
}

#[receiver(MESSAGE_RECEIVED)]
async fn waits(_: &MessageReceived) {
    std::future::ready(()).await;
}

#[receiver(MESSAGE_STATUS_CHANGED)]
fn panics(_: &MessageStatusChanged) {
    std::panic::resume_unwind(Box::new("out of paper"));
}

#[receiver(MESSAGE_SENT)]
async fn logs_sent(_: &MessageSent) {
    std::future::ready(()).await;
}

#[receiver(META_ERROR)]
fn looks(_: &FieldEvent<MetaError>) {
    tracing::info!("a receiver's own");
}

#[derive(Clone, Default)]
struct Lines(Arc<Mutex<Vec<u8>>>);

impl Write for Lines {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl MakeWriter<'_> for Lines {
    type Writer = Self;

    fn make_writer(&self) -> Self {
        self.clone()
    }
}

/// Returns the log of `work`.
fn logged(work: impl FnOnce()) -> String {
    let lines = Lines::default();
    let subscriber = tracing_subscriber::fmt()
        .with_writer(lines.clone())
        .with_max_level(tracing::Level::TRACE)
        .without_time()
        .with_ansi(false)
        .finish();
    tracing::subscriber::with_default(subscriber, work);
    String::from_utf8(std::mem::take(&mut lines.0.lock())).unwrap()
}

const BODY: &str = r#"{"object":"whatsapp_business_account","entry":[{"id":"900","changes":[{"field":"messages","value":{
    "metadata":{"phone_number_id":"300"},
    "messages":[{"id":"wamid.A","from":"15550101001","type":"text","text":{"body":"Hi"}},
                {"id":"wamid.B","from":"15550101001","type":"hologram"}],
    "statuses":[{"id":"wamid.C","status":"read"}],
    "errors":[{"code":1}]}}]}]}"#;

/// Returns a log without the numbers of lines in this file.
fn without_lines(logged: &str) -> String {
    let mut rest = logged;
    let mut text = String::new();
    while let Some(at) = ["tracing.rs:", "line="]
        .iter()
        .filter_map(|mark| Some(rest.find(mark)? + mark.len()))
        .min()
    {
        let (before, after) = rest.split_at(at);
        text.push_str(before);
        text.push('_');
        rest = after.trim_start_matches(|c: char| c.is_ascii_digit());
    }
    text + rest
}

#[test]
fn receivers_are_spans_in_events_in_a_webhook() {
    let logged = logged(|| {
        let report = parse(BODY.as_bytes()).unwrap().dispatch();
        assert_eq!(report.failures().len(), 3);
    });
    insta::assert_snapshot!("dispatch", without_lines(&logged));
}

#[test]
fn an_engine_has_the_same_spans_with_a_target_of_its_own_and_attempts() {
    let logged = logged(|| {
        let engine = WebhookEngine::new(MemoryStore::new()).max_attempts(2);
        assert_eq!(engine.process(BODY.as_bytes()).unwrap().failed(), 3);
        assert_eq!(
            pollster::block_on(engine.retry_unfinished_async())
                .unwrap()
                .dead_lettered(),
            2
        );
    });
    insta::assert_snapshot!("engine", without_lines(&logged));
}

#[test]
fn the_span_holds_while_receivers_wait() {
    let logged = logged(|| {
        let webhook = parse(BODY.as_bytes()).unwrap();
        assert_eq!(
            pollster::block_on(webhook.dispatch_async())
                .failures()
                .len(),
            2
        );
    });
    let span = "whatsapp_webhook{events=4";
    assert!(logged.lines().all(|line| line.contains(span)), "{logged}");
    assert!(!logged.contains("needs asend"), "{logged}");
}

#[test]
fn an_engine_logs_the_same_and_its_outcome() {
    let logged = logged(|| {
        let engine = WebhookEngine::new(MemoryStore::new());
        assert_eq!(engine.process(BODY.as_bytes()).unwrap().failed(), 3);
        assert!(engine.process(b"{").is_err());
    });
    assert_eq!(logged.matches("ERROR").count(), 3, "{logged}");
    let counts = "processed delivered=4 duplicates=0 unrecognized=1 without_receivers=1 failed=3 unfinished=2 dead_lettered=0";
    assert!(logged.contains(counts), "{logged}");
    let broken = "not a webhook error=unexpected end of the body at line 1 column 1";
    assert!(logged.lines().last().unwrap().ends_with(broken), "{logged}");
}

#[test]
fn a_span_has_only_the_ids_that_all_of_its_events_share() {
    let body = BODY.replace(
        "]}]}",
        r#"]},{"id":"900","changes":[{"field":"messages","value":{
        "metadata":{"phone_number_id":"301"},"errors":[{"code":2}]}}]}]}"#,
    );
    assert_ne!(body, BODY);
    let logged = logged(|| assert!(!parse(body.as_bytes()).unwrap().dispatch().is_ok()));
    assert!(
        logged.contains(r#"whatsapp_webhook{events=5 waba_id="900"}: "#),
        "{logged}"
    );
    assert!(!logged.contains("phone_number_id"), "{logged}");
}

#[test]
fn refused_bodies_and_events_of_the_program_are_logged() {
    let logged = logged(|| {
        let engine = WebhookEngine::new(MemoryStore::new());
        let verifier = SignatureVerifier::new("app secret").unwrap();
        let large = vec![b' '; 5 << 20];
        assert!(engine.process_signed(&large, None, &verifier).is_err());
        assert!(engine.process_signed(b"{}", None, &verifier).is_err());
        let sent = Message::outbound(
            "wamid.S",
            Identity::from_phone("15550101001").unwrap(),
            Content::text("Hi"),
        );
        let sent = MessageSent::new(sent.build()).with_account(account());
        assert_eq!(engine.process_sent(sent).unwrap().failed(), 1);
    });
    let lines: Vec<_> = logged.lines().collect();
    assert_eq!(lines.len(), 4, "{logged}");
    assert!(
        lines[0].contains(
            "not a webhook error=expected a body of at most 4194304 bytes, found 5242880"
        ),
        "{logged}"
    );
    assert!(lines[1].ends_with("not signed error=missing header X-Hub-Signature-256"));
    assert!(
        lines[2].contains("receiver=\"tracing::logs_sent\""),
        "{logged}"
    );
    assert!(lines[3].contains("processed delivered=1"), "{logged}");
}

/// Members whose texts are a user's.
const PRIVATE: [&str; 12] = [
    "body",
    "caption",
    "name",
    "first_name",
    "formatted_name",
    "from",
    "wa_id",
    "recipient_id",
    "id",
    "phone",
    "email",
    "user_id",
];

/// The values of such members, anywhere below a message, status or contact.
fn private(value: &Value, is_users: bool, found: &mut Vec<String>) {
    match value {
        Value::Object(members) => {
            for (name, value) in members {
                let lists = [
                    "messages",
                    "statuses",
                    "contacts",
                    "message_echoes",
                    "calls",
                ];
                let is_users = is_users || lists.contains(&name.as_str());
                match value.as_str() {
                    // A short text may also be part of another word.
                    Some(text) if is_users && PRIVATE.contains(&name.as_str()) => {
                        found.extend((text.len() > 5).then(|| text.to_owned()));
                    }
                    _ => private(value, is_users, found),
                }
            }
        }
        Value::Array(items) => items.iter().for_each(|item| private(item, is_users, found)),
        _ => {}
    }
}

#[test]
fn no_personal_data_is_logged() {
    let mut count = 0;
    for (_, body) in support::payloads() {
        let body = body.into_bytes();
        let logged = logged(|| {
            let webhook = parse(&body).unwrap();
            let _ = webhook.dispatch();
            let _ = pollster::block_on(webhook.dispatch_async());
            let engine = WebhookEngine::new(MemoryStore::new());
            let _ = engine.process(&body).unwrap();
            let _ = pollster::block_on(engine.process_async(&body)).unwrap();
        });
        // One of them has half a surrogate, which a `Value` cannot.
        let Ok(value) = serde_json::from_slice(&body) else {
            continue;
        };
        let mut found = Vec::new();
        private(&value, false, &mut found);
        count += found.len();
        for text in found {
            assert!(!logged.contains(&text), "{text:?} in {logged}");
        }
    }
    assert!(count > 100, "{count} texts were looked for");
}

/// The functions in which an error panics.
#[derive(Clone, Copy, Debug, PartialEq)]
enum At {
    Display,
    Source,
    Drop,
}

/// Panics without output.
fn panics_at(at: At) -> ! {
    std::panic::resume_unwind(Box::new(format!("in {at:?}")))
}

#[derive(Debug)]
struct Bomb(At);

impl fmt::Display for Bomb {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0 == At::Display {
            panics_at(self.0);
        }
        f.write_str("a bomb")
    }
}

impl Error for Bomb {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        if self.0 == At::Source {
            panics_at(self.0);
        }
        None
    }
}

impl Drop for Bomb {
    fn drop(&mut self) {
        if self.0 == At::Drop {
            panics_at(self.0);
        }
    }
}

const THREE: &[u8] = br#"{"object":"whatsapp_business_account","entry":[{"id":"900","changes":[{"field":"messages","value":{
    "metadata":{"phone_number_id":"300"},
    "messages":[{"id":"wamid.A","from":"15550101001","type":"text","text":{"body":"1"}},
                {"id":"wamid.B","from":"15550101001","type":"text","text":{"body":"2"}},
                {"id":"wamid.C","from":"15550101001","type":"text","text":{"body":"3"}}]}}]}]}"#;

/// Returns a context whose first receiver fails at the first message, and whose second one
/// collects the ids of all.
fn context(fail: impl Fn() -> Result<(), Bomb> + Send + Sync + 'static) -> (Context, Ids) {
    let (context, ids) = (Context::new().only_own_receivers(), Ids::default());
    context.connect(
        &MESSAGE_RECEIVED,
        move |event: &MessageReceived| match event.message.id.as_str() {
            "wamid.A" => fail(),
            _ => Ok(()),
        },
    );
    let seen = Arc::clone(&ids);
    context.connect(&MESSAGE_RECEIVED, move |event: &MessageReceived| {
        seen.lock().push(event.message.id.as_str().to_owned());
    });
    (context, ids)
}

type Ids = Arc<Mutex<Vec<String>>>;

const ALL: [&str; 3] = ["wamid.A", "wamid.B", "wamid.C"];

#[test]
fn an_error_whose_display_source_or_drop_panics_costs_no_other_event() {
    for at in [At::Display, At::Source, At::Drop] {
        let (context, ids) = context(move || Err(Bomb(at)));
        let take = || std::mem::take(&mut *ids.lock());
        let text = match at {
            At::Display => "error=error whose Display panicked",
            At::Source => "error=a bomb: error whose source panicked",
            At::Drop => "error=a bomb",
        };
        let logged = logged(|| {
            let webhook = parse(THREE).unwrap();
            let report = webhook.with(&context).dispatch();
            assert_eq!((report.called(), report.failures().len()), (6, 1), "{at:?}");
            assert_eq!(report.failures()[0].failure.retry(), None);
            assert_eq!(take(), ALL, "{at:?}");
            drop(report);
            let report = pollster::block_on(webhook.with(&context).dispatch_async());
            assert_eq!((report.called(), report.failures().len()), (6, 1), "{at:?}");
            assert_eq!(take(), ALL, "{at:?}");
            drop(report);

            let engine = WebhookEngine::new(MemoryStore::new()).context(context.clone());
            let outcome = engine.process(THREE).unwrap();
            assert_eq!(
                (outcome.delivered(), outcome.unfinished()),
                (3, 1),
                "{at:?}"
            );
            assert_eq!(take(), ALL, "{at:?}");
            drop(outcome);
            let outcome = engine.retry_unfinished().unwrap();
            assert_eq!(
                (outcome.delivered(), outcome.unfinished()),
                (1, 1),
                "{at:?}"
            );
            assert!(take().is_empty(), "{at:?}");
            drop(outcome);
            let outcome = pollster::block_on(engine.retry_unfinished_async()).unwrap();
            assert_eq!((outcome.delivered(), outcome.failed()), (1, 1), "{at:?}");
        });
        assert_eq!(logged.matches(text).count(), 5, "{at:?}: {logged}");
        assert!(logged.contains("processed delivered=3"), "{logged}");
    }
}

/// The methods of a subscriber that panic.
const METHODS: [&str; 7] = [
    "enabled",
    "new_span",
    "enter",
    "exit",
    "event",
    "try_close",
    "all",
];

/// A subscriber of which one method panics.
struct Broken(&'static str);

impl Broken {
    fn call(&self, method: &str) {
        if self.0 == method || self.0 == "all" {
            std::panic::resume_unwind(Box::new("in the subscriber"));
        }
    }
}

impl Subscriber for Broken {
    fn register_callsite(&self, _: &'static Metadata<'static>) -> Interest {
        Interest::sometimes()
    }

    fn enabled(&self, _: &Metadata<'_>) -> bool {
        self.call("enabled");
        true
    }

    fn new_span(&self, _: &span::Attributes<'_>) -> span::Id {
        self.call("new_span");
        span::Id::from_u64(1)
    }

    fn record(&self, _: &span::Id, _: &span::Record<'_>) {}

    fn record_follows_from(&self, _: &span::Id, _: &span::Id) {}

    fn event(&self, _: &tracing::Event<'_>) {
        self.call("event");
    }

    fn enter(&self, _: &span::Id) {
        self.call("enter");
    }

    fn exit(&self, _: &span::Id) {
        self.call("exit");
    }

    fn try_close(&self, _: span::Id) -> bool {
        self.call("try_close");
        true
    }
}

#[test]
fn a_subscriber_that_panics_costs_only_its_own_output() {
    for method in METHODS {
        let (context, ids) = context(|| Err(Bomb(At::Display)));
        let take = || std::mem::take(&mut *ids.lock());
        tracing::subscriber::with_default(Broken(method), || {
            let webhook = parse(THREE).unwrap();
            let report = webhook.with(&context).dispatch();
            assert_eq!(
                (report.called(), report.failures().len()),
                (6, 1),
                "{method}"
            );
            assert_eq!(take(), ALL, "{method}");
            let report = pollster::block_on(webhook.with(&context).dispatch_async());
            assert_eq!(
                (report.called(), report.failures().len()),
                (6, 1),
                "{method}"
            );
            assert_eq!(take(), ALL, "{method}");
            let engine = WebhookEngine::new(MemoryStore::new()).context(context.clone());
            assert_eq!(engine.process(THREE).unwrap().unfinished(), 1, "{method}");
            assert_eq!(take(), ALL, "{method}");
            assert_eq!(engine.retry_unfinished().unwrap().failed(), 1, "{method}");
            assert!(engine.process(b"{").is_err(), "{method}");
        });
    }
}

/// Writes a line when it is dropped.
struct LogsDrop;

impl Drop for LogsDrop {
    fn drop(&mut self) {
        tracing::info!("dropped");
    }
}

#[test]
fn a_cancelled_dispatch_drops_its_receivers_in_the_span() {
    let context = Context::new().only_own_receivers();
    context.connect(&MESSAGE_RECEIVED, async |_: &MessageReceived| {
        let _dropped = LogsDrop;
        std::future::pending::<()>().await;
    });
    let logged = logged(|| {
        let webhook = parse(THREE).unwrap();
        let mut dispatch = Box::pin(webhook.with(&context).dispatch_async());
        let mut cx = std::task::Context::from_waker(std::task::Waker::noop());
        assert!(dispatch.as_mut().poll(&mut cx).is_pending());
    });
    assert_eq!(logged.matches("dropped").count(), 1, "{logged}");
    assert!(logged.contains("whatsapp_webhook{events=3"), "{logged}");
}
