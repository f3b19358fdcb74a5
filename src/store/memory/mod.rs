//! A store that is gone when the program ends.

mod contacts;
mod inbox;
mod messages;
mod records;
mod table;

use std::fmt;

use parking_lot::Mutex;

use super::{Mode, Store, StoreError, StoreErrorKind, Work};
use inbox::InboxTables;
use records::RecordTables;
use table::Undo;

/// A store in memory, for tests and for programs that may forget: it knows
/// duplicates and failed receivers as long as the program runs.
///
/// It is bounded. Each table has up to so many rows; then the row that came
/// first makes room: a finished event, a message, a contact. What is not
/// finished is never dropped: when there is nothing else, the store is
/// [`Full`](StoreErrorKind::Full), and the webhook is refused.
///
/// # Examples
///
/// ```
/// use whatsapp_signals::WebhookEngine;
/// use whatsapp_signals::store::MemoryStore;
///
/// let engine = WebhookEngine::new(MemoryStore::new());
/// let body = &std::fs::read("tests/payloads/text.json")?;
/// assert_eq!(engine.process(body)?.fired(), 1);
/// assert_eq!(engine.process(body)?.duplicate(), 1);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct MemoryStore {
    tables: Mutex<Tables>,
}

/// Everything in the store.
pub(super) struct Tables {
    bound: usize,
    inbox: InboxTables,
    records: RecordTables,
}

impl MemoryStore {
    /// How many rows a table of a [`new`](Self::new) store has at most:
    /// 100,000.
    pub const DEFAULT_BOUND: usize = 100_000;

    /// An empty store with the default bound.
    ///
    /// ```
    /// use whatsapp_signals::store::{MemoryStore, StoreExt};
    ///
    /// assert!(MemoryStore::new().unread_counts()?.is_empty());
    /// # Ok::<(), whatsapp_signals::store::StoreError>(())
    /// ```
    #[must_use]
    pub fn new() -> Self {
        Self::bounded(Self::DEFAULT_BOUND)
    }

    /// An empty store whose tables have up to so many rows each.
    ///
    /// ```
    /// use whatsapp_signals::store::{MemoryStore, StoreErrorKind};
    /// use whatsapp_signals::{EngineError, WebhookEngine};
    ///
    /// let engine = WebhookEngine::new(MemoryStore::bounded(1));
    /// let two = &std::fs::read("tests/payloads/flow-reply.json")?;
    /// let Err(EngineError::Store(error)) = engine.process(two) else { panic!("two events") };
    /// assert_eq!(error.kind(), StoreErrorKind::Full);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn bounded(rows: usize) -> Self {
        Self {
            tables: Mutex::new(Tables {
                bound: rows,
                inbox: InboxTables::default(),
                records: RecordTables::default(),
            }),
        }
    }
}

impl Default for MemoryStore {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for MemoryStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MemoryStore").finish_non_exhaustive()
    }
}

impl Store for MemoryStore {
    fn transact(&self, _: Mode, work: &mut Work<'_>) -> Result<(), StoreError> {
        let mut tables = self.tables.lock();
        let tables = Rollback(&mut tables);
        work(tables.0)?;
        tables.commit();
        Ok(())
    }
}

/// Takes back what was done, unless it is committed; also in a panic.
struct Rollback<'a>(&'a mut Tables);

impl Rollback<'_> {
    fn commit(self) {
        self.0.all().for_each(Undo::commit);
    }
}

impl Drop for Rollback<'_> {
    fn drop(&mut self) {
        // After a commit there is nothing to take back.
        self.0.all().for_each(Undo::roll_back);
    }
}

impl Tables {
    fn all(&mut self) -> impl Iterator<Item = &mut dyn Undo> {
        let inbox = self.inbox.tables().into_iter();
        inbox.chain(self.records.tables())
    }
}

fn full() -> StoreError {
    StoreError::new(StoreErrorKind::Full, "nothing that could make room")
}
