//! The changes of a commit.

use rusqlite::params;

use super::counters;
use super::error::Error;
use super::load::holders;
use super::row::{self, Json, kind_number, state_number};
use super::session::{SessionState, SqliteTransaction};
use super::turns;
use crate::model::{CampaignId, MessageId, MessageStatus, RawJson, Signup, Timestamp};
use crate::store::{
    CampaignRow, Changes, ContactId, ContactRow, EventState, IdRow, Merge, MessageKey, NewMessage,
    NewStatus, ReadRow, Upsert, WebhookChange, WebhookRow,
};

/// Writes all changes, the most frequent conflicts first.
pub(super) fn write(
    transaction: &SqliteTransaction<'_>,
    state: &mut SessionState,
    changes: &Changes<'_>,
    now: i64,
) -> Result<(), Error> {
    write_webhooks(transaction, changes, now)?;
    write_events(transaction, changes)?;
    turns::write(transaction, changes)?;
    // Before writes to the rows by which other rows were read.
    check_reads(transaction, state, changes)?;
    let mut numbers = transaction.statement("INSERT INTO number (number, tenant) VALUES (?1, ?2)");
    for (number, tenant) in &changes.numbers {
        numbers.execute([number.as_str(), tenant.as_str()])?;
    }
    write_progress(transaction, state, changes, now)?;
    write_contacts(transaction, state, changes)?;
    write_messages(transaction, state, &changes.messages)?;
    move_messages(transaction, &changes.merges)?;
    write_statuses(transaction, state, &changes.statuses)?;
    delete_messages(transaction, state, changes)?;
    read_conversations(transaction, state, changes)?;
    counters::write(transaction, state, &changes.signups, &changes.subscribers)?;
    counters::write(transaction, state, &changes.campaigns, &changes.refusals)
}

fn write_webhooks(
    transaction: &SqliteTransaction<'_>,
    changes: &Changes<'_>,
    now: i64,
) -> Result<(), Error> {
    let mut insert = transaction.statement(
        "INSERT INTO webhook (id, version, kind, received_at, open, dead, unclaimed, lease_holder,
            lease_length, lease_until, due_at, due_delay, held_back)
        VALUES (?1, 1 + ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13)",
    );
    let mut insert_body = transaction.statement("INSERT INTO body (webhook, body) VALUES (?1, ?2)");
    let mut replace_body = transaction.statement("UPDATE body SET body = ?2 WHERE webhook = ?1");
    let mut update = transaction.statement(
        "UPDATE webhook SET version = 1 + ?2, kind = ?3, received_at = ?4, open = ?5, dead = ?6,
            unclaimed = ?7, lease_holder = ?8, lease_length = ?9, lease_until = ?10,
            due_at = ?11, due_delay = ?12, held_back = ?13
        WHERE id = ?1 AND version = ?2",
    );
    let mut delete = transaction.statement("DELETE FROM webhook WHERE id = ?1 AND version = ?2");
    for change in &changes.webhooks {
        let (statement, id, version, row): (_, _, _, &WebhookRow) = match change {
            WebhookChange::Insert { id, row, body } => {
                insert_body.execute(params![id.0, body])?;
                (&mut insert, id.0, 0, row)
            }
            WebhookChange::Update { id, version, row } => (&mut update, id.0, *version, row),
            WebhookChange::Replace {
                id,
                version,
                row,
                body,
            } => {
                replace_body.execute(params![id.0, body])?;
                (&mut update, id.0, *version, row)
            }
            WebhookChange::Delete { id, version } => {
                delete.execute_one([id.0, *version])?;
                continue;
            }
        };
        let lease = row.lease.map(|lease| lease.starting_at(now));
        let (due_at, due_delay) = row::due_columns(row.due, now);
        statement.execute_one(params![
            id,
            version,
            kind_number(row.kind),
            row.received_at.as_secs(),
            row.open,
            row.dead,
            row.unclaimed,
            lease.map(|lease| lease.holder),
            lease.map(|lease| lease.length),
            lease.map(|lease| lease.until),
            due_at,
            due_delay,
            row.held_back,
        ])?;
    }
    Ok(())
}

