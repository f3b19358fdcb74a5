//! A decision over the rows of a store: those that it reads, and those that it writes.

use std::borrow::Cow;
use std::collections::hash_map::Entry;
use std::collections::{BTreeMap, HashMap, HashSet};
use std::hash::Hash;
use std::sync::Arc;

use crate::model::{MessageStatus, Signup, Timestamp};
use crate::store::{
    CampaignKey, CampaignRow, Changes, ContactId, ContactRow, ConversationKey, EventChange,
    Fingerprint, IdKey, LoadQuery, Merge, MessageKey, MessageState, NewMessage, NewStatus,
    NumberKey, PartitionKey, PartitionRow, ProgressRow, Put, Read, SignupKey, Snapshot, StoreError,
    StoredTurn, Tenant, TurnChange, TurnPlace, TurnRow, Versioned, WebhookChange, WebhookId,
    WebhookRow,
};

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

/// A decision in progress: the rows that it has read, and those that it writes.
pub(super) struct Draft<'a, 's> {
    known: &'s Snapshot,
    /// Whether events and messages that are not loaded count as new.
    is_optimistic: bool,
    /// Whether an earlier attempt may have been committed.
    is_uncertain: bool,
    /// Whether nothing is written.
    is_abandoned: bool,
    missing: LoadQuery,
    numbers: HashMap<NumberKey, Tenant>,
    webhooks: BTreeMap<WebhookId, WebhookSlot<'a, 's>>,
    read_events: Vec<Fingerprint>,
    events: Vec<EventChange>,
    /// In the order in which it is written, which is that of dead letters.
    progress: Vec<(Fingerprint, ProgressRow)>,
    progress_places: HashMap<Fingerprint, usize>,
    turns: Vec<TurnChange>,
    /// The last turns of partitions, with those that the decision adds.
    partitions: HashMap<PartitionKey, PartitionRow>,
    contacts: BTreeMap<ContactId, Slot<'s, ContactRow>>,
    holders: HashMap<IdKey, Holders<'s>>,
    merges: Vec<Merge>,
    deleted_contacts: Vec<(ContactId, i64)>,
    messages: Vec<MessageSlot<'a>>,
    deleted_messages: Vec<MessageKey>,
    message_places: HashMap<MessageKey, usize>,
    read_conversations: Vec<ConversationKey>,
    signups: HashMap<SignupKey, Slot<'s, Signup>>,
    subscribers: Vec<SignupKey>,
    campaigns: HashMap<CampaignKey, Slot<'s, CampaignRow>>,
    refusals: Vec<CampaignKey>,
}

/// A row as the decision has it.
struct Slot<'s, R: Clone> {
    /// The version in the store; `None` if it is not there.
    seen: Option<i64>,
    /// The row, unless it is not there or was deleted.
    row: Option<Cow<'s, R>>,
    is_written: bool,
}

/// The contacts that have or had an id.
struct Holders<'s> {
    /// Those in the store.
    seen: &'s [ContactId],
    now: Cow<'s, [ContactId]>,
}

struct WebhookSlot<'a, 's> {
    slot: Slot<'s, WebhookRow>,
    /// The body of a new one.
    body: &'a [u8],
    /// The body that replaces the stored one.
    replaced: Option<Vec<u8>>,
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

impl<'s, R: Clone> Slot<'s, R> {
    fn of(stored: Option<&'s Versioned<R>>) -> Self {
        Self {
            seen: stored.map(|stored| stored.version),
            row: stored.map(|stored| Cow::Borrowed(&stored.row)),
            is_written: false,
        }
    }

    fn row(&self) -> Option<&R> {
        self.row.as_deref()
    }

