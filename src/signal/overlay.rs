//! The run-time state of a signal: a list that replaces the static one, and muting.
//!
//! Most signals never change at run time. The overlay of such a signal is off, and a
//! send pays one load for it. While the overlay is on, a send reads a list that is
//! replaced and never modified: no lock is held while a receiver runs, and senders do
//! not block each other.
//!
//! The file does not depend on receivers, so that `tests/loom.rs` can run it through
//! all interleavings of its threads.

use super::sync::{Arc, ArcSwapOption, AtomicUsize, Mutex, Ordering};

pub(super) struct Overlay<L> {
    /// [`STATIC`], [`MUTED`], or the address of `list`. A send decides by it alone which
    /// receivers it calls.
    state: AtomicUsize,
    /// The whole list, static receivers included; `None` while there are no others.
    list: ArcSwapOption<L>,
    /// Held while any of these changes.
    changes: Mutex<Changes>,
}

/// Unmuted, and the static list is complete.
const STATIC: usize = 0;

/// Muted, whatever the list is. No list has this address.
pub(super) const MUTED: usize = 1;

struct Changes {
    mutes: usize,
    /// The number of lists so far.
    lists: u64,
}

impl<L> Overlay<L> {
    pub(super) const fn new() -> Self {
        Self {
            state: AtomicUsize::new(STATIC),
            list: ArcSwapOption::const_empty(),
            changes: Mutex::new(Changes { mutes: 0, lists: 0 }),
        }
    }

    /// Returns the state, which is the address of the list if there is one to send to.
    ///
    /// A thread that holds an `Arc` with this address holds the list itself, and not one
    /// that was later allocated in its place: the state changes before a list is freed.
    ///
    /// Ordering: Relaxed. The state only selects a list, and each list is synchronised
    /// by itself: a static one by its `OnceLock`, a replaced one by `arc_swap`, a kept
    /// one by the load that got it. A thread that learns of a change through any
    /// happens-before edge also sees the state that was stored before.
    #[inline]
    pub(super) fn state(&self) -> usize {
        self.state.load(Ordering::Relaxed)
    }

    /// Whether a send has to look further than the static list.
    #[inline]
    pub(super) fn is_on(&self) -> bool {
        self.state() != STATIC
    }

    #[inline]
    pub(super) fn is_muted(&self) -> bool {
        self.state() == MUTED
    }

    /// Calls `read` with the list, muted or not.
    #[inline]
    pub(super) fn read<R>(&self, read: impl FnOnce(Option<&L>) -> R) -> R {
        self.read_shared(|list| read(list.map(|list| &**list)))
    }

    /// Calls `read` with the list, muted or not, for the caller to clone.
    #[inline]
    pub(super) fn read_shared<R>(&self, read: impl FnOnce(Option<&Arc<L>>) -> R) -> R {
        read(self.list.load().as_ref())
    }

    /// Returns the list, to be held for longer than one call.
    pub(super) fn list(&self) -> Option<Arc<L>> {
        self.list.load_full()
    }

    /// Replaces the list by the one that `change` returns, or leaves it as it is after
    /// an error. Each change gets a number of its own. Changes do not overlap.
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
        // `current` may be the last reference to a removed receiver, and the destructor
        // of a user's value may call this signal: unlock first.
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

    /// Sets the state to that of the list and the mutes. Called under the lock, after
    /// every change.
    fn settle(&self, changes: &Changes) {
        let state = match &*self.list.load() {
            _ if changes.mutes > 0 => MUTED,
            Some(list) => Arc::as_ptr(list).addr(),
            None => STATIC,
        };
        // Ordering: Relaxed, see `state`.
        self.state.store(state, Ordering::Relaxed);
    }
}
