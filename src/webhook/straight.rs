//! The straight way into a value of the field `messages`, which nearly every webhook
//! is of: an item is an event as soon as it was gone through.
//!
//! It takes for granted what holds for nearly all: what the items share stands before
//! them, there are messages and statuses and nothing else, all of them heard, and the
//! field, which stands behind the value, is `messages`. Where that turns out wrong, the
//! events are taken back, and the value goes [another way](super::change).

use std::cell::OnceCell;
use std::sync::Arc;

use super::contacts::Contacts;
use super::cursor::{Cursor, once};
use super::events::{Events, Scope};
use super::item::{Around, FromWire, Item};
use super::path::Path;
use super::split::Name;
use super::value::{Metadata, PRODUCT};
use crate::event::{MessageReceived, MessageStatusChanged};
use crate::model::{Account, Timestamp};

/// The field whose values are read here.
pub(super) const MESSAGES: &str = "messages";

/// Reads a value and adds its events; `None` when it must go another way, and what
/// was added be taken back.
pub(super) fn value<'a>(
    events: &mut Events<'a>,
    cursor: &mut Cursor<'a>,
    path: Path<'_>,
    time: Option<Timestamp>,
    account: impl FnOnce(Option<Metadata>) -> Arc<Account>,
) -> Option<()> {
    let (mut product, mut metadata, mut contacts) = (None, None, None);
    cursor.expect(b'{')?;
    let mut list = loop {
        match cursor.name()? {
            PRODUCT => once(&mut product, cursor.value::<Name<'_>>()?)?,
            "metadata" => once(&mut metadata, cursor.value()?)?,
            "contacts" => once(&mut contacts, Contacts::straight(events, cursor)?)?,
            list => break list,
        }
        cursor.expect(b',')?;
    };

    let contacts = contacts.unwrap_or_default();
    let scope = &Scope {
        field: Some(MESSAGES),
        kept_field: OnceCell::new(),
        account: account(metadata.flatten()),
        time,
    };
    let around = &Around {
        scope,
        contacts: contacts.finder(true),
        conversation_context: None,
        are_wanted: true,
    };
    // There is a contact for each, most often.
    events.expect(contacts.len());
    let (mut messages, mut statuses) = (None, None);
    loop {
        let path = path.member(list);
        match list {
            "messages" if statuses.is_none() => {
                let count = items::<MessageReceived>(events, cursor, around, path)?;
                once(&mut messages, count)?;
            }
            "statuses" => {
                let count = items::<MessageStatusChanged>(events, cursor, around, path)?;
                once(&mut statuses, count)?;
            }
            _ => return None,
        }
        if cursor.expect(b'}').is_some() {
            break;
        }
        cursor.expect(b',')?;
        list = cursor.name()?;
    }
    let count = messages.unwrap_or(0) + statuses.unwrap_or(0);
    if count != 1 && around.contacts.has_found_only() {
        return None;
    }
    around.contacts.strays(events, scope, path);
    Some(())
}

/// Reads a list, and returns how many items it has.
fn items<'a, T: FromWire>(
    events: &mut Events<'a>,
    cursor: &mut Cursor<'a>,
    around: &Around<'_>,
    path: Path<'_>,
) -> Option<usize> {
    if !events.wants(T::READER) {
        return None;
    }
    let mut at = 0;
    cursor.array(|cursor| {
        let start = *cursor;
        let path = path.element(at);
        let item = |cursor: &Cursor<'a>| {
            Some(Item {
                json: cursor.since(start)?,
                at,
                path,
                around,
            })
        };
        let (added, item) = if let Some(wire) = cursor.value() {
            let item = item(cursor)?;
            (T::add(events, &item, wire), item)
        } else {
            cursor.piece()?;
            let item = item(cursor)?;
            (T::read(events, &item), item)
        };
        if let Err(reason) = added {
            events.unrecognized_item(around.scope, path, reason, item.json);
        }
        at += 1;
        Some(())
    })?;
    Some(at)
}
