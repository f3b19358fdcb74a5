//! The order of the events of one user.
//!
//! An event belongs to one partition for each id of its user. The events of one commit in a
//! partition are a *turn*, behind all turns that the partition has. An event is delivered if no
//! other webhook has a turn before its own, and no event before it in its own webhook is open. The
//! commit that ends a turn has the webhook of the next one delivered.
//!
//! Partitions have the names of ids, and not of contacts: when two contacts turn out to be one, the
//! event that says so has the ids of both, and comes behind the turns of both.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::time::Duration;

use smallvec::SmallVec;

use super::Call;
use super::batch::Batch;
use super::claim::{Claim, Job, PART};
use super::draft::{Draft, First, Undecided, transact};
use super::record::{Place, Places, has_records};
use super::user::identities;
use crate::event::WebhookEvent;
use crate::model::{Contact, IdKind, Identity};
use crate::store::{
    Due, Durability, EventState, Fingerprint, Lease, PartitionKey, Snapshot, StoreError,
    StoredTurn, TurnPlace, TurnRow, Wanted, WebhookId,
};

/// The time after which a webhook is tried again whose events are all held back. The end of the
/// turn before has it tried at once, except by an engine that does not deliver in order.
pub(super) const LONGEST_HOLD: Duration = Duration::from_secs(10 * 60);

/// The partitions of an event.
pub(super) type Partitions = SmallVec<[PartitionKey; 3]>;

/// Returns the partitions of an event: those of all ids of its user, which the event names or its
/// stored contact has; or that of its partition key.
pub(super) fn partitions(
    event: &WebhookEvent,
    place: Option<&Place>,
    contact: Option<&Contact>,
) -> Partitions {
    let mut keys = Partitions::new();
    let mut add = |number: &str, user: &Identity| {
        for kind in IdKind::ALL {
            if let Some(id) = user.id(kind) {
                let key = PartitionKey::of(&[number, kind.as_str(), id].join("\n"));
                if !keys.contains(&key) {
                    keys.push(key);
                }
            }
        }
    };
    if let Some(place) = place {
        let users = identities(event);
        let stored = contact.map(|contact| &contact.identity);
        let users = users.iter().chain(stored);
        users.for_each(|user| add(place.number.as_str(), user));
    }
    if keys.is_empty() {
        keys.push(PartitionKey::of(&event.partition_key()));
    }
    keys
}

/// Returns the partitions of an event whose contact is known.
pub(super) fn partitions_of<'e>(
    draft: &mut Draft<'_, '_>,
    places: &mut Places<'e>,
    event: &'e WebhookEvent,
    contact: Option<&Contact>,
) -> Result<Partitions, Undecided> {
    let place = if has_records(event) {
        Some(places.of(draft, event.account())?)
    } else {
        None
    };
    Ok(partitions(event, place.as_ref(), contact))
}

/// The events of one webhook and one commit, by partition: the places of their jobs.
pub(super) type NewTurns = BTreeMap<PartitionKey, Vec<usize>>;

/// Adds turns of a webhook behind those of their partitions. `event` returns the event of a job.
pub(super) fn add_turns(
    draft: &mut Draft<'_, '_>,
    webhook: WebhookId,
    held: usize,
    new: &NewTurns,
    event: impl Fn(usize) -> Fingerprint,
) -> Result<Vec<HeldTurn>, Undecided> {
    for partition in new.keys() {
        draft.want_partition(*partition);
    }
    draft.load_wanted()?;
    // The attempt before may have been committed.
    let mut stored = HashMap::new();
    if draft.is_uncertain() {
        let turns = draft.turns(webhook)?.iter();
        stored.extend(turns.map(|turn| ((turn.row.partition, &*turn.row.events), turn)));
    }
    let mut added = Vec::with_capacity(new.len());
    for (partition, jobs) in new {
        let events: Vec<_> = jobs.iter().map(|job| event(*job)).collect();
        if let Some(turn) = stored.get(&(*partition, &*events)) {
            added.push(HeldTurn {
                held,
                partition: *partition,
                place: turn.row.place,
                next: turn.next,
                open: jobs.len(),
                is_held_back: turn.is_held_back,
            });
            continue;
        }
        let row = draft.partition(*partition)?;
        let number = row.map_or(1, |row| row.last.number + 1);
        let place = TurnPlace { number, webhook };
        draft.add_turn(TurnRow::new(*partition, place, events));
        added.push(HeldTurn {
            held,
            partition: *partition,
            place,
            next: None,
            open: jobs.len(),
            is_held_back: row.is_some_and(|row| row.has_others(webhook)),
        });
    }
    Ok(added)
}

