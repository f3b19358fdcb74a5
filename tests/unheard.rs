//! `dispatch` leaves out what nobody hears, and nothing else: whoever listens
//! hears the same events as from `parse` and then `dispatch`.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod support;

use std::sync::{Mutex, MutexGuard, PoisonError};

use proptest::prelude::*;
use serde::Serialize;
use support::odd::odd_bodies;
use whatsapp_signals::event::{Event, MessageReceived, MessageStatusChanged};
use whatsapp_signals::signals::{self, *};
use whatsapp_signals::{Connection, Context, Parser, Signal, WebhookEvent, parse};

/// Signals are global, so one test at a time listens.
static LISTENING: Mutex<()> = Mutex::new(());

fn listening() -> MutexGuard<'static, ()> {
    LISTENING.lock().unwrap_or_else(PoisonError::into_inner)
}

/// What was heard: each event as JSON, after its signal's name.
static HEARD: Mutex<Vec<String>> = Mutex::new(Vec::new());

fn record<T: Event + Serialize>(signal: &'static Signal<T>) -> Connection<'static> {
    signal.connect(|event: &T| {
        let event = serde_json::to_string(event).unwrap();
        HEARD.lock().unwrap().push(format!("{} {event}", T::NAME));
    })
}

type Recorder = (&'static str, fn() -> Connection<'static>);

macro_rules! recorders {
    ($($signal:ident)+) => { [$((stringify!($signal), || record(&$signal))),+] };
}

/// One for each signal that a webhook fires.
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

/// What both ways through a body tell, of whom they called and what was heard.
fn both_ways(body: &str) -> [(Option<usize>, Vec<String>); 2] {
    let heard = |called| (called, std::mem::take(&mut *HEARD.lock().unwrap()));
    let two_steps = parse(body.as_bytes()).map(|webhook| webhook.dispatch());
    let two_steps = heard(two_steps.ok().map(|report| report.called()));
    let one_step = Parser::new().dispatch(body.as_bytes());
    [
        two_steps,
        heard(one_step.ok().map(|report| report.called())),
    ]
}

#[test]
fn whoever_listens_alone_hears_the_same() {
    let _listening = listening();
    let bodies = support::all();
    for (name, connect) in RECORDERS {
        let _connection = connect();
        let mut heard = 0;
        for (file, body) in &bodies {
            let [two_steps, one_step] = both_ways(body);
            assert_eq!(one_step, two_steps, "{name} of {file}");
            heard += one_step.1.len();
        }
        assert!(heard > 0, "no body fires {name}");
    }
}

#[test]
fn where_nobody_listens_no_item_is_looked_into() {
    let _listening = listening();
    let mut skipped = 0;
    for (file, body) in support::payloads() {
        let report = Parser::new().dispatch(body.as_bytes()).unwrap();
        assert_eq!(report.events(), report.unrecognized(), "{file}");
        skipped += report.skipped();
    }
    assert!(skipped > 100, "{skipped}");
}

#[test]
fn who_hears_of_the_odd_has_all_read() {
    let _listening = listening();
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
fn a_receiver_of_all_events_has_all_read() {
    let _turn = listening();
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
    fn whoever_listens_hears_the_same(
        body in odd_bodies(&support::all()), listen in prop::collection::vec(any::<bool>(), 44),
    ) {
        let _listening = listening();
        let recorders = RECORDERS.iter().zip(listen).filter(|(_, listens)| *listens);
        let _connections: Vec<_> = recorders.map(|((_, connect), _)| connect()).collect();
        let [two_steps, one_step] = both_ways(&body);
        prop_assert_eq!(one_step, two_steps);
    }
}

#[test]
fn what_the_receivers_of_a_context_want_is_read() {
    let _turn = listening();
    let body = include_bytes!("payloads/batch-mixed.json");
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
