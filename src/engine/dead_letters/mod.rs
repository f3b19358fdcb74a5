//! Dead letters: events of which a receiver gave up, and bodies that are no webhook.

mod filter;

use std::collections::{BTreeMap, HashMap};
use std::fmt;
use std::sync::Arc;

use super::batch::Batch;
use super::claim::is_unreadable_key;
use super::runtime::ready;
use super::stored_body::split_replay;
use super::transaction::{Draft, FirstAttempt, Undecided, transact};
use super::{EngineCall, EngineError, WebhookEngine};
use crate::event::WebhookEvent;
use crate::model::Timestamp;
use crate::signal::ReceiverMode;
use crate::store::{
    Due, Durability, EventState, Fingerprint, LoadQuery, ReadyStore, ReceiverState, Snapshot,
    Store, WebhookKind,
};

pub use filter::DeadLetterFilter;

/// An event of which a receiver gave up, or a body that is [no
/// webhook](WebhookEngine::store_unreadable).
///
/// Its [`key`](Self::key), [`event`](Self::event) and [`body`](Self::body) are
/// personal data, and `Debug` leaves them out.
///
/// # Examples
///
/// ```standalone_crate
/// use whatsapp_signals::event::MessageReceived;
/// use whatsapp_signals::store::MemoryStore;
/// use whatsapp_signals::{WebhookEngine, receiver, signals::MESSAGE_RECEIVED};
///
/// #[receiver(MESSAGE_RECEIVED, uid = "archive")]
/// fn archive(_: &MessageReceived) -> Result<(), &'static str> {
///     Err("no archive")
/// }
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let engine = WebhookEngine::new(MemoryStore::new()).max_attempts(1);
/// let outcome = engine.process(&std::fs::read("tests/payloads/text.json")?)?;
/// assert_eq!((outcome.dead_lettered(), outcome.should_retry()), (1, false));
///
/// let letters = engine.dead_letters(10)?;
/// assert_eq!(letters[0].failed, ["archive"]);
/// assert_eq!(letters[0].event.as_ref().unwrap().name(), "message_received");
///
/// assert!(engine.requeue(&letters[0].key)?); // and it is tried once more
/// assert_eq!(engine.retry_unfinished()?.failed(), 1);
/// assert!(engine.discard(&letters[0].key)?); // it was handled by hand
/// assert!(engine.dead_letters(10)?.is_empty());
/// # Ok(())
/// # }
/// ```
#[derive(Clone, PartialEq)]
#[non_exhaustive]
pub struct DeadLetter {
    /// The [`dedup_key`](crate::Event::dedup_key) of the event, or a key of the body.
    pub key: String,
    /// The time at which the webhook came.
    pub received_at: Timestamp,
    /// The number of attempts.
    pub attempts: u32,
    /// The receivers that failed in the last attempt, by uid or path, with the prefix `any_event:`
    /// for receivers of [`ANY_EVENT`](crate::signals::ANY_EVENT). Empty if the program ended while
    /// they ran.
    pub failed: Vec<String>,
    /// The texts of the last errors of the receivers in `failed`, by receiver, if the engine
    /// [keeps](WebhookEngine::keep_errors) them. They may quote a user, and `Debug` leaves them out.
    pub errors: BTreeMap<String, String>,
    /// The event. `None` for a body that is no webhook, and if this version of the crate parses the
    /// webhook differently from the one that stored it.
    pub event: Option<WebhookEvent>,
    /// The body of its webhook, as Meta sent it; for an event that came [by
    /// itself](WebhookEngine::process_event), its JSON with its key.
    pub body: Arc<[u8]>,
}

impl fmt::Debug for DeadLetter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DeadLetter")
            .field("signal", &self.event.as_ref().map(WebhookEvent::name))
            .field("received_at", &self.received_at)
            .field("attempts", &self.attempts)
            .field("failed", &self.failed)
            .finish_non_exhaustive()
    }
}

/// Dead letters, for sync callers.
impl<S: ReadyStore> WebhookEngine<S> {
    /// Returns the dead letters, oldest webhooks first. [`DeadLetter`] has an example.
    ///
    /// # Errors
    ///
    /// When the store fails.
    pub fn dead_letters(&self, limit: usize) -> Result<Vec<DeadLetter>, EngineError> {
        ready(self.call(ReceiverMode::Sync).dead_letters(limit))
    }

    /// Returns the dead letter with this key.
    ///
    /// # Errors
    ///
    /// When the store fails.
    pub fn dead_letter(&self, key: &str) -> Result<Option<DeadLetter>, EngineError> {
        ready(self.call(ReceiverMode::Sync).dead_letter(key))
    }

