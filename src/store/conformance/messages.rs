//! Messages, conversations, replies and unread counts.

use super::sample::{
    NOW, changes, contact, later, load_query, message, message_key, new_message, number,
    other_tenant, tenant, unread, upsert,
};
use super::{commit, expect, load};
use crate::model::{Content, IdKind, Identity, Message, MessageStatus, RawJson, Timestamp};
use crate::store::{
    Changes, ContactId, ConversationKey, MessageKey, MessageQuery, MessageState, NewMessage,
    NewStatus, NumberKey, Scope, Store, StoredMessage, Tenant, UnreadQuery, Upsert, Versioned,
};

pub(super) const ADA: ContactId = ContactId(1);
const BRAM: ContactId = ContactId(2);
const CHIYO: ContactId = ContactId(3);

pub(super) fn key(id: &str) -> MessageKey {
    message_key(number(1), id)
}

type NewMessages = Vec<Upsert<MessageKey, NewMessage<'static>>>;

fn messages(messages: NewMessages) -> Changes<'static> {
    changes! { messages: messages }
}

async fn state(store: &dyn Store, key: MessageKey) -> Option<Versioned<MessageState>> {
    let found = load(store, &load_query! { messages: [key.clone()] }).await;
    found.messages[&key].clone()
}

pub(super) async fn query(store: &dyn Store, query: MessageQuery) -> Vec<StoredMessage> {
    expect(store.messages(&query).await, "a query for messages")
}

pub(super) async fn find(store: &dyn Store, scope: Scope, id: &str) -> Vec<StoredMessage> {
    let id = id.into();
    query(store, MessageQuery::Wamid { scope, id }).await
}

/// Returns the only message with a wamid.
async fn find_one(store: &dyn Store, id: &str) -> Option<Message> {
    let mut found = find(store, Scope::All, id).await;
    assert!(found.len() < 2, "one message has this wamid");
    found.pop().map(|stored| stored.message)
}

fn wamids(messages: Vec<StoredMessage>) -> Vec<String> {
    let ids = messages.into_iter().map(|stored| stored.message.id);
    ids.map(Into::into).collect()
}

async fn conversation(
    store: &dyn Store,
    contact: ContactId,
    number: Option<NumberKey>,
    before: Option<MessageKey>,
    limit: usize,
) -> Vec<String> {
    let key = ConversationKey::new(contact, number);
    wamids(query(store, MessageQuery::Conversation { key, before, limit }).await)
}

/// Commits three contacts and two numbers of one tenant, and one contact and one number of
/// another one.
pub(super) async fn add_contacts(store: &dyn Store) {
    let row = |id: i64, tenant| {
        let ids = [(IdKind::Phone, &*format!("1555010000{}", id % 10))];
        upsert(ContactId(id), None, contact(tenant, &ids))
    };
    let changes = Changes {
        numbers: vec![
            (number(1), tenant()),
            (number(2), tenant()),
            (number(3), other_tenant()),
        ],
        contacts: vec![
            row(1, tenant()),
            row(2, tenant()),
            row(3, tenant()),
            // The same phone number as the first contact.
            row(11, other_tenant()),
        ],
        ..Changes::default()
    };
    commit(store, &changes, "a commit of contacts").await;
}

