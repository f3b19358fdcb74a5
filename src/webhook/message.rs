//! One item of `messages`.
//!
//! Its content is in the member that `type` names, which may stand before or
//! after it; so members are kept as text until the type is known, and those of
//! other names are never looked into.

use std::borrow::Cow;

use serde::Deserialize;
use serde_json::value::RawValue;

use super::events::Events;
use super::item::{FromItem, Item};
use super::split::{elements, members, object};
use super::strict::MAX_LIST;
use crate::event::{FlowCompleted, MessageEcho, MessageReceived, Reason, StandbyMessage};
use crate::model::object::option;
use crate::model::{
    Content, Context, Direction, Edit, EditedMessage, FlowResponse, GroupId, HistoryContext,
    Identity, Ids, Interactive, LogicalId, Message, MessageId, MetaError, NfmReply, OtherReply,
    Referral, Timestamp, UserId, WaId,
};

/// Declares a message as Meta writes it: the members that any may have, and
/// those of which `type` names one.
macro_rules! wire {
    ($($name:ident: $type:ty $(= $with:literal)?,)+ [$($kind:ident)+]) => {
        #[derive(Deserialize)]
        struct Wire<'a> {
            $(#[serde(default $(, deserialize_with = $with)?)] $name: Option<$type>,)+
            #[serde(default, borrow, rename = "type")]
            kind: Option<Cow<'a, str>>,
            $(#[serde(default, borrow)] $kind: Option<&'a RawValue>,)+
        }

        impl<'a> Wire<'a> {
            /// The member that `type` names, when it is there.
            fn member(&self) -> Option<&'a RawValue> {
                match self.kind.as_deref()? {
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
        text image audio video document sticker location contacts reaction interactive button
        order system edit revoke unsupported
    ]
}

/// Reads a message from a user.
pub(super) fn inbound(item: &RawValue) -> Result<Message, Reason> {
    let mut wire: Wire<'_> = object(item)?;
    let user = wire.sender();
    wire.into_message(Direction::Inbound, user)
}

/// A message that did not come from a user just now.
pub(super) struct Other {
    pub(super) message: Message,
    /// The business number that it came from, if it did.
    pub(super) from_number: Option<WaId>,
    pub(super) history_context: Option<HistoryContext>,
}

/// Reads a message that the business sent.
pub(super) fn echo(item: &RawValue) -> Result<Other, Reason> {
    let wire: Wire<'_> = object(item)?;
    wire.into_outbound(None)
}

/// Reads an old message, which may have gone either way, between the business
/// number and the user that the thread is with.
pub(super) fn old(
    item: &RawValue,
    business: Option<&str>,
    user: Option<&Identity>,
) -> Result<Other, Reason> {
    let mut wire: Wire<'_> = object(item)?;
    let is_from_business = match (&wire.from, business) {
        (Some(from), Some(business)) => is_same_number(from.as_str(), business),
        _ => false,
    };
    if is_from_business || wire.to.is_some() || wire.to_user_id.is_some() {
        return wire.into_outbound(user);
    }
    let history_context = wire.history_context.take();
    let user = match (wire.sender(), user) {
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

impl Wire<'_> {
    fn sender(&mut self) -> Option<Identity> {
        Identity::from_ids(Ids {
            wa_id: self.from.take(),
            user_id: self.from_user_id.take(),
            parent_user_id: self.from_parent_user_id.take(),
        })
    }

    fn into_outbound(mut self, user: Option<&Identity>) -> Result<Other, Reason> {
        let recipient = Identity::from_ids(Ids {
            wa_id: self.to.take(),
            user_id: self.to_user_id.take(),
            parent_user_id: self.to_parent_user_id.take(),
        });
        let from_number = self.from.take();
        let history_context = self.history_context.take();
        let user = recipient.or_else(|| user.cloned());
        Ok(Other {
            message: self.into_message(Direction::Outbound, user)?,
            from_number,
            history_context,
        })
    }

    fn into_message(self, direction: Direction, user: Option<Identity>) -> Result<Message, Reason> {
        let content = content(self.kind.as_deref(), self.member())?;
        let id = self.id.filter(|id| !id.as_str().is_empty());
        let id = id.ok_or_else(|| Reason::Missing("id".into()))?;
        let mut message = Message::new(id, direction, content);
        message.user = user;
        message.timestamp = self.timestamp;
        message.context = self.context;
        message.referral = self.referral;
        message.group_id = self.group_id;
        message.identity_key_hash = self.identity_key_hash;
        message.from_logical_id = self.from_logical_id;
        message.to_logical_id = self.to_logical_id;
        message.origin = self.origin;
        message.errors = self.errors.unwrap_or_default();
        Ok(message)
    }
}

/// A message, and the flow that it may submit.
impl FromItem for MessageReceived {
    fn read(events: &mut Events<'_>, item: &Item<'_, '_>) -> Result<(), Reason> {
        let message = inbound(item.json)?;
        let contact = item.contact(message.user.as_ref());
        let raw = events.raw(item.json);
        let flow = message.nfm_reply().map(|reply| {
            Ok(FlowCompleted {
                response: flow_response(&message, reply)?,
                message_id: message.id.clone(),
                user: message.user.clone(),
                timestamp: message.timestamp,
                contact: contact.clone(),
                account: item.account(),
                raw: raw.clone(),
            })
        });
        events.push(MessageReceived {
            message,
            contact,
            conversation_context: item.around.conversation_context.clone(),
            account: item.account(),
            raw,
        });
        // Only now: an answer that cannot be read costs the flow, not the message.
        if let Some(flow) = flow.transpose()? {
            events.push(flow);
        }
        Ok(())
    }
}

impl FromItem for StandbyMessage {
    fn read(events: &mut Events<'_>, item: &Item<'_, '_>) -> Result<(), Reason> {
        let message = inbound(item.json)?;
        let raw = events.raw(item.json);
        events.push(StandbyMessage {
            contact: item.contact(message.user.as_ref()),
            message,
            account: item.account(),
            raw,
        });
        Ok(())
    }
}

impl FromItem for MessageEcho {
    fn read(events: &mut Events<'_>, item: &Item<'_, '_>) -> Result<(), Reason> {
        let echo = echo(item.json)?;
        let raw = events.raw(item.json);
        events.push(MessageEcho {
            contact: item.contact(echo.message.user.as_ref()),
            message: echo.message,
            from_number: echo.from_number,
            account: item.account(),
            raw,
        });
        Ok(())
    }
}

/// Reads a content of type `kind` from the member of that name.
fn content(kind: Option<&str>, member: Option<&RawValue>) -> Result<Content, Reason> {
    let kind = kind.ok_or_else(|| Reason::Missing("type".into()))?;
    let required = || member.ok_or_else(|| Reason::Missing(kind.into()));
    Ok(match kind {
        "text" => Content::Text(object(required()?)?),
        "image" => Content::Image(object(required()?)?),
        "audio" => Content::Audio(object(required()?)?),
        "video" => Content::Video(object(required()?)?),
        "document" => Content::Document(object(required()?)?),
        "sticker" => Content::Sticker(object(required()?)?),
        "location" => Content::Location(object(required()?)?),
        "contacts" => {
            let cards = elements(required()?)?;
            if cards.len() > MAX_LIST {
                return Err(Reason::Malformed);
            }
            Content::Contacts(cards.into_iter().map(object).collect::<Result<_, _>>()?)
        }
        "reaction" => Content::Reaction(object(required()?)?),
        "interactive" => Content::Interactive(Box::new(interactive(required()?)?)),
        "button" => Content::Button(object(required()?)?),
        "order" => Content::Order(object(required()?)?),
        "system" => Content::System(Box::new(object(required()?)?)),
        "edit" => Content::Edit(Box::new(edit(required()?)?)),
        "revoke" => Content::Revoke(object(required()?)?),
        "request_welcome" => Content::RequestWelcome,
        "media_placeholder" => Content::MediaPlaceholder,
        // The older `unknown` has its reason in `errors` alone.
        "unsupported" | "unknown" => {
            Content::Unsupported(member.map(object).transpose()?.unwrap_or_default())
        }
        unknown => return Err(Reason::UnknownType(unknown.into())),
    })
}

fn interactive(item: &RawValue) -> Result<Interactive, Reason> {
    let (kind, member) = tagged(item)?;
    let required = || member.ok_or_else(|| Reason::Missing((&*kind).into()));
    Ok(match &*kind {
        "button_reply" => Interactive::ButtonReply(object(required()?)?),
        "list_reply" => Interactive::ListReply(object(required()?)?),
        "nfm_reply" => Interactive::NfmReply(nfm_reply(required()?)?),
        "call_permission_reply" => Interactive::CallPermissionReply(object(required()?)?),
        "product" => Interactive::Product(object(required()?)?),
        "payment_method" => Interactive::PaymentMethod(object(required()?)?),
        other => Interactive::Other(OtherReply {
            content: member.map(object).transpose()?,
            kind: other.into(),
        }),
    })
}

/// `response_json` is JSON in a string; should it come as the JSON itself,
/// that is as good.
fn nfm_reply(item: &RawValue) -> Result<NfmReply, Reason> {
    #[derive(Deserialize)]
    struct Wire<'a> {
        #[serde(default)]
        name: Option<Box<str>>,
        #[serde(default)]
        body: Option<Box<str>>,
        #[serde(default, borrow)]
        response_json: Option<&'a RawValue>,
    }
    let wire: Wire<'_> = object(item)?;
    let response = wire
        .response_json
        .ok_or_else(|| Reason::Missing("response_json".into()))?;
    let response_json = if response.get().starts_with('"') {
        serde_json::from_str(response.get()).map_err(|_| Reason::Malformed)?
    } else {
        response.get().into()
    };
    Ok(NfmReply {
        name: wire.name,
        body: wire.body,
        response_json,
    })
}

fn edit(item: &RawValue) -> Result<Edit, Reason> {
    #[derive(Deserialize)]
    struct Wire<'a> {
        original_message_id: MessageId,
        #[serde(borrow)]
        message: &'a RawValue,
    }
    let wire: Wire<'_> = object(item)?;
    let [context] = members(wire.message, ["context"])?.known;
    let (kind, member) = tagged(wire.message)?;
    // What is edited is a message that was sent, and never an edit in an edit
    // in an edit, which would end with the stack.
    if matches!(&*kind, "edit" | "revoke") {
        return Err(Reason::UnknownType(kind.into()));
    }
    Ok(Edit {
        original_message_id: wire.original_message_id,
        message: EditedMessage {
            content: content(Some(&kind), member)?,
            context: context.map(object).transpose()?,
        },
    })
}

/// Splits an item into its `type` and the member of that name.
fn tagged(item: &RawValue) -> Result<(Cow<'_, str>, Option<&RawValue>), Reason> {
    let members = members(item, ["type"])?;
    let [kind] = members.known;
    let kind = kind.ok_or_else(|| Reason::Missing("type".into()))?;
    let kind: Cow<'_, str> = serde_json::from_str(kind.get()).map_err(|_| Reason::Malformed)?;
    let mut named = members
        .unknown
        .into_iter()
        .filter(|(name, _)| *name == kind);
    let member = named.next().map(|(_, member)| member);
    if named.next().is_some() {
        return Err(Reason::Duplicate(kind.into()));
    }
    Ok((kind, member.filter(|member| member.get() != "null")))
}

/// What an `nfm_reply` submits, ready to use.
fn flow_response(message: &Message, reply: &NfmReply) -> Result<FlowResponse, Reason> {
    let mut response =
        FlowResponse::from_response_json(&reply.response_json).map_err(|_| Reason::Malformed)?;
    response.name.clone_from(&reply.name);
    response.body.clone_from(&reply.body);
    response.reply_to = message.reply_to().cloned();
    Ok(response)
}
