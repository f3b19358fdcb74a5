//! The decision about one part of a claim: which of its events are new, which are leased, and which
//! came before.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::time::Duration;

use smallvec::SmallVec;

use super::Call;
use super::batch::{Batch, NewBody};
use super::claim::{Claim, Held, Job, Waiting};
use super::draft::{Draft, Undecided};
use super::order::{NewTurns, add_turns, partitions_of};
use super::record::{Places, Recorder, Stored, has_records, want_records};
use super::user::KnownUsers;
use crate::model::Timestamp;
use crate::store::{
    EventChange, EventState, NumberKey, ProgressRow, Tenant, Versioned, WebhookId, WebhookKind,
    WebhookRow,
};

/// The state of the lease of a webhook that an event belongs to.
#[derive(Clone, Copy)]
enum LeaseState {
    /// Nothing of it is to be done.
    Settled,
    /// Another engine has it.
    Taken,
    /// This claim has it, at this place.
    Acquired(usize),
}

/// The standing of an event of the body.
enum Standing {
    New,
    /// It has happened again after it was finished or dead in this webhook.
    Again(WebhookId),
    Duplicate,
    /// It is a duplicate, and its webhook is gone.
    Gone,
    Busy,
    /// It is open, and its time has not come.
    Waiting(WebhookId, Waiting),
    Open(usize, Option<ProgressRow>),
}

/// One part of a claim. It is added to the claim once it is committed.
#[derive(Default)]
pub(super) struct Part {
    pub(super) claim: Claim,
    /// The versions and rows of all webhooks that are held after it.
    pub(super) held: BTreeMap<WebhookId, Versioned<WebhookRow>>,
    pub(super) tenants: Vec<(NumberKey, Tenant)>,
    /// The events of a stored body that have no row.
    pub(super) missing: Vec<usize>,
    /// Whether another holder has the webhook by now.
    pub(super) is_lost: bool,
    /// The events without which the body is to be stored.
    pub(super) gone: Vec<usize>,
    /// Whether it was not committed, as the body is to be stored without events.
    pub(super) is_abandoned: bool,
}

/// The decision about one part.
pub(super) struct Claimer<'e> {
    call: Call<'e>,
    batch: &'e Batch,
    /// The parts before.
    before: &'e Claim,
    now: Timestamp,
    places: Places<'e>,
    recorder: Recorder,
    pub(super) happens_again: Option<bool>,
    /// Of a replay: the unfinished webhooks of the same replay, whose events do not happen again.
    pub(super) unfinished: &'e [WebhookId],
    /// Whether events are claimed before their time.
    pub(super) is_early: bool,
    /// The events that the new body is stored without.
    pub(super) left_out: &'e [usize],
    /// Whether it comes without them.
    pub(super) is_filtered: bool,
    part: Part,
    /// The turns of new events.
    new_turns: NewTurns,
    seen: HashMap<WebhookId, LeaseState>,
}

impl<'e> Claimer<'e> {
    pub(super) fn new(call: Call<'e>, batch: &'e Batch, before: &'e Claim) -> Self {
        let now = Timestamp::now();
        let held = before.held.iter().enumerate();
        Self {
            call,
            batch,
            before,
            now,
            places: call.core.places(),
            recorder: Recorder::new(now, &call.core.settings),
            happens_again: None,
            unfinished: &[],
            is_early: false,
            left_out: &[],
            is_filtered: false,
            part: Part::default(),
            new_turns: NewTurns::new(),
            seen: held
                .map(|(at, held)| (held.id, LeaseState::Acquired(at)))
                .collect(),
        }
    }

