//! The order in which the jobs of a claim are delivered.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use smallvec::SmallVec;

use super::turns::{ClaimedTurn, NewTurns, add_turns, partitions_of};
use super::{Claim, Job, MAX_PART};
use crate::engine::EngineCall;
use crate::engine::batch::Batch;
use crate::engine::transaction::{Draft, FirstAttempt, transact};
use crate::store::{
    Durability, EventState, Fingerprint, LoadQuery, Snapshot, StoreError, WebhookId,
};

impl EngineCall<'_> {
    /// Finds the turns of the jobs that were stored before the claim, and adds turns for the
    /// others: those events were dead, or were stored by an engine that does not deliver in order.
    /// Sorts the jobs by their turns.
    ///
    /// `is_whole`: the batch has all events of its webhook.
    pub(crate) async fn find_turns(
        self,
        batch: &Batch,
        claim: &mut Claim,
        is_whole: bool,
    ) -> Result<(), StoreError> {
        let jobs = claim.jobs.iter().enumerate();
        let jobs = jobs.filter(|(_, job)| job.turns.is_empty());
        let jobs: HashMap<_, _> = jobs
            .map(|(at, job)| ((job.leased, batch.fingerprint(job.event)), at))
            .collect();
        if jobs.is_empty() {
            return Ok(());
        }
        let leased: BTreeSet<_> = jobs.keys().map(|(leased, _)| *leased).collect();
        let mut query = LoadQuery::default();
        let ids = leased.iter().map(|leased| claim.leased[*leased].id);
        query.turns.extend(ids);
        let mut known = self.access.load(&query).await?;
        let mut turns = stored_turns(&mut known, claim, leased);
        let events = || {
            let events = turns.iter();
            events.flat_map(|(turn, events)| events.iter().map(|event| (turn.leased, *event)))
        };
        if !is_whole {
            let mut query = LoadQuery::default();
            let others = events().filter(|event| !jobs.contains_key(event));
            query.events.extend(others.map(|(_, event)| event));
            if !query.is_empty() {
                known.extend(self.access.load(&query).await?);
            }
        }
        let listed: HashSet<_> = events().collect();
        let missing = jobs.iter().filter(|(event, _)| !listed.contains(event));
        let mut missing: Vec<_> = missing.map(|(_, job)| *job).collect();
        missing.sort_unstable();
        turns.extend(self.add_missing_turns(batch, claim, &missing).await?);

        let deferred: HashSet<_> = claim.deferred.iter().copied().collect();
        turns.sort_by_key(|(turn, _)| (turn.leased, turn.partition, turn.position.number));
        let mut after = vec![SmallVec::new(); claim.jobs.len()];
        let (mut partition, mut previous, mut is_behind) = (None, None, false);
        for (mut turn, events) in turns {
            if partition != Some((turn.leased, turn.partition)) {
                partition = Some((turn.leased, turn.partition));
                (previous, is_behind) = (None, false);
            }
            turn.open = 0;
            let (at, id) = (claim.turns.len(), claim.leased[turn.leased].id);
            for event in events {
                if let Some(&at_job) = jobs.get(&(turn.leased, event)) {
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
        // The webhook of an event without a turn has another holder by now, who delivers it.
        ordered.retain(|job| {
            lost += usize::from(job.turns.is_empty());
            !job.turns.is_empty()
        });
        claim.jobs = ordered;
        claim.busy += lost;
        Ok(())
    }

    /// Adds the turns of jobs without one, and returns them with their events.
    async fn add_missing_turns(
        self,
        batch: &Batch,
        claim: &mut Claim,
        missing: &[usize],
    ) -> Result<Vec<(ClaimedTurn, Vec<Fingerprint>)>, StoreError> {
        let mut turns = Vec::new();
        for missing in missing.chunks(MAX_PART) {
            let (known, claimed) = (claim.leased_rows(), &*claim);
            let event = |job: usize| batch.fingerprint(claimed.jobs[job].event);
            let add = |draft: &mut Draft<'_, '_>| {
                let mut resolver = self.core.tenant_resolver();
                let mut new: BTreeMap<usize, NewTurns> = BTreeMap::new();
                for &at in missing {
                    let job = &claimed.jobs[at];
                    let row = draft.webhook(claimed.leased[job.leased].id)?;
                    let lease = row.and_then(|row| row.lease);
                    if lease.is_none_or(|lease| lease.holder != self.holder) {
                        continue; // The new holder adds the turns.
                    }
                    let event = &batch.events[job.event];
                    let new = new.entry(job.leased).or_default();
                    let contact = job.stored.contact();
                    for key in partitions_of(draft, &mut resolver, event, contact)? {
                        new.entry(key).or_default().push(at);
                    }
                }
                let (mut added, mut leased_rows) = (Vec::new(), Vec::new());
                for (leased, new) in new {
                    let id = claimed.leased[leased].id;
                    // The row is written, so that a concurrent delete of it is a conflict, and sees
                    // all turns.
                    if let Some(mut row) = draft.webhook(id)? {
                        row.lease = Some(self.core.settings.lease_of(self.holder));
                        draft.put_webhook(id, row)?;
                    }
                    let turns = add_turns(draft, id, leased, &new, event)?;
                    added.extend(turns.into_iter().zip(new.into_values()));
                    leased_rows.extend(draft.webhook_after(id)?.map(|row| (leased, row)));
                }
                Ok((added, leased_rows, resolver.into_added()))
            };
            let added = transact(
                self.access,
                known,
                FirstAttempt::Optimistic,
                Durability::Process,
                add,
            );
            let (added, leased_rows, tenants) = added.await?;
            self.core.add_tenants(&tenants);
            let added = added.into_iter();
            turns.extend(added.map(|(turn, jobs)| (turn, jobs.into_iter().map(event).collect())));
            for (leased, row) in leased_rows {
                claim.leased[leased].stored = row;
            }
        }
        Ok(turns)
    }
}

/// Returns the stored turns of webhooks with their events, without the turns that the claim has
/// already.
fn stored_turns(
    known: &mut Snapshot,
    claim: &Claim,
    leased: BTreeSet<usize>,
) -> Vec<(ClaimedTurn, Vec<Fingerprint>)> {
    let found = claim.turns.iter();
    let found = found.map(|turn| (turn.partition, turn.position.number));
    let found: HashSet<_> = found.collect();
    let mut turns = Vec::new();
    for leased in leased {
        let stored = known.turns.remove(&claim.leased[leased].id);
        for stored in stored.unwrap_or_default() {
            if !found.contains(&(stored.row.partition, stored.row.position.number)) {
                turns.push((ClaimedTurn::of(leased, &stored, 0), stored.row.events));
            }
        }
    }
    turns
}

/// Sorts jobs so that each one comes behind those that it depends on, and else keeps their order.
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