pub(super) async fn messages_are_stored(store: &dyn Store) {
    add_contacts(store).await;
    let mut first = Message {
        content: Content::text("it's \"q\" \\ %_ \u{1f6b2}\n\u{0}"),
        ..message("wamid.A")
    };
    first.timestamp = Some(NOW);
    first.user = Identity::new(Some("15550101001"), Some("US.7001"), None);
    let json = r#"{"from": "15550101001", "id": "wamid.B", "timestamp": "1785000000",
        "type": "interactive", "interactive": {"type": "hologram_reply",
            "hologram_reply": {"b": 1.5, "a": ["\u0000 \ud83d\udeb2", 12345678901234567890]}}}"#;
    let unknown: Message = serde_json::from_str(json).expect("a message");
    let new = |message: &Message| new_message(message.clone(), NOW);
    let changes = messages(vec![
        upsert(key("wamid.A"), None, new(&first)),
        upsert(key("wamid.B"), None, new(&unknown)),
    ]);
    commit(store, &changes, "a commit of messages").await;
    for message in [&first, &unknown] {
        let found = find_one(store, message.id.as_str())
            .await
            .expect("a message that was stored");
        assert_eq!(found, *message, "a message that was stored");
        let [found, expected] = [&found, message].map(serde_json::to_string);
        let [Ok(found), Ok(expected)] = [found, expected] else {
            panic!("a message is not written as JSON");
        };
        assert_eq!(found, expected, "its JSON");
    }
    let found = find(store, Scope::All, "wamid.A").await;
    assert_eq!(found[0].number, number(1), "the number of a message");
    assert_eq!(
        find_one(store, "wamid.a").await,
        None,
        "upper and lower case differ"
    );
    let row = MessageState::new(true, false, None);
    let expected = Some(Versioned { version: 1, row });
    assert_eq!(
        state(store, key("wamid.A")).await,
        expected,
        "the state of a message"
    );

    let mut second = message("wamid.A");
    second.status = Some(MessageStatus::from("brand_new"));
    let mut replacing = new(&second);
    replacing.is_unread = true;
    let changes = messages(vec![upsert(key("wamid.A"), Some(1), replacing)]);
    commit(store, &changes, "a commit of a message again").await;
    assert_eq!(
        find_one(store, "wamid.A").await,
        Some(second),
        "the message is replaced"
    );
    let row = MessageState::new(true, true, Some(MessageStatus::from("brand_new")));
    let expected = Some(Versioned { version: 2, row });
    assert_eq!(
        state(store, key("wamid.A")).await,
        expected,
        "the state is replaced"
    );

    // The stored status replaces that of the message.
    let mut third = new(&message("wamid.C"));
    third.status = Some(MessageStatus::Read);
    let changes = messages(vec![upsert(key("wamid.C"), None, third)]);
    commit(store, &changes, "a commit of a message with a status").await;
    let status = find_one(store, "wamid.C")
        .await
        .and_then(|message| message.status);
    assert_eq!(
        status,
        Some(MessageStatus::Read),
        "the status beside the message"
    );
}

pub(super) fn statuses(id: &str, version: Option<i64>, status: MessageStatus) -> Changes<'static> {
    let statuses = vec![upsert(key(id), version, NewStatus::new(status, NOW))];
    changes! { statuses: statuses }
}

pub(super) async fn statuses_are_stored(store: &dyn Store) {
    add_contacts(store).await;
    let changes = messages(vec![upsert(key("wamid.A"), None, unread("wamid.A", 1))]);
    commit(store, &changes, "a commit of a message").await;
    let changes = statuses("wamid.A", Some(1), MessageStatus::Read);
    commit(store, &changes, "a commit of a status").await;

    let mut expected = message("wamid.A");
    expected.status = Some(MessageStatus::Read);
    assert_eq!(
        find_one(store, "wamid.A").await,
        Some(expected),
        "all but the status stays"
    );
    let row = MessageState::new(true, true, Some(MessageStatus::Read));
    let expected = Some(Versioned { version: 2, row });
    assert_eq!(
        state(store, key("wamid.A")).await,
        expected,
        "the message stays unread"
    );
    assert_eq!(
        conversation(store, ADA, None, None, 9).await,
        ["wamid.A"],
        "its conversation"
    );
}

pub(super) async fn statuses_come_first(store: &dyn Store) {
    add_contacts(store).await;
    let changes = statuses("wamid.A", None, MessageStatus::Sent);
    commit(store, &changes, "a commit of a status").await;
    let changes = statuses("wamid.A", Some(1), MessageStatus::Delivered);
    commit(store, &changes, "a commit of the next status").await;
    assert_eq!(
        find_one(store, "wamid.A").await,
        None,
        "a status is no message"
    );
    let row = MessageState::new(false, false, Some(MessageStatus::Delivered));
    let expected = Some(Versioned { version: 2, row });
    assert_eq!(
        state(store, key("wamid.A")).await,
        expected,
        "the state of a lone status"
    );
    // An older message, which would precede the status if that were a message.
    let mut older = unread("wamid.B", 1);
    older.at = later(-10);
    let changes = messages(vec![upsert(key("wamid.B"), None, older)]);
    commit(store, &changes, "a commit of another message").await;
    let before = Some(key("wamid.A"));
    assert_eq!(
        conversation(store, ADA, None, before, 9).await,
        [""; 0],
        "before a lone status"
    );

    let mut new = unread("wamid.A", 1);
    new.status = Some(MessageStatus::Delivered);
    let changes = messages(vec![upsert(key("wamid.A"), Some(2), new)]);
    commit(store, &changes, "a commit of the message of a status").await;
    let status = find_one(store, "wamid.A")
        .await
        .and_then(|message| message.status);
    assert_eq!(
        status,
        Some(MessageStatus::Delivered),
        "the status of the message"
    );
    let row = MessageState::new(true, true, Some(MessageStatus::Delivered));
    let expected = Some(Versioned { version: 3, row });
    assert_eq!(
        state(store, key("wamid.A")).await,
        expected,
        "the state of the message"
    );
    let mut listed = conversation(store, ADA, None, None, 9).await;
    listed.sort_unstable();
    assert_eq!(
        listed,
        ["wamid.A", "wamid.B"],
        "both are in the conversation"
    );
}

