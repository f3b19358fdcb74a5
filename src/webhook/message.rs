//! The items of `messages` and `message_echoes`.

use std::mem;
use std::sync::Arc;

use super::event_sink::EventSink;
use super::item::{ChangeContext, Item, ItemContext};
use super::item_kind::FromItem;
use crate::Context;
use crate::event::{Event, FlowCompleted, MessageEcho, MessageReceived, Reason, StandbyMessage};
use crate::json::object::{ReadMembers, members};
use crate::json::stored::FromMeta;
use crate::json::{Fault, Node, Omissions, Path};
use crate::model::{
    Candidates, Contact, Content, ContentReader, Direction, FlowResponse, GroupId, HistoryContext,
    IdText, Identity, Ids, LogicalId, Message, MessageContext, MessageId, MetaError, NfmReply,
    Numbers, Parties, Referral, System, Tagged, Timestamp, TypeText, UserSide, WaId, type_of,
};

members! {
    /// The members of messages of all types.
    struct Members<'a> {
        from: IdText<'a>,
        id: MessageId,
        timestamp: Timestamp,
        kind = "type": TypeText<'a>,
        from_user_id: IdText<'a>,
        from_parent_user_id: IdText<'a>,
        context: Box<MessageContext>,
        referral: Box<Referral>,
        group_id: GroupId,
        identity_key_hash: Box<str>,
        from_logical_id: LogicalId,
        to_logical_id: LogicalId,
        origin: Box<str>,
        errors: Vec<MetaError>,
        to: IdText<'a>,
        to_user_id: IdText<'a>,
        to_parent_user_id: IdText<'a>,
        history_context: HistoryContext,
    }
}

/// A message while its members are read, in place: to return it from the function that reads it
/// costs 140 instructions.
struct PartialMessage<'a> {
    item: Node<'a>,
    read_content: ContentReader,
    members: Members<'a>,
    /// The members of other names, which may be the content.
    others: Candidates<'a>,
}

/// Returns the function that reads the content of a message, by its type. The type comes first:
/// the other members of a message of an unknown type are not read.
#[inline]
fn content_reader(item: Node<'_>) -> Result<ContentReader, Fault> {
    let kind = item.get("type").and_then(Node::plain_text);
    match kind.and_then(|kind| Content::reader(kind).ok()) {
        Some(reader) => Ok(reader),
        None => Content::reader(&type_of(item)?),
    }
}

/// A message, with members of outbound and historic messages only.
pub(super) struct MessageParts {
    pub(super) message: Message,
    /// The number of the business; `None` for an inbound message.
    pub(super) from_number: Option<WaId>,
    pub(super) history_context: Option<HistoryContext>,
}

/// Reads a message from the business.
fn read_outbound<'a>(item: Node<'a>, omitted: &mut Omissions<'a>) -> Result<MessageParts, Fault> {
    let mut partial = PartialMessage::new(item, content_reader(item)?);
    partial.read_members(omitted)?;
    let parties = partial.parties();
    partial.into_parts(omitted, parties, UserSide::To, None)
}

/// Reads a message of a past conversation, from or to the business. `numbers` are the known numbers
/// of both sides, and `user` is the user of the thread.
pub(super) fn read_historic<'a>(
    item: Node<'a>,
    omitted: &mut Omissions<'a>,
    numbers: Numbers<'_>,
    user: Option<&Identity>,
) -> Result<MessageParts, Fault> {
    let mut partial = PartialMessage::new(item, content_reader(item)?);
    partial.read_members(omitted)?;
    let parties = partial.parties();
    let side = parties.side(None, numbers);
    partial.into_parts(omitted, parties, side, user)
}

/// A message outside of a webhook. A message with a recipient is outbound.
impl FromMeta for Message {
    const STORED: &'static [&'static str] = &["direction", "content"];

    fn from_meta<'a>(object: Node<'a>, omitted: &mut Omissions<'a>) -> Result<Self, Fault> {
        let mut partial = PartialMessage::new(object, content_reader(object)?);
        partial.read_members(omitted)?;
        let parties = partial.parties();
        let names_recipient = parties.to.wa_id.is_some() || parties.to.has_scoped_id();
        let direction = if names_recipient {
            UserSide::To
        } else {
            UserSide::From
        };
        let side = parties.side(Some(direction), Numbers::default());
        let mut message = partial.into_parts(omitted, parties, side, None)?.message;
        if side == UserSide::From
            && let Content::System(system) = &message.content
        {
            let change = ChangeContext::default();
            let context = ItemContext::alone(&change);
            let item = Item::new(object, 0, Path::root("message"), &context);
            let is_group = message.group_id.is_some();
            (message.user, _) = user_of_system(&item, is_group, message.user.take(), system);
        }
        Ok(message)
    }
}

