//! All bodies through an engine: what is parsed is delivered, once.

use std::collections::{HashMap, HashSet};
use std::time::Instant;

use crate::support;
use crate::support::engines::{Engine, engine_over, with_each_store};
use crate::support::malformed::malformed_bodies;
use crate::support::stores::any_store;
use proptest::prelude::*;
use whatsapp_signals::event::WebhookEvent;
use whatsapp_signals::model::Content;
use whatsapp_signals::store::ReadyStore;
use whatsapp_signals::{EngineErrorKind, WebhookEngine, parse};

/// The expected outcome of a body for an engine that has stored some keys.
struct Expected {
    delivered: usize,
    duplicate: usize,
    unrecognized: usize,
}

impl Expected {
    fn of(events: &[WebhookEvent], seen: &mut HashSet<String>) -> Self {
        let mut expected = Self {
            delivered: 0,
            duplicate: 0,
            unrecognized: 0,
        };
        // An event with neither an id nor a time that was seen is another one, unless all
        // others of its body were seen before, too.
        let mut company = events.iter().filter(|event| !event.repeats()).peekable();
        let is_alone = company.peek().is_none();
        let is_another = is_alone || company.any(|event| !seen.contains(&event.dedup_key()));
        let mut here = HashMap::new();
        for event in events {
            let mut key = event.dedup_key();
            let count = here.entry(key.clone()).or_insert(0);
            *count += 1;
            // Equal ones of one body are several.
            if event.repeats() {
                key = format!("{key} {count}");
            }
            let is_first = *count == 1 || event.repeats();
            let is_new = seen.insert(key);
            if is_first && (is_new || (event.repeats() && is_another)) {
                expected.delivered += 1;
                let is_odd = matches!(event, WebhookEvent::Unrecognized(_));
                expected.unrecognized += usize::from(is_odd);
            } else {
                expected.duplicate += 1;
            }
        }
        expected
    }
}

fn assert_processed(
    engine: &WebhookEngine<impl ReadyStore>,
    name: &str,
    body: &str,
    seen: &mut HashSet<String>,
) {
    match (parse(body.as_bytes()), engine.process(body.as_bytes())) {
        (Ok(webhook), Ok(outcome)) => {
            let expected = Expected::of(webhook.events(), seen);
            let found = [
                outcome.delivered(),
                outcome.duplicates(),
                outcome.unrecognized(),
            ];
            let expected = [
                expected.delivered,
                expected.duplicate,
                expected.unrecognized,
            ];
            assert_eq!(found, expected, "{name}");
            assert_eq!((outcome.failed(), outcome.unfinished()), (0, 0), "{name}");
        }
        (Err(error), Err(failed)) => match failed.kind() {
            EngineErrorKind::Parse(same) => assert_eq!(&error, same, "{name}"),
            other => panic!("{name}: {error:?} but {other:?}"),
        },
        (parsed, processed) => panic!("{name}: {parsed:?} but {processed:?}"),
    }
}

#[test]
fn every_body_delivers_its_new_events_and_none_when_repeated() {
    with_each_store(|engine: Engine| {
        let mut seen = HashSet::new();
        let bodies = support::all();
        for round in 0..3 {
            for (name, body) in &bodies {
                assert_processed(&engine, &format!("{name}, round {round}"), body, &mut seen);
            }
        }
        assert_eq!(engine.webhooks(None, 9).unwrap(), [], "nothing is left");
    });
}

#[test]
fn every_message_of_every_body_is_stored_as_it_came_and_its_user_is_a_contact() {
    let mut count = 0;
    for (name, body) in support::all() {
        let webhook = parse(body.as_bytes()).unwrap_or_default();
        let mut messages = HashMap::new();
        for event in &webhook {
            let account = event.account();
            let message = match event {
                WebhookEvent::MessageReceived(event) => event.message.clone(),
                WebhookEvent::MessageEcho(event) => event.message.clone(),
                WebhookEvent::StandbyMessage(event) => event.message.clone(),
                WebhookEvent::StandbyEcho(event) => event.value.to_message().unwrap(),
                _ => continue,
            };
            // Of two with one wamid the last one stays.
            messages.insert((account.clone(), message.id.clone()), message);
        }
        count += messages.len();
        with_each_store(|engine: Engine| {
            if messages.is_empty() {
                return;
            }
            assert!(!engine.process(body.as_bytes()).unwrap().should_retry());
            for ((account, _), message) in &messages {
                let records = engine.account(account);
                let stored = records.message(&message.id).unwrap();
                assert_eq!(stored.as_ref(), Some(message), "{name}");
                // News about a user says who they are from now on.
                let is_news = matches!(message.content, Content::System(_));
                if let Some(user) = message.user.as_ref().filter(|_| !is_news) {
                    let contact = records.contact(user).unwrap();
                    assert!(contact.is_some(), "{name}: no contact is {user:?}");
                }
            }
        });
    }
    assert!(count > 40, "{count} messages");
}

#[test]
fn a_body_without_events_is_nothing_to_remember() {
    with_each_store(|engine: Engine| {
        let body = br#"{"object":"whatsapp_business_account","entry":[]}"#;
        let outcome = engine.process(body).unwrap();
        assert_eq!(
            outcome.to_string(),
            "delivered 0 duplicates 0 unrecognized 0 failed 0"
        );
        assert_eq!(engine.webhooks(None, 9).unwrap(), []);
    });
}

#[test]
fn a_body_at_the_limit_of_events_is_processed() {
    let started = Instant::now();
    let items = vec!["{}"; 200_000].join(",");
    let body = format!(
        r#"{{"object":"whatsapp_business_account","entry":[{{"id":"1","changes":[{{"field":"messages",
            "value":{{"messages":[{items}]}}}}]}}]}}"#
    );
    let engine = engine_over(any_store());
    let outcome = engine.process(body.as_bytes()).unwrap();
    // They are all alike, and one more counts the rest.
    assert_eq!(outcome.unrecognized(), 2, "after {:?}", started.elapsed());
    assert_eq!(outcome.delivered(), 2);
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(256) })]

    #[test]
    fn malformed_bodies_deliver_their_new_events(bodies in prop::collection::vec(malformed_bodies(&support::all()), 1..6)) {
        let engine = engine_over(any_store());
        let mut seen = HashSet::new();
        for _ in 0..2 {
            for body in &bodies {
                assert_processed(&engine, body, body, &mut seen);
            }
        }
        prop_assert_eq!(engine.webhooks(None, 9).unwrap(), []);
    }
}
