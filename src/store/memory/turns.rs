//! The table of turns.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use crate::store::error::conflict;
use crate::store::{
    Changes, Fingerprint, PartitionKey, PartitionRow, StoreError, StoredTurn, TurnChange,
    TurnPosition, TurnRow, WebhookId,
};

#[derive(Default)]
pub(super) struct TurnTable {
    partitions: HashMap<PartitionKey, BTreeMap<i64, (WebhookId, Vec<Fingerprint>)>>,
    of_webhooks: HashMap<WebhookId, BTreeSet<(PartitionKey, i64)>>,
}

impl TurnTable {
    pub(super) fn partition(&self, key: PartitionKey) -> Option<PartitionRow> {
        let turns = self.partitions.get(&key)?;
        let last = position(turns.last_key_value()?);
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
            let next = turns.range(number + 1..).next().map(position);
            let row = TurnRow::new(*partition, position(turn), turn.1.1.clone());
            Some(StoredTurn::new(row, is_held_back, next))
        });
        turns.collect()
    }

    pub(super) fn validate(&self, changes: &Changes<'_>) -> Result<(), StoreError> {
        // The last numbers of partitions and the deleted turns, as of the changes so far.
        let mut last = HashMap::new();
        let mut over: HashMap<PartitionKey, BTreeSet<i64>> = HashMap::new();
        for change in &changes.turns {
            match change {
                TurnChange::Insert(row) => {
                    let stored = self.partition(row.partition).map(|row| row.last.number);
                    let last = last.entry(row.partition).or_insert(stored.unwrap_or(0));
                    if *last + 1 != row.position.number {
                        return Err(conflict("the last turn of a partition"));
                    }
                    *last += 1;
                }
                TurnChange::Delete {
                    partition,
                    position,
                    next,
                } => {
                    let turns = self.partitions.get(partition);
                    let turn = turns.and_then(|turns| turns.get(&position.number));
                    let over = over.entry(*partition).or_default();
                    let later = turns.into_iter();
                    let mut later = later.flat_map(|turns| turns.range(position.number + 1..));
                    let found = later.find(|(number, _)| !over.contains(number));
                    if turn.is_none_or(|(webhook, _)| *webhook != position.webhook)
                        || found.map(|(number, _)| *number) != *next
                    {
                        return Err(conflict("a turn that is over"));
                    }
                    over.insert(position.number);
                }
            }
        }
        Ok(())
    }

    pub(super) fn apply(&mut self, changes: &Changes<'_>) {
        for change in &changes.turns {
            match change {
                TurnChange::Insert(TurnRow {
                    partition,
                    position,
                    events,
                }) => {
                    let turns = self.partitions.entry(*partition).or_default();
                    turns.insert(position.number, (position.webhook, events.clone()));
                    let of_webhook = self.of_webhooks.entry(position.webhook).or_default();
                    of_webhook.insert((*partition, position.number));
                }
                TurnChange::Delete {
                    partition,
                    position,
                    ..
                } => self.remove(*partition, *position),
            }
        }
    }

    fn remove(&mut self, partition: PartitionKey, position: TurnPosition) {
        if let Some(turns) = self.partitions.get_mut(&partition) {
            turns.remove(&position.number);
            if turns.is_empty() {
                self.partitions.remove(&partition);
            }
        }
        if let Some(turns) = self.of_webhooks.get_mut(&position.webhook) {
            turns.remove(&(partition, position.number));
            if turns.is_empty() {
                self.of_webhooks.remove(&position.webhook);
            }
        }
    }

    /// Deletes up to `limit` turns of webhooks without open events, and returns their number.
    pub(super) fn prune(&mut self, is_open: impl Fn(WebhookId) -> bool, limit: usize) -> usize {
        let left = self.of_webhooks.iter().filter(|(id, _)| !is_open(**id));
        let left = left.flat_map(|(webhook, turns)| {
            turns.iter().map(|(partition, number)| {
                let (number, webhook) = (*number, *webhook);
                (*partition, TurnPosition { number, webhook })
            })
        });
        let left: Vec<_> = left.take(limit).collect();
        for (partition, position) in &left {
            self.remove(*partition, *position);
        }
        left.len()
    }
}

fn position((number, (webhook, _)): (&i64, &(WebhookId, Vec<Fingerprint>))) -> TurnPosition {
    TurnPosition {
        number: *number,
        webhook: *webhook,
    }
}
