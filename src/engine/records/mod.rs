//! The records of a number or tenant, which the program reads and changes: conversations, contacts,
//! signups and campaigns.

mod backlog;
mod campaigns;
mod erase;
mod export;
mod person;
mod queries;
mod webhook_log;

use std::fmt;
use std::sync::Arc;

use super::runtime::ready;
use super::tenants::OwnerKey;
use super::{EngineCall, WebhookEngine};
use crate::model::{Account, Contact, Identity, Message, MessageId, RawJson, Signup, SignupId};
use crate::signal::ReceiverMode;
#[cfg(doc)]
use crate::store::StoreErrorKind;
use crate::store::{NumberKey, ReadyStore, Scope, Store, StoreError, StoredMessage, Tenant};

pub use erase::Erased;
pub use webhook_log::LoggedWebhook;

/// The records of one of your numbers, or of a tenant with all its numbers: conversations,
/// contacts, signups and campaigns.
///
/// A contact belongs to a tenant, and a conversation to a contact and one of your numbers. By
/// default each WABA is a tenant: see [`WebhookEngine::tenant_of`].
///
/// # Errors
///
/// Each method fails when the store fails. A change fails with
/// [`UnknownNumber`](StoreErrorKind::UnknownNumber) if the number has received nothing yet, as its
/// tenant is unknown: use [`WebhookEngine::account`].
///
/// # Examples
///
/// ```
/// use whatsapp_signals::WebhookEngine;
/// use whatsapp_signals::model::Identity;
/// use whatsapp_signals::store::MemoryStore;
///
/// let engine = WebhookEngine::new(MemoryStore::new());
/// engine.process(&std::fs::read("tests/payloads/text.json")?)?;
///
/// let shop = engine.number("300200100500600");
/// let [(ada, unread)] = &shop.unread_counts()?[..] else { panic!("one contact") };
/// assert_eq!((ada.display_name(), *unread), ("Ada Okafor", 1));
///
/// let conversation = shop.conversation(&ada.identity, None, 50)?;
/// assert!(conversation[0].body().starts_with("Good morning!"));
/// assert_eq!(shop.message(&conversation[0].id)?.as_ref(), Some(&conversation[0]));
///
/// shop.update_contact(&ada.identity, |ada| ada.labels.push("gravel".into()))?;
/// assert_eq!(shop.contact(&ada.identity)?.unwrap().labels, ["gravel"]);
///
/// shop.mark_read(&ada.identity)?;
/// assert!(shop.unread_counts()?.is_empty());
/// assert_eq!(shop.contact(&Identity::from_phone("1").unwrap())?, None);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[must_use]
pub struct Records<'e, S> {
    pub(crate) engine: &'e WebhookEngine<S>,
    pub(in crate::engine) owner: OwnerKey,
}

