//! The events that messages become.

use std::sync::Arc;

use super::content::flow_response;
use super::events::Events;
use super::item::{FromItem, FromWire, Item};
use super::lenient::Omissions;
use super::message::{Wire, echo, inbound};
use crate::event::{Event, FlowCompleted, MessageEcho, MessageReceived, Reason, StandbyMessage};
use crate::model::{Contact, Content, Identity, Message, Text, UserSide};

/// Returns the contact of a message's user.
fn contact(item: &Item<'_, '_, '_>, message: &Message) -> Option<Arc<Contact>> {
    item.contact_in(message.group_id.is_some(), message.user.as_ref())
}

/// Returns the contact of a user's message. The user of news of a changed id is the one
/// until now, whom the contact alone may name, and who may be listed by the new ids.
fn contact_of_user(item: &Item<'_, '_, '_>, message: &mut Message) -> Option<Arc<Contact>> {
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

    fn is_heard() -> bool {
        Self::signal().has_receivers() || FlowCompleted::signal().has_receivers()
    }

    fn read<'j>(events: &mut Events<'_>, item: &Item<'j, '_, '_>) -> Result<Omissions<'j>, Reason> {
        let mut omitted = Omissions::default();
        let message = inbound(item.json, &mut omitted)?;
        received(events, item, message);
        Ok(omitted)
    }
}

impl FromWire for MessageReceived {
    type Wire<'a> = Wire<'a, Text>;

    fn add<'j>(
        events: &mut Events<'_>,
        item: &Item<'j, '_, '_>,
        wire: Self::Wire<'j>,
    ) -> Result<Omissions<'j>, Reason> {
        let mut omitted = Omissions::default();
        let message = wire.into_inbound(item.json, &mut omitted)?;
        received(events, item, message);
        Ok(omitted)
    }
}

fn received(events: &mut Events<'_>, item: &Item<'_, '_, '_>, mut message: Message) {
    let contact = contact_of_user(item, &mut message);
    let raw = events.raw(item.json);
    let flow = message.nfm_reply().map(|reply| {
        Ok::<_, Reason>(FlowCompleted {
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
        conversation_context: item.around.conversation_context.clone(),
        account: item.account(),
        raw,
        known_as: None,
    });
    // Only now: an answer that cannot be read costs the flow, not the message.
    match flow {
        Some(Ok(flow)) => events.push(flow),
        Some(Err(reason)) => events.unrecognized_item(item, UserSide::From, reason),
        None => {}
    }
}

impl FromItem for StandbyMessage {
    const SIDE: UserSide = UserSide::From;

    fn read<'j>(events: &mut Events<'_>, item: &Item<'j, '_, '_>) -> Result<Omissions<'j>, Reason> {
        let mut omitted = Omissions::default();
        let mut message = inbound(item.json, &mut omitted)?;
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

    fn read<'j>(events: &mut Events<'_>, item: &Item<'j, '_, '_>) -> Result<Omissions<'j>, Reason> {
        let mut omitted = Omissions::default();
        let echo = echo(item.json, &mut omitted)?;
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