/// A turn of a webhook that is held.
#[derive(Debug)]
pub(super) struct HeldTurn {
    /// The place of its webhook among those that are held.
    held: usize,
    partition: PartitionKey,
    place: TurnPlace,
    next: Option<TurnPlace>,
    /// The number of its events that are open.
    open: usize,
    /// Whether another webhook has a turn before it.
    pub(super) is_held_back: bool,
}

/// A turn that is over.
#[derive(Clone, Debug)]
pub(super) struct EndedTurn {
    partition: PartitionKey,
    place: TurnPlace,
    next: Option<TurnPlace>,
    /// Whether it was the first of its partition.
    is_first: bool,
}

/// The turns of a claim while its events are delivered.
#[derive(Debug, Default)]
pub(super) struct Turns {
    turns: Vec<HeldTurn>,
    /// Those that another one may be followed by.
    by_place: HashMap<(PartitionKey, i64), usize>,
    /// Partitions with an open event before those that follow, by the place of the webhook.
    blocked: HashSet<(usize, PartitionKey)>,
    /// The turns that are over and not written, by the place of the webhook.
    ended: HashMap<usize, Vec<EndedTurn>>,
    /// The numbers of events that were held back, by the place of the webhook.
    held_back: HashMap<usize, u32>,
}

impl Turns {
    pub(super) fn new(turns: Vec<HeldTurn>) -> Self {
        let mut by_place = HashMap::new();
        if turns.iter().any(|turn| turn.next.is_some()) {
            let places = turns.iter().map(|turn| (turn.partition, turn.place.number));
            by_place.extend(places.zip(0..));
        }
        let mut all = Self {
            turns,
            by_place,
            ..Self::default()
        };
        for at in 0..all.turns.len() {
            if all.turns[at].open == 0 {
                all.end(at);
            }
        }
        all
    }

    /// Returns whether an event before this one is open.
    pub(super) fn hold_back(&self, job: &Job) -> bool {
        let mut turns = job.turns.iter().map(|at| &self.turns[*at]);
        job.is_behind
            || turns.any(|turn| {
                turn.is_held_back || self.blocked.contains(&(turn.held, turn.partition))
            })
    }

    /// Notes that an event was held back.
    pub(super) fn add_held_back(&mut self, job: &Job) {
        *self.held_back.entry(job.held).or_default() += 1;
        self.keep_open(job);
    }

    /// Notes that an event stays open, and holds back those behind it.
    pub(super) fn keep_open(&mut self, job: &Job) {
        let turns = job.turns.iter().map(|at| &self.turns[*at]);
        self.blocked
            .extend(turns.map(|turn| (turn.held, turn.partition)));
    }

    /// Notes that an event is finished or dead. Returns the place of each webhook whose turn is
    /// next, if this call holds it.
    pub(super) fn end_event(&mut self, job: &Job) -> SmallVec<[usize; 1]> {
        let mut released = SmallVec::new();
        for at in &job.turns {
            let turn = &mut self.turns[*at];
            turn.open = turn.open.saturating_sub(1);
            if turn.open == 0 {
                released.extend(self.end(*at));
            }
        }
        released
    }

    /// Ends a turn. Returns the place of the webhook whose turn is next, if this call holds it.
    fn end(&mut self, at: usize) -> Option<usize> {
        let turn = &self.turns[at];
        let ended = EndedTurn {
            partition: turn.partition,
            place: turn.place,
            next: turn.next,
            is_first: !turn.is_held_back,
        };
        self.ended.entry(turn.held).or_default().push(ended.clone());
        let next = ended.next.filter(|_| ended.is_first)?;
        let next = *self.by_place.get(&(ended.partition, next.number))?;
        let next = &mut self.turns[next];
        next.is_held_back = false;
        Some(next.held)
    }

