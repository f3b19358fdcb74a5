//! The tables, and how they came to be what they are.

use rusqlite::{Connection, TransactionBehavior};

use super::error::failed;
use crate::store::{StoreError, StoreErrorKind};

/// What each version added. A file's `user_version` is how many it has had;
/// what was released is never changed, only followed.
const MIGRATIONS: [&str; 1] = [
    // Times are in seconds since 1970, but for leases: milliseconds.
    "
    -- AUTOINCREMENT: the events of a deleted webhook are finished, so that no
    -- other may get its number.
    CREATE TABLE webhook (
        id INTEGER PRIMARY KEY AUTOINCREMENT,
        received_at INTEGER NOT NULL,
        open INTEGER NOT NULL,
        dead INTEGER NOT NULL,
        lease_holder INTEGER,
        lease_until INTEGER
    );
    CREATE INDEX webhook_unsettled ON webhook (id)
        WHERE open > 0 OR lease_until IS NOT NULL;

    -- Apart from its webhook, so that it is written once.
    CREATE TABLE body (
        webhook INTEGER PRIMARY KEY,
        body BLOB NOT NULL
    );
    CREATE TRIGGER webhook_deleted AFTER DELETE ON webhook BEGIN
        DELETE FROM body WHERE webhook = old.id;
    END;

    -- Known by a fingerprint of its key, a fifth as long: the index over what
    -- comes in no order is what a large inbox costs.
    CREATE TABLE event (
        id INTEGER PRIMARY KEY,
        fingerprint BLOB NOT NULL UNIQUE,
        webhook INTEGER NOT NULL,
        received_at INTEGER NOT NULL,
        progress INTEGER NOT NULL, -- 0 open, 1 finished, 2 dead
        attempts INTEGER NOT NULL,
        done TEXT, -- JSON
        failed TEXT, -- JSON
        dead_key TEXT -- the key, when it is dead
    );
    CREATE INDEX event_received_at ON event (received_at);
    CREATE INDEX event_dead ON event (id) WHERE progress = 2;

    CREATE TABLE message (
        id INTEGER PRIMARY KEY,
        wamid TEXT NOT NULL UNIQUE,
        contact INTEGER,
        at INTEGER NOT NULL,
        is_unread INTEGER NOT NULL,
        status TEXT,
        reply_to TEXT,
        message TEXT -- JSON; NULL when only the status is known
    );
    CREATE INDEX message_conversation ON message (contact, at, is_unread)
        WHERE contact IS NOT NULL;
    CREATE INDEX message_reply_to ON message (reply_to) WHERE reply_to IS NOT NULL;
    CREATE INDEX message_unknown ON message (at) WHERE message IS NULL;

    CREATE TABLE contact (
        id INTEGER PRIMARY KEY AUTOINCREMENT,
        contact TEXT NOT NULL -- JSON
    );

    CREATE TABLE contact_id (
        id TEXT NOT NULL,
        kind TEXT NOT NULL, -- wa_id, user_id, parent_user_id
        contact INTEGER NOT NULL,
        PRIMARY KEY (id, kind)
    ) WITHOUT ROWID;
    CREATE INDEX contact_id_contact ON contact_id (contact);

    CREATE TABLE signup (
        id TEXT PRIMARY KEY,
        signup TEXT NOT NULL -- JSON
    ) WITHOUT ROWID;
    ",
];

/// What a file of this crate's has as its `application_id`: `wasi`.
const APPLICATION_ID: i64 = 0x7761_7369;

/// Brings a file up to this version.
pub(super) fn migrate(connection: &mut Connection) -> Result<(), StoreError> {
    // Nearly always there is nothing to do, and nobody has to wait.
    if check(connection)? == MIGRATIONS.len() {
        return Ok(());
    }
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate);
    let transaction = transaction.map_err(failed)?;
    let version = check(&transaction)?;
    let missing = MIGRATIONS.get(version..).unwrap_or_default();
    for migration in missing {
        transaction.execute_batch(migration).map_err(failed)?;
    }
    let version = i64::try_from(MIGRATIONS.len()).unwrap_or(i64::MAX);
    for (name, value) in [
        ("user_version", version),
        ("application_id", APPLICATION_ID),
    ] {
        let updated = transaction.pragma_update(None, name, value);
        updated.map_err(failed)?;
    }
    transaction.commit().map_err(failed)
}

/// The version of a file's tables, 0 of an empty one. Nothing is changed yet: a
/// file that is not ours stays as it is.
///
/// # Errors
///
/// When it is another program's, or a newer version's.
pub(super) fn check(connection: &Connection) -> Result<usize, StoreError> {
    let pragma = |name| {
        let value = connection.pragma_query_value(None, name, |row| row.get::<_, i64>(0));
        value.map_err(failed)
    };
    // The tables come first: whoever makes them meanwhile makes the id as well.
    let tables = "SELECT count(*) FROM sqlite_schema";
    let tables = connection.query_row(tables, [], |row| row.get::<_, i64>(0));
    if tables.map_err(failed)? == 0 {
        return Ok(0);
    }
    if pragma("application_id")? != APPLICATION_ID {
        let source = "the file has tables of another program";
        return Err(StoreError::new(StoreErrorKind::Corrupt, source));
    }
    let version = pragma("user_version")?;
    match usize::try_from(version) {
        Ok(version) if version <= MIGRATIONS.len() => Ok(version),
        _ => {
            let source = format!("version {version} of the tables");
            Err(StoreError::new(StoreErrorKind::TooNew, source))
        }
    }
}
