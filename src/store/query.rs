//! Queries for pages, and the steps of maintenance.

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
        /// The numbers to search.
        scope: Scope,
        /// The wamid.
        id: MessageId,
    },
    /// The messages that [reply to](Message::reply_to) this one, in the order in which they were
    /// first stored.
    Replies {
        /// The numbers to search.
        scope: Scope,
        /// The wamid.
        id: MessageId,
    },
    /// The last messages of a conversation, in descending order of the time at which they were sent,
    /// and within a second of the order in which they were first stored.
    Conversation {
        /// The conversation.
        key: ConversationKey,
        /// Only messages before this one. If it is not stored, the result is empty.
        before: Option<MessageKey>,
        /// The maximum number of messages.
        limit: usize,
    },
}

/// A stored message with its number.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct StoredMessage {
    /// Your number.
    pub number: NumberKey,
    /// The message, with the last stored status.
    pub message: Message,
    /// The JSON of the message as Meta sent it, if the engine
    /// [keeps it](crate::WebhookEngine::keep_raw_payloads). It is personal data.
    pub raw_payload: Option<RawJson>,
    /// The [campaign](crate::event::MessageSent::campaign) of the message.
    pub campaign: Option<CampaignId>,
}

/// A query for unread messages.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct UnreadQuery {
    /// The part of the store to search.
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
    /// The row of the contact.
    pub row: ContactRow,
    /// The number of unread messages.
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
    /// Whether the result has the bodies.
    pub with_bodies: bool,
    /// The maximum number of webhooks.
    pub limit: usize,
}

/// One step through all messages, in the order in which they were first stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct MessageScan {
    /// The messages that the step returns.
    pub only: ScanFilter,
    /// The cursor of the previous step; `None` for the first step.
    pub after: Option<i64>,
    /// The maximum number of rows that the step reads, whether it returns them or not.
    pub limit: usize,
}

/// The messages that a scan returns.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ScanFilter {
    /// Messages in no conversation, and statuses whose message is not stored.
    Unassigned,
    /// Stored messages that were sent before this time. The rows have no `message`.
    Before(Timestamp),
}

/// A row of a scan.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct ScannedMessage {
    /// The key.
    pub key: MessageKey,
    /// The message, if it is stored and the filter returns messages.
    pub message: Option<Message>,
    /// The status.
    pub status: Option<MessageStatus>,
}

/// The result of a step of a scan.
#[derive(Clone, Debug, Default, PartialEq)]
#[non_exhaustive]
pub struct ScannedMessages {
    /// The rows.
    pub rows: Vec<ScannedMessage>,
    /// The cursor for the next step; `None` after the last step.
    pub next: Option<i64>,
}

/// One step of the deletion of old rows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Prune {
    /// Only rows that were received before this time.
    pub before: Timestamp,
    /// The cursor of the previous step; `None` for the first step.
    pub after: Option<Fingerprint>,
    /// The maximum number of rows that the step reads.
    pub limit: usize,
}

/// The result of a step of pruning.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Pruned {
    /// The number of deleted rows.
    pub rows: usize,
    /// The cursor for the next step; `None` after the last step.
    pub next: Option<Fingerprint>,
}

/// A query for webhooks to lease.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct LeaseQuery {
    /// Only webhooks with greater ids.
    pub after: Option<WebhookId>,
    /// Whether webhooks whose [`due`](super::WebhookRow::due) time has not passed are leased, too.
    pub early: bool,
    /// The maximum number of webhooks.
    pub limit: usize,
}

impl LeaseQuery {
    /// Creates a query for the first webhooks that are due.
    #[must_use]
    pub fn first(limit: usize) -> Self {
        Self {
            after: None,
            early: false,
            limit,
        }
    }

    /// Restricts the query to webhooks with greater ids.
    #[must_use]
    pub fn after(self, after: Option<WebhookId>) -> Self {
        Self { after, ..self }
    }

    /// Includes webhooks whose due time has not passed.
    #[must_use]
    pub fn early(self) -> Self {
        Self {
            early: true,
            ..self
        }
    }
}

/// The position of a dead event in the list of all dead events.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct DeadEventPosition {
    /// The webhook of the event.
    pub webhook: WebhookId,
    /// A number that the store assigns. Among the dead events of a webhook, it increases with the
    /// time of death.
    pub number: i64,
}

