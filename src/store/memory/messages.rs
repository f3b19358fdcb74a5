//! The table of messages and its indexes.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::ops::Bound::{Excluded, Included};
use std::sync::Arc;

use crate::model::{CampaignId, Message, MessageId, MessageStatus, RawJson, Timestamp};
use crate::store::error::check_version;
use crate::store::{
    CampaignMessages, Changes, ContactId, ConversationKey, MessageKey, MessageScan, MessageState,
    NewMessage, NumberKey, ScanFilter, ScannedMessage, ScannedMessages, StoreError, StoredMessage,
    Versioned,
};

#[derive(Default)]
pub(super) struct MessageTable {
    last: u64,
    /// Rows by the order in which they were first stored. The first one is evicted first.
    rows: BTreeMap<u64, Row>,
    orders: HashMap<MessageId, BTreeMap<NumberKey, u64>>,
    /// Messages by contact, and by contact and number.
    conversations: BTreeSet<ConversationPosition>,
    unread: BTreeMap<(ContactId, NumberKey), BTreeSet<u64>>,
    replies: BTreeMap<MessageId, BTreeSet<u64>>,
    campaigns: BTreeMap<CampaignId, BTreeSet<u64>>,
    /// Statuses without their message.
    statuses_only: BTreeSet<(Timestamp, u64)>,
}

/// The position of a message in the conversation of a contact with one number, or with all numbers.
type ConversationPosition = (ContactId, Option<NumberKey>, Timestamp, u64);

/// A message, a status, or both.
#[derive(Clone)]
struct Row {
    version: i64,
    key: MessageKey,
    message: Option<Arc<Message>>,
    raw_payload: Option<RawJson>,
    status: Option<MessageStatus>,
    contact: Option<ContactId>,
    campaign: Option<CampaignId>,
    is_unread: bool,
    /// The time at which the message was sent; of a status without its message, the time of receipt.
    at: Timestamp,
}

impl Row {
    fn stored(&self) -> Option<StoredMessage> {
        let mut message = Message::clone(self.message.as_ref()?);
        message.status.clone_from(&self.status);
        Some(StoredMessage {
            number: self.key.number.clone(),
            message,
            raw_payload: self.raw_payload.clone(),
            campaign: self.campaign.clone(),
        })
    }

    fn reply_to(&self) -> Option<&MessageId> {
        self.message.as_ref()?.reply_to()
    }

    /// Returns the positions in conversations.
    fn positions(&self, order: u64) -> impl Iterator<Item = ConversationPosition> {
        let contact = self.contact.into_iter();
        contact.flat_map(move |contact| {
            let numbers = [None, Some(self.key.number.clone())];
            numbers.map(|number| (contact, number, self.at, order))
        })
    }

    /// Returns the key in the index of unread messages.
    fn unread_of(&self) -> Option<(ContactId, NumberKey)> {
        let contact = self.contact.filter(|_| self.is_unread)?;
        Some((contact, self.key.number.clone()))
    }
}

impl MessageTable {
    fn order(&self, key: &MessageKey) -> Option<u64> {
        self.orders.get(&key.id)?.get(&key.number).copied()
    }

    fn find(&self, key: &MessageKey) -> Option<(u64, &Row)> {
        let order = self.order(key)?;
        Some((order, self.rows.get(&order)?))
    }

    pub(super) fn version(&self, key: &MessageKey) -> Option<i64> {
        self.find(key).map(|(_, row)| row.version)
    }

    pub(super) fn state(&self, key: &MessageKey) -> Option<Versioned<MessageState>> {
        let (_, stored) = self.find(key)?;
        let is_stored = stored.message.is_some();
        let row = MessageState::new(is_stored, stored.is_unread, stored.status.clone())
            .in_campaign(stored.campaign.clone());
        let version = stored.version;
        Some(Versioned { version, row })
    }

    pub(super) fn validate(&self, changes: &Changes<'_>) -> Result<(), StoreError> {
        for put in &changes.messages {
            check_version(self.version(&put.key), put.version, "a message")?;
        }
        for put in &changes.statuses {
            check_version(self.version(&put.key), put.version, "a status")?;
        }
        Ok(())
    }

    pub(super) fn apply(&mut self, changes: &Changes<'_>, bound: usize) {
        for put in &changes.messages {
            self.put(&put.key, &put.row);
        }
        for put in &changes.statuses {
            self.put_status(&put.key, &put.row.status, put.row.at);
        }
        for merge in &changes.merges {
            self.move_messages(merge.from, merge.into);
        }
        for key in &changes.read_conversations {
            self.mark_read(key);
        }
        let deleted = changes.deleted_messages.iter();
        for order in deleted
            .filter_map(|key| self.order(key))
            .collect::<Vec<_>>()
        {
            self.remove(order);
        }
        for (contact, _) in &changes.deleted_contacts {
            for order in self.orders_of(&ConversationKey::new(*contact, None)) {
                self.remove(order);
            }
        }
        while self.rows.len() > bound
            && let Some((first, _)) = self.rows.first_key_value()
        {
            self.remove(*first);
        }
    }

