//! The straight way into a value of the field `messages`, which nearly every webhook
//! is of: an item is an event as soon as it was gone through.
//!
//! It takes for granted what holds for nearly all: the number and the contacts are as
//! documented and stand before the items, there are messages and then statuses and
//! nothing else, somebody hears them, and the field, which stands behind the value as a
//! rule, is `messages`. Where that turns out wrong, the events are taken back, and the
//! value goes [another way](super::change).

use std::cell::OnceCell;
use std::sync::Arc;

use super::contacts::Contacts;
use super::cursor::{Cursor, once};
use super::events::Events;
use super::item::{Around, FromItem, FromWire, Item};
use super::path::Path;
use super::scope::Scope;
use super::split::{Elements, Name};
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
    mut account: impl FnMut(Option<Metadata>) -> Arc<Account>,
) -> Option<()> {
    let (mut product, mut metadata) = (None, None);
    let (mut messages, mut statuses) = (None, None);
    let (contacts, scope, around) = (OnceCell::new(), OnceCell::new(), OnceCell::new());
    cursor.object(|cursor, name| {
        let mut around = || {
            around.get_or_init(|| {
                let scope = scope.get_or_init(|| Scope {
                    field: Some(MESSAGES),
                    kept_field: OnceCell::new(),
                    account: account(metadata.take().flatten()),
                    time,
                });
                Around {
                    contacts: contacts.get_or_init(Contacts::default).finder(&|| true),
                    ..Around::nothing(scope)
                }
            })
        };
        let path = path.member(name);
        match name {
            PRODUCT => once(&mut product, cursor.value::<Name<'_>>()?),
            "metadata" if scope.get().is_none() => once(&mut metadata, cursor.value()?),
            "contacts" => contacts.set(Contacts::straight(events, cursor)?).ok(),
            "messages" if statuses.is_none() && events.wants(MessageReceived::READER) => {
                let count = items::<MessageReceived>(events, cursor, around(), path)?;
                once(&mut messages, count)
            }
            "statuses" if events.wants(MessageStatusChanged::READER) => {
                let count = items::<MessageStatusChanged>(events, cursor, around(), path)?;
                once(&mut statuses, count)
            }
            // Behind messages, for which the contacts were read.
            "statuses" if messages.is_some() => {
                let unheard: Elements<'_> = cursor.value()?;
                events.skip(unheard.len());
                once(&mut statuses, unheard.len())
            }
            _ => None,
        }
    })?;
    // Without items the value has nothing to tell, or it is another kind of value.
    let around = around.get()?;
    let count = messages.unwrap_or(0) + statuses.unwrap_or(0);
    if count != 1 && around.contacts.has_found_only() {
        return None;
    }
    around.contacts.strays(events, around.scope, path);
    Some(())
}

/// Reads a list, and returns how many items it has.
fn items<'a, T: FromWire>(
    events: &mut Events<'a>,
    cursor: &mut Cursor<'a>,
    around: &Around<'_>,
    path: Path<'_>,
) -> Option<usize> {
    let mut at = 0;
    cursor.array(|cursor| {
        let start = *cursor;
        let wire = cursor.is_at_object().then(|| cursor.value()).flatten();
        if wire.is_none() {
            cursor.piece()?;
        }
        let item = Item::new(cursor.since(start)?, at, path.element(at), around);
        if at == 0 {
            // As many as there are if all are as long as the first.
            events.make_room(1 + cursor.left() / item.json.get().len());
        }
        let before = events.len();
        let added = match wire {
            Some(wire) => T::add(events, &item, wire),
            None => T::read(events, &item),
        };
        item.report(events, before, T::SIDE, added);
        at += 1;
        Some(())
    })?;
    Some(at)
}
