//! Whom an event is about, and what it tells of them.

use std::borrow::Cow;

use crate::event::{PreferenceValue, UserPreference, UserSubscribed, WebhookEvent};
use crate::model::{Contact, Content, Identity, Signup, SystemKind, Timestamp};
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

/// Whom an event is about, by all ids that the webhook has. Those of the event
/// itself come first, as they are what the user is answered by.
pub(super) fn identity(event: &WebhookEvent) -> Option<Identity> {
    let user = event.user().map(Cow::into_owned);
    let listed = event.contact().map(|contact| &contact.identity);
    match (user, listed) {
        (Some(user), Some(listed)) if *listed != user => Some(user.or(listed.clone())),
        (user, listed) => user.or_else(|| listed.cloned()),
    }
}

/// Who somebody was until now and is from now on, when that is what the event
/// tells.
fn renamed(event: &WebhookEvent) -> Option<(Identity, Identity)> {
    match event {
        WebhookEvent::MessageReceived(event) => {
            let Content::System(system) = &event.message.content else {
                return None;
            };
            if system.kind == Some(SystemKind::CustomerIdentityChanged) {
                return None;
            }
            let user = event.message.user.as_ref();
            let wa_id = user.and_then(Identity::wa_id);
            let user_id = user.and_then(Identity::user_id);
            let parent_user_id = user.and_then(Identity::parent_user_id);
            let formerly = Identity::from_parts(
                wa_id,
                system.previous_user_id.as_ref().or(user_id),
                system.previous_parent_user_id.as_ref().or(parent_user_id),
            )?;
            let now = Identity::from_parts(
                system.new_number().or(wa_id),
                system.user_id.as_ref().or(user_id),
                system.parent_user_id.as_ref().or(parent_user_id),
            )?;
            (formerly != now).then_some((formerly, now))
        }
        WebhookEvent::UserIdUpdate(change) => {
            let update = &change.value;
            let (user_id, parent) = (update.user_id.as_ref(), update.parent_user_id.as_ref());
            let formerly = Identity::from_parts(
                update.wa_id.as_ref(),
                user_id.and_then(|id| id.previous.as_ref()),
                parent.and_then(|id| id.previous.as_ref()),
            )?;
            Some((formerly, update.user()?))
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
