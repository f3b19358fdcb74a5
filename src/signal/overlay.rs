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
    is_muted: AtomicBool,
    /// Every receiver, static ones included; `None` while they are the only ones.
    listed: ArcSwapOption<Listed<T>>,
    /// Held while any of these changes.
    changes: Mutex<Changes>,
}

struct Changes {
    mutes: usize,
    next_id: u64,
}

struct Listed<T: 'static>(Vec<Slot<T>>);

/// Whoever holds a list last drops what was disconnected meanwhile, and has no part
/// in it: a sender, or somebody who connects. So no destructor of a user's gets out
/// of here; and each is called by itself, since two that panic would end the program.
impl<T> Drop for Listed<T> {
    fn drop(&mut self) {
        self.0.drain(..).for_each(delivery::drop_quietly);
    }
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
            Some(listed) => &listed.0,
        }
    }
}

impl<T: 'static> Overlay<T> {
    pub(super) const fn new() -> Self {
        Self {
            on: AtomicBool::new(false),
            is_muted: AtomicBool::new(false),
            listed: ArcSwapOption::const_empty(),
            changes: Mutex::new(Changes {
                mutes: 0,
                next_id: 0,
            }),
        }
    }

    #[inline]
    pub(super) fn is_on(&self) -> bool {
        // Ordering: Relaxed. The flag only decides whether to look further, and
        // the list does its own synchronising. Whoever learns of a connection or a
        // mute through any happens-before edge also sees the flag that was set
        // before it.
        self.on.load(Ordering::Relaxed)
    }

    pub(super) fn is_muted(&self) -> bool {
        // Ordering: Relaxed, see `is_on`.
        self.is_muted.load(Ordering::Relaxed)
    }

    /// Reads whom a send calls: nobody while muted.
    #[cold]
    pub(super) fn with_audience<R>(
        &self,
        statics: &[Slot<T>],
        read: impl FnOnce(&[Slot<T>]) -> R,
    ) -> R {
        if self.is_muted() {
            return read(&[]);
        }
        self.with_connected(statics, read)
    }

    /// Reads who is connected, muted or not.
    #[cold]
    pub(super) fn with_connected<R>(
        &self,
        statics: &[Slot<T>],
        read: impl FnOnce(&[Slot<T>]) -> R,
    ) -> R {
        let listed = self.listed.load();
        read(listed.as_ref().map_or(statics, |listed| &listed.0))
    }

    /// Whom a send calls that waits, and may go on in another thread.
    #[inline]
    pub(super) fn snapshot<'a>(&self, statics: &'a [Slot<T>]) -> Snapshot<'a, T> {
        let (statics, listed) = match self.is_on() {
            false => (statics, None),
            true if self.is_muted() => (&statics[..0], None),
            true => (statics, self.listed.load_full()),
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
        let is_taken = |slot: &&Slot<T>| uid.is_some() && slot.details().uid.as_deref() == uid;

        let mut changes = self.changes.lock();
        let current = self.listed.load_full();
        let slots = current.as_ref().map_or(statics, |listed| &listed.0);
        // Declared before the lock, `receiver` is dropped after it.
        if let Some(first) = slots.iter().find(is_taken) {
            return Err(ReceiverInfo::new(signal, first.details()));
        }
        let at = slots.partition_point(|slot| slot.details().order <= order);
        let mut slots = slots.to_vec();
        let id = changes.next_id;
        changes.next_id += 1;
        slots.insert(at, Slot::connected(id, receiver));
        self.listed.store(Some(Arc::new(Listed(slots))));
        self.settle(&changes);
        // Only now may `current` be dropped, with what was disconnected meanwhile:
        // a user's destructor may call this signal.
        drop(changes);
        Ok(id)
    }

    /// Removes the receivers that `goes` picks; true when there were any.
    pub(super) fn disconnect(
        &self,
        statics: &[Slot<T>],
        mut goes: impl FnMut(&Slot<T>) -> bool,
    ) -> bool {
        let changes = self.changes.lock();
        let current = self.listed.load_full();
        let slots = current.as_ref().map_or(statics, |listed| &listed.0);
        let stay: Vec<_> = slots.iter().filter(|slot| !goes(slot)).cloned().collect();
        let is_changed = stay.len() < slots.len();
        if is_changed {
            // Back to the fast path when nothing but the static receivers is left.
            let is_static = stay.len() == statics.len() && stay.iter().all(Slot::is_static);
            let listed = (!is_static).then(|| Arc::new(Listed(stay)));
            self.listed.store(listed);
            self.settle(&changes);
        }
        // Only now, as above.
        drop(changes);
        is_changed
    }

    pub(super) fn mute(&self) {
        let mut changes = self.changes.lock();
        changes.mutes += 1;
        self.settle(&changes);
    }

    pub(super) fn unmute(&self) {
        let mut changes = self.changes.lock();
        changes.mutes -= 1;
        self.settle(&changes);
    }

    /// Invariant: `on` is true exactly when the static receivers are not the
    /// whole truth. Called under the lock, after every change.
    fn settle(&self, changes: &Changes) {
        let is_muted = changes.mutes > 0;
        let is_on = is_muted || self.listed.load().is_some();
        // Ordering: Relaxed, see `is_on`.
        self.is_muted.store(is_muted, Ordering::Relaxed);
        self.on.store(is_on, Ordering::Relaxed);
    }
}