    fn put(&mut self, row: Option<R>) {
        self.row = row.map(Cow::Owned);
        self.is_written = true;
    }
}

/// Returns the slot of a key, or notes the key if its row is not loaded.
fn slot<'d, 's, K: Clone + Eq + Hash, R: Clone>(
    slots: &'d mut HashMap<K, Slot<'s, R>>,
    known: &'s HashMap<K, Option<Versioned<R>>>,
    missing: &mut HashSet<K>,
    key: &K,
) -> Result<&'d mut Slot<'s, R>, Undecided> {
    match slots.entry(key.clone()) {
        Entry::Occupied(slot) => Ok(slot.into_mut()),
        Entry::Vacant(vacant) => {
            if let Some(stored) = known.get(key) {
                return Ok(vacant.insert(Slot::of(stored.as_ref())));
            }
            missing.insert(vacant.into_key());
            Err(Undecided::NotLoaded)
        }
    }
}

/// Splits slots into the rows that are written and those that were only read.
fn split<K, R: Clone>(
    slots: HashMap<K, Slot<'_, R>>,
    mut read: impl FnMut(K, Option<i64>),
) -> Vec<Put<K, R>> {
    let mut written = Vec::new();
    for (key, slot) in slots {
        match slot.row {
            Some(row) if slot.is_written => written.push(Put {
                key,
                version: slot.seen,
                row: row.into_owned(),
            }),
            _ => read(key, slot.seen),
        }
    }
    written
}

impl<'s> Holders<'s> {
    fn of(seen: &'s [ContactId]) -> Self {
        let now = Cow::Borrowed(seen);
        Self { seen, now }
    }
}

impl<'a, 's> Draft<'a, 's> {
    pub(super) fn new(known: &'s Snapshot, is_optimistic: bool, is_uncertain: bool) -> Self {
        Self {
            known,
            is_optimistic,
            is_uncertain,
            is_abandoned: false,
            missing: LoadQuery::default(),
            numbers: HashMap::new(),
            webhooks: BTreeMap::new(),
            read_events: Vec::new(),
            events: Vec::new(),
            progress: Vec::new(),
            progress_places: HashMap::new(),
            turns: Vec::new(),
            partitions: HashMap::new(),
            contacts: BTreeMap::new(),
            holders: HashMap::with_capacity(known.holders.len()),
            merges: Vec::new(),
            deleted_contacts: Vec::new(),
            messages: Vec::new(),
            deleted_messages: Vec::new(),
            message_places: HashMap::new(),
            read_conversations: Vec::new(),
            signups: HashMap::new(),
            subscribers: Vec::new(),
            campaigns: HashMap::new(),
            refusals: Vec::new(),
        }
    }

    /// Returns the rows that are to be loaded.
    pub(super) fn into_missing(self) -> LoadQuery {
        self.missing
    }

    /// Makes room for new events with their messages.
    pub(super) fn reserve(&mut self, events: usize) {
        self.events.reserve(events);
        self.messages.reserve(events);
        self.message_places.reserve(events);
    }

