//! Checks of the rows that a decision read and does not write.
//!
//! An existing row is locked `FOR SHARE` until the commit. An absent key is locked by a row that is
//! inserted and deleted again: another transaction that inserts the key waits for the commit, and a
//! key that was inserted since is a conflict. The holders of an id have no row of their own: a commit
//! that reads them takes a shared advisory lock of the id, and one that adds a holder takes an
//! exclusive one. A contact that loses an id is written, so its row is locked.

use std::collections::{BTreeMap, BTreeSet};

use whatsapp_signals::model::Signup;
use whatsapp_signals::store::{
    CampaignRow, Changes, IdKey, MessageKey, ReadRow, StoreError, WebhookId,
};

use crate::calls::{Calls, Function};
use crate::counters::{CAMPAIGNS, CounterRow, SIGNUPS};
use crate::load::IdColumns;
use crate::row::params;
use crate::row::unknown;
use crate::schema::{Schema, hash};

/// The number of advisory locks of the ids of one schema. A body of a thousand new contacts takes
/// nearly all of them, and a server has room for 6,400 locks (64 of each of 100 connections).
const ID_LOCKS: u32 = 1024;

const LOCK_IDS: Function = Function::write(
    "lock_ids",
    "integer, integer[], boolean[]",
    "
        PERFORM CASE WHEN input.is_exclusive THEN pg_advisory_xact_lock($1, input.key)
            ELSE pg_advisory_xact_lock_shared($1, input.key) END
        FROM unnest($2, $3) AS input(key, is_exclusive)",
);

const CHECK_WEBHOOKS: Function = Function::check(
    "check_webhooks",
    "bigint[], bigint[]",
    "
        (SELECT count(*) FROM (
            SELECT 1 FROM unnest($1, $2) AS input(id, version)
                JOIN schema.webhook ON webhook.id = input.id AND webhook.version = input.version
            FOR SHARE OF webhook) AS found) = cardinality($1)",
);

/// Events with their webhooks.
pub(crate) const CHECK_EVENTS: Function = Function::check(
    "check_events",
    "bytea[], bigint[]",
    "
        (SELECT count(*) FROM (
            SELECT 1 FROM unnest($1, $2) AS input(fingerprint, webhook)
                JOIN schema.event ON event.fingerprint = input.fingerprint
                    AND event.webhook = input.webhook
            FOR SHARE OF event) AS found) = cardinality($1)",
);

/// Contacts; those without a version must exist.
const CHECK_CONTACTS: Function = Function::check(
    "check_contacts",
    "bigint[], bigint[]",
    "
        (SELECT count(*) FROM (
            SELECT 1 FROM unnest($1, $2) AS input(id, version)
                JOIN schema.contact ON contact.id = input.id
                    AND contact.version = coalesce(input.version, contact.version)
            FOR SHARE OF contact) AS found) = cardinality($1)",
);

/// The holders of ids, as pairs of the index of an id and of a contact, in their order: arrays are
/// compared in one pass, where a join without a hash would compare all pairs.
const CHECK_HOLDERS: Function = Function::check(
    "check_holders",
    "bytea[], text[], bytea[], bigint[], bigint[]",
    "
        (SELECT coalesce(array_agg(found.ordinal ORDER BY found.ordinal, found.contact), '{}')
                = $4
            AND coalesce(array_agg(found.contact ORDER BY found.ordinal, found.contact), '{}')
                = $5
        FROM (SELECT DISTINCT input.ordinal, contact_id.contact
            FROM unnest($1, $2, $3) WITH ORDINALITY AS input(id, kind, tenant, ordinal)
                JOIN schema.contact_id ON contact_id.id = input.id
                    AND contact_id.kind = input.kind
                    AND contact_id.tenant = input.tenant) AS found)",
);

const CHECK_MESSAGES: Function = Function::check(
    "check_messages",
    "bytea[], bytea[], bigint[]",
    "
        (SELECT count(*) FROM (
            SELECT 1 FROM unnest($1, $2, $3) AS input(number, wamid, version)
                JOIN schema.number ON number.number = input.number
                JOIN schema.message ON message.wamid = input.wamid AND message.number = number.id
                    AND message.version = input.version
            FOR SHARE OF message) AS found) = cardinality($1)",
);

