//! Checkpoints: the progress of events is written while their receivers run.

use std::future::{Future, poll_fn};
use std::mem;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::{Duration, Instant, SystemTime};

use super::turn_tracker::{LONGEST_HOLD, TurnTracker};
use super::updates::{EventProgress, EventUpdate, PendingUpdates, WebhookUpdate, Written};
use crate::engine::EngineCall;
use crate::engine::batch::Batch;
use crate::engine::claim::{Claim, Job, LeasedWebhook, Waiting};
use crate::engine::outcome::Outcome;
use crate::engine::runtime::Deadline;
use crate::store::{EventState, StoreError};

/// The longest time between the success of a receiver and the begin of a checkpoint of its webhook,
/// while the webhook is polled. After a crash the receivers that succeeded in this time run again.
const CHECKPOINT_INTERVAL: Duration = Duration::from_millis(10);

/// The shortest time between two renewals of a lease.
const MIN_RENEWAL: Duration = Duration::from_millis(1);

/// The writer of the progress of leased webhooks, with the updates since the last checkpoint.
pub(crate) struct Checkpointer<'e> {
    pub(crate) call: EngineCall<'e>,
    pub(crate) batch: &'e Batch,
    leased: Vec<LeasedWebhook>,
    lost_leases: Vec<bool>,
    /// `true` for each webhook whose row another call has written since the claim.
    is_changed: Vec<bool>,
    /// The updates since the last checkpoint, by the indexes of their webhooks.
    updates: Vec<Vec<(usize, EventProgress)>>,
    /// The open events that are due later, by the indexes of their webhooks.
    waiting: Vec<Waiting>,
    turns: TurnTracker,
    /// The end of the last checkpoint.
    written_at: Instant,
    /// The time of the first update or success that no checkpoint has. It is before `written_at` if
    /// a checkpoint was in progress.
    updated_at: Option<Instant>,
    /// A time before the leases were last acquired or renewed.
    leased_at: Instant,
    writing: Option<Writing<'e>>,
    /// The time of the next renewal, while all async receivers are pending.
    renewal_deadline: Deadline<'e>,
    is_waiting: bool,
    /// `true` if the next poll begins a checkpoint in any case.
    is_forced: bool,
    is_returned: bool,
    /// The result so far.
    pub(crate) outcome: Outcome,
}

/// A checkpoint in progress, with the updates that it writes.
struct Writing<'e> {
    future: Pin<Box<dyn Future<Output = Result<Vec<Written>, StoreError>> + Send + 'e>>,
    states: Vec<Vec<EventState>>,
}

impl<'e> Checkpointer<'e> {
    /// Returns the checkpointer and the jobs of a claim that began at `leased_at`: a claim may take
    /// longer than a third of a lease.
    pub(crate) fn new(
        call: EngineCall<'e>,
        batch: &'e Batch,
        claim: Claim,
        leased_at: Instant,
    ) -> (Self, Vec<Job>) {
        let leased = claim.leased.len();
        let outcome = call.outcome_of(&claim);
        let waiting = claim.leased.iter().map(|leased| {
            let waiting = claim.waiting.get(&leased.id);
            waiting.copied().unwrap_or_default()
        });
        let waiting = waiting.collect();
        if call.core.settings.is_tended {
            let tending = &call.core.tending;
            for webhook in &claim.leased {
                tending.add_lease(webhook.id, call.holder, leased_at);
            }
        }
        let checkpointer = Self {
            call,
            batch,
            leased: claim.leased,
            lost_leases: vec![false; leased],
            is_changed: vec![false; leased],
            updates: vec![Vec::new(); leased],
            waiting,
            turns: TurnTracker::new(claim.turns),
            written_at: Instant::now(),
            updated_at: None,
            leased_at,
            writing: None,
            renewal_deadline: Deadline::new(call.core.settings.timer.as_ref()),
            is_waiting: false,
            is_forced: false,
            is_returned: false,
            outcome,
        };
        (checkpointer, claim.jobs)
    }

    /// Returns whether the last holder of an event's webhook crashed with the lease.
    pub(crate) fn is_after_crash(&self, job: &Job) -> bool {
        self.leased[job.leased].after_crash
    }

    /// Returns whether the lease of an event's webhook was lost to another holder.
    pub(crate) fn lease_lost(&self, job: &Job) -> bool {
        self.lost_leases[job.leased]
    }

