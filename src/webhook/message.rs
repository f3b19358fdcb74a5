//! One item of `messages`.
//!
//! Its content is in the member that `type` names, which may stand before or
//! after it; so members are kept as text until the type is known, and those of
//! other names are never looked into. Where a message is read as it is gone
//! through, `text` is read at once, since most are texts; if it does not fit, the
//! message is read once more, with that as text too.

use serde::Deserialize;

use super::content::content;
use super::piece::Piece;
use super::split::{Name, object};
use crate::event::Reason;
use crate::model::object::option;
use crate::model::{
    Content, Context, Direction, GroupId, HistoryContext, Identity, Ids, LogicalId, Message,
    MessageId, MetaError, Referral, Text, Timestamp, UserId, WaId,
};

/// Declares a message as Meta writes it: the members that any may have, and
/// those of which `type` names one.
macro_rules! wire {
    ($($name:ident: $type:ty $(= $with:literal)?,)+ [$($kind:ident)+]) => {
        #[derive(Deserialize)]
        #[serde(bound(deserialize = "T: Deserialize<'de>"))]
        pub(super) struct Wire<'a, T> {
            $(#[serde(default $(, deserialize_with = $with)?)] $name: Option<$type>,)+
            #[serde(default, borrow, rename = "type")]
            kind: Option<Name<'a>>,
            #[serde(default)]
            text: Option<T>,
            $(#[serde(default, borrow)] $kind: Option<Piece<'a>>,)+
        }

        impl<'a, T> Wire<'a, T> {
            fn kind(&self) -> Option<&str> {
                self.kind.as_ref().map(|Name(kind)| &**kind)
            }

            /// The member that `type` names, when it is there; `text` aside.
            fn member(&self) -> Option<Piece<'a>> {
                match self.kind()? {
                    $(stringify!($kind) => self.$kind,)+
                    _ => None,
                }
            }
        }
    };
}

wire! {
    id: MessageId,
    from: WaId,
    from_user_id: UserId,
    from_parent_user_id: UserId,
    timestamp: Timestamp = "option",
    context: Box<Context>,
    referral: Box<Referral>,
    group_id: GroupId,
    identity_key_hash: Box<str> = "option",
    from_logical_id: LogicalId,
    to_logical_id: LogicalId,
    origin: Box<str> = "option",
    errors: Vec<MetaError>,
    to: WaId,
    to_user_id: UserId,
    to_parent_user_id: UserId,
    history_context: HistoryContext,
    [
        image audio video document sticker location contacts reaction interactive button
        order system edit revoke unsupported
    ]
}

/// The member `text`.
pub(super) trait TextMember {
    fn read(self) -> Result<Text, Reason>;
}

impl TextMember for Text {
    fn read(self) -> Result<Text, Reason> {
        Ok(self)
    }
}

/// One that is kept as text.
impl TextMember for Piece<'_> {
    fn read(self) -> Result<Text, Reason> {
        object(self)
    }
}

/// A message, of which nothing but the envelope has to fit.
type Lenient<'a> = Wire<'a, Piece<'a>>;

/// Reads a message from a user.
pub(super) fn inbound(item: Piece<'_>) -> Result<Message, Reason> {
    object(item).and_then(Lenient::into_inbound)
}

/// A message that did not come from a user just now.
pub(super) struct Other {
    pub(super) message: Message,
    /// The business number that it came from, if it did.
    pub(super) from_number: Option<WaId>,
    pub(super) history_context: Option<HistoryContext>,
}

/// Reads a message that the business sent.
pub(super) fn echo(item: Piece<'_>) -> Result<Other, Reason> {
    let wire: Lenient<'_> = object(item)?;
    wire.into_outbound(None)
}

