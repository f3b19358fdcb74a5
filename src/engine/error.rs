//! Why a webhook was not processed.

use thiserror::Error;

#[cfg(feature = "signature")]
use crate::SignatureError;
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
    /// The signature is not right. Nothing of the body was read.
    #[cfg(feature = "signature")]
    #[error(transparent)]
    Signature(#[from] SignatureError),
    /// The body is no webhook. Nothing was dispatched, and nothing stored but
    /// the [`DeadLetter`](crate::DeadLetter) that
    /// [`process_signed`](crate::WebhookEngine::process_signed) makes of what
    /// is signed and not too large.
    #[error(transparent)]
    Parse(#[from] ParseError),
    /// The store failed. What was not marked finished before that is not
    /// finished: it runs when the webhook comes again, or with
    /// [`retry_unfinished`](crate::WebhookEngine::retry_unfinished).
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl EngineError {
    /// Whether the webhook should come again: answer Meta with 503. Else it is
    /// forged, too large, or will never be read:
    /// [`http_status`](Self::http_status) says what to answer.
    ///
    /// ```
    /// use whatsapp_signals::EngineError;
    /// use whatsapp_signals::store::{StoreError, StoreErrorKind};
    ///
    /// let error = EngineError::from(StoreError::new(StoreErrorKind::Full, "no space left"));
    /// assert!(error.should_retry());
    /// ```
    #[must_use]
    pub fn should_retry(&self) -> bool {
        matches!(self, Self::Store(_))
    }

    /// Returns the status to answer Meta: 401 for a wrong signature, 413 for a body that is too
    /// large, 503 when it should come again, and else 200.
    /// [`http_status`](crate::http_status()) is for the whole result of an engine.
    ///
    /// ```
    /// use whatsapp_signals::store::MemoryStore;
    /// use whatsapp_signals::{Parser, WebhookEngine};
    ///
    /// let engine = WebhookEngine::new(MemoryStore::bounded(0)).parser(Parser::new().max_len(9000));
    /// let status = |body: &[u8]| engine.process(body).unwrap_err().http_status();
    /// assert_eq!(status(&[b' '; 9001]), 413);
    /// assert_eq!(status(&std::fs::read("tests/payloads/text.json")?), 503, "no room");
    /// assert_eq!(status(b"{"), 200);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn http_status(&self) -> u16 {
        match self {
            #[cfg(feature = "signature")]
            Self::Signature(_) => 401,
            Self::Parse(error) => error.http_status(),
            Self::Store(_) => 503,
        }
    }

    /// Whether it is about one stored webhook, and not about the store.
    pub(super) fn is_of_webhook(&self) -> bool {
        matches!(self, Self::Store(error) if error.kind() == StoreErrorKind::Corrupt)
    }
}
