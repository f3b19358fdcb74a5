//! A connection, its transactions and its statements.

use std::collections::HashMap;

use rusqlite::{CachedStatement, Connection, Params, Row};

use super::error::Error;
use super::schema;
use crate::store::{Durability, NumberKey, StoreError, Tenant};

/// A connection, and the state that outlives its transactions.
pub(super) struct Session {
    pub(super) connection: Connection,
    /// Whether commits wait for the disk.
    is_durable: bool,
    pub(super) state: SessionState,
}

/// The state of a session between transactions.
#[derive(Default)]
pub(super) struct SessionState {
    /// A cache of the numbers, whose rows never change.
    numbers: HashMap<NumberKey, (i64, Tenant)>,
    /// The number of observed changes of the file.
    revision: i64,
    /// SQLite's `data_version`, which changes with commits of other connections.
    data_version: i64,
    /// Whether all commits of this connection have been synced.
    is_on_disk: bool,
    /// A reusable buffer for JSON.
    pub(super) json: Vec<u8>,
}

impl Session {
    /// Creates the session of a connection whose commits wait for the disk.
    pub(super) fn new(connection: Connection) -> Self {
        Self {
            connection,
            is_durable: true,
            state: SessionState::default(),
        }
    }

    /// Begins a transaction that writes.
    pub(super) fn write(
        &mut self,
        durability: Durability,
    ) -> Result<(SqliteTransaction<'_>, &mut SessionState), Error> {
        let is_durable = durability == Durability::Disk;
        if self.is_durable != is_durable {
            // Without a sync a commit is in the log, which the next sync includes.
            let level = if is_durable { "FULL" } else { "NORMAL" };
            self.connection.pragma_update(None, "synchronous", level)?;
            self.is_durable = is_durable;
        }
        // A transaction that begins as a reader cannot always become a writer.
        let mut transaction = SqliteTransaction::begin(&self.connection, "BEGIN IMMEDIATE")?;
        transaction.must_sync = is_durable && !self.state.is_on_disk;
        Ok((transaction, &mut self.state))
    }

    /// Writes the WAL to the file, and empties it. Returns `false` if another process still reads
    /// or writes it.
    pub(super) fn checkpoint(&mut self) -> Result<bool, Error> {
        let sql = "PRAGMA wal_checkpoint(TRUNCATE)";
        let is_busy = self
            .connection
            .query_row(sql, [], |row| row.get::<_, i64>(0))?;
        Ok(is_busy == 0)
    }

    /// Rebuilds the file without copies of deleted rows, and empties the WAL. Returns `false` if
    /// another process still reads or writes the file.
    pub(super) fn vacuum(&mut self) -> Result<bool, Error> {
        self.connection.execute_batch("VACUUM")?;
        self.checkpoint()
    }

    /// Returns the size of the file in bytes.
    pub(super) fn size(&self) -> Result<i64, Error> {
        let pragma = |name| {
            let value = self
                .connection
                .pragma_query_value(None, name, |row| row.get::<_, i64>(0));
            value.map_err(Error::from)
        };
        Ok(pragma("page_count")?.saturating_mul(pragma("page_size")?))
    }

    /// Begins a transaction that reads.
    pub(super) fn read(&mut self) -> Result<(SqliteTransaction<'_>, &mut SessionState), Error> {
        let transaction = SqliteTransaction::begin(&self.connection, "BEGIN")?;
        Ok((transaction, &mut self.state))
    }
}

impl SessionState {
    /// Returns the number of observed changes of the file, as of this transaction.
    pub(super) fn revision(&mut self, transaction: &SqliteTransaction<'_>) -> Result<i64, Error> {
        let mut pragma = transaction.statement("PRAGMA data_version");
        let version = pragma.first([], |row| Ok(row.get(0)?))?.unwrap_or_default();
        if self.data_version != version {
            self.data_version = version;
            self.revision += 1;
        }
        Ok(self.revision)
    }

    /// Records a commit of this connection.
    pub(super) fn record_commit(&mut self, has_changes: bool, durability: Durability) {
        self.revision += i64::from(has_changes);
        match durability {
            Durability::Disk => self.is_on_disk = true,
            Durability::Process => self.is_on_disk &= !has_changes,
        }
    }

    /// Returns the row id and the tenant of a number.
    pub(super) fn number(
        &mut self,
        transaction: &SqliteTransaction<'_>,
        key: &NumberKey,
    ) -> Result<Option<&(i64, Tenant)>, Error> {
        // `entry` would clone an existing key.
        if !self.numbers.contains_key(key) {
            let mut statement =
                transaction.statement("SELECT id, tenant FROM number WHERE number = ?1");
            let found = statement.first([key.as_str()], |row| {
                Ok((row.get(0)?, Tenant::new(row.get::<_, String>(1)?)))
            })?;
            let Some(found) = found else {
                return Ok(None);
            };
            self.numbers.insert(key.clone(), found);
        }
        Ok(self.numbers.get(key))
    }

