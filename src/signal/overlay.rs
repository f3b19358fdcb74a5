//! What changes at run time: connected receivers and muting.
//!
//! Most signals are never touched at run time, so the overlay is off until
//! somebody connects, disconnects or mutes, and a send that finds it off pays
//! one load. While it is on, a send reads a list that is never changed but
//! replaced: no lock is held while a receiver runs, and threads that send do not
//! wait for each other.

use std::ops::Deref;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use arc_swap::ArcSwapOption;
use parking_lot::Mutex;

use super::delivery;
use super::info::ReceiverInfo;
use super::receiver_of::ReceiverOf;
use super::slot::Slot;

pub(super) struct Overlay<T: 'static> {
    /// False means: the static receivers are the whole truth.
    on: AtomicBool,
    /// `None` while they are.
    listed: ArcSwapOption<Listed<T>>,
    /// Held while `listed` is replaced.
    changes: Mutex<Changes>,
}

/// Every receiver, static ones included.
struct Listed<T: 'static> {
    slots: Vec<Slot<T>>,
    is_muted: bool,
}

impl<T> Listed<T> {
    /// Those whom a send calls.
    fn audience(&self) -> &[Slot<T>] {
        if self.is_muted { &[] } else { &self.slots }
    }
}

struct Changes {
    mutes: usize,
    next_id: u64,
}

/// The receivers of one send, for as long as that takes.
pub(super) struct Snapshot<'a, T: 'static> {
    statics: &'a [Slot<T>],
    listed: Option<Arc<Listed<T>>>,
}

impl<T> Deref for Snapshot<'_, T> {
    type Target = [Slot<T>];

    #[inline]
    fn deref(&self) -> &[Slot<T>] {
        match &self.listed {
            None => self.statics,
            Some(listed) => listed.audience(),
        }
    }
}

/// This may drop receivers that were disconnected during the send.
impl<T> Drop for Snapshot<'_, T> {
    #[inline]
    fn drop(&mut self) {
        if let Some(listed) = self.listed.take() {
            delivery::drop_quietly(listed);
        }
    }
}

impl<T: 'static> Overlay<T> {
    pub(super) const fn new() -> Self {
        Self {
            on: AtomicBool::new(false),
            listed: ArcSwapOption::const_empty(),
            changes: Mutex::new(Changes {
                mutes: 0,
                next_id: 0,
            }),
        }
    }

    #[inline]
    pub(super) fn is_on(&self) -> bool {
        // Ordering: Relaxed. The flag only decides whether to look at the list,
        // which does the synchronising. Whoever learns of a connection through
        // any happens-before edge also sees the flag that was set before it.
        self.on.load(Ordering::Relaxed)
    }

    /// Reads whom a send calls: nobody while muted.
    #[cold]
    pub(super) fn with_audience<R>(
        &self,
        statics: &[Slot<T>],
        read: impl FnOnce(&[Slot<T>]) -> R,
    ) -> R {
        self.read(|listed| read(listed.map_or(statics, Listed::audience)))
    }

    /// Reads who is connected, muted or not.
    #[cold]
    pub(super) fn with_connected<R>(
        &self,
        statics: &[Slot<T>],
        read: impl FnOnce(&[Slot<T>]) -> R,
    ) -> R {
        self.read(|listed| read(listed.map_or(statics, |listed| &listed.slots)))
    }

    fn read<R>(&self, read: impl FnOnce(Option<&Listed<T>>) -> R) -> R {
        let listed = self.listed.load();
        let result = read(listed.as_deref());
        // It may be the last that held what was replaced meanwhile.
        delivery::drop_quietly(listed);
        result
    }

    /// Whom a send calls that waits, and may go on in another thread.
    #[inline]
    pub(super) fn snapshot<'a>(&self, statics: &'a [Slot<T>]) -> Snapshot<'a, T> {
        let listed = if self.is_on() {
            self.listed.load_full()
        } else {
            None
        };
        Snapshot { statics, listed }
    }

    /// Adds a receiver behind those of its order; the first with a uid stays,
    /// and is what the error names.
    pub(super) fn connect(
        &self,
        signal: &'static str,
        statics: &[Slot<T>],
        receiver: ReceiverOf<T>,
    ) -> Result<u64, ReceiverInfo> {
        let receiver = Arc::new(receiver);
        let order = receiver.details.order;
        let uid = receiver.details.uid.as_deref();

        self.change(statics, |changes, current| {
            let is_taken = |slot: &&Slot<T>| uid.is_some() && slot.details().uid.as_deref() == uid;
            if let Some(first) = current.iter().find(is_taken) {
                let first = ReceiverInfo {
                    signal,
                    details: first.details().clone(),
                    shadowed: false,
                };
                return (Err(first), None);
            }
            let at = current.partition_point(|slot| slot.details().order <= order);
            let mut slots = current.to_vec();
            let id = changes.next_id;
            slots.insert(at, Slot::connected(id, Arc::clone(&receiver)));
            changes.next_id += 1;
            (Ok(id), Some(slots))
        })
    }

    /// Removes the receivers that `goes` picks; true when there were any.
    pub(super) fn disconnect(
        &self,
        statics: &[Slot<T>],
        mut goes: impl FnMut(&Slot<T>) -> bool,
    ) -> bool {
        self.change(statics, |_, current| {
            let stays = current.iter().filter(|slot| !goes(slot));
            let slots: Vec<_> = stays.cloned().collect();
            let is_changed = slots.len() < current.len();
            (is_changed, is_changed.then_some(slots))
        })
    }

    pub(super) fn mute(&self, statics: &[Slot<T>]) {
        self.change(statics, |changes, current| {
            changes.mutes += 1;
            ((), Some(current.to_vec()))
        });
    }

    pub(super) fn unmute(&self, statics: &[Slot<T>]) {
        self.change(statics, |changes, current| {
            changes.mutes -= 1;
            ((), Some(current.to_vec()))
        });
    }

    pub(super) fn is_muted(&self) -> bool {
        self.is_on() && self.changes.lock().mutes > 0
    }

    /// Replaces the list by what `change` makes of it, if it does.
    ///
    /// Invariant: `on` is true exactly when the static receivers are not the
    /// whole truth.
    fn change<R>(
        &self,
        statics: &[Slot<T>],
        change: impl FnOnce(&mut Changes, &[Slot<T>]) -> (R, Option<Vec<Slot<T>>>),
    ) -> R {
        let mut changes = self.changes.lock();
        let current = self.listed.load_full();
        let slots = current.as_ref().map_or(statics, |listed| &listed.slots);
        let (result, slots) = change(&mut changes, slots);
        if let Some(slots) = slots {
            let is_muted = changes.mutes > 0;
            let is_static = slots.len() == statics.len() && slots.iter().all(Slot::is_static);
            let listed = (is_muted || !is_static).then(|| Arc::new(Listed { slots, is_muted }));
            // Ordering: Relaxed, see `is_on`.
            self.on.store(listed.is_some(), Ordering::Relaxed);
            self.listed.store(listed);
        }
        // Only now: this drops the users' closures that were disconnected, and
        // their destructors may call this signal.
        drop(changes);
        drop(current);
        result
    }
}
