//! Reads and changes of records by the program: conversations, contacts, signups, the log.

use std::fmt;
use std::sync::Arc;

use super::access::ready;
use super::contacts::{Contacts, Entry};
use super::dead_letter::stored_batch;
use super::draft::{Draft, Undecided};
use super::replay;
use super::transact::{First, transact};
use super::{Call, WebhookEngine};
use crate::event::WebhookEvent;
use crate::model::{
    Account, Contact, Identity, Message, MessageId, RawJson, Signup, SignupId, SignupStatus,
    Timestamp,
};
use crate::signal::ReceiverMode;
use crate::store::{
    ContactId, ConversationKey, Durability, MessageKey, MessageQuery, NumberKey, ReadyStore, Scope,
    SignupKey, Snapshot, Store, StoreError, StoreErrorKind, StoredMessage, Tenant, UnreadQuery,
    WebhookId, WebhookQuery, WebhookRow,
};

/// The webhooks that are read at once to find those of a tenant.
const WEBHOOKS: usize = 100;

/// The records of one of your numbers, or of a tenant with all its numbers: conversations,
/// contacts and signups.
///
/// A contact belongs to a tenant, and a conversation to a contact and one of your numbers. By
/// default each WABA is a tenant; [`WebhookEngine::tenants`] changes that.
///
/// # Errors
///
/// Of every method: when the store fails. A change by a number that has received nothing yet is
/// [`UnknownNumber`](StoreErrorKind::UnknownNumber): its tenant is not known, so use
/// [`WebhookEngine::account`].
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
    pub(super) engine: &'e WebhookEngine<S>,
    pub(super) of: Of,
}

/// The part of a store that records are read of.
#[derive(Clone)]
pub(super) enum Of {
    Number(NumberKey),
    Tenant(Tenant),
    Account(Arc<Account>),
}

/// A tenant, and one of its numbers unless all of them are meant.
pub(super) struct Owner {
    pub(super) tenant: Tenant,
    number: Option<NumberKey>,
}

impl Owner {
    fn conversation(&self, contact: ContactId) -> ConversationKey {
        ConversationKey::new(contact, self.number.clone())
    }

