//! Dead letters: events of which a receiver gave up, and bodies that are no webhook.

use std::collections::{BTreeMap, HashMap};
use std::fmt;
use std::sync::Arc;

use siphasher::sip128::SipHasher24;

use super::access::ready;
use super::batch::Batch;
use super::claim::Held;
use super::dead_letter_filter::DeadLetterFilter;
use super::draft::{Draft, Undecided};
use super::process::read_queued_event;
use super::replay;
use super::transact::{First, transact};
use super::turns::end_turns_of;
use super::{Call, EngineError, WebhookEngine, new_id};
use crate::event::WebhookEvent;
use crate::model::Timestamp;
use crate::signal::ReceiverMode;
use crate::store::{
    Due, Durability, EventChange, EventState, Fingerprint, LoadQuery, ProgressRow, ReadyStore,
    ReceiverState, Snapshot, Store, StoreError, WebhookId, WebhookKind, WebhookRow,
};
use crate::webhook::{ParseError, Parser};

/// An event of which a receiver failed so often that it is not tried any more;
/// or a body that is [no webhook](WebhookEngine::store_unreadable).
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
    /// The texts of the last errors of the receivers in `failed`, by receiver, if the engine
    /// [keeps](WebhookEngine::keep_errors) them. They may quote a user, and `Debug` leaves them out.
    pub errors: BTreeMap<String, String>,
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

/// Dead letters, for sync callers.
impl<S: ReadyStore> WebhookEngine<S> {
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
    /// engine.store_unreadable(b"{")?;
    /// assert_eq!(engine.dead_letters(10)?[0].body[..], *b"{");
    /// # Ok::<(), whatsapp_signals::EngineError>(())
    /// ```
    pub fn dead_letters(&self, limit: usize) -> Result<Vec<DeadLetter>, EngineError> {
        ready(self.call(ReceiverMode::Sync).dead_letters(limit))
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
    /// engine.store_unreadable(b"{")?;
    /// let letter = engine.dead_letters(1)?.remove(0);
    /// assert_eq!(engine.dead_letter(&letter.key)?, Some(letter));
    /// assert_eq!(engine.dead_letter("message_received:wamid.A:text")?, None);
    /// # Ok::<(), whatsapp_signals::EngineError>(())
    /// ```
    pub fn dead_letter(&self, key: &str) -> Result<Option<DeadLetter>, EngineError> {
        ready(self.call(ReceiverMode::Sync).dead_letter(key))
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
    /// engine.store_unreadable(b"{")?;
    /// assert!(engine.requeue(&engine.dead_letters(1)?[0].key)?);
    /// assert_eq!(engine.retry_unfinished()?.dead_lettered(), 1, "it reads no better");
    /// # Ok::<(), whatsapp_signals::EngineError>(())
    /// ```
    pub fn requeue(&self, key: &str) -> Result<bool, EngineError> {
        ready(self.call(ReceiverMode::Sync).resolve(key, EventState::Open))
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
    /// engine.store_unreadable(b"{")?;
    /// let key = engine.dead_letters(1)?.remove(0).key;
    /// assert!(engine.discard(&key)?);
    /// assert!(!engine.discard(&key)?, "it is gone");
    /// # Ok::<(), whatsapp_signals::EngineError>(())
    /// ```
    pub fn discard(&self, key: &str) -> Result<bool, EngineError> {
        ready(
            self.call(ReceiverMode::Sync)
                .resolve(key, EventState::Finished),
        )
    }
}

/// Dead letters.
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
}

impl Call<'_> {
    async fn dead_letters(self, limit: usize) -> Result<Vec<DeadLetter>, EngineError> {
        let filter = DeadLetterFilter::new().limit(limit);
        let found = self.find_dead_letters(&filter).await?;
        Ok(found.into_iter().map(|(_, letter)| letter).collect())
    }

    async fn dead_letter(self, key: &str) -> Result<Option<DeadLetter>, EngineError> {
        self.write_kept_marks().await?;
        let event = Fingerprint::of(key);
        let mut wanted = LoadQuery::default();
        wanted.events.insert(event);
        let mut loaded = self.access.load(&wanted).await?;
        let mut wanted = LoadQuery::default();
        let webhook = loaded.events.get(&event).copied().flatten();
        wanted.bodies.extend(webhook);
        loaded.extend(self.access.load(&wanted).await?);
        Ok(self
            .letters(loaded, [((), event)])
            .pop()
            .map(|((), letter)| letter))
    }

    /// Returns the letters of those events that are dead, from their rows and bodies, each with the
    /// place of its event.
    pub(super) fn letters<P>(
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
            if let Ok((batch, _)) = stored_batch(self.core.settings.parser, kind, &body) {
                for (key, event) in batch.keys.into_iter().zip(batch.events) {
                    read.entry(key).or_insert(event);
                }
            }
            let body = match replay::split(kind, &body) {
                Some((_, body)) => Arc::from(body),
                None => Arc::<[u8]>::from(body),
            };
            bodies.insert(id, (webhook.row.received_at, body));
        }
        let letter = |(place, event): (P, Fingerprint)| {
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
            Some((place, letter))
        };
        events.into_iter().filter_map(letter).collect()
    }

