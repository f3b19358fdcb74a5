//! The conformance checks of a store.

mod campaigns;
mod commits;
mod contacts;
mod erase;
mod messages;
mod prune;
mod sample;
mod turns;
mod webhooks;
mod writers;

use std::pin::pin;
use std::task::{Context, Poll, Waker};

use super::{
    Changes, Durability, LoadQuery, ReadyStore, Snapshot, Store, StoreError, StoreErrorKind,
};

/// Checks a store of your own whose futures are ready at the first poll. Call it in a test.
///
/// `new` returns an empty store for each check. The checks cover everything that the engine requires,
/// except that a commit survives a crash or a power failure. In addition to the checks of
/// [`store_conformance_async`], threads write to one store concurrently.
///
/// # Panics
///
/// When a check fails, with a message that describes the fault. The output of the test names the check.
///
/// # Examples
///
/// ```
/// use whatsapp_signals::store::{MemoryStore, store_conformance};
///
/// store_conformance(MemoryStore::new);
/// ```
pub fn store_conformance<S: ReadyStore>(new: impl Fn() -> S) {
    ready(store_conformance_async(async || new()));
    println!("a store: threads write to it");
    writers::threads_write(new);
}

/// Checks a store of your own. Call it in an async test.
///
/// `new` returns an empty store for each check. The checks cover everything that the engine requires,
/// except that a commit survives a crash or a power failure. Several writers use one store
/// concurrently within one task, so the check of a store that blocks is weaker.
///
/// # Panics
///
/// When a check fails, with a message that describes the fault. The output of the test names the check.
///
/// # Examples
///
/// ```
/// use whatsapp_signals::store::{MemoryStore, store_conformance_async};
///
/// pollster::block_on(store_conformance_async(async || MemoryStore::new()));
/// ```
pub async fn store_conformance_async<S: Store>(new: impl AsyncFn() -> S) {
    /// Runs checks, each with a new store.
    macro_rules! run {
        ($($name:literal: $check:path),+ $(,)?) => { $(
            // The name is printed before the check, for the output of a failed test.
            println!("a store: {}", $name);
            Box::pin($check(&new().await)).await;
        )+ };
    }
    run! {
        "rows are loaded as they were committed": commits::rows_are_loaded,
        "missing rows are loaded as absent": commits::absent_rows_are_loaded,
        "a written row with another version is a conflict": commits::written_rows_conflict,
        "a read row with another version is a conflict": commits::read_rows_conflict,
        "a row that changed since the revision of a snapshot is a conflict": commits::reads_are_checked_after_other_commits,
        "the revision changes with each change": commits::revisions_change,
        "the versions of a row grow by one": commits::versions_grow,
        "both durabilities are accepted": commits::durabilities_are_accepted,
        "webhooks are listed": webhooks::webhooks_are_listed,
        "a body is stored byte for byte": webhooks::bodies_stay,
        "a body is replaced with its webhook": erase::bodies_are_replaced,
        "a deleted webhook leaves its events": webhooks::events_stay,
        "an event that moves to another webhook loses its progress": webhooks::progress_stays_behind,
        "dead events are listed in their order": webhooks::dead_events_are_listed,
        "the backlog is counted": webhooks::the_backlog_is_counted,
        "a lease begins with the commit": webhooks::leases_run,
        "due webhooks are leased": webhooks::due_webhooks_are_leased,
        "a due time counts from the commit": webhooks::due_times_run,
        "webhooks are leased when they are due": webhooks::due_webhooks_come_first,
        "turns are loaded as they were committed": turns::turns_are_loaded,
        "a turn is inserted after the last one": turns::turns_are_added_at_the_end,
        "a turn is deleted if the decision read the next one": turns::turns_end,
        "turns without open events are pruned": turns::turns_without_open_events_are_pruned,
        "old finished rows are pruned in steps": prune::old_rows_are_pruned,
        "old rows are pruned without any event": prune::rows_without_events_are_pruned,
        "a message is stored unchanged": messages::messages_are_stored,
        "the JSON of a message is stored byte for byte": messages::raw_payloads_are_stored,
        "a status keeps the other columns": messages::statuses_are_stored,
        "a status may be stored before its message": messages::statuses_come_first,
        "a conversation has its order and its pages": messages::conversations_are_ordered,
        "replies are found": messages::replies_are_found,
        "unread messages are counted": messages::unread_is_counted,
        "a conversation is marked as read": messages::conversations_are_read,
        "numbers and tenants are separate": messages::numbers_are_separate,
        "contacts are found by their ids": contacts::contacts_are_found,
        "an id has one holder": contacts::ids_have_one_holder,
        "contacts are merged": contacts::contacts_are_merged,
        "a contact is deleted with its ids and messages": erase::contacts_are_deleted,
        "messages are deleted": erase::messages_are_deleted,
        "messages are scanned in steps": erase::messages_are_scanned,
        "a message of a merged contact is a conflict": contacts::merges_race,
        "signups are stored": contacts::signups_are_stored,
        "subscribers are counted": contacts::subscribers_are_counted,
        "campaigns are stored": campaigns::campaigns_are_stored,
        "refusals are counted": campaigns::refusals_are_counted,
        "messages of campaigns are counted": campaigns::messages_of_campaigns_are_counted,
        "concurrent updates are not lost": writers::updates_are_kept,
        "one of two writers inserts an event": writers::events_are_added_once,
        "a webhook is leased by one of two callers": writers::webhooks_are_leased_once,
    }
}

/// Returns the value of a future that is ready at the first poll.
fn ready<T>(future: impl Future<Output = T>) -> T {
    match pin!(future).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(value) => value,
        Poll::Pending => panic!("a future of a `ReadyStore` is not ready at the first poll"),
    }
}

/// Loads rows.
async fn load(store: &dyn Store, query: &LoadQuery) -> Snapshot {
    expect(store.load(query).await, "a load")
}

/// Commits changes without a conflict.
async fn commit(store: &dyn Store, changes: &Changes<'_>, name: &str) {
    expect(store.commit(changes, Durability::Process).await, name);
}

/// Commits changes, and checks that they are a conflict.
async fn conflict(store: &dyn Store, changes: &Changes<'_>, name: &str) {
    match store.commit(changes, Durability::Process).await {
        Ok(()) => panic!("{name}: expected a conflict, and the commit succeeded"),
        Err(error) => assert_eq!(error.kind(), StoreErrorKind::Conflict, "{name}"),
    }
}

/// Returns the value of an operation, and panics if it failed.
fn expect<T>(result: Result<T, StoreError>, name: &str) -> T {
    result.unwrap_or_else(|error| panic!("{name} failed: {error}"))
}
