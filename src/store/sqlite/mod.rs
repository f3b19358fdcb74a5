//! A store in an SQLite file.

mod error;

mod schema;

mod session;

mod row;

mod counters;
mod turns;

mod load;

mod commit;

mod queries;

mod check;

use std::fmt;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};

use parking_lot::Mutex;
use rusqlite::Connection;

use super::{
    BacklogRow, CampaignKey, CampaignMessages, CampaignRow, Changes, DeadEventPosition, Durability,
    Fingerprint, Lease, LeaseQuery, LeasedPage, LoadQuery, MessageQuery, MessageScan, NumberKey,
    Prune, Pruned, ReadyStore, ScannedMessages, Snapshot, Store, StoreCheck, StoreError,
    StoreErrorKind, StoreFuture, StoredMessage, Tenant, Unread, UnreadQuery, WebhookPage,
    WebhookQuery,
};
use crate::model::Signup;
use error::Error;
use session::{Session, SessionState, SqliteTransaction};

/// A store in an SQLite file.
///
/// SQLite is compiled into the program (rusqlite's `bundled`). The file is in WAL mode, with the files
/// `-wal` and `-shm` beside it. Several processes of one machine may share it. A store has one
/// connection, so operations wait for each other, and each operation blocks its thread.
///
/// # Examples
///
/// ```
/// use whatsapp_signals::WebhookEngine;
/// use whatsapp_signals::store::SqliteStore;
///
/// # let folder = std::env::temp_dir().join(format!("whatsapp-signals-doc-{}", std::process::id()));
/// # std::fs::create_dir_all(&folder)?;
/// # let path = folder.join("webhooks.db");
/// let engine = WebhookEngine::new(SqliteStore::open(&path)?);
/// let body = std::fs::read("tests/payloads/text.json")?;
/// assert_eq!(engine.process(&body)?.delivered(), 1);
/// drop(engine);
///
/// let engine = WebhookEngine::new(SqliteStore::open(&path)?); // after a restart
/// assert_eq!(engine.process(&body)?.duplicates(), 1);
/// # drop(engine);
/// # std::fs::remove_dir_all(&folder)?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # Tables
///
/// Other programs may read them, and should expect that a later version adds to them. The
/// `user_version` of the file is 2; a file of another version is refused.
///
/// | table | rows |
/// | --- | --- |
/// | `webhook`, `body` | unfinished webhooks, each with its body |
/// | `event` | fingerprints of the keys of all events, with the id of their webhook |
/// | `progress` | events that did not succeed at once |
/// | `number` | your numbers with their tenants |
/// | `message` | messages as JSON, found by their `key` (the fingerprint of the `wamid`, and the id of the `number`) and not by the `wamid`; their `status` and whether they are unread in columns; `message` is `NULL` where only the status is known |
/// | `contact` | contacts as JSON |
/// | `contact_id` | the ids that contacts have, and had `until` a time |
/// | `signup` | signups as JSON, with their subscriber count in a column |
/// | `campaign` | campaigns as JSON, with the number of refusals in a column |
///
/// # Beside other crates
///
/// A program links one SQLite, so all its crates must agree on one `libsqlite3-sys`. This crate
/// takes rusqlite 0.32 to 0.43, and cargo chooses the version that suits the others. These crates
/// resolve beside it:
///
/// | crate | versions | features |
/// | --- | --- | --- |
/// | `rusqlite` | 0.32, 0.33, 0.34, 0.35, 0.36, 0.37, 0.38, 0.39, 0.40, 0.41, 0.42, 0.43 | `bundled` |
/// | `r2d2_sqlite` | 0.25, 0.26, 0.27, 0.28, 0.29, 0.30, 0.31, 0.32, 0.33, 0.34, 0.35 | `bundled` |
/// | `sqlx` | 0.8, 0.9 | `runtime-tokio`, `sqlite` |
/// | `diesel` | 2.2, 2.3 | `sqlite` |
///
/// # A full disk
///
/// Deletion needs room, too: [`prune`](crate::WebhookEngine::prune) first writes to the WAL. On a
/// disk without free space it fails with [`Full`](StoreErrorKind::Full); remove other files, and
/// call it again. A limit prevents that: [`max_bytes`](SqliteOptions::max_bytes) counts the
/// file and not its WAL, so a store at its limit can still be pruned. Set it so that the disk
/// has 256 MiB more. The WAL grows to 64 MiB and one transaction, and beyond that only while
/// another program reads for long, as a backup does.
///
/// The freed pages are used again, and the file does not shrink; `VACUUM` of SQLite shrinks it, and
/// needs up to twice its size on the disk.
pub struct SqliteStore {
    session: Mutex<Session>,
    clock: Option<Clock>,
}

/// The largest file that an erasure vacuums, in bytes.
const MAX_VACUUM_BYTES: i64 = 256 << 20;

/// Returns true if an operation has changed nothing and may succeed later.
fn is_transient(error: &StoreError) -> bool {
    matches!(error.kind(), StoreErrorKind::Locked | StoreErrorKind::Full)
}

