//! Processing a body only when Meta signed it.

use super::wait::{Wait, now};
use super::{EngineError, Outcome, WebhookEngine};
use crate::SignatureVerifier;
use crate::store::Store;
use crate::trace;

/// What comes from the internet.
impl<S: Store> WebhookEngine<S> {
    /// [`process`](Self::process), for a body that Meta signed: what your web
    /// server calls. The length comes first, then the signature, and only then
    /// is anything read.
    ///
    /// `header` is the `X-Hub-Signature-256`; `None` if the request has none, which is an error.
    /// [`http_status`](crate::http_status()) returns the status to answer.
    ///
    /// A signed body that is no webhook is kept as a [`DeadLetter`](crate::DeadLetter), since Meta
    /// would only repeat it: it is an error, and its [`http_status`](EngineError::http_status) is
    /// 200. A body of another product of Meta's is not kept.
    ///
    /// # Errors
    ///
    /// When the body is too large, its signature is not right, it is no
    /// webhook, or the store fails.
    ///
    /// # Examples
    ///
    /// ```
    /// use whatsapp_signals::store::MemoryStore;
    /// use whatsapp_signals::{SignatureVerifier, WebhookEngine, http_status};
    ///
    /// let engine = WebhookEngine::new(MemoryStore::new());
    /// let verifier = SignatureVerifier::new("app secret")?;
    /// let status = |body: &[u8], header: Option<&[u8]>| {
    ///     http_status(&engine.process_signed(body, header, &verifier))
    /// };
    ///
    /// let body = &std::fs::read("tests/payloads/text.json")?;
    /// assert_eq!(status(body, Some(verifier.sign(body).as_bytes())), 200);
    /// assert_eq!(status(body, None), 401);
    /// assert_eq!(status(b"{", Some(verifier.sign("{").as_bytes())), 200);
    /// assert_eq!(&engine.dead_letters(10)?[0].body[..], b"{");
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn process_signed(
        &self,
        body: &[u8],
        header: Option<&[u8]>,
        verifier: &SignatureVerifier,
    ) -> Result<Outcome, EngineError> {
        now(self.process_signed_with(Wait::Never, body, header, verifier))
    }

    /// [`process_signed`](Self::process_signed), and waits for async receivers,
    /// as [`process_async`](Self::process_async) does.
    ///
    /// # Errors
    ///
    /// As of [`process_signed`](Self::process_signed).
    ///
    /// ```
    /// use whatsapp_signals::store::MemoryStore;
    /// use whatsapp_signals::{SignatureVerifier, WebhookEngine};
    ///
    /// # pollster::block_on(async {
    /// let engine = WebhookEngine::new(MemoryStore::new());
    /// let verifier = SignatureVerifier::new("app secret")?;
    /// let body = &std::fs::read("tests/payloads/text.json")?;
    /// let signature = verifier.sign(body);
    /// let header = Some(signature.as_bytes());
    /// assert_eq!(engine.process_signed_async(body, header, &verifier).await?.fired(), 1);
    /// assert!(engine.process_signed_async(body, None, &verifier).await.is_err());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// # }).unwrap();
    /// ```
    pub async fn process_signed_async(
        &self,
        body: &[u8],
        header: Option<&[u8]>,
        verifier: &SignatureVerifier,
    ) -> Result<Outcome, EngineError> {
        self.process_signed_with(self.waiting(), body, header, verifier)
            .await
    }

    async fn process_signed_with(
        &self,
        wait: Wait,
        body: &[u8],
        header: Option<&[u8]>,
        verifier: &SignatureVerifier,
    ) -> Result<Outcome, EngineError> {
        let len = self.settings.parser.check_len(body);
        len.inspect_err(trace::unreadable)?;
        let signature = verifier.verify(body, header);
        signature.inspect_err(trace::forged)?;
        let result = self.process_with(wait, body).await;
        if let Err(EngineError::Parse(error)) = &result
            && error.is_worth_keeping()
        {
            wait.block(|| self.bury(body))?;
        }
        result
    }
}
