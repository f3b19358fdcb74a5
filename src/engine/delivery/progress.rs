//! The progress of an event while its receivers run.

use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use super::checkpointer::Checkpointer;
use crate::engine::claim::Job;
use crate::engine::observer::Delivery;
use crate::engine::runtime::Deadline;
use crate::event::WebhookEvent;
use crate::signal::{
    Cause, DeliveryObserver, Failure, ReceiverId, ReceiverIds, ReceiverInfo, RetryWhen,
};
use crate::store::{ReceiverProgress, ReceiverState, StoreError};
use crate::trace::ReceiverSpans;

/// The most bytes of the text of an error that are kept.
const MAX_ERROR_LEN: usize = 1_000;

/// The observer of an event's delivery. It skips the receivers that have succeeded or gave up
/// before, records the progress of the others, and writes checkpoints between them.
pub(super) struct ProgressObserver<'r, 'e> {
    pub(super) max_attempts: u32,
    /// The attempts of the event after a crash, which count for each receiver that fails; 0
    /// otherwise.
    pub(super) attempts_before_crash: u32,
    pub(super) checkpointer: &'r mut Checkpointer<'e>,
    pub(super) event: &'e WebhookEvent,
    pub(super) job: &'r mut Job,
    /// `true` for each receiver of the progress that this delivery has called.
    pub(super) is_called: Vec<bool>,
    /// The receivers that have succeeded and are not yet part of the progress.
    pub(super) succeeded: &'r mut Vec<ReceiverId>,
    /// The failure of the store, after which no receiver is called.
    pub(super) error: Option<StoreError>,
    /// `true` if a receiver was skipped that has not succeeded.
    pub(super) is_cut_short: bool,
    /// `true` if a receiver was called and failed.
    pub(super) is_attempt: bool,
    /// The longest delay that a failed receiver has returned.
    pub(super) retry_after: Duration,
    /// `true` if a receiver has failed, and not just because the call is sync.
    pub(super) backs_off: bool,
    /// The timeouts of pending receivers, by their indexes.
    pub(super) timeouts: Vec<(usize, Deadline<'e>)>,
    pub(super) spans: ReceiverSpans,
    /// The start times of the calls in progress, by the indexes of their receivers, if the program
    /// has observers.
    pub(super) calls: Vec<(usize, Instant)>,
}

impl ProgressObserver<'_, '_> {
    /// Returns the progress of a called receiver, which is added if it is new.
    fn progress_of(&mut self, id: ReceiverId) -> &mut ReceiverProgress {
        let receivers = &mut self.job.progress.receivers;
        let known = receivers.iter().position(|known| known.receiver == id);
        let index = known.unwrap_or(receivers.len());
        if index == receivers.len() {
            let state = ReceiverState::Failed;
            receivers.push(ReceiverProgress::new(id.into_owned(), state, 0));
            self.is_called.push(false);
        }
        self.is_called[index] = true;
        &mut receivers[index]
    }

    /// Adds the receivers that have succeeded to the progress.
    pub(super) fn collect_successes(&mut self) {
        for id in std::mem::take(self.succeeded) {
            let progress = self.progress_of(id);
            progress.state = ReceiverState::Succeeded;
            progress.error = None;
        }
    }

    /// Removes receivers that failed before and are no longer part of the program, so that they do
    /// not keep the event open.
    pub(super) fn forget_uncalled(&mut self) {
        if !self.is_cut_short {
            let mut is_called = self.is_called.iter();
            self.job.progress.receivers.retain(|receiver| {
                let is_called = is_called.next().is_none_or(|is_called| *is_called);
                is_called || receiver.state != ReceiverState::Failed
            });
        }
    }

    /// Cancels the timeout of a receiver that is done, as a receiver of another signal may have the
    /// same index.
    fn end_timeout(&mut self, at: usize) {
        self.timeouts.retain(|(known, _)| *known != at);
    }

    /// Returns the number of the attempt that a receiver makes, from 1 on.
    fn attempt(&self, id: &str) -> u32 {
        let mut receivers = self.job.progress.receivers.iter();
        let known = receivers.find(|known| known.receiver == id);
        let before = known.map_or(0, |known| known.attempts);
        before.saturating_add(1).max(self.attempts_before_crash)
    }

    /// Removes the start time of a receiver's call; `None` without observers.
    fn take_start(&mut self, at: usize) -> Option<Instant> {
        let index = self.calls.iter().position(|(known, _)| *known == at)?;
        Some(self.calls.swap_remove(index).1)
    }

    /// Reports a call to the observers of the program.
    fn report(
        &self,
        receiver: &ReceiverInfo,
        (attempt, started): (u32, Instant),
        failure: Option<&Failure>,
        gave_up: bool,
    ) {
        let delivery = Delivery {
            event: self.event,
            receiver,
            attempt,
            duration: started.elapsed(),
            failure,
            gave_up,
        };
        let observers = &self.checkpointer.call.core.settings.observers;
        observers.notify(|observer| observer.delivered(&delivery));
    }

