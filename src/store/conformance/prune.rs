//! The deletion of old rows.

use super::sample::{
    NOW, add, changes, event, later, load_query, message_key, number, progress, tenant, unread,
    upsert, webhook, webhook_id,
};
use super::webhooks::stored;
use super::{commit, expect, load};
use crate::model::MessageStatus;
use crate::store::{
    Changes, EventChange, EventState, MessageKey, NewStatus, Prune, Store, Upsert, WebhookChange,
    WebhookQuery, WebhookRow,
};

/// Rows from before this time are old.
const BEFORE: i64 = 100;

// Webhooks, by the second of receipt. Their events have this number and the next one.
const CLOSED: i64 = 10;
const OPEN: i64 = 20;
const WITH_DEAD: i64 = 30;
const GONE: i64 = 40;
const IN_PARTS: i64 = 50;
const NEW: i64 = 200;

/// Returns a commit that adds these webhooks, with two events each.
fn old_and_new() -> Changes<'static> {
    let mut with_dead = webhook(0);
    with_dead.dead = 1;
    let mut in_parts = webhook(0);
    in_parts.unclaimed = 1;
    let rows = [
        (CLOSED, webhook(0)),
        (OPEN, webhook(1)),
        (WITH_DEAD, with_dead),
        (GONE, webhook(0)),
        (IN_PARTS, in_parts),
        (NEW, webhook(0)),
    ];
    let progress_of = |id, n, state| (event(n), progress(webhook_id(id), n, state));
    Changes {
        numbers: vec![(number(1), tenant())],
        webhooks: rows.map(|(n, row)| new_webhook(n, row)).into(),
        events: [CLOSED, OPEN, WITH_DEAD, GONE, NEW]
            .into_iter()
            .flat_map(|id| [(id, id), (id, id + 1)])
            .map(|(id, n)| EventChange::new(event(n), None, webhook_id(id)))
            .collect(),
        progress: vec![
            progress_of(OPEN, OPEN + 1, EventState::Finished),
            progress_of(WITH_DEAD, WITH_DEAD, EventState::Dead),
        ],
        messages: vec![upsert(key("stored"), None, unread("stored", 1))],
        statuses: vec![new_status("old", 0), new_status("new", BEFORE)],
        ..Changes::default()
    }
}

fn new_webhook(n: i64, mut row: WebhookRow) -> WebhookChange<'static> {
    row.received_at = later(n);
    add(webhook_id(n), row)
}

fn new_status(id: &str, at: i64) -> Upsert<MessageKey, NewStatus> {
    let status = NewStatus::new(MessageStatus::Sent, later(at));
    upsert(key(id), None, status)
}

pub(super) async fn old_rows_are_pruned(store: &dyn Store) {
    commit(store, &old_and_new(), "a commit of old and new rows").await;
    let (id, version) = (webhook_id(GONE), 1);
    let delete = changes! { webhooks: [WebhookChange::Delete { id, version }] };
    commit(store, &delete, "the deletion of a webhook").await;
    let status = NewStatus::new(MessageStatus::Sent, NOW);
    let status = changes! { statuses: [upsert(key("stored"), Some(1), status)] };
    commit(store, &status, "a commit of a status").await;

    assert_eq!(prune(store, 0).await, 0, "all rows are newer than this");
    let rows = prune(store, BEFORE).await;
    assert!(
        rows >= 8,
        "six events, a webhook and a status are old and over, found {rows}"
    );
    for (name, n, stays) in [
        ("an open event", OPEN, true),
        ("a finished event of an open webhook", OPEN + 1, false),
        ("a dead event", WITH_DEAD, true),
        ("a finished event beside a dead one", WITH_DEAD + 1, false),
        ("an event of a closed webhook", CLOSED, false),
        ("another event of a closed webhook", CLOSED + 1, false),
        ("an event of a webhook that is gone", GONE, false),
        ("another event of a webhook that is gone", GONE + 1, false),
        ("a new event", NEW, true),
    ] {
        let found = load(store, &load_query! { events: [event(n)] }).await;
        assert_eq!(found.events[&event(n)].is_some(), stays, "{name} stays");
    }
    for (name, n, stays) in [
        ("an open webhook", OPEN, true),
        ("a webhook with dead events", WITH_DEAD, true),
        ("a webhook with unclaimed events", IN_PARTS, true),
        ("a new webhook", NEW, true),
        ("a closed webhook", CLOSED, false),
    ] {
        let row = stored(store, webhook_id(n)).await;
        assert_eq!(row.is_some(), stays, "{name} stays");
    }
    for (name, id, stays) in [
        ("a message", "stored", true),
        ("a new status", "new", true),
        ("an old status", "old", false),
    ] {
        let found = load(store, &load_query! { messages: [key(id)] }).await;
        assert_eq!(found.messages[&key(id)].is_some(), stays, "{name} stays");
    }
    let dead = expect(store.dead_events(None, 9).await, "a list of dead events");
    assert_eq!(dead.len(), 1, "the dead event is listed");
    assert_eq!(
        prune(store, BEFORE).await,
        0,
        "no more rows are old and over"
    );
}

pub(super) async fn rows_without_events_are_pruned(store: &dyn Store) {
    let webhooks = (0..5).map(|n| new_webhook(n, webhook(0)));
    let statuses = (0..5).map(|n| new_status(&format!("wamid.{n}"), n));
    let changes = Changes {
        numbers: vec![(number(1), tenant())],
        webhooks: webhooks.collect(),
        statuses: statuses.collect(),
        ..Changes::default()
    };
    commit(store, &changes, "a commit of old rows").await;
    assert_eq!(prune(store, BEFORE).await, 10, "all rows are old and over");
    let query = WebhookQuery::first(9);
    let left = expect(store.webhooks(&query).await, "a list of webhooks");
    assert!(left.is_empty(), "no webhook is left");
}

fn key(id: &str) -> MessageKey {
    message_key(number(1), id)
}

/// Prunes in steps of two rows. Returns the number of deleted rows.
async fn prune(store: &dyn Store, before: i64) -> usize {
    const LIMIT: usize = 2;
    const STEPS: usize = 100;
    let mut step = Prune::new(later(before), LIMIT);
    let mut rows = 0;
    for _ in 0..STEPS {
        let pruned = expect(store.prune(&step).await, "a step of pruning");
        assert!(
            pruned.rows <= LIMIT,
            "a step of two rows has deleted {}",
            pruned.rows
        );
        rows += pruned.rows;
        match pruned.next {
            Some(_) => step.after = pruned.next,
            None => return rows,
        }
    }
    panic!("pruning a dozen rows in steps of two has not ended after {STEPS} steps");
}
