//! Checkpoints: the progress of events is written while their receivers run.

use std::collections::HashMap;
use std::future::{Future, poll_fn};
use std::mem;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::{Duration, Instant, SystemTime};

use parking_lot::Mutex;

use super::Call;
use super::batch::Batch;
use super::claim::{Claim, Held, Job, Waiting};
use super::draft::{Draft, Undecided};
use super::outcome::Outcome;
use super::timer::Alarm;
use super::transact::{First, transact};
use super::turns::{EndedTurn, HeldEvents, LONGEST_HOLD, Turns, as_stored, end_turns};
use crate::store::{
    Due, Durability, EventState, Fingerprint, ProgressRow, ReceiverState, Snapshot, StoreError,
    Versioned, WebhookId, WebhookRow,
};

/// The longest time between the success of a receiver and the next checkpoint of its webhook, while
/// the webhook has its turn. After a crash the receivers that succeeded in this time run again.
const CHECKPOINT_INTERVAL: Duration = Duration::from_millis(10);

/// The shortest time between two renewals of a lease.
const MIN_RENEWAL: Duration = Duration::from_millis(1);

/// The progress of an event that is to be written.
#[derive(Clone, Debug)]
pub(super) struct Mark {
    key: Fingerprint,
    progress: MarkedProgress,
}

#[derive(Clone, Debug)]
enum MarkedProgress {
    /// The event is finished.
    Finished,
    /// The event has come to this.
    Row(ProgressRow),
}

impl MarkedProgress {
    fn state(&self) -> EventState {
        match self {
            Self::Finished => EventState::Finished,
            Self::Row(row) => row.state,
        }
    }
}

/// The marks of a webhook that is leased.
#[derive(Clone, Debug)]
struct MarkedWebhook {
    id: WebhookId,
    /// The row as this engine wrote it last; `None` if it is not known.
    stored: Option<Versioned<WebhookRow>>,
    marks: Vec<Mark>,
    /// The open events that this call knows to be tried later.
    waiting: Waiting,
    /// The turns that are over.
    ended: Vec<EndedTurn>,
    /// The open events that were held back.
    held_back: HeldEvents,
    /// Whether another call has written the row since it was claimed.
    is_changed: bool,
}

/// The marks of a call that are not known to be written.
///
/// They are kept if they are dropped: when a commit has failed, and when the future of a call
/// was dropped. The next call of the engine writes them first.
#[derive(Debug)]
pub(super) struct Marks<'e> {
    kept: &'e KeptMarks,
    holder: i64,
    webhooks: Vec<MarkedWebhook>,
}

/// The marks that calls have left unconfirmed, by the holders of their leases.
#[derive(Debug, Default)]
pub(super) struct KeptMarks(Mutex<HashMap<i64, Vec<MarkedWebhook>>>);

impl KeptMarks {
    /// Adds marks of a holder behind those that are kept.
    fn add(&self, holder: i64, webhooks: Vec<MarkedWebhook>) {
        if webhooks.is_empty() {
            return;
        }
        let mut kept = self.0.lock();
        let kept = kept.entry(holder).or_default();
        for webhook in webhooks {
            match kept.iter_mut().find(|known| known.id == webhook.id) {
                None => kept.push(webhook),
                Some(known) => {
                    known.marks.extend(webhook.marks);
                    known.ended.extend(webhook.ended);
                    known.stored = None;
                }
            }
        }
    }

    fn take_one(&self) -> Option<(i64, Vec<MarkedWebhook>)> {
        let mut kept = self.0.lock();
        let holder = *kept.keys().next()?;
        kept.remove_entry(&holder)
    }
}

impl Drop for Marks<'_> {
    fn drop(&mut self) {
        if !self.webhooks.is_empty() {
            self.kept.add(self.holder, mem::take(&mut self.webhooks));
        }
    }
}

/// The result of a checkpoint for a webhook.
enum Written {
    /// The lease belongs to another holder, or the webhook is gone.
    Lost,
    /// The row as it is now; `None` if it was deleted.
    Stored(Option<Versioned<WebhookRow>>),
}

