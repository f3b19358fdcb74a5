//! Webhooks that are stored and answered, and delivered later.

use std::time::SystemTime;

use super::access::ready;
use super::claim::Claim;
use super::{Call, EngineError, Outcome, WebhookEngine};
#[cfg(feature = "signature")]
use crate::SignatureVerifier;
use crate::signal::ReceiverMode;
use crate::store::{ReadyStore, Store};

/// Acceptance by sync callers.
impl<S: ReadyStore> WebhookEngine<S> {
    /// Stores a webhook with its events, messages and contacts, and calls no receiver:
    /// [`tend_async`](Self::tend_async) or [`retry_unfinished`](Self::retry_unfinished) does.
    ///
    /// All is on the disk when it returns, after one commit (several of a body with thousands of
    /// events). Meta has its answer at once, and receivers may take minutes, without a queue
    /// between. Of an engine that is [tended](Self::tended) the answer is 200. Events that come
    /// again are unfinished until they were delivered, and then duplicates.
    ///
    /// # Errors
    ///
    /// When the body is no webhook, or the store fails.
    ///
    /// # Examples
    ///
    /// ```standalone_crate
    /// use whatsapp_signals::event::MessageReceived;
    /// use whatsapp_signals::store::MemoryStore;
    /// use whatsapp_signals::{WebhookEngine, receiver, signals::MESSAGE_RECEIVED};
    ///
    /// #[receiver(MESSAGE_RECEIVED)]
    /// fn archive(_: &MessageReceived) {
    ///     // for minutes
    /// }
    ///
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let engine = WebhookEngine::new(MemoryStore::new()).tended(true);
    /// let outcome = engine.accept(&std::fs::read("tests/payloads/text.json")?)?;
    /// assert_eq!((outcome.delivered(), outcome.unfinished()), (0, 1));
    /// assert_eq!(outcome.http_status(), 200);
    ///
    /// // In another thread:
    /// assert_eq!(engine.retry_unfinished()?.delivered(), 1);
    /// # Ok(())
    /// # }
    /// ```
    pub fn accept(&self, body: &[u8]) -> Result<Outcome, EngineError> {
        ready(self.call(ReceiverMode::Sync).accepting().process(body))
    }

    /// Checks a body that Meta signed as [`process_signed`](Self::process_signed) does, and
    /// [accepts](Self::accept) it.
    ///
    /// # Errors
    ///
    /// As of [`process_signed`](Self::process_signed).
    ///
    /// ```
    /// use whatsapp_signals::store::MemoryStore;
    /// use whatsapp_signals::{SignatureVerifier, WebhookEngine, http_status};
    ///
    /// let engine = WebhookEngine::new(MemoryStore::new()).tended(true);
    /// let verifier = SignatureVerifier::new("app secret")?;
    /// let body = &std::fs::read("tests/payloads/text.json")?;
    /// let signature = verifier.sign(body);
    /// let accepted = engine.accept_signed(body, Some(signature.as_bytes()), &verifier);
    /// assert_eq!(http_status(&accepted), 200);
    /// assert_eq!(http_status(&engine.accept_signed(body, None, &verifier)), 401);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[cfg(feature = "signature")]
    pub fn accept_signed(
        &self,
        body: &[u8],
        header: Option<&[u8]>,
        verifier: &SignatureVerifier,
    ) -> Result<Outcome, EngineError> {
        let call = self.call(ReceiverMode::Sync).accepting();
        ready(call.process_signed(body, header, verifier))
    }
}

/// Acceptance by async callers.
impl<S: Store> WebhookEngine<S> {
    /// Stores a webhook as [`accept`](Self::accept) does, and awaits the store.
    ///
    /// # Errors
    ///
    /// As of [`accept`](Self::accept).
    pub async fn accept_async(&self, body: &[u8]) -> Result<Outcome, EngineError> {
        let call = self.call(ReceiverMode::Async).accepting();
        call.process(body).await
    }

    /// Stores a signed body as [`accept_signed`](Self::accept_signed) does, and awaits the store.
    ///
    /// # Errors
    ///
    /// As of [`process_signed`](Self::process_signed).
    #[cfg(feature = "signature")]
    pub async fn accept_signed_async(
        &self,
        body: &[u8],
        header: Option<&[u8]>,
        verifier: &SignatureVerifier,
    ) -> Result<Outcome, EngineError> {
        let call = self.call(ReceiverMode::Async).accepting();
        call.process_signed(body, header, verifier).await
    }
}

impl Call<'_> {
    /// Returns a call that stores events and delivers none.
    pub(super) fn accepting(self) -> Self {
        Self {
            accepts: true,
            ..self
        }
    }

    /// Returns the outcome of a claim whose events are delivered later.
    pub(super) fn accepted(self, claim: &Claim) -> Outcome {
        let mut outcome = self.outcome_of(claim);
        if !claim.jobs.is_empty() || claim.busy > 0 {
            outcome.unfinished += claim.jobs.len();
            self.core.tending.add_work();
            outcome.add_due(Some(SystemTime::now()));
        }
        outcome
    }
}