const LOCK_ABSENT_WEBHOOKS: Function = Function::write(
    "lock_absent_webhooks",
    "bigint[]",
    "
        INSERT INTO schema.webhook (id, version, kind, received_at, open, dead, unclaimed,
            held_back)
        SELECT id, 0, 0, 0, 0, 0, 0, 0 FROM unnest($1) AS input(id);
        DELETE FROM schema.webhook WHERE webhook.id = ANY($1)",
);

const LOCK_ABSENT_EVENTS: Function = Function::write(
    "lock_absent_events",
    "bytea[]",
    "
        INSERT INTO schema.event (fingerprint, webhook)
        SELECT fingerprint, 0 FROM unnest($1) AS input(fingerprint);
        DELETE FROM schema.event WHERE event.fingerprint = ANY($1)",
);

const LOCK_ABSENT_CONTACTS: Function = Function::write(
    "lock_absent_contacts",
    "bigint[]",
    "
        INSERT INTO schema.contact (id, version, tenant, contact, ids)
        SELECT id, 0, '', '', '' FROM unnest($1) AS input(id);
        DELETE FROM schema.contact WHERE contact.id = ANY($1)",
);

/// A message of a number without a row needs no lock: a commit that adds the number cannot have read
/// the message.
const LOCK_ABSENT_MESSAGES: Function = Function::write(
    "lock_absent_messages",
    "bytea[], bytea[]",
    "
        INSERT INTO schema.message (version, number, wamid, at, is_unread)
        SELECT 0, number.id, input.wamid, 0, false FROM unnest($1, $2) AS input(number, wamid)
            JOIN schema.number ON number.number = input.number;
        DELETE FROM schema.message USING unnest($1, $2) AS input(number, wamid)
            JOIN schema.number ON number.number = input.number
        WHERE message.wamid = input.wamid AND message.number = number.id",
);

pub(crate) const FUNCTIONS: &[&Function] = &[
    &LOCK_IDS,
    &CHECK_WEBHOOKS,
    &CHECK_EVENTS,
    &CHECK_CONTACTS,
    &CHECK_HOLDERS,
    &CHECK_MESSAGES,
    &LOCK_ABSENT_WEBHOOKS,
    &LOCK_ABSENT_EVENTS,
    &LOCK_ABSENT_CONTACTS,
    &LOCK_ABSENT_MESSAGES,
];

