//! How a file is opened.

use std::path::Path;
use std::time::{Duration, Instant};

use parking_lot::Mutex;
use rusqlite::Connection;

use super::error::failed;
use super::{SqliteStore, Synced, schema};
use crate::store::{StoreError, StoreErrorKind};

/// How long to wait and how large to grow.
///
/// # Examples
///
/// ```
/// use std::time::Duration;
/// use whatsapp_signals::store::{SqliteOptions, StoreExt};
///
/// # let folder = std::env::temp_dir().join(format!("whatsapp-signals-options-{}", std::process::id()));
/// # std::fs::create_dir_all(&folder)?;
/// # let path = folder.join("webhooks.db");
/// let store = SqliteOptions::new()
///     .busy_timeout(Duration::from_secs(1))
///     .max_bytes(1024 * 1024 * 1024)
///     .open(&path)?;
/// assert!(store.unread_counts()?.is_empty());
/// # drop(store);
/// # std::fs::remove_dir_all(&folder)?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Copy, Debug)]
pub struct SqliteOptions {
    busy_timeout: Duration,
    max_bytes: Option<u64>,
}

impl SqliteOptions {
    /// Five seconds, and no limit.
    #[must_use]
    pub const fn new() -> Self {
        Self {
            busy_timeout: Duration::from_secs(5),
            max_bytes: None,
        }
    }

    /// How long to wait for another process before the store is
    /// [`Locked`](StoreErrorKind::Locked).
    ///
    /// ```
    /// use std::time::Duration;
    /// use whatsapp_signals::store::{Mode, SqliteOptions, SqliteStore, Store, StoreErrorKind};
    ///
    /// # let folder = std::env::temp_dir().join(format!("whatsapp-signals-timeout-{}", std::process::id()));
    /// # std::fs::create_dir_all(&folder)?;
    /// # let path = folder.join("webhooks.db");
    /// let patient = SqliteStore::open(&path)?;
    /// let hasty = SqliteOptions::new().busy_timeout(Duration::from_millis(1)).open(&path)?;
    /// patient.transact(Mode::Write, &mut |_| {
    ///     let error = hasty.transact(Mode::Write, &mut |_| Ok(())).unwrap_err();
    ///     assert_eq!(error.kind(), StoreErrorKind::Locked);
    ///     Ok(())
    /// })?;
    /// # drop((patient, hasty));
    /// # std::fs::remove_dir_all(&folder)?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub const fn busy_timeout(mut self, timeout: Duration) -> Self {
        self.busy_timeout = timeout;
        self
    }

    /// How large the file may grow, its WAL not counted, before the store is
    /// [`Full`](StoreErrorKind::Full).
    ///
    /// ```
    /// use whatsapp_signals::WebhookEngine;
    /// use whatsapp_signals::store::SqliteOptions;
    ///
    /// # let folder = std::env::temp_dir().join(format!("whatsapp-signals-limit-{}", std::process::id()));
    /// # std::fs::create_dir_all(&folder)?;
    /// # let path = folder.join("webhooks.db");
    /// let engine = WebhookEngine::new(SqliteOptions::new().max_bytes(512 * 1024).open(&path)?);
    /// let mut body = std::fs::read("tests/payloads/text.json")?;
    /// body.resize(1024 * 1024, b' ');
    /// assert_eq!(engine.process(&body).unwrap_err().http_status(), 503);
    /// # drop(engine);
    /// # std::fs::remove_dir_all(&folder)?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub const fn max_bytes(mut self, bytes: u64) -> Self {
        self.max_bytes = Some(bytes);
        self
    }

    /// See [`SqliteStore::open`].
    ///
    /// # Errors
    ///
    /// See [`SqliteStore::open`].
    pub fn open(self, path: impl AsRef<Path>) -> Result<SqliteStore, StoreError> {
        let mut connection = Connection::open(path).map_err(failed)?;
        connection.busy_timeout(self.busy_timeout).map_err(failed)?;
        schema::check(&connection)?;
        // Turning the WAL on does not wait for others as all else does.
        let until = Instant::now() + self.busy_timeout;
        loop {
            match turn_on_wal(&connection) {
                Err(error) if error.kind() == StoreErrorKind::Locked && Instant::now() < until => {
                    std::thread::sleep(Duration::from_millis(5));
                }
                other => break other?,
            }
        }
        self.configure(&connection).map_err(failed)?;
        schema::migrate(&mut connection)?;
        Ok(SqliteStore {
            connection: Mutex::new(Synced {
                connection,
                is_durable: true,
            }),
        })
    }

    fn configure(self, connection: &Connection) -> rusqlite::Result<()> {
        connection.set_prepared_statement_cache_capacity(64);
        connection.pragma_update(None, "synchronous", "FULL")?;
        // Many changes of one page are written to the file once: keys come in
        // no order, so that a large inbox changes many pages.
        connection.pragma_update(None, "wal_autocheckpoint", 16384)?;
        connection.pragma_update(None, "cache_size", -64 * 1024)?;
        if let Some(bytes) = self.max_bytes {
            let page: u64 = connection.pragma_query_value(None, "page_size", |row| row.get(0))?;
            let pages = i64::try_from((bytes / page).max(1)).unwrap_or(i64::MAX);
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

fn turn_on_wal(connection: &Connection) -> Result<(), StoreError> {
    let mode = connection
        .pragma_update_and_check(None, "journal_mode", "WAL", |row| row.get::<_, String>(0));
    if mode.map_err(failed)?.eq_ignore_ascii_case("wal") {
        return Ok(());
    }
    // Without it a commit that does not wait for the disk may tear the file.
    let source = "no write-ahead log can be kept here";
    Err(StoreError::new(StoreErrorKind::Unavailable, source))
}