/// A clock.
type Clock = Arc<dyn Fn() -> SystemTime + Send + Sync>;

impl SqliteStore {
    /// Opens a file, or creates it.
    ///
    /// # Errors
    ///
    /// If the file cannot be opened, is not one of this crate, or has the tables of another version.
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

    /// Checks a file: its pages and indexes (`PRAGMA integrity_check`), the version of its tables,
    /// and that each webhook has its body. Nothing is changed, and a missing file is not created.
    ///
    /// It reads the whole file, about 1 s for 500 MiB, while other programs may use the file. At
    /// most 100 faults of the pages are listed.
    ///
    /// # Errors
    ///
    /// If there is no such file, or it cannot be read. A file that is damaged, empty or of another
    /// program is a [fault](StoreCheck::faults).
    ///
    /// ```
    /// use whatsapp_signals::store::{SqliteStore, StoreErrorKind};
    ///
    /// # let folder = std::env::temp_dir().join(format!("check-{}", std::process::id()));
    /// # std::fs::create_dir_all(&folder)?;
    /// # let path = folder.join("bikes.db");
    /// let error = SqliteStore::check(&path).unwrap_err();
    /// assert_eq!(error.kind(), StoreErrorKind::Unavailable);
    ///
    /// let store = SqliteStore::open(&path)?;
    /// let check = SqliteStore::check(&path)?;
    /// assert!(check.is_ok());
    /// assert_eq!(check.version, Some(check.expected_version));
    /// # drop(store);
    /// # std::fs::remove_dir_all(&folder)?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn check(path: impl AsRef<Path>) -> Result<StoreCheck, StoreError> {
        check::check(path.as_ref())
    }

    /// Rebuilds the file (`VACUUM`) without deleted rows: `secure_delete` is `FAST`, which leaves
    /// them in free pages, and SQLite leaves copies of rows that it moved within a page. Returns
    /// `false` if another process still reads the file.
    ///
    /// [`erase`](crate::engine::Records::erase) does so itself, unless the file is larger than
    /// 256 MiB. It takes about two seconds for that size, and as much room as the file has; other
    /// calls wait meanwhile.
    ///
    /// # Errors
    ///
    /// When another process has locked the file for too long, or there is no room.
    ///
    /// ```
    /// use whatsapp_signals::store::SqliteStore;
    ///
    /// # let folder = std::env::temp_dir().join(format!("vacuum-{}", std::process::id()));
    /// # std::fs::create_dir_all(&folder)?;
    /// # let path = folder.join("bikes.db");
    /// let store = SqliteStore::open(&path)?;
    /// assert!(store.vacuum()?);
    /// # drop(store);
    /// # std::fs::remove_dir_all(&folder)?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn vacuum(&self) -> Result<bool, StoreError> {
        Ok(self.session.lock().vacuum()?)
    }

    /// Returns the time of the store, in milliseconds since 1970.
    fn now(&self) -> i64 {
        let now = self
            .clock
            .as_ref()
            .map_or_else(SystemTime::now, |clock| clock());
        let since = now.duration_since(SystemTime::UNIX_EPOCH);
        // A clock before 1970 was never set.
        since.map_or(0, |since| {
            i64::try_from(since.as_millis()).unwrap_or(i64::MAX)
        })
    }

    /// Runs a transaction that reads.
    fn read<T>(
        &self,
        read: impl FnOnce(&SqliteTransaction<'_>, &mut SessionState) -> Result<T, Error>,
    ) -> Result<T, StoreError> {
        let mut session = self.session.lock();
        let (transaction, state) = session.read()?;
        let value = read(&transaction, state)?;
        transaction.commit()?;
        Ok(value)
    }

    /// Runs a transaction that writes.
    fn write<T>(
        &self,
        durability: Durability,
        write: impl FnOnce(&SqliteTransaction<'_>, &mut SessionState) -> Result<T, Error>,
    ) -> Result<T, StoreError> {
        let mut session = self.session.lock();
        let (transaction, state) = session.write(durability)?;
        let committed = write(&transaction, state)
            .map_err(StoreError::from)
            .and_then(|value| Ok((value, transaction.commit()?)));
        match &committed {
            Ok((_, has_changes)) => state.record_commit(*has_changes, durability),
            Err(_) => state.clear_numbers(),
        }
        committed.map(|(value, _)| value)
    }
}

impl Store for SqliteStore {
    fn load<'a>(&'a self, query: &'a LoadQuery) -> StoreFuture<'a, Snapshot> {
        Box::pin(async move { self.read(|tx, state| load::load(tx, state, query, self.now())) })
    }

    fn commit<'a>(
        &'a self,
        changes: &'a Changes<'a>,
        durability: Durability,
    ) -> StoreFuture<'a, ()> {
        Box::pin(async move {
            self.write(durability, |tx, state| {
                commit::write(tx, state, changes, self.now())
            })
        })
    }

    fn lease_due(&self, lease: Lease, query: LeaseQuery) -> StoreFuture<'_, LeasedPage> {
        Box::pin(async move {
            self.write(Durability::Process, |tx, _| {
                queries::lease_due(tx, lease, query, self.now())
            })
        })
    }

    fn webhooks<'a>(&'a self, query: &'a WebhookQuery) -> StoreFuture<'a, WebhookPage> {
        Box::pin(async move { self.read(|tx, _| queries::webhooks(tx, query)) })
    }

    fn dead_events(
        &self,
        after: Option<DeadEventPosition>,
        limit: usize,
    ) -> StoreFuture<'_, Vec<(DeadEventPosition, Fingerprint)>> {
        Box::pin(async move { self.read(|tx, _| queries::dead_events(tx, after, limit)) })
    }

    fn backlog(&self) -> StoreFuture<'_, BacklogRow> {
        Box::pin(async move { self.read(|tx, _| queries::backlog(tx, self.now())) })
    }

    fn messages<'a>(&'a self, query: &'a MessageQuery) -> StoreFuture<'a, Vec<StoredMessage>> {
        Box::pin(async move { self.read(|tx, state| queries::messages(tx, state, query)) })
    }

    fn unread<'a>(&'a self, query: &'a UnreadQuery) -> StoreFuture<'a, Vec<Unread>> {
        Box::pin(async move { self.read(|tx, _| queries::unread(tx, query)) })
    }

    fn signups<'a>(&'a self, tenant: &'a Tenant) -> StoreFuture<'a, Vec<Signup>> {
        Box::pin(async move {
            let found = self.read(|tx, _| counters::list(tx, Some(tenant)))?;
            Ok(found.into_iter().map(|(_, signup)| signup).collect())
        })
    }

    fn campaigns<'a>(
        &'a self,
        tenant: Option<&'a Tenant>,
    ) -> StoreFuture<'a, Vec<(CampaignKey, CampaignRow)>> {
        Box::pin(async move { self.read(|tx, _| counters::list(tx, tenant)) })
    }

    fn campaign_messages<'a>(
        &'a self,
        campaigns: &'a [CampaignKey],
    ) -> StoreFuture<'a, Vec<CampaignMessages>> {
        Box::pin(async move { self.read(|tx, _| queries::campaign_messages(tx, campaigns)) })
    }

    fn numbers(&self) -> StoreFuture<'_, Vec<(NumberKey, Tenant)>> {
        Box::pin(async move { self.read(|tx, _| queries::numbers(tx)) })
    }

    fn prune<'a>(&'a self, step: &'a Prune) -> StoreFuture<'a, Pruned> {
        Box::pin(async move { self.write(Durability::Process, |tx, _| queries::prune(tx, step)) })
    }

    fn scan_messages<'a>(&'a self, step: &'a MessageScan) -> StoreFuture<'a, ScannedMessages> {
        Box::pin(async move { self.read(|tx, _| queries::scan_messages(tx, step)) })
    }

    /// Writes the WAL to the file, and empties it.
    fn scrub(&self) -> StoreFuture<'_, bool> {
        Box::pin(async move {
            let mut session = self.session.lock();
            if session.size()? > MAX_VACUUM_BYTES {
                session.checkpoint()?;
                return Ok(false);
            }
            match session.vacuum().map_err(StoreError::from) {
                // The rows are deleted nevertheless.
                Err(error) if is_transient(&error) => Ok(false),
                scrubbed => scrubbed,
            }
        })
    }
}