    fn put(&mut self, key: &MessageKey, new: &NewMessage<'_>) {
        let (order, version) = self.next(key);
        let row = Row {
            version,
            key: key.clone(),
            message: Some(Arc::new(Message::clone(&new.message))),
            raw_payload: new.raw_payload.map(RawJson::detached),
            status: new.status.clone(),
            contact: new.contact,
            campaign: new.campaign.clone(),
            is_unread: new.is_unread,
            at: new.at,
        };
        self.replace(order, row);
    }

    fn put_status(&mut self, key: &MessageKey, status: &MessageStatus, at: Timestamp) {
        let (order, version) = self.next(key);
        let status = Some(status.clone());
        let row = match self.rows.get(&order) {
            Some(row) if row.message.is_some() => Row {
                version,
                status,
                ..row.clone()
            },
            _ => Row {
                version,
                key: key.clone(),
                message: None,
                raw_payload: None,
                status,
                contact: None,
                campaign: None,
                is_unread: false,
                at,
            },
        };
        self.replace(order, row);
    }

    /// Returns the order and the next version of an existing or a new row.
    fn next(&mut self, key: &MessageKey) -> (u64, i64) {
        if let Some((order, row)) = self.find(key) {
            return (order, row.version + 1);
        }
        self.last += 1;
        (self.last, 1)
    }

    /// Moves the messages of a contact to another one.
    fn move_messages(&mut self, from: ContactId, into: ContactId) {
        for order in self.orders_of(&ConversationKey::new(from, None)) {
            if let Some(row) = self.rows.get(&order) {
                let row = Row {
                    version: row.version + 1,
                    contact: Some(into),
                    ..row.clone()
                };
                self.replace(order, row);
            }
        }
    }

    /// Returns all messages of a conversation.
    fn orders_of(&self, key: &ConversationKey) -> Vec<u64> {
        let first = (
            key.contact,
            key.number.clone(),
            Timestamp::from_secs(i64::MIN),
            0,
        );
        let last = (
            key.contact,
            key.number.clone(),
            Timestamp::from_secs(i64::MAX),
            u64::MAX,
        );
        let positions = self.conversations.range(first..=last);
        positions.map(|(_, _, _, order)| *order).collect()
    }

    fn mark_read(&mut self, key: &ConversationKey) {
        let unread = self
            .unread_range(key.contact)
            .filter(|((_, number), _)| key.number.as_ref().is_none_or(|only| number == only));
        let unread: Vec<_> = unread.flat_map(|(_, orders)| orders).copied().collect();
        for order in unread {
            if let Some(row) = self.rows.get(&order) {
                let row = Row {
                    version: row.version + 1,
                    is_unread: false,
                    ..row.clone()
                };
                self.replace(order, row);
            }
        }
    }

    fn unread_range(
        &self,
        contact: ContactId,
    ) -> impl Iterator<Item = (&(ContactId, NumberKey), &BTreeSet<u64>)> {
        let first = (contact, NumberKey::new(""));
        let of_contact = self.unread.range(first..);
        of_contact.take_while(move |((id, _), _)| *id == contact)
    }

    /// Returns the numbers of unread messages by contact.
    pub(super) fn unread(
        &self,
        contact: Option<ContactId>,
        is_in: impl Fn(&NumberKey) -> bool,
    ) -> BTreeMap<ContactId, u64> {
        let mut counts = BTreeMap::new();
        let mut add = |((id, number), orders): (&(ContactId, NumberKey), &BTreeSet<u64>)| {
            if is_in(number) {
                *counts.entry(*id).or_default() += orders.len() as u64;
            }
        };
        match contact {
            Some(contact) => self.unread_range(contact).for_each(&mut add),
            None => self.unread.iter().for_each(&mut add),
        }
        counts
    }

    pub(super) fn with_wamid(
        &self,
        id: &MessageId,
        is_in: impl Fn(&NumberKey) -> bool,
    ) -> Vec<StoredMessage> {
        let orders = self.orders.get(id).into_iter().flatten();
        let orders = orders.filter(|(number, _)| is_in(number));
        self.list(orders.map(|(_, order)| order))
    }

    pub(super) fn replies(
        &self,
        id: &MessageId,
        is_in: impl Fn(&NumberKey) -> bool,
    ) -> Vec<StoredMessage> {
        let orders = self.replies.get(id).into_iter().flatten();
        let mut replies = self.list(orders);
        replies.retain(|reply| is_in(&reply.number));
        replies
    }

