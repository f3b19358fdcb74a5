//! System messages: changes of a user's number or ids.

use crate::json::object::json_object;
use crate::model::text_enum::text_enum;
use crate::model::{IdKind, Identity, UserId, WaId, is_user_id};

/// `system`: a change of the user's number or ids, which the chat shows to both sides.
///
/// ```json
/// {"type": "user_changed_number", "body": "…", "wa_id": "12195555358"}
/// {"type": "user_changed_user_id", "user_id": "US.13…", "previous_user_id": "US.99…"}
/// ```
///
/// Meta's page: [system messages](https://developers.facebook.com/docs/whatsapp/cloud-api/webhooks/reference/messages/system).
///
/// ```
/// use whatsapp_signals::model::{System, SystemKind};
///
/// let older: System = serde_json::from_str(
///     r#"{"type": "customer_changed_number", "new_wa_id": "12195555358"}"#,
/// )?;
/// assert_eq!(older.kind, Some(SystemKind::CustomerChangedNumber));
/// assert_eq!(older.new_number(), Some("12195555358"));
/// # Ok::<(), serde_json::Error>(())
/// ```
#[json_object]
#[derive(Default, Eq, Hash)]
pub struct System {
    /// The kind of change.
    #[json(rename = "type")]
    pub kind: Option<SystemKind>,
    /// The text in the chat.
    pub body: Option<Box<str>>,
    /// The user's new ids: `wa_id`, `user_id` and `parent_user_id`.
    #[json(ids("wa_id", "user_id", "parent_user_id"))]
    pub new_ids: Option<Identity>,
    /// The user's new number, in older versions.
    pub new_wa_id: Option<WaId>,
    /// The user's previous id.
    pub previous_user_id: Option<UserId>,
    /// The user's previous parent id.
    pub previous_parent_user_id: Option<UserId>,
    /// The hash of the user's new identity, in older versions.
    pub identity: Option<Box<str>>,
    /// The user, in older versions.
    pub customer: Option<WaId>,
    /// The user, in still older versions.
    pub user: Option<WaId>,
}

text_enum! {
    /// The kind of a system message.
    pub enum SystemKind {
        /// The user has another phone number.
        UserChangedNumber = "user_changed_number",
        /// The user has another business-scoped user id.
        UserChangedUserId = "user_changed_user_id",
        /// The user has another phone number; older versions.
        CustomerChangedNumber = "customer_changed_number",
        /// The user has another device or identity; older versions.
        CustomerIdentityChanged = "customer_identity_changed",
    }
}

impl System {
    /// Returns the user's new number, in webhooks of any version.
    #[must_use]
    pub fn new_number(&self) -> Option<&str> {
        let older = || text(self.new_wa_id.as_ref()).filter(|id| !is_user_id(id));
        let number = self.new_ids.as_ref().and_then(Identity::phone);
        number.or_else(older)
    }

    /// Returns the user by the previous ids, given the sender of the message or its contact, which
    /// may have the new ids already; `None` when all ids are new.
    pub(crate) fn previous(&self, named: Option<&Identity>) -> Option<Identity> {
        let in_body = self.change_in_body();
        let old = |kind: IdKind, new: Option<&str>| match &in_body {
            Some((of, old, in_body)) if *of == kind && new.is_none_or(|new| new == in_body) => {
                Some(old.as_str())
            }
            _ => None,
        };
        let named = |kind: IdKind, new: Option<&str>| {
            let id = named.and_then(|named| named.id(kind));
            id.filter(|id| Some(*id) != new)
        };
        let (number, user_id, parent) = (
            self.new_number(),
            self.new_id(IdKind::User),
            self.new_id(IdKind::Parent),
        );
        // Other changes keep the number.
        let changed_number = match self.kind {
            Some(SystemKind::UserChangedNumber | SystemKind::CustomerChangedNumber) => number,
            _ => None,
        };
        Identity::verbatim(
            named(IdKind::Phone, changed_number)
                .or(old(IdKind::Phone, number))
                .or(text(self.customer.as_ref()))
                .or(text(self.user.as_ref())),
            text(self.previous_user_id.as_ref())
                .or(old(IdKind::User, user_id))
                .or(named(IdKind::User, user_id)),
            text(self.previous_parent_user_id.as_ref())
                .or(old(IdKind::User, parent).filter(|_| user_id.is_none()))
                .or(named(IdKind::Parent, parent)),
        )
    }

    /// Returns the user by the new ids alone.
    pub(crate) fn new_user(&self) -> Option<Identity> {
        Identity::verbatim(
            self.new_number(),
            self.new_id(IdKind::User),
            self.new_id(IdKind::Parent),
        )
    }

    /// Returns the user by the new ids, given the user by the previous ids; `None` when the message
    /// is not a change of ids.
    pub(crate) fn current(&self, previous: &Identity) -> Option<Identity> {
        if self.kind == Some(SystemKind::CustomerIdentityChanged) {
            return None;
        }
        let in_body = self.change_in_body();
        let new = |kind: IdKind| match &in_body {
            Some((of, _, new)) if *of == kind => Some(new.as_str()),
            _ => None,
        };
        let current = Identity::verbatim(
            self.new_number()
                .or(new(IdKind::Phone))
                .or(previous.id(IdKind::Phone)),
            self.new_id(IdKind::User)
                .or(new(IdKind::User).filter(|_| self.new_id(IdKind::Parent).is_none()))
                .or(previous.id(IdKind::User)),
            self.new_id(IdKind::Parent).or(previous.id(IdKind::Parent)),
        )?;
        (current != *previous).then_some(current)
    }

    fn new_id(&self, kind: IdKind) -> Option<&str> {
        self.new_ids.as_ref()?.id(kind)
    }

    /// Returns A and B of `User … changed from A to B`, which names the previous id when no member
    /// does.
    fn change_in_body(&self) -> Option<(IdKind, String, String)> {
        let (_, change) = self.body.as_deref()?.rsplit_once("changed from ")?;
        let (old, new) = change.split_once(" to ")?;
        let ids = [old, new].map(id_in_text);
        match ids {
            [Some((kind, old)), Some((of, new))] if kind == of => Some((kind, old, new)),
            _ => None,
        }
    }
}

/// Returns the id at the beginning of a text: a user id, or the digits of a number.
fn id_in_text(text: &str) -> Option<(IdKind, String)> {
    // Some languages put directional marks around ids.
    let text = text.trim_start_matches(|c: char| !c.is_ascii_alphanumeric() && c != '+');
    let is_of_id = |c: &char| c.is_ascii_alphanumeric() || *c == '.';
    let word: String = text.chars().take_while(is_of_id).collect();
    let word = word.trim_end_matches('.');
    if is_user_id(word) {
        return Some((IdKind::User, word.to_owned()));
    }
    let is_of_number = |c: &char| c.is_ascii_digit() || "+ -().".contains(*c);
    let number = text.chars().take_while(is_of_number);
    let digits: String = number.filter(char::is_ascii_digit).collect();
    (digits.len() >= 5).then_some((IdKind::Phone, digits))
}

/// Returns an id as text, unless it is missing or empty.
fn text(id: Option<&impl AsRef<str>>) -> Option<&str> {
    id.map(AsRef::as_ref).filter(|id| !id.is_empty())
}
