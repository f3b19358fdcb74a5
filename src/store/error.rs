//! Errors of stores.

use std::error::Error;
use std::fmt;

use crate::signal::BoxError;

/// A failure of a store. A commit that fails has written nothing, unless the kind is
/// [`Unknown`](StoreErrorKind::Unknown).
///
/// Its text names the kind of the failure and quotes no row; its [`source`](Error::source) is the
/// error of the database.
///
/// # Examples
///
/// ```
/// use whatsapp_signals::store::{StoreError, StoreErrorKind};
///
/// let error = StoreError::new(StoreErrorKind::Locked, "after five seconds");
/// assert_eq!(error.kind(), StoreErrorKind::Locked);
/// assert_eq!(error.to_string(), "another process has locked the store");
/// ```
#[derive(Debug)]
pub struct StoreError {
    kind: StoreErrorKind,
    source: BoxError,
}

/// The kind of a [`StoreError`].
///
/// # Examples
///
/// ```
/// use whatsapp_signals::store::{MemoryStore, StoreErrorKind};
/// use whatsapp_signals::{EngineErrorKind, WebhookEngine};
///
/// // A store without room for any event.
/// let engine = WebhookEngine::new(MemoryStore::bounded(0));
/// let error = engine.process(&std::fs::read("tests/payloads/text.json")?).unwrap_err();
/// let EngineErrorKind::Store(error) = error.kind() else { panic!("the store's error") };
/// assert_eq!(error.kind(), StoreErrorKind::Full);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum StoreErrorKind {
    /// Another process has locked the store for too long. A retry may succeed.
    Locked,
    /// The disk is full, or the store has reached its limit.
    Full,
    /// The store is damaged, or was not written by this crate.
    Corrupt,
    /// The store cannot be opened or reached, or the disk fails.
    Unavailable,
    /// The store has the tables of another version of this crate.
    UnsupportedVersion,
    /// A row that a decision read was changed before its commit. The engine decides again.
    Conflict,
    /// The connection was lost during the commit, which may have been applied or not.
    Unknown,
    /// A future of a [`ReadyStore`](super::ReadyStore) was not ready.
    NotReady,
    /// A number has no tenant, because it has not received an event.
    UnknownNumber,
    /// The function of [`WebhookEngine::tenant_of`](crate::WebhookEngine::tenant_of) panicked for an
    /// account.
    NoTenant,
    /// Another failure.
    Other,
}

impl StoreError {
    /// Creates an error of this kind from the error of the database.
    ///
    /// ```
    /// use std::error::Error;
    /// use std::io;
    /// use whatsapp_signals::store::{StoreError, StoreErrorKind};
    ///
    /// let source = io::Error::from(io::ErrorKind::ConnectionRefused);
    /// let error = StoreError::new(StoreErrorKind::Unavailable, source);
    /// assert_eq!(error.to_string(), "the store cannot be reached");
    /// assert_eq!(error.source().unwrap().to_string(), "connection refused");
    /// ```
    #[must_use]
    pub fn new(kind: StoreErrorKind, source: impl Into<BoxError>) -> Self {
        Self {
            kind,
            source: source.into(),
        }
    }

    /// Returns the kind of the error.
    #[must_use]
    pub fn kind(&self) -> StoreErrorKind {
        self.kind
    }
}

impl fmt::Display for StoreErrorKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Locked => "another process has locked the store",
            Self::Full => "the store is full",
            Self::Corrupt => "the store is damaged",
            Self::Unavailable => "the store cannot be reached",
            Self::UnsupportedVersion => {
                "the store was written by another version of whatsapp-signals"
            }
            Self::Conflict => "a row was changed by another commit",
            Self::Unknown => "the commit may have been applied or not",
            Self::NotReady => "a future of a `ReadyStore` was not ready",
            Self::UnknownNumber => "the number has not received an event",
            Self::NoTenant => "the account has no tenant",
            Self::Other => "the store failed",
        })
    }
}

impl fmt::Display for StoreError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.kind.fmt(f)
    }
}

impl Error for StoreError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        Some(&*self.source)
    }
}

/// Returns the error of a commit whose decision read an older version of a row.
pub(super) fn conflict(row: &'static str) -> StoreError {
    StoreError::new(StoreErrorKind::Conflict, row)
}

/// Returns an error unless a row has the version that a decision read.
pub(super) fn check_version(
    stored: Option<i64>,
    expected: Option<i64>,
    row: &'static str,
) -> Result<(), StoreError> {
    if stored == expected {
        Ok(())
    } else {
        Err(conflict(row))
    }
}

/// Returns the error of a commit for which no row can be evicted.
pub(super) fn full() -> StoreError {
    StoreError::new(StoreErrorKind::Full, "no row can be evicted")
}
