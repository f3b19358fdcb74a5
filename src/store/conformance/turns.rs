//! Turns in partitions.

use super::sample::{add, changes, event, load_query, webhook, webhook_id};
use super::{commit, conflict, expect, load};
use crate::store::{
    PartitionKey, PartitionRow, Prune, Store, StoredTurn, TurnChange, TurnPosition, TurnRow,
    WebhookChange, WebhookRow,
};

fn partition(n: i64) -> PartitionKey {
    PartitionKey::of(&format!("1065403520{n:02}\nwa_id\n15550101001"))
}

fn position(number: i64, webhook: i64) -> TurnPosition {
    TurnPosition {
        number,
        webhook: webhook_id(webhook),
    }
}

/// Returns a turn of a webhook with two events.
fn turn(of: i64, number: i64, webhook: i64) -> TurnRow {
    let events = vec![event(10 * webhook), event(10 * webhook + number)];
    TurnRow::new(partition(of), position(number, webhook), events)
}

fn added(turns: impl IntoIterator<Item = TurnRow>) -> Vec<TurnChange> {
    turns.into_iter().map(TurnChange::Insert).collect()
}

fn ended(of: i64, position: TurnPosition, next: Option<i64>) -> Vec<TurnChange> {
    let partition = partition(of);
    vec![TurnChange::Delete {
        partition,
        position,
        next,
    }]
}

async fn partition_row(store: &dyn Store, n: i64) -> Option<PartitionRow> {
    let key = partition(n);
    load(store, &load_query! { partitions: [key] })
        .await
        .partitions[&key]
}

async fn turns(store: &dyn Store, webhook: i64) -> Vec<StoredTurn> {
    let id = webhook_id(webhook);
    let mut loaded = load(store, &load_query! { turns: [id] }).await;
    let mut turns = loaded.turns.remove(&id).expect("the turns of a webhook");
    turns.sort_by_key(|turn| (turn.row.partition, turn.row.position.number));
    turns
}

/// Commits three webhooks with their turns: all three in the first partition, and the first one in the
/// second partition.
async fn add_three(store: &dyn Store) {
    let webhooks: Vec<_> = [1, 2, 3].map(|n| add(webhook_id(n), webhook(1))).into();
    let first = [turn(1, 1, 1), turn(2, 1, 1), turn(2, 2, 1)];
    let changes = changes! { webhooks: webhooks, turns: added(first) };
    commit(store, &changes, "a commit of turns").await;
    for (number, webhook) in [(2, 2), (3, 3)] {
        let changes = changes! { turns: added([turn(1, number, webhook)]) };
        commit(store, &changes, "a commit of a turn behind others").await;
    }
}

pub(super) async fn turns_are_loaded(store: &dyn Store) {
    assert_eq!(partition_row(store, 1).await, None, "no turn");
    assert_eq!(turns(store, 1).await, [], "no turn");
    add_three(store).await;
    let expected = PartitionRow::new(position(3, 3), true);
    let row = partition_row(store, 1).await;
    assert_eq!(row, Some(expected), "the last turn of several webhooks");
    let expected = PartitionRow::new(position(2, 1), false);
    let row = partition_row(store, 2).await;
    assert_eq!(row, Some(expected), "the last turn of one webhook");
    let mut expected = [
        StoredTurn::new(turn(1, 1, 1), false, Some(position(2, 2))),
        StoredTurn::new(turn(2, 1, 1), false, Some(position(2, 1))),
        // Turns of the same webhook do not hold back.
        StoredTurn::new(turn(2, 2, 1), false, None),
    ];
    expected.sort_by_key(|turn| (turn.row.partition, turn.row.position.number));
    assert_eq!(
        turns(store, 1).await,
        expected,
        "the turns of the first one"
    );
    let expected = [StoredTurn::new(turn(1, 2, 2), true, Some(position(3, 3)))];
    assert_eq!(turns(store, 2).await, expected, "the turn between others");
    let expected = [StoredTurn::new(turn(1, 3, 3), true, None)];
    assert_eq!(turns(store, 3).await, expected, "the last turn");
}

pub(super) async fn turns_are_added_at_the_end(store: &dyn Store) {
    add_three(store).await;
    for number in [1, 3, 5] {
        let changes = changes! { turns: added([turn(1, number, 4)]) };
        conflict(store, &changes, "a turn that is not behind the last one").await;
    }
    let changes = changes! { turns: added([turn(3, 2, 4)]) };
    conflict(store, &changes, "the second turn of an empty partition").await;
    assert_eq!(turns(store, 4).await, [], "a conflict writes nothing");
}

pub(super) async fn turns_end(store: &dyn Store) {
    add_three(store).await;
    for next in [None, Some(3)] {
        let changes = changes! { turns: ended(1, position(1, 1), next) };
        conflict(store, &changes, "another turn follows than was seen").await;
    }
    let changes = changes! { turns: ended(1, position(1, 2), Some(2)) };
    conflict(store, &changes, "the turn of another webhook").await;
    let changes = changes! { turns: ended(1, position(2, 2), Some(3)) };
    commit(store, &changes, "the end of a turn between others").await;
    let expected = [StoredTurn::new(turn(1, 3, 3), true, None)];
    assert_eq!(turns(store, 3).await, expected, "it is still held back");
    let changes = changes! { turns: ended(1, position(1, 1), Some(3)) };
    commit(store, &changes, "the end of the first turn").await;
    let expected = [StoredTurn::new(turn(1, 3, 3), false, None)];
    assert_eq!(turns(store, 3).await, expected, "it is the first");
    conflict(store, &changes, "a turn that has ended").await;

    let both = [
        ended(2, position(1, 1), Some(2)),
        ended(2, position(2, 1), None),
    ];
    let changes = changes! { turns: both.concat() };
    commit(store, &changes, "the end of two turns of a partition").await;
    assert_eq!(partition_row(store, 2).await, None, "an empty partition");
    let changes = changes! { turns: added([turn(2, 1, 2)]) };
    commit(store, &changes, "a turn of a partition that was emptied").await;
}

pub(super) async fn turns_without_open_events_are_pruned(store: &dyn Store) {
    add_three(store).await;
    let id = webhook_id(1);
    let closed = WebhookChange::Update {
        id,
        version: 1,
        row: WebhookRow {
            dead: 1,
            ..webhook(0)
        },
    };
    let id = webhook_id(2);
    let deleted = WebhookChange::Delete { id, version: 1 };
    let changes = changes! { webhooks: [closed, deleted] };
    commit(store, &changes, "a webhook that closes, and one that goes").await;
    let mut step = Prune::new(crate::model::Timestamp::from_secs(0), 2);
    loop {
        let pruned = expect(store.prune(&step).await, "a step of pruning");
        match pruned.next {
            Some(_) => step.after = pruned.next,
            None => break,
        }
    }
    assert_eq!(turns(store, 1).await, [], "those of a closed webhook");
    assert_eq!(turns(store, 2).await, [], "those of one that is gone");
    let expected = [StoredTurn::new(turn(1, 3, 3), false, None)];
    assert_eq!(turns(store, 3).await, expected, "those of an open one stay");
}
