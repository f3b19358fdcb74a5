//! The events that are to be done or dead: their numbers, and the list of dead ones.
//!
//! Each statement reads a partial index, which a table of any size leaves small.

use tokio_postgres::Row;
use whatsapp_signals::model::Timestamp;
use whatsapp_signals::store::{BacklogRow, DeadPlace, Fingerprint, StoreError, WebhookId};

use crate::load::fingerprint;
use crate::pages::unsettled;
use crate::row::{get, number};

/// The numbers of events. Kind 2 is an unreadable body.
pub(crate) const BACKLOG: &str = concat!(
    "WITH clock AS (SELECT schema.now() AS now)
    SELECT clock.now, unsettled.open, unsettled.leased, unsettled.due, unsettled.held_back,
        unsettled.next, unsettled.oldest, dead.dead, dead.unreadable
    FROM clock CROSS JOIN LATERAL (
        SELECT coalesce(sum(events), 0)::bigint AS open,
            coalesce(sum(events) FILTER (WHERE lease_until > clock.now), 0)::bigint AS leased,
            coalesce(sum(events) FILTER (WHERE pause = 0), 0)::bigint AS due,
            coalesce(sum(held_back), 0)::bigint AS held_back,
            min(pause) AS next,
            min(received_at) FILTER (WHERE events > 0) AS oldest
        FROM (
            SELECT open + unclaimed AS events, lease_until, received_at, held_back,
                CASE WHEN lease_until > clock.now THEN lease_until - clock.now
                    WHEN due_at > clock.now AND due_at - clock.now <= due_delay
                        THEN due_at - clock.now
                    ELSE 0 END AS pause
            FROM schema.webhook WHERE ",
    unsettled!(),
    ") AS row
    ) AS unsettled CROSS JOIN LATERAL (
        SELECT coalesce(sum(dead), 0)::bigint AS dead,
            count(*) FILTER (WHERE kind = 2) AS unreadable
        FROM schema.webhook WHERE dead > 0
    ) AS dead"
);

/// Dead events with their places.
pub(crate) const DEAD_EVENTS: &str = "
    SELECT webhook, died, fingerprint FROM schema.progress
    WHERE died IS NOT NULL AND (webhook, died) > ($1, $2)
    ORDER BY webhook, died LIMIT $3";

/// Reads the row of [`BACKLOG`].
pub(crate) fn read_backlog(row: &Row) -> Result<BacklogRow, StoreError> {
    let mut backlog = BacklogRow::default();
    backlog.now = get(row, 0)?;
    backlog.open = number(row, 1)?;
    backlog.leased = number(row, 2)?;
    backlog.due = number(row, 3)?;
    backlog.held_back = number(row, 4)?;
    backlog.next = get(row, 5)?;
    backlog.oldest = get::<Option<i64>>(row, 6)?.map(Timestamp::from_secs);
    backlog.dead = number(row, 7)?;
    backlog.unreadable = number(row, 8)?;
    Ok(backlog)
}

/// Reads a row of [`DEAD_EVENTS`].
pub(crate) fn read_dead_event(row: &Row) -> Result<(DeadPlace, Fingerprint), StoreError> {
    let (webhook, number) = (WebhookId(get(row, 0)?), get(row, 1)?);
    Ok((DeadPlace { webhook, number }, fingerprint(row, 2)?))
}
