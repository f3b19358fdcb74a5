//! Whether a store is right.

mod contacts;
mod inbox;
mod messages;
mod sample;
mod transactions;

use super::{Mode, Store, StoreError, Transaction, transact};

/// Checks a store of your own: call it in a test.
///
/// `make_store` makes empty stores, one for each check. What is checked is all
/// that the engine relies on but durability: no test can pull the plug.
///
/// # Panics
///
/// When the store is not right; the message says what was checked.
///
/// # Examples
///
/// ```
/// use whatsapp_signals::store::{MemoryStore, store_conformance};
///
/// store_conformance(MemoryStore::new);
/// ```
pub fn store_conformance<S: Store>(mut make_store: impl FnMut() -> S) {
    for (name, check) in transactions::CHECKS
        .iter()
        .chain(inbox::CHECKS)
        .chain(messages::CHECKS)
        .chain(contacts::CHECKS)
    {
        // Named before it runs, for the test's output when it fails.
        println!("a store: {name}");
        check(&make_store());
    }
}

/// What a check proves, and how.
type Check = (&'static str, fn(&dyn Store));

/// One transaction that has to go well.
#[track_caller]
fn write<T>(
    store: &dyn Store,
    work: impl FnMut(&mut dyn Transaction) -> Result<T, StoreError>,
) -> T {
    transact(store, Mode::Write, work).expect("a transaction that writes")
}

/// One transaction that reads, and has to go well.
#[track_caller]
fn read<T>(
    store: &dyn Store,
    work: impl FnMut(&mut dyn Transaction) -> Result<T, StoreError>,
) -> T {
    transact(store, Mode::Read, work).expect("a transaction that reads")
}