    /// Claims events of a new body, of which `left` follow.
    pub(super) fn claim_new(
        mut self,
        draft: &mut Draft<'e, '_>,
        new: NewBody<'e>,
        part: &[usize],
        left: usize,
    ) -> Result<Part, Undecided> {
        self.want(draft, part)?;
        // It is stored already if a part came before, or a commit of unknown result.
        let mut home = if draft.is_optimistic() && self.before.place_of(new.id).is_none() {
            None
        } else {
            draft.webhook(new.id)?
        };
        let lease = home.as_ref().and_then(|row| row.lease);
        let is_lost = match lease {
            Some(lease) => lease.holder != self.call.holder,
            None => home.is_some() && self.before.place_of(new.id).is_some(),
        };
        if is_lost {
            // The claim took longer than its lease: the new holder claims the other parts.
            self.part.is_lost = true;
            return self.finish(draft);
        }
        if self.call.accepts && home.is_some() && lease.is_none() && draft.is_uncertain() {
            // The attempt before has stored all of it, and another call may have delivered some.
            self.part.claim.busy += part.len();
            return self.finish(draft);
        }
        draft.reserve(part.len());
        let earlier = home.as_ref().map_or(0, |_| self.before.open_of(new.id));
        let jobs = self.part.claim.jobs.len();
        let mut gone = Vec::new();
        for &at in part {
            match self.standing(draft, at, new.id)? {
                Standing::Duplicate => self.part.claim.duplicates += 1,
                Standing::Gone => {
                    self.part.claim.duplicates += 1;
                    gone.push(at);
                }
                Standing::Busy => self.part.claim.busy += 1,
                Standing::Waiting(id, waiting) => self.add_waiting(id, waiting),
                Standing::New => self.add_event(draft, at, None, new.id)?,
                Standing::Again(before) => self.add_event(draft, at, Some(before), new.id)?,
                Standing::Open(held, progress) => {
                    self.add_open(draft, at, held, progress, new.id)?;
                }
            }
        }
        let own = self.part.claim.jobs[jobs..].iter();
        let place = self.place_of(new.id);
        let own = own.filter(|job| Some(job.held) == place).count();
        // An event may have been erased with its webhook, and must not be stored again: a body with
        // such events is not logged, and a body that has to be stored is stored without them.
        let has_gone = !gone.is_empty() || !self.left_out.is_empty();
        let is_logged = self.call.core.settings.is_logged(new.kind) && !has_gone;
        gone.retain(|at| !self.left_out.contains(at));
        self.part.gone = gone;
        if own == 0 && home.is_none() && !is_logged {
            return self.finish(draft);
        }
        if home.is_none() && has_gone && (!self.is_filtered || !self.part.gone.is_empty()) {
            draft.abandon();
            self.part.is_abandoned = true;
            return self.finish(draft);
        }
        let is_stored = home.is_some();
        let held_back = self.add_turns(draft, new.id)?;
        let row = home.get_or_insert_with(|| WebhookRow::new(new.kind, self.now, 0));
        row.open = count(earlier + own);
        row.unclaimed = if place.is_some() { count(left) } else { 0 };
        row.held_back += held_back;
        let lease = self.call.core.settings.lease_of(self.call.holder);
        // An accepted webhook is free once it is stored as a whole.
        row.lease = place
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

    /// Claims those events of a stored body that are open, and notes those that have no row.
    pub(super) fn claim_open(
        mut self,
        draft: &mut Draft<'e, '_>,
        id: WebhookId,
        part: &[usize],
    ) -> Result<Part, Undecided> {
        for &at in part {
            draft.want_event(self.batch.fingerprint(at));
        }
        draft.load_wanted()?;
        if !self.is_mine(draft, id)? {
            return self.finish(draft);
        }
        let place = self.own(id);
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
        self.want(draft, &events)?;
        for (at, progress) in open {
            let stored = self.load(draft, at)?;
            self.add_job(at, place, progress, id, stored, false);
        }
        self.finish(draft)
    }

    /// Adds events of a stored body that have no row, of which `left` follow.
    pub(super) fn claim_missing(
        mut self,
        draft: &mut Draft<'e, '_>,
        id: WebhookId,
        part: &[usize],
        left: usize,
    ) -> Result<Part, Undecided> {
        self.want(draft, part)?;
        if !self.is_mine(draft, id)? {
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

    /// Has the rows loaded that events are recorded by, unless an attempt before has.
    fn want(&mut self, draft: &mut Draft<'e, '_>, events: &[usize]) -> Result<(), Undecided> {
        if draft.loaded_ids() > 0 {
            return Ok(());
        }
        let batch = self.batch;
        let mut users = KnownUsers::new();
        for &at in events {
            let event = &batch.events[at];
            if has_records(event) {
                let place = self.places.of(draft, event.account())?;
                want_records(draft, &mut users, event, &place);
            }
        }
        draft.load_wanted()
    }

    fn standing(
        &mut self,
        draft: &mut Draft<'e, '_>,
        at: usize,
        home: WebhookId,
    ) -> Result<Standing, Undecided> {
        let key = self.batch.fingerprint(at);
        let Some(webhook) = draft.event(key)? else {
            return Ok(Standing::New);
        };
        let progress = draft.progress(key)?;
        let state = progress.as_ref().map(|progress| progress.state);
        if state == Some(EventState::Open)
            && let Some(waiting) = self.waiting(draft, progress.as_ref())
        {
            return Ok(Standing::Waiting(webhook, waiting));
        }
        let lease = match state {
            Some(EventState::Dead) => LeaseState::Settled,
            Some(EventState::Finished) => self.hold(draft, webhook, false)?,
            Some(EventState::Open) | None => self.hold(draft, webhook, true)?,
        };
        match (lease, state) {
            (LeaseState::Taken, _) => Ok(Standing::Busy),
            (LeaseState::Acquired(held), Some(EventState::Open) | None) => {
                Ok(Standing::Open(held, progress))
            }
            _ if self.batch.repeats(at)
                && !self.unfinished.contains(&webhook)
                && self.happens_again(draft, home)? =>
            {
                if state == Some(EventState::Dead) {
                    self.forget_dead(draft, webhook)?;
                }
                Ok(Standing::Again(webhook))
            }
            _ if draft.webhook(webhook)?.is_none() => Ok(Standing::Gone),
            _ => Ok(Standing::Duplicate),
        }
    }

    /// Returns an open event that is to be tried later.
    fn waiting(&self, draft: &Draft<'_, '_>, progress: Option<&ProgressRow>) -> Option<Waiting> {
        let left = progress?.due.left(draft.now());
        let left = u64::try_from(left).ok().filter(|left| *left > 0)?;
        (!self.is_early).then(|| Waiting::one(Duration::from_millis(left)))
    }

    fn add_waiting(&mut self, id: WebhookId, waiting: Waiting) {
        self.part.claim.waiting.entry(id).or_default().add(waiting);
    }

    /// Returns whether events that repeat have happened again: the same for all events of the body.
    fn happens_again(
        &mut self,
        draft: &mut Draft<'e, '_>,
        home: WebhookId,
    ) -> Result<bool, Undecided> {
        if let Some(known) = self.happens_again {
            return Ok(known);
        }
        if !draft.is_optimistic() {
            for at in self.batch.unique() {
                draft.want_event(self.batch.fingerprint(at));
            }
            draft.load_wanted()?;
        }
        let (mut is_alone, mut has_new) = (true, false);
        for at in self.batch.unique() {
            is_alone = false;
            let webhook = draft.event(self.batch.fingerprint(at))?;
            has_new |= webhook.is_none_or(|webhook| webhook == home);
        }
        Ok(*self.happens_again.insert(is_alone || has_new))
    }

    /// Takes a dead event that has happened again from its webhook.
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

    /// Leases the webhook of an event, if it is free and something is to be done.
    fn hold(
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
            && !lease.has_ended(now)
        {
            if lease.is_too_long(now) {
                // The clock was ahead when it began: it gets its length from now on.
                draft.put_webhook(id, row)?;
            }
            self.seen.insert(id, LeaseState::Taken);
            return Ok(LeaseState::Taken);
        }
        row.lease = Some(self.call.core.settings.lease_of(self.call.holder));
        draft.put_webhook(id, row)?;
        let place = self.add_held(id, lease.is_some());
        if is_settled {
            // It is only given back.
            self.seen.insert(id, LeaseState::Settled);
            return Ok(LeaseState::Settled);
        }
        Ok(LeaseState::Acquired(place))
    }

    /// Returns the place of a webhook that this claim has stored or leased.
    fn own(&mut self, id: WebhookId) -> usize {
        self.place_of(id)
            .unwrap_or_else(|| self.add_held(id, false))
    }

    fn is_mine(&self, draft: &mut Draft<'e, '_>, id: WebhookId) -> Result<bool, Undecided> {
        let row = draft.webhook(id)?;
        let lease = row.and_then(|row| row.lease);
        Ok(lease.is_some_and(|lease| lease.holder == self.call.holder))
    }

    fn add_held(&mut self, id: WebhookId, after_crash: bool) -> usize {
        let place = self.before.held.len() + self.part.claim.held.len();
        self.part.claim.held.push(Held {
            id,
            // It is set when the part is finished.
            stored: Versioned {
                version: 0,
                row: WebhookRow::new(WebhookKind::Body, self.now, 0),
            },
            after_crash,
        });
        self.seen.insert(id, LeaseState::Acquired(place));
        place
    }

    fn place_of(&self, id: WebhookId) -> Option<usize> {
        match self.seen.get(&id) {
            Some(LeaseState::Acquired(place)) => Some(*place),
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
            let place = self.places.of(draft, event.account())?;
            self.recorder.record(draft, event, &place)?
        } else {
            Stored::default()
        };
        if self.call.core.settings.in_order {
            let job = self.part.claim.jobs.len();
            for key in partitions_of(draft, &mut self.places, event, stored.contact())? {
                self.new_turns.entry(key).or_default().push(job);
            }
        }
        let held = self.own(webhook);
        self.add_job(at, held, None, webhook, stored, true);
        Ok(())
    }

    /// Adds the turns of new events of a webhook. Returns how many events are held back.
    fn add_turns(
        &mut self,
        draft: &mut Draft<'e, '_>,
        webhook: WebhookId,
    ) -> Result<u32, Undecided> {
        if self.new_turns.is_empty() {
            return Ok(0);
        }
        let held = self.own(webhook);
        let new = std::mem::take(&mut self.new_turns);
        let Claim { jobs, turns, .. } = &mut self.part.claim;
        let event = |job: usize| self.batch.fingerprint(jobs[job].event);
        let added = add_turns(draft, webhook, held, &new, event)?;
        let mut held_back: HashSet<usize> = HashSet::new();
        for (turn, jobs_of_turn) in added.into_iter().zip(new.into_values()) {
            if turn.is_held_back {
                held_back.extend(&jobs_of_turn);
            }
            for job in jobs_of_turn {
                let place = self.before.turns.len() + turns.len();
                jobs[job].turns.push(place);
            }
            turns.push(turn);
        }
        Ok(count(held_back.len()))
    }

    fn add_open(
        &mut self,
        draft: &mut Draft<'e, '_>,
        at: usize,
        held: usize,
        progress: Option<ProgressRow>,
        home: WebhookId,
    ) -> Result<(), Undecided> {
        let batch = self.batch;
        // It happened again before its receivers have succeeded: they run once for both, and
        // the records have the later one.
        let is_news =
            batch.replay.is_none() && batch.repeats(at) && self.happens_again(draft, home)?;
        let event = &batch.events[at];
        let stored = if is_news && has_records(event) {
            let place = self.places.of(draft, event.account())?;
            self.recorder.record_again(draft, event, &place)?
        } else {
            self.load(draft, at)?
        };
        let webhook = self.held_id(held);
        self.add_job(at, held, progress, webhook, stored, false);
        Ok(())
    }

    fn load(&mut self, draft: &mut Draft<'e, '_>, at: usize) -> Result<Stored, Undecided> {
        let batch = self.batch;
        let event = &batch.events[at];
        if !has_records(event) {
            return Ok(Stored::default());
        }
        let place = self.places.of(draft, event.account())?;
        self.recorder.load(draft, event, &place)
    }

    fn held_id(&self, place: usize) -> WebhookId {
        let before = self.before.held.len();
        match place.checked_sub(before) {
            Some(place) => self.part.claim.held[place].id,
            None => self.before.held[place].id,
        }
    }

    fn add_job(
        &mut self,
        event: usize,
        held: usize,
        progress: Option<ProgressRow>,
        webhook: WebhookId,
        stored: Stored,
        is_new: bool,
    ) {
        self.part.claim.jobs.push(Job {
            event,
            held,
            progress: progress.unwrap_or_else(|| ProgressRow::new(webhook, String::new())),
            stored,
            turns: SmallVec::new(),
            is_behind: false,
            is_new,
        });
    }

    /// Notes the rows of the webhooks that are held, as they are once the part is committed.
    fn finish(self, draft: &mut Draft<'e, '_>) -> Result<Part, Undecided> {
        let mut part = self.part;
        for held in self.before.held.iter().chain(&part.claim.held) {
            if let Some(stored) = draft.webhook_after(held.id)? {
                part.held.insert(held.id, stored);
            }
        }
        part.tenants = self.places.into_added();
        Ok(part)
    }
}

fn count(events: usize) -> u32 {
    u32::try_from(events).unwrap_or(u32::MAX)
}
