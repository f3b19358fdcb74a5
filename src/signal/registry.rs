//! The static receivers of the program: from the inventory of the linker to the sorted list of each
//! signal.
//!
//! `#[receiver]` submits one [`Registration`] to `inventory` for each of its signals. The types are
//! erased and not generic: a generic collection would be one static that all payload types share.

use std::any::Any;
use std::collections::HashSet;
use std::fmt;
use std::ptr;
use std::sync::Arc;

use parking_lot::Mutex;

use super::context::Context;
use super::receiver_info::{ReceiverInfo, ReceiverMeta};
use super::receiver_list::{Entry, ReceiverList, RegisteredReceiver};

/// A signal with its payload type erased, as in [`signals::ALL`](crate::signals::ALL).
/// Sealed; every [`Signal`](crate::Signal) implements it.
///
/// ```standalone_crate
/// use whatsapp_signals::signals;
///
/// let signal = signals::ALL.iter().find(|signal| signal.name() == "message_received");
/// let signal = signal.unwrap();
/// assert!(!signal.has_receivers() && signal.receivers().is_empty(), "in this example");
/// ```
pub trait AnySignal: fmt::Debug + Sync + sealed::Sealed {
    /// See [`Signal::name`](crate::Signal::name).
    fn name(&self) -> &'static str;
    /// See [`Signal::has_receivers`](crate::Signal::has_receivers).
    fn has_receivers(&self) -> bool;
    /// See [`Signal::receivers`](crate::Signal::receivers).
    fn receivers(&self) -> Vec<ReceiverInfo>;
    /// See [`InContext::receivers`](crate::InContext::receivers).
    fn receivers_with(&self, context: &Context) -> Vec<ReceiverInfo>;
}

/// Keeps other crates from implementing [`AnySignal`], so that it may get more methods.
pub(super) mod sealed {
    pub trait Sealed {}
}

