//! Contacts: the stored contact that a user is, and its changes.
//!
//! An id names the contact that had it at the time of an event. Each change of an id is recorded
//! with its time, so that late news changes nothing that is newer.

use std::collections::HashMap;
use std::hash::{BuildHasher, Hasher, RandomState};
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use smallvec::SmallVec;

use super::draft::{Draft, Undecided};
use super::profile::{apply_profile, has_news, merge_profiles};
use crate::model::{Contact, IdKind, Identity, Timestamp};
use crate::store::{
    ContactId, ContactRow, HeldId, IdKey, StoreError, StoreErrorKind, Tenant, id_at,
};

/// A contact with its id.
pub(super) type Entry = (ContactId, Arc<Contact>);

/// The contacts of one decision, each resolved once.
pub(super) struct Contacts {
    now: Timestamp,
    /// The tenant of all that follows.
    tenant: Option<Tenant>,
    known: Vec<Known>,
    places: HashMap<ContactId, usize>,
    found: HashMap<Identity, Found>,
}

/// A contact that was resolved.
struct Known {
    entry: Entry,
    profile_at: Option<Timestamp>,
}

/// A user with no id that the contact does not have now.
struct Found {
    /// The place of the contact.
    place: usize,
    /// The time from which on the ids have not changed hands.
    from: Timestamp,
}

impl Contacts {
    /// Returns no contacts. Those that are made have this time.
    pub(super) fn new(now: Timestamp) -> Self {
        Self {
            now,
            tenant: None,
            known: Vec::new(),
            places: HashMap::new(),
            found: HashMap::new(),
        }
    }

    /// Returns the keys of the rows that decide which contact a user is.
    pub(super) fn keys(tenant: &Tenant, user: &Identity) -> impl Iterator<Item = IdKey> {
        IdKind::ALL.into_iter().filter_map(|kind| {
            Some(IdKey {
                tenant: tenant.clone(),
                kind,
                id: user.id(kind)?.into(),
            })
        })
    }

    /// Notes the rows that decide which contact a user is.
    pub(super) fn want(draft: &mut Draft<'_, '_>, tenant: &Tenant, user: &Identity) {
        Self::keys(tenant, user).for_each(|key| draft.want_id(key));
    }

    /// Returns the contact that a user was at a time, if it is known. Nothing is written.
    ///
    /// Two contacts may be one user, as long as no event names the ids of both: the one with the
    /// user id is returned.
    pub(super) fn find(
        &mut self,
        draft: &mut Draft<'_, '_>,
        tenant: &Tenant,
        user: &Identity,
        at: Timestamp,
    ) -> Result<Option<Entry>, Undecided> {
        if let Some(place) = self.place(draft, tenant, user, at) {
            return Ok(Some(self.known[place].entry.clone()));
        }
        let ids = Id::all(draft, tenant, user)?;
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
        let place = if let Some(place) = self.places.get(&contact) {
            *place
        } else {
            let entry = (contact, Arc::clone(&row.contact));
            self.keep(entry, profile_at)
        };
        if has_all {
            self.remember(user, place, stable_from(&ids));
        }
        Ok(Some(self.known[place].entry.clone()))
    }

    /// Returns the contact of a user whom an event names, and records the ids and the profile
    /// that the event has.
    pub(super) fn observe(
        &mut self,
        draft: &mut Draft<'_, '_>,
        tenant: &Tenant,
        user: &Identity,
        profile: Option<&Contact>,
        at: Timestamp,
    ) -> Result<Entry, Undecided> {
        let place = self.place(draft, tenant, user, at);
        if let Some(place) = place {
            let known = &self.known[place];
            let (contact, time) = (&known.entry.1, known.profile_at);
            if profile.is_none_or(|profile| !has_news(contact, time, profile, at)) {
                return Ok(known.entry.clone());
            }
        }
        self.write(draft, place, tenant, user, profile, at, |_| {})
    }

    /// Records a user as [`observe`](Self::observe) does, and applies a change to the contact.
    pub(super) fn upsert(
        &mut self,
        draft: &mut Draft<'_, '_>,
        tenant: &Tenant,
        user: &Identity,
        profile: Option<&Contact>,
        at: Timestamp,
        change: impl FnOnce(&mut ContactRow),
    ) -> Result<Entry, Undecided> {
        let place = self.place(draft, tenant, user, at);
        self.write(draft, place, tenant, user, profile, at, change)
    }