impl<'a> PartialMessage<'a> {
    #[inline]
    fn new(item: Node<'a>, read_content: ContentReader) -> Self {
        Self {
            item,
            read_content,
            members: Members::default(),
            others: Candidates::new(),
        }
    }

    #[inline]
    fn read_members(&mut self, omitted: &mut Omissions<'a>) -> Result<(), Fault> {
        let others = &mut self.others;
        let members = &mut self.members;
        members.read_and(self.item, omitted, |member| others.push(member))
    }

    /// Takes the ids of both sides.
    #[inline]
    fn parties(&mut self) -> Parties<'a> {
        Parties {
            from: Ids {
                wa_id: self.members.from.take(),
                user_id: self.members.from_user_id.take(),
                parent_user_id: self.members.from_parent_user_id.take(),
            },
            to: Ids {
                wa_id: self.members.to.take(),
                user_id: self.members.to_user_id.take(),
                parent_user_id: self.members.to_parent_user_id.take(),
            },
        }
    }

    /// Reads the required parts of a message from a user.
    #[inline]
    fn read_inbound(
        &mut self,
        item: &Item<'_, 'a>,
        omitted: &mut Omissions<'a>,
    ) -> Result<Inbound, Fault> {
        self.read_members(omitted)?;
        let sender = item.identity(&self.parties().ids(UserSide::From));
        let (id, content) = self.read_content(omitted)?;
        let is_group = self.members.group_id.is_some();
        let (user, contact) = if let Content::System(system) = &content {
            user_of_system(item, is_group, sender, system)
        } else {
            let contact = item.contact_in(is_group, sender.as_ref());
            (sender, contact)
        };
        Ok(Inbound {
            id,
            content,
            user,
            contact,
        })
    }

    /// Returns the message. The user is on this side; without ids there, the user of the thread.
    fn into_parts(
        mut self,
        omitted: &mut Omissions<'a>,
        parties: Parties<'a>,
        side: UserSide,
        thread: Option<&Identity>,
    ) -> Result<MessageParts, Fault> {
        let (direction, from_number) = match side {
            UserSide::To => (
                Direction::Outbound,
                parties.from.wa_id.as_deref().map(WaId::from),
            ),
            _ => (Direction::Inbound, None),
        };
        let user = match (parties.user(side), thread) {
            (Some(user), Some(thread)) if user.is_same_user(thread) => {
                Some(user.completed_by(thread))
            }
            (user, thread) => user.or_else(|| thread.cloned()),
        };
        let (id, content) = self.read_content(omitted)?;
        Ok(MessageParts {
            from_number,
            history_context: self.members.history_context.take(),
            message: self.into_message(id, content, direction, user),
        })
    }

    /// Reads the content, and returns it with the id of the message.
    ///
    /// # Errors
    ///
    /// The fault of a required part.
    #[inline]
    fn read_content(&mut self, omitted: &mut Omissions<'a>) -> Result<(MessageId, Content), Fault> {
        let item = self.item;
        let kind = self.members.kind.take();
        let TypeText(kind) = kind.ok_or_else(|| omitted.missing(item, "type"))?;
        let tagged = Tagged {
            object: item,
            kind,
            members: mem::take(&mut self.others),
        };
        let content = (self.read_content)(&tagged, omitted)?;
        let id = self.members.id.take();
        let id = id.filter(|id| !id.as_str().is_empty());
        let id = id.ok_or_else(|| omitted.missing(item, "id"))?;
        // An omitted `group_id` would turn a group's message into one of a conversation.
        omitted.check(item, "group_id")?;
        Ok((id, content))
    }

    /// Returns the message of the required parts and the optional members.
    #[inline(always)]
    #[allow(
        clippy::inline_always,
        reason = "makes the message in its event: a move of 336 bytes just after they were \
                  written is slow"
    )]
    fn into_message(
        self,
        id: MessageId,
        content: Content,
        direction: Direction,
        user: Option<Identity>,
    ) -> Message {
        let members = self.members;
        Message {
            id,
            direction,
            user,
            timestamp: members.timestamp,
            status: None,
            content,
            context: members.context,
            referral: members.referral,
            group_id: members.group_id,
            identity_key_hash: members.identity_key_hash,
            from_logical_id: members.from_logical_id,
            to_logical_id: members.to_logical_id,
            origin: members.origin,
            errors: members.errors.unwrap_or_default(),
        }
    }
}

/// The required parts of a message from a user.
struct Inbound {
    id: MessageId,
    content: Content,
    user: Option<Identity>,
    contact: Option<Arc<Contact>>,
}

