//! One item of `messages`.
//!
//! Its content is in the member that `type` names, which may stand before or
//! after it; so members are kept as text until the type is known, and those of
//! other names are never looked into. Where a message is read as it is gone
//! through, `text` is read at once, since most are texts; if it does not fit, the
//! message is read once more, with that as text too.

use serde::Deserialize;

use super::content::{content, media};
use super::lenient::Omissions;
use super::piece::Piece;
use super::split::Name;
use crate::event::Reason;
use crate::model::object::option;
use crate::model::{
    Content, Context, Direction, GroupId, HistoryContext, Identity, Ids, LogicalId, Media, Message,
    MessageId, MetaError, Numbers, Parties, Referral, Text, Timestamp, UserId, UserSide, WaId,
};

/// Declares a message as Meta writes it: the members that any may have, and
/// those of which `type` names one.
macro_rules! wire {
    ($($name:ident: $type:ty,)+ [$($kind:ident)+]) => {
        #[derive(Deserialize)]
        #[serde(bound(deserialize = "T: Deserialize<'de>"))]
        pub(super) struct Wire<'a, T> {
            $(#[serde(default, deserialize_with = "option")] $name: Option<$type>,)+
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
    timestamp: Timestamp,
    context: Box<Context>,
    referral: Box<Referral>,
    group_id: GroupId,
    identity_key_hash: Box<str>,
    from_logical_id: LogicalId,
    to_logical_id: LogicalId,
    origin: Box<str>,
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
pub(super) trait TextMember<'a> {
    fn read(self, omitted: &mut Omissions<'a>) -> Result<Text, Reason>;
}

impl<'a> TextMember<'a> for Text {
    fn read(self, _: &mut Omissions<'a>) -> Result<Text, Reason> {
        Ok(self)
    }
}

/// One that is kept as text.
impl<'a> TextMember<'a> for Piece<'a> {
    fn read(self, omitted: &mut Omissions<'a>) -> Result<Text, Reason> {
        omitted.read(self)
    }
}

/// A message, of which nothing but the envelope has to fit.
type Lenient<'a> = Wire<'a, Piece<'a>>;

/// Reads a message from a user.
pub(super) fn inbound<'a>(item: Piece<'a>, omitted: &mut Omissions<'a>) -> Result<Message, Reason> {
    let wire: Lenient<'_> = omitted.read(item)?;
    wire.into_inbound(item, omitted)
}

/// A message that did not come from a user just now.
pub(super) struct Other {
    pub(super) message: Message,
    /// The business number that it came from, if it did.
    pub(super) from_number: Option<WaId>,
    pub(super) history_context: Option<HistoryContext>,
}

/// Reads a message that the business sent.
pub(super) fn echo<'a>(item: Piece<'a>, omitted: &mut Omissions<'a>) -> Result<Other, Reason> {
    let mut wire: Lenient<'_> = omitted.read(item)?;
    let parties = wire.parties();
    wire.into_other(item, omitted, parties, UserSide::To, None)
}

/// Reads an old message, which may have gone either way, between these numbers, in the
/// thread with this user.
pub(super) fn old<'a>(
    item: Piece<'a>,
    omitted: &mut Omissions<'a>,
    numbers: Numbers<'_>,
    user: Option<&Identity>,
) -> Result<Other, Reason> {
    let mut wire: Lenient<'_> = omitted.read(item)?;
    let parties = wire.parties();
    let side = parties.side(None, numbers);
    wire.into_other(item, omitted, parties, side, user)
}

impl<'a, T: TextMember<'a>> Wire<'a, T> {
    fn parties(&mut self) -> Parties {
        Parties {
            from: Ids {
                wa_id: self.from.take(),
                user_id: self.from_user_id.take(),
                parent_user_id: self.from_parent_user_id.take(),
            },
            to: Ids {
                wa_id: self.to.take(),
                user_id: self.to_user_id.take(),
                parent_user_id: self.to_parent_user_id.take(),
            },
        }
    }

    pub(super) fn into_inbound(
        mut self,
        item: Piece<'a>,
        omitted: &mut Omissions<'a>,
    ) -> Result<Message, Reason> {
        let user = self.parties().user(UserSide::From);
        self.into_message(item, omitted, Direction::Inbound, user)
    }

    /// Makes a message of which `side` is the user, or else the user of its thread.
    fn into_other(
        mut self,
        item: Piece<'a>,
        omitted: &mut Omissions<'a>,
        parties: Parties,
        side: UserSide,
        thread: Option<&Identity>,
    ) -> Result<Other, Reason> {
        let (direction, from_number) = match side {
            UserSide::To => (Direction::Outbound, parties.from.wa_id.clone()),
            _ => (Direction::Inbound, None),
        };
        let user = match (parties.user(side), thread) {
            (Some(user), Some(thread)) if user.is_same_user(thread) => {
                Some(user.or(thread.clone()))
            }
            (user, thread) => user.or_else(|| thread.cloned()),
        };
        let history_context = self.history_context.take();
        Ok(Other {
            message: self.into_message(item, omitted, direction, user)?,
            from_number,
            history_context,
        })
    }

    fn into_message(
        mut self,
        item: Piece<'a>,
        omitted: &mut Omissions<'a>,
        direction: Direction,
        user: Option<Identity>,
    ) -> Result<Message, Reason> {
        let errors = self.errors.take().unwrap_or_default();
        let text = self.text.take();
        let content = match (self.kind(), text) {
            (Some("text"), Some(text)) => Content::Text(text.read(omitted)?),
            (Some(kind), _) => {
                let read = content(item, kind, self.member(), omitted);
                match (read, media(kind), self.member()) {
                    // A medium that Meta could not download: the errors say why.
                    (Err(reason), Some(media), member) if has_errors(&errors, item, omitted) => {
                        if let Some(member) = member {
                            omitted.add(item, kind, member, reason);
                        }
                        media(Media::default())
                    }
                    (Err(Reason::Missing(name)), ..) => return Err(omitted.missing(item, &name)),
                    (read, ..) => read?,
                }
            }
            (None, _) => return Err(omitted.missing(item, "type")),
        };
        let id = self.id.filter(|id| !id.as_str().is_empty());
        let id = id.ok_or_else(|| omitted.missing(item, "id"))?;
        // Without it, a group's message would be one of a conversation.
        omitted.check(item, "group_id")?;
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
            errors,
        })
    }
}

/// Whether a message has errors, be they malformed.
fn has_errors(errors: &[MetaError], item: Piece<'_>, omitted: &Omissions<'_>) -> bool {
    !errors.is_empty() || omitted.check(item, "errors").is_err()
}
