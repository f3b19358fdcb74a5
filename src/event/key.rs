//! Keys by which an event is known again, and by which events are spread over
//! workers.

use std::borrow::Cow;
use std::collections::HashMap;
use std::fmt::Write as _;
use std::sync::Arc;

use super::hash::hash_of_member;
use super::{
    HistoryMessage, MessageEcho, MessageReceived, MessageStatusChanged, StandbyMessage,
    StandbyStatus, WebhookEvent,
};
use crate::model::{
    Account, Contact, Content, IdKind, Identity, Message, RawJson, StatusUpdate, Timestamp,
};

/// How the events of one type are told apart and spread.
pub(crate) trait Keys {
    /// Returns the part of the key that is different for all events of one signal and number.
    fn key(&self) -> String;

    /// Whether two events may have one key, as they have neither an id nor a time.
    fn repeats(&self) -> bool {
        false
    }

    fn account(&self) -> Option<&Account>;

    /// The request of an event that the program made of one.
    fn request_json(&self) -> Option<&RawJson> {
        None
    }

    /// The user that the event itself names; in news of a changed id, by the previous one.
    fn user(&self) -> Option<Cow<'_, Identity>> {
        None
    }

    /// The webhook's contact, which may know more ids of the user.
    fn contact(&self) -> Option<&Contact> {
        None
    }

    /// Puts what a store knows in the place of the webhook's contact.
    fn set_contact(&mut self, _: Arc<Contact>) {}

    /// The id by which other events of the body name the user, if it is a better one.
    fn known_as(&self) -> Option<&str> {
        None
    }

    /// What stands for the user where there is none.
    fn group(&self) -> Option<&str> {
        None
    }

    /// Whether it is news of a changed id. Its contact may have the new one already.
    fn is_news_of_ids(&self) -> bool {
        false
    }

    /// Returns [`Event::dedup_key`](super::Event::dedup_key): an event with a number is
    /// known by that number, as one number may come under several accounts.
    fn key_of(&self, signal: &str) -> String {
        let key = self.key();
        let of = self.account().and_then(|account| {
            let number = account.phone_number_id.as_ref().map(AsRef::as_ref);
            let number = number.or(account.display_phone_number.as_deref());
            let waba = account.waba_id.as_ref().map(AsRef::as_ref);
            number
                .map(|number| ("number", number))
                .or(waba.map(|waba| ("waba", waba)))
        });
        match of {
            Some((name, of)) => [signal, ":", &key, ":", name, "=", of].concat(),
            None => [signal, ":", &key].concat(),
        }
    }

    /// Returns the first part of [`partition`](Self::partition).
    fn place(&self) -> &str {
        let place = self.account().and_then(|account| {
            let number = account.phone_number_id.as_ref().map(AsRef::as_ref);
            number.or(account.waba_id.as_ref().map(AsRef::as_ref))
        });
        place.unwrap_or_default()
    }

    /// Calls a closure with the user, by the ids of the event and by those of its contact.
    /// In news of a changed id the contact counts only where the event has no id at all.
    fn with_ids<R>(&self, f: impl FnOnce([Option<&Identity>; 2]) -> R) -> R {
        let user = self.user();
        let contact = self.contact().map(|contact| &contact.identity);
        let contact = contact.filter(|_| user.is_none() || !self.is_news_of_ids());
        f([user.as_deref(), contact])
    }

    /// Returns [`Event::partition_key`](super::Event::partition_key).
    fn partition(&self) -> String {
        let place = self.place();
        let user = self.with_ids(|ids| best_id(ids).map(|(_, id)| id.to_owned()));
        let user = self.known_as().or(user.as_deref()).or(self.group());
        format!("{place}:{}", user.unwrap_or_default())
    }
}

