//! Contacts and their ids, and signups.

use std::sync::Arc;

use super::messages::add_contacts;
use super::sample::{
    NOW, changes, contact, later, load_query, message_key, number, other_tenant, phone, signup_key,
    tenant, unread, upsert,
};
use super::{commit, conflict, expect, load};
use crate::model::{IdKind, Signup};
use crate::store::{
    Changes, ContactId, ContactRow, ConversationKey, IdKey, IdRow, Merge, MessageQuery, ReadRow,
    Scope, SignupKey, Store, Tenant, UnreadQuery, Upsert, Versioned,
};

const ADA: ContactId = ContactId(1);
const BRAM: ContactId = ContactId(2);

fn contacts(contacts: Vec<Upsert<ContactId, ContactRow>>) -> Changes<'static> {
    changes! { contacts: contacts }
}

async fn holders(store: &dyn Store, key: IdKey) -> Vec<i64> {
    let mut found = load(store, &load_query! { ids: [key.clone()] }).await;
    let holders = found
        .holders
        .remove(&key)
        .expect("the id of the query is loaded");
    for id in &holders {
        let is_loaded = found.contacts.get(id).is_some_and(Option::is_some);
        assert!(is_loaded, "an id brings the rows of its contacts");
    }
    holders.into_iter().map(|id| id.0).collect()
}

async fn stored(store: &dyn Store, id: ContactId) -> Option<Versioned<ContactRow>> {
    let found = load(store, &load_query! { contacts: [id] }).await;
    found.contacts[&id].clone()
}

/// Returns a row with its ids as former ones.
fn past(mut row: ContactRow) -> ContactRow {
    for held in &mut row.ids {
        held.until = Some(later(60));
    }
    row
}

fn key(kind: IdKind, id: &str) -> IdKey {
    let (tenant, id) = (tenant(), id.into());
    IdKey { tenant, kind, id }
}

pub(super) async fn contacts_are_found(store: &dyn Store) {
    let all = [
        (IdKind::Phone, "1"),
        (IdKind::User, "US.1"),
        (IdKind::Parent, "US.ENT.1"),
    ];
    let mut ada = contact(tenant(), &all);
    let profile = Arc::make_mut(&mut ada.contact);
    profile.name = Some("O'Hara \"Al\" \u{1f6b2}".into());
    profile.labels = vec!["a".to_owned()];
    profile.created_at = Some(NOW);
    profile.opted_out = true;
    ada.profile_at = Some(later(1));
    ada.preference_at = Some(later(2));
    // A former id, and one that is both former and current.
    for (id, since, until) in [("0", 0, Some(5)), ("1", 0, Some(5))] {
        let mut held = IdRow::new(IdKind::Phone, id, later(since));
        held.until = until.map(later);
        ada.ids.push(held);
    }
    let same = contact(other_tenant(), &all);
    let bram = contact(tenant(), &[(IdKind::Phone, "2")]);
    let rows = vec![
        upsert(ContactId(9), None, bram),
        upsert(ADA, None, ada.clone()),
        upsert(BRAM, None, past(contact(tenant(), &[(IdKind::Phone, "1")]))),
        upsert(ContactId(11), None, same),
    ];
    commit(store, &contacts(rows), "a commit of contacts").await;

    let found = stored(store, ADA).await;
    let expected = Some(Versioned {
        version: 1,
        row: ada,
    });
    assert_eq!(found, expected, "a contact that was stored");
    for (name, key, expected) in [
        (
            "a phone number that two have or had",
            key(IdKind::Phone, "1"),
            &[1, 2][..],
        ),
        ("a user id", key(IdKind::User, "US.1"), &[1]),
        ("a parent user id", key(IdKind::Parent, "US.ENT.1"), &[1]),
        ("an id that a contact had", key(IdKind::Phone, "0"), &[1]),
        ("an id of another contact", key(IdKind::Phone, "2"), &[9]),
        ("an id as another kind", key(IdKind::User, "1"), &[]),
        ("an unknown id", key(IdKind::Phone, "3"), &[]),
        ("an id in another tenant", phone(other_tenant(), "1"), &[11]),
        (
            "an id that no contact of a tenant has",
            phone(other_tenant(), "2"),
            &[],
        ),
    ] {
        assert_eq!(
            holders(store, key).await,
            expected,
            "the contacts of {name}"
        );
    }

    let moved = contact(tenant(), &[(IdKind::Phone, "3")]);
    let rows = vec![upsert(ContactId(9), Some(1), moved)];
    commit(
        store,
        &contacts(rows),
        "a commit of a contact with another id",
    )
    .await;
    assert_eq!(
        holders(store, key(IdKind::Phone, "2")).await,
        [0; 0],
        "an id that was left out"
    );
    assert_eq!(
        holders(store, key(IdKind::Phone, "3")).await,
        [9],
        "an id that was added"
    );
}

