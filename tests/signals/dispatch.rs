//! Static receivers that fail, panic, send and disconnect while a webhook is dispatched: the other
//! receivers run, and the report names each failed receiver and its place.

use std::sync::Mutex;

use whatsapp_signals::event::{MessageReceived, MessageSent, UserSubscribed};
use whatsapp_signals::model::{Content, Identity, Message};
use whatsapp_signals::signals::{MESSAGE_RECEIVED, MESSAGE_SENT, USER_SUBSCRIBED};
use whatsapp_signals::{Cause, EventFailure, parse, receiver};

static LOG: Mutex<Vec<&str>> = Mutex::new(Vec::new());

fn log(entry: &'static str) {
    LOG.lock().unwrap().push(entry);
}

fn logged() -> Vec<&'static str> {
    std::mem::take(&mut *LOG.lock().unwrap())
}

#[receiver(MESSAGE_RECEIVED, order = 1)]
fn panics(_event: &MessageReceived) {
    log("panics");
    panic!("the lamp is broken");
}

#[receiver(MESSAGE_RECEIVED, order = 2)]
fn fails(_event: &MessageReceived) -> Result<(), &'static str> {
    log("fails");
    Err("the till is empty")
}

#[receiver(MESSAGE_RECEIVED, order = 3)]
fn sends_again(event: &MessageReceived) -> Result<(), whatsapp_signals::Failure> {
    log("sends again");
    let user = Identity::from_phone("15550101001").unwrap();
    let answer = Message::outbound("wamid.ANSWER", user, Content::text("Thanks")).build();
    MESSAGE_SENT.send(&MessageSent::new(answer))?;
    // The same signal, one level deep.
    if event.message.id != "wamid.NESTED" {
        let mut nested = event.clone();
        nested.message.id = "wamid.NESTED".into();
        assert_eq!(MESSAGE_RECEIVED.send_robust(&nested).failures().len(), 2);
    }
    Ok(())
}

#[receiver(MESSAGE_RECEIVED, order = 4, uid = "once")]
fn disconnects_itself(_event: &MessageReceived) {
    log("disconnects itself");
    MESSAGE_RECEIVED.disconnect("once");
}

#[receiver(MESSAGE_RECEIVED, order = 5)]
fn runs(_event: &MessageReceived) {
    log("runs");
}

#[receiver(MESSAGE_SENT)]
fn receives_the_answer(_event: &MessageSent) {
    log("receives the answer");
}

#[test]
fn failures_stop_no_other_receiver_and_name_theirs() {
    let body = include_bytes!("../payloads/text.json");
    let report = parse(body).unwrap().dispatch();

    let nested = [
        "panics",
        "fails",
        "sends again",
        "receives the answer",
        "disconnects itself",
        "runs",
    ];
    let mut expected = vec!["panics", "fails", "sends again", "receives the answer"];
    expected.extend(nested);
    // Disconnected by the nested send, but the outer one had begun before.
    expected.extend(["disconnects itself", "runs"]);
    assert_eq!(logged(), expected);

    assert_eq!(
        (report.events(), report.called(), report.without_receivers()),
        (1, 5, 0)
    );
    let [first, second] = report.failures() else {
        panic!("two failures, not {report:?}")
    };
    named(first, "signals::dispatch::panics", line_above("fn panics"));
    assert_eq!(first.failure.panic_message(), Some("the lamp is broken"));
    named(second, "signals::dispatch::fails", line_above("fn fails"));
    assert!(matches!(second.failure.cause(), Cause::Error(_)));
    assert_eq!(
        second.failure.error().unwrap().to_string(),
        "the till is empty"
    );

    let report = parse(body).unwrap().dispatch();
    assert_eq!(report.called(), 4, "one has disconnected itself");
    logged();

    // An event without receivers is counted.
    let signup = include_bytes!("../payloads/signup-field.json");
    let report = parse(signup).unwrap().dispatch();
    assert!(!USER_SUBSCRIBED.has_receivers());
    assert_eq!(
        (report.events(), report.called(), report.without_receivers()),
        (1, 0, 1)
    );

    // In a batch, a failure has the index of its event.
    let _guard = USER_SUBSCRIBED.connect(|_: &UserSubscribed| Err("full"));
    let batch = [
        &parse(body).unwrap().into_events()[..],
        &parse(signup).unwrap().into_events()[..],
    ]
    .concat();
    assert_eq!(
        batch
            .iter()
            .map(|event| event.dispatch().failures().len())
            .sum::<usize>(),
        3
    );
}

#[track_caller]
fn named(failed: &EventFailure, path: &str, line: u32) {
    let receiver = failed.failure.receiver();
    assert_eq!((failed.event, receiver.path()), (0, path));
    assert_eq!(
        (receiver.file(), receiver.signal()),
        (file!(), "message_received")
    );
    assert_eq!(receiver.line(), line);
    assert!(
        failed
            .failure
            .to_string()
            .contains(&format!("{path} ({}:{})", file!(), line))
    );
}

/// Returns the line of the attribute above this text.
fn line_above(text: &str) -> u32 {
    let source = include_str!("dispatch.rs");
    let before = source.split(text).next().unwrap();
    u32::try_from(before.lines().count()).unwrap()
}
