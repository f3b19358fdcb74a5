//! What a program asks of its store.

use super::contacts::{Contacts, find_contact};
use super::logged::{self, LoggedWebhook};
use super::{Mode, Store, StoreError, WebhookId, transact};
use crate::model::{
    Contact, Identity, Message, MessageId, Signup, SignupId, SignupStatus, Timestamp,
};

/// What a program reads from a store, and the little that it writes itself.
///
/// Every [`Store`] has it, also a `dyn Store`.
///
/// # Errors
///
/// Of every method: when the store fails.
///
/// # Examples
///
/// ```
/// use whatsapp_signals::WebhookEngine;
/// use whatsapp_signals::model::Identity;
/// use whatsapp_signals::store::{MemoryStore, StoreExt};
///
/// let engine = WebhookEngine::new(MemoryStore::new());
/// engine.process(&std::fs::read("tests/payloads/text.json")?)?;
///
/// let store = engine.store();
/// let [(ada, unread)] = &store.unread_counts()?[..] else { panic!("one contact") };
/// assert_eq!((ada.display_name(), *unread), ("Ada Okafor", 1));
///
/// let conversation = store.conversation(&ada.identity, None, 50)?;
/// assert!(conversation[0].body().starts_with("Good morning!"));
/// assert_eq!(store.message(&conversation[0].id)?.as_ref(), Some(&conversation[0]));
///
/// store.update_contact(&ada.identity, |ada| ada.labels.push("gravel".into()))?;
/// assert_eq!(store.contact(&ada.identity)?.unwrap().labels, ["gravel"]);
///
/// store.mark_read(&ada.identity)?;
/// assert!(store.unread_counts()?.is_empty());
/// assert_eq!(store.contact(&Identity::from_phone("1").unwrap())?, None);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[allow(clippy::missing_errors_doc, reason = "said once, above")]
pub trait StoreExt: Store {
    /// The message with this wamid.
    fn message(&self, id: &MessageId) -> Result<Option<Message>, StoreError> {
        transact(self, Mode::Read, |tx| tx.message(id))
    }

