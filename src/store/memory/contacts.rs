//! Contacts, and who has which id.

use super::table::{Ordered, Table};
use crate::model::{Contact, Identity};
use crate::store::records::ids_by_kind;
use crate::store::{ContactId, StoredContact};

#[derive(Debug, Default)]
pub(super) struct Contacts {
    last: i64,
    rows: Ordered<ContactId, Contact>,
    ids: Table<(&'static str, String), ContactId>,
}

impl Contacts {
    pub(super) fn commit(&mut self) {
        self.rows.commit();
        self.ids.commit();
    }

    pub(super) fn roll_back(&mut self) {
        self.rows.roll_back();
        self.ids.roll_back();
    }

    pub(super) fn get(&self, id: ContactId) -> Option<StoredContact> {
        let contact = self.rows.get(&id)?.clone();
        Some(StoredContact { id, contact })
    }

    pub(super) fn find(&self, identity: &Identity) -> Vec<StoredContact> {
        let found =
            ids_by_kind(identity).filter_map(|(kind, id)| self.ids.get(&(kind, id.to_owned())));
        let mut found: Vec<_> = found.copied().collect();
        found.sort_unstable();
        found.dedup();
        found.into_iter().filter_map(|id| self.get(id)).collect()
    }

    /// Adds a contact; the first one makes room.
    pub(super) fn add(&mut self, bound: usize, contact: &Contact) -> ContactId {
        if self.rows.len() >= bound
            && let Some((first, _)) = self.rows.first()
        {
            self.remove(*first);
        }
        self.last += 1;
        let id = ContactId(self.last);
        self.insert(id, contact);
        id
    }

    pub(super) fn replace(&mut self, id: ContactId, contact: &Contact) {
        if self.rows.get(&id).is_some() {
            self.remove(id);
            self.insert(id, contact);
        }
    }

    pub(super) fn remove(&mut self, id: ContactId) {
        let Some(contact) = self.rows.remove(&id) else {
            return;
        };
        for (kind, text) in ids_by_kind(&contact.identity) {
            let place = (kind, text.to_owned());
            // It may be somebody else's by now.
            if self.ids.get(&place) == Some(&id) {
                self.ids.remove(&place);
            }
        }
    }

    fn insert(&mut self, id: ContactId, contact: &Contact) {
        for (kind, text) in ids_by_kind(&contact.identity) {
            self.ids.insert((kind, text.to_owned()), id);
        }
        self.rows.insert(id, contact.clone());
    }
}
