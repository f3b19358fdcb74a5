//! The file of a store: its tables, its version, and what happens when the file is not as it
//! should be.

use std::error::Error;
use std::fs;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, SystemTime};

use crate::support::folder::Folder;
use pollster::block_on;
use rusqlite::Connection;
use whatsapp_signals::model::{
    Contact, Content, IdKind, Identity, Message, MessageStatus, Signup, Timestamp,
};
use whatsapp_signals::store::{
    Changes, ContactId, ContactRow, ConversationKey, Durability, EventChange, EventState,
    Fingerprint, IdKey, IdRow, Lease, LeaseQuery, LoadQuery, MessageKey, MessageQuery, NewMessage,
    NewStatus, NumberKey, ProgressRow, Prune, ReadRow, Scope, SignupKey, Snapshot, SqliteOptions,
    SqliteStore, Store, StoreError, StoreErrorKind, Tenant, UnreadQuery, Upsert, WebhookChange,
    WebhookId, WebhookKind, WebhookQuery, WebhookRow, store_conformance,
};

const PHONE: &str = "15550101001";

fn commit(store: &SqliteStore, changes: &Changes<'_>) -> Result<(), StoreError> {
    block_on(store.commit(changes, Durability::Process))
}

/// Returns the kind of an error, whose text must not quote a row.
fn kind<T: std::fmt::Debug>(result: Result<T, StoreError>) -> StoreErrorKind {
    let error = result.unwrap_err();
    let source = error.source().unwrap().to_string();
    for text in [error.to_string(), format!("{error:?}"), source] {
        assert!(!text.contains(PHONE) && !text.contains("wamid.A"), "{text}");
    }
    error.kind()
}

fn load(store: &SqliteStore, want: impl FnOnce(&mut LoadQuery)) -> Snapshot {
    let mut wanted = LoadQuery::default();
    want(&mut wanted);
    block_on(store.load(&wanted)).unwrap()
}

fn number() -> NumberKey {
    NumberKey::new("106540352242922")
}

fn tenant() -> Tenant {
    Tenant::new("bikes")
}

fn message_key(wamid: &str) -> MessageKey {
    MessageKey {
        number: number(),
        id: wamid.into(),
    }
}

fn phone_key() -> IdKey {
    IdKey {
        tenant: tenant(),
        kind: IdKind::Phone,
        id: PHONE.into(),
    }
}

fn contact_row() -> ContactRow {
    let mut row = ContactRow::new(tenant(), Contact::new(Identity::from_phone(PHONE).unwrap()));
    let since = Timestamp::from_secs(0);
    row.ids.push(IdRow::new(IdKind::Phone, PHONE, since));
    row
}

/// Returns a put of a row that was not there.
fn new<K, R>(key: K, row: R) -> Upsert<K, R> {
    Upsert {
        key,
        version: None,
        row,
    }
}

fn webhook(id: i64) -> WebhookChange<'static> {
    WebhookChange::Insert {
        id: WebhookId(id),
        row: WebhookRow::new(WebhookKind::Body, Timestamp::from_secs(0), 1),
        body: b"{}",
    }
}

fn message(wamid: &str) -> NewMessage<'static> {
    let ada = Identity::from_phone(PHONE).unwrap();
    let message = Message::outbound(wamid, ada, Content::text("It is ready")).build();
    let mut new = NewMessage::new(message, Timestamp::from_secs(7));
    new.contact = Some(ContactId(1));
    new
}

/// One row of each table.
fn one_of_each() -> Changes<'static> {
    let mut changes = Changes::default();
    let key = Fingerprint::of("message_received:wamid.A");
    let mut progress = ProgressRow::new(WebhookId(1), "message_received:wamid.A".to_owned());
    progress.state = EventState::Dead;
    changes.numbers.push((number(), tenant()));
    changes.webhooks.push(webhook(1));
    changes
        .events
        .push(EventChange::new(key, None, WebhookId(1)));
    changes.progress.push((key, progress));
    changes.contacts.push(new(ContactId(1), contact_row()));
    let mut unread = message("wamid.A");
    unread.is_unread = true;
    changes.messages.push(new(message_key("wamid.A"), unread));
    let signup = SignupKey {
        tenant: tenant(),
        id: "spring".into(),
    };
    changes.signups.push(new(signup, Signup::new("spring")));
    changes
}

