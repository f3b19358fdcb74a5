//! Queries for pages, the backlog, and the steps of maintenance.

use rusqlite::types::ValueRef;
use rusqlite::{Row, params};

use super::error::Error;
use super::row::{
    self, CONTACT_COLUMNS, WEBHOOK_COLUMNS, contact_columns, kind_number, message_columns,
    webhook_columns,
};
use super::session::{SessionState, SqliteTransaction};
use crate::model::{Message, Timestamp};
use crate::store::{
    BacklogRow, CampaignKey, CampaignMessages, ContactId, ConversationKey, DeadEventPosition,
    Fingerprint, Lease, LeaseQuery, LeasedPage, MessageKey, MessageQuery, MessageScan, NumberKey,
    Prune, Pruned, ScanFilter, ScannedMessage, ScannedMessages, Scope, StoredMessage, Tenant,
    Unread, UnreadQuery, WebhookId, WebhookKind, WebhookPage, WebhookQuery,
};

/// The condition of [`WebhookRow::is_unsettled`], as the index has it.
macro_rules! unsettled {
    () => {
        "(webhook.open > 0 OR webhook.unclaimed > 0 OR webhook.lease_until IS NOT NULL)"
    };
}

/// The ids of the numbers of a [scope](scope_params).
macro_rules! numbers_of_scope {
    () => {
        "(SELECT id FROM number WHERE (?1 IS NULL OR tenant = ?1) AND (?2 IS NULL OR number = ?2))"
    };
}

/// Returns the tenant and the number of a scope.
fn scope_params(scope: &Scope) -> (Option<&str>, Option<&str>) {
    match scope {
        Scope::All => (None, None),
        Scope::Tenant(tenant) => (Some(tenant.as_str()), None),
        Scope::Number(number) => (None, Some(number.as_str())),
    }
}

/// Returns a limit as an integer of SQLite.
fn limit(rows: usize) -> i64 {
    i64::try_from(rows).unwrap_or(i64::MAX)
}

/// Returns the exclusive lower bound of the ids of a page.
fn after(id: Option<WebhookId>) -> i64 {
    id.map_or(i64::MIN, |id| id.0)
}

/// Leases webhooks, and returns them as they were before.
pub(super) fn lease_due(
    transaction: &SqliteTransaction<'_>,
    lease: Lease,
    query: LeaseQuery,
    now: i64,
) -> Result<LeasedPage, Error> {
    let (mut due, mut too_long) = (Vec::new(), Vec::new());
    if query.limit == 0 {
        return Ok(due);
    }
    // The condition skips running leases, so that their rows are not decoded.
    let mut select = transaction.statement(concat!(
        "SELECT ",
        webhook_columns!(),
        ", webhook.id FROM webhook WHERE ",
        unsettled!(),
        " AND id > ?1 AND (lease_until IS NULL OR lease_until <= ?2
            OR lease_until - ?2 > lease_length)
        AND (?3 OR due_at IS NULL OR due_at <= ?2 OR due_at - ?2 > due_delay)
        ORDER BY id"
    ));
    select.until(params![after(query.after), now, query.early], |row| {
        let (id, webhook) = (WebhookId(row.get(WEBHOOK_COLUMNS)?), row::webhook(row)?);
        match webhook.row.lease {
            Some(held) if held.exceeds_length(now) => too_long.push((id, held)),
            _ => due.push((id, webhook)),
        }
        Ok(due.len() == query.limit)
    })?;
    let mut update = transaction.statement(
        "UPDATE webhook SET version = version + 1, lease_holder = ?2, lease_length = ?3,
            lease_until = ?4
        WHERE id = ?1",
    );
    let taken = due.iter().map(|(id, _)| (*id, lease));
    for (id, lease) in taken.chain(too_long) {
        let lease = lease.starting_at(now);
        update.execute([id.0, lease.holder, lease.length, lease.until])?;
    }
    Ok(due)
}

/// Returns a page of webhooks.
pub(super) fn webhooks(
    transaction: &SqliteTransaction<'_>,
    query: &WebhookQuery,
) -> Result<WebhookPage, Error> {
    // Two statements, so that the first one uses its index.
    let mut select = transaction.statement(if query.only_unsettled {
        concat!(
            "SELECT ",
            webhook_columns!(),
            ", webhook.id FROM webhook WHERE ",
            unsettled!(),
            " AND id > ?1 ORDER BY id LIMIT ?2"
        )
    } else {
        concat!(
            "SELECT ",
            webhook_columns!(),
            ", webhook.id FROM webhook WHERE id > ?1 ORDER BY id LIMIT ?2"
        )
    });
    let mut bodies = transaction.statement("SELECT body FROM body WHERE webhook = ?1");
    select.all([after(query.after), limit(query.limit)], |row| {
        let (id, webhook) = (row.get(WEBHOOK_COLUMNS)?, row::webhook(row)?);
        let body = if query.with_bodies {
            bodies.first([id], |row| Ok(row.get(0)?))?
        } else {
            None
        };
        Ok((WebhookId(id), webhook.row, body))
    })
}