    /// The messages that answer this one, in the order in which they came.
    ///
    /// ```
    /// use whatsapp_signals::WebhookEngine;
    /// use whatsapp_signals::store::{MemoryStore, StoreExt};
    ///
    /// let engine = WebhookEngine::new(MemoryStore::new());
    /// engine.process(&std::fs::read("tests/payloads/text-reply.json")?)?;
    /// let (bram, _) = engine.store().unread_counts()?.remove(0);
    /// let reply = engine.store().conversation(&bram.identity, None, 1)?.remove(0);
    /// assert_eq!(engine.store().replies(reply.reply_to().unwrap())?, [reply]);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    fn replies(&self, id: &MessageId) -> Result<Vec<Message>, StoreError> {
        transact(self, Mode::Read, |tx| tx.replies(id))
    }

    /// The messages from and to a user, last first: the last `limit`, or those
    /// before the given one. What was written in a group is not among them.
    ///
    /// ```
    /// use whatsapp_signals::WebhookEngine;
    /// use whatsapp_signals::model::Identity;
    /// use whatsapp_signals::store::{MemoryStore, StoreExt};
    ///
    /// let engine = WebhookEngine::new(MemoryStore::new());
    /// engine.process(&std::fs::read("tests/payloads/batch-with-odd-items.json")?)?;
    ///
    /// let (contact, _) = engine.store().unread_counts()?.remove(0);
    /// let mut page = engine.store().conversation(&contact.identity, None, 1)?;
    /// let last = page.pop().unwrap();
    /// let earlier = engine.store().conversation(&contact.identity, Some(&last.id), 50)?;
    /// assert!(earlier.iter().all(|message| message.timestamp <= last.timestamp));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    fn conversation(
        &self,
        user: &Identity,
        before: Option<&MessageId>,
        limit: usize,
    ) -> Result<Vec<Message>, StoreError> {
        transact(self, Mode::Read, |tx| match find_contact(tx, user)? {
            Some(stored) => tx.conversation(stored.id, before, limit),
            None => Ok(Vec::new()),
        })
    }

    /// The contact that is this user.
    fn contact(&self, user: &Identity) -> Result<Option<Contact>, StoreError> {
        transact(self, Mode::Read, |tx| {
            Ok(find_contact(tx, user)?.map(|stored| stored.contact))
        })
    }

    /// Changes a contact: labels, notes, opt-outs. Gives it as it is now; one
    /// that was unknown is added first.
    ///
    /// `change` may be called more than once, each time with what is stored. It
    /// must not use the store.
    ///
    /// ```
    /// use whatsapp_signals::model::Identity;
    /// use whatsapp_signals::store::{MemoryStore, StoreExt};
    ///
    /// let store = MemoryStore::new();
    /// let ada = Identity::from_phone("15550101001").unwrap();
    /// assert!(store.update_contact(&ada, |ada| ada.opted_out = true)?.opted_out);
    /// assert!(store.contact(&ada)?.unwrap().opted_out);
    /// # Ok::<(), whatsapp_signals::store::StoreError>(())
    /// ```
    fn update_contact(
        &self,
        user: &Identity,
        mut change: impl FnMut(&mut Contact),
    ) -> Result<Contact, StoreError> {
        transact(self, Mode::Durable, |tx| {
            let mut contacts = Contacts::new(Timestamp::now());
            let (_, contact) = contacts.upsert(tx, user, None, None, &mut change)?;
            Ok(Contact::clone(&contact))
        })
    }

    /// How many messages of a user came since [`mark_read`](Self::mark_read).
    ///
    /// ```
    /// use whatsapp_signals::WebhookEngine;
    /// use whatsapp_signals::model::Identity;
    /// use whatsapp_signals::store::{MemoryStore, StoreExt};
    ///
    /// let engine = WebhookEngine::new(MemoryStore::new());
    /// engine.process(&std::fs::read("tests/payloads/text.json")?)?;
    /// let ada = Identity::from_phone("15550101001").unwrap();
    /// assert_eq!(engine.store().unread_count(&ada)?, 1);
    /// engine.store().mark_read(&ada)?;
    /// assert_eq!(engine.store().unread_count(&ada)?, 0);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    fn unread_count(&self, user: &Identity) -> Result<u64, StoreError> {
        transact(self, Mode::Read, |tx| {
            find_contact(tx, user)?.map_or(Ok(0), |stored| tx.unread(stored.id))
        })
    }

    /// Everyone who has unread messages, and how many.
    fn unread_counts(&self) -> Result<Vec<(Contact, u64)>, StoreError> {
        transact(self, Mode::Read, |tx| {
            let unread = tx.unread_contacts()?.into_iter();
            Ok(unread
                .map(|(stored, unread)| (stored.contact, unread))
                .collect())
        })
    }

    /// All messages of a user have been read.
    fn mark_read(&self, user: &Identity) -> Result<(), StoreError> {
        transact(self, Mode::Durable, |tx| match find_contact(tx, user)? {
            Some(stored) => tx.mark_read(stored.id),
            None => Ok(()),
        })
    }

    /// Adds a signup, or changes it. A webhook about it then carries all of
    /// it, and not its id alone.
    ///
    /// [`subscriber_count`](Signup::subscriber_count) is the store's: of a
    /// signup that is stored already, it stays as it is.
    ///
    /// ```
    /// use whatsapp_signals::model::{Signup, SignupStatus};
    /// use whatsapp_signals::store::{MemoryStore, StoreExt};
    ///
    /// let store = MemoryStore::new();
    /// store.save_signup(&Signup::new("spring_tune_up"))?;
    /// assert!(store.disable_signup(&"spring_tune_up".into())?);
    /// assert_eq!(store.signups()?[0].status, SignupStatus::Disabled);
    /// assert_eq!(store.signup(&"autumn_rides".into())?, None);
    /// # Ok::<(), whatsapp_signals::store::StoreError>(())
    /// ```
    fn save_signup(&self, signup: &Signup) -> Result<(), StoreError> {
        transact(self, Mode::Durable, |tx| {
            let mut signup = signup.clone();
            if let Some(stored) = tx.signup(&signup.signup_id)? {
                signup.subscriber_count = stored.subscriber_count;
            }
            tx.put_signup(&signup)
        })
    }

    /// The signup with this id.
    fn signup(&self, id: &SignupId) -> Result<Option<Signup>, StoreError> {
        transact(self, Mode::Read, |tx| tx.signup(id))
    }

    /// All signups, by their ids.
    fn signups(&self) -> Result<Vec<Signup>, StoreError> {
        transact(self, Mode::Read, |tx| tx.signups())
    }

    /// Marks a signup as disabled; false when there is none with this id.
    ///
    /// It changes the record alone: that its link stops working is Meta's to
    /// do. Whoever subscribes all the same is counted.
    fn disable_signup(&self, id: &SignupId) -> Result<bool, StoreError> {
        transact(self, Mode::Durable, |tx| {
            let Some(mut signup) = tx.signup(id)? else {
                return Ok(false);
            };
            signup.status = SignupStatus::Disabled;
            tx.put_signup(&signup)?;
            Ok(true)
        })
    }

    /// The webhooks that came after the given one, or the first ones: all of
    /// them when
    /// [`log_webhooks`](crate::WebhookEngine::log_webhooks) is on, else those
    /// that are not finished.
    ///
    /// ```
    /// use whatsapp_signals::WebhookEngine;
    /// use whatsapp_signals::store::{MemoryStore, StoreExt};
    ///
    /// let engine = WebhookEngine::new(MemoryStore::new()).log_webhooks(true);
    /// engine.process(&std::fs::read("tests/payloads/text.json")?)?;
    /// engine.process(&std::fs::read("tests/payloads/image.json")?)?;
    /// let first = engine.store().webhooks(None, 1)?.remove(0);
    /// assert_eq!(engine.store().webhooks(Some(first.id), 50)?.len(), 1);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    fn webhooks(
        &self,
        after: Option<WebhookId>,
        limit: usize,
    ) -> Result<Vec<LoggedWebhook>, StoreError> {
        logged::webhooks(self, after, limit)
    }
}

impl<S: Store + ?Sized> StoreExt for S {}
