//! The claim of a webhook: its events are stored, and leased to be delivered.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use smallvec::SmallVec;

use super::Call;
use super::batch::{Batch, NewBody};
use super::claimer::{Claimer, Part};
use super::dead_letter::{clear_unreadable, unreadable_key};
use super::record::Stored;
use super::transact::{First, transact};
use super::turns::HeldTurn;
use crate::store::{
    Durability, Fingerprint, LoadQuery, ProgressRow, Snapshot, StoreError, Versioned, WebhookId,
    WebhookKind, WebhookRow,
};

/// The most events that are claimed in one commit, so that no other commit waits for long.
pub(super) const PART: usize = 2_000;

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
    /// Those of them that belong to a webhook that is held.
    pub(super) deferred: Vec<Fingerprint>,
    /// The turns of the jobs, if they are delivered in order.
    pub(super) turns: Vec<HeldTurn>,
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
    /// The places of its turns among those of the claim.
    pub(super) turns: SmallVec<[usize; 2]>,
    /// Whether an event before it in a turn is open and is not delivered by this claim.
    pub(super) is_behind: bool,
    /// Whether the event was stored by this claim.
    pub(super) is_new: bool,
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

impl Claim {
    /// Returns the rows of the webhooks that are held, which need not be loaded.
    pub(super) fn known(&self) -> Snapshot {
        let mut known = Snapshot::default();
        let held = self.held.iter();
        let rows = held.map(|held| (held.id, Some(held.stored.clone())));
        known.webhooks.extend(rows);
        known
    }

    fn add(&mut self, part: Part) {
        self.jobs.extend(part.claim.jobs);
        self.held.extend(part.claim.held);
        self.turns.extend(part.claim.turns);
        self.deferred.extend(part.claim.deferred);
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

    pub(super) fn place_of(&self, id: WebhookId) -> Option<usize> {
        self.held.iter().position(|held| held.id == id)
    }

    /// Leaves the events of a webhook to its new holder.
    fn lose(&mut self, id: WebhookId) {
        let (place, jobs) = (self.place_of(id), self.jobs.len());
        self.jobs.retain(|job| Some(job.held) != place);
        self.busy += jobs - self.jobs.len();
    }

    /// Returns how many jobs a webhook has.
    pub(super) fn open_of(&self, id: WebhookId) -> usize {
        let place = self.place_of(id);
        let jobs = self.jobs.iter();
        jobs.filter(|job| Some(job.held) == place).count()
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
        claim.duplicates = batch.events.len() - batch.distinct().len();
        let unfinished = match batch.replay {
            Some(_) => self.unfinished_replays(batch).await?,
            None => Vec::new(),
        };
        let happens_again = match batch.distinct().len() {
            _ if batch.replay.is_some() => Some(true),
            0..=PART => None,
            _ => Some(self.happens_again(batch, new.id).await?),
        };
        let mut left_out: Vec<usize> = Vec::new();
        let mut rest: Option<Vec<u8>> = None;
        let mut left = batch.distinct().len();
        // A log has bodies without events, too.
        let parts = batch.distinct().chunks(PART).map(Some);
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
                        claimer.unfinished = &unfinished;
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
        if batch.unique().count() == batch.distinct().len() {
            return Ok(true);
        }
        let unique: Vec<_> = batch.unique().map(|at| batch.fingerprint(at)).collect();
        for part in unique.chunks(PART) {
            let mut wanted = LoadQuery::default();
            wanted.events.extend(part);
            let known = self.access.load(&wanted).await?;
            let mut webhooks = known.events.values();
            if webhooks.any(|webhook| webhook.is_none_or(|webhook| webhook == id)) {
                return Ok(true);
            }
        }
        Ok(unique.is_empty())
    }

    /// Returns the webhooks of the same replay of which an event of the batch is unfinished: their
    /// events are claimed where they are open, and are duplicates where they are not. A replay of a
    /// tenant and one of the whole body share keys, so each has events that the other one lacks.
    async fn unfinished_replays(self, batch: &Batch) -> Result<Vec<WebhookId>, StoreError> {
        let mut unfinished = Vec::new();
        for part in batch.fingerprints.chunks(PART) {
            let mut wanted = LoadQuery::default();
            wanted.events.extend(part);
            let known = self.access.load(&wanted).await?;
            for (event, webhook) in &known.events {
                let Some(id) = webhook else { continue };
                let row = known.webhooks.get(id).and_then(Option::as_ref);
                let has_unclaimed = row.is_some_and(|webhook| webhook.row.unclaimed > 0);
                if (has_unclaimed || known.is_open(event)) && !unfinished.contains(id) {
                    unfinished.push(*id);
                }
            }
        }
        Ok(unfinished)
    }

    /// Claims the open events of a stored body that this call has leased; those whose time has not
    /// come only if it `is_early`. Events that the body has more than when it was stored, as
    /// another version of this crate reads it, are added only if it has fewer open ones than its
    /// row says.
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
        for part in batch.distinct().chunks(PART) {
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
        // Without any, another webhook has them by now, and the row says so.
        let none = (missing.is_empty() && row.unclaimed > 0).then_some(&[][..]);
        for part in missing.chunks(PART).chain(none) {
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
        if self.core.settings.in_order {
            self.find_turns(batch, claim, true).await?;
        }
        Ok(())
    }
}
