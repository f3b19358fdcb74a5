//! The result of a webhook: its outcome, or the error that ended it.

use std::fmt;
use std::ops::AddAssign;
use std::time::SystemTime;

use thiserror::Error;

#[cfg(feature = "signature")]
use crate::SignatureError;
use crate::store::{StoreError, StoreErrorKind};
use crate::webhook::{EventFailure, ParseError};

/// The outcome of a processed webhook: the numbers of its events by result, and the failures.
///
/// # Examples
///
/// ```standalone_crate
/// use whatsapp_signals::WebhookEngine;
/// use whatsapp_signals::store::MemoryStore;
///
/// let engine = WebhookEngine::new(MemoryStore::new());
/// let body = &std::fs::read("tests/payloads/text.json")?;
/// let first = engine.process(body)?;
/// let text = "delivered 1 duplicates 0 unrecognized 0 failed 0 without receivers 1";
/// assert_eq!(first.to_string(), text);
/// assert_eq!((first.delivered(), first.unfinished(), first.dead_lettered()), (1, 0, 0));
/// assert_eq!((first.should_retry(), first.http_status()), (false, 200));
///
/// let again = engine.process(body)?;
/// assert_eq!((again.delivered(), again.duplicates()), (0, 1));
/// assert_eq!(again.to_string(), "delivered 0 duplicates 1 unrecognized 0 failed 0");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Default)]
#[must_use = "it returns whether Meta should repeat the webhook"]
pub struct Outcome {
    pub(super) delivered: usize,
    pub(super) duplicates: usize,
    pub(super) unrecognized: usize,
    pub(super) without_receivers: usize,
    pub(super) unfinished: usize,
    pub(super) dead_lettered: usize,
    pub(super) held_back: usize,
    pub(super) due: Option<SystemTime>,
    pub(super) is_tended: bool,
    pub(super) failures: Vec<EventFailure>,
}

impl Outcome {
    /// Returns the number of delivered events: their receivers that had not succeeded before were
    /// called. Events without receivers or with filters that do not match count, too.
    #[must_use]
    pub fn delivered(&self) -> usize {
        self.delivered
    }

    /// Returns the number of events that were finished or dead before.
    ///
    /// The test button of the App Dashboard sends a sample with a fixed id, so that a second press
    /// is a duplicate.
    #[must_use]
    pub fn duplicates(&self) -> usize {
        self.duplicates
    }

    /// Returns the number of delivered events that were
    /// [`Unrecognized`](crate::event::Unrecognized).
    #[must_use]
    pub fn unrecognized(&self) -> usize {
        self.unrecognized
    }

    /// Returns the number of delivered events without receivers: their signal has none, or is
    /// muted. Receivers of [`ANY_EVENT`](crate::signals::ANY_EVENT) do not count. An event
    /// without any receivers is finished all the same. If you expected one, its crate
    /// [may not be linked](crate::guide::receivers#my-receivers-are-not-called):
    /// [`WebhookEngine::check`](crate::WebhookEngine::check) finds it at start-up.
    #[must_use]
    pub fn without_receivers(&self) -> usize {
        self.without_receivers
    }

    /// Returns the number of failed receivers, each counted once for each event.
    #[must_use]
    pub fn failed(&self) -> usize {
        self.failures.len()
    }

    /// Returns the number of unfinished events: a receiver failed, another thread or process
    /// delivers them, or they are [held back](Self::held_back).
    #[must_use]
    pub fn unfinished(&self) -> usize {
        self.unfinished
    }

    /// Returns the number of unfinished events that an earlier event of their user holds back, as
    /// the engine delivers [in order](crate::WebhookEngine::in_order). This is no attempt and no
    /// failure.
    #[must_use]
    pub fn held_back(&self) -> usize {
        self.held_back
    }

    /// Returns the number of events that became [dead letters](crate::WebhookEngine::dead_letters).
    #[must_use]
    pub fn dead_lettered(&self) -> usize {
        self.dead_lettered
    }

    /// Returns the failed receivers with their errors, in the order of the events and of their
    /// receivers, the async ones last. Each names its event by the index in the webhook.
    ///
    /// ```standalone_crate
    /// use whatsapp_signals::event::MessageReceived;
    /// use whatsapp_signals::store::MemoryStore;
    /// use whatsapp_signals::{WebhookEngine, receiver, signals::MESSAGE_RECEIVED};
    ///
    /// #[receiver(MESSAGE_RECEIVED, uid = "archive")]
    /// fn archive(_: &MessageReceived) -> Result<(), &'static str> {
    ///     Err("the disk is full")
    /// }
    ///
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let engine = WebhookEngine::new(MemoryStore::new());
    /// let outcome = engine.process(&std::fs::read("tests/payloads/text.json")?)?;
    /// assert_eq!((outcome.failed(), outcome.unfinished()), (1, 1));
    /// assert_eq!((outcome.should_retry(), outcome.http_status()), (true, 503));
    ///
    /// let failed = &outcome.failures()[0];
    /// assert_eq!((failed.event, failed.failure.receiver().uid()), (0, Some("archive")));
    /// # Ok(())
    /// # }
    /// ```
    #[must_use]
    pub fn failures(&self) -> &[EventFailure] {
        &self.failures
    }

