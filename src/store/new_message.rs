//! What a store is told of a message, and what it knows of one.

use super::ContactId;
use crate::model::{Message, MessageStatus, Timestamp};

/// What is known of a message before it is read; by default nothing.
///
/// # Examples
///
/// ```
/// use whatsapp_signals::model::{MessageStatus, Timestamp};
/// use whatsapp_signals::store::{MemoryStore, MessageState, Mode, Store};
///
/// MemoryStore::new().transact(Mode::Write, &mut |tx| {
///     let id = "wamid.A".into();
///     assert_eq!(tx.message_state(&id)?, MessageState::default());
///
///     // A status may overtake its message.
///     tx.put_status(&id, &MessageStatus::Delivered, Timestamp::now())?;
///     let state = tx.message_state(&id)?;
///     assert!(!state.is_stored);
///     assert_eq!(state.status, Some(MessageStatus::Delivered));
///     Ok(())
/// })?;
/// # Ok::<(), whatsapp_signals::store::StoreError>(())
/// ```
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

/// A message as it is to be stored. [`Records`](super::Records) has more of an example.
///
/// # Examples
///
/// ```
/// use whatsapp_signals::model::{Content, Identity, Message, Timestamp};
/// use whatsapp_signals::store::{ContactId, NewMessage};
///
/// let ada = Identity::from_phone("15550101001").unwrap();
/// let message = Message::outbound("wamid.A", ada, Content::text("It is ready")).build();
/// let new = NewMessage::new(&message, Timestamp::now());
/// assert_eq!((new.contact, new.is_unread), (None, false));
///
/// let new = new.of(ContactId(1)).unread();
/// assert_eq!((new.contact, new.is_unread), (Some(ContactId(1)), true));
/// ```
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
