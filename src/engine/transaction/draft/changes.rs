//! The changes that a decision commits.

use std::borrow::Cow;
use std::collections::{HashMap, HashSet};

use super::{Draft, Slot, WebhookSlot};
use crate::store::{Changes, NewStatus, ReadRow, Upsert, WebhookChange};

impl<'a> Draft<'a, '_> {
    pub(crate) fn is_unchanged(&self) -> bool {
        self.is_abandoned || self.has_no_changes()
    }

    fn has_no_changes(&self) -> bool {
        self.numbers.is_empty()
            && self
                .webhooks
                .values()
                .all(|webhook| !webhook.slot.is_written)
            && self.events.is_empty()
            && self.progress.is_empty()
            && self.turns.is_empty()
            && self.contacts.values().all(|slot| !slot.is_written)
            && (self.messages.iter()).all(|slot| slot.new.is_none() && slot.status_at.is_none())
            && self.deleted_messages.is_empty()
            && self.read_conversations.is_empty()
            && self.signups.values().all(|slot| !slot.is_written)
            && self.subscribers.is_empty()
            && self.campaigns.values().all(|slot| !slot.is_written)
            && self.refusals.is_empty()
    }

    pub(crate) fn into_changes(self) -> Changes<'a> {
        let mut changes = Changes {
            revision: self.known.revision,
            numbers: self.numbers.into_iter().collect(),
            merges: self.merges,
            deleted_contacts: self.deleted_contacts,
            deleted_messages: self.deleted_messages,
            read_conversations: self.read_conversations,
            subscribers: self.subscribers,
            refusals: self.refusals,
            progress: self.progress,
            turns: self.turns,
            ..Changes::default()
        };
        let reads = &mut changes.reads;
        for (id, webhook) in self.webhooks {
            let WebhookSlot {
                slot,
                body,
                replaced,
            } = webhook;
            changes.webhooks.push(
                match (slot.is_written, slot.seen, slot.row.map(Cow::into_owned)) {
                    (true, None, Some(row)) => WebhookChange::Insert { id, row, body },
                    (true, Some(version), Some(row)) => match replaced {
                        None => WebhookChange::Update { id, version, row },
                        Some(body) => WebhookChange::Replace {
                            id,
                            version,
                            row,
                            body,
                        },
                    },
                    (true, Some(version), None) => WebhookChange::Delete { id, version },
                    (true, None, None) | (false, ..) => {
                        reads.push(ReadRow::Webhook(id, slot.seen));
                        continue;
                    }
                },
            );
        }
        if !changes.progress.is_empty() {
            // The rows of progress of a deleted webhook are deleted with it.
            let webhooks = &changes.webhooks;
            let goes = |of| {
                let mut webhooks = webhooks.iter();
                webhooks
                    .any(|change| matches!(change, WebhookChange::Delete { id, .. } if *id == of))
            };
            changes.progress.retain(|(_, row)| !goes(row.webhook));
        }
        if !self.read_events.is_empty() {
            let written: HashSet<_> = self.events.iter().map(|event| event.key).collect();
            let read = self.read_events.into_iter();
            for key in read.filter(|key| !written.contains(key)) {
                reads.push(ReadRow::Event(key, self.known.events[&key]));
            }
        }
        changes.events = self.events;
        for (key, slot) in self.contacts {
            match slot.row {
                Some(row) if slot.is_written => changes.contacts.push(Upsert {
                    key,
                    version: slot.seen,
                    row: row.into_owned(),
                }),
                _ if slot.is_written => {} // The contact is merged or deleted.
                _ => reads.push(ReadRow::Contact(key, slot.seen)),
            }
        }
        let holders = self.holders.into_iter();
        reads.extend(holders.map(|(key, holders)| ReadRow::Holders(key, holders.seen.to_vec())));
        for slot in self.messages {
            let (key, version) = (slot.key, slot.seen);
            let status = slot.state.and_then(|state| state.status);
            if let Some(row) = slot.new {
                changes.messages.push(Upsert { key, version, row });
            } else if let (Some(status), Some(at)) = (status, slot.status_at) {
                let row = NewStatus::new(status, at);
                changes.statuses.push(Upsert { key, version, row });
            } else {
                reads.push(ReadRow::Message(key, version));
            }
        }
        let read = |key, seen| reads.push(ReadRow::Signup(key, seen));
        changes.signups = split(self.signups, read);
        let read = |key, seen| reads.push(ReadRow::Campaign(key, seen));
        changes.campaigns = split(self.campaigns, read);
        changes
    }
}

/// Splits slots: returns the rows that are written, and passes the others to `read`.
fn split<K, R: Clone>(
    slots: HashMap<K, Slot<'_, R>>,
    mut read: impl FnMut(K, Option<i64>),
) -> Vec<Upsert<K, R>> {
    let mut written = Vec::new();
    for (key, slot) in slots {
        match slot.row {
            Some(row) if slot.is_written => written.push(Upsert {
                key,
                version: slot.seen,
                row: row.into_owned(),
            }),
            _ => read(key, slot.seen),
        }
    }
    written
}
