//! What is not finished is sent again.

use super::claim::Batch;
use super::wait::{Wait, now};
use super::{EngineError, Outcome, WebhookEngine, claimer, now_ms, single, unreadable};
use crate::store::{Lease, Mode, Store, Transaction, WebhookId, transact};
use crate::trace;
use crate::webhook::{ParseError, Parser};

/// What a crash or a failed receiver left.
impl<S: Store> WebhookEngine<S> {
    /// Sends again what is not finished and nobody works on: what a crash or a
    /// failed receiver left.
    ///
    /// Call it when the program starts, and every now and then.
    ///
    /// # Errors
    ///
    /// When the store fails. A row that is damaged is told when all others have
    /// had their turn; a body that this version of the crate cannot read
    /// becomes a [`DeadLetter`](super::DeadLetter).
    ///
    /// # Examples
    ///
    /// ```standalone_crate
    /// use std::sync::atomic::{AtomicBool, Ordering};
    /// use whatsapp_signals::event::MessageReceived;
    /// use whatsapp_signals::store::MemoryStore;
    /// use whatsapp_signals::{WebhookEngine, receiver, signals::MESSAGE_RECEIVED};
    ///
    /// static IS_UP: AtomicBool = AtomicBool::new(false);
    ///
    /// #[receiver(MESSAGE_RECEIVED)]
    /// fn forward(_: &MessageReceived) -> Result<(), &'static str> {
    ///     IS_UP.load(Ordering::Relaxed).then_some(()).ok_or("the other side is down")
    /// }
    ///
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let engine = WebhookEngine::new(MemoryStore::new());
    /// let outcome = engine.process(&std::fs::read("tests/payloads/text.json")?)?;
    /// assert!(outcome.should_retry());
    ///
    /// IS_UP.store(true, Ordering::Relaxed);
    /// let outcome = engine.retry_unfinished()?;
    /// assert_eq!((outcome.fired(), outcome.unfinished()), (1, 0));
    /// # Ok(())
    /// # }
    /// ```
    pub fn retry_unfinished(&self) -> Result<Outcome, EngineError> {
        now(self.retry_with(Wait::Never))
    }

    /// [`retry_unfinished`](Self::retry_unfinished), and waits for async
    /// receivers, as [`process_async`](Self::process_async) does.
    ///
    /// # Errors
    ///
    /// As of [`retry_unfinished`](Self::retry_unfinished).
    ///
    /// ```standalone_crate
    /// use whatsapp_signals::event::MessageReceived;
    /// use whatsapp_signals::store::MemoryStore;
    /// use whatsapp_signals::{WebhookEngine, receiver, signals::MESSAGE_RECEIVED};
    ///
    /// #[receiver(MESSAGE_RECEIVED)]
    /// async fn forward(_event: &MessageReceived) {}
    ///
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # pollster::block_on(async {
    /// let engine = WebhookEngine::new(MemoryStore::new());
    /// let body = &std::fs::read("tests/payloads/text.json")?;
    /// assert_eq!(engine.process(body)?.unfinished(), 1, "nobody waits for the receiver");
    /// assert_eq!(engine.retry_unfinished_async().await?.unfinished(), 0);
    /// # Ok(())
    /// # })
    /// # }
    /// ```
    pub async fn retry_unfinished_async(&self) -> Result<Outcome, EngineError> {
        self.retry_with(self.waiting()).await
    }

    async fn retry_with(&self, wait: Wait) -> Result<Outcome, EngineError> {
        let mut outcome = Outcome::default();
        let mut damaged = None;
        let mut after = WebhookId(i64::MIN);
        loop {
            let open = |tx: &mut dyn Transaction| tx.webhooks(after, true, 100);
            let open = wait.block(|| transact(&self.store, Mode::Read, open))?;
            for (id, webhook) in &open {
                let is_free = webhook.lease.is_none_or(|lease| lease.until <= now_ms());
                if is_free {
                    match self.retry(wait, *id).await {
                        Ok(retried) => outcome += retried,
                        // It must not keep the others from their turn.
                        Err(error) if error.is_of_webhook() => _ = damaged.get_or_insert(error),
                        Err(error) => return Err(error),
                    }
                } else {
                    outcome.unfinished += webhook.open as usize;
                }
            }
            match open.last() {
                Some((last, _)) => after = *last,
                None => return damaged.map_or(Ok(outcome), Err),
            }
        }
    }

    async fn retry(&self, wait: Wait, id: WebhookId) -> Result<Outcome, EngineError> {
        let body = wait.block(|| transact(&self.store, Mode::Read, |tx| tx.body(id)))?;
        let Some(body) = body else {
            return Ok(Outcome::default());
        };
        let batch = match stored_batch(self.settings.parser, &body) {
            Ok(batch) => batch,
            Err(error) => {
                trace::unreadable(&error);
                let is_buried = wait.block(|| self.bury_stored(id, &body))?;
                return Ok(Outcome {
                    dead: usize::from(is_buried),
                    ..Outcome::default()
                });
            }
        };
        let claim = |tx: &mut dyn Transaction, lease: Lease, batch: &Batch| {
            unreadable::exhume(tx, id, &body)?;
            claimer::claim_stored(tx, &self.settings, lease, batch, id)
        };
        Ok(self.run(wait, batch, claim).await?)
    }
}

/// Reads the events of a stored body, or the event that was stored by itself. The
/// parser's limit does not apply: it may have been higher when the body came.
pub(super) fn stored_batch(parser: Parser, body: &[u8]) -> Result<Batch, ParseError> {
    match parser.max_len(usize::MAX).parse(body) {
        Ok(webhook) => Ok(Batch::new(webhook.into_events())),
        Err(error) => single::read(body).ok_or(error),
    }
}
