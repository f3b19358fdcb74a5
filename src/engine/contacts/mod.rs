//! Contacts: the resolution of a user to a stored contact, and the contact's changes.
//!
//! An id names the contact that had it at the time of an event. Each change of an id is recorded
//! with its time, so that an event that comes late does not undo a newer change.

mod edited;
mod event_user;
mod id_history;
mod profile;

use std::collections::HashMap;
use std::sync::Arc;

use crate::engine::transaction::{Draft, Undecided};
use crate::model::{Contact, IdKind, Identity, Timestamp};
use crate::store::{ContactId, ContactRow, Tenant};
use edited::{EditedContact, new_contact_id, set_identity};
use id_history::{IdHistory, contradicts, next_second, same_after_change, same_user, stable_from};
use profile::{apply_profile, has_news};

pub(crate) use event_user::{RequestedUsers, identities, identity, request_ids, update_contact};
pub(crate) use id_history::id_keys;

/// A contact with its id.
pub(crate) type ContactEntry = (ContactId, Arc<Contact>);

/// The contacts of one decision. Each user is resolved once.
pub(crate) struct Contacts {
    now: Timestamp,
    /// The tenant of the contacts below.
    tenant: Option<Tenant>,
    known: Vec<ResolvedContact>,
    indexes: HashMap<ContactId, usize>,
    found: HashMap<Identity, ResolvedUser>,
}

/// A resolved contact.
struct ResolvedContact {
    entry: ContactEntry,
    profile_at: Option<Timestamp>,
}

/// A resolved user, all ids of whom the contact has now.
struct ResolvedUser {
    /// The index of the contact.
    index: usize,
    /// The time since which no id has belonged to another contact.
    from: Timestamp,
}

impl Contacts {
    /// Returns an empty set. New contacts get the time `now`.
    pub(crate) fn new(now: Timestamp) -> Self {
        Self {
            now,
            tenant: None,
            known: Vec::new(),
            indexes: HashMap::new(),
            found: HashMap::new(),
        }
    }

    /// Requests the rows that a user is resolved by.
    pub(crate) fn request(draft: &mut Draft<'_, '_>, tenant: &Tenant, user: &Identity) {
        id_keys(tenant, user).for_each(|key| draft.request_id(key));
    }

    /// Returns the contact that a user was at a time, if it is stored. Writes nothing.
    ///
    /// Two contacts may be one user as long as no event names ids of both. Then the one with the
    /// user id is returned.
    pub(crate) fn find(
        &mut self,
        draft: &mut Draft<'_, '_>,
        tenant: &Tenant,
        user: &Identity,
        at: Timestamp,
    ) -> Result<Option<ContactEntry>, Undecided> {
        if let Some(index) = self.cached_index(draft, tenant, user, at) {
            return Ok(Some(self.known[index].entry.clone()));
        }
        let ids = IdHistory::all(draft, tenant, user)?;
        let mut holder = None;
        for id in &ids {
            holder = match id.holder(at) {
                Some(tenure) if id.key.kind != IdKind::Phone => Some(tenure.contact),
                Some(tenure) if !contradicts(draft, user, &[], tenure.contact)? => {
                    Some(tenure.contact)
                }
                _ => continue,
            };
            break;
        }
        let Some(contact) = holder else {
            return Ok(None);
        };
        let Some(row) = draft.contact(contact)? else {
            return Ok(None);
        };
        let (has_all, profile_at) = (has_all(row, user), row.profile_at);
        let index = if let Some(index) = self.indexes.get(&contact) {
            *index
        } else {
            let entry = (contact, Arc::clone(&row.contact));
            self.cache_contact(entry, profile_at)
        };
        if has_all {
            self.cache_user(user, index, stable_from(&ids));
        }
        Ok(Some(self.known[index].entry.clone()))
    }

    /// Returns the contact of an event's user, and records the ids and the profile in the event.
    pub(crate) fn observe(
        &mut self,
        draft: &mut Draft<'_, '_>,
        tenant: &Tenant,
        user: &Identity,
        profile: Option<&Contact>,
        at: Timestamp,
    ) -> Result<ContactEntry, Undecided> {
        let index = self.cached_index(draft, tenant, user, at);
        if let Some(index) = index {
            let known = &self.known[index];
            let (contact, time) = (&known.entry.1, known.profile_at);
            if profile.is_none_or(|profile| !has_news(contact, time, profile, at)) {
                return Ok(known.entry.clone());
            }
        }
        self.write(draft, index, tenant, user, profile, at, |_| {})
    }