    /// Records a user whose [place](Self::place) this is.
    #[allow(
        clippy::too_many_arguments,
        reason = "those of `upsert`, and the place"
    )]
    fn write(
        &mut self,
        draft: &mut Draft<'_, '_>,
        place: Option<usize>,
        tenant: &Tenant,
        user: &Identity,
        profile: Option<&Contact>,
        at: Timestamp,
        change: impl FnOnce(&mut ContactRow),
    ) -> Result<Entry, Undecided> {
        let mut subject;
        let mut found = None;
        if let Some(place) = place {
            subject = Subject::stored(draft, self.known[place].entry.0)?;
        } else {
            let ids = Id::all(draft, tenant, user)?;
            let same = same_user(draft, user, &ids, at)?;
            subject = self.unite(draft, tenant, user, &same)?;
            let mut from = stable_from(&ids);
            for id in &ids {
                if self.acquire(draft, &mut subject, id, &same, at)? {
                    from = from.max(after(at));
                }
            }
            found = Some(from.max(at));
        }
        if let Some(profile) = profile {
            apply_profile(&mut subject.row, profile, at);
        }
        change(&mut subject.row);
        let has_all = has_all(&subject.row, user);
        let place = self.save(draft, subject)?;
        if let Some(from) = found
            && has_all
        {
            self.remember(user, place, from);
        }
        Ok(self.known[place].entry.clone())
    }

    /// Records that a user has other ids from a time on, and returns the contact.
    pub(super) fn rename(
        &mut self,
        draft: &mut Draft<'_, '_>,
        tenant: &Tenant,
        previous: &Identity,
        current: &Identity,
        profile: Option<&Contact>,
        at: Timestamp,
    ) -> Result<Entry, Undecided> {
        self.enter(draft, tenant);
        let before = Id::all(draft, tenant, previous)?;
        let after = Id::all(draft, tenant, current)?;
        let same = same_renamed(draft, [previous, current], [&before, &after], at)?;
        let mut subject = self.unite(draft, tenant, current, &same)?;
        for id in &after {
            let of_kind = |old: &&Id| old.key.kind == id.key.kind && old.key != id.key;
            let old = before.iter().find(of_kind);
            // News that is not new takes away no id that the user has again.
            if let Some(old) = old
                && (!subject.has_at(&id.key, at) || subject.held(&old.key).is_none())
            {
                subject.lose(&old.key, at);
            }
            self.acquire(draft, &mut subject, id, &same, at)?;
        }
        if let Some(profile) = profile {
            apply_profile(&mut subject.row, profile, at);
        }
        let place = self.save(draft, subject)?;
        Ok(self.known[place].entry.clone())
    }

    /// Returns the place of a user that was resolved and is the same contact at this time.
    fn place(
        &mut self,
        draft: &Draft<'_, '_>,
        tenant: &Tenant,
        user: &Identity,
        at: Timestamp,
    ) -> Option<usize> {
        self.enter(draft, tenant);
        let found = self.found.get(user)?;
        (found.from <= at).then_some(found.place)
    }

    /// Forgets the contacts of another tenant: nearly all decisions have one.
    fn enter(&mut self, draft: &Draft<'_, '_>, tenant: &Tenant) {
        if self.tenant.as_ref() != Some(tenant) {
            self.tenant = Some(tenant.clone());
            self.known.clear();
            self.places.clear();
            self.found.clear();
            let users = draft.loaded_ids();
            self.places.reserve(users);
            self.found.reserve(users);
        }
    }

    fn remember(&mut self, user: &Identity, place: usize, from: Timestamp) {
        self.found.insert(user.clone(), Found { place, from });
    }

    fn keep(&mut self, entry: Entry, profile_at: Option<Timestamp>) -> usize {
        let id = entry.0;
        let known = Known { entry, profile_at };
        let place = *self.places.entry(id).or_insert(self.known.len());
        match self.known.get_mut(place) {
            Some(before) => *before = known,
            None => self.known.push(known),
        }
        place
    }

    /// Makes contacts of one user one: the oldest of them, or a new one if there is none.
    fn unite(
        &mut self,
        draft: &mut Draft<'_, '_>,
        tenant: &Tenant,
        user: &Identity,
        same: &[ContactId],
    ) -> Result<Subject, Undecided> {
        let Some(into) = same.iter().copied().min() else {
            let mut contact = Contact::new(user.clone());
            contact.created_at = Some(self.now);
            contact.updated_at = Some(self.now);
            return Ok(Subject {
                id: new_id(draft.now(), self.now),
                row: ContactRow::new(tenant.clone(), contact),
                is_new: true,
            });
        };
        let mut subject = Subject::stored(draft, into)?;
        for from in same.iter().copied().filter(|id| *id != into) {
            let other = Subject::stored(draft, from)?;
            draft.merge_contact(from, into)?;
            subject.merge(other.row);
            self.places.remove(&from);
            self.found.clear();
        }
        Ok(subject)
    }

    /// Gives an id to a contact that has it at this time, and takes it from another one that had
    /// it until now. Returns whether it has taken it.
    fn acquire(
        &mut self,
        draft: &mut Draft<'_, '_>,
        subject: &mut Subject,
        id: &Id,
        same: &[ContactId],
        at: Timestamp,
    ) -> Result<bool, Undecided> {
        if subject.has_at(&id.key, at) {
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
        for other in others().filter(|other| other.since <= at && !other.has_ended(at)) {
            let mut other = Subject::stored(draft, other.contact)?;
            other.lose(&id.key, at);
            self.save(draft, other)?;
            has_taken = true;
        }
        subject.acquire(&id.key, at, next, has_taken);
        Ok(has_taken)
    }

    /// Writes a contact if it has changed, and returns its place.
    fn save(&mut self, draft: &mut Draft<'_, '_>, subject: Subject) -> Result<usize, Undecided> {
        let Subject {
            id,
            mut row,
            is_new,
        } = subject;
        set_identity(&mut row);
        if !is_new {
            let stored = draft.contact(id)?;
            if stored == Some(&row)
                && let Some(place) = self.places.get(&id)
            {
                return Ok(*place);
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
                return Ok(self.keep(entry, row.profile_at));
            }
        }
        let (entry, profile_at) = ((id, Arc::clone(&row.contact)), row.profile_at);
        draft.put_contact(id, row);
        Ok(self.keep(entry, profile_at))
    }
}