/// The records of numbers and tenants.
impl<S: Store> WebhookEngine<S> {
    /// Returns the records of the number with this `phone_number_id`.
    ///
    /// ```
    /// use whatsapp_signals::WebhookEngine;
    /// use whatsapp_signals::model::Identity;
    /// use whatsapp_signals::store::MemoryStore;
    ///
    /// let engine = WebhookEngine::new(MemoryStore::new());
    /// let text = std::fs::read_to_string("tests/payloads/text.json")?;
    /// engine.process(text.as_bytes())?;
    /// engine.process(text.replace("300200100500600", "300200100500601").as_bytes())?;
    ///
    /// // One contact, and two conversations.
    /// let ada = Identity::from_phone("15550101001").expect("a phone number");
    /// engine.number("300200100500601").mark_read(&ada)?;
    /// assert_eq!(engine.number("300200100500600").unread_count(&ada)?, 1);
    /// assert_eq!(engine.number("300200100500601").unread_count(&ada)?, 0);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn number(&self, phone_number_id: impl Into<Arc<str>>) -> Records<'_, S> {
        self.records(OwnerKey::Number(NumberKey::new(phone_number_id)))
    }

    /// Returns the records of a tenant.
    ///
    /// ```
    /// use whatsapp_signals::WebhookEngine;
    /// use whatsapp_signals::model::Identity;
    /// use whatsapp_signals::store::MemoryStore;
    ///
    /// let engine = WebhookEngine::new(MemoryStore::new());
    /// engine.process(&std::fs::read("tests/payloads/text.json")?)?;
    /// let ada = Identity::from_phone("15550101001").unwrap();
    /// assert!(engine.tenant("900800700600500").contact(&ada)?.is_some());
    /// assert!(engine.tenant("another WABA").contact(&ada)?.is_none());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn tenant(&self, tenant: impl Into<Arc<str>>) -> Records<'_, S> {
        self.records(OwnerKey::Tenant(Tenant::new(tenant)))
    }

    /// Returns the records of the number of an event's account. Changes are possible before the
    /// number has received anything.
    ///
    /// ```
    /// use whatsapp_signals::model::Signup;
    /// use whatsapp_signals::store::MemoryStore;
    /// use whatsapp_signals::{WebhookEngine, WebhookEvent, parse};
    ///
    /// let engine = WebhookEngine::new(MemoryStore::new());
    /// let webhook = parse(&std::fs::read("tests/payloads/text.json")?)?;
    /// let WebhookEvent::MessageReceived(event) = &webhook.events()[0] else { panic!("a message") };
    ///
    /// let shop = engine.account(&event.account);
    /// shop.save_signup(&Signup::new("spring_tune_up"))?;
    /// assert_eq!(engine.tenant("900800700600500").signups()?.len(), 1);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn account(&self, account: &Account) -> Records<'_, S> {
        self.records(OwnerKey::Account(Arc::new(account.clone())))
    }

    fn records(&self, owner: OwnerKey) -> Records<'_, S> {
        Records {
            engine: self,
            owner,
        }
    }

    /// Returns all numbers as [`numbers`](Self::numbers) does, and awaits the store.
    ///
    /// # Errors
    ///
    /// When the store fails.
    pub async fn numbers_async(&self) -> Result<Vec<(NumberKey, Tenant)>, StoreError> {
        self.call(ReceiverMode::Async).access.numbers().await
    }

    /// Returns messages as [`messages`](Self::messages) does, and awaits the store.
    ///
    /// # Errors
    ///
    /// When the store fails.
    pub async fn messages_async(&self, id: &MessageId) -> Result<Vec<StoredMessage>, StoreError> {
        self.call(ReceiverMode::Async)
            .messages(Scope::All, id)
            .await
    }
}

/// Reads of all tenants, for sync callers.
impl<S: ReadyStore> WebhookEngine<S> {
    /// Returns all numbers with an event, each with its tenant.
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
    /// engine.process(&std::fs::read("tests/payloads/text.json")?)?;
    /// let (number, tenant) = engine.numbers()?.remove(0);
    /// assert_eq!((number.as_str(), tenant.as_str()), ("300200100500600", "900800700600500"));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn numbers(&self) -> Result<Vec<(NumberKey, Tenant)>, StoreError> {
        ready(self.call(ReceiverMode::Sync).access.numbers())
    }

    /// Returns the messages with this wamid, of all numbers and tenants: one message may come to
    /// two of your numbers. Each has its JSON if that was [kept](Self::keep_raw_payloads).
    ///
    /// # Errors
    ///
    /// When the store fails.
    pub fn messages(&self, id: &MessageId) -> Result<Vec<StoredMessage>, StoreError> {
        ready(self.call(ReceiverMode::Sync).messages(Scope::All, id))
    }
}

