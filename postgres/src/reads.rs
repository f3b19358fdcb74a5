//! The rows that a decision read and does not write.
//!
//! A row that is there is locked (`FOR SHARE`), so that it stays as it is until the commit. A key
//! that is absent is locked by a row that is inserted and deleted again: another transaction that
//! inserts the key waits for the commit, and one that has inserted it is a conflict. The holders
//! of an id are no row: a commit that reads them shares an advisory lock of the id, and one that
//! adds a holder has it alone. A contact that gives up an id is written, so its row is locked.

use std::collections::{BTreeMap, BTreeSet};

use whatsapp_signals::store::{Changes, IdKey, MessageKey, Read, SignupKey, StoreError, WebhookId};

use crate::load::IdColumns;
use crate::row::unknown;
use crate::schema::{Schema, hash};
use crate::session::{Batch, params};

/// The number of advisory locks of the ids of one schema. A body of a thousand new contacts takes
/// nearly all of them, and a server has room for 6,400 locks (64 of each of 100 connections).
const ID_LOCKS: u32 = 1024;

const LOCK_IDS: &str = "
    SELECT CASE WHEN input.is_exclusive THEN pg_advisory_xact_lock($1, input.key)
        ELSE pg_advisory_xact_lock_shared($1, input.key) END
    FROM unnest($2::integer[], $3::boolean[]) AS input(key, is_exclusive)";

const WEBHOOKS: &str = "
    SELECT schema.require((SELECT count(*) FROM (
        SELECT 1 FROM unnest($1::bigint[], $2::bigint[]) AS input(id, version)
            JOIN schema.webhook ON webhook.id = input.id AND webhook.version = input.version
        FOR SHARE OF webhook) AS found) = cardinality($1))";

/// Events with the webhooks that they belong to.
pub(crate) const EVENTS: &str = "
    SELECT schema.require((SELECT count(*) FROM (
        SELECT 1 FROM unnest($1::bytea[], $2::bigint[]) AS input(fingerprint, webhook)
            JOIN schema.event ON event.fingerprint = input.fingerprint
                AND event.webhook = input.webhook
        FOR SHARE OF event) AS found) = cardinality($1))";

/// Contacts, of which those without a version are only there.
const CONTACTS: &str = "
    SELECT schema.require((SELECT count(*) FROM (
        SELECT 1 FROM unnest($1::bigint[], $2::bigint[]) AS input(id, version)
            JOIN schema.contact ON contact.id = input.id
                AND contact.version = coalesce(input.version, contact.version)
        FOR SHARE OF contact) AS found) = cardinality($1))";

/// The holders of ids, as pairs of the place of an id and of a contact, in their order: arrays are
/// compared in one pass, where a join without a hash would compare all pairs.
const HOLDERS: &str = "
    SELECT schema.require(
        coalesce(array_agg(found.ordinal ORDER BY found.ordinal, found.contact), '{}') = $4
        AND coalesce(array_agg(found.contact ORDER BY found.ordinal, found.contact), '{}') = $5)
    FROM (SELECT DISTINCT input.ordinal, contact_id.contact
        FROM unnest($1::bytea[], $2::text[], $3::bytea[]) WITH ORDINALITY
                AS input(id, kind, tenant, ordinal)
            JOIN schema.contact_id ON contact_id.id = input.id
                AND contact_id.kind = input.kind AND contact_id.tenant = input.tenant) AS found";

const MESSAGES: &str = "
    SELECT schema.require((SELECT count(*) FROM (
        SELECT 1
        FROM unnest($1::bytea[], $2::bytea[], $3::bigint[]) AS input(number, wamid, version)
            JOIN schema.number ON number.number = input.number
            JOIN schema.message ON message.wamid = input.wamid AND message.number = number.id
                AND message.version = input.version
        FOR SHARE OF message) AS found) = cardinality($1))";

const SIGNUPS: &str = "
    SELECT schema.require((SELECT count(*) FROM (
        SELECT 1 FROM unnest($1::bytea[], $2::bytea[], $3::bigint[]) AS input(tenant, id, version)
            JOIN schema.signup ON signup.tenant = input.tenant AND signup.id = input.id
                AND signup.version = input.version
        FOR SHARE OF signup) AS found) = cardinality($1))";

const LOCK_ABSENT_WEBHOOKS: &str = "
    INSERT INTO schema.webhook (id, version, kind, received_at, open, dead, unclaimed, held_back)
    SELECT id, 0, 0, 0, 0, 0, 0, 0 FROM unnest($1::bigint[]) AS input(id)";
const DELETE_ABSENT_WEBHOOKS: &str = "DELETE FROM schema.webhook WHERE id = ANY($1)";

const LOCK_ABSENT_EVENTS: &str = "
    INSERT INTO schema.event (fingerprint, webhook)
    SELECT fingerprint, 0 FROM unnest($1::bytea[]) AS input(fingerprint)";
const DELETE_ABSENT_EVENTS: &str = "DELETE FROM schema.event WHERE fingerprint = ANY($1)";