    /// Takes the turns of a webhook that are over.
    pub(super) fn take_ended(&mut self, held: usize) -> Vec<EndedTurn> {
        self.ended.remove(&held).unwrap_or_default()
    }

    /// Returns the number of events of a webhook that were held back.
    pub(super) fn held_back(&self, held: usize) -> u32 {
        self.held_back.get(&held).copied().unwrap_or_default()
    }
}

impl EndedTurn {
    /// Returns whether another webhook is to be delivered after it.
    pub(super) fn releases(&self) -> bool {
        let next = self.next.filter(|_| self.is_first);
        next.is_some_and(|next| next.webhook != self.place.webhook)
    }
}

/// Ends turns of a webhook. `stored` are its turns as they are now, unless they are as the call
/// knows them.
pub(super) fn end_turns(
    draft: &mut Draft<'_, '_>,
    holder: i64,
    ended: &[EndedTurn],
    stored: Option<&[StoredTurn]>,
) -> Result<(), Undecided> {
    let by_place = stored.map(|stored| {
        let places = stored.iter();
        let places = places.map(|turn| ((turn.row.partition, turn.row.place.number), turn));
        places.collect::<HashMap<_, _>>()
    });
    for turn in ended {
        let (mut next, mut is_first) = (turn.next, turn.is_first);
        if let Some(by_place) = &by_place {
            let Some(stored) = by_place.get(&(turn.partition, turn.place.number)) else {
                continue; // An attempt before has ended it.
            };
            (next, is_first) = (stored.next, !stored.is_held_back);
        }
        end_turn(draft, holder, turn.partition, turn.place, next, is_first)?;
    }
    Ok(())
}

/// Ends all turns of a webhook.
pub(super) fn end_all_turns(
    draft: &mut Draft<'_, '_>,
    holder: i64,
    id: WebhookId,
    is_over: impl Fn(&Fingerprint) -> bool,
) -> Result<(), Undecided> {
    for turn in draft.turns(id)? {
        if turn.row.events.iter().all(&is_over) {
            let StoredTurn {
                row,
                is_held_back,
                next,
            } = turn;
            end_turn(
                draft,
                holder,
                row.partition,
                row.place,
                *next,
                !is_held_back,
            )?;
        }
    }
    Ok(())
}

fn end_turn(
    draft: &mut Draft<'_, '_>,
    holder: i64,
    partition: PartitionKey,
    place: TurnPlace,
    next: Option<TurnPlace>,
    is_first: bool,
) -> Result<(), Undecided> {
    draft.end_turn(partition, place, next.map(|next| next.number));
    match next {
        Some(next) if is_first && next.webhook != place.webhook => {
            release(draft, holder, next.webhook)
        }
        _ => Ok(()),
    }
}

/// Has a webhook delivered whose turn has come, unless this holder delivers it already.
fn release(draft: &mut Draft<'_, '_>, holder: i64, id: WebhookId) -> Result<(), Undecided> {
    let Some(mut row) = draft.webhook(id)? else {
        return Ok(());
    };
    if row.open == 0 || row.lease.is_some_and(|lease| lease.holder == holder) {
        return Ok(());
    }
    row.due = Due::Now;
    row.held_back = 0;
    if let Some(lease) = row.lease
        && lease.has_ended(draft.now())
    {
        // The commit reckons it from now on.
        row.lease = Some(Lease::new(lease.holder, Duration::ZERO));
    }
    draft.put_webhook(id, row)
}

