//! The keys of events: for deduplication, and for partitions.

use std::borrow::Cow;
use std::collections::HashMap;
use std::fmt::Write as _;
use std::hash::Hasher;
use std::sync::Arc;

use serde::Serialize;
use siphasher::sip128::{Hasher128, SipHasher24};

use super::WebhookEvent;
use crate::json::{Node, with_tape};
use crate::model::{
    Account, Contact, Content, IdKind, Identity, Message, RawJson, StatusUpdate, Timestamp,
};

/// The properties of an event from which its keys are made.
pub(crate) trait EventMeta {
    /// Returns the part of the key that is unique among the events of a signal and a number.
    fn key(&self) -> String;

    /// Returns whether two events may have one key, as the event has neither an id nor a time.
    fn repeats(&self) -> bool {
        false
    }

    fn account(&self) -> Option<&Account>;

    /// Returns the request of an outbound event.
    fn request_json(&self) -> Option<&RawJson> {
        None
    }

    /// Returns the user that the event itself names; for a change of ids, by the previous ones.
    fn user(&self) -> Option<Cow<'_, Identity>> {
        None
    }

    /// Returns the contact of the webhook, which may have more ids of the user.
    fn contact(&self) -> Option<&Contact> {
        None
    }

    /// Replaces the contact of the webhook by that of a store.
    fn set_contact(&mut self, _: Arc<Contact>) {}

    /// Returns the best id of the user in the body, if the event itself has only a lesser id.
    fn known_as(&self) -> Option<&str> {
        None
    }

    /// Returns the group, which replaces a missing user in partition keys.
    fn group(&self) -> Option<&str> {
        None
    }

    /// Returns whether the event is a change of ids. Its contact may have the new id already.
    fn changes_ids(&self) -> bool {
        false
    }

    /// Returns [`Event::dedup_key`](super::Event::dedup_key). A business number takes the place of
    /// the account, as one number may belong to several accounts.
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
    fn id_scope(&self) -> &str {
        let scope = self.account().and_then(|account| {
            let number = account.phone_number_id.as_ref().map(AsRef::as_ref);
            number.or(account.waba_id.as_ref().map(AsRef::as_ref))
        });
        scope.unwrap_or_default()
    }

    /// Calls a closure with the user, by the ids of the event and by those of its contact. For a
    /// change of ids the contact counts only if the event has no id.
    fn with_ids<R>(&self, f: impl FnOnce([Option<&Identity>; 2]) -> R) -> R {
        let user = self.user();
        let contact = self.contact().map(|contact| &contact.identity);
        let contact = contact.filter(|_| user.is_none() || !self.changes_ids());
        f([user.as_deref(), contact])
    }

    /// Returns [`Event::partition_key`](super::Event::partition_key).
    fn partition(&self) -> String {
        let scope = self.id_scope();
        let user = self.with_ids(|ids| best_id(ids).map(|(_, id)| id.to_owned()));
        let user = self.known_as().or(user.as_deref()).or(self.group());
        format!("{scope}:{}", user.unwrap_or_default())
    }
}

/// Returns the best id of a user that an event and its contact name.
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

/// Returns whether a time identifies an event. Some webhooks have the time 0.
pub(super) fn is_useful(time: Option<Timestamp>) -> bool {
    time.is_some_and(|time| time.as_secs() > 0)
}

/// Returns the keys of the events of one body. Adds a count to equal keys of events that may recur,
/// as Meta does not repeat an event within one body.
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

/// Returns the key of a message: its wamid and type, since a placeholder or `unsupported` message
/// may come again as the message itself. For an edit the new content counts, too, since a message
/// can be edited more than once.
pub(super) fn of_message(message: &Message, raw: &RawJson) -> String {
    let (id, kind) = (message.id.as_str(), message.message_type());
    match message.content {
        Content::Edit(_) => format!("{id}:{kind}:{}", hash_of_member(raw.as_str(), "edit")),
        _ => [id, ":", kind].concat(),
    }
}

