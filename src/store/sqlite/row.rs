//! Rows, from and to their columns.

use rusqlite::types::{ToSqlOutput, ValueRef};
use rusqlite::{Row, ToSql};
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::error::Error;
use crate::model::{CampaignId, Message, MessageId, MessageStatus, RawJson, Timestamp};
use crate::store::{
    ContactRow, Due, EventState, Fingerprint, Lease, MessageState, NumberKey, ProgressRow,
    StoredMessage, Tenant, Versioned, WebhookId, WebhookKind, WebhookRow,
};

/// The columns of [`webhook`].
macro_rules! webhook_columns {
    () => {
        "webhook.version, webhook.kind, webhook.received_at, webhook.open, webhook.dead,
            webhook.unclaimed, webhook.lease_holder, webhook.lease_length, webhook.lease_until,
            webhook.due_at, webhook.due_delay, webhook.held_back"
    };
}
pub(super) use webhook_columns;

/// The number of the columns of [`webhook`].
pub(super) const WEBHOOK_COLUMNS: usize = 12;

/// The columns of [`contact`].
macro_rules! contact_columns {
    () => {
        "contact.version, contact.tenant, contact.contact, contact.ids, contact.profile_at,
            contact.preference_at"
    };
}
pub(super) use contact_columns;

/// The number of the columns of [`contact`].
pub(super) const CONTACT_COLUMNS: usize = 6;

/// The columns of [`stored_message`].
macro_rules! message_columns {
    () => {
        "number.number, message.message, message.status, message.raw_payload, message.campaign"
    };
}
pub(super) use message_columns;

/// The columns of [`progress`].
macro_rules! progress_columns {
    () => {
        "webhook, key, state, attempts, receivers, due_at, due_delay"
    };
}
pub(super) use progress_columns;

/// JSON that is bound without a check that it is UTF-8.
pub(super) struct Json<'b>(&'b [u8]);

impl<'b> Json<'b> {
    /// Writes JSON to a buffer.
    pub(super) fn write(buffer: &'b mut Vec<u8>, value: &impl Serialize) -> Result<Self, Error> {
        buffer.clear();
        serde_json::to_writer(&mut *buffer, value).map_err(|_| Error::CorruptRow)?;
        Ok(Self(buffer))
    }

    pub(super) fn as_bytes(&self) -> &[u8] {
        self.0
    }
}

impl ToSql for Json<'_> {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok(ToSqlOutput::Borrowed(ValueRef::Text(self.0)))
    }
}

/// Reads a column of JSON.
pub(super) fn json<T: DeserializeOwned>(row: &Row<'_>, column: usize) -> Result<T, Error> {
    let text = row
        .get_ref(column)?
        .as_str()
        .map_err(|_| Error::CorruptRow)?;
    serde_json::from_str(text).map_err(|_| Error::CorruptRow)
}

/// Reads a time that may be missing.
fn time(row: &Row<'_>, column: usize) -> Result<Option<Timestamp>, Error> {
    let secs: Option<i64> = row.get(column)?;
    Ok(secs.map(Timestamp::from_secs))
}

/// Returns the number of a kind.
pub(super) fn kind_number(kind: WebhookKind) -> i64 {
    match kind {
        WebhookKind::Body => 0,
        WebhookKind::QueuedEvent => 1,
        WebhookKind::Unreadable => 2,
        WebhookKind::Replay => 3,
    }
}

/// Returns the number of a state.
pub(super) fn state_number(state: EventState) -> i64 {
    match state {
        EventState::Open => 0,
        EventState::Finished => 1,
        EventState::Dead => 2,
    }
}

/// Reads the [columns](webhook_columns) of a webhook.
pub(super) fn webhook(row: &Row<'_>) -> Result<Versioned<WebhookRow>, Error> {
    let kind = match row.get(1)? {
        0 => WebhookKind::Body,
        1 => WebhookKind::QueuedEvent,
        2 => WebhookKind::Unreadable,
        3 => WebhookKind::Replay,
        _ => return Err(Error::CorruptRow),
    };
    let lease = match (row.get(6)?, row.get(7)?, row.get(8)?) {
        (Some(holder), Some(length), Some(until)) => Some(Lease {
            holder,
            length,
            until,
        }),
        (None, None, None) => None,
        _ => return Err(Error::CorruptRow),
    };
    Ok(Versioned {
        version: row.get(0)?,
        row: WebhookRow {
            kind,
            received_at: Timestamp::from_secs(row.get(2)?),
            open: row.get(3)?,
            dead: row.get(4)?,
            unclaimed: row.get(5)?,
            lease,
            due: due(row, 9)?,
            held_back: row.get(11)?,
        },
    })
}

