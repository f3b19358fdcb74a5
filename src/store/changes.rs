//! The changes of a commit.

use std::ops::Deref;

use super::campaign::{CampaignKey, CampaignRow};
use super::row::{
    ContactId, ContactRow, Fingerprint, IdKey, MessageKey, NumberKey, ProgressRow, SignupKey,
    Tenant, WebhookId, WebhookRow,
};
use super::turn::TurnChange;
use crate::model::{CampaignId, Message, MessageStatus, RawJson, Signup, Timestamp};

/// The rows that a commit writes, and those that its decision read.
///
/// A commit is atomic. It is a [`Conflict`](super::StoreErrorKind::Conflict) if a row has another
/// version than the decision read, exists although the decision found none, or no longer exists.
/// This applies to written rows and to those in [`reads`](Self::reads).
#[derive(Debug, Default)]
#[non_exhaustive]
pub struct Changes<'a> {
    /// The revision of the first snapshot that the decision read; `None` without one.
    pub revision: Option<i64>,
    /// The rows that the decision read and does not write.
    pub reads: Vec<ReadRow>,
    /// New numbers with their tenants.
    pub numbers: Vec<(NumberKey, Tenant)>,
    /// Webhooks.
    pub webhooks: Vec<WebhookChange<'a>>,
    /// Events.
    pub events: Vec<EventChange>,
    /// Progress of events, which replaces existing rows. It has no version, because its webhook is in
    /// [`webhooks`](Self::webhooks).
    pub progress: Vec<(Fingerprint, ProgressRow)>,
    /// Turns, ordered by number within each partition.
    pub turns: Vec<TurnChange>,
    /// Contacts. A commit is a conflict if it would give a [current](super::IdRow::until) id to two
    /// contacts of one tenant.
    pub contacts: Vec<Upsert<ContactId, ContactRow>>,
    /// Contacts that are merged into other ones.
    pub merges: Vec<Merge>,
    /// Contacts to delete with all their messages, each with the version that the decision read.
    pub deleted_contacts: Vec<(ContactId, i64)>,
    /// Messages.
    pub messages: Vec<Upsert<MessageKey, NewMessage<'a>>>,
    /// Statuses of messages. A message that is stored keeps its other columns; a status may also be
    /// stored before its message.
    pub statuses: Vec<Upsert<MessageKey, NewStatus>>,
    /// Messages and statuses to delete, without a check of their versions. A missing one is ignored.
    pub deleted_messages: Vec<MessageKey>,
    /// Conversations whose messages are marked as read.
    pub read_conversations: Vec<ConversationKey>,
    /// Signups. An existing one keeps its subscriber count.
    pub signups: Vec<Upsert<SignupKey, Signup>>,
    /// Signups whose subscriber count is incremented. A missing one is ignored.
    pub subscribers: Vec<SignupKey>,
    /// Campaigns. An existing one keeps its number of refusals.
    pub campaigns: Vec<Upsert<CampaignKey, CampaignRow>>,
    /// Campaigns whose number of refusals is incremented. A missing one is ignored.
    pub refusals: Vec<CampaignKey>,
}

impl Changes<'_> {
    /// Returns true if no row is written.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.numbers.is_empty()
            && self.webhooks.is_empty()
            && self.events.is_empty()
            && self.progress.is_empty()
            && self.turns.is_empty()
            && self.contacts.is_empty()
            && self.merges.is_empty()
            && self.deleted_contacts.is_empty()
            && self.messages.is_empty()
            && self.statuses.is_empty()
            && self.deleted_messages.is_empty()
            && self.read_conversations.is_empty()
            && self.signups.is_empty()
            && self.subscribers.is_empty()
            && self.campaigns.is_empty()
            && self.refusals.is_empty()
    }
}

/// A row that is inserted or updated.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Upsert<K, R> {
    /// The key.
    pub key: K,
    /// The version that the decision read; `None` if the row did not exist. The written row has the
    /// next version.
    pub version: Option<i64>,
    /// The row.
    pub row: R,
}

/// A row that a decision read and does not write, with its version at that time.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ReadRow {
    /// A webhook.
    Webhook(WebhookId, Option<i64>),
    /// An event, with its webhook.
    Event(Fingerprint, Option<WebhookId>),
    /// A contact.
    Contact(ContactId, Option<i64>),
    /// An id, with the contacts that have or had it, in the order of their ids.
    Holders(IdKey, Vec<ContactId>),
    /// A message.
    Message(MessageKey, Option<i64>),
    /// A signup.
    Signup(SignupKey, Option<i64>),
    /// A campaign.
    Campaign(CampaignKey, Option<i64>),
}

