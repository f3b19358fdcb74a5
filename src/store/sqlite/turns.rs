//! The turns of partitions.

use rusqlite::{Row, params};

use super::error::Error;
use super::session::SqliteTransaction;
use crate::store::{
    Changes, Fingerprint, LoadQuery, PartitionKey, PartitionRow, Snapshot, StoredTurn, TurnChange,
    TurnPosition, TurnRow, WebhookId,
};

/// Reads the turns that are wanted.
pub(super) fn load(
    transaction: &SqliteTransaction<'_>,
    query: &LoadQuery,
    snapshot: &mut Snapshot,
) -> Result<(), Error> {
    let mut last = transaction.statement(
        "SELECT number, webhook, EXISTS (SELECT 1 FROM turn AS other
            WHERE other.partition = turn.partition AND other.webhook <> turn.webhook)
        FROM turn WHERE partition = ?1 ORDER BY number DESC LIMIT 1",
    );
    for partition in &query.partitions {
        let row = last.first([&partition.0], |row| {
            let last = position(row, 0)?.ok_or(Error::CorruptRow)?;
            Ok(PartitionRow::new(last, row.get(2)?))
        })?;
        snapshot.partitions.insert(*partition, row);
    }
    let mut of_webhook = transaction.statement(
        "SELECT turn.number, turn.webhook, turn.partition, turn.events,
            EXISTS (SELECT 1 FROM turn AS before WHERE before.partition = turn.partition
                AND before.number < turn.number AND before.webhook <> turn.webhook),
            next.number, next.webhook
        FROM turn LEFT JOIN turn AS next ON next.partition = turn.partition
            AND next.number = (SELECT min(number) FROM turn AS later
                WHERE later.partition = turn.partition AND later.number > turn.number)
        WHERE turn.webhook = ?1 ORDER BY turn.partition, turn.number",
    );
    for id in &query.turns {
        let turns = of_webhook.all([id.0], turn)?;
        snapshot.turns.insert(*id, turns);
    }
    Ok(())
}

/// Reads a position, which is `NULL` if there is none.
fn position(row: &Row<'_>, column: usize) -> Result<Option<TurnPosition>, Error> {
    match (row.get(column)?, row.get(column + 1)?) {
        (Some(number), Some(webhook)) => {
            let webhook = WebhookId(webhook);
            Ok(Some(TurnPosition { number, webhook }))
        }
        (None, None) => Ok(None),
        _ => Err(Error::CorruptRow),
    }
}

fn turn(row: &Row<'_>) -> Result<StoredTurn, Error> {
    let events = row.get_ref(3)?.as_blob().map_err(|_| Error::CorruptRow)?;
    let (events, rest) = events.as_chunks::<16>();
    if !rest.is_empty() {
        return Err(Error::CorruptRow);
    }
    let events = events.iter().map(|event| Fingerprint(*event)).collect();
    let turn_position = position(row, 0)?.ok_or(Error::CorruptRow)?;
    let partition = PartitionKey(row.get(2)?);
    let turn = TurnRow::new(partition, turn_position, events);
    Ok(StoredTurn::new(turn, row.get(4)?, position(row, 5)?))
}

/// Writes the changes of turns.
pub(super) fn write(
    transaction: &SqliteTransaction<'_>,
    changes: &Changes<'_>,
) -> Result<(), Error> {
    let mut greatest = transaction.statement("SELECT max(number) FROM turn WHERE partition = ?1");
    let mut following =
        transaction.statement("SELECT min(number) FROM turn WHERE partition = ?1 AND number > ?2");
    let mut insert = transaction
        .statement("INSERT INTO turn (partition, number, webhook, events) VALUES (?1, ?2, ?3, ?4)");
    let mut delete = transaction
        .statement("DELETE FROM turn WHERE partition = ?1 AND number = ?2 AND webhook = ?3");
    for change in &changes.turns {
        match change {
            TurnChange::Insert(row) => {
                let before = greatest.first([&row.partition.0], |row| Ok(row.get(0)?))?;
                let before: i64 = before.flatten().unwrap_or(0);
                if before + 1 != row.position.number {
                    return Err(Error::Conflict);
                }
                let events = row.events.iter().map(|event| event.0);
                let events: Vec<_> = events.collect();
                let (partition, position) = (&row.partition.0, row.position);
                let events = events.as_flattened();
                insert.execute(params![
                    partition,
                    position.number,
                    position.webhook.0,
                    events
                ])?;
            }
            TurnChange::Delete {
                partition,
                position,
                next,
            } => {
                let params = params![partition.0, position.number];
                let found = following.first(params, |row| Ok(row.get(0)?))?;
                if found.flatten() != *next {
                    return Err(Error::Conflict);
                }
                delete.execute_one(params![partition.0, position.number, position.webhook.0])?;
            }
        }
    }
    Ok(())
}
