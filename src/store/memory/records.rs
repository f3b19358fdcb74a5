//! The records' rows.

use std::sync::Arc;

use super::Tables;
use super::table::{Ordered, Table};
use crate::model::{
    Contact, Identity, Message, MessageId, MessageStatus, Signup, SignupId, Timestamp,
};
use crate::store::records::ids_by_kind;
use crate::store::{ContactId, MessageState, NewMessage, Records, StoreError, StoredContact};

#[derive(Debug, Default)]
pub(super) struct RecordTables {
    last_message: u64,
    last_contact: i64,
    messages: Ordered<u64, Row>,
    /// The number of a message, in the order in which they came.
    numbers: Table<MessageId, u64>,
    conversations: Ordered<(ContactId, Timestamp, u64), ()>,
    unread: Ordered<(ContactId, u64), ()>,
    replies: Ordered<(MessageId, u64), ()>,
    contacts: Ordered<ContactId, Contact>,
    ids: Table<(&'static str, String), ContactId>,
    signups: Ordered<SignupId, Signup>,
}

/// What is known of a message: itself, its status, or both.
#[derive(Clone, Debug)]
struct Row {
    id: MessageId,
    message: Option<Arc<Message>>,
    status: Option<MessageStatus>,
    contact: Option<ContactId>,
    is_unread: bool,
    /// When it counts as sent; of a lone status, when it was set.
    at: Timestamp,
}

impl Row {
    fn new(new: NewMessage<'_>) -> Self {
        Self {
            id: new.message.id.clone(),
            message: Some(Arc::new(new.message.clone())),
            status: new.message.status.clone(),
            contact: new.contact,
            is_unread: new.is_unread,
            at: new.at,
        }
    }

    fn message(&self) -> Option<Message> {
        let mut message = Message::clone(self.message.as_ref()?);
        message.status.clone_from(&self.status);
        Some(message)
    }

    fn reply_to(&self) -> Option<&MessageId> {
        self.message.as_ref()?.reply_to()
    }
}

impl RecordTables {
    pub(super) fn commit(&mut self) {
        self.messages.commit();
        self.numbers.commit();
        self.conversations.commit();
        self.unread.commit();
        self.replies.commit();
        self.contacts.commit();
        self.ids.commit();
        self.signups.commit();
    }

    pub(super) fn roll_back(&mut self) {
        self.messages.roll_back();
        self.numbers.roll_back();
        self.conversations.roll_back();
        self.unread.roll_back();
        self.replies.roll_back();
        self.contacts.roll_back();
        self.ids.roll_back();
        self.signups.roll_back();
    }

    pub(super) fn prune(&mut self, before: Timestamp, limit: usize) -> usize {
        let is_old = |row: &Row| row.message.is_none() && row.at < before;
        let rows = self.messages.iter().filter(|(_, row)| is_old(row));
        let old: Vec<_> = rows.map(|(number, _)| *number).take(limit).collect();
        for number in &old {
            self.remove_message(*number);
        }
        old.len()
    }

    fn row(&self, id: &MessageId) -> Option<(u64, &Row)> {
        let number = *self.numbers.get(id)?;
        Some((number, self.messages.get(&number)?))
    }

    fn list(&self, numbers: impl Iterator<Item = u64>) -> Vec<Message> {
        numbers
            .filter_map(|number| self.messages.get(&number)?.message())
            .collect()
    }

