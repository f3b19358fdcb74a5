//! The messages and statuses of a commit.

use whatsapp_signals::model::{CampaignId, MessageStatus, RawJson};
use whatsapp_signals::store::{
    Changes, ConversationKey, Merge, MessageKey, NewMessage, NewStatus, StoreError, Upsert,
};

use crate::calls::{Calls, Function};
use crate::row::params;
use crate::row::{number_column, to_json};

/// Messages without a row of their number are missing in the count.
const ADD_MESSAGES: Function = Function::write_all(
    "add_messages",
    "bytea[], bytea[], bigint[], bigint[], boolean[], bytea[], bytea[], text[], text[], bytea[]",
    "
        INSERT INTO schema.message (version, number, wamid, contact, at, is_unread, status, reply_to,
            message, raw_payload, campaign)
        SELECT 1, number.id, input.wamid, input.contact, input.at, input.is_unread, input.status,
            input.reply_to, input.message, input.raw_payload, input.campaign
        FROM unnest($1, $2, $3, $4, $5, $6, $7, $8, $9, $10) WITH ORDINALITY
            AS input(number, wamid, contact, at, is_unread, status, reply_to, message, raw_payload,
                campaign, ordinal)
            JOIN schema.number ON number.number = input.number
        ORDER BY input.ordinal",
);

const PUT_MESSAGES: Function = Function::write_all(
    "put_messages",
    "bytea[], bytea[], bigint[], bigint[], boolean[], bytea[], bytea[], text[], text[], bytea[],
        bigint[]",
    "
        UPDATE schema.message SET version = input.version + 1, contact = input.contact,
            at = input.at, is_unread = input.is_unread, status = input.status,
            reply_to = input.reply_to, message = input.message, raw_payload = input.raw_payload,
            campaign = input.campaign
        FROM unnest($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)
            AS input(number, wamid, contact, at, is_unread, status, reply_to, message, raw_payload,
                campaign, version)
            JOIN schema.number ON number.number = input.number
        WHERE message.wamid = input.wamid AND message.number = number.id
            AND message.version = input.version",
);

const MOVE_MESSAGES: Function = Function::write(
    "move_messages",
    "bigint[], bigint[]",
    "
        UPDATE schema.message SET contact = input.target, version = message.version + 1
        FROM unnest($1, $2) AS input(source, target) WHERE message.contact = input.source",
);

const ADD_STATUSES: Function = Function::write_all(
    "add_statuses",
    "bytea[], bytea[], bigint[], bytea[]",
    "
        INSERT INTO schema.message (version, number, wamid, at, is_unread, status)
        SELECT 1, number.id, input.wamid, input.at, false, input.status
        FROM unnest($1, $2, $3, $4) WITH ORDINALITY AS input(number, wamid, at, status, ordinal)
            JOIN schema.number ON number.number = input.number
        ORDER BY input.ordinal",
);

const PUT_STATUSES: Function = Function::write_all(
    "put_statuses",
    "bytea[], bytea[], bigint[], bytea[], bigint[]",
    "
        UPDATE schema.message SET version = message.version + 1, status = input.status,
            at = CASE WHEN message.message IS NULL THEN input.at ELSE message.at END
        FROM unnest($1, $2, $3, $4, $5) AS input(number, wamid, at, status, version)
            JOIN schema.number ON number.number = input.number
        WHERE message.wamid = input.wamid AND message.number = number.id
            AND message.version = input.version",
);

const DELETE_MESSAGES: Function = Function::write(
    "delete_messages",
    "bytea[], bytea[]",
    "
        DELETE FROM schema.message USING unnest($1, $2) AS input(number, wamid)
            JOIN schema.number ON number.number = input.number
        WHERE message.wamid = input.wamid AND message.number = number.id",
);

const DELETE_CONVERSATIONS: Function = Function::write(
    "delete_conversations",
    "bigint[]",
    "DELETE FROM schema.message WHERE message.contact = ANY($1)",
);

const READ_CONVERSATIONS: Function = Function::write(
    "read_conversations",
    "bigint[]",
    "
        UPDATE schema.message SET is_unread = false, version = message.version + 1
        WHERE message.is_unread AND message.contact = ANY($1)",
);

const READ_CONVERSATIONS_OF_NUMBERS: Function = Function::write(
    "read_conversations_of_numbers",
    "bigint[], bytea[]",
    "
        UPDATE schema.message SET is_unread = false, version = message.version + 1
        FROM unnest($1, $2) AS input(contact, number)
            JOIN schema.number ON number.number = input.number
        WHERE message.is_unread AND message.contact = input.contact AND message.number = number.id",
);

pub(crate) const FUNCTIONS: &[&Function] = &[
    &ADD_MESSAGES,
    &PUT_MESSAGES,
    &MOVE_MESSAGES,
    &ADD_STATUSES,
    &PUT_STATUSES,
    &DELETE_MESSAGES,
    &DELETE_CONVERSATIONS,
    &READ_CONVERSATIONS,
    &READ_CONVERSATIONS_OF_NUMBERS,
];

/// Adds the calls that write messages and statuses.
pub(crate) fn write<'a>(calls: &mut Calls<'a>, changes: &'a Changes<'a>) -> Result<(), StoreError> {
    write_new(calls, &changes.messages)?;
    move_messages(calls, &changes.merges);
    write_statuses(calls, &changes.statuses);
    delete_messages(calls, changes);
    read_conversations(calls, &changes.read_conversations);
    Ok(())
}

