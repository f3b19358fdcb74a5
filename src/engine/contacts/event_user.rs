//! The user of an event, and the change of the user's contact.

use std::collections::HashSet;
use std::sync::Arc;

use super::{ContactEntry, Contacts};
use crate::engine::transaction::{Draft, Undecided};
use crate::event::{PreferenceValue, UserPreference, UserSubscribed, WebhookEvent};
use crate::model::{Contact, IdKind, Identity, Message, Signup, Timestamp};
use crate::store::{ContactRow, Tenant};

/// Records the user of an event. A user who writes, subscribes or is listed becomes a contact. For
/// other events the contact is only loaded.
pub(crate) fn update_contact(
    contacts: &mut Contacts,
    draft: &mut Draft<'_, '_>,
    tenant: &Tenant,
    event: &WebhookEvent,
    signup: Option<&Signup>,
    at: Timestamp,
    now: Timestamp,
) -> Result<Option<ContactEntry>, Undecided> {
    let (user, profile) = user_and_profile(event);
    if let Some((previous, current)) = changed_ids(event) {
        let entry = contacts.change_ids(draft, tenant, &previous, &current, profile, at)?;
        return Ok(Some(entry));
    }
    let Some(user) = user else {
        return Ok(None);
    };
    let entry = match event {
        WebhookEvent::UserSubscribed(event) => {
            let change = |row: &mut ContactRow| {
                subscribe(Arc::make_mut(&mut row.contact), event, signup, now);
            };
            contacts.upsert(draft, tenant, &user, profile, at, change)?
        }
        WebhookEvent::UserPreference(event) => {
            let change = |row: &mut ContactRow| set_preference(row, &event.value, at);
            contacts.upsert(draft, tenant, &user, profile, at, change)?
        }
        _ if adds_contact(event) || profile.is_some() => {
            contacts.observe(draft, tenant, &user, profile, at)?
        }
        _ => return contacts.find(draft, tenant, &user, at),
    };
    Ok(Some(entry))
}

/// Returns whether an event adds its user as a contact.
fn adds_contact(event: &WebhookEvent) -> bool {
    match event {
        WebhookEvent::MessageReceived(_)
        | WebhookEvent::MessageEcho(_)
        | WebhookEvent::HistoryMessage(_)
        | WebhookEvent::StandbyMessage(_)
        | WebhookEvent::MessageSent(_) => true,
        WebhookEvent::StandbyEcho(event) => event.value.to_message().is_some(),
        _ => false,
    }
}

/// The listed contacts of a body whose ids are requested. Events of one user share one contact.
pub(crate) type RequestedUsers = HashSet<*const Contact>;

/// Requests the ids that [`update_contact`] reads.
pub(crate) fn request_ids(
    draft: &mut Draft<'_, '_>,
    users: &mut RequestedUsers,
    event: &WebhookEvent,
    tenant: &Tenant,
) {
    if let Some(listed) = event.contact()
        && !event.changes_ids()
        && event.user().is_none_or(|user| *user == listed.identity)
        && !users.insert(listed)
    {
        return;
    }
    if let Some((previous, current)) = changed_ids(event) {
        Contacts::request(draft, tenant, &previous);
        Contacts::request(draft, tenant, &current);
    } else if let Some(user) = identity(event) {
        Contacts::request(draft, tenant, &user);
    }
}

/// Returns the user of an event with all ids in the webhook; after a change of an id, with the new
/// ids. Ids of the event itself come first, as an answer is sent to them.
pub(crate) fn identity(event: &WebhookEvent) -> Option<Identity> {
    user_and_profile(event).0
}

/// Returns all users that an event names, each with all ids in the webhook.
pub(crate) fn identities(event: &WebhookEvent) -> Vec<Identity> {
    let mut named: Vec<_> = identity(event).into_iter().collect();
    if let Some((previous, current)) = changed_ids(event) {
        named.extend([previous, current]);
    }
    if let WebhookEvent::GroupParticipantsUpdate(event) = event {
        let update = &event.value;
        let lists = [
            &update.added_participants,
            &update.removed_participants,
            &update.failed_participants,
        ];
        let users = lists.into_iter().flatten().filter_map(|listed| {
            let input = || Identity::from_phone(listed.input.as_deref()?);
            listed.user.clone().or_else(input)
        });
        named.extend(users);
    }
    named
}

/// Returns the [`identity`] of an event, and the contact that is listed for it, unless that is
/// another user's.
fn user_and_profile(event: &WebhookEvent) -> (Option<Identity>, Option<&Contact>) {
    let listed = event.contact();
    if let Some((previous, current)) = changed_ids(event) {
        let is_user = |listed: &&Contact| {
            let ids = &listed.identity;
            !contradict(ids, &previous) || !contradict(ids, &current)
        };
        let listed = listed.filter(is_user);
        return (Some(current), listed);
    }
    match (event.user(), listed) {
        (Some(user), Some(listed)) if listed.identity == *user => {
            (Some(user.into_owned()), Some(listed))
        }
        (Some(user), Some(listed)) if !contradict(&listed.identity, &user) => {
            let user = user.into_owned().completed_by(&listed.identity);
            (Some(user), Some(listed))
        }
        (Some(user), _) => (Some(user.into_owned()), None),
        (None, listed) => (listed.map(|listed| listed.identity.clone()), listed),
    }
}

/// Returns the previous and the current ids of a user if the event reports a changed id.
fn changed_ids(event: &WebhookEvent) -> Option<(Identity, Identity)> {
    let of_message = |message: &Message| {
        let current = message.changed_user()?;
        Some((message.user.clone()?, current))
    };
    match event {
        WebhookEvent::MessageReceived(event) => of_message(&event.message),
        WebhookEvent::StandbyMessage(event) => of_message(&event.message),
        WebhookEvent::UserIdUpdate(change) => {
            let (previous, current) = (change.value.previous_user()?, change.value.user()?);
            (previous != current).then_some((previous, current))
        }
        _ => None,
    }
}

/// Returns whether two identities are two users: their user ids differ, or they have different ids
/// of a kind and share no id.
fn contradict(a: &Identity, b: &Identity) -> bool {
    let both = |kind| Some((a.id(kind)?, b.id(kind)?));
    let shares = |kind| both(kind).is_some_and(|(a, b)| a == b);
    let differs = |kind| both(kind).is_some_and(|(a, b)| a != b);
    differs(IdKind::User)
        || (IdKind::ALL.into_iter().any(differs) && !IdKind::ALL.into_iter().any(shares))
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

/// Sets the opt-out of a contact, unless a newer event has set it already.
fn set_preference(row: &mut ContactRow, preference: &UserPreference, at: Timestamp) {
    let category = preference.category.as_deref();
    let opted_out = match preference.value {
        PreferenceValue::Stop => true,
        PreferenceValue::Resume => false,
        _ => return,
    };
    if category.is_none_or(|category| category == "marketing_messages")
        && row.preference_at.is_none_or(|time| time <= at)
    {
        Arc::make_mut(&mut row.contact).opted_out = opted_out;
        row.preference_at = Some(at);
    }
}
