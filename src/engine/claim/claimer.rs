//! The decision about one part of a claim: its new events are stored, its open events are leased.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::time::Duration;

use smallvec::SmallVec;

use super::turns::{NewTurns, add_turns, partitions_of};
use super::{Claim, Job, LeasedWebhook, Waiting};
use crate::engine::EngineCall;
use crate::engine::batch::{Batch, NewBody};
use crate::engine::contacts::RequestedUsers;
use crate::engine::recorder::{Recorder, StoredContext, has_records, request_records};
use crate::engine::tenants::TenantResolver;
use crate::engine::transaction::{Draft, Undecided};
use crate::model::Timestamp;
use crate::store::{
    EventChange, EventState, NumberKey, ProgressRow, Tenant, Versioned, WebhookId, WebhookKind,
    WebhookRow,
};

/// The state of the lease of an event's webhook.
#[derive(Clone, Copy)]
enum LeaseState {
    /// No event of the webhook is open.
    Settled,
    /// Another engine has the lease.
    Taken,
    /// This claim has the lease, with the webhook at this index.
    Acquired(usize),
}

/// The classification of an event of the body, by its rows in the store.
enum Classification {
    New,
    /// The event was finished or dead in this webhook, and has happened again.
    Repeated(WebhookId),
    Duplicate,
    /// A duplicate whose webhook was deleted.
    WebhookDeleted,
    Busy,
    /// The event is open and not due.
    Waiting(WebhookId, Waiting),
    Open(usize, Option<ProgressRow>),
}

/// One part of a claim, added to the claim after its commit.
#[derive(Default)]
pub(crate) struct Part {
    pub(crate) claim: Claim,
    /// The versions and rows of all leased webhooks after the part.
    pub(crate) leased: BTreeMap<WebhookId, Versioned<WebhookRow>>,
    pub(crate) tenants: Vec<(NumberKey, Tenant)>,
    /// The events of a stored body that have no row.
    pub(crate) missing: Vec<usize>,
    /// `true` if another holder has the webhook by now.
    pub(crate) lease_lost: bool,
    /// The events that the body must be stored without.
    pub(crate) gone: Vec<usize>,
    /// `true` if the part was not committed, as the body must be stored without some events.
    pub(crate) is_abandoned: bool,
}

/// The decision about one part.
pub(crate) struct Claimer<'e> {
    call: EngineCall<'e>,
    batch: &'e Batch,
    /// The earlier parts.
    before: &'e Claim,
    now: Timestamp,
    resolver: TenantResolver<'e>,
    recorder: Recorder,
    pub(crate) happens_again: Option<bool>,
    /// For a replay: the unfinished webhooks of the same replay, whose events do not happen again.
    pub(crate) unfinished: &'e [WebhookId],
    /// `true` if events are claimed before they are due.
    pub(crate) is_early: bool,
    /// The events that the body is stored without.
    pub(crate) left_out: &'e [usize],
    /// `true` if `new` has the body without these events.
    pub(crate) is_filtered: bool,
    part: Part,
    /// The turns of new events.
    new_turns: NewTurns,
    seen: HashMap<WebhookId, LeaseState>,
}

impl<'e> Claimer<'e> {
    pub(crate) fn new(call: EngineCall<'e>, batch: &'e Batch, before: &'e Claim) -> Self {
        let now = Timestamp::now();
        let leased = before.leased.iter().enumerate();
        Self {
            call,
            batch,
            before,
            now,
            resolver: call.core.tenant_resolver(),
            recorder: Recorder::new(now, call.core.settings.keep_raw_payloads),
            happens_again: None,
            unfinished: &[],
            is_early: false,
            left_out: &[],
            is_filtered: false,
            part: Part::default(),
            new_turns: NewTurns::new(),
            seen: leased
                .map(|(at, leased)| (leased.id, LeaseState::Acquired(at)))
                .collect(),
        }
    }

