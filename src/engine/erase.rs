//! Erasure and export of a person's data, and the retention of messages.
//!
//! A person is one or more contacts of a tenant with all ids that they have and had. Messages in
//! conversations are found by the contact. Stored bodies, messages of groups and lone statuses
//! have no such key: all of them are looked at, in steps.

use std::collections::HashSet;
use std::time::Duration;

use serde_json::Value;

use super::access::ready;
use super::draft::{Draft, Undecided};
use super::person::{Person, Share};
use super::records::{Of, Records};
use super::transact::{First, transact};
use super::turns::end_turns_of;
use super::{Call, WebhookEngine, new_id};
use crate::model::{Identity, Timestamp};
use crate::signal::ReceiverMode;
use crate::store::{
    ContactId, ConversationKey, Durability, EventChange, EventState, Lease, MessageKey,
    MessageQuery, MessageScan, ReadyStore, ScanFilter, Snapshot, Store, StoreError, StoredMessage,
    WebhookId, WebhookKind, WebhookQuery,
};

/// The number of stored bodies that are read at once.
pub(super) const WEBHOOKS: usize = 20;

/// The most messages that are deleted in one commit.
const MESSAGES: usize = 500;

/// The most messages that a step of a scan looks at.
pub(super) const SCANNED: usize = 1000;

/// The number of rows that an erasure has deleted, and those that it could not.
///
/// # Examples
///
/// See [`Records::erase`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Erased {
    /// Contacts.
    pub contacts: usize,
    /// Messages, from and to the user.
    pub messages: usize,
    /// Statuses whose message was not stored.
    pub statuses: usize,
    /// Events in stored bodies: open and dead ones, and with
    /// [`log_webhooks`](WebhookEngine::log_webhooks) finished ones.
    pub events: usize,
    /// Stored bodies with these events. If a body has events of other users, these are stored by
    /// themselves, and the body is deleted all the same.
    pub bodies: usize,
    /// Unreadable bodies that contain an id of the user.
    pub unreadable: usize,
    /// Stored bodies that stay, since an engine delivers their events now. The contact stays with
    /// them, so that a later call finds them.
    pub leased: usize,
    /// `true` if deleted text may still be in the files of the store: another process reads them,
    /// or they are too large for a vacuum at once. `SqliteStore::vacuum` removes it.
    pub has_remains: bool,
}

impl Erased {
    /// Returns whether nothing is left to erase. If not, repeat the call after the length of a
    /// [`lease`](WebhookEngine::lease), or remove the [remains](Self::has_remains).
    #[must_use]
    pub fn is_complete(&self) -> bool {
        self.leased == 0 && !self.has_remains
    }
}