impl Call<'_> {
    /// Writes the marks that earlier calls could not write.
    ///
    /// # Errors
    ///
    /// When the store fails. The marks are kept.
    pub(super) async fn write_kept_marks(self) -> Result<(), StoreError> {
        while let Some((holder, mut webhooks)) = self.core.kept_marks.take_one() {
            if self.core.settings.in_order {
                // Their turns are to be looked up, as other calls have gone on since.
                for webhook in &mut webhooks {
                    webhook.stored = None;
                }
            }
            let mut marks = Marks {
                kept: &self.core.kept_marks,
                holder,
                webhooks,
            };
            self.write(&mut marks, true).await?;
        }
        Ok(())
    }

    /// Keeps leases that this call may have, so that the next call gives them back.
    pub(super) fn keep_leases(self, webhooks: Vec<WebhookId>) {
        let webhooks = webhooks.into_iter().map(|id| MarkedWebhook::new(id, None));
        self.core.kept_marks.add(self.holder, webhooks.collect());
    }

    /// Returns the outcome of a claim before its events are delivered.
    pub(super) fn outcome_of(self, claim: &Claim) -> Outcome {
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

    /// Gives leases back.
    pub(super) async fn give_back(self, held: &[Held]) -> Result<(), StoreError> {
        let mut marks = Marks {
            kept: &self.core.kept_marks,
            holder: self.holder,
            webhooks: held.iter().map(MarkedWebhook::of).collect(),
        };
        self.write(&mut marks, true).await.map(drop)
    }

    /// Writes marks, and renews the leases; the last time, it gives them back, and all that was
    /// written before is durable, too.
    async fn write(self, marks: &mut Marks<'_>, is_last: bool) -> Result<Vec<Written>, StoreError> {
        let durability = if is_last {
            Durability::Disk
        } else {
            Durability::Process
        };
        let mut known = Snapshot::default();
        for webhook in &marks.webhooks {
            if let Some(stored) = &webhook.stored {
                known.webhooks.insert(webhook.id, Some(stored.clone()));
            }
        }
        let mut releases = false;
        let decide = |draft: &mut Draft<'_, '_>| {
            let mut written = Vec::with_capacity(marks.webhooks.len());
            let webhooks = marks.webhooks.iter();
            let is_known = |w: &MarkedWebhook| {
                let may_be_released = is_last && w.held_back.count > 0 && w.is_changed;
                w.stored.is_some() && !may_be_released
            };
            let is_first = draft.is_optimistic() && webhooks.clone().all(is_known);
            if !is_first {
                for webhook in webhooks {
                    draft.want_webhook(webhook.id);
                    let marks = webhook.marks.iter();
                    marks.for_each(|mark| draft.want_event(mark.key));
                    if self.core.settings.in_order {
                        draft.want_turns(webhook.id);
                    }
                }
                draft.load_wanted()?;
            }
            let mut is_held = Vec::with_capacity(marks.webhooks.len());
            let mut ended = Vec::new();
            for webhook in &marks.webhooks {
                let is_webhook_held =
                    self.mark(draft, marks.holder, webhook, is_first, is_last, &mut ended)?;
                is_held.push(is_webhook_held);
            }
            releases |= end_turns(draft, marks.holder, ended)?;
            // A webhook is also written when a turn of another one ends.
            for (webhook, is_held) in marks.webhooks.iter().zip(is_held) {
                written.push(if is_held {
                    Written::Stored(draft.webhook_after(webhook.id)?)
                } else {
                    Written::Lost
                });
            }
            Ok(written)
        };
        let written = transact(self.access, known, First::New, durability, decide).await?;
        if releases && self.core.settings.is_tended {
            self.core.tending.add_work();
        }
        marks.webhooks.clear();
        Ok(written)
    }

    /// Decides about the marks of one webhook. In the first attempt its row is as this engine
    /// has written it, so that it has the lease, and its events are as it knows them. Adds its
    /// turns that are over, and returns whether the holder still has the webhook.
    fn mark(
        self,
        draft: &mut Draft<'_, '_>,
        holder: i64,
        webhook: &MarkedWebhook,
        is_first: bool,
        is_last: bool,
        ended: &mut Vec<EndedTurn>,
    ) -> Result<bool, Undecided> {
        let id = webhook.id;
        if is_last && is_given_back(draft, webhook)? {
            return Ok(true);
        }
        let Some(mut row) = draft.webhook(id)? else {
            return Ok(false);
        };
        if row.lease.is_none_or(|lease| lease.holder != holder) {
            record_successes(draft, webhook)?;
            return Ok(false);
        }
        if is_last && finishes_all(&row, &webhook.marks) {
            // Its events need no progress of their own.
            row.open = 0;
        } else {
            for mark in &webhook.marks {
                write_progress(draft, id, &mut row, mark, is_first)?;
            }
        }
        let mut is_released = false;
        if is_first {
            ended.extend(&webhook.ended);
        } else if self.core.settings.in_order {
            let turns = draft.turns(id)?;
            let is_over = row.open == 0 && row.unclaimed == 0;
            ended.extend(as_stored(&webhook.ended, turns, is_over));
            is_released = webhook.held_back.is_released(turns);
        }
        row.lease = (!is_last).then(|| self.core.settings.lease_of(holder));
        if is_last {
            let held_back = webhook.held_back.count;
            row.held_back = if is_released { 0 } else { held_back };
            row.due = if is_released {
                Due::Now
            } else {
                webhook.due(&row)
            };
        }
        if is_last && self.core.settings.is_deletable(&row) {
            draft.delete_webhook(id)?;
        } else {
            draft.put_webhook(id, row)?;
        }
        Ok(true)
    }
}

