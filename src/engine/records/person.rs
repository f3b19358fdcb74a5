//! A person: all contacts and ids of a user in a tenant, and the test of rows for them.

use std::collections::BTreeSet;
use std::sync::Arc;

use crate::engine::EngineCall;
use crate::engine::batch::Batch;
use crate::engine::contacts::{Contacts, id_keys, identities};
use crate::engine::recorder::time_of;
use crate::engine::tenants::{NumberTenants, OwnerKey};
use crate::engine::transaction::{Draft, FirstAttempt, Undecided, transact};
use crate::model::{IdKind, Identity, MessageId, Timestamp};
use crate::store::{
    ContactId, ContactRow, Durability, IdKey, ScannedMessage, Snapshot, StoreError, Tenant,
    WebhookKind, WebhookRow,
};
use crate::webhook::ParseError;

/// A user with all contacts and ids in one tenant.
pub(crate) struct Person<'e> {
    tenant: Tenant,
    pub(crate) contacts: Vec<(ContactId, ContactRow)>,
    ids: Vec<OwnedId>,
    tenants: NumberTenants<'e>,
}

/// An id of a person, and the time for which the person has it.
struct OwnedId {
    kind: IdKind,
    id: Arc<str>,
    /// The time at which the tenure of another contact ended.
    from: Option<Timestamp>,
    until: Option<Timestamp>,
}

impl OwnedId {
    fn is_owned(&self, at: Timestamp) -> bool {
        // User ids are never given to another user.
        self.kind != IdKind::Phone
            || (self.from.is_none_or(|from| from <= at)
                && self.until.is_none_or(|until| at <= until))
    }
}

impl Person<'_> {
    /// Returns whether a user with these ids at a time is the person.
    fn matches(&self, user: &Identity, at: Timestamp) -> bool {
        let has = |kind| {
            let id = user.id(kind);
            id.is_some_and(|id| {
                let mut own = self.ids.iter().filter(|own| own.kind == kind);
                own.any(|own| *own.id == *id && own.is_owned(at))
            })
        };
        let has_user_ids = || self.ids.iter().any(|own| own.kind == IdKind::User);
        // A phone number beside another user id is another user's.
        has(IdKind::User)
            || has(IdKind::Parent)
            || (has(IdKind::Phone) && (user.user_id().is_none() || !has_user_ids()))
    }

    /// Returns whether a message outside conversations is from or to the person.
    pub(crate) fn takes_part_in(&self, found: &ScannedMessage) -> bool {
        if self.tenants.of_number(&found.key.number) != Some(&self.tenant) {
            return false;
        }
        match &found.message {
            Some(message) => message.user.as_ref().is_some_and(|user| {
                let at = message.timestamp.unwrap_or_else(Timestamp::now);
                self.matches(user, at)
            }),
            None => self.is_in_wamid(&found.key.id),
        }
    }

    /// Returns whether a wamid contains a phone number of the person that no other contact has
    /// taken. A usual wamid has the user's number, in Base64.
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

    /// Returns whether a body contains one of the ids.
    fn is_named_in(&self, body: &[u8]) -> bool {
        self.ids.iter().any(|own| {
            let id = own.id.as_bytes();
            body.windows(id.len().max(1)).any(|text| text == id)
        })
    }
}

/// Decodes Base64 up to the first other character.
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

/// The data of a person in a stored body.
pub(crate) enum PersonalData {
    None,
    /// The events with these indexes are the person's.
    Events(Batch, Vec<usize>),
    /// The body is unreadable, and contains an id of the person.
    Unreadable,
}

impl<'e> EngineCall<'e> {
    /// Loads the contacts of a user with their present and former ids.
    pub(crate) async fn person(
        self,
        owner: &OwnerKey,
        user: &Identity,
    ) -> Result<Person<'e>, StoreError> {
        let tenant = self.tenant(owner).await?;
        let tenants = self.tenants().await?;
        let find = |draft: &mut Draft<'_, '_>| {
            Contacts::request(draft, &tenant, user);
            draft.load_requested()?;
            let given: Vec<_> = id_keys(&tenant, user).collect();
            let mut contacts: Vec<(ContactId, ContactRow)> = Vec::new();
            let mut omitted_events = BTreeSet::new();
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
                            omitted_events.insert(key.id.clone());
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
                draft.request_id(key.clone());
            }
            draft.load_requested()?;
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
                if !is_known && !omitted_events.contains(&key.id) {
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
        let found = transact(
            self.access,
            known,
            FirstAttempt::Loaded,
            Durability::Disk,
            find,
        );
        let (contacts, ids) = found.await?;
        Ok(Person {
            tenant,
            contacts,
            ids,
            tenants,
        })
    }

    /// Returns the data of a person in a stored body.
    pub(crate) fn personal_data(
        self,
        person: &Person<'_>,
        row: &WebhookRow,
        body: &[u8],
    ) -> Result<PersonalData, StoreError> {
        let batch = match row.kind {
            WebhookKind::Unreadable => None,
            kind => self.parse_stored(kind, body).ok(),
        };
        let Some(batch) = batch else {
            return Ok(if person.is_named_in(body) {
                PersonalData::Unreadable
            } else {
                PersonalData::None
            });
        };
        let mut own = Vec::new();
        for &at in batch.distinct() {
            let event = &batch.events[at];
            let time = time_of(event).unwrap_or(row.received_at);
            let users = identities(event);
            if users.iter().any(|user| person.matches(user, time))
                && person.tenants.belongs_to(event.account(), &person.tenant)?
            {
                own.push(at);
            }
        }
        Ok(if own.is_empty() {
            PersonalData::None
        } else {
            PersonalData::Events(batch, own)
        })
    }

    fn parse_stored(self, kind: WebhookKind, body: &[u8]) -> Result<Batch, ParseError> {
        Ok(Batch::parse_stored(self.core.settings.parser, kind, body)?.0)
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

/// Returns whether a contact is another user: both have user ids, and they share none.
fn is_other(row: &ContactRow, user: &Identity) -> bool {
    let mut theirs = row.ids.iter().filter(|held| held.kind == IdKind::User);
    let first = theirs.clone().next();
    user.user_id()
        .is_some_and(|id| first.is_some() && theirs.all(|held| *held.id != *id))
}