/// A change of a webhook. `version` is the one that the decision read.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum WebhookChange<'a> {
    /// Inserts a webhook.
    Insert {
        /// The id.
        id: WebhookId,
        /// The row.
        row: WebhookRow,
        /// The body.
        body: &'a [u8],
    },
    /// Updates the row and keeps the body.
    Update {
        /// The id.
        id: WebhookId,
        /// The version.
        version: i64,
        /// The row.
        row: WebhookRow,
    },
    /// Updates the row and replaces the body.
    Replace {
        /// The id.
        id: WebhookId,
        /// The version.
        version: i64,
        /// The row.
        row: WebhookRow,
        /// The new body.
        body: Vec<u8>,
    },
    /// Deletes the webhook with its body and its rows of progress, and keeps its events.
    Delete {
        /// The id.
        id: WebhookId,
        /// The version.
        version: i64,
    },
}

/// A change of an event.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct EventChange {
    /// The fingerprint of the key.
    pub key: Fingerprint,
    /// The webhook of the event when the decision read it; `None` for a new event. An event that moves
    /// to another webhook loses its row of progress, unless [`Changes::progress`] has a new one.
    pub before: Option<WebhookId>,
    /// The webhook of the event after the commit.
    pub webhook: WebhookId,
}

/// The merge of two contacts that are the same user.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Merge {
    /// The contact to delete. Its messages move to the other one, which [`Changes::contacts`] writes
    /// with the ids of both.
    pub from: ContactId,
    /// The version of `from` that the decision read.
    pub version: i64,
    /// The contact that is kept.
    pub into: ContactId,
}

/// A message to store.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct NewMessage<'a> {
    /// The message.
    pub message: CowMessage<'a>,
    /// The status, which replaces that of the message.
    pub status: Option<MessageStatus>,
    /// The contact of the conversation; `None` for a message in no conversation.
    pub contact: Option<ContactId>,
    /// The time at which the message was sent, for the order of the conversation.
    pub at: Timestamp,
    /// Whether the message is unread.
    pub is_unread: bool,
    /// The JSON of the message, if the program keeps it. A store copies the text, because the value
    /// refers to the whole body. `None` deletes the JSON of an existing message.
    pub raw_payload: Option<&'a RawJson>,
    /// The campaign of the message.
    pub campaign: Option<CampaignId>,
}

/// A borrowed message of an event, or an owned one.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum CowMessage<'a> {
    /// A message of an event.
    Borrowed(&'a Message),
    /// A message that was created for the commit. Boxed, because it is rare and large.
    Owned(Box<Message>),
}

impl CowMessage<'_> {
    /// Returns the message, cloned if it is borrowed.
    #[must_use]
    pub fn into_message(self) -> Message {
        match self {
            Self::Borrowed(message) => message.clone(),
            Self::Owned(message) => *message,
        }
    }
}

impl Deref for CowMessage<'_> {
    type Target = Message;

    fn deref(&self) -> &Message {
        match self {
            Self::Borrowed(message) => message,
            Self::Owned(message) => message,
        }
    }
}

impl<'a> From<&'a Message> for CowMessage<'a> {
    fn from(message: &'a Message) -> Self {
        Self::Borrowed(message)
    }
}

impl From<Message> for CowMessage<'_> {
    fn from(message: Message) -> Self {
        Self::Owned(Box::new(message))
    }
}

/// A status to store.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct NewStatus {
    /// The status.
    pub status: MessageStatus,
    /// The time of receipt. A status whose message never arrives is deleted by age.
    pub at: Timestamp,
}

/// The conversation of a contact with one of your numbers, or with all of them.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub struct ConversationKey {
    /// The contact.
    pub contact: ContactId,
    /// The number; `None` for all.
    pub number: Option<NumberKey>,
}

impl EventChange {
    /// Creates the change of an event.
    #[must_use]
    pub fn new(key: Fingerprint, before: Option<WebhookId>, webhook: WebhookId) -> Self {
        Self {
            key,
            before,
            webhook,
        }
    }
}

impl Merge {
    /// Creates a merge.
    #[must_use]
    pub fn new(from: ContactId, version: i64, into: ContactId) -> Self {
        Self {
            from,
            version,
            into,
        }
    }
}

impl<'a> NewMessage<'a> {
    /// Creates a message in no conversation that counts as read.
    #[must_use]
    pub fn new(message: impl Into<CowMessage<'a>>, at: Timestamp) -> Self {
        let message = message.into();
        Self {
            status: message.status.clone(),
            message,
            contact: None,
            at,
            is_unread: false,
            raw_payload: None,
            campaign: None,
        }
    }
}

impl NewStatus {
    /// Creates a status that was received at this time.
    #[must_use]
    pub fn new(status: MessageStatus, at: Timestamp) -> Self {
        Self { status, at }
    }
}

impl ConversationKey {
    /// Creates the key of the conversation of a contact with a number, or with all of them.
    #[must_use]
    pub fn new(contact: ContactId, number: Option<NumberKey>) -> Self {
        Self { contact, number }
    }
}
