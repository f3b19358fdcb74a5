//! The tables of webhooks, events and progress.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::ops::Bound::{Excluded, Unbounded};
use std::sync::Arc;

use crate::model::Timestamp;
use crate::store::error::{check_version, conflict, full};
use crate::store::{
    BacklogRow, Changes, DeadEventPosition, EventChange, EventState, Fingerprint, Lease,
    LeaseQuery, LeasedPage, ProgressRow, Prune, Pruned, StoreError, Versioned, WebhookChange,
    WebhookId, WebhookKind, WebhookPage, WebhookQuery, WebhookRow,
};

/// The greatest fingerprint, after which there is no event.
pub(super) const LAST: Fingerprint = Fingerprint([0xff; 16]);

/// The tables of webhooks, events and progress.
///
/// Rows that may be evicted are in [`finished`](Self::finished) and [`evictable`](Self::evictable), so
/// that the first one is found without a search. When a webhook opens, closes or is deleted, its events
/// are added or removed there, in time proportional to their number.
#[derive(Default)]
pub(super) struct WebhookTable {
    webhooks: BTreeMap<WebhookId, WebhookEntry>,
    unsettled: BTreeSet<WebhookId>,
    /// The closed webhooks, which may be evicted.
    evictable: BTreeSet<WebhookId>,
    /// The webhooks with dead events.
    with_dead: BTreeSet<WebhookId>,
    events: BTreeMap<Fingerprint, EventEntry>,
    /// The events by webhook, including deleted webhooks.
    events_by_webhook: HashMap<WebhookId, HashSet<Fingerprint>>,
    last_event: u64,
    /// The finished events in the order of their insertion.
    finished: BTreeMap<u64, Fingerprint>,
    progress: HashMap<Fingerprint, ProgressEntry>,
    /// The rows of progress by webhook.
    progress_by_webhook: HashMap<WebhookId, HashSet<Fingerprint>>,
    last_death: i64,
    dead: BTreeMap<DeadEventPosition, Fingerprint>,
}

struct WebhookEntry {
    stored: Versioned<WebhookRow>,
    body: Arc<[u8]>,
}

#[derive(Clone, Copy)]
struct EventEntry {
    webhook: WebhookId,
    /// The position in the order of insertion.
    order: u64,
}

struct ProgressEntry {
    row: ProgressRow,
    /// The number in the order of death.
    died: Option<i64>,
}

impl WebhookTable {
    pub(super) fn webhook(&self, id: WebhookId) -> Option<Versioned<WebhookRow>> {
        self.webhooks.get(&id).map(|webhook| webhook.stored.clone())
    }

    pub(super) fn webhook_version(&self, id: WebhookId) -> Option<i64> {
        self.webhooks.get(&id).map(|webhook| webhook.stored.version)
    }

    /// Returns true if a webhook has open or unclaimed events.
    pub(super) fn is_open(&self, id: WebhookId) -> bool {
        let row = self.webhooks.get(&id).map(|webhook| &webhook.stored.row);
        row.is_some_and(|row| row.open > 0 || row.unclaimed > 0)
    }

    pub(super) fn body(&self, id: WebhookId) -> Option<Vec<u8>> {
        self.webhooks.get(&id).map(|webhook| webhook.body.to_vec())
    }

    /// Returns the webhook of an event.
    pub(super) fn event(&self, key: &Fingerprint) -> Option<WebhookId> {
        self.events.get(key).map(|event| event.webhook)
    }

    pub(super) fn progress(&self, key: &Fingerprint) -> Option<ProgressRow> {
        self.progress.get(key).map(|progress| progress.row.clone())
    }

    pub(super) fn page(&self, query: &WebhookQuery) -> WebhookPage {
        let after = (query.after.map_or(Unbounded, Excluded), Unbounded);
        let entry = |id: &WebhookId| {
            let webhook = self.webhooks.get(id)?;
            let body = query.with_bodies.then(|| webhook.body.to_vec());
            Some((*id, webhook.stored.row.clone(), body))
        };
        if query.only_unsettled {
            let ids = self.unsettled.range(after);
            ids.filter_map(entry).take(query.limit).collect()
        } else {
            let ids = self.webhooks.range(after).map(|(id, _)| id);
            ids.filter_map(entry).take(query.limit).collect()
        }
    }