    fn scope(&self) -> Scope {
        match &self.number {
            Some(number) => Scope::Number(number.clone()),
            None => Scope::Tenant(self.tenant.clone()),
        }
    }
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
        self.records(Of::Number(NumberKey::new(phone_number_id)))
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
        self.records(Of::Tenant(Tenant::new(tenant)))
    }

    /// Returns the records of the number of an account, as an event has it. A change is possible
    /// before the number has received anything.
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
        self.records(Of::Account(Arc::new(account.clone())))
    }

    fn records(&self, of: Of) -> Records<'_, S> {
        Records { engine: self, of }
    }

    /// Returns logged webhooks as [`webhooks`](Self::webhooks) does, and awaits the store.
    ///
    /// # Errors
    ///
    /// When the store fails.
    pub async fn webhooks_async(
        &self,
        after: Option<WebhookId>,
        limit: usize,
    ) -> Result<Vec<LoggedWebhook>, StoreError> {
        let call = self.call(ReceiverMode::Async);
        call.webhooks(None, after, limit).await
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
    /// Returns the webhooks that came after the given one, or the first ones: all of them if
    /// [`log_webhooks`](Self::log_webhooks) is on, else those that are not finished.
    ///
    /// # Errors
    ///
    /// When the store fails.
    ///
    /// ```
    /// use whatsapp_signals::WebhookEngine;
    /// use whatsapp_signals::store::MemoryStore;
    ///
    /// let engine = WebhookEngine::new(MemoryStore::new()).log_webhooks(true);
    /// engine.process(&std::fs::read("tests/payloads/text.json")?)?;
    /// engine.process(&std::fs::read("tests/payloads/image.json")?)?;
    /// let first = engine.webhooks(None, 1)?.remove(0);
    /// assert_eq!(engine.webhooks(Some(first.id), 50)?.len(), 1);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn webhooks(
        &self,
        after: Option<WebhookId>,
        limit: usize,
    ) -> Result<Vec<LoggedWebhook>, StoreError> {
        ready(self.call(ReceiverMode::Sync).webhooks(None, after, limit))
    }

    /// Returns all numbers that have received something, with their tenants.
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
    /// two of your numbers. Each has its JSON beside it, if that was
    /// [kept](Self::raw_payload).
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
    /// Returns the stored webhooks of which an event belongs to these records, as
    /// [`WebhookEngine::webhooks`] returns all of them.
    ///
    /// A body may have events of several tenants: [`events`](LoggedWebhook::events) has those of
    /// these records only, and [`body`](LoggedWebhook::body) all of them. A body that is no webhook
    /// belongs to no records. All stored webhooks are read to find those of the records.
    ///
    /// ```
    /// use whatsapp_signals::WebhookEngine;
    /// use whatsapp_signals::store::MemoryStore;
    /// use whatsapp_signals::testing;
    ///
    /// let engine = WebhookEngine::new(MemoryStore::new()).log_webhooks(true);
    /// let bikes = testing::text("Hi").waba("900800700600500");
    /// let boats = testing::text("Ahoy").waba("520400300200800").to_number("77", "15550100201");
    /// engine.process(&testing::batch([bikes, boats]).body())?;
    ///
    /// let webhook = engine.tenant("520400300200800").webhooks(None, 10)?.remove(0);
    /// assert_eq!((webhook.events.unwrap().len(), webhook.of_others), (1, 1));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn webhooks(
        &self,
        after: Option<WebhookId>,
        limit: usize,
    ) -> Result<Vec<LoggedWebhook>, StoreError> {
        let call = self.call(ReceiverMode::Sync);
        ready(call.webhooks(Some(&self.of), after, limit))
    }

    /// Returns the message with this wamid; of a tenant that of the first number which has it.
    pub fn message(&self, id: &MessageId) -> Result<Option<Message>, StoreError> {
        ready(self.call(ReceiverMode::Sync).message(&self.of, id))
    }

    /// Returns the JSON of the message with this wamid as Meta or, in a request, your program sent
    /// it; of a tenant that of the first number which has it. `None` if there is no such message, or
    /// if it was stored without its JSON: [`WebhookEngine::raw_payload`] has an example.
    pub fn raw_payload(&self, id: &MessageId) -> Result<Option<RawJson>, StoreError> {
        ready(self.call(ReceiverMode::Sync).raw_payload(&self.of, id))
    }

    /// Returns the messages that answer this one, in the order in which they came.
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
        ready(self.call(ReceiverMode::Sync).replies(&self.of, id))
    }

    /// Returns the messages from and to a user, last first: the last `limit`, or those before
    /// the given one. Messages in a group are not among them.
    pub fn conversation(
        &self,
        user: &Identity,
        before: Option<&MessageId>,
        limit: usize,
    ) -> Result<Vec<Message>, StoreError> {
        ready(
            self.call(ReceiverMode::Sync)
                .conversation(&self.of, user, before, limit),
        )
    }

    /// Returns the contact that is this user.
    pub fn contact(&self, user: &Identity) -> Result<Option<Contact>, StoreError> {
        ready(self.call(ReceiverMode::Sync).contact(&self.of, user))
    }

    /// Changes a contact: labels, notes, opt-outs. Returns it as it is now; an unknown one is
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
                .update_contact(&self.of, user, change),
        )
    }

    /// Returns how many messages of a user came since [`mark_read`](Self::mark_read).
    pub fn unread_count(&self, user: &Identity) -> Result<u64, StoreError> {
        ready(self.call(ReceiverMode::Sync).unread_count(&self.of, user))
    }

    /// Returns the contacts that have unread messages, each with their number.
    pub fn unread_counts(&self) -> Result<Vec<(Contact, u64)>, StoreError> {
        ready(self.call(ReceiverMode::Sync).unread_counts(&self.of))
    }

    /// Marks all messages of a user as read.
    pub fn mark_read(&self, user: &Identity) -> Result<(), StoreError> {
        ready(self.call(ReceiverMode::Sync).mark_read(&self.of, user))
    }

    /// Adds a signup, or changes it. A webhook about it then carries all of it, and not its id
    /// alone.
    ///
    /// [`subscriber_count`](Signup::subscriber_count) is the store's: of a signup that is stored
    /// already, it stays as it is.
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
        ready(self.call(ReceiverMode::Sync).save_signup(&self.of, signup))
    }

    /// Returns the signup with this id.
    pub fn signup(&self, id: &SignupId) -> Result<Option<Signup>, StoreError> {
        ready(self.call(ReceiverMode::Sync).signup(&self.of, id))
    }

    /// Returns all signups of the tenant, by their ids.
    pub fn signups(&self) -> Result<Vec<Signup>, StoreError> {
        ready(self.call(ReceiverMode::Sync).signups(&self.of))
    }

    /// Marks a signup as disabled. Returns whether there is one with this id.
    ///
    /// It changes the record alone: Meta disables the link. Subscriptions that come all the same
    /// are counted.
    pub fn disable_signup(&self, id: &SignupId) -> Result<bool, StoreError> {
        ready(self.call(ReceiverMode::Sync).disable_signup(&self.of, id))
    }
}

