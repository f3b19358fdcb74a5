//! Bodies that are no webhook, and are kept for somebody to look at.

use siphasher::sip128::SipHasher24;

use super::{EngineError, WebhookEngine, now_ms};
use crate::model::Timestamp;
use crate::store::{
    EventRecord, Mode, Progress, Store, StoreError, Transaction, WebhookId, WebhookRecord, transact,
};

/// What cannot be read.
impl<S: Store> WebhookEngine<S> {
    /// Keeps a body that is no webhook as a [`DeadLetter`](crate::DeadLetter),
    /// once, however often it comes. Nothing of it is read or sent, and nothing
    /// forgets it until you [`discard`](Self::discard) it.
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
    ///     engine.bury(body)?;
    /// }
    ///
    /// let letter = engine.dead_letters(10)?.remove(0);
    /// let error = parse(&letter.body).unwrap_err();
    /// assert_eq!(error.to_string(), "the body has no entry array");
    ///
    /// // Once a later version can read it: `engine.requeue(&letter.key)?`
    /// assert!(engine.discard(&letter.key)?);
    /// # Ok::<(), whatsapp_signals::EngineError>(())
    /// ```
    pub fn bury(&self, body: &[u8]) -> Result<(), EngineError> {
        let key = key(body);
        transact(&self.store, Mode::Durable, |tx| {
            if tx.event(&key)?.is_some() {
                return Ok(());
            }
            let now = Timestamp::now();
            let mut webhook = WebhookRecord::new(now, 0, None);
            webhook.dead = 1;
            let id = tx.add_webhook(&webhook, body)?;
            put_dead(tx, &key, id, now)
        })?;
        Ok(())
    }

    /// The same for one that is stored already, of which something is open. Gives
    /// whether there is a new letter.
    pub(super) fn bury_stored(&self, id: WebhookId, body: &[u8]) -> Result<bool, StoreError> {
        let key = key(body);
        transact(&self.store, Mode::Durable, |tx| {
            let Some(mut webhook) = tx.webhook(id)? else {
                return Ok(false);
            };
            let is_held = webhook.lease.is_some_and(|lease| lease.until > now_ms());
            if is_held || !webhook.is_unsettled() {
                return Ok(false);
            }
            webhook.lease = None;
            if webhook.open == 0 {
                // It was finished, and only left behind.
                self.settings.put_or_close(tx, id, &webhook)?;
                return Ok(false);
            }
            if let Some(known) = tx.event(&key)?
                && known.progress == Progress::Dead
            {
                if known.webhook == id {
                    return Ok(false);
                }
                // The body came once more, and was buried by itself.
                if let Some(mut other) = tx.webhook(known.webhook)? {
                    other.dead = other.dead.saturating_sub(1);
                    self.settings.put_or_close(tx, known.webhook, &other)?;
                }
            }
            // What is open of it stays open, so that nobody forgets it.
            webhook.dead += 1;
            put_dead(tx, &key, id, webhook.received_at)?;
            tx.put_webhook(id, &webhook)?;
            Ok(true)
        })
    }
}

/// Takes a letter about a stored body for finished, now that the body can be
/// read: what is open of it is done in the usual way.
pub(super) fn exhume(
    tx: &mut dyn Transaction,
    id: WebhookId,
    body: &[u8],
) -> Result<(), StoreError> {
    // Nearly always there is none, and nothing to hash.
    let Some(mut webhook) = tx.webhook(id)?.filter(|webhook| webhook.dead > 0) else {
        return Ok(());
    };
    let key = key(body);
    let letter = tx.event(&key)?;
    let letter = letter.filter(|event| event.webhook == id && event.progress == Progress::Dead);
    if let Some(mut letter) = letter {
        letter.progress = Progress::Finished;
        tx.put_event(&key, &letter)?;
        webhook.dead -= 1;
        tx.put_webhook(id, &webhook)?;
    }
    Ok(())
}

fn put_dead(
    tx: &mut dyn Transaction,
    key: &str,
    webhook: WebhookId,
    received_at: Timestamp,
) -> Result<(), StoreError> {
    let mut event = EventRecord::new(webhook, received_at);
    event.progress = Progress::Dead;
    if !tx.add_event(key, &event)? {
        tx.put_event(key, &event)?;
    }
    Ok(())
}

/// What a body that cannot be read is known by.
fn key(body: &[u8]) -> String {
    let hash = SipHasher24::new().hash(body).as_u128();
    format!("{UNREADABLE}{hash:032x}")
}

/// What such a key begins with. No signal has that name.
pub(super) const UNREADABLE: &str = "unreadable:";
