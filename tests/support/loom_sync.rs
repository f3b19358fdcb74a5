//! The synchronization primitives of a signal, over those of loom. Loom cannot create these in a
//! `const fn`, so they are created at the first use.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::ops::Deref;
use std::sync::{Mutex as StdMutex, OnceLock};

use loom::sync::atomic::AtomicUsize as LoomUsize;
use loom::sync::{Mutex as LoomMutex, MutexGuard};

pub(crate) use loom::sync::atomic::Ordering;
pub(crate) use std::sync::Arc;

pub(crate) struct AtomicUsize {
    value: OnceLock<LoomUsize>,
    first: usize,
}

impl AtomicUsize {
    pub(crate) const fn new(first: usize) -> Self {
        let value = OnceLock::new();
        Self { value, first }
    }

    fn value(&self) -> &LoomUsize {
        self.value.get_or_init(|| LoomUsize::new(self.first))
    }

    pub(crate) fn load(&self, ordering: Ordering) -> usize {
        self.value().load(ordering)
    }

    pub(crate) fn store(&self, value: usize, ordering: Ordering) {
        self.value().store(value, ordering);
    }
}

pub(crate) struct Mutex<T> {
    lock: OnceLock<LoomMutex<T>>,
    first: StdMutex<Option<T>>,
}

impl<T> Mutex<T> {
    pub(crate) const fn new(first: T) -> Self {
        Self {
            lock: OnceLock::new(),
            first: StdMutex::new(Some(first)),
        }
    }

    pub(crate) fn lock(&self) -> MutexGuard<'_, T> {
        let lock = self.lock.get_or_init(|| {
            let first = self.first.lock().unwrap().take();
            LoomMutex::new(first.unwrap())
        });
        lock.lock().unwrap()
    }
}

/// Promises what `arc_swap` does: a store releases, a load acquires, and may be late.
pub(crate) struct ArcSwapOption<T> {
    /// All there ever were.
    values: StdMutex<Vec<Option<Arc<T>>>>,
    /// The index of the current one, from 1.
    current: OnceLock<LoomUsize>,
}

impl<T> ArcSwapOption<T> {
    pub(crate) const fn const_empty() -> Self {
        Self {
            values: StdMutex::new(Vec::new()),
            current: OnceLock::new(),
        }
    }

    fn current(&self) -> &LoomUsize {
        self.current.get_or_init(|| LoomUsize::new(0))
    }

    pub(crate) fn load_full(&self) -> Option<Arc<T>> {
        let at = self.current().load(Ordering::Acquire).checked_sub(1)?;
        self.values.lock().unwrap()[at].clone()
    }

    pub(crate) fn load(&self) -> Loaded<T> {
        Loaded(self.load_full())
    }

    pub(crate) fn store(&self, value: Option<Arc<T>>) {
        let count = {
            let mut values = self.values.lock().unwrap();
            values.push(value);
            values.len()
        };
        self.current().swap(count, Ordering::AcqRel);
    }
}

/// The guard of `arc_swap`.
pub(crate) struct Loaded<T>(Option<Arc<T>>);

impl<T> Deref for Loaded<T> {
    type Target = Option<Arc<T>>;

    fn deref(&self) -> &Option<Arc<T>> {
        &self.0
    }
}