/// Returns messages.
pub(super) fn messages(
    transaction: &SqliteTransaction<'_>,
    state: &mut SessionState,
    query: &MessageQuery,
) -> Result<Vec<StoredMessage>, Error> {
    match query {
        MessageQuery::Wamid { scope, id } => {
            let (tenant, number) = scope_params(scope);
            let (first, last) = row::message_keys(id);
            let mut select = transaction.statement(concat!(
                "SELECT ",
                message_columns!(),
                " FROM message CROSS JOIN number ON number.id = message.number
                WHERE message.key BETWEEN ?3 AND ?4 AND message.number IN ",
                numbers_of_scope!(),
                " AND message.message IS NOT NULL ORDER BY number.number"
            ));
            select.all(params![tenant, number, first, last], row::stored_message)
        }
        MessageQuery::Replies { scope, id } => {
            let (tenant, number) = scope_params(scope);
            let mut select = transaction.statement(concat!(
                "SELECT ",
                message_columns!(),
                " FROM message CROSS JOIN number ON number.id = message.number
                WHERE message.reply_to = ?3 AND message.number IN ",
                numbers_of_scope!(),
                " AND message.message IS NOT NULL ORDER BY message.id"
            ));
            select.all(params![tenant, number, id.as_str()], row::stored_message)
        }
        MessageQuery::Conversation { key, before, limit } => {
            conversation(transaction, state, key, before.as_ref(), *limit)
        }
    }
}

fn conversation(
    transaction: &SqliteTransaction<'_>,
    state: &mut SessionState,
    key: &ConversationKey,
    before: Option<&MessageKey>,
    most: usize,
) -> Result<Vec<StoredMessage>, Error> {
    let end = match before {
        None => Some((i64::MAX, i64::MAX)),
        Some(before) => position(transaction, state, before)?,
    };
    let number = match &key.number {
        None => None,
        Some(number) => match state.number_id(transaction, number)? {
            Some(number) => Some(number),
            None => return Ok(Vec::new()),
        },
    };
    let Some((at, id)) = end else {
        return Ok(Vec::new());
    };
    let mut select = transaction.statement(concat!(
        "SELECT ",
        message_columns!(),
        " FROM message CROSS JOIN number ON number.id = message.number
        WHERE message.contact = ?1 AND (message.at, message.id) < (?2, ?3)
            AND (?4 IS NULL OR message.number = ?4) AND message.message IS NOT NULL
        ORDER BY message.at DESC, message.id DESC LIMIT ?5"
    ));
    select.all(
        params![key.contact.0, at, id, number, limit(most)],
        row::stored_message,
    )
}

/// Returns the position of a stored message in its conversation.
fn position(
    transaction: &SqliteTransaction<'_>,
    state: &mut SessionState,
    key: &MessageKey,
) -> Result<Option<(i64, i64)>, Error> {
    let Some(number) = state.number_id(transaction, &key.number)? else {
        return Ok(None);
    };
    let mut select =
        transaction.statement("SELECT at, id FROM message WHERE key = ?1 AND message IS NOT NULL");
    let params = [row::message_key(&key.id, number)?];
    select.first(params, |row| Ok((row.get(0)?, row.get(1)?)))
}

