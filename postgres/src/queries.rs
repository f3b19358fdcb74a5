//! Queries for pages, the backlog, and the steps of maintenance.

use deadpool_postgres::{Object, Transaction};
use tokio_postgres::Row;
use tokio_postgres::types::ToSql;
use whatsapp_signals::model::{Message, Timestamp};
use whatsapp_signals::store::{
    BacklogRow, CampaignMessages, ContactId, ConversationKey, DeadEventPosition, Durability,
    Fingerprint, Lease, LeaseQuery, MessageKey, NumberKey, Prune, Pruned, ScanFilter,
    ScannedMessage, ScannedMessages, Scope, StoreError, Tenant, Unread, Versioned, WebhookId,
    WebhookQuery, WebhookRow,
};

use crate::error::{corrupt_row, from_postgres, in_commit};
use crate::load::fingerprint;
use crate::row::{
    self, CONTACT_COLUMNS, WEBHOOK_COLUMNS, contact_columns, get, message_columns, number, string,
    webhook_columns,
};
use crate::row::{Param, params};
use crate::schema::Schema;
use crate::session::begin;

/// The condition of [`WebhookRow::is_unsettled`], as the index has it.
macro_rules! unsettled {
    () => {
        "(webhook.open > 0 OR webhook.unclaimed > 0 OR webhook.lease_until IS NOT NULL)"
    };
}

/// The numbers of a [scope](scope_params).
macro_rules! is_in_scope {
    () => {
        "($1::bytea IS NULL OR number.tenant = $1) AND ($2::bytea IS NULL OR number.number = $2)"
    };
}

/// Leases webhooks, and returns them as they were before. Rows that another caller has locked are
/// passed over.
pub(crate) const LEASE_DUE: &str = concat!(
    "WITH clock AS MATERIALIZED (SELECT schema.now() AS now),
    due AS MATERIALIZED (
        SELECT ",
    webhook_columns!(),
    ", webhook.id FROM schema.webhook WHERE ",
    unsettled!(),
    " AND webhook.id > $1
            AND (webhook.lease_until IS NULL OR webhook.lease_until <= (SELECT now FROM clock))
            AND ($2 OR webhook.due_at IS NULL OR webhook.due_at <= (SELECT now FROM clock)
                OR webhook.due_at - (SELECT now FROM clock) > webhook.due_delay)
        ORDER BY webhook.id LIMIT $3 FOR UPDATE SKIP LOCKED
    ), leased AS (
        UPDATE schema.webhook SET version = webhook.version + 1, lease_holder = $4,
            lease_length = $5, lease_until = clock.now + least($5, 9223372036854775807 - clock.now)
        FROM due, clock WHERE webhook.id = due.id
    ), long AS MATERIALIZED (
        SELECT webhook.id FROM schema.webhook WHERE webhook.lease_until IS NOT NULL
            AND webhook.id > $1
            AND webhook.lease_until - (SELECT now FROM clock) > webhook.lease_length
        ORDER BY webhook.id FOR UPDATE SKIP LOCKED
    ), shortened AS (
        UPDATE schema.webhook SET version = webhook.version + 1,
            lease_until = clock.now + webhook.lease_length
        FROM long, clock WHERE webhook.id = long.id
    )
    SELECT * FROM due ORDER BY id"
);

/// Webhooks. Two statements, so that the first one uses its index.
pub(crate) const UNSETTLED_WEBHOOKS: &str = concat!(
    "SELECT ",
    webhook_columns!(),
    ", webhook.id, body.body FROM schema.webhook
        LEFT JOIN schema.body ON $3 AND body.webhook = webhook.id
    WHERE ",
    unsettled!(),
    " AND webhook.id > $1 ORDER BY webhook.id LIMIT $2"
);
pub(crate) const WEBHOOKS: &str = concat!(
    "SELECT ",
    webhook_columns!(),
    ", webhook.id, body.body FROM schema.webhook
        LEFT JOIN schema.body ON $3 AND body.webhook = webhook.id
    WHERE webhook.id > $1 ORDER BY webhook.id LIMIT $2"
);

