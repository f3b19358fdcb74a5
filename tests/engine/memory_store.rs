//! Stores without an engine.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::{Context, Poll, Waker};
use std::time::{Duration, Instant, SystemTime};

use crate::support::unsteady::{Counts, Rates, Unsteady};
use whatsapp_signals::model::{Contact, IdKind, Identity, Message, Timestamp};
use whatsapp_signals::store::{
    Changes, ContactId, ContactRow, Durability, EventChange, EventState, Fingerprint, IdRow, Lease,
    LeaseQuery, LoadQuery, MemoryStore, MessageKey, MessageQuery, NewMessage, NumberKey,
    ProgressRow, ReadyStore, Scope, Snapshot, Store, StoreError, StoreErrorKind, StoreFuture,
    Tenant, Upsert, WebhookChange, WebhookId, WebhookKind, WebhookQuery, WebhookRow,
    store_conformance, store_conformance_async,
};

const NOW: Timestamp = Timestamp::from_secs(1_785_000_000);

#[test]
fn the_memory_store_is_right() {
    store_conformance(MemoryStore::new);
}

#[test]
fn a_store_behind_a_pointer_is_right() {
    store_conformance(|| Arc::new(MemoryStore::new()) as Arc<dyn ReadyStore>);
    store_conformance(|| Box::new(MemoryStore::new()) as Box<dyn ReadyStore>);
}

#[test]
fn a_store_that_waits_is_right() {
    for seed in 0..4 {
        let new = async || Unsteady::new(MemoryStore::new(), seed, Rates::default());
        pollster::block_on(store_conformance_async(new));
    }
}

/// Returns a commit of an open webhook with one event.
fn event(n: i64, open: u32) -> Changes<'static> {
    let id = webhook_id(n);
    let row = WebhookRow::new(WebhookKind::Body, NOW, open);
    let mut changes = Changes::default();
    changes.webhooks = vec![WebhookChange::Insert {
        id,
        row,
        body: b"{}",
    }];
    changes.events = vec![EventChange::new(key(n), None, id)];
    changes
}

/// Returns a commit that changes a webhook.
fn put(n: i64, version: i64, row: WebhookRow) -> Changes<'static> {
    let id = webhook_id(n);
    let mut changes = Changes::default();
    changes.webhooks = vec![WebhookChange::Update { id, version, row }];
    changes
}

fn webhook_id(n: i64) -> WebhookId {
    WebhookId(WebhookId::at(NOW).0 + n)
}

fn row(open: u32) -> WebhookRow {
    WebhookRow::new(WebhookKind::Body, NOW, open)
}

fn key(n: i64) -> Fingerprint {
    Fingerprint::of(&n.to_string())
}

fn commit(store: &impl Store, changes: &Changes<'_>) -> Result<(), StoreErrorKind> {
    let result = pollster::block_on(store.commit(changes, Durability::Process));
    result.map_err(|error| error.kind())
}

fn load(store: &impl Store, wanted: &LoadQuery) -> Snapshot {
    pollster::block_on(store.load(wanted)).unwrap()
}

/// Returns the events of these numbers that are there.
fn events(store: &impl Store, numbers: impl Iterator<Item = i64>) -> Vec<i64> {
    let numbers: Vec<_> = numbers.collect();
    let mut wanted = LoadQuery::default();
    wanted.events = numbers.iter().map(|n| key(*n)).collect();
    let found = load(store, &wanted);
    let is_there = |n: &i64| found.events[&key(*n)].is_some();
    numbers.into_iter().filter(is_there).collect()
}

#[test]
fn the_first_poll_does_the_work_of_a_memory_store_and_no_other_call_does() {
    let store = MemoryStore::new();
    let changes = event(1, 1);
    let mut commit = store.commit(&changes, Durability::Process);
    assert_eq!(events(&store, 1..2), [0; 0], "before the first poll");
    let poll = commit
        .as_mut()
        .poll(&mut Context::from_waker(Waker::noop()));
    assert!(matches!(poll, Poll::Ready(Ok(()))));
    assert_eq!(events(&store, 1..2), [1]);
}

