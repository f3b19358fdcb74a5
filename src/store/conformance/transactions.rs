//! Transactions: all or nothing, and one after the other.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::thread;

use super::{Check, read, write};
use crate::model::{Contact, Content, Direction, Identity, Message, Signup, Timestamp};
use crate::store::{
    EventRecord, Mode, NewMessage, Store, StoreError, StoreErrorKind, Transaction, WebhookId,
    WebhookRecord,
};

pub(super) const CHECKS: &[Check] = &[
    ("what fails has not happened", nothing_of_an_error),
    ("what panics has not happened", nothing_of_a_panic),
    ("an error comes back as it is", the_error_comes_back),
    ("all modes commit", all_modes_commit),
    ("transactions of threads are serial", threads_are_serial),
];

/// Writes a row of each kind, and changes one that was there.
fn write_everything(tx: &mut dyn Transaction) -> Result<(), StoreError> {
    let now = Timestamp::from_secs(7);
    let id = tx.add_webhook(&WebhookRecord::new(now, 1, None), b"{}")?;
    tx.add_event("event", &EventRecord::new(id, now))?;
    let ada = Identity::from_phone("15550101001").expect("a phone number");
    let contact = tx.add_contact(&Contact::new(ada))?;
    let message = Message::new("wamid.A".into(), Direction::Inbound, Content::text("Hi"));
    tx.add_message(NewMessage::new(&message, now).of(contact).unread())?;
    let mut known = Signup::new("known");
    known.subscriber_count = 9;
    tx.put_signup(&known)
}

fn assert_nothing_is_written(store: &dyn Store) {
    read(store, |tx| {
        assert_eq!(tx.webhooks(WebhookId(i64::MIN), false, 9)?, []);
        assert_eq!(tx.event("event")?, None);
        assert_eq!(tx.message(&"wamid.A".into())?, None);
        let ada = Identity::from_phone("15550101001").expect("a phone number");
        assert_eq!(tx.contacts(&ada)?, []);
        assert_eq!(tx.unread_contacts()?, []);
        let known = tx.signup(&"known".into())?;
        assert_eq!(known.map(|known| known.subscriber_count), Some(0));
        Ok(())
    });
}

fn nothing_of_an_error(store: &dyn Store) {
    write(store, |tx| tx.put_signup(&Signup::new("known")));
    let failed = store.transact(Mode::Write, &mut |tx| {
        write_everything(tx)?;
        Err(StoreError::new(StoreErrorKind::Other, "on purpose"))
    });
    assert!(failed.is_err());
    assert_nothing_is_written(store);
}

fn nothing_of_a_panic(store: &dyn Store) {
    write(store, |tx| tx.put_signup(&Signup::new("known")));
    let work = AssertUnwindSafe(|| {
        store.transact(Mode::Write, &mut |tx| {
            write_everything(tx)?;
            // Not `panic!`, which would show up in the test's output.
            std::panic::resume_unwind(Box::new("on purpose"))
        })
    });
    assert!(catch_unwind(work).is_err());
    assert_nothing_is_written(store);
}

fn the_error_comes_back(store: &dyn Store) {
    let error = store.transact(Mode::Write, &mut |_| {
        Err(StoreError::new(StoreErrorKind::TooNew, "on purpose"))
    });
    let kind = error.expect_err("the work's error").kind();
    assert_eq!(kind, StoreErrorKind::TooNew);
}

fn all_modes_commit(store: &dyn Store) {
    for (mode, id) in [
        (Mode::Durable, "a"),
        (Mode::Write, "b"),
        (Mode::Durable, "c"),
    ] {
        let put = store.transact(mode, &mut |tx| tx.put_signup(&Signup::new(id)));
        assert!(put.is_ok(), "{mode:?}");
    }
    assert_eq!(read(store, |tx| tx.signups()).len(), 3);
}

fn threads_are_serial(store: &dyn Store) {
    const THREADS: u64 = 4;
    const TIMES: u64 = 25;
    write(store, |tx| tx.put_signup(&Signup::new("known")));
    thread::scope(|scope| {
        for _ in 0..THREADS {
            scope.spawn(|| {
                for _ in 0..TIMES {
                    write(store, |tx| {
                        let known = tx.signup(&"known".into())?;
                        let mut known = known.expect("it is there");
                        known.subscriber_count += 1;
                        tx.put_signup(&known)
                    });
                }
            });
        }
    });
    let known = read(store, |tx| tx.signup(&"known".into()));
    let count = known.expect("it is there").subscriber_count;
    assert_eq!(count, THREADS * TIMES, "an update was lost");
}