/// Returns whether an earlier attempt of unknown result has given the webhook back: it is gone, or
/// has the next version and no lease.
fn is_given_back(draft: &mut Draft<'_, '_>, webhook: &MarkedWebhook) -> Result<bool, Undecided> {
    let Some(before) = webhook.stored.as_ref().filter(|_| draft.is_uncertain()) else {
        return Ok(false);
    };
    let now = draft.webhook_after(webhook.id)?;
    Ok(now.is_none_or(|now| now.version == before.version + 1 && now.row.lease.is_none()))
}

/// Writes the progress of an event that is still open.
fn write_progress(
    draft: &mut Draft<'_, '_>,
    id: WebhookId,
    row: &mut WebhookRow,
    mark: &Mark,
    is_first: bool,
) -> Result<(), Undecided> {
    let stored = if is_first {
        None
    } else {
        let Some(stored) = open_progress(draft, id, mark.key)? else {
            return Ok(());
        };
        Some(stored)
    };
    match mark.progress.state() {
        EventState::Open => {}
        EventState::Finished => row.open = row.open.saturating_sub(1),
        EventState::Dead => {
            row.open = row.open.saturating_sub(1);
            row.dead += 1;
        }
    }
    let progress = match &mark.progress {
        MarkedProgress::Finished => ProgressRow {
            state: EventState::Finished,
            ..ProgressRow::new(id, String::new())
        },
        MarkedProgress::Row(progress) => {
            let mut progress = progress.clone();
            if let Some(stored) = stored {
                add_successes(&mut progress, &stored);
            }
            progress
        }
    };
    draft.put_progress(mark.key, progress);
    Ok(())
}

/// Returns the stored progress of an event, if the event is still open in this webhook.
fn open_progress(
    draft: &mut Draft<'_, '_>,
    id: WebhookId,
    key: Fingerprint,
) -> Result<Option<ProgressRow>, Undecided> {
    if draft.event(key)? != Some(id) {
        return Ok(None);
    }
    let progress = draft.progress(key)?;
    let progress = progress.unwrap_or_else(|| ProgressRow::new(id, String::new()));
    Ok(Some(progress).filter(|progress| progress.state == EventState::Open))
}

/// Writes which receivers have succeeded, after the lease was lost: the rest of the progress is
/// the new holder's.
#[cold]
fn record_successes(draft: &mut Draft<'_, '_>, webhook: &MarkedWebhook) -> Result<(), Undecided> {
    let row = draft.webhook(webhook.id)?;
    let Some(row) = row.filter(|row| row.open > 0) else {
        return Ok(());
    };
    let mut is_changed = false;
    for mark in &webhook.marks {
        let MarkedProgress::Row(marked) = &mark.progress else {
            continue;
        };
        if let Some(mut stored) = open_progress(draft, webhook.id, mark.key)?
            && add_successes(&mut stored, marked)
        {
            stored.key.clone_from(&marked.key);
            draft.put_progress(mark.key, stored);
            is_changed = true;
        }
    }
    if is_changed {
        draft.put_webhook(webhook.id, row)?;
    }
    Ok(())
}

