//! Who a WhatsApp user is.

use serde::{Deserialize, Serialize};

use super::{UserId, WaId};
use crate::json::object::object;

/// A WhatsApp user by every id that Meta gave: the phone number, the
/// business-scoped user id, or both.
///
/// Since 2026 a user may be known by [`user_id`](Self::user_id) alone, so code
/// that needs a phone number asks for it and says what happens without. There
/// is always at least one id, and none is ever empty.
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
/// assert_eq!(both.wa_id().unwrap(), "15550101001");
///
/// assert_eq!(Identity::from_phone(""), None);
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "Ids")]
pub struct Identity {
    // Invariant: at least one of the three is there, and none is empty.
    #[serde(skip_serializing_if = "Option::is_none")]
    wa_id: Option<WaId>,
    #[serde(skip_serializing_if = "Option::is_none")]
    user_id: Option<UserId>,
    #[serde(skip_serializing_if = "Option::is_none")]
    parent_user_id: Option<UserId>,
}

object! {
    /// The ids of an [`Identity`], of which all may be missing.
    #[derive(Default)]
    #[allow(unreachable_pub, reason = "objects are public, but for this one")]
    pub struct Ids {
        pub wa_id: Option<WaId>,
        pub user_id: Option<UserId>,
        pub parent_user_id: Option<UserId>,
    }
}

impl Identity {
    /// The user with these ids; `None` when all are missing or empty.
    ///
    /// A business-scoped user id in the place of the phone number is taken for
    /// what it is.
    ///
    /// ```
    /// use whatsapp_signals::model::Identity;
    ///
    /// let user = Identity::new(Some("US.70010020"), None, None).unwrap();
    /// assert_eq!(user.wa_id(), None);
    /// assert_eq!(user.user_id().unwrap(), "US.70010020");
    /// ```
    #[must_use]
    pub fn new(
        wa_id: Option<&str>,
        user_id: Option<&str>,
        parent_user_id: Option<&str>,
    ) -> Option<Self> {
        Self::from_ids(Ids {
            wa_id: wa_id.map(WaId::from),
            user_id: user_id.map(UserId::from),
            parent_user_id: parent_user_id.map(UserId::from),
        })
    }

    /// The user with this phone number, in WhatsApp's digits.
    ///
    /// ```
    /// use whatsapp_signals::model::Identity;
    ///
    /// assert_eq!(Identity::from_phone("15550101001").unwrap().phone(), Some("15550101001"));
    /// ```
    #[must_use]
    pub fn from_phone(wa_id: &str) -> Option<Self> {
        Self::new(Some(wa_id), None, None)
    }

    /// The user with this business-scoped user id.
    ///
    /// ```
    /// use whatsapp_signals::model::Identity;
    ///
    /// assert_eq!(Identity::from_user_id("US.7001").unwrap().user_id().unwrap(), "US.7001");
    /// ```
    #[must_use]
    pub fn from_user_id(user_id: &str) -> Option<Self> {
        Self::new(None, Some(user_id), None)
    }

    /// [`new`](Self::new) of ids that an object of Meta's has.
    pub(crate) fn from_parts(
        wa_id: Option<&WaId>,
        user_id: Option<&UserId>,
        parent_user_id: Option<&UserId>,
    ) -> Option<Self> {
        Self::from_ids(Ids {
            wa_id: wa_id.cloned(),
            user_id: user_id.cloned(),
            parent_user_id: parent_user_id.cloned(),
        })
    }

    pub(crate) fn from_ids(ids: Ids) -> Option<Self> {
        let mut wa_id = ids.wa_id.filter(|id| !id.as_str().is_empty());
        let mut user_id = ids.user_id.filter(|id| !id.as_str().is_empty());
        let parent_user_id = ids.parent_user_id.filter(|id| !id.as_str().is_empty());
        if let Some(id) = wa_id.as_ref().filter(|id| is_user_id(id.as_str())) {
            let id = UserId::from(id.as_str());
            // Two different ones are both kept: nothing is thrown away.
            if *user_id.get_or_insert_with(|| id.clone()) == id {
                wa_id = None;
            }
        }
        let names_someone = wa_id.is_some() || user_id.is_some() || parent_user_id.is_some();
        names_someone.then_some(Self {
            wa_id,
            user_id,
            parent_user_id,
        })
    }

    /// The phone number as text, when Meta shows it.
    ///
    /// ```
    /// use whatsapp_signals::model::Identity;
    ///
    /// assert_eq!(Identity::from_user_id("US.7001").unwrap().phone(), None);
    /// ```
    #[must_use]
    pub fn phone(&self) -> Option<&str> {
        let wa_id = self.wa_id.as_ref()?.as_str();
        (!is_user_id(wa_id)).then_some(wa_id)
    }

