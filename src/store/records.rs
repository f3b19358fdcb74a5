//! Messages, contacts and signups.

use super::{ContactId, MessageState, NewMessage, StoreError, StoredContact};
use crate::model::{
    Contact, Identity, Message, MessageId, MessageStatus, Signup, SignupId, Timestamp,
};

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
/// let message = Message::outbound("wamid.A", ada.clone(), Content::text("It is ready"));
/// let message = message.reply_to("wamid.QUESTION").build();
/// let now = Timestamp::now();
/// MemoryStore::new().transact(Mode::Write, &mut |tx| {
///     let mut contact = Contact::new(ada.clone());
///     let id = tx.add_contact(&contact)?;
///     contact.name = Some("Ada Okafor".into());
///     tx.put_contact(id, &contact)?;
///     assert_eq!(tx.contacts(&ada)?, [StoredContact::new(id, contact)]);
///
///     let new = NewMessage::new(&message, now).of(id).unread();
///     assert!(tx.add_message(new)?);
///     assert!(!tx.add_message(new)?, "it is known");
///     assert_eq!((tx.conversation(id, None, 9)?.len(), tx.unread(id)?), (1, 1));
///     assert_eq!(tx.replies(&"wamid.QUESTION".into())?, [message.clone()]);
///
///     tx.put_status(&message.id, &MessageStatus::Read, now)?;
///     let state = tx.message_state(&message.id)?;
///     assert!(state.is_stored && state.is_unread);
///     assert_eq!(state.status, Some(MessageStatus::Read));
///     assert_eq!(tx.message(&message.id)?.unwrap().status, state.status);
///
///     // She has a second number, and the one contact takes what the other had.
///     let second = Identity::from_phone("15550101002").unwrap();
///     let into = tx.add_contact(&Contact::new(second))?;
///     tx.merge_contact(id, into)?;
///     assert!(tx.contacts(&ada)?.is_empty());
///     assert_eq!(tx.unread_contacts()?[0].0.id, into);
///     tx.mark_read(into)?;
///     assert_eq!(tx.unread(into)?, 0);
///     tx.put_message(new.of(into))?;
///     assert_eq!(tx.unread(into)?, 1, "it is to be read once more");
///
///     let signup = Signup::new("spring_tune_up");
///     tx.put_signup(&signup)?;
///     assert_eq!(tx.signup(&signup.signup_id)?.as_ref(), Some(&signup));
///     assert_eq!(tx.signups()?, [signup]);
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
        ("wa_id", identity.wa_id()),
        ("user_id", identity.user_id()),
        ("parent_user_id", identity.parent_user_id()),
    ]
    .into_iter()
    .filter_map(|(kind, id)| Some((kind, id?)))
}
