//! Decisions over the rows of a store, and the commit of their changes.
//!
//! A rule of the engine is a function over a [`Draft`]: it reads rows of a snapshot and writes
//! rows of a commit. [`transact`] runs it. A row that is not in the snapshot ends the function; it
//! is loaded, and the function runs again. So it does if the commit is a conflict.

use std::collections::hash_map::Entry;
use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::Arc;

use super::access::Access;
use crate::model::{MessageStatus, Signup, Timestamp};
use crate::store::{
    Changes, ContactId, ContactRow, ConversationKey, Durability, EventChange, Fingerprint, IdKey,
    Merge, MessageKey, MessageState, NewMessage, NewStatus, NumberKey, ProgressRow, Put, Read,
    SignupKey, Snapshot, StoreError, StoreErrorKind, Tenant, Versioned, Wanted, WebhookChange,
    WebhookId, WebhookRow,
};

/// The most conflicts in a row after which a decision is made again.
const MAX_CONFLICTS: usize = 10;

/// The reason for which a decision has ended early.
pub(super) enum Undecided {
    /// A row is to be loaded first.
    NotLoaded,
    /// It cannot be decided.
    Failed(StoreError),
}

impl From<StoreError> for Undecided {
    fn from(error: StoreError) -> Self {
        Self::Failed(error)
    }
}

/// The first attempt of a decision.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum First {
    /// Events and messages that are not loaded count as new, as nearly all are: the commit finds
    /// those that are not.
    New,
    /// All rows are loaded.
    Stored,
}

/// Decides, and commits the changes: again with the missing rows if some were not loaded, and
/// with the current ones if the commit is a conflict.
///
/// `known` has rows that need not be loaded.
pub(super) async fn transact<'a, T>(
    access: Access<'_>,
    mut known: Snapshot,
    first: First,
    durability: Durability,
    mut decide: impl FnMut(&mut Draft<'a, '_>) -> Result<T, Undecided>,
) -> Result<T, StoreError> {
    let mut conflicts = 0;
    let mut is_uncertain = false;
    loop {
        let mut draft = Draft::new(&known, conflicts == 0 && first == First::New);
        draft.is_uncertain = is_uncertain;
        let value = match decide(&mut draft) {
            Ok(value) => value,
            Err(Undecided::Failed(error)) => return Err(error),
            Err(Undecided::NotLoaded) => {
                let missing = draft.missing;
                let loaded = access.load(&missing).await?;
                known.extend(loaded);
                continue;
            }
        };
        if draft.is_unchanged() {
            return Ok(value);
        }
        let changes = draft.into_changes();
        match access.commit(&changes, durability).await {
            Ok(()) => return Ok(value),
            Err(error) if is_repeatable(&error) => {
                is_uncertain |= error.kind() == StoreErrorKind::Unknown;
                conflicts += 1;
                if conflicts > MAX_CONFLICTS {
                    return Err(StoreError::new(StoreErrorKind::Locked, error));
                }
            }
            Err(error) => return Err(error),
        }
        let used = used(&known, &changes);
        known = access.load(&used).await?;
    }
}

/// Returns whether a commit with this error is decided and made again: it wrote nothing, or it may
/// be repeated as its ids stay the same.
fn is_repeatable(error: &StoreError) -> bool {
    matches!(
        error.kind(),
        StoreErrorKind::Conflict | StoreErrorKind::Unknown
    )
}

/// Returns the keys of all rows that a decision has used.
fn used(known: &Snapshot, changes: &Changes<'_>) -> Wanted {
    let mut used = Wanted::default();
    used.numbers.extend(known.numbers.keys().cloned());
    used.webhooks.extend(known.webhooks.keys());
    used.bodies.extend(known.bodies.keys());
    used.events.extend(known.events.keys());
    used.messages.extend(known.messages.keys().cloned());
    used.ids.extend(known.holders.keys().cloned());
    used.contacts.extend(known.contacts.keys());
    used.signups.extend(known.signups.keys().cloned());
    let webhooks = changes.webhooks.iter().map(|change| match change {
        WebhookChange::Add { id, .. }
        | WebhookChange::Put { id, .. }
        | WebhookChange::Delete { id, .. } => *id,
    });
    used.webhooks.extend(webhooks);
    used.events
        .extend(changes.events.iter().map(|event| event.key));
    used.events
        .extend(changes.progress.iter().map(|(key, _)| *key));
    let messages = changes.messages.iter().map(|put| put.key.clone());
    used.messages.extend(messages);
    used
}