/// Each method does as the one without `_async`, and awaits the store.
#[allow(clippy::missing_errors_doc, reason = "said once, at the type")]
impl<S: Store> Records<'_, S> {
    pub(super) fn call(&self, mode: ReceiverMode) -> Call<'_> {
        self.engine.call(mode)
    }

    /// Returns webhooks as [`webhooks`](Self::webhooks) does, and awaits the store.
    pub async fn webhooks_async(
        &self,
        after: Option<WebhookId>,
        limit: usize,
    ) -> Result<Vec<LoggedWebhook>, StoreError> {
        let call = self.call(ReceiverMode::Async);
        call.webhooks(Some(&self.of), after, limit).await
    }

    /// Returns a message, as [`message`](Self::message) does.
    pub async fn message_async(&self, id: &MessageId) -> Result<Option<Message>, StoreError> {
        self.call(ReceiverMode::Async).message(&self.of, id).await
    }

    /// Returns the JSON of a message, as [`raw_payload`](Self::raw_payload) does.
    pub async fn raw_payload_async(&self, id: &MessageId) -> Result<Option<RawJson>, StoreError> {
        self.call(ReceiverMode::Async)
            .raw_payload(&self.of, id)
            .await
    }

    /// Returns the answers to a message, as [`replies`](Self::replies) does.
    pub async fn replies_async(&self, id: &MessageId) -> Result<Vec<Message>, StoreError> {
        self.call(ReceiverMode::Async).replies(&self.of, id).await
    }

    /// Returns messages of a user, as [`conversation`](Self::conversation) does.
    pub async fn conversation_async(
        &self,
        user: &Identity,
        before: Option<&MessageId>,
        limit: usize,
    ) -> Result<Vec<Message>, StoreError> {
        let call = self.call(ReceiverMode::Async);
        call.conversation(&self.of, user, before, limit).await
    }

    /// Returns a contact, as [`contact`](Self::contact) does.
    pub async fn contact_async(&self, user: &Identity) -> Result<Option<Contact>, StoreError> {
        self.call(ReceiverMode::Async).contact(&self.of, user).await
    }

    /// Changes a contact, as [`update_contact`](Self::update_contact) does.
    pub async fn update_contact_async(
        &self,
        user: &Identity,
        change: impl FnMut(&mut Contact),
    ) -> Result<Contact, StoreError> {
        let call = self.call(ReceiverMode::Async);
        call.update_contact(&self.of, user, change).await
    }

    /// Returns a number of messages, as [`unread_count`](Self::unread_count) does.
    pub async fn unread_count_async(&self, user: &Identity) -> Result<u64, StoreError> {
        self.call(ReceiverMode::Async)
            .unread_count(&self.of, user)
            .await
    }

    /// Returns contacts, as [`unread_counts`](Self::unread_counts) does.
    pub async fn unread_counts_async(&self) -> Result<Vec<(Contact, u64)>, StoreError> {
        self.call(ReceiverMode::Async).unread_counts(&self.of).await
    }

    /// Marks messages as read, as [`mark_read`](Self::mark_read) does.
    pub async fn mark_read_async(&self, user: &Identity) -> Result<(), StoreError> {
        self.call(ReceiverMode::Async)
            .mark_read(&self.of, user)
            .await
    }

    /// Adds or changes a signup, as [`save_signup`](Self::save_signup) does.
    pub async fn save_signup_async(&self, signup: &Signup) -> Result<(), StoreError> {
        self.call(ReceiverMode::Async)
            .save_signup(&self.of, signup)
            .await
    }

    /// Returns a signup, as [`signup`](Self::signup) does.
    pub async fn signup_async(&self, id: &SignupId) -> Result<Option<Signup>, StoreError> {
        self.call(ReceiverMode::Async).signup(&self.of, id).await
    }

    /// Returns signups, as [`signups`](Self::signups) does.
    pub async fn signups_async(&self) -> Result<Vec<Signup>, StoreError> {
        self.call(ReceiverMode::Async).signups(&self.of).await
    }

    /// Marks a signup as disabled, as [`disable_signup`](Self::disable_signup) does.
    pub async fn disable_signup_async(&self, id: &SignupId) -> Result<bool, StoreError> {
        self.call(ReceiverMode::Async)
            .disable_signup(&self.of, id)
            .await
    }
}

