//! The calls of an engine that store and deliver webhooks and single events, or store them to be
//! delivered later.

use std::time::SystemTime;

use super::batch::{Batch, NewBody};
use super::claim::Claim;
use super::runtime::ready;
use super::stored_body::QueuedEvent;
use super::{EngineCall, EngineError, EngineErrorKind, Outcome, WebhookEngine, new_id};
use crate::engine::trace;
use crate::event::{MessageRefused, MessageSent, WebhookEvent};
use crate::model::Account;
use crate::signal::ReceiverMode;
use crate::store::{ReadyStore, Store, WebhookId, WebhookKind};
use crate::trace::{Source, TraceSpan};
use crate::webhook::ParseError;
#[cfg(feature = "signature")]
use crate::{SignatureError, SignatureVerifier};

/// Processing and acceptance, for sync callers.
impl<S: ReadyStore> WebhookEngine<S> {
    /// Stores a webhook and delivers its events.
    ///
    /// # Errors
    ///
    /// When the body is no webhook, or the store fails. Events that the store has not confirmed by
    /// then are unfinished.
    pub fn process(&self, body: &[u8]) -> Result<Outcome, EngineError> {
        ready(self.call(ReceiverMode::Sync).process(body))
    }

    /// Processes a signed body, for the handler of your web server. Checks the length first, then
    /// the signature, and parses only then.
    ///
    /// `header` is the `X-Hub-Signature-256`; `None` if the request has none, which is an error.
    /// [`http_status`](crate::http_status()) returns the status to answer.
    ///
    /// A signed body that is no webhook is an error, and is stored as a
    /// [`DeadLetter`](crate::DeadLetter). The [`http_status`](EngineError::http_status) of the
    /// error is 200, since Meta would repeat the body in vain. A body of another product of Meta's
    /// is not stored.
    ///
    /// # Errors
    ///
    /// When the body is too large, its signature is wrong, it is no webhook, or the store fails.
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
    #[cfg(feature = "signature")]
    pub fn process_signed(
        &self,
        body: &[u8],
        header: Option<&[u8]>,
        verifier: &SignatureVerifier,
    ) -> Result<Outcome, EngineError> {
        ready(
            self.call(ReceiverMode::Sync)
                .process_signed(body, header, verifier),
        )
    }

    /// Stores one entry that came without its body, and delivers its events:
    /// [`process`](Self::process) for AWS End User Messaging Social.
    ///
    /// AWS receives Meta's webhooks in your place and publishes each entry to an SNS topic, from
    /// which SQS or Lambda gets it. `entry` is the string `whatsAppWebhookEntry` of the SNS
    /// message. It is stored as a body with this entry alone, so retries and dead letters work as
    /// usual.
    ///
    /// No signature is checked, since Meta's is not in the message. Check the signature of SNS in
    /// its place if SNS posts to your web server. SQS and Lambda get none; the queue's policy and
    /// the function's permissions must admit your topic alone.
    ///
    /// While an outcome [should be retried](Outcome::should_retry), leave the message in the queue.
    ///
    /// # Errors
    ///
    /// When the text is no entry (see [`parse_entry`](crate::parse_entry)), or the store fails. In
    /// the first case nothing is stored: leave the message to the dead-letter queue of SQS.
    ///
    /// # Examples
    ///
    /// ```
    /// use serde_json::Value;
    /// use whatsapp_signals::WebhookEngine;
    /// use whatsapp_signals::store::MemoryStore;
    ///
    /// // The body of a message in SQS: a notification of SNS, with the message as a string.
    /// # let entry = r#"{"id": "102290129340398", "changes": [{"field": "messages", "value": {
    /// #     "messages": [{"id": "wamid.A", "from": "15550101001", "type": "text", "text": {"body": "Hi"}}]
    /// # }}]}"#;
    /// # let message = serde_json::json!({"messageId": "1", "whatsAppWebhookEntry": entry});
    /// # let notification = serde_json::json!({"Type": "Notification", "Message": message.to_string()});
    /// # let notification = notification.to_string();
    /// let notification: Value = serde_json::from_str(&notification)?;
    /// // With raw message delivery, and as `Sns.Message` in Lambda, this is all.
    /// let message = notification["Message"].as_str().ok_or("no message")?;
    /// let message: Value = serde_json::from_str(message)?;
    /// let entry = message["whatsAppWebhookEntry"].as_str().ok_or("no entry")?;
    ///
    /// let engine = WebhookEngine::new(MemoryStore::new());
    /// let outcome = engine.process_entry(entry.as_bytes())?;
    /// assert_eq!((outcome.delivered(), outcome.should_retry()), (1, false));
    ///
    /// // SNS and SQS deliver at least once.
    /// assert_eq!(engine.process_entry(entry.as_bytes())?.duplicates(), 1);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn process_entry(&self, entry: &[u8]) -> Result<Outcome, EngineError> {
        ready(self.call(ReceiverMode::Sync).process_entry(entry))
    }

    /// Stores a webhook with its events, messages and contacts, and calls no receiver:
    /// [`tend_async`](Self::tend_async) or [`retry_unfinished`](Self::retry_unfinished) calls them
    /// later.
    ///
    /// The webhook is on the disk when the call returns, after one commit (several for thousands of
    /// events). So Meta gets its answer at once, and receivers may take minutes, without a queue.
    /// The answer of a [tended](Self::tended) engine is 200. Repeated events count as unfinished
    /// until they are delivered, and then as duplicates.
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

    /// Checks a signed body as [`process_signed`](Self::process_signed) does, and
    /// [accepts](Self::accept) it.
    ///
    /// # Errors
    ///
    /// As of [`process_signed`](Self::process_signed).
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

