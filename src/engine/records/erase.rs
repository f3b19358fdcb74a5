//! The erasure of a person's data.
//!
//! A person is one or more contacts of a tenant with all their present and former ids. Messages in
//! conversations are found by the contact. Stored bodies, messages of groups and statuses without a
//! message have no such key: all of them are scanned, in steps.

use std::collections::HashSet;
use std::time::Duration;

use serde_json::Value;

use super::Records;
use super::person::{Person, PersonalData};
#[cfg(doc)]
use crate::engine::WebhookEngine;
use crate::engine::claim::end_turns_of;
use crate::engine::runtime::ready;
use crate::engine::tenants::OwnerKey;
use crate::engine::transaction::{Draft, FirstAttempt, Undecided, transact};
use crate::engine::{EngineCall, new_id};
use crate::model::Identity;
use crate::signal::ReceiverMode;
use crate::store::{
    ContactId, ConversationKey, Durability, EventChange, EventState, Lease, MessageKey,
    MessageQuery, MessageScan, ReadyStore, ScanFilter, Snapshot, Store, StoreError, StoredMessage,
    WebhookId, WebhookKind, WebhookQuery,
};

/// The number of stored bodies that are read at once.
pub(crate) const WEBHOOKS: usize = 20;

/// The most messages that are deleted in one commit.
const MESSAGES: usize = 500;

/// The most messages that a step of a scan looks at.
pub(crate) const SCANNED: usize = 1000;

/// The numbers of rows that an erasure has deleted, and of those that it could not delete.
///
/// # Examples
///
/// See [`Records::erase`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Erased {
    /// The number of contacts.
    pub contacts: usize,
    /// The number of messages from and to the user.
    pub messages: usize,
    /// The number of statuses without a stored message.
    pub statuses: usize,
    /// The number of events in stored bodies: open and dead ones, and with
    /// [`log_webhooks`](WebhookEngine::log_webhooks) finished ones.
    pub events: usize,
    /// The number of stored bodies with these events. Events of other users in such a body are
    /// stored by themselves, and the body is deleted.
    pub bodies: usize,
    /// The number of unreadable bodies with an id of the user.
    pub unreadable: usize,
    /// The number of stored bodies that stay, since an engine delivers their events now. The
    /// contact stays, too, so that a later call finds them.
    pub leased: usize,
    /// `true` if deleted text may still be in the files of the store: another process reads them,
    /// or they are too large for a vacuum at once. `SqliteStore::vacuum` removes it.
    pub has_remains: bool,
}

impl Erased {
    /// Returns whether everything was erased. Otherwise repeat the call after the length of a
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
    /// with its present and former ids, messages from and to the user with their statuses, open and
    /// dead events, and stored bodies.
    ///
    /// All contacts with one of the ids are deleted, and former holders of an id that no contact
    /// has now. A phone number that belongs to another user by now names that user.
    ///
    /// A body with events of other users is deleted, too: their events are stored by themselves,
    /// with their progress, like events of a queue. An unreadable body is deleted if it contains
    /// one of the ids, of any tenant.
    ///
    /// Fingerprints of events stay, so that an erased event that Meta repeats counts as a
    /// duplicate. A repeated body with an erased event is not logged. An event that [has neither an
    /// id nor a time](crate::event::WebhookEvent::repeats) may be recorded again.
    ///
    /// The call does not wait for leases: while receivers run with an event of the user, its body
    /// stays, and [`is_complete`](Erased::is_complete) is `false`. Repeat the call then, and also
    /// if messages of the user come while it runs. It scans all stored bodies and messages, in
    /// small steps. `SECURITY.md` lists the data that it cannot reach.
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
        ready(call.erase(&self.owner, user))
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
        ready(call.export(&self.owner, user))
    }
}

/// Erasure and export.
#[allow(clippy::missing_errors_doc, reason = "said once, at the type")]
impl<S: Store> Records<'_, S> {
    /// Deletes the data of a user, as [`erase`](Self::erase) does, and awaits the store.
    pub async fn erase_async(&self, user: &Identity) -> Result<Erased, StoreError> {
        let call = self.engine.call(ReceiverMode::Async);
        call.erase(&self.owner, user).await
    }

    /// Returns the data of a user, as [`export`](Self::export) does, and awaits the store.
    pub async fn export_async(&self, user: &Identity) -> Result<Value, StoreError> {
        let call = self.engine.call(ReceiverMode::Async);
        call.export(&self.owner, user).await
    }
}

/// The result of an erasure from one webhook.
#[derive(Clone, Copy, PartialEq, Eq)]
enum WebhookErasure {
    Nothing,
    Leased,
    /// This many events were erased.
    Events(usize),
    Unreadable,
}

