//! Who looks on while an event is delivered.

use super::claim::Job;
use super::run::{Run, names};
use crate::signal::{Slots, Watch};
use crate::store::{Mode, StoreError};

/// Leaves out the receivers of an event that have succeeded before, and marks
/// those that do now.
pub(super) struct Watcher<'r, 'a> {
    pub(super) run: &'r mut Run<'a>,
    pub(super) job: &'r mut Job,
    /// The store failed, so that nobody else is called.
    pub(super) stopped: Option<StoreError>,
    /// Somebody was left out who has not succeeded.
    pub(super) is_cut_short: bool,
}

impl Watcher<'_, '_> {
    fn mark(&mut self) {
        self.job.record.done.extend(names(&mut self.run.done));
        self.run.push(self.job);
        self.stopped = self.run.mark(Mode::Write).err();
    }
}

impl Watch for Watcher<'_, '_> {
    fn wants<S: Slots + ?Sized>(&mut self, slots: &S, at: usize) -> bool {
        let done = &self.job.record.done;
        if !done.is_empty() {
            let receiver = slots.receiver_id(at);
            if done.iter().any(|done| *done == receiver) {
                return false;
            }
        }
        let is_over = self.stopped.is_some() || self.run.held[self.job.held].is_lost;
        self.is_cut_short |= is_over;
        !is_over
    }

    fn succeeded<S: Slots + ?Sized>(&mut self, slots: &S, at: usize) {
        self.run.done.push(slots.receiver_id(at));
        if self.run.is_due() {
            self.mark();
        }
    }

    /// Those that wait may wait for long, or be dropped: those that are done
    /// are marked first.
    fn waits(&mut self) {
        if !self.run.done.is_empty() {
            self.mark();
        }
    }

    fn failed<S: Slots + ?Sized>(&mut self, slots: &S, at: usize) {
        self.run.failed.push(slots.receiver_id(at));
    }
}
