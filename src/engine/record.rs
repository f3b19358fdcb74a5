//! What the records learn from an event, and what the event learns from them.

use std::borrow::Cow;
use std::sync::Arc;

use super::user;
use crate::event::{HistoryMessage, WebhookEvent};
use crate::model::{
    Contact, Content, Direction, HistoryStatus, Message, MessageStatus, Signup, SignupId,
    StatusUpdate, Timestamp,
};
use crate::store::contacts::{Contacts, Entry};
use crate::store::{ContactId, NewMessage, StoreError, Transaction};

/// What the records know about an event's user, and of a signup.
#[derive(Default)]
pub(super) struct Known {
    contact: Option<Arc<Contact>>,
    signup: Option<Signup>,
}

impl Known {
    fn new(entry: Option<Entry>, signup: Option<Signup>) -> Self {
        Self {
            contact: entry.map(|(_, contact)| contact),
            signup,
        }
    }

    /// Puts it into the event, in the place of what the webhook has.
    pub(super) fn put_into(self, event: &mut WebhookEvent) {
        if let Some(contact) = self.contact {
            event.set_contact(contact);
        }
        if let (WebhookEvent::UserSubscribed(event), Some(signup)) = (event, self.signup) {
            event.signup = signup;
        }
    }
}

/// Writes down what the events of a webhook tell.
pub(super) struct Recorder {
    now: Timestamp,
    contacts: Contacts,
}

impl Recorder {
    pub(super) fn new(now: Timestamp) -> Self {
        Self {
            now,
            contacts: Contacts::new(now),
        }
    }

    /// Writes down what an event tells, once.
    pub(super) fn record(
        &mut self,
        tx: &mut dyn Transaction,
        event: &WebhookEvent,
    ) -> Result<Known, StoreError> {
        let signup = match event {
            WebhookEvent::UserSubscribed(event) => count_subscriber(tx, &event.signup.signup_id)?,
            _ => None,
        };
        let entry = user::record(&mut self.contacts, tx, event, signup.as_ref(), self.now)?;
        let contact = entry.as_ref().map(|(id, _)| *id);
        match event {
            WebhookEvent::MessageReceived(event) => {
                let is_unread = is_to_be_read(&event.message);
                self.record_message(tx, &event.message, contact, is_unread)?;
            }
            WebhookEvent::MessageEcho(event) => {
                self.record_message(tx, &event.message, contact, false)?;
            }
            WebhookEvent::StandbyMessage(event) => {
                self.record_message(tx, &event.message, contact, false)?;
            }
            WebhookEvent::StandbyEcho(event) => {
                if let Some(message) = event.value.to_message() {
                    self.record_message(tx, &message, contact, false)?;
                }
            }
            WebhookEvent::HistoryMessage(event) => {
                let message = with_history_status(event);
                self.record_message(tx, &message, contact, false)?;
            }
            WebhookEvent::MessageStatusChanged(event) => {
                self.record_status(tx, &event.update)?;
            }
            WebhookEvent::StandbyStatus(event) => self.record_status(tx, &event.update)?,
            _ => {}
        }
        Ok(Known::new(entry, signup))
    }

    /// Writes down what an event says of its user once more, as the event has happened again.
    pub(super) fn record_again(
        &mut self,
        tx: &mut dyn Transaction,
        event: &WebhookEvent,
    ) -> Result<Known, StoreError> {
        let signup = match event {
            WebhookEvent::UserSubscribed(event) => tx.signup(&event.signup.signup_id)?,
            _ => None,
        };
        let entry = user::record(&mut self.contacts, tx, event, signup.as_ref(), self.now)?;
        Ok(Known::new(entry, signup))
    }

    /// Looks up what is known about an event that was written down before.
    pub(super) fn recall(
        &mut self,
        tx: &mut dyn Transaction,
        event: &WebhookEvent,
    ) -> Result<Known, StoreError> {
        let entry = match user::identity(event) {
            Some(user) => self.contacts.find(tx, &user)?,
            None => None,
        };
        let signup = match event {
            WebhookEvent::UserSubscribed(event) => tx.signup(&event.signup.signup_id)?,
            _ => None,
        };
        Ok(Known::new(entry, signup))
    }

