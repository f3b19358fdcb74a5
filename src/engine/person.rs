//! A person: all contacts and ids of a user in a tenant, and the rows that are the user's.

use std::collections::BTreeSet;
use std::sync::Arc;

use super::Call;
use super::batch::Batch;
use super::contacts::Contacts;
use super::dead_letter::stored_batch;
use super::draft::{Draft, Undecided};
use super::record::time_of;
use super::records::Of;
use super::tenants::Tenants;
use super::transact::{First, transact};
use super::user::identities;
use crate::model::{IdKind, Identity, MessageId, Timestamp};
use crate::store::{
    ContactId, ContactRow, Durability, IdKey, ScannedMessage, Snapshot, StoreError, Tenant,
    WebhookKind, WebhookRow,
};
use crate::webhook::ParseError;

/// A user, by all contacts and ids, in one tenant.
pub(super) struct Person<'e> {
    tenant: Tenant,
    pub(super) contacts: Vec<(ContactId, ContactRow)>,
    ids: Vec<OwnedId>,
    tenants: Tenants<'e>,
}

/// An id of a person, and the time for which it is the person's.
struct OwnedId {
    kind: IdKind,
    id: Arc<str>,
    /// The time until which another contact had it before.
    from: Option<Timestamp>,
    until: Option<Timestamp>,
}

impl OwnedId {
    fn is_owned(&self, at: Timestamp) -> bool {
        // User ids do not change hands.
        self.kind != IdKind::Phone
            || (self.from.is_none_or(|from| from <= at)
                && self.until.is_none_or(|until| at <= until))
    }
}

impl Person<'_> {
    /// Returns whether the ids of a user at a time are the person's.
    fn is(&self, user: &Identity, at: Timestamp) -> bool {
        let has = |kind| {
            let id = user.id(kind);
            id.is_some_and(|id| {
                let mut own = self.ids.iter().filter(|own| own.kind == kind);
                own.any(|own| *own.id == *id && own.is_owned(at))
            })
        };
        let has_user_ids = || self.ids.iter().any(|own| own.kind == IdKind::User);
        // A phone number with another user id is another user's.
        has(IdKind::User)
            || has(IdKind::Parent)
            || (has(IdKind::Phone) && (user.user_id().is_none() || !has_user_ids()))
    }

    /// Returns whether a message that is in no conversation is from or to the person.
    pub(super) fn has_sent(&self, found: &ScannedMessage) -> bool {
        if self.tenants.of_number(&found.key.number) != Some(&self.tenant) {
            return false;
        }
        match &found.message {
            Some(message) => message.user.as_ref().is_some_and(|user| {
                let at = message.timestamp.unwrap_or_else(Timestamp::now);
                self.is(user, at)
            }),
            None => self.is_in_wamid(&found.key.id),
        }
    }

    /// Returns whether a wamid has a phone number that is the person's now, or was and is no other
    /// contact's: a usual one has the user's number, in Base64.
    fn is_in_wamid(&self, id: &MessageId) -> bool {
        let Some(bytes) = id.as_str().strip_prefix("wamid.").map(decoded) else {
            return false;
        };
        let numbers = bytes.split(|byte| !byte.is_ascii_digit());
        let phones = self.ids.iter().filter(|own| own.kind == IdKind::Phone);
        let mut phones = phones.filter(|own| own.until.is_none());
        let numbers: Vec<_> = numbers.filter(|number| !number.is_empty()).collect();
        phones.any(|own| numbers.contains(&own.id.as_bytes()))
    }

    /// Returns whether text contains one of the ids.
    fn is_in(&self, body: &[u8]) -> bool {
        self.ids.iter().any(|own| {
            let id = own.id.as_bytes();
            body.windows(id.len().max(1)).any(|text| text == id)
        })
    }
}

/// Decodes Base64 as far as it goes.
fn decoded(text: &str) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(text.len());
    let (mut bits, mut count) = (0_u32, 0);
    for byte in text.bytes() {
        let value = match byte {
            b'A'..=b'Z' => byte - b'A',
            b'a'..=b'z' => byte - b'a' + 26,
            b'0'..=b'9' => byte - b'0' + 52,
            b'+' | b'-' => 62,
            b'/' | b'_' => 63,
            _ => break,
        };
        bits = (bits << 6) | u32::from(value);
        count += 6;
        if count >= 8 {
            count -= 8;
            let [.., byte] = (bits >> count).to_be_bytes();
            bytes.push(byte);
            bits &= (1 << count) - 1;
        }
    }
    bytes
}

/// The part that a person has in a stored body.
pub(super) enum Share {
    None,
    /// Events at these places.
    Events(Batch, Vec<usize>),
    /// The body cannot be read, and contains an id.
    Unreadable,
}

