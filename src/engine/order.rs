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

use smallvec::SmallVec;

use super::Call;
use super::batch::Batch;
use super::claim::{Claim, Job, PART};
use super::draft::{Draft, Undecided};
use super::record::{Place, Places, has_records};
use super::transact::{First, transact};
use super::turns::HeldTurn;
use super::user::identities;
use crate::event::WebhookEvent;
use crate::model::{Contact, IdKind, Identity};
use crate::store::{
    Durability, EventState, Fingerprint, LoadQuery, PartitionKey, Snapshot, StoreError, TurnPlace,
    TurnRow, WebhookId,
};

/// The partitions of an event.
pub(super) type Partitions = SmallVec<[PartitionKey; 3]>;

/// Returns the partitions of an event: those of all ids of its user, which the event names or its
/// stored contact has; or that of its partition key.
fn partitions(
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
            added.push(HeldTurn::of(held, turn, jobs.len()));
            continue;
        }
        let row = draft.partition(*partition)?;
        let number = row.map_or(1, |row| row.last.number + 1);
        let place = TurnPlace { number, webhook };
        draft.add_turn(TurnRow::new(*partition, place, events), row);
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

impl Call<'_> {
    /// Gives their turns to those jobs of a claim that were stored before it, and new ones to those
    /// that have none: they were dead, or were stored by an engine that does not deliver in order.
    /// The jobs are then in the order of their turns.
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
            .map(|(at, job)| ((job.held, batch.fingerprint(job.event)), at))
            .collect();
        if jobs.is_empty() {
            return Ok(());
        }
        let held: BTreeSet<_> = jobs.keys().map(|(held, _)| *held).collect();
        let mut wanted = LoadQuery::default();
        let ids = held.iter().map(|held| claim.held[*held].id);
        wanted.turns.extend(ids);
        let mut known = self.access.load(&wanted).await?;
        let mut turns = stored_turns(&mut known, claim, held);
        let events = || {
            let events = turns.iter();
            events.flat_map(|(turn, events)| events.iter().map(|event| (turn.held, *event)))
        };
        if !is_whole {
            let mut wanted = LoadQuery::default();
            let others = events().filter(|event| !jobs.contains_key(event));
            wanted.events.extend(others.map(|(_, event)| event));
            if !wanted.is_empty() {
                known.extend(self.access.load(&wanted).await?);
            }
        }
        let listed: HashSet<_> = events().collect();
        let missing = jobs.iter().filter(|(event, _)| !listed.contains(event));
        let mut missing: Vec<_> = missing.map(|(_, job)| *job).collect();
        missing.sort_unstable();
        turns.extend(self.add_missing_turns(batch, claim, &missing).await?);

        let deferred: HashSet<_> = claim.deferred.iter().copied().collect();
        turns.sort_by_key(|(turn, _)| (turn.held, turn.partition, turn.place.number));
        let mut after = vec![SmallVec::new(); claim.jobs.len()];
        let (mut partition, mut previous, mut is_behind) = (None, None, false);
        for (mut turn, events) in turns {
            if partition != Some((turn.held, turn.partition)) {
                partition = Some((turn.held, turn.partition));
                (previous, is_behind) = (None, false);
            }
            turn.open = 0;
            let (at, id) = (claim.turns.len(), claim.held[turn.held].id);
            for event in events {
                if let Some(&at_job) = jobs.get(&(turn.held, event)) {
                    let job = &mut claim.jobs[at_job];
                    job.turns.push(at);
                    job.is_behind |= is_behind;
                    let before = previous.replace(at_job);
                    after[at_job].extend(before.filter(|before| *before != at_job));
                    turn.open += 1;
                } else if deferred.contains(&event) || is_open(&known, id, &event) {
                    is_behind = true;
                    turn.open += 1;
                }
            }
            claim.turns.push(turn);
        }
        let (mut lost, mut ordered) = (0, in_order(std::mem::take(&mut claim.jobs), &after));
        // An event without a turn is left to the call that has its webhook by now.
        ordered.retain(|job| {
            lost += usize::from(job.turns.is_empty());
            !job.turns.is_empty()
        });
        claim.jobs = ordered;
        claim.busy += lost;
        Ok(())
    }

    /// Adds turns of jobs that have none, and returns them with their events.
    async fn add_missing_turns(
        self,
        batch: &Batch,
        claim: &mut Claim,
        missing: &[usize],
    ) -> Result<Vec<(HeldTurn, Vec<Fingerprint>)>, StoreError> {
        let mut turns = Vec::new();
        for missing in missing.chunks(PART) {
            let (known, claimed) = (claim.known(), &*claim);
            let event = |job: usize| batch.fingerprint(claimed.jobs[job].event);
            let add = |draft: &mut Draft<'_, '_>| {
                let mut places = self.core.places();
                let mut new: BTreeMap<usize, NewTurns> = BTreeMap::new();
                for &at in missing {
                    let job = &claimed.jobs[at];
                    let row = draft.webhook(claimed.held[job.held].id)?;
                    let lease = row.and_then(|row| row.lease);
                    if lease.is_none_or(|lease| lease.holder != self.holder) {
                        continue; // The new holder adds them.
                    }
                    let event = &batch.events[job.event];
                    let new = new.entry(job.held).or_default();
                    let contact = job.stored.contact();
                    for key in partitions_of(draft, &mut places, event, contact)? {
                        new.entry(key).or_default().push(at);
                    }
                }
                let (mut added, mut held_rows) = (Vec::new(), Vec::new());
                for (held, new) in new {
                    let id = claimed.held[held].id;
                    // The row is written, so that a call that deletes it knows all turns.
                    if let Some(mut row) = draft.webhook(id)? {
                        row.lease = Some(self.core.settings.lease_of(self.holder));
                        draft.put_webhook(id, row)?;
                    }
                    let turns = add_turns(draft, id, held, &new, event)?;
                    added.extend(turns.into_iter().zip(new.into_values()));
                    held_rows.extend(draft.webhook_after(id)?.map(|row| (held, row)));
                }
                Ok((added, held_rows, places.into_added()))
            };
            let added = transact(self.access, known, First::New, Durability::Process, add);
            let (added, held_rows, tenants) = added.await?;
            self.core.add_tenants(&tenants);
            let added = added.into_iter();
            turns.extend(added.map(|(turn, jobs)| (turn, jobs.into_iter().map(event).collect())));
            for (held, row) in held_rows {
                claim.held[held].stored = row;
            }
        }
        Ok(turns)
    }
}