    /// Returns the messages of a campaign by their statuses.
    pub(super) fn of_campaign(
        &self,
        id: &CampaignId,
        is_in: impl Fn(&NumberKey) -> bool,
    ) -> CampaignMessages {
        let mut found = CampaignMessages::default();
        let orders = self.campaigns.get(id).into_iter().flatten();
        let rows = orders.filter_map(|order| self.rows.get(order));
        for row in rows.filter(|row| is_in(&row.key.number)) {
            found.last_at = found.last_at.max(Some(row.at));
            let mut counts = found.by_status.iter_mut();
            match counts.find(|(status, _)| *status == row.status) {
                Some((_, count)) => *count += 1,
                None => found.by_status.push((row.status.clone(), 1)),
            }
        }
        found
    }

    pub(super) fn conversation(
        &self,
        key: &ConversationKey,
        before: Option<&MessageKey>,
        limit: usize,
    ) -> Vec<StoredMessage> {
        let (at, order) = match before.map(|before| self.find(before)) {
            None => (Timestamp::from_secs(i64::MAX), u64::MAX),
            Some(Some((order, row))) if row.message.is_some() => (row.at, order),
            Some(_) => return Vec::new(),
        };
        let number = || key.number.clone();
        let first = (key.contact, number(), Timestamp::from_secs(i64::MIN), 0);
        let end = (key.contact, number(), at, order);
        let positions = self.conversations.range((Included(first), Excluded(end)));
        self.list(positions.rev().take(limit).map(|(_, _, _, order)| order))
    }

    fn list<'a>(&self, orders: impl Iterator<Item = &'a u64>) -> Vec<StoredMessage> {
        orders
            .filter_map(|order| self.rows.get(order)?.stored())
            .collect()
    }

    /// Returns the messages of a step. Those of an evicted contact are unassigned.
    pub(super) fn scan(
        &self,
        step: &MessageScan,
        is_stored_contact: impl Fn(ContactId) -> bool,
    ) -> ScannedMessages {
        let after = step.after.map_or(0, i64::cast_unsigned);
        let scanned = self.rows.range(after + 1..).take(step.limit.max(1));
        let mut found = ScannedMessages::default();
        let mut count = 0;
        for (order, row) in scanned {
            count += 1;
            found.next = Some(order.cast_signed());
            let is_selected = match step.only {
                ScanFilter::Unassigned => row
                    .contact
                    .is_none_or(|contact| !is_stored_contact(contact)),
                ScanFilter::Before(time) => row.message.is_some() && row.at < time,
            };
            if is_selected {
                let message = match step.only {
                    ScanFilter::Unassigned => row.stored().map(|stored| stored.message),
                    ScanFilter::Before(_) => None,
                };
                let (key, status) = (row.key.clone(), row.status.clone());
                found.rows.push(ScannedMessage::new(key, message, status));
            }
        }
        if count < step.limit.max(1) {
            found.next = None;
        }
        found
    }

    /// Deletes up to `limit` statuses without their message that were received before a time, and
    /// returns their number.
    pub(super) fn prune(&mut self, before: Timestamp, limit: usize) -> usize {
        let old = self.statuses_only.range(..(before, 0)).take(limit);
        let old: Vec<_> = old.map(|(_, order)| *order).collect();
        for order in &old {
            self.remove(*order);
        }
        old.len()
    }

    fn replace(&mut self, order: u64, row: Row) {
        self.remove(order);
        self.conversations.extend(row.positions(order));
        if let Some(key) = row.unread_of() {
            self.unread.entry(key).or_default().insert(order);
        }
        if let Some(id) = row.reply_to() {
            self.replies.entry(id.clone()).or_default().insert(order);
        }
        if let Some(id) = &row.campaign {
            self.campaigns.entry(id.clone()).or_default().insert(order);
        }
        if row.message.is_none() {
            self.statuses_only.insert((row.at, order));
        }
        let numbers = self.orders.entry(row.key.id.clone()).or_default();
        numbers.insert(row.key.number.clone(), order);
        self.rows.insert(order, row);
    }

    fn remove(&mut self, order: u64) {
        let Some(row) = self.rows.remove(&order) else {
            return;
        };
        for position in row.positions(order) {
            self.conversations.remove(&position);
        }
        if let Some(key) = row.unread_of() {
            remove_from_tree(&mut self.unread, &key, order);
        }
        if let Some(id) = row.reply_to() {
            remove_from_tree(&mut self.replies, id, order);
        }
        if let Some(id) = &row.campaign {
            remove_from_tree(&mut self.campaigns, id, order);
        }
        self.statuses_only.remove(&(row.at, order));
        if let Some(numbers) = self.orders.get_mut(&row.key.id) {
            numbers.remove(&row.key.number);
            if numbers.is_empty() {
                self.orders.remove(&row.key.id);
            }
        }
    }
}

/// Removes a message from the set of a key, and the set with its last message.
fn remove_from_tree<K: Ord>(sets: &mut BTreeMap<K, BTreeSet<u64>>, key: &K, order: u64) {
    if let Some(set) = sets.get_mut(key) {
        set.remove(&order);
        if set.is_empty() {
            sets.remove(key);
        }
    }
}