fn want_all(wanted: &mut LoadQuery) {
    wanted.numbers.insert(number());
    wanted.bodies.insert(WebhookId(1));
    wanted
        .events
        .insert(Fingerprint::of("message_received:wamid.A"));
    wanted.messages.insert(message_key("wamid.A"));
    wanted.ids.insert(phone_key());
    wanted.signups.insert(SignupKey {
        tenant: tenant(),
        id: "spring".into(),
    });
}

fn pragma(path: &Path, name: &str) -> String {
    let connection = Connection::open(path).unwrap();
    let value =
        connection.pragma_query_value(None, name, |row| row.get::<_, rusqlite::types::Value>(0));
    format!("{:?}", value.unwrap())
}

#[test]
fn the_sqlite_store_is_right() {
    let folder = Folder::new();
    let number = AtomicU64::new(0);
    store_conformance(|| {
        let number = number.fetch_add(1, Ordering::Relaxed);
        SqliteStore::open(folder.file(&format!("{number}.db"))).unwrap()
    });
}

#[test]
fn a_file_is_in_wal_mode_and_has_a_version() {
    let folder = Folder::new();
    let path = folder.file("store.db");
    drop(SqliteStore::open(&path).unwrap());
    drop(SqliteStore::open(&path).unwrap()); // and again
    assert_eq!(pragma(&path, "journal_mode"), "Text(\"wal\")");
    assert_eq!(pragma(&path, "user_version"), "Integer(2)");
}

#[test]
fn a_file_of_another_version_is_refused_and_left_as_it_is() {
    for version in [0, 1, 3, 99] {
        let folder = Folder::new();
        let path = folder.file("store.db");
        drop(SqliteStore::open(&path).unwrap());
        let connection = Connection::open(&path).unwrap();
        let set = connection.pragma_update(None, "user_version", version);
        set.unwrap();
        drop(connection);
        let before = fs::read(&path).unwrap();
        let error = SqliteStore::open(&path).unwrap_err();
        assert_eq!(error.kind(), StoreErrorKind::UnsupportedVersion);
        assert_eq!(
            error.source().unwrap().to_string(),
            format!("expected version 2 of the tables, found version {version}")
        );
        assert_eq!(fs::read(&path).unwrap(), before);
    }
}

#[test]
fn a_database_of_another_program_is_refused_and_left_as_it_is() {
    for version in [0, 1, 2, 99] {
        let folder = Folder::new();
        let path = folder.file("other.db");
        let connection = Connection::open(&path).unwrap();
        connection.execute_batch("CREATE TABLE mine (a)").unwrap();
        let set = connection.pragma_update(None, "user_version", version);
        set.unwrap();
        drop(connection);
        let before = fs::read(&path).unwrap();
        assert_eq!(kind(SqliteStore::open(&path)), StoreErrorKind::Corrupt);
        assert_eq!(fs::read(&path).unwrap(), before);
    }
}

#[test]
fn a_path_that_cannot_be_opened_is_unavailable() {
    let folder = Folder::new();
    for path in [folder.file("no/such/folder.db"), folder.path().to_owned()] {
        assert_eq!(kind(SqliteStore::open(path)), StoreErrorKind::Unavailable);
    }
}

#[test]
fn a_file_that_is_no_database_is_corrupt() {
    let folder = Folder::new();
    let path = folder.file("store.db");
    let text = "not a database, and long enough to be one ".repeat(200);
    fs::write(&path, text).unwrap();
    assert_eq!(kind(SqliteStore::open(&path)), StoreErrorKind::Corrupt);
}

