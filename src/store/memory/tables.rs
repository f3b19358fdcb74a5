//! All tables of a store: loads, commits and maintenance.

use std::collections::BTreeMap;

use super::contacts::ContactTable;
use super::messages::MessageTable;
use super::turns::TurnTable;
use super::webhooks::{LAST, WebhookTable};
use crate::model::Signup;
use crate::store::error::{check_version, conflict};
use crate::store::{
    CampaignKey, CampaignMessages, CampaignRow, Changes, Lease, LeaseQuery, LeasedPage, LoadQuery,
    MessageQuery, MessageScan, NumberKey, Prune, Pruned, ReadRow, ScannedMessages, Scope,
    SignupKey, Snapshot, StoreError, StoredMessage, Tenant, Unread, UnreadQuery, Upsert, Versioned,
};

/// All rows of a store.
pub(super) struct Tables {
    bound: usize,
    /// The number of changes.
    revision: i64,
    numbers: BTreeMap<NumberKey, Tenant>,
    pub(super) webhooks: WebhookTable,
    turns: TurnTable,
    contacts: ContactTable,
    messages: MessageTable,
    signups: CounterTable<SignupKey, Signup>,
    campaigns: CounterTable<CampaignKey, CampaignRow>,
}

impl Tables {
    pub(super) fn new(bound: usize) -> Self {
        Self {
            bound,
            revision: 0,
            numbers: BTreeMap::new(),
            webhooks: WebhookTable::default(),
            turns: TurnTable::default(),
            contacts: ContactTable::default(),
            messages: MessageTable::default(),
            signups: CounterTable::default(),
            campaigns: CounterTable::default(),
        }
    }

    pub(super) fn load(&mut self, query: &LoadQuery, now: i64) -> Snapshot {
        let mut found = Snapshot {
            now,
            revision: Some(self.revision),
            ..Snapshot::with_capacity_for(query)
        };
        for number in &query.numbers {
            let tenant = self.numbers.get(number).cloned();
            found.numbers.insert(number.clone(), tenant);
        }
        for key in &query.events {
            let webhook = self.webhooks.event(key);
            found.events.insert(*key, webhook);
            if let Some(id) = webhook {
                found.progress.insert(*key, self.webhooks.progress(key));
                found.webhooks.insert(id, self.webhooks.webhook(id));
            }
        }
        for id in &query.webhooks {
            found.webhooks.insert(*id, self.webhooks.webhook(*id));
        }
        for id in &query.bodies {
            found.bodies.insert(*id, self.webhooks.body(*id));
        }
        for key in &query.partitions {
            found.partitions.insert(*key, self.turns.partition(*key));
        }
        for id in &query.turns {
            found.turns.insert(*id, self.turns.of_webhook(*id));
        }
        for key in &query.messages {
            found.messages.insert(key.clone(), self.messages.state(key));
        }
        for key in &query.ids {
            let holders = self.contacts.holders(key);
            for id in &holders {
                found.contacts.insert(*id, self.contacts.load(*id));
            }
            found.holders.insert(key.clone(), holders);
        }
        for id in &query.contacts {
            found.contacts.insert(*id, self.contacts.load(*id));
        }
        for key in &query.signups {
            found.signups.insert(key.clone(), self.signups.load(key));
        }
        for key in &query.campaigns {
            found
                .campaigns
                .insert(key.clone(), self.campaigns.load(key));
        }
        found
    }