pub(super) async fn conversations_are_ordered(store: &dyn Store) {
    add_contacts(store).await;
    let rows = [
        ("second", 1, Some(ADA), 20),
        ("first", 1, Some(ADA), 10),
        ("third", 1, Some(ADA), 30),
        ("also third", 2, Some(ADA), 30),
        ("last of all", 1, Some(ADA), 30),
        ("of Bram", 1, Some(BRAM), 15),
        ("of no contact", 1, None, 15),
    ];
    for (id, n, contact, at) in rows {
        let mut new = new_message(message(id), Timestamp::from_secs(at));
        new.contact = contact;
        let changes = messages(vec![upsert(message_key(number(n), id), None, new)]);
        commit(store, &changes, "a commit of a message").await;
    }
    let list = async |number, before, limit| conversation(store, ADA, number, before, limit).await;
    let all = ["last of all", "also third", "third", "second", "first"];
    assert_eq!(
        list(None, None, 9).await,
        all,
        "with all numbers, last first"
    );
    assert_eq!(list(None, None, 2).await, all[..2], "a page of two");
    assert_eq!(list(None, None, 0).await, [""; 0], "an empty page");
    let also_third = message_key(number(2), "also third");
    let before = Some(also_third.clone());
    assert_eq!(
        list(None, before, 2).await,
        all[2..4],
        "the page before a message"
    );
    assert_eq!(
        list(None, Some(key("first")), 9).await,
        [""; 0],
        "before the first one"
    );
    assert_eq!(
        list(None, Some(key("unknown")), 9).await,
        [""; 0],
        "before an unknown one"
    );
    let other_number = Some(key("also third"));
    assert_eq!(
        list(None, other_number, 9).await,
        [""; 0],
        "before one of another number"
    );

    let one = ["last of all", "third", "second", "first"];
    assert_eq!(list(Some(number(1)), None, 9).await, one, "with one number");
    assert_eq!(
        list(Some(number(2)), None, 9).await,
        ["also third"],
        "with the other number"
    );
    assert_eq!(
        list(Some(number(3)), None, 9).await,
        [""; 0],
        "with no number of theirs"
    );
    let before = Some(key("last of all"));
    assert_eq!(
        list(Some(number(1)), before, 2).await,
        one[1..3],
        "a page with one number"
    );
    let before = Some(also_third);
    let page = list(Some(number(1)), before, 9).await;
    assert_eq!(
        page,
        one[1..],
        "with one number, before a message of another one"
    );

    // A message with a later time moves. One that is stored again keeps its position within a second.
    for (id, version, at) in [("second", 1, 40), ("third", 1, 30)] {
        let mut new = new_message(message(id), Timestamp::from_secs(at));
        new.contact = Some(ADA);
        let changes = messages(vec![upsert(key(id), Some(version), new)]);
        commit(store, &changes, "a commit of a message again").await;
    }
    let all = ["second", "last of all", "also third", "third", "first"];
    assert_eq!(list(None, None, 9).await, all, "after a message has moved");
    let mut new = new_message(message("first"), Timestamp::from_secs(10));
    new.contact = Some(BRAM);
    let changes = messages(vec![upsert(key("first"), Some(1), new)]);
    commit(store, &changes, "a commit of a message for another contact").await;
    assert_eq!(list(None, None, 9).await, all[..4], "the message has left");
    let bram = conversation(store, BRAM, None, None, 9).await;
    assert_eq!(bram, ["of Bram", "first"], "the message has come");
}

