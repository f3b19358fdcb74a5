//! Contacts, and who has which id.

use super::table::{Ordered, Table, Undo};
use crate::model::{Contact, Identity};
use crate::store::records::ids_by_kind;
use crate::store::{ContactId, StoredContact};

#[derive(Debug, Default)]
pub(super) struct Contacts {
    last: i64,
    rows: Table<ContactId, Contact>,
    last_use: u64,
    /// When each was asked for last; who was not for longest makes room.
    uses: Table<ContactId, u64>,
    by_use: Ordered<u64, ContactId>,
    ids: Table<(&'static str, String), ContactId>,
}

impl Contacts {
    /// All of them.
    pub(super) fn tables(&mut self) -> [&mut dyn Undo; 4] {
        [
            &mut self.rows,
            &mut self.uses,
            &mut self.by_use,
            &mut self.ids,
        ]
    }

    pub(super) fn get(&self, id: ContactId) -> Option<StoredContact> {
        let contact = self.rows.get(&id)?.clone();
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
        let Some(contact) = self.rows.remove(&id) else {
            return;
        };
        if let Some(used) = self.uses.remove(&id) {
            self.by_use.remove(&used);
        }
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
        self.touch(id);
    }

    fn touch(&mut self, id: ContactId) {
        if let Some(before) = self.uses.get(&id).copied() {
            self.by_use.remove(&before);
        }
        self.last_use += 1;
        self.uses.insert(id, self.last_use);
        self.by_use.insert(self.last_use, id);
    }
}
