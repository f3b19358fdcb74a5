//! The table of contacts and its index of ids.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use crate::store::error::{check_version, conflict};
use crate::store::{Changes, ContactId, ContactRow, IdKey, StoreError, Versioned};

#[derive(Default)]
pub(super) struct ContactTable {
    rows: HashMap<ContactId, EvictableContact>,
    holders: HashMap<IdKey, BTreeSet<ContactId>>,
    last_use: u64,
    /// The contacts in the order of their last use. The first one is evicted first.
    by_use: BTreeMap<u64, ContactId>,
}

struct EvictableContact {
    stored: Versioned<ContactRow>,
    used: u64,
}

impl ContactTable {
    pub(super) fn get(&self, id: ContactId) -> Option<&ContactRow> {
        self.rows.get(&id).map(|contact| &contact.stored.row)
    }

    pub(super) fn version(&self, id: ContactId) -> Option<i64> {
        self.rows.get(&id).map(|contact| contact.stored.version)
    }

    /// Returns the current and former holders of an id.
    pub(super) fn holders(&self, key: &IdKey) -> Vec<ContactId> {
        let holders = self.holders.get(key).into_iter().flatten();
        holders.copied().collect()
    }

    /// Returns a contact, and records the use.
    pub(super) fn load(&mut self, id: ContactId) -> Option<Versioned<ContactRow>> {
        let contact = self.rows.get_mut(&id)?;
        self.by_use.remove(&contact.used);
        self.last_use += 1;
        contact.used = self.last_use;
        self.by_use.insert(contact.used, id);
        Some(contact.stored.clone())
    }

    /// Checks versions, and that the changes do not give an id to two contacts.
    pub(super) fn validate(&self, changes: &Changes<'_>) -> Result<(), StoreError> {
        let mut written = HashSet::new();
        for put in &changes.contacts {
            check_version(self.version(put.key), put.version, "a contact")?;
            written.insert(put.key);
        }
        for merge in &changes.merges {
            let seen = Some(merge.version);
            check_version(self.version(merge.from), seen, "a contact that is merged")?;
            written.insert(merge.from);
        }
        for (id, version) in &changes.deleted_contacts {
            check_version(self.version(*id), Some(*version), "a contact to be deleted")?;
            written.insert(*id);
        }
        let mut holders_by_id = HashMap::new();
        for put in &changes.contacts {
            for key in held_keys(&put.row) {
                let others = self.holders.get(&key).into_iter().flatten();
                let mut others = others.filter(|id| !written.contains(id));
                if others.any(|id| self.holds(*id, &key))
                    || *holders_by_id.entry(key).or_insert(put.key) != put.key
                {
                    return Err(conflict("an id has another contact"));
                }
            }
        }
        Ok(())
    }

    /// Returns true if a contact has an id now.
    fn holds(&self, id: ContactId, key: &IdKey) -> bool {
        let ids = self.get(id).map_or(&[][..], |row| &row.ids);
        ids.iter()
            .any(|held| held.until.is_none() && held.kind == key.kind && held.id == key.id)
    }

    pub(super) fn apply(&mut self, changes: &Changes<'_>, bound: usize) {
        for merge in &changes.merges {
            self.remove(merge.from);
        }
        for (id, _) in &changes.deleted_contacts {
            self.remove(*id);
        }
        for put in &changes.contacts {
            self.remove(put.key);
            let version = put.version.unwrap_or(0) + 1;
            let row = put.row.clone();
            self.insert(put.key, Versioned { version, row });
        }
        while self.rows.len() > bound
            && let Some((_, least)) = self.by_use.pop_first()
        {
            self.remove(least);
        }
    }

    fn insert(&mut self, id: ContactId, stored: Versioned<ContactRow>) {
        for key in keys(&stored.row) {
            self.holders.entry(key).or_default().insert(id);
        }
        self.last_use += 1;
        let used = self.last_use;
        self.by_use.insert(used, id);
        self.rows.insert(id, EvictableContact { stored, used });
    }

    fn remove(&mut self, id: ContactId) {
        let Some(EvictableContact { stored, used }) = self.rows.remove(&id) else {
            return;
        };
        self.by_use.remove(&used);
        for key in keys(&stored.row) {
            if let Some(holders) = self.holders.get_mut(&key) {
                holders.remove(&id);
                if holders.is_empty() {
                    self.holders.remove(&key);
                }
            }
        }
    }
}

/// Returns the current and former ids of a contact.
fn keys(row: &ContactRow) -> impl Iterator<Item = IdKey> {
    row.ids.iter().map(|held| IdKey {
        tenant: row.tenant.clone(),
        kind: held.kind,
        id: held.id.clone(),
    })
}

/// Returns the current ids of a contact.
fn held_keys(row: &ContactRow) -> impl Iterator<Item = IdKey> {
    let is_held = row.ids.iter().map(|held| held.until.is_none());
    keys(row)
        .zip(is_held)
        .filter_map(|(key, is_held)| is_held.then_some(key))
}