    pub(super) fn dead_events(
        &self,
        after: Option<DeadEventPosition>,
        limit: usize,
    ) -> Vec<(DeadEventPosition, Fingerprint)> {
        let after = (after.map_or(Unbounded, Excluded), Unbounded);
        let dead = self.dead.range(after).take(limit);
        dead.map(|(position, key)| (*position, *key)).collect()
    }

    pub(super) fn backlog(&self, now: i64) -> BacklogRow {
        let mut backlog = BacklogRow {
            now,
            ..BacklogRow::default()
        };
        let row = |id: &WebhookId| Some(&self.webhooks.get(id)?.stored.row);
        for row in self.unsettled.iter().filter_map(row) {
            let open = u64::from(row.open) + u64::from(row.unclaimed);
            backlog.open += open;
            backlog.held_back += u64::from(row.held_back);
            let lease = row.lease.filter(|lease| !lease.has_expired(now));
            let left = match lease {
                Some(lease) => lease.until.saturating_sub(now),
                None => row.due.remaining(now),
            };
            if lease.is_some() {
                backlog.leased += open;
            } else if left == 0 {
                backlog.due += open;
            }
            backlog.next = backlog.next.into_iter().chain([left]).min();
            if open > 0 {
                let oldest = backlog.oldest.get_or_insert(row.received_at);
                *oldest = row.received_at.min(*oldest);
            }
        }
        for row in self.with_dead.iter().filter_map(row) {
            backlog.dead += u64::from(row.dead);
            backlog.unreadable += u64::from(row.kind == WebhookKind::Unreadable);
        }
        backlog
    }

    /// Checks the versions of the changes, and that the bound allows them.
    pub(super) fn validate(&self, changes: &Changes<'_>, bound: usize) -> Result<(), StoreError> {
        for change in &changes.webhooks {
            let (id, seen) = match change {
                WebhookChange::Insert { id, .. } => (*id, None),
                WebhookChange::Update { id, version, .. }
                | WebhookChange::Replace { id, version, .. }
                | WebhookChange::Delete { id, version } => (*id, Some(*version)),
            };
            check_version(self.webhook_version(id), seen, "a webhook")?;
        }
        for change in &changes.events {
            if self.event(&change.key) != change.before {
                return Err(conflict("an event"));
            }
        }
        self.check_room(changes, bound)
    }

    /// Checks that enough rows can be evicted for the new ones. Rows that the changes touch cannot be.
    fn check_room(&self, changes: &Changes<'_>, bound: usize) -> Result<(), StoreError> {
        let (mut webhooks, mut events) = (0, 0);
        let (mut pinned_webhooks, mut pinned_events) = (0, 0);
        for change in &changes.webhooks {
            match change {
                WebhookChange::Insert { .. } => webhooks += 1,
                WebhookChange::Update { id, row, .. } | WebhookChange::Replace { id, row, .. } => {
                    pinned_webhooks += usize::from(self.evictable.contains(id));
                    if row.open > 0 && self.is_finished_without_progress(*id) {
                        pinned_events += self.events_by_webhook.get(id).map_or(0, HashSet::len);
                    }
                }
                WebhookChange::Delete { .. } => {}
            }
        }
        for change in &changes.events {
            match change.before {
                None => events += 1,
                Some(_) => pinned_events += usize::from(self.is_finished(&change.key)),
            }
        }
        for (key, _) in &changes.progress {
            pinned_events += usize::from(self.events.contains_key(key) && self.is_finished(key));
        }
        let unfinished = self.events.len() - self.finished.len();
        let unclosed = self.webhooks.len() - self.evictable.len();
        if (events > 0 && unfinished + pinned_events + events > bound)
            || (webhooks > 0 && unclosed + pinned_webhooks + webhooks > bound)
        {
            return Err(full());
        }
        Ok(())
    }

    /// Writes the changes, and then evicts rows beyond the bound.
    pub(super) fn apply(&mut self, changes: &Changes<'_>, bound: usize, now: i64) {
        for change in &changes.webhooks {
            match change {
                WebhookChange::Insert { id, row, body } => self.add(*id, row, body, now),
                WebhookChange::Update { id, row, .. } => self.put(*id, row, now),
                WebhookChange::Replace { id, row, body, .. } => {
                    self.put(*id, row, now);
                    if let Some(webhook) = self.webhooks.get_mut(id) {
                        webhook.body = body.as_slice().into();
                    }
                }
                WebhookChange::Delete { id, .. } => self.remove_webhook(*id),
            }
        }
        for change in &changes.events {
            self.apply_event(*change);
        }
        for (key, row) in &changes.progress {
            self.put_progress(*key, row, now);
        }
        while self.events.len() > bound
            && let Some((_, key)) = self.finished.pop_first()
        {
            self.remove_event(&key);
        }
        while self.webhooks.len() > bound
            && let Some(id) = self.evictable.pop_first()
        {
            self.remove_webhook(id);
        }
    }

