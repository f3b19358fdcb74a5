//! What the checks put into a store.

use super::write;
use crate::model::{Contact, Content, Direction, Identity, Message, Timestamp};
use crate::store::{ContactId, Store};

pub(super) const NOW: Timestamp = Timestamp::from_secs(1_785_000_000);

pub(super) fn message(id: &str, text: &str) -> Message {
    Message::new(id.into(), Direction::Inbound, Content::text(text))
}

pub(super) fn identity(wa_id: &str, user_id: &str) -> Identity {
    Identity::new(Some(wa_id), Some(user_id), None).expect("an id")
}

pub(super) fn add_contact(store: &dyn Store, identity: &Identity) -> ContactId {
    write(store, |tx| tx.add_contact(&Contact::new(identity.clone())))
}

pub(super) fn ids(messages: Vec<Message>) -> Vec<String> {
    messages.into_iter().map(|m| m.id.into()).collect()
}