/// Processing and acceptance, for async callers.
impl<S: Store> WebhookEngine<S> {
    /// Processes a body as [`process`](Self::process) does, and awaits the store and async
    /// receivers. Events are delivered one after the other, and the async receivers of one event
    /// run concurrently.
    ///
    /// A store may block: see [`blocking`](Self::blocking). If the future is dropped, the pending
    /// receivers are dropped, too; the next call writes the successes of the others, and returns
    /// the lease. A web server that drops its handlers when the client disconnects should spawn
    /// this future.
    ///
    /// # Errors
    ///
    /// As of [`process`](Self::process).
    ///
    /// # Examples
    ///
    /// ```standalone_crate
    /// use whatsapp_signals::event::MessageReceived;
    /// use whatsapp_signals::store::MemoryStore;
    /// use whatsapp_signals::{WebhookEngine, receiver, signals::MESSAGE_RECEIVED};
    ///
    /// #[receiver(MESSAGE_RECEIVED)]
    /// async fn forward(event: &MessageReceived) -> Result<(), &'static str> {
    ///     Ok(()) // await another server
    /// }
    ///
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # pollster::block_on(async {
    /// let engine = WebhookEngine::new(MemoryStore::new());
    /// let body = &std::fs::read("tests/payloads/text.json")?;
    /// assert!(!engine.process_async(body).await?.should_retry());
    /// assert_eq!(engine.process_async(body).await?.duplicates(), 1);
    ///
    /// // A sync call fails the async receiver, which is called again later.
    /// let engine = WebhookEngine::new(MemoryStore::new());
    /// assert!(engine.process(body)?.should_retry());
    /// assert_eq!(engine.retry_unfinished_async().await?.failed(), 0);
    /// # Ok(())
    /// # })
    /// # }
    /// ```
    pub async fn process_async(&self, body: &[u8]) -> Result<Outcome, EngineError> {
        self.call(ReceiverMode::Async).process(body).await
    }

    /// Processes a signed body as [`process_signed`](Self::process_signed) does, and awaits as
    /// [`process_async`](Self::process_async) does.
    ///
    /// # Errors
    ///
    /// As of [`process_signed`](Self::process_signed).
    #[cfg(feature = "signature")]
    pub async fn process_signed_async(
        &self,
        body: &[u8],
        header: Option<&[u8]>,
        verifier: &SignatureVerifier,
    ) -> Result<Outcome, EngineError> {
        let call = self.call(ReceiverMode::Async);
        call.process_signed(body, header, verifier).await
    }

