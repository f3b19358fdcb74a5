//! The rows about contacts, and the signups that bring them.

use super::sample::{NOW, add_contact, identity, ids, message};
use super::{Check, read, write};
use crate::model::{Contact, Identity, Signup};
use crate::store::{ContactId, NewMessage, Store};

pub(super) const CHECKS: &[Check] = &[
    ("a contact is found by any id", contacts_are_found),
    ("an id belongs to one contact", ids_change_hands),
    ("contacts can become one", contacts_are_merged),
    ("a signup is what was stored", signups_are_kept),
];

/// Who has one of these ids.
fn find(store: &dyn Store, identity: Option<Identity>) -> Vec<ContactId> {
    let identity = identity.expect("an id");
    let found = read(store, |tx| tx.contacts(&identity)).into_iter();
    found.map(|stored| stored.id).collect()
}

fn contacts_are_found(store: &dyn Store) {
    let all = Identity::new(Some("1"), Some("US.1"), Some("US.ENT.1")).expect("ids");
    let mut contact = Contact::new(all.clone());
    contact.name = Some("O'Hara \"Al\" \u{1f6b2}".into());
    contact.labels = vec!["a".to_owned()];
    contact.created_at = Some(NOW);
    let id = write(store, |tx| tx.add_contact(&contact));
    add_contact(store, &Identity::from_phone("2").expect("an id"));

    let find = |identity| find(store, identity);
    assert_eq!(find(Identity::from_phone("1")), [id]);
    assert_eq!(find(Identity::from_user_id("US.1")), [id]);
    assert_eq!(find(Identity::new(None, None, Some("US.ENT.1"))), [id]);
    assert_eq!(find(Identity::from_user_id("1")), [], "another kind of id");
    assert_eq!(find(Identity::from_phone("9")), []);
    let two = find(Identity::new(Some("2"), Some("US.1"), None));
    assert_eq!(two.len(), 2, "whoever has one of the ids");
    let stored = read(store, |tx| tx.contacts(&all)).remove(0);
    assert_eq!(stored.contact, contact);
}

fn ids_change_hands(store: &dyn Store) {
    let first = add_contact(store, &identity("1", "US.1"));
    let second = add_contact(store, &identity("1", "US.2"));
    let find = |identity| find(store, identity);
    assert_eq!(find(Identity::from_phone("1")), [second]);
    assert_eq!(find(Identity::from_user_id("US.1")), [first]);

    let moved = Contact::new(identity("3", "US.2"));
    write(store, |tx| tx.put_contact(second, &moved));
    assert_eq!(find(Identity::from_phone("1")), [], "it has no such id now");
    assert_eq!(find(Identity::from_phone("3")), [second]);
}

fn contacts_are_merged(store: &dyn Store) {
    let by_phone = Identity::from_phone("1").expect("an id");
    let by_user_id = Identity::from_user_id("US.1").expect("an id");
    let into = add_contact(store, &by_phone);
    let from = add_contact(store, &by_user_id);
    for (id, contact) in [("a", into), ("b", from)] {
        let message = message(id, "Hi");
        let new = NewMessage::new(&message, NOW).of(contact).unread();
        write(store, |tx| tx.add_message(new));
    }
    write(store, |tx| tx.merge_contact(from, into));
    assert_eq!(read(store, |tx| tx.contacts(&by_user_id)), []);
    assert_eq!(read(store, |tx| tx.contacts(&by_phone)).len(), 1);
    let conversation = read(store, |tx| tx.conversation(into, None, 9));
    assert_eq!(ids(conversation), ["b", "a"]);
    assert_eq!(read(store, |tx| tx.unread(into)), 2);
    assert_eq!(read(store, |tx| tx.conversation(from, None, 9)), []);
}

fn signups_are_kept(store: &dyn Store) {
    let mut signup = Signup::new("b");
    signup.confirmation_message = Some("Welcome! {{promo_code}} \"'\\".to_owned());
    signup.subscriber_count = 1 << 40;
    write(store, |tx| tx.put_signup(&signup));
    write(store, |tx| tx.put_signup(&Signup::new("a")));
    assert_eq!(read(store, |tx| tx.signup(&"c".into())), None);
    assert_eq!(read(store, |tx| tx.signup(&"b".into())), Some(signup));
    let all = read(store, |tx| tx.signups()).into_iter();
    let all: Vec<_> = all.map(|signup| signup.signup_id.to_string()).collect();
    assert_eq!(all, ["a", "b"]);
}
