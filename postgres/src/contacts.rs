//! The contacts of a commit, and their ids.

use whatsapp_signals::model::Timestamp;
use whatsapp_signals::store::{Changes, ContactId, ContactRow, IdRow, StoreError, Upsert};

use crate::calls::{Calls, Function};
use crate::row::params;
use crate::row::to_json;

const DELETE_CONTACTS: Function = Function::write_all(
    "delete_contacts",
    "bigint[], bigint[]",
    "
        DELETE FROM schema.contact USING unnest($1, $2) AS input(id, version)
        WHERE contact.id = input.id AND contact.version = input.version",
);

const DELETE_IDS: Function = Function::write(
    "delete_ids",
    "bigint[]",
    "DELETE FROM schema.contact_id WHERE contact_id.contact = ANY($1)",
);

const ADD_CONTACTS: Function = Function::write(
    "add_contacts",
    "bigint[], bytea[], text[], text[], bigint[], bigint[]",
    "
        INSERT INTO schema.contact (id, version, tenant, contact, ids, profile_at, preference_at)
        SELECT input.id, 1, input.tenant, input.contact, input.ids, input.profile_at,
            input.preference_at
        FROM unnest($1, $2, $3, $4, $5, $6)
            AS input(id, tenant, contact, ids, profile_at, preference_at)",
);

/// A contact whose ids have changed gives up all of them.
const PUT_CONTACTS: Function = Function::write_all(
    "put_contacts",
    "bigint[], bytea[], text[], text[], bigint[], bigint[], bigint[]",
    "
        WITH input AS (
            SELECT * FROM unnest($1, $2, $3, $4, $5, $6, $7)
                AS input(id, tenant, contact, ids, profile_at, preference_at, version)
        ), moved AS (
            SELECT contact.id FROM schema.contact JOIN input ON contact.id = input.id
            WHERE contact.version = input.version
                AND (contact.ids <> input.ids OR contact.tenant <> input.tenant)
        ), gone AS (
            DELETE FROM schema.contact_id USING moved WHERE contact_id.contact = moved.id
        )
        UPDATE schema.contact SET version = input.version + 1, tenant = input.tenant,
            contact = input.contact, ids = input.ids, profile_at = input.profile_at,
            preference_at = input.preference_at
        FROM input WHERE contact.id = input.id AND contact.version = input.version",
);

/// Ids that a contact has already are left out.
const ADD_IDS: Function = Function::write(
    "add_ids",
    "bytea[], text[], bytea[], bigint[], bigint[], bigint[]",
    "
        INSERT INTO schema.contact_id (id, kind, tenant, former, contact, until)
        SELECT input.id, input.kind, input.tenant, input.former, input.contact, input.until
        FROM unnest($1, $2, $3, $4, $5, $6) AS input(id, kind, tenant, former, contact, until)
        WHERE NOT EXISTS (SELECT 1 FROM schema.contact_id AS held
            WHERE held.id = input.id AND held.kind = input.kind AND held.tenant = input.tenant
                AND held.former = input.former AND held.contact = input.contact)",
);

pub(crate) const FUNCTIONS: &[&Function] = &[
    &DELETE_CONTACTS,
    &DELETE_IDS,
    &ADD_CONTACTS,
    &PUT_CONTACTS,
    &ADD_IDS,
];

/// Columns of contacts.
#[derive(Default)]
struct ContactColumns<'a> {
    ids: Vec<i64>,
    tenants: Vec<&'a [u8]>,
    contacts: Vec<String>,
    held: Vec<String>,
    profile_at: Vec<Option<i64>>,
    preference_at: Vec<Option<i64>>,
}

impl<'a> ContactColumns<'a> {
    fn push(&mut self, id: ContactId, row: &'a ContactRow) -> Result<(), StoreError> {
        self.ids.push(id.0);
        self.tenants.push(row.tenant.as_str().as_bytes());
        self.contacts.push(to_json(&row.contact)?);
        self.held.push(to_json(&row.ids)?);
        self.profile_at.push(row.profile_at.map(Timestamp::as_secs));
        let preference_at = row.preference_at.map(Timestamp::as_secs);
        self.preference_at.push(preference_at);
        Ok(())
    }
}

/// Adds the calls that write contacts.
pub(crate) fn write<'a>(calls: &mut Calls<'a>, changes: &'a Changes<'a>) -> Result<(), StoreError> {
    let merged = changes.merges.iter();
    let merged = merged.map(|merge| (merge.from.0, merge.version));
    let deleted = changes.deleted_contacts.iter();
    let deleted = deleted.map(|(id, version)| (id.0, *version));
    let mut gone: Vec<_> = merged.chain(deleted).collect();
    if !gone.is_empty() {
        gone.sort_unstable();
        let (ids, versions): (Vec<_>, Vec<_>) = gone.into_iter().unzip();
        calls.push(&DELETE_CONTACTS, params![ids.clone(), versions]);
        calls.push(&DELETE_IDS, params![ids]);
    }
    let mut puts: Vec<_> = changes.contacts.iter().collect();
    if puts.is_empty() {
        return Ok(());
    }
    puts.sort_by_key(|put| put.key);
    let (mut added, mut put) = (ContactColumns::default(), ContactColumns::default());
    let mut versions = Vec::new();
    for Upsert { key, version, row } in &puts {
        match version {
            None => added.push(*key, row)?,
            Some(version) => {
                put.push(*key, row)?;
                versions.push(*version);
            }
        }
    }
    if !put.ids.is_empty() {
        let params = params![
            put.ids,
            put.tenants,
            put.contacts,
            put.held,
            put.profile_at,
            put.preference_at,
            versions,
        ];
        calls.push(&PUT_CONTACTS, params);
    }
    if !added.ids.is_empty() {
        let params = params![
            added.ids,
            added.tenants,
            added.contacts,
            added.held,
            added.profile_at,
            added.preference_at,
        ];
        calls.push(&ADD_CONTACTS, params);
    }
    add_ids(calls, &puts);
    Ok(())
}

/// Adds the ids of contacts, after all of them have given up those that they have no more.
fn add_ids<'a>(calls: &mut Calls<'a>, puts: &[&'a Upsert<ContactId, ContactRow>]) {
    let (mut ids, mut kinds, mut tenants) = (Vec::new(), Vec::new(), Vec::new());
    let (mut formers, mut contacts, mut until) = (Vec::new(), Vec::new(), Vec::new());
    for Upsert { key, row, .. } in puts {
        for (n, id) in row.ids.iter().enumerate() {
            // A contact may have had an id twice. The last time counts.
            let is_same = |later: &IdRow| {
                later.until.is_some() && (later.kind, &later.id) == (id.kind, &id.id)
            };
            if id.until.is_some() && row.ids[n + 1..].iter().any(is_same) {
                continue;
            }
            ids.push(id.id.as_bytes());
            kinds.push(id.kind.as_str());
            tenants.push(row.tenant.as_str().as_bytes());
            // Only one contact has an id now, and any number of them had it.
            formers.push(id.until.map_or(0, |_| key.0));
            contacts.push(key.0);
            until.push(id.until.map(Timestamp::as_secs));
        }
    }
    if !ids.is_empty() {
        let params = params![ids, kinds, tenants, formers, contacts, until];
        calls.push(&ADD_IDS, params);
    }
}
