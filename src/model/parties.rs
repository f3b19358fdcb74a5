//! The two sides of a message or a call, and the one of them that is the user.

use super::{Identity, Ids};

/// The ids of both sides. One of them is the business, which has a phone number and no
/// other id: business-scoped ids are the user's, wherever they stand.
#[derive(Default)]
pub(crate) struct Parties<'a> {
    pub(crate) from: Ids<'a>,
    pub(crate) to: Ids<'a>,
}

/// The numbers of both sides, as far as they are known.
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
    /// One or the other, to be decided for each item.
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

    /// Returns the side of the user: by the number of the user and of the business, as far
    /// as they are known, then by ids that a business cannot have, then by the `direction`
    /// that the item names.
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
            // From another than the user, and no number of the business to compare with.
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
    /// Whether each side may be the user: two numbers, of which none is known.
    pub(crate) fn is_either(&self, numbers: Numbers<'_>) -> bool {
        let has_number = |ids: &Ids<'_>| ids.wa_id.is_some() && !ids.has_scoped_id();
        let is_known = numbers.business.is_some() || numbers.user.is_some();
        !is_known && has_number(&self.from) && has_number(&self.to)
    }

    /// Whether a side is this number of the business.
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

impl Ids<'_> {
    /// Whether it has an id that a business cannot have.
    pub(crate) fn has_scoped_id(&self) -> bool {
        self.user_id.is_some() || self.parent_user_id.is_some()
    }
}

/// Whether two numbers are one, however they are written.
pub(crate) fn is_same_number(a: &str, b: &str) -> bool {
    let digits = |number: &str| {
        number
            .bytes()
            .filter(u8::is_ascii_digit)
            .collect::<Vec<_>>()
    };
    digits(a) == digits(b)
}