#[test]
fn a_damaged_file_is_corrupt_for_reads_and_writes() {
    let folder = Folder::new();
    let path = folder.file("store.db");
    let store = SqliteStore::open(&path).unwrap();
    commit(&store, &one_of_each()).unwrap();
    drop(store);
    let connection = Connection::open(&path).unwrap();
    let roots = "SELECT rootpage FROM sqlite_schema WHERE rootpage > 0";
    let mut roots = connection.prepare(roots).unwrap();
    let roots = roots.query_map([], |row| row.get::<_, u16>(0)).unwrap();
    let mut bytes = fs::read(&path).unwrap();
    for root in roots.map(|root| usize::from(root.unwrap())) {
        bytes[(root - 1) * 4096..root * 4096].fill(0xA5);
    }
    fs::write(&path, &bytes).unwrap();

    let store = SqliteStore::open(&path).unwrap();
    let mut wanted = LoadQuery::default();
    want_all(&mut wanted);
    let loaded = block_on(store.load(&wanted));
    assert_eq!(kind(loaded), StoreErrorKind::Corrupt);
    let mut changes = Changes::default();
    changes.webhooks.push(webhook(9));
    assert_eq!(kind(commit(&store, &changes)), StoreErrorKind::Corrupt);
}

#[test]
fn a_row_that_another_program_wrote_is_corrupt() {
    for sql in [
        "UPDATE webhook SET open = -1",
        "UPDATE webhook SET kind = 9",
        "UPDATE webhook SET lease_holder = 7",
        "UPDATE webhook SET received_at = 'wamid.A'",
        "UPDATE body SET body = 7",
        "UPDATE progress SET state = 9",
        "UPDATE progress SET receivers = '15550101001'",
        "UPDATE event SET webhook = 'wamid.A'",
        "UPDATE number SET tenant = x'15550101001F'",
        "UPDATE message SET status = x'00'",
        "UPDATE contact SET contact = '{\"wa_id\": \"15550101001\"'",
        "UPDATE contact SET ids = '[\"15550101001\"]'",
        "UPDATE signup SET subscriber_count = -1",
        "UPDATE signup SET signup = x'00'",
    ] {
        let folder = Folder::new();
        let path = folder.file("store.db");
        let store = SqliteStore::open(&path).unwrap();
        commit(&store, &one_of_each()).unwrap();
        load(&store, want_all);
        drop(store);
        let connection = Connection::open(&path).unwrap();
        assert_eq!(connection.execute(sql, []).unwrap(), 1);
        let store = SqliteStore::open(&path).unwrap();
        let mut wanted = LoadQuery::default();
        want_all(&mut wanted);
        let loaded = block_on(store.load(&wanted));
        assert_eq!(kind(loaded), StoreErrorKind::Corrupt, "{sql}");
    }
}

#[test]
fn a_full_store_writes_nothing_and_goes_on_when_there_is_room() {
    let folder = Folder::new();
    let path = folder.file("store.db");
    let store = SqliteOptions::new().max_bytes(200 * 1024).open(&path);
    let store = store.unwrap();
    let body = vec![b' '; 300 * 1024];
    let mut changes = one_of_each();
    changes.webhooks.push(WebhookChange::Insert {
        id: WebhookId(2),
        row: WebhookRow::new(WebhookKind::Body, Timestamp::from_secs(0), 1),
        body: &body,
    });
    assert_eq!(kind(commit(&store, &changes)), StoreErrorKind::Full);
    assert!(block_on(store.numbers()).unwrap().is_empty());
    commit(&store, &one_of_each()).unwrap();
}

#[test]
fn a_locked_store_is_read_and_written_when_it_is_free() {
    let folder = Folder::new();
    let path = folder.file("store.db");
    let store = SqliteOptions::new().busy_timeout(Duration::from_millis(20));
    let store = store.open(&path).unwrap();
    let other = Connection::open(&path).unwrap();
    other.execute_batch("BEGIN IMMEDIATE").unwrap();
    assert_eq!(kind(commit(&store, &one_of_each())), StoreErrorKind::Locked);
    assert!(block_on(store.numbers()).unwrap().is_empty());
    other.execute_batch("COMMIT").unwrap();
    commit(&store, &one_of_each()).unwrap();
}