    /// Returns the time of the next attempt, by the clock of this program: of the unfinished events
    /// that no other thread or process delivers, the first one is due then. `None` if there is no
    /// such event.
    ///
    /// ```standalone_crate
    /// use std::time::{Duration, SystemTime};
    ///
    /// use whatsapp_signals::event::MessageReceived;
    /// use whatsapp_signals::store::MemoryStore;
    /// use whatsapp_signals::{Retry, WebhookEngine, receiver, signals::MESSAGE_RECEIVED};
    ///
    /// #[receiver(MESSAGE_RECEIVED)]
    /// fn forward(_: &MessageReceived) -> Result<(), Retry> {
    ///     Err(Retry::after(Duration::from_secs(60), "too many requests"))
    /// }
    ///
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let engine = WebhookEngine::new(MemoryStore::new());
    /// let body = std::fs::read("tests/payloads/text.json")?;
    /// let due = engine.process(&body)?.due().expect("one event is unfinished");
    /// assert!(due > SystemTime::now() + Duration::from_secs(50));
    ///
    /// let again = engine.process(&body)?;
    /// assert_eq!((again.delivered(), again.unfinished()), (0, 1), "it is not due");
    /// # Ok(())
    /// # }
    /// ```
    #[must_use]
    pub fn due(&self) -> Option<SystemTime> {
        self.due
    }

    /// Adds the due time of another event.
    pub(super) fn add_due(&mut self, due: Option<SystemTime>) {
        self.due = self.due.into_iter().chain(due).min();
    }

    /// Returns whether Meta should repeat the webhook: answer 503, and otherwise 200.
    ///
    /// `false` for an engine that is [tended](crate::WebhookEngine::tended), as it delivers stored
    /// events itself.
    #[must_use]
    pub fn should_retry(&self) -> bool {
        self.unfinished > 0 && !self.is_tended
    }

    /// Returns the status to answer Meta: 503 or 200. [`http_status`](crate::http_status()) takes
    /// the whole result of an engine.
    #[must_use]
    pub fn http_status(&self) -> u16 {
        if self.should_retry() { 503 } else { 200 }
    }
}

/// Returns the HTTP status to answer Meta, for any result of a
/// [`WebhookEngine`](crate::WebhookEngine).
///
/// | status | when |
/// | --- | --- |
/// | 200 | all events are finished; or the body is no webhook, which Meta would repeat in vain |
/// | 401 | the signature is missing or wrong |
/// | 413 | the body is too large |
/// | 503 | Meta should repeat the webhook: an event is unfinished, or the store failed |
///
/// # Examples
///
/// ```
/// use whatsapp_signals::store::MemoryStore;
/// use whatsapp_signals::{WebhookEngine, http_status};
///
/// let engine = WebhookEngine::new(MemoryStore::new());
/// let result = engine.process(&std::fs::read("tests/payloads/text.json")?);
/// match &result {
///     Ok(outcome) => println!("{outcome}"),
///     Err(error) => eprintln!("{error}"),
/// }
/// assert_eq!(http_status(&result), 200);
/// # Ok::<(), std::io::Error>(())
/// ```
#[must_use]
pub fn http_status(result: &Result<Outcome, EngineError>) -> u16 {
    match result {
        Ok(outcome) => outcome.http_status(),
        Err(error) => error.http_status(),
    }
}

/// Adds the outcome of another webhook.
///
/// ```
/// use whatsapp_signals::store::MemoryStore;
/// use whatsapp_signals::{Outcome, WebhookEngine};
///
/// let engine = WebhookEngine::new(MemoryStore::new());
/// let mut total = Outcome::default();
/// for _ in 0..3 {
///     total += engine.process(&std::fs::read("tests/payloads/text.json")?)?;
/// }
/// assert_eq!((total.delivered(), total.duplicates()), (1, 2));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
impl AddAssign for Outcome {
    fn add_assign(&mut self, other: Self) {
        self.delivered += other.delivered;
        self.duplicates += other.duplicates;
        self.unrecognized += other.unrecognized;
        self.without_receivers += other.without_receivers;
        self.unfinished += other.unfinished;
        self.dead_lettered += other.dead_lettered;
        self.held_back += other.held_back;
        self.add_due(other.due);
        self.is_tended |= other.is_tended;
        self.failures.extend(other.failures);
    }
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            delivered,
            duplicates,
            unrecognized,
            without_receivers,
            ..
        } = self;
        let failed = self.failed();
        write!(
            f,
            "delivered {delivered} duplicates {duplicates} unrecognized {unrecognized} failed {failed}"
        )?;
        match without_receivers {
            0 => Ok(()),
            _ => write!(f, " without receivers {without_receivers}"),
        }
    }
}

