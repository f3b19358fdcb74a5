//! The changes of a commit.

use std::ops::Deref;

use super::campaign::{CampaignKey, CampaignRow};
use super::row::{
    ContactId, ContactRow, Fingerprint, IdKey, MessageKey, NumberKey, ProgressRow, SignupKey,
    Tenant, WebhookId, WebhookRow,
};
use super::turn::TurnChange;
use crate::model::{CampaignId, Message, MessageStatus, RawJson, Signup, Timestamp};

/// The rows that a commit writes, and those that its decision used.
///
/// A commit happens as a whole or not at all. It is a
/// [`Conflict`](super::StoreErrorKind::Conflict) if a row has another version than the decision
/// saw, is there although the decision did not see it, or is gone; for rows that are written and
/// for those in [`reads`](Self::reads).
#[derive(Debug, Default)]
#[non_exhaustive]
pub struct Changes<'a> {
    /// The moment of the first snapshot that the decision used, if it used any.
    pub moment: Option<i64>,
    /// The rows that were only read.
    pub reads: Vec<Read>,
    /// Tenants of numbers that had no row.
    pub numbers: Vec<(NumberKey, Tenant)>,
    /// Webhooks.
    pub webhooks: Vec<WebhookChange<'a>>,
    /// Events.
    pub events: Vec<EventChange>,
    /// Progress of events: it replaces the row that is there. It is not versioned, as it belongs
    /// to a webhook of [`webhooks`](Self::webhooks).
    pub progress: Vec<(Fingerprint, ProgressRow)>,
    /// Turns, those of one partition in the order of their numbers.
    pub turns: Vec<TurnChange>,
    /// Contacts. After a commit no id is [held](super::HeldId::until) by two contacts of one
    /// tenant; a commit after which it would be so is a conflict.
    pub contacts: Vec<Put<ContactId, ContactRow>>,
    /// Contacts that become part of another one.
    pub merges: Vec<Merge>,
    /// Contacts that go with all their messages, each with the version that the decision saw.
    pub deleted_contacts: Vec<(ContactId, i64)>,
    /// Messages.
    pub messages: Vec<Put<MessageKey, NewMessage<'a>>>,
    /// Statuses of messages, which may not be stored yet. Of one that is stored, all but its
    /// status stays.
    pub statuses: Vec<Put<MessageKey, NewStatus>>,
    /// Messages and statuses to be deleted; their versions are not checked. One that is not there is left out.
    pub deleted_messages: Vec<MessageKey>,
    /// Conversations that were read: no message of theirs is unread any more.
    pub read_conversations: Vec<ConversationKey>,
    /// Signups. Of one that is there, its subscriber count stays.
    pub signups: Vec<Put<SignupKey, Signup>>,
    /// Signups that have one subscriber more, each. One that is not there is left out.
    pub subscribers: Vec<SignupKey>,
    /// Campaigns. Of one that is there, its number of refusals stays.
    pub campaigns: Vec<Put<CampaignKey, CampaignRow>>,
    /// Campaigns that have one refusal more, each. One that is not there is left out.
    pub refusals: Vec<CampaignKey>,
}

impl Changes<'_> {
    /// Returns whether there is nothing to write.
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

/// A row to be written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Put<K, R> {
    /// Its key.
    pub key: K,
    /// The version that the decision saw; `None` if it saw no row. The row that is written has
    /// the next one.
    pub version: Option<i64>,
    /// The row.
    pub row: R,
}

/// A row that a decision read and does not write, with the version that it had.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Read {
    /// A webhook.
    Webhook(WebhookId, Option<i64>),
    /// An event, with the webhook that it belongs to.
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