impl<S> fmt::Debug for Records<'_, S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Records").finish_non_exhaustive()
    }
}

impl Call<'_> {
    /// Runs a decision about the records of a number or tenant.
    pub(super) async fn decide<T>(
        self,
        of: &Of,
        mut decide: impl FnMut(&mut Draft<'_, '_>, Option<&Owner>) -> Result<T, Undecided>,
    ) -> Result<T, StoreError> {
        let decide = |draft: &mut Draft<'_, '_>| {
            let owner = self.owner(draft, of)?;
            decide(draft, owner.as_ref())
        };
        let known = Snapshot::default();
        transact(self.access, known, First::Stored, Durability::Disk, decide).await
    }

    /// Returns the tenant of records.
    pub(super) async fn tenant(self, of: &Of) -> Result<Tenant, StoreError> {
        let tenant = self.decide(of, |_, owner| Ok(owner.map(|owner| owner.tenant.clone())));
        tenant.await?.ok_or_else(unknown_number)
    }

    /// Returns the owner of records; none of a number that has no row.
    fn owner(self, draft: &mut Draft<'_, '_>, of: &Of) -> Result<Option<Owner>, Undecided> {
        let (number, account) = match of {
            Of::Tenant(tenant) => {
                let (tenant, number) = (tenant.clone(), None);
                return Ok(Some(Owner { tenant, number }));
            }
            Of::Number(number) => (number.clone(), None),
            Of::Account(account) => (NumberKey::of(account), Some(account)),
        };
        let tenant = match (draft.tenant(&number)?, account) {
            (Some(tenant), _) => tenant,
            (None, Some(account)) => self.core.places().tenant_of(account)?,
            (None, None) => return Ok(None),
        };
        let number = Some(number);
        Ok(Some(Owner { tenant, number }))
    }

    /// Returns the owner of records that are changed. The number of an account gets its row.
    pub(super) fn changed(
        draft: &mut Draft<'_, '_>,
        owner: Option<&Owner>,
    ) -> Result<Tenant, Undecided> {
        let Some(owner) = owner else {
            return Err(unknown_number().into());
        };
        if let Some(number) = &owner.number
            && draft.tenant(number)?.is_none()
        {
            draft.add_number(number.clone(), owner.tenant.clone());
        }
        Ok(owner.tenant.clone())
    }

    async fn find(self, of: &Of, user: &Identity) -> Result<Option<(Owner, Entry)>, StoreError> {
        self.decide(of, |draft, owner| {
            let Some(owner) = owner else { return Ok(None) };
            let entry = find(draft, &owner.tenant, user)?;
            let Owner { tenant, number } = owner;
            let (tenant, number) = (tenant.clone(), number.clone());
            Ok(entry.map(|entry| (Owner { tenant, number }, entry)))
        })
        .await
    }

    async fn scope(self, of: &Of) -> Result<Option<Scope>, StoreError> {
        self.decide(of, |_, owner| Ok(owner.map(Owner::scope)))
            .await
    }

    async fn message(self, of: &Of, id: &MessageId) -> Result<Option<Message>, StoreError> {
        let stored = self.stored_message(of, id).await?;
        Ok(stored.map(|stored| stored.message))
    }

    async fn raw_payload(self, of: &Of, id: &MessageId) -> Result<Option<RawJson>, StoreError> {
        let stored = self.stored_message(of, id).await?;
        Ok(stored.and_then(|stored| stored.raw_payload))
    }

    async fn stored_message(
        self,
        of: &Of,
        id: &MessageId,
    ) -> Result<Option<StoredMessage>, StoreError> {
        let Some(scope) = self.scope(of).await? else {
            return Ok(None);
        };
        Ok(self.messages(scope, id).await?.into_iter().next())
    }

    async fn messages(
        self,
        scope: Scope,
        id: &MessageId,
    ) -> Result<Vec<StoredMessage>, StoreError> {
        let id = id.clone();
        self.access
            .messages(&MessageQuery::Wamid { scope, id })
            .await
    }

    async fn replies(self, of: &Of, id: &MessageId) -> Result<Vec<Message>, StoreError> {
        let Some(scope) = self.scope(of).await? else {
            return Ok(Vec::new());
        };
        let id = id.clone();
        let query = MessageQuery::Replies { scope, id };
        Ok(messages_of(self.access.messages(&query).await?))
    }

    async fn conversation(
        self,
        of: &Of,
        user: &Identity,
        before: Option<&MessageId>,
        limit: usize,
    ) -> Result<Vec<Message>, StoreError> {
        let Some((owner, (contact, _))) = self.find(of, user).await? else {
            return Ok(Vec::new());
        };
        let before = match (before, &owner.number) {
            (None, _) => None,
            (Some(id), Some(number)) => Some(MessageKey {
                number: number.clone(),
                id: id.clone(),
            }),
            (Some(id), None) => {
                let found = self.messages(owner.scope(), id).await?;
                let Some(first) = found.into_iter().next() else {
                    return Ok(Vec::new());
                };
                Some(MessageKey {
                    number: first.number,
                    id: id.clone(),
                })
            }
        };
        let query = MessageQuery::Conversation {
            key: owner.conversation(contact),
            before,
            limit,
        };
        Ok(messages_of(self.access.messages(&query).await?))
    }

    async fn contact(self, of: &Of, user: &Identity) -> Result<Option<Contact>, StoreError> {
        let found = self.find(of, user).await?;
        Ok(found.map(|(_, (_, contact))| Arc::unwrap_or_clone(contact)))
    }

    async fn update_contact(
        self,
        of: &Of,
        user: &Identity,
        mut change: impl FnMut(&mut Contact),
    ) -> Result<Contact, StoreError> {
        let now = Timestamp::now();
        self.decide(of, |draft, owner| {
            let tenant = Self::changed(draft, owner)?;
            want(draft, &tenant, user)?;
            let change =
                |row: &mut crate::store::ContactRow| change(Arc::make_mut(&mut row.contact));
            let mut contacts = Contacts::new(now);
            let (_, contact) = contacts.upsert(draft, &tenant, user, None, now, change)?;
            Ok(Contact::clone(&contact))
        })
        .await
    }

    async fn unread_count(self, of: &Of, user: &Identity) -> Result<u64, StoreError> {
        let Some((owner, (contact, _))) = self.find(of, user).await? else {
            return Ok(0);
        };
        let query = UnreadQuery::new(owner.scope()).of(contact);
        let unread = self.access.unread(&query).await?;
        Ok(unread.first().map_or(0, |unread| unread.count))
    }

    async fn unread_counts(self, of: &Of) -> Result<Vec<(Contact, u64)>, StoreError> {
        let Some(scope) = self.scope(of).await? else {
            return Ok(Vec::new());
        };
        let unread = self.access.unread(&UnreadQuery::new(scope)).await?;
        let unread = unread.into_iter();
        Ok(unread
            .map(|unread| (Arc::unwrap_or_clone(unread.row.contact), unread.count))
            .collect())
    }

    async fn mark_read(self, of: &Of, user: &Identity) -> Result<(), StoreError> {
        self.decide(of, |draft, owner| {
            if let Some(owner) = owner
                && let Some((contact, _)) = find(draft, &owner.tenant, user)?
            {
                draft.mark_read(owner.conversation(contact));
            }
            Ok(())
        })
        .await
    }

    async fn save_signup(self, of: &Of, signup: &Signup) -> Result<(), StoreError> {
        self.decide(of, |draft, owner| {
            let tenant = Self::changed(draft, owner)?;
            let id = signup.signup_id.clone();
            draft.put_signup(&SignupKey { tenant, id }, signup.clone())
        })
        .await
    }

    async fn signup(self, of: &Of, id: &SignupId) -> Result<Option<Signup>, StoreError> {
        self.decide(of, |draft, owner| match owner {
            None => Ok(None),
            Some(owner) => {
                let (tenant, id) = (owner.tenant.clone(), id.clone());
                draft.signup(&SignupKey { tenant, id })
            }
        })
        .await
    }

    async fn signups(self, of: &Of) -> Result<Vec<Signup>, StoreError> {
        let tenant = self.decide(of, |_, owner| Ok(owner.map(|owner| owner.tenant.clone())));
        match tenant.await? {
            Some(tenant) => self.access.signups(&tenant).await,
            None => Ok(Vec::new()),
        }
    }

    async fn disable_signup(self, of: &Of, id: &SignupId) -> Result<bool, StoreError> {
        self.decide(of, |draft, owner| {
            let Some(owner) = owner else { return Ok(false) };
            let (tenant, id) = (owner.tenant.clone(), id.clone());
            let key = SignupKey { tenant, id };
            let Some(mut signup) = draft.signup(&key)? else {
                return Ok(false);
            };
            signup.status = SignupStatus::Disabled;
            draft.put_signup(&key, signup)?;
            Ok(true)
        })
        .await
    }

    /// Returns logged webhooks, or those of which an event belongs to records.
    async fn webhooks(
        self,
        of: Option<&Of>,
        mut after: Option<WebhookId>,
        limit: usize,
    ) -> Result<Vec<LoggedWebhook>, StoreError> {
        let tenants = match of {
            Some(_) => Some(self.tenants().await?),
            None => None,
        };
        let mut found = Vec::new();
        while found.len() < limit {
            // Most of them may belong to others.
            let step = if of.is_some() { WEBHOOKS } else { limit };
            let query = WebhookQuery::first(step).after(after).with_bodies();
            let page = self.access.webhooks(&query).await?;
            let is_last = page.len() < step;
            after = page.last().map(|(id, ..)| *id);
            for (id, row, body) in page {
                let logged = self.logged(id, &row, body.unwrap_or_default());
                match (of, &tenants) {
                    (Some(of), Some(tenants)) => {
                        let mut logged = logged;
                        if logged.keep_events(|event| tenants.has(of, event))? {
                            found.push(logged);
                        }
                    }
                    _ => found.push(logged),
                }
            }
            if is_last {
                break;
            }
        }
        found.truncate(limit);
        Ok(found)
    }

    fn logged(self, id: WebhookId, row: &WebhookRow, stored: Vec<u8>) -> LoggedWebhook {
        let batch = stored_batch(self.core.settings.parser, row.kind, &stored);
        let batch = batch.ok().map(|(batch, _)| batch);
        let replay = batch.as_ref().and_then(|batch| batch.replay.as_ref());
        let of = replay.map(|replay| replay.of);
        let (replay_of, body) = match replay::split(row.kind, &stored) {
            Some((replay, body)) => (Some(replay.of), body.to_vec()),
            None => (of, stored),
        };
        LoggedWebhook {
            id,
            received_at: row.received_at,
            open: row.open,
            dead: row.dead,
            replay_of,
            events: batch.map(|batch| batch.events),
            of_others: 0,
            body,
        }
    }
}

