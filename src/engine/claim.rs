//! The claim of a webhook: which of its events are new, which are leased, and which came before.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::time::{Duration, Instant};

use super::Call;
use super::dead_letter::{clear_unreadable, unreadable_key};
use super::draft::{Draft, First, Undecided, transact};
use super::process::queued_events;
use super::record::{Places, Recorder, Stored, has_records, want_records};
use super::replay::Replay;
use super::user::KnownUsers;
use crate::event::{WebhookEvent, dedup_keys};
use crate::model::Timestamp;
use crate::store::{
    Durability, EventChange, EventState, Fingerprint, NumberKey, ProgressRow, Snapshot, StoreError,
    Tenant, Versioned, Wanted, WebhookId, WebhookKind, WebhookRow,
};

/// The most events that are claimed in one commit, so that no other commit waits for long.
const PART: usize = 2_000;

/// The events of a body with their keys.
pub(super) struct Batch {
    pub(super) events: Vec<WebhookEvent>,
    pub(super) keys: Vec<String>,
    fingerprints: Vec<Fingerprint>,
    /// The places of the events, without those whose key came before in the body.
    distinct: Vec<usize>,
    /// Whether the keys were given with the events, so that equal ones are one event.
    are_keys_given: bool,
    /// The replay that the events are part of.
    pub(super) replay: Option<Replay>,
}

impl Batch {
    /// Returns the events of a body.
    pub(super) fn new(events: Vec<WebhookEvent>) -> Self {
        let keys = dedup_keys(&events);
        Self::with_keys(events, keys, false)
    }

    /// Returns events that were stored with their keys.
    pub(super) fn queued(events: impl Iterator<Item = (String, WebhookEvent)>) -> Self {
        let (keys, events) = events.unzip();
        Self::with_keys(events, keys, true)
    }

    /// Returns the places of the events, without those whose key came before in the body.
    pub(super) fn distinct(&self) -> &[usize] {
        &self.distinct
    }

    /// Returns the stored body of its events without those at these places.
    pub(super) fn without(&self, left_out: &[usize]) -> Result<Vec<u8>, StoreError> {
        let left: HashSet<_> = left_out.iter().collect();
        let kept = self.distinct.iter().filter(|at| !left.contains(at));
        let kept = kept.map(|at| (&*self.keys[*at], &self.events[*at]));
        queued_events(kept, self.replay.as_ref())
    }

    /// Returns an event that came by itself, with its key.
    pub(super) fn single(key: String, event: WebhookEvent) -> Self {
        Self::with_keys(vec![event], vec![key], true)
    }

    /// Returns the events of a replay, with the keys that they have in it.
    pub(super) fn of_replay(events: Vec<WebhookEvent>, keys: Vec<String>, replay: Replay) -> Self {
        let batch = Self::with_keys(events, keys, true);
        let replay = Some(replay);
        Self { replay, ..batch }
    }

    fn with_keys(events: Vec<WebhookEvent>, keys: Vec<String>, are_keys_given: bool) -> Self {
        let fingerprints: Vec<_> = keys.iter().map(|key| Fingerprint::of(key)).collect();
        let mut earlier = HashSet::with_capacity(keys.len());
        let distinct = (0..keys.len()).filter(|at| earlier.insert(fingerprints[*at]));
        Self {
            distinct: distinct.collect(),
            events,
            keys,
            fingerprints,
            are_keys_given,
            replay: None,
        }
    }

    pub(super) fn fingerprint(&self, event: usize) -> Fingerprint {
        self.fingerprints[event]
    }

    /// Returns whether an event may happen again with the same key: those of a replay do, once it
    /// is over.
    fn repeats(&self, event: usize) -> bool {
        self.replay.is_some() || (!self.are_keys_given && self.events[event].repeats())
    }

    /// Returns the places of the events that have a key of their own for good.
    fn unique(&self) -> impl Iterator<Item = usize> {
        let distinct = self.distinct.iter().copied();
        distinct.filter(|at| !self.repeats(*at))
    }
}

/// A body that came, and the id that it gets if it is stored.
#[derive(Clone, Copy)]
pub(super) struct NewBody<'e> {
    pub(super) id: WebhookId,
    pub(super) kind: WebhookKind,
    pub(super) body: &'e [u8],
}

