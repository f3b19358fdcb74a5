//! Items of `messages` and `message_echoes`, and the events that they become.

use std::sync::Arc;

use super::events::Events;
use super::item::{FromItem, Item};
use crate::Context;
use crate::event::{Event, FlowCompleted, MessageEcho, MessageReceived, Reason, StandbyMessage};
use crate::json::object::members;
use crate::json::{Fault, Node, Omissions};
use crate::model::{
    Candidates, Contact, Content, Direction, FlowResponse, GroupId, HistoryContext, Identity, Ids,
    LogicalId, Message, MessageContext, MessageId, MetaError, NfmReply, Numbers, Parties, Referral,
    Tagged, Timestamp, UserId, UserSide, WaId,
};

members! {
    /// The members that a message of any type may have.
    struct Members {
        from: WaId,
        id: MessageId,
        timestamp: Timestamp,
        from_user_id: UserId,
        from_parent_user_id: UserId,
        context: Box<MessageContext>,
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
    }
}

/// Reads a message from a user.
fn parse_inbound<'a>(item: Node<'a>, omitted: &mut Omissions<'a>) -> Result<Message, Fault> {
    let (mut members, mut others) = (Members::default(), Candidates::new());
    members.read_and(item, omitted, |member| others.push(member))?;
    let user = members.parties().user(UserSide::From);
    members.into_message(item, others, omitted, Direction::Inbound, user)
}

/// A message, and its members that only a message of the business or an old one has.
pub(super) struct ParsedMessage {
    pub(super) message: Message,
    /// The number of the business, if the business sent the message.
    pub(super) from_number: Option<WaId>,
    pub(super) history_context: Option<HistoryContext>,
}

/// Reads a message that the business sent.
fn parse_outbound<'a>(item: Node<'a>, omitted: &mut Omissions<'a>) -> Result<ParsedMessage, Fault> {
    let (mut members, mut others) = (Members::default(), Candidates::new());
    members.read_and(item, omitted, |member| others.push(member))?;
    let parties = members.parties();
    members.into_parsed(item, others, omitted, parties, UserSide::To, None)
}

/// Reads an old message, which may have gone either way, between these numbers, in the thread
/// with this user.
pub(super) fn parse_historic<'a>(
    item: Node<'a>,
    omitted: &mut Omissions<'a>,
    numbers: Numbers<'_>,
    user: Option<&Identity>,
) -> Result<ParsedMessage, Fault> {
    let (mut members, mut others) = (Members::default(), Candidates::new());
    members.read_and(item, omitted, |member| others.push(member))?;
    let parties = members.parties();
    let side = parties.side(None, numbers);
    members.into_parsed(item, others, omitted, parties, side, user)
}

impl Members {
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

    /// Makes a message of which `side` is the user, or else the user of its thread.
    fn into_parsed<'a>(
        mut self,
        item: Node<'a>,
        others: Candidates<'a>,
        omitted: &mut Omissions<'a>,
        parties: Parties,
        side: UserSide,
        thread: Option<&Identity>,
    ) -> Result<ParsedMessage, Fault> {
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
        Ok(ParsedMessage {
            message: self.into_message(item, others, omitted, direction, user)?,
            from_number,
            history_context,
        })
    }

    fn into_message<'a>(
        self,
        item: Node<'a>,
        others: Candidates<'a>,
        omitted: &mut Omissions<'a>,
        direction: Direction,
        user: Option<Identity>,
    ) -> Result<Message, Fault> {
        let tagged = Tagged::of(item, others)?;
        let content = Content::read(&tagged, omitted)?;
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
            errors: self.errors.unwrap_or_default(),
        })
    }
}

/// Returns the contact of a message's user.
fn contact(item: &Item<'_, '_>, message: &Message) -> Option<Arc<Contact>> {
    item.contact_in(message.group_id.is_some(), message.user.as_ref())
}