impl ReadyStore for SqliteStore {}

impl fmt::Debug for SqliteStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SqliteStore").finish_non_exhaustive()
    }
}

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
    /// Creates the default options.
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

    /// Sets the clock of leases and due times (default: that of the system), for tests.
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
        // Before any change, since the file may belong to another program.
        schema::has_tables(&connection)?;
        // SQLite does not wait for locks while it enables the WAL.
        let until = Instant::now() + self.busy_timeout;
        loop {
            match enable_wal(&connection) {
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
        // pragma returns the new value.
        connection.pragma_update_and_check(None, "secure_delete", "FAST", |_| Ok(()))?;
        // A checkpoint writes a page once, however often it changed. Keys have no order, so a large
        // store changes many pages.
        connection.pragma_update(None, "wal_autocheckpoint", 16384)?;
        connection.pragma_update(None, "cache_size", -64 * 1024)?;
        if let Some(bytes) = self.max_bytes {
            let page: u32 = connection.pragma_query_value(None, "page_size", |row| row.get(0))?;
            let pages = i64::try_from((bytes / u64::from(page)).max(1)).unwrap_or(i64::MAX);
            // The pragma returns the limit.
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

fn enable_wal(connection: &Connection) -> Result<(), StoreError> {
    let mode = connection
        .pragma_update_and_check(None, "journal_mode", "WAL", |row| row.get::<_, String>(0));
    if mode.map_err(Error::from)?.eq_ignore_ascii_case("wal") {
        return Ok(());
    }
    // Without a WAL, a power failure may corrupt the file after a commit that was not synced.
    let source = "a write-ahead log is not possible here";
    Err(StoreError::new(StoreErrorKind::Unavailable, source))
}
