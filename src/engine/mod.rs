//! Webhooks that are stored first, handled once, and never lost.
//!
//! [`Webhook::dispatch`](crate::Webhook::dispatch) forgets; a
//! [`WebhookEngine`] remembers. Of each body it
//!
//! 1. **claims**: looks up each event by its key, and in one transaction
//!    writes down what is new (the body, messages, contacts, statuses,
//!    signups);
//! 2. **delivers**, event by event, to the receivers that have not succeeded
//!    yet;
//! 3. **marks** what is finished, which is also the one `fsync` of a body.
//!
//! Only then it returns, and Meta gets its answer. What fails is delivered again, alone, when
//! Meta repeats the body or [`retry_unfinished`](WebhookEngine::retry_unfinished) is called,
//! until it is a [`DeadLetter`].
//!
//! ```
//! use whatsapp_signals::WebhookEngine;
//! use whatsapp_signals::store::{MemoryStore, StoreExt};
//!
//! let engine = WebhookEngine::new(MemoryStore::new());
//! let body = include_bytes!("../../tests/payloads/text.json");
//! assert_eq!(engine.process(body)?.fired(), 1);
//! assert_eq!(engine.process(body)?.duplicate(), 1, "Meta sent it again");
//! assert_eq!(engine.store().unread_counts()?[0].0.display_name(), "Ada Okafor");
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod claim;
mod claimer;
mod dead_letter;
mod error;
mod outcome;
mod record;
mod run;
mod settings;
#[cfg(feature = "signature")]
mod signed;
mod single;
mod unreadable;
mod user;
mod wait;

use std::hash::{BuildHasher, Hasher, RandomState};
use std::time::{Duration, SystemTime};

use crate::event::{Event, MessageSent};
use crate::model::Timestamp;
use crate::signal::Report;
use crate::store::{Lease, Mode, Store, StoreError, Transaction, WebhookId, transact};
use crate::trace;
use crate::webhook::{ParseError, Parser};
use claim::{Batch, Claim};
use record::Recorder;
use run::Run;
use settings::Settings;
use wait::{Wait, now};

pub use dead_letter::DeadLetter;
pub use error::EngineError;
pub use outcome::Outcome;

/// Stores each webhook, and sends its events to their receivers: each event
/// once, however often Meta repeats it, and to each receiver until it succeeds.
///
/// One engine serves all threads. Several processes may share a store.
///
/// # Examples
///
/// ```
/// use whatsapp_signals::event::MessageReceived;
/// use whatsapp_signals::store::{MemoryStore, StoreExt};
/// use whatsapp_signals::{WebhookEngine, receiver, signals::MESSAGE_RECEIVED};
///
/// #[receiver(MESSAGE_RECEIVED)]
/// fn greet(event: &MessageReceived) {
///     // Stored already, as it is in Django.
///     assert!(event.contact.as_ref().unwrap().created_at.is_some());
/// }
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let engine = WebhookEngine::new(MemoryStore::new()); // or an SqliteStore
/// let body = std::fs::read("tests/payloads/text.json")?;
///
/// let outcome = engine.process(&body)?;
/// assert_eq!(outcome.fired(), 1);
/// let status = if outcome.should_retry() { 503 } else { 200 };
/// assert_eq!(status, 200);
///
/// assert_eq!(engine.process(&body)?.duplicate(), 1, "Meta repeats itself");
/// # Ok(())
/// # }
/// ```
///
/// # What is guaranteed
///
/// - A receiver that has succeeded, and was marked, never gets the event
///   again. Marks are written as receivers return, when 10 ms have passed since
///   the last ones, before async receivers are waited for, and at the end of
///   each body; when the program is killed, receivers run again that succeeded
///   within 10 ms before the one that it was killed in. So what they do should
///   be the same when done twice: [`dedup_key`](Event::dedup_key) is there to
///   tell.
/// - A receiver that fails or panics gets the event again, when Meta repeats
///   the webhook or in [`retry_unfinished`](Self::retry_unfinished), up to
///   [`max_attempts`](Self::max_attempts) times. Then it is a
///   [dead letter](Self::dead_letters).
/// - Who does what is settled by a lease on the webhook. When the program dies,
///   its webhooks are anyone's after [`lease`](Self::lease).
///
/// # What a receiver is known by
///
/// Which receivers have succeeded is stored by their uid or else their path, so
/// that a program that is built anew knows them. A receiver that is renamed is a
/// new one to events that are not finished. Give a `uid` to closures that you
/// connect at run time: they have no path that tells them apart.
#[derive(Debug)]
pub struct WebhookEngine<S> {
    store: S,
    settings: Settings,
}

