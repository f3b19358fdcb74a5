//! Reads of the rows that a decision needs.

use std::collections::{BTreeSet, HashMap, HashSet};
use std::hash::Hash;

use super::campaign::{CampaignKey, CampaignRow};
use super::row::{
    ContactId, ContactRow, EventState, Fingerprint, IdKey, MessageKey, MessageState, NumberKey,
    ProgressRow, SignupKey, Tenant, Versioned, WebhookId, WebhookRow,
};
use super::turn::{PartitionKey, PartitionRow, StoredTurn};
use crate::model::Signup;

/// The keys of the rows that a [`load`](super::Store::load) reads.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct LoadQuery {
    /// Numbers, with their tenants.
    pub numbers: BTreeSet<NumberKey>,
    /// Webhooks.
    pub webhooks: BTreeSet<WebhookId>,
    /// Bodies of webhooks.
    pub bodies: BTreeSet<WebhookId>,
    /// Events, with their rows of progress and of their webhooks.
    pub events: HashSet<Fingerprint>,
    /// Partitions, with their last turns.
    pub partitions: HashSet<PartitionKey>,
    /// Webhooks whose turns are read.
    pub turns: BTreeSet<WebhookId>,
    /// States of messages.
    pub messages: HashSet<MessageKey>,
    /// Ids of users, with all contacts that have or had them as ids.
    pub ids: HashSet<IdKey>,
    /// Contacts.
    pub contacts: BTreeSet<ContactId>,
    /// Signups.
    pub signups: HashSet<SignupKey>,
    /// Campaigns.
    pub campaigns: HashSet<CampaignKey>,
}

impl LoadQuery {
    /// Returns true if the query has no keys.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// Returns true if the query has ids of users and no other keys.
    pub(crate) fn has_only_ids(&self) -> bool {
        // Exhaustive, so that a new kind of keys is a compile error.
        let Self {
            numbers,
            webhooks,
            bodies,
            events,
            partitions,
            turns,
            messages,
            ids,
            contacts,
            signups,
            campaigns,
        } = self;
        !ids.is_empty()
            && numbers.is_empty()
            && (webhooks.is_empty() && bodies.is_empty() && turns.is_empty())
            && (events.is_empty() && partitions.is_empty())
            && messages.is_empty()
            && contacts.is_empty()
            && (signups.is_empty() && campaigns.is_empty())
    }
}

/// The rows of a [`LoadQuery`], as of one moment. A key that the query lacks is missing, and `None`
/// means that the row does not exist.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct Snapshot {
    /// The time of the store, in milliseconds since 1970.
    pub now: i64,
    /// A number that changes with every change of the store; `None` if the store has none.
    ///
    /// A commit returns it in [`Changes::revision`](super::Changes::revision). If the store has not
    /// changed since, it need not check rows that were only read.
    pub revision: Option<i64>,
    /// The tenants of numbers.
    pub numbers: HashMap<NumberKey, Option<Tenant>>,
    /// Webhooks.
    pub webhooks: HashMap<WebhookId, Option<Versioned<WebhookRow>>>,
    /// Bodies.
    pub bodies: HashMap<WebhookId, Option<Vec<u8>>>,
    /// The webhooks that events belong to.
    pub events: HashMap<Fingerprint, Option<WebhookId>>,
    /// The progress of events.
    pub progress: HashMap<Fingerprint, Option<ProgressRow>>,
    /// The turns of partitions; `None` without any turn.
    pub partitions: HashMap<PartitionKey, Option<PartitionRow>>,
    /// The turns of webhooks.
    pub turns: HashMap<WebhookId, Vec<StoredTurn>>,
    /// The states of messages.
    pub messages: HashMap<MessageKey, Option<Versioned<MessageState>>>,
    /// The contacts that have or had an id, in the order of their ids.
    pub holders: HashMap<IdKey, Vec<ContactId>>,
    /// Contacts.
    pub contacts: HashMap<ContactId, Option<Versioned<ContactRow>>>,
    /// Signups.
    pub signups: HashMap<SignupKey, Option<Versioned<Signup>>>,
    /// Campaigns.
    pub campaigns: HashMap<CampaignKey, Option<Versioned<CampaignRow>>>,
}

impl Snapshot {
    /// Returns true if an event is open, by its row of progress and the row of its webhook: see
    /// [`ProgressRow`].
    pub(crate) fn is_open(&self, event: &Fingerprint) -> bool {
        let webhook = self.events.get(event).copied().flatten();
        let webhook = webhook.and_then(|id| self.webhooks.get(&id)?.as_ref());
        let progress = self.progress.get(event).and_then(Option::as_ref);
        webhook.is_some_and(|webhook| webhook.row.open > 0)
            && progress.is_none_or(|progress| progress.state == EventState::Open)
    }

    /// Creates an empty snapshot with capacity for the rows of a query.
    #[must_use]
    pub fn with_capacity_for(query: &LoadQuery) -> Self {
        Self {
            events: HashMap::with_capacity(query.events.len()),
            messages: HashMap::with_capacity(query.messages.len()),
            holders: HashMap::with_capacity(query.ids.len()),
            contacts: HashMap::with_capacity(query.ids.len() + query.contacts.len()),
            ..Self::default()
        }
    }

    fn is_empty(&self) -> bool {
        self.numbers.is_empty()
            && self.webhooks.is_empty()
            && self.bodies.is_empty()
            && self.events.is_empty()
            && self.partitions.is_empty()
            && self.turns.is_empty()
            && self.messages.is_empty()
            && self.holders.is_empty()
            && self.contacts.is_empty()
            && self.signups.is_empty()
            && self.campaigns.is_empty()
    }

    /// Adds the rows of a later snapshot, which replace existing ones.
    pub(crate) fn extend(&mut self, later: Self) {
        // Rows that were only read are checked against the older revision.
        self.revision = if self.is_empty() {
            later.revision
        } else {
            self.revision.min(later.revision)
        };
        self.now = self.now.max(later.now);
        extend(&mut self.numbers, later.numbers);
        extend(&mut self.webhooks, later.webhooks);
        extend(&mut self.bodies, later.bodies);
        extend(&mut self.events, later.events);
        extend(&mut self.progress, later.progress);
        extend(&mut self.partitions, later.partitions);
        extend(&mut self.turns, later.turns);
        extend(&mut self.messages, later.messages);
        extend(&mut self.holders, later.holders);
        extend(&mut self.contacts, later.contacts);
        extend(&mut self.signups, later.signups);
        extend(&mut self.campaigns, later.campaigns);
    }
}

/// Adds rows. An empty map is replaced as a whole, without hashing a key.
fn extend<K: Eq + Hash, V>(rows: &mut HashMap<K, V>, later: HashMap<K, V>) {
    if rows.is_empty() {
        *rows = later;
    } else {
        rows.extend(later);
    }
}
