//! The events that messages become.

use std::sync::Arc;

use super::content::flow_response;
use super::events::Events;
use super::item::{FromItem, FromWire, Item};
use super::lenient::Omissions;
use super::message::{Wire, echo, inbound};
use crate::event::{Event, FlowCompleted, MessageEcho, MessageReceived, Reason, StandbyMessage};
use crate::model::{Contact, Message, Text, UserSide};

/// Returns the contact of a message's user; in news of a changed id the contact may have
/// the new one.
fn contact(item: &Item<'_, '_, '_>, message: &Message) -> Option<Arc<Contact>> {
    let is_group = message.group_id.is_some();
    let current = || item.contact_in(is_group, Some(&message.changed_user()?));
    item.contact_in(is_group, message.user.as_ref())
        .or_else(current)
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

fn received(events: &mut Events<'_>, item: &Item<'_, '_, '_>, message: Message) {
    let contact = contact(item, &message);
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
        let message = inbound(item.json, &mut omitted)?;
        let raw = events.raw(item.json);
        events.push(StandbyMessage {
            contact: contact(item, &message),
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
