//! The `contacts` of a value: the users that its items are from or for.

use std::cell::{Cell, OnceCell};
use std::sync::Arc;

use smallvec::SmallVec;

use crate::json::object::{ReadMembers, members};
use crate::json::stored::FromMeta;
use crate::json::{Fault, Node, Omissions};
use crate::model::{Contact, IdKind, IdText, Identity, Ids, RawJson};

/// The contacts of one value, indexed by their ids.
pub(super) struct ContactIndex<'c> {
    contacts: SmallVec<[IndexedContact; 1]>,
    /// Returns `true` if the value has one item, or items that all name one user. Reads all items.
    has_one_user: &'c dyn Fn() -> bool,
    has_one_user_result: OnceCell<bool>,
    /// The ids of all contacts, sorted: kinds and indexes. Made at the first use, since most
    /// webhooks have one contact.
    sorted_ids: OnceCell<Vec<(IdKind, usize)>>,
}

struct IndexedContact {
    contact: Arc<Contact>,
    /// The index in the JSON.
    at: usize,
    /// `true` if an event has a copy of the contact.
    is_copied: Cell<bool>,
}

impl IndexedContact {
    /// Returns `true` if an event shares the contact or has a copy. A contact that was found may
    /// be unused, since its item may be malformed.
    fn is_used(&self) -> bool {
        Arc::strong_count(&self.contact) > 1 || self.is_copied.get()
    }

    fn is_of(&self, user: &Identity) -> bool {
        self.contact.identity.is_same_user(user)
    }
}

impl<'c> ContactIndex<'c> {
    /// Returns an empty index. `has_one_user` returns `true` for a value with one item, or with
    /// items that all name one user.
    pub(super) fn new(has_one_user: &'c dyn Fn() -> bool) -> Self {
        Self {
            contacts: SmallVec::new(),
            has_one_user,
            has_one_user_result: OnceCell::new(),
            sorted_ids: OnceCell::new(),
        }
    }

