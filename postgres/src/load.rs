//! Loads of the rows that a decision reads.

use deadpool_postgres::Pool;
use tokio_postgres::Row;
use whatsapp_signals::model::Signup;
use whatsapp_signals::store::{
    CampaignKey, CampaignRow, ContactId, Fingerprint, IdKey, LoadQuery, MessageKey, NumberKey,
    SignupKey, Snapshot, StoreError, Tenant, WebhookId,
};

use crate::counters::{self, CAMPAIGNS, CounterRow, SIGNUPS};
use crate::error::corrupt_row;
use crate::row::params;
use crate::row::{
    self, CONTACT_COLUMNS, WEBHOOK_COLUMNS, contact_columns, get, progress_columns, webhook_columns,
};
use crate::schema::Schema;
use crate::session::{Batch, read_at};
use crate::turns;

const NUMBERS: &str = "SELECT number, tenant FROM schema.number WHERE number = ANY($1)";

const WEBHOOKS: &str = concat!(
    "SELECT ",
    webhook_columns!(),
    ", webhook.id FROM schema.webhook WHERE webhook.id IN (SELECT unnest($1::bigint[])
        UNION SELECT event.webhook FROM schema.event WHERE event.fingerprint = ANY($2))"
);

const BODIES: &str = "SELECT webhook, body FROM schema.body WHERE webhook = ANY($1)";

const EVENTS: &str = concat!(
    "SELECT event.fingerprint, event.webhook, ",
    progress_columns!(),
    " FROM schema.event LEFT JOIN schema.progress ON progress.fingerprint = event.fingerprint
    WHERE event.fingerprint = ANY($1)"
);

const MESSAGES: &str = "
    SELECT message.version, message.message IS NOT NULL, message.is_unread, message.status,
        message.campaign, input.ordinal
    FROM unnest($1::bytea[], $2::bytea[]) WITH ORDINALITY AS input(wamid, number, ordinal)
        JOIN schema.number ON number.number = input.number
        JOIN schema.message ON message.wamid = input.wamid AND message.number = number.id";

/// The holders of ids, and their rows.
const HOLDERS: &str = concat!(
    "SELECT ",
    contact_columns!(),
    ", holder.contact, holder.ordinal
    FROM (SELECT DISTINCT input.ordinal, contact_id.contact
        FROM unnest($1::bytea[], $2::text[], $3::bytea[]) WITH ORDINALITY
                AS input(id, kind, tenant, ordinal)
            JOIN schema.contact_id ON contact_id.id = input.id AND contact_id.kind = input.kind
                AND contact_id.tenant = input.tenant) AS holder
        LEFT JOIN schema.contact ON contact.id = holder.contact
    ORDER BY holder.ordinal, holder.contact"
);

const CONTACTS: &str = concat!(
    "SELECT ",
    contact_columns!(),
    ", contact.id FROM schema.contact WHERE contact.id = ANY($1)"
);

/// Columns of the keys of ids.
pub(crate) struct IdColumns<'a> {
    pub(crate) ids: Vec<&'a [u8]>,
    pub(crate) kinds: Vec<&'a str>,
    pub(crate) tenants: Vec<&'a [u8]>,
}

impl<'a> IdColumns<'a> {
    pub(crate) fn of(keys: impl Iterator<Item = &'a IdKey> + Clone) -> Self {
        Self {
            ids: keys.clone().map(|key| key.id.as_bytes()).collect(),
            kinds: keys.clone().map(|key| key.kind.as_str()).collect(),
            tenants: keys.map(|key| key.tenant.as_str().as_bytes()).collect(),
        }
    }
}

/// Queries whose rows have the ordinals of their keys.
struct Keys<'a> {
    events: Vec<&'a [u8]>,
    messages: Vec<&'a MessageKey>,
    ids: Vec<&'a IdKey>,
    signups: Vec<&'a SignupKey>,
    campaigns: Vec<&'a CampaignKey>,
}

