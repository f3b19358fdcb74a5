//! The `contacts` array of a value: whom its items are from or for.

use std::cell::{Cell, OnceCell};
use std::collections::HashMap;
use std::sync::Arc;

use serde::Deserialize;
use smallvec::SmallVec;

use super::cursor::Cursor;
use super::events::Events;
use super::item::{Around, Item};
use super::lenient::Omissions;
use super::path::Path;
use super::piece::Piece;
use super::scope::Scope;
use super::split::Elements;
use crate::event::Reason;
use crate::model::object::{member, option};
use crate::model::{Contact, Identity, Ids, UserId, UserSide, WaId};

/// The contacts of one value.
#[derive(Default)]
pub(super) struct Contacts<'a> {
    list: SmallVec<[Listed<'a>; 1]>,
}

struct Listed<'a> {
    contact: Arc<Contact>,
    at: usize,
    item: Piece<'a>,
    /// Whether some event has a copy, where others share the contact.
    is_copied: Cell<bool>,
}

impl<'a> Contacts<'a> {
    pub(super) fn read(
        events: &mut Events<'_>,
        scope: &Scope<'_>,
        path: Path<'_>,
        contacts: Option<Elements<'a>>,
    ) -> Self {
        let mut list = SmallVec::new();
        let (around, path) = (Around::nothing(scope), path.member("contacts"));
        for (at, json) in contacts.unwrap_or_default().into_iter().enumerate() {
            let item = Item::new(json, at, path.element(at), &around);
            let mut omitted = Omissions::default();
            let contact = omitted.read(json);
            let contact = contact.and_then(|wire: Wire| wire.into_contact(json, &omitted));
            let before = events.len();
            let result = contact.map(|contact| {
                list.push(Listed::new(events, contact, at, json));
                omitted
            });
            item.report(events, before, UserSide::Either, result);
        }
        Self { list }
    }

    /// Reads the array as it is gone through; `None` when anything in it is odd.
    pub(super) fn straight(events: &Events<'_>, cursor: &mut Cursor<'a>) -> Option<Self> {
        let mut list = SmallVec::new();
        cursor.array(|cursor| {
            let start = *cursor;
            let wire: Wire = cursor.value()?;
            let item = cursor.since(start)?;
            let contact = wire.into_contact(item, &Omissions::default()).ok()?;
            list.push(Listed::new(events, contact, list.len(), item));
            Some(())
        })?;
        Some(Self { list })
    }

    /// Makes a finder. `have_one_user` is true for a value with one item, or with items that
    /// all name one user; it is called when that matters.
    pub(super) fn finder<'c>(&'c self, have_one_user: &'c dyn Fn() -> bool) -> Finder<'c> {
        Finder::new(&self.list, have_one_user)
    }
}

impl<'a> Listed<'a> {
    fn new(events: &Events<'_>, mut contact: Contact, at: usize, item: Piece<'a>) -> Self {
        contact.raw = Some(events.raw(item));
        Self {
            contact: Arc::new(contact),
            at,
            item,
            is_copied: Cell::new(false),
        }
    }

    /// Whether an event shares it, or has a copy. To have been found is not
    /// enough: the item that it was found for may have turned out odd.
    fn is_in_event(&self) -> bool {
        Arc::strong_count(&self.contact) > 1 || self.is_copied.get()
    }
}

/// Finds contacts by their ids.
pub(super) struct Finder<'c> {
    list: &'c [Listed<'c>],
    have_one_user: &'c dyn Fn() -> bool,
    /// The result of `have_one_user`, which reads all items.
    may_find_only: OnceCell<bool>,
    /// Whether a contact was found for no other reason than that.
    has_found_only: Cell<bool>,
    /// Filled when it is first needed: most webhooks have one contact.
    by_id: OnceCell<HashMap<&'c str, &'c Listed<'c>>>,
}

impl<'c> Finder<'c> {
    /// Finds nobody.
    pub(super) fn of_nobody() -> Self {
        Self::new(&[], &|| false)
    }