fn write_events(transaction: &SqliteTransaction<'_>, changes: &Changes<'_>) -> Result<(), Error> {
    let mut insert =
        transaction.statement("INSERT INTO event (fingerprint, webhook) VALUES (?1, ?2)");
    let mut update = transaction
        .statement("UPDATE event SET webhook = ?2 WHERE fingerprint = ?1 AND webhook = ?3");
    let mut delete_progress = transaction.statement("DELETE FROM progress WHERE fingerprint = ?1");
    for event in &changes.events {
        let Some(before) = event.before else {
            insert.execute(params![event.key.0, event.webhook.0])?;
            continue;
        };
        update.execute_one(params![event.key.0, event.webhook.0, before.0])?;
        if before != event.webhook {
            delete_progress.execute([&event.key.0])?;
        }
    }
    Ok(())
}

/// Checks the rows that were only read, if anything has changed since.
fn check_reads(
    transaction: &SqliteTransaction<'_>,
    state: &mut SessionState,
    changes: &Changes<'_>,
) -> Result<(), Error> {
    if changes.reads.is_empty() || changes.revision == Some(state.revision(transaction)?) {
        return Ok(());
    }
    let version = |sql, params: &[&dyn rusqlite::ToSql]| {
        let mut statement = transaction.statement(sql);
        statement.first(params, |row| Ok(row.get::<_, i64>(0)?))
    };
    for read in &changes.reads {
        let is_same = match read {
            ReadRow::Webhook(id, seen) => {
                version("SELECT version FROM webhook WHERE id = ?1", &[&id.0])? == *seen
            }
            ReadRow::Event(key, seen) => {
                let sql = "SELECT webhook FROM event WHERE fingerprint = ?1";
                version(sql, &[&key.0])? == seen.map(|webhook| webhook.0)
            }
            ReadRow::Contact(id, seen) => {
                version("SELECT version FROM contact WHERE id = ?1", &[&id.0])? == *seen
            }
            ReadRow::Holders(key, seen) => holders(transaction, key)? == *seen,
            ReadRow::Message(key, seen) => {
                let sql = "SELECT version FROM message WHERE key = ?1";
                let found = match state.number_id(transaction, &key.number)? {
                    Some(number) => version(sql, &[&row::message_key(&key.id, number)?])?,
                    None => None,
                };
                found == *seen
            }
            ReadRow::Signup(key, seen) => counters::version::<Signup>(transaction, key)? == *seen,
            ReadRow::Campaign(key, seen) => {
                counters::version::<CampaignRow>(transaction, key)? == *seen
            }
        };
        if !is_same {
            return Err(Error::Conflict);
        }
    }
    Ok(())
}

fn write_progress(
    transaction: &SqliteTransaction<'_>,
    state: &mut SessionState,
    changes: &Changes<'_>,
    now: i64,
) -> Result<(), Error> {
    // A dead event keeps its position among the dead events of its webhook.
    let mut statement = transaction.statement(
        "INSERT INTO progress (fingerprint, webhook, key, state, attempts, receivers, died, due_at,
            due_delay)
        VALUES (?1, ?2, ?3, ?4, ?5, ?6, CASE WHEN ?7 THEN
            (SELECT 1 + ifnull(max(died), 0) FROM progress
            WHERE webhook = ?2 AND died IS NOT NULL) END, ?8, ?9)
        ON CONFLICT (fingerprint) DO UPDATE SET webhook = ?2, key = ?3, state = ?4, attempts = ?5,
            receivers = ?6, died = CASE WHEN ?7 THEN ifnull(died, excluded.died) END, due_at = ?8,
            due_delay = ?9",
    );
    for (key, row) in &changes.progress {
        let (due_at, due_delay) = row::due_columns(row.due, now);
        let receivers = if row.receivers.is_empty() {
            None
        } else {
            Some(Json::write(&mut state.json, &row.receivers)?)
        };
        statement.execute(params![
            key.0,
            row.webhook.0,
            row.key,
            state_number(row.state),
            row.attempts,
            receivers,
            row.state == EventState::Dead,
            due_at,
            due_delay,
        ])?;
    }
    Ok(())
}