/// Adds the receivers that have succeeded by another progress of the same event. Returns whether
/// there were any.
fn add_successes(progress: &mut ProgressRow, other: &ProgressRow) -> bool {
    let mut is_changed = false;
    for succeeded in &other.receivers {
        if succeeded.state != ReceiverState::Succeeded {
            continue;
        }
        let mut receivers = progress.receivers.iter_mut();
        match receivers.find(|known| known.receiver == succeeded.receiver) {
            Some(known) if known.state == ReceiverState::Succeeded => {}
            Some(known) => {
                known.state = ReceiverState::Succeeded;
                is_changed = true;
            }
            None => {
                progress.receivers.push(succeeded.clone());
                is_changed = true;
            }
        }
    }
    is_changed
}

/// Returns whether marks finish all that is open of a webhook, so that its row is enough. It is not
/// if the webhook has dead events: one that is requeued opens it again, and then each event needs a
/// progress of its own.
fn finishes_all(webhook: &WebhookRow, marks: &[Mark]) -> bool {
    webhook.dead == 0
        && webhook.unclaimed == 0
        && marks.len() == webhook.open as usize
        && (marks.iter()).all(|mark| mark.progress.state() == EventState::Finished)
}

impl MarkedWebhook {
    fn new(id: WebhookId, stored: Option<Versioned<WebhookRow>>) -> Self {
        Self {
            id,
            stored,
            marks: Vec::new(),
            waiting: Waiting::default(),
            ended: Vec::new(),
            held_back: HeldEvents::default(),
            is_changed: false,
        }
    }

    fn of(held: &Held) -> Self {
        Self::new(held.id, Some(held.stored.clone()))
    }

    /// Returns when the first open event is to be tried: at once if any is not known.
    fn due(&self, row: &WebhookRow) -> Due {
        match self.waiting.first {
            Some(first) if self.waiting.events == row.open && row.unclaimed == 0 => {
                Due::after(first.saturating_duration_since(Instant::now()))
            }
            _ => Due::Now,
        }
    }
}

/// The webhooks that a call has leased, with what is to be written of them.
pub(super) struct Checkpointer<'e> {
    pub(super) call: Call<'e>,
    pub(super) batch: &'e Batch,
    held: Vec<Held>,
    lost: Vec<bool>,
    /// Whether another call has written the row of a webhook since it was claimed.
    is_changed: Vec<bool>,
    /// The marks since the last checkpoint, by the places of their webhooks.
    marks: Vec<Vec<(usize, MarkedProgress)>>,
    /// The open events that are to be tried later, by the places of their webhooks.
    waiting: Vec<Waiting>,
    turns: Turns,
    written_at: Instant,
    /// A time before the leases were acquired or renewed last.
    leased_at: Instant,
    writing: Option<Writing<'e>>,
    /// While async receivers wait: the end of the time until the next renewal.
    alarm: Alarm<'e>,
    is_waiting: bool,
    /// Whether the next poll begins a checkpoint in any case.
    is_forced: bool,
    is_given_back: bool,
    /// The result so far.
    pub(super) outcome: Outcome,
}

/// A checkpoint in progress, with the marks that it writes.
struct Writing<'e> {
    future: Pin<Box<dyn Future<Output = Result<Vec<Written>, StoreError>> + Send + 'e>>,
    states: Vec<Vec<EventState>>,
}