/// Returns the contacts that have unread messages.
pub(super) fn unread(
    transaction: &SqliteTransaction<'_>,
    query: &UnreadQuery,
) -> Result<Vec<Unread>, Error> {
    let (tenant, number) = scope_params(&query.scope);
    // Two statements, so that the first one reads the messages of its contact only.
    let mut select = transaction.statement(if query.contact.is_some() {
        concat!(
            "SELECT ",
            contact_columns!(),
            ", contact.id, unread.count FROM (SELECT contact, count(*) AS count FROM message
                WHERE contact = ?3 AND is_unread = 1 AND +number IN ",
            numbers_of_scope!(),
            " GROUP BY contact) AS unread
            CROSS JOIN contact ON contact.id = unread.contact"
        )
    } else {
        concat!(
            "SELECT ",
            contact_columns!(),
            ", contact.id, unread.count FROM (SELECT contact, count(*) AS count FROM message
                WHERE contact IS NOT NULL AND is_unread = 1 AND ?3 IS NULL AND +number IN ",
            numbers_of_scope!(),
            " GROUP BY contact) AS unread
            CROSS JOIN contact ON contact.id = unread.contact ORDER BY contact.id"
        )
    });
    let contact = query.contact.map(|contact| contact.0);
    select.all(params![tenant, number, contact], |row| {
        let id = ContactId(row.get(CONTACT_COLUMNS)?);
        let contact = row::contact(row)?.ok_or(Error::CorruptRow)?;
        let count: i64 = row.get(CONTACT_COLUMNS + 1)?;
        let count = u64::try_from(count).map_err(|_| Error::CorruptRow)?;
        Ok(Unread::new(id, contact.row, count))
    })
}

/// Returns the stored messages of campaigns.
pub(super) fn campaign_messages(
    transaction: &SqliteTransaction<'_>,
    campaigns: &[CampaignKey],
) -> Result<Vec<CampaignMessages>, Error> {
    let mut select = transaction.statement(
        "SELECT status, count(*), max(at) FROM message
        WHERE campaign = ?2 AND number IN (SELECT id FROM number WHERE tenant = ?1)
        GROUP BY number, status",
    );
    let messages = campaigns.iter().map(|key| {
        let rows = select.all([key.tenant.as_str(), key.id.as_str()], |row| {
            let count: i64 = row.get(1)?;
            let count = u64::try_from(count).map_err(|_| Error::CorruptRow)?;
            let last_at: Option<i64> = row.get(2)?;
            Ok(((row::status(row, 0)?, count), last_at))
        })?;
        let (by_status, last_at): (Vec<_>, Vec<_>) = rows.into_iter().unzip();
        let last_at = last_at.into_iter().flatten().max();
        Ok(CampaignMessages::new(
            by_status,
            last_at.map(Timestamp::from_secs),
        ))
    });
    messages.collect()
}

/// Returns all numbers with their tenants.
pub(super) fn numbers(
    transaction: &SqliteTransaction<'_>,
) -> Result<Vec<(NumberKey, Tenant)>, Error> {
    let mut select = transaction.statement("SELECT number, tenant FROM number ORDER BY number");
    select.all([], |row| {
        let number: String = row.get(0)?;
        let tenant: String = row.get(1)?;
        Ok((NumberKey::new(number), Tenant::new(tenant)))
    })
}

/// Returns the messages of a step.
pub(super) fn scan_messages(
    transaction: &SqliteTransaction<'_>,
    step: &MessageScan,
) -> Result<ScannedMessages, Error> {
    let most = step.limit.max(1);
    let first = step.after.unwrap_or(i64::MIN);
    let mut select = transaction.statement(
        "SELECT max(id), count(*) FROM
            (SELECT id FROM message WHERE id > ?1 ORDER BY id LIMIT ?2)",
    );
    let range = select.first([first, limit(most)], |row| {
        Ok((row.get::<_, Option<i64>>(0)?, row.get::<_, i64>(1)?))
    })?;
    let Some((Some(last), looked_at)) = range else {
        return Ok(ScannedMessages::default());
    };
    let key = |row: &Row<'_>| -> Result<MessageKey, Error> {
        let number = NumberKey::new(row.get::<_, String>(0)?);
        let id = row.get::<_, String>(1)?.into();
        Ok(MessageKey { number, id })
    };
    let rows = match step.only {
        ScanFilter::Unassigned => {
            let mut select = transaction.statement(
                "SELECT number.number, message.wamid, message.status, message.message
                FROM message CROSS JOIN number ON number.id = message.number
                WHERE message.id > ?1 AND message.id <= ?2 AND message.contact IS NULL
                ORDER BY message.id",
            );
            select.all([first, last], |row| {
                let status = row::status(row, 2)?;
                let message = if row.get_ref(3)? == ValueRef::Null {
                    None
                } else {
                    let mut message: Message = row::json(row, 3)?;
                    message.status.clone_from(&status);
                    Some(message)
                };
                Ok(ScannedMessage::new(key(row)?, message, status))
            })?
        }
        ScanFilter::Before(time) => {
            let mut select = transaction.statement(
                "SELECT number.number, message.wamid, message.status
                FROM message CROSS JOIN number ON number.id = message.number
                WHERE message.id > ?1 AND message.id <= ?2 AND message.at < ?3
                    AND message.message IS NOT NULL
                ORDER BY message.id",
            );
            select.all([first, last, time.as_secs()], |row| {
                Ok(ScannedMessage::new(key(row)?, None, row::status(row, 2)?))
            })?
        }
    };
    let next = (looked_at == limit(most)).then_some(last);
    Ok(ScannedMessages::new(rows, next))
}