pub(super) async fn ids_have_one_holder(store: &dyn Store) {
    let row =
        |tenant: Tenant, user_id| contact(tenant, &[(IdKind::Phone, "1"), (IdKind::User, user_id)]);
    let of_ada = || row(tenant(), "US.1");
    let of_bram = || row(tenant(), "US.2");
    let both = contacts(vec![
        upsert(ADA, None, of_ada()),
        upsert(BRAM, None, of_bram()),
    ]);
    conflict(store, &both, "two new contacts with one id").await;
    commit(
        store,
        &contacts(vec![upsert(ADA, None, of_ada())]),
        "a commit of a contact",
    )
    .await;
    let second = contacts(vec![upsert(BRAM, None, of_bram())]);
    conflict(store, &second, "a second contact with one id").await;
    assert_eq!(
        holders(store, key(IdKind::Phone, "1")).await,
        [1],
        "the first contact has it"
    );

    let other = contacts(vec![upsert(
        ContactId(11),
        None,
        row(other_tenant(), "US.1"),
    )]);
    commit(store, &other, "a commit of the id in another tenant").await;
    let had = contacts(vec![upsert(
        ContactId(3),
        None,
        past(row(tenant(), "US.3")),
    )]);
    commit(store, &had, "a commit of a contact that had the id").await;

    // The id moves between contacts, in either order of the rows.
    let rows = vec![
        upsert(BRAM, None, of_bram()),
        upsert(ADA, Some(1), past(of_ada())),
    ];
    commit(
        store,
        &contacts(rows),
        "a commit of an id that changes hands",
    )
    .await;
    let rows = vec![
        upsert(BRAM, Some(1), past(of_bram())),
        upsert(ADA, Some(2), of_ada()),
    ];
    commit(
        store,
        &contacts(rows),
        "a commit of an id that changes hands again",
    )
    .await;
    assert_eq!(
        holders(store, key(IdKind::Phone, "1")).await,
        [1, 2, 3],
        "all who had it"
    );
    let again = contacts(vec![upsert(BRAM, Some(2), of_bram())]);
    conflict(store, &again, "an id that another contact has again").await;
}

pub(super) async fn contacts_are_merged(store: &dyn Store) {
    add_contacts(store).await;
    let rows = [("a", 1, 1), ("b", 1, 2), ("c", 2, 2), ("d", 1, 3)];
    let rows =
        rows.map(|(id, n, contact)| upsert(message_key(number(n), id), None, unread(id, contact)));
    let changes = changes! { messages: rows };
    commit(store, &changes, "a commit of messages").await;

    let mut row = contact(
        tenant(),
        &[(IdKind::Phone, "15550100001"), (IdKind::User, "US.1")],
    );
    let mut held = IdRow::new(IdKind::Phone, "15550100002", NOW);
    held.until = Some(later(1));
    row.ids.push(held);
    let changes = Changes {
        contacts: vec![upsert(ADA, Some(1), row.clone())],
        merges: vec![Merge::new(BRAM, 1, ADA)],
        ..Changes::default()
    };
    commit(store, &changes, "a merge").await;

    assert_eq!(
        stored(store, BRAM).await,
        None,
        "the contact that was merged is gone"
    );
    let expected = Some(Versioned { version: 2, row });
    assert_eq!(stored(store, ADA).await, expected, "the contact that stays");
    let key = key(IdKind::Phone, "15550100002");
    assert_eq!(
        holders(store, key).await,
        [1],
        "an id of the contact that was merged"
    );
    let moved = message_key(number(1), "b");
    let found = load(store, &load_query! { messages: [moved.clone()] }).await;
    let version = found.messages[&moved].as_ref().map(|stored| stored.version);
    assert_eq!(
        version,
        Some(2),
        "a message that is given to another contact is written"
    );
    for (contact, number, expected) in [
        (ADA, None, &["c", "b", "a"][..]),
        (ADA, Some(number(1)), &["b", "a"]),
        (BRAM, None, &[]),
        (ContactId(3), None, &["d"]),
    ] {
        let key = ConversationKey::new(contact, number);
        let (before, limit) = (None, 9);
        let query = MessageQuery::Conversation { key, before, limit };
        let found = expect(store.messages(&query).await, "a conversation");
        let ids: Vec<_> = found
            .iter()
            .map(|stored| stored.message.id.as_str())
            .collect();
        assert_eq!(ids, expected, "a conversation after a merge");
    }
    let unread = expect(
        store.unread(&UnreadQuery::new(Scope::All)).await,
        "unread messages",
    );
    let counts: Vec<_> = unread
        .iter()
        .map(|unread| (unread.id.0, unread.count))
        .collect();
    assert_eq!(counts, [(1, 3), (3, 1)], "unread messages after a merge");
}