fn write_contacts(
    transaction: &SqliteTransaction<'_>,
    state: &mut SessionState,
    changes: &Changes<'_>,
) -> Result<(), Error> {
    let mut delete = transaction.statement("DELETE FROM contact WHERE id = ?1 AND version = ?2");
    for merge in &changes.merges {
        delete_ids(transaction, merge.from, merge.version, None)?;
        delete.execute_one([merge.from.0, merge.version])?;
    }
    for (id, version) in &changes.deleted_contacts {
        delete_ids(transaction, *id, *version, None)?;
        delete.execute_one([id.0, *version])?;
    }
    // All old ids are deleted before new ones are inserted, as an id may move between contacts.
    let mut with_new_ids = Vec::new();
    for put in &changes.contacts {
        let ids = Json::write(&mut state.json, &put.row.ids)?;
        let has_new_ids = match put.version {
            None => true,
            Some(version) => delete_ids(transaction, put.key, version, Some(ids.as_bytes()))?,
        };
        if has_new_ids {
            with_new_ids.push(put);
        }
    }
    let mut insert = transaction.statement(
        "INSERT INTO contact (id, version, tenant, contact, ids, profile_at, preference_at)
        VALUES (?1, 1 + ?2, ?3, ?4, ?5, ?6, ?7)",
    );
    let mut update = transaction.statement(
        "UPDATE contact SET version = 1 + ?2, tenant = ?3, contact = ?4, ids = ?5,
            profile_at = ?6, preference_at = ?7
        WHERE id = ?1 AND version = ?2",
    );
    let mut ids = Vec::new();
    for Upsert { key, version, row } in &changes.contacts {
        let statement = match version {
            None => &mut insert,
            Some(_) => &mut update,
        };
        statement.execute_one(params![
            key.0,
            version.unwrap_or(0),
            row.tenant.as_str(),
            Json::write(&mut state.json, &row.contact)?,
            Json::write(&mut ids, &row.ids)?,
            row.profile_at.map(Timestamp::as_secs),
            row.preference_at.map(Timestamp::as_secs),
        ])?;
    }
    insert_ids(transaction, &with_new_ids)
}

/// Deletes the rows of the ids of a contact, unless they equal `unless`. Returns true if rows were
/// deleted.
fn delete_ids(
    transaction: &SqliteTransaction<'_>,
    contact: ContactId,
    version: i64,
    unless: Option<&[u8]>,
) -> Result<bool, Error> {
    let mut stored =
        transaction.statement("SELECT tenant, ids FROM contact WHERE id = ?1 AND version = ?2");
    let stored = stored.first([contact.0, version], |row| {
        if row.get_ref(1)?.as_bytes().ok() == unless {
            return Ok(None);
        }
        Ok(Some((row.get::<_, String>(0)?, row::json(row, 1)?)))
    })?;
    let stored: Option<(String, Vec<IdRow>)> = stored.ok_or(Error::Conflict)?;
    let Some((tenant, ids)) = stored else {
        return Ok(false);
    };
    let mut delete = transaction.statement(
        "DELETE FROM contact_id
        WHERE id = ?1 AND kind = ?2 AND tenant = ?3 AND former = ?4 AND contact = ?5",
    );
    for id in ids {
        let former = former(contact, &id);
        delete.execute(params![id.id, id.kind.as_str(), tenant, former, contact.0])?;
    }
    Ok(true)
}

fn insert_ids(
    transaction: &SqliteTransaction<'_>,
    contacts: &[&Upsert<ContactId, ContactRow>],
) -> Result<(), Error> {
    let mut insert = transaction.statement(
        "INSERT INTO contact_id (id, kind, tenant, former, contact, until)
        VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
    );
    // A contact may have had the same id twice.
    let mut insert_former = transaction.statement(
        "INSERT OR REPLACE INTO contact_id (id, kind, tenant, former, contact, until)
        VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
    );
    for Upsert { key, row, .. } in contacts {
        for id in &row.ids {
            let statement = match id.until {
                None => &mut insert,
                Some(_) => &mut insert_former,
            };
            statement.execute(params![
                id.id,
                id.kind.as_str(),
                row.tenant.as_str(),
                former(*key, id),
                key.0,
                id.until.map(Timestamp::as_secs),
            ])?;
        }
    }
    Ok(())
}

/// Returns the column that makes current ids unique and allows any number of former holders.
fn former(contact: ContactId, id: &IdRow) -> i64 {
    id.until.map_or(0, |_| contact.0)
}

/// Returns the row id of the number of a message. `version` is the one that the decision read.
fn number_id(
    transaction: &SqliteTransaction<'_>,
    state: &mut SessionState,
    key: &MessageKey,
    version: Option<i64>,
) -> Result<i64, Error> {
    match (state.number_id(transaction, &key.number)?, version) {
        (Some(id), _) => Ok(id),
        (None, None) => Err(Error::MissingNumber),
        // Without the number, the message no longer exists.
        (None, Some(_)) => Err(Error::Conflict),
    }
}

