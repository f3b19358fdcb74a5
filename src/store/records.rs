//! Messages, contacts and signups.

use serde::{Deserialize, Serialize};

use super::StoreError;
use crate::model::{
    Contact, Identity, Message, MessageId, MessageStatus, Signup, SignupId, Timestamp,
};

/// The number of a contact in a store.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct ContactId(pub i64);

/// A contact as a store has it.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct StoredContact {
    /// Its number.
    pub id: ContactId,
    /// The contact.
    pub contact: Contact,
}

impl StoredContact {
    /// A contact with its number.
    #[must_use]
    pub fn new(id: ContactId, contact: Contact) -> Self {
        Self { id, contact }
    }
}

/// What is known of a message before it is read; by default nothing. [`Records`] has an
/// example.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub struct MessageState {
    /// Whether the message is stored; of others only a status may be known.
    pub is_stored: bool,
    /// Whether it is yet to be read.
    pub is_unread: bool,
    /// Its status.
    pub status: Option<MessageStatus>,
}

/// A message as it is to be stored. [`Records`] has an example.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct NewMessage<'a> {
    /// The message.
    pub message: &'a Message,
    /// The contact whose conversation it is part of.
    pub contact: Option<ContactId>,
    /// When it counts as sent.
    pub at: Timestamp,
    /// Whether it is yet to be read.
    pub is_unread: bool,
}

impl<'a> NewMessage<'a> {
    /// A message that nobody has to read, in no conversation.
    #[must_use]
    pub fn new(message: &'a Message, at: Timestamp) -> Self {
        Self {
            message,
            contact: None,
            at,
            is_unread: false,
        }
    }

    /// The same message in the conversation of a contact.
    #[must_use]
    pub fn of(mut self, contact: ContactId) -> Self {
        self.contact = Some(contact);
        self
    }

    /// The same message, to be read.
    #[must_use]
    pub fn unread(mut self) -> Self {
        self.is_unread = true;
        self
    }
}

/// The rows about messages, contacts and signups.
///
/// # Errors
///
/// Of every method: when the store fails.
///
/// # Examples
///
/// ```
/// use whatsapp_signals::model::{
///     Contact, Content, Identity, Message, MessageStatus, Signup, Timestamp,
/// };
/// use whatsapp_signals::store::{MemoryStore, Mode, NewMessage, Store, StoredContact};
///
/// let ada = Identity::from_phone("15550101001").unwrap();
/// let message = Message::outbound("wamid.A", ada.clone(), Content::text("It is ready")).build();
/// MemoryStore::new().transact(Mode::Write, &mut |tx| {
///     let contact = Contact::new(ada.clone());
///     let id = tx.add_contact(&contact)?;
///     assert_eq!(tx.contacts(&ada)?, [StoredContact::new(id, contact)]);
///
///     let new = NewMessage::new(&message, Timestamp::now()).of(id).unread();
///     assert!(tx.add_message(new)?);
///     assert!(!tx.add_message(new)?, "it is known");
///     assert_eq!((tx.conversation(id, None, 9)?.len(), tx.unread(id)?), (1, 1));
///
///     tx.put_status(&message.id, &MessageStatus::Read, Timestamp::now())?;
///     let state = tx.message_state(&message.id)?;
///     assert!(state.is_stored && state.is_unread);
///     assert_eq!(state.status, Some(MessageStatus::Read));
///
///     tx.put_signup(&Signup::new("spring_tune_up"))?;
///     assert_eq!(tx.signups()?.len(), 1);
///     Ok(())
/// })?;
/// # Ok::<(), whatsapp_signals::store::StoreError>(())
/// ```
#[allow(clippy::missing_errors_doc, reason = "said once, above")]
pub trait Records {
    /// What is known of the message with this wamid.
    fn message_state(&mut self, id: &MessageId) -> Result<MessageState, StoreError>;

    /// The message with this wamid, with the status that was set last; `None`
    /// also when only a status is known.
    fn message(&mut self, id: &MessageId) -> Result<Option<Message>, StoreError>;

    /// Adds a message, unless its wamid is known, be it for a status alone.
    /// Gives whether it was added.
    fn add_message(&mut self, message: NewMessage<'_>) -> Result<bool, StoreError>;

    /// Replaces what is known of the message with this wamid.
    fn put_message(&mut self, message: NewMessage<'_>) -> Result<(), StoreError>;

    /// Sets the status of a message, which may not be stored yet. Of one that is
    /// never stored, [`prune`](super::Inbox::prune) deletes it: `now` is when it
    /// was set.
    fn put_status(
        &mut self,
        id: &MessageId,
        status: &MessageStatus,
        now: Timestamp,
    ) -> Result<(), StoreError>;

    /// The messages of a contact that come before the given one, or the last
    /// ones: last first, by when they count as sent; of one second, by when
    /// they were first stored.
    fn conversation(
        &mut self,
        contact: ContactId,
        before: Option<&MessageId>,
        limit: usize,
    ) -> Result<Vec<Message>, StoreError>;

    /// The messages whose [`reply_to`](Message::reply_to) is this one, in the
    /// order in which they were first stored.
    fn replies(&mut self, id: &MessageId) -> Result<Vec<Message>, StoreError>;

    /// The contacts whose identity has one of these ids, in the order of their
    /// numbers. An id belongs to one contact at most.
    fn contacts(&mut self, identity: &Identity) -> Result<Vec<StoredContact>, StoreError>;

    /// Adds a contact. Ids of its identity that others have are its own from
    /// now on.
    fn add_contact(&mut self, contact: &Contact) -> Result<ContactId, StoreError>;

    /// Replaces a contact, by its number. It keeps no ids but those of its
    /// identity; those that others have are its own from now on.
    fn put_contact(&mut self, id: ContactId, contact: &Contact) -> Result<(), StoreError>;

    /// Gives the messages of a contact to another one, and deletes it.
    fn merge_contact(&mut self, from: ContactId, into: ContactId) -> Result<(), StoreError>;

    /// How many messages of a contact are unread.
    fn unread(&mut self, contact: ContactId) -> Result<u64, StoreError>;

    /// Everyone who has unread messages, and how many, in the order of their
    /// numbers.
    fn unread_contacts(&mut self) -> Result<Vec<(StoredContact, u64)>, StoreError>;

    /// No message of a contact is unread any more.
    fn mark_read(&mut self, contact: ContactId) -> Result<(), StoreError>;

    /// The signup with this id.
    fn signup(&mut self, id: &SignupId) -> Result<Option<Signup>, StoreError>;

    /// Adds a signup, or replaces the one with its id.
    fn put_signup(&mut self, signup: &Signup) -> Result<(), StoreError>;

    /// All signups, by their ids.
    fn signups(&mut self) -> Result<Vec<Signup>, StoreError>;
}

/// The ids of a user, each with its kind: a contact is found by one id of one
/// kind.
pub(crate) fn ids_by_kind(identity: &Identity) -> impl Iterator<Item = (&'static str, &str)> {
    [
        ("wa_id", identity.wa_id().map(AsRef::as_ref)),
        ("user_id", identity.user_id().map(AsRef::as_ref)),
        (
            "parent_user_id",
            identity.parent_user_id().map(AsRef::as_ref),
        ),
    ]
    .into_iter()
    .filter_map(|(kind, id)| Some((kind, id?)))
}
