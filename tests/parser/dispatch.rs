//! `Parser::dispatch` skips only events without receivers: each receiver gets the same events as
//! from `parse` and `Webhook::dispatch`.

use std::cell::RefCell;
use std::sync::{Mutex, MutexGuard, PoisonError};

use super::support::{self, malformed::malformed_bodies};
use proptest::prelude::*;
use serde::Serialize;
use whatsapp_signals::event::{Event, MessageReceived, MessageStatusChanged};
use whatsapp_signals::signals::{self, *};
use whatsapp_signals::{Connection, Context, Parser, Signal, WebhookEvent, parse};

/// Connections to the signals belong to the whole program, so one test at a time has them.
static TURN: Mutex<()> = Mutex::new(());

fn turn() -> MutexGuard<'static, ()> {
    TURN.lock().unwrap_or_else(PoisonError::into_inner)
}

thread_local! {
    /// The events that receivers of this thread got: the name of the signal and the JSON of the event.
    static RECEIVED: RefCell<Vec<String>> = const { RefCell::new(Vec::new()) };
}

fn record<T: Event + Serialize>(signal: &'static Signal<T>) -> Connection<'static> {
    signal.connect(|event: &T| {
        let event = serde_json::to_string(event).unwrap();
        RECEIVED.with_borrow_mut(|received| received.push(format!("{} {event}", T::NAME)));
    })
}

type Recorder = (&'static str, fn() -> Connection<'static>);

macro_rules! recorders {
    ($($signal:ident)+) => { [$((stringify!($signal), || record(&$signal))),+] };
}

/// A recorder for each signal of a webhook's events.
const RECORDERS: [Recorder; 44] = recorders! {
    MESSAGE_RECEIVED MESSAGE_STATUS_CHANGED FLOW_COMPLETED USER_SUBSCRIBED MESSAGE_ECHO
    HISTORY_MESSAGE STANDBY_MESSAGE STANDBY_STATUS UNRECOGNIZED
    STANDBY_ECHO HISTORY SMB_APP_STATE_SYNC CONVERSATION_CONTEXT USER_ACTION USER_PREFERENCE
    USER_ID_UPDATE CALL CALL_STATUS GROUP_LIFECYCLE_UPDATE GROUP_PARTICIPANTS_UPDATE
    GROUP_SETTINGS_UPDATE GROUP_STATUS_UPDATE AUTOMATIC_EVENT TRACKING_EVENT META_ERROR
    MESSAGING_HANDOVER MESSAGE_TEMPLATE_STATUS_UPDATE MESSAGE_TEMPLATE_QUALITY_UPDATE
    MESSAGE_TEMPLATE_COMPONENTS_UPDATE TEMPLATE_CATEGORY_UPDATE
    TEMPLATE_CORRECT_CATEGORY_DETECTION ACCOUNT_UPDATE ACCOUNT_REVIEW_UPDATE ACCOUNT_ALERT
    ACCOUNT_SETTINGS_UPDATE PHONE_NUMBER_NAME_UPDATE PHONE_NUMBER_QUALITY_UPDATE
    BUSINESS_CAPABILITY_UPDATE BUSINESS_STATUS_UPDATE BUSINESS_USERNAME_UPDATE SECURITY
    FLOW_UPDATE PARTNER_SOLUTION PAYMENT_CONFIGURATION_UPDATE
};

#[test]
fn all_signals_of_webhooks_are_listed_here() {
    let listed = RECORDERS.map(|(name, _)| name.to_lowercase());
    let delivered = signals::ALL.iter().map(|signal| signal.name());
    let others = [
        "message_sent",
        "message_refused",
        "campaign_completed",
        "any_event",
    ];
    let delivered: Vec<_> = delivered.filter(|name| !others.contains(name)).collect();
    assert_eq!(listed.to_vec(), delivered);
}

/// Returns the number of calls and the received events of a dispatch in two steps, and in one.
fn dispatch_both_ways(body: &str) -> [(Option<usize>, Vec<String>); 2] {
    let received = |called| (called, RECEIVED.take());
    let two_steps = parse(body.as_bytes()).map(|webhook| webhook.dispatch());
    let two_steps = received(two_steps.ok().map(|report| report.called()));
    let one_step = Parser::new().dispatch(body.as_bytes());
    [
        two_steps,
        received(one_step.ok().map(|report| report.called())),
    ]
}

#[test]
fn a_single_receiver_gets_the_same_events_in_one_step() {
    let _turn = turn();
    let bodies = support::all();
    for (name, connect) in RECORDERS {
        let _connection = connect();
        let mut received = 0;
        for (file, body) in &bodies {
            let [two_steps, one_step] = dispatch_both_ways(body);
            assert_eq!(one_step, two_steps, "{name} of {file}");
            received += one_step.1.len();
        }
        assert!(received > 0, "no body has the event {name}");
    }
}

#[test]
fn without_receivers_no_item_is_parsed() {
    let _turn = turn();
    let mut skipped = 0;
    for (file, body) in support::payloads() {
        let report = Parser::new().dispatch(body.as_bytes()).unwrap();
        assert_eq!(report.events(), report.unrecognized(), "{file}");
        skipped += report.skipped();
    }
    assert!(skipped > 100, "{skipped}");
}

#[test]
fn a_receiver_of_unrecognized_events_has_all_items_parsed() {
    let _turn = turn();
    let _connection = UNRECOGNIZED.connect(|_: &_| {});
    for (file, body) in support::all() {
        let (one_step, two_steps) = (
            Parser::new().dispatch(body.as_bytes()),
            parse(body.as_bytes()),
        );
        let two_steps = two_steps.map(|webhook| webhook.dispatch());
        let counts = [one_step, two_steps].map(|report| {
            let report = report.unwrap();
            (report.events(), report.unrecognized(), report.skipped())
        });
        assert_eq!(counts[0], counts[1], "{file}");
        assert_eq!(counts[0].2, 0, "{file}");
    }
}

#[test]
fn a_receiver_of_all_events_has_all_items_parsed() {
    let _turn = turn();
    let (all, own) = (Context::new(), Context::new());
    own.connect(&ANY_EVENT, |_: &WebhookEvent| {});
    let only = own.clone().only_own_receivers();
    let none = Context::new().only_own_receivers();
    let parser = Parser::new();
    for is_connected in [false, true] {
        let _connection = is_connected.then(|| ANY_EVENT.connect(|_: &WebhookEvent| {}));
        for (file, body) in support::payloads() {
            let events = parse(body.as_bytes()).unwrap().events().len();
            let called = |context| {
                let report = parser.with(context).dispatch(body.as_bytes()).unwrap();
                assert_eq!(report.without_receivers(), report.events(), "{file}");
                (report.skipped() == 0).then_some(report.called())
            };
            let of_all = called(&all);
            if is_connected {
                assert_eq!(of_all, Some(events), "{file}");
            } else {
                assert_eq!(of_all.unwrap_or_default(), 0, "{file}");
            }
            let both = events * (1 + usize::from(is_connected));
            assert_eq!(called(&own), Some(both), "{file}");
            assert_eq!(called(&only), Some(events), "{file}");
            assert_eq!(called(&none).unwrap_or_default(), 0, "{file}");
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(1024) })]

    #[test]
    fn any_set_of_receivers_gets_the_same_events_in_one_step(
        body in malformed_bodies(&support::all()), connected in prop::collection::vec(any::<bool>(), 44),
    ) {
        let _turn = turn();
        let recorders = RECORDERS.iter().zip(connected).filter(|(_, is_connected)| *is_connected);
        let _connections: Vec<_> = recorders.map(|((_, connect), _)| connect()).collect();
        let [two_steps, one_step] = dispatch_both_ways(&body);
        prop_assert_eq!(one_step, two_steps);
    }
}

#[test]
fn events_with_receivers_of_a_context_are_parsed() {
    let _turn = turn();
    let body = include_bytes!("../payloads/batch-mixed.json");
    let called = |context: &Context| {
        let report = Parser::new().with(context).dispatch(body).unwrap();
        report.called()
    };
    let messages = MESSAGE_RECEIVED.connect(|_: &MessageReceived| {});
    let all = Context::new();
    let read = called(&all);
    all.connect(&MESSAGE_STATUS_CHANGED, |_: &MessageStatusChanged| {});
    let statuses = called(&all) - read;
    assert!(statuses > 0);
    let only = all.clone().only_own_receivers();
    assert_eq!(called(&only), statuses);
    drop(messages);
}