pub(crate) const BY_WAMID: &str = concat!(
    "SELECT ",
    message_columns!(),
    " FROM schema.message JOIN schema.number ON number.id = message.number
    WHERE message.wamid = $3 AND ",
    is_in_scope!(),
    " AND message.message IS NOT NULL ORDER BY number.number"
);

pub(crate) const REPLIES: &str = concat!(
    "SELECT ",
    message_columns!(),
    " FROM schema.message JOIN schema.number ON number.id = message.number
    WHERE message.reply_to = $3 AND ",
    is_in_scope!(),
    " AND message.message IS NOT NULL ORDER BY message.id"
);

/// A conversation, before the message with the wamid `$4`, or from the last message on.
pub(crate) const CONVERSATION: &str = concat!(
    "WITH bound AS MATERIALIZED (
        SELECT message.at, message.id
        FROM schema.message JOIN schema.number ON number.id = message.number
        WHERE message.wamid = $4 AND number.number = $5 AND message.message IS NOT NULL
        UNION ALL SELECT 9223372036854775807, 9223372036854775807 WHERE $4::bytea IS NULL
    )
    SELECT ",
    message_columns!(),
    " FROM schema.message JOIN schema.number ON number.id = message.number
    WHERE message.contact = $1 AND ($2::bytea IS NULL OR number.number = $2)
        AND message.message IS NOT NULL
        AND (message.at, message.id) < ((SELECT at FROM bound), (SELECT id FROM bound))
    ORDER BY message.at DESC, message.id DESC LIMIT $3"
);

/// Unread messages. Two statements, so that the first one reads those of its contact only.
pub(crate) const UNREAD_OF_CONTACT: &str = concat!(
    "SELECT ",
    contact_columns!(),
    ", contact.id, unread.count FROM (
        SELECT message.contact, count(*) AS count
        FROM schema.message JOIN schema.number ON number.id = message.number
        WHERE message.is_unread AND message.contact = $3 AND ",
    is_in_scope!(),
    " GROUP BY message.contact) AS unread
    JOIN schema.contact ON contact.id = unread.contact"
);
pub(crate) const UNREAD: &str = concat!(
    "SELECT ",
    contact_columns!(),
    ", contact.id, unread.count FROM (
        SELECT message.contact, count(*) AS count
        FROM schema.message JOIN schema.number ON number.id = message.number
        WHERE message.is_unread AND message.contact IS NOT NULL AND ",
    is_in_scope!(),
    " GROUP BY message.contact) AS unread
    JOIN schema.contact ON contact.id = unread.contact ORDER BY contact.id"
);

/// The stored messages of campaigns: the ordinal of a campaign, a status, the number of messages,
/// and the time of the last one.
pub(crate) const CAMPAIGN_MESSAGES: &str = "
    SELECT input.ordinal, message.status, count(*), max(message.at)
    FROM unnest($1::bytea[], $2::bytea[]) WITH ORDINALITY AS input(tenant, id, ordinal)
        JOIN schema.number ON number.tenant = input.tenant
        JOIN schema.message ON message.campaign = input.id AND message.number = number.id
    GROUP BY input.ordinal, message.status";

pub(crate) const NUMBERS: &str = "SELECT number, tenant FROM schema.number ORDER BY number";

/// The rows of a step of a scan, each with its number and wamid; one row without them if there is
/// none.
macro_rules! scan {
    ($columns:literal, $condition:literal) => {
        concat!(
            "SELECT range.last, range.looked_at, found.number, found.wamid, found.status, ",
            $columns,
            " FROM (SELECT max(id) AS last, count(*) AS looked_at FROM (
                    SELECT id FROM schema.message WHERE id > $1 ORDER BY id LIMIT $2
                ) AS looked_at) AS range
            LEFT JOIN LATERAL (
                SELECT message.id, number.number, message.wamid, message.status, message.message
                FROM schema.message JOIN schema.number ON number.id = message.number
                WHERE message.id > $1 AND message.id <= range.last AND ",
            $condition,
            ") AS found ON true ORDER BY found.id"
        )
    };
}

