//! A store in a file.

mod error;
mod inbox;
mod options;
mod records;
mod schema;

use std::fmt;
use std::path::Path;

use parking_lot::Mutex;
use rusqlite::{CachedStatement, Connection, TransactionBehavior};

use super::{Mode, Store, StoreError, Work};
use error::failed;

pub use options::SqliteOptions;

/// A store in an SQLite file.
///
/// SQLite is part of the program (rusqlite's `bundled`). The file is in WAL mode;
/// beside it lie `-wal` and `-shm`, which belong to it. Several processes of one
/// machine may share it. There is one connection, so that a large body makes
/// others wait.
///
/// # Examples
///
/// ```
/// use whatsapp_signals::WebhookEngine;
/// use whatsapp_signals::store::{SqliteStore, StoreExt};
///
/// # let folder = std::env::temp_dir().join(format!("whatsapp-signals-doc-{}", std::process::id()));
/// # std::fs::create_dir_all(&folder)?;
/// # let path = folder.join("webhooks.db");
/// let body = &std::fs::read("tests/payloads/text.json")?;
/// let engine = WebhookEngine::new(SqliteStore::open(&path)?);
/// assert_eq!(engine.process(body)?.fired(), 1);
/// drop(engine);
///
/// // The program starts anew, and Meta repeats itself.
/// let engine = WebhookEngine::new(SqliteStore::open(&path)?);
/// assert_eq!(engine.process(body)?.duplicate(), 1);
/// assert_eq!(engine.store().unread_counts()?.len(), 1);
/// # drop(engine);
/// # std::fs::remove_dir_all(&folder)?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # Its tables
///
/// They may be read by others, who should expect that a later version adds to
/// them: `message` (by `wamid`; the `message` itself as JSON), `contact`,
/// `contact_id` (who has which id), `signup`, `webhook`, `body`, `event`.
pub struct SqliteStore {
    connection: Mutex<Synced>,
}

/// A connection, and what its commits wait for.
struct Synced {
    connection: Connection,
    is_durable: bool,
}

impl SqliteStore {
    /// Opens a file, or makes it.
    ///
    /// # Errors
    ///
    /// When it cannot be opened, or is not a file of this crate's, or was
    /// written by a newer version.
    ///
    /// ```
    /// use whatsapp_signals::store::{SqliteStore, StoreErrorKind};
    ///
    /// let error = SqliteStore::open("no/such/folder/webhooks.db").unwrap_err();
    /// assert_eq!(error.kind(), StoreErrorKind::Unavailable);
    /// ```
    pub fn open(path: impl AsRef<Path>) -> Result<Self, StoreError> {
        SqliteOptions::new().open(path)
    }
}

impl Synced {
    /// Has commits wait for the disk, or not.
    fn sync(&mut self, is_durable: bool) -> rusqlite::Result<()> {
        if self.is_durable != is_durable {
            let level = if is_durable { "FULL" } else { "NORMAL" };
            self.connection.pragma_update(None, "synchronous", level)?;
            self.is_durable = is_durable;
        }
        Ok(())
    }
}

impl Store for SqliteStore {
    fn transact(&self, mode: Mode, work: &mut Work<'_>) -> Result<(), StoreError> {
        let mut synced = self.connection.lock();
        let behavior = match mode {
            Mode::Read => TransactionBehavior::Deferred,
            // One that begins as a reader cannot always become a writer.
            Mode::Write | Mode::Durable => TransactionBehavior::Immediate,
        };
        // Without a sync a commit is in the WAL, which the next sync includes.
        let is_durable = mode == Mode::Durable;
        if mode != Mode::Read {
            synced.sync(is_durable).map_err(failed)?;
        }
        let transaction = synced.connection.transaction_with_behavior(behavior);
        let transaction = transaction.map_err(failed)?;
        work(&mut Rows(&transaction))?;
        transaction.commit().map_err(failed)
    }
}

/// The rows, within a transaction.
struct Rows<'c>(&'c Connection);

impl Rows<'_> {
    fn prepare(&self, sql: &str) -> Result<CachedStatement<'_>, StoreError> {
        self.0.prepare_cached(sql).map_err(failed)
    }

    fn execute(&self, sql: &str, params: impl rusqlite::Params) -> Result<usize, StoreError> {
        self.prepare(sql)?.execute(params).map_err(failed)
    }

    /// The first row, if there is one.
    fn first<T>(
        &self,
        sql: &str,
        params: impl rusqlite::Params,
        read: impl FnOnce(&rusqlite::Row<'_>) -> rusqlite::Result<T>,
    ) -> Result<Option<T>, StoreError> {
        let mut statement = self.prepare(sql)?;
        let mut rows = statement.query(params).map_err(failed)?;
        match rows.next().map_err(failed)? {
            Some(row) => read(row).map(Some).map_err(failed),
            None => Ok(None),
        }
    }

    fn all<T>(
        &self,
        sql: &str,
        params: impl rusqlite::Params,
        read: impl FnMut(&rusqlite::Row<'_>) -> rusqlite::Result<T>,
    ) -> Result<Vec<T>, StoreError> {
        let mut statement = self.prepare(sql)?;
        let rows = statement.query_map(params, read).map_err(failed)?;
        rows.collect::<Result<_, _>>().map_err(failed)
    }
}

/// A limit, as SQLite takes it.
fn limit(rows: usize) -> i64 {
    i64::try_from(rows).unwrap_or(i64::MAX)
}

impl fmt::Debug for SqliteStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SqliteStore").finish_non_exhaustive()
    }
}