    /// Takes a message out of all tables.
    fn remove_message(&mut self, number: u64) {
        let Some(row) = self.messages.remove(&number) else {
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

    /// Puts a message into all tables.
    fn insert_message(&mut self, number: u64, row: Row) {
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
        self.messages.insert(number, row);
    }

    fn add_message(&mut self, bound: usize, row: Row) {
        if self.messages.len() >= bound
            && let Some((oldest, _)) = self.messages.first()
        {
            self.remove_message(*oldest);
        }
        self.last_message += 1;
        self.insert_message(self.last_message, row);
    }

    fn replace_message(&mut self, number: u64, row: Row) {
        self.remove_message(number);
        self.insert_message(number, row);
    }

    fn stored(&self, id: ContactId) -> Option<StoredContact> {
        let contact = self.contacts.get(&id)?.clone();
        Some(StoredContact { id, contact })
    }

    fn unread(&self, contact: ContactId) -> u64 {
        let all = (contact, 0)..=(contact, u64::MAX);
        self.unread.range(all).count() as u64
    }

    fn remove_contact(&mut self, id: ContactId) {
        if let Some(contact) = self.contacts.remove(&id) {
            for (kind, text) in ids_by_kind(&contact.identity) {
                let place = (kind, text.to_owned());
                if self.ids.get(&place) == Some(&id) {
                    self.ids.remove(&place);
                }
            }
        }
    }

    fn insert_contact(&mut self, id: ContactId, contact: &Contact) {
        for (kind, text) in ids_by_kind(&contact.identity) {
            self.ids.insert((kind, text.to_owned()), id);
        }
        self.contacts.insert(id, contact.clone());
    }
}

impl Records for Tables {
    fn message_state(&mut self, id: &MessageId) -> Result<MessageState, StoreError> {
        let state = self.records.row(id).map(|(_, row)| MessageState {
            is_stored: row.message.is_some(),
            is_unread: row.is_unread,
            status: row.status.clone(),
        });
        Ok(state.unwrap_or_default())
    }

    fn message(&mut self, id: &MessageId) -> Result<Option<Message>, StoreError> {
        Ok(self.records.row(id).and_then(|(_, row)| row.message()))
    }

    fn add_message(&mut self, new: NewMessage<'_>) -> Result<bool, StoreError> {
        let is_known = self.records.row(&new.message.id).is_some();
        if !is_known {
            self.records.add_message(self.bound, Row::new(new));
        }
        Ok(!is_known)
    }

    fn put_message(&mut self, new: NewMessage<'_>) -> Result<(), StoreError> {
        if let Some((number, _)) = self.records.row(&new.message.id) {
            self.records.replace_message(number, Row::new(new));
        }
        Ok(())
    }

    fn put_status(
        &mut self,
        id: &MessageId,
        status: &MessageStatus,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let status = Some(status.clone());
        if let Some((number, row)) = self.records.row(id) {
            let mut row = row.clone();
            row.status = status;
            self.records.messages.insert(number, row);
        } else {
            let row = Row {
                id: id.clone(),
                message: None,
                status,
                contact: None,
                is_unread: false,
                at: now,
            };
            self.records.add_message(self.bound, row);
        }
        Ok(())
    }

    fn conversation(
        &mut self,
        contact: ContactId,
        before: Option<&MessageId>,
        limit: usize,
    ) -> Result<Vec<Message>, StoreError> {
        let records = &self.records;
        let first = (contact, Timestamp::from_secs(i64::MIN), 0);
        let end = match before {
            None => (contact, Timestamp::from_secs(i64::MAX), u64::MAX),
            Some(id) => match records.row(id) {
                Some((number, row)) => (contact, row.at, number),
                None => return Ok(Vec::new()),
            },
        };
        let places = records.conversations.range(first..end).rev();
        let numbers = places.map(|((_, _, number), ())| *number);
        Ok(records.list(numbers.take(limit)))
    }

    fn replies(&mut self, id: &MessageId) -> Result<Vec<Message>, StoreError> {
        let all = (id.clone(), 0)..=(id.clone(), u64::MAX);
        let replies = self.records.replies.range(all);
        Ok(self.records.list(replies.map(|((_, number), ())| *number)))
    }

    fn contacts(&mut self, identity: &Identity) -> Result<Vec<StoredContact>, StoreError> {
        let found = ids_by_kind(identity)
            .filter_map(|(kind, id)| self.records.ids.get(&(kind, id.to_owned())));
        let mut found: Vec<_> = found.copied().collect();
        found.sort_unstable();
        found.dedup();
        let stored = found.into_iter().filter_map(|id| self.records.stored(id));
        Ok(stored.collect())
    }

    fn add_contact(&mut self, contact: &Contact) -> Result<ContactId, StoreError> {
        let records = &mut self.records;
        if records.contacts.len() >= self.bound
            && let Some((oldest, _)) = records.contacts.first()
        {
            records.remove_contact(*oldest);
        }
        records.last_contact += 1;
        let id = ContactId(records.last_contact);
        records.insert_contact(id, contact);
        Ok(id)
    }

    fn put_contact(&mut self, id: ContactId, contact: &Contact) -> Result<(), StoreError> {
        if self.records.contacts.get(&id).is_some() {
            self.records.remove_contact(id);
            self.records.insert_contact(id, contact);
        }
        Ok(())
    }

    fn merge_contact(&mut self, from: ContactId, into: ContactId) -> Result<(), StoreError> {
        let first = (from, Timestamp::from_secs(i64::MIN), 0);
        let end = (from, Timestamp::from_secs(i64::MAX), u64::MAX);
        let places = self.records.conversations.range(first..=end);
        let numbers: Vec<_> = places.map(|((_, _, number), ())| *number).collect();
        for number in numbers {
            if let Some(mut row) = self.records.messages.get(&number).cloned() {
                row.contact = Some(into);
                self.records.replace_message(number, row);
            }
        }
        self.records.remove_contact(from);
        Ok(())
    }

    fn unread(&mut self, contact: ContactId) -> Result<u64, StoreError> {
        Ok(self.records.unread(contact))
    }

    fn unread_contacts(&mut self) -> Result<Vec<(StoredContact, u64)>, StoreError> {
        let records = &self.records;
        let mut ids: Vec<_> = records.unread.iter().map(|((id, _), ())| *id).collect();
        ids.dedup();
        let stored = ids.into_iter().filter_map(|id| records.stored(id));
        Ok(stored
            .map(|stored| {
                let unread = records.unread(stored.id);
                (stored, unread)
            })
            .collect())
    }

    fn mark_read(&mut self, contact: ContactId) -> Result<(), StoreError> {
        let all = (contact, 0)..=(contact, u64::MAX);
        let unread = self.records.unread.range(all);
        let unread: Vec<_> = unread.map(|((_, number), ())| *number).collect();
        for number in unread {
            self.records.unread.remove(&(contact, number));
            if let Some(mut row) = self.records.messages.get(&number).cloned() {
                row.is_unread = false;
                self.records.messages.insert(number, row);
            }
        }
        Ok(())
    }

    fn signup(&mut self, id: &SignupId) -> Result<Option<Signup>, StoreError> {
        Ok(self.records.signups.get(id).cloned())
    }

    fn put_signup(&mut self, signup: &Signup) -> Result<(), StoreError> {
        self.records
            .signups
            .insert(signup.signup_id.clone(), signup.clone());
        Ok(())
    }

    fn signups(&mut self) -> Result<Vec<Signup>, StoreError> {
        let signups = self.records.signups.iter();
        Ok(signups.map(|(_, signup)| signup.clone()).collect())
    }
}
