//! A decision over the rows of a store: those that it reads, and those that it writes.

mod changes;
mod records;

use std::borrow::Cow;
use std::collections::hash_map::Entry;
use std::collections::{BTreeMap, HashMap, HashSet};
use std::hash::Hash;

use crate::model::{Signup, Timestamp};
use crate::store::{
    CampaignKey, CampaignRow, ContactId, ContactRow, ConversationKey, EventChange, Fingerprint,
    IdKey, LoadQuery, Merge, MessageKey, MessageState, NewMessage, NumberKey, PartitionKey,
    PartitionRow, ProgressRow, SignupKey, Snapshot, StoreError, StoredTurn, Tenant, TurnChange,
    TurnPosition, TurnRow, Versioned, WebhookId, WebhookRow,
};

/// The reason why a decision has ended early.
pub(crate) enum Undecided {
    /// A row is to be loaded first.
    NotLoaded,
    /// The decision is an error.
    Failed(StoreError),
}

impl From<StoreError> for Undecided {
    fn from(error: StoreError) -> Self {
        Self::Failed(error)
    }
}

/// A decision in progress, with the rows that it has read and the rows that it writes.
pub(crate) struct Draft<'a, 's> {
    known: &'s Snapshot,
    /// `true` if events and messages that are not loaded count as new.
    is_optimistic: bool,
    /// `true` if an earlier attempt may have been committed.
    is_uncertain: bool,
    /// `true` if nothing is written.
    is_abandoned: bool,
    missing: LoadQuery,
    numbers: HashMap<NumberKey, Tenant>,
    webhooks: BTreeMap<WebhookId, WebhookSlot<'a, 's>>,
    read_events: Vec<Fingerprint>,
    events: Vec<EventChange>,
    /// In the order of the writes, which is the order of dead letters.
    progress: Vec<(Fingerprint, ProgressRow)>,
    progress_indexes: HashMap<Fingerprint, usize>,
    turns: Vec<TurnChange>,
    /// The last turns of partitions, with those that the decision adds.
    partitions: HashMap<PartitionKey, PartitionRow>,
    contacts: BTreeMap<ContactId, Slot<'s, ContactRow>>,
    holders: HashMap<IdKey, Holders<'s>>,
    merges: Vec<Merge>,
    deleted_contacts: Vec<(ContactId, i64)>,
    messages: Vec<MessageSlot<'a>>,
    deleted_messages: Vec<MessageKey>,
    message_indexes: HashMap<MessageKey, usize>,
    read_conversations: Vec<ConversationKey>,
    signups: HashMap<SignupKey, Slot<'s, Signup>>,
    subscribers: Vec<SignupKey>,
    campaigns: HashMap<CampaignKey, Slot<'s, CampaignRow>>,
    refusals: Vec<CampaignKey>,
}

/// A row in the state of the decision.
struct Slot<'s, R: Clone> {
    /// The version in the store; `None` if the row is not stored.
    seen: Option<i64>,
    /// The row; `None` if it is not stored or was deleted.
    row: Option<Cow<'s, R>>,
    is_written: bool,
}

/// The contacts that have or had an id, in the store and in the decision.
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

/// Returns the slot of a key, or requests the row if it is not loaded.
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

impl<'s> Holders<'s> {
    fn of(seen: &'s [ContactId]) -> Self {
        let now = Cow::Borrowed(seen);
        Self { seen, now }
    }
}

