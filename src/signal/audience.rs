//! The receivers of one delivery.

use std::time::Duration;

use super::Context;
use super::delivery::{ReceiverId, ReceiverIds};
use super::info::{Details, ReceiverInfo};
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
    pub(super) fn slot(&self, at: usize) -> &'a Slot<T, R> {
        match self.slots.get(at) {
            Some(slot) => slot,
            None => &self.own[at - self.slots.len()],
        }
    }

    /// Returns the number of places.
    #[inline]
    pub(super) fn len(&self) -> usize {
        self.slots.len() + self.own.len()
    }

    /// Returns the next receiver and its place, in the order in which they run.
    #[inline]
    pub(super) fn next(&self, places: &mut Places) -> Option<(usize, &'a Slot<T, R>)> {
        if self.is_merged {
            return self.next_merged(places);
        }
        let at = places.next;
        let slot = self.slots.get(at)?;
        places.next += 1;
        Some((at, slot))
    }

    /// Returns the next receiver of both; of equal order, those of the signal come first.
    fn next_merged(&self, places: &mut Places) -> Option<(usize, &'a Slot<T, R>)> {
        let own = self.own.get(places.next_own);
        let own_order = own.map(|own| own.details().order);
        while let Some(slot) = self.slots.get(places.next) {
            if own_order.is_some_and(|own| own < slot.details().order) {
                break;
            }
            places.next += 1;
            if !self.leaves_out(slot) {
                return Some((places.next - 1, slot));
            }
        }
        places.next_own += 1;
        Some((self.slots.len() + places.next_own - 1, own?))
    }

    /// Returns the receivers in the order in which they run.
    pub(super) fn iter(&self) -> impl Iterator<Item = &'a Slot<T, R>> {
        let mut places = Places::default();
        std::iter::from_fn(move || self.next(&mut places).map(|(_, slot)| slot))
    }

    /// Returns the key by which places are in the order of the receivers.
    pub(super) fn sort_key(&self, at: usize) -> (i32, usize) {
        (self.order(at), at)
    }

    /// Whether the context leaves a receiver of the signal out, or has another with its uid.
    fn leaves_out(&self, slot: &Slot<T, R>) -> bool {
        let uid = slot.details().uid.as_deref();
        self.context.leaves_out(uid)
            || uid.is_some()
                && self
                    .own
                    .iter()
                    .any(|own| own.details().uid.as_deref() == uid)
    }
}

/// The progress of a delivery: the next places of the signal's receivers and of the context's own.
#[derive(Clone, Copy, Default)]
pub(super) struct Places {
    next: usize,
    next_own: usize,
}

impl Places {
    /// Returns the places behind the first receivers of the signal.
    #[inline]
    pub(super) fn behind(first: usize) -> Self {
        Self {
            next: first,
            next_own: 0,
        }
    }
}

impl<T, R> ReceiverIds for Audience<'_, T, R> {
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

    fn info(&self, signal: &'static str, at: usize) -> ReceiverInfo {
        self.slot(at).info(signal)
    }

    fn order(&self, at: usize) -> i32 {
        self.slot(at).details().order
    }

    fn attempts(&self, at: usize) -> Option<u32> {
        self.slot(at).details().limits.attempts
    }

    fn timeout(&self, at: usize) -> Option<Duration> {
        self.slot(at).details().limits.timeout
    }
}