    fn add(&mut self, id: WebhookId, row: &WebhookRow, body: &[u8], now: i64) {
        let stored = Versioned {
            version: 1,
            row: resolve_times(row, now),
        };
        let body = body.into();
        self.webhooks.insert(id, WebhookEntry { stored, body });
        self.update_queues(id);
        self.update_events(id);
    }

    fn put(&mut self, id: WebhookId, row: &WebhookRow, now: i64) {
        let Some(webhook) = self.webhooks.get_mut(&id) else {
            return;
        };
        let was_open = webhook.stored.row.open > 0;
        webhook.stored.version += 1;
        webhook.stored.row = resolve_times(row, now);
        self.update_queues(id);
        if was_open != (row.open > 0) {
            self.update_events(id);
        }
    }

    fn remove_webhook(&mut self, id: WebhookId) {
        self.webhooks.remove(&id);
        self.update_queues(id);
        for key in self.progress_by_webhook.remove(&id).unwrap_or_default() {
            self.remove_progress(&key);
        }
        self.update_events(id);
    }

    /// Updates the indexes of unsettled, evictable and dead webhooks.
    fn update_queues(&mut self, id: WebhookId) {
        let row = self.webhooks.get(&id).map(|webhook| &webhook.stored.row);
        let is_unsettled = row.is_some_and(WebhookRow::is_unsettled);
        let is_evictable = row.is_some_and(|row| row.is_closed() && !row.is_unsettled());
        update(&mut self.unsettled, id, is_unsettled);
        update(&mut self.evictable, id, is_evictable);
        let has_dead = row.is_some_and(|row| row.dead > 0);
        update(&mut self.with_dead, id, has_dead);
    }

    /// Updates the index of finished events after a webhook was opened, closed or deleted.
    fn update_events(&mut self, id: WebhookId) {
        // Removed during the loop, which avoids a copy.
        let Some(keys) = self.events_by_webhook.remove(&id) else {
            return;
        };
        for key in &keys {
            self.update_event(key);
        }
        self.events_by_webhook.insert(id, keys);
    }

    /// Updates the index of finished events.
    fn update_event(&mut self, key: &Fingerprint) {
        let Some(event) = self.events.get(key) else {
            return;
        };
        let order = event.order;
        if self.is_finished(key) {
            self.finished.insert(order, *key);
        } else {
            self.finished.remove(&order);
        }
    }

    /// Returns true if an event is finished.
    fn is_finished(&self, key: &Fingerprint) -> bool {
        match (self.progress.get(key), self.events.get(key)) {
            (Some(progress), _) => progress.row.state == EventState::Finished,
            (None, Some(event)) => self.is_finished_without_progress(event.webhook),
            (None, None) => false,
        }
    }

    /// Returns true if the events of a webhook without a row of progress are finished.
    fn is_finished_without_progress(&self, id: WebhookId) -> bool {
        let webhook = self.webhooks.get(&id);
        webhook.is_none_or(|webhook| webhook.stored.row.open == 0)
    }

    fn apply_event(&mut self, change: EventChange) {
        let EventChange { key, webhook, .. } = change;
        let order = if let Some(event) = self.events.get(&key).copied() {
            if event.webhook != webhook {
                self.remove_progress(&key);
                self.unlink_event(event.webhook, &key);
            }
            event.order
        } else {
            self.last_event += 1;
            self.last_event
        };
        self.events.insert(key, EventEntry { webhook, order });
        self.events_by_webhook
            .entry(webhook)
            .or_default()
            .insert(key);
        self.update_event(&key);
    }