#[test]
fn a_new_file_can_be_opened_by_several_at_once() {
    for _ in 0..20 {
        let folder = Folder::new();
        let path = folder.file("store.db");
        std::thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| drop(SqliteStore::open(&path).unwrap()));
            }
        });
    }
}

#[test]
fn a_future_does_nothing_before_it_is_polled() {
    let folder = Folder::new();
    let store = SqliteStore::open(folder.file("store.db")).unwrap();
    let changes = one_of_each();
    drop(store.commit(&changes, Durability::Disk));
    assert!(block_on(store.numbers()).unwrap().is_empty());
}

#[test]
fn the_moment_grows_with_commits_of_this_store_and_of_another_process() {
    let folder = Folder::new();
    let path = folder.file("store.db");
    let [store, other] = [(), ()].map(|()| SqliteStore::open(&path).unwrap());
    let revision = |store| load(store, |_| ()).revision.unwrap();
    let first = revision(&store);
    assert_eq!(revision(&store), first, "nothing has changed");
    commit(&store, &one_of_each()).unwrap();
    let second = revision(&store);
    assert!(second > first);
    let mut changes = Changes::default();
    changes.webhooks.push(webhook(2));
    commit(&other, &changes).unwrap();
    let third = revision(&store);
    assert!(third > second);
    assert_eq!(revision(&store), third);
}

#[test]
fn reads_are_checked_unless_nothing_has_changed_since_their_moment() {
    let folder = Folder::new();
    let path = folder.file("store.db");
    let [store, other] = [(), ()].map(|()| SqliteStore::open(&path).unwrap());
    commit(&store, &one_of_each()).unwrap();
    let key = Fingerprint::of("message_received:wamid.A");
    let signup = SignupKey {
        tenant: tenant(),
        id: "spring".into(),
    };
    // Each read as it is, and as it is not.
    for (current, outdated) in [
        (
            ReadRow::Webhook(WebhookId(1), Some(1)),
            ReadRow::Webhook(WebhookId(1), None),
        ),
        (
            ReadRow::Event(key, Some(WebhookId(1))),
            ReadRow::Event(key, Some(WebhookId(2))),
        ),
        (
            ReadRow::Contact(ContactId(9), None),
            ReadRow::Contact(ContactId(9), Some(1)),
        ),
        (
            ReadRow::Holders(phone_key(), vec![ContactId(1)]),
            ReadRow::Holders(phone_key(), vec![]),
        ),
        (
            ReadRow::Message(message_key("wamid.A"), Some(1)),
            ReadRow::Message(message_key("wamid.A"), Some(2)),
        ),
        (
            ReadRow::Signup(signup.clone(), Some(1)),
            ReadRow::Signup(signup, None),
        ),
    ] {
        let mut changes = Changes::default();
        changes.reads.push(current);
        commit(&store, &changes).unwrap();
        changes.reads.push(outdated);
        assert_eq!(kind(commit(&store, &changes)), StoreErrorKind::Conflict);
        changes.revision = load(&store, |_| ()).revision;
        commit(&store, &changes).unwrap();
    }
    let mut changes = Changes::default();
    changes.reads.push(ReadRow::Webhook(WebhookId(1), None));
    changes.revision = load(&store, |_| ()).revision;
    let mut of_other = Changes::default();
    of_other.webhooks.push(webhook(2));
    commit(&other, &of_other).unwrap();
    assert_eq!(kind(commit(&store, &changes)), StoreErrorKind::Conflict);
}

