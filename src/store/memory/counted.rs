//! Rows with a counter: signups with their subscribers, and campaigns with their refusals.

use std::collections::BTreeMap;

use super::check;
use crate::model::Signup;
use crate::store::{CampaignRow, Put, StoreError, Versioned};

/// A row with a counter.
pub(super) trait Counted: Clone {
    fn counter(&mut self) -> &mut u64;
}

impl Counted for Signup {
    fn counter(&mut self) -> &mut u64 {
        &mut self.subscriber_count
    }
}

impl Counted for CampaignRow {
    fn counter(&mut self) -> &mut u64 {
        &mut self.refused
    }
}

pub(super) struct CountedRows<K, R>(BTreeMap<K, Versioned<R>>);

impl<K, R> Default for CountedRows<K, R> {
    fn default() -> Self {
        Self(BTreeMap::new())
    }
}

impl<K: Clone + Ord, R: Counted> CountedRows<K, R> {
    pub(super) fn load(&self, key: &K) -> Option<Versioned<R>> {
        self.0.get(key).cloned()
    }

    pub(super) fn version(&self, key: &K) -> Option<i64> {
        self.0.get(key).map(|stored| stored.version)
    }

    /// Returns the rows in the order of their keys.
    pub(super) fn iter(&self) -> impl Iterator<Item = (&K, &R)> {
        self.0.iter().map(|(key, stored)| (key, &stored.row))
    }

    pub(super) fn validate(
        &self,
        rows: &[Put<K, R>],
        name: &'static str,
    ) -> Result<(), StoreError> {
        let mut rows = rows.iter();
        rows.try_for_each(|put| check(self.version(&put.key), put.version, name))
    }

    /// Writes rows, but for the counters of those that are there, and then counts.
    pub(super) fn apply(&mut self, rows: &[Put<K, R>], counted: &[K]) {
        for put in rows {
            let mut row = put.row.clone();
            let version = put.version.unwrap_or(0) + 1;
            if let Some(stored) = self.0.get_mut(&put.key) {
                *row.counter() = *stored.row.counter();
            }
            self.0.insert(put.key.clone(), Versioned { version, row });
        }
        for key in counted {
            if let Some(stored) = self.0.get_mut(key) {
                // No new version: a count conflicts with nothing.
                *stored.row.counter() += 1;
            }
        }
    }
}
