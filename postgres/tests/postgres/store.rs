//! The store itself.

use std::error::Error;
use std::fmt::Write;

use whatsapp_signals::model::{Contact, Content, IdKind, Identity, Message, Signup};
use whatsapp_signals::model::{MessageStatus, Timestamp};
use whatsapp_signals::store::{
    Changes, ContactId, ContactRow, ConversationKey, Durability, EventChange, EventState,
    Fingerprint, IdKey, IdRow, LoadQuery, MessageKey, MessageQuery, NewMessage, NumberKey,
    ProgressRow, ReadRow, Scope, SignupKey, Store, StoreError, StoreErrorKind, Tenant, Upsert,
    WebhookChange, WebhookId, WebhookKind, WebhookRow, store_conformance_async,
};
use whatsapp_signals_postgres::PostgresStore;

use crate::require_server;
use crate::server::{Server, until};

const NOW: Timestamp = Timestamp::from_secs(1_785_000_000);

#[tokio::test(flavor = "multi_thread")]
async fn it_is_a_store() {
    let server = require_server!();
    store_conformance_async(async || server.store().await).await;
}

fn webhook(id: i64, open: u32) -> WebhookChange<'static> {
    let row = WebhookRow::new(WebhookKind::Body, NOW, open);
    let (id, body) = (WebhookId(id), &b"{\0}"[..]);
    WebhookChange::Insert { id, row, body }
}

fn new_webhook(id: i64) -> Changes<'static> {
    let mut changes = Changes::default();
    changes.webhooks.push(webhook(id, 1));
    changes
}

fn put<K, R>(key: K, row: R) -> Upsert<K, R> {
    let version = None;
    Upsert { key, version, row }
}

/// Returns a commit of rows whose strings all have U+0000 in them.
fn nul_rows() -> Changes<'static> {
    let (tenant, number) = (Tenant::new("te\0nant"), NumberKey::new("num\0ber"));
    let key = MessageKey {
        number: number.clone(),
        id: "wa\0mid".into(),
    };
    let reply = Identity::from_phone("15550101001").unwrap();
    let reply = Message::outbound("wa\0mid", reply, Content::text("Hi\0"));
    let mut message = NewMessage::new(reply.reply_to("ques\0tion").build(), NOW);
    message.status = Some(MessageStatus::from("st\0atus".to_owned()));
    message.contact = Some(ContactId(1));
    let identity = Identity::new(None::<&str>, Some("US.1\0"), None::<&str>).unwrap();
    let mut contact = ContactRow::new(tenant.clone(), Contact::new(identity));
    contact.ids = vec![IdRow::new(IdKind::User, "US.1\0", NOW)];
    let event = Fingerprint::of("key\0");
    let mut changes = new_webhook(1);
    changes.numbers.push((number, tenant.clone()));
    let of_webhook = EventChange::new(event, None, WebhookId(1));
    changes.events.push(of_webhook);
    let progress = ProgressRow::new(WebhookId(1), "key\0".to_owned());
    changes.progress.push((event, progress));
    changes.contacts.push(put(ContactId(1), contact));
    changes.messages.push(put(key, message));
    let id = "sign\0up".into();
    let signup = Signup::new("sign\0up");
    changes.signups.push(put(SignupKey { tenant, id }, signup));
    changes
}

