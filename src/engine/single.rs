//! One event that came without its webhook: from a queue.

use std::borrow::Cow;

use serde::{Deserialize, Serialize};

use super::claim::Batch;
use super::wait::{Wait, now};
use super::{EngineError, Outcome, WebhookEngine};
use crate::event::WebhookEvent;
use crate::store::{Store, StoreError, StoreErrorKind};

/// What comes from a queue.
impl<S: Store> WebhookEngine<S> {
    /// Stores one event and sends it: [`process`](Self::process), for a program
    /// that has a queue between the web server, which parses, and the workers.
    ///
    /// `key` is the key of the event: one of
    /// [`Webhook::dedup_keys`](crate::Webhook::dedup_keys), or a name that your queue gave
    /// to the event. Any event with this key counts as the same. The key of an event that
    /// [may recur](WebhookEvent::repeats) must be unique, so add the time of its receipt.
    /// An [`Outcome`] that [should be retried](Outcome::should_retry) says that
    /// the queue is to deliver the event again.
    ///
    /// # Errors
    ///
    /// When the store fails.
    ///
    /// # Examples
    ///
    /// ```
    /// use whatsapp_signals::WebhookEngine;
    /// use whatsapp_signals::event::WebhookEvent;
    /// use whatsapp_signals::store::MemoryStore;
    ///
    /// // In the web server: each event as JSON, into your queue.
    /// let webhook = whatsapp_signals::parse(&std::fs::read("tests/payloads/text.json")?)?;
    /// let (key, queued) = (&webhook.dedup_keys()[0], webhook.events()[0].to_json()?);
    ///
    /// // In a worker, which may get it twice.
    /// let engine = WebhookEngine::new(MemoryStore::new());
    /// let event = WebhookEvent::from_json(queued.as_bytes())?;
    /// assert_eq!(engine.process_event(key, event.clone())?.fired(), 1);
    /// assert_eq!(engine.process_event(key, event)?.duplicate(), 1);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn process_event(&self, key: &str, event: WebhookEvent) -> Result<Outcome, EngineError> {
        now(self.process_event_with(Wait::Never, key, event))
    }

    /// [`process_event`](Self::process_event), and waits for async receivers, as
    /// [`process_async`](Self::process_async) does.
    ///
    /// # Errors
    ///
    /// When the store fails.
    ///
    /// ```standalone_crate
    /// use whatsapp_signals::WebhookEngine;
    /// use whatsapp_signals::event::MessageReceived;
    /// use whatsapp_signals::store::MemoryStore;
    /// use whatsapp_signals::{receiver, signals::MESSAGE_RECEIVED};
    ///
    /// #[receiver(MESSAGE_RECEIVED)]
    /// async fn forward(_event: &MessageReceived) {}
    ///
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # pollster::block_on(async {
    /// let webhook = whatsapp_signals::parse(&std::fs::read("tests/payloads/text.json")?)?;
    /// let engine = WebhookEngine::new(MemoryStore::new());
    /// for (key, event) in webhook.dedup_keys().iter().zip(webhook) {
    ///     let outcome = engine.process_event_async(key, event).await?;
    ///     assert!(!outcome.should_retry());
    /// }
    /// # Ok(())
    /// # })
    /// # }
    /// ```
    pub async fn process_event_async(
        &self,
        key: &str,
        event: WebhookEvent,
    ) -> Result<Outcome, EngineError> {
        self.process_event_with(self.waiting(), key, event).await
    }

    async fn process_event_with(
        &self,
        wait: Wait,
        key: &str,
        event: WebhookEvent,
    ) -> Result<Outcome, EngineError> {
        let body = Single::to_json(key, &event)?;
        let batch = Batch::single(key.to_owned(), event);
        self.run_body(wait, batch, &body).await
    }
}

/// What is stored as the body of an event that came by itself.
#[derive(Serialize, Deserialize)]
struct Single<'a> {
    key: Cow<'a, str>,
    event: Cow<'a, WebhookEvent>,
}

impl Single<'_> {
    fn to_json(key: &str, event: &WebhookEvent) -> Result<Vec<u8>, StoreError> {
        let single = Single {
            key: Cow::Borrowed(key),
            event: Cow::Borrowed(event),
        };
        serde_json::to_vec(&single).map_err(|error| StoreError::new(StoreErrorKind::Other, error))
    }
}

/// The event of such a body; `None` when it is none.
pub(super) fn read(body: &[u8]) -> Option<Batch> {
    let single: Single<'_> = serde_json::from_slice(body).ok()?;
    let event = single.event.into_owned();
    Some(Batch::single(single.key.into_owned(), event))
}
