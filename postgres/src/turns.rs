//! The turns of partitions.

use tokio_postgres::Row;
use whatsapp_signals::store::{
    Fingerprint, LoadQuery, PartitionKey, PartitionRow, Snapshot, StoreError, StoredTurn,
    TurnChange, TurnPosition, TurnRow, WebhookId,
};

use crate::calls::{Calls, Function};
use crate::error::corrupt_row;
use crate::row::{Param, params};
use crate::row::{get, unknown};

/// The last turns of partitions.
pub(crate) const PARTITIONS: &str = "
    SELECT input.partition, last.number, last.webhook,
        EXISTS (SELECT 1 FROM schema.turn AS other WHERE other.partition = input.partition
            AND other.webhook <> last.webhook)
    FROM unnest($1::bytea[]) AS input(partition)
        CROSS JOIN LATERAL (SELECT number, webhook FROM schema.turn
            WHERE turn.partition = input.partition ORDER BY number DESC LIMIT 1) AS last";

/// The turns of webhooks, with those beside them.
pub(crate) const OF_WEBHOOKS: &str = "
    SELECT turn.number, turn.webhook, turn.partition, turn.events,
        EXISTS (SELECT 1 FROM schema.turn AS earlier WHERE earlier.partition = turn.partition
            AND earlier.number < turn.number AND earlier.webhook <> turn.webhook),
        following.number, following.webhook
    FROM schema.turn LEFT JOIN LATERAL (SELECT later.number, later.webhook
        FROM schema.turn AS later
        WHERE later.partition = turn.partition AND later.number > turn.number
        ORDER BY later.number LIMIT 1) AS following ON true
    WHERE turn.webhook = ANY($1) ORDER BY turn.partition, turn.number";

/// Adds and ends turns, one after the other. Row locks keep the neighbors of a turn as they are
/// until the commit.
const CHANGE_TURNS: Function = Function::new(
    "change_turns",
    "bytea[], bigint[], bigint[], bytea[], bigint[]",
    "DECLARE
        neighbour bigint;
    BEGIN
        FOR i IN 1 .. cardinality($1) LOOP
            IF $4[i] IS NOT NULL THEN
                neighbour := NULL;
                SELECT turn.number INTO neighbour FROM schema.turn
                    WHERE turn.partition = $1[i]
                    ORDER BY turn.number DESC LIMIT 1 FOR KEY SHARE;
                IF coalesce(neighbour, 0) + 1 <> $2[i] THEN
                    RETURN false;
                END IF;
                INSERT INTO schema.turn (partition, number, webhook, events)
                    VALUES ($1[i], $2[i], $3[i], $4[i]);
            ELSE
                DELETE FROM schema.turn WHERE turn.partition = $1[i]
                    AND turn.number = $2[i] AND turn.webhook = $3[i];
                IF NOT FOUND THEN
                    RETURN false;
                END IF;
                neighbour := NULL;
                SELECT turn.number INTO neighbour FROM schema.turn
                    WHERE turn.partition = $1[i] AND turn.number > $2[i]
                    ORDER BY turn.number LIMIT 1 FOR KEY SHARE;
                IF neighbour IS DISTINCT FROM $5[i] THEN
                    RETURN false;
                END IF;
            END IF;
        END LOOP;
        RETURN true;
    END",
);

pub(crate) const FUNCTIONS: &[&Function] = &[&CHANGE_TURNS];

/// Returns the parameters of [`PARTITIONS`].
pub(crate) fn partition_params(wanted: &LoadQuery) -> Vec<Param<'_>> {
    let partitions = wanted.partitions.iter().map(|key| &key.0[..]);
    params![partitions.collect::<Vec<_>>()]
}

/// Reads a row of [`PARTITIONS`].
pub(crate) fn read_partition(row: &Row, snapshot: &mut Snapshot) -> Result<(), StoreError> {
    let last = position(row, 1)?.ok_or_else(corrupt_row)?;
    let found = PartitionRow::new(last, get(row, 3)?);
    let found = (partition(row, 0)?, Some(found));
    snapshot.partitions.extend([found]);
    Ok(())
}

/// Reads a row of [`OF_WEBHOOKS`].
pub(crate) fn read_turn(row: &Row, snapshot: &mut Snapshot) -> Result<(), StoreError> {
    let (events, rest) = get::<&[u8]>(row, 3)?.as_chunks::<16>();
    if !rest.is_empty() {
        return Err(corrupt_row());
    }
    let events = events.iter().map(|event| Fingerprint(*event)).collect();
    let turn_position = position(row, 0)?.ok_or_else(corrupt_row)?;
    let turn = TurnRow::new(partition(row, 2)?, turn_position, events);
    let turn = StoredTurn::new(turn, get(row, 4)?, position(row, 5)?);
    snapshot
        .turns
        .entry(turn_position.webhook)
        .or_default()
        .push(turn);
    Ok(())
}

/// Reads a position, which is `NULL` if there is none.
fn position(row: &Row, column: usize) -> Result<Option<TurnPosition>, StoreError> {
    match (get(row, column)?, get(row, column + 1)?) {
        (Some(number), Some(webhook)) => {
            let webhook = WebhookId(webhook);
            Ok(Some(TurnPosition { number, webhook }))
        }
        (None, None) => Ok(None),
        _ => Err(corrupt_row()),
    }
}

fn partition(row: &Row, column: usize) -> Result<PartitionKey, StoreError> {
    let key = get::<&[u8]>(row, column)?.try_into();
    key.map(PartitionKey).map_err(|_| corrupt_row())
}

/// Adds the call that changes turns.
pub(crate) fn write<'a>(calls: &mut Calls<'a>, turns: &'a [TurnChange]) -> Result<(), StoreError> {
    if turns.is_empty() {
        return Ok(());
    }
    let mut turns: Vec<_> = turns.iter().collect();
    // In one order, so that two commits do not wait for each other. Those of one partition stay
    // in theirs.
    turns.sort_by_key(|change| match change {
        TurnChange::Insert(row) => row.partition,
        TurnChange::Delete { partition, .. } => *partition,
        _ => PartitionKey([0; 16]),
    });
    let (mut partitions, mut numbers, mut webhooks) = (Vec::new(), Vec::new(), Vec::new());
    let (mut added, mut following) = (Vec::new(), Vec::new());
    for change in turns {
        let (partition, position, events, next) = match change {
            TurnChange::Insert(row) => {
                let events = row.events.iter().flat_map(|event| event.0);
                let events = Some(events.collect::<Vec<u8>>());
                (&row.partition, row.position, events, None)
            }
            TurnChange::Delete {
                partition,
                position,
                next,
            } => (partition, *position, None, *next),
            _ => return Err(unknown("a change of a turn")),
        };
        partitions.push(&partition.0[..]);
        numbers.push(position.number);
        webhooks.push(position.webhook.0);
        added.push(events);
        following.push(next);
    }
    let params = params![partitions, numbers, webhooks, added, following];
    calls.push(&CHANGE_TURNS, params);
    Ok(())
}