    /// Reopens a dead letter with no attempts for the receivers that failed.
    /// [`retry_unfinished`](Self::retry_unfinished) delivers it, or a repetition by Meta. Returns
    /// whether there is one with this key.
    ///
    /// # Errors
    ///
    /// When the store fails.
    pub fn requeue(&self, key: &str) -> Result<bool, EngineError> {
        ready(self.call(ReceiverMode::Sync).resolve(key, EventState::Open))
    }

    /// Marks a dead letter as finished. Returns whether there is one with this key.
    ///
    /// # Errors
    ///
    /// When the store fails.
    pub fn discard(&self, key: &str) -> Result<bool, EngineError> {
        ready(
            self.call(ReceiverMode::Sync)
                .resolve(key, EventState::Finished),
        )
    }

    /// Stores a body that is no webhook as a [`DeadLetter`], once, however often it comes. It stays
    /// until you [`discard`](Self::discard) it.
    ///
    /// [`process_signed`](Self::process_signed) calls it for you. Call it if
    /// [`process`](Self::process) cannot parse a body that is Meta's by your own check, and answer
    /// 200: otherwise Meta repeats the body for up to seven days.
    ///
    /// # Errors
    ///
    /// When the store fails.
    ///
    /// # Examples
    ///
    /// ```
    /// use whatsapp_signals::store::MemoryStore;
    /// use whatsapp_signals::{EngineErrorKind, WebhookEngine, parse};
    ///
    /// let engine = WebhookEngine::new(MemoryStore::new());
    /// let body = br#"{"object":"whatsapp_business_account"}"#;
    /// let error = engine.process(body).unwrap_err();
    /// if let EngineErrorKind::Parse(_) = error.kind() {
    ///     engine.store_unreadable(body)?;
    /// }
    ///
    /// let letter = engine.dead_letters(10)?.remove(0);
    /// let error = parse(&letter.body).unwrap_err();
    /// assert_eq!(error.to_string(), r#"expected an array "entry", found none"#);
    ///
    /// // Once a later version can read it: `engine.requeue(&letter.key)?`
    /// assert!(engine.discard(&letter.key)?);
    /// # Ok::<(), whatsapp_signals::EngineError>(())
    /// ```
    pub fn store_unreadable(&self, body: &[u8]) -> Result<(), EngineError> {
        ready(self.store_unreadable_in(ReceiverMode::Sync, body))
    }
}

/// Dead letters, for async callers.
impl<S: Store> WebhookEngine<S> {
    /// Returns dead letters as [`dead_letters`](Self::dead_letters) does, and awaits the store.
    ///
    /// # Errors
    ///
    /// When the store fails.
    pub async fn dead_letters_async(&self, limit: usize) -> Result<Vec<DeadLetter>, EngineError> {
        self.call(ReceiverMode::Async).dead_letters(limit).await
    }

    /// Returns a dead letter as [`dead_letter`](Self::dead_letter) does, and awaits the store.
    ///
    /// # Errors
    ///
    /// When the store fails.
    pub async fn dead_letter_async(&self, key: &str) -> Result<Option<DeadLetter>, EngineError> {
        self.call(ReceiverMode::Async).dead_letter(key).await
    }

    /// Requeues a dead letter as [`requeue`](Self::requeue) does, and awaits the store.
    ///
    /// # Errors
    ///
    /// When the store fails.
    pub async fn requeue_async(&self, key: &str) -> Result<bool, EngineError> {
        self.call(ReceiverMode::Async)
            .resolve(key, EventState::Open)
            .await
    }

    /// Discards a dead letter as [`discard`](Self::discard) does, and awaits the store.
    ///
    /// # Errors
    ///
    /// When the store fails.
    pub async fn discard_async(&self, key: &str) -> Result<bool, EngineError> {
        self.call(ReceiverMode::Async)
            .resolve(key, EventState::Finished)
            .await
    }

    /// Stores a body as [`store_unreadable`](Self::store_unreadable) does, and awaits the store.
    ///
    /// # Errors
    ///
    /// When the store fails.
    pub async fn store_unreadable_async(&self, body: &[u8]) -> Result<(), EngineError> {
        self.store_unreadable_in(ReceiverMode::Async, body).await
    }

    async fn store_unreadable_in(
        &self,
        mode: ReceiverMode,
        body: &[u8],
    ) -> Result<(), EngineError> {
        let call = self.call(mode);
        call.write_kept_updates().await?;
        Ok(call.store_unreadable(body).await?)
    }
}