fn unknown_number() -> StoreError {
    let source = "it has received no event";
    StoreError::new(StoreErrorKind::UnknownNumber, source)
}

fn want(draft: &mut Draft<'_, '_>, tenant: &Tenant, user: &Identity) -> Result<(), Undecided> {
    Contacts::want(draft, tenant, user);
    draft.load_wanted()
}

fn find(
    draft: &mut Draft<'_, '_>,
    tenant: &Tenant,
    user: &Identity,
) -> Result<Option<Entry>, Undecided> {
    want(draft, tenant, user)?;
    let now = Timestamp::now();
    // An id that was lost in this second still names its contact for the events of this second.
    let at = Timestamp::from_secs(now.as_secs().saturating_add(1));
    Contacts::new(now).find(draft, tenant, user, at)
}

fn messages_of(stored: Vec<StoredMessage>) -> Vec<Message> {
    stored.into_iter().map(|stored| stored.message).collect()
}

/// A webhook as it came. Its body is personal data, and `Debug` leaves it out.
///
/// # Examples
///
/// ```
/// use whatsapp_signals::WebhookEngine;
/// use whatsapp_signals::store::MemoryStore;
///
/// let engine = WebhookEngine::new(MemoryStore::new()).log_webhooks(true);
/// let body = &std::fs::read("tests/payloads/text.json")?;
/// engine.process(body)?;
///
/// let logged = engine.webhooks(None, 1)?.remove(0);
/// assert_eq!((logged.open, logged.dead), (0, 0), "its event is finished");
/// assert_eq!(&logged.body, body);
/// assert_eq!(logged.events.as_ref().unwrap()[0].name(), "message_received");
/// assert!(!format!("{logged:?}").contains("gravel"));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, PartialEq)]
#[non_exhaustive]
pub struct LoggedWebhook {
    /// Its number in the store.
    pub id: WebhookId,
    /// When it came.
    pub received_at: Timestamp,
    /// The number of its events that are neither finished nor dead, with those of others.
    pub open: u32,
    /// The number of its events that are dead, with those of others.
    pub dead: u32,
    /// Of a [replay](WebhookEngine::replay) that is not finished: the webhook that it repeats.
    pub replay_of: Option<WebhookId>,
    /// Its events, those of a [tenant or number](Records::webhooks) if they were asked for. `None`
    /// if the body is no webhook.
    pub events: Option<Vec<WebhookEvent>>,
    /// The number of its events that `events` leaves out, as they belong to another tenant or
    /// number.
    pub of_others: usize,
    /// Its body, as it came, also with the events of others. Events that came without a body are
    /// stored as JSON of this crate.
    pub body: Vec<u8>,
}

impl LoggedWebhook {
    /// Keeps the events that satisfy a condition, and returns whether there are any.
    fn keep_events(
        &mut self,
        mut is_kept: impl FnMut(&WebhookEvent) -> Result<bool, StoreError>,
    ) -> Result<bool, StoreError> {
        let mut kept = Vec::new();
        for event in self.events.take().unwrap_or_default() {
            if is_kept(&event)? {
                kept.push(event);
            } else {
                self.of_others += 1;
            }
        }
        let has_events = !kept.is_empty();
        self.events = Some(kept);
        Ok(has_events)
    }
}

impl fmt::Debug for LoggedWebhook {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LoggedWebhook")
            .field("id", &self.id)
            .field("received_at", &self.received_at)
            .field("open", &self.open)
            .field("dead", &self.dead)
            .field("replay_of", &self.replay_of)
            .field("events", &self.events.as_ref().map(Vec::len))
            .field("of_others", &self.of_others)
            .field("len", &self.body.len())
            .finish_non_exhaustive()
    }
}
