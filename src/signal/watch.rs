//! Who looks on while an event is delivered, receiver by receiver.

use std::borrow::Cow;

use super::slot::Slot;

/// Looks on, and may have receivers left out.
pub(crate) trait Watch {
    /// Whether the receiver at this place is to be called.
    fn wants<S: Slots + ?Sized>(&mut self, slots: &S, at: usize) -> bool;

    /// It has succeeded, or its filter declined.
    fn succeeded<S: Slots + ?Sized>(&mut self, slots: &S, at: usize);

    /// Nobody has anything to do: all that were called and are not done wait.
    fn waits(&mut self);

    /// It has failed.
    fn failed<S: Slots + ?Sized>(&mut self, slots: &S, at: usize);
}

/// Nobody looks on, and nothing is paid for it.
impl Watch for () {
    #[inline]
    fn wants<S: Slots + ?Sized>(&mut self, _: &S, _: usize) -> bool {
        true
    }

    #[inline]
    fn succeeded<S: Slots + ?Sized>(&mut self, _: &S, _: usize) {}

    #[inline]
    fn waits(&mut self) {}

    #[inline]
    fn failed<S: Slots + ?Sized>(&mut self, _: &S, _: usize) {}
}

/// What a receiver is known by when the program runs again: its uid or else
/// its path, and of several with one path also which one it is.
pub(crate) type ReceiverId = Cow<'static, str>;

/// The receivers of a send, whatever their payload.
pub(crate) trait Slots {
    fn receiver_id(&self, at: usize) -> ReceiverId;
}

impl<T> Slots for [Slot<T>] {
    fn receiver_id(&self, at: usize) -> ReceiverId {
        let details = self[at].details();
        if let Some(uid) = &details.uid {
            return uid.clone();
        }
        let earlier = self[..at].iter().map(Slot::details);
        let is_alike =
            |other: &&super::info::Details| other.uid.is_none() && other.path == details.path;
        match earlier.filter(is_alike).count() {
            0 => details.path.into(),
            before => format!("{}#{}", details.path, before + 1).into(),
        }
    }
}