impl EngineCall<'_> {
    async fn dead_letters(self, limit: usize) -> Result<Vec<DeadLetter>, EngineError> {
        let filter = DeadLetterFilter::new().limit(limit);
        let found = self.find_dead_letters(&filter).await?;
        Ok(found.into_iter().map(|(_, letter)| letter).collect())
    }

    async fn dead_letter(self, key: &str) -> Result<Option<DeadLetter>, EngineError> {
        self.write_kept_updates().await?;
        let event = Fingerprint::of(key);
        let mut query = LoadQuery::default();
        query.events.insert(event);
        let mut loaded = self.access.load(&query).await?;
        let mut query = LoadQuery::default();
        let webhook = loaded.events.get(&event).copied().flatten();
        query.bodies.extend(webhook);
        loaded.extend(self.access.load(&query).await?);
        Ok(self
            .letters(loaded, [((), event)])
            .pop()
            .map(|((), letter)| letter))
    }

    /// Returns the dead letters among these events, from their rows and bodies, with the positions
    /// of the events.
    pub(crate) fn letters<P>(
        self,
        mut loaded: Snapshot,
        events: impl IntoIterator<Item = (P, Fingerprint)>,
    ) -> Vec<(P, DeadLetter)> {
        let mut bodies = HashMap::new();
        let mut read = HashMap::new();
        for (id, body) in loaded.bodies {
            let (Some(Some(webhook)), Some(body)) = (loaded.webhooks.get(&id), body) else {
                continue;
            };
            let kind = webhook.row.kind;
            if let Ok((batch, _)) = Batch::parse_stored(self.core.settings.parser, kind, &body) {
                for (key, event) in batch.keys.into_iter().zip(batch.events) {
                    read.entry(key).or_insert(event);
                }
            }
            let body = match split_replay(kind, &body) {
                Some((_, body)) => Arc::from(body),
                None => Arc::<[u8]>::from(body),
            };
            bodies.insert(id, (webhook.row.received_at, body));
        }
        let letter = |(position, event): (P, Fingerprint)| {
            let progress = loaded.progress.remove(&event).flatten();
            let progress = progress.filter(|progress| progress.state == EventState::Dead)?;
            let (received_at, body) = bodies.get(&progress.webhook)?;
            let receivers = progress.receivers.into_iter();
            let failed = receivers.filter(|receiver| receiver.state != ReceiverState::Succeeded);
            let (mut names, mut errors) = (Vec::new(), BTreeMap::new());
            for receiver in failed {
                if let Some(error) = receiver.error {
                    errors.insert(receiver.receiver.clone(), error.into());
                }
                names.push(receiver.receiver);
            }
            let letter = DeadLetter {
                event: read.remove(&progress.key),
                body: Arc::clone(body),
                key: progress.key,
                received_at: *received_at,
                attempts: progress.attempts,
                failed: names,
                errors,
            };
            Some((position, letter))
        };
        events.into_iter().filter_map(letter).collect()
    }

    /// Opens or finishes a dead event. Returns whether there is one with this key.
    async fn resolve(self, key: &str, state: EventState) -> Result<bool, EngineError> {
        self.write_kept_updates().await?;
        let event = Fingerprint::of(key);
        let known = Snapshot::default();
        let resolve = |draft: &mut Draft<'_, '_>| self.resolve_in(draft, event, state);
        let resolved = transact(
            self.access,
            known,
            FirstAttempt::Loaded,
            Durability::Disk,
            resolve,
        );
        let is_resolved = resolved.await?;
        if is_resolved {
            self.core.tending.add_work();
        }
        Ok(is_resolved)
    }

    /// Opens or finishes an event if it is dead. Returns whether it was.
    pub(crate) fn resolve_in(
        self,
        draft: &mut Draft<'_, '_>,
        event: Fingerprint,
        state: EventState,
    ) -> Result<bool, Undecided> {
        let Some(id) = draft.event(event)? else {
            return Ok(false);
        };
        let progress = draft.progress(event)?;
        let is_resolved = progress.as_ref().is_none_or(|known| known.state == state);
        if draft.is_uncertain() && is_resolved {
            return Ok(true);
        }
        let progress = progress.filter(|progress| progress.state == EventState::Dead);
        let (Some(mut progress), Some(mut row)) = (progress, draft.webhook(id)?) else {
            return Ok(false);
        };
        // The dead letter of a body stands for all its open events.
        let is_of_body = row.kind == WebhookKind::Unreadable && is_unreadable_key(&progress.key);
        progress.state = state;
        progress.attempts = 0;
        progress.due = Due::Now;
        let receivers = &mut progress.receivers;
        receivers.retain(|receiver| receiver.state == ReceiverState::Succeeded);
        draft.put_progress(event, progress);
        row.dead = row.dead.saturating_sub(1);
        row.due = Due::Now;
        match state {
            EventState::Open if is_of_body && row.open > 0 => {}
            EventState::Open => row.open += 1,
            _ if is_of_body => (row.open, row.unclaimed) = (0, 0),
            _ => {}
        }
        self.put_or_delete(draft, id, row)?;
        Ok(true)
    }
}