/// Reads an old message, which may have gone either way, between the business
/// number and the user that the thread is with.
pub(super) fn old(
    item: Piece<'_>,
    business: Option<&str>,
    user: Option<&Identity>,
) -> Result<Other, Reason> {
    let mut wire: Lenient<'_> = object(item)?;
    if wire.is_outbound(business, user.and_then(Identity::phone)) {
        return wire.into_outbound(user);
    }
    let history_context = wire.history_context.take();
    let sender = wire.sender();
    let user = match (sender, user) {
        (Some(sender), Some(user)) if sender.is_same_user(user) => Some(sender.or(user.clone())),
        (sender, user) => sender.or_else(|| user.cloned()),
    };
    Ok(Other {
        message: wire.into_message(Direction::Inbound, user)?,
        from_number: None,
        history_context,
    })
}

/// Whether two numbers are one, however people write it.
fn is_same_number(a: &str, b: &str) -> bool {
    let digits = |number: &str| {
        number
            .bytes()
            .filter(u8::is_ascii_digit)
            .collect::<Vec<_>>()
    };
    digits(a) == digits(b)
}

impl<T: TextMember> Wire<'_, T> {
    /// Which way an old message went: by the number that it is from, or else by
    /// whether it names a recipient.
    fn is_outbound(&self, business: Option<&str>, user: Option<&str>) -> bool {
        let is = |number: &Option<WaId>, other: Option<&str>| match (number, other) {
            (Some(number), Some(other)) => Some(is_same_number(number.as_str(), other)),
            _ => None,
        };
        match (is(&self.from, user), is(&self.from, business)) {
            (Some(true), _) => false,
            // Without the business number: from another than the thread's user.
            (_, Some(true)) | (Some(false), None) => true,
            _ => self.to_user_id.is_some() || is(&self.to, business) == Some(false),
        }
    }

    fn sender(&mut self) -> Option<Identity> {
        Identity::from_ids(Ids {
            wa_id: self.from.take(),
            user_id: self.from_user_id.take(),
            parent_user_id: self.from_parent_user_id.take(),
        })
    }

    fn into_outbound(mut self, user: Option<&Identity>) -> Result<Other, Reason> {
        // A business has no such ids: wherever they stand, they are the user's.
        let (from, from_parent) = (self.from_user_id.take(), self.from_parent_user_id.take());
        let recipient = Identity::from_ids(Ids {
            wa_id: self.to.take(),
            user_id: self.to_user_id.take().or(from),
            parent_user_id: self.to_parent_user_id.take().or(from_parent),
        });
        let from_number = self.from.take();
        let history_context = self.history_context.take();
        let user = match (recipient, user) {
            (Some(to), Some(user)) if to.is_same_user(user) => Some(to.or(user.clone())),
            (to, user) => to.or_else(|| user.cloned()),
        };
        Ok(Other {
            message: self.into_message(Direction::Outbound, user)?,
            from_number,
            history_context,
        })
    }

    pub(super) fn into_inbound(mut self) -> Result<Message, Reason> {
        let user = self.sender();
        self.into_message(Direction::Inbound, user)
    }

    fn into_message(
        mut self,
        direction: Direction,
        user: Option<Identity>,
    ) -> Result<Message, Reason> {
        let text = self.text.take();
        let content = match self.kind() {
            Some("text") => {
                let text = text.ok_or_else(|| Reason::Missing("text".into()))?;
                Content::Text(text.read()?)
            }
            kind => content(kind, self.member())?,
        };
        let id = self.id.filter(|id| !id.as_str().is_empty());
        let id = id.ok_or_else(|| Reason::Missing("id".into()))?;
        Ok(Message {
            id,
            direction,
            user,
            timestamp: self.timestamp,
            status: None,
            content,
            context: self.context,
            referral: self.referral,
            group_id: self.group_id,
            identity_key_hash: self.identity_key_hash,
            from_logical_id: self.from_logical_id,
            to_logical_id: self.to_logical_id,
            origin: self.origin,
            errors: self.errors.unwrap_or_default(),
        })
    }
}