/// Reads the rows of a query.
pub(crate) async fn load(
    pool: &Pool,
    schema: &Schema,
    query: &LoadQuery,
) -> Result<Snapshot, StoreError> {
    let keys = Keys {
        events: query.events.iter().map(|key| &key.0[..]).collect(),
        messages: query.messages.iter().collect(),
        ids: query.ids.iter().collect(),
        signups: query.signups.iter().collect(),
        campaigns: query.campaigns.iter().collect(),
    };
    let mut snapshot = absent(query);
    let mut batch = Batch::new(schema);
    let mut readers: Vec<Reader> = Vec::new();
    if !query.numbers.is_empty() {
        let numbers: Vec<_> = query.numbers.iter().map(bytes).collect();
        batch.push(NUMBERS, params![numbers]);
        readers.push(read_numbers);
    }
    if !query.webhooks.is_empty() || !query.events.is_empty() {
        batch.push(WEBHOOKS, params![ids(&query.webhooks), &keys.events]);
        readers.push(read_webhooks);
    }
    if !query.bodies.is_empty() {
        batch.push(BODIES, params![ids(&query.bodies)]);
        readers.push(read_bodies);
    }
    if !query.events.is_empty() {
        batch.push(EVENTS, params![&keys.events]);
        readers.push(read_events);
    }
    if !query.partitions.is_empty() {
        batch.push(turns::PARTITIONS, turns::partition_params(query));
        readers.push(|row, _, snapshot| turns::read_partition(row, snapshot));
    }
    if !query.turns.is_empty() {
        batch.push(turns::OF_WEBHOOKS, params![ids(&query.turns)]);
        readers.push(|row, _, snapshot| turns::read_turn(row, snapshot));
    }
    if !keys.messages.is_empty() {
        let wamids = keys.messages.iter().map(|key| key.id.as_str().as_bytes());
        let numbers = keys.messages.iter().map(|key| bytes(&key.number));
        let (wamids, numbers): (Vec<_>, Vec<_>) = (wamids.collect(), numbers.collect());
        batch.push(MESSAGES, params![wamids, numbers]);
        readers.push(read_message);
    }
    if !keys.ids.is_empty() {
        let columns = IdColumns::of(keys.ids.iter().copied());
        let params = params![columns.ids, columns.kinds, columns.tenants];
        batch.push(HOLDERS, params);
        readers.push(read_holder);
    }
    if !query.contacts.is_empty() {
        let contacts: Vec<_> = query.contacts.iter().map(|id| id.0).collect();
        batch.push(CONTACTS, params![contacts]);
        readers.push(|row, _, snapshot| read_contact(row, snapshot));
    }
    if !keys.signups.is_empty() {
        let columns = keys.signups.iter().map(|key| Signup::columns(key));
        let (tenants, ids): (Vec<_>, Vec<_>) = columns.unzip();
        batch.push(SIGNUPS.load, params![tenants, ids]);
        readers.push(read_signup);
    }
    if !keys.campaigns.is_empty() {
        let columns = keys.campaigns.iter().map(|key| CampaignRow::columns(key));
        let (tenants, ids): (Vec<_>, Vec<_>) = columns.unzip();
        batch.push(CAMPAIGNS.load, params![tenants, ids]);
        readers.push(read_campaign);
    }
    let (now, results) = read_at(pool, &batch).await?;
    snapshot.now = now;
    for (rows, read) in results.iter().zip(readers) {
        for row in rows {
            read(row, &keys, &mut snapshot)?;
        }
    }
    bring_along(&mut snapshot);
    Ok(snapshot)
}

/// Reads a row into a snapshot.
type Reader = fn(&Row, &Keys<'_>, &mut Snapshot) -> Result<(), StoreError>;

/// Returns a snapshot of a store without any of the rows.
fn absent(query: &LoadQuery) -> Snapshot {
    let mut snapshot = Snapshot::with_capacity_for(query);
    /// Adds `None` for each key.
    macro_rules! absent {
        ($($rows:ident: $keys:ident = $absent:expr),+ $(,)?) => { $(
            let keys = query.$keys.iter().map(|key| (key.clone(), $absent));
            snapshot.$rows.extend(keys);
        )+ };
    }
    absent! {
        numbers: numbers = None,
        webhooks: webhooks = None,
        bodies: bodies = None,
        events: events = None,
        partitions: partitions = None,
        turns: turns = Vec::new(),
        messages: messages = None,
        holders: ids = Vec::new(),
        contacts: contacts = None,
        signups: signups = None,
        campaigns: campaigns = None,
    }
    snapshot
}

/// Adds `None` for the missing webhooks of events and contacts of ids.
fn bring_along(snapshot: &mut Snapshot) {
    for webhook in snapshot.events.values().flatten() {
        snapshot.webhooks.entry(*webhook).or_default();
    }
    for contact in snapshot.holders.values().flatten() {
        snapshot.contacts.entry(*contact).or_default();
    }
}

fn bytes(number: &NumberKey) -> &[u8] {
    number.as_str().as_bytes()
}

fn ids<'a>(ids: impl IntoIterator<Item = &'a WebhookId>) -> Vec<i64> {
    ids.into_iter().map(|id| id.0).collect()
}

