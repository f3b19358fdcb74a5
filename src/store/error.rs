//! Why a store could not do what it was asked.

use std::error::Error;
use std::fmt;

use crate::signal::BoxError;

/// Why a store could not do what it was asked. Nothing of the transaction has
/// happened.
///
/// As text it says what is wrong with the store, and quotes nothing that is in
/// it; its [`source`](Error::source) is the database's own error.
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
    /// It was written by a newer version of this crate.
    TooNew,
    /// All else.
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
            Self::TooNew => "the store was written by a newer version",
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