    /// Returns the number of ids that are loaded.
    pub(super) fn loaded_ids(&self) -> usize {
        self.known.holders.len()
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

    /// Notes an event that is to be loaded, unless it is known.
    pub(super) fn want_event(&mut self, key: Fingerprint) {
        if !self.known.events.contains_key(&key) {
            self.missing.events.insert(key);
        }
    }

    /// Notes a webhook that is to be loaded, unless it is known.
    pub(super) fn want_webhook(&mut self, id: WebhookId) {
        if !self.known.webhooks.contains_key(&id) {
            self.missing.webhooks.insert(id);
        }
    }

    /// Notes a partition that is to be loaded, unless it is known. In the first attempt one that is
    /// not loaded counts as empty.
    pub(super) fn want_partition(&mut self, key: PartitionKey) {
        if !self.is_optimistic && !self.known.partitions.contains_key(&key) {
            self.missing.partitions.insert(key);
        }
    }

    /// Notes a webhook whose turns are to be loaded, unless they are known.
    pub(super) fn want_turns(&mut self, id: WebhookId) {
        if !self.known.turns.contains_key(&id) {
            self.missing.turns.insert(id);
        }
    }

    /// Notes a message that is to be loaded, unless it is known.
    pub(super) fn want_message(&mut self, key: MessageKey) {
        if !self.known.messages.contains_key(&key) {
            self.missing.messages.insert(key);
        }
    }

    /// Notes an id that is to be loaded with its contacts, unless it is known.
    pub(super) fn want_id(&mut self, key: IdKey) {
        if !self.known.holders.contains_key(&key) {
            self.missing.ids.insert(key);
        }
    }

    /// Notes a signup that is to be loaded, unless it is known.
    pub(super) fn want_signup(&mut self, key: SignupKey) {
        if !self.known.signups.contains_key(&key) {
            self.missing.signups.insert(key);
        }
    }

    /// Notes a campaign that is to be loaded, unless it is known.
    pub(super) fn want_campaign(&mut self, key: CampaignKey) {
        if !self.known.campaigns.contains_key(&key) {
            self.missing.campaigns.insert(key);
        }
    }

    /// Has the rows loaded that were noted: a decision that needs many rows notes all of them
    /// before it reads the first.
    pub(super) fn load_wanted(&mut self) -> Result<(), Undecided> {
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

    fn webhook_slot(&mut self, id: WebhookId) -> Result<&mut WebhookSlot<'a, 's>, Undecided> {
        use std::collections::btree_map::Entry;
        match self.webhooks.entry(id) {
            Entry::Occupied(slot) => Ok(slot.into_mut()),
            Entry::Vacant(vacant) => {
                if let Some(stored) = self.known.webhooks.get(&id) {
                    let slot = Slot::of(stored.as_ref());
                    return Ok(vacant.insert(WebhookSlot {
                        slot,
                        body: &[],
                        replaced: None,
                    }));
                }
                self.missing.webhooks.insert(id);
                Err(Undecided::NotLoaded)
            }
        }
    }

    /// Returns a webhook.
    pub(super) fn webhook(&mut self, id: WebhookId) -> Result<Option<WebhookRow>, Undecided> {
        Ok(self.webhook_slot(id)?.slot.row().cloned())
    }

    /// Returns a webhook with its version once the decision is committed.
    pub(super) fn webhook_after(
        &mut self,
        id: WebhookId,
    ) -> Result<Option<Versioned<WebhookRow>>, Undecided> {
        let slot = &self.webhook_slot(id)?.slot;
        let Some(row) = slot.row().cloned() else {
            return Ok(None);
        };
        let version = slot.seen.unwrap_or_default() + i64::from(slot.is_written);
        Ok(Some(Versioned { version, row }))
    }

    /// Adds a webhook that is not there.
    pub(super) fn add_webhook(&mut self, id: WebhookId, row: WebhookRow, body: &'a [u8]) {
        let slot = Slot {
            seen: None,
            row: Some(Cow::Owned(row)),
            is_written: true,
        };
        let replaced = None;
        let slot = WebhookSlot {
            slot,
            body,
            replaced,
        };
        self.webhooks.insert(id, slot);
    }

    /// Writes a webhook that is there.
    pub(super) fn put_webhook(&mut self, id: WebhookId, row: WebhookRow) -> Result<(), Undecided> {
        self.webhook_slot(id)?.slot.put(Some(row));
        Ok(())
    }

    /// Deletes a webhook that is there.
    pub(super) fn delete_webhook(&mut self, id: WebhookId) -> Result<(), Undecided> {
        self.webhook_slot(id)?.slot.put(None);
        Ok(())
    }

    /// Writes a webhook with another body.
    pub(super) fn replace_webhook(
        &mut self,
        id: WebhookId,
        row: WebhookRow,
        body: Vec<u8>,
    ) -> Result<(), Undecided> {
        let webhook = self.webhook_slot(id)?;
        webhook.slot.put(Some(row));
        webhook.replaced = Some(body);
        Ok(())
    }

    /// Ends the decision without a commit.
    pub(super) fn abandon(&mut self) {
        self.is_abandoned = true;
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

    /// Returns a partition, if it has turns.
    pub(super) fn partition(
        &mut self,
        key: PartitionKey,
    ) -> Result<Option<PartitionRow>, Undecided> {
        if let Some(row) = self.partitions.get(&key) {
            return Ok(Some(*row));
        }
        if let Some(row) = self.known.partitions.get(&key) {
            return Ok(*row);
        }
        if self.is_optimistic {
            return Ok(None);
        }
        self.missing.partitions.insert(key);
        Err(Undecided::NotLoaded)
    }

    /// Returns the turns of a webhook as they were before the decision.
    pub(super) fn turns(&mut self, id: WebhookId) -> Result<&'s [StoredTurn], Undecided> {
        if let Some(turns) = self.known.turns.get(&id) {
            return Ok(turns);
        }
        self.missing.turns.insert(id);
        Err(Undecided::NotLoaded)
    }

    /// Adds a turn behind the last one of its partition.
    pub(super) fn add_turn(&mut self, row: TurnRow, last: Option<PartitionRow>) {
        let is_shared = last.is_some_and(|last| last.has_others(row.place.webhook));
        let last = PartitionRow::new(row.place, is_shared);
        self.partitions.insert(row.partition, last);
        self.turns.push(TurnChange::Add(row));
    }

    /// Ends a turn, which `next` follows.
    pub(super) fn end_turn(
        &mut self,
        partition: PartitionKey,
        place: TurnPlace,
        next: Option<i64>,
    ) {
        self.turns.push(TurnChange::End {
            partition,
            place,
            next,
        });
    }

    /// Returns the contacts that have or had an id.
    pub(super) fn holders(&mut self, key: &IdKey) -> Result<&[ContactId], Undecided> {
        match self.holders.entry(key.clone()) {
            Entry::Occupied(holders) => Ok(&holders.into_mut().now),
            Entry::Vacant(vacant) => {
                if let Some(seen) = self.known.holders.get(key) {
                    return Ok(&vacant.insert(Holders::of(seen)).now);
                }
                self.missing.ids.insert(vacant.into_key());
                Err(Undecided::NotLoaded)
            }
        }
    }

    fn contact_slot(&mut self, id: ContactId) -> Result<&mut Slot<'s, ContactRow>, Undecided> {
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
        Ok(self.contact_slot(id)?.row())
    }

    /// Adds a contact or writes one that is there.
    pub(super) fn put_contact(&mut self, id: ContactId, row: ContactRow) {
        for held in &row.ids {
            let key = IdKey {
                tenant: row.tenant.clone(),
                kind: held.kind,
                id: Arc::clone(&held.id),
            };
            let holders = match self.holders.entry(key) {
                Entry::Occupied(holders) => holders.into_mut(),
                Entry::Vacant(vacant) => match self.known.holders.get(vacant.key()) {
                    Some(seen) => vacant.insert(Holders::of(seen)),
                    // An id that was not loaded is one that the row had before.
                    None => continue,
                },
            };
            if !holders.now.contains(&id) {
                let now = holders.now.to_mut();
                now.push(id);
                now.sort_unstable();
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
        slot.put(Some(row));
    }

    /// Makes a contact part of another one, which is written as well.
    pub(super) fn merge_contact(
        &mut self,
        from: ContactId,
        into: ContactId,
    ) -> Result<(), Undecided> {
        for holders in self.holders.values_mut() {
            if holders.now.contains(&from) {
                holders.now.to_mut().retain(|holder| *holder != from);
            }
        }
        for slot in &mut self.messages {
            if let Some(new) = &mut slot.new
                && new.contact == Some(from)
            {
                new.contact = Some(into);
            }
        }
        let slot = self.contact_slot(from)?;
        match slot.seen {
            Some(version) => {
                slot.put(None);
                self.merges.push(Merge::new(from, version, into));
            }
            // It was new in this decision.
            None => _ = self.contacts.remove(&from),
        }
        Ok(())
    }

    /// Deletes a stored contact with all its messages.
    pub(super) fn delete_contact(&mut self, id: ContactId) -> Result<(), Undecided> {
        let slot = self.contact_slot(id)?;
        if let Some(version) = slot.seen {
            slot.put(None);
            self.deleted_contacts.push((id, version));
        }
        Ok(())
    }

    /// Deletes messages and statuses.
    pub(super) fn delete_messages(&mut self, keys: &[MessageKey]) {
        self.deleted_messages.extend_from_slice(keys);
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
            let state = MessageState::new(true, new.is_unread, new.status.clone());
            slot.state = Some(state.in_campaign(new.campaign.clone()));
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

    fn signup_slot(&mut self, key: &SignupKey) -> Result<&mut Slot<'s, Signup>, Undecided> {
        let missing = &mut self.missing.signups;
        slot(&mut self.signups, &self.known.signups, missing, key)
    }

    /// Returns a signup.
    pub(super) fn signup(&mut self, key: &SignupKey) -> Result<Option<Signup>, Undecided> {
        Ok(self.signup_slot(key)?.row().cloned())
    }

    /// Adds a signup, or replaces the one that is there but for its subscriber count.
    pub(super) fn put_signup(&mut self, key: &SignupKey, row: Signup) -> Result<(), Undecided> {
        self.signup_slot(key)?.put(Some(row));
        Ok(())
    }

    /// Counts one more subscriber of a signup, if it is there, and returns it.
    pub(super) fn count_subscriber(
        &mut self,
        key: &SignupKey,
    ) -> Result<Option<Signup>, Undecided> {
        let row = &mut self.signup_slot(key)?.row;
        let Some(row) = row else { return Ok(None) };
        let signup = row.to_mut();
        signup.subscriber_count += 1;
        let signup = signup.clone();
        self.subscribers.push(key.clone());
        Ok(Some(signup))
    }

    fn campaign_slot(
        &mut self,
        key: &CampaignKey,
    ) -> Result<&mut Slot<'s, CampaignRow>, Undecided> {
        let missing = &mut self.missing.campaigns;
        slot(&mut self.campaigns, &self.known.campaigns, missing, key)
    }

    /// Returns a campaign.
    pub(super) fn campaign(
        &mut self,
        key: &CampaignKey,
    ) -> Result<Option<&CampaignRow>, Undecided> {
        Ok(self.campaign_slot(key)?.row())
    }

    /// Returns whether a campaign is there. None is ever deleted, so that one that is there is no
    /// row that the decision used.
    pub(super) fn has_campaign(&mut self, key: &CampaignKey) -> Result<bool, Undecided> {
        if !self.campaigns.contains_key(key)
            && let Some(Some(_)) = self.known.campaigns.get(key)
        {
            return Ok(true);
        }
        Ok(self.campaign(key)?.is_some())
    }

    /// Adds a campaign, or replaces the one that is there but for its number of refusals.
    pub(super) fn put_campaign(
        &mut self,
        key: &CampaignKey,
        row: CampaignRow,
    ) -> Result<(), Undecided> {
        self.campaign_slot(key)?.put(Some(row));
        Ok(())
    }

    /// Counts one more refusal of a campaign that is there, or that the decision adds.
    pub(super) fn count_refusal(&mut self, key: CampaignKey) {
        self.refusals.push(key);
    }

    pub(super) fn is_unchanged(&self) -> bool {
        self.is_abandoned || self.has_no_changes()
    }

    fn has_no_changes(&self) -> bool {
        self.numbers.is_empty()
            && self
                .webhooks
                .values()
                .all(|webhook| !webhook.slot.is_written)
            && self.events.is_empty()
            && self.progress.is_empty()
            && self.turns.is_empty()
            && self.contacts.values().all(|slot| !slot.is_written)
            && (self.messages.iter()).all(|slot| slot.new.is_none() && slot.status_at.is_none())
            && self.deleted_messages.is_empty()
            && self.read_conversations.is_empty()
            && self.signups.values().all(|slot| !slot.is_written)
            && self.subscribers.is_empty()
            && self.campaigns.values().all(|slot| !slot.is_written)
            && self.refusals.is_empty()
    }

    pub(super) fn into_changes(self) -> Changes<'a> {
        let mut changes = Changes {
            moment: self.known.moment,
            numbers: self.numbers.into_iter().collect(),
            merges: self.merges,
            deleted_contacts: self.deleted_contacts,
            deleted_messages: self.deleted_messages,
            read_conversations: self.read_conversations,
            subscribers: self.subscribers,
            refusals: self.refusals,
            progress: self.progress,
            turns: self.turns,
            ..Changes::default()
        };
        let reads = &mut changes.reads;
        for (id, webhook) in self.webhooks {
            let WebhookSlot {
                slot,
                body,
                replaced,
            } = webhook;
            changes.webhooks.push(
                match (slot.is_written, slot.seen, slot.row.map(Cow::into_owned)) {
                    (true, None, Some(row)) => WebhookChange::Add { id, row, body },
                    (true, Some(version), Some(row)) => match replaced {
                        None => WebhookChange::Put { id, version, row },
                        Some(body) => WebhookChange::Replace {
                            id,
                            version,
                            row,
                            body,
                        },
                    },
                    (true, Some(version), None) => WebhookChange::Delete { id, version },
                    (true, None, None) | (false, ..) => {
                        reads.push(Read::Webhook(id, slot.seen));
                        continue;
                    }
                },
            );
        }
        if !changes.progress.is_empty() {
            // A webhook that goes takes its rows of progress along.
            let webhooks = &changes.webhooks;
            let goes = |of| {
                let mut webhooks = webhooks.iter();
                webhooks
                    .any(|change| matches!(change, WebhookChange::Delete { id, .. } if *id == of))
            };
            changes.progress.retain(|(_, row)| !goes(row.webhook));
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
                    row: row.into_owned(),
                }),
                _ if slot.is_written => {} // It is merged or deleted.
                _ => reads.push(Read::Contact(key, slot.seen)),
            }
        }
        let holders = self.holders.into_iter();
        reads.extend(holders.map(|(key, holders)| Read::Holders(key, holders.seen.to_vec())));
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
        let read = |key, seen| reads.push(Read::Signup(key, seen));
        changes.signups = split(self.signups, read);
        let read = |key, seen| reads.push(Read::Campaign(key, seen));
        changes.campaigns = split(self.campaigns, read);
        changes
    }
}
