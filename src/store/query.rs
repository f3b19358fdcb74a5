//! Reads that are no part of a decision: pages for people, and the steps of maintenance.

use super::changes::ConversationKey;
#[cfg(doc)]
use super::row::WebhookRow;
use super::row::{ContactId, ContactRow, Fingerprint, MessageKey, NumberKey, Tenant, WebhookId};
use crate::model::{CampaignId, Message, MessageId, MessageStatus, RawJson, Timestamp};

/// The part of a store that a read is limited to.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Scope {
    /// All tenants.
    All,
    /// One tenant, with all its numbers.
    Tenant(Tenant),
    /// One number.
    Number(NumberKey),
}

/// A query for messages.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum MessageQuery {
    /// The messages with this wamid, in the order of their numbers.
    Wamid {
        /// The numbers that are asked about.
        scope: Scope,
        /// The wamid.
        id: MessageId,
    },
    /// The messages whose [`reply_to`](Message::reply_to) this is, in the order in which they
    /// were first stored.
    Replies {
        /// The numbers that are asked about.
        scope: Scope,
        /// The wamid.
        id: MessageId,
    },
    /// The last messages of a conversation, last first: by the time at which they count as sent,
    /// and in one second by when they were first stored.
    Conversation {
        /// The conversation.
        key: ConversationKey,
        /// Only messages before this one; of one that is not stored there are none.
        before: Option<MessageKey>,
        /// The greatest number of messages.
        limit: usize,
    },
}

/// A stored message with the number that it belongs to.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct StoredMessage {
    /// Your number.
    pub number: NumberKey,
    /// The message, with the status that was stored last.
    pub message: Message,
    /// Its JSON as Meta sent it, if the engine that stored it
    /// [kept it](crate::WebhookEngine::keep_raw_payloads). It is personal data.
    pub raw_payload: Option<RawJson>,
    /// The campaign that it is [part of](crate::event::MessageSent::campaign).
    pub campaign: Option<CampaignId>,
}

/// A query for unread messages.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct UnreadQuery {
    /// The part of the store that is asked about.
    pub scope: Scope,
    /// Only this contact.
    pub contact: Option<ContactId>,
}

/// A contact with the number of its unread messages.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Unread {
    /// The id of the contact.
    pub id: ContactId,
    /// Its row.
    pub row: ContactRow,
    /// The number of its messages that are unread.
    pub count: u64,
}

/// A query for webhooks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct WebhookQuery {
    /// Only webhooks with greater ids.
    pub after: Option<WebhookId>,
    /// Only webhooks that are [unsettled](super::WebhookRow::is_unsettled).
    pub only_unsettled: bool,
    /// Whether their bodies are wanted.
    pub with_bodies: bool,
    /// The greatest number of webhooks.
    pub limit: usize,
}

/// One step through all messages, in the order in which they were first stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct MessageScan {
    /// The messages that are wanted.
    pub only: ScanFilter,
    /// The place that the step before ended at; `None` for the first step.
    pub after: Option<i64>,
    /// The greatest number of rows to look at, wanted or not.
    pub limit: usize,
}

/// The messages that a scan returns.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ScanFilter {
    /// Messages in no conversation, and statuses whose message is not stored.
    Loose,
    /// Stored messages that count as sent before this time. They come without the message.
    Before(Timestamp),
}

/// A row that a scan has found.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct ScannedMessage {
    /// Its key.
    pub key: MessageKey,
    /// The message, if it is wanted and stored.
    pub message: Option<Message>,
    /// The status.
    pub status: Option<MessageStatus>,
}

/// The result of a step of a scan.
#[derive(Clone, Debug, Default, PartialEq)]
#[non_exhaustive]
pub struct ScannedMessages {
    /// The wanted rows.
    pub rows: Vec<ScannedMessage>,
    /// The place that the next step begins after; `None` after the last step.
    pub next: Option<i64>,
}

/// One step of the deletion of old rows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Prune {
    /// Rows that came before this time.
    pub before: Timestamp,
    /// The event that the step before ended with; `None` for the first step.
    pub after: Option<Fingerprint>,
    /// The greatest number of rows to look at.
    pub limit: usize,
}

/// The result of one step.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Pruned {
    /// The number of deleted rows.
    pub rows: usize,
    /// The event that the next step begins after; `None` after the last step.
    pub next: Option<Fingerprint>,
}

/// The webhooks that are leased.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct LeaseQuery {
    /// Only those with greater ids.
    pub after: Option<WebhookId>,
    /// Whether those whose [`due`](super::WebhookRow::due) time has not come are leased, too.
    pub early: bool,
    /// The most webhooks that are leased.
    pub limit: usize,
}

