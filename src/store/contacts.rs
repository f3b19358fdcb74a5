//! Which stored contact a user is, and what is new about them: the rules, for
//! all stores.

use std::collections::HashMap;
use std::sync::Arc;

use super::profile::{take_over, unite};
use super::{ContactId, Records, StoreError, StoredContact, Transaction};
use crate::model::{Contact, Identity, Timestamp};

/// The contacts that a transaction has to do with, each read once.
pub(crate) struct Contacts {
    now: Timestamp,
    known: HashMap<ContactId, Arc<Contact>>,
    /// Whom a user of this webhook was found to be.
    found: HashMap<Identity, ContactId>,
}

/// A contact, and its number.
pub(crate) type Entry = (ContactId, Arc<Contact>);

/// Who has the ids of a user.
struct Found {
    /// The contact that is the user.
    id: Option<ContactId>,
    /// Contacts that have the user's phone number, and are known to be
    /// somebody else.
    strangers: Vec<StoredContact>,
}

impl Contacts {
    pub(crate) fn new(now: Timestamp) -> Self {
        Self {
            now,
            known: HashMap::new(),
            found: HashMap::new(),
        }
    }

    /// The contact that is this user, if they are known.
    pub(crate) fn find(
        &mut self,
        tx: &mut dyn Transaction,
        user: &Identity,
    ) -> Result<Option<Entry>, StoreError> {
        if let Some(id) = self.found.get(user) {
            return Ok(self.entry(*id));
        }
        Ok(find_contact(tx, user)?.map(|stored| self.know(stored)))
    }

    /// Adds what a webhook tells of a user, or what is new of it, to the
    /// contact that they are: their ids, their profile, and whatever `change`
    /// changes. `formerly` has ids that they had until now.
    pub(crate) fn upsert(
        &mut self,
        tx: &mut dyn Transaction,
        user: &Identity,
        formerly: Option<&Identity>,
        profile: Option<&Contact>,
        change: impl FnOnce(&mut Contact),
    ) -> Result<Entry, StoreError> {
        let found = match (formerly, self.found.get(user)) {
            (None, Some(id)) => Found {
                id: Some(*id),
                strangers: Vec::new(),
            },
            (formerly, _) => self.resolve(tx, user, formerly)?,
        };
        for stranger in found.strangers {
            self.take_number(tx, stranger)?;
        }
        let before = found.id.and_then(|id| self.entry(id));
        let mut contact = match &before {
            None => Contact::new(user.clone()),
            Some((_, before)) => {
                let mut contact = Contact::clone(before);
                contact.identity = user.clone().or(&contact.identity);
                contact
            }
        };
        if let Some(profile) = profile {
            take_over(&mut contact, profile);
        }
        change(&mut contact);
        let entry = match before {
            None => {
                contact.created_at = Some(self.now);
                contact.updated_at = Some(self.now);
                let id = tx.add_contact(&contact)?;
                self.set(id, contact)
            }
            Some((id, before)) if contact != *before => {
                if contact.identity != before.identity {
                    self.found.clear();
                }
                contact.updated_at = Some(self.now);
                tx.put_contact(id, &contact)?;
                self.set(id, contact)
            }
            Some(unchanged) => unchanged,
        };
        if !self.found.contains_key(user) {
            self.found.insert(user.clone(), entry.0);
        }
        Ok(entry)
    }

    /// The contact that is the user with these ids. Two contacts that turn out
    /// to be one become one: the older one, with what both know.
    fn resolve(
        &mut self,
        tx: &mut dyn Transaction,
        user: &Identity,
        formerly: Option<&Identity>,
    ) -> Result<Found, StoreError> {
        let (mut ids, mut strangers) = (Vec::new(), Vec::new());
        for stored in tx.contacts(user)? {
            if stored.contact.identity.is_same_user(user) {
                ids.push(stored.id);
                self.know(stored);
            } else {
                strangers.push(stored);
            }
        }
        if let Some(formerly) = formerly {
            for stored in tx.contacts(formerly)? {
                // What the user has no more may be somebody else's by now.
                if stored.contact.identity.is_same_user(formerly) {
                    ids.push(stored.id);
                    self.know(stored);
                }
            }
        }
        ids.sort_unstable();
        ids.dedup();
        strangers.retain(|stranger| !ids.contains(&stranger.id));
        let mut ids = ids.into_iter();
        let id = ids.next();
        for other in ids {
            self.merge(tx, id.unwrap_or(other), other)?;
        }
        Ok(Found { id, strangers })
    }

    #[cold]
    fn merge(
        &mut self,
        tx: &mut dyn Transaction,
        into: ContactId,
        from: ContactId,
    ) -> Result<(), StoreError> {
        let (Some(other), Some(known)) = (self.known.remove(&from), self.known.get_mut(&into))
        else {
            return Ok(());
        };
        let contact = Arc::make_mut(known);
        unite(contact, Arc::unwrap_or_clone(other));
        contact.updated_at = Some(self.now);
        let contact = Arc::clone(known);
        self.found.clear();
        tx.merge_contact(from, into)?;
        tx.put_contact(into, &contact)
    }

    /// Takes the phone number away from somebody who is known to be another
    /// user: it has changed hands.
    #[cold]
    fn take_number(
        &mut self,
        tx: &mut dyn Transaction,
        from: StoredContact,
    ) -> Result<(), StoreError> {
        let mut contact = from.contact;
        let identity = &contact.identity;
        let without = Identity::verbatim(None, identity.user_id(), identity.parent_user_id());
        if let Some(without) = without {
            contact.identity = without;
            contact.updated_at = Some(self.now);
            tx.put_contact(from.id, &contact)?;
            self.set(from.id, contact);
            self.found.clear();
        }
        Ok(())
    }

    fn entry(&self, id: ContactId) -> Option<Entry> {
        Some((id, Arc::clone(self.known.get(&id)?)))
    }

    fn set(&mut self, id: ContactId, contact: Contact) -> Entry {
        let contact = Arc::new(contact);
        self.known.insert(id, Arc::clone(&contact));
        (id, contact)
    }

    /// Events of one user share one contact, so what is known is not replaced;
    /// it says what is stored, as every change is written at once.
    fn know(&mut self, stored: StoredContact) -> Entry {
        let known = self.known.entry(stored.id);
        let contact = known.or_insert_with(|| Arc::new(stored.contact));
        (stored.id, Arc::clone(contact))
    }
}

/// The contact that is this user.
///
/// There may be two, one known by phone and one by user id, as long as no
/// webhook has shown that they are one: then the one with the user id.
pub(crate) fn find_contact(
    tx: &mut (impl Records + ?Sized),
    identity: &Identity,
) -> Result<Option<StoredContact>, StoreError> {
    let mut found = tx.contacts(identity)?;
    found.retain(|stored| stored.contact.identity.is_same_user(identity));
    found.sort_by_key(|stored| stored.contact.identity.user_id() != identity.user_id());
    Ok(found.into_iter().next())
}