#[tokio::test]
async fn strings_may_have_nul() {
    let server = require_server!();
    let store = server.store().await;
    let changes = nul_rows();
    store.commit(&changes, Durability::Disk).await.unwrap();

    let (tenant, number) = (Tenant::new("te\0nant"), NumberKey::new("num\0ber"));
    let user = IdKey {
        tenant: tenant.clone(),
        kind: IdKind::User,
        id: "US.1\0".into(),
    };
    let event = Fingerprint::of("key\0");
    let mut wanted = LoadQuery::default();
    wanted.numbers.insert(number.clone());
    wanted.ids.insert(user.clone());
    wanted.events.insert(event);
    wanted.signups.insert(changes.signups[0].key.clone());
    wanted.messages.insert(changes.messages[0].key.clone());
    let found = store.load(&wanted).await.unwrap();
    assert_eq!(found.numbers[&number], Some(tenant.clone()));
    assert_eq!(found.holders[&user], [ContactId(1)]);
    let progress = found.progress[&event].as_ref().unwrap();
    assert_eq!(
        (progress.key.as_str(), progress.state),
        ("key\0", EventState::Open)
    );
    assert!(found.signups.values().all(Option::is_some));
    assert!(found.messages.values().all(Option::is_some));
    let contact = found.contacts[&ContactId(1)].as_ref().unwrap();
    assert_eq!(contact.row, changes.contacts[0].row);

    let queries = [
        MessageQuery::Wamid {
            scope: Scope::Tenant(tenant),
            id: "wa\0mid".into(),
        },
        MessageQuery::Replies {
            scope: Scope::Number(number.clone()),
            id: "ques\0tion".into(),
        },
        MessageQuery::Conversation {
            key: ConversationKey::new(ContactId(1), Some(number)),
            before: None,
            limit: 9,
        },
    ];
    for query in queries {
        let stored = store.messages(&query).await.unwrap();
        assert_eq!(stored.len(), 1, "{query:?}");
        assert_eq!(stored[0].message.body(), "Hi\0");
        let status = stored[0].message.status.as_ref();
        assert_eq!(status.map(MessageStatus::as_str), Some("st\0atus"));
    }
}

/// Returns the texts of an error and of its sources.
fn texts(error: &StoreError) -> String {
    let mut texts = format!("{error} {error:?}");
    let mut source = error.source();
    while let Some(error) = source {
        write!(texts, " {error} {error:?}").unwrap();
        source = error.source();
    }
    texts
}

#[tokio::test]
async fn errors_quote_no_row_and_no_password() {
    let server = require_server!();
    let store = server.store().await;
    let mut changes = nul_rows();
    store.commit(&changes, Durability::Process).await.unwrap();
    changes.webhooks.clear();
    changes.events.clear();
    changes.numbers.clear();
    changes.progress.clear();
    changes.contacts[0].key = ContactId(2);
    let error = store.commit(&changes, Durability::Process).await;
    let error = error.unwrap_err();
    assert_eq!(error.kind(), StoreErrorKind::Conflict);
    let texts_of_conflict = texts(&error);
    assert!(
        texts_of_conflict.contains("contact_id_pkey"),
        "{texts_of_conflict}"
    );
    for secret in ["US.1", "55532e31", "wa\0mid"] {
        assert!(!texts_of_conflict.contains(secret), "{texts_of_conflict}");
    }
    for url in [
        "postgres://bikes:hunter2@127.0.0.1:1/bikes",
        "postgres://bikes:hunter2@[/bikes?x=hunter2",
    ] {
        let error = PostgresStore::connect(url).await.unwrap_err();
        assert!(!texts(&error).contains("hunter2"), "{}", texts(&error));
    }
    let error = PostgresStore::connect("postgres://bikes:hunter2@127.0.0.1:1/bikes").await;
    assert_eq!(error.unwrap_err().kind(), StoreErrorKind::Unavailable);
}

