//! A delivery: its receivers, the call of one of them, the failure policy, and the observer.

use std::any::Any;
use std::borrow::Cow;
use std::sync::Arc;
use std::task::{self, Poll};
use std::time::Duration;

use super::context::Context;
use super::receiver::{ReceiverInfo, ReceiverMeta};
use super::receiver_list::{Entry, ReceiverList, Receivers};
use super::report::{Cause, Failure, Report};
use crate::panic_guard;

/// The receivers of one delivery: those of the signal and those of the context, merged by their
/// orders without a new list.
///
/// The *index* of a receiver counts the signal's receivers first, and then the context's.
pub(super) struct ActiveReceivers<'a, R: 'static> {
    entries: &'a [Entry<R>],
    own: &'a [Entry<R>],
    /// `true` if the context has receivers or excludes some of the signal.
    is_merged: bool,
    pub(super) context: &'a Context,
}

impl<'a, R> ActiveReceivers<'a, R> {
    /// Returns the receivers of a signal, for a context that changes none of them.
    #[inline]
    pub(super) fn of_signal(entries: &'a [Entry<R>], context: &'a Context) -> Self {
        Self {
            entries,
            own: &[],
            is_merged: false,
            context,
        }
    }

    /// Returns the receivers of a signal and of a context.
    #[inline]
    pub(super) fn merged(
        entries: &'a [Entry<R>],
        own: Option<&'a ReceiverList<R>>,
        context: &'a Context,
    ) -> Self {
        Self {
            entries,
            own: own.map_or(&[], ReceiverList::entries),
            is_merged: context.changes_receivers(),
            context,
        }
    }

    /// Returns the receiver at an index.
    #[inline]
    pub(super) fn entry(&self, index: usize) -> &'a Entry<R> {
        match self.entries.get(index) {
            Some(entry) => entry,
            None => &self.own[index - self.entries.len()],
        }
    }

    /// Returns the number of receivers, including those that the context excludes.
    #[inline]
    pub(super) fn len(&self) -> usize {
        self.entries.len() + self.own.len()
    }

    /// Returns the next receiver and its index, in the order in which they run.
    #[inline]
    pub(super) fn next(&self, cursor: &mut Cursor) -> Option<(usize, &'a Entry<R>)> {
        if self.is_merged {
            return self.next_merged(cursor);
        }
        let index = cursor.next;
        let entry = self.entries.get(index)?;
        cursor.next += 1;
        Some((index, entry))
    }

    /// Returns the next receiver of signal and context. Of equal order, those of the signal come
    /// first.
    fn next_merged(&self, cursor: &mut Cursor) -> Option<(usize, &'a Entry<R>)> {
        let own = self.own.get(cursor.next_own);
        let own_order = own.map(|own| own.meta().order);
        while let Some(entry) = self.entries.get(cursor.next) {
            if own_order.is_some_and(|own| own < entry.meta().order) {
                break;
            }
            cursor.next += 1;
            if !self.excludes(entry) {
                return Some((cursor.next - 1, entry));
            }
        }
        cursor.next_own += 1;
        Some((self.entries.len() + cursor.next_own - 1, own?))
    }

    /// Returns the receivers in the order in which they run.
    pub(super) fn iter(&self) -> impl Iterator<Item = &'a Entry<R>> {
        let mut cursor = Cursor::default();
        std::iter::from_fn(move || self.next(&mut cursor).map(|(_, entry)| entry))
    }

    /// Returns the key that sorts indexes in the order of the receivers.
    pub(super) fn sort_key(&self, index: usize) -> (i32, usize) {
        (self.order(index), index)
    }

    /// Returns true if the context excludes a receiver of the signal, or has a receiver with the
    /// same uid.
    fn excludes(&self, entry: &Entry<R>) -> bool {
        let uid = entry.meta().uid.as_deref();
        self.context.excludes(uid)
            || uid.is_some() && self.own.iter().any(|own| own.meta().uid.as_deref() == uid)
    }
}