pub(crate) const SCAN_LOOSE: &str = scan!("found.message", "message.contact IS NULL");
pub(crate) const SCAN_BEFORE: &str = scan!(
    "NULL::text",
    "message.at < $3 AND message.message IS NOT NULL"
);

/// The tenant and the number of a scope, in UTF-8.
type ScopeParams<'a> = (Option<&'a [u8]>, Option<&'a [u8]>);

/// Returns the tenant and the number of a scope.
pub(crate) fn scope_params(scope: &Scope) -> Result<ScopeParams<'_>, StoreError> {
    Ok(match scope {
        Scope::All => (None, None),
        Scope::Tenant(tenant) => (Some(tenant.as_str().as_bytes()), None),
        Scope::Number(number) => (None, Some(number.as_str().as_bytes())),
        _ => return Err(row::unknown("a scope")),
    })
}

/// Returns a limit as Postgres takes it.
pub(crate) fn limit(rows: usize) -> i64 {
    i64::try_from(rows).unwrap_or(i64::MAX)
}

/// Returns the id that all ids of a page are greater than.
fn after(id: Option<WebhookId>) -> i64 {
    id.map_or(i64::MIN, |id| id.0)
}

/// Returns the parameters of [`LEASE_DUE`].
pub(crate) fn lease_params(lease: Lease, query: LeaseQuery) -> Vec<Param<'static>> {
    params![
        after(query.after),
        query.early,
        limit(query.limit),
        lease.holder,
        lease.length,
    ]
}

/// Reads a row of [`LEASE_DUE`].
pub(crate) fn read_leased(row: &Row) -> Result<(WebhookId, Versioned<WebhookRow>), StoreError> {
    Ok((WebhookId(get(row, WEBHOOK_COLUMNS)?), row::webhook(row)?))
}

/// Returns the parameters of a page of webhooks.
pub(crate) fn webhook_params(query: &WebhookQuery) -> Vec<Param<'static>> {
    params![after(query.after), limit(query.limit), query.with_bodies]
}

/// Reads a row of a page of webhooks.
pub(crate) fn read_webhook(
    row: &Row,
) -> Result<(WebhookId, WebhookRow, Option<Vec<u8>>), StoreError> {
    let (id, webhook) = read_leased(row)?;
    Ok((id, webhook.row, get(row, WEBHOOK_COLUMNS + 1)?))
}

/// Returns the parameters of [`CONVERSATION`].
pub(crate) fn conversation_params<'a>(
    key: &'a ConversationKey,
    before: Option<&'a MessageKey>,
    most: usize,
) -> Vec<Param<'a>> {
    let number = key.number.as_ref().map(|key| key.as_str().as_bytes());
    let wamid = before.map(|key| key.id.as_str().as_bytes());
    let number_before = before.map(|key| key.number.as_str().as_bytes());
    params![key.contact.0, number, limit(most), wamid, number_before]
}

/// Reads a contact with the number of its unread messages.
pub(crate) fn read_unread(row: &Row) -> Result<Unread, StoreError> {
    let id = ContactId(get(row, CONTACT_COLUMNS)?);
    let count = number(row, CONTACT_COLUMNS + 1)?;
    Ok(Unread::new(id, row::contact(row)?.row, count))
}

/// Reads a number with its tenant.
pub(crate) fn read_number(row: &Row) -> Result<(NumberKey, Tenant), StoreError> {
    let tenant = Tenant::new(string(row, 1)?);
    Ok((NumberKey::new(string(row, 0)?), tenant))
}

