//! What changes at run time: a list that stands in for the static one, and muting.
//!
//! Most signals are never touched at run time, so the overlay is off until
//! somebody connects, disconnects or mutes, and a send that finds it off pays
//! one load. While it is on, a send reads a list that is never changed but
//! replaced: no lock is held while a receiver runs, and threads that send do not
//! wait for each other.
//!
//! This file knows nothing of receivers: `tests/loom.rs` runs it through all the ways
//! in which threads may interleave.

use super::sync::{Arc, ArcSwapOption, AtomicBool, Mutex, Ordering};

pub(super) struct Overlay<L> {
    /// False means: the static list is the whole truth.
    on: AtomicBool,
    is_muted: AtomicBool,
    /// The whole list, static ones included; `None` while they are all there is.
    list: ArcSwapOption<L>,
    /// Held while any of these changes.
    changes: Mutex<Changes>,
}

struct Changes {
    mutes: usize,
    /// How many lists there were.
    lists: u64,
}

impl<L> Overlay<L> {
    pub(super) const fn new() -> Self {
        Self {
            on: AtomicBool::new(false),
            is_muted: AtomicBool::new(false),
            list: ArcSwapOption::const_empty(),
            changes: Mutex::new(Changes { mutes: 0, lists: 0 }),
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

    /// Reads the list, muted or not.
    pub(super) fn read<R>(&self, read: impl FnOnce(Option<&L>) -> R) -> R {
        read(self.list.load().as_deref())
    }

    /// The list, for longer.
    pub(super) fn list(&self) -> Option<Arc<L>> {
        self.list.load_full()
    }

    /// Replaces the list by what `change` makes of it, or leaves it as it is after an
    /// error. Each change is given a number of its own. Two never run at once.
    pub(super) fn change<R, E>(
        &self,
        change: impl FnOnce(Option<&L>, u64) -> Result<(Option<L>, R), E>,
    ) -> Result<R, E> {
        let mut changes = self.changes.lock();
        let current = self.list.load_full();
        let done = change(current.as_deref(), changes.lists).map(|(list, result)| {
            changes.lists += 1;
            self.list.store(list.map(Arc::new));
            self.settle(&changes);
            result
        });
        // Only now may `current` be dropped, with what is not in the list any more:
        // a user's destructor may call this signal.
        drop(changes);
        done
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

    /// Invariant: `on` is true exactly when the static list is not the whole
    /// truth. Called under the lock, after every change.
    fn settle(&self, changes: &Changes) {
        let is_muted = changes.mutes > 0;
        let is_on = is_muted || self.list.load().is_some();
        // Ordering: Relaxed, see `is_on`.
        self.is_muted.store(is_muted, Ordering::Relaxed);
        self.on.store(is_on, Ordering::Relaxed);
    }
}