impl<R> Receivers<'_, R> {
    /// Returns the receivers that a context has for the signal; none while the signal is muted.
    #[inline]
    pub(super) fn unmuted_own_list(self, context: &Context) -> Option<Arc<ReceiverList<R>>> {
        let own = context.own_list(self.address);
        own.filter(|_| !self.dynamic.is_muted())
    }

    /// Returns true if a send with the context has receivers, muted or not.
    // Out of line, so that only the test of the static list is inlined into a dispatch.
    #[inline(never)]
    pub(super) fn has_any_with(self, context: &Context) -> bool {
        self.with_active(context, |active| active.iter().next().is_some())
    }

    /// Returns the descriptions of the receivers of a send with the context, muted or not.
    pub(super) fn infos_with(self, context: &Context) -> Vec<ReceiverInfo> {
        let info = |entry: &Entry<R>| entry.info(self.signal);
        self.with_active(context, |active| active.iter().map(info).collect())
    }

    /// Calls `read` with the receivers of signal and context, muted or not.
    pub(super) fn with_active<O>(
        self,
        context: &Context,
        read: impl FnOnce(ActiveReceivers<'_, R>) -> O,
    ) -> O {
        let own = context.own_list(self.address);
        let own = own.as_deref();
        self.read(|list| read(ActiveReceivers::merged(list.entries(), own, context)))
    }
}

/// The progress of a delivery: the indexes of the next receivers of the signal and of the context.
#[derive(Clone, Copy, Default)]
pub(super) struct Cursor {
    next: usize,
    next_own: usize,
}

impl Cursor {
    /// Returns the cursor behind this number of receivers of the signal.
    #[inline]
    pub(super) fn behind(receivers: usize) -> Self {
        Self {
            next: receivers,
            next_own: 0,
        }
    }
}

/// Decides what a failure means for the remaining receivers.
pub(super) trait Policy {
    /// `true` if the first failure ends the delivery.
    const STOPS: bool;

    /// Runs code of receivers, with or without a guard against panics.
    fn guard<R>(work: impl FnOnce() -> Result<R, Cause>) -> Result<R, Cause>;
}

/// The policy of `send`: the first error ends the delivery, and a panic passes through.
pub(super) struct FailFast;

impl Policy for FailFast {
    const STOPS: bool = true;

    #[inline]
    fn guard<R>(work: impl FnOnce() -> Result<R, Cause>) -> Result<R, Cause> {
        work()
    }
}

/// The policy of `send_robust`: all receivers are called, and failures are collected.
pub(super) struct CollectFailures;

impl Policy for CollectFailures {
    const STOPS: bool = false;

    #[inline]
    fn guard<R>(work: impl FnOnce() -> Result<R, Cause>) -> Result<R, Cause> {
        panic_guard::catch_panic_or(work, |message| Err(Cause::Panic(message)))
    }
}

/// Calls a receiver unless the observer skips it, and adds the result to the report. Returns true
/// if a failure ends the delivery.
#[inline]
pub(super) fn call<R: 'static, P: Policy>(
    (index, entry): (usize, &Entry<R>),
    signal: &'static str,
    receivers: &ActiveReceivers<'_, R>,
    event: &dyn Any,
    observer: &mut impl DeliveryObserver,
    report: &mut Report<R>,
) -> bool {
    if !observer.should_call(receivers, index) {
        report.skip();
        return false;
    }
    let run = || P::guard(|| entry.call(event, receivers.context));
    match observer.scope(receivers, index, run) {
        Ok(called) => {
            observer.succeeded(receivers, index, !called.is_filtered());
            report.add(called, || entry.info(signal));
            false
        }
        Err(cause) => {
            let failure = failure(signal, entry, cause);
            observer.failed(receivers, index, &failure);
            report.push(failure);
            P::STOPS
        }
    }
}

#[cold]
pub(super) fn failure<R>(signal: &'static str, entry: &Entry<R>, cause: Cause) -> Failure {
    Failure::new(entry.info(signal), cause)
}

/// The treatment of async receivers by an observed delivery.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ReceiverMode {
    /// Async receivers fail with [`Cause::NeedsAsend`], in the order of all receivers.
    Sync,
    /// Async receivers are awaited, after the sync ones.
    Async,
}

