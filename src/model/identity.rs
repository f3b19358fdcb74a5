//! The identity of a user: its ids, and the two sides of a message or a call.

use std::borrow::Cow;
use std::fmt;
use std::sync::Arc;

use serde::de::Error as _;
use serde::ser::SerializeMap;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::IdText;
use crate::json::object::json_object;

/// Returns the digits of a phone number, without formatting characters; `None` if the text is not a
/// phone number.
///
/// A `+` may precede the first digit only, so two numbers in one text are not a number. No digit is
/// added, removed or replaced: every rule for a country has exceptions.
pub(crate) fn phone_digits(phone: &str) -> Option<Cow<'_, str>> {
    if !phone.is_empty() && phone.bytes().all(|byte| byte.is_ascii_digit()) {
        return Some(Cow::Borrowed(phone));
    }
    let mut digits = String::new();
    for c in phone.chars() {
        match c {
            '0'..='9' => digits.push(c),
            '+' if digits.is_empty() => {}
            c if is_formatting(c) => {}
            _ => return None,
        }
    }
    (!digits.is_empty()).then_some(Cow::Owned(digits))
}

/// Returns whether a character formats a phone number or is invisible: address books put
/// directional marks around numbers.
fn is_formatting(c: char) -> bool {
    c.is_whitespace()
        || matches!(
            c,
            '-' | '.' | '/' | '(' | ')'
            // Hyphens and dashes, and the minus sign.
            | '\u{2010}'..='\u{2015}' | '\u{2212}'
            // Soft hyphen, spaces of no width, marks of direction.
            | '\u{ad}' | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}'
            | '\u{2060}' | '\u{2066}'..='\u{2069}' | '\u{feff}'
        )
}

/// The ids of a WhatsApp user: the phone number, the business-scoped user id, or both.
///
/// Since 2026 a user may have only a [`user_id`](Self::user_id), so code that needs a phone number
/// must handle its absence. There is always at least one id, and no id is empty.
///
/// Meta's page: [Business-scoped user IDs](https://developers.facebook.com/docs/whatsapp/business-scoped-user-ids).
///
/// # Examples
///
/// ```
/// use whatsapp_signals::model::Identity;
///
/// let by_phone = Identity::from_phone("15550101001").unwrap();
/// let both = Identity::new(Some("15550101001"), Some("US.70010020"), None).unwrap();
/// assert!(both.is_same_user(&by_phone));
/// assert_eq!(both.phone(), Some("15550101001"));
///
/// let hidden = Identity::from_user_id("US.70010020").unwrap();
/// assert_eq!((hidden.phone(), hidden.user_id()), (None, Some("US.70010020")));
/// assert_eq!(Identity::from_phone(""), None);
/// ```
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Identity {
    /// The WhatsApp id, the user id and the parent user id, concatenated: most webhooks name a user
    /// twice, and both share one allocation. At least one is not empty.
    text: Arc<str>,
    /// The ends of the first two.
    ends: [u32; 2],
}

/// The ids of a user in one of Meta's objects, of which all may be missing.
#[derive(Default)]
pub(crate) struct Ids<'a> {
    pub(crate) wa_id: Option<IdText<'a>>,
    pub(crate) user_id: Option<IdText<'a>>,
    pub(crate) parent_user_id: Option<IdText<'a>>,
}

/// The names of the ids in the JSON of an [`Identity`].
const NAMES: [&str; 3] = ["wa_id", "user_id", "parent_user_id"];

/// An object with the ids of a user, of which all may be missing.
#[json_object]
#[derive(Default)]
#[allow(unreachable_pub, reason = "objects are public, but for this one")]
pub struct NamedUser {
    #[json(ids("wa_id", "user_id", "parent_user_id"))]
    pub user: Option<Identity>,
}