pub(super) async fn replies_are_found(store: &dyn Store) {
    add_contacts(store).await;
    let ada = Identity::from_phone("15550101001").expect("a phone number");
    let rows = [
        ("b", 1, "question"),
        ("a", 2, "question"),
        ("c", 1, "b"),
        ("d", 3, "question"),
        ("e", 1, "question"),
    ];
    for (id, n, question) in rows {
        let reply = Message::outbound(id, ada.clone(), Content::text("Yes"));
        let reply = reply.reply_to(question).build();
        let new = new_message(reply, NOW);
        let changes = messages(vec![upsert(message_key(number(n), id), None, new)]);
        commit(store, &changes, "a commit of a reply").await;
    }
    let list = async |scope, id: &str| {
        let id = id.into();
        wamids(query(store, MessageQuery::Replies { scope, id }).await)
    };
    assert_eq!(
        list(Scope::All, "question").await,
        ["b", "a", "d", "e"],
        "as they were stored"
    );
    let of_tenant = list(Scope::Tenant(tenant()), "question").await;
    assert_eq!(of_tenant, ["b", "a", "e"], "those of a tenant");
    let of_number = list(Scope::Number(number(1)), "question").await;
    assert_eq!(of_number, ["b", "e"], "those of a number");
    assert_eq!(
        list(Scope::All, "b").await,
        ["c"],
        "those of another message"
    );
    assert_eq!(
        list(Scope::All, "c").await,
        [""; 0],
        "a message without replies"
    );

    let new = new_message(message("b"), NOW);
    let changes = messages(vec![upsert(key("b"), Some(1), new)]);
    commit(
        store,
        &changes,
        "a commit of a message that is no reply any more",
    )
    .await;
    let all = list(Scope::All, "question").await;
    assert_eq!(
        all,
        ["a", "d", "e"],
        "without one that is no reply any more"
    );
}

/// Commits unread messages: one of Ada, two of Bram with two numbers and one of another tenant; and a
/// read one.
async fn add_unread(store: &dyn Store) {
    add_contacts(store).await;
    let rows = [("a", 1, 2), ("b", 1, 1), ("c", 2, 2), ("d", 3, 11)];
    let mut rows: Vec<_> = rows
        .map(|(id, n, contact)| upsert(message_key(number(n), id), None, unread(id, contact)))
        .into();
    let mut read = new_message(message("e"), NOW);
    read.contact = Some(CHIYO);
    rows.push(upsert(key("e"), None, read));
    let mut of_no_contact = new_message(message("f"), NOW);
    of_no_contact.is_unread = true;
    rows.push(upsert(key("f"), None, of_no_contact));
    commit(store, &messages(rows), "a commit of messages").await;
}

async fn count(store: &dyn Store, query: UnreadQuery) -> Vec<(i64, u64)> {
    let unread = expect(store.unread(&query).await, "a count of unread messages");
    unread
        .into_iter()
        .map(|unread| (unread.id.0, unread.count))
        .collect()
}

pub(super) async fn unread_is_counted(store: &dyn Store) {
    add_unread(store).await;
    let all = [(1, 1), (2, 2), (11, 1)];
    let query = UnreadQuery::new;
    assert_eq!(
        count(store, query(Scope::All)).await,
        all,
        "in the order of their ids"
    );
    let of_tenant = query(Scope::Tenant(tenant()));
    assert_eq!(
        count(store, of_tenant.clone()).await,
        all[..2],
        "those of a tenant"
    );
    let of_number = query(Scope::Number(number(2)));
    assert_eq!(count(store, of_number).await, [(2, 1)], "those of a number");
    let of_bram = query(Scope::All).of(BRAM);
    assert_eq!(count(store, of_bram).await, [(2, 2)], "those of a contact");
    let of_bram = query(Scope::Number(number(1))).of(BRAM);
    assert_eq!(
        count(store, of_bram).await,
        [(2, 1)],
        "those of a contact with a number"
    );
    let of_chiyo = query(Scope::All).of(CHIYO);
    assert_eq!(
        count(store, of_chiyo).await,
        [],
        "a contact without unread messages"
    );
    let of_other = of_tenant.of(ContactId(11));
    assert_eq!(
        count(store, of_other).await,
        [],
        "a contact of another tenant"
    );

    let rows = expect(
        store.unread(&query(Scope::All)).await,
        "a count of unread messages",
    );
    let found = load(store, &load_query! { contacts: [ContactId(1)] }).await;
    let row = found.contacts[&ADA].as_ref().map(|stored| &stored.row);
    assert_eq!(
        Some(&rows[0].row),
        row,
        "the row of a contact with unread messages"
    );

    // Marked as read, and unread again.
    for (version, is_unread) in [(1, false), (2, true)] {
        let mut new = unread("b", 1);
        new.is_unread = is_unread;
        let changes = messages(vec![upsert(key("b"), Some(version), new)]);
        commit(store, &changes, "a commit of a message again").await;
        let expected = if is_unread { &[(1, 1)][..] } else { &[] };
        let of_ada = query(Scope::All).of(ADA);
        assert_eq!(
            count(store, of_ada).await,
            expected,
            "after a message was replaced"
        );
    }
}