    /// Returns whether an earlier open event holds this one back, which is then recorded as held
    /// back.
    pub(crate) fn hold_back(&mut self, job: &Job) -> bool {
        let is_held_back = self.turns.hold_back(job);
        if is_held_back {
            self.waiting[job.leased].add(Waiting::event_after(LONGEST_HOLD));
            self.outcome.unfinished += 1;
            self.outcome.held_back += 1;
        }
        is_held_back
    }

    /// Updates the turns of an event after its delivery: it holds back the later ones, or releases
    /// them.
    pub(crate) fn update_turns(&mut self, job: &Job) {
        if job.progress.state == EventState::Open {
            self.turns.keep_open(job);
            return;
        }
        for leased in self.turns.end_event(job) {
            // Its events may have been held back before.
            self.waiting[leased].first = Some(Instant::now());
        }
    }

    /// Records that an event is finished.
    pub(crate) fn finish_event(&mut self, job: &Job) {
        self.push(job, EventProgress::Finished);
    }

    /// Records the progress of an event.
    pub(crate) fn update_progress(&mut self, job: &Job) {
        let mut row = job.progress.clone();
        row.webhook = self.leased[job.leased].id;
        row.key.clone_from(&self.batch.keys[job.event]);
        self.push(job, EventProgress::Row(row));
    }

    /// Records that an event stays open, and is due after this delay.
    pub(crate) fn postpone(&mut self, job: &Job, delay: Duration) {
        let waiting = Waiting::event_after(delay);
        self.waiting[job.leased].add(waiting);
        self.outcome.add_due(waiting.first.and_then(time_of));
    }

    /// Records the time of an update, or of a success that the next checkpoint will have.
    pub(crate) fn set_updated(&mut self) {
        self.updated_at.get_or_insert_with(Instant::now);
    }

    fn push(&mut self, job: &Job, progress: EventProgress) {
        self.set_updated();
        let updates = &mut self.updates[job.leased];
        match updates.last_mut() {
            Some((event, last)) if *event == job.event => *last = progress,
            _ => updates.push((job.event, progress)),
        }
    }

    /// Returns whether a checkpoint is due: for successes, or for the renewal of leases.
    pub(crate) fn is_due(&self) -> bool {
        let since = self.updated_at.map(|at| at.min(self.written_at));
        self.is_forced
            || since.is_some_and(|since| since.elapsed() >= CHECKPOINT_INTERVAL)
            || self.leased_at.elapsed() >= self.renewal()
    }

    /// Returns whether the next checkpoint begins now. The caller adds all successes before it
    /// [begins](Self::begin) one.
    pub(crate) fn begins_now(&self) -> bool {
        self.writing.is_none() && !self.leased.is_empty() && self.is_due()
    }

    /// Returns the age at which a lease is renewed: less than two thirds of it are left then.
    fn renewal(&self) -> Duration {
        (self.call.core.settings.lease / 3).max(MIN_RENEWAL)
    }

    /// Makes a checkpoint due at the next poll.
    pub(crate) fn set_due(&mut self) {
        self.is_forced = true;
    }

    /// Sets whether all started receivers are pending.
    pub(crate) fn set_waiting(&mut self, is_waiting: bool) {
        self.is_waiting = is_waiting;
    }

    /// Polls the checkpoint in progress. While async receivers are pending, the task is woken when
    /// the next renewal is due.
    pub(crate) fn poll(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), StoreError>> {
        if self.leased.is_empty() {
            return Poll::Ready(Ok(()));
        }
        ready!(self.poll_writing(cx))?;
        let (renewal, leased_at) = (self.renewal(), self.leased_at);
        let left = || renewal.saturating_sub(leased_at.elapsed());
        if self.is_waiting && self.renewal_deadline.poll(left, cx) {
            cx.waker().wake_by_ref();
        }
        Poll::Ready(Ok(()))
    }

    /// Polls the checkpoint in progress.
    fn poll_writing(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), StoreError>> {
        if let Some(writing) = &mut self.writing {
            let written = ready!(writing.future.as_mut().poll(cx));
            let states = mem::take(&mut writing.states);
            self.writing = None;
            self.add_written(written?, &states);
        }
        Poll::Ready(Ok(()))
    }

    /// Writes a checkpoint now.
    pub(crate) async fn write(&mut self) -> Result<(), StoreError> {
        poll_fn(|cx| self.poll_writing(cx)).await?;
        self.begin();
        poll_fn(|cx| self.poll_writing(cx)).await
    }

