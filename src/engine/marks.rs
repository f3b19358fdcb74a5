//! What events came to, written down as it happens.

use std::time::{Duration, Instant};

use super::claim::{Batch, Claim, Held, Job, Mark};
use super::outcome::Outcome;
use super::wait::Wait;
use super::{Settings, now_ms};
use crate::store::{
    EventRecord, Lease, Mode, Progress, Store, StoreError, Transaction, WebhookRecord, transact,
};

/// How long what receivers did may stay unmarked. After a crash those of this
/// span run once more; a slow receiver is marked as soon as it returns.
const MARK_EVERY: Duration = Duration::from_millis(10);

/// What is held, and what is yet to be written down of it.
pub(super) struct Marks<'a> {
    store: &'a dyn Store,
    pub(super) settings: &'a Settings,
    pub(super) wait: Wait,
    pub(super) batch: &'a Batch,
    lease: Lease,
    held: Vec<Held>,
    written_at: Instant,
    /// What came of it so far. What was lost is taken back.
    pub(super) outcome: Outcome,
}

impl<'a> Marks<'a> {
    /// Of what was claimed, with what is to be done.
    pub(super) fn new(
        store: &'a dyn Store,
        settings: &'a Settings,
        wait: Wait,
        batch: &'a Batch,
        lease: Lease,
        claim: Claim,
    ) -> (Self, Vec<Job>) {
        let marks = Self {
            store,
            settings,
            wait,
            batch,
            lease,
            held: claim.held,
            written_at: Instant::now(),
            outcome: Outcome {
                duplicate: claim.duplicate,
                unfinished: claim.busy,
                ..Outcome::default()
            },
        };
        (marks, claim.jobs)
    }

    /// The webhook of an event.
    pub(super) fn held(&self, job: &Job) -> &Held {
        &self.held[job.held]
    }

    /// The last time: what is held is given back.
    pub(super) fn finish(mut self) -> Result<Outcome, StoreError> {
        if !self.held.is_empty() {
            self.write(Mode::Durable)?;
        }
        Ok(self.outcome)
    }

    pub(super) fn push(&mut self, job: &Job) {
        self.held[job.held].marks.push(Mark {
            event: job.event,
            record: job.record.clone(),
        });
    }

    pub(super) fn is_due(&self) -> bool {
        self.written_at.elapsed() >= MARK_EVERY
    }

    /// Writes down what events came to. The last time it also gives back what
    /// is held, and is what makes all of it durable.
    pub(super) fn write(&mut self, mode: Mode) -> Result<(), StoreError> {
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
        self.written_at = Instant::now();
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
