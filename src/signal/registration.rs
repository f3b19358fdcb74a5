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
#[doc(hidden)]
#[derive(Debug)]
pub struct Registration {
    signal: &'static dyn AnySignal,
    receiver: &'static dyn AnyReceiverOf,
}

inventory::collect!(Registration);

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
    /// Pairs a receiver with a signal. The two share `T` and `R`, so the compiler has
    /// checked the payload and the answer before the types are erased.
    #[must_use]
    pub const fn new<T, R>(
        signal: &'static Signal<T, R>,
        receiver: &'static ReceiverOf<T, R>,
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
/// ```
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
    let mut all: Vec<(*const (), ReceiverInfo)> = inventory::iter::<Registration>()
        .map(|registration| {
            (
                ptr::from_ref(registration.signal).cast(),
                registration.info(),
            )
        })
        .collect();
    all.sort_by_key(|(_, info)| (info.signal, info.details.sort_key()));

    // The address keeps two signals of one name apart.
    let mut taken = HashSet::new();
    for (signal, info) in &mut all {
        info.shadowed = info
            .details
            .uid
            .clone()
            .is_some_and(|uid| !taken.insert((*signal, uid)));
    }
    all.into_iter().map(|(_, info)| info).collect()
}
