//! Deletions by key, and scans of all messages.

use super::messages::add_contacts;
use super::sample::{
    NOW, add, changes, later, load_query, message, message_key, new_message, number, phone, tenant,
    unread, upsert, webhook, webhook_id,
};
use super::{commit, conflict, expect, load};
use crate::model::MessageStatus;
use crate::store::{
    Changes, ContactId, MessageScan, NewStatus, ReadRow, ScanFilter, ScannedMessage, Store,
    UnreadQuery, Upsert, WebhookChange,
};

pub(super) async fn bodies_are_replaced(store: &dyn Store) {
    let (id, row) = (webhook_id(1), webhook(2));
    let added = [add(id, row.clone()), add(webhook_id(2), row)];
    commit(store, &changes! { webhooks: added }, "a commit of webhooks").await;
    let replace = |version| WebhookChange::Replace {
        id,
        version,
        row: webhook(1),
        body: b"[]".to_vec(),
    };
    let other = changes! { webhooks: [replace(2)] };
    conflict(store, &other, "a body of a webhook with another version").await;
    commit(store, &changes! { webhooks: [replace(1)] }, "another body").await;
    let keys = [id, webhook_id(2)];
    let found = load(store, &load_query! { bodies: keys, webhooks: [id] }).await;
    assert_eq!(found.bodies[&id].as_deref(), Some(&b"[]"[..]), "the body");
    let stored = found.webhooks[&id].as_ref();
    let stored = stored.map(|stored| (stored.version, stored.row.open));
    assert_eq!(stored, Some((2, 1)), "the row");
    let other = found.bodies[&keys[1]].as_deref();
    assert_eq!(
        other,
        Some(super::sample::BODY),
        "the body of another webhook"
    );
}

pub(super) async fn contacts_are_deleted(store: &dyn Store) {
    add_contacts(store).await;
    let rows = [("a", 1), ("b", 2), ("c", 1)];
    let rows = rows.map(|(id, of)| upsert(message_key(number(1), id), None, unread(id, of)));
    commit(store, &changes! { messages: rows }, "a commit of messages").await;
    let id = ContactId(1);
    conflict(
        store,
        &changes! { deleted_contacts: [(id, 2)] },
        "the deletion of a contact with another version",
    )
    .await;
    let before = load(store, &load_query! { contacts: [id] }).await.revision;
    let delete = changes! { deleted_contacts: [(id, 1)] };
    commit(store, &delete, "the deletion of a contact").await;
    let key = phone(tenant(), "15550100001");
    let message = |id| message_key(number(1), id);
    let keys = [message("a"), message("b"), message("c")];
    let all = load_query! { ids: [key.clone()], contacts: [id], messages: keys.clone() };
    let found = load(store, &all).await;
    assert!(found.contacts[&id].is_none(), "the contact is gone");
    assert!(found.holders[&key].is_empty(), "its id is free");
    let there = keys.map(|key| found.messages[&key].is_some());
    assert_eq!(there, [false, true, false], "its messages are gone");
    let unread = store
        .unread(&UnreadQuery::new(crate::store::Scope::All))
        .await;
    let unread = expect(unread, "unread messages");
    let counts: Vec<_> = unread
        .iter()
        .map(|unread| (unread.id.0, unread.count))
        .collect();
    assert_eq!(counts, [(2, 1)], "unread messages of another contact");
    conflict(store, &delete, "the deletion of a contact that is gone").await;
    let late = Changes {
        revision: before,
        reads: vec![ReadRow::Contact(id, Some(1))],
        messages: vec![upsert(message("d"), None, unread_of_gone())],
        ..Changes::default()
    };
    conflict(
        store,
        &late,
        "a message for a contact that was deleted meanwhile",
    )
    .await;
}

fn unread_of_gone() -> crate::store::NewMessage<'static> {
    unread("d", 1)
}

pub(super) async fn messages_are_deleted(store: &dyn Store) {
    add_contacts(store).await;
    let key = |n, id: &str| message_key(number(n), id);
    let messages = [(1, "a"), (2, "a"), (1, "b")];
    let messages = messages.map(|(n, id)| upsert(key(n, id), None, unread(id, 1)));
    let status = NewStatus::new(MessageStatus::Sent, NOW);
    let changes = Changes {
        messages: messages.into(),
        statuses: vec![upsert(key(1, "lone"), None, status)],
        ..Changes::default()
    };
    commit(store, &changes, "a commit of messages").await;
    let deleted = [key(1, "a"), key(1, "lone"), key(1, "unknown"), key(9, "a")];
    let delete = changes! { deleted_messages: deleted };
    commit(store, &delete, "a deletion of messages").await;
    let keys = [key(1, "a"), key(2, "a"), key(1, "b"), key(1, "lone")];
    let found = load(store, &load_query! { messages: keys.clone() }).await;
    let there = keys.map(|key| found.messages[&key].is_some());
    assert_eq!(
        there,
        [false, true, true, false],
        "messages after a deletion"
    );
}

pub(super) async fn messages_are_scanned(store: &dyn Store) {
    add_contacts(store).await;
    let key = |id: &str| message_key(number(1), id);
    let mut of_group = message("group");
    of_group.status = Some(MessageStatus::Read);
    let mut old = unread("old", 1);
    old.at = later(-60);
    let status = NewStatus::new(MessageStatus::Sent, later(-60));
    let first: Vec<Upsert<_, _>> = vec![
        upsert(key("new"), None, unread("new", 1)),
        upsert(key("old"), None, old),
        upsert(key("group"), None, new_message(of_group.clone(), NOW)),
    ];
    commit(store, &changes! { messages: first }, "a commit of messages").await;
    let lone = changes! { statuses: [upsert(key("lone"), None, status)] };
    commit(store, &lone, "a commit of a status").await;

    let sent = Some(MessageStatus::Sent);
    let loose = scan(store, ScanFilter::Unassigned).await;
    let expected = [
        ScannedMessage::new(key("group"), Some(of_group), Some(MessageStatus::Read)),
        ScannedMessage::new(key("lone"), None, sent),
    ];
    assert_eq!(loose, expected, "messages in no conversation");
    let old = scan(store, ScanFilter::Before(NOW)).await;
    let expected = [ScannedMessage::new(key("old"), None, None)];
    assert_eq!(old, expected, "stored messages before a time");
}

/// Scans in steps of one row.
async fn scan(store: &dyn Store, only: ScanFilter) -> Vec<ScannedMessage> {
    const STEPS: usize = 10;
    let mut step = MessageScan::new(only, 1);
    let mut rows = Vec::new();
    for _ in 0..STEPS {
        let mut found = expect(store.scan_messages(&step).await, "a step of a scan");
        assert!(found.rows.len() <= 1, "a step of one row");
        rows.append(&mut found.rows);
        match found.next {
            Some(_) => step.after = found.next,
            None => return rows,
        }
    }
    panic!("a scan of four rows in steps of one has not ended after {STEPS} steps");
}