/// Reads the two columns of a due time.
fn due(row: &Row<'_>, column: usize) -> Result<Due, Error> {
    match (row.get(column)?, row.get(column + 1)?) {
        (Some(time), Some(delay)) => Ok(Due::At { time, delay }),
        (None, None) => Ok(Due::Now),
        _ => Err(Error::CorruptRow),
    }
}

/// Returns the two columns of a due time, for a commit of this time.
pub(super) fn due_columns(due: Due, now: i64) -> (Option<i64>, Option<i64>) {
    match due.resolve(now) {
        Due::At { time, delay } => (Some(time), Some(delay)),
        _ => (None, None),
    }
}

/// Reads the [columns](progress_columns) of an event's progress.
pub(super) fn progress(row: &Row<'_>) -> Result<ProgressRow, Error> {
    Ok(ProgressRow {
        webhook: WebhookId(row.get(0)?),
        key: row.get(1)?,
        state: match row.get(2)? {
            0 => EventState::Open,
            1 => EventState::Finished,
            2 => EventState::Dead,
            _ => return Err(Error::CorruptRow),
        },
        attempts: row.get(3)?,
        receivers: match row.get_ref(4)? {
            ValueRef::Null => Vec::new(),
            _ => json(row, 4)?,
        },
        due: due(row, 5)?,
    })
}

/// Reads the [columns](contact_columns) of a contact, which are `NULL` if it is not there.
pub(super) fn contact(row: &Row<'_>) -> Result<Option<Versioned<ContactRow>>, Error> {
    let Some(version) = row.get(0)? else {
        return Ok(None);
    };
    let tenant = row.get_ref(1)?.as_str().map_err(|_| Error::CorruptRow)?;
    let row = ContactRow {
        tenant: Tenant::new(tenant),
        contact: json(row, 2)?,
        ids: json(row, 3)?,
        profile_at: time(row, 4)?,
        preference_at: time(row, 5)?,
    };
    Ok(Some(Versioned { version, row }))
}

/// Reads a status.
pub(super) fn status(row: &Row<'_>, column: usize) -> Result<Option<MessageStatus>, Error> {
    let status: Option<String> = row.get(column)?;
    Ok(status.map(MessageStatus::from))
}

/// Reads the campaign of a message.
fn campaign(row: &Row<'_>, column: usize) -> Result<Option<CampaignId>, Error> {
    let id: Option<String> = row.get(column)?;
    Ok(id.map(CampaignId::from))
}

/// Returns the key of a message, given the row id of its number.
pub(super) fn message_key(id: &MessageId, number: i64) -> Result<[u8; 20], Error> {
    let number = u32::try_from(number).map_err(|_| Error::CorruptRow)?;
    Ok(key_of(id, number))
}

/// Returns the first and the last key that a message with this id has with any number.
pub(super) fn message_keys(id: &MessageId) -> ([u8; 20], [u8; 20]) {
    (key_of(id, u32::MIN), key_of(id, u32::MAX))
}

fn key_of(id: &MessageId, number: u32) -> [u8; 20] {
    let mut key = [0; 20];
    key[..16].copy_from_slice(&Fingerprint::of(id.as_str()).0);
    key[16..].copy_from_slice(&number.to_be_bytes());
    key
}

/// Reads the version, whether the message is stored, whether it is unread, its status and its
/// campaign.
pub(super) fn message_state(row: &Row<'_>) -> Result<Versioned<MessageState>, Error> {
    Ok(Versioned {
        version: row.get(0)?,
        row: MessageState::new(row.get(1)?, row.get(2)?, status(row, 3)?)
            .in_campaign(campaign(row, 4)?),
    })
}

/// Reads the [columns](message_columns) of a message.
pub(super) fn stored_message(row: &Row<'_>) -> Result<StoredMessage, Error> {
    let number = NumberKey::new(row.get::<_, String>(0)?);
    let mut message: Message = json(row, 1)?;
    message.status = status(row, 2)?;
    let raw_payload = match row.get_ref(3)? {
        ValueRef::Null => None,
        text => {
            let text = text.as_str().map_err(|_| Error::CorruptRow)?;
            Some(RawJson::new(text).map_err(|_| Error::CorruptRow)?)
        }
    };
    Ok(StoredMessage {
        number,
        message,
        raw_payload,
        campaign: campaign(row, 4)?,
    })
}
