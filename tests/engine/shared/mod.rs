//! One webhook, and several who would handle it: each receiver runs once.

mod clocks;
mod leases;
mod lost_leases;

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread;
use std::time::Duration;

use crate::support::batch::{ERRORS, value};
use crate::support::engines::{self, Engine, engine_over, records};
#[cfg(feature = "sqlite")]
use crate::support::folder::Folder;
use crate::support::messages::messages;
use crate::support::rows;
use crate::support::stores::any_store;
use crate::support::watched::{Access, Watched};
use parking_lot::Mutex;
use whatsapp_signals::event::{FieldEvent, MessageReceived};
use whatsapp_signals::model::MetaError;
use whatsapp_signals::signals::{MESSAGE_RECEIVED, META_ERROR};
use whatsapp_signals::store::{Lease, ReadyStore, StoreError, StoreErrorKind, WebhookId};
use whatsapp_signals::{ConnectOptions, Context, Outcome, WebhookEngine};

thread_local! {
    /// The runs that the receivers of a test have counted, by the id of the message.
    static RUNS: Arc<Mutex<HashMap<String, usize>>> = Arc::default();
}

/// Returns a context whose only receiver counts the messages for the test of this thread.
fn counting() -> Context {
    let runs = RUNS.with(Arc::clone);
    let context = Context::new().only_own_receivers();
    context.connect(&MESSAGE_RECEIVED, move |event: &MessageReceived| {
        let id = event.message.id.to_string();
        *runs.lock().entry(id).or_default() += 1;
    });
    context
}

/// Runs a test with an engine over each store that counts the messages.
fn with_each_store(test: impl Fn(Engine)) {
    take_runs();
    engines::with_each_store(|engine| test(engine.context(counting())));
}

/// Does the same without the store whose commits fail at random.
fn with_each_steady_store(test: impl Fn(Engine)) {
    take_runs();
    engines::with_each_steady_store(|engine| test(engine.context(counting())));
}

/// Returns the runs since the last call of this function in this thread, which may be that of
/// several tests.
fn take_runs() -> HashMap<String, usize> {
    RUNS.with(|runs| std::mem::take(&mut *runs.lock()))
}

fn assert_each_ran_once(count: usize) {
    let runs = take_runs();
    assert_eq!(runs.len(), count);
    assert!(runs.values().all(|runs| *runs == 1), "{runs:?}");
}

/// Processes a body until its outcome requests no repetition.
fn deliver(engine: &WebhookEngine<impl ReadyStore>, body: &[u8]) -> usize {
    let mut delivered = 0;
    loop {
        let outcome = engine.process(body).unwrap();
        delivered += outcome.delivered();
        if !outcome.should_retry() {
            return delivered;
        }
        thread::sleep(Duration::from_millis(1));
    }
}

/// Leases a webhook to an engine that does not exist.
fn lease_to_absent_engine(engine: &Engine, length: Duration) {
    let id = engine.webhooks(None, 9).unwrap()[0].id;
    rows::lease(engine.store(), id, Lease::new(1, length));
}

#[test]
fn threads_with_the_same_bodies_run_each_receiver_once() {
    with_each_store(|engine| {
        let delivered = Mutex::new(0);
        thread::scope(|scope| {
            for thread in 0..4 {
                let (engine, delivered) = (&engine, &delivered);
                scope.spawn(move || {
                    for round in 0..25 {
                        // Bodies overlap, and each thread begins elsewhere.
                        let first = (round + thread * 7) % 25 * 4;
                        *delivered.lock() += deliver(engine, &messages(first..first + 8));
                    }
                });
            }
        });
        assert_eq!(delivered.into_inner(), 104);
        assert_each_ran_once(104);
        assert_eq!(engine.webhooks(None, 9).unwrap(), []);
    });
}

#[cfg(feature = "sqlite")]
#[test]
fn engines_over_one_file_run_each_receiver_once() {
    take_runs();
    let folder = Folder::new();
    let path = folder.file("store.db");
    let (context, path) = (counting(), &path);
    thread::scope(|scope| {
        for _ in 0..3 {
            let context = context.clone();
            scope.spawn(move || {
                // Each its own connection, as if in a process of its own.
                let store = whatsapp_signals::store::SqliteStore::open(path).unwrap();
                let engine = engine_over(store).context(context);
                for first in (0..200).step_by(20) {
                    deliver(&engine, &messages(first..first + 20));
                }
            });
        }
    });
    assert_each_ran_once(200);
}

#[test]
fn commits_that_are_conflicts_at_first_change_nothing_twice() {
    take_runs();
    let is_second = Mutex::new(false);
    let store = Watched::new(any_store(), move |access| {
        let is_commit = matches!(access, Access::Commit(_));
        let mut is_second = is_second.lock();
        *is_second ^= is_commit;
        if is_commit && *is_second {
            return Err(StoreError::new(StoreErrorKind::Conflict, "the first time"));
        }
        Ok(())
    });
    let engine = engine_over(store).context(counting());
    let outcome = engine.process(&messages(0..5)).unwrap();
    assert_eq!((outcome.delivered(), outcome.duplicates()), (5, 0));
    assert_eq!(engine.process(&messages(0..6)).unwrap().duplicates(), 5);
    assert_each_ran_once(6);
    let (_, unread) = records(&engine).unread_counts().unwrap().remove(0);
    assert_eq!(unread, 6);
    assert_eq!(engine.webhooks(Some(WebhookId(0)), 9).unwrap(), []);
}