#[allow(clippy::missing_errors_doc, reason = "said once, at the type")]
impl<S: ReadyStore> Records<'_, S> {
    /// Returns the message with this wamid; in the records of a tenant, that of the first of its
    /// numbers.
    pub fn message(&self, id: &MessageId) -> Result<Option<Message>, StoreError> {
        ready(self.call(ReceiverMode::Sync).message(&self.owner, id))
    }

    /// Returns the JSON of the message with this wamid as Meta sent it or, for your own message,
    /// the request; in the records of a tenant, that of the first of its numbers. `None` if there
    /// is no such message, or if it was stored without its JSON:
    /// [`WebhookEngine::keep_raw_payloads`] has an example.
    pub fn raw_payload(&self, id: &MessageId) -> Result<Option<RawJson>, StoreError> {
        ready(self.call(ReceiverMode::Sync).raw_payload(&self.owner, id))
    }

    /// Returns the replies to this message, in the order in which they came.
    ///
    /// ```
    /// use whatsapp_signals::WebhookEngine;
    /// use whatsapp_signals::store::MemoryStore;
    ///
    /// let engine = WebhookEngine::new(MemoryStore::new());
    /// engine.process(&std::fs::read("tests/payloads/text-reply.json")?)?;
    /// let (number, _) = engine.numbers()?.remove(0);
    /// let shop = engine.number(number.as_str());
    /// let (bram, _) = shop.unread_counts()?.remove(0);
    /// let reply = shop.conversation(&bram.identity, None, 1)?.remove(0);
    /// assert_eq!(shop.replies(reply.reply_to().unwrap())?, [reply]);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn replies(&self, id: &MessageId) -> Result<Vec<Message>, StoreError> {
        ready(self.call(ReceiverMode::Sync).replies(&self.owner, id))
    }

    /// Returns the messages from and to a user, newest first: the last `limit`, or those before the
    /// given one. Messages in groups are left out.
    pub fn conversation(
        &self,
        user: &Identity,
        before: Option<&MessageId>,
        limit: usize,
    ) -> Result<Vec<Message>, StoreError> {
        ready(
            self.call(ReceiverMode::Sync)
                .conversation(&self.owner, user, before, limit),
        )
    }

    /// Returns the contact of this user.
    pub fn contact(&self, user: &Identity) -> Result<Option<Contact>, StoreError> {
        ready(self.call(ReceiverMode::Sync).contact(&self.owner, user))
    }

    /// Changes a contact, such as its labels, notes or opt-out, and returns it. An unknown one is
    /// added first.
    ///
    /// `change` may be called more than once, each time with the stored contact.
    pub fn update_contact(
        &self,
        user: &Identity,
        change: impl FnMut(&mut Contact),
    ) -> Result<Contact, StoreError> {
        ready(
            self.call(ReceiverMode::Sync)
                .update_contact(&self.owner, user, change),
        )
    }

    /// Returns the number of messages of a user since [`mark_read`](Self::mark_read).
    pub fn unread_count(&self, user: &Identity) -> Result<u64, StoreError> {
        ready(
            self.call(ReceiverMode::Sync)
                .unread_count(&self.owner, user),
        )
    }

    /// Returns the contacts with unread messages, each with the number of these.
    pub fn unread_counts(&self) -> Result<Vec<(Contact, u64)>, StoreError> {
        ready(self.call(ReceiverMode::Sync).unread_counts(&self.owner))
    }

    /// Marks all messages of a user as read.
    pub fn mark_read(&self, user: &Identity) -> Result<(), StoreError> {
        ready(self.call(ReceiverMode::Sync).mark_read(&self.owner, user))
    }

    /// Adds or changes a signup. Events about it then have the whole signup, and not just its id.
    ///
    /// The store counts [`subscriber_count`](Signup::subscriber_count): that of a stored signup
    /// stays.
    ///
    /// ```
    /// use whatsapp_signals::WebhookEngine;
    /// use whatsapp_signals::model::{Signup, SignupStatus};
    /// use whatsapp_signals::store::MemoryStore;
    ///
    /// let engine = WebhookEngine::new(MemoryStore::new());
    /// let shop = engine.tenant("900800700600500");
    /// shop.save_signup(&Signup::new("spring_tune_up"))?;
    /// assert!(shop.disable_signup(&"spring_tune_up".into())?);
    /// assert_eq!(shop.signups()?[0].status, SignupStatus::Disabled);
    /// assert_eq!(shop.signup(&"autumn_rides".into())?, None);
    /// # Ok::<(), whatsapp_signals::store::StoreError>(())
    /// ```
    pub fn save_signup(&self, signup: &Signup) -> Result<(), StoreError> {
        ready(
            self.call(ReceiverMode::Sync)
                .save_signup(&self.owner, signup),
        )
    }

    /// Returns the signup with this id.
    pub fn signup(&self, id: &SignupId) -> Result<Option<Signup>, StoreError> {
        ready(self.call(ReceiverMode::Sync).signup(&self.owner, id))
    }

    /// Returns all signups of the tenant, sorted by id.
    pub fn signups(&self) -> Result<Vec<Signup>, StoreError> {
        ready(self.call(ReceiverMode::Sync).signups(&self.owner))
    }

    /// Marks a signup as disabled. Returns whether there is one with this id.
    ///
    /// Only the record changes: the link is disabled at Meta. Subscriptions that come later are
    /// counted.
    pub fn disable_signup(&self, id: &SignupId) -> Result<bool, StoreError> {
        ready(
            self.call(ReceiverMode::Sync)
                .disable_signup(&self.owner, id),
        )
    }
}