/// The events that are to be delivered, and the webhooks that are leased for it.
#[derive(Default)]
pub(super) struct Claim {
    pub(super) jobs: Vec<Job>,
    pub(super) held: Vec<Held>,
    /// The number of events that came before and are not open.
    pub(super) duplicates: usize,
    /// The number of events whose webhooks another engine has leased.
    pub(super) busy: usize,
    /// The open events whose time has not come, by webhook.
    pub(super) waiting: BTreeMap<WebhookId, Waiting>,
}

/// Open events that are to be tried later.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Waiting {
    /// Their number.
    pub(super) events: u32,
    /// The time of the first one.
    pub(super) first: Option<Instant>,
}

impl Waiting {
    /// Adds events, of which the first is to be tried at this time.
    pub(super) fn add(&mut self, other: Self) {
        self.events += other.events;
        self.first = self.first.into_iter().chain(other.first).min();
    }

    /// Returns one event, which is to be tried after this time.
    pub(super) fn one(left: Duration) -> Self {
        Self {
            events: 1,
            first: Instant::now().checked_add(left),
        }
    }
}

/// An event that is to be delivered.
pub(super) struct Job {
    /// Its place in the batch.
    pub(super) event: usize,
    /// The place of its webhook among those that are held.
    pub(super) held: usize,
    /// Its progress so far.
    pub(super) progress: ProgressRow,
    /// Its stored contact and signup.
    pub(super) stored: Stored,
}

/// A webhook that is leased.
#[derive(Clone, Debug)]
pub(super) struct Held {
    pub(super) id: WebhookId,
    /// The row as it was written last, with its version.
    pub(super) stored: Versioned<WebhookRow>,
    /// Whether the last holder did not give its lease back.
    pub(super) after_crash: bool,
}

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
struct Part {
    claim: Claim,
    /// The versions and rows of all webhooks that are held after it.
    held: BTreeMap<WebhookId, Versioned<WebhookRow>>,
    tenants: Vec<(NumberKey, Tenant)>,
    /// The events of a stored body that have no row.
    missing: Vec<usize>,
    /// Whether another holder has the webhook by now.
    is_lost: bool,
    /// The events without which the body is to be stored.
    gone: Vec<usize>,
    /// Whether it was not committed, as the body is to be stored without events.
    is_abandoned: bool,
}

impl Claim {
    /// Returns the rows of the webhooks that are held, which need not be loaded.
    fn known(&self) -> Snapshot {
        let mut known = Snapshot::default();
        let held = self.held.iter();
        let rows = held.map(|held| (held.id, Some(held.stored.clone())));
        known.webhooks.extend(rows);
        known
    }

    fn add(&mut self, part: Part) {
        self.jobs.extend(part.claim.jobs);
        self.held.extend(part.claim.held);
        self.duplicates += part.claim.duplicates;
        self.busy += part.claim.busy;
        for (id, waiting) in part.claim.waiting {
            self.waiting.entry(id).or_default().add(waiting);
        }
        for held in &mut self.held {
            if let Some(stored) = part.held.get(&held.id) {
                held.stored.clone_from(stored);
            }
        }
    }

    fn place_of(&self, id: WebhookId) -> Option<usize> {
        self.held.iter().position(|held| held.id == id)
    }

    /// Leaves the events of a webhook to its new holder.
    fn lose(&mut self, id: WebhookId) {
        let (place, jobs) = (self.place_of(id), self.jobs.len());
        self.jobs.retain(|job| Some(job.held) != place);
        self.busy += jobs - self.jobs.len();
    }
}

