//! The events that messages become.

use std::sync::Arc;

use super::content::flow_response;
use super::events::Events;
use super::item::{FromItem, FromWire, Item};
use super::message::{Wire, echo, inbound};
use crate::event::{Event, FlowCompleted, MessageEcho, MessageReceived, Reason, StandbyMessage};
use crate::model::{Contact, Message, Text};

/// Whom a message is from or for, as the contacts have them.
fn contact(item: &Item<'_, '_>, message: &Message) -> Option<Arc<Contact>> {
    item.contact_in(message.group_id.is_some(), message.user.as_ref())
}

/// A message, and the flow that it may submit.
impl FromItem for MessageReceived {
    fn is_heard() -> bool {
        Self::signal().has_receivers() || FlowCompleted::signal().has_receivers()
    }

    fn read(events: &mut Events<'_>, item: &Item<'_, '_>) -> Result<(), Reason> {
        received(events, item, inbound(item.json)?)
    }
}

impl FromWire for MessageReceived {
    type Wire<'a> = Wire<'a, Text>;

    fn add(
        events: &mut Events<'_>,
        item: &Item<'_, '_>,
        wire: Self::Wire<'_>,
    ) -> Result<(), Reason> {
        received(events, item, wire.into_inbound()?)
    }
}

fn received(events: &mut Events<'_>, item: &Item<'_, '_>, message: Message) -> Result<(), Reason> {
    let contact = contact(item, &message);
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

impl FromItem for StandbyMessage {
    fn read(events: &mut Events<'_>, item: &Item<'_, '_>) -> Result<(), Reason> {
        let message = inbound(item.json)?;
        let raw = events.raw(item.json);
        events.push(StandbyMessage {
            contact: contact(item, &message),
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
            contact: contact(item, &echo.message),
            message: echo.message,
            from_number: echo.from_number,
            account: item.account(),
            raw,
        });
        Ok(())
    }
}