/// Erasure and export, for sync callers.
#[allow(clippy::missing_errors_doc, reason = "said once, at the type")]
impl<S: ReadyStore> Records<'_, S> {
    /// Deletes all data of a user in the tenant of these records, for all its numbers: the contact
    /// with all ids that it has and had, messages from and to the user with their statuses, open
    /// and dead events, and stored bodies.
    ///
    /// The contacts are those that have one of the ids, and those that had an id which no contact
    /// has now. A phone number that belongs to another user by now names that user.
    ///
    /// A body that has events of other users is deleted, too: their events are stored by
    /// themselves, with their progress, as events of a queue are. A body that this version cannot
    /// read is deleted if it contains one of the ids, of any tenant.
    ///
    /// Fingerprints of events stay, so that an erased event which Meta repeats counts as a
    /// duplicate. A repeated body with an erased event is not logged. An event that
    /// [has neither an id nor a time](crate::event::WebhookEvent::repeats) may be recorded again.
    ///
    /// The call waits for no lease: if receivers run with an event of the user, its body stays,
    /// and [`is_complete`](Erased::is_complete) is `false`: repeat the call then. So do if
    /// messages of the user come while it runs. It works in small steps, and looks at each stored
    /// body and message of the store. `SECURITY.md` lists the data that it cannot reach.
    ///
    /// ```
    /// use whatsapp_signals::WebhookEngine;
    /// use whatsapp_signals::model::Identity;
    /// use whatsapp_signals::store::MemoryStore;
    ///
    /// let engine = WebhookEngine::new(MemoryStore::new()).log_webhooks(true);
    /// let body = &std::fs::read("tests/payloads/text.json")?;
    /// engine.process(body)?;
    ///
    /// let shop = engine.tenant("900800700600500");
    /// let ada = Identity::from_phone("15550101001").unwrap();
    /// let erased = shop.erase(&ada)?;
    /// assert!(erased.is_complete(), "no receiver is running");
    /// assert_eq!((erased.contacts, erased.messages, erased.bodies), (1, 1, 1));
    /// assert_eq!(shop.contact(&ada)?, None);
    ///
    /// assert_eq!(engine.process(body)?.duplicates(), 1, "Meta sent it again");
    /// assert_eq!(shop.contact(&ada)?, None);
    /// assert!(engine.webhooks(None, 1)?.is_empty());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn erase(&self, user: &Identity) -> Result<Erased, StoreError> {
        let call = self.engine.call(ReceiverMode::Sync);
        ready(call.erase(&self.of, user))
    }

    /// Returns all data of a user in the tenant of these records, for all its numbers, as a JSON
    /// object: the rows that [`erase`](Self::erase) deletes.
    ///
    /// | member | array of |
    /// | --- | --- |
    /// | `contacts` | `contact`, and `ids` with the times for which it had them |
    /// | `messages` | `number` (its `phone_number_id`), `message` with its status, `raw_payload` and `campaign`, or `null` |
    /// | `statuses` | `number`, `id` and `status`, of messages that are not stored |
    /// | `events` | `received_at`, `state` (`open`, `finished` or `dead`) and `event`, in stored bodies |
    /// | `unreadable` | `received_at` and `body`, of bodies that contain an id of the user |
    ///
    /// ```
    /// use whatsapp_signals::WebhookEngine;
    /// use whatsapp_signals::model::Identity;
    /// use whatsapp_signals::store::MemoryStore;
    ///
    /// let engine = WebhookEngine::new(MemoryStore::new());
    /// engine.process(&std::fs::read("tests/payloads/text.json")?)?;
    /// let ada = Identity::from_phone("15550101001").unwrap();
    /// let data = engine.tenant("900800700600500").export(&ada)?;
    /// assert_eq!(data["contacts"][0]["contact"]["name"], "Ada Okafor");
    /// assert_eq!(data["messages"][0]["number"], "300200100500600");
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn export(&self, user: &Identity) -> Result<Value, StoreError> {
        let call = self.engine.call(ReceiverMode::Sync);
        ready(call.export(&self.of, user))
    }
}

/// Erasure and export.
#[allow(clippy::missing_errors_doc, reason = "said once, at the type")]
impl<S: Store> Records<'_, S> {
    /// Deletes the data of a user, as [`erase`](Self::erase) does, and awaits the store.
    pub async fn erase_async(&self, user: &Identity) -> Result<Erased, StoreError> {
        let call = self.engine.call(ReceiverMode::Async);
        call.erase(&self.of, user).await
    }

    /// Returns the data of a user, as [`export`](Self::export) does, and awaits the store.
    pub async fn export_async(&self, user: &Identity) -> Result<Value, StoreError> {
        let call = self.engine.call(ReceiverMode::Async);
        call.export(&self.of, user).await
    }
}

/// Retention of messages, for sync callers.
impl<S: ReadyStore> WebhookEngine<S> {
    /// Deletes the messages of all tenants that were sent longer ago than this, with their
    /// statuses, and returns their number. Without a call messages are kept. Contacts stay.
    ///
    /// It works in small steps, and looks at each stored message.
    ///
    /// # Errors
    ///
    /// When the store fails.
    ///
    /// ```
    /// use std::time::Duration;
    /// use whatsapp_signals::WebhookEngine;
    /// use whatsapp_signals::store::MemoryStore;
    ///
    /// let engine = WebhookEngine::new(MemoryStore::new());
    /// engine.process(&std::fs::read("tests/payloads/text.json")?)?;
    /// let ten_years = Duration::from_secs(10 * 365 * 24 * 60 * 60);
    /// assert_eq!(engine.prune_messages(ten_years)?, 0);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn prune_messages(&self, older_than: Duration) -> Result<usize, StoreError> {
        ready(self.call(ReceiverMode::Sync).prune_messages(older_than))
    }
}

/// Retention of messages.
impl<S: Store> WebhookEngine<S> {
    /// Deletes old messages as [`prune_messages`](Self::prune_messages) does, and awaits the store.
    ///
    /// # Errors
    ///
    /// When the store fails.
    pub async fn prune_messages_async(&self, older_than: Duration) -> Result<usize, StoreError> {
        let call = self.call(ReceiverMode::Async);
        call.prune_messages(older_than).await
    }
}

