//! A cache of contacts, for stores whose loads are round trips.
//!
//! A decision may use cached rows because its commit checks all rows that it has used. A stale row
//! costs a conflict, after which the decision is repeated with loaded rows.

use std::collections::HashMap;
use std::fmt;
use std::io::{self, Write};
use std::mem;
use std::time::{Duration, Instant};

use parking_lot::{Mutex, MutexGuard};

use crate::store::{Changes, ContactId, ContactRow, IdKey, LoadQuery, Snapshot, Versioned};

/// The most ids of a generation.
const MAX_IDS: usize = 8192;

/// The most bytes that the contacts of a generation have as JSON.
const MAX_BYTES: usize = 4 * 1024 * 1024;

/// The longest time for which a generation is young. It bounds how long the cache keeps a contact
/// that another process has erased.
const MAX_AGE: Duration = Duration::from_secs(300);

/// The contacts of the ids that were used last. They are personal data, and `Debug` leaves them
/// out.
#[derive(Default)]
pub(crate) struct ContactCache(Mutex<Generations>);

/// The two generations of the cache. Ids that are used move to the young generation, which replaces
/// the old one once it is full or aged.
#[derive(Default)]
struct Generations {
    young: Generation,
    old: Generation,
}

#[derive(Default)]
struct Generation {
    ids: HashMap<IdKey, Cached>,
    bytes: usize,
    /// The time at which the generation is aged, set by its first id.
    until: Option<Instant>,
}

/// All contacts that have or had an id.
struct Cached {
    contacts: Vec<(ContactId, Versioned<ContactRow>)>,
    bytes: usize,
    /// `true` after a commit that used the contacts was a conflict, until a load has found the same
    /// ones. Otherwise a user whose contact another process writes all the time would cause a
    /// conflict with each event.
    is_doubtful: bool,
}

impl ContactCache {
    fn lock(&self) -> MutexGuard<'_, Generations> {
        let mut generations = self.0.lock();
        let until = generations.young.until;
        if until.is_some_and(|until| until <= Instant::now()) {
            generations.rotate();
        }
        generations
    }

    /// Returns the wanted rows if these are only ids, all of which are cached.
    pub(crate) fn load(&self, query: &LoadQuery) -> Option<Snapshot> {
        if !query.has_only_ids() {
            return None;
        }
        let mut snapshot = Snapshot::with_capacity_for(query);
        let mut generations = self.lock();
        for key in &query.ids {
            let cached = generations.get(key)?;
            let holders = cached.contacts.iter().map(|(id, _)| *id).collect();
            snapshot.holders.insert(key.clone(), holders);
            let rows = cached.contacts.iter();
            let rows = rows.map(|(id, row)| (*id, Some(row.clone())));
            snapshot.contacts.extend(rows);
        }
        Some(snapshot)
    }

    /// Adds the loaded ids with their contacts. Ids without a contact are left out, as the next
    /// event adds one.
    pub(crate) fn add(&self, loaded: &Snapshot) {
        if loaded.holders.is_empty() {
            return;
        }
        let mut generations = self.lock();
        for (key, holders) in &loaded.holders {
            let row = |id: &ContactId| Some((*id, loaded.contacts.get(id)?.clone()?));
            let contacts: Option<Vec<_>> = holders.iter().map(row).collect();
            match contacts {
                Some(contacts) if !contacts.is_empty() => generations.add(key, contacts),
                _ => generations.remove(key),
            }
        }
    }

    /// Removes the contacts that a commit has written.
    pub(crate) fn remove_written(&self, known: &Snapshot, changes: &Changes<'_>) {
        let put = changes.contacts.iter().map(|put| put.key);
        let merged = changes.merges.iter().map(|merge| merge.from);
        let deleted = changes.deleted_contacts.iter().map(|(id, _)| *id);
        let mut written = put.chain(merged).chain(deleted).peekable();
        if written.peek().is_none() {
            return;
        }
        let mut generations = self.0.lock();
        let before = written.filter_map(|id| known.contacts.get(&id)?.as_ref());
        let before = before.map(|stored| &stored.row);
        for row in before.chain(changes.contacts.iter().map(|put| &put.row)) {
            for held in &row.ids {
                generations.remove(&IdKey {
                    tenant: row.tenant.clone(),
                    kind: held.kind,
                    id: held.id.clone(),
                });
            }
        }
    }

    /// Marks the contacts of ids as doubtful after a conflict: they are loaded until two loads have
    /// found the same rows.
    pub(crate) fn mark_doubtful(&self, used: &Snapshot) {
        let mut generations = self.0.lock();
        let Generations { young, old } = &mut *generations;
        for key in used.holders.keys() {
            let cached = young.ids.get_mut(key);
            if let Some(cached) = cached.or_else(|| old.ids.get_mut(key)) {
                cached.is_doubtful = true;
            }
        }
    }
}

impl Generations {
    fn get(&mut self, key: &IdKey) -> Option<&Cached> {
        if let Some((key, cached)) = self.old.take(key) {
            self.insert(key, cached);
        }
        let cached = self.young.ids.get(key)?;
        (!cached.is_doubtful).then_some(cached)
    }

