//! One signal in one thread: the called receivers, their order, their failures, and their use of the
//! signal meanwhile.
//!
//! `tNN` and `rNN` number the cases of Django, blinker and other dispatchers with the same behavior.

mod answers;
mod any_event;
mod destructors;
mod failures;
mod filters;
mod guards;
mod limits;
mod muting;
mod order;
mod own_receivers;
mod re_entrancy;
mod retries;
mod sending;
mod uids;

use std::error::Error;
use std::num::ParseIntError;
use std::panic::{AssertUnwindSafe, catch_unwind, panic_any};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, mpsc};
use std::task::Poll;
use std::thread;
use std::time::Duration;

use whatsapp_signals::{
    AnySignal, BoxError, Cause, ConnectError, ConnectErrorKind, ConnectOptions, Connection,
    Failure, Receiver, Report, Signal,
};

type Done = Result<(), Box<dyn Error>>;

/// The log of the receivers of a test.
struct Log<T = &'static str>(Arc<Mutex<Vec<T>>>);

impl<T> Clone for Log<T> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl<T: Send + 'static> Log<T> {
    fn new() -> Self {
        Self(Arc::default())
    }

    fn write(&self, entry: T) {
        self.0.lock().expect("no test panics here").push(entry);
    }

    /// Returns the entries since the last call.
    fn take(&self) -> Vec<T> {
        std::mem::take(&mut self.0.lock().expect("no test panics here"))
    }
}

impl Log {
    /// A receiver that writes its name.
    fn named(&self, name: &'static str) -> impl Fn(&u32) + Send + Sync + use<> {
        let log = self.clone();
        move |_: &u32| log.write(name)
    }
}

impl Log<u32> {
    /// Returns a receiver that logs its events.
    fn numbers(&self) -> impl Fn(&u32) + Send + Sync + use<> {
        let log = self.clone();
        move |n: &u32| log.write(*n)
    }
}

/// For receivers that need their own signal, which must outlive them.
fn leaked() -> &'static Signal<u32> {
    Box::leak(Box::new(Signal::new("tick")))
}

fn uid(uid: &'static str) -> ConnectOptions<u32> {
    ConnectOptions::new().uid(uid)
}

fn order(order: i32) -> ConnectOptions<u32> {
    ConnectOptions::new().order(order)
}

fn only(wanted: u32) -> ConnectOptions<u32> {
    ConnectOptions::new().filter(move |n: &u32| *n == wanted)
}

fn uids(signal: &Signal<u32>) -> Vec<String> {
    let listed = signal.receivers();
    listed
        .iter()
        .map(|receiver| receiver.uid().unwrap_or("-").to_owned())
        .collect()
}

/// The text that `f` panicked with.
fn panic_of<R>(f: impl FnOnce() -> R) -> Option<&'static str> {
    let payload = catch_unwind(AssertUnwindSafe(f)).err()?;
    payload.downcast_ref::<&'static str>().copied()
}

/// Runs its function when it is dropped: a captured value whose destructor
/// uses the signal.
struct OnDrop<F: Fn()>(F);

impl<F: Fn()> Drop for OnDrop<F> {
    fn drop(&mut self) {
        (self.0)();
    }
}
