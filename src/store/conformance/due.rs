//! The times of attempts.

use super::sample::{add, changes, event, long_lease, progress, wanted, webhook, webhook_id};
use super::{commit, expect, load};
use crate::store::{
    Due, EventChange, EventState, LeaseQuery, LoadQuery, Store, WebhookChange, WebhookId,
    WebhookRow,
};

/// An hour in milliseconds.
const HOUR: i64 = 3_600_000;

fn due_at(due: Due) -> WebhookRow {
    WebhookRow { due, ..webhook(1) }
}

async fn due_of(store: &dyn Store, n: i64) -> (Due, i64) {
    let snapshot = load(store, &wanted! { webhooks: [webhook_id(n)] }).await;
    let stored = snapshot.webhooks[&webhook_id(n)].clone();
    (stored.expect("a webhook").row.due, snapshot.now)
}

async fn leased(store: &dyn Store, query: LeaseQuery) -> Vec<WebhookId> {
    let leased = store.lease_due(long_lease(9), query).await;
    let leased = expect(leased, "a lease of due webhooks").into_iter();
    leased.map(|(id, _)| id).collect()
}

pub(super) async fn due_times_run(store: &dyn Store) {
    let (id, key) = (webhook_id(1), event(1));
    let mut row = progress(id, 1, EventState::Open);
    row.due = Due::After(HOUR);
    let changes = changes! {
        webhooks: [add(id, due_at(Due::After(HOUR)))],
        events: [EventChange::new(key, None, id)],
        progress: [(key, row)],
    };
    commit(store, &changes, "a commit of due times").await;

    let (due, now) = due_of(store, 1).await;
    let Due::At { time, delay } = due else {
        panic!("a due time after the commit is a time: {due:?}");
    };
    assert_eq!(delay, HOUR, "the delay");
    assert!(time <= now + HOUR, "the time is by the clock of the store");
    assert!(time > now, "an hour has not passed");
    let snapshot = load(store, &wanted! { events: [key] }).await;
    let progress = snapshot.progress[&key].clone().expect("a row of progress");
    assert_eq!(progress.due, due, "the due time of the event");

    let change = WebhookChange::Put {
        id,
        version: 1,
        row: due_at(due),
    };
    let changes = changes! { webhooks: [change] };
    commit(store, &changes, "a commit of the same due time").await;
    assert_eq!(due_of(store, 1).await.0, due, "a time that is set stays");
}

pub(super) async fn due_webhooks_come_first(store: &dyn Store) {
    let now = load(store, &LoadQuery::default()).await.now;
    let at = |time, delay| Due::At { time, delay };
    let dues = [
        Due::After(HOUR),
        at(now, HOUR),
        // By a clock that was a day ahead.
        at(now + 24 * HOUR, HOUR),
        Due::Now,
    ];
    let rows = (1..).zip(dues);
    let rows = rows.map(|(n, due)| add(webhook_id(n), due_at(due)));
    let changes = changes! { webhooks: rows.collect::<Vec<_>>() };
    commit(store, &changes, "a commit of due times").await;
    let due = leased(store, LeaseQuery::first(9)).await;
    assert_eq!(due, [2, 3, 4].map(webhook_id), "those that are due");
    let early = leased(store, LeaseQuery::first(9).early()).await;
    assert_eq!(early, [1].map(webhook_id), "those that are not due, too");
}
