//! The user of an event, and the changes of the contact.

use std::collections::HashSet;
use std::sync::Arc;

use super::contacts::{Contacts, Entry};
use super::draft::{Draft, Undecided};
use crate::event::{PreferenceValue, UserPreference, UserSubscribed, WebhookEvent};
use crate::model::{Contact, IdKind, Identity, Message, Signup, Timestamp};
use crate::store::{ContactRow, Tenant};

/// Records the user of an event. A user who writes, subscribes or is listed becomes a contact;
/// for other events the contact is only looked up.
pub(super) fn record(
    contacts: &mut Contacts,
    draft: &mut Draft<'_, '_>,
    tenant: &Tenant,
    event: &WebhookEvent,
    signup: Option<&Signup>,
    at: Timestamp,
    now: Timestamp,
) -> Result<Option<Entry>, Undecided> {
    let (user, profile) = user_and_profile(event);
    if let Some((previous, current)) = renamed(event) {
        let entry = contacts.rename(draft, tenant, &previous, &current, profile, at)?;
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
            let change = |row: &mut ContactRow| prefer(row, &event.value, at);
            contacts.upsert(draft, tenant, &user, profile, at, change)?
        }
        _ if is_stored(event) || profile.is_some() => {
            contacts.observe(draft, tenant, &user, profile, at)?
        }
        _ => return contacts.find(draft, tenant, &user, at),
    };
    Ok(Some(entry))
}

/// Returns whether an event is stored with its user.
fn is_stored(event: &WebhookEvent) -> bool {
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

/// The listed contacts of a body whose ids are wanted: events of one user share one.
pub(super) type KnownUsers = HashSet<*const Contact>;

/// Notes the ids that [`record`] reads.
pub(super) fn want_ids(
    draft: &mut Draft<'_, '_>,
    users: &mut KnownUsers,
    event: &WebhookEvent,
    tenant: &Tenant,
) {
    if let Some(listed) = event.contact()
        && !event.is_news_of_ids()
        && event.user().is_none_or(|user| *user == listed.identity)
        && !users.insert(listed)
    {
        return;
    }
    if let Some((previous, current)) = renamed(event) {
        Contacts::want(draft, tenant, &previous);
        Contacts::want(draft, tenant, &current);
    } else if let Some(user) = identity(event) {
        Contacts::want(draft, tenant, &user);
    }
}

/// Returns the user of an event by all ids that the webhook has; of a changed id, by the ids from
/// then on. Those of the event itself come first, as the user is answered by them.
pub(super) fn identity(event: &WebhookEvent) -> Option<Identity> {
    user_and_profile(event).0
}

/// Returns all users that an event names, each by all ids that the webhook has.
pub(super) fn identities(event: &WebhookEvent) -> Vec<Identity> {
    let mut named: Vec<_> = identity(event).into_iter().collect();
    if let Some((previous, current)) = renamed(event) {
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
            listed.user().or_else(input)
        });
        named.extend(users);
    }
    named
}

/// Returns the [`identity`] of an event, and the contact that is listed for it unless that is
/// another user.
fn user_and_profile(event: &WebhookEvent) -> (Option<Identity>, Option<&Contact>) {
    let listed = event.contact();
    if let Some((previous, current)) = renamed(event) {
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
            let user = user.into_owned().or(&listed.identity);
            (Some(user), Some(listed))
        }
        (Some(user), _) => (Some(user.into_owned()), None),
        (None, listed) => (listed.map(|listed| listed.identity.clone()), listed),
    }
}

/// Returns the previous and the current ids of a user, for an event that is news of a
/// changed id.
fn renamed(event: &WebhookEvent) -> Option<(Identity, Identity)> {
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

/// Returns whether ids are of two users: their user ids differ, or they have two ids of one kind
/// and share none.
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

/// Sets the opt-out of a contact, unless a newer event has set it.
fn prefer(row: &mut ContactRow, preference: &UserPreference, at: Timestamp) {
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
