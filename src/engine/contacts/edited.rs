//! A contact that a decision changes.

use std::hash::{BuildHasher, Hasher, RandomState};
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use super::profile::merge_profiles;
use crate::engine::transaction::{Draft, Undecided};
use crate::model::{IdKind, Identity, Timestamp};
use crate::store::{ContactId, ContactRow, IdKey, IdRow, StoreError, StoreErrorKind, id_at};

/// A contact in edit.
pub(super) struct EditedContact {
    pub(super) id: ContactId,
    pub(super) row: ContactRow,
    pub(super) is_new: bool,
}

impl EditedContact {
    /// Returns a stored contact.
    pub(super) fn stored(draft: &mut Draft<'_, '_>, id: ContactId) -> Result<Self, Undecided> {
        let Some(row) = draft.contact(id)?.cloned() else {
            let source = "an id belongs to a contact that is not there";
            return Err(StoreError::new(StoreErrorKind::Corrupt, source).into());
        };
        Ok(Self {
            id,
            row,
            is_new: false,
        })
    }

    pub(super) fn held(&mut self, key: &IdKey) -> Option<&mut IdRow> {
        let mut ids = self.row.ids.iter_mut();
        ids.find(|held| held.kind == key.kind && held.id == key.id)
    }

    /// Returns whether the contact is recorded to have an id at a time and after it.
    pub(super) fn has_at(&mut self, key: &IdKey, at: Timestamp) -> bool {
        let held = self.held(key);
        held.is_some_and(|held| held.since <= at && held.until.is_none_or(|until| until > at))
    }

    /// Ends the contact's tenure of an id.
    pub(super) fn release(&mut self, key: &IdKey, at: Timestamp) {
        match self.held(key) {
            Some(held) if held.since <= at => {
                held.until = Some(held.until.map_or(at, |until| until.min(at)));
            }
            // An event of a later time had the contact with the id.
            Some(_) => {}
            None => self.row.ids.push(IdRow {
                until: Some(at),
                ..IdRow::new(key.kind, Arc::clone(&key.id), at)
            }),
        }
    }

    /// Begins the contact's tenure of an id. It ends when another contact has the id, or the
    /// contact another id of this kind.
    pub(super) fn acquire(
        &mut self,
        key: &IdKey,
        at: Timestamp,
        next: Option<Timestamp>,
        has_taken: bool,
    ) {
        match self.held(key) {
            Some(held) if held.since > at => {
                held.since = at;
                return;
            }
            // The tenure ended at this very time, and no other contact took the id.
            Some(held) if held.until == Some(at) && !has_taken => return,
            _ => {}
        }
        let of_kind = |held: &&mut IdRow| held.kind == key.kind && held.id != key.id;
        let others = self.row.ids.iter().filter(|held| held.kind == key.kind);
        let newer = others
            .map(|held| held.since)
            .filter(|since| *since > at)
            .min();
        for held in self.row.ids.iter_mut().filter(of_kind) {
            // An older id without an end was regained after the newer one.
            let is_over = held.until.map_or(newer.is_none(), |until| until > at);
            if held.since <= at && is_over {
                held.until = Some(at);
            }
        }
        let until = next.into_iter().chain(newer).min();
        match self.held(key) {
            Some(held) => held.until = until,
            None => self.row.ids.push(IdRow {
                until,
                ..IdRow::new(key.kind, Arc::clone(&key.id), at)
            }),
        }
    }

    /// Merges another contact of the same user into this one.
    pub(super) fn merge(&mut self, other: ContactRow) {
        for held in &other.ids {
            let mut own = self.row.ids.iter_mut();
            match own.find(|own| own.kind == held.kind && own.id == held.id) {
                Some(own) => {
                    own.since = own.since.min(held.since);
                    own.until = own.until.and_then(|own| Some(own.max(held.until?)));
                }
                None => self.row.ids.push(held.clone()),
            }
        }
        for kind in IdKind::ALL {
            // Of two ids of a kind the user has the younger one.
            let is_held = |held: &&mut IdRow| held.kind == kind && held.until.is_none();
            let held = self.row.ids.iter_mut().filter(is_held);
            let mut held: Vec<_> = held.collect();
            held.sort_by_key(|held| held.since);
            if let [older @ .., youngest] = &mut held[..] {
                for held in older {
                    held.until = Some(youngest.since);
                }
            }
        }
        merge_profiles(&mut self.row, other);
    }
}

/// Sets the identity of a contact to its present ids. Without any, the last ones stay.
pub(super) fn set_identity(row: &mut ContactRow) {
    let id = |kind| {
        let mut held = row.ids.iter().filter(|held| held.until.is_none());
        Some(&*held.find(|held| held.kind == kind)?.id)
    };
    let current = [id(IdKind::Phone), id(IdKind::User), id(IdKind::Parent)];
    let own = &row.contact.identity;
    if current != [own.wa_id(), own.user_id(), own.parent_user_id()] {
        let [wa_id, user_id, parent_user_id] = current;
        if let Some(identity) = Identity::verbatim(wa_id, user_id, parent_user_id) {
            Arc::make_mut(&mut row.contact).identity = identity;
        }
    }
}

/// Returns the id of a new contact, which is greater than the earlier ones of this process.
pub(super) fn new_contact_id(store_now: i64, now: Timestamp) -> ContactId {
    static LAST: AtomicI64 = AtomicI64::new(0);
    let millis = match store_now {
        0 => now.as_secs().saturating_mul(1000),
        now => now,
    };
    let random = RandomState::new().build_hasher().finish();
    let next = |last: i64| id_at(millis, random).max(last + 1);
    let last = LAST.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |last| {
        Some(next(last))
    });
    ContactId(last.map_or_else(next, next))
}
