//! The records' rows.

use super::Tables;
use super::contacts::Contacts;
use super::messages::{Messages, Row};
use super::table::{Ordered, Undo};
use crate::model::{
    Contact, Identity, Message, MessageId, MessageStatus, Signup, SignupId, Timestamp,
};
use crate::store::{ContactId, MessageState, NewMessage, Records, StoreError, StoredContact};

#[derive(Debug, Default)]
pub(super) struct RecordTables {
    pub(super) messages: Messages,
    contacts: Contacts,
    signups: Ordered<SignupId, Signup>,
}

impl RecordTables {
    /// All of them.
    pub(super) fn tables(&mut self) -> impl Iterator<Item = &mut dyn Undo> {
        let signups: &mut dyn Undo = &mut self.signups;
        let messages = self.messages.tables().into_iter();
        messages.chain(self.contacts.tables()).chain([signups])
    }
}

impl Records for Tables {
    fn message_state(&mut self, id: &MessageId) -> Result<MessageState, StoreError> {
        let found = self.records.messages.find(id);
        let state = found.map(|(_, row)| MessageState {
            is_stored: row.is_stored(),
            is_unread: row.is_unread,
            status: row.status.clone(),
        });
        Ok(state.unwrap_or_default())
    }

    fn message(&mut self, id: &MessageId) -> Result<Option<Message>, StoreError> {
        let found = self.records.messages.find(id);
        Ok(found.and_then(|(_, row)| row.message()))
    }

    fn add_message(&mut self, new: NewMessage<'_>) -> Result<bool, StoreError> {
        let messages = &mut self.records.messages;
        let is_known = messages.find(&new.message.id).is_some();
        if !is_known {
            messages.add(self.bound, Row::new(new));
        }
        Ok(!is_known)
    }

    fn put_message(&mut self, new: NewMessage<'_>) -> Result<(), StoreError> {
        let messages = &mut self.records.messages;
        if let Some((number, _)) = messages.find(&new.message.id) {
            messages.replace(number, Row::new(new));
        }
        Ok(())
    }

    fn put_status(
        &mut self,
        id: &MessageId,
        status: &MessageStatus,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        self.records
            .messages
            .set_status(self.bound, id, status, now);
        Ok(())
    }

    fn conversation(
        &mut self,
        contact: ContactId,
        before: Option<&MessageId>,
        limit: usize,
    ) -> Result<Vec<Message>, StoreError> {
        Ok(self.records.messages.conversation(contact, before, limit))
    }

    fn replies(&mut self, id: &MessageId) -> Result<Vec<Message>, StoreError> {
        Ok(self.records.messages.replies(id))
    }

    fn contacts(&mut self, identity: &Identity) -> Result<Vec<StoredContact>, StoreError> {
        Ok(self.records.contacts.find(identity))
    }

    fn add_contact(&mut self, contact: &Contact) -> Result<ContactId, StoreError> {
        Ok(self.records.contacts.add(self.bound, contact))
    }

    fn put_contact(&mut self, id: ContactId, contact: &Contact) -> Result<(), StoreError> {
        self.records.contacts.replace(id, contact);
        Ok(())
    }

    fn merge_contact(&mut self, from: ContactId, into: ContactId) -> Result<(), StoreError> {
        self.records.messages.hand_over(from, into);
        self.records.contacts.remove(from);
        Ok(())
    }

    fn unread(&mut self, contact: ContactId) -> Result<u64, StoreError> {
        Ok(self.records.messages.unread(contact))
    }

    fn unread_contacts(&mut self) -> Result<Vec<(StoredContact, u64)>, StoreError> {
        let RecordTables {
            messages, contacts, ..
        } = &self.records;
        let ids = messages.unread_contacts().into_iter();
        let known = ids.filter_map(|id| Some((contacts.get(id)?, messages.unread(id))));
        Ok(known.collect())
    }

    fn mark_read(&mut self, contact: ContactId) -> Result<(), StoreError> {
        self.records.messages.mark_read(contact);
        Ok(())
    }

    fn signup(&mut self, id: &SignupId) -> Result<Option<Signup>, StoreError> {
        Ok(self.records.signups.get(id).cloned())
    }

    fn put_signup(&mut self, signup: &Signup) -> Result<(), StoreError> {
        let id = signup.signup_id.clone();
        self.records.signups.insert(id, signup.clone());
        Ok(())
    }

    fn signups(&mut self) -> Result<Vec<Signup>, StoreError> {
        let signups = self.records.signups.iter();
        Ok(signups.map(|(_, signup)| signup.clone()).collect())
    }
}