    /// Claims a part of a new body, after which `left` events follow.
    pub(crate) fn claim_new(
        mut self,
        draft: &mut Draft<'e, '_>,
        new: NewBody<'e>,
        part: &[usize],
        left: usize,
    ) -> Result<Part, Undecided> {
        self.request(draft, part)?;
        // The webhook is stored already after an earlier part, or after a commit of unknown result.
        let mut stored = if draft.is_optimistic() && self.before.leased_index(new.id).is_none() {
            None
        } else {
            draft.webhook(new.id)?
        };
        let lease = stored.as_ref().and_then(|row| row.lease);
        let lease_lost = match lease {
            Some(lease) => lease.holder != self.call.holder,
            None => stored.is_some() && self.before.leased_index(new.id).is_some(),
        };
        if lease_lost {
            // The claim took longer than its lease. The new holder claims the other parts.
            self.part.lease_lost = true;
            return self.finish(draft);
        }
        if self.call.accepts && stored.is_some() && lease.is_none() && draft.is_uncertain() {
            // The attempt before has stored the whole body, and another call may have delivered
            // events.
            self.part.claim.busy += part.len();
            return self.finish(draft);
        }
        draft.reserve(part.len());
        let earlier = stored.as_ref().map_or(0, |_| self.before.job_count(new.id));
        let jobs = self.part.claim.jobs.len();
        let mut gone = Vec::new();
        for &at in part {
            match self.classify(draft, at, new.id)? {
                Classification::Duplicate => self.part.claim.duplicates += 1,
                Classification::WebhookDeleted => {
                    self.part.claim.duplicates += 1;
                    gone.push(at);
                }
                Classification::Busy => self.part.claim.busy += 1,
                Classification::Waiting(id, waiting) => self.add_waiting(id, waiting),
                Classification::New => self.add_event(draft, at, None, new.id)?,
                Classification::Repeated(before) => {
                    self.add_event(draft, at, Some(before), new.id)?;
                }
                Classification::Open(leased, progress) => {
                    self.add_open(draft, at, leased, progress, new.id)?;
                }
            }
        }
        let own = self.part.claim.jobs[jobs..].iter();
        let index = self.leased_index(new.id);
        let own = own.filter(|job| Some(job.leased) == index).count();
        // Events without a webhook may have been erased, and must not be stored again. So a body
        // with such events is not logged, and if it has to be stored, it is stored without them.
        let has_gone = !gone.is_empty() || !self.left_out.is_empty();
        let is_logged = self.call.core.settings.is_logged(new.kind) && !has_gone;
        gone.retain(|at| !self.left_out.contains(at));
        self.part.gone = gone;
        if own == 0 && stored.is_none() && !is_logged {
            return self.finish(draft);
        }
        if stored.is_none() && has_gone && (!self.is_filtered || !self.part.gone.is_empty()) {
            draft.abandon();
            self.part.is_abandoned = true;
            return self.finish(draft);
        }
        let is_stored = stored.is_some();
        let held_back = self.add_turns(draft, new.id)?;
        let row = stored.get_or_insert_with(|| WebhookRow::new(new.kind, self.now, 0));
        row.open = count(earlier + own);
        row.unclaimed = if index.is_some() { count(left) } else { 0 };
        row.held_back += held_back;
        let lease = self.call.core.settings.lease_of(self.call.holder);
        // An accepted webhook has no lease once all parts are stored.
        row.lease = index
            .filter(|_| !self.call.accepts || left > 0)
            .map(|_| lease);
        if is_stored && !self.part.gone.is_empty() {
            row.kind = WebhookKind::QueuedEvent;
            let left_out = [self.left_out, &self.part.gone].concat();
            let rest = self.batch.without(&left_out)?;
            draft.replace_webhook(new.id, row.clone(), rest)?;
        } else if is_stored {
            draft.put_webhook(new.id, row.clone())?;
        } else {
            draft.add_webhook(new.id, row.clone(), new.body);
        }
        self.finish(draft)
    }

    /// Claims the open events of a stored body, and collects the events without a row.
    pub(crate) fn claim_open(
        mut self,
        draft: &mut Draft<'e, '_>,
        id: WebhookId,
        part: &[usize],
    ) -> Result<Part, Undecided> {
        for &at in part {
            draft.request_event(self.batch.fingerprint(at));
        }
        draft.load_requested()?;
        if !self.has_lease(draft, id)? {
            return self.finish(draft);
        }
        let index = self.ensure_leased(id);
        let mut open = Vec::new();
        for &at in part {
            match draft.event(self.batch.fingerprint(at))? {
                None => self.part.missing.push(at),
                Some(webhook) if webhook != id => {}
                Some(_) => {
                    let progress = draft.progress(self.batch.fingerprint(at))?;
                    let state = progress.as_ref().map(|progress| progress.state);
                    if state.is_some_and(|state| state != EventState::Open) {
                        continue;
                    }
                    match self.waiting(draft, progress.as_ref()) {
                        Some(waiting) => {
                            self.add_waiting(id, waiting);
                            let key = self.batch.fingerprint(at);
                            self.part.claim.deferred.push(key);
                        }
                        None => open.push((at, progress)),
                    }
                }
            }
        }
        let events: Vec<_> = open.iter().map(|(at, _)| *at).collect();
        self.request(draft, &events)?;
        for (at, progress) in open {
            let stored = self.load(draft, at)?;
            self.add_job(at, index, progress, id, stored, false);
        }
        self.finish(draft)
    }