    /// Checks the changes, and then writes them, which cannot fail.
    pub(super) fn commit(&mut self, changes: &Changes<'_>, now: i64) -> Result<(), StoreError> {
        if changes.revision != Some(self.revision) {
            changes
                .reads
                .iter()
                .try_for_each(|read| self.check_read(read))?;
        }
        for (number, _) in &changes.numbers {
            if self.numbers.contains_key(number) {
                return Err(conflict("a number has a tenant"));
            }
        }
        self.turns.validate(changes)?;
        self.contacts.validate(changes)?;
        self.messages.validate(changes)?;
        self.signups.validate(&changes.signups, "a signup")?;
        self.campaigns.validate(&changes.campaigns, "a campaign")?;
        // Last, because a new decision after a conflict may need fewer rows.
        self.webhooks.validate(changes, self.bound)?;

        if !changes.is_empty() {
            self.revision += 1;
        }
        self.numbers.extend(changes.numbers.iter().cloned());
        self.webhooks.apply(changes, self.bound, now);
        self.turns.apply(changes);
        self.contacts.apply(changes, self.bound);
        self.messages.apply(changes, self.bound);
        self.signups.apply(&changes.signups, &changes.subscribers);
        self.campaigns.apply(&changes.campaigns, &changes.refusals);
        Ok(())
    }

    fn check_read(&self, read: &ReadRow) -> Result<(), StoreError> {
        match read {
            ReadRow::Webhook(id, seen) => check_version(
                self.webhooks.webhook_version(*id),
                *seen,
                "a webhook that was read",
            ),
            ReadRow::Event(key, seen) if self.webhooks.event(key) != *seen => {
                Err(conflict("an event that was read"))
            }
            ReadRow::Contact(id, seen) => {
                check_version(self.contacts.version(*id), *seen, "a contact that was read")
            }
            ReadRow::Holders(key, seen) if self.contacts.holders(key) != *seen => {
                Err(conflict("an id that was read"))
            }
            ReadRow::Message(key, seen) => {
                check_version(self.messages.version(key), *seen, "a message that was read")
            }
            ReadRow::Signup(key, seen) => {
                check_version(self.signups.version(key), *seen, "a signup that was read")
            }
            ReadRow::Campaign(key, seen) => check_version(
                self.campaigns.version(key),
                *seen,
                "a campaign that was read",
            ),
            ReadRow::Event(..) | ReadRow::Holders(..) => Ok(()),
        }
    }

    pub(super) fn lease_due(&mut self, lease: Lease, query: LeaseQuery, now: i64) -> LeasedPage {
        self.revision += 1;
        self.webhooks.lease_due(lease, query, now)
    }

    pub(super) fn messages(&self, query: &MessageQuery) -> Vec<StoredMessage> {
        match query {
            MessageQuery::Wamid { scope, id } => self
                .messages
                .with_wamid(id, |number| self.is_in(scope, number)),
            MessageQuery::Replies { scope, id } => self
                .messages
                .replies(id, |number| self.is_in(scope, number)),
            MessageQuery::Conversation { key, before, limit } => {
                self.messages.conversation(key, before.as_ref(), *limit)
            }
        }
    }

    /// Returns the messages of a step.
    pub(super) fn scan_messages(&self, step: &MessageScan) -> ScannedMessages {
        let contacts = &self.contacts;
        self.messages
            .scan(step, |contact| contacts.get(contact).is_some())
    }

    pub(super) fn unread(&self, query: &UnreadQuery) -> Vec<Unread> {
        let counts = self
            .messages
            .unread(query.contact, |number| self.is_in(&query.scope, number));
        let rows = counts.into_iter().filter_map(|(id, count)| {
            let row = self.contacts.get(id)?.clone();
            Some(Unread { id, row, count })
        });
        rows.collect()
    }

    /// Returns true if a number belongs to a scope.
    fn is_in(&self, scope: &Scope, number: &NumberKey) -> bool {
        match scope {
            Scope::All => true,
            Scope::Tenant(tenant) => self.numbers.get(number) == Some(tenant),
            Scope::Number(only) => number == only,
        }
    }

    pub(super) fn signups(&self, tenant: &Tenant) -> Vec<Signup> {
        let stored = self.signups.iter();
        let stored = stored.filter(|(key, _)| key.tenant == *tenant);
        stored.map(|(_, signup)| signup.clone()).collect()
    }