impl EngineCall<'_> {
    async fn erase(self, owner: &OwnerKey, user: &Identity) -> Result<Erased, StoreError> {
        self.write_kept_updates().await?;
        let person = self.person(owner, user).await?;
        let mut erased = Erased::default();
        let mut after = None;
        loop {
            let query = WebhookQuery::first(WEBHOOKS).after(after).with_bodies();
            let page = self.access.webhooks(&query).await?;
            let Some((last, ..)) = page.last() else { break };
            after = Some(*last);
            for (id, row, body) in &page {
                let body = body.as_deref().unwrap_or_default();
                if matches!(self.personal_data(&person, row, body)?, PersonalData::None) {
                    continue;
                }
                match self.erase_from_webhook(&person, *id).await? {
                    WebhookErasure::Nothing => {}
                    WebhookErasure::Leased => erased.leased += 1,
                    WebhookErasure::Unreadable => erased.unreadable += 1,
                    WebhookErasure::Events(events) => {
                        erased.events += events;
                        erased.bodies += 1;
                    }
                }
            }
        }
        for (contact, _) in &person.contacts {
            erased.messages += self.delete_conversation(*contact).await?;
        }
        let mut step = MessageScan::new(ScanFilter::Unassigned, SCANNED);
        loop {
            let found = self.access.scan_messages(&step).await?;
            let own = found
                .rows
                .iter()
                .filter(|found| person.takes_part_in(found));
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
        // The ids of the contacts find the leased bodies, and must stay until these are erased.
        if erased.leased == 0 {
            self.delete_contacts(&person).await?;
            erased.contacts = person.contacts.len();
        }
        if erased.events > 0 || erased.unreadable > 0 {
            // Events that they held back may be due now.
            self.core.tending.add_work();
        }
        erased.has_remains = !self.access.scrub().await?;
        Ok(erased)
    }

    /// Deletes the events of a person from a webhook. The other events are stored by themselves, in
    /// the same webhook, so that their rows stay.
    async fn erase_from_webhook(
        self,
        person: &Person<'_>,
        id: WebhookId,
    ) -> Result<WebhookErasure, StoreError> {
        // Erased events are assigned to the id of no webhook. So they count as finished without a
        // row of progress, and are kept for as long as other events of today.
        let nowhere = WebhookId(new_id());
        let mut last = WebhookErasure::Nothing;
        let erase = |draft: &mut Draft<'_, '_>| {
            let step = self.erase_in(draft, person, id, nowhere)?;
            if step == WebhookErasure::Nothing && draft.is_uncertain() {
                // The attempt before was committed.
                return Ok(last);
            }
            last = step;
            Ok(step)
        };
        let known = Snapshot::default();
        transact(
            self.access,
            known,
            FirstAttempt::Loaded,
            Durability::Disk,
            erase,
        )
        .await
    }

    fn erase_in(
        self,
        draft: &mut Draft<'_, '_>,
        person: &Person<'_>,
        id: WebhookId,
        nowhere: WebhookId,
    ) -> Result<WebhookErasure, Undecided> {
        let Some(mut row) = draft.webhook(id)? else {
            return Ok(WebhookErasure::Nothing);
        };
        let Some(body) = draft.body(id)? else {
            return Ok(WebhookErasure::Nothing);
        };
        let share = self.personal_data(person, &row, body)?;
        let is_running = row
            .lease
            .is_some_and(|lease| !lease.has_expired(draft.now()));
        let (batch, own) = match share {
            PersonalData::None => return Ok(WebhookErasure::Nothing),
            _ if is_running => return Ok(WebhookErasure::Leased),
            PersonalData::Unreadable => {
                end_turns_of(draft, self.holder, id, |_| true)?;
                draft.delete_webhook(id)?;
                return Ok(WebhookErasure::Unreadable);
            }
            PersonalData::Events(batch, own) => (batch, own),
        };
        let is_alone = own.len() == batch.distinct().len();
        let read = if is_alone { &own } else { batch.distinct() };
        for &at in read {
            draft.request_event(batch.fingerprint(at));
        }
        draft.load_requested()?;
        let was_closed = row.is_closed();
        let was_open = row.open > 0;
        let mut unclaimed = 0;
        // The open events of other users, which hold back later ones.
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
                // The event was not claimed yet, or its row was pruned.
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
            return Ok(WebhookErasure::Events(own.len()));
        }
        row.kind = WebhookKind::QueuedEvent;
        // A holder whose lease has ended must not write rows of erased events. An ended lease
        // stays, as it marks a crash.
        let ended = Lease::new(self.holder, Duration::ZERO);
        row.lease = row.lease.map(|_| ended);
        draft.replace_webhook(id, row, batch.without(&own)?)?;
        Ok(WebhookErasure::Events(own.len()))
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
    pub(crate) async fn conversation_page(
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

    pub(crate) async fn delete_messages(self, keys: &[MessageKey]) -> Result<(), StoreError> {
        for keys in keys.chunks(MESSAGES) {
            let delete = |draft: &mut Draft<'_, '_>| {
                draft.delete_messages(keys);
                Ok(())
            };
            let known = Snapshot::default();
            transact(
                self.access,
                known,
                FirstAttempt::Loaded,
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
        transact(
            self.access,
            known,
            FirstAttempt::Loaded,
            Durability::Disk,
            delete,
        )
        .await
    }
}

/// Returns the key of a message.
pub(crate) fn key_of(stored: &StoredMessage) -> MessageKey {
    MessageKey {
        number: stored.number.clone(),
        id: stored.message.id.clone(),
    }
}
