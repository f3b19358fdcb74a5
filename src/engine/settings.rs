//! How an engine is built.

use std::time::Duration;

use super::WebhookEngine;
use super::wait::{Blocking, in_place};
use crate::Context;
use crate::store::{Store, StoreError, Transaction, WebhookId, WebhookRecord};
use crate::webhook::Parser;

#[derive(Debug)]
pub(super) struct Settings {
    pub(super) parser: Parser,
    pub(super) lease: Duration,
    pub(super) max_attempts: u32,
    pub(super) log_webhooks: bool,
    pub(super) blocking: Blocking,
    pub(super) context: Context,
}

impl Settings {
    pub(super) fn lease_until(&self, now: i64) -> i64 {
        let lease = i64::try_from(self.lease.as_millis()).unwrap_or(i64::MAX);
        now.saturating_add(lease)
    }

    /// Stores what a webhook has come to. One of which nothing is left goes,
    /// unless there is a log.
    pub(super) fn put_or_close(
        &self,
        tx: &mut dyn Transaction,
        id: WebhookId,
        webhook: &WebhookRecord,
    ) -> Result<(), StoreError> {
        if webhook.open + webhook.dead == 0 && !self.log_webhooks {
            tx.delete_webhook(id)
        } else {
            tx.put_webhook(id, webhook)
        }
    }
}