    /// A message that you sent.
    pub(super) fn record_sent(
        &mut self,
        tx: &mut dyn Transaction,
        message: &Message,
    ) -> Result<(), StoreError> {
        let contact = match &message.user {
            Some(user) => Some(self.contacts.upsert(tx, user, None, None, |_| {})?.0),
            None => None,
        };
        self.record_message(tx, message, contact, false)
    }

    fn record_message(
        &mut self,
        tx: &mut dyn Transaction,
        message: &Message,
        contact: Option<ContactId>,
        is_unread: bool,
    ) -> Result<(), StoreError> {
        let mut new = NewMessage {
            message,
            // A group's messages are in no conversation with one of them.
            contact: contact.filter(|_| message.group_id.is_none()),
            at: message.timestamp.unwrap_or(self.now),
            is_unread,
        };
        if tx.add_message(new)? {
            return Ok(());
        }
        let state = tx.message_state(&message.id)?;
        if state.is_stored {
            if is_placeholder(message) {
                return Ok(());
            }
            new.is_unread = state.is_unread;
        }
        // Its status came first; or it comes again, and has got further.
        let mut further = Cow::Borrowed(message);
        if let Some(status) = state.status
            && moves_on(message.status.as_ref(), &status)
        {
            further.to_mut().status = Some(status);
        }
        new.message = &further;
        tx.put_message(new)
    }

    fn record_status(
        &mut self,
        tx: &mut dyn Transaction,
        update: &StatusUpdate,
    ) -> Result<(), StoreError> {
        // What became of a payment is not what became of the message.
        let is_of_message = update.kind.as_deref().is_none_or(|kind| kind == "message");
        // That one member of a group did not get it says little of the message.
        let is_of_member = update.is_of_group() && update.recipient.is_some();
        let is_failure = update.status == MessageStatus::Failed;
        if !is_of_message || (is_of_member && is_failure) {
            return Ok(());
        }
        let state = tx.message_state(&update.id)?;
        if moves_on(state.status.as_ref(), &update.status) {
            tx.put_status(&update.id, &update.status, self.now)?;
        }
        Ok(())
    }
}

/// The stored signup, which one more has subscribed through.
fn count_subscriber(tx: &mut dyn Transaction, id: &SignupId) -> Result<Option<Signup>, StoreError> {
    let mut signup = tx.signup(id)?;
    if let Some(signup) = &mut signup {
        signup.subscriber_count += 1;
        tx.put_signup(signup)?;
    }
    Ok(signup)
}

/// Whether a message at `status` gets to `next`. The first status is one in any
/// case, also if this version does not know it.
fn moves_on(status: Option<&MessageStatus>, next: &MessageStatus) -> bool {
    status.is_none_or(|status| next.supersedes(status))
}

/// What Meta sends where it cannot send the message itself (yet).
fn is_placeholder(message: &Message) -> bool {
    matches!(
        message.content,
        Content::Unsupported(_) | Content::MediaPlaceholder
    )
}

/// Whether it is something that a user wrote, and not news about the user or
/// about another message.
fn is_to_be_read(message: &Message) -> bool {
    !matches!(
        message.content,
        Content::System(_) | Content::Edit(_) | Content::Revoke(_)
    )
}

/// An old message tells beside it how far it had come.
fn with_history_status(event: &HistoryMessage) -> Cow<'_, Message> {
    let message = &*event.message;
    let status = event.history_context.as_ref();
    let status = match status.and_then(|context| context.status.as_ref()) {
        Some(HistoryStatus::Sent) => MessageStatus::Sent,
        Some(HistoryStatus::Delivered) => MessageStatus::Delivered,
        Some(HistoryStatus::Read) => MessageStatus::Read,
        Some(HistoryStatus::Played) => MessageStatus::Played,
        Some(HistoryStatus::Error) => MessageStatus::Failed,
        _ => return Cow::Borrowed(message),
    };
    if message.direction == Direction::Inbound || message.status.is_some() {
        return Cow::Borrowed(message);
    }
    let mut message = message.clone();
    message.status = Some(status);
    Cow::Owned(message)
}