impl<'e> Checkpointer<'e> {
    /// Returns the checkpointer of a claim that began at this time: a claim may take longer than
    /// a third of a lease.
    pub(super) fn new(
        call: Call<'e>,
        batch: &'e Batch,
        claim: Claim,
        leased_at: Instant,
    ) -> (Self, Vec<Job>) {
        let held = claim.held.len();
        let outcome = call.outcome_of(&claim);
        let waiting = claim.held.iter().map(|held| {
            let waiting = claim.waiting.get(&held.id);
            waiting.copied().unwrap_or_default()
        });
        let waiting = waiting.collect();
        if call.core.settings.is_tended {
            let tending = &call.core.tending;
            let runs = claim.held.iter();
            runs.for_each(|held| tending.add_run(held.id, call.holder, leased_at));
        }
        let checkpointer = Self {
            call,
            batch,
            held: claim.held,
            lost: vec![false; held],
            is_changed: vec![false; held],
            marks: vec![Vec::new(); held],
            waiting,
            turns: Turns::new(claim.turns),
            written_at: Instant::now(),
            leased_at,
            writing: None,
            alarm: Alarm::new(call.core.settings.timer.as_ref()),
            is_waiting: false,
            is_forced: false,
            is_given_back: false,
            outcome,
        };
        (checkpointer, claim.jobs)
    }

    /// Returns whether the webhook of an event was left by a holder that did not give it back.
    pub(super) fn is_after_crash(&self, job: &Job) -> bool {
        self.held[job.held].after_crash
    }

    /// Returns whether the webhook of an event belongs to another holder now.
    pub(super) fn is_lost(&self, job: &Job) -> bool {
        self.lost[job.held]
    }

    /// Returns whether an event before this one is open and holds it back, and notes that.
    pub(super) fn hold_back(&mut self, job: &Job) -> bool {
        let is_held_back = self.turns.hold_back(job);
        if is_held_back {
            self.waiting[job.held].add(Waiting::one(LONGEST_HOLD));
            self.outcome.unfinished += 1;
            self.outcome.held_back += 1;
        }
        is_held_back
    }

    /// Notes that an event holds back those behind it, or no more does.
    pub(super) fn update_turns(&mut self, job: &Job) {
        if job.progress.state == EventState::Open {
            self.turns.keep_open(job);
            return;
        }
        for held in self.turns.end_event(job) {
            // Events of it may have been held back by now.
            self.waiting[held].first = Some(Instant::now());
        }
    }

    /// Notes that an event is finished.
    pub(super) fn finish_event(&mut self, job: &Job) {
        self.push(job, MarkedProgress::Finished);
    }

    /// Notes the progress of an event.
    pub(super) fn mark(&mut self, job: &Job) {
        let mut row = job.progress.clone();
        row.webhook = self.held[job.held].id;
        row.key.clone_from(&self.batch.keys[job.event]);
        self.push(job, MarkedProgress::Row(row));
    }

    /// Notes that an event stays open, and is to be tried this long after now.
    pub(super) fn wait(&mut self, job: &Job, delay: Duration) {
        let waiting = Waiting::one(delay);
        self.waiting[job.held].add(waiting);
        self.outcome.add_due(waiting.first.and_then(time_of));
    }

    fn push(&mut self, job: &Job, progress: MarkedProgress) {
        let marks = &mut self.marks[job.held];
        match marks.last_mut() {
            Some((event, last)) if *event == job.event => *last = progress,
            _ => marks.push((job.event, progress)),
        }
    }

    /// Returns whether successes are to be written, or leases to be renewed.
    pub(super) fn is_due(&self) -> bool {
        let age = self.written_at.elapsed();
        let has_marks = || self.marks.iter().any(|marks| !marks.is_empty());
        self.is_forced
            || (age >= CHECKPOINT_INTERVAL && has_marks())
            || self.leased_at.elapsed() >= self.renewal()
    }

    /// Returns whether receivers that have succeeded since the last checkpoint are to be marked.
    pub(super) fn is_interval_over(&self) -> bool {
        self.is_forced || self.written_at.elapsed() >= CHECKPOINT_INTERVAL
    }

    /// The age at which a lease has less than two thirds left.
    fn renewal(&self) -> Duration {
        (self.call.core.settings.lease / 3).max(MIN_RENEWAL)
    }

    /// Has the next poll begin a checkpoint.
    pub(super) fn set_due(&mut self) {
        self.is_forced = true;
    }

    /// Notes whether all receivers that were started are pending.
    pub(super) fn set_waiting(&mut self, is_waiting: bool) {
        self.is_waiting = is_waiting;
    }