/// Returns the stored turns of webhooks with their events, without those that a claim has already.
fn stored_turns(
    known: &mut Snapshot,
    claim: &Claim,
    held: BTreeSet<usize>,
) -> Vec<(HeldTurn, Vec<Fingerprint>)> {
    let found = claim.turns.iter();
    let found = found.map(|turn| (turn.partition, turn.place.number));
    let found: HashSet<_> = found.collect();
    let mut turns = Vec::new();
    for held in held {
        let stored = known.turns.remove(&claim.held[held].id);
        for stored in stored.unwrap_or_default() {
            if !found.contains(&(stored.row.partition, stored.row.place.number)) {
                turns.push((HeldTurn::of(held, &stored, 0), stored.row.events));
            }
        }
    }
    turns
}

/// Returns jobs in their order, but each behind those that it comes after.
fn in_order(jobs: Vec<Job>, after: &[SmallVec<[usize; 2]>]) -> Vec<Job> {
    let mut jobs: Vec<_> = jobs.into_iter().map(Some).collect();
    let mut is_seen = vec![false; jobs.len()];
    let (mut ordered, mut stack) = (Vec::with_capacity(jobs.len()), Vec::new());
    for first in 0..jobs.len() {
        if std::mem::replace(&mut is_seen[first], true) {
            continue;
        }
        stack.push(first);
        while let Some(&job) = stack.last() {
            if let Some(&before) = after[job].iter().find(|before| !is_seen[**before]) {
                is_seen[before] = true;
                stack.push(before);
            } else {
                stack.pop();
                ordered.extend(jobs[job].take());
            }
        }
    }
    ordered
}

/// Returns whether an event is open in a webhook.
fn is_open(known: &Snapshot, id: WebhookId, event: &Fingerprint) -> bool {
    let webhook = known.events.get(event).copied().flatten();
    let progress = known.progress.get(event).and_then(Option::as_ref);
    webhook == Some(id) && progress.is_none_or(|row| row.state == EventState::Open)
}
