//! Webhooks, their events, the progress of these, and leases.

use super::sample::{
    BODY, NOW, add, changes, event, expired_lease, later, leased, load_query, long_lease, progress,
    webhook, webhook_id,
};
use super::{commit, conflict, expect, load};
use crate::store::{
    BacklogRow, Changes, DeadEventPosition, Due, EventChange, EventState, LeaseQuery, LoadQuery,
    ProgressRow, Store, Versioned, WebhookChange, WebhookId, WebhookKind, WebhookQuery, WebhookRow,
};

/// Returns a commit that adds webhooks.
fn new_webhooks(rows: impl IntoIterator<Item = (i64, WebhookRow)>) -> Changes<'static> {
    let rows = rows.into_iter().map(|(n, row)| add(webhook_id(n), row));
    changes! { webhooks: rows.collect::<Vec<_>>() }
}

/// Returns a commit that changes one webhook.
fn webhook_change(change: WebhookChange<'static>) -> Changes<'static> {
    changes! { webhooks: [change] }
}

pub(super) async fn stored(store: &dyn Store, id: WebhookId) -> Option<Versioned<WebhookRow>> {
    let query = load_query! { webhooks: [id] };
    load(store, &query).await.webhooks[&id].clone()
}

async fn ids(store: &dyn Store, query: WebhookQuery) -> Vec<WebhookId> {
    let page = expect(store.webhooks(&query).await, "a list of webhooks");
    page.into_iter().map(|(id, _, _)| id).collect()
}

pub(super) async fn webhooks_are_listed(store: &dyn Store) {
    let mut dead = webhook(0);
    dead.dead = 1;
    dead.kind = WebhookKind::Unreadable;
    let mut unclaimed = webhook(0);
    unclaimed.unclaimed = 1;
    unclaimed.kind = WebhookKind::QueuedEvent;
    unclaimed.received_at = later(-5);
    let mut replay = webhook(0);
    replay.kind = WebhookKind::Replay;
    let rows = [
        // Not in the order of the ids.
        (3, unclaimed.clone()),
        (1, webhook(1)),
        (5, replay.clone()),
        (2, dead.clone()),
        (4, leased(0, expired_lease(7))),
    ];
    commit(store, &new_webhooks(rows), "a commit of webhooks").await;

    let all = [1, 2, 3, 4, 5].map(webhook_id);
    assert_eq!(
        ids(store, WebhookQuery::first(9)).await,
        all,
        "in the order of their ids"
    );
    assert_eq!(
        ids(store, WebhookQuery::first(2)).await,
        all[..2],
        "at most two"
    );
    let after = WebhookQuery::first(2).after(Some(webhook_id(2)));
    assert_eq!(ids(store, after).await, all[2..4], "after the second one");
    let after = WebhookQuery::first(9).after(Some(webhook_id(5)));
    assert_eq!(ids(store, after).await, [], "after the last one");
    let unsettled = WebhookQuery::first(9).only_unsettled();
    let expected = [1, 3, 4].map(webhook_id);
    assert_eq!(
        ids(store, unsettled).await,
        expected,
        "only those that are unsettled"
    );
    let after = unsettled.after(Some(webhook_id(1)));
    assert_eq!(
        ids(store, after).await,
        expected[1..],
        "unsettled, after the first one"
    );

    let query = WebhookQuery::first(5);
    let page = expect(store.webhooks(&query).await, "a list of webhooks");
    let rows = [
        webhook(1),
        dead,
        unclaimed,
        leased(0, expired_lease(7)),
        replay,
    ];
    for ((_, mut row, body), mut expected) in page.into_iter().zip(rows) {
        // The end of a lease is the store's.
        row.lease = row.lease.map(|lease| lease.starting_at(0));
        expected.lease = expected.lease.map(|lease| lease.starting_at(0));
        assert_eq!(
            (row, body),
            (expected, None),
            "a listed row, without its body"
        );
    }
    let with_bodies = query.with_bodies();
    for (_, _, body) in expect(store.webhooks(&with_bodies).await, "a list with bodies") {
        assert_eq!(body.as_deref(), Some(BODY), "a listed body");
    }
}

pub(super) async fn bodies_stay(store: &dyn Store) {
    let mut changes = new_webhooks([(1, webhook(1))]);
    let (id, row) = (webhook_id(2), webhook(1));
    changes
        .webhooks
        .push(WebhookChange::Insert { id, row, body: b"" });
    commit(store, &changes, "a commit of webhooks").await;
    let (id, row) = (webhook_id(1), webhook(7));
    let change = webhook_change(WebhookChange::Update {
        id,
        version: 1,
        row,
    });
    commit(store, &change, "a change of a webhook").await;

    let row = stored(store, id).await.map(|stored| stored.row);
    assert_eq!(row, Some(webhook(7)), "the row is replaced");
    let found = load(
        store,
        &load_query! { bodies: [webhook_id(1), webhook_id(2)] },
    )
    .await;
    assert_eq!(
        found.bodies[&webhook_id(1)].as_deref(),
        Some(BODY),
        "the body stays"
    );
    assert_eq!(
        found.bodies[&webhook_id(2)].as_deref(),
        Some(&b""[..]),
        "an empty body is one"
    );
}

/// Commits a webhook, an event of it for each number, and progress of these.
async fn add_events(store: &dyn Store, webhook_n: i64, events: &[i64], state: EventState) {
    let mut changes = new_webhooks([(webhook_n, webhook(1))]);
    for n in events {
        let id = webhook_id(webhook_n);
        changes.events.push(EventChange::new(event(*n), None, id));
        changes.progress.push((event(*n), progress(id, *n, state)));
    }
    commit(store, &changes, "a commit of events").await;
}

pub(super) async fn events_stay(store: &dyn Store) {
    add_events(store, 1, &[1, 2], EventState::Dead).await;
    let id = webhook_id(1);
    let change = webhook_change(WebhookChange::Delete { id, version: 1 });
    commit(store, &change, "the deletion of a webhook").await;
    let query = LoadQuery {
        bodies: [id].into(),
        events: [event(1), event(2)].into(),
        ..LoadQuery::default()
    };
    let found = load(store, &query).await;
    assert_eq!(found.webhooks[&id], None, "the row of the webhook is gone");
    assert_eq!(found.bodies[&id], None, "the body goes along");
    for n in [1, 2] {
        assert_eq!(found.events[&event(n)], Some(id), "its events stay");
        assert_eq!(found.progress[&event(n)], None, "their progress goes along");
    }
    assert_eq!(dead(store, 9).await, [], "dead events go along");
    assert_eq!(
        ids(store, WebhookQuery::first(9)).await,
        [],
        "no webhook is listed"
    );
}

pub(super) async fn progress_stays_behind(store: &dyn Store) {
    add_events(store, 1, &[1, 2, 3], EventState::Dead).await;
    let (from, into) = (webhook_id(1), webhook_id(2));
    let mut changes = new_webhooks([(2, webhook(1))]);
    changes.events = [1, 2]
        .map(|n| EventChange::new(event(n), Some(from), into))
        .into();
    changes
        .events
        .push(EventChange::new(event(3), Some(from), from));
    changes.progress = vec![(event(2), progress(into, 2, EventState::Open))];
    commit(store, &changes, "a commit of events that move").await;

    let found = load(
        store,
        &load_query! { events: [event(1), event(2), event(3)] },
    )
    .await;
    assert_eq!(found.events[&event(1)], Some(into), "the event has moved");
    assert_eq!(found.progress[&event(1)], None, "its progress is gone");
    let row = progress(into, 2, EventState::Open);
    assert_eq!(
        found.progress[&event(2)],
        Some(row),
        "the new progress is there"
    );
    assert_eq!(
        found.events[&event(3)],
        Some(from),
        "another event has not moved"
    );
    let row = progress(from, 3, EventState::Dead);
    assert_eq!(
        found.progress[&event(3)],
        Some(row.clone()),
        "nor lost its progress"
    );
    assert_eq!(
        dead(store, 9).await,
        [row],
        "events that moved are not dead"
    );

    let change = webhook_change(WebhookChange::Delete {
        id: from,
        version: 1,
    });
    commit(
        store,
        &change,
        "the deletion of the webhook that they came from",
    )
    .await;
    let found = load(store, &load_query! { events: [event(2)] }).await;
    assert!(
        found.progress[&event(2)].is_some(),
        "it takes no progress of other webhooks along"
    );
}

/// Returns the progress of dead events.
async fn dead(store: &dyn Store, limit: usize) -> Vec<ProgressRow> {
    dead_after(store, None, limit).await
}

async fn dead_after(
    store: &dyn Store,
    after: Option<DeadEventPosition>,
    limit: usize,
) -> Vec<ProgressRow> {
    let dead = store.dead_events(after, limit).await;
    let dead = expect(dead, "a list of dead events");
    let events = dead.iter().map(|(_, event)| *event).collect();
    let query = LoadQuery {
        events,
        ..LoadQuery::default()
    };
    let found = load(store, &query).await;
    let mut rows = Vec::new();
    for (position, event) in dead {
        let row = found.progress[&event].clone();
        let row = row.expect("a dead event has a row of progress");
        assert_eq!(
            row.webhook, position.webhook,
            "the position of a dead event"
        );
        rows.push(row);
    }
    rows
}

pub(super) async fn dead_events_are_listed(store: &dyn Store) {
    // The second webhook is first, and the numbers of the events are no order.
    add_events(store, 2, &[5], EventState::Dead).await;
    add_events(store, 1, &[4, 2, 3], EventState::Open).await;
    // One that is written once more has not died again.
    for n in [3, 2, 4, 3] {
        let id = webhook_id(1);
        let version = stored(store, id).await.map_or(0, |stored| stored.version);
        let row = webhook(1);
        let mut changes = webhook_change(WebhookChange::Update { id, version, row });
        changes.progress = vec![(event(n), progress(id, n, EventState::Dead))];
        commit(store, &changes, "a commit of a dead event").await;
    }
    let row = |webhook, n| progress(webhook_id(webhook), n, EventState::Dead);
    let all = [row(1, 3), row(1, 2), row(1, 4), row(2, 5)];
    assert_eq!(dead(store, 9).await, all, "by webhook, and as they died");
    assert_eq!(dead(store, 2).await, all[..2], "at most two");
    let positions = expect(store.dead_events(None, 9).await, "a list of dead events");
    for (n, (position, _)) in positions.iter().enumerate() {
        let after = dead_after(store, Some(*position), 2).await;
        assert_eq!(after, all[n + 1..][..after.len()], "behind a position");
        assert_eq!(
            after.len(),
            (3 - n).min(2),
            "behind a position, at most two"
        );
    }

    for (n, state) in [(2, EventState::Open), (4, EventState::Finished)] {
        let id = webhook_id(1);
        let version = stored(store, id).await.map_or(0, |stored| stored.version);
        let row = webhook(1);
        let mut changes = webhook_change(WebhookChange::Update { id, version, row });
        changes.progress = vec![(event(n), progress(id, n, state))];
        commit(
            store,
            &changes,
            "a commit of an event that is not dead any more",
        )
        .await;
    }
    assert_eq!(
        dead(store, 9).await,
        [row(1, 3), row(2, 5)],
        "those that are dead"
    );
    let (second, _) = positions[1];
    assert_eq!(
        dead_after(store, Some(second), 9).await,
        [row(2, 5)],
        "behind a position whose event is not dead any more"
    );
}

pub(super) async fn the_backlog_is_counted(store: &dyn Store) {
    let backlog = async || expect(store.backlog().await, "a backlog");
    let before = load(store, &LoadQuery::default()).await.now;
    let empty = backlog().await;
    let after = load(store, &LoadQuery::default()).await.now;
    assert!(
        (before..=after).contains(&empty.now),
        "the time of the store"
    );
    let expected = BacklogRow {
        now: empty.now,
        ..BacklogRow::default()
    };
    assert_eq!(empty, expected, "nothing is stored");

    let received = |n, mut row: WebhookRow| {
        row.received_at = later(n);
        (n, row)
    };
    let mut in_parts = leased(2, long_lease(4));
    (in_parts.unclaimed, in_parts.dead) = (30, 1);
    let mut unreadable = webhook(0);
    (unreadable.dead, unreadable.kind) = (4, WebhookKind::Unreadable);
    let mut requeued = webhook(100);
    requeued.kind = WebhookKind::Unreadable;
    let mut waiting = webhook(1000);
    waiting.due = Due::After(30_000);
    let rows = [
        // The oldest ones have nothing open.
        received(1, webhook(0)),
        received(2, leased(0, expired_lease(2))),
        received(3, unreadable),
        received(4, in_parts),
        received(5, leased(7, expired_lease(5))),
        received(6, requeued),
        received(7, waiting),
    ];
    commit(store, &new_webhooks(rows), "a commit of webhooks").await;
    let found = backlog().await;
    assert_eq!(found.open, 1139, "open and unclaimed events");
    assert_eq!(found.leased, 32, "those of a webhook with a running lease");
    assert_eq!(found.due, 107, "those of a webhook that is due");
    assert_eq!(found.next, Some(0), "a webhook is due");
    assert_eq!((found.dead, found.unreadable), (5, 1), "dead events");
    assert_eq!(
        found.oldest,
        Some(later(4)),
        "the oldest one with open events"
    );

    let id = webhook_id(3);
    let change = webhook_change(WebhookChange::Delete { id, version: 1 });
    commit(store, &change, "the deletion of a webhook").await;
    let (id, row) = (webhook_id(4), webhook(0));
    let change = webhook_change(WebhookChange::Update {
        id,
        version: 1,
        row,
    });
    commit(store, &change, "the end of a webhook").await;
    let found = backlog().await;
    assert_eq!((found.open, found.leased), (1107, 0), "it is over");
    assert_eq!((found.dead, found.unreadable), (0, 0), "none are dead");
    assert_eq!(found.oldest, Some(later(5)), "the oldest of the others");

    let ids = [2, 5, 6].map(webhook_id);
    let changes = ids.map(|id| WebhookChange::Delete { id, version: 1 });
    commit(store, &changes! { webhooks: changes }, "the end of others").await;
    let found = backlog().await;
    assert_eq!((found.open, found.due), (1000, 0), "none are due");
    let left = found.next.expect("one is due later");
    assert!(
        (1..=30_000).contains(&left),
        "the time until it is due: {left}"
    );
}

pub(super) async fn leases_run(store: &dyn Store) {
    let lease = long_lease(7);
    let changes = new_webhooks([(1, leased(1, lease))]);
    let before = load(store, &LoadQuery::default()).await.now;
    commit(store, &changes, "a commit of a leased webhook").await;
    let after = load(store, &LoadQuery::default()).await.now;
    let id = webhook_id(1);
    let first = stored(store, id).await.and_then(|stored| stored.row.lease);
    let first = first.expect("a lease that was committed is there");
    assert_eq!(
        (first.holder, first.length),
        (7, lease.length),
        "a lease is kept"
    );
    let ends = before + lease.length..=after + lease.length;
    assert!(
        ends.contains(&first.until),
        "a lease ends its length after the commit of it"
    );

    // The end of a lease that is committed again does not matter.
    let row = leased(1, first.starting_at(i64::MAX));
    let change = webhook_change(WebhookChange::Update {
        id,
        version: 1,
        row,
    });
    commit(store, &change, "a commit of a renewed lease").await;
    let now = load(store, &LoadQuery::default()).await.now;
    let again = stored(store, id).await.and_then(|stored| stored.row.lease);
    let until = again.expect("a renewed lease").until;
    let ends = after + lease.length..=now + lease.length;
    assert!(
        ends.contains(&until),
        "a renewed lease ends its length after the commit of it"
    );

    let row = webhook(1);
    let change = webhook_change(WebhookChange::Update {
        id,
        version: 2,
        row,
    });
    commit(store, &change, "a commit of a lease that is given back").await;
    let row = stored(store, id).await.map(|stored| stored.row);
    assert_eq!(row, Some(webhook(1)), "the lease is gone");
}

pub(super) async fn due_webhooks_are_leased(store: &dyn Store) {
    let mut dead = webhook(0);
    dead.dead = 1;
    let mut unclaimed = webhook(0);
    unclaimed.unclaimed = 3;
    unclaimed.received_at = NOW;
    let rows = [
        (6, unclaimed),
        (1, webhook(1)),
        (2, webhook(0)),
        (3, leased(1, long_lease(3))),
        (4, leased(1, expired_lease(4))),
        (5, leased(0, expired_lease(5))),
        (7, dead),
        (8, leased(0, long_lease(8))),
    ];
    commit(store, &new_webhooks(rows), "a commit of webhooks").await;
    let running = stored(store, webhook_id(3)).await;

    let lease_due = async |after, limit| {
        let mut before = Vec::new();
        for n in 1..9 {
            before.push((webhook_id(n), stored(store, webhook_id(n)).await));
        }
        let leased = store
            .lease_due(long_lease(9), LeaseQuery::first(limit).after(after))
            .await;
        let leased = expect(leased, "a lease of due webhooks");
        for (id, row) in &leased {
            let expected = before.iter().find(|(before, _)| before == id);
            let expected = expected.and_then(|(_, row)| row.clone());
            assert_eq!(
                Some(row.clone()),
                expected,
                "a leased webhook as it was before"
            );
            let now = stored(store, *id).await.expect("a leased webhook stays");
            assert_eq!(
                now.version,
                row.version + 1,
                "a lease is a write of the row"
            );
            let lease = now.row.lease.expect("a leased webhook has a lease");
            assert_eq!(
                (lease.holder, lease.length),
                (9, long_lease(9).length),
                "the new lease"
            );
            assert!(
                !lease.has_expired(load(store, &LoadQuery::default()).await.now),
                "it runs"
            );
            let row = WebhookRow {
                lease: row.row.lease,
                ..now.row
            };
            assert_eq!(
                Some(row),
                expected.map(|stored| stored.row),
                "all but the lease stays"
            );
        }
        leased.into_iter().map(|(id, _)| id).collect::<Vec<_>>()
    };
    let expected = [1, 4, 5, 6].map(webhook_id);
    assert_eq!(lease_due(None, 0).await, [], "a limit of 0");
    assert_eq!(lease_due(None, 1).await, expected[..1], "the first one");
    let after = Some(webhook_id(4));
    assert_eq!(
        lease_due(after, 1).await,
        expected[2..3],
        "one after the fourth"
    );
    assert_eq!(
        lease_due(None, 9).await,
        [expected[1], expected[3]],
        "all that are due"
    );
    assert_eq!(lease_due(None, 9).await, [], "none are due any more");
    assert_eq!(
        stored(store, webhook_id(3)).await,
        running,
        "a running lease is left alone"
    );

    let (id, row) = (webhook_id(1), webhook(0));
    let change = webhook_change(WebhookChange::Update {
        id,
        version: 1,
        row,
    });
    conflict(store, &change, "a webhook that was leased meanwhile").await;
}

/// An hour in milliseconds.
const HOUR: i64 = 3_600_000;

fn due_at(due: Due) -> WebhookRow {
    WebhookRow { due, ..webhook(1) }
}

async fn due_of(store: &dyn Store, n: i64) -> (Due, i64) {
    let snapshot = load(store, &load_query! { webhooks: [webhook_id(n)] }).await;
    let stored = snapshot.webhooks[&webhook_id(n)].clone();
    (stored.expect("a webhook").row.due, snapshot.now)
}

async fn lease_due(store: &dyn Store, query: LeaseQuery) -> Vec<WebhookId> {
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
    let snapshot = load(store, &load_query! { events: [key] }).await;
    let progress = snapshot.progress[&key].clone().expect("a row of progress");
    assert_eq!(progress.due, due, "the due time of the event");

    let change = WebhookChange::Update {
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
    let due = lease_due(store, LeaseQuery::first(9)).await;
    assert_eq!(due, [2, 3, 4].map(webhook_id), "those that are due");
    let early = lease_due(store, LeaseQuery::first(9).early()).await;
    assert_eq!(early, [1].map(webhook_id), "those that are not due, too");
}