pub(super) async fn merges_race(store: &dyn Store) {
    add_contacts(store).await;
    let key = || phone(tenant(), "15550100002");
    let decided = load(store, &load_query! { ids: [key()] }).await;
    let merge = Changes {
        revision: decided.revision,
        contacts: vec![upsert(
            ADA,
            Some(1),
            contact(tenant(), &[(IdKind::Phone, "15550100001")]),
        )],
        merges: vec![Merge::new(BRAM, 1, ADA)],
        ..Changes::default()
    };
    commit(store, &merge, "a merge").await;
    for read in [
        ReadRow::Contact(BRAM, Some(1)),
        ReadRow::Holders(key(), vec![BRAM]),
    ] {
        let message = message_key(number(1), "wamid.A");
        let changes = Changes {
            revision: decided.revision,
            reads: vec![read],
            messages: vec![upsert(message, None, unread("wamid.A", 2))],
            ..Changes::default()
        };
        conflict(
            store,
            &changes,
            "a message for a contact that was merged meanwhile",
        )
        .await;
    }
    let (scope, id) = (Scope::All, "wamid.A".into());
    let query = MessageQuery::Wamid { scope, id };
    let found = expect(store.messages(&query).await, "a message");
    assert!(found.is_empty(), "a message that conflicted is not stored");

    // Conversely, the merged contact was written since.
    let bram = contact(tenant(), &[(IdKind::Phone, "15550100003")]);
    let rows = vec![upsert(ContactId(3), Some(1), bram)];
    commit(store, &contacts(rows), "a commit of a contact").await;
    let merge = Changes {
        contacts: vec![upsert(
            ADA,
            Some(2),
            contact(tenant(), &[(IdKind::Phone, "15550100001")]),
        )],
        merges: vec![Merge::new(ContactId(3), 1, ADA)],
        ..Changes::default()
    };
    conflict(
        store,
        &merge,
        "a merge of a contact that was written meanwhile",
    )
    .await;
}

fn signups(signups: Vec<Upsert<SignupKey, Signup>>) -> Changes<'static> {
    changes! { signups: signups }
}

async fn list(store: &dyn Store, tenant: &Tenant) -> Vec<(String, u64)> {
    let signups = expect(store.signups(tenant).await, "a list of signups").into_iter();
    let signups = signups.map(|signup| (signup.signup_id.into(), signup.subscriber_count));
    signups.collect()
}

pub(super) async fn signups_are_stored(store: &dyn Store) {
    let [a, b] = ["a", "b"].map(|id| signup_key(tenant(), id));
    let mut signup = Signup::new("b");
    signup.confirmation_message = Some("Welcome! {{promo_code}} \"'\\\u{0}".to_owned());
    signup.subscriber_count = 1 << 40;
    let rows = vec![
        upsert(b.clone(), None, signup.clone()),
        upsert(a, None, Signup::new("a")),
        upsert(signup_key(other_tenant(), "b"), None, Signup::new("b")),
    ];
    commit(store, &signups(rows), "a commit of signups").await;
    let found = expect(store.signups(&tenant()).await, "a list of signups");
    assert_eq!(
        found,
        [Signup::new("a"), signup.clone()],
        "in the order of their ids"
    );
    let of_other = list(store, &other_tenant()).await;
    assert_eq!(of_other, [("b".to_owned(), 0)], "those of another tenant");
    let none = list(store, &Tenant::new("")).await;
    assert_eq!(none, [], "those of a tenant without signups");

    let mut replacing = Signup::new("b");
    replacing.promo_code = Some("SPRING".to_owned());
    replacing.subscriber_count = 3;
    let rows = vec![upsert(b.clone(), Some(1), replacing.clone())];
    commit(store, &signups(rows), "a commit of a signup again").await;
    let query = load_query! { signups: [b.clone()] };
    let found = load(store, &query).await.signups[&b].clone();
    replacing.subscriber_count = signup.subscriber_count;
    let expected = Some(Versioned {
        version: 2,
        row: replacing,
    });
    assert_eq!(
        found, expected,
        "all is replaced but the count of subscribers"
    );
}

pub(super) async fn subscribers_are_counted(store: &dyn Store) {
    let ours = signup_key(tenant(), "a");
    let rows = vec![
        upsert(ours.clone(), None, Signup::new("a")),
        upsert(signup_key(tenant(), "b"), None, Signup::new("b")),
        upsert(signup_key(other_tenant(), "a"), None, Signup::new("a")),
    ];
    commit(store, &signups(rows), "a commit of signups").await;
    let unknown = signup_key(tenant(), "unknown");
    let changes = changes! { subscribers: [ours.clone(), unknown, ours.clone()] };
    commit(store, &changes, "a commit of subscribers").await;
    let expected = [("a".to_owned(), 2), ("b".to_owned(), 0)];
    assert_eq!(
        list(store, &tenant()).await,
        expected,
        "each subscriber counts"
    );
    let expected = [("a".to_owned(), 0)];
    assert_eq!(
        list(store, &other_tenant()).await,
        expected,
        "another tenant has its own count"
    );

    // An update of a signup keeps its subscribers.
    let rows = vec![upsert(ours.clone(), Some(1), Signup::new("a"))];
    let mut changes = signups(rows);
    changes.subscribers = vec![ours];
    commit(
        store,
        &changes,
        "a commit of a signup and a subscriber of it",
    )
    .await;
    let count = list(store, &tenant()).await[0].1;
    assert_eq!(count, 3, "the count after a write of the signup");
}