/// Adds the call that locks ids: those whose holders were read, and those of contacts that
/// are written.
pub(crate) fn lock_ids(calls: &mut Calls<'_>, schema: &Schema, changes: &Changes<'_>) {
    // In the order of the keys, so that two commits do not deadlock.
    let mut locks: BTreeMap<i32, bool> = BTreeMap::new();
    let key = |tenant: &str, kind: &str, id: &str| {
        let hash = hash(&[tenant.as_bytes(), kind.as_bytes(), id.as_bytes()]);
        (hash % ID_LOCKS).cast_signed()
    };
    for read in &changes.reads {
        if let ReadRow::Holders(id, _) = read {
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
        calls.push(&LOCK_IDS, params![schema.lock_class, keys, are_exclusive]);
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
    campaigns: BTreeMap<(&'a [u8], &'a [u8]), i64>,
    absent_campaigns: BTreeSet<(&'a [u8], &'a [u8])>,
}

impl<'a> Reads<'a> {
    fn of(changes: &'a Changes<'a>) -> Result<Self, StoreError> {
        let mut reads = Self::default();
        for read in &changes.reads {
            match read {
                ReadRow::Webhook(id, Some(version)) => {
                    reads.webhooks.insert(id.0, *version);
                }
                ReadRow::Webhook(id, None) => {
                    reads.absent_webhooks.insert(id.0);
                }
                ReadRow::Event(key, Some(WebhookId(webhook))) => {
                    reads.events.insert(&key.0, *webhook);
                }
                ReadRow::Event(key, None) => {
                    reads.absent_events.insert(&key.0);
                }
                ReadRow::Contact(id, Some(version)) => {
                    reads.contacts.insert(id.0, Some(*version));
                }
                ReadRow::Contact(id, None) => {
                    reads.absent_contacts.insert(id.0);
                }
                ReadRow::Holders(key, holders) => {
                    let holders = holders.iter().map(|id| id.0).collect();
                    reads.holders.push((key, holders));
                }
                ReadRow::Message(key, Some(version)) => {
                    reads.messages.insert(message_columns(key), *version);
                }
                ReadRow::Message(key, None) => {
                    reads.absent_messages.insert(message_columns(key));
                }
                ReadRow::Signup(key, Some(version)) => {
                    reads.signups.insert(Signup::columns(key), *version);
                }
                ReadRow::Signup(key, None) => {
                    reads.absent_signups.insert(Signup::columns(key));
                }
                ReadRow::Campaign(key, Some(version)) => {
                    let key = CampaignRow::columns(key);
                    reads.campaigns.insert(key, *version);
                }
                ReadRow::Campaign(key, None) => {
                    reads.absent_campaigns.insert(CampaignRow::columns(key));
                }
                _ => return Err(unknown("a read row")),
            }
        }
        reads.add_holders(changes);
        Ok(reads)
    }

    /// Adds the contacts that hold ids. Written contacts are left out, because their versions are
    /// checked anyway, and a shared lock may not become exclusive.
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

/// Adds the calls that check the rows that were only read.
pub(crate) fn check<'a>(calls: &mut Calls<'a>, changes: &'a Changes<'a>) -> Result<(), StoreError> {
    if changes.reads.is_empty() {
        return Ok(());
    }
    let reads = Reads::of(changes)?;
    if !reads.webhooks.is_empty() {
        let (ids, versions): (Vec<_>, Vec<_>) = reads.webhooks.into_iter().unzip();
        calls.push(&CHECK_WEBHOOKS, params![ids, versions]);
    }
    if !reads.events.is_empty() {
        let (keys, webhooks): (Vec<_>, Vec<_>) = reads.events.into_iter().unzip();
        calls.push(&CHECK_EVENTS, params![keys, webhooks]);
    }
    if !reads.contacts.is_empty() {
        let (ids, versions): (Vec<_>, Vec<_>) = reads.contacts.into_iter().unzip();
        calls.push(&CHECK_CONTACTS, params![ids, versions]);
    }
    check_holders(calls, &reads.holders);
    for (function, versions) in [
        (&CHECK_MESSAGES, reads.messages),
        (&SIGNUPS.check, reads.signups),
        (&CAMPAIGNS.check, reads.campaigns),
    ] {
        if !versions.is_empty() {
            let (keys, versions): (Vec<_>, Vec<_>) = versions.into_iter().unzip();
            let (first, second): (Vec<_>, Vec<_>) = keys.into_iter().unzip();
            calls.push(function, params![first, second, versions]);
        }
    }
    for (function, ids) in [
        (&LOCK_ABSENT_WEBHOOKS, reads.absent_webhooks),
        (&LOCK_ABSENT_CONTACTS, reads.absent_contacts),
    ] {
        if !ids.is_empty() {
            let ids: Vec<_> = ids.into_iter().collect();
            calls.push(function, params![ids]);
        }
    }
    if !reads.absent_events.is_empty() {
        let keys: Vec<_> = reads.absent_events.into_iter().collect();
        calls.push(&LOCK_ABSENT_EVENTS, params![keys]);
    }
    for (function, keys) in [
        (&LOCK_ABSENT_MESSAGES, reads.absent_messages),
        (&SIGNUPS.lock_absent, reads.absent_signups),
        (&CAMPAIGNS.lock_absent, reads.absent_campaigns),
    ] {
        if !keys.is_empty() {
            let (first, second): (Vec<_>, Vec<_>) = keys.into_iter().unzip();
            calls.push(function, params![first, second]);
        }
    }
    Ok(())
}

fn check_holders<'a>(calls: &mut Calls<'a>, holders: &[(&'a IdKey, Vec<i64>)]) {
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
    calls.push(&CHECK_HOLDERS, params);
}

fn message_columns(key: &MessageKey) -> (&[u8], &[u8]) {
    (key.number.as_str().as_bytes(), key.id.as_str().as_bytes())
}
