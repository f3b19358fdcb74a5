//! One run over the events of a webhook: deliver, and mark what is finished.

use super::claim::Job;
use super::marks::Marks;
use super::outcome::Outcome;
use super::wait::Wait;
use super::watcher::{Watcher, names};
use crate::event::WebhookEvent;
use crate::signal::{Cause, Failure, ReceiverId, ReceiverMode};
use crate::store::{Mode, Progress, StoreError};
use crate::trace;
use crate::webhook::EventFailure;

pub(super) struct Run<'a> {
    marks: Marks<'a>,
    /// The receivers of the event at hand that have succeeded and are not
    /// marked, and those that have failed.
    done: Vec<ReceiverId>,
    failed: Vec<ReceiverId>,
}

impl<'a> Run<'a> {
    pub(super) fn new(marks: Marks<'a>) -> Self {
        Self {
            marks,
            done: Vec::new(),
            failed: Vec::new(),
        }
    }

    /// Delivers all jobs. Whatever happens, what was not marked is done again
    /// by whoever comes next.
    pub(super) async fn deliver(mut self, jobs: Vec<Job>) -> Result<Outcome, StoreError> {
        for job in jobs {
            self.deliver_one(job).await?;
        }
        self.marks.finish()
    }

    async fn deliver_one(&mut self, mut job: Job) -> Result<(), StoreError> {
        let is_suspect = self.marks.held(&job).is_suspect;
        if is_suspect {
            if job.record.attempts >= self.marks.settings.max_attempts {
                self.marks.outcome.dead += 1;
                job.record.progress = Progress::Dead;
                self.marks.push(&job);
                return Ok(());
            }
            job.record.attempts += 1;
            self.marks.push(&job);
            self.marks.write(Mode::Write)?;
        }
        if self.marks.held(&job).is_lost {
            self.marks.outcome.unfinished += 1;
            return Ok(());
        }
        self.done.clear();
        self.failed.clear();
        let (event, wait) = (&self.marks.batch.events[job.event], self.marks.wait);
        let context = &self.marks.settings.context;
        let mut watch = Watcher {
            marks: &mut self.marks,
            done: &mut self.done,
            failed: &mut self.failed,
            job: &mut job,
            stopped: None,
            is_cut_short: false,
        };
        let mode = match wait {
            Wait::Never => ReceiverMode::Sync,
            Wait::Async(_) => ReceiverMode::Async,
        };
        let event_in_context = event.with(context);
        let report = event_in_context.deliver_observed(mode, &mut watch).await;
        let (is_cut_short, stopped) = (watch.is_cut_short, watch.stopped);
        // An attempt is one of a receiver that could be called.
        let is_attempt = |failure: &Failure| {
            let cause = failure.cause();
            !matches!(cause, Cause::NeedsAsend | Cause::MissingContext(_))
        };
        let is_attempt = report.failures().iter().any(is_attempt);
        let is_unheard = report.is_unheard();
        let failures = EventFailure::all(job.event, report);
        self.marks.outcome.failures.extend(failures);
        if let Some(error) = stopped {
            return Err(error);
        }
        self.marks.outcome.fired += 1;
        self.marks.outcome.unheard += usize::from(is_unheard);
        if let WebhookEvent::Unrecognized(item) = event {
            trace::unrecognized(job.event, item);
            self.marks.outcome.unrecognized += 1;
        }
        let is_lost = self.marks.held(&job).is_lost;
        if self.failed.is_empty() && !is_cut_short && !is_lost {
            job.record.progress = Progress::Finished;
        } else {
            job.record.done.extend(names(&mut self.done));
            job.record.failed = names(&mut self.failed).collect();
            job.record.attempts += u32::from(is_attempt && !is_suspect);
            let is_tried = is_attempt && !is_cut_short;
            if is_tried && job.record.attempts >= self.marks.settings.max_attempts {
                job.record.progress = Progress::Dead;
                self.marks.outcome.dead += 1;
            } else {
                self.marks.outcome.unfinished += 1;
            }
        }
        self.marks.push(&job);
        if self.marks.is_due() {
            self.marks.write(Mode::Write)?;
        }
        Ok(())
    }
}