/// Returns the key at the ordinal in a column, from 1 on.
fn key_of<'k, K>(keys: &[&'k K], row: &Row, column: usize) -> Result<&'k K, StoreError> {
    let ordinal: usize = row::number(row, column)?;
    let key = ordinal.checked_sub(1).and_then(|index| keys.get(index));
    key.copied().ok_or_else(corrupt_row)
}

/// Reads a fingerprint.
pub(crate) fn fingerprint(row: &Row, column: usize) -> Result<Fingerprint, StoreError> {
    let bytes: &[u8] = get(row, column)?;
    bytes.try_into().map(Fingerprint).map_err(|_| corrupt_row())
}

fn read_numbers(row: &Row, _: &Keys<'_>, snapshot: &mut Snapshot) -> Result<(), StoreError> {
    let number = NumberKey::new(row::string(row, 0)?);
    let tenant = Tenant::new(row::string(row, 1)?);
    snapshot.numbers.insert(number, Some(tenant));
    Ok(())
}

fn read_webhooks(row: &Row, _: &Keys<'_>, snapshot: &mut Snapshot) -> Result<(), StoreError> {
    let id = WebhookId(get(row, WEBHOOK_COLUMNS)?);
    snapshot.webhooks.insert(id, Some(row::webhook(row)?));
    Ok(())
}

fn read_bodies(row: &Row, _: &Keys<'_>, snapshot: &mut Snapshot) -> Result<(), StoreError> {
    let body: Vec<u8> = get(row, 1)?;
    snapshot.bodies.insert(WebhookId(get(row, 0)?), Some(body));
    Ok(())
}

fn read_events(row: &Row, _: &Keys<'_>, snapshot: &mut Snapshot) -> Result<(), StoreError> {
    let key = fingerprint(row, 0)?;
    snapshot.events.insert(key, Some(WebhookId(get(row, 1)?)));
    snapshot.progress.insert(key, row::progress(row, 2)?);
    Ok(())
}

fn read_message(row: &Row, keys: &Keys<'_>, snapshot: &mut Snapshot) -> Result<(), StoreError> {
    let key = key_of(&keys.messages, row, 5)?;
    let state = row::message_state(row)?;
    snapshot.messages.insert(key.clone(), Some(state));
    Ok(())
}

fn read_holder(row: &Row, keys: &Keys<'_>, snapshot: &mut Snapshot) -> Result<(), StoreError> {
    let key = key_of(&keys.ids, row, CONTACT_COLUMNS + 1)?;
    let holder = ContactId(get(row, CONTACT_COLUMNS)?);
    let holders = snapshot.holders.get_mut(key);
    holders.ok_or_else(corrupt_row)?.push(holder);
    // The row may be deleted, or have been read with another id.
    let is_there = get::<Option<i64>>(row, 0)?.is_some();
    let is_read = matches!(snapshot.contacts.get(&holder), Some(Some(_)));
    if is_there && !is_read {
        read_contact(row, snapshot)?;
    }
    Ok(())
}

fn read_contact(row: &Row, snapshot: &mut Snapshot) -> Result<(), StoreError> {
    let id = ContactId(get(row, CONTACT_COLUMNS)?);
    snapshot.contacts.insert(id, Some(row::contact(row)?));
    Ok(())
}

fn read_signup(row: &Row, keys: &Keys<'_>, snapshot: &mut Snapshot) -> Result<(), StoreError> {
    let key = key_of(&keys.signups, row, 3)?;
    let signup = counters::read_loaded(row)?;
    snapshot.signups.insert(key.clone(), Some(signup));
    Ok(())
}

fn read_campaign(row: &Row, keys: &Keys<'_>, snapshot: &mut Snapshot) -> Result<(), StoreError> {
    let key = key_of(&keys.campaigns, row, 3)?;
    let campaign = counters::read_loaded(row)?;
    snapshot.campaigns.insert(key.clone(), Some(campaign));
    Ok(())
}
