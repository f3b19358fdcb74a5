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

/// What is wrong with a store.
///
/// # Examples
///
/// ```
/// use whatsapp_signals::WebhookEngine;
/// use whatsapp_signals::store::{MemoryStore, StoreErrorKind};
/// use whatsapp_signals::EngineError;
///
/// // Room for no event at all.
/// let engine = WebhookEngine::new(MemoryStore::bounded(0));
/// let error = engine.process(&std::fs::read("tests/payloads/text.json")?).unwrap_err();
/// let EngineError::Store(error) = error else { panic!("the store's error") };
/// assert_eq!(error.kind(), StoreErrorKind::Full);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum StoreErrorKind {
    /// Another process has locked it for too long. Trying again helps.
    Locked,
    /// There is no room left: the disk, or the limit that was set.
    Full,
    /// What it reads is damaged, or was not written by this crate.
    Corrupt,
    /// It cannot be opened or reached, or the disk fails.
    Unavailable,
    /// It was written by a version of this crate whose tables this one does not read.
    OtherVersion,
    /// A row that a commit used was changed meanwhile. The engine tries again.
    Conflict,
    /// The commit may have happened or not, as the connection was lost in it.
    Unknown,
    /// A future of a [`ReadyStore`](super::ReadyStore) was not ready.
    NotReady,
    /// A number has no tenant yet, as it has received nothing.
    UnknownNumber,
    /// The function of [`WebhookEngine::tenant_of`](crate::WebhookEngine::tenant_of) panicked for an
    /// account.
    NoTenant,
    /// Another failure.
    Other,
}

impl StoreError {
    /// An error of this kind, from a database's own error.
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

    /// What is wrong.
    ///
    /// ```
    /// use whatsapp_signals::store::{StoreError, StoreErrorKind};
    ///
    /// let error = StoreError::new(StoreErrorKind::Full, "no space left on the device");
    /// assert_eq!(error.kind(), StoreErrorKind::Full);
    /// ```
    #[must_use]
    pub fn kind(&self) -> StoreErrorKind {
        self.kind
    }
}

impl fmt::Display for StoreErrorKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Locked => "another process has locked the store",
            Self::Full => "the store has no room left",
            Self::Corrupt => "the store is damaged",
            Self::Unavailable => "the store cannot be reached",
            Self::OtherVersion => "the store was written by another version of whatsapp-signals",
            Self::Conflict => "a row was changed meanwhile",
            Self::Unknown => "the commit may have happened or not",
            Self::NotReady => "a store that is to be ready had to wait",
            Self::UnknownNumber => "the number has not received anything yet",
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
