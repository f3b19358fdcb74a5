//! Messages, and the orders in which they are asked for.

use std::sync::Arc;

use super::table::{Ordered, Table, Undo};
use crate::model::{Message, MessageId, MessageStatus, Timestamp};
use crate::store::{ContactId, NewMessage};

#[derive(Debug, Default)]
pub(super) struct Messages {
    last: u64,
    /// By number, which is the order in which they came.
    rows: Ordered<u64, Row>,
    numbers: Table<MessageId, u64>,
    conversations: Ordered<(ContactId, Timestamp, u64), ()>,
    unread: Ordered<(ContactId, u64), ()>,
    replies: Ordered<(MessageId, u64), ()>,
}

/// What is known of a message: itself, its status, or both.
#[derive(Clone, Debug)]
pub(super) struct Row {
    id: MessageId,
    message: Option<Arc<Message>>,
    pub(super) status: Option<MessageStatus>,
    contact: Option<ContactId>,
    pub(super) is_unread: bool,
    /// When it counts as sent; of a lone status, when it was set.
    at: Timestamp,
}

impl Row {
    pub(super) fn new(new: NewMessage<'_>) -> Self {
        Self {
            id: new.message.id.clone(),
            message: Some(Arc::new(new.message.clone())),
            status: new.message.status.clone(),
            contact: new.contact,
            is_unread: new.is_unread,
            at: new.at,
        }
    }

    pub(super) fn is_stored(&self) -> bool {
        self.message.is_some()
    }

    pub(super) fn message(&self) -> Option<Message> {
        let mut message = Message::clone(self.message.as_ref()?);
        message.status.clone_from(&self.status);
        Some(message)
    }

    fn reply_to(&self) -> Option<&MessageId> {
        self.message.as_ref()?.reply_to()
    }
}

impl Messages {
    /// All of them.
    pub(super) fn tables(&mut self) -> [&mut dyn Undo; 5] {
        [
            &mut self.rows,
            &mut self.numbers,
            &mut self.conversations,
            &mut self.unread,
            &mut self.replies,
        ]
    }

    pub(super) fn find(&self, id: &MessageId) -> Option<(u64, &Row)> {
        let number = *self.numbers.get(id)?;
        Some((number, self.rows.get(&number)?))
    }

    /// Adds a message; the first one makes room.
    pub(super) fn add(&mut self, bound: usize, row: Row) {
        if self.rows.len() >= bound
            && let Some((first, _)) = self.rows.first()
        {
            self.remove(*first);
        }
        self.last += 1;
        self.insert(self.last, row);
    }

    pub(super) fn replace(&mut self, number: u64, row: Row) {
        self.remove(number);
        self.insert(number, row);
    }

    pub(super) fn set_status(
        &mut self,
        bound: usize,
        id: &MessageId,
        status: &MessageStatus,
        now: Timestamp,
    ) {
        let status = Some(status.clone());
        if let Some((number, row)) = self.find(id) {
            let row = Row {
                status,
                ..row.clone()
            };
            self.rows.insert(number, row);
        } else {
            let row = Row {
                id: id.clone(),
                message: None,
                status,
                contact: None,
                is_unread: false,
                at: now,
            };
            self.add(bound, row);
        }
    }

    pub(super) fn conversation(
        &self,
        contact: ContactId,
        before: Option<&MessageId>,
        limit: usize,
    ) -> Vec<Message> {
        let end = match before {
            None => (contact, Timestamp::from_secs(i64::MAX), u64::MAX),
            Some(id) => match self.find(id) {
                Some((number, row)) => (contact, row.at, number),
                None => return Vec::new(),
            },
        };
        let first = (contact, Timestamp::from_secs(i64::MIN), 0);
        let places = self.conversations.range(first..end).rev();
        self.list(places.map(|((_, _, number), ())| *number).take(limit))
    }

    pub(super) fn replies(&self, id: &MessageId) -> Vec<Message> {
        let all = (id.clone(), 0)..=(id.clone(), u64::MAX);
        let places = self.replies.range(all);
        self.list(places.map(|((_, number), ())| *number))
    }

    /// The contacts with unread messages.
    pub(super) fn unread_contacts(&self) -> Vec<ContactId> {
        let mut ids: Vec<_> = self.unread.iter().map(|((id, _), ())| *id).collect();
        ids.dedup();
        ids
    }

    pub(super) fn unread(&self, contact: ContactId) -> u64 {
        self.unread_of(contact).count() as u64
    }

    pub(super) fn mark_read(&mut self, contact: ContactId) {
        let unread: Vec<_> = self.unread_of(contact).collect();
        for number in unread {
            if let Some(row) = self.rows.get(&number) {
                let is_unread = false;
                let row = Row {
                    is_unread,
                    ..row.clone()
                };
                self.replace(number, row);
            }
        }
    }

    /// Gives the messages of a contact to another one.
    pub(super) fn hand_over(&mut self, from: ContactId, into: ContactId) {
        let first = (from, Timestamp::from_secs(i64::MIN), 0);
        let end = (from, Timestamp::from_secs(i64::MAX), u64::MAX);
        let places = self.conversations.range(first..=end);
        let numbers: Vec<_> = places.map(|((_, _, number), ())| *number).collect();
        for number in numbers {
            if let Some(row) = self.rows.get(&number) {
                let contact = Some(into);
                let row = Row {
                    contact,
                    ..row.clone()
                };
                self.replace(number, row);
            }
        }
    }

    /// Forgets old statuses whose message never came.
    pub(super) fn prune(&mut self, before: Timestamp, limit: usize) -> usize {
        let is_old = |row: &Row| row.message.is_none() && row.at < before;
        let rows = self.rows.iter().filter(|(_, row)| is_old(row));
        let old: Vec<_> = rows.map(|(number, _)| *number).take(limit).collect();
        for number in &old {
            self.remove(*number);
        }
        old.len()
    }

    fn unread_of(&self, contact: ContactId) -> impl Iterator<Item = u64> {
        let all = (contact, 0)..=(contact, u64::MAX);
        self.unread.range(all).map(|((_, number), ())| *number)
    }

    fn list(&self, numbers: impl Iterator<Item = u64>) -> Vec<Message> {
        numbers
            .filter_map(|number| self.rows.get(&number)?.message())
            .collect()
    }

    fn insert(&mut self, number: u64, row: Row) {
        self.numbers.insert(row.id.clone(), number);
        if let Some(contact) = row.contact {
            self.conversations.insert((contact, row.at, number), ());
            if row.is_unread {
                self.unread.insert((contact, number), ());
            }
        }
        if let Some(answered) = row.reply_to() {
            self.replies.insert((answered.clone(), number), ());
        }
        self.rows.insert(number, row);
    }

    fn remove(&mut self, number: u64) {
        let Some(row) = self.rows.remove(&number) else {
            return;
        };
        self.numbers.remove(&row.id);
        if let Some(contact) = row.contact {
            self.conversations.remove(&(contact, row.at, number));
            self.unread.remove(&(contact, number));
        }
        if let Some(answered) = row.reply_to() {
            self.replies.remove(&(answered.clone(), number));
        }
    }
}