    fn new(list: &'c [Listed<'c>], have_one_user: &'c dyn Fn() -> bool) -> Self {
        Self {
            list,
            have_one_user,
            may_find_only: OnceCell::new(),
            has_found_only: Cell::new(false),
            by_id: OnceCell::new(),
        }
    }

    /// Returns the contact of a user. The only contact of a value belongs to its only item,
    /// also when that names no user, and to all of its items if they name one user, also by
    /// another phone number: a WhatsApp id and a phone number need not be the same.
    ///
    /// `at` is the item's place in its array. Contacts often stand in the same
    /// order, so that is where it looks first; but it believes only the ids.
    pub(super) fn find(&self, user: Option<&Identity>, at: usize) -> Option<Arc<Contact>> {
        let listed = user.and_then(|user| self.find_listed(user, at));
        listed.or_else(|| Some(Arc::clone(&self.only(user)?.contact)))
    }

    /// The contact with an id of this user.
    pub(super) fn find_listed(&self, user: &Identity, at: usize) -> Option<Arc<Contact>> {
        let is_it = |listed: &&Listed<'_>| listed.contact.identity.is_same_user(user);
        let there = self.list.get(at).filter(is_it);
        let listed = there.or_else(|| self.look_up(user))?;
        Some(Arc::clone(&listed.contact))
    }

    /// Returns the number of the only contact.
    pub(super) fn only_number(&self) -> Option<&'c str> {
        match self.list {
            [only] => only.contact.phone(),
            _ => None,
        }
    }

    /// Whether a contact was found since all items of the value have one user.
    pub(super) fn has_found_only(&self) -> bool {
        self.has_found_only.get()
    }

    /// Notes that an event has a copy of a contact that was found.
    pub(super) fn copied(&self, contact: &Arc<Contact>, at: usize) {
        let is_it = |listed: &&Listed<'_>| Arc::ptr_eq(&listed.contact, contact);
        let there = self.list.get(at).filter(is_it);
        if let Some(listed) = there.or_else(|| self.look_up(&contact.identity)) {
            listed.is_copied.set(true);
        }
    }

    fn only(&self, user: Option<&Identity>) -> Option<&'c Listed<'c>> {
        match self.list {
            [only] => {
                let listed = &only.contact.identity;
                let is_another = user.is_some_and(|user| listed.is_other_user(user));
                let is_it = !is_another && *self.may_find_only.get_or_init(self.have_one_user);
                is_it.then(|| {
                    self.has_found_only.set(true);
                    only
                })
            }
            _ => None,
        }
    }

    fn look_up(&self, user: &Identity) -> Option<&'c Listed<'c>> {
        if self.list.is_empty() {
            return None;
        }
        let by_id = self.by_id.get_or_init(|| {
            let ids = self.list.iter().flat_map(|listed| {
                let ids = listed.contact.identity.ids();
                ids.map(move |id| (id, listed))
            });
            // From the last to the first, so that the first with an id keeps it.
            ids.collect::<Vec<_>>().into_iter().rev().collect()
        });
        let of_user = |listed: &&Listed<'_>| listed.contact.identity.is_same_user(user);
        user.ids()
            .find_map(|id| by_id.get(id).copied().filter(of_user))
    }

    /// Reports the contacts that belong to nothing.
    pub(super) fn strays(&self, events: &mut Events<'_>, scope: &Scope<'_>, path: Path<'_>) {
        let path = path.member("contacts");
        for listed in self.list.iter().filter(|listed| !listed.is_in_event()) {
            // One that is listed twice, to the letter, was found the first time.
            let first = self.look_up(&listed.contact.identity);
            if first
                .is_some_and(|first| first.is_in_event() && first.item.get() == listed.item.get())
            {
                continue;
            }
            let around = Around::nothing(scope);
            let item = Item::new(listed.item, listed.at, path.element(listed.at), &around);
            events.unrecognized_item(&item, UserSide::Either, Reason::StrayContact);
        }
    }
}

/// A contact as Meta writes it.
#[derive(Deserialize)]
struct Wire {
    #[serde(default, deserialize_with = "option")]
    wa_id: Option<WaId>,
    #[serde(default, deserialize_with = "option")]
    user_id: Option<UserId>,
    #[serde(default, deserialize_with = "option")]
    parent_user_id: Option<UserId>,
    #[serde(default, deserialize_with = "option")]
    profile: Option<Profile>,
    #[serde(default, deserialize_with = "option")]
    identity_key_hash: Option<Arc<str>>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Profile {
    #[serde(deserialize_with = "option")]
    name: Option<Arc<str>>,
    #[serde(deserialize_with = "option")]
    username: Option<Arc<str>>,
    #[serde(deserialize_with = "option")]
    country_code: Option<Arc<str>>,
}

member!(Profile);

impl Wire {
    fn into_contact(self, json: Piece<'_>, omitted: &Omissions<'_>) -> Result<Contact, Reason> {
        let identity = Identity::from_ids(Ids {
            wa_id: self.wa_id,
            user_id: self.user_id,
            parent_user_id: self.parent_user_id,
        });
        let identity = identity.ok_or_else(|| omitted.missing(json, "wa_id"))?;
        let profile = self.profile.unwrap_or_default();
        let mut contact = Contact::new(identity);
        contact.name = profile.name;
        contact.username = profile.username;
        contact.country_code = profile.country_code;
        contact.identity_key_hash = self.identity_key_hash;
        Ok(contact)
    }
}
