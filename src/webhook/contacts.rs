//! The `contacts` of a value: the users that its items are from or for.

use std::cell::{Cell, OnceCell};
use std::sync::Arc;

use smallvec::SmallVec;

use super::events::Events;
use super::item::{ChangeContext, Item, ItemContext};
use crate::event::Reason;
use crate::json::object::{ReadMembers, members};
use crate::json::stored::FromMeta;
use crate::json::{Fault, Node, Omissions, Path};
use crate::model::{Contact, IdKind, IdText, Identity, Ids, RawJson, UserSide};

/// The contacts of one value, to be found by their ids.
pub(super) struct Contacts<'c> {
    json: Option<Node<'c>>,
    list: SmallVec<[Listed; 1]>,
    /// Whether the value has one item, or items that all name one user. It reads all items.
    have_one_user: &'c dyn Fn() -> bool,
    may_find_only: OnceCell<bool>,
    /// The ids of all contacts, sorted: kinds and indices. Filled at the first use, as most
    /// webhooks have one contact.
    sorted: OnceCell<Vec<(IdKind, usize)>>,
}

struct Listed {
    contact: Arc<Contact>,
    /// Its index in the JSON.
    at: usize,
    /// Whether some event has a copy, where others share the contact.
    is_copied: Cell<bool>,
}

impl Listed {
    /// Whether an event shares it, or has a copy. To have been found is not enough: the item
    /// that it was found for may be malformed.
    fn is_in_event(&self) -> bool {
        Arc::strong_count(&self.contact) > 1 || self.is_copied.get()
    }
}

impl<'c> Contacts<'c> {
    /// Makes the contacts of a list that is still to be [read](Self::read). `have_one_user` is
    /// true for a value with one item, or with items that all name one user.
    pub(super) fn new(json: Option<Node<'c>>, have_one_user: &'c dyn Fn() -> bool) -> Self {
        Self {
            json,
            list: SmallVec::new(),
            have_one_user,
            may_find_only: OnceCell::new(),
            sorted: OnceCell::new(),
        }
    }

    /// Reads the contacts, and reports those that are malformed.
    pub(super) fn read(
        &mut self,
        events: &mut Events<'_>,
        change: &ChangeContext<'_>,
        path: Path<'_>,
    ) {
        let elements = self.json.into_iter().flat_map(Node::elements);
        for (at, json) in elements.enumerate() {
            let mut omitted = Omissions::default();
            let contact = contact(json, Some(events.raw(json)), &mut omitted).map(|contact| {
                self.list.push(Listed {
                    contact: Arc::new(contact),
                    at,
                    is_copied: Cell::new(false),
                });
            });
            if contact.is_ok() && omitted.is_empty() {
                continue;
            }
            let alone = ItemContext::alone(change);
            let item = Item::new(json, at, path.element(at), &alone);
            match contact {
                Ok(()) => events.omitted(&item, events.len(), UserSide::Either, omitted),
                Err(fault) => events.unrecognized_item(&item, UserSide::Either, fault),
            }
        }
    }

    /// Returns the contact of a user. The only contact of a value belongs to its only item,
    /// also when that names no user, and to all of its items if they name one user, also by
    /// another phone number: a WhatsApp id and a phone number need not be the same.
    ///
    /// `at` is the item's index in its list. Contacts often stand in the same order, so that
    /// is the first place to look; but only the ids count.
    #[inline]
    pub(super) fn find(&self, user: Option<&Identity>, at: usize) -> Option<Arc<Contact>> {
        let listed = user.and_then(|user| self.find_listed(user, at));
        listed.or_else(|| Some(Arc::clone(&self.only(user)?.contact)))
    }

    /// Returns the contact with an id of this user.
    #[inline]
    pub(super) fn find_listed(&self, user: &Identity, at: usize) -> Option<Arc<Contact>> {
        let is_it = |listed: &&Listed| listed.contact.identity.is_same_user(user);
        let there = self.list.get(at).filter(is_it);
        let listed = there.or_else(|| self.look_up(user))?;
        Some(Arc::clone(&listed.contact))
    }