/// Returns the key of a status. All statuses of a message share its wamid, and so do its recipients
/// in a group and the payments for it. Meta repeats a status at another second, so the time counts
/// only for a payment without a transaction.
pub(super) fn of_status(update: &StatusUpdate, _: &RawJson) -> String {
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

/// Returns the hash of an event without an id: of its time and its JSON, in which neither white
/// space nor the order of members counts. `parts` are further parts of the hash.
pub(super) fn hash(parts: &[&str], time: Option<Timestamp>, raw: &RawJson) -> String {
    let mut hash = Hash::default();
    for part in parts {
        hash.text('p', part);
    }
    let time = time.map(|time| time.as_secs().to_string());
    hash.text('t', &time.unwrap_or_default());
    hash.json_text(raw.as_str());
    hash.finish()
}

/// Returns the hash of an event that the program made.
pub(super) fn hash_of(event: &impl Serialize) -> String {
    // Invariant: the payloads serialize, as the keys of their maps are strings.
    let json = serde_json::value::to_raw_value(event);
    json.map_or_else(|_| String::new(), |json| hash_json(json.get()))
}

/// Returns the hash of valid JSON.
pub(super) fn hash_json(json: &str) -> String {
    let mut hash = Hash::default();
    hash.json_text(json);
    hash.finish()
}

/// Returns the [`hash_json`] of a member of an object; of the whole object without such a member.
pub(super) fn hash_of_member(object: &str, name: &str) -> String {
    let member = with_tape(object, |object| {
        let member = object.only(name).ok().flatten();
        member.map(|member| hash_json(member.json()))
    });
    member.ok().flatten().unwrap_or_else(|| hash_json(object))
}

/// The depth to which the order of members does not count. Meta's JSON is less than half as deep;
/// the text of deeper values counts.
const MAX_DEPTH: u32 = 24;

/// `SipHash` with a key of zeros: equal on every machine and in every version, which the standard
/// library does not guarantee for its hasher.
#[derive(Default)]
struct Hash(SipHasher24);

impl Hash {
    fn json_text(&mut self, json: &str) {
        if with_tape(json, |node| self.json(node, MAX_DEPTH)).is_err() {
            self.text('=', json);
        }
    }

    fn json(&mut self, json: Node<'_>, depth: u32) {
        if depth > 0 && json.is_object() {
            let members = json.members().map(|member| (member.name(), member.value));
            let mut members: Vec<_> = members.collect();
            without_signed_url(&mut members);
            members.sort_by(|(a, x), (b, y)| (a, x.json()).cmp(&(b, y.json())));
            self.text('{', &members.len().to_string());
            for (name, member) in members {
                self.text('n', &name);
                self.json(member, depth - 1);
            }
        } else if depth > 0 && json.is_array() {
            self.text('[', &json.elements().count().to_string());
            for element in json.elements() {
                self.json(element, depth - 1);
            }
        } else if let Some(text) = json.exact_text() {
            self.text('"', &text);
        } else {
            self.text('=', json.json());
        }
    }

    /// Adds a text with its length, so that different sequences of texts have different hashes.
    fn text(&mut self, kind: char, text: &str) {
        self.0.write(&[kind as u8]);
        self.0.write(&(text.len() as u64).to_le_bytes());
        self.0.write(text.as_bytes());
    }

    fn finish(self) -> String {
        let mut hex = String::with_capacity(32);
        // Writing to a `String` cannot fail.
        let _ = write!(hex, "{:032x}", self.0.finish128().as_u128());
        hex
    }
}

/// Removes the `url` of a medium, which has a new signature in each repetition of a webhook. The
/// `id` identifies the medium.
fn without_signed_url(members: &mut Vec<(Cow<'_, str>, Node<'_>)>) {
    let has = |name: &str| members.iter().any(|(member, _)| member == name);
    if has("url") && has("id") {
        members.retain(|(name, _)| name != "url");
    }
}

/// Implements [`EventMeta`](super::EventMeta) for the events about messages and statuses.
macro_rules! message_meta {
    ($($event:ident: $about:ident, $user:ident, $key:expr, $is_news:expr;)+) => { $(
        impl $crate::event::EventMeta for $event {
            fn known_as(&self) -> Option<&str> {
                self.known_as.as_deref()
            }

            fn key(&self) -> String {
                $key(&self.$about, &self.raw)
            }

            fn account(&self) -> Option<&$crate::model::Account> {
                Some(&self.account)
            }

            fn user(&self) -> Option<std::borrow::Cow<'_, $crate::model::Identity>> {
                self.$about.$user.as_ref().map(std::borrow::Cow::Borrowed)
            }

            fn contact(&self) -> Option<&$crate::model::Contact> {
                self.contact.as_deref()
            }

            fn set_contact(&mut self, contact: std::sync::Arc<$crate::model::Contact>) {
                self.contact = Some(contact);
            }

            fn group(&self) -> Option<&str> {
                self.$about.group_id.as_ref().map(AsRef::as_ref)
            }

            fn changes_ids(&self) -> bool {
                $is_news(&self.$about)
            }
        }
    )+ };
}

pub(super) use message_meta;
