//! What changes at run time: connected receivers and muting.
//!
//! Most signals are never touched at run time, so the overlay is off until
//! somebody connects, disconnects or mutes, and a send that finds it off pays
//! one load. While it is on, a send takes a snapshot: an `Arc` of the whole
//! list, cloned under a read lock that is released before any receiver runs.

use std::ops::Deref;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use parking_lot::RwLock;

use super::delivery;
use super::info::ReceiverInfo;
use super::receiver_of::{ReceiverOf, Slot};

pub(super) struct Overlay<T: 'static> {
    /// False means: the static receivers are the whole truth.
    on: AtomicBool,
    state: RwLock<State<T>>,
}

struct State<T: 'static> {
    /// Every receiver, static ones included; `None` while they are the only ones.
    slots: Option<Arc<[Slot<T>]>>,
    mutes: usize,
    next_id: u64,
}

/// The receivers of one send.
pub(super) enum Snapshot<'a, T: 'static> {
    Static(&'a [Slot<T>]),
    Overlaid(Arc<[Slot<T>]>),
}

impl<T> Deref for Snapshot<'_, T> {
    type Target = [Slot<T>];

    #[inline]
    fn deref(&self) -> &[Slot<T>] {
        match self {
            Self::Static(slots) => slots,
            Self::Overlaid(slots) => slots,
        }
    }
}

impl<T> Snapshot<'_, T> {
    /// Drops the snapshot, which drops the receivers that were disconnected
    /// during the send, as quietly as those ran.
    #[inline]
    pub(super) fn drop_quietly(self) {
        if let Self::Overlaid(slots) = self {
            delivery::drop_quietly(slots);
        }
    }
}

impl<T: 'static> Overlay<T> {
    pub(super) const fn new() -> Self {
        Self {
            on: AtomicBool::new(false),
            state: RwLock::new(State {
                slots: None,
                mutes: 0,
                next_id: 0,
            }),
        }
    }

    #[inline]
    pub(super) fn is_on(&self) -> bool {
        // Ordering: Relaxed. The flag only decides whether to look under the
        // lock, which does the synchronising. Whoever learns of a connection
        // through any happens-before edge also sees the flag that was set
        // before it.
        self.on.load(Ordering::Relaxed)
    }

    /// What a send delivers to: nothing while muted.
    #[cold]
    pub(super) fn snapshot<'a>(&self, statics: &'a [Slot<T>]) -> Snapshot<'a, T> {
        let state = self.state.read();
        if state.mutes > 0 {
            return Snapshot::Static(&[]);
        }
        Self::listed(&state, statics)
    }

    /// Who is connected, muted or not.
    #[cold]
    pub(super) fn connected<'a>(&self, statics: &'a [Slot<T>]) -> Snapshot<'a, T> {
        Self::listed(&self.state.read(), statics)
    }

    fn listed<'a>(state: &State<T>, statics: &'a [Slot<T>]) -> Snapshot<'a, T> {
        match &state.slots {
            Some(slots) => Snapshot::Overlaid(Arc::clone(slots)),
            None => Snapshot::Static(statics),
        }
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

        let mut state = self.state.write();
        let current = state.slots.as_deref().unwrap_or(statics);
        if let Some(first) = current
            .iter()
            .find(|slot| uid.is_some() && slot.details().uid.as_deref() == uid)
        {
            // Dropped with the guard released: `receiver` was declared first.
            return Err(ReceiverInfo {
                signal,
                details: first.details().clone(),
                shadowed: false,
            });
        }
        let at = current.partition_point(|slot| slot.details().order <= order);
        let mut slots = current.to_vec();
        let id = state.next_id;
        slots.insert(at, Slot::Connected(id, receiver));
        state.next_id += 1;
        // This drops the old list under the lock, but nothing of a user's: all
        // of its receivers are in the new one.
        state.slots = Some(slots.into());
        self.settle(&state);
        Ok(id)
    }

    /// Removes the receivers that `goes` picks; true when there were any.
    pub(super) fn disconnect(
        &self,
        statics: &[Slot<T>],
        mut goes: impl FnMut(&Slot<T>) -> bool,
    ) -> bool {
        let mut state = self.state.write();
        let current = state.slots.as_deref().unwrap_or(statics);
        let slots: Vec<Slot<T>> = current.iter().filter(|slot| !goes(slot)).cloned().collect();
        if slots.len() == current.len() {
            return false;
        }
        // Back to the fast path when nothing but the static receivers is left.
        let only_statics = slots.len() == statics.len()
            && slots.iter().all(|slot| matches!(slot, Slot::Static(_)));
        let slots = (!only_statics).then(|| slots.into());
        let replaced = std::mem::replace(&mut state.slots, slots);
        self.settle(&state);
        drop(state);
        // Only now: this drops the users' closures that were disconnected, and
        // their destructors may call this signal.
        drop(replaced);
        true
    }

    pub(super) fn mute(&self) {
        let mut state = self.state.write();
        state.mutes += 1;
        self.settle(&state);
    }

    pub(super) fn unmute(&self) {
        let mut state = self.state.write();
        state.mutes -= 1;
        self.settle(&state);
    }

    pub(super) fn is_muted(&self) -> bool {
        self.is_on() && self.state.read().mutes > 0
    }

    /// Invariant: `on` is true exactly when the static receivers are not the
    /// whole truth. Called under the write lock, after every change.
    fn settle(&self, state: &State<T>) {
        // Ordering: Relaxed, see `is_on`.
        self.on
            .store(state.slots.is_some() || state.mutes > 0, Ordering::Relaxed);
    }
}