    /// Polls the checkpoint in progress, or begins one if it is due. While async receivers wait,
    /// the task is woken when the next one is due.
    pub(super) fn poll(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), StoreError>> {
        if self.held.is_empty() {
            return Poll::Ready(Ok(()));
        }
        if self.writing.is_none() && self.is_due() {
            self.begin(false);
        }
        ready!(self.poll_writing(cx))?;
        let (renewal, leased_at) = (self.renewal(), self.leased_at);
        let left = || renewal.saturating_sub(leased_at.elapsed());
        if self.is_waiting && self.alarm.poll(left, cx) {
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
    pub(super) async fn write(&mut self) -> Result<(), StoreError> {
        poll_fn(|cx| self.poll_writing(cx)).await?;
        self.begin(false);
        poll_fn(|cx| self.poll_writing(cx)).await
    }

    /// Writes the last checkpoint, which gives the leases back, and returns the outcome.
    pub(super) async fn finish(mut self) -> Result<Outcome, StoreError> {
        if !self.held.is_empty() {
            poll_fn(|cx| self.poll_writing(cx)).await?;
            self.begin(true);
            poll_fn(|cx| self.poll_writing(cx)).await?;
        }
        Ok(mem::take(&mut self.outcome))
    }

    /// Begins a checkpoint with the marks so far.
    fn begin(&mut self, is_last: bool) {
        let (mut marks, states) = self.take_marks();
        self.is_given_back = is_last;
        self.is_forced = false;
        let call = self.call;
        self.writing = Some(Writing {
            future: Box::pin(async move { call.write(&mut marks, is_last).await }),
            states,
        });
    }

    fn take_marks(&mut self) -> (Marks<'e>, Vec<Vec<EventState>>) {
        let mut states = Vec::with_capacity(self.held.len());
        let mut webhooks = Vec::with_capacity(self.held.len());
        let held = self.held.iter().zip(&self.waiting).enumerate();
        for ((at, (held, waiting)), marks) in held.zip(&mut self.marks) {
            let marks = mem::take(marks).into_iter();
            let marks = marks.map(|(event, progress)| Mark {
                key: self.batch.fingerprint(event),
                progress,
            });
            let marks: Vec<_> = marks.collect();
            states.push(marks.iter().map(|mark| mark.progress.state()).collect());
            webhooks.push(MarkedWebhook {
                marks,
                waiting: *waiting,
                ended: self.turns.take_ended(at),
                held_back: self.turns.held_back(at),
                is_changed: self.is_changed[at],
                ..MarkedWebhook::of(held)
            });
        }
        let marks = Marks {
            kept: &self.call.core.kept_marks,
            holder: self.call.holder,
            webhooks,
        };
        (marks, states)
    }

    fn add_written(&mut self, written: Vec<Written>, states: &[Vec<EventState>]) {
        self.written_at = Instant::now();
        self.leased_at = self.written_at;
        self.alarm.cancel();
        for (at, written) in written.into_iter().enumerate() {
            match written {
                Written::Stored(Some(stored)) => {
                    let before = &mut self.held[at].stored;
                    self.is_changed[at] |= stored.version > before.version + 1;
                    *before = stored;
                }
                Written::Stored(None) => {}
                Written::Lost => {
                    self.lost[at] = true;
                    // The outcome of these events is the new holder's.
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

/// Returns a time on the clock of this program.
fn time_of(time: Instant) -> Option<SystemTime> {
    SystemTime::now().checked_add(time.saturating_duration_since(Instant::now()))
}

/// Keeps the marks of a call that has failed or was dropped, and its leases, to be given back.
impl Drop for Checkpointer<'_> {
    fn drop(&mut self) {
        let call = self.call;
        if call.core.settings.is_tended {
            let runs = self.held.iter();
            runs.for_each(|held| call.core.tending.remove_run(held.id, call.holder));
            if self.waiting.iter().any(|waiting| waiting.events > 0) {
                call.core.tending.add_work();
            }
        }
        // The marks of a checkpoint in progress come first.
        self.writing = None;
        if !self.is_given_back {
            drop(self.take_marks());
        }
    }
}