const LOCK_ABSENT_CONTACTS: &str = "
    INSERT INTO schema.contact (id, version, tenant, contact, ids)
    SELECT id, 0, '', '', '' FROM unnest($1::bigint[]) AS input(id)";
const DELETE_ABSENT_CONTACTS: &str = "DELETE FROM schema.contact WHERE id = ANY($1)";

/// Messages of numbers without a row are as absent as their numbers: a commit that adds the
/// number cannot know the message.
const LOCK_ABSENT_MESSAGES: &str = "
    INSERT INTO schema.message (version, number, wamid, at, is_unread)
    SELECT 0, number.id, input.wamid, 0, false
    FROM unnest($1::bytea[], $2::bytea[]) AS input(number, wamid)
        JOIN schema.number ON number.number = input.number";
const DELETE_ABSENT_MESSAGES: &str = "
    DELETE FROM schema.message USING unnest($1::bytea[], $2::bytea[]) AS input(number, wamid)
        JOIN schema.number ON number.number = input.number
    WHERE message.wamid = input.wamid AND message.number = number.id";

const LOCK_ABSENT_SIGNUPS: &str = "
    INSERT INTO schema.signup (tenant, id, version, subscriber_count, signup)
    SELECT tenant, id, 0, 0, '' FROM unnest($1::bytea[], $2::bytea[]) AS input(tenant, id)";
const DELETE_ABSENT_SIGNUPS: &str = "
    DELETE FROM schema.signup USING unnest($1::bytea[], $2::bytea[]) AS input(tenant, id)
    WHERE signup.tenant = input.tenant AND signup.id = input.id";

/// Adds the statement that locks ids: those whose holders were read, and those of contacts that
/// are written.
pub(crate) fn lock_ids(batch: &mut Batch<'_>, schema: &Schema, changes: &Changes<'_>) {
    // In the order of the keys, so that two commits do not wait for each other.
    let mut locks: BTreeMap<i32, bool> = BTreeMap::new();
    let key = |tenant: &str, kind: &str, id: &str| {
        let hash = hash(&[tenant.as_bytes(), kind.as_bytes(), id.as_bytes()]);
        (hash % ID_LOCKS).cast_signed()
    };
    for read in &changes.reads {
        if let Read::Holders(id, _) = read {
            let key = key(id.tenant.as_str(), id.kind.as_str(), &id.id);
            locks.entry(key).or_insert(false);
        }
    }
    for put in &changes.contacts {
        for id in &put.row.ids {
            let key = key(put.row.tenant.as_str(), id.kind.as_str(), &id.id);
            locks.insert(key, true);
        }
    }
    if !locks.is_empty() {
        let (keys, are_exclusive): (Vec<_>, Vec<_>) = locks.into_iter().unzip();
        batch.push(LOCK_IDS, params![schema.lock_class, keys, are_exclusive]);
    }
}

/// The keys of rows that were read, with their versions, and of those that are absent.
#[derive(Default)]
struct Reads<'a> {
    webhooks: BTreeMap<i64, i64>,
    absent_webhooks: BTreeSet<i64>,
    events: BTreeMap<&'a [u8], i64>,
    absent_events: BTreeSet<&'a [u8]>,
    contacts: BTreeMap<i64, Option<i64>>,
    absent_contacts: BTreeSet<i64>,
    holders: Vec<(&'a IdKey, Vec<i64>)>,
    messages: BTreeMap<(&'a [u8], &'a [u8]), i64>,
    absent_messages: BTreeSet<(&'a [u8], &'a [u8])>,
    signups: BTreeMap<(&'a [u8], &'a [u8]), i64>,
    absent_signups: BTreeSet<(&'a [u8], &'a [u8])>,
}

impl<'a> Reads<'a> {
    fn of(changes: &'a Changes<'a>) -> Result<Self, StoreError> {
        let mut reads = Self::default();
        for read in &changes.reads {
            match read {
                Read::Webhook(id, Some(version)) => {
                    reads.webhooks.insert(id.0, *version);
                }
                Read::Webhook(id, None) => {
                    reads.absent_webhooks.insert(id.0);
                }
                Read::Event(key, Some(WebhookId(webhook))) => {
                    reads.events.insert(&key.0, *webhook);
                }
                Read::Event(key, None) => {
                    reads.absent_events.insert(&key.0);
                }
                Read::Contact(id, Some(version)) => {
                    reads.contacts.insert(id.0, Some(*version));
                }
                Read::Contact(id, None) => {
                    reads.absent_contacts.insert(id.0);
                }
                Read::Holders(key, holders) => {
                    let holders = holders.iter().map(|id| id.0).collect();
                    reads.holders.push((key, holders));
                }
                Read::Message(key, Some(version)) => {
                    reads.messages.insert(message_columns(key), *version);
                }
                Read::Message(key, None) => {
                    reads.absent_messages.insert(message_columns(key));
                }
                Read::Signup(key, Some(version)) => {
                    reads.signups.insert(signup_columns(key), *version);
                }
                Read::Signup(key, None) => {
                    reads.absent_signups.insert(signup_columns(key));
                }
                _ => return Err(unknown("a read row")),
            }
        }
        reads.add_holders(changes);
        Ok(reads)
    }

