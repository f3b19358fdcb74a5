//! One run over the events of a webhook: deliver, and mark what is finished.

use std::time::{Duration, Instant};

use super::claim::{Batch, Claim, Held, Job, Mark};
use super::outcome::Outcome;
use super::wait::Wait;
use super::watcher::Watcher;
use super::{Settings, now_ms};
use crate::event::WebhookEvent;
use crate::signal::{Cause, Failure, ReceiverId};
use crate::store::{
    EventRecord, Lease, Mode, Progress, Store, StoreError, Transaction, WebhookRecord, transact,
};
use crate::trace;
use crate::webhook::EventFailure;

/// How long what receivers did may stay unmarked. After a crash those of this
/// span run once more; a slow receiver is marked as soon as it returns.
const MARK_EVERY: Duration = Duration::from_millis(10);

pub(super) struct Run<'a> {
    store: &'a dyn Store,
    settings: &'a Settings,
    wait: Wait,
    batch: &'a Batch,
    lease: Lease,
    pub(super) held: Vec<Held>,
    /// The receivers of the event at hand that have succeeded and are not
    /// marked, and those that have failed.
    pub(super) done: Vec<ReceiverId>,
    pub(super) failed: Vec<ReceiverId>,
    marked_at: Instant,
    outcome: Outcome,
}

impl<'a> Run<'a> {
    pub(super) fn new(
        store: &'a dyn Store,
        settings: &'a Settings,
        wait: Wait,
        batch: &'a Batch,
        lease: Lease,
        claim: Claim,
    ) -> (Self, Vec<Job>) {
        let run = Self {
            store,
            settings,
            wait,
            batch,
            lease,
            held: claim.held,
            done: Vec::new(),
            failed: Vec::new(),
            marked_at: Instant::now(),
            outcome: Outcome {
                duplicate: claim.duplicate,
                unfinished: claim.busy,
                ..Outcome::default()
            },
        };
        (run, claim.jobs)
    }

    /// Delivers all jobs. Whatever happens, what was not marked is done again
    /// by whoever comes next.
    pub(super) async fn deliver(mut self, jobs: Vec<Job>) -> Result<Outcome, StoreError> {
        for job in jobs {
            self.deliver_one(job).await?;
        }
        if !self.held.is_empty() {
            self.mark(Mode::Durable)?;
        }
        Ok(self.outcome)
    }

    async fn deliver_one(&mut self, mut job: Job) -> Result<(), StoreError> {
        let is_suspect = self.held[job.held].is_suspect;
        if is_suspect {
            if job.record.attempts >= self.settings.max_attempts {
                self.outcome.dead += 1;
                job.record.progress = Progress::Dead;
                self.push(&job);
                return Ok(());
            }
            job.record.attempts += 1;
            self.push(&job);
            self.mark(Mode::Write)?;
        }
        if self.held[job.held].is_lost {
            self.outcome.unfinished += 1;
            return Ok(());
        }
        self.done.clear();
        self.failed.clear();
        let (event, wait) = (&self.batch.events[job.event], self.wait);
        let mut watch = Watcher {
            run: self,
            job: &mut job,
            stopped: None,
            is_cut_short: false,
        };
        let report = match wait {
            Wait::Never => event.dispatch_watched(&mut watch),
            Wait::Async(_) => event.dispatch_async_watched(&mut watch).await,
        };
        let (is_cut_short, stopped) = (watch.is_cut_short, watch.stopped);
        // An attempt is one of a receiver that could be called.
        let is_attempt = |failure: &Failure| !matches!(failure.cause(), Cause::NeedsAsend);
        let is_attempt = report.failures().iter().any(is_attempt);
        // Those that had succeeded before are left out.
        let is_unheard = report.is_unheard() && job.record.done.is_empty();
        let failures = EventFailure::all(job.event, report);
        self.outcome.failures.extend(failures);
        if let Some(error) = stopped {
            return Err(error);
        }
        self.outcome.fired += 1;
        self.outcome.unheard += usize::from(is_unheard);
        if let WebhookEvent::Unrecognized(item) = event {
            trace::unrecognized(job.event, item);
            self.outcome.unrecognized += 1;
        }
        let is_lost = self.held[job.held].is_lost;
        if self.failed.is_empty() && !is_cut_short && !is_lost {
            job.record.progress = Progress::Finished;
        } else {
            job.record.done.extend(names(&mut self.done));
            job.record.failed = names(&mut self.failed).collect();
            job.record.attempts += u32::from(is_attempt && !is_suspect);
            let is_tried = is_attempt && !is_cut_short;
            if is_tried && job.record.attempts >= self.settings.max_attempts {
                job.record.progress = Progress::Dead;
                self.outcome.dead += 1;
            } else {
                self.outcome.unfinished += 1;
            }
        }
        self.push(&job);
        if self.is_due() {
            self.mark(Mode::Write)?;
        }
        Ok(())
    }