/// A decision in progress: the rows that it has read, and those that it writes.
pub(super) struct Draft<'a, 's> {
    known: &'s Snapshot,
    /// Whether events and messages that are not loaded count as new.
    is_optimistic: bool,
    /// Whether an earlier attempt may have been committed.
    is_uncertain: bool,
    missing: Wanted,
    numbers: HashMap<NumberKey, Tenant>,
    webhooks: BTreeMap<WebhookId, WebhookSlot<'a>>,
    read_events: Vec<Fingerprint>,
    events: Vec<EventChange>,
    /// In the order in which it is written, which is that of dead letters.
    progress: Vec<(Fingerprint, ProgressRow)>,
    progress_places: HashMap<Fingerprint, usize>,
    contacts: BTreeMap<ContactId, Slot<ContactRow>>,
    holders: HashMap<IdKey, Vec<ContactId>>,
    merges: Vec<Merge>,
    messages: Vec<MessageSlot<'a>>,
    message_places: HashMap<MessageKey, usize>,
    read_conversations: Vec<ConversationKey>,
    signups: HashMap<SignupKey, Slot<Signup>>,
    subscribers: Vec<SignupKey>,
}

/// A row as the decision has it.
struct Slot<R> {
    /// The version in the store; `None` if it is not there.
    seen: Option<i64>,
    /// The row, unless it is not there or was deleted.
    row: Option<R>,
    is_written: bool,
}

struct WebhookSlot<'a> {
    slot: Slot<WebhookRow>,
    /// The body of a new one.
    body: &'a [u8],
}

struct MessageSlot<'a> {
    key: MessageKey,
    seen: Option<i64>,
    state: Option<MessageState>,
    /// The message, if it is written.
    new: Option<NewMessage<'a>>,
    /// The time of the status, if the status alone is written.
    status_at: Option<Timestamp>,
}

impl<R: Clone> Slot<R> {
    fn of(stored: Option<&Versioned<R>>) -> Self {
        Self {
            seen: stored.map(|stored| stored.version),
            row: stored.map(|stored| stored.row.clone()),
            is_written: false,
        }
    }
}

impl<'a, 's> Draft<'a, 's> {
    fn new(known: &'s Snapshot, is_optimistic: bool) -> Self {
        Self {
            known,
            is_optimistic,
            is_uncertain: false,
            missing: Wanted::default(),
            numbers: HashMap::new(),
            webhooks: BTreeMap::new(),
            read_events: Vec::new(),
            events: Vec::new(),
            progress: Vec::new(),
            progress_places: HashMap::new(),
            contacts: BTreeMap::new(),
            holders: HashMap::new(),
            merges: Vec::new(),
            messages: Vec::new(),
            message_places: HashMap::new(),
            read_conversations: Vec::new(),
            signups: HashMap::new(),
            subscribers: Vec::new(),
        }
    }

    /// Returns the time of the store at the last load, in milliseconds since 1970; 0 before.
    pub(super) fn now(&self) -> i64 {
        self.known.now
    }

    /// Returns whether this is the first attempt, in which what is not loaded counts as new.
    pub(super) fn is_optimistic(&self) -> bool {
        self.is_optimistic
    }

    /// Returns whether an earlier attempt may have been committed, so that this one may find its
    /// rows.
    pub(super) fn is_uncertain(&self) -> bool {
        self.is_uncertain
    }

