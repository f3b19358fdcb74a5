//! One change: from the items of its value to events.

use std::borrow::Cow;
use std::sync::Arc;

use smallvec::{SmallVec, smallvec};

use super::contacts::Contacts;
use super::events::Events;
use super::item::{Around, FromItem, Item, Reader};
use super::path::Path;
use super::piece::Piece;
use super::scope::Scope;
use super::split::{Elements, elements, members, object};
use super::value::{SIGNUP, STANDBY, Value, account, number, reader};
use crate::event::{Reason, UserSubscribed};
use crate::signals::{has_lists, reader_of_value};

/// Reads a value of any field, still whole; one that cannot be read is reported.
pub(super) fn value(events: &mut Events<'_>, scope: &Scope<'_>, path: Path<'_>, value: Piece<'_>) {
    if let Err(reason) = layered(events, scope, path, value) {
        events.unrecognized(scope, path, reason, value);
    }
}

fn layered(
    events: &mut Events<'_>,
    scope: &Scope<'_>,
    path: Path<'_>,
    value: Piece<'_>,
) -> Result<(), Reason> {
    let scope = &mut scope.clone();
    match scope.field {
        Some(SIGNUP) if elements(value).is_ok() => {
            signups(events, scope, path, value);
            Ok(())
        }
        Some(field) if has_lists(field) => {
            let mut parts = Value::layered(events, scope, path, value)?;
            let is_nested =
                |(name, _): &(Cow<'_, str>, Piece<'_>)| field == STANDBY && name == STANDBY;
            let nested = parts.others.iter().position(is_nested);
            let nested = nested.map(|at| parts.others.remove(at).1);
            items(events, scope, path, parts);
            if let Some(nested) = nested {
                let path = path.member(STANDBY);
                match Value::layered(events, scope, path, nested) {
                    Ok(parts) => items(events, scope, path, parts),
                    Err(reason) => events.unrecognized(scope, path, reason, nested),
                }
            }
            Ok(())
        }
        field => whole(events, scope, path, value, field.and_then(reader_of_value)),
    }
}

/// A value that is one item.
fn whole(
    events: &mut Events<'_>,
    scope: &mut Scope<'_>,
    path: Path<'_>,
    value: Piece<'_>,
    read: Option<Reader>,
) -> Result<(), Reason> {
    // Hardly any has one of these, and to look through its text is cheaper than to
    // take it apart. A name may be written with escapes.
    let may_have = ["metadata", SIGNUP, "\\"].map(|name| value.get().contains(name));
    if may_have.contains(&true)
        && let Ok(members) = members(value, ["metadata", SIGNUP])
    {
        let [metadata, signup] = members.known;
        // What is odd about it is in the raw JSON of the whole.
        if let Some(Ok((number, _))) = metadata.map(number) {
            scope.account = account(scope.account.waba_id.clone(), Some(number));
        }
        // A signup counts under any field.
        if let Some(signup) = signup {
            signups(events, scope, path.member(SIGNUP), signup);
        }
    }
    let read = read.ok_or(Reason::UnknownField)?;
    if !events.wants(read) {
        events.skip(1);
        return Ok(());
    }
    let item = Item {
        json: value,
        at: 0,
        path,
        around: &Around::nothing(scope),
    };
    (read.read)(events, &item)
}

/// Signups in a value that holds nothing else of a conversation.
fn signups(events: &mut Events<'_>, scope: &Scope<'_>, path: Path<'_>, signup: Piece<'_>) {
    if let Some(list) = List::of(events, scope, path, UserSubscribed::READER, signup, true) {
        list.read(events, &Around::nothing(scope));
    }
}

/// The items of one member.
struct List<'p, 'a> {
    path: Path<'p>,
    items: Elements<'a>,
    /// Whether they are elements, and not one object that stands alone.
    is_array: bool,
    read: Reader,
}