pub(super) async fn conversations_are_read(store: &dyn Store) {
    add_unread(store).await;
    let read = |contact, number| {
        let read_conversations = vec![ConversationKey::new(contact, number)];
        changes! { read_conversations: read_conversations }
    };
    let all = async || count(store, UnreadQuery::new(Scope::All)).await;
    commit(
        store,
        &read(BRAM, Some(number(1))),
        "a commit of a read conversation",
    )
    .await;
    assert_eq!(
        all().await,
        [(1, 1), (2, 1), (11, 1)],
        "one number was read"
    );
    let row = MessageState::new(true, false, None);
    let stored = state(store, key("a")).await;
    let expected = Some(Versioned { version: 2, row });
    assert_eq!(stored, expected, "to be read is a write of the message");
    commit(
        store,
        &read(BRAM, None),
        "a commit of conversations with all numbers",
    )
    .await;
    assert_eq!(all().await, [(1, 1), (11, 1)], "all numbers were read");
    commit(
        store,
        &read(CHIYO, None),
        "a commit of a conversation without messages",
    )
    .await;
    assert_eq!(all().await, [(1, 1), (11, 1)], "nothing was to be read");
    let list = conversation(store, BRAM, None, None, 9).await;
    assert_eq!(list, ["c", "a"], "messages that were read stay");
}

pub(super) async fn numbers_are_separate(store: &dyn Store) {
    add_contacts(store).await;
    let rows = [(2, 1), (1, 1), (3, 11)].map(|(n, contact)| {
        let mut new = unread("wamid.A", contact);
        let text = format!("of number {n}");
        let mut message = new.message.into_message();
        message.content = Content::text(&*text);
        new.message = message.into();
        upsert(message_key(number(n), "wamid.A"), None, new)
    });
    commit(
        store,
        &messages(rows.into()),
        "a commit of one wamid at three numbers",
    )
    .await;
    let list = async |scope| {
        let found = find(store, scope, "wamid.A").await;
        for stored in &found {
            let text = format!("of number {}", &stored.number.as_str()[11..]);
            assert_eq!(stored.message.body(), text, "the message of a number");
        }
        let numbers = found.into_iter().map(|stored| stored.number);
        numbers.collect::<Vec<_>>()
    };
    let all = [1, 2, 3].map(number);
    assert_eq!(list(Scope::All).await, all, "in the order of the numbers");
    let of_tenant = |tenant: Tenant| list(Scope::Tenant(tenant));
    assert_eq!(of_tenant(tenant()).await, all[..2], "those of a tenant");
    assert_eq!(
        of_tenant(other_tenant()).await,
        all[2..],
        "those of the other tenant"
    );
    assert_eq!(
        of_tenant(Tenant::new("")).await,
        [],
        "those of a tenant without numbers"
    );
    assert_eq!(
        list(Scope::Number(number(2))).await,
        all[1..2],
        "those of a number"
    );

    let status = NewStatus::new(MessageStatus::Read, NOW);
    let statuses = vec![upsert(message_key(number(2), "wamid.A"), Some(1), status)];
    let changes = changes! { statuses: statuses };
    commit(store, &changes, "a commit of a status at one number").await;
    for (n, expected) in [(1, None), (2, Some(MessageStatus::Read)), (3, None)] {
        let found = find(store, Scope::Number(number(n)), "wamid.A").await;
        assert_eq!(
            found[0].message.status, expected,
            "the status at number {n}"
        );
    }
    let of_ada = conversation(store, ADA, None, None, 9).await;
    assert_eq!(
        of_ada.len(),
        2,
        "a contact of one tenant has the messages of its numbers"
    );
    let of_other = conversation(store, ContactId(11), None, None, 9).await;
    assert_eq!(
        of_other.len(),
        1,
        "a contact of the other tenant has those of its numbers"
    );
}

/// JSON that a serializer would write otherwise: white space, a trailing zero, a repeated member.
const JSON: &str =
    "{\"id\": \"wamid.A\",\r\n  \"a\": 1.50, \"a\": \"it's \u{1f6b2} \\u0000 \\ud83d\"}";

/// Returns the stored JSON of the only message with a wamid.
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
    let changes = changes! { messages: [upsert(key(id), version, row)] };
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
    assert_eq!(
        listed, expected,
        "the JSON is kept when its message changes"
    );

    store_message(store, "wamid.A", Some(3), None).await;
    let found = raw_of(store, "wamid.A").await;
    assert_eq!(
        found, None,
        "the JSON is deleted when its message is replaced"
    );
    store_message(store, "wamid.B", Some(2), Some(&raw)).await;
    let found = raw_of(store, "wamid.B").await;
    assert_eq!(
        found.as_deref(),
        Some(JSON),
        "the JSON is stored with its message"
    );
}
