//! The history of an id: its tenures, which are the times for which contacts have had it.

use std::sync::Arc;

use smallvec::SmallVec;

use crate::engine::transaction::{Draft, Undecided};
use crate::model::{IdKind, Identity, Timestamp};
use crate::store::{ContactId, IdKey, Tenant};

/// Returns the keys of the rows that a user is resolved by.
pub(crate) fn id_keys(tenant: &Tenant, user: &Identity) -> impl Iterator<Item = IdKey> {
    IdKind::ALL.into_iter().filter_map(|kind| {
        Some(IdKey {
            tenant: tenant.clone(),
            kind,
            id: user.id(kind)?.into(),
        })
    })
}

/// An id of a user with all its tenures.
pub(super) struct IdHistory {
    pub(super) key: IdKey,
    pub(super) tenures: SmallVec<[Tenure; 1]>,
}

/// The time for which a contact has had an id.
pub(super) struct Tenure {
    pub(super) contact: ContactId,
    pub(super) since: Timestamp,
    until: Option<Timestamp>,
}

impl Tenure {
    pub(super) fn has_expired(&self, at: Timestamp) -> bool {
        self.until.is_some_and(|until| until <= at)
    }

    /// Returns whether the tenure includes a time. Its end counts, as a message may be of the same
    /// second.
    fn includes(&self, at: Timestamp) -> bool {
        self.since <= at && self.until.is_none_or(|until| at <= until)
    }

    /// Returns the order of the tenure among those that include a time: the last one to begin wins.
    fn order(&self) -> (Timestamp, bool, Option<Timestamp>) {
        (self.since, self.until.is_none(), self.until)
    }
}

impl IdHistory {
    /// Returns all ids of a user, the most reliable kind first.
    pub(super) fn all(
        draft: &mut Draft<'_, '_>,
        tenant: &Tenant,
        user: &Identity,
    ) -> Result<Vec<Self>, Undecided> {
        let mut ids = Vec::with_capacity(IdKind::ALL.len());
        for key in id_keys(tenant, user) {
            let mut tenures = SmallVec::new();
            let holders = SmallVec::<[_; 2]>::from_slice(draft.holders(&key)?);
            for contact in holders {
                let Some(row) = draft.contact(contact)? else {
                    continue;
                };
                let held = row
                    .ids
                    .iter()
                    .find(|held| held.kind == key.kind && held.id == key.id);
                tenures.extend(held.map(|held| Tenure {
                    contact,
                    since: held.since,
                    until: held.until,
                }));
            }
            ids.push(Self { key, tenures });
        }
        ids.sort_by_key(|id| std::cmp::Reverse(id.key.kind));
        Ok(ids)
    }

    /// Returns the tenure at a time. A time before the first tenure or between two belongs to the
    /// next one, whose contact had the id later.
    pub(super) fn holder(&self, at: Timestamp) -> Option<&Tenure> {
        let current = self.tenures.iter().filter(|tenure| tenure.includes(at));
        current.max_by_key(|tenure| tenure.order()).or_else(|| {
            let later = self.tenures.iter().filter(|tenure| tenure.since > at);
            later.min_by_key(|tenure| tenure.order())
        })
    }

    /// Returns the contact of a user with this id, which is no phone number, at a time. Ids of
    /// other kinds are never given to another user, even when they are out of use.
    fn owner(&self, at: Timestamp) -> Option<ContactId> {
        let last = || self.tenures.iter().max_by_key(|tenure| tenure.until);
        Some(self.holder(at).or_else(last)?.contact)
    }

    /// Returns the tenure just before a time.
    fn holder_before(&self, at: Timestamp) -> Option<&Tenure> {
        let current = self.tenures.iter().filter(|tenure| tenure.includes(at));
        current.max_by_key(|tenure| (tenure.since < at, tenure.order()))
    }

    /// Returns the first tenure that began at this time or later.
    fn first_since(&self, at: Timestamp) -> Option<&Tenure> {
        let later = self.tenures.iter().filter(|tenure| tenure.since >= at);
        later.min_by_key(|tenure| tenure.order())
    }
}