impl<'p, 'a> List<'p, 'a> {
    /// Splits a list, or takes the object that a signup or a context is for the
    /// only item; all else is reported.
    fn of(
        events: &mut Events<'_>,
        scope: &Scope<'_>,
        path: Path<'p>,
        read: Reader,
        piece: Piece<'a>,
        may_stand_alone: bool,
    ) -> Option<Self> {
        let (items, is_array) = match elements(piece) {
            Ok(items) => (items, true),
            Err(_) if may_stand_alone && piece.get().starts_with('{') => (smallvec![piece], false),
            Err(reason) => {
                events.unrecognized(scope, path, reason, piece);
                return None;
            }
        };
        Some(Self {
            path,
            items,
            is_array,
            read,
        })
    }

    fn read(self, events: &mut Events<'_>, around: &Around<'_>) {
        if !around.are_wanted || !events.wants(self.read) {
            return events.skip(self.items.len());
        }
        if self.is_array {
            return around.each(events, self.path, self.items, self.read.read);
        }
        for json in self.items {
            let path = self.path;
            let item = Item {
                json,
                at: 0,
                path,
                around,
            };
            if let Err(reason) = (self.read.read)(events, &item) {
                events.unrecognized_item(around.scope, path, reason, json);
            }
        }
    }
}

/// The member that stands for itself, and beside the messages too.
const CONVERSATION_CONTEXT: &str = "conversation_context";

/// Of a list that the field should not have.
const UNKNOWN: Reader = Reader {
    read: |_, _| Err(Reason::UnknownMember),
    is_about_user: false,
    is_heard: || false,
};

/// All items of a value; it may hold several lists at once.
pub(super) fn items(events: &mut Events<'_>, scope: &Scope<'_>, path: Path<'_>, value: Value<'_>) {
    let field = scope.field.unwrap_or_default();
    // Whom nobody asks for need not be read.
    let is_wanted = |name: &str| reader(field, name).is_some_and(|read| events.wants(read));
    let are_wanted = events.wants_all() || value.lists().any(is_wanted);
    let contacts = value.contacts.filter(|_| are_wanted);
    let contacts = Contacts::read(events, scope, path, contacts);
    let mut conversation_context = None;

    let documented = [("messages", value.messages), ("statuses", value.statuses)];
    let mut others = Vec::new();
    let mut unknown = Vec::new();
    for &(ref name, piece) in &value.others {
        match reader(field, name) {
            Some(_) if piece.is_null() => {}
            Some(read) => {
                let is_single = matches!(&**name, SIGNUP | CONVERSATION_CONTEXT);
                let path = path.member(name);
                others.extend(List::of(events, scope, path, read, piece, is_single));
            }
            None => unknown.push((name.clone(), piece)),
        }
        if name == CONVERSATION_CONTEXT {
            conversation_context = object(piece).ok().map(Arc::new);
        }
    }

    let of_documented = documented.iter().filter_map(|(_, items)| items.as_ref());
    let of_others = others.iter().filter(|list| list.read.is_about_user);
    let count = of_documented.map(SmallVec::len).sum::<usize>()
        + of_others.map(|list| list.items.len()).sum::<usize>()
        + usize::from(value.itself.is_some());
    let around = &Around {
        scope,
        contacts: contacts.finder(count == 1),
        conversation_context,
        are_wanted,
    };

    for (name, items) in documented {
        let path = path.member(name);
        let (Some(items), read) = (items, reader(field, name)) else {
            continue;
        };
        let list = List {
            path,
            items,
            is_array: true,
            read: read.unwrap_or(UNKNOWN),
        };
        list.read(events, around);
    }
    for list in others {
        list.read(events, around);
    }
    if let Some(itself) = value.itself
        && let Some(list) = List::of(events, scope, path, UserSubscribed::READER, itself, true)
    {
        list.read(events, around);
    }
    events.unknown(scope, Some(path), unknown);
    around.contacts.strays(events, scope, path);
}
