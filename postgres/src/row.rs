//! Rows, from and to their columns.

use serde::Serialize;
use serde::de::DeserializeOwned;
use std::time::Duration;
use tokio_postgres::Row;
use tokio_postgres::types::{FromSql, ToSql};
use whatsapp_signals::model::{CampaignId, Message, MessageStatus, RawJson, Timestamp};
use whatsapp_signals::store::{
    ContactRow, Due, EventState, Lease, MessageState, NumberKey, ProgressRow, StoreError,
    StoreErrorKind, StoredMessage, Tenant, Versioned, WebhookId, WebhookKind, WebhookRow,
};

use crate::error::corrupt_row;

/// A parameter of a statement.
pub(crate) type Param<'a> = Box<dyn ToSql + Send + Sync + 'a>;

/// Returns the parameters of a statement.
macro_rules! params {
    ($($value:expr),* $(,)?) => {
        vec![$(Box::new($value) as $crate::row::Param<'_>),*]
    };
}
pub(crate) use params;

/// The columns of [`webhook`].
macro_rules! webhook_columns {
    () => {
        "webhook.version, webhook.kind, webhook.received_at, webhook.open, webhook.dead,
            webhook.unclaimed, webhook.lease_holder, webhook.lease_length, webhook.lease_until,
            webhook.due_at, webhook.due_delay, webhook.held_back"
    };
}
pub(crate) use webhook_columns;

/// The number of the columns of [`webhook`].
pub(crate) const WEBHOOK_COLUMNS: usize = 12;

/// The columns of [`contact`].
macro_rules! contact_columns {
    () => {
        "contact.version, contact.tenant, contact.contact, contact.ids, contact.profile_at,
            contact.preference_at"
    };
}
pub(crate) use contact_columns;

/// The number of the columns of [`contact`].
pub(crate) const CONTACT_COLUMNS: usize = 6;

/// The columns of [`stored_message`].
macro_rules! message_columns {
    () => {
        "number.number, message.message, message.status, message.raw_payload, message.campaign"
    };
}
pub(crate) use message_columns;

/// The columns of [`progress`].
macro_rules! progress_columns {
    () => {
        "progress.webhook, progress.key, progress.state, progress.attempts, progress.receivers,
            progress.due_at, progress.due_delay"
    };
}
pub(crate) use progress_columns;

/// Writes JSON.
pub(crate) fn to_json(value: &impl Serialize) -> Result<String, StoreError> {
    let json = serde_json::to_string(value);
    json.map_err(|error| StoreError::new(StoreErrorKind::Other, error))
}

/// Reads a column.
pub(crate) fn get<'r, T: FromSql<'r>>(row: &'r Row, column: usize) -> Result<T, StoreError> {
    row.try_get(column).map_err(|_| corrupt_row())
}

/// Reads a column with a number that the core has in another type.
pub(crate) fn number<T: TryFrom<i64>>(row: &Row, column: usize) -> Result<T, StoreError> {
    T::try_from(get(row, column)?).map_err(|_| corrupt_row())
}

/// Reads a column of UTF-8.
pub(crate) fn string(row: &Row, column: usize) -> Result<&str, StoreError> {
    utf8(get(row, column)?)
}

fn utf8(bytes: &[u8]) -> Result<&str, StoreError> {
    str::from_utf8(bytes).map_err(|_| corrupt_row())
}

/// Reads a column of JSON.
pub(crate) fn json<T: DeserializeOwned>(row: &Row, column: usize) -> Result<T, StoreError> {
    serde_json::from_str(get(row, column)?).map_err(|_| corrupt_row())
}

/// Reads a time that may be missing.
fn time(row: &Row, column: usize) -> Result<Option<Timestamp>, StoreError> {
    let secs: Option<i64> = get(row, column)?;
    Ok(secs.map(Timestamp::from_secs))
}

/// Returns the number of a kind.
pub(crate) fn kind_number(kind: WebhookKind) -> Result<i32, StoreError> {
    Ok(match kind {
        WebhookKind::Body => 0,
        WebhookKind::QueuedEvent => 1,
        WebhookKind::Unreadable => 2,
        WebhookKind::Replay => 3,
        _ => return Err(unknown("a kind of webhook")),
    })
}

/// Returns the number of a state.
pub(crate) fn state_number(state: EventState) -> Result<i32, StoreError> {
    Ok(match state {
        EventState::Open => 0,
        EventState::Finished => 1,
        EventState::Dead => 2,
        _ => return Err(unknown("a state of an event")),
    })
}

/// Returns the error of a value that a later version of the core added.
#[cold]
pub(crate) fn unknown(name: &str) -> StoreError {
    let source = format!("{name} that this version does not store");
    StoreError::new(StoreErrorKind::Other, source)
}

/// Reads the [columns](webhook_columns) of a webhook.
pub(crate) fn webhook(row: &Row) -> Result<Versioned<WebhookRow>, StoreError> {
    let kind = match get::<i32>(row, 1)? {
        0 => WebhookKind::Body,
        1 => WebhookKind::QueuedEvent,
        2 => WebhookKind::Unreadable,
        3 => WebhookKind::Replay,
        _ => return Err(corrupt_row()),
    };
    let received_at = Timestamp::from_secs(get(row, 2)?);
    let mut webhook = WebhookRow::new(kind, received_at, number(row, 3)?);
    webhook.dead = number(row, 4)?;
    webhook.unclaimed = number(row, 5)?;
    webhook.lease = match (get(row, 6)?, get(row, 7)?, get(row, 8)?) {
        (Some(holder), Some(length), Some(until)) => {
            let mut lease = Lease::new(holder, Duration::ZERO);
            (lease.length, lease.until) = (length, until);
            Some(lease)
        }
        (None, None, None) => None,
        _ => return Err(corrupt_row()),
    };
    webhook.due = due(row, 9)?;
    webhook.held_back = number(row, 11)?;
    Ok(Versioned {
        version: get(row, 0)?,
        row: webhook,
    })
}

/// Reads the two columns of a due time.
fn due(row: &Row, column: usize) -> Result<Due, StoreError> {
    match (get(row, column)?, get(row, column + 1)?) {
        (Some(time), Some(delay)) => Ok(Due::At { time, delay }),
        (None, None) => Ok(Due::Now),
        _ => Err(corrupt_row()),
    }
}

/// Returns the time and the delay of a due time. The server adds a time that is missing.
pub(crate) fn due_columns(due: Due) -> Result<(Option<i64>, Option<i64>), StoreError> {
    Ok(match due {
        Due::Now => (None, None),
        Due::After(delay) => (None, Some(delay)),
        Due::At { time, delay } => (Some(time), Some(delay)),
        _ => return Err(unknown("a due time")),
    })
}

/// Reads the [columns](progress_columns) of an event's progress, the first of them at `column`.
pub(crate) fn progress(row: &Row, column: usize) -> Result<Option<ProgressRow>, StoreError> {
    let Some(webhook) = get(row, column)? else {
        return Ok(None);
    };
    let key = string(row, column + 1)?.to_owned();
    let mut progress = ProgressRow::new(WebhookId(webhook), key);
    progress.state = match get::<i32>(row, column + 2)? {
        0 => EventState::Open,
        1 => EventState::Finished,
        2 => EventState::Dead,
        _ => return Err(corrupt_row()),
    };
    progress.attempts = number(row, column + 3)?;
    if let Some(json) = get::<Option<&str>>(row, column + 4)? {
        progress.receivers = serde_json::from_str(json).map_err(|_| corrupt_row())?;
    }
    progress.due = due(row, column + 5)?;
    Ok(Some(progress))
}

/// Reads the [columns](contact_columns) of a contact.
pub(crate) fn contact(row: &Row) -> Result<Versioned<ContactRow>, StoreError> {
    let contact: whatsapp_signals::model::Contact = json(row, 2)?;
    let mut contact = ContactRow::new(Tenant::new(string(row, 1)?), contact);
    contact.ids = json(row, 3)?;
    contact.profile_at = time(row, 4)?;
    contact.preference_at = time(row, 5)?;
    Ok(Versioned {
        version: get(row, 0)?,
        row: contact,
    })
}

/// Reads a status.
pub(crate) fn status(row: &Row, column: usize) -> Result<Option<MessageStatus>, StoreError> {
    let status: Option<&[u8]> = get(row, column)?;
    let status = status.map(utf8).transpose()?;
    Ok(status.map(|status| MessageStatus::from(status.to_owned())))
}

/// Reads the version, whether the message is stored, whether it is unread, its status and its
/// campaign.
pub(crate) fn message_state(row: &Row) -> Result<Versioned<MessageState>, StoreError> {
    let state = MessageState::new(get(row, 1)?, get(row, 2)?, status(row, 3)?);
    Ok(Versioned {
        version: get(row, 0)?,
        row: state.in_campaign(campaign(row, 4)?),
    })
}

/// Reads the [columns](message_columns) of a message.
pub(crate) fn stored_message(row: &Row) -> Result<StoredMessage, StoreError> {
    let mut message: Message = json(row, 1)?;
    message.status = status(row, 2)?;
    let mut stored = StoredMessage::new(NumberKey::new(string(row, 0)?), message);
    if let Some(text) = get::<Option<&str>>(row, 3)? {
        stored.raw_payload = Some(RawJson::new(text).map_err(|_| corrupt_row())?);
    }
    stored.campaign = campaign(row, 4)?;
    Ok(stored)
}

/// Reads the campaign of a message.
fn campaign(row: &Row, column: usize) -> Result<Option<CampaignId>, StoreError> {
    let id: Option<&[u8]> = get(row, column)?;
    let id = id.map(utf8).transpose()?;
    Ok(id.map(CampaignId::from))
}

/// Returns a number in UTF-8.
pub(crate) fn number_column(key: &NumberKey) -> &[u8] {
    key.as_str().as_bytes()
}