/// Deletes old rows: first events, then webhooks, then statuses and turns.
pub(super) fn prune(transaction: &SqliteTransaction<'_>, step: &Prune) -> Result<Pruned, Error> {
    let most = step.limit.max(1);
    let oldest = WebhookId::at(step.before).0;
    let mut rows = 0;

    let first = step.after.map(|key| key.0);
    let first = first.as_ref().map_or(&[][..], |key| key);
    let mut select = transaction.statement(
        "SELECT max(fingerprint), count(*) FROM
            (SELECT fingerprint FROM event WHERE fingerprint > ?1 ORDER BY fingerprint LIMIT ?2)",
    );
    let (last, looked_at): (Option<[u8; 16]>, i64) = select
        .first(params![first, limit(most)], |row| {
            Ok((row.get(0)?, row.get(1)?))
        })?
        .unwrap_or_default();
    if let Some(last) = &last {
        let mut delete = transaction.statement(
            "DELETE FROM event WHERE fingerprint > ?1 AND fingerprint <= ?2 AND webhook < ?3
            AND ifnull((SELECT state = 1 FROM progress
                    WHERE progress.fingerprint = event.fingerprint),
                NOT EXISTS (SELECT 1 FROM webhook
                    WHERE webhook.id = event.webhook AND webhook.open > 0))",
        );
        rows += delete.execute(params![first, &last[..], oldest])?;
    }

    let looked_at = usize::try_from(looked_at).map_err(|_| Error::CorruptRow)?;
    let mut left = most - looked_at.min(most);
    for (sql, before) in [
        (
            "DELETE FROM webhook WHERE id IN (SELECT id FROM webhook
                WHERE id < ?1 AND open = 0 AND dead = 0 AND unclaimed = 0 LIMIT ?2)",
            oldest,
        ),
        (
            "DELETE FROM message WHERE id IN (SELECT id FROM message
                WHERE message IS NULL AND at < ?1 LIMIT ?2)",
            step.before.as_secs(),
        ),
        // Of any age: they remain after the program has disabled `in_order`.
        (
            "DELETE FROM turn WHERE ?1 AND (partition, number) IN (SELECT partition, number FROM turn
                WHERE NOT EXISTS (SELECT 1 FROM webhook
                    WHERE webhook.id = turn.webhook AND (open > 0 OR unclaimed > 0)) LIMIT ?2)",
            1,
        ),
    ] {
        let deleted = transaction.statement(sql).execute([before, limit(left)])?;
        rows += deleted;
        left -= deleted.min(left);
    }
    // Other rows than events remain.
    let last = last.map(Fingerprint).or(step.after);
    let next = (left == 0).then(|| last.unwrap_or(Fingerprint([u8::MAX; 16])));
    Ok(Pruned::new(rows, next))
}

/// The open events. Without `INDEXED BY`, SQLite would scan a small table.
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

/// The dead events, and the unreadable bodies.
const DEAD: &str = "SELECT ifnull(sum(dead), 0), ifnull(sum(kind = ?1), 0)
    FROM webhook INDEXED BY webhook_dead WHERE dead > 0";

const DEAD_EVENTS: &str = "SELECT webhook, died, fingerprint FROM progress
    WHERE died IS NOT NULL AND (webhook, died) > (?1, ?2)
    ORDER BY webhook, died LIMIT ?3";

/// Returns the numbers of open and dead events.
pub(super) fn backlog(transaction: &SqliteTransaction<'_>, now: i64) -> Result<BacklogRow, Error> {
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

/// Returns dead events with their positions.
pub(super) fn dead_events(
    transaction: &SqliteTransaction<'_>,
    after: Option<DeadEventPosition>,
    most: usize,
) -> Result<Vec<(DeadEventPosition, Fingerprint)>, Error> {
    let after = after.map_or((i64::MIN, i64::MIN), |position| {
        (position.webhook.0, position.number)
    });
    let mut select = transaction.statement(DEAD_EVENTS);
    select.all(params![after.0, after.1, limit(most)], |row| {
        let (webhook, number) = (WebhookId(row.get(0)?), row.get(1)?);
        let fingerprint = Fingerprint(row.get(2)?);
        Ok((DeadEventPosition { webhook, number }, fingerprint))
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
            // Without parameters, whose values do not change a plan.
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