impl<'a, 's> Draft<'a, 's> {
    pub(crate) fn new(known: &'s Snapshot, is_optimistic: bool, is_uncertain: bool) -> Self {
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
            progress_indexes: HashMap::new(),
            turns: Vec::new(),
            partitions: HashMap::new(),
            contacts: BTreeMap::new(),
            holders: HashMap::with_capacity(known.holders.len()),
            merges: Vec::new(),
            deleted_contacts: Vec::new(),
            messages: Vec::new(),
            deleted_messages: Vec::new(),
            message_indexes: HashMap::new(),
            read_conversations: Vec::new(),
            signups: HashMap::new(),
            subscribers: Vec::new(),
            campaigns: HashMap::new(),
            refusals: Vec::new(),
        }
    }

    /// Returns the rows that are to be loaded.
    pub(crate) fn into_missing(self) -> LoadQuery {
        self.missing
    }

    /// Reserves capacity for new events with their messages.
    pub(crate) fn reserve(&mut self, events: usize) {
        self.events.reserve(events);
        self.messages.reserve(events);
        self.message_indexes.reserve(events);
    }

    /// Returns the number of ids that are loaded.
    pub(crate) fn loaded_ids(&self) -> usize {
        self.known.holders.len()
    }

    /// Returns the time of the store at the last load, in milliseconds since 1970; 0 before.
    pub(crate) fn now(&self) -> i64 {
        self.known.now
    }

    /// Returns whether this is an optimistic first attempt, in which events and messages that are
    /// not loaded count as new.
    pub(crate) fn is_optimistic(&self) -> bool {
        self.is_optimistic
    }

    /// Returns whether an earlier attempt may have been committed, so that this attempt may find
    /// its own rows.
    pub(crate) fn is_uncertain(&self) -> bool {
        self.is_uncertain
    }

    /// Requests the row of an event, unless it is loaded.
    pub(crate) fn request_event(&mut self, key: Fingerprint) {
        if !self.known.events.contains_key(&key) {
            self.missing.events.insert(key);
        }
    }

    /// Requests a webhook, unless it is loaded.
    pub(crate) fn request_webhook(&mut self, id: WebhookId) {
        if !self.known.webhooks.contains_key(&id) {
            self.missing.webhooks.insert(id);
        }
    }

    /// Requests a partition, unless it is loaded. In an optimistic attempt a partition that is not
    /// loaded counts as empty.
    pub(crate) fn request_partition(&mut self, key: PartitionKey) {
        if !self.is_optimistic && !self.known.partitions.contains_key(&key) {
            self.missing.partitions.insert(key);
        }
    }

    /// Requests the turns of a webhook, unless they are loaded.
    pub(crate) fn request_turns(&mut self, id: WebhookId) {
        if !self.known.turns.contains_key(&id) {
            self.missing.turns.insert(id);
        }
    }

    /// Requests a message, unless it is loaded.
    pub(crate) fn request_message(&mut self, key: MessageKey) {
        if !self.known.messages.contains_key(&key) {
            self.missing.messages.insert(key);
        }
    }

    /// Requests an id with its contacts, unless it is loaded.
    pub(crate) fn request_id(&mut self, key: IdKey) {
        if !self.known.holders.contains_key(&key) {
            self.missing.ids.insert(key);
        }
    }

    /// Requests a signup, unless it is loaded.
    pub(crate) fn request_signup(&mut self, key: SignupKey) {
        if !self.known.signups.contains_key(&key) {
            self.missing.signups.insert(key);
        }
    }

    /// Requests a campaign, unless it is loaded.
    pub(crate) fn request_campaign(&mut self, key: CampaignKey) {
        if !self.known.campaigns.contains_key(&key) {
            self.missing.campaigns.insert(key);
        }
    }

    /// Ends the run if requested rows are missing. A decision that needs many rows requests all of
    /// them before it reads the first, so that one load gets them.
    pub(crate) fn load_requested(&mut self) -> Result<(), Undecided> {
        if self.missing.is_empty() {
            return Ok(());
        }
        Err(Undecided::NotLoaded)
    }

    /// Returns the tenant of a number if it has one.
    pub(crate) fn tenant(&mut self, number: &NumberKey) -> Result<Option<Tenant>, Undecided> {
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
    pub(crate) fn add_number(&mut self, number: NumberKey, tenant: Tenant) {
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
    pub(crate) fn webhook(&mut self, id: WebhookId) -> Result<Option<WebhookRow>, Undecided> {
        Ok(self.webhook_slot(id)?.slot.row().cloned())
    }

    /// Returns a webhook with its version once the decision is committed.
    pub(crate) fn webhook_after(
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

    /// Adds a new webhook.
    pub(crate) fn add_webhook(&mut self, id: WebhookId, row: WebhookRow, body: &'a [u8]) {
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

    /// Updates a stored webhook.
    pub(crate) fn put_webhook(&mut self, id: WebhookId, row: WebhookRow) -> Result<(), Undecided> {
        self.webhook_slot(id)?.slot.put(Some(row));
        Ok(())
    }

    /// Deletes a stored webhook.
    pub(crate) fn delete_webhook(&mut self, id: WebhookId) -> Result<(), Undecided> {
        self.webhook_slot(id)?.slot.put(None);
        Ok(())
    }

    /// Updates a stored webhook and replaces its body.
    pub(crate) fn replace_webhook(
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
    pub(crate) fn abandon(&mut self) {
        self.is_abandoned = true;
    }

    /// Returns the body of a webhook.
    pub(crate) fn body(&mut self, id: WebhookId) -> Result<Option<&'s [u8]>, Undecided> {
        if let Some(body) = self.known.bodies.get(&id) {
            return Ok(body.as_deref());
        }
        self.missing.bodies.insert(id);
        Err(Undecided::NotLoaded)
    }

    /// Returns the webhook that an event belonged to before the decision.
    pub(crate) fn event(&mut self, key: Fingerprint) -> Result<Option<WebhookId>, Undecided> {
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

    /// Adds an event, or assigns it to another webhook.
    pub(crate) fn put_event(&mut self, change: EventChange) {
        self.events.push(change);
    }

    /// Returns the progress of an event.
    pub(crate) fn progress(&mut self, key: Fingerprint) -> Result<Option<ProgressRow>, Undecided> {
        if let Some(index) = self.progress_indexes.get(&key) {
            return Ok(Some(self.progress[*index].1.clone()));
        }
        if let Some(row) = self.known.progress.get(&key) {
            return Ok(row.clone());
        }
        if self.is_optimistic {
            return Ok(None);
        }
        if self.known.events.contains_key(&key) {
            return Ok(None); // It is loaded with its event.
        }
        self.missing.events.insert(key);
        Err(Undecided::NotLoaded)
    }

    /// Writes the progress of an event. The caller writes its webhook as well.
    pub(crate) fn put_progress(&mut self, key: Fingerprint, row: ProgressRow) {
        if let Some(index) = self.progress_indexes.get(&key) {
            self.progress[*index].1 = row;
        } else {
            self.progress_indexes.insert(key, self.progress.len());
            self.progress.push((key, row));
        }
    }

    /// Returns a partition if it has turns.
    pub(crate) fn partition(
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
    pub(crate) fn turns(&mut self, id: WebhookId) -> Result<&'s [StoredTurn], Undecided> {
        if let Some(turns) = self.known.turns.get(&id) {
            return Ok(turns);
        }
        self.missing.turns.insert(id);
        Err(Undecided::NotLoaded)
    }

    /// Adds a turn behind the last one of its partition.
    pub(crate) fn add_turn(&mut self, row: TurnRow, last: Option<PartitionRow>) {
        let is_shared = last.is_some_and(|last| last.has_others(row.position.webhook));
        let last = PartitionRow::new(row.position, is_shared);
        self.partitions.insert(row.partition, last);
        self.turns.push(TurnChange::Insert(row));
    }

    /// Ends a turn, which `next` follows.
    pub(crate) fn end_turn(
        &mut self,
        partition: PartitionKey,
        position: TurnPosition,
        next: Option<i64>,
    ) {
        self.turns.push(TurnChange::Delete {
            partition,
            position,
            next,
        });
    }
}
