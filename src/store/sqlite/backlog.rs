//! The events that are to be done or dead: their numbers, and the list of dead ones.
//!
//! Each statement reads one of the partial indexes, which a table of any size leaves small.

use rusqlite::{Row, params};

use super::error::Error;
use super::pages::{limit, unsettled};
use super::row::kind_number;
use super::session::Transaction;
use crate::model::Timestamp;
use crate::store::{BacklogRow, DeadPlace, Fingerprint, WebhookId, WebhookKind};

/// The events that are to be done. Without `INDEXED BY` a small table would be read as a whole.
const OPEN: &str = concat!(
    "SELECT ifnull(sum(events), 0), ifnull(sum(CASE WHEN lease_until > ?1 THEN events END), 0),
        ifnull(sum(CASE WHEN left = 0 THEN events END), 0), min(left),
        min(CASE WHEN events > 0 THEN received_at END), ifnull(sum(held_back), 0)
    FROM (
        SELECT open + unclaimed AS events, lease_until, received_at, held_back,
            CASE WHEN lease_until > ?1 THEN lease_until - ?1
                WHEN due_at > ?1 AND due_at - ?1 <= due_delay THEN due_at - ?1
                ELSE 0 END AS left
        FROM webhook INDEXED BY webhook_unsettled WHERE ",
    unsettled!(),
    ")"
);

/// The events that are dead, and the bodies that are.
const DEAD: &str = "SELECT ifnull(sum(dead), 0), ifnull(sum(kind = ?1), 0)
    FROM webhook INDEXED BY webhook_dead WHERE dead > 0";

const DEAD_EVENTS: &str = "SELECT webhook, died, fingerprint FROM progress
    WHERE died IS NOT NULL AND (webhook, died) > (?1, ?2)
    ORDER BY webhook, died LIMIT ?3";

/// Returns the numbers of events that are to be done or dead.
pub(super) fn backlog(transaction: &Transaction<'_>, now: i64) -> Result<BacklogRow, Error> {
    let open = transaction.statement(OPEN).first([now], |row| {
        let oldest: Option<i64> = row.get(4)?;
        let oldest = oldest.map(Timestamp::from_secs);
        let (open, leased, due) = (count(row, 0)?, count(row, 1)?, count(row, 2)?);
        let held_back = count(row, 5)?;
        Ok((open, leased, due, row.get(3)?, oldest, held_back))
    })?;
    let unreadable = kind_number(WebhookKind::Unreadable);
    let mut dead = transaction.statement(DEAD);
    let dead = dead.first([unreadable], |row| Ok((count(row, 0)?, count(row, 1)?)))?;
    let (open, leased, due, next, oldest, held_back) = open.unwrap_or_default();
    let (dead, unreadable) = dead.unwrap_or_default();
    Ok(BacklogRow {
        now,
        open,
        leased,
        due,
        held_back,
        next,
        dead,
        unreadable,
        oldest,
    })
}

/// Reads a column with a count.
fn count(row: &Row<'_>, column: usize) -> Result<u64, Error> {
    let count: i64 = row.get(column)?;
    u64::try_from(count).map_err(|_| Error::CorruptRow)
}

/// Returns dead events with their places.
pub(super) fn dead_events(
    transaction: &Transaction<'_>,
    after: Option<DeadPlace>,
    most: usize,
) -> Result<Vec<(DeadPlace, Fingerprint)>, Error> {
    let after = after.map_or((i64::MIN, i64::MIN), |place| {
        (place.webhook.0, place.number)
    });
    let mut select = transaction.statement(DEAD_EVENTS);
    select.all(params![after.0, after.1, limit(most)], |row| {
        let (webhook, number) = (WebhookId(row.get(0)?), row.get(1)?);
        let fingerprint = Fingerprint(row.get(2)?);
        Ok((DeadPlace { webhook, number }, fingerprint))
    })
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use rusqlite::Connection;

    use super::super::schema;
    use super::{DEAD, DEAD_EVENTS, OPEN};

    #[test]
    fn the_backlog_is_read_from_partial_indexes_only() {
        let mut connection = Connection::open_in_memory().unwrap();
        schema::create(&mut connection).unwrap();
        let plan = |sql: &str| {
            let sql = format!("EXPLAIN QUERY PLAN {sql}");
            let mut explain = connection.prepare(&sql).unwrap();
            // Without values of the parameters, which change no plan.
            let steps = explain
                .raw_query()
                .mapped(|row| row.get::<_, String>("detail"));
            steps.map(Result::unwrap).collect::<Vec<_>>()
        };
        let expected = "SCAN webhook USING INDEX webhook_unsettled";
        assert_eq!(plan(OPEN), [expected]);
        let expected = "SCAN webhook USING COVERING INDEX webhook_dead";
        assert_eq!(plan(DEAD), [expected]);
        let expected = "SEARCH progress USING COVERING INDEX progress_dead";
        let plan = plan(DEAD_EVENTS);
        assert!(plan.len() == 1 && plan[0].starts_with(expected), "{plan:?}");
    }
}