    /// Adds the contacts that hold ids, but those that are written: their versions are checked,
    /// and a lock that is shared first may not become one's own.
    fn add_holders(&mut self, changes: &Changes<'_>) {
        let put = changes.contacts.iter().map(|put| put.key.0);
        let merged = changes.merges.iter().map(|merge| merge.from.0);
        let deleted = changes.deleted_contacts.iter().map(|(id, _)| id.0);
        let written: BTreeSet<_> = put.chain(merged).chain(deleted).collect();
        for contact in self.holders.iter().flat_map(|(_, holders)| holders) {
            if !written.contains(contact) {
                self.contacts.entry(*contact).or_default();
            }
        }
    }
}

/// Adds the statements that check the rows that were only read.
pub(crate) fn check<'a>(batch: &mut Batch<'a>, changes: &'a Changes<'a>) -> Result<(), StoreError> {
    if changes.reads.is_empty() {
        return Ok(());
    }
    let reads = Reads::of(changes)?;
    if !reads.webhooks.is_empty() {
        let (ids, versions): (Vec<_>, Vec<_>) = reads.webhooks.into_iter().unzip();
        batch.push(WEBHOOKS, params![ids, versions]);
    }
    if !reads.events.is_empty() {
        let (keys, webhooks): (Vec<_>, Vec<_>) = reads.events.into_iter().unzip();
        batch.push(EVENTS, params![keys, webhooks]);
    }
    if !reads.contacts.is_empty() {
        let (ids, versions): (Vec<_>, Vec<_>) = reads.contacts.into_iter().unzip();
        batch.push(CONTACTS, params![ids, versions]);
    }
    check_holders(batch, &reads.holders);
    for (sql, versions) in [(MESSAGES, reads.messages), (SIGNUPS, reads.signups)] {
        if !versions.is_empty() {
            let (keys, versions): (Vec<_>, Vec<_>) = versions.into_iter().unzip();
            let (first, second): (Vec<_>, Vec<_>) = keys.into_iter().unzip();
            batch.push(sql, params![first, second, versions]);
        }
    }
    for (lock, delete, ids) in [
        (
            LOCK_ABSENT_WEBHOOKS,
            DELETE_ABSENT_WEBHOOKS,
            reads.absent_webhooks,
        ),
        (
            LOCK_ABSENT_CONTACTS,
            DELETE_ABSENT_CONTACTS,
            reads.absent_contacts,
        ),
    ] {
        if !ids.is_empty() {
            let ids: Vec<_> = ids.into_iter().collect();
            batch.push(lock, params![ids.clone()]);
            batch.push(delete, params![ids]);
        }
    }
    if !reads.absent_events.is_empty() {
        let keys: Vec<_> = reads.absent_events.into_iter().collect();
        batch.push(LOCK_ABSENT_EVENTS, params![keys.clone()]);
        batch.push(DELETE_ABSENT_EVENTS, params![keys]);
    }
    for (lock, delete, keys) in [
        (
            LOCK_ABSENT_MESSAGES,
            DELETE_ABSENT_MESSAGES,
            reads.absent_messages,
        ),
        (
            LOCK_ABSENT_SIGNUPS,
            DELETE_ABSENT_SIGNUPS,
            reads.absent_signups,
        ),
    ] {
        if !keys.is_empty() {
            let (first, second): (Vec<_>, Vec<_>) = keys.into_iter().unzip();
            batch.push(lock, params![first.clone(), second.clone()]);
            batch.push(delete, params![first, second]);
        }
    }
    Ok(())
}

fn check_holders<'a>(batch: &mut Batch<'a>, holders: &[(&'a IdKey, Vec<i64>)]) {
    if holders.is_empty() {
        return;
    }
    let columns = IdColumns::of(holders.iter().map(|(key, _)| *key));
    let pairs = (1_i64..).zip(holders);
    let mut pairs: Vec<_> = pairs
        .flat_map(|(n, (_, of_id))| of_id.iter().map(move |id| (n, *id)))
        .collect();
    pairs.sort_unstable();
    pairs.dedup();
    let (ordinals, contacts): (Vec<i64>, Vec<i64>) = pairs.into_iter().unzip();
    let params = params![
        columns.ids,
        columns.kinds,
        columns.tenants,
        ordinals,
        contacts
    ];
    batch.push(HOLDERS, params);
}

fn message_columns(key: &MessageKey) -> (&[u8], &[u8]) {
    (key.number.as_str().as_bytes(), key.id.as_str().as_bytes())
}

fn signup_columns(key: &SignupKey) -> (&[u8], &[u8]) {
    (key.tenant.as_str().as_bytes(), key.id.as_str().as_bytes())
}