    pub(super) fn campaigns(&self, tenant: Option<&Tenant>) -> Vec<(CampaignKey, CampaignRow)> {
        let stored = self.campaigns.iter();
        let stored = stored.filter(|(key, _)| tenant.is_none_or(|tenant| key.tenant == *tenant));
        stored
            .map(|(key, row)| (key.clone(), row.clone()))
            .collect()
    }

    pub(super) fn campaign_messages(&self, campaigns: &[CampaignKey]) -> Vec<CampaignMessages> {
        let messages = campaigns.iter().map(|key| {
            let is_in = |number: &NumberKey| self.numbers.get(number) == Some(&key.tenant);
            self.messages.of_campaign(&key.id, is_in)
        });
        messages.collect()
    }

    pub(super) fn numbers(&self) -> Vec<(NumberKey, Tenant)> {
        let numbers = self.numbers.iter();
        numbers
            .map(|(number, tenant)| (number.clone(), tenant.clone()))
            .collect()
    }

    pub(super) fn prune(&mut self, step: &Prune) -> Pruned {
        self.revision += 1;
        // A step scans at least one row, so that the steps end.
        let limit = step.limit.max(1);
        let (scanned, mut pruned) = self.webhooks.prune_events(step, limit);
        let mut remaining = limit - scanned;
        if remaining == 0 {
            return pruned;
        }
        // All events are scanned.
        let webhooks = self.webhooks.prune_webhooks(step.before, remaining);
        remaining -= webhooks;
        let statuses = self.messages.prune(step.before, remaining);
        remaining -= statuses;
        let webhook_table = &self.webhooks;
        let turns = self.turns.prune(|id| webhook_table.is_open(id), remaining);
        remaining -= turns;
        pruned.rows += webhooks + statuses + turns;
        if remaining == 0 {
            pruned.next = Some(LAST);
        }
        pruned
    }
}

/// A row with a counter: a signup with its subscribers, a campaign with its refusals.
trait CounterRow: Clone {
    fn counter(&mut self) -> &mut u64;
}

impl CounterRow for Signup {
    fn counter(&mut self) -> &mut u64 {
        &mut self.subscriber_count
    }
}

impl CounterRow for CampaignRow {
    fn counter(&mut self) -> &mut u64 {
        &mut self.refused
    }
}

struct CounterTable<K, R>(BTreeMap<K, Versioned<R>>);

impl<K, R> Default for CounterTable<K, R> {
    fn default() -> Self {
        Self(BTreeMap::new())
    }
}

impl<K: Clone + Ord, R: CounterRow> CounterTable<K, R> {
    fn load(&self, key: &K) -> Option<Versioned<R>> {
        self.0.get(key).cloned()
    }

    fn version(&self, key: &K) -> Option<i64> {
        self.0.get(key).map(|stored| stored.version)
    }

    /// Returns the rows in the order of their keys.
    fn iter(&self) -> impl Iterator<Item = (&K, &R)> {
        self.0.iter().map(|(key, stored)| (key, &stored.row))
    }

    fn validate(&self, rows: &[Upsert<K, R>], name: &'static str) -> Result<(), StoreError> {
        let mut rows = rows.iter();
        rows.try_for_each(|put| check_version(self.version(&put.key), put.version, name))
    }

    /// Writes rows, which keep the counters of existing rows, and then increments counters.
    fn apply(&mut self, rows: &[Upsert<K, R>], counted: &[K]) {
        for put in rows {
            let mut row = put.row.clone();
            let version = put.version.unwrap_or(0) + 1;
            if let Some(stored) = self.0.get_mut(&put.key) {
                *row.counter() = *stored.row.counter();
            }
            self.0.insert(put.key.clone(), Versioned { version, row });
        }
        for key in counted {
            if let Some(stored) = self.0.get_mut(key) {
                // The version stays, because an increment conflicts with no other change.
                *stored.row.counter() += 1;
            }
        }
    }
}