    /// Adds the events of a stored body that have no row, after which `left` events follow.
    pub(crate) fn claim_missing(
        mut self,
        draft: &mut Draft<'e, '_>,
        id: WebhookId,
        part: &[usize],
        left: usize,
    ) -> Result<Part, Undecided> {
        self.request(draft, part)?;
        if !self.has_lease(draft, id)? {
            return self.finish(draft);
        }
        for &at in part {
            if draft.event(self.batch.fingerprint(at))?.is_none() {
                self.add_event(draft, at, None, id)?;
            }
        }
        self.add_turns(draft, id)?;
        if let Some(mut row) = draft.webhook(id)? {
            let jobs = self.before.jobs.len() + self.part.claim.jobs.len();
            let waiting = self.before.waiting.get(&id);
            row.open = count(jobs) + waiting.map_or(0, |waiting| waiting.events);
            row.unclaimed = count(left);
            row.lease = Some(self.call.core.settings.lease_of(self.call.holder));
            draft.put_webhook(id, row)?;
        }
        self.finish(draft)
    }

    /// Loads the rows that the records of events depend on, unless an earlier attempt has.
    fn request(&mut self, draft: &mut Draft<'e, '_>, events: &[usize]) -> Result<(), Undecided> {
        if draft.loaded_ids() > 0 {
            return Ok(());
        }
        let batch = self.batch;
        let mut users = RequestedUsers::new();
        for &at in events {
            let event = &batch.events[at];
            if has_records(event) {
                let account = self.resolver.resolve(draft, event.account())?;
                request_records(draft, &mut users, event, &account);
            }
        }
        draft.load_requested()
    }

    fn classify(
        &mut self,
        draft: &mut Draft<'e, '_>,
        at: usize,
        body_id: WebhookId,
    ) -> Result<Classification, Undecided> {
        let key = self.batch.fingerprint(at);
        let Some(webhook) = draft.event(key)? else {
            return Ok(Classification::New);
        };
        let progress = draft.progress(key)?;
        let state = progress.as_ref().map(|progress| progress.state);
        if state == Some(EventState::Open)
            && let Some(waiting) = self.waiting(draft, progress.as_ref())
        {
            return Ok(Classification::Waiting(webhook, waiting));
        }
        let lease = match state {
            Some(EventState::Dead) => LeaseState::Settled,
            Some(EventState::Finished) => self.lease(draft, webhook, false)?,
            Some(EventState::Open) | None => self.lease(draft, webhook, true)?,
        };
        match (lease, state) {
            (LeaseState::Taken, _) => Ok(Classification::Busy),
            (LeaseState::Acquired(leased), Some(EventState::Open) | None) => {
                Ok(Classification::Open(leased, progress))
            }
            _ if self.batch.repeats(at)
                && !self.unfinished.contains(&webhook)
                && self.happens_again(draft, body_id)? =>
            {
                if state == Some(EventState::Dead) {
                    self.forget_dead(draft, webhook)?;
                }
                Ok(Classification::Repeated(webhook))
            }
            _ if draft.webhook(webhook)?.is_none() => Ok(Classification::WebhookDeleted),
            _ => Ok(Classification::Duplicate),
        }
    }

    /// Returns the waiting time of an open event that is not due.
    fn waiting(&self, draft: &Draft<'_, '_>, progress: Option<&ProgressRow>) -> Option<Waiting> {
        let left = progress?.due.remaining(draft.now());
        let left = u64::try_from(left).ok().filter(|left| *left > 0)?;
        (!self.is_early).then(|| Waiting::event_after(Duration::from_millis(left)))
    }

    fn add_waiting(&mut self, id: WebhookId, waiting: Waiting) {
        self.part.claim.waiting.entry(id).or_default().add(waiting);
    }

