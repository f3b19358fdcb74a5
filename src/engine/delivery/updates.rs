//! Updates of webhooks and events, and their commit: progress, leases and turns.

use std::collections::HashMap;
use std::mem;
use std::time::Instant;

use parking_lot::Mutex;

use super::turn_tracker::HeldBackEvents;
use crate::engine::EngineCall;
use crate::engine::claim::{EndedTurn, LeasedWebhook, Waiting, end_turns, ended_as_stored};
use crate::engine::transaction::{Draft, FirstAttempt, Undecided, transact};
use crate::store::{
    Due, Durability, EventState, Fingerprint, ProgressRow, ReceiverState, Snapshot, StoreError,
    Versioned, WebhookId, WebhookRow,
};

/// The progress of an event, to be written.
#[derive(Clone, Debug)]
pub(crate) struct EventUpdate {
    pub(super) key: Fingerprint,
    pub(super) progress: EventProgress,
}

#[derive(Clone, Debug)]
pub(super) enum EventProgress {
    /// The event is finished.
    Finished,
    /// The event is open or dead, or finished with successes of its own.
    Row(ProgressRow),
}

impl EventProgress {
    pub(super) fn state(&self) -> EventState {
        match self {
            Self::Finished => EventState::Finished,
            Self::Row(row) => row.state,
        }
    }
}

/// The updates of a leased webhook.
#[derive(Clone, Debug)]
pub(super) struct WebhookUpdate {
    pub(super) id: WebhookId,
    /// The row as this engine wrote it last; `None` if it must be loaded.
    pub(super) stored: Option<Versioned<WebhookRow>>,
    pub(super) events: Vec<EventUpdate>,
    /// The open events that this call has found to be due later.
    pub(super) waiting: Waiting,
    /// The turns that have ended.
    pub(super) ended: Vec<EndedTurn>,
    /// The open events that were held back.
    pub(super) held_back: HeldBackEvents,
    /// `true` if another call has written the row since the claim.
    pub(super) is_changed: bool,
}

/// The updates of a call whose commit is not confirmed.
///
/// If they are dropped, as after a failed commit or with the future of a call, the engine keeps
/// them, and its next call writes them first.
#[derive(Debug)]
pub(crate) struct PendingUpdates<'e> {
    pub(super) kept: &'e KeptUpdates,
    pub(super) holder: i64,
    pub(super) webhooks: Vec<WebhookUpdate>,
}

/// The unconfirmed updates of earlier calls, by the holders of their leases.
#[derive(Debug, Default)]
pub(crate) struct KeptUpdates(Mutex<HashMap<i64, Vec<WebhookUpdate>>>);

impl KeptUpdates {
    /// Adds updates of a holder behind the earlier ones.
    fn add(&self, holder: i64, webhooks: Vec<WebhookUpdate>) {
        if webhooks.is_empty() {
            return;
        }
        let mut kept = self.0.lock();
        let kept = kept.entry(holder).or_default();
        for webhook in webhooks {
            match kept.iter_mut().find(|known| known.id == webhook.id) {
                None => kept.push(webhook),
                Some(known) => {
                    known.events.extend(webhook.events);
                    known.ended.extend(webhook.ended);
                    known.stored = None;
                }
            }
        }
    }

    fn take_one(&self) -> Option<(i64, Vec<WebhookUpdate>)> {
        let mut kept = self.0.lock();
        let holder = *kept.keys().next()?;
        kept.remove_entry(&holder)
    }
}

impl Drop for PendingUpdates<'_> {
    fn drop(&mut self) {
        if !self.webhooks.is_empty() {
            self.kept.add(self.holder, mem::take(&mut self.webhooks));
        }
    }
}

/// The result of a checkpoint for a webhook.
pub(super) enum Written {
    /// The lease belongs to another holder, or the webhook was deleted.
    Lost,
    /// The present row; `None` if it was deleted.
    Current(Option<Versioned<WebhookRow>>),
}