    /// Notes rows that are to be loaded, unless they are known: a decision that needs many notes
    /// all of them before it reads the first.
    pub(super) fn want(&mut self, wanted: Wanted) -> Result<(), Undecided> {
        let known = self.known;
        self.missing = Wanted {
            numbers: keep(wanted.numbers, |key| known.numbers.contains_key(key)),
            webhooks: keep(wanted.webhooks, |key| known.webhooks.contains_key(key)),
            bodies: keep(wanted.bodies, |key| known.bodies.contains_key(key)),
            events: keep(wanted.events, |key| known.events.contains_key(key)),
            messages: keep(wanted.messages, |key| known.messages.contains_key(key)),
            ids: keep(wanted.ids, |key| known.holders.contains_key(key)),
            contacts: keep(wanted.contacts, |key| known.contacts.contains_key(key)),
            signups: keep(wanted.signups, |key| known.signups.contains_key(key)),
        };
        if self.missing.is_empty() {
            return Ok(());
        }
        Err(Undecided::NotLoaded)
    }

    /// Returns the tenant of a number, if it has one.
    pub(super) fn tenant(&mut self, number: &NumberKey) -> Result<Option<Tenant>, Undecided> {
        if let Some(tenant) = self.numbers.get(number) {
            return Ok(Some(tenant.clone()));
        }
        if let Some(tenant) = self.known.numbers.get(number) {
            return Ok(tenant.clone());
        }
        self.missing.numbers.insert(number.clone());
        Err(Undecided::NotLoaded)
    }

    /// Sets the tenant of a number that has none.
    pub(super) fn add_number(&mut self, number: NumberKey, tenant: Tenant) {
        self.numbers.insert(number, tenant);
    }

