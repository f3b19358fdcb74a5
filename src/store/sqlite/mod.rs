//! A store in a file.

mod backlog;
mod check;
mod commit;
mod counted;
mod error;
mod load;
mod options;
mod pages;
mod row;
mod schema;
mod session;
mod turns;

use std::fmt;
use std::path::Path;
use std::sync::Arc;
use std::time::SystemTime;

use parking_lot::Mutex;

use super::{
    BacklogRow, CampaignKey, CampaignMessages, CampaignRow, Changes, DeadPlace, Durability,
    Fingerprint, Lease, LeaseQuery, LeasedPage, LoadQuery, MessageQuery, MessageScan, NumberKey,
    Prune, Pruned, ReadyStore, ScannedMessages, Snapshot, Store, StoreCheck, StoreError,
    StoreErrorKind, StoreFuture, StoredMessage, Tenant, Unread, UnreadQuery, WebhookPage,
    WebhookQuery,
};
use crate::model::Signup;
use error::Error;
use session::{Facts, Session, Transaction};

pub use options::SqliteOptions;

/// A store in an SQLite file.
///
/// SQLite is part of the program (rusqlite's `bundled`). The file is in WAL mode; beside it lie
/// `-wal` and `-shm`, which belong to it. Several processes of one machine may share it. There is
/// one connection, so that a large body makes others wait, and each operation blocks its thread
/// until it is done.
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
/// # Its tables
///
/// Other programs may read them, and should expect that a later version adds to them. The
/// `user_version` of the file is 2; a file of another version is refused.
///
/// | table | rows |
/// | --- | --- |
/// | `webhook`, `body` | webhooks of which something is to be done, each with its body |
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

/// The size in bytes of a file up to which an erasure vacuums it.
const VACUUM_AT_ONCE: i64 = 256 << 20;

/// Returns whether an error has left the file as it was, and may be over later.
fn is_passing(error: &StoreError) -> bool {
    matches!(error.kind(), StoreErrorKind::Locked | StoreErrorKind::Full)
}

/// A clock.
type Clock = Arc<dyn Fn() -> SystemTime + Send + Sync>;

impl SqliteStore {
    /// Opens a file, or creates it.
    ///
    /// # Errors
    ///
    /// If it cannot be opened, is not a file of this crate's, or was written by a version with
    /// other tables.
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
        // A clock before 1970 is one that was never set.
        since.map_or(0, |since| {
            i64::try_from(since.as_millis()).unwrap_or(i64::MAX)
        })
    }

    /// Reads as of one moment.
    fn read<T>(
        &self,
        read: impl FnOnce(&Transaction<'_>, &mut Facts) -> Result<T, Error>,
    ) -> Result<T, StoreError> {
        let mut session = self.session.lock();
        let (transaction, facts) = session.read()?;
        let value = read(&transaction, facts)?;
        transaction.commit()?;
        Ok(value)
    }

    /// Writes all or nothing.
    fn write<T>(
        &self,
        durability: Durability,
        write: impl FnOnce(&Transaction<'_>, &mut Facts) -> Result<T, Error>,
    ) -> Result<T, StoreError> {
        let mut session = self.session.lock();
        let (transaction, facts) = session.write(durability)?;
        let committed = write(&transaction, facts)
            .map_err(StoreError::from)
            .and_then(|value| Ok((value, transaction.commit()?)));
        match &committed {
            Ok((_, has_changes)) => facts.committed(*has_changes, durability),
            Err(_) => facts.forget_numbers(),
        }
        committed.map(|(value, _)| value)
    }
}

impl Store for SqliteStore {
    fn load<'a>(&'a self, wanted: &'a LoadQuery) -> StoreFuture<'a, Snapshot> {
        Box::pin(async move { self.read(|tx, facts| load::load(tx, facts, wanted, self.now())) })
    }

    fn commit<'a>(
        &'a self,
        changes: &'a Changes<'a>,
        durability: Durability,
    ) -> StoreFuture<'a, ()> {
        Box::pin(async move {
            self.write(durability, |tx, facts| {
                commit::write(tx, facts, changes, self.now())
            })
        })
    }

    fn lease_due(&self, lease: Lease, query: LeaseQuery) -> StoreFuture<'_, LeasedPage> {
        Box::pin(async move {
            self.write(Durability::Process, |tx, _| {
                pages::lease_due(tx, lease, query, self.now())
            })
        })
    }

    fn webhooks<'a>(&'a self, query: &'a WebhookQuery) -> StoreFuture<'a, WebhookPage> {
        Box::pin(async move { self.read(|tx, _| pages::webhooks(tx, query)) })
    }

    fn dead_events(
        &self,
        after: Option<DeadPlace>,
        limit: usize,
    ) -> StoreFuture<'_, Vec<(DeadPlace, Fingerprint)>> {
        Box::pin(async move { self.read(|tx, _| backlog::dead_events(tx, after, limit)) })
    }

    fn backlog(&self) -> StoreFuture<'_, BacklogRow> {
        Box::pin(async move { self.read(|tx, _| backlog::backlog(tx, self.now())) })
    }

    fn messages<'a>(&'a self, query: &'a MessageQuery) -> StoreFuture<'a, Vec<StoredMessage>> {
        Box::pin(async move { self.read(|tx, facts| pages::messages(tx, facts, query)) })
    }

    fn unread<'a>(&'a self, query: &'a UnreadQuery) -> StoreFuture<'a, Vec<Unread>> {
        Box::pin(async move { self.read(|tx, _| pages::unread(tx, query)) })
    }

    fn signups<'a>(&'a self, tenant: &'a Tenant) -> StoreFuture<'a, Vec<Signup>> {
        Box::pin(async move {
            let found = self.read(|tx, _| counted::list(tx, Some(tenant)))?;
            Ok(found.into_iter().map(|(_, signup)| signup).collect())
        })
    }

    fn campaigns<'a>(
        &'a self,
        tenant: Option<&'a Tenant>,
    ) -> StoreFuture<'a, Vec<(CampaignKey, CampaignRow)>> {
        Box::pin(async move { self.read(|tx, _| counted::list(tx, tenant)) })
    }

    fn campaign_messages<'a>(
        &'a self,
        campaigns: &'a [CampaignKey],
    ) -> StoreFuture<'a, Vec<CampaignMessages>> {
        Box::pin(async move { self.read(|tx, _| pages::campaign_messages(tx, campaigns)) })
    }

    fn numbers(&self) -> StoreFuture<'_, Vec<(NumberKey, Tenant)>> {
        Box::pin(async move { self.read(|tx, _| pages::numbers(tx)) })
    }

    fn prune<'a>(&'a self, step: &'a Prune) -> StoreFuture<'a, Pruned> {
        Box::pin(async move { self.write(Durability::Process, |tx, _| pages::prune(tx, step)) })
    }

    fn scan_messages<'a>(&'a self, step: &'a MessageScan) -> StoreFuture<'a, ScannedMessages> {
        Box::pin(async move { self.read(|tx, _| pages::scan_messages(tx, step)) })
    }

    /// Writes the WAL to the file, and empties it.
    fn scrub(&self) -> StoreFuture<'_, bool> {
        Box::pin(async move {
            let mut session = self.session.lock();
            if session.size()? > VACUUM_AT_ONCE {
                session.checkpoint()?;
                return Ok(false);
            }
            match session.vacuum().map_err(StoreError::from) {
                // The rows are deleted all the same.
                Err(error) if is_passing(&error) => Ok(false),
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