#[test]
fn finished_events_make_room_in_the_order_in_which_they_came() {
    let store = MemoryStore::bounded(4);
    for n in 1..=4 {
        commit(&store, &event(n, 1)).unwrap();
    }
    assert_eq!(commit(&store, &event(5, 1)), Err(StoreErrorKind::Full));
    assert_eq!(
        events(&store, 1..9),
        [1, 2, 3, 4],
        "and nothing has changed"
    );
    assert_eq!(load(&store, &LoadQuery::default()).revision, Some(4));

    for (n, expected) in [(3, [1, 2, 4, 5]), (1, [2, 4, 5, 6])] {
        commit(&store, &put(n, 1, row(0))).unwrap();
        let new = expected[3];
        commit(&store, &event(new, 1)).unwrap();
        assert_eq!(
            events(&store, 1..9),
            expected,
            "{n} closed before {new} came"
        );
        assert_eq!(commit(&store, &event(9, 1)), Err(StoreErrorKind::Full));
    }
    // Two close, and the one that came first goes.
    for n in [4, 2] {
        commit(&store, &put(n, 1, row(0))).unwrap();
    }
    commit(&store, &event(7, 1)).unwrap();
    assert_eq!(events(&store, 1..9), [4, 5, 6, 7]);
    // One that opens once more stays.
    commit(&store, &put(4, 2, row(1))).unwrap();
    assert_eq!(commit(&store, &event(8, 1)), Err(StoreErrorKind::Full));
    // One whose webhook is deleted may go.
    let mut delete = Changes::default();
    delete.webhooks = vec![WebhookChange::Delete {
        id: webhook_id(6),
        version: 1,
    }];
    commit(&store, &delete).unwrap();
    commit(&store, &event(8, 1)).unwrap();
    assert_eq!(events(&store, 1..9), [4, 5, 7, 8]);
}

#[test]
fn progress_decides_whether_an_event_makes_room() {
    let store = MemoryStore::bounded(2);
    let of = |n, version, open, dead, state| {
        let mut row = row(open);
        row.dead = dead;
        let mut changes = put(n, version, row);
        let mut progress = ProgressRow::new(webhook_id(n), n.to_string());
        progress.state = state;
        changes.progress = vec![(key(n), progress)];
        changes
    };
    commit(&store, &event(1, 1)).unwrap();
    commit(&store, &event(2, 2)).unwrap();
    commit(&store, &of(1, 1, 0, 1, EventState::Dead)).unwrap();
    let added = {
        let mut added = Changes::default();
        added.events = vec![EventChange::new(key(3), None, webhook_id(2))];
        added
    };
    assert_eq!(
        commit(&store, &added),
        Err(StoreErrorKind::Full),
        "one is dead, one open"
    );
    commit(&store, &of(2, 1, 1, 0, EventState::Finished)).unwrap();
    commit(&store, &added).unwrap();
    assert_eq!(
        events(&store, 1..9),
        [1, 3],
        "the finished one of an open webhook went"
    );
    let dead = pollster::block_on(store.dead_events(None, 9)).unwrap();
    assert_eq!(dead.len(), 1);
}

#[test]
fn closed_webhooks_make_room_and_all_others_stay() {
    let store = MemoryStore::bounded(3);
    let add = |n, row: WebhookRow| {
        let id = webhook_id(n);
        let mut changes = Changes::default();
        changes.webhooks = vec![WebhookChange::Insert {
            id,
            row,
            body: b"{}",
        }];
        changes
    };
    let ids = || {
        let query = WebhookQuery::first(9);
        let page = pollster::block_on(store.webhooks(&query)).unwrap();
        let ids = page.into_iter().map(|(id, ..)| id.0 - webhook_id(0).0);
        ids.collect::<Vec<_>>()
    };
    let mut dead = row(0);
    dead.dead = 1;
    commit(&store, &add(1, dead)).unwrap();
    for n in 2..9 {
        commit(&store, &add(n, row(0))).unwrap();
    }
    assert_eq!(ids(), [1, 7, 8]);
    let mut leased = row(0);
    leased.lease = Some(Lease::new(1, Duration::from_secs(60)));
    commit(&store, &put(7, 1, leased)).unwrap();
    commit(&store, &put(8, 1, row(1))).unwrap();
    assert_eq!(commit(&store, &add(9, row(1))), Err(StoreErrorKind::Full));
    assert_eq!(ids(), [1, 7, 8]);
    commit(&store, &put(7, 2, row(0))).unwrap();
    commit(&store, &add(9, row(1))).unwrap();
    assert_eq!(ids(), [1, 8, 9]);
}