/// Reads the rows of a step of a scan with this limit.
pub(crate) fn read_scan(
    rows: &[Row],
    most: usize,
    only: ScanFilter,
) -> Result<ScannedMessages, StoreError> {
    let mut next = None;
    let mut found = Vec::with_capacity(rows.len());
    for row in rows {
        let (last, looked_at): (Option<i64>, i64) = (get(row, 0)?, get(row, 1)?);
        next = last.filter(|_| looked_at == limit(most));
        let Some(wamid) = get::<Option<&[u8]>>(row, 3)? else {
            continue;
        };
        let wamid = str::from_utf8(wamid).map_err(|_| corrupt_row())?;
        let (number, id) = (NumberKey::new(string(row, 2)?), wamid.into());
        let status = row::status(row, 4)?;
        let message = match (only, get::<Option<&str>>(row, 5)?) {
            (ScanFilter::Unassigned, Some(json)) => {
                let message = serde_json::from_str(json);
                let mut message: Message = message.map_err(|_| corrupt_row())?;
                message.status.clone_from(&status);
                Some(message)
            }
            _ => None,
        };
        let key = MessageKey { number, id };
        found.push(ScannedMessage::new(key, message, status));
    }
    Ok(ScannedMessages::new(found, next))
}

const EVENTS_OF_STEP: &str = "
    SELECT fingerprint, count(*) OVER () FROM (
        SELECT fingerprint FROM schema.event WHERE fingerprint > $1 ORDER BY fingerprint LIMIT $2
    ) AS step ORDER BY fingerprint DESC LIMIT 1";

/// Webhooks of old events, which stay as they are until the events are deleted.
const LOCK_WEBHOOKS: &str = "
    SELECT 1 FROM schema.webhook WHERE id IN (SELECT webhook FROM schema.event
        WHERE fingerprint > $1 AND fingerprint <= $2 AND webhook < $3)
    ORDER BY id FOR UPDATE";

const PRUNE_EVENTS: &str = "
    WITH gone AS (
        DELETE FROM schema.event
        WHERE fingerprint > $1 AND fingerprint <= $2 AND webhook < $3
            AND coalesce((SELECT progress.state = 1 FROM schema.progress
                    WHERE progress.fingerprint = event.fingerprint),
                NOT EXISTS (SELECT 1 FROM schema.webhook
                    WHERE webhook.id = event.webhook AND webhook.open > 0))
        RETURNING fingerprint
    ), progress AS (
        DELETE FROM schema.progress USING gone WHERE progress.fingerprint = gone.fingerprint
    )
    SELECT count(*) FROM gone";

const PRUNE_WEBHOOKS: &str = "
    WITH gone AS (
        DELETE FROM schema.webhook WHERE id IN (SELECT id FROM schema.webhook
            WHERE id < $1 AND open = 0 AND dead = 0 AND unclaimed = 0 LIMIT $2
            FOR UPDATE SKIP LOCKED)
        RETURNING id
    ), bodies AS (
        DELETE FROM schema.body USING gone WHERE body.webhook = gone.id
    ), progress AS (
        DELETE FROM schema.progress USING gone WHERE progress.webhook = gone.id
    )
    SELECT count(*) FROM gone";

const PRUNE_STATUSES: &str = "
    WITH gone AS (
        DELETE FROM schema.message WHERE id IN (SELECT id FROM schema.message
            WHERE message IS NULL AND at < $1 LIMIT $2 FOR UPDATE SKIP LOCKED)
        RETURNING 1
    )
    SELECT count(*) FROM gone";

/// Turns of any age: an engine that does not deliver in order has left them.
const PRUNE_TURNS: &str = "
    WITH gone AS (
        DELETE FROM schema.turn WHERE $1::bigint > 0 AND (partition, number) IN (
            SELECT partition, number FROM schema.turn
            WHERE NOT EXISTS (SELECT 1 FROM schema.webhook
                WHERE webhook.id = turn.webhook AND (open > 0 OR unclaimed > 0))
            LIMIT $2 FOR UPDATE OF turn SKIP LOCKED)
        RETURNING 1
    )
    SELECT count(*) FROM gone";

