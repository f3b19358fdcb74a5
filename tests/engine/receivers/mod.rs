//! Each receiver gets each event until it has succeeded, and never again.

mod any_event;
mod contexts;
mod dead_letters;
mod progress;
mod pruning;
mod redelivery;
mod retries;
mod without_receivers;

use std::cell::RefCell;
use std::sync::Arc;
use std::time::Duration;

use crate::support::batch::{ERRORS, GOOD, ODD, items, value};
use crate::support::engines::{self, Engine, account, engine_over, records};
use crate::support::messages::messages;
use crate::support::rows;
use parking_lot::{Mutex, RwLock, RwLockReadGuard, RwLockWriteGuard};
use whatsapp_signals::event::{FieldEvent, MessageReceived, Unrecognized, UserPreference};
use whatsapp_signals::model::{MetaError, Timestamp};
use whatsapp_signals::signals::{MESSAGE_RECEIVED, META_ERROR, UNRECOGNIZED, USER_PREFERENCE};
use whatsapp_signals::store::{ReceiverState, WebhookKind, WebhookRow};
use whatsapp_signals::{ConnectOptions, Context, Event, Outcome, WebhookEngine, receiver};

/// The behavior and the calls of the receivers of this file in a test: an engine calls sync
/// receivers in the thread of its caller.
#[derive(Default)]
struct Desk {
    /// The receivers that fail now, and how.
    failing: Vec<(&'static str, Fails)>,
    /// The successes: receiver and event, in order.
    done: Vec<(&'static str, String)>,
}

#[derive(Clone, Copy, PartialEq)]
enum Fails {
    Error,
    Panic,
}

thread_local! {
    static DESK: RefCell<Desk> = RefCell::default();
}

/// The receivers of the program: some tests connect further ones, or mute a signal.
static RECEIVERS: RwLock<()> = RwLock::new(());

/// Keeps the receivers of the program as they are during a test, and clears the desk.
fn turn() -> RwLockReadGuard<'static, ()> {
    clear_desk();
    RECEIVERS.read()
}

/// Waits until no other test depends on the receivers of the program, so that a test may change
/// them, and clears the desk.
fn turn_alone() -> RwLockWriteGuard<'static, ()> {
    clear_desk();
    RECEIVERS.write()
}

/// Clears the desk: with one thread for all tests, it is that of the test before.
fn clear_desk() {
    DESK.set(Desk::default());
}

fn act(receiver: &'static str, event: &str) -> Result<(), &'static str> {
    let fails = DESK.with_borrow(|desk| {
        let mut failing = desk.failing.iter();
        failing.find(|(name, _)| *name == receiver).copied()
    });
    match fails.map(|(_, fails)| fails) {
        None => {
            DESK.with_borrow_mut(|desk| desk.done.push((receiver, event.to_owned())));
            Ok(())
        }
        Some(Fails::Error) => Err("as the test asks"),
        // Not `panic!`, which would show up in the test's output.
        Some(Fails::Panic) => std::panic::resume_unwind(Box::new("as the test asks")),
    }
}

fn fail(receiver: &'static str, fails: Fails) {
    DESK.with_borrow_mut(|desk| desk.failing.push((receiver, fails)));
}

fn repair() {
    DESK.with_borrow_mut(|desk| desk.failing.clear());
}

/// Returns the successes since the last use of this function.
fn done() -> Vec<(&'static str, String)> {
    DESK.with_borrow_mut(|desk| std::mem::take(&mut desk.done))
}

#[receiver(MESSAGE_RECEIVED, order = 1)]
fn first(event: &MessageReceived) -> Result<(), &'static str> {
    act("first", event.message.id.as_str())
}

#[receiver(MESSAGE_RECEIVED, order = 2, uid = "second")]
fn second(event: &MessageReceived) -> Result<(), &'static str> {
    act("second", event.message.id.as_str())
}

#[receiver(MESSAGE_RECEIVED, order = 3, filter = |event| event.message.has_media())]
fn never(_: &MessageReceived) -> Result<(), &'static str> {
    act("never", "")
}

#[receiver(META_ERROR)]
fn error(_: &FieldEvent<MetaError>) -> Result<(), &'static str> {
    act("error", "")
}

#[receiver(USER_PREFERENCE)]
fn preference(change: &FieldEvent<UserPreference>) -> Result<(), &'static str> {
    act("preference", change.value.value.as_str())
}

#[receiver(UNRECOGNIZED)]
fn unrecognized(event: &Unrecognized) -> Result<(), &'static str> {
    act("unrecognized", &event.path)
}

/// Runs a test with an engine over each store, for the receivers of the program.
fn with_each_store(test: impl Fn(Engine)) {
    engines::with_each_store(|engine| test(engine.context(Context::new())));
}

/// Does the same without the store whose commits fail at random.
fn with_each_steady_store(test: impl Fn(Engine)) {
    engines::with_each_steady_store(|engine| test(engine.context(Context::new())));
}

fn line(outcome: &Outcome) -> String {
    outcome.to_string()
}

fn with(receiver: &'static str, event: &str) -> (&'static str, String) {
    (receiver, event.to_owned())
}
