//! Why a webhook was not processed.

use thiserror::Error;

use crate::store::{StoreError, StoreErrorKind};
use crate::webhook::ParseError;

/// Why a webhook was not processed, or not to its end.
///
/// # Examples
///
/// ```
/// use whatsapp_signals::store::MemoryStore;
/// use whatsapp_signals::{EngineError, WebhookEngine};
///
/// let engine = WebhookEngine::new(MemoryStore::new());
/// let error = engine.process(b"{").unwrap_err();
/// assert!(matches!(error, EngineError::Parse(_)));
/// assert!(!error.should_retry(), "it will not read better the next time");
/// ```
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum EngineError {
    /// The body is no webhook. Nothing was stored or dispatched.
    #[error(transparent)]
    Parse(#[from] ParseError),
    /// The store failed. What was not marked finished before that is not
    /// finished: it runs when the webhook comes again, or with
    /// [`retry_unfinished`](crate::WebhookEngine::retry_unfinished).
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl EngineError {
    /// Whether the webhook should come again: answer Meta with 503. Else it
    /// will never be read, so answer with 200, and keep the body.
    #[must_use]
    pub fn should_retry(&self) -> bool {
        matches!(self, Self::Store(_))
    }

    /// Whether it is about one stored webhook, and not about the store.
    pub(super) fn is_of_webhook(&self) -> bool {
        match self {
            Self::Parse(_) => true,
            Self::Store(error) => error.kind() == StoreErrorKind::Corrupt,
        }
    }
}