/// The async methods: each does as the one without `_async`, and awaits the store.
#[allow(clippy::missing_errors_doc, reason = "said once, at the type")]
impl<S: Store> Records<'_, S> {
    pub(in crate::engine) fn call(&self, mode: ReceiverMode) -> EngineCall<'_> {
        self.engine.call(mode)
    }

    /// Returns a message, as [`message`](Self::message) does.
    pub async fn message_async(&self, id: &MessageId) -> Result<Option<Message>, StoreError> {
        self.call(ReceiverMode::Async)
            .message(&self.owner, id)
            .await
    }

    /// Returns the JSON of a message, as [`raw_payload`](Self::raw_payload) does.
    pub async fn raw_payload_async(&self, id: &MessageId) -> Result<Option<RawJson>, StoreError> {
        self.call(ReceiverMode::Async)
            .raw_payload(&self.owner, id)
            .await
    }

    /// Returns the replies to a message, as [`replies`](Self::replies) does.
    pub async fn replies_async(&self, id: &MessageId) -> Result<Vec<Message>, StoreError> {
        self.call(ReceiverMode::Async)
            .replies(&self.owner, id)
            .await
    }

    /// Returns messages of a user, as [`conversation`](Self::conversation) does.
    pub async fn conversation_async(
        &self,
        user: &Identity,
        before: Option<&MessageId>,
        limit: usize,
    ) -> Result<Vec<Message>, StoreError> {
        let call = self.call(ReceiverMode::Async);
        call.conversation(&self.owner, user, before, limit).await
    }

    /// Returns a contact, as [`contact`](Self::contact) does.
    pub async fn contact_async(&self, user: &Identity) -> Result<Option<Contact>, StoreError> {
        self.call(ReceiverMode::Async)
            .contact(&self.owner, user)
            .await
    }

    /// Changes a contact, as [`update_contact`](Self::update_contact) does.
    pub async fn update_contact_async(
        &self,
        user: &Identity,
        change: impl FnMut(&mut Contact),
    ) -> Result<Contact, StoreError> {
        let call = self.call(ReceiverMode::Async);
        call.update_contact(&self.owner, user, change).await
    }

    /// Returns a number of messages, as [`unread_count`](Self::unread_count) does.
    pub async fn unread_count_async(&self, user: &Identity) -> Result<u64, StoreError> {
        self.call(ReceiverMode::Async)
            .unread_count(&self.owner, user)
            .await
    }

    /// Returns contacts, as [`unread_counts`](Self::unread_counts) does.
    pub async fn unread_counts_async(&self) -> Result<Vec<(Contact, u64)>, StoreError> {
        self.call(ReceiverMode::Async)
            .unread_counts(&self.owner)
            .await
    }

    /// Marks messages as read, as [`mark_read`](Self::mark_read) does.
    pub async fn mark_read_async(&self, user: &Identity) -> Result<(), StoreError> {
        self.call(ReceiverMode::Async)
            .mark_read(&self.owner, user)
            .await
    }

    /// Adds or changes a signup, as [`save_signup`](Self::save_signup) does.
    pub async fn save_signup_async(&self, signup: &Signup) -> Result<(), StoreError> {
        self.call(ReceiverMode::Async)
            .save_signup(&self.owner, signup)
            .await
    }

    /// Returns a signup, as [`signup`](Self::signup) does.
    pub async fn signup_async(&self, id: &SignupId) -> Result<Option<Signup>, StoreError> {
        self.call(ReceiverMode::Async).signup(&self.owner, id).await
    }

    /// Returns signups, as [`signups`](Self::signups) does.
    pub async fn signups_async(&self) -> Result<Vec<Signup>, StoreError> {
        self.call(ReceiverMode::Async).signups(&self.owner).await
    }

    /// Marks a signup as disabled, as [`disable_signup`](Self::disable_signup) does.
    pub async fn disable_signup_async(&self, id: &SignupId) -> Result<bool, StoreError> {
        self.call(ReceiverMode::Async)
            .disable_signup(&self.owner, id)
            .await
    }
}

impl<S> fmt::Debug for Records<'_, S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Records").finish_non_exhaustive()
    }
}