impl Identity {
    /// Returns the user with these ids, or `None` if there is no id.
    ///
    /// `wa_id` is a phone number, whose formatting is removed as [`from_phone`](Self::from_phone)
    /// does. A business-scoped user id in its place becomes the `user_id`; other texts are ignored.
    /// Pass the `wa_id` of Meta's response, never its `input`: see
    /// [`from_phone`](Self::from_phone).
    ///
    /// ```
    /// use whatsapp_signals::model::Identity;
    ///
    /// let both = Identity::new(Some("+1 555 010-1001"), Some("US.7001"), None).unwrap();
    /// assert_eq!((both.wa_id(), both.user_id()), (Some("15550101001"), Some("US.7001")));
    ///
    /// let user = Identity::new(Some("US.70010020"), None, None).unwrap();
    /// assert_eq!((user.wa_id(), user.user_id()), (None, Some("US.70010020")));
    /// ```
    #[must_use]
    pub fn new(
        wa_id: Option<&str>,
        user_id: Option<&str>,
        parent_user_id: Option<&str>,
    ) -> Option<Self> {
        let wa_id = wa_id.and_then(|wa_id| match wa_id {
            id if is_user_id(id) => Some(Cow::Borrowed(id)),
            phone => phone_digits(phone),
        });
        Self::verbatim(wa_id.as_deref(), user_id, parent_user_id)
    }

    /// Returns the user with these ids, as Meta wrote them; `None` if all are missing or empty.
    ///
    /// A business-scoped user id in the place of the phone number becomes the user id.
    #[inline]
    pub(crate) fn verbatim(
        wa_id: Option<&str>,
        user_id: Option<&str>,
        parent_user_id: Option<&str>,
    ) -> Option<Self> {
        let mut wa_id = wa_id.filter(|id| !id.is_empty());
        let mut user_id = user_id.filter(|id| !id.is_empty());
        if let Some(id) = wa_id.filter(|id| is_user_id(id)) {
            // Two different ids are both kept.
            if *user_id.get_or_insert(id) == id {
                wa_id = None;
            }
        }
        let ids = [wa_id, user_id, parent_user_id].map(Option::unwrap_or_default);
        let ends = [ids[0].len(), ids[0].len() + ids[1].len()];
        let text: Arc<str> = match ids {
            ["", "", ""] => return None,
            [id, "", ""] | ["", id, ""] => id.into(),
            ids => ids.concat().into(),
        };
        let [Ok(wa_id), Ok(user_id)] = ends.map(u32::try_from) else {
            return None;
        };
        let ends = [wa_id, user_id];
        Some(Self { text, ends })
    }

    /// Returns the user with this phone number, or `None` if the text is not a phone number.
    ///
    /// `+1 555 010-1001`, `15550101001` and `+15550101001` are one number: a leading `+`, spaces
    /// and the characters `-`, `.`, `/`, `(` and `)` are removed. The digits do not change, so they
    /// begin with the country code: a leading `00` stays. A text without digits or with letters is
    /// not a number, except a [business-scoped user id](Self::user_id), which identifies a user as
    /// well.
    ///
    /// # The `wa_id`, never the `input`
    ///
    /// Pass the `wa_id` of Meta's response to an outbound message, never the `input` beside it, as
    /// in `{"contacts": [{"input": "+52 1 55 5010 1001", "wa_id": "525550101001"}]}`.
    ///
    /// The `input` is the number of your request. WhatsApp may use other digits for the user, and
    /// webhooks have only these: in Brazil the ninth digit may be missing, in Mexico a `1` may be
    /// added after the country code or removed, in Argentina a `9`. Every rule of conversion has
    /// exceptions, so this crate has none.
    ///
    /// # Examples
    ///
    /// ```
    /// use whatsapp_signals::model::Identity;
    ///
    /// let ada = Identity::from_phone("15550101001").unwrap();
    /// assert_eq!(Identity::from_phone("+1 (555) 010-1001"), Some(ada));
    /// assert_eq!(Identity::from_phone("ada@example.com"), None);
    ///
    /// let [dialled, known] = ["+52 1 55 5010 1001", "525550101001"].map(Identity::from_phone);
    /// assert_ne!(dialled, known, "digits are never rewritten");
    /// ```
    #[must_use]
    pub fn from_phone(wa_id: &str) -> Option<Self> {
        Self::new(Some(wa_id), None, None)
    }

