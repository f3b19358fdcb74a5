//! Several writers of one store.

use std::pin::Pin;
use std::task::Poll;
use std::{future, panic, thread};

use super::sample::{
    add, changes, event, load_query, long_lease, signup_key, tenant, upsert, webhook, webhook_id,
};
use super::{commit, expect, load, ready};
use crate::model::Signup;
use crate::store::{
    Changes, Durability, EventChange, LeaseQuery, LoadQuery, Store, StoreErrorKind, WebhookChange,
};

const WRITERS: u32 = 4;
const TIMES: u32 = 25;

/// The maximum number of attempts of a commit. At each conflict another writer has committed.
const ATTEMPTS: u32 = 10 * WRITERS * TIMES;

type Writer<'a, T> = Pin<Box<dyn Future<Output = T> + 'a>>;

/// Polls futures in turns until all are ready, and returns their values.
async fn join<T>(mut futures: Vec<Writer<'_, T>>) -> Vec<T> {
    let mut values: Vec<Option<T>> = futures.iter().map(|_| None).collect();
    future::poll_fn(|context| {
        for (future, value) in futures.iter_mut().zip(&mut values) {
            if value.is_none()
                && let Poll::Ready(ready) = future.as_mut().poll(context)
            {
                *value = Some(ready);
            }
        }
        if values.iter().all(Option::is_some) {
            Poll::Ready(())
        } else {
            Poll::Pending
        }
    })
    .await;
    values.into_iter().flatten().collect()
}

