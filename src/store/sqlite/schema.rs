//! The tables.

use rusqlite::{Connection, TransactionBehavior};

use super::error::Error;
use crate::store::{StoreError, StoreErrorKind};

/// The version of the tables, which a file has as its `user_version`. Version 1 was that of 0.1.0.
pub(super) const VERSION: i64 = 2;

/// A file of this crate has it as its `application_id`: `wasi`.
pub(super) const APPLICATION_ID: i64 = 0x7761_7369;

/// Times are in seconds since 1970, except those of leases and due times: milliseconds. A `version` grows by one
/// with each write of its row.
const TABLES: &str = "
    CREATE TABLE webhook (
        id INTEGER PRIMARY KEY, -- milliseconds since 1970, and 20 random bits
        version INTEGER NOT NULL,
        kind INTEGER NOT NULL, -- 0 body, 1 queued event, 2 unreadable, 3 replay
        received_at INTEGER NOT NULL,
        open INTEGER NOT NULL,
        dead INTEGER NOT NULL,
        unclaimed INTEGER NOT NULL,
        lease_holder INTEGER,
        lease_length INTEGER,
        lease_until INTEGER,
        due_at INTEGER, -- of the first open event; NULL: at once
        due_delay INTEGER,
        held_back INTEGER NOT NULL
    );
    CREATE INDEX webhook_unsettled ON webhook (id)
        WHERE open > 0 OR unclaimed > 0 OR lease_until IS NOT NULL;
    -- With all that a count of dead events needs.
    CREATE INDEX webhook_dead ON webhook (kind, dead) WHERE dead > 0;

    -- Apart from its webhook, so that a body is written once.
    CREATE TABLE body (
        webhook INTEGER PRIMARY KEY,
        body BLOB NOT NULL
    );

    -- Written once, and as short as possible: keys come in no order, so that a large table costs
    -- a page for each.
    CREATE TABLE event (
        fingerprint BLOB PRIMARY KEY,
        webhook INTEGER NOT NULL
    ) WITHOUT ROWID;

    -- Only of events that did not succeed at once.
    CREATE TABLE progress (
        fingerprint BLOB PRIMARY KEY,
        webhook INTEGER NOT NULL,
        key TEXT NOT NULL,
        state INTEGER NOT NULL, -- 0 open, 1 finished, 2 dead
        attempts INTEGER NOT NULL,
        receivers TEXT, -- JSON
        died INTEGER, -- the order of the dead events of a webhook
        due_at INTEGER,
        due_delay INTEGER
    ) WITHOUT ROWID;
    CREATE INDEX progress_webhook ON progress (webhook);
    CREATE INDEX progress_dead ON progress (webhook, died) WHERE died IS NOT NULL;

    -- Only of engines that deliver in order: the unfinished events of a partition.
    CREATE TABLE turn (
        partition BLOB NOT NULL,
        number INTEGER NOT NULL, -- from 1 on, the first turn has the least
        webhook INTEGER NOT NULL,
        events BLOB NOT NULL, -- fingerprints, 16 bytes each
        PRIMARY KEY (partition, number)
    ) WITHOUT ROWID;
    CREATE INDEX turn_webhook ON turn (webhook);

    CREATE TRIGGER webhook_deleted AFTER DELETE ON webhook BEGIN
        DELETE FROM body WHERE webhook = old.id;
        DELETE FROM progress WHERE webhook = old.id;
    END;
    CREATE TRIGGER event_deleted AFTER DELETE ON event BEGIN
        DELETE FROM progress WHERE fingerprint = old.fingerprint;
    END;

    -- Rows are never changed or deleted.
    CREATE TABLE number (
        id INTEGER PRIMARY KEY,
        number TEXT NOT NULL UNIQUE,
        tenant TEXT NOT NULL
    );

    CREATE TABLE message (
        id INTEGER PRIMARY KEY,
        -- The fingerprint of the wamid, and the number in 4 bytes: the messages of one user lie
        -- together in the index, each in a third of the bytes of its wamid.
        key BLOB NOT NULL UNIQUE,
        version INTEGER NOT NULL,
        number INTEGER NOT NULL,
        wamid TEXT NOT NULL,
        contact INTEGER,
        at INTEGER NOT NULL,
        is_unread INTEGER NOT NULL,
        status TEXT,
        reply_to TEXT,
        campaign TEXT,
        message TEXT, -- JSON; NULL if only the status is known
        raw_payload TEXT -- JSON as Meta sent it, if it is kept
    );
    -- With all that a count of unread messages needs.
    CREATE INDEX message_conversation ON message (contact, at, number, is_unread)
        WHERE contact IS NOT NULL;
    CREATE INDEX message_reply_to ON message (reply_to) WHERE reply_to IS NOT NULL;
    -- With all that the counts of a campaign need.
    CREATE INDEX message_campaign ON message (campaign, number, status, at)
        WHERE campaign IS NOT NULL;
    CREATE INDEX message_status ON message (at) WHERE message IS NULL;

    CREATE TABLE contact (
        id INTEGER PRIMARY KEY, -- milliseconds since 1970, and 20 random bits
        version INTEGER NOT NULL,
        tenant TEXT NOT NULL,
        contact TEXT NOT NULL, -- JSON
        ids TEXT NOT NULL, -- JSON
        profile_at INTEGER,
        preference_at INTEGER
    );

    -- The ids of contacts, those that they have and those that they had.
    CREATE TABLE contact_id (
        id TEXT NOT NULL,
        kind TEXT NOT NULL, -- wa_id, user_id, parent_user_id
        tenant TEXT NOT NULL,
        former INTEGER NOT NULL, -- 0 if the contact has the id now, so that no other one has it
        contact INTEGER NOT NULL,
        until INTEGER,
        PRIMARY KEY (id, kind, tenant, former)
    ) WITHOUT ROWID;

    CREATE TABLE signup (
        tenant TEXT NOT NULL,
        id TEXT NOT NULL,
        version INTEGER NOT NULL,
        subscriber_count INTEGER NOT NULL, -- in place of the one in the JSON
        signup TEXT NOT NULL, -- JSON
        PRIMARY KEY (tenant, id)
    ) WITHOUT ROWID;

    CREATE TABLE campaign (
        tenant TEXT NOT NULL,
        id TEXT NOT NULL,
        version INTEGER NOT NULL,
        refused INTEGER NOT NULL,
        campaign TEXT NOT NULL, -- JSON, with the number of times that it was completed
        PRIMARY KEY (tenant, id)
    ) WITHOUT ROWID;