/// The work of an engine.
impl<S: Store> WebhookEngine<S> {
    /// Stores a webhook and sends its events.
    ///
    /// # Errors
    ///
    /// When the body is no webhook, or the store fails. What was not marked by
    /// then is not finished.
    pub fn process(&self, body: &[u8]) -> Result<Outcome, EngineError> {
        now(self.process_with(Wait::Never, body))
    }

    /// [`process`](Self::process), and waits for async receivers: event by
    /// event, and the async receivers of one event at once.
    ///
    /// The store blocks; see [`blocking`](Self::blocking) for where it does.
    /// When the future is dropped, so are the receivers that are not done, and
    /// the webhook is anyone's after its [`lease`](Self::lease): a web server
    /// that drops its handlers when Meta hangs up should spawn this.
    ///
    /// # Errors
    ///
    /// As of [`process`](Self::process).
    ///
    /// # Examples
    ///
    /// ```
    /// use whatsapp_signals::event::MessageReceived;
    /// use whatsapp_signals::store::MemoryStore;
    /// use whatsapp_signals::{WebhookEngine, receiver, signals::MESSAGE_RECEIVED};
    ///
    /// #[receiver(MESSAGE_RECEIVED)]
    /// async fn forward(event: &MessageReceived) -> Result<(), &'static str> {
    ///     Ok(()) // await another server
    /// }
    ///
    /// # fn main() -> Result<(), whatsapp_signals::EngineError> {
    /// # pollster::block_on(async {
    /// let engine = WebhookEngine::new(MemoryStore::new());
    /// let body = include_bytes!("../../tests/payloads/text.json");
    /// assert!(!engine.process_async(body).await?.should_retry());
    /// assert_eq!(engine.process_async(body).await?.duplicate(), 1);
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
        self.process_with(self.waiting(), body).await
    }

    async fn process_with(&self, wait: Wait, body: &[u8]) -> Result<Outcome, EngineError> {
        let webhook = self.settings.parser.parse(body);
        let webhook = webhook.inspect_err(trace::unreadable)?;
        let batch = Batch::new(webhook.into_events());
        self.run_body(wait, batch, body).await
    }

    /// Does what came in a body just now.
    async fn run_body(
        &self,
        wait: Wait,
        batch: Batch,
        body: &[u8],
    ) -> Result<Outcome, EngineError> {
        let claim = |tx: &mut dyn Transaction, lease: Lease, batch: &Batch| {
            claimer::claim_body(tx, &self.settings, lease, batch, body)
        };
        Ok(self.run(wait, batch, claim).await?)
    }

    /// Sends again what is not finished and nobody works on: what a crash or a
    /// failed receiver left.
    ///
    /// Call it when the program starts, and every now and then.
    ///
    /// # Errors
    ///
    /// When the store fails. A row that is damaged is told when all others have
    /// had their turn; a body that this version of the crate cannot read
    /// becomes a [`DeadLetter`].
    ///
    /// # Examples
    ///
    /// ```
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
    /// # fn main() -> Result<(), whatsapp_signals::EngineError> {
    /// let engine = WebhookEngine::new(MemoryStore::new());
    /// let outcome = engine.process(include_bytes!("../../tests/payloads/text.json"))?;
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
    pub async fn retry_unfinished_async(&self) -> Result<Outcome, EngineError> {
        self.retry_with(self.waiting()).await
    }

    fn waiting(&self) -> Wait {
        Wait::Async(self.settings.blocking)
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
        let batch = match stored_batch(&body) {
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

    async fn run(
        &self,
        wait: Wait,
        mut batch: Batch,
        mut claim: impl FnMut(&mut dyn Transaction, Lease, &Batch) -> Result<Claim, StoreError>,
    ) -> Result<Outcome, StoreError> {
        let span = trace::Webhook::new(&batch.events);
        let work = async {
            let lease = Lease::new(random(), self.settings.lease_until(now_ms()));
            let claim = |tx: &mut dyn Transaction| claim(tx, lease, &batch);
            let mut claim = wait.block(|| transact(&self.store, Mode::Write, claim))?;
            for job in &mut claim.jobs {
                std::mem::take(&mut job.known).put_into(&mut batch.events[job.event]);
            }
            let (run, jobs) = Run::new(&self.store, &self.settings, wait, &batch, lease, claim);
            let outcome = run.deliver(jobs).await?;
            trace::processed(&outcome);
            Ok(outcome)
        };
        span.around(work).await
    }

    /// Stores a message that you sent, and fires
    /// [`MESSAGE_SENT`](crate::signals::MESSAGE_SENT): Django's
    /// `whatsapp_message_sent`. Statuses that have come already are the
    /// message's.
    ///
    /// # Errors
    ///
    /// When the store fails; then nothing is fired.
    ///
    /// # Examples
    ///
    /// ```
    /// use whatsapp_signals::WebhookEngine;
    /// use whatsapp_signals::event::MessageSent;
    /// use whatsapp_signals::model::{Content, Identity, Message};
    /// use whatsapp_signals::store::{MemoryStore, StoreExt};
    ///
    /// let engine = WebhookEngine::new(MemoryStore::new());
    /// let ada = Identity::from_phone("15550101001").unwrap();
    /// let message = Message::outbound("wamid.HBgL", ada.clone(), Content::text("It is ready"));
    /// let report = engine.sent(&MessageSent::new(message.build()))?;
    /// assert!(report.is_ok());
    /// assert_eq!(engine.store().conversation(&ada, None, 50)?.len(), 1);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn sent(&self, event: &MessageSent) -> Result<Report, EngineError> {
        now(self.sent_with(Wait::Never, event))
    }

    /// [`sent`](Self::sent), and waits for async receivers. Nobody is asked
    /// again: what you sent is no webhook that comes once more.
    ///
    /// # Errors
    ///
    /// As of [`sent`](Self::sent).
    ///
    /// ```
    /// use whatsapp_signals::event::MessageSent;
    /// use whatsapp_signals::model::{Content, Identity, Message};
    /// use whatsapp_signals::store::MemoryStore;
    /// use whatsapp_signals::{WebhookEngine, receiver, signals::MESSAGE_SENT};
    ///
    /// #[receiver(MESSAGE_SENT)]
    /// async fn log(_event: &MessageSent) {}
    ///
    /// # fn main() -> Result<(), whatsapp_signals::EngineError> {
    /// # pollster::block_on(async {
    /// let engine = WebhookEngine::new(MemoryStore::new());
    /// let ada = Identity::from_phone("15550101001").unwrap();
    /// let message = Message::outbound("wamid.HBgL", ada, Content::text("It is ready"));
    /// let report = engine.sent_async(&MessageSent::new(message.build())).await?;
    /// assert_eq!((report.called(), report.is_ok()), (1, true));
    /// # Ok(())
    /// # })
    /// # }
    /// ```
    pub async fn sent_async(&self, event: &MessageSent) -> Result<Report, EngineError> {
        self.sent_with(self.waiting(), event).await
    }

    async fn sent_with(&self, wait: Wait, event: &MessageSent) -> Result<Report, EngineError> {
        let record = |tx: &mut dyn Transaction| {
            let mut recorder = Recorder::new(Timestamp::now());
            recorder.record_sent(tx, &event.message)
        };
        wait.block(|| transact(&self.store, Mode::Durable, record))?;
        let report = match wait {
            Wait::Never => event.send_robust(),
            Wait::Async(_) => event.asend_robust().await,
        };
        let failures = report.failures().iter();
        failures.for_each(|failure| trace::failed(0, failure));
        Ok(report)
    }

    /// Forgets what came longer ago than this and is finished: events, logged
    /// webhooks, and statuses whose message never came. Messages, contacts and
    /// signups stay, and so does what is not finished. Gives the number of
    /// deleted rows.
    ///
    /// What is forgotten is handled anew should it come again, so do not go
    /// below [`RETENTION`](Self::RETENTION).
    ///
    /// # Errors
    ///
    /// When the store fails.
    ///
    /// ```
    /// use whatsapp_signals::WebhookEngine;
    /// use whatsapp_signals::store::MemoryStore;
    ///
    /// let engine = WebhookEngine::new(MemoryStore::new());
    /// engine.process(include_bytes!("../../tests/payloads/text.json"))?;
    /// assert_eq!(engine.prune(WebhookEngine::<MemoryStore>::RETENTION)?, 0);
    /// # Ok::<(), whatsapp_signals::EngineError>(())
    /// ```
    pub fn prune(&self, older_than: Duration) -> Result<usize, EngineError> {
        let age = i64::try_from(older_than.as_secs()).unwrap_or(i64::MAX);
        let before = Timestamp::from_secs(Timestamp::now().as_secs().saturating_sub(age));
        let mut pruned = 0;
        loop {
            // In pieces, so that webhooks get their turn.
            match transact(&self.store, Mode::Write, |tx| tx.prune(before, 1000))? {
                0 => return Ok(pruned),
                piece => pruned += piece,
            }
        }
    }
}

/// The events of a body that was read before, whatever limit there was then; or
/// of one that is an event which came by itself.
fn stored_batch(body: &[u8]) -> Result<Batch, ParseError> {
    let parser = Parser::new().max_len(usize::MAX);
    match parser.parse(body) {
        Ok(webhook) => Ok(Batch::new(webhook.into_events())),
        Err(error) => single::read(body).ok_or(error),
    }
}

/// Milliseconds since 1970.
fn now_ms() -> i64 {
    let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
    // A clock before 1970 is one that was never set.
    since.map_or(0, |since| since.as_millis().try_into().unwrap_or(i64::MAX))
}

/// A number that no other holder of a lease has.
fn random() -> i64 {
    RandomState::new().build_hasher().finish().cast_signed()
}
