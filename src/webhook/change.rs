//! One change: from the items of its value to events.

use std::sync::Arc;

use serde_json::value::RawValue;

use super::contacts::{Contacts, Finder};
use super::events::{Events, Scope};
use super::path::Path;
use super::split::{elements, members};
use super::value::{SIGNUP, Value, is_conversation};
use super::{message, signup, status};
use crate::event::{FlowCompleted, MessageReceived, MessageStatusChanged, Reason};

/// Reads a value of any field, still whole.
pub(super) fn layered(
    events: &mut Events<'_>,
    scope: &Scope<'_>,
    path: Path<'_>,
    value: &RawValue,
) -> Result<(), Reason> {
    if scope.field == Some(SIGNUP) && elements(value).is_ok() {
        signups(
            events,
            scope,
            path,
            value,
            &Contacts::default().finder(false),
        );
        return Ok(());
    }
    if scope.field.is_some_and(is_conversation) {
        let scope = &mut scope.clone();
        let parts = Value::layered(events, scope, path, value)?;
        conversation(events, scope, path, parts);
        return Ok(());
    }
    // A signup counts under any field.
    if let Ok([Some(signup)]) = members(value, [SIGNUP]).map(|members| members.known) {
        let contacts = Contacts::default();
        let contacts = &contacts.finder(false);
        signups(events, scope, path.member(SIGNUP), signup, contacts);
    }
    Err(Reason::UnknownField)
}

/// What passes between users and a number. One value may hold several kinds of
/// items at once.
pub(super) fn conversation(
    events: &mut Events<'_>,
    scope: &Scope<'_>,
    path: Path<'_>,
    value: Value<'_>,
) {
    let contacts = Contacts::read(events, scope, path, value.contacts);
    let lists = [&value.messages, &value.statuses, &value.user_preferences];
    let items = lists.into_iter().flatten().map(Vec::len).sum::<usize>();
    let signup = value.in_app_signup.or(value.itself);
    let contacts = &contacts.finder(items + usize::from(signup.is_some()) == 1);

    events.each(
        scope,
        path.member("messages"),
        value.messages,
        |events, at, item| received(events, scope, contacts, at, item),
    );
    events.each(
        scope,
        path.member("statuses"),
        value.statuses,
        |events, at, item| {
            let update = status::read(item)?;
            // Sent to a group as a whole, it is about nobody in particular.
            let is_of_group = update.group_id.is_some() && update.recipient.is_none();
            let contact = if is_of_group {
                None
            } else {
                contacts.find(update.recipient.as_ref(), at)
            };
            let raw = events.raw(item);
            events.push(MessageStatusChanged {
                contact,
                update,
                account: Arc::clone(&scope.account),
                raw,
            });
            Ok(())
        },
    );
    let preferences = path.member("user_preferences");
    events.each(
        scope,
        preferences,
        value.user_preferences,
        |events, at, item| {
            let preference = signup::read(item)?;
            let contact = contacts.find(preference.user().as_ref(), at);
            if !preference.is_signup() {
                return Err(Reason::UnknownField);
            }
            let raw = events.raw(item);
            events.push(preference.subscribed(contact, &scope.account, raw)?);
            Ok(())
        },
    );
    if let Some(signup) = value.in_app_signup {
        signups(events, scope, path.member(SIGNUP), signup, contacts);
    }
    if let Some(signup) = value.itself {
        signups(events, scope, path, signup, contacts);
    }
    events.unknown(scope, Some(path), value.unknown);
    contacts.strays(events, scope, path);
}

/// One message, and the flow that it may submit.
fn received(
    events: &mut Events<'_>,
    scope: &Scope<'_>,
    contacts: &Finder<'_, '_>,
    at: usize,
    item: &RawValue,
) -> Result<(), Reason> {
    let message = message::read(item)?;
    let contact = contacts.find(message.user.as_ref(), at);
    let raw = events.raw(item);
    let flow = message.nfm_reply().map(|reply| {
        Ok(FlowCompleted {
            response: message::flow_response(&message, reply)?,
            message_id: message.id.clone(),
            user: message.user.clone(),
            timestamp: message.timestamp,
            contact: contact.clone(),
            account: Arc::clone(&scope.account),
            raw: raw.clone(),
        })
    });
    events.push(MessageReceived {
        message,
        contact,
        account: Arc::clone(&scope.account),
        raw,
    });
    // Only now: an answer that cannot be read costs the flow, not the message.
    if let Some(flow) = flow.transpose()? {
        events.push(flow);
    }
    Ok(())
}

/// One signup, or a list of them.
fn signups(
    events: &mut Events<'_>,
    scope: &Scope<'_>,
    path: Path<'_>,
    signup: &RawValue,
    contacts: &Finder<'_, '_>,
) {
    let one = |events: &mut Events<'_>, at, item| {
        let signup = signup::read(item)?;
        let contact = contacts.find(signup.user().as_ref(), at);
        let raw = events.raw(item);
        events.push(signup.subscribed(contact, &scope.account, raw)?);
        Ok(())
    };
    if let Ok(list) = elements(signup) {
        events.each(scope, path, Some(list), one);
    } else if let Err(reason) = one(events, 0, signup) {
        events.unrecognized_item(scope, path, reason, signup);
    }
}