    /// Writes the last checkpoint, which returns the leases. Returns the outcome.
    pub(crate) async fn finish(mut self) -> Result<Outcome, StoreError> {
        if !self.leased.is_empty() {
            poll_fn(|cx| self.poll_writing(cx)).await?;
            self.begin_with(true);
            poll_fn(|cx| self.poll_writing(cx)).await?;
        }
        Ok(mem::take(&mut self.outcome))
    }

    /// Begins a checkpoint with the updates so far.
    pub(crate) fn begin(&mut self) {
        self.begin_with(false);
    }

    /// Begins a checkpoint, the last one of which returns the leases.
    fn begin_with(&mut self, is_last: bool) {
        let (mut updates, states) = self.take_updates();
        self.updated_at = None;
        self.is_returned = is_last;
        self.is_forced = false;
        let call = self.call;
        self.writing = Some(Writing {
            future: Box::pin(async move { call.write(&mut updates, is_last).await }),
            states,
        });
    }

    fn take_updates(&mut self) -> (PendingUpdates<'e>, Vec<Vec<EventState>>) {
        let mut states = Vec::with_capacity(self.leased.len());
        let mut webhooks = Vec::with_capacity(self.leased.len());
        let leased = self.leased.iter().zip(&self.waiting).enumerate();
        for ((at, (leased, waiting)), updates) in leased.zip(&mut self.updates) {
            let updates = mem::take(updates).into_iter();
            let updates = updates.map(|(event, progress)| EventUpdate {
                key: self.batch.fingerprint(event),
                progress,
            });
            let updates: Vec<_> = updates.collect();
            states.push(
                updates
                    .iter()
                    .map(|update| update.progress.state())
                    .collect(),
            );
            webhooks.push(WebhookUpdate {
                events: updates,
                waiting: *waiting,
                ended: self.turns.take_ended(at),
                held_back: self.turns.held_back(at),
                is_changed: self.is_changed[at],
                ..WebhookUpdate::of(leased)
            });
        }
        let updates = PendingUpdates {
            kept: &self.call.core.kept_updates,
            holder: self.call.holder,
            webhooks,
        };
        (updates, states)
    }

    fn add_written(&mut self, written: Vec<Written>, states: &[Vec<EventState>]) {
        self.written_at = Instant::now();
        self.leased_at = self.written_at;
        self.renewal_deadline.cancel();
        for (at, written) in written.into_iter().enumerate() {
            match written {
                Written::Current(Some(stored)) => {
                    let before = &mut self.leased[at].stored;
                    self.is_changed[at] |= stored.version > before.version + 1;
                    *before = stored;
                }
                Written::Current(None) => {}
                Written::Lost => {
                    self.lost_leases[at] = true;
                    // The new holder reports the outcome of these events.
                    for state in &states[at] {
                        let is_dead = *state == EventState::Dead;
                        self.outcome.dead_lettered -= usize::from(is_dead);
                        self.outcome.unfinished += usize::from(*state != EventState::Open);
                    }
                }
            }
        }
    }
}

/// Converts a time to one of the system clock.
fn time_of(time: Instant) -> Option<SystemTime> {
    SystemTime::now().checked_add(time.saturating_duration_since(Instant::now()))
}

/// Keeps the updates and leases of a call that has failed or was dropped, so that the next call
/// writes and returns them.
impl Drop for Checkpointer<'_> {
    fn drop(&mut self) {
        let call = self.call;
        if call.core.settings.is_tended {
            for webhook in &self.leased {
                call.core.tending.remove_lease(webhook.id, call.holder);
            }
            if self.waiting.iter().any(|waiting| waiting.events > 0) {
                call.core.tending.add_work();
            }
        }
        // The updates of a checkpoint in progress come first.
        self.writing = None;
        if !self.is_returned {
            drop(self.take_updates());
        }
    }
}

impl EngineCall<'_> {
    /// Returns the outcome of a claim before its events are delivered.
    pub(crate) fn outcome_of(self, claim: &Claim) -> Outcome {
        let mut waiting = Waiting::default();
        claim.waiting.values().for_each(|other| waiting.add(*other));
        Outcome {
            duplicates: claim.duplicates,
            unfinished: claim.busy + waiting.events as usize,
            due: waiting.first.and_then(time_of),
            is_tended: self.core.settings.is_tended,
            ..Outcome::default()
        }
    }
}