/// Observes a delivery, receiver by receiver, and may skip or delay receivers. By default it does
/// nothing: each receiver is called at once, without a time limit.
pub(crate) trait DeliveryObserver {
    /// Polls for the permission to go on: until ready before each receiver is started, skipped ones
    /// included, and after the last one; and at each poll of the delivery while async receivers are
    /// pending. `Pending` delays the start of further receivers and the end of the delivery, and no
    /// receiver that has been started. May be polled again after it was ready.
    #[inline]
    fn poll_checkpoint(&mut self, _cx: &mut task::Context<'_>) -> Poll<()> {
        Poll::Ready(())
    }

    /// Returns false to skip the receiver at this index.
    #[inline]
    fn should_call<I: ReceiverIds + ?Sized>(&mut self, _ids: &I, _index: usize) -> bool {
        true
    }

    /// Runs the call of a sync receiver, or one poll of an async one.
    #[inline]
    fn scope<I: ReceiverIds + ?Sized, O>(
        &mut self,
        _ids: &I,
        _index: usize,
        run: impl FnOnce() -> O,
    ) -> O {
        run()
    }

    /// Records that the receiver has succeeded. `is_called` is false if its filter declined.
    #[inline]
    fn succeeded<I: ReceiverIds + ?Sized>(&mut self, _ids: &I, _index: usize, _is_called: bool) {}

    /// Records that the poll of the delivery ends with pending receivers.
    #[inline]
    fn all_pending(&mut self) {}

    /// Records that the receiver has failed.
    #[inline]
    fn failed<I: ReceiverIds + ?Sized>(&mut self, _ids: &I, _index: usize, _failure: &Failure) {}

    /// Polls the timeout of an async receiver, after each poll that left the receiver pending.
    /// Ready when the time is over. Otherwise the task is woken at that time.
    #[inline]
    fn poll_timeout<I: ReceiverIds + ?Sized>(
        &mut self,
        _ids: &I,
        _index: usize,
        _cx: &mut task::Context<'_>,
    ) -> Poll<()> {
        Poll::Pending
    }
}

/// No observer. Compiles to nothing.
impl DeliveryObserver for () {}

/// The identity of a receiver across restarts of the program: its uid or, without one, its path,
/// with a number if several receivers of the signal have that path.
pub(crate) type ReceiverId = Cow<'static, str>;

/// The receivers of a delivery, with their payload type erased.
pub(crate) trait ReceiverIds {
    /// Returns the id of the receiver at an index.
    fn receiver_id(&self, index: usize) -> ReceiverId;

    /// Returns the description of the receiver at an index, as a receiver of the signal with this
    /// name.
    fn info(&self, signal: &'static str, index: usize) -> ReceiverInfo;

    /// Returns the order of the receiver at an index.
    fn order(&self, index: usize) -> i32;

    /// Returns the limit of attempts of the receiver at an index, if it has one.
    fn attempts(&self, index: usize) -> Option<u32>;

    /// Returns the timeout of the receiver at an index, if it has one.
    fn timeout(&self, index: usize) -> Option<Duration>;
}

impl<R> ReceiverIds for ActiveReceivers<'_, R> {
    fn receiver_id(&self, index: usize) -> ReceiverId {
        let meta = self.entry(index).meta();
        if let Some(uid) = &meta.uid {
            return uid.clone();
        }
        let earlier = (0..index).map(|index| self.entry(index).meta());
        let is_alike = |other: &&ReceiverMeta| other.uid.is_none() && other.path == meta.path;
        match earlier.filter(is_alike).count() {
            0 => meta.path.into(),
            before => format!("{}#{}", meta.path, before + 1).into(),
        }
    }

    fn info(&self, signal: &'static str, index: usize) -> ReceiverInfo {
        self.entry(index).info(signal)
    }

    fn order(&self, index: usize) -> i32 {
        self.entry(index).meta().order
    }

    fn attempts(&self, index: usize) -> Option<u32> {
        self.entry(index).meta().limits.attempts
    }

    fn timeout(&self, index: usize) -> Option<Duration> {
        self.entry(index).meta().limits.timeout
    }
}