#[test]
fn two_processes_conflict_over_each_kind_of_row() {
    let folder = Folder::new();
    let path = folder.file("store.db");
    let [store, other] = [(), ()].map(|()| SqliteStore::open(&path).unwrap());
    commit(&other, &one_of_each()).unwrap();
    let all = one_of_each();
    let mut each: Vec<Changes<'_>> = Vec::new();
    let mut one = |with: &dyn Fn(&mut Changes<'static>)| {
        let mut changes = Changes::default();
        with(&mut changes);
        each.push(changes);
    };
    one(&|changes| changes.numbers.clone_from(&all.numbers));
    one(&|changes| changes.webhooks.clone_from(&all.webhooks));
    one(&|changes| changes.events.clone_from(&all.events));
    one(&|changes| changes.contacts.clone_from(&all.contacts));
    one(&|changes| changes.messages.clone_from(&all.messages));
    one(&|changes| changes.signups.clone_from(&all.signups));
    // The id of another contact.
    one(&|changes| changes.contacts.push(new(ContactId(2), contact_row())));
    for changes in each {
        let before = load(&store, want_all);
        let result = commit(&store, &changes);
        assert_eq!(kind(result), StoreErrorKind::Conflict, "{changes:?}");
        assert_eq!(load(&store, want_all).revision, before.revision);
    }
}

#[test]
fn a_message_of_a_number_without_a_row_is_an_error() {
    let folder = Folder::new();
    let store = SqliteStore::open(folder.file("store.db")).unwrap();
    let mut changes = Changes::default();
    let put = new(message_key("wamid.A"), message("wamid.A"));
    changes.messages.push(put);
    assert_eq!(kind(commit(&store, &changes)), StoreErrorKind::Other);
    // A number that was rolled back has no row either.
    changes.numbers.push((number(), tenant()));
    changes.reads.push(ReadRow::Webhook(WebhookId(1), Some(1)));
    assert_eq!(kind(commit(&store, &changes)), StoreErrorKind::Conflict);
    changes.reads.clear();
    changes.contacts.push(new(ContactId(1), contact_row()));
    changes.contacts.push(new(ContactId(2), contact_row()));
    assert_eq!(kind(commit(&store, &changes)), StoreErrorKind::Conflict);
    changes.numbers.clear();
    changes.contacts.clear();
    assert_eq!(kind(commit(&store, &changes)), StoreErrorKind::Other);
}

#[test]
fn the_rows_of_an_event_go_with_it() {
    let folder = Folder::new();
    let path = folder.file("store.db");
    let store = SqliteStore::open(&path).unwrap();
    commit(&store, &one_of_each()).unwrap();
    let connection = Connection::open(&path).unwrap();
    let count = |table: &str| {
        let sql = format!("SELECT count(*) FROM {table}");
        connection.query_row(&sql, [], |row| row.get::<_, i64>(0))
    };
    let mut changes = Changes::default();
    let (id, version) = (WebhookId(1), 1);
    changes.webhooks.push(WebhookChange::Delete { id, version });
    commit(&store, &changes).unwrap();
    for (table, rows) in [("webhook", 0), ("body", 0), ("progress", 0), ("event", 1)] {
        assert_eq!(count(table).unwrap(), rows, "{table}");
    }
    let step = Prune::new(Timestamp::now(), 9);
    assert_eq!(block_on(store.prune(&step)).unwrap().rows, 1);
    assert_eq!(count("event").unwrap(), 0);
    assert_eq!(count("message").unwrap(), 1);
}