impl Call<'_> {
    /// Claims the events of a body: in one commit, or in several if the body is large. No
    /// receiver runs before the last one.
    pub(super) async fn claim_body(
        self,
        batch: &Batch,
        new: NewBody<'_>,
        claim: &mut Claim,
    ) -> Result<(), StoreError> {
        claim.duplicates = batch.events.len() - batch.distinct.len();
        let happens_again = match batch.distinct.len() {
            _ if batch.replay.is_some() => Some(self.is_replay_over(batch).await?),
            0..=PART => None,
            _ => Some(self.happens_again(batch, new.id).await?),
        };
        let mut left_out: Vec<usize> = Vec::new();
        let mut rest: Option<Vec<u8>> = None;
        let mut left = batch.distinct.len();
        // A log has bodies without events, too.
        let parts = batch.distinct.chunks(PART).map(Some);
        let parts = parts.chain((left == 0).then_some(None));
        for part in parts {
            let part = part.unwrap_or_default();
            left -= part.len();
            let before = &*claim;
            let mut leased = Vec::new();
            let durability = if self.accepts && left == 0 {
                Durability::Disk
            } else {
                Durability::Process
            };
            let claimed = loop {
                let new = match &rest {
                    None => new,
                    Some(body) => NewBody {
                        kind: WebhookKind::QueuedEvent,
                        body,
                        ..new
                    },
                };
                let claimed = transact(
                    self.access,
                    claim.known(),
                    First::New,
                    durability,
                    |draft| {
                        let mut claimer = Claimer::new(self, batch, before);
                        claimer.happens_again = happens_again;
                        claimer.left_out = &left_out;
                        claimer.is_filtered = rest.is_some();
                        let part = claimer.claim_new(draft, new, part, left)?;
                        leased = part.claim.held.iter().map(|held| held.id).collect();
                        Ok(part)
                    },
                );
                match claimed.await {
                    Ok(part) if part.is_abandoned => {
                        left_out.extend(part.gone);
                        rest = Some(batch.without(&left_out)?);
                    }
                    claimed => break claimed,
                }
            };
            match claimed {
                Ok(lost) if lost.is_lost => {
                    claim.lose(new.id);
                    claim.busy += part.len() + left;
                    return Ok(());
                }
                Ok(mut part) => {
                    self.core.add_tenants(&part.tenants);
                    if !part.gone.is_empty() {
                        left_out.append(&mut part.gone);
                        rest = None;
                    }
                    claim.add(part);
                }
                Err(error) => {
                    // A commit of unknown result may have leased them.
                    self.keep_leases(leased);
                    return Err(error);
                }
            }
        }
        Ok(())
    }

    /// Returns whether events of a body that repeat have happened again, and the body is not one
    /// that Meta repeats: it has a new event, or has only such that repeat.
    async fn happens_again(self, batch: &Batch, id: WebhookId) -> Result<bool, StoreError> {
        if batch.unique().count() == batch.distinct.len() {
            return Ok(true);
        }
        let unique: Vec<_> = batch.unique().map(|at| batch.fingerprint(at)).collect();
        for part in unique.chunks(PART) {
            let mut wanted = Wanted::default();
            wanted.events.extend(part);
            let known = self.access.load(&wanted).await?;
            let mut webhooks = known.events.values();
            if webhooks.any(|webhook| webhook.is_none_or(|webhook| webhook == id)) {
                return Ok(true);
            }
        }
        Ok(unique.is_empty())
    }

    /// Returns whether nothing is open of the same replay before: the events of one that is
    /// unfinished are claimed where they are open, and are duplicates where they are not.
    async fn is_replay_over(self, batch: &Batch) -> Result<bool, StoreError> {
        for part in batch.fingerprints.chunks(PART) {
            let mut wanted = Wanted::default();
            wanted.events.extend(part);
            let known = self.access.load(&wanted).await?;
            let mut webhooks = known.webhooks.values().flatten();
            if webhooks.any(|webhook| webhook.row.open > 0 || webhook.row.unclaimed > 0) {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// Claims the open events of a stored body that this call has leased, those whose time has
    /// not come only if it `is_early`. Events that it has
    /// more than when it was stored, as another version of this crate reads it, are added only
    /// if it has fewer open ones than its row says.
    pub(super) async fn claim_stored(
        self,
        batch: &Batch,
        held: Held,
        kind: WebhookKind,
        body: &[u8],
        is_early: bool,
        claim: &mut Claim,
    ) -> Result<(), StoreError> {
        let id = held.id;
        claim.held.push(held);
        let key = Fingerprint::of(&unreadable_key(body));
        let mut missing = Vec::new();
        for part in batch.distinct.chunks(PART) {
            let known = claim.known();
            let before = &*claim;
            let part = transact(
                self.access,
                known,
                First::Stored,
                Durability::Process,
                |draft| {
                    clear_unreadable(draft, id, key, kind)?;
                    let mut claimer = Claimer::new(self, batch, before);
                    claimer.is_early = is_early;
                    claimer.claim_open(draft, id, part)
                },
            );
            let mut part = part.await?;
            missing.append(&mut part.missing);
            self.core.add_tenants(&part.tenants);
            claim.add(part);
        }
        let Some(place) = claim.place_of(id) else {
            return Ok(());
        };
        let row = &claim.held[place].stored.row;
        let waiting = claim.waiting.get(&id).map_or(0, |waiting| waiting.events);
        if row.unclaimed == 0 && claim.jobs.len() + waiting as usize >= row.open as usize {
            missing.clear();
        }
        let mut left = missing.len();
        for part in missing.chunks(PART) {
            left -= part.len();
            let known = claim.known();
            let before = &*claim;
            let part = transact(
                self.access,
                known,
                First::New,
                Durability::Process,
                |draft| Claimer::new(self, batch, before).claim_missing(draft, id, part, left),
            );
            let part = part.await?;
            self.core.add_tenants(&part.tenants);
            claim.add(part);
        }
        claim.jobs.sort_by_key(|job| job.event);
        claim.duplicates = 0;
        Ok(())
    }
}

/// The decision about one part.
struct Claimer<'e> {
    call: Call<'e>,
    batch: &'e Batch,
    /// The parts before.
    before: &'e Claim,
    now: Timestamp,
    places: Places<'e>,
    recorder: Recorder,
    happens_again: Option<bool>,
    /// Whether events are claimed before their time.
    is_early: bool,
    /// The events that the new body is stored without.
    left_out: &'e [usize],
    /// Whether it comes without them.
    is_filtered: bool,
    part: Part,
    seen: HashMap<WebhookId, LeaseState>,
}

impl<'e> Claimer<'e> {
    fn new(call: Call<'e>, batch: &'e Batch, before: &'e Claim) -> Self {
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
            is_early: false,
            left_out: &[],
            is_filtered: false,
            part: Part::default(),
            seen: held
                .map(|(at, held)| (held.id, LeaseState::Acquired(at)))
                .collect(),
        }
    }

    /// Claims events of a new body, of which `left` follow.
    fn claim_new(
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
        let row = home.get_or_insert_with(|| WebhookRow::new(new.kind, self.now, 0));
        row.open = count(earlier + own);
        row.unclaimed = if place.is_some() { count(left) } else { 0 };
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
    fn claim_open(
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
                        Some(waiting) => self.add_waiting(id, waiting),
                        None => open.push((at, progress)),
                    }
                }
            }
        }
        let events: Vec<_> = open.iter().map(|(at, _)| *at).collect();
        self.want(draft, &events)?;
        for (at, progress) in open {
            let stored = self.load(draft, at)?;
            self.add_job(at, place, progress, id, stored);
        }
        self.finish(draft)
    }

    /// Adds events of a stored body that have no row, of which `left` follow.
    fn claim_missing(
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

    /// Has the rows loaded that events are recorded by.
    fn want(&mut self, draft: &mut Draft<'e, '_>, events: &[usize]) -> Result<(), Undecided> {
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
            _ if self.batch.repeats(at) && self.happens_again(draft, home)? => {
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
        if self.call.accepts {
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
        let stored = if batch.replay.is_some() {
            self.load(draft, at)?
        } else if has_records(event) {
            let place = self.places.of(draft, event.account())?;
            self.recorder.record(draft, event, &place)?
        } else {
            Stored::default()
        };
        let held = self.own(webhook);
        self.add_job(at, held, None, webhook, stored);
        Ok(())
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
        self.add_job(at, held, progress, webhook, stored);
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
    ) {
        self.part.claim.jobs.push(Job {
            event,
            held,
            progress: progress.unwrap_or_else(|| ProgressRow::new(webhook, String::new())),
            stored,
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

impl Claim {
    /// Returns how many jobs a webhook has.
    fn open_of(&self, id: WebhookId) -> usize {
        let place = self.place_of(id);
        let jobs = self.jobs.iter();
        jobs.filter(|job| Some(job.held) == place).count()
    }
}

fn count(events: usize) -> u32 {
    u32::try_from(events).unwrap_or(u32::MAX)
}