/// The building of an engine.
///
/// ```
/// use std::time::Duration;
/// use whatsapp_signals::store::{MemoryStore, StoreExt};
/// use whatsapp_signals::{EngineError, Parser, WebhookEngine};
///
/// let engine = WebhookEngine::new(MemoryStore::new())
///     .parser(Parser::new().max_len(64 * 1024))
///     .lease(Duration::from_secs(120))
///     .max_attempts(5)
///     .log_webhooks(true);
///
/// let body = &std::fs::read("tests/payloads/text.json")?;
/// assert_eq!(engine.process(body)?.fired(), 1);
/// let log = engine.store().webhooks(None, 50)?;
/// assert_eq!((log[0].body.as_slice(), log[0].open), (&body[..], 0));
///
/// let too_large = engine.process(&[b' '; 64 * 1024 + 1]);
/// assert!(matches!(too_large, Err(EngineError::Parse(_))));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
impl<S: Store> WebhookEngine<S> {
    /// An engine over this store, with the default settings.
    ///
    /// ```
    /// use std::sync::Arc;
    /// use whatsapp_signals::WebhookEngine;
    /// use whatsapp_signals::store::{MemoryStore, StoreExt};
    ///
    /// // Any store, also one that others have too.
    /// let store = Arc::new(MemoryStore::new());
    /// let engine = WebhookEngine::new(Arc::clone(&store));
    /// engine.process(&std::fs::read("tests/payloads/text.json")?)?;
    /// assert_eq!(store.unread_counts()?.len(), 1);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn new(store: S) -> Self {
        Self {
            store,
            settings: Settings {
                parser: Parser::new(),
                lease: Duration::from_secs(60),
                max_attempts: 20,
                log_webhooks: false,
                blocking: in_place,
                context: Context::new(),
            },
        }
    }

    /// Reads bodies with this parser. Its limit applies to new bodies; stored ones,
    /// which are retried or requeued, are read with its other settings.
    ///
    /// ```
    /// use whatsapp_signals::store::MemoryStore;
    /// use whatsapp_signals::{Parser, WebhookEngine};
    ///
    /// let engine = WebhookEngine::new(MemoryStore::new()).parser(Parser::new().max_len(100));
    /// assert_eq!(engine.process(&[b' '; 101]).unwrap_err().http_status(), 413);
    /// ```
    #[must_use]
    pub fn parser(mut self, parser: Parser) -> Self {
        self.settings.parser = parser;
        self
    }

    /// Sets the context of all that the engine delivers.
    ///
    /// An event whose receiver needs a value that the context lacks stays open, and no attempt
    /// is counted: it is delivered by an engine that has the value.
    ///
    /// ```standalone_crate
    /// use whatsapp_signals::event::MessageReceived;
    /// use whatsapp_signals::store::MemoryStore;
    /// use whatsapp_signals::{Context, WebhookEngine, receiver, signals::MESSAGE_RECEIVED};
    ///
    /// struct Greeting(&'static str);
    ///
    /// #[receiver(MESSAGE_RECEIVED)]
    /// fn greet(event: &MessageReceived, greeting: &Greeting) {
    ///     println!("{}, {}!", greeting.0, event.contact.as_ref().unwrap().display_name());
    /// }
    ///
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let context = Context::new().with(Greeting("Good morning"));
    /// let engine = WebhookEngine::new(MemoryStore::new()).context(context);
    /// let outcome = engine.process(&std::fs::read("tests/payloads/text.json")?)?;
    /// assert!(outcome.failures().is_empty());
    /// # Ok(())
    /// # }
    /// ```
    #[must_use]
    pub fn context(mut self, context: Context) -> Self {
        self.settings.context = context;
        self
    }

    /// How long nobody else touches a webhook that is worked on; 60 seconds
    /// unless given. Longer than the slowest receiver: a lease is renewed
    /// between receivers, and not while one runs.
    ///
    /// ```standalone_crate
    /// use std::sync::LazyLock;
    /// use std::time::Duration;
    /// use whatsapp_signals::event::MessageReceived;
    /// use whatsapp_signals::store::MemoryStore;
    /// use whatsapp_signals::{EngineError, WebhookEngine, receiver, signals::MESSAGE_RECEIVED};
    ///
    /// static ENGINE: LazyLock<WebhookEngine<MemoryStore>> = LazyLock::new(|| {
    ///     WebhookEngine::new(MemoryStore::new()).lease(Duration::from_secs(120))
    /// });
    ///
    /// #[receiver(MESSAGE_RECEIVED)]
    /// fn slow(_: &MessageReceived) -> Result<(), EngineError> {
    ///     // What another thread would see meanwhile.
    ///     assert_eq!(ENGINE.retry_unfinished()?.unfinished(), 1);
    ///     Ok(())
    /// }
    ///
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let outcome = ENGINE.process(&std::fs::read("tests/payloads/text.json")?)?;
    /// assert_eq!((outcome.fired(), outcome.failed()), (1, 0));
    /// # Ok(())
    /// # }
    /// ```
    #[must_use]
    pub fn lease(mut self, lease: Duration) -> Self {
        self.settings.lease = lease;
        self
    }

    /// How often an event is tried before it is a dead letter; 20 times unless
    /// given, 1 at least.
    ///
    /// ```standalone_crate
    /// use whatsapp_signals::event::MessageReceived;
    /// use whatsapp_signals::store::MemoryStore;
    /// use whatsapp_signals::{WebhookEngine, receiver, signals::MESSAGE_RECEIVED};
    ///
    /// #[receiver(MESSAGE_RECEIVED)]
    /// fn fails(_: &MessageReceived) -> Result<(), &'static str> {
    ///     Err("the other side is down")
    /// }
    ///
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let engine = WebhookEngine::new(MemoryStore::new()).max_attempts(2);
    /// let first = engine.process(&std::fs::read("tests/payloads/text.json")?)?;
    /// assert_eq!((first.unfinished(), first.dead()), (1, 0));
    /// assert_eq!(engine.retry_unfinished()?.dead(), 1);
    /// # Ok(())
    /// # }
    /// ```
    #[must_use]
    pub fn max_attempts(mut self, attempts: u32) -> Self {
        self.settings.max_attempts = attempts.max(1);
        self
    }

    /// Whether bodies are kept when they are finished, until
    /// [`prune`](Self::prune); [`StoreExt::webhooks`](crate::store::StoreExt::webhooks)
    /// reads them. Off unless given.
    ///
    /// ```
    /// use whatsapp_signals::WebhookEngine;
    /// use whatsapp_signals::store::{MemoryStore, StoreExt};
    ///
    /// let engine = WebhookEngine::new(MemoryStore::new()).log_webhooks(true);
    /// engine.process(&std::fs::read("tests/payloads/text.json")?)?;
    /// assert_eq!(engine.store().webhooks(None, 50)?.len(), 1);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn log_webhooks(mut self, log: bool) -> Self {
        self.settings.log_webhooks = log;
        self
    }

    /// How [`process_async`](Self::process_async) does what waits for the disk;
    /// in the thread that polls it unless given, which blocks that thread for as
    /// long as the store takes: with an SQLite file about a millisecond a body,
    /// and longer while another process writes. On a runtime with several
    /// threads have the others take over meanwhile:
    ///
    /// ```
    /// use whatsapp_signals::WebhookEngine;
    /// use whatsapp_signals::store::MemoryStore;
    ///
    /// # #[tokio::main]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let engine = WebhookEngine::new(MemoryStore::new())
    ///     .blocking(|work| tokio::task::block_in_place(work));
    /// let body = &std::fs::read("tests/payloads/text.json")?;
    /// assert_eq!(engine.process_async(body).await?.fired(), 1);
    /// # Ok(())
    /// # }
    /// ```
    #[must_use]
    pub fn blocking(mut self, run: fn(&mut dyn FnMut())) -> Self {
        self.settings.blocking = run;
        self
    }

    /// The store.
    ///
    /// ```
    /// use whatsapp_signals::WebhookEngine;
    /// use whatsapp_signals::store::{MemoryStore, StoreExt};
    ///
    /// let engine = WebhookEngine::new(MemoryStore::new());
    /// engine.process(&std::fs::read("tests/payloads/text.json")?)?;
    /// assert_eq!(engine.store().unread_counts()?[0].1, 1);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn store(&self) -> &S {
        &self.store
    }
}
