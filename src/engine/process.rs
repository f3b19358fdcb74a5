//! The calls of an engine that store and deliver: bodies, entries that came without a body, and
//! events from a queue.

use std::borrow::Cow;

use serde::{Deserialize, Serialize};

use super::access::ready;
use super::batch::{Batch, NewBody};
use super::replay::Replay;
use super::{Call, EngineError, Outcome, WebhookEngine, new_id};
use crate::event::WebhookEvent;
use crate::model::Account;
use crate::signal::ReceiverMode;
use crate::store::{ReadyStore, Store, StoreError, StoreErrorKind, WebhookId, WebhookKind};
use crate::trace::{self, Scope, Source};
use crate::webhook::ParseError;
#[cfg(feature = "signature")]
use crate::{SignatureError, SignatureVerifier};

/// Processing by sync callers.
impl<S: ReadyStore> WebhookEngine<S> {
    /// Stores a webhook and sends its events.
    ///
    /// # Errors
    ///
    /// When the body is no webhook, or the store fails. Events that were not marked by
    /// then are not finished.
    ///
    /// ```
    /// use whatsapp_signals::WebhookEngine;
    /// use whatsapp_signals::store::MemoryStore;
    ///
    /// let engine = WebhookEngine::new(MemoryStore::new());
    /// let outcome = engine.process(&std::fs::read("tests/payloads/text.json")?)?;
    /// assert_eq!((outcome.delivered(), outcome.http_status()), (1, 200));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn process(&self, body: &[u8]) -> Result<Outcome, EngineError> {
        ready(self.call(ReceiverMode::Sync).process(body))
    }

    /// Processes a body that Meta signed: what your web server calls. The length is checked
    /// first, then the signature, and only then is anything read.
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

    /// Stores one entry that came without its body, and sends its events:
    /// [`process`](Self::process), for AWS End User Messaging Social.
    ///
    /// AWS takes Meta's webhooks in your place and publishes each entry to an SNS
    /// topic, from which SQS or Lambda gets it. `entry` is the string
    /// `whatsAppWebhookEntry` of the SNS message. It is stored as a body with this
    /// entry alone, so that retries and dead letters are those of other webhooks.
    ///
    /// No signature is checked, since Meta's is not in the message. SNS's own signature
    /// takes its place: check that one if SNS posts to your web server. SQS and Lambda
    /// get none; the queue's policy and the function's permissions must admit your
    /// topic alone.
    ///
    /// While an outcome [should be retried](Outcome::should_retry), leave the message
    /// in the queue.
    ///
    /// # Errors
    ///
    /// When the text is no entry (see [`parse_entry`](crate::parse_entry)), or the
    /// store fails. In the first case the engine keeps nothing of it: leave the message
    /// to the dead-letter queue of SQS.
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
}

/// Processing by async callers.
impl<S: Store> WebhookEngine<S> {
    /// Processes a body as [`process`](Self::process) does, and awaits the store and async
    /// receivers: event by event, and the async receivers of one event concurrently.
    ///
    /// A store may block; [`blocking`](Self::blocking) says where it does. When the future is
    /// dropped, so are the receivers that are not done; the next call writes what the others
    /// have done, and gives the lease back. A web server that drops its handlers when Meta hangs
    /// up should spawn this.
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
    /// // Where nobody waits, an async receiver fails, and is asked again.
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
    /// assert_eq!(engine.process_signed_async(body, header, &verifier).await?.delivered(), 1);
    /// assert!(engine.process_signed_async(body, None, &verifier).await.is_err());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// # }).unwrap();
    /// ```
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

    /// [`process_entry`](Self::process_entry), and waits for async receivers, as
    /// [`process_async`](Self::process_async) does.
    ///
    /// # Errors
    ///
    /// As of [`process_entry`](Self::process_entry).
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
    /// # let entry = r#"{"id": "102290129340398", "changes": [{"field": "messages", "value": {
    /// #     "messages": [{"id": "wamid.A", "from": "15550101001", "type": "text", "text": {"body": "Hi"}}]
    /// # }}]}"#;
    /// # let message = serde_json::json!({"messageId": "1", "whatsAppWebhookEntry": entry});
    /// let engine = WebhookEngine::new(MemoryStore::new());
    /// let entry = message["whatsAppWebhookEntry"].as_str().ok_or("no entry")?;
    /// assert_eq!(engine.process_entry_async(entry.as_bytes()).await?.failed(), 0);
    /// # Ok(())
    /// # })
    /// # }
    /// ```
    pub async fn process_entry_async(&self, entry: &[u8]) -> Result<Outcome, EngineError> {
        self.call(ReceiverMode::Async).process_entry(entry).await
    }
}