/// Returns the user and the contact of a system message, which reports the change of an id. The
/// user has the previous ids, which may be in the contact only, and the contact may have the new
/// ids.
fn user_of_system(
    item: &Item<'_, '_>,
    is_group: bool,
    sender: Option<Identity>,
    system: &System,
) -> (Option<Identity>, Option<Arc<Contact>>) {
    let find = |user: Option<&Identity>| item.contact_in(is_group, user);
    if let Some(previous) = system.previous(sender.as_ref()) {
        let current = || find(Some(&system.current(&previous)?));
        let contact = find(Some(&previous)).or_else(current);
        return (Some(previous), contact);
    }
    let contact = find(None).or_else(|| find(system.new_user().as_ref()));
    let identity = contact.as_ref().map(|contact| &contact.identity);
    let user = system.previous(identity).or(sender);
    (user.or_else(|| system.new_user()), contact)
}

/// A message, and the completed flow of a flow's reply.
impl FromItem for MessageReceived {
    const SIDE: UserSide = UserSide::From;

    fn has_receivers(context: &Context) -> bool {
        let of_flow = FlowCompleted::signal().with(context);
        Self::signal().with(context).has_receivers() || of_flow.has_receivers()
    }

    fn add_events<'a>(
        events: &mut EventSink<'_>,
        item: &Item<'_, 'a>,
    ) -> Result<Omissions<'a>, Reason> {
        let mut omitted = Omissions::default();
        let mut partial = PartialMessage::new(item.json, content_reader(item.json)?);
        let inbound = partial.read_inbound(item, &mut omitted)?;
        let raw = events.raw(item.json);
        let flow = inbound.content.nfm_reply().map(|reply| {
            let context = partial.members.context.as_deref();
            let reply_to = context.and_then(|context| context.id.clone());
            Ok::<_, Fault>(FlowCompleted {
                response: parse_flow_response(reply, reply_to)?,
                message_id: inbound.id.clone(),
                user: inbound.user.clone(),
                timestamp: partial.members.timestamp,
                contact: inbound.contact.clone(),
                account: item.account(),
                raw: raw.clone(),
                known_as: None,
            })
        });
        let Inbound {
            id,
            content,
            user,
            contact,
        } = inbound;
        events.push(MessageReceived {
            message: partial.into_message(id, content, Direction::Inbound, user),
            contact,
            conversation_context: item.context.conversation_context.clone(),
            account: item.account(),
            raw,
            known_as: None,
        });
        // The flow follows its message, which a malformed answer does not affect.
        match flow {
            Some(Ok(flow)) => events.push(flow),
            Some(Err(fault)) => events.report_item(item, UserSide::From, fault),
            None => {}
        }
        Ok(omitted)
    }
}

/// Parses the answers in a flow's reply.
fn parse_flow_response(
    reply: &NfmReply,
    reply_to: Option<MessageId>,
) -> Result<FlowResponse, Fault> {
    let json = reply.response_json.as_deref();
    let json = json.ok_or_else(|| Fault::Missing("response_json".into()))?;
    let mut response = FlowResponse::from_response_json(json).map_err(|_| Fault::Malformed)?;
    response.name.clone_from(&reply.name);
    response.body.clone_from(&reply.body);
    response.reply_to = reply_to;
    Ok(response)
}

impl FromItem for StandbyMessage {
    const SIDE: UserSide = UserSide::From;

    fn add_events<'a>(
        events: &mut EventSink<'_>,
        item: &Item<'_, 'a>,
    ) -> Result<Omissions<'a>, Reason> {
        let mut omitted = Omissions::default();
        let mut partial = PartialMessage::new(item.json, content_reader(item.json)?);
        let Inbound {
            id,
            content,
            user,
            contact,
        } = partial.read_inbound(item, &mut omitted)?;
        let raw = events.raw(item.json);
        events.push(StandbyMessage {
            message: partial.into_message(id, content, Direction::Inbound, user),
            contact,
            account: item.account(),
            raw,
            known_as: None,
        });
        Ok(omitted)
    }
}

impl FromItem for MessageEcho {
    const SIDE: UserSide = UserSide::To;

    fn add_events<'a>(
        events: &mut EventSink<'_>,
        item: &Item<'_, 'a>,
    ) -> Result<Omissions<'a>, Reason> {
        let mut omitted = Omissions::default();
        let outbound = read_outbound(item.json, &mut omitted)?;
        let (is_group, user) = {
            let message = &outbound.message;
            (message.group_id.is_some(), message.user.as_ref())
        };
        let raw = events.raw(item.json);
        events.push(MessageEcho {
            contact: item.contact_in(is_group, user),
            message: outbound.message,
            from_number: outbound.from_number,
            account: item.account(),
            raw,
            known_as: None,
        });
        Ok(omitted)
    }
}
