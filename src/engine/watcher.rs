//! Who looks on while an event is delivered.

use std::task::{self, Poll};

use super::claim::Job;
use super::marks::Marks;
use crate::signal::{Cause, DeliveryObserver, ReceiverId, ReceiverIds};
use crate::store::{Mode, StoreError};

/// Leaves out the receivers of an event that have succeeded before, and marks
/// those that do now.
pub(super) struct Watcher<'r, 'a> {
    pub(super) marks: &'r mut Marks<'a>,
    /// Those that have succeeded and are not marked, and those that have failed.
    pub(super) done: &'r mut Vec<ReceiverId>,
    pub(super) failed: &'r mut Vec<ReceiverId>,
    pub(super) job: &'r mut Job,
    /// The store failed, so that nobody else is called.
    pub(super) stopped: Option<StoreError>,
    /// Somebody was left out who has not succeeded.
    pub(super) is_cut_short: bool,
}

impl Watcher<'_, '_> {
    fn mark(&mut self) {
        self.job.record.done.extend(names(self.done));
        self.marks.push(self.job);
        self.stopped = self.marks.write(Mode::Write).err();
    }
}

impl DeliveryObserver for Watcher<'_, '_> {
    fn poll_checkpoint(&mut self, _: &mut task::Context<'_>) -> Poll<()> {
        Poll::Ready(())
    }

    fn wants<I: ReceiverIds + ?Sized>(&mut self, ids: &I, at: usize) -> bool {
        let done = &self.job.record.done;
        if !done.is_empty() {
            let receiver = ids.receiver_id(at);
            if done.iter().any(|done| *done == receiver) {
                return false;
            }
        }
        let is_over = self.stopped.is_some() || self.marks.held(self.job).is_lost;
        self.is_cut_short |= is_over;
        !is_over
    }

    fn succeeded<I: ReceiverIds + ?Sized>(&mut self, ids: &I, at: usize) {
        self.done.push(ids.receiver_id(at));
        if self.marks.is_due() {
            self.mark();
        }
    }

    /// Those that wait may wait for long, or be dropped: those that are done
    /// are marked first.
    fn waits(&mut self) {
        if !self.done.is_empty() {
            self.mark();
        }
    }

    fn failed<I: ReceiverIds + ?Sized>(&mut self, ids: &I, at: usize, _: &Cause) {
        self.failed.push(ids.receiver_id(at));
    }
}

pub(super) fn names(ids: &mut Vec<ReceiverId>) -> impl Iterator<Item = String> {
    ids.drain(..).map(ReceiverId::into_owned)
}