    /// Processes an entry as [`process_entry`](Self::process_entry) does, and awaits as
    /// [`process_async`](Self::process_async) does.
    ///
    /// # Errors
    ///
    /// As of [`process_entry`](Self::process_entry).
    pub async fn process_entry_async(&self, entry: &[u8]) -> Result<Outcome, EngineError> {
        self.call(ReceiverMode::Async).process_entry(entry).await
    }

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

impl EngineCall<'_> {
    /// Returns a call that stores events and delivers none.
    pub(crate) fn accepting(self) -> Self {
        Self {
            accepts: true,
            ..self
        }
    }

    /// Returns the outcome of an accepted claim, whose events are delivered later.
    pub(crate) fn accepted(self, claim: &Claim) -> Outcome {
        let mut outcome = self.outcome_of(claim);
        if !claim.jobs.is_empty() || claim.busy > 0 {
            outcome.unfinished += claim.jobs.len();
            self.core.tending.add_work();
            outcome.add_due(Some(SystemTime::now()));
        }
        outcome
    }
}

impl EngineCall<'_> {
    pub(crate) async fn process(self, body: &[u8]) -> Result<Outcome, EngineError> {
        let webhook = self.core.settings.parser.parse(body);
        let webhook = webhook.map_err(|error| self.unreadable(error))?;
        self.process_events(webhook.into_events(), body).await
    }

    #[cfg(feature = "signature")]
    pub(crate) async fn process_signed(
        self,
        body: &[u8],
        header: Option<&[u8]>,
        verifier: &SignatureVerifier,
    ) -> Result<Outcome, EngineError> {
        let len = self.core.settings.parser.check_len(body);
        len.map_err(|error| self.unreadable(error))?;
        let signature = verifier.verify(body, header);
        signature.map_err(|error| self.forged(error))?;
        let result = self.process(body).await;
        if let Err(error) = &result
            && let EngineErrorKind::Parse(error) = error.kind()
            && error.should_archive()
        {
            let buried = self.store_unreadable(body).await;
            buried.map_err(|error| self.report_failed(error.into()))?;
        }
        result
    }

    async fn process_entry(self, entry: &[u8]) -> Result<Outcome, EngineError> {
        let parser = self.core.settings.parser;
        let body = parser.body_of(entry);
        let body = body.map_err(|error| self.unreadable(error))?;
        // The limit is for the entry, which was checked above.
        let webhook = parser.max_len(usize::MAX).parse(body.as_bytes());
        let webhook = webhook.map_err(|error| self.unreadable(error))?;
        self.process_events(webhook.into_events(), body.as_bytes())
            .await
    }

    async fn process_events(
        self,
        events: Vec<WebhookEvent>,
        body: &[u8],
    ) -> Result<Outcome, EngineError> {
        self.process_batch(Batch::new(events), WebhookKind::Body, body)
            .await
    }

    async fn process_event(self, key: &str, event: WebhookEvent) -> Result<Outcome, EngineError> {
        if is_of_program(&event) && *event.account() == Account::none() {
            return Err(EngineError(EngineErrorKind::NoAccount));
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

    /// Stores a batch with its body, and delivers it.
    pub(crate) async fn process_batch(
        self,
        batch: Batch,
        kind: WebhookKind,
        body: &[u8],
    ) -> Result<Outcome, EngineError> {
        let span = TraceSpan::webhook(Source::Engine, &batch.events);
        let work = async {
            self.write_kept_updates().await?;
            let id = WebhookId(new_id());
            self.claim_and_deliver(batch, NewBody { id, kind, body })
                .await
        };
        let result = span.around(work).await;
        result.map_err(|error| self.report_failed(error.into()))
    }

    /// Reports a body that is no webhook.
    fn unreadable(self, error: ParseError) -> EngineError {
        trace::unreadable(&error);
        self.report_failed(error.into())
    }

    /// Reports a body with a wrong signature.
    #[cfg(feature = "signature")]
    fn forged(self, error: SignatureError) -> EngineError {
        trace::forged(&error);
        self.report_failed(error.into())
    }
}

/// Returns whether an event is about a message that the program sent.
fn is_of_program(event: &WebhookEvent) -> bool {
    matches!(
        event,
        WebhookEvent::MessageSent(_) | WebhookEvent::MessageRefused(_)
    )
}