/// Returns the contacts of the user in an event of this time.
pub(super) fn same_user(
    draft: &mut Draft<'_, '_>,
    user: &Identity,
    ids: &[IdHistory],
    at: Timestamp,
) -> Result<Vec<ContactId>, Undecided> {
    let mut same = Vec::new();
    for id in ids {
        let contact = match id.key.kind {
            IdKind::Phone => id.holder(at).map(|tenure| tenure.contact),
            IdKind::Parent | IdKind::User => id.owner(at),
        };
        if let Some(contact) = contact
            && !same.contains(&contact)
            && (id.key.kind != IdKind::Phone || !contradicts(draft, user, &same, contact)?)
        {
            same.push(contact);
        }
    }
    Ok(same)
}

/// Returns the contacts of a user whose ids changed at this time.
pub(super) fn same_after_change(
    draft: &mut Draft<'_, '_>,
    [previous, current]: [&Identity; 2],
    [before, after]: [&[IdHistory]; 2],
    at: Timestamp,
) -> Result<Vec<ContactId>, Undecided> {
    let is_number = |id: &&IdHistory| id.key.kind == IdKind::Phone;
    let owners = |ids: &[IdHistory]| {
        let ids = ids.iter().filter(|id| id.key.kind != IdKind::Phone);
        ids.filter_map(|id| id.owner(at)).collect::<Vec<_>>()
    };
    let mut same = owners(before);
    if same.is_empty() {
        // An id that was known before outweighs a phone number alone.
        let known = after.iter().filter(|id| !is_number(id));
        let known = known.filter_map(|id| id.tenures.iter().find(|tenure| tenure.since < at));
        same.extend(known.map(|tenure| tenure.contact));
    }
    if let Some(number) = before.iter().find(is_number)
        && let Some(tenure) = number.holder_before(at)
        && !contradicts(draft, previous, &same, tenure.contact)?
    {
        same.push(tenure.contact);
    }
    same.extend(owners(after));
    // A contact that had the number before is another user. One that came with it later is the same
    // user, whose message came before the event about the change.
    if let Some(number) = after.iter().find(is_number)
        && let Some(tenure) = number.first_since(at)
        && !contradicts(draft, current, &same, tenure.contact)?
    {
        same.push(tenure.contact);
    }
    same.sort_unstable();
    same.dedup();
    Ok(same)
}

/// Returns whether a contact belongs to another user: it has user ids, and none of them is the
/// user's or one of the user's contacts in `same`.
pub(super) fn contradicts(
    draft: &mut Draft<'_, '_>,
    user: &Identity,
    same: &[ContactId],
    contact: ContactId,
) -> Result<bool, Undecided> {
    if same.contains(&contact) {
        return Ok(false);
    }
    let theirs = user_ids(draft, contact)?;
    if theirs.is_empty() {
        return Ok(false);
    }
    let mut own: Vec<Arc<str>> = user.user_id().map(Arc::from).into_iter().collect();
    for contact in same {
        own.extend(user_ids(draft, *contact)?);
    }
    Ok(!own.is_empty() && !own.iter().any(|id| theirs.contains(id)))
}

/// Returns the user ids that a contact has or had.
fn user_ids(draft: &mut Draft<'_, '_>, contact: ContactId) -> Result<Vec<Arc<str>>, Undecided> {
    let row = draft.contact(contact)?;
    let ids = row.into_iter().flat_map(|row| &row.ids);
    let ids = ids.filter(|held| held.kind == IdKind::User);
    Ok(ids.map(|held| Arc::clone(&held.id)).collect())
}

/// Returns the time since which no id has passed to another contact.
pub(super) fn stable_from(ids: &[IdHistory]) -> Timestamp {
    let tenures = ids.iter().flat_map(|id| &id.tenures);
    let times = tenures.flat_map(|tenure| [Some(tenure.since), tenure.until.map(next_second)]);
    times
        .flatten()
        .max()
        .unwrap_or(Timestamp::from_secs(i64::MIN))
}

/// Returns the second after a time.
pub(super) fn next_second(time: Timestamp) -> Timestamp {
    Timestamp::from_secs(time.as_secs().saturating_add(1))
}