    fn checkpoint_successes(&mut self) {
        self.collect_successes();
        self.checkpointer.update_progress(self.job);
    }
}

impl DeliveryObserver for ProgressObserver<'_, '_> {
    fn poll_checkpoint(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        if self.error.is_some() {
            return Poll::Ready(());
        }
        if self.checkpointer.begins_now() {
            if !self.succeeded.is_empty() {
                self.checkpoint_successes();
            }
            self.checkpointer.begin();
        }
        self.checkpointer
            .poll(cx)
            .map(|result| self.error = result.err())
    }

    fn should_call<I: ReceiverIds + ?Sized>(&mut self, ids: &I, at: usize) -> bool {
        let replay = &self.checkpointer.batch.replay;
        if replay
            .as_ref()
            .is_some_and(|replay| !replay.calls(&ids.receiver_id(at)))
        {
            return false;
        }
        let receivers = &self.job.progress.receivers;
        if !receivers.is_empty() {
            let id = ids.receiver_id(at);
            let known = receivers.iter().find(|known| known.receiver == id);
            if known.is_some_and(|known| known.state != ReceiverState::Failed) {
                return false;
            }
        }
        let is_over = self.error.is_some() || self.checkpointer.lease_lost(self.job);
        self.is_cut_short |= is_over;
        if !is_over && !self.checkpointer.call.core.settings.observers.is_empty() {
            self.calls.push((at, Instant::now()));
        }
        !is_over
    }

    fn scope<I: ReceiverIds + ?Sized, R>(
        &mut self,
        ids: &I,
        at: usize,
        run: impl FnOnce() -> R,
    ) -> R {
        self.spans.run(ids, at, run)
    }

    fn succeeded<I: ReceiverIds + ?Sized>(&mut self, ids: &I, at: usize, is_called: bool) {
        self.end_timeout(at);
        self.spans.end(at);
        let id = ids.receiver_id(at);
        if let Some(started) = self.take_start(at)
            && is_called
        {
            let receiver = ids.info(self.event.name(), at);
            self.report(&receiver, (self.attempt(&id), started), None, false);
        }
        self.succeeded.push(id);
        self.checkpointer.set_updated();
    }

    fn poll_timeout<I: ReceiverIds + ?Sized>(
        &mut self,
        ids: &I,
        at: usize,
        cx: &mut Context<'_>,
    ) -> Poll<()> {
        let Some(timeout) = ids.timeout(at) else {
            return Poll::Pending;
        };
        let known = self.timeouts.iter().position(|(known, _)| *known == at);
        let index = known.unwrap_or(self.timeouts.len());
        if known.is_none() {
            let timer = self.checkpointer.call.core.settings.timer.as_ref();
            self.timeouts.push((at, Deadline::new(timer)));
        }
        if self.timeouts[index].1.poll(|| timeout, cx) {
            Poll::Ready(())
        } else {
            Poll::Pending
        }
    }

    /// Writes the successes first, as pending receivers may take long or be dropped.
    fn all_pending(&mut self) {
        self.checkpointer.set_waiting(true);
        if !self.succeeded.is_empty() {
            self.checkpoint_successes();
            self.checkpointer.set_due();
        }
    }

    fn failed<I: ReceiverIds + ?Sized>(&mut self, ids: &I, at: usize, failure: &Failure) {
        self.end_timeout(at);
        self.spans.fail(at, failure);
        let cause = failure.cause();
        // A receiver that could not be called has made no attempt.
        let is_attempt = !matches!(cause, Cause::NeedsAsend | Cause::MissingContext(_));
        let max_attempts = ids.attempts(at).unwrap_or(self.max_attempts);
        let id = ids.receiver_id(at);
        let attempt = self.attempt(&id);
        let keeps_error = self.checkpointer.call.core.settings.keep_errors;
        let progress = self.progress_of(id);
        progress.state = ReceiverState::Failed;
        let mut retry_after = Duration::ZERO;
        progress.error = keeps_error.then(|| error_text(failure));
        if is_attempt {
            progress.attempts = attempt;
            let is_last = progress.attempts >= max_attempts;
            match cause.retry() {
                Some(RetryWhen::Never) => progress.state = ReceiverState::GaveUp,
                _ if is_last => progress.state = ReceiverState::GaveUp,
                Some(RetryWhen::After(delay)) => retry_after = delay,
                None => {}
            }
        }
        let gave_up = progress.state == ReceiverState::GaveUp;
        self.retry_after = self.retry_after.max(retry_after);
        self.is_attempt |= is_attempt;
        self.backs_off |= !matches!(cause, Cause::NeedsAsend);
        if let Some(started) = self.take_start(at) {
            self.report(
                failure.receiver(),
                (attempt, started),
                Some(failure),
                gave_up,
            );
        }
    }
}

/// Returns the text of a failure, cut to [`MAX_ERROR_LEN`].
fn error_text(failure: &Failure) -> Box<str> {
    let mut text = failure.cause_text();
    let mut ends = (0..=text.len().min(MAX_ERROR_LEN)).rev();
    let end = ends.find(|end| text.is_char_boundary(*end));
    text.truncate(end.unwrap_or(0));
    text.into()
}