    /// Returns whether recurring events have happened again. It is the same for all events of the
    /// body.
    fn happens_again(
        &mut self,
        draft: &mut Draft<'e, '_>,
        body_id: WebhookId,
    ) -> Result<bool, Undecided> {
        if let Some(known) = self.happens_again {
            return Ok(known);
        }
        if !draft.is_optimistic() {
            for at in self.batch.unique() {
                draft.request_event(self.batch.fingerprint(at));
            }
            draft.load_requested()?;
        }
        let (mut is_alone, mut has_new) = (true, false);
        for at in self.batch.unique() {
            is_alone = false;
            let webhook = draft.event(self.batch.fingerprint(at))?;
            has_new |= webhook.is_none_or(|webhook| webhook == body_id);
        }
        Ok(*self.happens_again.insert(is_alone || has_new))
    }

    /// Removes a dead event that has happened again from its webhook.
    fn forget_dead(
        &mut self,
        draft: &mut Draft<'e, '_>,
        webhook: WebhookId,
    ) -> Result<(), Undecided> {
        let Some(mut row) = draft.webhook(webhook)? else {
            return Ok(());
        };
        row.dead = row.dead.saturating_sub(1);
        if self.call.core.settings.is_deletable(&row) && row.lease.is_none() {
            draft.delete_webhook(webhook)
        } else {
            draft.put_webhook(webhook, row)
        }
    }

    /// Leases the webhook of an event if it has open events and no other holder.
    fn lease(
        &mut self,
        draft: &mut Draft<'e, '_>,
        id: WebhookId,
        is_wanted: bool,
    ) -> Result<LeaseState, Undecided> {
        if let Some(state) = self.seen.get(&id) {
            return Ok(*state);
        }
        let row = draft.webhook(id)?;
        let is_settled = row.as_ref().is_none_or(|row| row.open == 0);
        let row = row.filter(|row| row.lease.is_some() || (is_wanted && !is_settled));
        let Some(mut row) = row else {
            if is_settled {
                self.seen.insert(id, LeaseState::Settled);
            }
            return Ok(LeaseState::Settled);
        };
        let holder = row.lease.map(|lease| lease.holder);
        if self.call.accepts && holder != Some(self.call.holder) {
            return Ok(if is_settled {
                LeaseState::Settled
            } else {
                LeaseState::Taken
            });
        }
        let now = draft.now();
        let lease = row.lease.filter(|lease| lease.holder != self.call.holder);
        if let Some(lease) = lease
            && !lease.has_expired(now)
        {
            if lease.exceeds_length(now) {
                // The clock was ahead when the lease began. The commit shortens it to its length
                // from now on.
                draft.put_webhook(id, row)?;
            }
            self.seen.insert(id, LeaseState::Taken);
            return Ok(LeaseState::Taken);
        }
        row.lease = Some(self.call.core.settings.lease_of(self.call.holder));
        draft.put_webhook(id, row)?;
        let index = self.add_leased(id, lease.is_some());
        if is_settled {
            // The lease is only returned.
            self.seen.insert(id, LeaseState::Settled);
            return Ok(LeaseState::Settled);
        }
        Ok(LeaseState::Acquired(index))
    }

    /// Returns the index of a webhook that this claim has stored or leased. A new webhook is added.
    fn ensure_leased(&mut self, id: WebhookId) -> usize {
        self.leased_index(id)
            .unwrap_or_else(|| self.add_leased(id, false))
    }

    fn has_lease(&self, draft: &mut Draft<'e, '_>, id: WebhookId) -> Result<bool, Undecided> {
        let row = draft.webhook(id)?;
        let lease = row.and_then(|row| row.lease);
        Ok(lease.is_some_and(|lease| lease.holder == self.call.holder))
    }

    fn add_leased(&mut self, id: WebhookId, after_crash: bool) -> usize {
        let index = self.before.leased.len() + self.part.claim.leased.len();
        self.part.claim.leased.push(LeasedWebhook {
            id,
            // Set when the part is finished.
            stored: Versioned {
                version: 0,
                row: WebhookRow::new(WebhookKind::Body, self.now, 0),
            },
            after_crash,
        });
        self.seen.insert(id, LeaseState::Acquired(index));
        index
    }

    fn leased_index(&self, id: WebhookId) -> Option<usize> {
        match self.seen.get(&id) {
            Some(LeaseState::Acquired(index)) => Some(*index),
            _ => None,
        }
    }

