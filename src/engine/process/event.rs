//! The processing of single events: from a queue, or of the program.

use crate::engine::batch::Batch;
use crate::engine::runtime::ready;
use crate::engine::stored_body::QueuedEvent;
use crate::engine::{Call, EngineError, Outcome, WebhookEngine};
use crate::event::{MessageRefused, MessageSent, WebhookEvent};
use crate::model::Account;
use crate::signal::ReceiverMode;
use crate::store::{ReadyStore, Store, WebhookKind};

/// Processing of single events, for sync callers.
impl<S: ReadyStore> WebhookEngine<S> {
    /// Stores one event and delivers it, for a program with a queue between the web server, which
    /// parses, and the workers.
    ///
    /// `key` is the key of the event: one of [`Webhook::dedup_keys`](crate::Webhook::dedup_keys),
    /// or your queue's name for the event. Events with equal keys count as one event. The key of an
    /// event that [may recur](WebhookEvent::repeats) must be unique, so add the time of its
    /// receipt. If the [`Outcome`] [should be retried](Outcome::should_retry), have the queue
    /// deliver the event again.
    ///
    /// # Errors
    ///
    /// When the store fails, or a message that was sent or refused has no account.
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
    /// assert_eq!(engine.process_event(key, event.clone())?.delivered(), 1);
    /// assert_eq!(engine.process_event(key, event)?.duplicates(), 1);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn process_event(&self, key: &str, event: WebhookEvent) -> Result<Outcome, EngineError> {
        ready(self.call(ReceiverMode::Sync).process_event(key, event))
    }

    /// Stores a message that you sent, and delivers [`MESSAGE_SENT`](crate::signals::MESSAGE_SENT),
    /// Django's `whatsapp_message_sent`. The message gets the status that may have come before it.
    ///
    /// The event is delivered like events of webhooks: once, however often the call is repeated,
    /// and to each receiver until it succeeds or gives up. [`tend_async`](Self::tend_async) or
    /// [`retry_unfinished`](Self::retry_unfinished) call a receiver that failed, or that a killed
    /// program has not called. A repeated call does not change the message, even with another
    /// campaign.
    ///
    /// A message that [names a campaign](MessageSent::with_campaign) counts in it. A campaign that
    /// is not saved is added as `running`.
    ///
    /// # Errors
    ///
    /// When the event has no account, or the store fails. Repeat the call then: the message may not
    /// be stored, or not all receivers were called.
    ///
    /// # Examples
    ///
    /// ```
    /// use whatsapp_signals::WebhookEngine;
    /// use whatsapp_signals::event::MessageSent;
    /// use whatsapp_signals::model::{Account, Content, Identity, Message};
    /// use whatsapp_signals::store::MemoryStore;
    ///
    /// let engine = WebhookEngine::new(MemoryStore::new());
    /// let ada = Identity::from_phone("15550101001").unwrap();
    /// let message = Message::outbound("wamid.HBgL", ada.clone(), Content::text("It is ready"));
    /// let account = Account::new("900800700600500").with_number("300200100500600", "15550100200");
    /// let sent = MessageSent::new(message.build()).with_account(account);
    /// assert!(!engine.process_sent(sent.clone())?.should_retry());
    /// assert_eq!(engine.process_sent(sent)?.duplicates(), 1);
    /// assert_eq!(engine.number("300200100500600").conversation(&ada, None, 50)?.len(), 1);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn process_sent(&self, event: MessageSent) -> Result<Outcome, EngineError> {
        ready(self.call(ReceiverMode::Sync).process_own(event))
    }

    /// Delivers [`MESSAGE_REFUSED`](crate::signals::MESSAGE_REFUSED) for a message that Meta
    /// refused, as [`process_sent`](Self::process_sent) delivers the event of an accepted one. No
    /// message is stored. The [campaign](MessageRefused::with_campaign) of the event counts the
    /// message as failed.
    ///
    /// # Errors
    ///
    /// As of [`process_sent`](Self::process_sent).
    ///
    /// # Examples
    ///
    /// ```standalone_crate
    /// use whatsapp_signals::event::MessageRefused;
    /// use whatsapp_signals::model::Account;
    /// use whatsapp_signals::store::MemoryStore;
    /// use whatsapp_signals::{WebhookEngine, receiver, signals::MESSAGE_REFUSED};
    ///
    /// #[receiver(MESSAGE_REFUSED)]
    /// fn alert(event: &MessageRefused) {
    ///     assert_eq!(event.error.code.as_ref().unwrap(), "131047");
    /// }
    ///
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let request = r#"{"to": "15550101001", "text": {"body": "It is ready"}}"#;
    /// let response = r#"{"error": {"code": 131047, "fbtrace_id": "Az8or2yhqkZfEZ"}}"#;
    /// let engine = WebhookEngine::new(MemoryStore::new());
    /// let account = Account::new("900800700600500").with_number("300200100500600", "15550100200");
    /// if let Some(refused) = MessageRefused::from_graph_error(request, response)? {
    ///     assert_eq!(engine.process_refused(refused.with_account(account))?.delivered(), 1);
    /// }
    /// # Ok(())
    /// # }
    /// ```
    pub fn process_refused(&self, event: MessageRefused) -> Result<Outcome, EngineError> {
        ready(self.call(ReceiverMode::Sync).process_own(event))
    }
}

/// Processing of single events, for async callers.
impl<S: Store> WebhookEngine<S> {
    /// Processes an event as [`process_event`](Self::process_event) does, and awaits as
    /// [`process_async`](Self::process_async) does.
    ///
    /// # Errors
    ///
    /// As of [`process_event`](Self::process_event).
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
        self.call(ReceiverMode::Async)
            .process_event(key, event)
            .await
    }

    /// Stores and delivers a sent message as [`process_sent`](Self::process_sent) does, and awaits
    /// the store and async receivers.
    ///
    /// # Errors
    ///
    /// As of [`process_sent`](Self::process_sent).
    pub async fn process_sent_async(&self, event: MessageSent) -> Result<Outcome, EngineError> {
        self.call(ReceiverMode::Async).process_own(event).await
    }

    /// Delivers a refusal as [`process_refused`](Self::process_refused) does, and awaits the store
    /// and async receivers.
    ///
    /// # Errors
    ///
    /// As of [`process_sent`](Self::process_sent).
    pub async fn process_refused_async(
        &self,
        event: MessageRefused,
    ) -> Result<Outcome, EngineError> {
        self.call(ReceiverMode::Async).process_own(event).await
    }
}

impl Call<'_> {
    async fn process_event(self, key: &str, event: WebhookEvent) -> Result<Outcome, EngineError> {
        if is_of_program(&event) && *event.account() == Account::none() {
            return Err(EngineError::NoAccount);
        }
        let body = QueuedEvent::to_json(key, &event)?;
        let batch = Batch::single(key.to_owned(), event);
        self.process_batch(batch, WebhookKind::QueuedEvent, &body)
            .await
    }

    async fn process_own(self, event: impl Into<WebhookEvent>) -> Result<Outcome, EngineError> {
        let event = event.into();
        self.process_event(&event.dedup_key(), event).await
    }
}

/// Returns whether an event is about a message that the program sent.
fn is_of_program(event: &WebhookEvent) -> bool {
    matches!(
        event,
        WebhookEvent::MessageSent(_) | WebhookEvent::MessageRefused(_)
    )
}