impl<'e> Call<'e> {
    /// Finds the contacts of a user, and all ids that they have and had.
    pub(super) async fn person(self, of: &Of, user: &Identity) -> Result<Person<'e>, StoreError> {
        let tenant = self.tenant(of).await?;
        let tenants = self.tenants().await?;
        let find = |draft: &mut Draft<'_, '_>| {
            Contacts::want(draft, &tenant, user);
            draft.load_wanted()?;
            let given: Vec<_> = Contacts::keys(&tenant, user).collect();
            let mut contacts: Vec<(ContactId, ContactRow)> = Vec::new();
            let mut of_others = BTreeSet::new();
            for key in &given {
                let holders = holders(draft, key)?;
                let is_held = |row: &ContactRow| {
                    let mut ids = row.ids.iter().filter(|held| held.until.is_none());
                    ids.any(|held| held.kind == key.kind && held.id == key.id)
                };
                let is_taken = holders.iter().any(|(_, row)| is_held(row));
                let is_phone = key.kind == IdKind::Phone;
                for (id, row) in holders {
                    if is_phone && ((is_taken && !is_held(&row)) || is_other(&row, user)) {
                        if is_held(&row) {
                            of_others.insert(key.id.clone());
                        }
                    } else if contacts.iter().all(|(known, _)| *known != id) {
                        contacts.push((id, row));
                    }
                }
            }
            let mut ids: Vec<OwnedId> = Vec::new();
            let of_contacts = contacts.iter().flat_map(|(_, row)| &row.ids);
            let of_contacts: Vec<_> = of_contacts.cloned().collect();
            let keys: Vec<_> = of_contacts
                .iter()
                .map(|held| IdKey {
                    tenant: tenant.clone(),
                    kind: held.kind,
                    id: held.id.clone(),
                })
                .collect();
            for key in &keys {
                draft.want_id(key.clone());
            }
            draft.load_wanted()?;
            for (held, key) in of_contacts.into_iter().zip(&keys) {
                let mut others = holders(draft, key)?;
                others.retain(|(id, _)| contacts.iter().all(|(own, _)| own != id));
                let others = others.iter().flat_map(|(_, row)| &row.ids);
                let others = others.filter(|other| other.kind == held.kind && other.id == held.id);
                let before = others.filter_map(|other| other.until);
                let from = before.filter(|until| *until <= held.since).max();
                ids.push(OwnedId {
                    kind: held.kind,
                    id: held.id,
                    from,
                    until: held.until,
                });
            }
            for key in given {
                let is_known = ids
                    .iter()
                    .any(|own| own.kind == key.kind && own.id == key.id);
                if !is_known && !of_others.contains(&key.id) {
                    ids.push(OwnedId {
                        kind: key.kind,
                        id: key.id,
                        from: None,
                        until: None,
                    });
                }
            }
            Ok((contacts, ids))
        };
        let known = Snapshot::default();
        let found = transact(self.access, known, First::Stored, Durability::Disk, find);
        let (contacts, ids) = found.await?;
        Ok(Person {
            tenant,
            contacts,
            ids,
            tenants,
        })
    }

    /// Returns the part that a person has in a stored body.
    pub(super) fn share(
        self,
        person: &Person<'_>,
        row: &WebhookRow,
        body: &[u8],
    ) -> Result<Share, StoreError> {
        let batch = match row.kind {
            WebhookKind::Unreadable => None,
            kind => self.parse_stored(kind, body).ok(),
        };
        let Some(batch) = batch else {
            return Ok(if person.is_in(body) {
                Share::Unreadable
            } else {
                Share::None
            });
        };
        let mut own = Vec::new();
        for &at in batch.distinct() {
            let event = &batch.events[at];
            let time = time_of(event).unwrap_or(row.received_at);
            let users = identities(event);
            if users.iter().any(|user| person.is(user, time))
                && person.tenants.is_of(event.account(), &person.tenant)?
            {
                own.push(at);
            }
        }
        Ok(if own.is_empty() {
            Share::None
        } else {
            Share::Events(batch, own)
        })
    }

    fn parse_stored(self, kind: WebhookKind, body: &[u8]) -> Result<Batch, ParseError> {
        Ok(stored_batch(self.core.settings.parser, kind, body)?.0)
    }
}

/// Returns the contacts that have or had an id, with their rows.
fn holders(
    draft: &mut Draft<'_, '_>,
    key: &IdKey,
) -> Result<Vec<(ContactId, ContactRow)>, Undecided> {
    let ids = draft.holders(key)?.to_vec();
    let mut holders = Vec::with_capacity(ids.len());
    for id in ids {
        if let Some(row) = draft.contact(id)? {
            holders.push((id, row.clone()));
        }
    }
    Ok(holders)
}

/// Returns whether a contact is known to be another user: both have user ids, and none is shared.
fn is_other(row: &ContactRow, user: &Identity) -> bool {
    let mut theirs = row.ids.iter().filter(|held| held.kind == IdKind::User);
    let first = theirs.clone().next();
    user.user_id()
        .is_some_and(|id| first.is_some() && theirs.all(|held| *held.id != *id))
}