    /// Opens or finishes a dead event. Returns whether there is one with this key.
    async fn resolve(self, key: &str, state: EventState) -> Result<bool, EngineError> {
        self.write_kept_marks().await?;
        let event = Fingerprint::of(key);
        let known = Snapshot::default();
        let resolve = |draft: &mut Draft<'_, '_>| self.resolve_in(draft, event, state);
        let resolved = transact(self.access, known, First::Stored, Durability::Disk, resolve);
        let is_resolved = resolved.await?;
        if is_resolved {
            self.core.tending.add_work();
        }
        Ok(is_resolved)
    }

    /// Opens or finishes an event if it is dead. Returns whether it was.
    pub(super) fn resolve_in(
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
        // The letter of a body stands for all its open events.
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

/// Reads the events of a stored body, and the kind that it is of now that it can be read. The
/// parser's limit does not apply: it may have been higher when the body came.
pub(super) fn stored_batch(
    parser: Parser,
    kind: WebhookKind,
    body: &[u8],
) -> Result<(Batch, WebhookKind), ParseError> {
    if let Some((replay, body)) = replay::split(kind, body) {
        let (batch, _) = parse_or_read(parser, body)?;
        return Ok((batch.replayed(replay), WebhookKind::Replay));
    }
    match kind {
        WebhookKind::Body => parse(parser, body),
        WebhookKind::QueuedEvent => read(body).map_or_else(|| parse(parser, body), Ok),
        WebhookKind::Unreadable | WebhookKind::Replay => parse_or_read(parser, body),
    }
}

fn parse(parser: Parser, body: &[u8]) -> Result<(Batch, WebhookKind), ParseError> {
    let webhook = parser.max_len(usize::MAX).parse(body)?;
    Ok((Batch::new(webhook.into_events()), WebhookKind::Body))
}

fn read(body: &[u8]) -> Option<(Batch, WebhookKind)> {
    Some((read_queued_event(body)?, WebhookKind::QueuedEvent))
}

/// Reads a body that may be of either kind.
fn parse_or_read(parser: Parser, body: &[u8]) -> Result<(Batch, WebhookKind), ParseError> {
    parse(parser, body).or_else(|error| read(body).ok_or(error))
}

/// Unreadable bodies, for sync callers.
impl<S: ReadyStore> WebhookEngine<S> {
    /// Keeps a body that is no webhook as a [`DeadLetter`], once, however often it comes. Nothing of
    /// it is read or sent, and nothing deletes it until you [`discard`](Self::discard) it.
    ///
    /// With [`process_signed`](Self::process_signed) you need not call it. It
    /// is for what [`process`](Self::process) could not read and of which you
    /// know by yourself that it is Meta's: with any other status than 200 Meta
    /// would repeat it for up to seven days.
    ///
    /// # Errors
    ///
    /// When the store fails.
    ///
    /// # Examples
    ///
    /// ```
    /// use whatsapp_signals::store::MemoryStore;
    /// use whatsapp_signals::{EngineError, WebhookEngine, parse};
    ///
    /// let engine = WebhookEngine::new(MemoryStore::new());
    /// let body = br#"{"object":"whatsapp_business_account"}"#;
    /// if let Err(EngineError::Parse(_)) = engine.process(body) {
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
        ready(self.bury_async_in(ReceiverMode::Sync, body))
    }
}

/// Unreadable bodies.
impl<S: Store> WebhookEngine<S> {
    /// Keeps a body as [`store_unreadable`](Self::store_unreadable) does, and awaits the store.
    ///
    /// # Errors
    ///
    /// When the store fails.
    pub async fn store_unreadable_async(&self, body: &[u8]) -> Result<(), EngineError> {
        self.bury_async_in(ReceiverMode::Async, body).await
    }

    async fn bury_async_in(&self, mode: ReceiverMode, body: &[u8]) -> Result<(), EngineError> {
        let call = self.call(mode);
        call.write_kept_marks().await?;
        Ok(call.store_unreadable(body).await?)
    }
}

impl Call<'_> {
    /// Stores a body that cannot be read, unless it is stored.
    pub(super) async fn store_unreadable(self, body: &[u8]) -> Result<(), StoreError> {
        let key = unreadable_key(body);
        let event = Fingerprint::of(&key);
        let id = WebhookId(new_id());
        let known = Snapshot::default();
        let buried = transact(self.access, known, First::New, Durability::Disk, |draft| {
            let is_new = draft.event(event)?.is_none();
            if is_new {
                let mut row = WebhookRow::new(WebhookKind::Unreadable, Timestamp::now(), 0);
                row.dead = 1;
                draft.add_webhook(id, row, body);
                draft.put_event(EventChange::new(event, None, id));
                draft.put_progress(event, letter(id, &key));
            }
            Ok(is_new)
        });
        if buried.await? {
            self.report_dead(None, 0);
        }
        Ok(())
    }