impl Call<'_> {
    pub(super) async fn process(self, body: &[u8]) -> Result<Outcome, EngineError> {
        let webhook = self.core.settings.parser.parse(body);
        let webhook = webhook.map_err(|error| self.unreadable(error))?;
        self.process_events(webhook.into_events(), body).await
    }

    #[cfg(feature = "signature")]
    pub(super) async fn process_signed(
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
        if let Err(EngineError::Parse(error)) = &result
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
        // The limit was for the entry.
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

    /// Stores a batch with its body, and delivers it.
    pub(super) async fn process_batch(
        self,
        batch: Batch,
        kind: WebhookKind,
        body: &[u8],
    ) -> Result<Outcome, EngineError> {
        let span = Scope::webhook(Source::Engine, &batch.events);
        let work = async {
            self.write_kept_marks().await?;
            let id = WebhookId(new_id());
            self.run(batch, NewBody { id, kind, body }).await
        };
        let result = span.around(work).await;
        result.map_err(|error| self.report_failed(error.into()))
    }

    /// Reports a body that is no webhook.
    fn unreadable(self, error: ParseError) -> EngineError {
        trace::unreadable(&error);
        self.report_failed(error.into())
    }

    /// Reports a body whose signature is not right.
    #[cfg(feature = "signature")]
    fn forged(self, error: SignatureError) -> EngineError {
        trace::forged(&error);
        self.report_failed(error.into())
    }
}

/// Processing of an event from a queue, by sync callers.
impl<S: ReadyStore> WebhookEngine<S> {
    /// Stores one event and delivers it, for a program that has a queue between the web server,
    /// which parses, and the workers.
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
}

/// Processing of an event from a queue.
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
}

impl Call<'_> {
    pub(super) async fn process_event(
        self,
        key: &str,
        event: WebhookEvent,
    ) -> Result<Outcome, EngineError> {
        if is_sent(&event) && *event.account() == Account::none() {
            return Err(EngineError::NoAccount);
        }
        let body = QueuedEvent::to_json(key, &event)?;
        let batch = Batch::single(key.to_owned(), event);
        self.process_batch(batch, WebhookKind::QueuedEvent, &body)
            .await
    }
}

/// Returns whether an event is one of the program about a message.
fn is_sent(event: &WebhookEvent) -> bool {
    matches!(
        event,
        WebhookEvent::MessageSent(_) | WebhookEvent::MessageRefused(_)
    )
}

/// The stored body of an event that came by itself.
#[derive(Serialize, Deserialize)]
pub(super) struct QueuedEvent<'a> {
    key: Cow<'a, str>,
    event: Cow<'a, WebhookEvent>,
    /// The replay that it is part of.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    replay: Option<Cow<'a, Replay>>,
}

impl QueuedEvent<'_> {
    pub(super) fn to_json(key: &str, event: &WebhookEvent) -> Result<Vec<u8>, StoreError> {
        let queued = QueuedEvent {
            key: Cow::Borrowed(key),
            event: Cow::Borrowed(event),
            replay: None,
        };
        serde_json::to_vec(&queued).map_err(|error| StoreError::new(StoreErrorKind::Other, error))
    }
}

/// Returns the stored body of several events without that of Meta's, as JSON.
pub(super) fn queued_events<'a>(
    events: impl Iterator<Item = (&'a str, &'a WebhookEvent)>,
    replay: Option<&'a Replay>,
) -> Result<Vec<u8>, StoreError> {
    let queued = events.map(|(key, event)| QueuedEvent {
        key: Cow::Borrowed(key),
        event: Cow::Borrowed(event),
        replay: replay.map(Cow::Borrowed),
    });
    serde_json::to_vec(&queued.collect::<Vec<_>>())
        .map_err(|error| StoreError::new(StoreErrorKind::Other, error))
}

/// Reads the body of one such event, or of several.
pub(super) fn read_queued_event(body: &[u8]) -> Option<Batch> {
    let queued: Vec<QueuedEvent<'_>> = if body.starts_with(b"[") {
        serde_json::from_slice(body).ok()?
    } else {
        vec![serde_json::from_slice(body).ok()?]
    };
    // All of them are of one replay, or of none.
    let replay = queued.first().and_then(|first| first.replay.clone());
    let queued = queued.into_iter();
    let events = queued.map(|queued| (queued.key.into_owned(), queued.event.into_owned()));
    Some(match replay {
        None => Batch::queued(events),
        Some(replay) => {
            let (keys, events) = events.unzip();
            Batch::of_replay(events, keys, replay.into_owned())
        }
    })
}
