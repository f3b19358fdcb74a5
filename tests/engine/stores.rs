//! The stores of this crate pass the public conformance checks, and a store in memory has a bound.

use crate::support::batch::items;
use crate::support::engines::{engine_over, records};
use crate::support::messages::messages;
use whatsapp_signals::event::{MessageReceived, Unrecognized};
use whatsapp_signals::model::Identity;
use whatsapp_signals::signals::{MESSAGE_RECEIVED, UNRECOGNIZED};
use whatsapp_signals::store::{MemoryStore, StoreErrorKind};
use whatsapp_signals::{Context, EngineErrorKind, WebhookEngine};

/// Returns an engine that handles each message and no unrecognized event.
fn engine(store: MemoryStore) -> WebhookEngine<MemoryStore> {
    let context = Context::new().only_own_receivers();
    context.connect(&MESSAGE_RECEIVED, |_: &MessageReceived| {});
    context.connect(&UNRECOGNIZED, |_: &Unrecognized| Err("always"));
    engine_over(store).context(context)
}

/// A body whose only event fails.
fn malformed(number: usize) -> Vec<u8> {
    let item = format!(r#"{{"id":"wamid.odd.{number}","type":"hologram"}}"#);
    items("messages", &[item])
}

#[test]
fn a_full_memory_store_deletes_the_oldest_finished_webhooks() {
    let engine = engine(MemoryStore::bounded(10));
    assert!(engine.process(&malformed(0)).unwrap().should_retry());
    for number in 0..100 {
        let body = messages(number..number + 1);
        assert_eq!(
            engine.process(&body).unwrap().delivered(),
            1,
            "number {number}"
        );
    }
    let user = Identity::from_phone("15550101001").unwrap();
    let conversation = records(&engine).conversation(&user, None, 99).unwrap();
    assert_eq!(conversation.len(), 10);
    assert_eq!(conversation[9].id, "wamid.90");
    assert_eq!(records(&engine).unread_count(&user).unwrap(), 10);
    assert_eq!(engine.process(&messages(99..100)).unwrap().duplicates(), 1);
    assert_eq!(
        engine.process(&messages(0..1)).unwrap().delivered(),
        1,
        "forgotten"
    );
    assert_eq!(
        engine.retry_unfinished().unwrap().failed(),
        1,
        "and this is not"
    );
}

#[test]
fn at_its_bound_a_memory_store_forgets_the_contact_that_was_silent_for_longest() {
    let engine = WebhookEngine::new(MemoryStore::bounded(3));
    let store = records(&engine);
    let user = |number: u32| Identity::from_phone(&format!("1555010100{number}")).unwrap();
    for number in 0..6 {
        store
            .update_contact(&user(0), |contact| contact.opted_out = true)
            .unwrap();
        store.update_contact(&user(number + 1), |_| {}).unwrap();
    }
    assert!(store.contact(&user(0)).unwrap().unwrap().opted_out);
    assert!(store.contact(&user(6)).unwrap().is_some());
    assert_eq!(store.contact(&user(1)).unwrap(), None);
}

#[test]
fn a_memory_store_full_of_unfinished_events_refuses_others_and_loses_none() {
    let engine = engine(MemoryStore::bounded(3)).max_attempts(2);
    for number in 0..3 {
        assert!(engine.process(&malformed(number)).unwrap().should_retry());
    }
    for body in [messages(0..1), malformed(3)] {
        let error = engine.process(&body).unwrap_err();
        let EngineErrorKind::Store(error) = error.kind() else {
            panic!("there is no room");
        };
        assert_eq!(error.kind(), StoreErrorKind::Full);
    }
    // Dead letters take room, too, until they are requeued or discarded.
    assert_eq!(engine.retry_unfinished().unwrap().dead_lettered(), 3);
    assert!(engine.process(&messages(0..1)).is_err());
    for letter in engine.dead_letters(9).unwrap() {
        assert!(engine.discard(&letter.key).unwrap());
    }
    assert_eq!(engine.process(&messages(0..1)).unwrap().delivered(), 1);
}
