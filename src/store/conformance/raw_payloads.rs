//! The JSON that is kept beside messages.

use super::commit;
use super::messages::{ADA, add_contacts, find, key, query, statuses};
use super::sample::{changes, put, unread};
use crate::model::{MessageStatus, RawJson};
use crate::store::{ConversationKey, MessageQuery, NewMessage, Scope, Store};

/// Text that a writer of JSON would not write: white space, a number with a zero, a member twice.
const JSON: &str =
    "{\"id\": \"wamid.A\",\r\n  \"a\": 1.50, \"a\": \"it's \u{1f6b2} \\u0000 \\ud83d\"}";

/// Returns the JSON that is stored beside the only message with a wamid.
async fn raw_of(store: &dyn Store, id: &str) -> Option<String> {
    let stored = find(store, Scope::All, id).await.pop();
    let stored = stored.expect("a message that was stored");
    stored.raw_payload.map(|raw| raw.as_str().to_owned())
}

/// Commits an unread message of a contact.
async fn store_message(
    store: &dyn Store,
    id: &str,
    version: Option<i64>,
    raw_payload: Option<&RawJson>,
) {
    let row = NewMessage {
        raw_payload,
        ..unread(id, 1)
    };
    let changes = changes! { messages: [put(key(id), version, row)] };
    commit(store, &changes, "a commit of a message").await;
}

pub(super) async fn raw_payloads_are_stored(store: &dyn Store) {
    add_contacts(store).await;
    let raw = RawJson::new(JSON).expect("JSON");
    store_message(store, "wamid.A", None, Some(&raw)).await;
    store_message(store, "wamid.B", None, None).await;
    let found = raw_of(store, "wamid.A").await;
    assert_eq!(found.as_deref(), Some(JSON), "the JSON, byte for byte");
    assert_eq!(raw_of(store, "wamid.B").await, None, "no JSON");

    let changes = statuses("wamid.A", Some(1), MessageStatus::Read);
    commit(store, &changes, "a commit of a status").await;
    let all = ConversationKey::new(ADA, None);
    let changes = changes! { read_conversations: [all.clone()] };
    commit(store, &changes, "a commit of a conversation that was read").await;
    let conversation = MessageQuery::Conversation {
        key: all,
        before: None,
        limit: 9,
    };
    let listed = query(store, conversation).await;
    let listed = listed.iter().map(|stored| stored.raw_payload.as_ref());
    let listed: Vec<_> = listed.map(|raw| raw.map(RawJson::as_str)).collect();
    let expected = [None, Some(JSON)];
    assert_eq!(listed, expected, "it stays when its message changes");

    store_message(store, "wamid.A", Some(3), None).await;
    let found = raw_of(store, "wamid.A").await;
    assert_eq!(found, None, "it goes when its message is replaced");
    store_message(store, "wamid.B", Some(2), Some(&raw)).await;
    let found = raw_of(store, "wamid.B").await;
    assert_eq!(found.as_deref(), Some(JSON), "it comes with its message");
}