    /// Returns the user with these ids, shared with the contact that has the same ids, if it is
    /// the only one or stands at the index of the item.
    #[inline]
    pub(super) fn identity(&self, ids: &Ids<'_>, at: usize) -> Option<Identity> {
        let there = match &*self.list {
            [only] => Some(only),
            list => list.get(at),
        };
        let there = there.map(|listed| &listed.contact.identity);
        let shared = there.filter(|identity| identity.has_ids(ids)).cloned();
        shared.or_else(|| Identity::from_ids(ids))
    }

    /// Returns the number of the only contact.
    pub(super) fn only_number(&self) -> Option<&str> {
        match &*self.list {
            [only] => only.contact.phone(),
            _ => None,
        }
    }

    /// Notes that an event has a copy of a contact that was found.
    pub(super) fn mark_copied(&self, contact: &Arc<Contact>, at: usize) {
        let is_it = |listed: &&Listed| Arc::ptr_eq(&listed.contact, contact);
        let there = self.list.get(at).filter(is_it);
        if let Some(listed) = there.or_else(|| self.look_up(&contact.identity)) {
            listed.is_copied.set(true);
        }
    }

    #[inline]
    fn only(&self, user: Option<&Identity>) -> Option<&Listed> {
        match &*self.list {
            [only] => {
                let listed = &only.contact.identity;
                let is_another = user.is_some_and(|user| listed.is_other_user(user));
                let may_find = || *self.may_find_only.get_or_init(self.have_one_user);
                (!is_another && may_find()).then_some(only)
            }
            _ => None,
        }
    }

    fn look_up(&self, user: &Identity) -> Option<&Listed> {
        if self.list.is_empty() {
            return None;
        }
        let id_of = |(kind, at): (IdKind, usize)| self.list[at].contact.identity.id(kind);
        let sorted = self.sorted.get_or_init(|| {
            let kinds = [IdKind::User, IdKind::Parent, IdKind::Phone];
            let all = (0..self.list.len()).flat_map(|at| kinds.map(|kind| (kind, at)));
            let mut ids: Vec<_> = all.filter(|id| id_of(*id).is_some()).collect();
            // Of equal ids, the first contact's comes first.
            ids.sort_by_key(|id| id_of(*id));
            ids
        });
        let listed = |id: &str| {
            let first = sorted.partition_point(|other| id_of(*other) < Some(id));
            let (kind, at) = *sorted.get(first)?;
            (id_of((kind, at)) == Some(id)).then(|| &self.list[at])
        };
        let of_user = |listed: &&Listed| listed.contact.identity.is_same_user(user);
        user.ids().find_map(|id| listed(id).filter(of_user))
    }

    /// Reports the contacts that belong to no item.
    pub(super) fn report_unmatched(
        &self,
        events: &mut Events<'_>,
        change: &ChangeContext<'_>,
        path: Path<'_>,
    ) {
        let elements = self.json.into_iter().flat_map(Node::elements);
        let mut listed = self.list.iter().peekable();
        for (at, json) in elements.enumerate() {
            let Some(listed) = listed.next_if(|listed| listed.at == at) else {
                continue;
            };
            // One that is listed twice, to the letter, was found the first time.
            let is_first_in_event = || {
                let first = self.look_up(&listed.contact.identity);
                first.is_some_and(|first| {
                    first.is_in_event() && first.contact.raw == listed.contact.raw
                })
            };
            if listed.is_in_event() || is_first_in_event() {
                continue;
            }
            let alone = ItemContext::alone(change);
            let item = Item::new(json, at, path.element(at), &alone);
            events.unrecognized_item(&item, UserSide::Either, Reason::StrayContact);
        }
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

/// Reads a contact.
#[inline(always)]
#[allow(
    clippy::inline_always,
    reason = "a contact is made where it is shared: to move 232 bytes that were just written is slow"
)]
fn contact<'a>(
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
    const OWN: &'static [&'static str] = &["identity"];

    fn from_meta<'a>(object: Node<'a>, omitted: &mut Omissions<'a>) -> Result<Self, Fault> {
        contact(object, None, omitted)
    }
}
