//! One change: from the items of its value to events.

use std::borrow::Cow;
use std::sync::Arc;

use smallvec::{SmallVec, smallvec};

use super::contacts::Contacts;
use super::events::Events;
use super::item::{Around, FromItem, Item, Reader};
use super::lenient::Omissions;
use super::path::Path;
use super::piece::Piece;
use super::scope::Scope;
use super::split::{Elements, Member, elements, members};
use super::summary::Summary;
use super::value::{SIGNUP, STANDBY, Value, account, number, reader};
use crate::event::{Reason, UserSubscribed};
use crate::model::{Numbers, UserSide};
use crate::signals::{has_lists, reader_of_value};

/// Reads a value of any field, still whole; one that cannot be read is reported.
pub(super) fn value(events: &mut Events<'_>, scope: &Scope<'_>, path: Path<'_>, value: Piece<'_>) {
    if let Err(reason) = layered(events, scope, path, value) {
        let around = Around::nothing(scope);
        let item = Item::new(value, 0, path, &around);
        events.unrecognized_item(&item, UserSide::Either, reason);
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
        field => {
            whole(events, scope, path, value, field.and_then(reader_of_value));
            Ok(())
        }
    }
}

/// A value that is one item.
fn whole(
    events: &mut Events<'_>,
    scope: &mut Scope<'_>,
    path: Path<'_>,
    value: Piece<'_>,
    read: Option<Reader>,
) {
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
    if let Some(read) = read
        && !events.wants(read)
    {
        return events.skip(1);
    }
    let around = Around::nothing(scope);
    let item = Item::new(value, 0, path, &around);
    item.add(events, read.unwrap_or(UNKNOWN_FIELD));
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

    fn read(&self, events: &mut Events<'_>, around: &Around<'_>) {
        if !around.are_wanted || !events.wants(self.read) {
            return events.skip(self.items.len());
        }
        if self.is_array {
            return around.each(events, self.path, &self.items, None, self.read);
        }
        for json in &self.items {
            let item = Item::new(*json, 0, self.path, around);
            item.add(events, self.read);
        }
    }
}

/// The member that stands for itself, and beside the messages too.
const CONVERSATION_CONTEXT: &str = "conversation_context";

/// Of a list that the field should not have.
const UNKNOWN: Reader = Reader {
    read: |_, _| Err(Reason::UnknownMember),
    is_about_user: true,
    side: UserSide::Either,
    is_heard: || false,
};

/// Of a field that this version does not know.
const UNKNOWN_FIELD: Reader = Reader {
    read: |_, _| Err(Reason::UnknownField),
    ..UNKNOWN
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

    let others = value.others;
    let paths: Vec<_> = others.iter().map(|(name, _)| path.member(name)).collect();
    let mut lists: SmallVec<[List<'_, '_>; 2]> = SmallVec::new();
    let (messages, statuses) = (path.member("messages"), path.member("statuses"));
    for (name, path, items) in [
        ("messages", messages, value.messages),
        ("statuses", statuses, value.statuses),
    ] {
        lists.extend(items.map(|items| List {
            path,
            items,
            is_array: true,
            read: reader(field, name).unwrap_or(UNKNOWN),
        }));
    }
    let mut unknown = Vec::new();
    for ((name, piece), path) in others.iter().zip(&paths) {
        match reader(field, name) {
            Some(_) if piece.is_null() => {}
            Some(read) => {
                let is_single = matches!(&**name, SIGNUP | CONVERSATION_CONTEXT);
                lists.extend(List::of(events, scope, *path, read, *piece, is_single));
            }
            None => unknown.push((name.clone(), *piece)),
        }
        if name == CONVERSATION_CONTEXT {
            let read = Omissions::default().read(*piece);
            conversation_context = read.ok().map(Arc::new);
        }
    }
    if let Some(itself) = value.itself {
        lists.extend(List::of(
            events,
            scope,
            path,
            UserSubscribed::READER,
            itself,
            true,
        ));
    }

    let numbers = Numbers {
        business: scope.account.display_phone_number.as_deref(),
        user: None,
    };
    let have_one_user = || have_one_user(numbers, &lists, &unknown);
    let around = &Around {
        scope,
        contacts: contacts.finder(&have_one_user),
        conversation_context,
        are_wanted,
    };
    for list in &lists {
        list.read(events, around);
    }
    events.unknown(around, Some(path), &unknown);
    around.contacts.strays(events, scope, path);
}

/// Whether a value has one item, or all of its items name one user. An item of an unknown
/// list counts beside others only if it names a user.
fn have_one_user(numbers: Numbers<'_>, lists: &[List<'_, '_>], unknown: &[Member<'_>]) -> bool {
    let user = |side, item| Summary::read(item).into_user(side, numbers).0;
    let known = || {
        let lists = lists.iter().filter(|list| list.read.is_about_user);
        lists.flat_map(|list| list.items.iter().map(|item| (list.read.side, *item)))
    };
    let unknown = unknown
        .iter()
        .flat_map(|(_, list)| elements(*list).unwrap_or_default());
    let unknown: Vec<_> = unknown.collect();
    let mut named = unknown
        .iter()
        .filter_map(|item| user(UserSide::Either, *item))
        .peekable();
    match known().count() {
        0 if unknown.len() == 1 => return true,
        1 if named.peek().is_none() => return true,
        _ => {}
    }
    let known = known().map(|(side, item)| user(side, item));
    let mut users = known.chain(named.map(Some));
    let first = users.next().flatten();
    first.is_some_and(|first| users.all(|user| user.is_some_and(|user| user.is_same_user(&first))))
}