    /// Returns the row id of a number.
    pub(super) fn number_id(
        &mut self,
        transaction: &SqliteTransaction<'_>,
        key: &NumberKey,
    ) -> Result<Option<i64>, Error> {
        Ok(self.number(transaction, key)?.map(|(id, _)| *id))
    }

    /// Clears the cache of numbers, some of which may have been rolled back.
    pub(super) fn clear_numbers(&mut self) {
        self.numbers.clear();
    }
}

/// A transaction, which is rolled back unless it is committed.
pub(super) struct SqliteTransaction<'c> {
    connection: &'c Connection,
    /// The number of rows that the connection had changed before the transaction.
    changes_before: u64,
    /// Whether a commit without changes syncs those before it.
    must_sync: bool,
}

impl<'c> SqliteTransaction<'c> {
    pub(super) fn begin(connection: &'c Connection, sql: &'static str) -> Result<Self, Error> {
        connection.prepare_cached(sql)?.execute([])?;
        Ok(Self {
            connection,
            changes_before: connection.total_changes(),
            must_sync: false,
        })
    }

    /// Returns a statement.
    pub(super) fn statement(&self, sql: &'static str) -> Statement<'c> {
        Statement {
            connection: self.connection,
            sql,
            prepared: None,
        }
    }

    /// Commits the transaction, and returns true if it has changed a row.
    pub(super) fn commit(self) -> Result<bool, StoreError> {
        let has_changes = self.connection.total_changes() != self.changes_before;
        let connection = self.connection;
        if self.must_sync && !has_changes {
            // SQLite syncs a commit only if it has written a page.
            schema::touch(connection).map_err(Error::from)?;
        }
        let mut commit = connection.prepare_cached("COMMIT").map_err(Error::from)?;
        commit.execute([]).map_err(Error::in_commit)?;
        Ok(has_changes)
    }
}

impl Drop for SqliteTransaction<'_> {
    fn drop(&mut self) {
        if !self.connection.is_autocommit() {
            // After a failure the transaction stays open, and the next one fails to begin.
            let _ = self.connection.execute_batch("ROLLBACK");
        }
    }
}

/// A statement that is prepared when it is first used, and then used for many rows.
pub(super) struct Statement<'c> {
    connection: &'c Connection,
    sql: &'static str,
    prepared: Option<CachedStatement<'c>>,
}

impl<'c> Statement<'c> {
    fn prepared(&mut self) -> Result<&mut CachedStatement<'c>, Error> {
        match &mut self.prepared {
            Some(prepared) => Ok(prepared),
            missing => Ok(missing.insert(self.connection.prepare_cached(self.sql)?)),
        }
    }

    /// Runs the statement and returns the number of changed rows.
    pub(super) fn execute(&mut self, params: impl Params) -> Result<usize, Error> {
        Ok(self.prepared()?.execute(params)?)
    }

    /// Runs the statement, which is a conflict unless it changes one row.
    pub(super) fn execute_one(&mut self, params: impl Params) -> Result<(), Error> {
        match self.execute(params)? {
            1 => Ok(()),
            _ => Err(Error::Conflict),
        }
    }

    /// Returns the first row, or `None` without rows.
    pub(super) fn first<T>(
        &mut self,
        params: impl Params,
        read: impl FnOnce(&Row<'_>) -> Result<T, Error>,
    ) -> Result<Option<T>, Error> {
        let mut rows = self.prepared()?.query(params)?;
        rows.next()?.map(read).transpose()
    }

    /// Reads rows until `read` returns `true`.
    pub(super) fn until(
        &mut self,
        params: impl Params,
        mut read: impl FnMut(&Row<'_>) -> Result<bool, Error>,
    ) -> Result<(), Error> {
        let mut rows = self.prepared()?.query(params)?;
        while let Some(row) = rows.next()? {
            if read(row)? {
                break;
            }
        }
        Ok(())
    }

    /// Returns all rows.
    pub(super) fn all<T>(
        &mut self,
        params: impl Params,
        mut read: impl FnMut(&Row<'_>) -> Result<T, Error>,
    ) -> Result<Vec<T>, Error> {
        let mut rows = self.prepared()?.query(params)?;
        let mut all = Vec::new();
        while let Some(row) = rows.next()? {
            all.push(read(row)?);
        }
        Ok(all)
    }
}