    /// Records a user as [`observe`](Self::observe) does, and applies a change to the contact.
    pub(crate) fn upsert(
        &mut self,
        draft: &mut Draft<'_, '_>,
        tenant: &Tenant,
        user: &Identity,
        profile: Option<&Contact>,
        at: Timestamp,
        change: impl FnOnce(&mut ContactRow),
    ) -> Result<ContactEntry, Undecided> {
        let index = self.cached_index(draft, tenant, user, at);
        self.write(draft, index, tenant, user, profile, at, change)
    }

    /// Records a user whose contact has this [cached index](Self::cached_index).
    #[allow(
        clippy::too_many_arguments,
        reason = "those of `upsert`, and the index"
    )]
    fn write(
        &mut self,
        draft: &mut Draft<'_, '_>,
        index: Option<usize>,
        tenant: &Tenant,
        user: &Identity,
        profile: Option<&Contact>,
        at: Timestamp,
        change: impl FnOnce(&mut ContactRow),
    ) -> Result<ContactEntry, Undecided> {
        let mut edited;
        let mut found = None;
        if let Some(index) = index {
            edited = EditedContact::stored(draft, self.known[index].entry.0)?;
        } else {
            let ids = IdHistory::all(draft, tenant, user)?;
            let same = same_user(draft, user, &ids, at)?;
            edited = self.merge(draft, tenant, user, &same)?;
            let mut from = stable_from(&ids);
            for id in &ids {
                if self.acquire(draft, &mut edited, id, &same, at)? {
                    from = from.max(next_second(at));
                }
            }
            found = Some(from.max(at));
        }
        if let Some(profile) = profile {
            apply_profile(&mut edited.row, profile, at);
        }
        change(&mut edited.row);
        let has_all = has_all(&edited.row, user);
        let index = self.save(draft, edited)?;
        if let Some(from) = found
            && has_all
        {
            self.cache_user(user, index, from);
        }
        Ok(self.known[index].entry.clone())
    }

    /// Records that the ids of a user changed at a time, and returns the contact.
    pub(crate) fn change_ids(
        &mut self,
        draft: &mut Draft<'_, '_>,
        tenant: &Tenant,
        previous: &Identity,
        current: &Identity,
        profile: Option<&Contact>,
        at: Timestamp,
    ) -> Result<ContactEntry, Undecided> {
        self.set_tenant(draft, tenant);
        let before = IdHistory::all(draft, tenant, previous)?;
        let after = IdHistory::all(draft, tenant, current)?;
        let same = same_after_change(draft, [previous, current], [&before, &after], at)?;
        let mut edited = self.merge(draft, tenant, current, &same)?;
        for id in &after {
            let of_kind = |old: &&IdHistory| old.key.kind == id.key.kind && old.key != id.key;
            let old = before.iter().find(of_kind);
            // A repeated event does not release an id that the user has regained since.
            if let Some(old) = old
                && (!edited.has_at(&id.key, at) || edited.held(&old.key).is_none())
            {
                edited.release(&old.key, at);
            }
            self.acquire(draft, &mut edited, id, &same, at)?;
        }
        if let Some(profile) = profile {
            apply_profile(&mut edited.row, profile, at);
        }
        let index = self.save(draft, edited)?;
        Ok(self.known[index].entry.clone())
    }

    /// Returns the index of the resolved contact of a user, if the user was the same contact at
    /// this time.
    fn cached_index(
        &mut self,
        draft: &Draft<'_, '_>,
        tenant: &Tenant,
        user: &Identity,
        at: Timestamp,
    ) -> Option<usize> {
        self.set_tenant(draft, tenant);
        let found = self.found.get(user)?;
        (found.from <= at).then_some(found.index)
    }

    /// Sets the tenant, and clears the contacts of another one. Nearly all decisions have one
    /// tenant.
    fn set_tenant(&mut self, draft: &Draft<'_, '_>, tenant: &Tenant) {
        if self.tenant.as_ref() != Some(tenant) {
            self.tenant = Some(tenant.clone());
            self.known.clear();
            self.indexes.clear();
            self.found.clear();
            let users = draft.loaded_ids();
            self.indexes.reserve(users);
            self.found.reserve(users);
        }
    }

    fn cache_user(&mut self, user: &Identity, index: usize, from: Timestamp) {
        self.found
            .insert(user.clone(), ResolvedUser { index, from });
    }

    fn cache_contact(&mut self, entry: ContactEntry, profile_at: Option<Timestamp>) -> usize {
        let id = entry.0;
        let known = ResolvedContact { entry, profile_at };
        let index = *self.indexes.entry(id).or_insert(self.known.len());
        match self.known.get_mut(index) {
            Some(before) => *before = known,
            None => self.known.push(known),
        }
        index
    }

    /// Merges the contacts of a user into the oldest one. Returns a new contact if there are none.
    fn merge(
        &mut self,
        draft: &mut Draft<'_, '_>,
        tenant: &Tenant,
        user: &Identity,
        same: &[ContactId],
    ) -> Result<EditedContact, Undecided> {
        let Some(into) = same.iter().copied().min() else {
            let mut contact = Contact::new(user.clone());
            contact.created_at = Some(self.now);
            contact.updated_at = Some(self.now);
            return Ok(EditedContact {
                id: new_contact_id(draft.now(), self.now),
                row: ContactRow::new(tenant.clone(), contact),
                is_new: true,
            });
        };
        let mut edited = EditedContact::stored(draft, into)?;
        for from in same.iter().copied().filter(|id| *id != into) {
            let other = EditedContact::stored(draft, from)?;
            draft.merge_contact(from, into)?;
            edited.merge(other.row);
            self.indexes.remove(&from);
            self.found.clear();
        }
        Ok(edited)
    }

    /// Assigns an id to a contact from this time on, and ends its tenure at other contacts. Returns
    /// whether another contact had it.
    fn acquire(
        &mut self,
        draft: &mut Draft<'_, '_>,
        edited: &mut EditedContact,
        id: &IdHistory,
        same: &[ContactId],
        at: Timestamp,
    ) -> Result<bool, Undecided> {
        if edited.has_at(&id.key, at) {
            return Ok(false);
        }
        let others = || {
            id.tenures
                .iter()
                .filter(|other| !same.contains(&other.contact))
        };
        let next = others()
            .map(|other| other.since)
            .filter(|since| *since > at)
            .min();
        let mut has_taken = false;
        for other in others().filter(|other| other.since <= at && !other.has_expired(at)) {
            let mut other = EditedContact::stored(draft, other.contact)?;
            other.release(&id.key, at);
            self.save(draft, other)?;
            has_taken = true;
        }
        edited.acquire(&id.key, at, next, has_taken);
        Ok(has_taken)
    }

    /// Writes a contact if it has changed. Returns its index.
    fn save(
        &mut self,
        draft: &mut Draft<'_, '_>,
        edited: EditedContact,
    ) -> Result<usize, Undecided> {
        let EditedContact {
            id,
            mut row,
            is_new,
        } = edited;
        set_identity(&mut row);
        if !is_new {
            let stored = draft.contact(id)?;
            if stored == Some(&row)
                && let Some(index) = self.indexes.get(&id)
            {
                return Ok(*index);
            }
            let is_same = |stored: &ContactRow| stored.contact == row.contact;
            if !stored.is_some_and(is_same) {
                Arc::make_mut(&mut row.contact).updated_at = Some(self.now);
            }
            if stored.is_some_and(|stored| stored.ids != row.ids) {
                self.found.clear();
            }
            if stored == Some(&row) {
                let entry = (id, row.contact);
                return Ok(self.cache_contact(entry, row.profile_at));
            }
        }
        let (entry, profile_at) = ((id, Arc::clone(&row.contact)), row.profile_at);
        draft.put_contact(id, row);
        Ok(self.cache_contact(entry, profile_at))
    }
}

/// Returns whether a contact has all ids of a user at present.
fn has_all(row: &ContactRow, user: &Identity) -> bool {
    IdKind::ALL.into_iter().all(|kind| {
        user.id(kind).is_none_or(|id| {
            let mut held = row.ids.iter().filter(|held| held.until.is_none());
            held.any(|held| held.kind == kind && *held.id == *id)
        })
    })
}