    fn add(&mut self, key: &IdKey, contacts: Vec<(ContactId, Versioned<ContactRow>)>) {
        let before = self.young.take(key).or_else(|| self.old.take(key));
        let is_doubtful = before.is_some_and(|(_, before)| {
            let versions = |contacts: &[(ContactId, Versioned<ContactRow>)]| {
                let versions = contacts.iter().map(|(id, stored)| (*id, stored.version));
                versions.collect::<Vec<_>>()
            };
            before.is_doubtful && versions(&before.contacts) != versions(&contacts)
        });
        let bytes = contacts.iter().map(|(_, stored)| bytes(&stored.row)).sum();
        if bytes <= MAX_BYTES {
            let cached = Cached {
                contacts,
                bytes,
                is_doubtful,
            };
            self.insert(key.clone(), cached);
        }
    }

    /// Inserts an id that is in neither generation.
    fn insert(&mut self, key: IdKey, cached: Cached) {
        let is_full = self.young.ids.len() >= MAX_IDS;
        if is_full || self.young.bytes + cached.bytes > MAX_BYTES {
            self.rotate();
        }
        let until = || Instant::now() + MAX_AGE;
        self.young.until.get_or_insert_with(until);
        self.young.bytes += cached.bytes;
        self.young.ids.insert(key, cached);
    }

    fn rotate(&mut self) {
        self.old = mem::take(&mut self.young);
    }

    fn remove(&mut self, key: &IdKey) {
        self.young.take(key);
        self.old.take(key);
    }
}

impl Generation {
    fn take(&mut self, key: &IdKey) -> Option<(IdKey, Cached)> {
        let (key, cached) = self.ids.remove_entry(key)?;
        self.bytes -= cached.bytes;
        Some((key, cached))
    }
}

impl fmt::Debug for ContactCache {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ContactCache").finish_non_exhaustive()
    }
}

/// Returns the size of a contact with its ids as JSON.
fn bytes(row: &ContactRow) -> usize {
    struct Counter(usize);

    impl Write for Counter {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0 += bytes.len();
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    let mut counter = Counter(0);
    let is_counted = serde_json::to_writer(&mut counter, &(&*row.contact, &row.ids)).is_ok();
    if is_counted { counter.0 } else { usize::MAX }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Contact, IdKind, Identity};
    use crate::store::Tenant;

    fn query(id: &str) -> LoadQuery {
        let mut query = LoadQuery::default();
        query.ids.insert(IdKey {
            tenant: Tenant::new("shop"),
            kind: IdKind::Phone,
            id: id.into(),
        });
        query
    }

    /// Adds a contact with one id.
    fn add(cache: &ContactCache, number: i64, notes: &str) {
        let (id, key) = (ContactId(number), number.to_string());
        let mut contact = Contact::new(Identity::from_phone(&key).unwrap());
        contact.notes = Some(notes.into());
        let row = ContactRow::new(Tenant::new("shop"), contact);
        let mut loaded = Snapshot::default();
        let holders = query(&key).ids.into_iter().map(|key| (key, vec![id]));
        loaded.holders.extend(holders);
        let stored = Some(Versioned { version: 1, row });
        loaded.contacts.insert(id, stored);
        cache.add(&loaded);
    }

    fn has(cache: &ContactCache, number: i64) -> bool {
        cache.load(&query(&number.to_string())).is_some()
    }

    #[test]
    fn an_id_that_is_not_used_ends_with_its_generation() {
        let cache = ContactCache::default();
        for number in 0..4 {
            add(&cache, number, "");
            cache.0.lock().young.until = Some(Instant::now());
            assert!(has(&cache, 0));
        }
        assert!(!has(&cache, 1) && has(&cache, 3));
    }

    #[test]
    fn ids_and_bytes_are_bounded_and_the_last_used_ids_stay() {
        let most_ids = i64::try_from(MAX_IDS).unwrap();
        let large = "x".repeat(MAX_BYTES / 8);
        for (numbers, notes) in [(5 * most_ids, ""), (100, &large)] {
            let cache = ContactCache::default();
            for number in 0..numbers {
                add(&cache, number, notes);
                assert!(has(&cache, 0), "it is used again and again");
                let generations = cache.0.lock();
                for generation in [&generations.young, &generations.old] {
                    assert!(generation.ids.len() <= MAX_IDS && generation.bytes <= MAX_BYTES);
                }
            }
            let generations = cache.0.lock();
            for generation in [&generations.young, &generations.old] {
                let bytes = generation.ids.values().map(|cached| cached.bytes);
                assert_eq!(bytes.sum::<usize>(), generation.bytes);
            }
            drop(generations);
            assert!(has(&cache, numbers - 1) && !has(&cache, 1));
            let text = format!("{cache:?}");
            assert_eq!(text, "ContactCache { .. }");
        }
        let cache = ContactCache::default();
        add(&cache, 1, &"x".repeat(MAX_BYTES));
        assert!(!has(&cache, 1), "it is too large");
    }
}