    /// Reads and adds the contact at an index of the JSON. Returns its malformed members.
    ///
    /// # Errors
    ///
    /// The fault of a contact without an id.
    #[inline]
    pub(super) fn add<'a>(
        &mut self,
        at: usize,
        json: Node<'a>,
        raw: RawJson,
    ) -> Result<Omissions<'a>, Fault> {
        let mut omitted = Omissions::default();
        let contact = read_contact(json, Some(raw), &mut omitted);
        contact.map(|contact| {
            self.contacts.push(IndexedContact {
                contact: Arc::new(contact),
                at,
                is_copied: Cell::new(false),
            });
            omitted
        })
    }

    /// Returns the contact with an id of this user. Without a match, returns the only contact of a
    /// value with one user, unless its business-scoped user id is another: a phone number alone
    /// may differ, since a WhatsApp id and a phone number need not be equal.
    ///
    /// `at` is the item's index in its list, where the lookup begins, since contacts are often in
    /// the order of the items.
    #[inline]
    pub(super) fn find(&self, user: Option<&Identity>, at: usize) -> Option<Arc<Contact>> {
        let by_id = user.and_then(|user| self.find_by_id(user, at));
        by_id.or_else(|| Some(Arc::clone(&self.only_contact_of(user)?.contact)))
    }

    /// Returns the contact with an id of this user.
    #[inline]
    pub(super) fn find_by_id(&self, user: &Identity, at: usize) -> Option<Arc<Contact>> {
        let indexed = self.contacts.get(at).filter(|indexed| indexed.is_of(user));
        let indexed = indexed.or_else(|| self.look_up(user))?;
        Some(Arc::clone(&indexed.contact))
    }

    /// Returns the user with these ids. The value is shared with the contact that has the same
    /// ids, if that is the only contact or at the index of the item.
    #[inline]
    pub(super) fn identity(&self, ids: &Ids<'_>, at: usize) -> Option<Identity> {
        let indexed = match &*self.contacts {
            [only] => Some(only),
            contacts => contacts.get(at),
        };
        let identity = indexed.map(|indexed| &indexed.contact.identity);
        let shared = identity.filter(|identity| identity.has_ids(ids)).cloned();
        shared.or_else(|| Identity::from_ids(ids))
    }

    /// Returns the phone number of the only contact.
    pub(super) fn only_number(&self) -> Option<&str> {
        match &*self.contacts {
            [only] => only.contact.phone(),
            _ => None,
        }
    }

    /// Marks a contact that was found as used by an event that has a copy.
    pub(super) fn mark_copied(&self, contact: &Arc<Contact>, at: usize) {
        let is_it = |indexed: &&IndexedContact| Arc::ptr_eq(&indexed.contact, contact);
        let indexed = self.contacts.get(at).filter(is_it);
        if let Some(indexed) = indexed.or_else(|| self.look_up(&contact.identity)) {
            indexed.is_copied.set(true);
        }
    }

    /// Returns the indexes in the JSON of the contacts that no event uses.
    pub(super) fn unused(&self) -> impl Iterator<Item = usize> {
        // An exact repetition of a contact is found in place of its first occurrence.
        let is_first_used = |indexed: &IndexedContact| {
            let first = self.look_up(&indexed.contact.identity);
            first.is_some_and(|first| first.is_used() && first.contact.raw == indexed.contact.raw)
        };
        let unused = self
            .contacts
            .iter()
            .filter(move |indexed| !indexed.is_used() && !is_first_used(indexed));
        unused.map(|indexed| indexed.at)
    }

    #[inline]
    fn only_contact_of(&self, user: Option<&Identity>) -> Option<&IndexedContact> {
        match &*self.contacts {
            [only] => {
                let identity = &only.contact.identity;
                let is_another = user.is_some_and(|user| identity.is_other_user(user));
                let has_one_user = || *self.has_one_user_result.get_or_init(self.has_one_user);
                (!is_another && has_one_user()).then_some(only)
            }
            _ => None,
        }
    }

    fn look_up(&self, user: &Identity) -> Option<&IndexedContact> {
        if self.contacts.is_empty() {
            return None;
        }
        let id_of = |(kind, at): (IdKind, usize)| self.contacts[at].contact.identity.id(kind);
        let sorted = self.sorted_ids.get_or_init(|| {
            let kinds = [IdKind::User, IdKind::Parent, IdKind::Phone];
            let all = (0..self.contacts.len()).flat_map(|at| kinds.map(|kind| (kind, at)));
            let mut ids: Vec<_> = all.filter(|id| id_of(*id).is_some()).collect();
            // The sort is stable: of equal ids, that of the first contact is first.
            ids.sort_by_key(|id| id_of(*id));
            ids
        });
        let with_id = |id: &str| {
            let first = sorted.partition_point(|other| id_of(*other) < Some(id));
            let (kind, at) = *sorted.get(first)?;
            (id_of((kind, at)) == Some(id)).then(|| &self.contacts[at])
        };
        user.ids()
            .find_map(|id| with_id(id).filter(|indexed| indexed.is_of(user)))
    }
}

members! {
    /// The members of a contact.
    struct Members<'a> {
        profile: Profile,
        wa_id: IdText<'a>,
        user_id: IdText<'a>,
        parent_user_id: IdText<'a>,
        identity_key_hash: Arc<str>,
    }

    struct Profile {
        name: Arc<str>,
        username: Arc<str>,
        country_code: Arc<str>,
    }
}

/// Reads a contact. `raw` is its own JSON.
#[inline(always)]
#[allow(
    clippy::inline_always,
    reason = "makes the contact in place: a move of 232 bytes just after they were written is slow"
)]
fn read_contact<'a>(
    json: Node<'a>,
    raw: Option<RawJson>,
    omitted: &mut Omissions<'a>,
) -> Result<Contact, Fault> {
    let mut members = Members::default();
    members.fill(json, omitted)?;
    let identity = Identity::from_ids(&Ids {
        wa_id: members.wa_id,
        user_id: members.user_id,
        parent_user_id: members.parent_user_id,
    });
    let identity = identity.ok_or_else(|| omitted.missing(json, "wa_id"))?;
    let profile = members.profile.unwrap_or_default();
    Ok(Contact {
        name: profile.name,
        username: profile.username,
        country_code: profile.country_code,
        identity_key_hash: members.identity_key_hash,
        raw,
        ..Contact::new(identity)
    })
}

impl FromMeta for Contact {
    const STORED: &'static [&'static str] = &["identity"];

    fn from_meta<'a>(object: Node<'a>, omitted: &mut Omissions<'a>) -> Result<Self, Fault> {
        read_contact(object, None, omitted)
    }
}
