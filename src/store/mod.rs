//! Where the [`WebhookEngine`](crate::WebhookEngine) keeps what it must not
//! forget.
//!
//! A [`Store`] is an inbox (which webhooks came, and which of their events are
//! finished) and records (messages, contacts, signups). [`MemoryStore`] keeps
//! both as long as the program runs, `SqliteStore` (feature `sqlite`) in a
//! file. [`StoreExt`] is how a program reads them:
//!
//! ```
//! use whatsapp_signals::WebhookEngine;
//! use whatsapp_signals::model::Identity;
//! use whatsapp_signals::store::{MemoryStore, StoreExt};
//!
//! let engine = WebhookEngine::new(MemoryStore::new());
//! engine.process(&std::fs::read("tests/payloads/text.json")?)?;
//!
//! let ada = Identity::from_phone("15550101001").expect("a phone number");
//! let messages = engine.store().conversation(&ada, None, 20)?;
//! assert_eq!(messages.len(), 1);
//! assert_eq!(engine.store().unread_count(&ada)?, 1);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # A store of your own
//!
//! A store knows rows and transactions, and no rule: which status follows
//! which, when two contacts are one, who runs an event and when it is
//! finished, all that the engine decides once for all stores. So there is one
//! method to write, [`Store::transact`], and a [`Transaction`] that it lends:
//! about one SQL statement for each method of [`Inbox`] and [`Records`].
//! [`store_conformance`] tells whether it is right.

mod conformance;
pub(crate) mod contacts;
mod error;
mod event_record;
mod ext;
mod inbox;
mod logged;
mod memory;
mod new_message;
mod profile;
mod records;
#[cfg(feature = "sqlite")]
mod sqlite;
mod stored_contact;
mod webhook_record;

use std::sync::Arc;

pub use conformance::store_conformance;
pub use error::{StoreError, StoreErrorKind};
pub use event_record::{EventRecord, Progress};
pub use ext::StoreExt;
pub use inbox::Inbox;
pub use logged::LoggedWebhook;
pub use memory::MemoryStore;
pub use new_message::{MessageState, NewMessage};
pub use records::Records;
#[cfg(feature = "sqlite")]
pub use sqlite::{SqliteOptions, SqliteStore};
pub use stored_contact::{ContactId, StoredContact};
pub use webhook_record::{Lease, WebhookId, WebhookRecord};

/// Rows, changed in transactions.
///
/// What a user reads from a store is in [`StoreExt`], which every store has.
///
/// # Examples
///
/// A store that counts what another one does:
///
/// ```
/// use std::sync::atomic::{AtomicUsize, Ordering};
/// use whatsapp_signals::WebhookEngine;
/// use whatsapp_signals::store::{MemoryStore, Mode, Store, StoreError, Work};
///
/// #[derive(Default)]
/// struct Counting { inner: MemoryStore, durable: AtomicUsize }
///
/// impl Store for Counting {
///     fn transact(&self, mode: Mode, work: &mut Work<'_>) -> Result<(), StoreError> {
///         self.durable.fetch_add(usize::from(mode == Mode::Durable), Ordering::Relaxed);
///         self.inner.transact(mode, work)
///     }
/// }
///
/// let engine = WebhookEngine::new(Counting::default());
/// engine.process(&std::fs::read("tests/payloads/text.json")?)?;
/// assert_eq!(engine.store().durable.load(Ordering::Relaxed), 1, "one fsync a body");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub trait Store: Send + Sync {
    /// Runs `work` in one transaction: when it returns an error or panics,
    /// nothing has happened.
    ///
    /// Transactions must be serializable: as if they ran one after the other,
    /// in whatever thread or process. A store that notices a conflict may roll
    /// back and run `work` again. `work` never uses the store itself.
    ///
    /// # Errors
    ///
    /// What `work` returned, or why the store could not begin or commit.
    ///
    /// ```
    /// use whatsapp_signals::model::Signup;
    /// use whatsapp_signals::store::{
    ///     MemoryStore, Mode, Store, StoreError, StoreErrorKind, StoreExt,
    /// };
    ///
    /// let store = MemoryStore::new();
    /// let result = store.transact(Mode::Write, &mut |tx| {
    ///     tx.put_signup(&Signup::new("spring_tune_up"))?;
    ///     Err(StoreError::new(StoreErrorKind::Other, "another thought"))
    /// });
    /// assert_eq!(result.unwrap_err().kind(), StoreErrorKind::Other);
    /// assert!(store.signups()?.is_empty(), "nothing has happened");
    /// # Ok::<(), StoreError>(())
    /// ```
    fn transact(&self, mode: Mode, work: &mut Work<'_>) -> Result<(), StoreError>;
}

