//! The users of a whole body: all events of one user have one partition.
//!
//! A user may be named by the phone number in one item of a body, by a business-scoped id
//! in the next, and by both in a third. An event whose user is known by better ids elsewhere
//! in the body gets them with its contact. In news of a changed id the contact may be known
//! by the new one, so the message's user gets them.

use std::collections::HashMap;
use std::sync::Arc;

use crate::event::WebhookEvent;
use crate::model::{Contact, Identity};

/// Adds to the contact of each event the ids by which its user is known in the others.
pub(super) fn complete_ids(events: &mut [WebhookEvent]) {
    if events.len() < 2 {
        return;
    }
    // In nearly every body all events name their users in one way.
    let mut ranks = events.iter().map(rank).filter(|rank| *rank > 0);
    let Some(first) = ranks.next() else {
        return;
    };
    if ranks.all(|rank| rank == first) {
        return;
    }
    for (at, user) in completed(events) {
        let event = &mut events[at];
        if event.is_news_of_ids() {
            event.add_ids(&user.identity);
        } else {
            event.set_contact(Arc::new(user));
        }
    }
}

/// Returns the contacts that events are to get, with the place of each event.
fn completed(events: &[WebhookEvent]) -> Vec<(usize, Contact)> {
    let named: Vec<_> = events.iter().map(ids).collect();
    let mut users = Users::default();
    for (event, ids) in events.iter().zip(&named) {
        if let Some(ids) = ids {
            users.add(event, ids);
        }
    }
    let mut completed = Vec::new();
    for (at, (event, ids)) in events.iter().zip(&named).enumerate() {
        let contact = ids.as_ref().and_then(|ids| users.complete(event, ids));
        completed.extend(contact.map(|contact| (at, contact)));
    }
    completed
}

/// Returns by which kind of id an event names its user; the higher, the better it is known.
fn rank(event: &WebhookEvent) -> u8 {
    event.with_ids(|ids| ids.into_iter().flatten().map(rank_of).max().unwrap_or(0))
}

fn rank_of(identity: &Identity) -> u8 {
    match (identity.user_id(), identity.parent_user_id()) {
        (Some(_), _) => 3,
        (None, Some(_)) => 2,
        (None, None) => 1,
    }
}

/// Returns all ids by which an event names its user.
fn ids(event: &WebhookEvent) -> Option<Identity> {
    event.with_ids(|ids| ids.into_iter().flatten().cloned().reduce(Identity::or))
}

/// The users that the events of a body name.
#[derive(Default)]
struct Users<'e> {
    list: Vec<User>,
    /// By number or account, as ids mean nothing elsewhere, and by id.
    by_id: HashMap<(&'e str, &'e str), usize>,
}

struct User {
    identity: Identity,
    contact: Option<Arc<Contact>>,
    /// The user that this one turned out to be.
    is: Option<usize>,
}

impl<'e> Users<'e> {
    /// Returns the users that have one of these ids.
    fn find(&self, place: &str, ids: &Identity) -> Vec<usize> {
        let found = ids.ids().filter_map(|id| {
            let mut at = *self.by_id.get(&(place, id))?;
            while let Some(is) = self.list[at].is {
                at = is;
            }
            self.list[at].identity.is_same_user(ids).then_some(at)
        });
        let mut found: Vec<_> = found.collect();
        found.sort_unstable();
        found.dedup();
        found
    }

    /// Adds the ids of an event to those of its user.
    fn add(&mut self, event: &'e WebhookEvent, ids: &'e Identity) {
        let place = event.place();
        let contact = event.contact().filter(|_| !event.is_news_of_ids());
        let mut user = User {
            identity: ids.clone(),
            contact: contact.map(|contact| Arc::new(contact.clone())),
            is: None,
        };
        let found = self.find(place, ids);
        let at = found.first().copied().unwrap_or(self.list.len());
        for other in found {
            let known = &mut self.list[other];
            known.is = (other != at).then_some(at);
            user.identity = known.identity.clone().or(user.identity);
            user.contact = known.contact.take().or(user.contact);
        }
        for id in ids.ids() {
            self.by_id.entry((place, id)).or_insert(at);
        }
        match self.list.get_mut(at) {
            Some(known) => *known = user,
            None => self.list.push(user),
        }
    }

    /// Returns the contact of an event with the ids that its user has besides those that
    /// the event names.
    fn complete(&self, event: &WebhookEvent, ids: &Identity) -> Option<Contact> {
        let user = *self.find(event.place(), ids).first()?;
        let user = &self.list[user];
        if rank_of(ids) >= rank_of(&user.identity) {
            return None;
        }
        let contact = event.contact().filter(|_| !event.is_news_of_ids());
        let contact = contact.or(user.contact.as_deref()).cloned();
        let mut contact = contact.unwrap_or_else(|| Contact::new(user.identity.clone()));
        contact.identity = contact.identity.or(user.identity.clone());
        Some(contact)
    }
}