/// A change of a webhook.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum WebhookChange<'a> {
    /// A new webhook.
    Add {
        /// Its id.
        id: WebhookId,
        /// Its row.
        row: WebhookRow,
        /// Its body.
        body: &'a [u8],
    },
    /// A webhook that is there. Its body stays.
    Put {
        /// Its id.
        id: WebhookId,
        /// The version that the decision saw.
        version: i64,
        /// Its row.
        row: WebhookRow,
    },
    /// A webhook that is there, and its body with it.
    Replace {
        /// Its id.
        id: WebhookId,
        /// The version that the decision saw.
        version: i64,
        /// Its row.
        row: WebhookRow,
        /// Its body, in place of the one before.
        body: Vec<u8>,
    },
    /// A webhook that goes, with its body and its rows of progress. Its events stay.
    Delete {
        /// Its id.
        id: WebhookId,
        /// The version that the decision saw.
        version: i64,
    },
}

/// A change of an event.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct EventChange {
    /// The fingerprint of its key.
    pub key: Fingerprint,
    /// The webhook that the decision saw it with; `None` if it saw no such event. An event that
    /// is given to another webhook loses its row of progress, unless there is a new one in
    /// [`Changes::progress`].
    pub before: Option<WebhookId>,
    /// The webhook that it belongs to.
    pub webhook: WebhookId,
}

/// Two contacts that turned out to be one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Merge {
    /// The contact that goes. Its messages and its ids are given to the other one, which
    /// [`Changes::contacts`] writes as well.
    pub from: ContactId,
    /// The version that the decision saw.
    pub version: i64,
    /// The contact that stays.
    pub into: ContactId,
}

/// A message to be stored.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct NewMessage<'a> {
    /// The message.
    pub message: MessageRef<'a>,
    /// Its status, which replaces that of the message.
    pub status: Option<MessageStatus>,
    /// The contact whose conversation it is part of.
    pub contact: Option<ContactId>,
    /// When it counts as sent.
    pub at: Timestamp,
    /// Whether it is unread.
    pub is_unread: bool,
    /// Its JSON, if the program keeps it. A store copies the text: the value holds the whole body.
    /// A message that is stored again without its JSON loses that of before.
    pub raw_payload: Option<&'a RawJson>,
    /// The campaign that it is part of.
    pub campaign: Option<CampaignId>,
}

/// A message of an event, or one that was made for the commit.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum MessageRef<'a> {
    /// A message of an event.
    Borrowed(&'a Message),
    /// A message that was made for the commit. These are rare, so the others are kept short.
    Owned(Box<Message>),
}

impl MessageRef<'_> {
    /// Returns the message, cloned if it is borrowed.
    #[must_use]
    pub fn into_message(self) -> Message {
        match self {
            Self::Borrowed(message) => message.clone(),
            Self::Owned(message) => *message,
        }
    }
}

impl Deref for MessageRef<'_> {
    type Target = Message;

    fn deref(&self) -> &Message {
        match self {
            Self::Borrowed(message) => message,
            Self::Owned(message) => message,
        }
    }
}

impl<'a> From<&'a Message> for MessageRef<'a> {
    fn from(message: &'a Message) -> Self {
        Self::Borrowed(message)
    }
}

impl From<Message> for MessageRef<'_> {
    fn from(message: Message) -> Self {
        Self::Owned(Box::new(message))
    }
}

/// A status to be stored.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct NewStatus {
    /// The status.
    pub status: MessageStatus,
    /// When it came. A status whose message never comes is deleted by its age.
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
    /// Returns the change of an event.
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
    /// Returns a merge.
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
    /// Returns a message in no conversation, which is not to be read.
    #[must_use]
    pub fn new(message: impl Into<MessageRef<'a>>, at: Timestamp) -> Self {
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
    /// Returns a status that came at this time.
    #[must_use]
    pub fn new(status: MessageStatus, at: Timestamp) -> Self {
        Self { status, at }
    }
}

impl ConversationKey {
    /// Returns the conversation of a contact with a number, or with all of them.
    #[must_use]
    pub fn new(contact: ContactId, number: Option<NumberKey>) -> Self {
        Self { contact, number }
    }
}