    /// Makes a dead letter of a body that is stored and leased, and gives the lease back. Returns
    /// whether there is a new letter.
    pub(super) async fn bury_stored(self, held: &Held, body: &[u8]) -> Result<bool, StoreError> {
        let id = held.id;
        let key = unreadable_key(body);
        let event = Fingerprint::of(&key);
        let mut releases = false;
        let bury = |draft: &mut Draft<'_, '_>| {
            let Some(mut row) = draft.webhook(id)? else {
                return Ok(false);
            };
            if row.lease.is_none_or(|lease| lease.holder != self.holder) {
                return Ok(false);
            }
            row.lease = None;
            if row.open == 0 && row.unclaimed == 0 {
                // It was finished, and only left with its lease.
                self.put_or_delete(draft, id, row)?;
                return Ok(false);
            }
            let known = draft.event(event)?;
            let progress = draft.progress(event)?;
            let is_dead = progress.is_some_and(|progress| progress.state == EventState::Dead);
            if let Some(other) = known.filter(|_| is_dead) {
                if other == id {
                    draft.put_webhook(id, row)?;
                    return Ok(false);
                }
                // The body came once more, and was stored by itself.
                if let Some(mut row) = draft.webhook(other)? {
                    row.dead = row.dead.saturating_sub(1);
                    self.put_or_delete(draft, other, row)?;
                }
            }
            // Its open events stay open, so that a later version finds them. They hold back no other.
            releases |= end_turns_of(draft, self.holder, id, |_| true)?;
            row.dead += 1;
            row.kind = WebhookKind::Unreadable;
            draft.put_event(EventChange::new(event, known, id));
            draft.put_progress(event, letter(id, &key));
            draft.put_webhook(id, row)?;
            Ok(true)
        };
        let known = Snapshot::default();
        let is_new = transact(self.access, known, First::Stored, Durability::Disk, bury).await?;
        if releases {
            self.core.tending.add_work();
        }
        Ok(is_new)
    }

    /// Writes a webhook, or deletes it if nothing of it is left to do.
    pub(super) fn put_or_delete(
        self,
        draft: &mut Draft<'_, '_>,
        id: WebhookId,
        row: WebhookRow,
    ) -> Result<(), Undecided> {
        if self.core.settings.is_deletable(&row) && row.lease.is_none() {
            draft.delete_webhook(id)
        } else {
            draft.put_webhook(id, row)
        }
    }
}

/// Finishes the letter of a stored body that can be read now: its open events are claimed as
/// those of other bodies are.
pub(super) fn clear_unreadable(
    draft: &mut Draft<'_, '_>,
    id: WebhookId,
    event: Fingerprint,
    kind: WebhookKind,
) -> Result<(), Undecided> {
    let Some(mut row) = draft.webhook(id)? else {
        return Ok(());
    };
    if row.kind != WebhookKind::Unreadable {
        return Ok(());
    }
    row.kind = kind;
    if draft.event(event)? == Some(id)
        && let Some(mut letter) = draft.progress(event)?
        && letter.state == EventState::Dead
    {
        letter.state = EventState::Finished;
        row.dead = row.dead.saturating_sub(1);
        draft.put_progress(event, letter);
    }
    draft.put_webhook(id, row)
}

/// Returns the progress of a letter.
fn letter(id: WebhookId, key: &str) -> ProgressRow {
    let mut letter = ProgressRow::new(id, key.to_owned());
    letter.state = EventState::Dead;
    letter
}

/// Returns the key of an unreadable body.
pub(super) fn unreadable_key(body: &[u8]) -> String {
    let hash = SipHasher24::new().hash(body).as_u128();
    format!("{UNREADABLE}{hash:032x}")
}

/// The beginning of the keys of unreadable bodies. No signal has this name.
const UNREADABLE: &str = "unreadable:";

/// Returns whether a key is one of an unreadable body, whose bytes need not be loaded for it: a
/// queue may give an event any key, but none with a hash in it.
fn is_unreadable_key(key: &str) -> bool {
    let hash = key.strip_prefix(UNREADABLE);
    hash.is_some_and(|hash| hash.len() == 32 && hash.bytes().all(|byte| byte.is_ascii_hexdigit()))
}
