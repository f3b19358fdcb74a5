//! The rows about messages, and the conversations that they make.

use super::sample::{NOW, add_contact, identity, ids, message};
use super::{Check, read, write};
use crate::model::{Content, Identity, Message, MessageId, MessageStatus, Timestamp};
use crate::store::{MessageState, NewMessage, Store};

pub(super) const CHECKS: &[Check] = &[
    ("a message is what was stored", messages_are_kept),
    ("a status may come first", statuses_come_first),
    ("a conversation has its order", conversations_are_ordered),
    ("answers are found", answers_are_found),
    ("unread messages are counted", unread_is_counted),
];

fn messages_are_kept(store: &dyn Store) {
    let id = MessageId::from("wamid.A");
    assert_eq!(read(store, |tx| tx.message(&id)), None);
    assert_eq!(
        read(store, |tx| tx.message_state(&id)),
        MessageState::default()
    );

    let mut first = message("wamid.A", "it's \"odd\" \\ %_ \u{1f6b2}\n");
    first.timestamp = Some(NOW);
    first.user = Some(identity("15550101001", "US.7001"));
    let new = NewMessage::new(&first, NOW).unread();
    assert!(write(store, |tx| tx.add_message(new)));
    assert_eq!(read(store, |tx| tx.message(&id)).as_ref(), Some(&first));
    let state = read(store, |tx| tx.message_state(&id));
    assert_eq!(
        state,
        MessageState {
            is_stored: true,
            is_unread: true,
            status: None
        }
    );

    let mut second = message("wamid.A", "again");
    second.status = Some(MessageStatus::from("brand_new"));
    let new = NewMessage::new(&second, NOW);
    assert!(!write(store, |tx| tx.add_message(new)), "it is known");
    assert_eq!(read(store, |tx| tx.message(&id)), Some(first));
    write(store, |tx| tx.put_message(new));
    assert_eq!(read(store, |tx| tx.message(&id)), Some(second.clone()));

    let status = MessageStatus::Read;
    write(store, |tx| tx.put_status(&id, &status, NOW));
    second.status = Some(status.clone());
    assert_eq!(read(store, |tx| tx.message(&id)), Some(second));
    let state = read(store, |tx| tx.message_state(&id));
    assert_eq!(
        state,
        MessageState {
            is_stored: true,
            is_unread: false,
            status: Some(status)
        }
    );
    let other = read(store, |tx| tx.message(&"wamid.a".into()));
    assert_eq!(other, None, "upper and lower case differ");
}

fn statuses_come_first(store: &dyn Store) {
    let id = MessageId::from("wamid.A");
    let status = MessageStatus::Delivered;
    write(store, |tx| tx.put_status(&id, &status, NOW));
    assert_eq!(read(store, |tx| tx.message(&id)), None);
    let state = read(store, |tx| tx.message_state(&id));
    assert_eq!(
        state,
        MessageState {
            status: Some(status),
            ..MessageState::default()
        }
    );

    let contact = add_contact(store, &identity("1", "US.1"));
    let message = message("wamid.A", "Hi");
    let new = NewMessage::new(&message, NOW).of(contact);
    assert!(
        !write(store, |tx| tx.add_message(new)),
        "its wamid is known"
    );
    write(store, |tx| tx.put_message(new));
    let conversation = read(store, |tx| tx.conversation(contact, None, 9));
    assert_eq!(conversation, [message]);
}

fn conversations_are_ordered(store: &dyn Store) {
    let ada = add_contact(store, &identity("1", "US.1"));
    let ben = add_contact(store, &identity("2", "US.2"));
    for (id, contact, at) in [
        ("second", Some(ada), 20),
        ("first", Some(ada), 10),
        ("third", Some(ada), 30),
        ("also third", Some(ada), 30),
        ("ben's", Some(ben), 15),
        ("nobody's", None, 15),
    ] {
        let message = message(id, "Hi");
        let mut new = NewMessage::new(&message, Timestamp::from_secs(at));
        new.contact = contact;
        write(store, |tx| tx.add_message(new));
    }
    let list = |before: Option<&str>, limit| {
        let before = before.map(MessageId::from);
        ids(read(store, |tx| {
            tx.conversation(ada, before.as_ref(), limit)
        }))
    };
    assert_eq!(list(None, 9), ["also third", "third", "second", "first"]);
    assert_eq!(list(None, 2), ["also third", "third"]);
    assert_eq!(list(Some("third"), 9), ["second", "first"]);
    assert_eq!(list(Some("first"), 9), Vec::<String>::new());
    assert_eq!(list(Some("unknown"), 9), Vec::<String>::new());

    let moved = message("second", "moved");
    let new = NewMessage::new(&moved, Timestamp::from_secs(40)).of(ada);
    write(store, |tx| tx.put_message(new));
    assert_eq!(list(None, 2), ["second", "also third"]);
}

fn answers_are_found(store: &dyn Store) {
    let ada = Identity::from_phone("1").expect("an id");
    for (id, answers) in [("b", "question"), ("a", "question"), ("c", "b")] {
        let answer = Message::outbound(id, ada.clone(), Content::text("Yes"));
        let answer = answer.reply_to(answers).build();
        write(store, |tx| tx.add_message(NewMessage::new(&answer, NOW)));
    }
    let list = |id: &str| ids(read(store, |tx| tx.replies(&id.into())));
    assert_eq!(list("question"), ["b", "a"], "as they came");
    assert_eq!(list("b"), ["c"]);
    assert_eq!(list("c"), Vec::<String>::new());
}

fn unread_is_counted(store: &dyn Store) {
    let ada = add_contact(store, &identity("1", "US.1"));
    let ben = add_contact(store, &identity("2", "US.2"));
    let cleo = add_contact(store, &identity("3", "US.3"));
    for (id, contact) in [("a", ben), ("b", ada), ("c", ben)] {
        let message = message(id, "Hi");
        let new = NewMessage::new(&message, NOW).of(contact).unread();
        write(store, |tx| tx.add_message(new));
    }
    let read_one = message("d", "Hi");
    write(store, |tx| {
        tx.add_message(NewMessage::new(&read_one, NOW).of(cleo))
    });
    let list = || {
        let unread = read(store, |tx| tx.unread_contacts()).into_iter();
        unread
            .map(|(stored, count)| (stored.id, count))
            .collect::<Vec<_>>()
    };
    assert_eq!(list(), [(ada, 1), (ben, 2)]);
    write(store, |tx| tx.mark_read(ben));
    assert_eq!(list(), [(ada, 1)]);
    let unread = |contact| read(store, |tx| tx.unread(contact));
    assert_eq!((unread(ada), unread(ben), unread(cleo)), (1, 0, 0));
    assert!(!read(store, |tx| tx.message_state(&"a".into())).is_unread);
}