    fn webhook_slot(&mut self, id: WebhookId) -> Result<&mut WebhookSlot<'a>, Undecided> {
        use std::collections::btree_map::Entry;
        match self.webhooks.entry(id) {
            Entry::Occupied(slot) => Ok(slot.into_mut()),
            Entry::Vacant(vacant) => {
                if let Some(stored) = self.known.webhooks.get(&id) {
                    let slot = Slot::of(stored.as_ref());
                    return Ok(vacant.insert(WebhookSlot { slot, body: &[] }));
                }
                self.missing.webhooks.insert(id);
                Err(Undecided::NotLoaded)
            }
        }
    }

    /// Returns a webhook.
    pub(super) fn webhook(&mut self, id: WebhookId) -> Result<Option<WebhookRow>, Undecided> {
        Ok(self.webhook_slot(id)?.slot.row.clone())
    }

    /// Returns a webhook with its version once the decision is committed.
    pub(super) fn webhook_after(
        &mut self,
        id: WebhookId,
    ) -> Result<Option<Versioned<WebhookRow>>, Undecided> {
        let slot = &self.webhook_slot(id)?.slot;
        let Some(row) = slot.row.clone() else {
            return Ok(None);
        };
        let version = slot.seen.unwrap_or_default() + i64::from(slot.is_written);
        Ok(Some(Versioned { version, row }))
    }

    /// Adds a webhook that is not there.
    pub(super) fn add_webhook(&mut self, id: WebhookId, row: WebhookRow, body: &'a [u8]) {
        let slot = Slot {
            seen: None,
            row: Some(row),
            is_written: true,
        };
        self.webhooks.insert(id, WebhookSlot { slot, body });
    }

    /// Writes a webhook that is there.
    pub(super) fn put_webhook(&mut self, id: WebhookId, row: WebhookRow) -> Result<(), Undecided> {
        let slot = &mut self.webhook_slot(id)?.slot;
        slot.row = Some(row);
        slot.is_written = true;
        Ok(())
    }

    /// Deletes a webhook that is there.
    pub(super) fn delete_webhook(&mut self, id: WebhookId) -> Result<(), Undecided> {
        let slot = &mut self.webhook_slot(id)?.slot;
        slot.row = None;
        slot.is_written = true;
        Ok(())
    }

    /// Returns the body of a webhook.
    pub(super) fn body(&mut self, id: WebhookId) -> Result<Option<&'s [u8]>, Undecided> {
        if let Some(body) = self.known.bodies.get(&id) {
            return Ok(body.as_deref());
        }
        self.missing.bodies.insert(id);
        Err(Undecided::NotLoaded)
    }

    /// Returns the webhook that an event belonged to before the decision.
    pub(super) fn event(&mut self, key: Fingerprint) -> Result<Option<WebhookId>, Undecided> {
        if let Some(webhook) = self.known.events.get(&key) {
            self.read_events.push(key);
            return Ok(*webhook);
        }
        if self.is_optimistic {
            return Ok(None);
        }
        self.missing.events.insert(key);
        Err(Undecided::NotLoaded)
    }

    /// Adds an event, or gives it to another webhook.
    pub(super) fn put_event(&mut self, change: EventChange) {
        self.events.push(change);
    }

    /// Returns the progress of an event.
    pub(super) fn progress(&mut self, key: Fingerprint) -> Result<Option<ProgressRow>, Undecided> {
        if let Some(place) = self.progress_places.get(&key) {
            return Ok(Some(self.progress[*place].1.clone()));
        }
        if let Some(row) = self.known.progress.get(&key) {
            return Ok(row.clone());
        }
        if self.is_optimistic {
            return Ok(None);
        }
        if self.known.events.contains_key(&key) {
            return Ok(None); // It comes with its event.
        }
        self.missing.events.insert(key);
        Err(Undecided::NotLoaded)
    }

    /// Writes the progress of an event. Its webhook is written as well.
    pub(super) fn put_progress(&mut self, key: Fingerprint, row: ProgressRow) {
        if let Some(place) = self.progress_places.get(&key) {
            self.progress[*place].1 = row;
        } else {
            self.progress_places.insert(key, self.progress.len());
            self.progress.push((key, row));
        }
    }

    /// Returns the contacts that have or had an id.
    pub(super) fn holders(&mut self, key: &IdKey) -> Result<Vec<ContactId>, Undecided> {
        if let Some(holders) = self.holders.get(key) {
            return Ok(holders.clone());
        }
        let Some(holders) = self.known.holders.get(key) else {
            self.missing.ids.insert(key.clone());
            return Err(Undecided::NotLoaded);
        };
        self.holders.insert(key.clone(), holders.clone());
        Ok(holders.clone())
    }

    fn contact_slot(&mut self, id: ContactId) -> Result<&mut Slot<ContactRow>, Undecided> {
        use std::collections::btree_map::Entry;
        match self.contacts.entry(id) {
            Entry::Occupied(slot) => Ok(slot.into_mut()),
            Entry::Vacant(vacant) => {
                if let Some(stored) = self.known.contacts.get(&id) {
                    return Ok(vacant.insert(Slot::of(stored.as_ref())));
                }
                self.missing.contacts.insert(id);
                Err(Undecided::NotLoaded)
            }
        }
    }

    /// Returns a contact.
    pub(super) fn contact(&mut self, id: ContactId) -> Result<Option<&ContactRow>, Undecided> {
        Ok(self.contact_slot(id)?.row.as_ref())
    }

    /// Adds a contact or writes one that is there.
    pub(super) fn put_contact(&mut self, id: ContactId, row: ContactRow) {
        for held in &row.ids {
            let key = IdKey {
                tenant: row.tenant.clone(),
                kind: held.kind,
                id: Arc::clone(&held.id),
            };
            // An id that was not loaded is one that the row had before.
            let Some(known) = self.known.holders.get(&key) else {
                continue;
            };
            let holders = self.holders.entry(key).or_insert_with(|| known.clone());
            if !holders.contains(&id) {
                holders.push(id);
                holders.sort_unstable();
            }
        }
        let slot = self.contacts.entry(id).or_insert_with(|| Slot {
            seen: self.known.contacts.get(&id).and_then(|stored| {
                let stored = stored.as_ref()?;
                Some(stored.version)
            }),
            row: None,
            is_written: true,
        });
        slot.row = Some(row);
        slot.is_written = true;
    }

    /// Makes a contact part of another one, which is written as well.
    pub(super) fn merge_contact(
        &mut self,
        from: ContactId,
        into: ContactId,
    ) -> Result<(), Undecided> {
        for holders in self.holders.values_mut() {
            holders.retain(|holder| *holder != from);
        }
        for slot in &mut self.messages {
            if let Some(new) = &mut slot.new
                && new.contact == Some(from)
            {
                new.contact = Some(into);
            }
        }
        let slot = self.contact_slot(from)?;
        slot.row = None;
        match slot.seen {
            Some(version) => {
                slot.is_written = true;
                self.merges.push(Merge::new(from, version, into));
            }
            // It was new in this decision.
            None => _ = self.contacts.remove(&from),
        }
        Ok(())
    }

    fn message_slot(
        &mut self,
        key: MessageKey,
        is_probably_new: bool,
    ) -> Result<&mut MessageSlot<'a>, Undecided> {
        let vacant = match self.message_places.entry(key) {
            Entry::Occupied(place) => return Ok(&mut self.messages[*place.get()]),
            Entry::Vacant(vacant) => vacant,
        };
        let stored = match self.known.messages.get(vacant.key()) {
            Some(stored) => stored.as_ref(),
            None if is_probably_new && self.is_optimistic => None,
            None => {
                self.missing.messages.insert(vacant.into_key());
                return Err(Undecided::NotLoaded);
            }
        };
        let (place, key) = (self.messages.len(), vacant.key().clone());
        vacant.insert(place);
        self.messages.push(MessageSlot {
            key,
            seen: stored.map(|stored| stored.version),
            state: stored.map(|stored| stored.row.clone()),
            new: None,
            status_at: None,
        });
        Ok(&mut self.messages[place])
    }

    /// Returns the state of a message that may be stored.
    pub(super) fn message(&mut self, key: &MessageKey) -> Result<Option<MessageState>, Undecided> {
        Ok(self.message_slot(key.clone(), false)?.state.clone())
    }

    /// Stores the message that `decide` makes of its state in the store, if it makes one.
    pub(super) fn put_message(
        &mut self,
        key: MessageKey,
        decide: impl FnOnce(Option<&MessageState>) -> Option<NewMessage<'a>>,
    ) -> Result<(), Undecided> {
        let slot = self.message_slot(key, true)?;
        if let Some(new) = decide(slot.state.as_ref()) {
            slot.state = Some(MessageState::new(true, new.is_unread, new.status.clone()));
            slot.new = Some(new);
        }
        Ok(())
    }

    /// Sets the status of a message.
    pub(super) fn put_status(
        &mut self,
        key: &MessageKey,
        status: &MessageStatus,
        at: Timestamp,
    ) -> Result<(), Undecided> {
        let slot = self.message_slot(key.clone(), false)?;
        let state = slot
            .state
            .get_or_insert(MessageState::new(false, false, None));
        state.status = Some(status.clone());
        match &mut slot.new {
            Some(new) => new.status = Some(status.clone()),
            None => slot.status_at = Some(at),
        }
        Ok(())
    }

    /// Marks the messages of a conversation as read.
    pub(super) fn mark_read(&mut self, key: ConversationKey) {
        self.read_conversations.push(key);
    }

    fn signup_slot(&mut self, key: &SignupKey) -> Result<&mut Slot<Signup>, Undecided> {
        match self.signups.entry(key.clone()) {
            Entry::Occupied(slot) => Ok(slot.into_mut()),
            Entry::Vacant(vacant) => {
                if let Some(stored) = self.known.signups.get(key) {
                    return Ok(vacant.insert(Slot::of(stored.as_ref())));
                }
                self.missing.signups.insert(key.clone());
                Err(Undecided::NotLoaded)
            }
        }
    }

    /// Returns a signup.
    pub(super) fn signup(&mut self, key: &SignupKey) -> Result<Option<Signup>, Undecided> {
        Ok(self.signup_slot(key)?.row.clone())
    }

    /// Adds a signup, or replaces the one that is there but for its subscriber count.
    pub(super) fn put_signup(&mut self, key: &SignupKey, row: Signup) -> Result<(), Undecided> {
        let slot = self.signup_slot(key)?;
        slot.row = Some(row);
        slot.is_written = true;
        Ok(())
    }

    /// Counts one more subscriber of a signup, if it is there, and returns it.
    pub(super) fn count_subscriber(
        &mut self,
        key: &SignupKey,
    ) -> Result<Option<Signup>, Undecided> {
        let row = &mut self.signup_slot(key)?.row;
        let Some(signup) = row else { return Ok(None) };
        signup.subscriber_count += 1;
        let signup = signup.clone();
        self.subscribers.push(key.clone());
        Ok(Some(signup))
    }

    fn is_unchanged(&self) -> bool {
        self.numbers.is_empty()
            && self
                .webhooks
                .values()
                .all(|webhook| !webhook.slot.is_written)
            && self.events.is_empty()
            && self.progress.is_empty()
            && self.contacts.values().all(|slot| !slot.is_written)
            && (self.messages.iter()).all(|slot| slot.new.is_none() && slot.status_at.is_none())
            && self.read_conversations.is_empty()
            && self.signups.values().all(|slot| !slot.is_written)
            && self.subscribers.is_empty()
    }

    fn into_changes(self) -> Changes<'a> {
        let mut changes = Changes {
            moment: self.known.moment,
            numbers: self.numbers.into_iter().collect(),
            merges: self.merges,
            read_conversations: self.read_conversations,
            subscribers: self.subscribers,
            progress: self.progress,
            ..Changes::default()
        };
        let reads = &mut changes.reads;
        for (id, WebhookSlot { slot, body }) in self.webhooks {
            changes
                .webhooks
                .push(match (slot.is_written, slot.seen, slot.row) {
                    (true, None, Some(row)) => WebhookChange::Add { id, row, body },
                    (true, Some(version), Some(row)) => WebhookChange::Put { id, version, row },
                    (true, Some(version), None) => WebhookChange::Delete { id, version },
                    (true, None, None) | (false, ..) => {
                        reads.push(Read::Webhook(id, slot.seen));
                        continue;
                    }
                });
        }
        if !self.read_events.is_empty() {
            let written: HashSet<_> = self.events.iter().map(|event| event.key).collect();
            let read = self.read_events.into_iter();
            for key in read.filter(|key| !written.contains(key)) {
                reads.push(Read::Event(key, self.known.events[&key]));
            }
        }
        changes.events = self.events;
        for (key, slot) in self.contacts {
            match slot.row {
                Some(row) if slot.is_written => changes.contacts.push(Put {
                    key,
                    version: slot.seen,
                    row,
                }),
                _ if slot.is_written => {} // It is merged.
                _ => reads.push(Read::Contact(key, slot.seen)),
            }
        }
        for key in self.holders.into_keys() {
            // Contacts that were new in this decision have made new ids.
            let holders = self.known.holders.get(&key);
            reads.push(Read::Holders(key, holders.cloned().unwrap_or_default()));
        }
        for slot in self.messages {
            let (key, version) = (slot.key, slot.seen);
            let status = slot.state.and_then(|state| state.status);
            if let Some(row) = slot.new {
                changes.messages.push(Put { key, version, row });
            } else if let (Some(status), Some(at)) = (status, slot.status_at) {
                let row = NewStatus::new(status, at);
                changes.statuses.push(Put { key, version, row });
            } else {
                reads.push(Read::Message(key, version));
            }
        }
        for (key, slot) in self.signups {
            match slot.row {
                Some(row) if slot.is_written => changes.signups.push(Put {
                    key,
                    version: slot.seen,
                    row,
                }),
                _ => reads.push(Read::Signup(key, slot.seen)),
            }
        }
        changes
    }
}

/// Returns the keys that are not known.
fn keep<C: IntoIterator<Item = K> + FromIterator<K>, K>(
    wanted: C,
    is_known: impl Fn(&K) -> bool,
) -> C {
    wanted.into_iter().filter(|key| !is_known(key)).collect()
}
