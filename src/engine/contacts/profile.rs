//! Profiles of contacts.

use std::sync::Arc;

use crate::model::{Contact, RawJson, Timestamp};
use crate::store::ContactRow;

/// Returns the text members of a profile.
fn texts(contact: &Contact) -> [&Option<Arc<str>>; 4] {
    [
        &contact.name,
        &contact.username,
        &contact.country_code,
        &contact.identity_key_hash,
    ]
}

fn texts_mut(contact: &mut Contact) -> [&mut Option<Arc<str>>; 4] {
    [
        &mut contact.name,
        &mut contact.username,
        &mut contact.country_code,
        &mut contact.identity_key_hash,
    ]
}

fn has_text(text: Option<&Arc<str>>) -> bool {
    text.is_some_and(|text| !text.is_empty())
}

/// Returns whether the profile in an event of this time changes a contact's profile.
pub(crate) fn has_news(
    contact: &Contact,
    profile_at: Option<Timestamp>,
    profile: &Contact,
    at: Timestamp,
) -> bool {
    let mut texts = texts(contact).into_iter().zip(texts(profile));
    profile_at.is_none_or(|time| time <= at)
        && (texts.any(|(own, new)| has_text(new.as_ref()) && own != new)
            || (profile.raw.is_some() && contact.raw != profile.raw))
}

/// Sets the members that are in the profile of an event, unless the event is older than the
/// contact's profile. The other members stay.
pub(crate) fn apply_profile(row: &mut ContactRow, profile: &Contact, at: Timestamp) {
    if !has_news(&row.contact, row.profile_at, profile, at) {
        return;
    }
    let contact = Arc::make_mut(&mut row.contact);
    for (own, new) in texts_mut(contact).into_iter().zip(texts(profile)) {
        if has_text(new.as_ref()) {
            own.clone_from(new);
        }
    }
    if profile.raw.is_some() && contact.raw != profile.raw {
        // Detached, so that the contact does not keep the whole body in memory.
        contact.raw = profile.raw.as_ref().map(RawJson::detached);
    }
    row.profile_at = Some(at);
}

/// Merges the profile of another contact of the same user into this one. Members of the younger
/// profile win.
pub(crate) fn merge_profiles(row: &mut ContactRow, other: ContactRow) {
    fn or<T>(own: &mut Option<T>, other: Option<T>) {
        if own.is_none() {
            *own = other;
        }
    }
    let own = Arc::make_mut(&mut row.contact);
    let mut other_contact = Arc::unwrap_or_clone(other.contact);
    let their = &mut other_contact;
    let is_older = row.profile_at < other.profile_at;
    if is_older {
        std::mem::swap(&mut own.raw, &mut their.raw);
    }
    for (own, their) in texts_mut(own).into_iter().zip(texts_mut(their)) {
        if is_older {
            std::mem::swap(own, their);
        }
        or(own, their.take());
    }
    row.profile_at = row.profile_at.max(other.profile_at);
    own.opted_out = match (row.preference_at, other.preference_at) {
        (Some(time), Some(of_other)) if of_other > time => their.opted_out,
        (Some(_), Some(_)) => own.opted_out,
        _ => own.opted_out | their.opted_out,
    };
    row.preference_at = row.preference_at.max(other.preference_at);
    let other = other_contact;
    or(&mut own.email, other.email);
    or(&mut own.raw, other.raw);
    or(&mut own.subscribed_at, other.subscribed_at);
    own.notes = match (own.notes.take(), other.notes) {
        (Some(own), Some(other)) if own != other => Some(format!("{own}\n{other}").into()),
        (own, other) => own.or(other),
    };
    for label in other.labels {
        if !own.labels.contains(&label) {
            own.labels.push(label);
        }
    }
    own.is_blocked |= other.is_blocked;
    own.subscribed_via_signup |= other.subscribed_via_signup;
    own.created_at = match (own.created_at, other.created_at) {
        (Some(own), Some(other)) => Some(own.min(other)),
        (own, other) => own.or(other),
    };
}
