//! The `value` of a change that holds lists: what is in it, and two ways to take
//! it apart.
//!
//! One of the shape that Meta documents is [taken apart](Value::documented) as it
//! is gone through. One that is not, in whatever way, is taken apart level by level
//! ([`layered`](Value::layered)), which is slower and reports what is odd. Both ways
//! make the same [`Value`].

use std::borrow::Cow;
use std::sync::Arc;

use serde::Deserialize;

use super::cursor::{Cursor, once};
use super::events::Events;
use super::item::{FromItem, Reader};
use super::lenient::scalar;
use super::path::Path;
use super::piece::Piece;
use super::scope::Scope;
use super::split::{Elements, Member, Name, elements, members};
use crate::event::{Reason, UserSubscribed};
use crate::model::scalar::id_option;
use crate::model::{Account, PhoneNumberId, WaId, WabaId};
use crate::signals::{has_lists, reader_of_items};

/// The items of a value.
#[derive(Default)]
pub(super) struct Value<'a> {
    pub(super) metadata: Option<Metadata>,
    pub(super) contacts: Option<Elements<'a>>,
    pub(super) messages: Option<Elements<'a>>,
    pub(super) statuses: Option<Elements<'a>>,
    /// The members that few values have; none is there twice that this version
    /// knows.
    pub(super) others: Vec<Member<'a>>,
    /// The whole value, where it is the signup.
    pub(super) itself: Option<Piece<'a>>,
}

/// The business number.
#[derive(Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(super) struct Metadata {
    phone_number_id: Option<PhoneNumberId>,
    #[serde(deserialize_with = "id_option")]
    display_phone_number: Option<Box<str>>,
}

/// The account of an entry, with the number that a value names.
pub(super) fn account(waba_id: Option<WabaId>, number: Option<Metadata>) -> Arc<Account> {
    let number = number.unwrap_or_default();
    Arc::new(Account {
        waba_id,
        phone_number_id: number.phone_number_id,
        display_phone_number: number.display_phone_number,
    })
}

/// The member that says which of Meta's products it is about.
pub(super) const PRODUCT: &str = "messaging_product";

/// The field under which a value may be the signup, and the member that else
/// holds it.
pub(super) const SIGNUP: &str = "in_app_signup";

/// The field whose items are one level deeper, and the member that holds them.
pub(super) const STANDBY: &str = "standby";

impl<'a> Value<'a> {
    /// The names of the lists that it has, contacts aside.
    pub(super) fn lists(&self) -> impl Iterator<Item = &str> {
        let documented = [
            ("messages", self.messages.is_some()),
            ("statuses", self.statuses.is_some()),
            (SIGNUP, self.itself.is_some()),
        ];
        let documented = documented.into_iter().filter(|(_, is_there)| *is_there);
        let others = self.others.iter().map(|(name, _)| &**name);
        documented.map(|(name, _)| name).chain(others)
    }

