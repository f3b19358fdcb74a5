//! The receivers of one delivery.

use super::Context;
use super::delivery::{ReceiverId, Slots};
use super::info::Details;
use super::receiver_list::{ReceiverList, Slot};

/// The receivers of a signal and those of a context, merged by their orders without a list of
/// their own.
///
/// A receiver has a *place*: its index among the signal's receivers, or behind these among the
/// context's.
pub(super) struct Audience<'a, T: 'static, R: 'static> {
    slots: &'a [Slot<T, R>],
    own: &'a [Slot<T, R>],
    /// Whether the context has receivers of its own or leaves others out.
    is_merged: bool,
    pub(super) context: &'a Context,
}

impl<T, R> Clone for Audience<'_, T, R> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<T, R> Copy for Audience<'_, T, R> {}

impl<'a, T, R> Audience<'a, T, R> {
    /// Returns the receivers of a signal, for a context that changes none of them.
    #[inline]
    pub(super) fn of_signal(slots: &'a [Slot<T, R>], context: &'a Context) -> Self {
        Self {
            slots,
            own: &[],
            is_merged: false,
            context,
        }
    }

    /// Returns the receivers of a signal and of a context.
    #[inline]
    pub(super) fn merged(
        slots: &'a [Slot<T, R>],
        own: Option<&'a ReceiverList<T, R>>,
        context: &'a Context,
    ) -> Self {
        Self {
            slots,
            own: own.map_or(&[], ReceiverList::slots),
            is_merged: context.changes_receivers(),
            context,
        }
    }

    /// Returns the receiver at a place.
    #[inline]
    pub(super) fn slot(self, at: usize) -> &'a Slot<T, R> {
        match self.slots.get(at) {
            Some(slot) => slot,
            None => &self.own[at - self.slots.len()],
        }
    }

    /// Returns the number of places.
    #[inline]
    pub(super) fn len(self) -> usize {
        self.slots.len() + self.own.len()
    }

    /// Returns the places in the order in which the receivers run.
    #[inline]
    pub(super) fn places(self) -> Places<'a, T, R> {
        self.places_from(0)
    }

    /// Returns the places without the first ones of the signal.
    #[inline]
    pub(super) fn places_from(self, first: usize) -> Places<'a, T, R> {
        Places {
            audience: self,
            next: first,
            next_own: self.slots.len(),
        }
    }

    /// Returns the receivers in the order in which they run.
    pub(super) fn iter(self) -> impl Iterator<Item = &'a Slot<T, R>> {
        self.places().map(move |at| self.slot(at))
    }

    /// Returns the key by which places are in the order of the receivers.
    pub(super) fn sort_key(self, at: usize) -> (i32, usize) {
        (self.slot(at).details().order, at)
    }

    fn leaves_out(self, slot: &Slot<T, R>) -> bool {
        let uid = slot.details().uid.as_deref();
        self.context.leaves_out(uid)
            || uid.is_some()
                && self
                    .own
                    .iter()
                    .any(|own| own.details().uid.as_deref() == uid)
    }
}

/// The places of the receivers that have not been called yet.
pub(super) struct Places<'a, T: 'static, R: 'static> {
    audience: Audience<'a, T, R>,
    next: usize,
    next_own: usize,
}

impl<T, R> Clone for Places<'_, T, R> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<T, R> Copy for Places<'_, T, R> {}

impl<T, R> Places<'_, T, R> {
    /// Returns the greatest number of places that remain.
    #[inline]
    pub(super) fn most(&self) -> usize {
        let Audience { slots, own, .. } = self.audience;
        slots.len() + own.len() - self.next.min(slots.len()) - (self.next_own - slots.len())
    }
}

impl<T, R> Iterator for Places<'_, T, R> {
    type Item = usize;

    #[inline]
    fn next(&mut self) -> Option<usize> {
        if self.audience.is_merged {
            return self.next_merged();
        }
        let at = self.next;
        self.next += 1;
        (at < self.audience.slots.len()).then_some(at)
    }
}

impl<T, R> Places<'_, T, R> {
    /// Of equal order, the receivers of the signal come first.
    fn next_merged(&mut self) -> Option<usize> {
        let audience = self.audience;
        let own_order =
            (self.next_own < audience.len()).then(|| audience.slot(self.next_own).details().order);
        while let Some(slot) = audience.slots.get(self.next) {
            if own_order.is_some_and(|own| own < slot.details().order) {
                break;
            }
            self.next += 1;
            if !audience.leaves_out(slot) {
                return Some(self.next - 1);
            }
        }
        own_order?;
        self.next_own += 1;
        Some(self.next_own - 1)
    }
}

impl<T, R> Slots for Audience<'_, T, R> {
    fn receiver_id(&self, at: usize) -> ReceiverId {
        let details = self.slot(at).details();
        if let Some(uid) = &details.uid {
            return uid.clone();
        }
        let earlier = (0..at).map(|at| self.slot(at).details());
        let is_alike = |other: &&Details| other.uid.is_none() && other.path == details.path;
        match earlier.filter(is_alike).count() {
            0 => details.path.into(),
            before => format!("{}#{}", details.path, before + 1).into(),
        }
    }
}