/// A contact that a decision is about.
struct Subject {
    id: ContactId,
    row: ContactRow,
    is_new: bool,
}

impl Subject {
    /// Returns a contact that is stored.
    fn stored(draft: &mut Draft<'_, '_>, id: ContactId) -> Result<Self, Undecided> {
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

    fn held(&mut self, key: &IdKey) -> Option<&mut HeldId> {
        let mut ids = self.row.ids.iter_mut();
        ids.find(|held| held.kind == key.kind && held.id == key.id)
    }

    /// Returns whether the contact is known to have an id at a time and beyond it.
    fn has_at(&mut self, key: &IdKey, at: Timestamp) -> bool {
        let held = self.held(key);
        held.is_some_and(|held| held.since <= at && held.until.is_none_or(|until| until > at))
    }

    /// Ends the time for which the contact has an id.
    fn lose(&mut self, key: &IdKey, at: Timestamp) {
        match self.held(key) {
            Some(held) if held.since <= at => {
                held.until = Some(held.until.map_or(at, |until| until.min(at)));
            }
            // It was seen with it later.
            Some(_) => {}
            None => self.row.ids.push(HeldId {
                until: Some(at),
                ..HeldId::new(key.kind, Arc::clone(&key.id), at)
            }),
        }
    }

    /// Begins the time for which the contact has an id, until another contact has it or the
    /// contact another id of its kind.
    fn acquire(&mut self, key: &IdKey, at: Timestamp, next: Option<Timestamp>, has_taken: bool) {
        match self.held(key) {
            Some(held) if held.since > at => {
                held.since = at;
                return;
            }
            // It was lost at this very time, and to no other contact.
            Some(held) if held.until == Some(at) && !has_taken => return,
            _ => {}
        }
        let of_kind = |held: &&mut HeldId| held.kind == key.kind && held.id != key.id;
        let others = self.row.ids.iter().filter(|held| held.kind == key.kind);
        let newer = others
            .map(|held| held.since)
            .filter(|since| *since > at)
            .min();
        for held in self.row.ids.iter_mut().filter(of_kind) {
            // An id without an end that is older than the next one was regained after it.
            let is_over = held.until.map_or(newer.is_none(), |until| until > at);
            if held.since <= at && is_over {
                held.until = Some(at);
            }
        }
        let until = next.into_iter().chain(newer).min();
        match self.held(key) {
            Some(held) => held.until = until,
            None => self.row.ids.push(HeldId {
                until,
                ..HeldId::new(key.kind, Arc::clone(&key.id), at)
            }),
        }
    }

    /// Adds another contact of the same user.
    fn merge(&mut self, other: ContactRow) {
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
            // The user has the younger one of two ids.
            let is_held = |held: &&mut HeldId| held.kind == kind && held.until.is_none();
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

/// An id of a user, with the times for which contacts have had it.
struct Id {
    key: IdKey,
    tenures: SmallVec<[Tenure; 1]>,
}

/// A time for which a contact has had an id.
struct Tenure {
    contact: ContactId,
    since: Timestamp,
    until: Option<Timestamp>,
}

impl Tenure {
    fn has_ended(&self, at: Timestamp) -> bool {
        self.until.is_some_and(|until| until <= at)
    }

    /// Returns whether it includes a time. The end counts, as a message may be of the same second.
    fn includes(&self, at: Timestamp) -> bool {
        self.since <= at && self.until.is_none_or(|until| at <= until)
    }

    /// Returns its order among those that include a time: the last one to begin has the id.
    fn order(&self) -> (Timestamp, bool, Option<Timestamp>) {
        (self.since, self.until.is_none(), self.until)
    }
}

impl Id {
    /// Returns all ids of a user, the best one first.
    fn all(
        draft: &mut Draft<'_, '_>,
        tenant: &Tenant,
        user: &Identity,
    ) -> Result<Vec<Self>, Undecided> {
        let mut ids = Vec::with_capacity(IdKind::ALL.len());
        for key in Contacts::keys(tenant, user) {
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

    /// Returns the tenure at a time. A time before the first one, or between two, is part of the
    /// next one: its contact was seen with the id later.
    fn holder(&self, at: Timestamp) -> Option<&Tenure> {
        let current = self.tenures.iter().filter(|tenure| tenure.includes(at));
        current.max_by_key(|tenure| tenure.order()).or_else(|| {
            let later = self.tenures.iter().filter(|tenure| tenure.since > at);
            later.min_by_key(|tenure| tenure.order())
        })
    }

    /// Returns the contact that a user with this id is at a time, if it is no phone number: other
    /// ids do not change hands, also when they are not in use.
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

/// Returns the contacts of a user whom an event of this time names.
fn same_user(
    draft: &mut Draft<'_, '_>,
    user: &Identity,
    ids: &[Id],
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

/// Returns the contacts of a user who has had other ids until this time.
fn same_renamed(
    draft: &mut Draft<'_, '_>,
    [previous, current]: [&Identity; 2],
    [before, after]: [&[Id]; 2],
    at: Timestamp,
) -> Result<Vec<ContactId>, Undecided> {
    let is_number = |id: &&Id| id.key.kind == IdKind::Phone;
    let owners = |ids: &[Id]| {
        let ids = ids.iter().filter(|id| id.key.kind != IdKind::Phone);
        ids.filter_map(|id| id.owner(at)).collect::<Vec<_>>()
    };
    let mut same = owners(before);
    if same.is_empty() {
        // A number alone is weaker than an id that was known before.
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
    // A contact that had the number before is another user. One that came with it later is the
    // same user, whose message came before the news.
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

/// Returns whether a contact is known to be another user: it has user ids, and none of them is the
/// user's or that of a contact of the user.
fn contradicts(
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

/// Returns whether a contact has all ids of a user now.
fn has_all(row: &ContactRow, user: &Identity) -> bool {
    IdKind::ALL.into_iter().all(|kind| {
        user.id(kind).is_none_or(|id| {
            let mut held = row.ids.iter().filter(|held| held.until.is_none());
            held.any(|held| held.kind == kind && *held.id == *id)
        })
    })
}

/// Returns the time from which on no id has changed hands.
fn stable_from(ids: &[Id]) -> Timestamp {
    let tenures = ids.iter().flat_map(|id| &id.tenures);
    let times = tenures.flat_map(|tenure| [Some(tenure.since), tenure.until.map(after)]);
    times
        .flatten()
        .max()
        .unwrap_or(Timestamp::from_secs(i64::MIN))
}

/// Returns the second after a time.
fn after(time: Timestamp) -> Timestamp {
    Timestamp::from_secs(time.as_secs().saturating_add(1))
}

/// Sets the ids that a contact has now. The last ones stay if it has none.
fn set_identity(row: &mut ContactRow) {
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

/// Returns the id of a new contact, which is greater than those that this program has made.
fn new_id(store_now: i64, now: Timestamp) -> ContactId {
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
