//! Contacts, and who has which id.

use super::table::{Ordered, Table};
use crate::model::{Contact, Identity};
use crate::store::records::ids_by_kind;
use crate::store::{ContactId, StoredContact};

#[derive(Debug, Default)]
pub(super) struct Contacts {
    last: i64,
    rows: Ordered<ContactId, Row>,
    /// Who was asked for when; who was not for longest makes room.
    by_use: Ordered<u64, ContactId>,
    uses: u64,
    ids: Table<(&'static str, String), ContactId>,
}

#[derive(Clone, Debug)]
struct Row {
    contact: Contact,
    used: u64,
}

impl Contacts {
    pub(super) fn commit(&mut self) {
        self.rows.commit();
        self.by_use.commit();
        self.ids.commit();
    }

    pub(super) fn roll_back(&mut self) {
        self.rows.roll_back();
        self.by_use.roll_back();
        self.ids.roll_back();
    }

    pub(super) fn get(&self, id: ContactId) -> Option<StoredContact> {
        let contact = self.rows.get(&id)?.contact.clone();
        Some(StoredContact { id, contact })
    }

    pub(super) fn find(&mut self, identity: &Identity) -> Vec<StoredContact> {
        let found =
            ids_by_kind(identity).filter_map(|(kind, id)| self.ids.get(&(kind, id.to_owned())));
        let mut found: Vec<_> = found.copied().collect();
        found.sort_unstable();
        found.dedup();
        for id in &found {
            self.touch(*id);
        }
        found.into_iter().filter_map(|id| self.get(id)).collect()
    }

    /// Adds a contact; the one that was not asked for for longest makes room.
    pub(super) fn add(&mut self, bound: usize, contact: &Contact) -> ContactId {
        if self.rows.len() >= bound
            && let Some((_, least)) = self.by_use.first()
        {
            self.remove(*least);
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
        let Some(row) = self.rows.remove(&id) else {
            return;
        };
        self.by_use.remove(&row.used);
        for (kind, text) in ids_by_kind(&row.contact.identity) {
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
        self.uses += 1;
        let (contact, used) = (contact.clone(), self.uses);
        self.rows.insert(id, Row { contact, used });
        self.by_use.insert(used, id);
    }

    fn touch(&mut self, id: ContactId) {
        if let Some(row) = self.rows.get(&id) {
            let (mut row, before) = (row.clone(), row.used);
            self.uses += 1;
            row.used = self.uses;
            self.by_use.remove(&before);
            self.by_use.insert(row.used, id);
            self.rows.insert(id, row);
        }
    }
}