/// Returns the contact of a user's message. The user of news of a changed id is the one until
/// now, whom the contact alone may name, and who may be listed by the new ids.
fn contact_of_user(item: &Item<'_, '_>, message: &mut Message) -> Option<Arc<Contact>> {
    let Content::System(system) = &message.content else {
        return contact(item, message);
    };
    let find = |user: Option<&Identity>| item.contact_in(message.group_id.is_some(), user);
    let sender = message.user.take();
    if let Some(previous) = system.previous(sender.as_ref()) {
        let current = || find(Some(&system.current(&previous)?));
        let contact = find(Some(&previous)).or_else(current);
        message.user = Some(previous);
        return contact;
    }
    let contact = find(None).or_else(|| find(system.new_ids().as_ref()));
    let listed = contact.as_ref().map(|contact| &contact.identity);
    let user = system.previous(listed).or(sender);
    message.user = user.or_else(|| system.new_ids());
    contact
}

/// A message, and the flow that it may submit.
impl FromItem for MessageReceived {
    const SIDE: UserSide = UserSide::From;

    fn has_receivers(context: &Context) -> bool {
        let of_flow = FlowCompleted::signal().with(context);
        Self::signal().with(context).has_receivers() || of_flow.has_receivers()
    }

    fn read<'a>(events: &mut Events<'_>, item: &Item<'_, 'a>) -> Result<Omissions<'a>, Reason> {
        let mut omitted = Omissions::default();
        let mut message = parse_inbound(item.json, &mut omitted)?;
        let contact = contact_of_user(item, &mut message);
        let raw = events.raw(item.json);
        let flow = message.nfm_reply().map(|reply| {
            Ok::<_, Fault>(FlowCompleted {
                response: flow_response(&message, reply)?,
                message_id: message.id.clone(),
                user: message.user.clone(),
                timestamp: message.timestamp,
                contact: contact.clone(),
                account: item.account(),
                raw: raw.clone(),
                known_as: None,
            })
        });
        events.push(MessageReceived {
            message,
            contact,
            conversation_context: item.context.conversation_context.clone(),
            account: item.account(),
            raw,
            known_as: None,
        });
        // Behind the message: an answer that cannot be read costs the flow alone.
        match flow {
            Some(Ok(flow)) => events.push(flow),
            Some(Err(fault)) => events.unrecognized_item(item, UserSide::From, fault),
            None => {}
        }
        Ok(omitted)
    }
}

/// Reads the answers of a flow's reply.
fn flow_response(message: &Message, reply: &NfmReply) -> Result<FlowResponse, Fault> {
    let json = reply.response_json.as_deref();
    let json = json.ok_or_else(|| Fault::Missing("response_json".into()))?;
    let mut response = FlowResponse::from_response_json(json).map_err(|_| Fault::Malformed)?;
    response.name.clone_from(&reply.name);
    response.body.clone_from(&reply.body);
    response.reply_to = message.reply_to().cloned();
    Ok(response)
}

impl FromItem for StandbyMessage {
    const SIDE: UserSide = UserSide::From;

    fn read<'a>(events: &mut Events<'_>, item: &Item<'_, 'a>) -> Result<Omissions<'a>, Reason> {
        let mut omitted = Omissions::default();
        let mut message = parse_inbound(item.json, &mut omitted)?;
        let raw = events.raw(item.json);
        events.push(StandbyMessage {
            contact: contact_of_user(item, &mut message),
            message,
            account: item.account(),
            raw,
            known_as: None,
        });
        Ok(omitted)
    }
}

impl FromItem for MessageEcho {
    const SIDE: UserSide = UserSide::To;

    fn read<'a>(events: &mut Events<'_>, item: &Item<'_, 'a>) -> Result<Omissions<'a>, Reason> {
        let mut omitted = Omissions::default();
        let echo = parse_outbound(item.json, &mut omitted)?;
        let raw = events.raw(item.json);
        events.push(MessageEcho {
            contact: contact(item, &echo.message),
            message: echo.message,
            from_number: echo.from_number,
            account: item.account(),
            raw,
            known_as: None,
        });
        Ok(omitted)
    }
}