/// Columns of messages.
#[derive(Default)]
struct MessageColumns<'a> {
    numbers: Vec<&'a [u8]>,
    wamids: Vec<&'a [u8]>,
    contacts: Vec<Option<i64>>,
    at: Vec<i64>,
    are_unread: Vec<bool>,
    statuses: Vec<Option<&'a [u8]>>,
    replies_to: Vec<Option<&'a [u8]>>,
    messages: Vec<String>,
    raw_payloads: Vec<Option<&'a str>>,
    campaigns: Vec<Option<&'a [u8]>>,
}

impl<'a> MessageColumns<'a> {
    fn push(&mut self, key: &'a MessageKey, row: &'a NewMessage<'_>) -> Result<(), StoreError> {
        self.numbers.push(number_column(&key.number));
        self.wamids.push(key.id.as_str().as_bytes());
        self.contacts.push(row.contact.map(|contact| contact.0));
        self.at.push(row.at.as_secs());
        self.are_unread.push(row.is_unread);
        let status = row.status.as_ref().map(MessageStatus::as_str);
        self.statuses.push(status.map(str::as_bytes));
        let reply_to = row.message.reply_to();
        let reply_to = reply_to.map(|id| id.as_str().as_bytes());
        self.replies_to.push(reply_to);
        self.messages.push(to_json(&*row.message)?);
        self.raw_payloads.push(row.raw_payload.map(RawJson::as_str));
        let campaign = row.campaign.as_ref().map(CampaignId::as_str);
        self.campaigns.push(campaign.map(str::as_bytes));
        Ok(())
    }
}

fn write_new<'a>(
    calls: &mut Calls<'a>,
    messages: &'a [Upsert<MessageKey, NewMessage<'a>>],
) -> Result<(), StoreError> {
    let (mut added, mut put) = (MessageColumns::default(), MessageColumns::default());
    let mut versions = Vec::new();
    for Upsert { key, version, row } in messages {
        match version {
            None => added.push(key, row)?,
            Some(version) => {
                put.push(key, row)?;
                versions.push(*version);
            }
        }
    }
    if !added.numbers.is_empty() {
        let params = params![
            added.numbers,
            added.wamids,
            added.contacts,
            added.at,
            added.are_unread,
            added.statuses,
            added.replies_to,
            added.messages,
            added.raw_payloads,
            added.campaigns,
        ];
        calls.push(&ADD_MESSAGES, params);
    }
    if !put.numbers.is_empty() {
        let params = params![
            put.numbers,
            put.wamids,
            put.contacts,
            put.at,
            put.are_unread,
            put.statuses,
            put.replies_to,
            put.messages,
            put.raw_payloads,
            put.campaigns,
            versions,
        ];
        calls.push(&PUT_MESSAGES, params);
    }
    Ok(())
}

/// Gives the messages of contacts to those that they became part of.
fn move_messages(calls: &mut Calls<'_>, merges: &[Merge]) {
    if merges.is_empty() {
        return;
    }
    let (mut sources, mut targets) = (Vec::new(), Vec::new());
    for merge in merges {
        // A contact may become part of one that becomes part of another.
        let mut target = merge.from;
        for merge in merges {
            if merge.from == target {
                target = merge.into;
            }
        }
        sources.push(merge.from.0);
        targets.push(target.0);
    }
    calls.push(&MOVE_MESSAGES, params![sources, targets]);
}

fn write_statuses<'a>(calls: &mut Calls<'a>, statuses: &'a [Upsert<MessageKey, NewStatus>]) {
    for (function, is_new) in [(&ADD_STATUSES, true), (&PUT_STATUSES, false)] {
        let (mut numbers, mut wamids, mut at) = (Vec::new(), Vec::new(), Vec::new());
        let (mut values, mut versions) = (Vec::new(), Vec::new());
        for Upsert { key, version, row } in statuses {
            if version.is_none() == is_new {
                numbers.push(number_column(&key.number));
                wamids.push(key.id.as_str().as_bytes());
                at.push(row.at.as_secs());
                values.push(row.status.as_str().as_bytes());
                versions.extend(*version);
            }
        }
        if numbers.is_empty() {
            continue;
        }
        let mut params = params![numbers, wamids, at, values];
        if !is_new {
            params.push(Box::new(versions));
        }
        calls.push(function, params);
    }
}

/// Deletes messages, and those of contacts that are deleted.
fn delete_messages<'a>(calls: &mut Calls<'a>, changes: &'a Changes<'a>) {
    if !changes.deleted_messages.is_empty() {
        let keys = &changes.deleted_messages;
        let numbers: Vec<_> = keys.iter().map(|key| number_column(&key.number)).collect();
        let wamids = keys.iter().map(|key| key.id.as_str().as_bytes());
        let wamids: Vec<_> = wamids.collect();
        calls.push(&DELETE_MESSAGES, params![numbers, wamids]);
    }
    if !changes.deleted_contacts.is_empty() {
        let contacts = changes.deleted_contacts.iter().map(|(id, _)| id.0);
        let contacts: Vec<_> = contacts.collect();
        calls.push(&DELETE_CONVERSATIONS, params![contacts]);
    }
}

fn read_conversations<'a>(calls: &mut Calls<'a>, conversations: &'a [ConversationKey]) {
    let (mut of_all, mut contacts, mut numbers) = (Vec::new(), Vec::new(), Vec::new());
    for key in conversations {
        match &key.number {
            None => of_all.push(key.contact.0),
            Some(of) => {
                contacts.push(key.contact.0);
                numbers.push(number_column(of));
            }
        }
    }
    if !of_all.is_empty() {
        calls.push(&READ_CONVERSATIONS, params![of_all]);
    }
    if !contacts.is_empty() {
        calls.push(&READ_CONVERSATIONS_OF_NUMBERS, params![contacts, numbers]);
    }
}