/// What a transaction does.
///
/// ```
/// use whatsapp_signals::store::{MemoryStore, Mode, Store, StoreError, Work};
///
/// fn durably(store: &dyn Store, work: &mut Work<'_>) -> Result<(), StoreError> {
///     store.transact(Mode::Durable, work)
/// }
///
/// let mut signups = None;
/// durably(&MemoryStore::new(), &mut |tx| {
///     signups = Some(tx.signups()?.len());
///     Ok(())
/// })?;
/// assert_eq!(signups, Some(0));
/// # Ok::<(), StoreError>(())
/// ```
pub type Work<'a> = dyn FnMut(&mut dyn Transaction) -> Result<(), StoreError> + 'a;

/// What a transaction needs of the store.
///
/// ```
/// use whatsapp_signals::model::Signup;
/// use whatsapp_signals::store::{MemoryStore, Mode, Store};
///
/// let store = MemoryStore::new();
/// store.transact(Mode::Durable, &mut |tx| tx.put_signup(&Signup::new("spring_tune_up")))?;
/// store.transact(Mode::Read, &mut |tx| {
///     assert_eq!(tx.signups()?.len(), 1);
///     Ok(())
/// })?;
/// # Ok::<(), whatsapp_signals::store::StoreError>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Mode {
    /// It only reads.
    Read,
    /// It writes. Others see it once it is committed, and it survives a crash
    /// of the program; a power failure may undo it.
    Write,
    /// It writes, and once it is committed it, and every transaction before
    /// it, survives a power failure. One that turns out to write nothing promises
    /// nothing.
    Durable,
}

/// The rows of a store, within one transaction. What can be done with them is in [`Inbox`]
/// and [`Records`].
///
/// ```
/// use whatsapp_signals::model::Signup;
/// use whatsapp_signals::store::{MemoryStore, Mode, Store, StoreError, Transaction};
///
/// fn add(tx: &mut dyn Transaction, ids: [&str; 2]) -> Result<usize, StoreError> {
///     ids.into_iter().try_for_each(|id| tx.put_signup(&Signup::new(id)))?;
///     Ok(tx.signups()?.len())
/// }
///
/// MemoryStore::new().transact(Mode::Write, &mut |tx| {
///     assert_eq!(add(tx, ["spring_tune_up", "autumn_rides"])?, 2);
///     Ok(())
/// })?;
/// # Ok::<(), StoreError>(())
/// ```
pub trait Transaction: Inbox + Records {}

impl<T: Inbox + Records> Transaction for T {}

/// One transaction that makes a value.
///
/// # Errors
///
/// Those of the transaction.
pub(crate) fn transact<T>(
    store: &(impl Store + ?Sized),
    mode: Mode,
    mut work: impl FnMut(&mut dyn Transaction) -> Result<T, StoreError>,
) -> Result<T, StoreError> {
    let mut value = None;
    store.transact(mode, &mut |tx| {
        value = Some(work(tx)?);
        Ok(())
    })?;
    value.ok_or_else(|| StoreError::new(StoreErrorKind::Other, "the store did not run the work"))
}

impl<S: Store + ?Sized> Store for Arc<S> {
    fn transact(&self, mode: Mode, work: &mut Work<'_>) -> Result<(), StoreError> {
        (**self).transact(mode, work)
    }
}

impl<S: Store + ?Sized> Store for Box<S> {
    fn transact(&self, mode: Mode, work: &mut Work<'_>) -> Result<(), StoreError> {
        (**self).transact(mode, work)
    }
}

impl<S: Store + ?Sized> Store for &S {
    fn transact(&self, mode: Mode, work: &mut Work<'_>) -> Result<(), StoreError> {
        (**self).transact(mode, work)
    }
}
