//! Keys by which an event is known again, and by which events are spread over
//! workers.

use std::borrow::Cow;
use std::fmt::Write as _;
use std::sync::Arc;

use super::hash::hash_json;
use super::{
    HistoryMessage, MessageEcho, MessageReceived, MessageStatusChanged, StandbyMessage,
    StandbyStatus,
};
use crate::model::{Account, Contact, Content, Identity, Message, RawJson, StatusUpdate};

/// How the events of one type are told apart and spread.
pub(crate) trait Keys {
    /// Whether two with one key may be two.
    const REPEATS: bool = false;

    /// [`Event::dedup_key`](super::Event::dedup_key) without the name of the
    /// signal.
    fn key(&self) -> String;

    fn account(&self) -> Option<&Account>;

    /// The user that the event itself names.
    fn user(&self) -> Option<Cow<'_, Identity>> {
        None
    }

    /// The webhook's contact, which may know more ids of the user.
    fn contact(&self) -> Option<&Contact> {
        None
    }

    /// Puts what a store knows in the place of the webhook's contact.
    fn set_contact(&mut self, _: Arc<Contact>) {}

    /// What stands for the user where there is none.
    fn group(&self) -> Option<&str> {
        None
    }

    /// [`Event::partition_key`](super::Event::partition_key).
    fn partition(&self) -> String {
        let number = self.account().and_then(|account| {
            let number = account.phone_number_id.as_ref().map(AsRef::as_ref);
            number.or(account.waba_id.as_ref().map(AsRef::as_ref))
        });
        let user = self.user();
        let contact = self.contact().map(|contact| &contact.identity);
        // The phone number is the last choice: Meta shows it in one webhook of
        // a user and leaves it out of the next.
        let ids: [fn(&Identity) -> Option<&str>; 3] = [
            |identity| Some(identity.user_id()?.as_str()),
            |identity| Some(identity.parent_user_id()?.as_str()),
            |identity| Some(identity.wa_id()?.as_str()),
        ];
        let user = ids.into_iter().find_map(|id| {
            user.as_deref()
                .and_then(id)
                .or_else(|| contact.and_then(id))
        });
        let number: &str = number.unwrap_or_default();
        format!("{number}:{}", user.or(self.group()).unwrap_or_default())
    }
}

/// The events about messages and their statuses differ in name only.
macro_rules! keys {
    ($($event:ident: $about:ident, $user:ident, $key:expr;)+) => { $(
        impl Keys for $event {
            fn key(&self) -> String {
                $key(&self.$about, &self.raw)
            }

            fn account(&self) -> Option<&Account> {
                Some(&self.account)
            }

            fn user(&self) -> Option<Cow<'_, Identity>> {
                self.$about.$user.as_ref().map(Cow::Borrowed)
            }

            fn contact(&self) -> Option<&Contact> {
                self.contact.as_deref()
            }

            fn set_contact(&mut self, contact: Arc<Contact>) {
                self.contact = Some(contact);
            }

            fn group(&self) -> Option<&str> {
                self.$about.group_id.as_ref().map(AsRef::as_ref)
            }
        }
    )+ };
}

keys! {
    MessageReceived: message, user, of_message;
    MessageEcho: message, user, of_message;
    HistoryMessage: message, user, of_message;
    StandbyMessage: message, user, of_message;
    MessageStatusChanged: update, recipient, of_status;
    StandbyStatus: update, recipient, of_status;
}

/// A message is known by its wamid. Its type counts too: what comes as a
/// placeholder or `unsupported` first may come as what it is later. So does
/// the JSON of an edit: a message can be edited more than once.
fn of_message(message: &Message, raw: &RawJson) -> String {
    let (id, kind) = (&message.id, message.message_type());
    match message.content {
        Content::Edit(_) => format!("{id}:{kind}:{}", hash_json(raw.as_str())),
        _ => format!("{id}:{kind}"),
    }
}

/// The steps of a message share its wamid; so do its recipients in a group, and
/// the payments for it.
fn of_status(update: &StatusUpdate, _: &RawJson) -> String {
    let mut key = format!("{}:{}", update.id, update.status);
    let mut add = |name: &str, part: &str| {
        let _ = write!(key, ":{name}={part}");
    };
    if let Some(kind) = &update.kind {
        add("type", kind);
    }
    if update.is_of_group()
        && let Some(participant) = &update.recipient
    {
        participant.ids().for_each(|id| add("to", id));
    }
    if let Some(payment) = &update.payment {
        let order = payment.reference_id.as_ref();
        let transaction = payment.transaction.as_ref();
        let transaction = transaction.and_then(|transaction| transaction.id.as_ref());
        add("order", order.map_or("", AsRef::as_ref));
        add("transaction", transaction.map_or("", AsRef::as_ref));
    }
    if let Some(timestamp) = update.timestamp {
        add("at", &timestamp.as_secs().to_string());
    }
    key
}