/// The result of the erasure of a person from one webhook.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Step {
    Nothing,
    Leased,
    /// This many events went.
    Events(usize),
    Unreadable,
}

impl Call<'_> {
    async fn erase(self, of: &Of, user: &Identity) -> Result<Erased, StoreError> {
        self.write_kept_marks().await?;
        let person = self.person(of, user).await?;
        let mut erased = Erased::default();
        let mut after = None;
        loop {
            let query = WebhookQuery::first(WEBHOOKS).after(after).with_bodies();
            let page = self.access.webhooks(&query).await?;
            let Some((last, ..)) = page.last() else { break };
            after = Some(*last);
            for (id, row, body) in &page {
                let body = body.as_deref().unwrap_or_default();
                if matches!(self.share(&person, row, body)?, Share::None) {
                    continue;
                }
                match self.erase_from_webhook(&person, *id).await? {
                    Step::Nothing => {}
                    Step::Leased => erased.leased += 1,
                    Step::Unreadable => erased.unreadable += 1,
                    Step::Events(events) => {
                        erased.events += events;
                        erased.bodies += 1;
                    }
                }
            }
        }
        for (contact, _) in &person.contacts {
            erased.messages += self.delete_conversation(*contact).await?;
        }
        let mut step = MessageScan::new(ScanFilter::Loose, SCANNED);
        loop {
            let found = self.access.scan_messages(&step).await?;
            let own = found.rows.iter().filter(|found| person.has_sent(found));
            let (messages, statuses): (Vec<_>, Vec<_>) =
                own.partition(|found| found.message.is_some());
            erased.messages += messages.len();
            erased.statuses += statuses.len();
            let keys = messages.iter().chain(&statuses);
            self.delete_messages(&keys.map(|found| found.key.clone()).collect::<Vec<_>>())
                .await?;
            step.after = found.next;
            if found.next.is_none() {
                break;
            }
        }
        // Its ids find the bodies that are leased, and must stay until these are gone.
        if erased.leased == 0 {
            self.delete_contacts(&person).await?;
            erased.contacts = person.contacts.len();
        }
        if erased.events > 0 || erased.unreadable > 0 {
            // Events that they held back may be delivered.
            self.core.tending.add_work();
        }
        erased.has_remains = !self.access.scrub().await?;
        Ok(erased)
    }

    /// Deletes the events of a person from a webhook. The others are stored by themselves, in the
    /// same webhook, so that their rows stay as they are.
    async fn erase_from_webhook(
        self,
        person: &Person<'_>,
        id: WebhookId,
    ) -> Result<Step, StoreError> {
        // Erased events belong to a webhook that never was. So they are finished, without a row of
        // progress, and are known for as long as other events of today.
        let nowhere = WebhookId(new_id());
        let mut last = Step::Nothing;
        let erase = |draft: &mut Draft<'_, '_>| {
            let step = self.erase_in(draft, person, id, nowhere)?;
            if step == Step::Nothing && draft.is_uncertain() {
                // The attempt before was committed.
                return Ok(last);
            }
            last = step;
            Ok(step)
        };
        let known = Snapshot::default();
        transact(self.access, known, First::Stored, Durability::Disk, erase).await
    }

    fn erase_in(
        self,
        draft: &mut Draft<'_, '_>,
        person: &Person<'_>,
        id: WebhookId,
        nowhere: WebhookId,
    ) -> Result<Step, Undecided> {
        let Some(mut row) = draft.webhook(id)? else {
            return Ok(Step::Nothing);
        };
        let Some(body) = draft.body(id)? else {
            return Ok(Step::Nothing);
        };
        let share = self.share(person, &row, body)?;
        let is_running = row.lease.is_some_and(|lease| !lease.has_ended(draft.now()));
        let (batch, own) = match share {
            Share::None => return Ok(Step::Nothing),
            _ if is_running => return Ok(Step::Leased),
            Share::Unreadable => {
                end_turns_of(draft, self.holder, id, |_| true)?;
                draft.delete_webhook(id)?;
                return Ok(Step::Unreadable);
            }
            Share::Events(batch, own) => (batch, own),
        };
        let is_alone = own.len() == batch.distinct().len();
        let read = if is_alone { &own } else { batch.distinct() };
        for &at in read {
            draft.want_event(batch.fingerprint(at));
        }
        draft.load_wanted()?;
        let was_closed = row.is_closed();
        let was_open = row.open > 0;
        let mut unclaimed = 0;
        // The events of others that hold back later ones.
        let mut open = HashSet::new();
        for &at in read {
            let key = batch.fingerprint(at);
            let webhook = draft.event(key)?;
            if own.binary_search(&at).is_err() {
                unclaimed += u32::from(webhook.is_none());
                let progress = draft.progress(key)?;
                if webhook == Some(id) && progress.is_none_or(|row| row.state == EventState::Open) {
                    open.insert(key);
                }
                continue;
            }
            match webhook {
                // It was not claimed yet, or its row was pruned.
                None => draft.put_event(EventChange::new(key, None, nowhere)),
                Some(webhook) if webhook == id => {
                    let state = draft.progress(key)?.map(|progress| progress.state);
                    match state {
                        Some(EventState::Dead) => row.dead = row.dead.saturating_sub(1),
                        Some(EventState::Open) => row.open = row.open.saturating_sub(1),
                        None if was_open => row.open = row.open.saturating_sub(1),
                        Some(EventState::Finished) | None => {}
                    }
                    if !is_alone {
                        draft.put_event(EventChange::new(key, Some(id), nowhere));
                    }
                }
                Some(_) => {}
            }
        }
        end_turns_of(draft, self.holder, id, |event| !open.contains(event))?;
        if row.unclaimed > 0 {
            row.unclaimed = unclaimed;
        }
        let is_over = !was_closed && self.core.settings.is_deletable(&row);
        if is_alone || is_over {
            draft.delete_webhook(id)?;
            return Ok(Step::Events(own.len()));
        }
        row.kind = WebhookKind::QueuedEvent;
        // A holder whose lease has ended must not write rows of erased events. The lease stays, as
        // a crash may have left it.
        let ended = Lease::new(self.holder, Duration::ZERO);
        row.lease = row.lease.map(|_| ended);
        draft.replace_webhook(id, row, batch.without(&own)?)?;
        Ok(Step::Events(own.len()))
    }

    /// Deletes the messages of a contact, and returns their number.
    async fn delete_conversation(self, contact: ContactId) -> Result<usize, StoreError> {
        let mut deleted = 0;
        loop {
            let found = self.conversation_page(contact, None).await?;
            if found.is_empty() {
                return Ok(deleted);
            }
            deleted += found.len();
            let keys: Vec<_> = found.iter().map(key_of).collect();
            self.delete_messages(&keys).await?;
        }
    }

    /// Returns the last messages of a contact, or those before the given one.
    pub(super) async fn conversation_page(
        self,
        contact: ContactId,
        before: Option<MessageKey>,
    ) -> Result<Vec<StoredMessage>, StoreError> {
        let query = MessageQuery::Conversation {
            key: ConversationKey::new(contact, None),
            before,
            limit: MESSAGES,
        };
        self.access.messages(&query).await
    }

    async fn delete_messages(self, keys: &[MessageKey]) -> Result<(), StoreError> {
        for keys in keys.chunks(MESSAGES) {
            let delete = |draft: &mut Draft<'_, '_>| {
                draft.delete_messages(keys);
                Ok(())
            };
            let known = Snapshot::default();
            transact(
                self.access,
                known,
                First::Stored,
                Durability::Process,
                delete,
            )
            .await?;
        }
        Ok(())
    }

    async fn delete_contacts(self, person: &Person<'_>) -> Result<(), StoreError> {
        let delete = |draft: &mut Draft<'_, '_>| {
            for (id, _) in &person.contacts {
                draft.delete_contact(*id)?;
            }
            Ok(())
        };
        let known = Snapshot::default();
        transact(self.access, known, First::Stored, Durability::Disk, delete).await
    }

    async fn prune_messages(self, older_than: Duration) -> Result<usize, StoreError> {
        let age = i64::try_from(older_than.as_secs()).unwrap_or(i64::MAX);
        let before = Timestamp::from_secs(Timestamp::now().as_secs().saturating_sub(age));
        let mut step = MessageScan::new(ScanFilter::Before(before), SCANNED);
        let mut rows = 0;
        loop {
            let found = self.access.scan_messages(&step).await?;
            let keys: Vec<_> = found.rows.into_iter().map(|found| found.key).collect();
            self.delete_messages(&keys).await?;
            rows += keys.len();
            step.after = found.next;
            if found.next.is_none() {
                return Ok(rows);
            }
        }
    }
}

/// Returns the key of a message.
pub(super) fn key_of(stored: &StoredMessage) -> MessageKey {
    MessageKey {
        number: stored.number.clone(),
        id: stored.message.id.clone(),
    }
}