    /// What Meta gave as the user's WhatsApp id: the phone number, when it
    /// shows it.
    ///
    /// ```
    /// use whatsapp_signals::model::Identity;
    ///
    /// assert_eq!(Identity::from_phone("15550101001").unwrap().wa_id().unwrap(), "15550101001");
    /// ```
    #[must_use]
    pub fn wa_id(&self) -> Option<&WaId> {
        self.wa_id.as_ref()
    }

    /// The id within your business portfolio.
    ///
    /// ```
    /// use whatsapp_signals::model::Identity;
    ///
    /// let ada = Identity::new(Some("15550101001"), Some("US.7001"), None).unwrap();
    /// assert_eq!(ada.user_id().unwrap(), "US.7001");
    /// ```
    #[must_use]
    pub fn user_id(&self) -> Option<&UserId> {
        self.user_id.as_ref()
    }

    /// The id within the enterprise above your portfolio, where there is one.
    ///
    /// ```
    /// use whatsapp_signals::model::Identity;
    ///
    /// let ada = Identity::new(None, Some("US.7001"), Some("US.ENT.7009")).unwrap();
    /// assert_eq!(ada.parent_user_id().unwrap(), "US.ENT.7009");
    /// ```
    #[must_use]
    pub fn parent_user_id(&self) -> Option<&UserId> {
        self.parent_user_id.as_ref()
    }

    /// Whether both name one user: they share an id. A phone number counts only
    /// as long as their business-scoped user ids do not differ, since numbers
    /// change hands. Two that share none may still be one person, seen once by
    /// phone and once by user id.
    ///
    /// ```
    /// use whatsapp_signals::model::Identity;
    ///
    /// let before = Identity::new(Some("15550101001"), Some("US.7001"), None).unwrap();
    /// let after = Identity::new(Some("15550101001"), Some("US.7002"), None).unwrap();
    /// assert!(!before.is_same_user(&after), "the number has changed hands");
    /// ```
    #[must_use]
    pub fn is_same_user(&self, other: &Self) -> bool {
        fn shared<T: PartialEq>(a: Option<&T>, b: Option<&T>) -> bool {
            a.is_some() && a == b
        }
        shared(self.user_id(), other.user_id())
            || shared(self.parent_user_id(), other.parent_user_id())
            || (shared(self.wa_id(), other.wa_id()) && !self.is_other_user(other))
    }

    /// Whether the two are known to be two: both have a business-scoped user
    /// id, and not the same.
    pub(crate) fn is_other_user(&self, other: &Self) -> bool {
        let ids = (self.user_id(), other.user_id());
        matches!(ids, (Some(id), Some(other)) if id != other)
    }

    /// The same user with the ids of `other`, where it has none of its own.
    pub(crate) fn or(self, other: Self) -> Self {
        let both = Self::from_ids(Ids {
            wa_id: self.wa_id.clone().or(other.wa_id),
            user_id: self.user_id.clone().or(other.user_id),
            parent_user_id: self.parent_user_id.clone().or(other.parent_user_id),
        });
        both.unwrap_or(self)
    }

    /// The id of a kind.
    pub(crate) fn id(&self, kind: IdKind) -> Option<&str> {
        match kind {
            IdKind::Phone => self.wa_id.as_ref().map(WaId::as_str),
            IdKind::Parent => self.parent_user_id.as_ref().map(UserId::as_str),
            IdKind::User => self.user_id.as_ref().map(UserId::as_str),
        }
    }

    /// Every id that it has.
    pub(crate) fn ids(&self) -> impl Iterator<Item = &str> {
        [
            self.wa_id.as_ref().map(WaId::as_str),
            self.user_id.as_ref().map(UserId::as_str),
            self.parent_user_id.as_ref().map(UserId::as_str),
        ]
        .into_iter()
        .flatten()
    }
}

/// The kinds of ids, the best one last. Meta shows the phone number in one webhook of a user
/// and leaves it out of the next.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum IdKind {
    /// `wa_id`
    Phone,
    /// `parent_user_id`
    Parent,
    /// `user_id`
    User,
}

/// Two capital letters and a dot, as in `US.13491208655302741918`. No phone
/// number looks like that.
pub(crate) fn is_user_id(id: &str) -> bool {
    matches!(id.as_bytes(), [a, b, b'.', _, ..] if a.is_ascii_uppercase() && b.is_ascii_uppercase())
}

impl TryFrom<Ids> for Identity {
    type Error = &'static str;

    fn try_from(ids: Ids) -> Result<Self, Self::Error> {
        Self::from_ids(ids).ok_or("an identity needs at least one id")
    }
}