    /// Returns the user with this business-scoped user id.
    #[must_use]
    pub fn from_user_id(user_id: &str) -> Option<Self> {
        Self::new(None, Some(user_id), None)
    }

    /// Returns the recipient of a request to send. The app may have formatted the number, and
    /// webhooks have the digits. The other id may be the user's or the parent's.
    pub(crate) fn of_request(to: Option<&str>, recipient: Option<&str>) -> Option<Self> {
        let digits = to.and_then(phone_digits);
        let is_parent = recipient.is_some_and(is_parent_id);
        let (user_id, parent_id) = (
            recipient.filter(|_| !is_parent),
            recipient.filter(|_| is_parent),
        );
        Self::verbatim(digits.as_deref().or(to), user_id, parent_id)
    }

    /// Returns the user with these ids, as [`verbatim`](Self::verbatim) does.
    #[inline]
    pub(crate) fn from_ids(ids: &Ids<'_>) -> Option<Self> {
        let [wa_id, user_id, parent_user_id] = ids.texts();
        Self::verbatim(wa_id, user_id, parent_user_id)
    }

    /// Returns whether the user has exactly these ids.
    #[inline]
    pub(crate) fn has_ids(&self, ids: &Ids<'_>) -> bool {
        [self.wa_id(), self.user_id(), self.parent_user_id()] == ids.texts()
    }

    /// Returns the phone number as text, when Meta shows it.
    #[must_use]
    #[inline]
    pub fn phone(&self) -> Option<&str> {
        self.wa_id().filter(|id| !is_user_id(id))
    }

    /// Returns the user's WhatsApp id: the phone number, when Meta shows it.
    #[must_use]
    #[inline]
    pub fn wa_id(&self) -> Option<&str> {
        self.part(0, self.end(0))
    }

    /// Returns the id within your business portfolio.
    #[must_use]
    #[inline]
    pub fn user_id(&self) -> Option<&str> {
        self.part(self.end(0), self.end(1))
    }

    /// Returns the id within the enterprise above your portfolio, if there is one.
    #[must_use]
    #[inline]
    pub fn parent_user_id(&self) -> Option<&str> {
        self.part(self.end(1), self.text.len())
    }

    #[inline]
    fn end(&self, id: usize) -> usize {
        self.ends[id] as usize
    }

    /// Returns an id by its range in the text.
    #[inline]
    fn part(&self, start: usize, end: usize) -> Option<&str> {
        self.text.get(start..end).filter(|id| !id.is_empty())
    }

    /// Returns whether both are one user, by a shared id. A phone number counts only if their
    /// business-scoped user ids do not differ, since a number may pass to another user. Two
    /// identities without a shared id may still be one user, once by phone number and once by user
    /// id.
    ///
    /// ```
    /// use whatsapp_signals::model::Identity;
    ///
    /// let before = Identity::new(Some("15550101001"), Some("US.7001"), None).unwrap();
    /// let after = Identity::new(Some("15550101001"), Some("US.7002"), None).unwrap();
    /// assert!(!before.is_same_user(&after), "the number has changed hands");
    /// ```
    #[must_use]
    #[inline]
    pub fn is_same_user(&self, other: &Self) -> bool {
        fn shared(a: Option<&str>, b: Option<&str>) -> bool {
            a.is_some() && a == b
        }
        shared(self.user_id(), other.user_id())
            || shared(self.parent_user_id(), other.parent_user_id())
            || (shared(self.wa_id(), other.wa_id()) && !self.is_other_user(other))
    }

    /// Returns whether both are certainly two users: both have a business-scoped user id, and the
    /// ids differ.
    #[inline]
    pub(crate) fn is_other_user(&self, other: &Self) -> bool {
        let ids = (self.user_id(), other.user_id());
        matches!(ids, (Some(id), Some(other)) if id != other)
    }