    /// Takes the documented shape apart in one pass; `None` where it differs from it.
    pub(super) fn documented(cursor: &mut Cursor<'a>) -> Option<Self> {
        let mut value = Self::default();
        let (mut product, mut metadata) = (None, None);
        cursor.object(|cursor, name| match name {
            PRODUCT => once(&mut product, cursor.value::<Name<'_>>()?),
            "metadata" => once(&mut metadata, cursor.value()?),
            "contacts" => once(&mut value.contacts, cursor.value()?),
            "messages" => once(&mut value.messages, cursor.value()?),
            "statuses" => once(&mut value.statuses, cursor.value()?),
            name => {
                let others = &mut value.others;
                let is_new = others.iter().all(|(other, _)| *other != name);
                others.push((name.into(), cursor.piece()?));
                (is_new && others.len() <= MAX_OTHERS).then_some(())
            }
        })?;
        value.metadata = metadata.flatten();
        Some(value)
    }

    /// Whether a value of this field may hold what was found.
    pub(super) fn goes_with(&self, field: &str) -> bool {
        match field {
            STANDBY => false,
            SIGNUP => self.others.iter().any(|(name, _)| name == SIGNUP),
            field => has_lists(field),
        }
    }

    /// Takes a value apart whatever it looks like, and reports the members
    /// that are not what they should be. Learns the business number on the
    /// way, for all that is reported after it.
    pub(super) fn layered(
        events: &mut Events<'_>,
        scope: &mut Scope<'_>,
        path: Path<'_>,
        value: Piece<'a>,
    ) -> Result<Self, Reason> {
        let names = [PRODUCT, "metadata", "contacts", "messages", "statuses"];
        let members = members(value, names)?;
        let [product, metadata, contacts, messages, statuses] = members.known;
        let mut others = members.unknown;
        no_list_twice(scope.field.unwrap_or_default(), &others)?;
        if let Some(piece) = metadata {
            let path = path.member("metadata");
            match number(piece) {
                Ok((number, odd)) => {
                    scope.account = account(scope.account.waba_id.clone(), Some(number));
                    for (name, reason, piece) in odd {
                        events.unrecognized(scope, path.member(&name), reason, piece);
                    }
                }
                Err(reason) => events.unrecognized(scope, path, reason, piece),
            }
        }
        if let Some(piece) = product.filter(|piece| !piece.get().starts_with('"')) {
            let path = path.member(PRODUCT);
            events.unrecognized(scope, path, Reason::Malformed, piece);
        }
        let mut items = |name, array: Option<Piece<'a>>| match elements(array?) {
            Ok(items) => Some(items),
            Err(reason) => {
                events.unrecognized(scope, path.member(name), reason, array?);
                None
            }
        };
        let is_known = |(name, _): &Member<'_>| reader(SIGNUP, name).is_some();
        let is_itself = scope.field == Some(SIGNUP)
            && !others.iter().all(is_known)
            && others.iter().all(|(name, _)| name != SIGNUP);
        if is_itself {
            // It knows its own members.
            others.retain(is_known);
        }
        Ok(Self {
            metadata: None,
            contacts: items("contacts", contacts),
            messages: items("messages", messages),
            statuses: items("statuses", statuses),
            others,
            itself: is_itself.then_some(value),
        })
    }
}

/// A `metadata` whatever it looks like, and the members of it that are not what
/// they should be.
pub(super) fn number(metadata: Piece<'_>) -> Result<(Metadata, Vec<Odd<'_>>), Reason> {
    let members = members(metadata, ["phone_number_id", "display_phone_number"])?;
    let [id, display] = members.known;
    let display_id: Option<WaId> = scalar(display);
    let number = Metadata {
        phone_number_id: scalar(id),
        display_phone_number: display_id.map(|id| id.as_str().into()),
    };
    let unknown = members.unknown.into_iter();
    let mut odd: Vec<_> = unknown
        .map(|(name, piece)| (name, Reason::UnknownMember, piece))
        .collect();
    for (name, piece, is_read) in [
        ("phone_number_id", id, number.phone_number_id.is_some()),
        (
            "display_phone_number",
            display,
            number.display_phone_number.is_some(),
        ),
    ] {
        if let Some(piece) = piece.filter(|_| !is_read) {
            odd.push((name.into(), Reason::Malformed, piece));
        }
    }
    Ok((number, odd))
}

/// A member, and what is odd about it.
type Odd<'a> = (Cow<'a, str>, Reason, Piece<'a>);

/// How the items of a member are read.
pub(super) fn reader(field: &str, list: &str) -> Option<Reader> {
    match (field, list) {
        // A signup counts under any field; and under its own, what else there
        // is counts as in a conversation.
        (_, SIGNUP) => Some(UserSubscribed::READER),
        (SIGNUP, list) => reader_of_items("messages", list),
        // So do errors, wherever they are documented.
        (_, "errors") => reader_of_items("messages", "errors"),
        (field, list) => reader_of_items(field, list),
    }
}

/// Which of two lists of one name counts is anyone's guess.
fn no_list_twice(field: &str, others: &[Member<'_>]) -> Result<(), Reason> {
    for (at, (name, _)) in others.iter().enumerate() {
        let is_known = name == STANDBY || reader(field, name).is_some();
        if is_known && others[..at].iter().any(|(before, _)| before == name) {
            return Err(Reason::Duplicate((&**name).into()));
        }
    }
    Ok(())
}

/// How many other members a value may have on the fast way, which looks at
/// all of them for each: Meta's have two at most.
const MAX_OTHERS: usize = 16;