#[test]
fn messages_make_room_in_the_order_in_which_they_came() {
    let store = MemoryStore::bounded(3);
    let number = NumberKey::new("1");
    for n in 0..9 {
        let id = format!("wamid.{n}");
        let json = format!(
            r#"{{"id": "{id}", "from": "15550101001", "type": "text", "text": {{"body": "Hi"}}}}"#
        );
        let message: Message = serde_json::from_str(&json).unwrap();
        let mut row = NewMessage::new(message, NOW);
        row.contact = Some(ContactId(1));
        let id = id.as_str().into();
        let key = MessageKey {
            number: number.clone(),
            id,
        };
        let mut changes = Changes::default();
        changes.messages = vec![Upsert {
            key,
            version: None,
            row,
        }];
        commit(&store, &changes).unwrap();
    }
    let found = |n: i64| {
        let (scope, id) = (Scope::All, format!("wamid.{n}").into());
        let query = MessageQuery::Wamid { scope, id };
        !pollster::block_on(store.messages(&query))
            .unwrap()
            .is_empty()
    };
    let left: Vec<_> = (0..9).filter(|n| found(*n)).collect();
    assert_eq!(left, [6, 7, 8]);
}

#[test]
fn the_contact_that_was_not_used_for_the_longest_time_makes_room() {
    let store = MemoryStore::bounded(3);
    let get = |n: i64| {
        let mut wanted = LoadQuery::default();
        wanted.contacts = [ContactId(n)].into();
        load(&store, &wanted).contacts[&ContactId(n)].is_some()
    };
    for n in 0..6 {
        let phone = format!("1555010100{n}");
        let identity = Identity::from_phone(&phone).unwrap();
        let mut row = ContactRow::new(Tenant::new("bicycles"), Contact::new(identity));
        row.ids = vec![IdRow::new(IdKind::Phone, phone, NOW)];
        let mut changes = Changes::default();
        changes.contacts = vec![Upsert {
            key: ContactId(n),
            version: None,
            row,
        }];
        commit(&store, &changes).unwrap();
        assert!(get(0), "the first one is used all the time");
    }
    let left: Vec<_> = (0..6).filter(|n| get(*n)).collect();
    assert_eq!(left, [0, 4, 5]);
}

/// A clock that a test moves.
#[derive(Clone)]
struct Clock(Arc<AtomicU64>);

impl Clock {
    fn new() -> Self {
        Self(Arc::new(AtomicU64::new(1_785_000_000)))
    }

    fn move_to(&self, seconds: u64) {
        self.0.store(1_785_000_000 + seconds, Ordering::Relaxed);
    }

    fn now(&self) -> SystemTime {
        SystemTime::UNIX_EPOCH + Duration::from_secs(self.0.load(Ordering::Relaxed))
    }
}

#[test]
fn leases_in_memory_follow_the_clock() {
    leases_follow_the_clock(|clock| MemoryStore::new().clock(move || clock.now()));
}

/// Checks a store whose clock can be replaced.
fn leases_follow_the_clock<S: Store>(new: impl Fn(Clock) -> S) {
    let clock = Clock::new();
    let store = new(clock.clone());
    clock.move_to(1000);
    let minute = Lease::new(7, Duration::from_secs(60));
    let mut leased = row(1);
    leased.lease = Some(minute);
    let mut changes = event(1, 1);
    changes.webhooks = vec![WebhookChange::Insert {
        id: webhook_id(1),
        row: leased,
        body: b"{}",
    }];
    commit(&store, &changes).unwrap();

    let due = || {
        let lease = Lease::new(9, Duration::from_secs(60));
        let leased = pollster::block_on(store.lease_due(lease, LeaseQuery::first(9))).unwrap();
        leased
            .into_iter()
            .map(|(_, stored)| stored)
            .collect::<Vec<_>>()
    };
    let until = || {
        let mut wanted = LoadQuery::default();
        wanted.webhooks = [webhook_id(1)].into();
        let found = load(&store, &wanted);
        let lease = found.webhooks[&webhook_id(1)]
            .as_ref()
            .unwrap()
            .row
            .lease
            .unwrap();
        (lease.holder, lease.until - 1_785_000_000_000)
    };
    assert_eq!(until(), (7, 1_060_000));
    clock.move_to(1059);
    assert_eq!(due(), [], "it runs");
    assert_eq!(until(), (7, 1_060_000));

    // The clock was ahead, and is right again: the lease would run for a quarter of an hour.
    clock.move_to(10);
    assert_eq!(due(), [], "a lease that is too long is not free");
    assert_eq!(until(), (7, 70_000), "and is given its length from now on");
    clock.move_to(69);
    assert_eq!(due(), [], "it is shortened once");
    assert_eq!(until(), (7, 70_000));
    clock.move_to(70);
    assert_eq!(due().len(), 1, "it has ended");
    assert_eq!(until(), (9, 130_000));
    assert_eq!(load(&store, &LoadQuery::default()).now, 1_785_000_070_000);
}

