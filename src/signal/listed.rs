//! The receivers of a signal, once any came or went at run time.

use std::ops::Deref;
use std::sync::Arc;

use super::delivery;
use super::info::ReceiverInfo;
use super::overlay::Overlay;
use super::receiver_of::ReceiverOf;
use super::slot::Slot;

/// Every receiver, in order, static ones included.
pub(super) struct Listed<T: 'static>(Vec<Slot<T>>);

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

impl<T: 'static> Overlay<Listed<T>> {
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
        self.read(|listed| read(listed.map_or(statics, |listed| &listed.0)))
    }

    /// Whom a send calls that waits, and may go on in another thread.
    #[inline]
    pub(super) fn snapshot<'a>(&self, statics: &'a [Slot<T>]) -> Snapshot<'a, T> {
        let (statics, listed) = match self.is_on() {
            false => (statics, None),
            true if self.is_muted() => (&statics[..0], None),
            true => (statics, self.list()),
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
        // Out here, so that a receiver that is refused is dropped without the lock.
        let receiver = Arc::new(receiver);
        let order = receiver.details.order;
        let uid = receiver.details.uid.as_deref();
        let is_taken = |slot: &&Slot<T>| uid.is_some() && slot.details().uid.as_deref() == uid;

        self.change(|listed, id| {
            let slots = listed.map_or(statics, |listed| &listed.0);
            if let Some(first) = slots.iter().find(is_taken) {
                return Err(ReceiverInfo::new(signal, first.details()));
            }
            let at = slots.partition_point(|slot| slot.details().order <= order);
            let mut slots = slots.to_vec();
            slots.insert(at, Slot::connected(id, Arc::clone(&receiver)));
            Ok((Some(Listed(slots)), id))
        })
    }

    /// Removes the receivers that `goes` picks; true when there were any.
    pub(super) fn disconnect(
        &self,
        statics: &[Slot<T>],
        mut goes: impl FnMut(&Slot<T>) -> bool,
    ) -> bool {
        let changed = self.change(|listed, _| {
            let slots = listed.map_or(statics, |listed| &listed.0);
            let stay: Vec<_> = slots.iter().filter(|slot| !goes(slot)).cloned().collect();
            if stay.len() == slots.len() {
                return Err(());
            }
            // Back to the fast path when nothing but the static receivers is left.
            let is_static = stay.len() == statics.len() && stay.iter().all(Slot::is_static);
            Ok(((!is_static).then(|| Listed(stay)), ()))
        });
        changed.is_ok()
    }
}