fn write_messages(
    transaction: &SqliteTransaction<'_>,
    state: &mut SessionState,
    messages: &[Upsert<MessageKey, NewMessage<'_>>],
) -> Result<(), Error> {
    let mut insert = transaction.statement(
        "INSERT INTO message (key, version, contact, at, is_unread, status, reply_to, message,
            raw_payload, number, wamid, campaign)
        VALUES (?1, 1 + ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12)",
    );
    let mut update = transaction.statement(
        "UPDATE message SET version = 1 + ?2, contact = ?3, at = ?4, is_unread = ?5, status = ?6,
            reply_to = ?7, message = ?8, raw_payload = ?9, number = ?10, wamid = ?11,
            campaign = ?12
        WHERE key = ?1 AND version = ?2",
    );
    for Upsert { key, version, row } in messages {
        let number = number_id(transaction, state, key, *version)?;
        let statement = match version {
            None => &mut insert,
            Some(_) => &mut update,
        };
        statement.execute_one(params![
            row::message_key(&key.id, number)?,
            version.unwrap_or(0),
            row.contact.map(|contact| contact.0),
            row.at.as_secs(),
            row.is_unread,
            row.status.as_ref().map(MessageStatus::as_str),
            row.message.reply_to().map(MessageId::as_str),
            Json::write(&mut state.json, &*row.message)?,
            row.raw_payload.map(RawJson::as_str),
            number,
            key.id.as_str(),
            row.campaign.as_ref().map(CampaignId::as_str),
        ])?;
    }
    Ok(())
}

/// Moves the messages of merged contacts.
fn move_messages(transaction: &SqliteTransaction<'_>, merges: &[Merge]) -> Result<(), Error> {
    let mut statement = transaction
        .statement("UPDATE message SET contact = ?2, version = version + 1 WHERE contact = ?1");
    for merge in merges {
        statement.execute([merge.from.0, merge.into.0])?;
    }
    Ok(())
}

fn write_statuses(
    transaction: &SqliteTransaction<'_>,
    state: &mut SessionState,
    statuses: &[Upsert<MessageKey, NewStatus>],
) -> Result<(), Error> {
    let mut insert = transaction.statement(
        "INSERT INTO message (key, number, wamid, version, at, is_unread, status)
        VALUES (?1, ?2, ?3, 1, ?4, 0, ?5)",
    );
    // Two statements, so that the first one updates only the index of campaigns.
    let mut update_stored = transaction.statement(
        "UPDATE message SET version = version + 1, status = ?3
        WHERE key = ?1 AND version = ?2 AND message IS NOT NULL",
    );
    let mut update_alone = transaction.statement(
        "UPDATE message SET version = version + 1, status = ?3, at = ?4
        WHERE key = ?1 AND version = ?2 AND message IS NULL",
    );
    for Upsert { key, version, row } in statuses {
        let number = number_id(transaction, state, key, *version)?;
        let message = row::message_key(&key.id, number)?;
        let (status, at) = (row.status.as_str(), row.at.as_secs());
        let Some(version) = version else {
            insert.execute(params![message, number, key.id.as_str(), at, status])?;
            continue;
        };
        if update_stored.execute(params![message, version, status])? != 1 {
            update_alone.execute_one(params![message, version, status, at])?;
        }
    }
    Ok(())
}

/// Deletes messages, including those of deleted contacts.
fn delete_messages(
    transaction: &SqliteTransaction<'_>,
    state: &mut SessionState,
    changes: &Changes<'_>,
) -> Result<(), Error> {
    let mut delete = transaction.statement("DELETE FROM message WHERE key = ?1");
    for key in &changes.deleted_messages {
        if let Some(number) = state.number_id(transaction, &key.number)? {
            delete.execute([row::message_key(&key.id, number)?])?;
        }
    }
    let mut delete = transaction.statement("DELETE FROM message WHERE contact = ?1");
    for (contact, _) in &changes.deleted_contacts {
        delete.execute([contact.0])?;
    }
    Ok(())
}

fn read_conversations(
    transaction: &SqliteTransaction<'_>,
    state: &mut SessionState,
    changes: &Changes<'_>,
) -> Result<(), Error> {
    let mut of_all_numbers = transaction.statement(
        "UPDATE message SET is_unread = 0, version = version + 1
        WHERE contact = ?1 AND is_unread = 1",
    );
    let mut of_number = transaction.statement(
        "UPDATE message SET is_unread = 0, version = version + 1
        WHERE contact = ?1 AND is_unread = 1 AND number = ?2",
    );
    for key in &changes.read_conversations {
        match &key.number {
            None => {
                of_all_numbers.execute([key.contact.0])?;
            }
            Some(number) => {
                if let Some(number) = state.number_id(transaction, number)? {
                    of_number.execute([key.contact.0, number])?;
                }
            }
        }
    }
    Ok(())
}