    pub(super) fn push(&mut self, job: &Job) {
        self.held[job.held].marks.push(Mark {
            event: job.event,
            record: job.record.clone(),
        });
    }

    pub(super) fn is_due(&self) -> bool {
        self.marked_at.elapsed() >= MARK_EVERY
    }

    /// Writes down what events came to. The last time it also gives back what
    /// is held, and is what makes all of it durable.
    pub(super) fn mark(&mut self, mode: Mode) -> Result<(), StoreError> {
        let is_last = mode == Mode::Durable;
        let lease = Lease::new(self.lease.holder, self.settings.lease_until(now_ms()));
        let work = |tx: &mut dyn Transaction| {
            let mut lost = Vec::new();
            for (at, held) in self.held.iter().enumerate() {
                let Some(mut webhook) = tx.webhook(held.id)? else {
                    lost.push(at);
                    continue;
                };
                let holder = webhook.lease.map(|lease| lease.holder);
                if holder != Some(self.lease.holder) {
                    lost.push(at);
                    self.leave_word(tx, held)?;
                    continue;
                }
                if is_last && is_all(&webhook, &held.marks) {
                    // Its events need no mark of their own.
                    webhook.open = 0;
                } else {
                    self.mark_events(tx, &mut webhook, held)?;
                }
                if is_last {
                    webhook.lease = None;
                    self.settings.put_or_close(tx, held.id, &webhook)?;
                } else {
                    // Also with nothing left it stays until the last mark,
                    // which is the one that makes all of them durable.
                    webhook.lease = Some(lease);
                    tx.put_webhook(held.id, &webhook)?;
                }
            }
            Ok(lost)
        };
        let lost = self.wait.block(|| transact(self.store, mode, work))?;
        for at in lost {
            self.held[at].is_lost = true;
            for mark in &self.held[at].marks {
                // Whatever it came to here, it is the holder who says so.
                let is_dead = mark.record.progress == Progress::Dead;
                self.outcome.dead -= usize::from(is_dead);
                self.outcome.unfinished += usize::from(mark.record.progress != Progress::Open);
            }
        }
        for held in &mut self.held {
            held.marks.clear();
        }
        self.marked_at = Instant::now();
        Ok(())
    }

    fn mark_events(
        &self,
        tx: &mut dyn Transaction,
        webhook: &mut WebhookRecord,
        held: &Held,
    ) -> Result<(), StoreError> {
        for mark in &held.marks {
            let key = &self.batch.keys[mark.event];
            let Some(stored) = tx.event(key)?.filter(|stored| is_open(stored, held)) else {
                continue;
            };
            let mut record = mark.record.clone();
            add_done(&mut record, stored.done);
            match record.progress {
                Progress::Open => {}
                Progress::Finished => {
                    webhook.open = webhook.open.saturating_sub(1);
                    record.done.clear();
                    record.failed.clear();
                }
                Progress::Dead => {
                    webhook.open = webhook.open.saturating_sub(1);
                    webhook.dead += 1;
                }
            }
            tx.put_event(key, &record)?;
        }
        Ok(())
    }

    /// What is left to somebody who has lost the lease: to say which receivers
    /// have succeeded. What it comes to is for whoever holds the webhook.
    #[cold]
    fn leave_word(&self, tx: &mut dyn Transaction, held: &Held) -> Result<(), StoreError> {
        for mark in &held.marks {
            let key = &self.batch.keys[mark.event];
            if let Some(mut stored) = tx.event(key)?.filter(|stored| is_open(stored, held)) {
                add_done(&mut stored, mark.record.done.clone());
                tx.put_event(key, &stored)?;
            }
        }
        Ok(())
    }
}

/// Whether an event is still to be done, and for this webhook.
fn is_open(event: &EventRecord, held: &Held) -> bool {
    event.progress == Progress::Open && event.webhook == held.id
}

fn add_done(event: &mut EventRecord, done: Vec<String>) {
    for receiver in done {
        if !event.done.contains(&receiver) {
            event.done.push(receiver);
        }
    }
}

/// Whether these marks finish all that is left of a webhook: only its holder
/// changes how much that is. Not so when it has dead events: one that is
/// requeued opens the webhook again, and then each event must tell for itself
/// that it is finished.
fn is_all(webhook: &WebhookRecord, marks: &[Mark]) -> bool {
    let mut progress = marks.iter().map(|mark| mark.record.progress);
    webhook.dead == 0
        && marks.len() == webhook.open as usize
        && progress.all(|progress| progress == Progress::Finished)
}

pub(super) fn names(ids: &mut Vec<ReceiverId>) -> impl Iterator<Item = String> {
    ids.drain(..).map(ReceiverId::into_owned)
}
