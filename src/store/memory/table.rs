//! A map that can take back what was done to it.

use std::borrow::Borrow;
use std::collections::{BTreeMap, HashMap};
use std::hash::Hash;
use std::ops::RangeBounds;

/// Rows by key, in no order.
pub(super) type Table<K, V> = Undoing<K, V, HashMap<K, V>>;

/// Rows by key, in the order of their keys.
pub(super) type Ordered<K, V> = Undoing<K, V, BTreeMap<K, V>>;

/// A map, and what its rows were before the transaction.
#[derive(Debug)]
pub(super) struct Undoing<K, V, M> {
    rows: M,
    /// The rows as they were, last change last.
    undo: Vec<(K, Option<V>)>,
}

impl<K, V, M: Default> Default for Undoing<K, V, M> {
    fn default() -> Self {
        Self {
            rows: M::default(),
            undo: Vec::new(),
        }
    }
}

/// What can take back what was done to it.
pub(super) trait Undo {
    /// Keeps what was done.
    fn commit(&mut self);

    /// Takes back what was done since the last commit.
    fn roll_back(&mut self);
}

/// What both kinds of maps can do.
pub(super) trait Map<K, V> {
    fn insert(&mut self, key: K, row: V) -> Option<V>;
    fn remove(&mut self, key: &K) -> Option<V>;
}

impl<K: Eq + Hash, V> Map<K, V> for HashMap<K, V> {
    fn insert(&mut self, key: K, row: V) -> Option<V> {
        self.insert(key, row)
    }

    fn remove(&mut self, key: &K) -> Option<V> {
        self.remove(key)
    }
}

impl<K: Ord, V> Map<K, V> for BTreeMap<K, V> {
    fn insert(&mut self, key: K, row: V) -> Option<V> {
        self.insert(key, row)
    }

    fn remove(&mut self, key: &K) -> Option<V> {
        self.remove(key)
    }
}

impl<K: Clone, V: Clone, M: Map<K, V>> Undoing<K, V, M> {
    pub(super) fn insert(&mut self, key: K, row: V) {
        let before = self.rows.insert(key.clone(), row);
        self.undo.push((key, before));
    }

    pub(super) fn remove(&mut self, key: &K) -> Option<V> {
        let row = self.rows.remove(key)?;
        self.undo.push((key.clone(), Some(row.clone())));
        Some(row)
    }
}

impl<K, V, M: Map<K, V>> Undo for Undoing<K, V, M> {
    fn commit(&mut self) {
        self.undo.clear();
    }

    fn roll_back(&mut self) {
        while let Some((key, before)) = self.undo.pop() {
            match before {
                Some(row) => _ = self.rows.insert(key, row),
                None => _ = self.rows.remove(&key),
            }
        }
    }
}

impl<K: Eq + Hash, V> Table<K, V> {
    pub(super) fn len(&self) -> usize {
        self.rows.len()
    }

    pub(super) fn get<Q: Eq + Hash + ?Sized>(&self, key: &Q) -> Option<&V>
    where
        K: Borrow<Q>,
    {
        self.rows.get(key)
    }
}

impl<K: Ord, V> Ordered<K, V> {
    pub(super) fn len(&self) -> usize {
        self.rows.len()
    }

    pub(super) fn get(&self, key: &K) -> Option<&V> {
        self.rows.get(key)
    }

    pub(super) fn first(&self) -> Option<(&K, &V)> {
        self.rows.first_key_value()
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = (&K, &V)> {
        self.rows.iter()
    }

    pub(super) fn range(
        &self,
        keys: impl RangeBounds<K>,
    ) -> impl DoubleEndedIterator<Item = (&K, &V)> {
        self.rows.range(keys)
    }
}
