//! The tables as a whole: what is loaded from all of them, and committed to all of them.

use std::collections::BTreeMap;

use super::contacts::Contacts;
use super::counted::CountedRows;
use super::inbox::{Inbox, LAST};
use super::messages::Messages;
use super::turns::Turns;
use super::{check, conflict};
use crate::model::Signup;
use crate::store::{
    CampaignKey, CampaignMessages, CampaignRow, Changes, Lease, LeaseQuery, LeasedPage, LoadQuery,
    MessageQuery, MessageScan, NumberKey, Prune, Pruned, Read, ScannedMessages, Scope, SignupKey,
    Snapshot, StoreError, StoredMessage, Tenant, Unread, UnreadQuery,
};

/// All rows of a store.
pub(super) struct Tables {
    bound: usize,
    /// The number of changes so far.
    moment: i64,
    numbers: BTreeMap<NumberKey, Tenant>,
    pub(super) inbox: Inbox,
    turns: Turns,
    contacts: Contacts,
    messages: Messages,
    signups: CountedRows<SignupKey, Signup>,
    campaigns: CountedRows<CampaignKey, CampaignRow>,
}

impl Tables {
    pub(super) fn new(bound: usize) -> Self {
        Self {
            bound,
            moment: 0,
            numbers: BTreeMap::new(),
            inbox: Inbox::default(),
            turns: Turns::default(),
            contacts: Contacts::default(),
            messages: Messages::default(),
            signups: CountedRows::default(),
            campaigns: CountedRows::default(),
        }
    }

    pub(super) fn load(&mut self, wanted: &LoadQuery, now: i64) -> Snapshot {
        let mut found = Snapshot {
            now,
            moment: Some(self.moment),
            ..Snapshot::with_capacity_for(wanted)
        };
        for number in &wanted.numbers {
            let tenant = self.numbers.get(number).cloned();
            found.numbers.insert(number.clone(), tenant);
        }
        for key in &wanted.events {
            let webhook = self.inbox.event(key);
            found.events.insert(*key, webhook);
            if let Some(id) = webhook {
                found.progress.insert(*key, self.inbox.progress(key));
                found.webhooks.insert(id, self.inbox.webhook(id));
            }
        }
        for id in &wanted.webhooks {
            found.webhooks.insert(*id, self.inbox.webhook(*id));
        }
        for id in &wanted.bodies {
            found.bodies.insert(*id, self.inbox.body(*id));
        }
        for key in &wanted.partitions {
            found.partitions.insert(*key, self.turns.partition(*key));
        }
        for id in &wanted.turns {
            found.turns.insert(*id, self.turns.of_webhook(*id));
        }
        for key in &wanted.messages {
            found.messages.insert(key.clone(), self.messages.state(key));
        }
        for key in &wanted.ids {
            let holders = self.contacts.holders(key);
            for id in &holders {
                found.contacts.insert(*id, self.contacts.load(*id));
            }
            found.holders.insert(key.clone(), holders);
        }
        for id in &wanted.contacts {
            found.contacts.insert(*id, self.contacts.load(*id));
        }
        for key in &wanted.signups {
            found.signups.insert(key.clone(), self.signups.load(key));
        }
        for key in &wanted.campaigns {
            found
                .campaigns
                .insert(key.clone(), self.campaigns.load(key));
        }
        found
    }

    /// Checks all that the changes expect, and then writes them, which cannot fail.
    pub(super) fn commit(&mut self, changes: &Changes<'_>, now: i64) -> Result<(), StoreError> {
        if changes.moment != Some(self.moment) {
            changes.reads.iter().try_for_each(|read| self.check(read))?;
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
        // Last, as a commit that is out of date may need no room when it is decided again.
        self.inbox.validate(changes, self.bound)?;

        if !changes.is_empty() {
            self.moment += 1;
        }
        self.numbers.extend(changes.numbers.iter().cloned());
        self.inbox.apply(changes, self.bound, now);
        self.turns.apply(changes);
        self.contacts.apply(changes, self.bound);
        self.messages.apply(changes, self.bound);
        self.signups.apply(&changes.signups, &changes.subscribers);
        self.campaigns.apply(&changes.campaigns, &changes.refusals);
        Ok(())
    }

    fn check(&self, read: &Read) -> Result<(), StoreError> {
        match read {
            Read::Webhook(id, seen) => check(
                self.inbox.webhook_version(*id),
                *seen,
                "a webhook that was read",
            ),
            Read::Event(key, seen) if self.inbox.event(key) != *seen => {
                Err(conflict("an event that was read"))
            }
            Read::Contact(id, seen) => {
                check(self.contacts.version(*id), *seen, "a contact that was read")
            }
            Read::Holders(key, seen) if self.contacts.holders(key) != *seen => {
                Err(conflict("an id that was read"))
            }
            Read::Message(key, seen) => {
                check(self.messages.version(key), *seen, "a message that was read")
            }
            Read::Signup(key, seen) => {
                check(self.signups.version(key), *seen, "a signup that was read")
            }
            Read::Campaign(key, seen) => check(
                self.campaigns.version(key),
                *seen,
                "a campaign that was read",
            ),
            Read::Event(..) | Read::Holders(..) => Ok(()),
        }
    }

    pub(super) fn lease_due(&mut self, lease: Lease, query: LeaseQuery, now: i64) -> LeasedPage {
        self.moment += 1;
        self.inbox.lease_due(lease, query, now)
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

    /// Returns messages of a step. Those of a contact that has made room are in no conversation.
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

    /// Returns whether a number belongs to a part of the store.
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
        self.moment += 1;
        // A step looks at one row at least, so that the steps end.
        let limit = step.limit.max(1);
        let (looked_at, mut pruned) = self.inbox.prune_events(step, limit);
        let mut left = limit - looked_at;
        if left == 0 {
            return pruned;
        }
        // All events have been looked at.
        let webhooks = self.inbox.prune_webhooks(step.before, left);
        left -= webhooks;
        let statuses = self.messages.prune(step.before, left);
        left -= statuses;
        let inbox = &self.inbox;
        let turns = self.turns.prune(|id| inbox.is_open(id), left);
        left -= turns;
        pruned.rows += webhooks + statuses + turns;
        if left == 0 {
            pruned.next = Some(LAST);
        }
        pruned
    }
}