/// Returns the error of each of a thousand commits of one event each, and whether it was written.
fn faults(seed: u64) -> Vec<(Option<StoreErrorKind>, bool)> {
    let rates = Rates {
        conflict: 10,
        unknown: 20,
        locked: 5,
    };
    let store = Unsteady::new(MemoryStore::new(), seed, rates);
    let faults = (0..1000).map(|n| {
        let error = commit(&store, &event(n, 1)).err();
        (error, events(&store, n..=n) == [n])
    });
    let faults = faults.collect();
    let (loads, commits, others) = (1000, 1000, 0);
    assert_eq!(
        store.counts(),
        Counts {
            loads,
            commits,
            others
        }
    );

    store.calm();
    for n in 1000..2000 {
        commit(&store, &event(n, 1)).unwrap();
    }
    faults
}

#[test]
fn an_unsteady_store_fails_as_often_as_it_is_to_and_by_its_seed() {
    use StoreErrorKind::{Conflict, Locked, Unknown};
    let found = faults(7);
    let count = |fault| found.iter().filter(|found| **found == fault).count();
    let (conflict, locked) = (count((Some(Conflict), false)), count((Some(Locked), false)));
    let (written, lost) = (count((Some(Unknown), true)), count((Some(Unknown), false)));
    let committed = count((None, true));
    assert!((70..130).contains(&conflict), "{conflict} conflicts");
    assert!((30..80).contains(&locked), "{locked} times locked");
    assert!(
        (70..130).contains(&written),
        "{written} times unknown, and written"
    );
    assert!(
        (70..130).contains(&lost),
        "{lost} times unknown, and not written"
    );
    assert_eq!(
        conflict + locked + written + lost + committed,
        1000,
        "no other result"
    );
    assert_eq!(faults(7), found, "one seed has the same faults");
    assert_ne!(faults(8), found, "another seed has others");
}

#[test]
fn an_unsteady_store_is_never_ready_at_the_first_poll_and_wakes_its_task() {
    let store = Unsteady::new(MemoryStore::new(), 1, Rates::default());
    let wanted = LoadQuery::default();
    for _ in 0..20 {
        let mut load: StoreFuture<'_, Snapshot> = store.load(&wanted);
        let poll = load.as_mut().poll(&mut Context::from_waker(Waker::noop()));
        assert!(poll.is_pending());
        // Without a wake this would hang.
        let result: Result<Snapshot, StoreError> = pollster::block_on(load);
        assert!(result.is_ok());
    }
}

/// Prints the time of an insert at the bound, with as many events that stay in front of those
/// that make room as fit. An insert takes the first event of a list, so the time grows no more
/// than that of a look-up in a tree does.
#[test]
#[ignore = "it measures times, for a person to read"]
fn an_insert_at_the_bound() {
    for bound in [1_000, 10_000, 100_000] {
        let store = MemoryStore::bounded(bound.try_into().unwrap());
        for n in 0..bound / 2 {
            commit(&store, &event(n, 1)).unwrap();
        }
        let insert = |numbers: std::ops::Range<i64>| {
            let start = Instant::now();
            let inserts = u32::try_from(numbers.end - numbers.start).unwrap();
            for n in numbers {
                commit(&store, &event(n, 0)).unwrap();
            }
            start.elapsed() / inserts
        };
        let below = insert(bound / 2..bound);
        let at = insert(bound..bound + 20_000);
        println!("{bound}: {below:?} below the bound, {at:?} at the bound");
    }
}