/// Runs a writer of each number, in turns.
async fn write<'a, T, F>(writer: impl Fn(u32) -> F) -> Vec<T>
where
    F: Future<Output = T> + 'a,
{
    join(
        (0..WRITERS)
            .map(|n| Box::pin(writer(n)) as Writer<'a, T>)
            .collect(),
    )
    .await
}

/// Commits changes that are decided again after each conflict.
async fn decide(
    store: &dyn Store,
    query: &LoadQuery,
    decide: impl Fn(crate::store::Snapshot) -> Changes<'static>,
) {
    for _ in 0..ATTEMPTS {
        let changes = decide(load(store, query).await);
        match store.commit(&changes, Durability::Process).await {
            Ok(()) => return,
            Err(error) if is_conflict(error.kind()) => {}
            Err(error) => panic!("a commit of one of several writers failed: {error}"),
        }
    }
    panic!("a commit of one of several writers has conflicted {ATTEMPTS} times");
}

/// Returns whether another writer was in the way.
fn is_conflict(kind: StoreErrorKind) -> bool {
    matches!(kind, StoreErrorKind::Conflict | StoreErrorKind::Locked)
}

/// Adds one to the open events of a webhook and to the subscribers of a signup, several times.
async fn increment(store: &dyn Store) {
    let id = webhook_id(1);
    let query = load_query! { webhooks: [id] };
    for _ in 0..TIMES {
        decide(store, &query, |found| {
            let stored = found.webhooks[&id]
                .as_ref()
                .expect("a webhook that was added");
            let mut row = stored.row.clone();
            row.open += 1;
            let version = stored.version;
            Changes {
                revision: found.revision,
                webhooks: vec![WebhookChange::Update { id, version, row }],
                subscribers: vec![signup_key(tenant(), "a")],
                ..Changes::default()
            }
        })
        .await;
    }
}

async fn prepare_increments(store: &dyn Store) {
    let changes = Changes {
        webhooks: vec![add(webhook_id(1), webhook(0))],
        signups: vec![upsert(signup_key(tenant(), "a"), None, Signup::new("a"))],
        ..Changes::default()
    };
    commit(store, &changes, "a commit of a webhook and a signup").await;
}

async fn check_increments(store: &dyn Store) {
    let found = super::webhooks::stored(store, webhook_id(1)).await;
    let count = found.map(|stored| stored.row.open);
    assert_eq!(count, Some(WRITERS * TIMES), "no update of a row is lost");
    let signups = expect(store.signups(&tenant()).await, "a list of signups");
    let count = u64::from(WRITERS * TIMES);
    assert_eq!(signups[0].subscriber_count, count, "no subscriber is lost");
}

pub(super) async fn updates_are_kept(store: &dyn Store) {
    prepare_increments(store).await;
    write(|_| increment(store)).await;
    check_increments(store).await;
}

/// Adds events that other writers add, too, each with a webhook. Returns those that this writer
/// has added.
async fn add_events(store: &dyn Store, writer: u32) -> Vec<u32> {
    let mut added = Vec::new();
    for n in 0..TIMES {
        let id = webhook_id(i64::from(writer * TIMES + n));
        let changes = Changes {
            webhooks: vec![add(id, webhook(1))],
            events: vec![EventChange::new(event(n.into()), None, id)],
            ..Changes::default()
        };
        for _ in 0..ATTEMPTS {
            match store.commit(&changes, Durability::Process).await {
                Ok(()) => added.push(n),
                Err(error) if error.kind() == StoreErrorKind::Locked => continue,
                Err(error) => {
                    let kind = error.kind();
                    assert_eq!(
                        kind,
                        StoreErrorKind::Conflict,
                        "an event that another one adds"
                    );
                }
            }
            break;
        }
    }
    added
}

async fn check_events(store: &dyn Store, added: Vec<Vec<u32>>) {
    let mut events: Vec<_> = added.iter().flatten().copied().collect();
    events.sort_unstable();
    let expected: Vec<_> = (0..TIMES).collect();
    assert_eq!(events, expected, "each event is added by one writer");
    for (writer, added) in (0..).zip(added) {
        for n in 0..TIMES {
            let id = webhook_id(i64::from(writer * TIMES + n));
            let is_stored = super::webhooks::stored(store, id).await.is_some();
            let is_added = added.contains(&n);
            assert_eq!(
                is_stored, is_added,
                "a webhook is stored with its event, or not at all"
            );
        }
    }
}

pub(super) async fn events_are_added_once(store: &dyn Store) {
    let added = write(|writer| add_events(store, writer)).await;
    check_events(store, added).await;
}

/// Leases webhooks until none is due. Returns their ids in the order in which they were added.
async fn lease_all(store: &dyn Store, writer: u32) -> Vec<i64> {
    let mut leased = Vec::new();
    loop {
        let page = store
            .lease_due(long_lease(writer.into()), LeaseQuery::first(3))
            .await;
        let page = match page {
            Err(error) if is_conflict(error.kind()) => continue,
            page => expect(page, "a lease of due webhooks"),
        };
        if page.is_empty() {
            return leased;
        }
        leased.extend(page.into_iter().map(|(id, _)| id.0));
    }
}

async fn prepare_leases(store: &dyn Store) {
    let rows = (0..TIMES).map(|n| add(webhook_id(n.into()), webhook(1)));
    let webhooks = rows.collect::<Vec<_>>();
    commit(
        store,
        &changes! { webhooks: webhooks },
        "a commit of webhooks",
    )
    .await;
}

async fn check_leases(store: &dyn Store, leased: Vec<Vec<i64>>) {
    let mut ids: Vec<_> = leased.iter().flatten().copied().collect();
    ids.sort_unstable();
    let expected: Vec<_> = (0..TIMES).map(|n| webhook_id(n.into()).0).collect();
    assert_eq!(ids, expected, "each webhook is leased by one caller");
    for (writer, ids) in (0..).zip(leased) {
        for id in ids {
            let found = super::webhooks::stored(store, crate::store::WebhookId(id)).await;
            let lease = found.and_then(|stored| stored.row.lease);
            let holder = lease.map(|lease| lease.holder);
            assert_eq!(holder, Some(writer), "a caller that got a webhook holds it");
        }
    }
}

pub(super) async fn webhooks_are_leased_once(store: &dyn Store) {
    prepare_leases(store).await;
    let leased = write(|writer| lease_all(store, writer)).await;
    check_leases(store, leased).await;
}

/// Checks the same with threads, on stores whose futures are ready at the first poll.
pub(super) fn threads_write<S: Store>(new: impl Fn() -> S) {
    let store = &new();
    ready(prepare_increments(store));
    write_in_threads(|_| ready(increment(store)));
    ready(check_increments(store));

    let store = &new();
    let added = write_in_threads(|writer| ready(add_events(store, writer)));
    ready(check_events(store, added));

    let store = &new();
    ready(prepare_leases(store));
    let leased = write_in_threads(|writer| ready(lease_all(store, writer)));
    ready(check_leases(store, leased));
}

/// Runs a writer of each number in a thread of its own. Returns their values.
fn write_in_threads<T: Send>(writer: impl Fn(u32) -> T + Sync) -> Vec<T> {
    thread::scope(|scope| {
        let writer = &writer;
        let threads = (0..WRITERS).map(|n| scope.spawn(move || writer(n)));
        let threads: Vec<_> = threads.collect();
        let values = threads.into_iter().map(|thread| match thread.join() {
            Ok(value) => value,
            Err(panic) => panic::resume_unwind(panic),
        });
        values.collect()
    })
}
