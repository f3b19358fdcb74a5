//! Contacts that an engine over a remote store has cached, while other engines change them.

use std::sync::Arc;

use parking_lot::Mutex;

use crate::support::engines::engine_over;
use crate::support::stores::{AnyStore, any_store};
use crate::support::unsteady::{Counts, Rates, Unsteady};
use whatsapp_signals::event::MessageReceived;
use whatsapp_signals::model::{Contact, Identity};
use whatsapp_signals::signals::MESSAGE_RECEIVED;
use whatsapp_signals::{Context, WebhookEngine, testing};

type RemoteStore = Unsteady<AnyStore>;
type Engine<'s> = WebhookEngine<&'s RemoteStore>;

const NUMBER: &str = "300200100500600";

fn store() -> RemoteStore {
    Unsteady::new(any_store(), 0, Rates::default()).ready()
}

/// Returns an engine, and the contacts that its receiver was given.
fn engine(store: &RemoteStore) -> (Engine<'_>, Arc<Mutex<Vec<Arc<Contact>>>>) {
    let context = Context::new().only_own_receivers();
    let seen = Arc::new(Mutex::new(Vec::new()));
    let noted = Arc::clone(&seen);
    context.connect(&MESSAGE_RECEIVED, move |event: &MessageReceived| {
        noted.lock().extend(event.contact.clone());
    });
    (engine_over(store).context(context), seen)
}

fn ada() -> Identity {
    Identity::from_phone("15550101001").unwrap()
}

/// Processes the message with this number. Returns the accesses to the store.
fn process(engine: &Engine<'_>, number: usize) -> Counts {
    let before = engine.store().counts();
    let id = format!("wamid.{number}");
    let body = testing::text("Hello").from("15550101001").id(&id).body();
    assert_eq!(engine.process(&body).unwrap().delivered(), 1);
    let after = engine.store().counts();
    Counts {
        loads: after.loads - before.loads,
        commits: after.commits - before.commits,
        others: after.others - before.others,
    }
}

fn counts(loads: u64, commits: u64) -> Counts {
    Counts {
        loads,
        commits,
        others: 0,
    }
}

/// Sets the notes of the contact.
fn note(engine: &Engine<'_>, notes: &str) {
    let records = engine.number(NUMBER);
    let update = records.update_contact(&ada(), |contact| contact.notes = Some(notes.into()));
    update.unwrap();
}

#[test]
fn a_message_of_a_cached_user_needs_no_load() {
    let store = store();
    let (engine, seen) = engine(&store);
    process(&engine, 0);
    assert_eq!(process(&engine, 1), counts(1, 2));
    assert_eq!(process(&engine, 2), counts(0, 2));
    note(&engine, "tall");
    assert_eq!(process(&engine, 3), counts(1, 2), "it is no conflict");
    assert_eq!(process(&engine, 4), counts(0, 2));
    let notes: Vec<_> = seen.lock().iter().map(|c| c.notes.clone()).collect();
    let tall = Some("tall".into());
    assert_eq!(notes, [None, None, None, tall.clone(), tall]);
    let messages = engine.number(NUMBER).conversation(&ada(), None, 9).unwrap();
    assert_eq!(messages.len(), 5);
}

#[test]
fn a_repeated_message_of_a_cached_user_is_a_duplicate() {
    let store = store();
    let (engine, _) = engine(&store);
    (0..3).for_each(|number| _ = process(&engine, number));
    let body = testing::text("Hello").from("15550101001").id("wamid.2");
    let outcome = engine.process(&body.body()).unwrap();
    assert_eq!((outcome.delivered(), outcome.duplicates()), (0, 1));
    assert_eq!(process(&engine, 3), counts(0, 2), "it is cached again");
}

#[test]
fn a_receiver_never_gets_a_contact_that_another_engine_has_changed() {
    let store = store();
    let (one, seen_by_one) = engine(&store);
    let (other, seen_by_other) = engine(&store);
    for number in 0..3 {
        process(&one, 2 * number);
        process(&other, 2 * number + 1);
    }
    note(&other, "tall");
    process(&one, 6);
    note(&one, "tall, has a dog");
    process(&other, 7);
    let last = |seen: &Mutex<Vec<Arc<Contact>>>| seen.lock().last().unwrap().notes.clone();
    assert_eq!(last(&seen_by_one).as_deref(), Some("tall"));
    assert_eq!(last(&seen_by_other).as_deref(), Some("tall, has a dog"));
    let messages = one.number(NUMBER).conversation(&ada(), None, 99).unwrap();
    assert_eq!(messages.len(), 8, "nothing is lost");
}

#[test]
fn a_contact_that_another_engine_writes_each_time_is_a_conflict_once() {
    let store = store();
    let (one, _) = engine(&store);
    let (other, _) = engine(&store);
    (0..3).for_each(|number| _ = process(&one, number));
    note(&other, "0");
    assert_eq!(process(&one, 3), counts(1, 3), "a conflict");
    for number in 4..8 {
        note(&other, &number.to_string());
        assert_eq!(process(&one, number), counts(1, 2));
    }
    assert_eq!(process(&one, 8), counts(1, 2), "it is as it was");
    assert_eq!(process(&one, 9), counts(0, 2));
}

#[test]
fn an_erased_contact_never_comes_back_from_a_cache() {
    let store = store();
    let (one, seen) = engine(&store);
    let (other, _) = engine(&store);
    let mut number = 0;
    let mut process_next = || {
        process(&one, number);
        number += 1;
    };
    for eraser in [&other, &one] {
        process_next();
        note(&one, "tall");
        (0..3).for_each(|_| process_next());
        eraser.tenant("900800700600500").erase(&ada()).unwrap();
        assert!(one.number(NUMBER).contact(&ada()).unwrap().is_none());
        seen.lock().clear();
        process_next();
        assert!(seen.lock().iter().all(|contact| contact.notes.is_none()));
        let messages = one.number(NUMBER).conversation(&ada(), None, 9).unwrap();
        assert_eq!(messages.len(), 1, "of a new contact");
    }
}