    /// Returns the user with its missing ids filled in from `other`.
    pub(crate) fn completed_by(self, other: &Self) -> Self {
        let both = Self::verbatim(
            self.wa_id().or(other.wa_id()),
            self.user_id().or(other.user_id()),
            self.parent_user_id().or(other.parent_user_id()),
        );
        both.unwrap_or(self)
    }

    /// Returns the id of a kind.
    #[inline]
    pub(crate) fn id(&self, kind: IdKind) -> Option<&str> {
        match kind {
            IdKind::Phone => self.wa_id(),
            IdKind::Parent => self.parent_user_id(),
            IdKind::User => self.user_id(),
        }
    }

    /// Returns all ids of the user.
    #[inline]
    pub(crate) fn ids(&self) -> impl Iterator<Item = &str> {
        [self.wa_id(), self.user_id(), self.parent_user_id()]
            .into_iter()
            .flatten()
    }
}

impl<'a> Ids<'a> {
    /// Returns the ids of a user; without a user, all are missing.
    pub(crate) fn of(user: Option<&'a Identity>) -> Self {
        Self {
            wa_id: user.and_then(Identity::wa_id).map(IdText::from),
            user_id: user.and_then(Identity::user_id).map(IdText::from),
            parent_user_id: user.and_then(Identity::parent_user_id).map(IdText::from),
        }
    }

    #[inline]
    fn texts(&self) -> [Option<&str>; 3] {
        [&self.wa_id, &self.user_id, &self.parent_user_id].map(Option::as_deref)
    }

    /// Returns whether the side has an id that a business cannot have.
    pub(crate) fn has_scoped_id(&self) -> bool {
        self.user_id.is_some() || self.parent_user_id.is_some()
    }
}

impl fmt::Debug for Identity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Identity")
            .field("wa_id", &self.wa_id())
            .field("user_id", &self.user_id())
            .field("parent_user_id", &self.parent_user_id())
            .finish()
    }
}

impl Serialize for Identity {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut members = serializer.serialize_map(None)?;
        write_ids(&mut members, NAMES, Some(self))?;
        members.end()
    }
}

impl<'de> Deserialize<'de> for Identity {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let named = NamedUser::deserialize(deserializer)?;
        let user = named.user;
        user.ok_or_else(|| D::Error::custom("an identity needs at least one id"))
    }
}

/// Serializes the ids of a user to members with these names.
pub(crate) fn write_ids<M: SerializeMap>(
    members: &mut M,
    names: [&'static str; 3],
    user: Option<&Identity>,
) -> Result<(), M::Error> {
    let Some(user) = user else { return Ok(()) };
    let ids = [user.wa_id(), user.user_id(), user.parent_user_id()];
    for (name, id) in names.into_iter().zip(ids) {
        if let Some(id) = id {
            members.serialize_entry(name, id)?;
        }
    }
    Ok(())
}

/// The kinds of ids, ordered from the worst to the best. Meta shows the phone number in one webhook
/// of a user and omits it in the next.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, serde::Serialize, serde::Deserialize,
)]
pub enum IdKind {
    /// `wa_id`
    #[serde(rename = "wa_id")]
    Phone,
    /// `parent_user_id`
    #[serde(rename = "parent_user_id")]
    Parent,
    /// `user_id`
    #[serde(rename = "user_id")]
    User,
}

impl IdKind {
    /// All kinds.
    pub const ALL: [Self; 3] = [Self::Phone, Self::Parent, Self::User];

    /// Returns Meta's name of the kind.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Phone => "wa_id",
            Self::Parent => "parent_user_id",
            Self::User => "user_id",
        }
    }
}

/// Returns whether a business-scoped id belongs to the enterprise above the portfolio, such as
/// `US.ENT.11815799212886844830`.
fn is_parent_id(id: &str) -> bool {
    is_user_id(id) && id[3..].starts_with("ENT.")
}

