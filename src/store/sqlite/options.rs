//! The options of a file.

use std::fmt;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};

use parking_lot::Mutex;
use rusqlite::Connection;

use super::error::Error;
use super::session::Session;
use super::{Clock, SqliteStore, schema};
use crate::store::{StoreError, StoreErrorKind};

/// Options of a [`SqliteStore`].
///
/// # Examples
///
/// ```
/// use std::time::Duration;
/// use whatsapp_signals::store::{SqliteOptions, Store};
///
/// # let folder = std::env::temp_dir().join(format!("whatsapp-signals-options-{}", std::process::id()));
/// # std::fs::create_dir_all(&folder)?;
/// # let path = folder.join("webhooks.db");
/// let store = SqliteOptions::new()
///     .busy_timeout(Duration::from_secs(1))
///     .max_bytes(1024 * 1024 * 1024)
///     .open(&path)?;
/// assert!(pollster::block_on(store.numbers())?.is_empty());
/// # drop(store);
/// # std::fs::remove_dir_all(&folder)?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone)]
pub struct SqliteOptions {
    busy_timeout: Duration,
    max_bytes: Option<u64>,
    clock: Option<Clock>,
}

impl SqliteOptions {
    /// Returns the default options.
    #[must_use]
    pub const fn new() -> Self {
        Self {
            busy_timeout: Duration::from_secs(5),
            max_bytes: None,
            clock: None,
        }
    }

    /// Sets the time to wait for another process before the store is
    /// [`Locked`](StoreErrorKind::Locked) (default: 5 s).
    #[must_use]
    pub const fn busy_timeout(mut self, timeout: Duration) -> Self {
        self.busy_timeout = timeout;
        self
    }

    /// Sets the size that the file may grow to, without its WAL, before the store is
    /// [`Full`](StoreErrorKind::Full) (default: no limit). A full store can be pruned while the
    /// disk has room for the WAL: see [`SqliteStore`](SqliteStore#a-full-disk).
    /// Each process that shares the file sets its own limit.
    #[must_use]
    pub const fn max_bytes(mut self, bytes: u64) -> Self {
        self.max_bytes = Some(bytes);
        self
    }

    /// Sets the clock that leases are reckoned by (default: that of the system), for tests.
    ///
    /// ```
    /// use std::time::{Duration, SystemTime};
    /// use whatsapp_signals::store::{SqliteOptions, Store, LoadQuery};
    ///
    /// # let folder = std::env::temp_dir().join(format!("whatsapp-signals-clock-{}", std::process::id()));
    /// # std::fs::create_dir_all(&folder)?;
    /// # let path = folder.join("webhooks.db");
    /// let clock = || SystemTime::UNIX_EPOCH + Duration::from_secs(60);
    /// let store = SqliteOptions::new().clock(clock).open(&path)?;
    /// assert_eq!(pollster::block_on(store.load(&LoadQuery::default()))?.now, 60_000);
    /// # drop(store);
    /// # std::fs::remove_dir_all(&folder)?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn clock(mut self, clock: impl Fn() -> SystemTime + Send + Sync + 'static) -> Self {
        self.clock = Some(Arc::new(clock));
        self
    }

    /// Opens a file, or creates it: see [`SqliteStore::open`].
    ///
    /// # Errors
    ///
    /// See [`SqliteStore::open`].
    pub fn open(self, path: impl AsRef<Path>) -> Result<SqliteStore, StoreError> {
        let mut connection = Connection::open(path).map_err(Error::from)?;
        connection
            .busy_timeout(self.busy_timeout)
            .map_err(Error::from)?;
        // Before anything is changed, as the file may be another program's.
        schema::has_tables(&connection)?;
        // SQLite does not wait for locks while it turns on the WAL.
        let until = Instant::now() + self.busy_timeout;
        loop {
            match turn_on_wal(&connection) {
                Err(error) if error.kind() == StoreErrorKind::Locked && Instant::now() < until => {
                    std::thread::sleep(Duration::from_millis(5));
                }
                other => break other?,
            }
        }
        self.configure(&connection).map_err(Error::from)?;
        schema::create(&mut connection)?;
        Ok(SqliteStore {
            session: Mutex::new(Session::new(connection)),
            clock: self.clock,
        })
    }

    fn configure(&self, connection: &Connection) -> rusqlite::Result<()> {
        connection.set_prepared_statement_cache_capacity(64);
        connection.pragma_update(None, "synchronous", "FULL")?;
        // Deleted rows are overwritten in pages that are written anyway. With `ON`, each finished
        // body would be written once more, as zeros; an erasure vacuums the file instead. The
        // pragma answers with the new value.
        connection.pragma_update_and_check(None, "secure_delete", "FAST", |_| Ok(()))?;
        // Many changes of one page are written to the file once: keys come in no order, so that a
        // large store changes many pages.
        connection.pragma_update(None, "wal_autocheckpoint", 16384)?;
        connection.pragma_update(None, "cache_size", -64 * 1024)?;
        if let Some(bytes) = self.max_bytes {
            let page: u32 = connection.pragma_query_value(None, "page_size", |row| row.get(0))?;
            let pages = i64::try_from((bytes / u64::from(page)).max(1)).unwrap_or(i64::MAX);
            // It answers with the limit.
            connection.pragma_update_and_check(None, "max_page_count", pages, |_| Ok(()))?;
        }
        Ok(())
    }
}

impl Default for SqliteOptions {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for SqliteOptions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SqliteOptions")
            .field("busy_timeout", &self.busy_timeout)
            .field("max_bytes", &self.max_bytes)
            .finish_non_exhaustive()
    }
}

fn turn_on_wal(connection: &Connection) -> Result<(), StoreError> {
    let mode = connection
        .pragma_update_and_check(None, "journal_mode", "WAL", |row| row.get::<_, String>(0));
    if mode.map_err(Error::from)?.eq_ignore_ascii_case("wal") {
        return Ok(());
    }
    // Without it a commit that does not wait for the disk may tear the file.
    let source = "no write-ahead log can be kept here";
    Err(StoreError::new(StoreErrorKind::Unavailable, source))
}
