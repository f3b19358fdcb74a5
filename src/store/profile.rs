//! What one contact takes over of another.

use crate::model::{Contact, RawJson};

/// What Meta tells of a user takes the place of what it told before; what it
/// does not tell stays.
pub(super) fn take_over(contact: &mut Contact, profile: &Contact) {
    let texts = [
        (&mut contact.name, &profile.name),
        (&mut contact.username, &profile.username),
        (&mut contact.country_code, &profile.country_code),
        (&mut contact.identity_key_hash, &profile.identity_key_hash),
    ];
    for (text, told) in texts {
        if told.as_deref().is_some_and(|told| !told.is_empty()) {
            text.clone_from(told);
        }
    }
    if profile.raw.is_some() && contact.raw != profile.raw {
        // A contact is kept for long, its webhook is not.
        contact.raw = profile.raw.as_ref().map(RawJson::detached);
    }
}

/// What the one does not know, it takes from the other.
pub(super) fn unite(contact: &mut Contact, other: Contact) {
    fn or<T>(own: &mut Option<T>, other: Option<T>) {
        if own.is_none() {
            *own = other;
        }
    }
    contact.identity = contact.identity.clone().or(&other.identity);
    or(&mut contact.name, other.name);
    or(&mut contact.username, other.username);
    or(&mut contact.country_code, other.country_code);
    or(&mut contact.identity_key_hash, other.identity_key_hash);
    or(&mut contact.email, other.email);
    or(&mut contact.raw, other.raw);
    or(&mut contact.subscribed_at, other.subscribed_at);
    contact.notes = match (contact.notes.take(), other.notes) {
        (Some(own), Some(other)) if own != other => Some(format!("{own}\n{other}").into()),
        (own, other) => own.or(other),
    };
    for label in other.labels {
        if !contact.labels.contains(&label) {
            contact.labels.push(label);
        }
    }
    contact.opted_out |= other.opted_out;
    contact.is_blocked |= other.is_blocked;
    contact.subscribed_via_signup |= other.subscribed_via_signup;
    contact.created_at = match (contact.created_at, other.created_at) {
        (Some(own), Some(other)) => Some(own.min(other)),
        (own, other) => own.or(other),
    };
}
