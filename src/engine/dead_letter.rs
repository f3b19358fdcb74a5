//! Events that were tried often enough.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::fmt;
use std::sync::Arc;

use super::retry::stored_batch;
use super::unreadable::UNREADABLE;
use super::{EngineError, WebhookEngine};
use crate::event::WebhookEvent;
use crate::model::Timestamp;
use crate::store::{EventRecord, Mode, Progress, Store, StoreError, Transaction, transact};

/// An event of which a receiver failed so often that it is not tried any more;
/// or a body that is [no webhook](WebhookEngine::bury).
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
/// assert_eq!((outcome.dead(), outcome.should_retry()), (1, false));
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
    /// Its [`dedup_key`](crate::Event::dedup_key), or that of the body.
    pub key: String,
    /// When it came.
    pub received_at: Timestamp,
    /// How often it was tried.
    pub attempts: u32,
    /// The receivers that failed the last time, by uid or path, with `any_event:` before that
    /// of a receiver of [`ANY_EVENT`](crate::signals::ANY_EVENT). Empty when the program ended
    /// while they ran.
    pub failed: Vec<String>,
    /// The event. `None` of a body that is no webhook, and when this version of
    /// the crate reads its webhook in another way than the one that stored it.
    pub event: Option<WebhookEvent>,
    /// The body that it came in, as Meta sent it; or its own JSON and key, when it
    /// came [by itself](WebhookEngine::process_event).
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

/// What was tried often enough.
impl<S: Store> WebhookEngine<S> {
    /// The events that are not tried any more, those that came first before the
    /// others. [`DeadLetter`] has a longer example.
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
    /// engine.bury(b"{")?;
    /// assert_eq!(engine.dead_letters(10)?[0].body[..], *b"{");
    /// # Ok::<(), whatsapp_signals::EngineError>(())
    /// ```
    pub fn dead_letters(&self, limit: usize) -> Result<Vec<DeadLetter>, EngineError> {
        self.letters(|tx| tx.dead_events(limit))
    }

    /// The dead letter with this key.
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
    /// engine.bury(b"{")?;
    /// let letter = engine.dead_letters(1)?.remove(0);
    /// assert_eq!(engine.dead_letter(&letter.key)?, Some(letter));
    /// assert_eq!(engine.dead_letter("message_received:wamid.A:text")?, None);
    /// # Ok::<(), whatsapp_signals::EngineError>(())
    /// ```
    pub fn dead_letter(&self, key: &str) -> Result<Option<DeadLetter>, EngineError> {
        let mut letters = self.letters(|tx| {
            let event = tx.event(key)?;
            let dead = event.filter(|event| event.progress == Progress::Dead);
            Ok(Vec::from_iter(dead.map(|event| (key.to_owned(), event))))
        })?;
        Ok(letters.pop())
    }

    /// The letters of dead events, with their bodies.
    fn letters(
        &self,
        mut dead: impl FnMut(&mut dyn Transaction) -> Result<Vec<(String, EventRecord)>, StoreError>,
    ) -> Result<Vec<DeadLetter>, EngineError> {
        let (dead, bodies) = transact(&self.store, Mode::Read, |tx| {
            let dead = dead(tx)?;
            let mut bodies = HashMap::new();
            for (_, event) in &dead {
                if let Entry::Vacant(entry) = bodies.entry(event.webhook) {
                    let body = tx.body(event.webhook)?.unwrap_or_default();
                    entry.insert(Arc::<[u8]>::from(body));
                }
            }
            Ok((dead, bodies))
        })?;
        let mut events = HashMap::new();
        for body in bodies.values() {
            if let Ok(batch) = stored_batch(self.settings.parser, body) {
                for (key, event) in batch.keys.into_iter().zip(batch.events) {
                    events.entry(key).or_insert(event);
                }
            }
        }
        let letter = |(key, record): (String, EventRecord)| DeadLetter {
            event: events.remove(&key),
            body: Arc::clone(&bodies[&record.webhook]),
            key,
            received_at: record.received_at,
            attempts: record.attempts,
            failed: record.failed,
        };
        Ok(dead.into_iter().map(letter).collect())
    }

    /// Has a dead letter tried again, as if it were new to the receivers that
    /// failed, by [`retry_unfinished`](Self::retry_unfinished) or when Meta
    /// repeats it. False when there is none with this key.
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
    /// engine.bury(b"{")?;
    /// assert!(engine.requeue(&engine.dead_letters(1)?[0].key)?);
    /// assert_eq!(engine.retry_unfinished()?.dead(), 1, "it reads no better");
    /// # Ok::<(), whatsapp_signals::EngineError>(())
    /// ```
    pub fn requeue(&self, key: &str) -> Result<bool, EngineError> {
        self.resolve(key, Progress::Open)
    }

    /// Takes a dead letter for finished. False when there is none with this
    /// key.
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
    /// engine.bury(b"{")?;
    /// let key = engine.dead_letters(1)?.remove(0).key;
    /// assert!(engine.discard(&key)?);
    /// assert!(!engine.discard(&key)?, "it is gone");
    /// # Ok::<(), whatsapp_signals::EngineError>(())
    /// ```
    pub fn discard(&self, key: &str) -> Result<bool, EngineError> {
        self.resolve(key, Progress::Finished)
    }

    fn resolve(&self, key: &str, progress: Progress) -> Result<bool, EngineError> {
        let resolved = transact(&self.store, Mode::Durable, |tx| {
            let Some(mut event) = tx.event(key)? else {
                return Ok(false);
            };
            let Some(mut webhook) = tx.webhook(event.webhook)? else {
                return Ok(false);
            };
            if event.progress != Progress::Dead {
                return Ok(false);
            }
            event.progress = progress;
            event.attempts = 0;
            event.failed.clear();
            tx.put_event(key, &event)?;
            webhook.dead = webhook.dead.saturating_sub(1);
            match progress {
                // The letter of a body is about all that is open of it.
                Progress::Open if webhook.open > 0 && key.starts_with(UNREADABLE) => {}
                Progress::Open => webhook.open += 1,
                _ if key.starts_with(UNREADABLE) => webhook.open = 0,
                _ => {}
            }
            self.settings.put_or_close(tx, event.webhook, &webhook)?;
            Ok(true)
        })?;
        Ok(resolved)
    }
}