#[test]
fn the_clock_of_the_store_can_be_replaced() {
    let folder = Folder::new();
    let now = Arc::new(AtomicU64::new(1_000_000));
    let millis = Arc::clone(&now);
    let clock = move || {
        let millis = millis.load(Ordering::Relaxed);
        SystemTime::UNIX_EPOCH + Duration::from_millis(millis)
    };
    let store = SqliteOptions::new().clock(clock);
    let store = store.open(folder.file("store.db")).unwrap();
    let mut changes = Changes::default();
    for id in [1, 2] {
        let mut row = WebhookRow::new(WebhookKind::Body, Timestamp::from_secs(0), 1);
        row.lease = Some(Lease::new(7, Duration::from_secs(60)));
        let id = WebhookId(id);
        let body = b"{}";
        changes
            .webhooks
            .push(WebhookChange::Insert { id, row, body });
    }
    commit(&store, &changes).unwrap();
    let due = || {
        let lease = Lease::new(8, Duration::from_secs(60));
        block_on(store.lease_due(lease, LeaseQuery::first(1))).unwrap()
    };
    let until = |id| {
        let snapshot = load(&store, |wanted| {
            wanted.webhooks.insert(WebhookId(id));
        });
        let webhook = snapshot.webhooks[&WebhookId(id)].clone().unwrap();
        (webhook.version, webhook.row.lease.unwrap().until)
    };
    assert_eq!((due(), until(1)), (vec![], (1, 1_060_000)));
    // The clock goes back: the leases are given their length from now on.
    now.store(500_000, Ordering::Relaxed);
    assert_eq!((due(), until(1)), (vec![], (2, 560_000)));
    now.store(560_000, Ordering::Relaxed);
    for id in [1, 2] {
        let leased = due();
        assert_eq!(leased[0].0, WebhookId(id));
        assert_eq!(leased[0].1.version, 2);
        assert_eq!(leased[0].1.row.lease.unwrap().holder, 7);
        assert_eq!(until(id), (3, 620_000));
    }
    assert_eq!(due(), []);
}

#[test]
fn each_page_finds_its_rows() {
    let folder = Folder::new();
    let path = folder.file("store.db");
    let store = SqliteStore::open(&path).unwrap();
    commit(&store, &one_of_each()).unwrap();
    let scope = Scope::Tenant(tenant());
    let id = "wamid.A".into();
    let wamid = MessageQuery::Wamid { scope, id };
    assert_eq!(block_on(store.messages(&wamid)).unwrap().len(), 1);
    let conversation = |before, number| MessageQuery::Conversation {
        key: ConversationKey::new(ContactId(1), number),
        before,
        limit: 9,
    };
    for (before, number, found) in [
        (None, None, 1),
        (None, Some(number()), 1),
        (None, Some(NumberKey::new("other")), 0),
        (Some(message_key("wamid.A")), None, 0),
    ] {
        let query = conversation(before, number);
        assert_eq!(block_on(store.messages(&query)).unwrap().len(), found);
    }
    let query = UnreadQuery::new(Scope::Number(number()));
    let unread = block_on(store.unread(&query)).unwrap();
    assert_eq!(
        unread,
        block_on(store.unread(&query.of(ContactId(1)))).unwrap()
    );
    assert_eq!((unread[0].id, unread[0].count), (ContactId(1), 1));
    assert_eq!(block_on(store.dead_events(None, 9)).unwrap().len(), 1);
    let all = WebhookQuery::first(9).only_unsettled().with_bodies();
    let webhooks = block_on(store.webhooks(&all)).unwrap();
    assert_eq!(webhooks[0].2.as_deref(), Some(&b"{}"[..]));

    let mut changes = Changes::default();
    let status = NewStatus::new(MessageStatus::Read, Timestamp::from_secs(0));
    changes.statuses.push(Upsert {
        key: message_key("wamid.A"),
        version: Some(1),
        row: status.clone(),
    });
    changes.statuses.push(new(message_key("wamid.B"), status));
    let key = ConversationKey::new(ContactId(1), Some(number()));
    changes.read_conversations.push(key);
    commit(&store, &changes).unwrap();
    let found = block_on(store.messages(&wamid)).unwrap();
    assert_eq!(found[0].message.status, Some(MessageStatus::Read));
    assert!(
        block_on(store.unread(&UnreadQuery::new(Scope::All)))
            .unwrap()
            .is_empty()
    );
    assert_eq!(block_on(store.signups(&tenant())).unwrap().len(), 1);
}