impl Call<'_> {
    /// Gives their turns to those jobs of a claim that were stored before it, and new ones to those
    /// that have none: they were dead, or were stored by an engine that does not deliver in order.
    ///
    /// `is_whole` says that the batch has all events of its webhook.
    pub(super) async fn find_turns(
        self,
        batch: &Batch,
        claim: &mut Claim,
        is_whole: bool,
    ) -> Result<(), StoreError> {
        let jobs = claim.jobs.iter().enumerate();
        let jobs = jobs.filter(|(_, job)| job.turns.is_empty());
        let jobs: HashMap<_, _> = jobs
            .map(|(at, job)| (batch.fingerprint(job.event), at))
            .collect();
        if jobs.is_empty() {
            return Ok(());
        }
        let held: BTreeSet<_> = jobs.values().map(|job| claim.jobs[*job].held).collect();
        let mut wanted = Wanted::default();
        let ids = held.iter().map(|held| claim.held[*held].id);
        wanted.turns.extend(ids);
        let mut known = self.access.load(&wanted).await?;
        if !is_whole {
            let mut wanted = Wanted::default();
            let turns = known.turns.values().flatten();
            let events = turns.flat_map(|turn| &turn.row.events);
            let others = events.filter(|event| !jobs.contains_key(*event));
            wanted.events.extend(others);
            if !wanted.is_empty() {
                known.extend(self.access.load(&wanted).await?);
            }
        }
        let deferred: HashSet<_> = claim.deferred.iter().copied().collect();
        let found = claim
            .turns
            .iter()
            .map(|turn| (turn.partition, turn.place.number));
        let found: HashSet<_> = found.collect();
        for held in held {
            let id = claim.held[held].id;
            for StoredTurn {
                row,
                is_held_back,
                next,
            } in known.turns.remove(&id).unwrap_or_default()
            {
                if found.contains(&(row.partition, row.place.number)) {
                    continue;
                }
                let (at, mut open, mut is_behind) = (claim.turns.len(), 0, false);
                for event in &row.events {
                    let job = jobs.get(event).filter(|job| claim.jobs[**job].held == held);
                    if let Some(job) = job {
                        let job = &mut claim.jobs[*job];
                        job.turns.push(at);
                        job.is_behind |= is_behind;
                        open += 1;
                    } else if deferred.contains(event) || is_open(&known, id, event) {
                        is_behind = true;
                        open += 1;
                    }
                }
                claim.turns.push(HeldTurn {
                    held,
                    partition: row.partition,
                    place: row.place,
                    next,
                    open,
                    is_held_back,
                });
            }
        }
        self.add_missing_turns(batch, claim).await
    }

    async fn add_missing_turns(self, batch: &Batch, claim: &mut Claim) -> Result<(), StoreError> {
        let jobs = 0..claim.jobs.len();
        let missing: Vec<_> = jobs
            .filter(|job| claim.jobs[*job].turns.is_empty())
            .collect();
        for missing in missing.chunks(PART) {
            let jobs = &claim.jobs;
            let add = |draft: &mut Draft<'_, '_>| {
                let mut places = self.core.places();
                let mut new: BTreeMap<usize, NewTurns> = BTreeMap::new();
                for job in missing {
                    let Job { event, held, .. } = jobs[*job];
                    let row = draft.webhook(claim.held[held].id)?;
                    let lease = row.and_then(|row| row.lease);
                    if lease.is_none_or(|lease| lease.holder != self.holder) {
                        continue; // The new holder adds them.
                    }
                    let contact = jobs[*job].stored.contact();
                    let event = &batch.events[event];
                    let new = new.entry(held).or_default();
                    for key in partitions_of(draft, &mut places, event, contact)? {
                        new.entry(key).or_default().push(*job);
                    }
                }
                let mut added = Vec::new();
                for (held, new) in new {
                    let id = claim.held[held].id;
                    let event = |job: usize| batch.fingerprint(jobs[job].event);
                    let turns = add_turns(draft, id, held, &new, event)?;
                    added.extend(turns.into_iter().zip(new.into_values()));
                }
                Ok((added, places.into_added()))
            };
            let known = claim.known();
            let added = transact(self.access, known, First::New, Durability::Process, add);
            let (added, tenants) = added.await?;
            self.core.add_tenants(&tenants);
            for (turn, jobs) in added {
                for job in jobs {
                    claim.jobs[job].turns.push(claim.turns.len());
                }
                claim.turns.push(turn);
            }
        }
        Ok(())
    }
}

/// Returns whether an event is open in a webhook.
fn is_open(known: &Snapshot, id: WebhookId, event: &Fingerprint) -> bool {
    let webhook = known.events.get(event).copied().flatten();
    let progress = known.progress.get(event).and_then(Option::as_ref);
    webhook == Some(id) && progress.is_none_or(|row| row.state == EventState::Open)
}