impl LeaseQuery {
    /// Returns the query of the first webhooks that are due.
    #[must_use]
    pub fn first(limit: usize) -> Self {
        Self {
            after: None,
            early: false,
            limit,
        }
    }

    /// Returns the query of webhooks with greater ids than this.
    #[must_use]
    pub fn after(self, after: Option<WebhookId>) -> Self {
        Self { after, ..self }
    }

    /// Returns the query of those whose time has not come, too.
    #[must_use]
    pub fn early(self) -> Self {
        Self {
            early: true,
            ..self
        }
    }
}

/// The place of a dead event among all of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct DeadPlace {
    /// Its webhook.
    pub webhook: WebhookId,
    /// A number that the store gives it: among the dead events of one webhook those that died
    /// later have greater ones.
    pub number: i64,
}

/// The numbers of events that are to be done, and of those that are dead.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct BacklogRow {
    /// The time of the store, in milliseconds since 1970.
    pub now: i64,
    /// The events that are [open](WebhookRow::open) or [unclaimed](WebhookRow::unclaimed).
    pub open: u64,
    /// Those of them whose webhook has a lease that has not ended.
    pub leased: u64,
    /// Those of them whose webhook has no such lease and is [due](WebhookRow::due).
    pub due: u64,
    /// Those of them that are [held back](WebhookRow::held_back).
    pub held_back: u64,
    /// The least number of milliseconds until an [unsettled](WebhookRow::is_unsettled) webhook has
    /// no lease and is due; `None` if there is no such webhook.
    pub next: Option<i64>,
    /// The events that are [dead](WebhookRow::dead).
    pub dead: u64,
    /// The webhooks with dead events that are [unreadable](super::WebhookKind::Unreadable).
    pub unreadable: u64,
    /// The time at which the oldest webhook with open or unclaimed events came.
    pub oldest: Option<Timestamp>,
}

impl StoredMessage {
    /// Returns a message of a number, without its JSON.
    #[must_use]
    pub fn new(number: NumberKey, message: Message) -> Self {
        Self {
            number,
            message,
            raw_payload: None,
            campaign: None,
        }
    }
}

impl UnreadQuery {
    /// Returns a query for all contacts of a scope.
    #[must_use]
    pub fn new(scope: Scope) -> Self {
        Self {
            scope,
            contact: None,
        }
    }

    /// Returns a query for one contact.
    #[must_use]
    pub fn of(self, contact: ContactId) -> Self {
        let contact = Some(contact);
        Self { contact, ..self }
    }
}

impl Unread {
    /// Returns a contact with the number of its unread messages.
    #[must_use]
    pub fn new(id: ContactId, row: ContactRow, count: u64) -> Self {
        Self { id, row, count }
    }
}

impl WebhookQuery {
    /// Returns a query for the first webhooks, without their bodies.
    #[must_use]
    pub fn first(limit: usize) -> Self {
        Self {
            after: None,
            only_unsettled: false,
            with_bodies: false,
            limit,
        }
    }

    /// Returns a query for those with greater ids.
    #[must_use]
    pub fn after(self, after: Option<WebhookId>) -> Self {
        Self { after, ..self }
    }

    /// Returns a query for those that are unsettled.
    #[must_use]
    pub fn only_unsettled(self) -> Self {
        Self {
            only_unsettled: true,
            ..self
        }
    }

    /// Returns a query that wants their bodies, too.
    #[must_use]
    pub fn with_bodies(self) -> Self {
        Self {
            with_bodies: true,
            ..self
        }
    }
}

impl MessageScan {
    /// Returns the first step of a scan.
    #[must_use]
    pub fn new(only: ScanFilter, limit: usize) -> Self {
        let after = None;
        Self { only, after, limit }
    }
}

impl ScannedMessage {
    /// Returns a row.
    #[must_use]
    pub fn new(key: MessageKey, message: Option<Message>, status: Option<MessageStatus>) -> Self {
        Self {
            key,
            message,
            status,
        }
    }
}

impl ScannedMessages {
    /// Returns the result of a step.
    #[must_use]
    pub fn new(rows: Vec<ScannedMessage>, next: Option<i64>) -> Self {
        Self { rows, next }
    }
}

impl Prune {
    /// Returns the first step of the deletion of what came before this time.
    #[must_use]
    pub fn new(before: Timestamp, limit: usize) -> Self {
        Self {
            before,
            after: None,
            limit,
        }
    }
}

impl Pruned {
    /// Returns the result of a step.
    #[must_use]
    pub fn new(rows: usize, next: Option<Fingerprint>) -> Self {
        Self { rows, next }
    }
}
