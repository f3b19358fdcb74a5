//! The checks of a store.

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

/// Checks a store of your own whose futures are ready at the first poll: call it in a test.
///
/// `new` returns empty stores, one for each check. All that the engine relies on is checked,
/// except that a commit survives a crash or a power failure. Beside the checks of
/// [`store_conformance_async`], threads write to one store at the same time.
///
/// # Panics
///
/// When a check fails. The message says what is wrong, and the output of the test names the check.
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

/// Checks a store of your own whose futures wait: call it in an async test.
///
/// `new` returns empty stores, one for each check. All that the engine relies on is checked,
/// except that a commit survives a crash or a power failure. Several writers use one store at the
/// same time, in one task: a store that blocks where it should wait is right as well, but is
/// checked less.
///
/// # Panics
///
/// When a check fails. The message says what is wrong, and the output of the test names the check.
///
/// # Examples
///
/// ```
/// use whatsapp_signals::store::{MemoryStore, store_conformance_async};
///
/// pollster::block_on(store_conformance_async(async || MemoryStore::new()));
/// ```
pub async fn store_conformance_async<S: Store>(new: impl AsyncFn() -> S) {
    /// Runs checks, each on a store of its own.
    macro_rules! run {
        ($($name:literal: $check:path),+ $(,)?) => { $(
            // Named before it runs, for the output of a test that fails.
            println!("a store: {}", $name);
            Box::pin($check(&new().await)).await;
        )+ };
    }
    run! {
        "rows are loaded as they were committed": commits::rows_are_loaded,
        "rows that are not there are loaded as absent": commits::absent_rows_are_loaded,
        "a written row with another version is a conflict": commits::written_rows_conflict,
        "a read row with another version is a conflict": commits::read_rows_conflict,
        "a row that changed since the revision of a snapshot is a conflict": commits::reads_are_checked_after_other_commits,
        "the revision changes with each change": commits::revisions_change,
        "the versions of a row grow by one": commits::versions_grow,
        "both durabilities are accepted": commits::durabilities_are_accepted,
        "webhooks are listed": webhooks::webhooks_are_listed,
        "a body stays as it is": webhooks::bodies_stay,
        "a body is replaced with its webhook": erase::bodies_are_replaced,
        "a deleted webhook leaves its events": webhooks::events_stay,
        "an event that moves loses its progress": webhooks::progress_stays_behind,
        "dead events are listed in their order": webhooks::dead_events_are_listed,
        "the backlog is counted": webhooks::the_backlog_is_counted,
        "a lease runs from the commit on": webhooks::leases_run,
        "due webhooks are leased": webhooks::due_webhooks_are_leased,
        "a due time runs from the commit on": webhooks::due_times_run,
        "webhooks are leased when they are due": webhooks::due_webhooks_come_first,
        "turns are loaded as they were committed": turns::turns_are_loaded,
        "a turn is added behind the last one": turns::turns_are_added_at_the_end,
        "a turn ends if the one behind it is known": turns::turns_end,
        "turns without open events are pruned": turns::turns_without_open_events_are_pruned,
        "old rows that are over are pruned in steps": prune::old_rows_are_pruned,
        "old rows are pruned where there is no event": prune::rows_without_events_are_pruned,
        "a message is stored as it is": messages::messages_are_stored,
        "the JSON of a message is stored as it is": messages::raw_payloads_are_stored,
        "a status changes nothing else": messages::statuses_are_stored,
        "a status may come before its message": messages::statuses_come_first,
        "a conversation has its order and its pages": messages::conversations_are_ordered,
        "replies are found": messages::replies_are_found,
        "unread messages are counted": messages::unread_is_counted,
        "a conversation is marked as read": messages::conversations_are_read,
        "numbers and tenants do not meet": messages::numbers_are_separate,
        "contacts are found by their ids": contacts::contacts_are_found,
        "an id has one holder": contacts::ids_have_one_holder,
        "contacts are merged": contacts::contacts_are_merged,
        "a deleted contact goes with its ids and messages": erase::contacts_are_deleted,
        "deleted messages are gone": erase::messages_are_deleted,
        "messages are scanned in steps": erase::messages_are_scanned,
        "a message for a contact that was merged is a conflict": contacts::merges_race,
        "signups are stored": contacts::signups_are_stored,
        "subscribers are counted": contacts::subscribers_are_counted,
        "campaigns are stored": campaigns::campaigns_are_stored,
        "refusals are counted": campaigns::refusals_are_counted,
        "messages of campaigns are counted": campaigns::messages_of_campaigns_are_counted,
        "no update of two writers is lost": writers::updates_are_kept,
        "one of two writers adds an event": writers::events_are_added_once,
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
async fn load(store: &dyn Store, wanted: &LoadQuery) -> Snapshot {
    expect(store.load(wanted).await, "a load")
}

/// Commits changes that are no conflict.
async fn commit(store: &dyn Store, changes: &Changes<'_>, name: &str) {
    expect(store.commit(changes, Durability::Process).await, name);
}

/// Commits changes that are a conflict.
async fn conflict(store: &dyn Store, changes: &Changes<'_>, name: &str) {
    match store.commit(changes, Durability::Process).await {
        Ok(()) => panic!("{name}: expected a conflict, and the commit succeeded"),
        Err(error) => assert_eq!(error.kind(), StoreErrorKind::Conflict, "{name}"),
    }
}

/// Returns the value of an operation that succeeds.
fn expect<T>(result: Result<T, StoreError>, name: &str) -> T {
    result.unwrap_or_else(|error| panic!("{name} failed: {error}"))
}