/// Returns whether a text begins with two capital letters and a dot, as in
/// `US.13491208655302741918`. No phone number does.
pub(crate) fn is_user_id(id: &str) -> bool {
    matches!(id.as_bytes(), [a, b, b'.', _, ..] if a.is_ascii_uppercase() && b.is_ascii_uppercase())
}

/// The ids of both sides. One of them is the business, which has a phone number only:
/// business-scoped ids always belong to the user.
#[derive(Default)]
pub(crate) struct Parties<'a> {
    pub(crate) from: Ids<'a>,
    pub(crate) to: Ids<'a>,
}

/// The known numbers of both sides.
#[derive(Clone, Copy, Default)]
pub(crate) struct Numbers<'n> {
    pub(crate) business: Option<&'n str>,
    pub(crate) user: Option<&'n str>,
}

/// The side of an item that is the user.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum UserSide {
    /// The sender.
    From,
    /// The recipient.
    To,
    /// Either side, to be decided for each item.
    Either,
}

impl<'a> Parties<'a> {
    /// Returns the ids of the user on one side.
    #[inline]
    pub(crate) fn ids(self, side: UserSide) -> Ids<'a> {
        let Self { from, to } = self;
        match side {
            UserSide::From | UserSide::Either => from,
            UserSide::To => Ids {
                wa_id: to.wa_id,
                user_id: to.user_id.or(from.user_id),
                parent_user_id: to.parent_user_id.or(from.parent_user_id),
            },
        }
    }

    /// Returns the user on one side.
    #[inline]
    pub(crate) fn user(self, side: UserSide) -> Option<Identity> {
        Identity::from_ids(&self.ids(side))
    }

    /// Returns the side of the user: by the known numbers of the user and of the business, then by
    /// ids that a business cannot have, then by the `direction` of the item.
    pub(crate) fn side(&self, direction: Option<UserSide>, numbers: Numbers<'_>) -> UserSide {
        let Numbers { business, user } = numbers;
        let is = |ids: &Ids<'_>, other: Option<&str>| match (&ids.wa_id, other) {
            (Some(number), Some(other)) => Some(is_same_number(number, other)),
            _ => None,
        };
        let is_to_user = match (is(&self.from, user), is(&self.from, business), direction) {
            (Some(true), ..) => false,
            (_, Some(true), _) => true,
            _ if self.from.has_scoped_id() => false,
            (_, _, Some(side)) => side == UserSide::To,
            // The sender is not the user, and there is no number of the business to compare with.
            (Some(false), None, None) => true,
            _ => self.to.has_scoped_id() || is(&self.to, business) == Some(false),
        };
        if is_to_user {
            UserSide::To
        } else {
            UserSide::From
        }
    }
}

impl Parties<'_> {
    /// Returns whether each side may be the user: both have a number, and neither number is known.
    pub(crate) fn is_either(&self, numbers: Numbers<'_>) -> bool {
        let has_number = |ids: &Ids<'_>| ids.wa_id.is_some() && !ids.has_scoped_id();
        let is_known = numbers.business.is_some() || numbers.user.is_some();
        !is_known && has_number(&self.from) && has_number(&self.to)
    }

    /// Returns whether a side is this number of the business.
    pub(crate) fn is_business(&self, side: UserSide, business: Option<&str>) -> bool {
        let ids = match side {
            UserSide::To => &self.to,
            UserSide::From | UserSide::Either => &self.from,
        };
        let number = ids.wa_id.as_ref().filter(|_| !ids.has_scoped_id());
        match (number, business) {
            (Some(number), Some(business)) => is_same_number(number, business),
            _ => false,
        }
    }
}

impl UserSide {
    /// Returns the other side.
    pub(crate) fn other(self) -> Self {
        match self {
            Self::From => Self::To,
            Self::To => Self::From,
            Self::Either => Self::Either,
        }
    }
}

/// Returns whether two numbers have equal digits.
pub(crate) fn is_same_number(a: &str, b: &str) -> bool {
    let digits = |number: &str| {
        number
            .bytes()
            .filter(u8::is_ascii_digit)
            .collect::<Vec<_>>()
    };
    digits(a) == digits(b)
}