/// A [`RegisteredReceiver`] with its payload type erased.
pub(super) trait AnyReceiver: Any + Sync + fmt::Debug {
    fn info(&self, signal: &'static str) -> ReceiverInfo;
}

impl<T: 'static, R: 'static> AnyReceiver for RegisteredReceiver<T, R> {
    fn info(&self, signal: &'static str) -> ReceiverInfo {
        self.info(signal)
    }
}

/// A static receiver of a signal, both with their types erased.
#[derive(Debug)]
pub struct Registration {
    pub(super) signal: &'static dyn AnySignal,
    pub(super) receiver: &'static dyn AnyReceiver,
}

inventory::collect!(Registration);

impl Registration {
    /// Returns the address of the signal, which distinguishes signals of one name.
    fn address(&self) -> usize {
        address(self.signal)
    }
}

fn address(signal: &dyn AnySignal) -> usize {
    ptr::from_ref(signal).addr()
}

/// Returns the static receivers of the signal at this address, in the order in which they run.
///
/// Called once for each signal.
#[cold]
pub(super) fn static_receivers<T: 'static, R: 'static>(signal: usize) -> ReceiverList<T, R> {
    let all = by_signal();
    let first = all.partition_point(|registration| registration.address() < signal);
    let mut found: Vec<&'static RegisteredReceiver<T, R>> = all[first..]
        .iter()
        .take_while(|registration| registration.address() == signal)
        .filter_map(|registration| (registration.receiver as &dyn Any).downcast_ref())
        .collect();
    let keys: Vec<_> = found
        .iter()
        .map(|receiver| receiver.meta().sort_key())
        .collect();
    found = order_of(&keys).into_iter().map(|at| found[at]).collect();

    let mut uids = HashSet::new();
    found.retain(|receiver| is_first(&mut uids, receiver.meta()));
    ReceiverList::new(found.into_iter().map(Entry::from_static).collect())
}

/// Returns the indices of keys in ascending order. Sorting the keys keeps a copy of the standard
/// sort, 2,000 lines of LLVM's code, out of the code of each signal.
pub(super) fn order_of<K: Ord>(keys: &[K]) -> Vec<usize> {
    let mut order: Vec<usize> = (0..keys.len()).collect();
    order.sort_by_key(|at| &keys[*at]);
    order
}

/// Returns the whole inventory, sorted by the addresses of the signals. The result is cached, so
/// that the inventory is not walked once for each signal. It is computed again after additions: a
/// first use before `main` precedes some, and a library that is loaded later adds more.
fn by_signal() -> Arc<[&'static Registration]> {
    /// The inventory, with the address of its newest registration, which comes first in it.
    type Sorted = (Option<usize>, Arc<[&'static Registration]>);
    static CACHED: Mutex<Option<Sorted>> = Mutex::new(None);

    let mut inventory = inventory::iter::<Registration>();
    let newest = inventory.next().map(|newest| ptr::from_ref(newest).addr());
    let mut cached = CACHED.lock();
    if let Some((_, all)) = cached.as_ref().filter(|(cached, _)| *cached == newest) {
        return Arc::clone(all);
    }
    let mut all: Vec<_> = inventory::iter::<Registration>().collect();
    all.sort_unstable_by_key(|registration| registration.address());
    let all: Arc<[_]> = all.into();
    *cached = Some((newest, Arc::clone(&all)));
    all
}

/// Returns true for the first receiver with its uid, which keeps the uid, as in Django.
fn is_first<'a>(uids: &mut HashSet<&'a str>, meta: &'a ReceiverMeta) -> bool {
    meta.uid.as_deref().is_none_or(|uid| uids.insert(uid))
}

/// Returns every receiver that `#[receiver]` registered in this program, sorted by signal and then
/// in the order in which they run.
///
/// Print or check the list at start-up: a crate that the binary never names is not linked, and its
/// receivers are silently missing. Receivers connected at run time are listed by their signal:
/// [`Signal::receivers`](crate::Signal::receivers).
///
/// # Examples
///
/// ```standalone_crate
/// use whatsapp_signals::event::MessageReceived;
/// use whatsapp_signals::{receiver, receivers, signals::MESSAGE_RECEIVED};
///
/// #[receiver(MESSAGE_RECEIVED, uid = "greeter")]
/// fn greet(_event: &MessageReceived) {}
///
/// # fn main() {
/// let greeter = receivers().into_iter().find(|r| r.uid() == Some("greeter"));
/// assert_eq!(greeter.map(|r| r.signal()), Some("message_received"));
/// # }
/// ```
#[must_use]
pub fn receivers() -> Vec<ReceiverInfo> {
    let all = registered().into_iter();
    all.map(|(_, info)| info).collect()
}

/// Returns the signals that have static receivers, sorted by their names.
pub(super) fn signals() -> Vec<&'static dyn AnySignal> {
    let mut signals: Vec<_> = registered().into_iter().map(|(signal, _)| signal).collect();
    signals.dedup_by_key(|signal| address(*signal));
    signals
}

/// Returns the static receivers of a signal whose uid an earlier receiver has.
pub(super) fn shadowed(signal: &dyn AnySignal) -> Vec<ReceiverInfo> {
    let all = registered().into_iter();
    let of_signal = all.filter(|(other, _)| address(*other) == address(signal));
    let infos = of_signal.map(|(_, info)| info);
    infos.filter(ReceiverInfo::is_shadowed).collect()
}

/// Returns the static receivers with their signals, sorted.
fn registered() -> Vec<(&'static dyn AnySignal, ReceiverInfo)> {
    let all = inventory::iter::<Registration>();
    let info = |registration: &Registration| registration.receiver.info(registration.signal.name());
    let mut all: Vec<_> = all
        .map(|registration| (registration.signal, info(registration)))
        .collect();
    // The address distinguishes signals of one name.
    all.sort_by_key(|(signal, info)| (info.signal, address(*signal), info.meta.sort_key()));

    let mut taken = HashSet::new();
    for (signal, info) in &mut all {
        let uid = info.meta.uid.clone();
        info.is_shadowed = uid.is_some_and(|uid| !taken.insert((address(*signal), uid)));
    }
    all
}
