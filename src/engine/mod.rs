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
//! let body = &std::fs::read("tests/payloads/text.json")?;
//! assert_eq!(engine.process(body)?.fired(), 1);
//! assert_eq!(engine.process(body)?.duplicate(), 1, "Meta sent it again");
//! assert_eq!(engine.store().unread_counts()?[0].0.display_name(), "Ada Okafor");
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod check;
mod claim;
mod claimer;
mod dead_letter;
mod entry;
mod error;
mod holdings;
mod home;
mod marks;
mod outcome;
mod prune;
mod record;
mod retry;
mod run;
mod sent;
mod settings;
#[cfg(feature = "signature")]
mod signed;
mod single;
mod unreadable;
mod user;
mod wait;
mod watcher;

use std::hash::{BuildHasher, Hasher, RandomState};
use std::time::SystemTime;

use crate::store::{Lease, Mode, Store, StoreError, Transaction, transact};
use crate::trace;
use claim::{Batch, Claim};
use marks::Marks;
use run::Run;
use settings::Settings;
use wait::{Wait, now};

pub use dead_letter::DeadLetter;
pub use error::EngineError;
pub use outcome::{Outcome, http_status};
pub use prune::RETENTION;

/// Stores each webhook, and sends its events to their receivers: each event
/// once, however often Meta repeats it, and to each receiver until it succeeds.
///
/// One engine serves all threads. Several processes may share a store.
///
/// # Examples
///
/// ```standalone_crate
/// use whatsapp_signals::event::MessageReceived;
/// use whatsapp_signals::store::{MemoryStore, StoreExt};
/// use whatsapp_signals::{WebhookEngine, http_status, receiver, signals::MESSAGE_RECEIVED};
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
/// let result = engine.process(&body);
/// assert_eq!(http_status(&result), 200);
/// assert_eq!(result?.fired(), 1);
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
///   be the same when done twice: [`dedup_key`](crate::Event::dedup_key) is there to
///   tell. (An event that [has neither an id nor a time](crate::event::WebhookEvent::repeats)
///   runs again when it comes again by itself.)
/// - A receiver that fails or panics gets the event again, when Meta repeats
///   the webhook or in [`retry_unfinished`](Self::retry_unfinished), up to
///   [`max_attempts`](Self::max_attempts) times. Then it is a
///   [dead letter](Self::dead_letters).
/// - Who does what is settled by a lease on the webhook. When the program dies,
///   its webhooks are anyone's after [`lease`](Self::lease).
///
/// # What a receiver is known by
///
/// The store has the receivers that have succeeded by their uid or else their path, so that
/// a later build of the program finds them; those of
/// [`ANY_EVENT`](crate::signals::ANY_EVENT) with `any_event:` before it. A receiver that is
/// renamed is a new one to events that are not finished. Give a `uid` to closures that you
/// connect at run time: several of one function have one path.
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
    ///
    /// ```
    /// use whatsapp_signals::WebhookEngine;
    /// use whatsapp_signals::store::MemoryStore;
    ///
    /// let engine = WebhookEngine::new(MemoryStore::new());
    /// let outcome = engine.process(&std::fs::read("tests/payloads/text.json")?)?;
    /// assert_eq!((outcome.fired(), outcome.http_status()), (1, 200));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
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

    fn waiting(&self) -> Wait {
        Wait::Async(self.settings.blocking)
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
            let (marks, jobs) = Marks::new(&self.store, &self.settings, wait, &batch, lease, claim);
            let outcome = Run::new(marks).deliver(jobs).await?;
            trace::processed(&outcome);
            Ok(outcome)
        };
        span.around(work).await
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