/// Ends the connections of a store.
async fn terminate(server: &Server, application: &str) {
    let client = server.pool().get().await.unwrap();
    let terminate = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity
        WHERE application_name = $1";
    let rows = client.query(terminate, &[&application]).await.unwrap();
    assert!(!rows.is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lost_connection_is_replaced() {
    let server = require_server!();
    let options = Server::options();
    let url = format!("{}?application_name=lost", server.url());
    let store = options.connect(&url).await.unwrap();
    store.migrate().await.unwrap();
    for n in 0..20 {
        let changes = new_webhook(2 * n + 1);
        store.commit(&changes, Durability::Disk).await.unwrap();
        terminate(server, "lost").await;
        // The next call may still find the old connection, and then says so.
        let changes = new_webhook(2 * n + 2);
        if let Err(error) = store.commit(&changes, Durability::Disk).await {
            let kinds = [StoreErrorKind::Unavailable, StoreErrorKind::Unknown];
            assert!(kinds.contains(&error.kind()), "{}", texts(&error));
        }
        store.numbers().await.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_connection_that_is_lost_while_a_commit_waits_is_an_error() {
    let server = require_server!();
    let options = Server::options();
    let store = server.open(options.clone()).await;
    let url = format!("{}?application_name=waiting", server.url());
    let waiting = options.connect(&url).await.unwrap();
    store
        .commit(&new_webhook(1), Durability::Disk)
        .await
        .unwrap();

    // A transaction that has locked the row.
    let pool = server.pool();
    let mut client = pool.get().await.unwrap();
    let blocking = client.transaction().await.unwrap();
    let schemas = "SELECT quote_ident(nspname) FROM pg_namespace
        JOIN pg_class ON relnamespace = pg_namespace.oid AND relname = 'webhook'";
    for row in blocking.query(schemas, &[]).await.unwrap() {
        let schema: &str = row.get(0);
        let lock = format!("SELECT 1 FROM {schema}.webhook FOR UPDATE");
        blocking.batch_execute(&lock).await.unwrap();
    }
    let commit = tokio::spawn(async move {
        let (id, version) = (WebhookId(1), 1);
        let mut changes = new_webhook(2);
        changes.webhooks.push(WebhookChange::Delete { id, version });
        waiting.commit(&changes, Durability::Disk).await
    });
    until("the commit waits", async || {
        let waits = "SELECT 1 FROM pg_stat_activity
            WHERE application_name = 'waiting' AND wait_event_type = 'Lock'";
        let client = server.pool().get().await.unwrap();
        !client.query(waits, &[]).await.unwrap().is_empty()
    })
    .await;
    terminate(server, "waiting").await;
    let error = commit.await.unwrap().unwrap_err();
    // The server said so before the `COMMIT` was reached.
    assert_eq!(
        error.kind(),
        StoreErrorKind::Unavailable,
        "{}",
        texts(&error)
    );
    blocking.rollback().await.unwrap();
    let mut wanted = LoadQuery::default();
    wanted.webhooks.extend([WebhookId(1), WebhookId(2)]);
    let found = store.load(&wanted).await.unwrap();
    assert!(found.webhooks[&WebhookId(1)].is_some());
    assert_eq!(found.webhooks[&WebhookId(2)], None, "nothing is written");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_database_with_serializable_or_read_only_defaults_is_written() {
    let server = require_server!();
    let options = Server::options();
    server.open(options.clone()).await;
    for (n, setting) in ["isolation%3Dserializable", "read_only%3Don"]
        .iter()
        .enumerate()
    {
        let url = format!(
            "{}?options=-c%20default_transaction_{setting}",
            server.url()
        );
        let store = options.clone().connect(&url).await.unwrap();
        let first = 10 * i64::try_from(n).unwrap();
        for id in first..first + 3 {
            let durability = [Durability::Process, Durability::Disk][usize::from(id % 2 == 0)];
            store.commit(&new_webhook(id), durability).await.unwrap();
        }
        let mut changes = new_webhook(first + 3);
        changes
            .reads
            .push(ReadRow::Webhook(WebhookId(first), Some(2)));
        let error = store.commit(&changes, Durability::Disk).await.unwrap_err();
        assert_eq!(error.kind(), StoreErrorKind::Conflict, "{}", texts(&error));
        let mut wanted = LoadQuery::default();
        wanted.webhooks.extend((first..first + 4).map(WebhookId));
        let found = store.load(&wanted).await.unwrap().webhooks;
        let found = found.values().flatten().count();
        assert_eq!(found, 3);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_empty_commit_makes_those_before_it_durable() {
    let server = require_server!();
    let store = server.store().await;
    let pool = server.pool();
    let client = pool.get().await.unwrap();
    // Returns the bytes of the log that have not been written to the disk, up to a place.
    let place = async || {
        let row = client.query_one("SELECT pg_current_wal_insert_lsn()::text", &[]);
        row.await.unwrap().get::<_, String>(0)
    };
    let is_flushed = async |place: &str| {
        let sql = "SELECT pg_current_wal_flush_lsn() >= $1::text::pg_lsn";
        let row = client.query_one(sql, &[&place]).await.unwrap();
        row.get::<_, bool>(0)
    };
    let mut was_behind = false;
    for n in 0..20 {
        let changes = new_webhook(n);
        store.commit(&changes, Durability::Process).await.unwrap();
        let end = place().await;
        was_behind |= !is_flushed(&end).await;
        let nothing = Changes::default();
        store.commit(&nothing, Durability::Disk).await.unwrap();
        assert!(is_flushed(&end).await, "an empty commit waits for the log");
    }
    assert!(was_behind, "a commit for the process does not wait");
}

/// Commits two sets of changes at once, of which each reads a key as absent that the other one
/// adds. Returns how many were written.
async fn commit_both(store: &PostgresStore, changes: [Changes<'static>; 2]) -> usize {
    let [first, second] = &changes;
    let (first, second) = tokio::join!(
        store.commit(first, Durability::Process),
        store.commit(second, Durability::Process)
    );
    let mut written = 0;
    for result in [first, second] {
        match result {
            Ok(()) => written += 1,
            Err(error) => assert_eq!(error.kind(), StoreErrorKind::Conflict, "{}", texts(&error)),
        }
    }
    written
}

#[tokio::test(flavor = "multi_thread")]
async fn two_commits_cannot_both_rely_on_a_key_that_is_absent() {
    let server = require_server!();
    let store = server.store().await;
    let number = || NumberKey::new("1");
    let tenant = || Tenant::new("t");
    let mut numbers = Changes::default();
    numbers.numbers.push((number(), tenant()));
    store.commit(&numbers, Durability::Process).await.unwrap();
    for n in 0..10_i64 {
        let id = |side: i64| 2 * n + side + 1;
        let key = |side| Fingerprint::of(&format!("event {}", id(side)));
        let message_key = |side| MessageKey {
            number: number(),
            id: format!("wamid.{}", id(side)).into(),
        };
        let user = |side| IdKey {
            tenant: tenant(),
            kind: IdKind::User,
            id: format!("US.{}", id(side)).into(),
        };
        let events = [0, 1].map(|side| {
            let mut changes = new_webhook(id(side));
            let event = EventChange::new(key(side), None, WebhookId(id(side)));
            changes.events.push(event);
            changes.reads.push(ReadRow::Event(key(1 - side), None));
            changes
        });
        let messages = [0, 1].map(|side| {
            let mut changes = Changes::default();
            let key = message_key(side);
            let to = Identity::from_phone("15550101001").unwrap();
            let message = Message::outbound(key.id.clone(), to, Content::text("Hi"));
            changes
                .messages
                .push(put(key, NewMessage::new(message.build(), NOW)));
            let other = message_key(1 - side);
            changes.reads.push(ReadRow::Message(other, None));
            changes
        });
        let contacts = [0, 1].map(|side| {
            let mut changes = Changes::default();
            let user_id = user(side).id;
            let identity = Identity::new(None::<&str>, Some(&*user_id), None::<&str>);
            let mut row = ContactRow::new(tenant(), Contact::new(identity.unwrap()));
            row.ids = vec![IdRow::new(IdKind::User, user_id, NOW)];
            changes.contacts.push(put(ContactId(id(side)), row));
            let other = user(1 - side);
            changes.reads.push(ReadRow::Holders(other, Vec::new()));
            changes
        });
        for (name, both) in [
            ("events", events),
            ("messages", messages),
            ("holders", contacts),
        ] {
            let written = commit_both(&store, both).await;
            assert!(written <= 1, "{name}: both were written");
        }
    }
}
