//! The users of a body: all events of one user have one partition key.
//!
//! One item of a body may name a user by the phone number, the next by a business-scoped id, and a
//! third by both. Each event keeps the best id of its user in the body. The id affects partition
//! keys only: neither the typed members nor the contact changes, so that equal items have equal
//! members in any body.

use std::collections::HashMap;

use super::{WebhookEvent, best_id};
use crate::model::{IdKind, Identity};

/// Sets the best id of the user for each event that has only a lesser id.
pub(crate) fn complete_ids(events: &mut [WebhookEvent]) {
    if events.len() < 2 || are_named_alike(events) {
        return;
    }
    let named: Vec<_> = events.iter().map(UserIds::new).collect();
    let mut users = IdSets::default();
    named.iter().flatten().for_each(|named| users.add(named));
    users.join_numbers();
    let best = named.iter().map(|named| {
        let named = named.as_ref()?;
        let (kind, id) = users.best_of(named)?;
        let (own_kind, own) = named.best()?;
        // Two ids of one kind are of two users, except for numbers, which may differ for one user.
        let is_better = kind > own_kind || (kind == IdKind::Phone && id != own);
        is_better.then(|| id.into())
    });
    let best: Vec<Option<Box<str>>> = best.collect();
    for (event, id) in events.iter_mut().zip(best) {
        if let Some(id) = id {
            event.set_known_as(id);
        }
    }
}

/// Returns whether all events name their users by one kind of id, as in nearly every body, and none
/// by two numbers.
fn are_named_alike(events: &[WebhookEvent]) -> bool {
    let mut kinds = events.iter().filter_map(|event| {
        event.with_ids(|ids| {
            let (kind, _) = best_id(ids)?;
            let numbers = ids.map(|identity| identity.and_then(|user| user.id(IdKind::Phone)));
            let has_two = matches!(numbers, [Some(a), Some(b)] if a != b);
            Some((kind, has_two && kind == IdKind::Phone))
        })
    });
    let first = kinds.next();
    first.is_none_or(|first| !first.1 && kinds.all(|kind| kind == first))
}

/// The ids by which an event names its user.
struct UserIds<'e> {
    /// The number or account that the ids are scoped to.
    scope: &'e str,
    user: Option<Identity>,
    contact: Option<Identity>,
}

impl<'e> UserIds<'e> {
    fn new(event: &'e WebhookEvent) -> Option<Self> {
        let [user, contact] = event.with_ids(|ids| ids.map(Option::<&Identity>::cloned));
        (user.is_some() || contact.is_some()).then(|| Self {
            scope: event.id_scope(),
            user,
            contact,
        })
    }

    fn identities(&self) -> [Option<&Identity>; 2] {
        [self.user.as_ref(), self.contact.as_ref()]
    }

    fn best(&self) -> Option<(IdKind, &str)> {
        best_id(self.identities())
    }

    fn ids(&self, kind: IdKind) -> impl Iterator<Item = &str> {
        let identities = self.identities().into_iter().flatten();
        identities.filter_map(move |identity| identity.id(kind))
    }
}

/// The ids of a body, as sets of the ids of one user (union-find).
#[derive(Default)]
struct IdSets<'n> {
    indexes: HashMap<(&'n str, &'n str), usize>,
    ids: Vec<IdNode<'n>>,
}

struct IdNode<'n> {
    kind: IdKind,
    id: &'n str,
    /// The parent in the union-find tree: another id of the same user, nearer to the root.
    parent: usize,
    /// For a number, the users that have it and another id.
    owners: Vec<usize>,
}

impl<'n> IdSets<'n> {
    /// Returns the index of an id. A new id is added.
    fn insert(&mut self, scope: &'n str, kind: IdKind, id: &'n str) -> usize {
        *self.indexes.entry((scope, id)).or_insert_with(|| {
            let at = self.ids.len();
            self.ids.push(IdNode {
                kind,
                id,
                parent: at,
                owners: Vec::new(),
            });
            at
        })
    }

    /// Returns the root of an id's set.
    fn root(&mut self, mut at: usize) -> usize {
        while self.ids[at].parent != at {
            let parent = self.ids[at].parent;
            // Halves the path for the next call.
            self.ids[at].parent = self.ids[parent].parent;
            at = parent;
        }
        at
    }

    /// Unites the sets of two ids. The root is the better id, or the earlier of two ids of one
    /// kind.
    fn join(&mut self, a: usize, b: usize) {
        let (a, b) = (self.root(a), self.root(b));
        let is_b = (self.ids[b].kind, a) > (self.ids[a].kind, b);
        let (root, other) = if is_b { (b, a) } else { (a, b) };
        self.ids[other].parent = root;
    }

    /// Adds the ids of an event.
    fn add(&mut self, named: &'n UserIds<'n>) {
        let mut user = None;
        for kind in [IdKind::User, IdKind::Parent] {
            for id in named.ids(kind) {
                let id = self.insert(named.scope, kind, id);
                self.join(*user.get_or_insert(id), id);
            }
        }
        let mut first = None;
        for number in named.ids(IdKind::Phone) {
            let number = self.insert(named.scope, IdKind::Phone, number);
            match user {
                // A number may pass to another user, so an event may name it with that user, too.
                Some(user) => self.ids[number].owners.push(user),
                None => self.join(*first.get_or_insert(number), number),
            }
        }
    }

    /// Unites each number with its user, unless it has two.
    fn join_numbers(&mut self) {
        let mut owners: HashMap<usize, Option<usize>> = HashMap::new();
        for at in 0..self.ids.len() {
            for owner in std::mem::take(&mut self.ids[at].owners) {
                let (number, owner) = (self.root(at), self.root(owner));
                let known = owners.entry(number).or_insert(Some(owner));
                *known = known.filter(|known| *known == owner);
            }
        }
        for (number, owner) in owners {
            if let Some(owner) = owner {
                self.join(number, owner);
            }
        }
    }

    /// Returns the best id of the user that an event names.
    fn best_of(&mut self, named: &UserIds<'_>) -> Option<(IdKind, &'n str)> {
        let (_, own) = named.best()?;
        let own = *self.indexes.get(&(named.scope, own))?;
        let best = self.root(own);
        Some((self.ids[best].kind, self.ids[best].id))
    }
}
