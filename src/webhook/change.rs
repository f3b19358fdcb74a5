//! One change: which items its `value` holds, by its `field`.

use std::sync::Arc;

use serde::Deserialize;
use serde_json::value::RawValue;

use super::contacts::{Contacts, Finder};
use super::events::{Events, Scope};
use super::path::Path;
use super::split::{elements, is_array, members, object};
use super::{message, signup, status};
use crate::event::{FlowCompleted, MessageReceived, MessageStatusChanged, Reason};
use crate::model::{Account, PhoneNumberId, scalar};

/// Reads the value of a change.
pub(super) fn events(events: &mut Events<'_>, scope: &Scope<'_>, path: Path<'_>, value: &RawValue) {
    let read = match scope.field {
        Some("messages" | "user_preferences" | "in_app_signup") => {
            conversation(events, scope, path, value)
        }
        _ => {
            // The original honours a signup under any field.
            if let Ok([Some(item)]) = members(value, ["in_app_signup"]).map(|found| found.known) {
                let contacts = Contacts::default();
                signups(events, scope, path.member("in_app_signup"), item, &contacts.finder());
            }
            Err(Reason::UnknownField)
        }
    };
    if let Err(reason) = read {
        events.unrecognized(scope, path, reason, value);
    }
}

/// The fields about what passes between a user and a number. One value may
/// hold several kinds of items at once, so all are looked for.
fn conversation(
    events: &mut Events<'_>,
    scope: &Scope<'_>,
    path: Path<'_>,
    value: &RawValue,
) -> Result<(), Reason> {
    let names = [
        "messaging_product",
        "metadata",
        "contacts",
        "messages",
        "statuses",
        "user_preferences",
        "in_app_signup",
    ];
    let members = members(value, names)?;
    let [_, metadata, contacts, messages, statuses, preferences, signup] = members.known;
    let scope = &with_number(events, scope, path.member("metadata"), metadata);
    let contacts = Contacts::read(events, scope, path.member("contacts"), contacts);
    let contacts = &contacts.finder();

    events.each(scope, path.member("messages"), messages, |events, at, item| {
        received(events, scope, contacts, at, item)
    });
    events.each(scope, path.member("statuses"), statuses, |events, at, item| {
        let update = status::read(item)?;
        let contact = contacts.find(update.recipient.as_ref(), at);
        let raw = events.raw(item);
        events.push(MessageStatusChanged {
            update,
            contact,
            account: Arc::clone(&scope.account),
            raw,
        });
        Ok(())
    });
    let path_of_preferences = path.member("user_preferences");
    events.each(scope, path_of_preferences, preferences, |events, at, item| {
        let preference = signup::read(item)?;
        let contact = contacts.find(preference.user().as_ref(), at);
        if !preference.is_signup() {
            return Err(Reason::UnknownField);
        }
        let raw = events.raw(item);
        events.push(preference.subscribed(contact, &scope.account, raw)?);
        Ok(())
    });
    match signup {
        Some(item) => signups(events, scope, path.member("in_app_signup"), item, contacts),
        // Here the value itself is the signup, and knows its members.
        None if scope.field == Some("in_app_signup") => {
            signups(events, scope, path, value, contacts);
            contacts.strays(events, scope, path.member("contacts"));
            return Ok(());
        }
        None => {}
    }
    for (name, piece) in members.unknown {
        unknown(events, scope, path.member(&name), piece);
    }
    contacts.strays(events, scope, path.member("contacts"));
    Ok(())
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
    member: &RawValue,
    contacts: &Finder<'_, '_>,
) {
    let one = |events: &mut Events<'_>, at, item| {
        let signup = signup::read(item)?;
        let contact = contacts.find(signup.user().as_ref(), at);
        let raw = events.raw(item);
        events.push(signup.subscribed(contact, &scope.account, raw)?);
        Ok(())
    };
    if is_array(member) {
        events.each(scope, path, Some(member), one);
    } else if let Err(reason) = one(events, 0, member) {
        events.unrecognized_item(scope, path, reason, member);
    }
}

/// A member of the value that this version does not know; each of its items,
/// if it has items.
fn unknown(events: &mut Events<'_>, scope: &Scope<'_>, path: Path<'_>, piece: &RawValue) {
    match elements(piece) {
        Ok(items) if !items.is_empty() => {
            for (at, item) in items.into_iter().enumerate() {
                events.unrecognized_item(scope, path.element(at), Reason::UnknownMember, item);
            }
        }
        _ => events.unrecognized(scope, path, Reason::UnknownMember, piece),
    }
}

/// The scope with the business number that the value names.
fn with_number<'s>(
    events: &mut Events<'_>,
    scope: &Scope<'s>,
    path: Path<'_>,
    metadata: Option<&RawValue>,
) -> Scope<'s> {
    #[derive(Deserialize)]
    struct Metadata {
        #[serde(default)]
        phone_number_id: Option<PhoneNumberId>,
        #[serde(default, deserialize_with = "scalar::text_option")]
        display_phone_number: Option<Box<str>>,
    }

    let mut scope = scope.clone();
    let Some(piece) = metadata else { return scope };
    match object::<Metadata>(piece) {
        Ok(metadata) => {
            scope.account = Arc::new(Account {
                waba_id: scope.account.waba_id.clone(),
                phone_number_id: metadata.phone_number_id,
                display_phone_number: metadata.display_phone_number,
            });
        }
        Err(reason) => events.unrecognized(&scope, path, reason, piece),
    }
    scope
}