/// Returns the best id of a user who is named by an event and by its contact.
pub(crate) fn best_id([user, contact]: [Option<&Identity>; 2]) -> Option<(IdKind, &str)> {
    // A contact's number is the WhatsApp id, from which the number of a message may differ.
    let order = [
        (IdKind::User, [user, contact]),
        (IdKind::Parent, [user, contact]),
        (IdKind::Phone, [contact, user]),
    ];
    order.into_iter().find_map(|(kind, named)| {
        let mut ids = named.into_iter().flatten();
        Some((kind, ids.find_map(|identity| identity.id(kind))?))
    })
}

/// Whether a time is one, as some of Meta's webhooks have 0 there.
pub(super) fn is_useful(time: Option<Timestamp>) -> bool {
    time.is_some_and(|time| time.as_secs() > 0)
}

/// Returns the keys of the events of one body. Equal events that may recur get a count, as
/// Meta does not send one thing twice in one body.
pub(crate) fn dedup_keys(events: &[WebhookEvent]) -> Vec<String> {
    let mut counts = HashMap::new();
    let key = |event: &WebhookEvent| {
        let key = event.dedup_key();
        if !event.repeats() {
            return key;
        }
        let count = counts.entry(key.clone()).or_insert(0_usize);
        *count += 1;
        match count {
            1 => key,
            count => format!("{key}:{count}"),
        }
    };
    events.iter().map(key).collect()
}

/// The events about messages and their statuses differ in name only.
macro_rules! keys {
    ($($event:ident: $about:ident, $user:ident, $key:expr, $is_news:expr;)+) => { $(
        impl Keys for $event {
            fn known_as(&self) -> Option<&str> {
                self.known_as.as_deref()
            }

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

            fn is_news_of_ids(&self) -> bool {
                $is_news(&self.$about)
            }
        }
    )+ };
}

keys! {
    MessageReceived: message, user, of_message, Message::is_news_of_ids;
    MessageEcho: message, user, of_message, |_| false;
    HistoryMessage: message, user, of_message, |_| false;
    StandbyMessage: message, user, of_message, Message::is_news_of_ids;
    MessageStatusChanged: update, recipient, of_status, |_| false;
    StandbyStatus: update, recipient, of_status, |_| false;
}

/// Returns the key of a message: its wamid. Its type counts too: what comes as a
/// placeholder or `unsupported` first may come as what it is later. So does the new content
/// of an edit: a message can be edited more than once.
fn of_message(message: &Message, raw: &RawJson) -> String {
    let (id, kind) = (message.id.as_str(), message.message_type());
    match message.content {
        Content::Edit(_) => format!("{id}:{kind}:{}", hash_of_member(raw.as_str(), "edit")),
        _ => [id, ":", kind].concat(),
    }
}

/// Returns the key of a status. The steps of a message share its wamid; so do its recipients
/// in a group, and the payments for it. Meta repeats a step at another second, so the time
/// counts only for a payment that has no transaction.
fn of_status(update: &StatusUpdate, _: &RawJson) -> String {
    let mut key = [update.id.as_str(), ":", update.status.as_str()].concat();
    let mut add = |name: &str, part: &str| {
        let _ = write!(key, ":{name}={part}");
    };
    if let Some(kind) = &update.kind {
        add("type", kind);
    }
    if update.is_group_message()
        && let Some(participant) = &update.recipient
    {
        // The number may be hidden in the repetition.
        let id = participant.user_id().or_else(|| participant.ids().next());
        add("to", id.unwrap_or_default());
    }
    if let Some(payment) = &update.payment {
        let order = payment.reference_id.as_ref();
        add("order", order.map_or("", AsRef::as_ref));
        let transaction = payment.transaction.as_ref();
        if let Some(transaction) = transaction
            && let Some(id) = &transaction.id
        {
            add("transaction", id.as_str());
            add("result", transaction.status.as_deref().unwrap_or_default());
        } else {
            let at = update.timestamp.map(|time| time.as_secs().to_string());
            add("at", &at.unwrap_or_default());
        }
    }
    key
}