    fn put_progress(&mut self, key: Fingerprint, row: &ProgressRow, now: i64) {
        let before = self.progress.get(&key);
        let died_before = before.filter(|before| before.row.webhook == row.webhook);
        let died_before = died_before.and_then(|before| before.died);
        self.remove_progress(&key);
        let died = (row.state == EventState::Dead).then(|| {
            died_before.unwrap_or_else(|| {
                self.last_death += 1;
                self.last_death
            })
        });
        if let Some(number) = died {
            let webhook = row.webhook;
            self.dead.insert(DeadEventPosition { webhook, number }, key);
        }
        self.progress_by_webhook
            .entry(row.webhook)
            .or_default()
            .insert(key);
        let row = ProgressRow {
            due: row.due.resolve(now),
            ..row.clone()
        };
        self.progress.insert(key, ProgressEntry { row, died });
        self.update_event(&key);
    }

    fn remove_progress(&mut self, key: &Fingerprint) {
        let Some(ProgressEntry { row, died }) = self.progress.remove(key) else {
            return;
        };
        if let Some(number) = died {
            let webhook = row.webhook;
            self.dead.remove(&DeadEventPosition { webhook, number });
        }
        remove_from(&mut self.progress_by_webhook, row.webhook, key);
    }

    fn remove_event(&mut self, key: &Fingerprint) {
        if let Some(event) = self.events.remove(key) {
            self.finished.remove(&event.order);
            self.unlink_event(event.webhook, key);
            self.remove_progress(key);
        }
    }

    fn unlink_event(&mut self, id: WebhookId, key: &Fingerprint) {
        remove_from(&mut self.events_by_webhook, id, key);
    }

    pub(super) fn lease_due(&mut self, lease: Lease, query: LeaseQuery, now: i64) -> LeasedPage {
        let mut leased = Vec::new();
        let after = (query.after.map_or(Unbounded, Excluded), Unbounded);
        for id in self.unsettled.range(after) {
            if leased.len() == query.limit {
                break;
            }
            let Some(webhook) = self.webhooks.get_mut(id) else {
                continue;
            };
            let Versioned { version, row } = &mut webhook.stored;
            match row.lease {
                Some(running) if running.exceeds_length(now) => {
                    row.lease = Some(running.starting_at(now));
                    *version += 1;
                }
                Some(running) if !running.has_expired(now) => {}
                _ if !query.early && !row.due.has_passed(now) => {}
                _ => {
                    leased.push((*id, webhook.stored.clone()));
                    webhook.stored.row.lease = Some(lease.starting_at(now));
                    webhook.stored.version += 1;
                }
            }
        }
        // With a lease, they remain unsettled.
        leased
    }

    /// Deletes the old events of one step. Returns the number of scanned events, and the result.
    pub(super) fn prune_events(&mut self, step: &Prune, limit: usize) -> (usize, Pruned) {
        let first = WebhookId::at(step.before);
        let after = (step.after.map_or(Unbounded, Excluded), Unbounded);
        let scanned = self.events.range(after).take(limit);
        let scanned: Vec<_> = scanned.map(|(key, event)| (*key, event.webhook)).collect();
        let mut rows = 0;
        for (key, webhook) in &scanned {
            if *webhook < first && self.is_finished(key) {
                self.remove_event(key);
                rows += 1;
            }
        }
        let is_last = scanned.len() < limit;
        let next = scanned.last().map(|(key, _)| *key);
        let next = next.filter(|_| !is_last);
        (scanned.len(), Pruned { rows, next })
    }

    /// Deletes up to `limit` closed webhooks from before a time, and returns their number.
    pub(super) fn prune_webhooks(&mut self, before: Timestamp, limit: usize) -> usize {
        let old = self.evictable.range(..WebhookId::at(before)).take(limit);
        let old: Vec<_> = old.copied().collect();
        for id in &old {
            self.remove_webhook(*id);
        }
        old.len()
    }
}

/// Returns a row whose lease and due time begin now.
fn resolve_times(row: &WebhookRow, now: i64) -> WebhookRow {
    WebhookRow {
        lease: row.lease.map(|lease| lease.starting_at(now)),
        due: row.due.resolve(now),
        ..row.clone()
    }
}

/// Adds an id to a set, or removes it.
fn update(set: &mut BTreeSet<WebhookId>, id: WebhookId, is_in: bool) {
    if is_in {
        set.insert(id);
    } else {
        set.remove(&id);
    }
}

/// Removes a key from the set of a webhook, and the set with its last key.
fn remove_from(
    sets: &mut HashMap<WebhookId, HashSet<Fingerprint>>,
    id: WebhookId,
    key: &Fingerprint,
) {
    if let Some(set) = sets.get_mut(&id) {
        set.remove(key);
        if set.is_empty() {
            sets.remove(&id);
        }
    }
}