/// The numbers of open and dead events.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct BacklogRow {
    /// The time of the store, in milliseconds since 1970.
    pub now: i64,
    /// The events that are [open](WebhookRow::open) or [unclaimed](WebhookRow::unclaimed).
    pub open: u64,
    /// The open events whose webhook has a running lease.
    pub leased: u64,
    /// The open events whose webhook has no running lease and is [due](WebhookRow::due).
    pub due: u64,
    /// The open events that are [held back](WebhookRow::held_back).
    pub held_back: u64,
    /// The milliseconds until the first [unsettled](WebhookRow::is_unsettled) webhook is due and has
    /// no lease; `None` if every webhook is settled.
    pub next: Option<i64>,
    /// The events that are [dead](WebhookRow::dead).
    pub dead: u64,
    /// The webhooks with dead events that are [unreadable](super::WebhookKind::Unreadable).
    pub unreadable: u64,
    /// The time of receipt of the oldest webhook with open or unclaimed events.
    pub oldest: Option<Timestamp>,
}

impl StoredMessage {
    /// Creates a message of a number, without its JSON.
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
    /// Creates a query for all contacts of a scope.
    #[must_use]
    pub fn new(scope: Scope) -> Self {
        Self {
            scope,
            contact: None,
        }
    }

    /// Restricts the query to one contact.
    #[must_use]
    pub fn of(self, contact: ContactId) -> Self {
        let contact = Some(contact);
        Self { contact, ..self }
    }
}

impl Unread {
    /// Creates a contact with its number of unread messages.
    #[must_use]
    pub fn new(id: ContactId, row: ContactRow, count: u64) -> Self {
        Self { id, row, count }
    }
}

impl WebhookQuery {
    /// Creates a query for the first webhooks, without their bodies.
    #[must_use]
    pub fn first(limit: usize) -> Self {
        Self {
            after: None,
            only_unsettled: false,
            with_bodies: false,
            limit,
        }
    }

    /// Restricts the query to webhooks with greater ids.
    #[must_use]
    pub fn after(self, after: Option<WebhookId>) -> Self {
        Self { after, ..self }
    }

    /// Restricts the query to unsettled webhooks.
    #[must_use]
    pub fn only_unsettled(self) -> Self {
        Self {
            only_unsettled: true,
            ..self
        }
    }

    /// Includes the bodies.
    #[must_use]
    pub fn with_bodies(self) -> Self {
        Self {
            with_bodies: true,
            ..self
        }
    }
}

impl MessageScan {
    /// Creates the first step of a scan.
    #[must_use]
    pub fn new(only: ScanFilter, limit: usize) -> Self {
        let after = None;
        Self { only, after, limit }
    }
}

impl ScannedMessage {
    /// Creates a row.
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
    /// Creates the result of a step.
    #[must_use]
    pub fn new(rows: Vec<ScannedMessage>, next: Option<i64>) -> Self {
        Self { rows, next }
    }
}

impl Prune {
    /// Creates the first step of the deletion of rows that were received before this time.
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
    /// Creates the result of a step.
    #[must_use]
    pub fn new(rows: usize, next: Option<Fingerprint>) -> Self {
        Self { rows, next }
    }
}

/// The result of a check of a store: [`SqliteStore::check`](super::SqliteStore::check), and the
/// method of the same name of other stores.
///
/// It holds names of tables and numbers, and no personal data.
///
/// # Examples
///
/// ```
/// use whatsapp_signals::store::StoreCheck;
///
/// let mut check = StoreCheck::new(2);
/// check.version = Some(3);
/// check.add_version_fault();
/// assert!(!check.is_ok());
/// assert_eq!(
///     check.faults,
///     ["expected version 2 of the tables, found version 3 of a newer whatsapp-signals"]
/// );
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct StoreCheck {
    /// The version of the tables that this version of the store reads and writes.
    pub expected_version: i64,
    /// The version of the existing tables; `None` without any.
    pub version: Option<i64>,
    /// The faults, one sentence each. A store without faults is usable.
    pub faults: Vec<String>,
    /// Facts that are no faults, by name, such as `journal_mode`.
    pub facts: Vec<(&'static str, String)>,
    /// The open and dead events; `None` after a fault, because their tables may be unreadable.
    pub backlog: Option<BacklogRow>,
}

impl StoreCheck {
    /// Creates a check without faults, for a store of your own.
    #[must_use]
    pub fn new(expected_version: i64) -> Self {
        Self {
            expected_version,
            version: None,
            faults: Vec::new(),
            facts: Vec::new(),
            backlog: None,
        }
    }

    /// Returns true if no fault was found.
    #[must_use]
    pub fn is_ok(&self) -> bool {
        self.faults.is_empty()
    }

    /// Adds a fault if the tables are missing or have another version.
    pub fn add_version_fault(&mut self) {
        let expected = self.expected_version;
        let found = match self.version {
            Some(version) if version == expected => return,
            Some(version) if version > expected => {
                format!("version {version} of a newer whatsapp-signals")
            }
            Some(version) => format!("version {version} of an older whatsapp-signals"),
            None => "none".to_owned(),
        };
        let fault = format!("expected version {expected} of the tables, found {found}");
        self.faults.push(fault);
    }
}