impl EngineCall<'_> {
    /// Writes the updates that earlier calls could not write.
    ///
    /// # Errors
    ///
    /// When the store fails. The updates are kept.
    pub(crate) async fn write_kept_updates(self) -> Result<(), StoreError> {
        while let Some((holder, mut webhooks)) = self.core.kept_updates.take_one() {
            if self.core.settings.in_order {
                // Their turns must be loaded, as other calls may have changed them since.
                for webhook in &mut webhooks {
                    webhook.stored = None;
                }
            }
            let mut updates = PendingUpdates {
                kept: &self.core.kept_updates,
                holder,
                webhooks,
            };
            self.write(&mut updates, true).await?;
        }
        Ok(())
    }

    /// Keeps leases that this call may have, so that the next call returns them.
    pub(crate) fn keep_leases(self, webhooks: Vec<WebhookId>) {
        let webhooks = webhooks.into_iter().map(|id| WebhookUpdate::new(id, None));
        self.core.kept_updates.add(self.holder, webhooks.collect());
    }

    /// Returns leases.
    pub(crate) async fn return_leases(self, leased: &[LeasedWebhook]) -> Result<(), StoreError> {
        let mut updates = PendingUpdates {
            kept: &self.core.kept_updates,
            holder: self.holder,
            webhooks: leased.iter().map(WebhookUpdate::of).collect(),
        };
        self.write(&mut updates, true).await.map(drop)
    }

    /// Writes updates and renews the leases. The last write returns the leases instead, and makes
    /// the earlier writes durable, too.
    pub(super) async fn write(
        self,
        updates: &mut PendingUpdates<'_>,
        is_last: bool,
    ) -> Result<Vec<Written>, StoreError> {
        let durability = if is_last {
            Durability::Disk
        } else {
            Durability::Process
        };
        let mut known = Snapshot::default();
        for webhook in &updates.webhooks {
            if let Some(stored) = &webhook.stored {
                known.webhooks.insert(webhook.id, Some(stored.clone()));
            }
        }
        let mut releases = false;
        let decide = |draft: &mut Draft<'_, '_>| {
            let mut written = Vec::with_capacity(updates.webhooks.len());
            let webhooks = updates.webhooks.iter();
            let is_known = |w: &WebhookUpdate| {
                let may_be_released = is_last && w.held_back.count > 0 && w.is_changed;
                w.stored.is_some() && !may_be_released
            };
            let is_first = draft.is_optimistic() && webhooks.clone().all(is_known);
            if !is_first {
                for webhook in webhooks {
                    draft.request_webhook(webhook.id);
                    let updates = webhook.events.iter();
                    updates.for_each(|update| draft.request_event(update.key));
                    if self.core.settings.in_order {
                        draft.request_turns(webhook.id);
                    }
                }
                draft.load_requested()?;
            }
            let mut is_held = Vec::with_capacity(updates.webhooks.len());
            let mut ended = Vec::new();
            for webhook in &updates.webhooks {
                let is_webhook_held = self.update_webhook(
                    draft,
                    updates.holder,
                    webhook,
                    is_first,
                    is_last,
                    &mut ended,
                )?;
                is_held.push(is_webhook_held);
            }
            releases |= end_turns(draft, updates.holder, ended)?;
            // After the turns, as the end of another webhook's turn may have written the row.
            for (webhook, is_held) in updates.webhooks.iter().zip(is_held) {
                written.push(if is_held {
                    Written::Current(draft.webhook_after(webhook.id)?)
                } else {
                    Written::Lost
                });
            }
            Ok(written)
        };
        let written = transact(
            self.access,
            known,
            FirstAttempt::Optimistic,
            durability,
            decide,
        )
        .await?;
        if releases && self.core.settings.is_tended {
            self.core.tending.add_work();
        }
        updates.webhooks.clear();
        Ok(written)
    }

    /// Decides about the updates of one webhook. In the first attempt its row is as this engine
    /// wrote it last, so that the lease and the events are known. Adds the turns that have ended to
    /// `ended`. Returns whether the holder still has the lease.
    fn update_webhook(
        self,
        draft: &mut Draft<'_, '_>,
        holder: i64,
        webhook: &WebhookUpdate,
        is_first: bool,
        is_last: bool,
        ended: &mut Vec<EndedTurn>,
    ) -> Result<bool, Undecided> {
        let id = webhook.id;
        if is_last && is_returned(draft, webhook)? {
            return Ok(true);
        }
        let Some(mut row) = draft.webhook(id)? else {
            return Ok(false);
        };
        if row.lease.is_none_or(|lease| lease.holder != holder) {
            record_successes(draft, webhook)?;
            return Ok(false);
        }
        if is_last && finishes_all(&row, &webhook.events) {
            // The row is enough: its events need no rows of progress.
            row.open = 0;
        } else {
            for update in &webhook.events {
                write_progress(draft, id, &mut row, update, is_first)?;
            }
        }
        let mut is_released = false;
        if is_first {
            ended.extend(&webhook.ended);
        } else if self.core.settings.in_order {
            let turns = draft.turns(id)?;
            let is_over = row.open == 0 && row.unclaimed == 0;
            ended.extend(ended_as_stored(&webhook.ended, turns, is_over));
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

/// Returns whether an earlier attempt of unknown result has returned the lease: the webhook was
/// deleted, or has the next version and no lease.
fn is_returned(draft: &mut Draft<'_, '_>, webhook: &WebhookUpdate) -> Result<bool, Undecided> {
    let Some(before) = webhook.stored.as_ref().filter(|_| draft.is_uncertain()) else {
        return Ok(false);
    };
    let now = draft.webhook_after(webhook.id)?;
    Ok(now.is_none_or(|now| now.version == before.version + 1 && now.row.lease.is_none()))
}

/// Writes the progress of an event, if it is still open.
fn write_progress(
    draft: &mut Draft<'_, '_>,
    id: WebhookId,
    row: &mut WebhookRow,
    update: &EventUpdate,
    is_first: bool,
) -> Result<(), Undecided> {
    let stored = if is_first {
        None
    } else {
        let Some(stored) = open_progress(draft, id, update.key)? else {
            return Ok(());
        };
        Some(stored)
    };
    match update.progress.state() {
        EventState::Open => {}
        EventState::Finished => row.open = row.open.saturating_sub(1),
        EventState::Dead => {
            row.open = row.open.saturating_sub(1);
            row.dead += 1;
        }
    }
    let progress = match &update.progress {
        EventProgress::Finished => ProgressRow {
            state: EventState::Finished,
            ..ProgressRow::new(id, String::new())
        },
        EventProgress::Row(progress) => {
            let mut progress = progress.clone();
            if let Some(stored) = stored {
                add_successes(&mut progress, &stored);
            }
            progress
        }
    };
    draft.put_progress(update.key, progress);
    Ok(())
}

/// Returns the stored progress of an event if the event is still open in this webhook.
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

/// Writes the successes of receivers after the lease was lost. The rest of the progress is up to
/// the new holder.
#[cold]
fn record_successes(draft: &mut Draft<'_, '_>, webhook: &WebhookUpdate) -> Result<(), Undecided> {
    let row = draft.webhook(webhook.id)?;
    let Some(row) = row.filter(|row| row.open > 0) else {
        return Ok(());
    };
    let mut is_changed = false;
    for update in &webhook.events {
        let EventProgress::Row(newer) = &update.progress else {
            continue;
        };
        if let Some(mut stored) = open_progress(draft, webhook.id, update.key)?
            && add_successes(&mut stored, newer)
        {
            stored.key.clone_from(&newer.key);
            draft.put_progress(update.key, stored);
            is_changed = true;
        }
    }
    if is_changed {
        draft.put_webhook(webhook.id, row)?;
    }
    Ok(())
}

/// Adds the successes in another progress of the same event. Returns whether there were new ones.
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

/// Returns whether updates finish all open events of a webhook, so that no rows of progress are
/// needed. With dead events they are needed: a requeued one opens the webhook again, and without
/// rows its finished events would count as open.
fn finishes_all(webhook: &WebhookRow, updates: &[EventUpdate]) -> bool {
    webhook.dead == 0
        && webhook.unclaimed == 0
        && updates.len() == webhook.open as usize
        && (updates.iter()).all(|update| update.progress.state() == EventState::Finished)
}

impl WebhookUpdate {
    fn new(id: WebhookId, stored: Option<Versioned<WebhookRow>>) -> Self {
        Self {
            id,
            stored,
            events: Vec::new(),
            waiting: Waiting::default(),
            ended: Vec::new(),
            held_back: HeldBackEvents::default(),
            is_changed: false,
        }
    }

    pub(super) fn of(leased: &LeasedWebhook) -> Self {
        Self::new(leased.id, Some(leased.stored.clone()))
    }

    /// Returns the time at which the first open event is due: at once unless the times of all are
    /// known.
    fn due(&self, row: &WebhookRow) -> Due {
        match self.waiting.first {
            Some(first) if self.waiting.events == row.open && row.unclaimed == 0 => {
                Due::after(first.saturating_duration_since(Instant::now()))
            }
            _ => Due::Now,
        }
    }
}