/// Deletes old rows: first events, then webhooks, then statuses and turns.
pub(crate) async fn prune(
    client: &mut Object,
    schema: &Schema,
    step: &Prune,
) -> Result<Pruned, StoreError> {
    let transaction = client.transaction().await.map_err(from_postgres)?;
    // The driver's `BEGIN` has the level of the session.
    let configure = begin(Durability::Process).replacen("BEGIN", "SET TRANSACTION", 1);
    let configured = transaction.batch_execute(&configure).await;
    configured.map_err(from_postgres)?;

    let most = step.limit.max(1);
    let oldest = WebhookId::at(step.before).0;
    let first = step.after.map(|key| key.0);
    let first = first.as_ref().map_or(&[][..], |key| &key[..]);
    let range = run(
        &transaction,
        schema,
        EVENTS_OF_STEP,
        &[&first, &limit(most)],
    )
    .await?;
    let (mut last, mut rows, mut looked_at) = (None, 0, 0);
    if let Some(row) = range.first() {
        let end = fingerprint(row, 0)?;
        looked_at = number(row, 1)?;
        let params: [&(dyn ToSql + Sync); 3] = [&first, &&end.0[..], &oldest];
        run(&transaction, schema, LOCK_WEBHOOKS, &params).await?;
        rows += count(&transaction, schema, PRUNE_EVENTS, &params).await?;
        last = Some(end);
    }

    let mut left = most - looked_at.min(most);
    for (sql, before) in [
        (PRUNE_WEBHOOKS, oldest),
        (PRUNE_STATUSES, step.before.as_secs()),
        (PRUNE_TURNS, 1_i64),
    ] {
        let deleted = count(&transaction, schema, sql, &[&before, &limit(left)]).await?;
        rows += deleted;
        left -= deleted.min(left);
    }
    let committed = transaction.commit().await;
    committed.map_err(|error| in_commit(error, true))?;
    // Rows remain, if not of events.
    let last = last.or(step.after);
    let next = (left == 0).then(|| last.unwrap_or(Fingerprint([u8::MAX; 16])));
    Ok(Pruned::new(rows, next))
}

async fn run(
    transaction: &Transaction<'_>,
    schema: &Schema,
    sql: &'static str,
    params: &[&(dyn ToSql + Sync)],
) -> Result<Vec<Row>, StoreError> {
    let statement = transaction.prepare_cached(&schema.statement(sql)).await;
    let statement = statement.map_err(from_postgres)?;
    let rows = transaction.query(&statement, params).await;
    rows.map_err(from_postgres)
}

/// Returns the number of rows that a statement has deleted.
async fn count(
    transaction: &Transaction<'_>,
    schema: &Schema,
    sql: &'static str,
    params: &[&(dyn ToSql + Sync)],
) -> Result<usize, StoreError> {
    let rows = run(transaction, schema, sql, params).await?;
    number(rows.first().ok_or_else(corrupt_row)?, 0)
}

/// Reads rows of [`CAMPAIGN_MESSAGES`], of this many campaigns.
pub(crate) fn read_campaign_messages(
    rows: &[Row],
    campaigns: usize,
) -> Result<Vec<CampaignMessages>, StoreError> {
    let mut found = vec![CampaignMessages::default(); campaigns];
    for row in rows {
        let ordinal: usize = row::number(row, 0)?;
        let index = ordinal.checked_sub(1);
        let of = index.and_then(|index| found.get_mut(index));
        let of = of.ok_or_else(corrupt_row)?;
        of.by_status
            .push((row::status(row, 1)?, row::number(row, 2)?));
        let last_at: Option<i64> = get(row, 3)?;
        of.last_at = of.last_at.max(last_at.map(Timestamp::from_secs));
    }
    Ok(found)
}

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

/// Dead events with their positions.
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
pub(crate) fn read_dead_event(row: &Row) -> Result<(DeadEventPosition, Fingerprint), StoreError> {
    let (webhook, number) = (WebhookId(get(row, 0)?), get(row, 1)?);
    Ok((DeadEventPosition { webhook, number }, fingerprint(row, 2)?))
}