    fn add_event(
        &mut self,
        draft: &mut Draft<'e, '_>,
        at: usize,
        before: Option<WebhookId>,
        webhook: WebhookId,
    ) -> Result<(), Undecided> {
        let batch = self.batch;
        let event = &batch.events[at];
        draft.put_event(EventChange::new(batch.fingerprint(at), before, webhook));
        if let Some(completion) = &batch.completion {
            completion.write(draft)?;
        }
        let stored = if batch.replay.is_some() {
            self.load(draft, at)?
        } else if has_records(event) {
            let account = self.resolver.resolve(draft, event.account())?;
            self.recorder.record(draft, event, &account)?
        } else {
            StoredContext::default()
        };
        if self.call.core.settings.in_order {
            let job = self.part.claim.jobs.len();
            for key in partitions_of(draft, &mut self.resolver, event, stored.contact())? {
                self.new_turns.entry(key).or_default().push(job);
            }
        }
        let leased = self.ensure_leased(webhook);
        self.add_job(at, leased, None, webhook, stored, true);
        Ok(())
    }

    /// Adds the turns of the new events of a webhook. Returns the number of events that are held
    /// back.
    fn add_turns(
        &mut self,
        draft: &mut Draft<'e, '_>,
        webhook: WebhookId,
    ) -> Result<u32, Undecided> {
        if self.new_turns.is_empty() {
            return Ok(0);
        }
        let leased = self.ensure_leased(webhook);
        let new = std::mem::take(&mut self.new_turns);
        let Claim { jobs, turns, .. } = &mut self.part.claim;
        let event = |job: usize| self.batch.fingerprint(jobs[job].event);
        let added = add_turns(draft, webhook, leased, &new, event)?;
        let mut held_back: HashSet<usize> = HashSet::new();
        for (turn, jobs_of_turn) in added.into_iter().zip(new.into_values()) {
            if turn.is_held_back {
                held_back.extend(&jobs_of_turn);
            }
            for job in jobs_of_turn {
                let index = self.before.turns.len() + turns.len();
                jobs[job].turns.push(index);
            }
            turns.push(turn);
        }
        Ok(count(held_back.len()))
    }

    fn add_open(
        &mut self,
        draft: &mut Draft<'e, '_>,
        at: usize,
        leased: usize,
        progress: Option<ProgressRow>,
        body_id: WebhookId,
    ) -> Result<(), Undecided> {
        let batch = self.batch;
        // The event has happened again before its receivers have succeeded. They run once for both,
        // and the records are of the later one.
        let is_news =
            batch.replay.is_none() && batch.repeats(at) && self.happens_again(draft, body_id)?;
        let event = &batch.events[at];
        let stored = if is_news && has_records(event) {
            let account = self.resolver.resolve(draft, event.account())?;
            self.recorder.record_again(draft, event, &account)?
        } else {
            self.load(draft, at)?
        };
        let webhook = self.leased_id(leased);
        self.add_job(at, leased, progress, webhook, stored, false);
        Ok(())
    }

    fn load(&mut self, draft: &mut Draft<'e, '_>, at: usize) -> Result<StoredContext, Undecided> {
        let batch = self.batch;
        let event = &batch.events[at];
        if !has_records(event) {
            return Ok(StoredContext::default());
        }
        let account = self.resolver.resolve(draft, event.account())?;
        self.recorder.load(draft, event, &account)
    }

    fn leased_id(&self, index: usize) -> WebhookId {
        let before = self.before.leased.len();
        match index.checked_sub(before) {
            Some(index) => self.part.claim.leased[index].id,
            None => self.before.leased[index].id,
        }
    }

    fn add_job(
        &mut self,
        event: usize,
        leased: usize,
        progress: Option<ProgressRow>,
        webhook: WebhookId,
        stored: StoredContext,
        is_new: bool,
    ) {
        self.part.claim.jobs.push(Job {
            event,
            leased,
            progress: progress.unwrap_or_else(|| ProgressRow::new(webhook, String::new())),
            stored,
            turns: SmallVec::new(),
            is_behind: false,
            is_new,
        });
    }

    /// Returns the part with the rows of the leased webhooks as they are after the commit.
    fn finish(self, draft: &mut Draft<'e, '_>) -> Result<Part, Undecided> {
        let mut part = self.part;
        for leased in self.before.leased.iter().chain(&part.claim.leased) {
            if let Some(stored) = draft.webhook_after(leased.id)? {
                part.leased.insert(leased.id, stored);
            }
        }
        part.tenants = self.resolver.into_added();
        Ok(part)
    }
}

fn count(events: usize) -> u32 {
    u32::try_from(events).unwrap_or(u32::MAX)
}
