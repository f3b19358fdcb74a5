//! The claim of a webhook, part by part.

use super::claimer::{Claimer, Part};
use super::unreadable::{clear_unreadable, unreadable_key};
use super::{Claim, LeasedWebhook, MAX_PART};
use crate::engine::EngineCall;
use crate::engine::batch::{Batch, NewBody};
use crate::engine::transaction::{FirstAttempt, transact};
use crate::store::{Durability, Fingerprint, LoadQuery, StoreError, WebhookId, WebhookKind};

impl Claim {
    fn add(&mut self, part: Part) {
        self.jobs.extend(part.claim.jobs);
        self.leased.extend(part.claim.leased);
        self.turns.extend(part.claim.turns);
        self.deferred.extend(part.claim.deferred);
        self.duplicates += part.claim.duplicates;
        self.busy += part.claim.busy;
        for (id, waiting) in part.claim.waiting {
            self.waiting.entry(id).or_default().add(waiting);
        }
        for leased in &mut self.leased {
            if let Some(stored) = part.leased.get(&leased.id) {
                leased.stored.clone_from(stored);
            }
        }
    }
}

impl EngineCall<'_> {
    /// Claims the events of a body, in one commit, or in several if the body is large. No receiver
    /// runs before the last commit.
    pub(crate) async fn claim_body(
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
            0..=MAX_PART => None,
            _ => Some(self.happens_again(batch, new.id).await?),
        };
        let mut left_out: Vec<usize> = Vec::new();
        let mut rest: Option<Vec<u8>> = None;
        let mut left = batch.distinct().len();
        // A body without events is one part, as it may be logged.
        let parts = batch.distinct().chunks(MAX_PART).map(Some);
        let parts = parts.chain((left == 0).then_some(None));
        for part in parts {
            let part = part.unwrap_or_default();
            left -= part.len();
            let before = &*claim;
            let mut leased_ids = Vec::new();
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
                    claim.leased_rows(),
                    FirstAttempt::Optimistic,
                    durability,
                    |draft| {
                        let mut claimer = Claimer::new(self, batch, before);
                        claimer.happens_again = happens_again;
                        claimer.unfinished = &unfinished;
                        claimer.left_out = &left_out;
                        claimer.is_filtered = rest.is_some();
                        let part = claimer.claim_new(draft, new, part, left)?;
                        leased_ids = part.claim.leased.iter().map(|leased| leased.id).collect();
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
                Ok(lost) if lost.lease_lost => {
                    claim.remove_webhook(new.id);
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
                    // A commit of unknown result may have leased these webhooks.
                    self.keep_leases(leased_ids);
                    return Err(error);
                }
            }
        }
        Ok(())
    }

    /// Returns whether the recurring events of a body have happened again, and Meta has not just
    /// repeated the body: it has a new event, or recurring ones only.
    async fn happens_again(self, batch: &Batch, id: WebhookId) -> Result<bool, StoreError> {
        if batch.unique().count() == batch.distinct().len() {
            return Ok(true);
        }
        let unique: Vec<_> = batch.unique().map(|at| batch.fingerprint(at)).collect();
        for part in unique.chunks(MAX_PART) {
            let mut query = LoadQuery::default();
            query.events.extend(part);
            let known = self.access.load(&query).await?;
            let mut webhooks = known.events.values();
            if webhooks.any(|webhook| webhook.is_none_or(|webhook| webhook == id)) {
                return Ok(true);
            }
        }
        Ok(unique.is_empty())
    }

    /// Returns the webhooks of the same replay that have an unfinished event of the batch. Their
    /// open events are claimed, and the others are duplicates. A replay of a tenant and one of the
    /// whole body share keys, so each may have events that the other one lacks.
    async fn unfinished_replays(self, batch: &Batch) -> Result<Vec<WebhookId>, StoreError> {
        let mut unfinished = Vec::new();
        for part in batch.fingerprints.chunks(MAX_PART) {
            let mut query = LoadQuery::default();
            query.events.extend(part);
            let known = self.access.load(&query).await?;
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

    /// Claims the open events of a stored body that this call has leased; those that are not due
    /// only if it `is_early`. If another version of this crate has stored the body, this one may
    /// find further events in it: they are added only if the body has fewer open events than its
    /// row says.
    pub(crate) async fn claim_stored(
        self,
        batch: &Batch,
        leased: LeasedWebhook,
        kind: WebhookKind,
        body: &[u8],
        is_early: bool,
        claim: &mut Claim,
    ) -> Result<(), StoreError> {
        let id = leased.id;
        claim.leased.push(leased);
        let key = Fingerprint::of(&unreadable_key(body));
        let mut missing = Vec::new();
        for part in batch.distinct().chunks(MAX_PART) {
            let known = claim.leased_rows();
            let before = &*claim;
            let part = transact(
                self.access,
                known,
                FirstAttempt::Loaded,
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
        let Some(index) = claim.leased_index(id) else {
            return Ok(());
        };
        let row = &claim.leased[index].stored.row;
        let waiting = claim.waiting.get(&id).map_or(0, |waiting| waiting.events);
        if row.unclaimed == 0 && claim.jobs.len() + waiting as usize >= row.open as usize {
            missing.clear();
        }
        let mut left = missing.len();
        // Without missing events, other webhooks have them by now, and the row is updated.
        let none = (missing.is_empty() && row.unclaimed > 0).then_some(&[][..]);
        for part in missing.chunks(MAX_PART).chain(none) {
            left -= part.len();
            let known = claim.leased_rows();
            let before = &*claim;
            let part = transact(
                self.access,
                known,
                FirstAttempt::Optimistic,
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
