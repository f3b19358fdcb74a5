//! Whom an event is about, and what it tells of them.

use std::borrow::Cow;

use crate::event::{PreferenceValue, UserPreference, UserSubscribed, WebhookEvent};
use crate::model::{Contact, Identity, Signup, Timestamp};
use crate::store::contacts::{Contacts, Entry};
use crate::store::{StoreError, Transaction};

/// Writes down what an event tells of its user. Whoever writes, subscribes or
/// is listed is a contact from now on; whom other events name may be one
/// already.
pub(super) fn record(
    contacts: &mut Contacts,
    tx: &mut dyn Transaction,
    event: &WebhookEvent,
    signup: Option<&Signup>,
    now: Timestamp,
) -> Result<Option<Entry>, StoreError> {
    let Some(user) = identity(event) else {
        return Ok(None);
    };
    let profile = event.contact();
    if let Some((formerly, user)) = renamed(event) {
        let entry = contacts.upsert(tx, &user, Some(&formerly), profile, |_| {})?;
        return Ok(Some(entry));
    }
    let change = |contact: &mut Contact| match event {
        WebhookEvent::UserSubscribed(event) => subscribe(contact, event, signup, now),
        WebhookEvent::UserPreference(change) => prefer(contact, &change.value),
        _ => {}
    };
    let tells_of_user = match event {
        WebhookEvent::MessageReceived(_)
        | WebhookEvent::MessageEcho(_)
        | WebhookEvent::HistoryMessage(_)
        | WebhookEvent::StandbyMessage(_)
        | WebhookEvent::UserSubscribed(_)
        | WebhookEvent::UserPreference(_) => true,
        // Stored with its user, or not at all.
        WebhookEvent::StandbyEcho(event) => event.value.to_message().is_some() || profile.is_some(),
        _ => profile.is_some(),
    };
    if tells_of_user {
        contacts.upsert(tx, &user, None, profile, change).map(Some)
    } else {
        contacts.find(tx, &user)
    }
}

/// Returns the user of an event by all ids that the webhook has, those that hold from now
/// on. Those of the event itself come first, as they are what the user is answered by.
pub(super) fn identity(event: &WebhookEvent) -> Option<Identity> {
    if let Some((_, user)) = renamed(event) {
        return Some(user);
    }
    let user = event.user().map(Cow::into_owned);
    let listed = event.contact().map(|contact| &contact.identity);
    match (user, listed) {
        (Some(user), Some(listed)) if *listed != user => Some(user.or(listed)),
        (user, listed) => user.or_else(|| listed.cloned()),
    }
}

/// Returns the previous and the current ids of a user, for an event that is news of a
/// changed id.
fn renamed(event: &WebhookEvent) -> Option<(Identity, Identity)> {
    match event {
        WebhookEvent::MessageReceived(event) => {
            let message = &event.message;
            Some((message.user.clone()?, message.changed_user()?))
        }
        WebhookEvent::StandbyMessage(event) => {
            let message = &event.message;
            Some((message.user.clone()?, message.changed_user()?))
        }
        WebhookEvent::UserIdUpdate(change) => {
            let (previous, current) = (change.value.previous_user()?, change.value.user()?);
            (previous != current).then_some((previous, current))
        }
        _ => None,
    }
}

fn subscribe(
    contact: &mut Contact,
    event: &UserSubscribed,
    signup: Option<&Signup>,
    now: Timestamp,
) {
    contact.subscribed_via_signup = true;
    contact.subscribed_at = event.contact.subscribed_at.or(Some(now));
    let label = signup.and_then(|signup| signup.auto_add_to_label.as_ref());
    if let Some(label) = label
        && !contact.labels.contains(label)
    {
        contact.labels.push(label.clone());
    }
}

fn prefer(contact: &mut Contact, preference: &UserPreference) {
    let category = preference.category.as_deref();
    if category.is_none_or(|category| category == "marketing_messages") {
        match preference.value {
            PreferenceValue::Stop => contact.opted_out = true,
            PreferenceValue::Resume => contact.opted_out = false,
            _ => {}
        }
    }
}
