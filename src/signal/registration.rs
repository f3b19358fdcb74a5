//! Static receivers: from the linker's list to a signal's sorted slice.
//!
//! `#[receiver]` submits one [`Registration`] a signal to `inventory`. The type
//! is erased and not generic on purpose: a generic collection would be one
//! static shared by every payload type.

use std::any::Any;
use std::collections::HashSet;
use std::ptr;
use std::sync::Arc;

use parking_lot::Mutex;

use super::info::{Details, ReceiverInfo};
use super::receiver_list::{ReceiverList, Slot};
use super::receiver_of::ReceiverOf;
use super::{AnySignal, Signal};

/// One static receiver of one signal, both with their types erased.
#[derive(Debug)]
pub struct Registration {
    signal: &'static dyn AnySignal,
    receiver: &'static dyn AnyReceiverOf,
}

inventory::collect!(Registration);

/// A payload that a signal of `T` sends, which is `T` alone.
///
/// With one type parameter for both payloads, a mismatch would be reported as one of
/// [`ReceiverOf`]s. The message for a bound names the payloads.
#[diagnostic::on_unimplemented(
    message = "this receiver takes `&{Self}`, but the signal sends `{T}`",
    label = "expected `{T}`"
)]
pub trait PayloadOf<T> {}

impl<T> PayloadOf<T> for T {}

/// A [`ReceiverOf`] of any payload.
trait AnyReceiverOf: Any + Sync + std::fmt::Debug {
    fn details(&self) -> &Details;
}

impl<T: 'static, R: 'static> AnyReceiverOf for ReceiverOf<T, R> {
    fn details(&self) -> &Details {
        &self.details
    }
}

impl Registration {
    /// Pairs a receiver with a signal. `P` is `T`, and the two share `R`, so the compiler has
    /// checked the payload and the answer before the types are erased.
    #[must_use]
    pub const fn new<T, R, P: PayloadOf<T>>(
        signal: &'static Signal<T, R>,
        receiver: &'static ReceiverOf<P, R>,
    ) -> Self {
        Self { signal, receiver }
    }

    /// Returns the identity of the signal: two signals with one name have two addresses.
    fn address(&self) -> usize {
        ptr::from_ref(self.signal).addr()
    }

    /// Returns the receiver's description for the program-wide listing.
    fn info(&self) -> ReceiverInfo {
        ReceiverInfo::new(self.signal.name(), self.receiver.details())
    }
}

/// Returns the static receivers of one signal, in the order in which they run.
///
/// Called once for each [`Signal`].
#[cold]
pub(super) fn collect<T: 'static, R: 'static>(signal: &Signal<T, R>) -> ReceiverList<T, R> {
    let address = ptr::from_ref(signal).addr();
    let all = by_signal();
    let first = all.partition_point(|registration| registration.address() < address);
    let mut found: Vec<&'static ReceiverOf<T, R>> = all[first..]
        .iter()
        .take_while(|registration| registration.address() == address)
        .filter_map(|registration| (registration.receiver as &dyn Any).downcast_ref())
        .collect();
    found.sort_by_key(|receiver| receiver.details.sort_key());

    let mut uids = HashSet::new();
    found.retain(|receiver| is_first(&mut uids, &receiver.details));
    ReceiverList::new(found.into_iter().map(Slot::fixed).collect())
}

/// The whole inventory, those of one signal side by side. It is walked once and not
/// once for each signal; and again when more was added, since it was before `main`,
/// or a library has been loaded.
fn by_signal() -> Arc<[&'static Registration]> {
    /// With the newest of them, which the inventory has first.
    type Sorted = (Option<usize>, Arc<[&'static Registration]>);
    static LAST: Mutex<Option<Sorted>> = Mutex::new(None);

    let mut inventory = inventory::iter::<Registration>();
    let newest = inventory.next().map(|newest| ptr::from_ref(newest).addr());
    let mut last = LAST.lock();
    if let Some((_, all)) = last.as_ref().filter(|(seen, _)| *seen == newest) {
        return Arc::clone(all);
    }
    let mut all: Vec<_> = inventory::iter::<Registration>().collect();
    all.sort_unstable_by_key(|registration| registration.address());
    let all: Arc<[_]> = all.into();
    *last = Some((newest, Arc::clone(&all)));
    all
}

/// The first receiver with a uid keeps it, as in Django.
fn is_first<'a>(uids: &mut HashSet<&'a str>, details: &'a Details) -> bool {
    details.uid.as_deref().is_none_or(|uid| uids.insert(uid))
}

/// Every receiver that `#[receiver]` registered in this program, sorted by
/// signal and then in the order in which they run.
///
/// Print it or check it at start-up: a crate that the binary never names is
/// not linked, and its receivers are silently missing. Receivers connected at
/// run time are listed by their signal: [`Signal::receivers`].
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

/// Returns the signals that have static receivers, by their names.
pub(super) fn signals() -> Vec<&'static dyn AnySignal> {
    let mut signals: Vec<_> = registered().into_iter().map(|(signal, _)| signal).collect();
    signals.dedup_by_key(|signal| ptr::from_ref(*signal).addr());
    signals
}

/// Returns the static receivers of a signal whose uid an earlier one has.
pub(super) fn shadowed(signal: &dyn AnySignal) -> Vec<ReceiverInfo> {
    let address = ptr::from_ref(signal).addr();
    let all = registered().into_iter();
    let of_signal = all.filter(|(other, _)| ptr::from_ref(*other).addr() == address);
    let infos = of_signal.map(|(_, info)| info);
    infos.filter(ReceiverInfo::is_shadowed).collect()
}

/// Returns the static receivers with their signals, sorted.
fn registered() -> Vec<(&'static dyn AnySignal, ReceiverInfo)> {
    let all = inventory::iter::<Registration>();
    let mut all: Vec<_> = all
        .map(|registration| (registration.signal, registration.info()))
        .collect();
    // The address keeps two signals of one name apart.
    let address = |signal: &&'static dyn AnySignal| ptr::from_ref(*signal).addr();
    all.sort_by_key(|(signal, info)| (info.signal, address(signal), info.details.sort_key()));

    let mut taken = HashSet::new();
    for (signal, info) in &mut all {
        let uid = info.details.uid.clone();
        info.shadowed = uid.is_some_and(|uid| !taken.insert((address(signal), uid)));
    }
    all
}
