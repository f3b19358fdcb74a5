//! The run-time state of a signal: a list that replaces the static list, and muting.
//!
//! Most signals never change at run time. The run-time state of such a signal is inactive, and a
//! send pays one load for it. While the state is active, a send reads a list that is replaced and
//! never modified: no lock is held while a receiver runs, and senders do not block each other.
//!
//! The file does not depend on receivers, so that `tests/loom.rs` can include it and run it through
//! all interleavings of its threads.

use super::sync::{Arc, ArcSwapOption, AtomicUsize, Mutex, Ordering};

/// The run-time list of a signal, of type `L`, and the number of its mutes.
pub(super) struct DynamicReceivers<L> {
    /// [`STATIC`], [`MUTED`], or the address of `list`. Selects the receivers of a send.
    state: AtomicUsize,
    /// The whole list, static receivers included; `None` while there are only static receivers.
    list: ArcSwapOption<L>,
    /// Locked while a field changes.
    changes: Mutex<Changes>,
}

/// The state of a signal that is not muted and has only its static receivers.
const STATIC: usize = 0;

/// The state of a muted signal. No list has this address.
pub(super) const MUTED: usize = 1;

struct Changes {
    mutes: usize,
    /// The number of lists so far.
    lists: u64,
}

impl<L> DynamicReceivers<L> {
    pub(super) const fn new() -> Self {
        Self {
            state: AtomicUsize::new(STATIC),
            list: ArcSwapOption::const_empty(),
            changes: Mutex::new(Changes { mutes: 0, lists: 0 }),
        }
    }

    /// Returns the state: [`STATIC`], [`MUTED`], or the address of the list.
    ///
    /// A thread that holds an `Arc` with this address holds the list itself, and not a list that
    /// was allocated later at the same address: the state changes before a list is freed.
    ///
    /// Ordering: Relaxed. The state only selects a list, and each list is synchronized by itself: a
    /// static list by its `OnceLock`, a replaced list by `arc_swap`, a cached list by the load that
    /// returned it. A happens-before edge from a change also makes the state visible that was
    /// stored before.
    #[inline]
    pub(super) fn state(&self) -> usize {
        self.state.load(Ordering::Relaxed)
    }

    /// Returns false while the signal is not muted and has only its static receivers.
    #[inline]
    pub(super) fn is_active(&self) -> bool {
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

    /// Returns the list, for a caller that holds the list for longer than one call.
    pub(super) fn list(&self) -> Option<Arc<L>> {
        self.list.load_full()
    }

    /// Replaces the list by the result of `change`; an error leaves the list as it is. Each change
    /// gets a unique number. Changes do not overlap.
    pub(super) fn change<R, E>(
        &self,
        change: impl FnOnce(Option<&L>, u64) -> Result<(Option<L>, R), E>,
    ) -> Result<R, E> {
        let mut changes = self.changes.lock();
        let current = self.list.load_full();
        let done = change(current.as_deref(), changes.lists).map(|(list, result)| {
            changes.lists += 1;
            self.list.store(list.map(Arc::new));
            self.refresh_state(&changes);
            result
        });
        // `current` may be the last reference to a removed receiver, whose destructor may call this
        // signal: unlock first.
        drop(changes);
        done
    }

    pub(super) fn mute(&self) {
        let mut changes = self.changes.lock();
        changes.mutes += 1;
        self.refresh_state(&changes);
    }

    pub(super) fn unmute(&self) {
        let mut changes = self.changes.lock();
        changes.mutes -= 1;
        self.refresh_state(&changes);
    }

    /// Computes the state from the list and the number of mutes. Called under the lock, after every
    /// change.
    fn refresh_state(&self, changes: &Changes) {
        let state = match &*self.list.load() {
            _ if changes.mutes > 0 => MUTED,
            Some(list) => Arc::as_ptr(list).addr(),
            None => STATIC,
        };
        // Ordering: Relaxed, see `state`.
        self.state.store(state, Ordering::Relaxed);
    }
}