";

/// Creates the tables in an empty file.
pub(super) fn create(connection: &mut Connection) -> Result<(), StoreError> {
    // Nearly always they are there, and no lock is needed.
    if has_tables(connection)? {
        return Ok(());
    }
    let transaction = connection
        .transaction_with_behavior(TransactionBehavior::Immediate)
        .map_err(Error::from)?;
    if !has_tables(&transaction)? {
        let create = || {
            transaction.execute_batch(TABLES)?;
            transaction.pragma_update(None, "user_version", VERSION)?;
            transaction.pragma_update(None, "application_id", APPLICATION_ID)
        };
        create().map_err(Error::from)?;
    }
    transaction.commit().map_err(Error::in_commit)
}

/// Writes a page, and changes nothing.
pub(super) fn touch(connection: &Connection) -> rusqlite::Result<()> {
    connection.pragma_update(None, "user_version", VERSION)
}

/// Returns whether a file has the tables of this version, and is not empty. It changes nothing.
///
/// # Errors
///
/// If the file has the tables of another program or of another version.
pub(super) fn has_tables(connection: &Connection) -> Result<bool, StoreError> {
    let pragma = |name| {
        let value = connection.pragma_query_value(None, name, |row| row.get::<_, i64>(0));
        value.map_err(Error::from)
    };
    // The tables come first: a process that creates them meanwhile sets the id as well.
    let tables = "SELECT count(*) FROM sqlite_schema";
    let tables = connection.query_row(tables, [], |row| row.get::<_, i64>(0));
    if tables.map_err(Error::from)? == 0 {
        return Ok(false);
    }
    if pragma("application_id")? != APPLICATION_ID {
        let source = "the file has tables of another program";
        return Err(StoreError::new(StoreErrorKind::Corrupt, source));
    }
    let version = pragma("user_version")?;
    if version != VERSION {
        let source = format!("expected version {VERSION} of the tables, found version {version}");
        return Err(StoreError::new(StoreErrorKind::UnsupportedVersion, source));
    }
    Ok(true)
}
