//! Loads of the rows that a decision reads.

use std::collections::hash_map::Entry;

use super::counters;
use super::error::Error;
use super::row::{self, contact_columns, progress_columns, webhook_columns};
use super::session::{SessionState, SqliteTransaction, Statement};
use super::turns;
use crate::store::{ContactId, IdKey, LoadQuery, Snapshot, Versioned, WebhookId, WebhookRow};

/// Reads the rows of a query.
pub(super) fn load(
    transaction: &SqliteTransaction<'_>,
    state: &mut SessionState,
    query: &LoadQuery,
    now: i64,
) -> Result<Snapshot, Error> {
    let mut snapshot = Snapshot {
        now,
        revision: Some(state.revision(transaction)?),
        ..Snapshot::with_capacity_for(query)
    };
    for number in &query.numbers {
        let found = state.number(transaction, number)?;
        let tenant = found.map(|(_, tenant)| tenant.clone());
        snapshot.numbers.insert(number.clone(), tenant);
    }
    load_webhooks(transaction, query, &mut snapshot)?;
    turns::load(transaction, query, &mut snapshot)?;
    load_messages(transaction, state, query, &mut snapshot)?;
    load_contacts(transaction, query, &mut snapshot)?;
    for key in &query.signups {
        let found = counters::load(transaction, key)?;
        snapshot.signups.insert(key.clone(), found);
    }
    for key in &query.campaigns {
        let found = counters::load(transaction, key)?;
        snapshot.campaigns.insert(key.clone(), found);
    }
    Ok(snapshot)
}

fn load_webhooks(
    transaction: &SqliteTransaction<'_>,
    query: &LoadQuery,
    snapshot: &mut Snapshot,
) -> Result<(), Error> {
    let mut webhooks = transaction.statement(concat!(
        "SELECT ",
        webhook_columns!(),
        " FROM webhook WHERE id = ?1"
    ));
    for id in &query.webhooks {
        let found = webhook(&mut webhooks, *id)?;
        snapshot.webhooks.insert(*id, found);
    }
    let mut bodies = transaction.statement("SELECT body FROM body WHERE webhook = ?1");
    for id in &query.bodies {
        let found = bodies.first([id.0], |row| Ok(row.get(0)?))?;
        snapshot.bodies.insert(*id, found);
    }
    let mut events = transaction.statement("SELECT webhook FROM event WHERE fingerprint = ?1");
    let mut progress = transaction.statement(concat!(
        "SELECT ",
        progress_columns!(),
        " FROM progress WHERE fingerprint = ?1"
    ));
    for key in &query.events {
        let found = events.first([&key.0], |row| Ok(WebhookId(row.get(0)?)))?;
        snapshot.events.insert(*key, found);
        if let Some(id) = found {
            let found = progress.first([&key.0], row::progress)?;
            snapshot.progress.insert(*key, found);
            if let Entry::Vacant(entry) = snapshot.webhooks.entry(id) {
                entry.insert(webhook(&mut webhooks, id)?);
            }
        }
    }
    Ok(())
}

fn webhook(
    statement: &mut Statement<'_>,
    id: WebhookId,
) -> Result<Option<Versioned<WebhookRow>>, Error> {
    statement.first([id.0], row::webhook)
}

fn load_messages(
    transaction: &SqliteTransaction<'_>,
    state: &mut SessionState,
    query: &LoadQuery,
    snapshot: &mut Snapshot,
) -> Result<(), Error> {
    let mut statement = transaction.statement(
        "SELECT version, message IS NOT NULL, is_unread, status, campaign FROM message
        WHERE key = ?1",
    );
    for key in &query.messages {
        let found = match state.number_id(transaction, &key.number)? {
            Some(number) => {
                statement.first([row::message_key(&key.id, number)?], row::message_state)?
            }
            None => None,
        };
        snapshot.messages.insert(key.clone(), found);
    }
    Ok(())
}

fn load_contacts(
    transaction: &SqliteTransaction<'_>,
    query: &LoadQuery,
    snapshot: &mut Snapshot,
) -> Result<(), Error> {
    let mut of_id = transaction.statement(concat!(
        "SELECT ",
        contact_columns!(),
        ", contact_id.contact FROM contact_id LEFT JOIN contact ON contact.id = contact_id.contact
        WHERE contact_id.id = ?1 AND contact_id.kind = ?2 AND contact_id.tenant = ?3"
    ));
    for key in &query.ids {
        let mut holders = of_id.all(id_params(key), |row| {
            let contact = ContactId(row.get(row::CONTACT_COLUMNS)?);
            if let Entry::Vacant(entry) = snapshot.contacts.entry(contact) {
                entry.insert(row::contact(row)?);
            }
            Ok(contact)
        })?;
        sort(&mut holders);
        snapshot.holders.insert(key.clone(), holders);
    }
    let mut contacts = transaction.statement(concat!(
        "SELECT ",
        contact_columns!(),
        " FROM contact WHERE id = ?1"
    ));
    for id in &query.contacts {
        if let Entry::Vacant(entry) = snapshot.contacts.entry(*id) {
            let found = contacts.first([id.0], row::contact)?;
            entry.insert(found.flatten());
        }
    }
    Ok(())
}

/// Returns the current and former holders of an id.
pub(super) fn holders(
    transaction: &SqliteTransaction<'_>,
    key: &IdKey,
) -> Result<Vec<ContactId>, Error> {
    let mut statement = transaction
        .statement("SELECT contact FROM contact_id WHERE id = ?1 AND kind = ?2 AND tenant = ?3");
    let mut holders = statement.all(id_params(key), |row| Ok(ContactId(row.get(0)?)))?;
    sort(&mut holders);
    Ok(holders)
}

fn id_params(key: &IdKey) -> [&str; 3] {
    [&key.id, key.kind.as_str(), key.tenant.as_str()]
}

/// Sorts the holders. A current holder may be a former one, too.
fn sort(holders: &mut Vec<ContactId>) {
    holders.sort_unstable();
    holders.dedup();
}
