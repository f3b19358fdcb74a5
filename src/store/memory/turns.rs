//! The turns of partitions.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use super::conflict;
use crate::store::{
    Changes, Fingerprint, PartitionKey, PartitionRow, StoreError, StoredTurn, TurnChange,
    TurnPlace, TurnRow, WebhookId,
};

#[derive(Default)]
pub(super) struct Turns {
    partitions: HashMap<PartitionKey, BTreeMap<i64, (WebhookId, Vec<Fingerprint>)>>,
    of_webhooks: HashMap<WebhookId, BTreeSet<(PartitionKey, i64)>>,
}

impl Turns {
    pub(super) fn partition(&self, key: PartitionKey) -> Option<PartitionRow> {
        let turns = self.partitions.get(&key)?;
        let last = place(turns.last_key_value()?);
        let is_shared = turns.values().any(|(webhook, _)| *webhook != last.webhook);
        Some(PartitionRow::new(last, is_shared))
    }

    pub(super) fn of_webhook(&self, id: WebhookId) -> Vec<StoredTurn> {
        let keys = self.of_webhooks.get(&id).into_iter().flatten();
        let turns = keys.filter_map(|(partition, number)| {
            let turns = self.partitions.get(partition)?;
            let turn = turns.get_key_value(number)?;
            let mut before = turns.range(..number);
            let is_held_back = before.any(|(_, (webhook, _))| *webhook != id);
            let next = turns.range(number + 1..).next().map(place);
            let row = TurnRow::new(*partition, place(turn), turn.1.1.clone());
            Some(StoredTurn::new(row, is_held_back, next))
        });
        turns.collect()
    }

    pub(super) fn validate(&self, changes: &Changes<'_>) -> Result<(), StoreError> {
        // The numbers that partitions end with, and those that are over, by this commit.
        let mut last = HashMap::new();
        let mut over: HashMap<PartitionKey, BTreeSet<i64>> = HashMap::new();
        for change in &changes.turns {
            match change {
                TurnChange::Add(row) => {
                    let stored = self.partition(row.partition).map(|row| row.last.number);
                    let last = last.entry(row.partition).or_insert(stored.unwrap_or(0));
                    if *last + 1 != row.place.number {
                        return Err(conflict("the last turn of a partition"));
                    }
                    *last += 1;
                }
                TurnChange::End {
                    partition,
                    place,
                    next,
                } => {
                    let turns = self.partitions.get(partition);
                    let turn = turns.and_then(|turns| turns.get(&place.number));
                    let over = over.entry(*partition).or_default();
                    let later = turns.into_iter();
                    let mut later = later.flat_map(|turns| turns.range(place.number + 1..));
                    let found = later.find(|(number, _)| !over.contains(number));
                    if turn.is_none_or(|(webhook, _)| *webhook != place.webhook)
                        || found.map(|(number, _)| *number) != *next
                    {
                        return Err(conflict("a turn that is over"));
                    }
                    over.insert(place.number);
                }
            }
        }
        Ok(())
    }

    pub(super) fn apply(&mut self, changes: &Changes<'_>) {
        for change in &changes.turns {
            match change {
                TurnChange::Add(TurnRow {
                    partition,
                    place,
                    events,
                }) => {
                    let turns = self.partitions.entry(*partition).or_default();
                    turns.insert(place.number, (place.webhook, events.clone()));
                    let of_webhook = self.of_webhooks.entry(place.webhook).or_default();
                    of_webhook.insert((*partition, place.number));
                }
                TurnChange::End {
                    partition, place, ..
                } => self.remove(*partition, *place),
            }
        }
    }

    fn remove(&mut self, partition: PartitionKey, place: TurnPlace) {
        if let Some(turns) = self.partitions.get_mut(&partition) {
            turns.remove(&place.number);
            if turns.is_empty() {
                self.partitions.remove(&partition);
            }
        }
        if let Some(turns) = self.of_webhooks.get_mut(&place.webhook) {
            turns.remove(&(partition, place.number));
            if turns.is_empty() {
                self.of_webhooks.remove(&place.webhook);
            }
        }
    }

    /// Deletes up to `limit` turns of webhooks that have no open events. Returns their number.
    pub(super) fn prune(&mut self, is_open: impl Fn(WebhookId) -> bool, limit: usize) -> usize {
        let left = self.of_webhooks.iter().filter(|(id, _)| !is_open(**id));
        let left = left.flat_map(|(webhook, turns)| {
            turns.iter().map(|(partition, number)| {
                let (number, webhook) = (*number, *webhook);
                (*partition, TurnPlace { number, webhook })
            })
        });
        let left: Vec<_> = left.take(limit).collect();
        for (partition, place) in &left {
            self.remove(*partition, *place);
        }
        left.len()
    }
}

fn place((number, (webhook, _)): (&i64, &(WebhookId, Vec<Fingerprint>))) -> TurnPlace {
    TurnPlace {
        number: *number,
        webhook: *webhook,
    }
}
