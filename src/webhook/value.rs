//! The `value` of a change about what passes between users and a number: what
//! it holds, and the two ways to take it apart.
//!
//! Nearly every body is of the shape that Meta documents, and is taken apart
//! in one pass by deriving from that shape. One that is not, in whatever way,
//! is taken apart level by level ([`layered`](Value::layered)), which is
//! slower and reports what is odd. Both ways make the same [`Value`].

use std::sync::Arc;

use serde::Deserialize;
use serde::de::IgnoredAny;
use serde_json::value::RawValue;

use super::events::{Events, Scope};
use super::path::Path;
use super::split::{Member, elements, members, object};
use crate::event::Reason;
use crate::model::{Account, PhoneNumberId, WabaId, scalar};

/// The items of a value, each still as text.
#[derive(Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(super) struct Value<'a> {
    messaging_product: IgnoredAny,
    pub(super) metadata: Option<Metadata>,
    #[serde(borrow)]
    pub(super) contacts: Option<Vec<&'a RawValue>>,
    #[serde(borrow)]
    pub(super) messages: Option<Vec<&'a RawValue>>,
    #[serde(borrow)]
    pub(super) statuses: Option<Vec<&'a RawValue>>,
    #[serde(borrow)]
    pub(super) user_preferences: Option<Vec<&'a RawValue>>,
    #[serde(borrow)]
    pub(super) in_app_signup: Option<&'a RawValue>,
    /// The whole value, where it is the signup.
    #[serde(skip)]
    pub(super) itself: Option<&'a RawValue>,
    /// The members that this version does not know.
    #[serde(skip)]
    pub(super) unknown: Vec<Member<'a>>,
}

/// The business number.
#[derive(Default, Deserialize)]
#[serde(default)]
pub(super) struct Metadata {
    phone_number_id: Option<PhoneNumberId>,
    #[serde(deserialize_with = "scalar::id_option")]
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

/// The field under which a value may be the signup, and the member that else
/// holds it.
pub(super) const SIGNUP: &str = "in_app_signup";

/// The fields whose values these are.
pub(super) fn is_conversation(field: &str) -> bool {
    matches!(field, "messages" | "user_preferences" | SIGNUP)
}

impl<'a> Value<'a> {
    /// Takes a value apart whatever it looks like, and reports the members
    /// that are not what they should be. Learns the business number on the
    /// way, for all that is reported after it.
    pub(super) fn layered(
        events: &mut Events<'_>,
        scope: &mut Scope<'_>,
        path: Path<'_>,
        value: &'a RawValue,
    ) -> Result<Self, Reason> {
        let names = [
            "messaging_product",
            "metadata",
            "contacts",
            "messages",
            "statuses",
            "user_preferences",
            SIGNUP,
        ];
        let members = members(value, names)?;
        let [
            _,
            metadata,
            contacts,
            messages,
            statuses,
            preferences,
            signup,
        ] = members.known;
        if let Some(piece) = metadata {
            match object(piece) {
                Ok(number) => {
                    scope.account = account(scope.account.waba_id.clone(), Some(number));
                }
                Err(reason) => events.unrecognized(scope, path.member("metadata"), reason, piece),
            }
        }
        let mut items = |name, array: Option<&'a RawValue>| match elements(array?) {
            Ok(items) => Some(items),
            Err(reason) => {
                events.unrecognized(scope, path.member(name), reason, array?);
                None
            }
        };
        let mut unknown = members.unknown;
        let is_itself = scope.field == Some(SIGNUP) && signup.is_none() && !unknown.is_empty();
        if is_itself {
            // It knows its own members.
            unknown.clear();
        }
        Ok(Self {
            messaging_product: IgnoredAny,
            metadata: None,
            contacts: items("contacts", contacts),
            messages: items("messages", messages),
            statuses: items("statuses", statuses),
            user_preferences: items("user_preferences", preferences),
            in_app_signup: signup,
            itself: is_itself.then_some(value),
            unknown,
        })
    }
}