/// The error of a webhook that was not processed, or not completely.
///
/// # Examples
///
/// ```
/// use whatsapp_signals::store::MemoryStore;
/// use whatsapp_signals::{EngineErrorKind, WebhookEngine};
///
/// let engine = WebhookEngine::new(MemoryStore::new());
/// let error = engine.process(b"{").unwrap_err();
/// assert!(matches!(error.kind(), EngineErrorKind::Parse(_)));
/// assert!(!error.should_retry(), "a repetition would fail, too");
/// ```
#[derive(Debug, Error)]
#[error(transparent)]
pub struct EngineError(pub(super) EngineErrorKind);

impl EngineError {
    /// Returns the cause.
    #[must_use]
    pub fn kind(&self) -> &EngineErrorKind {
        &self.0
    }

    /// Returns whether Meta should repeat the webhook: answer 503. Otherwise the body is forged,
    /// too large or no webhook, and [`http_status`](Self::http_status) returns the answer.
    #[must_use]
    pub fn should_retry(&self) -> bool {
        matches!(self.0, EngineErrorKind::Store(_))
    }

    /// Returns the status to answer Meta: 401 for a wrong signature, 413 for a body that is too
    /// large, 503 if Meta should repeat it, and otherwise 200.
    /// [`http_status`](crate::http_status()) takes the whole result of an engine.
    ///
    /// ```
    /// use whatsapp_signals::store::MemoryStore;
    /// use whatsapp_signals::{Parser, WebhookEngine};
    ///
    /// let engine = WebhookEngine::new(MemoryStore::bounded(0)).parser(Parser::new().max_len(9000));
    /// let status = |body: &[u8]| engine.process(body).unwrap_err().http_status();
    /// assert_eq!(status(&[b' '; 9001]), 413);
    /// assert_eq!(status(&std::fs::read("tests/payloads/text.json")?), 503, "no room");
    /// assert_eq!(status(b"{"), 200);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn http_status(&self) -> u16 {
        match &self.0 {
            #[cfg(feature = "signature")]
            EngineErrorKind::Signature(_) => 401,
            EngineErrorKind::Parse(error) => error.http_status(),
            EngineErrorKind::NoAccount | EngineErrorKind::UnknownReceiver(_) => 200,
            EngineErrorKind::Store(_) => 503,
        }
    }

    /// Returns whether the error concerns one stored webhook, and not the store.
    pub(super) fn concerns_one_webhook(&self) -> bool {
        let EngineErrorKind::Store(error) = &self.0 else {
            return false;
        };
        matches!(
            error.kind(),
            StoreErrorKind::Corrupt | StoreErrorKind::NoTenant
        )
    }
}

#[cfg(feature = "signature")]
impl From<SignatureError> for EngineError {
    fn from(error: SignatureError) -> Self {
        Self(EngineErrorKind::Signature(error))
    }
}

impl From<ParseError> for EngineError {
    fn from(error: ParseError) -> Self {
        Self(EngineErrorKind::Parse(error))
    }
}

impl From<StoreError> for EngineError {
    fn from(error: StoreError) -> Self {
        Self(EngineErrorKind::Store(error))
    }
}

/// The cause of an [`EngineError`].
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum EngineErrorKind {
    /// The signature is wrong. The body was not parsed.
    #[cfg(feature = "signature")]
    #[error(transparent)]
    Signature(SignatureError),
    /// The body is no webhook. No event was delivered. Only
    /// [`process_signed`](crate::WebhookEngine::process_signed) stores the body, as a
    /// [`DeadLetter`](crate::DeadLetter), unless it is too large.
    #[error(transparent)]
    Parse(ParseError),
    /// A message that was sent or refused has no account, so its number is unknown:
    /// [`MessageSent::with_account`](crate::event::MessageSent::with_account) sets it.
    #[error("the message has no account")]
    NoAccount,
    /// A [replay](crate::WebhookEngine::replay) names a receiver that is not part of this program.
    #[error("expected the uid or path of a receiver, found {0:?}")]
    UnknownReceiver(Box<str>),
    /// The store failed. Unconfirmed progress is kept, and the next call of the engine writes it
    /// first. Unfinished events are delivered when Meta repeats the webhook, or by
    /// [`retry_unfinished`](crate::WebhookEngine::retry_unfinished).
    #[error(transparent)]
    Store(StoreError),
}
