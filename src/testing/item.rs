//! One item of a webhook, and the settings that every builder has.

use std::borrow::Cow;
use std::sync::atomic::{AtomicU64, Ordering};

use serde_json::{Map, Value, json};

use crate::model::{Timestamp, phone_digits};

/// The field and the list of an item, and the members that depend on the settings of its builder.
#[derive(Clone, Copy, Debug)]
pub(super) struct SampleKind {
    /// The webhook field.
    pub(super) field: &'static str,
    /// The list that the item stands in; `None` for a value that is the item.
    pub(super) list: Option<&'static str>,
    /// Writes the members. A `null` is left out.
    pub(super) fill: fn(&Settings) -> Value,
    /// True if the value has the user's contact.
    pub(super) has_contact: bool,
}

/// Settings that every builder has.
#[derive(Clone, Debug)]
pub(super) struct Settings {
    /// The number of the builder in the process, from 1 on.
    pub(super) number: u64,
    pub(super) time: Option<Timestamp>,
    pub(super) waba_id: String,
    pub(super) phone_number_id: String,
    pub(super) display: String,
    pub(super) phone: Option<String>,
    pub(super) user_id: Option<String>,
    pub(super) parent_user_id: Option<String>,
    pub(super) name: Option<String>,
    pub(super) username: Option<String>,
    pub(super) group_id: Option<String>,
    pub(super) reply_to: Option<String>,
}

impl Settings {
    /// The default time: the 25th of July 2026, 17:20:00 UTC.
    const TIME: i64 = 1_785_000_000;

    pub(super) fn new() -> Self {
        static NEXT_NUMBER: AtomicU64 = AtomicU64::new(1);

        Self {
            // Ordering: Relaxed, because only the uniqueness of the number matters.
            number: NEXT_NUMBER.fetch_add(1, Ordering::Relaxed),
            time: None,
            waba_id: "900800700600500".into(),
            phone_number_id: "300200100500600".into(),
            display: "15550100200".into(),
            phone: Some("15550101001".into()),
            user_id: None,
            parent_user_id: None,
            name: Some("Ada Okafor".into()),
            username: None,
            group_id: None,
            reply_to: None,
        }
    }

    /// Returns the id that an item has by default.
    pub(super) fn id(&self, prefix: &str) -> String {
        format!("{prefix}.TEST{}", self.number)
    }

    /// Returns the time of an item that has an id: by default the same for all.
    pub(super) fn time(&self) -> String {
        let time = self.time.map_or(Self::TIME, Timestamp::as_secs);
        time.to_string()
    }

    /// Returns the time of an item without an id. By default each builder has another one, because
    /// events with equal members are duplicates.
    pub(super) fn own_time(&self) -> i64 {
        let own = Self::TIME.saturating_add_unsigned(self.number);
        self.time.map_or(own, Timestamp::as_secs)
    }

    /// Returns the digits of the business number.
    pub(super) fn business(&self) -> String {
        wa_id(&self.display)
    }

    /// Returns the number of the builder, for members that differ between builders.
    pub(super) fn number(&self) -> u64 {
        self.number
    }

    /// Returns the `context` of a reply.
    pub(super) fn context(&self) -> Value {
        let reply = |id| json!({"from": self.business(), "id": id});
        self.reply_to.as_ref().map_or(Value::Null, reply)
    }

    /// Returns the id of the group.
    pub(super) fn group(&self) -> &str {
        self.group_id.as_deref().unwrap_or("Y2FwaV9ncm91cDpURVNU")
    }

    /// Returns the contact of the user.
    pub(super) fn contact(&self) -> Value {
        without_nulls(json!({
            "profile": {"name": self.name, "username": self.username},
            "wa_id": self.phone, "user_id": self.user_id, "parent_user_id": self.parent_user_id,
        }))
    }
}

/// Returns the digits of a phone number, and any other text unchanged.
pub(super) fn wa_id(phone: &str) -> String {
    phone_digits(phone).map_or_else(|| phone.into(), Cow::into_owned)
}

/// Removes members that are `null`.
fn without_nulls(json: Value) -> Value {
    match json {
        Value::Object(members) => {
            let members = members.into_iter().filter(|(_, member)| !member.is_null());
            let members = members.map(|(name, member)| (name, without_nulls(member)));
            members.collect()
        }
        Value::Array(elements) => elements.into_iter().map(without_nulls).collect(),
        scalar => scalar,
    }
}

/// A builder of one item with its event's type erased, for a [`batch`](super::batch).
///
/// ```
/// use whatsapp_signals::testing::{self, Item};
///
/// let items: Vec<Item> = vec![testing::text("Hi").into(), testing::read("wamid.A").into()];
/// assert_eq!(testing::batch(items).webhook().events().len(), 2);
/// ```
#[derive(Clone, Debug)]
pub struct Item {
    pub(super) kind: SampleKind,
    pub(super) settings: Settings,
    /// Members that the kind does not write.
    pub(super) content: Value,
    /// Members to set or to remove after all others, by their JSON pointers.
    pub(super) edits: Vec<(String, Option<Value>)>,
    pub(super) has_contact: bool,
    pub(super) is_unrecognized: bool,
}

impl Item {
    /// Returns the contact of the user, unless it is left out.
    pub(super) fn contact(&self) -> Option<Value> {
        let has_contact = self.kind.has_contact && self.has_contact;
        has_contact.then(|| self.settings.contact())
    }

    /// Returns the JSON of the item.
    #[track_caller]
    pub(super) fn json(&self) -> Value {
        let mut item = without_nulls((self.kind.fill)(&self.settings));
        match (&mut item, &self.content) {
            (Value::Object(item), Value::Object(content)) => item.extend(content.clone()),
            (item, content) => *item = content.clone(),
        }
        for (pointer, value) in &self.edits {
            edit(&mut item, pointer, value.as_ref());
        }
        item
    }
}

/// Sets the member at a JSON pointer, or removes it. Missing objects are added.
#[track_caller]
fn edit(item: &mut Value, pointer: &str, value: Option<&Value>) {
    let token = |text: &str| text.replace("~1", "/").replace("~0", "~");
    let Some((parent, name)) = pointer.rsplit_once('/') else {
        panic!("expected a JSON pointer such as /text/body, found {pointer:?}");
    };
    let mut parent_value = item;
    for step in parent.split('/').skip(1) {
        parent_value = member(parent_value, &token(step), pointer);
    }
    match (parent_value, value) {
        (Value::Object(members), None) => {
            members.remove(&token(name));
        }
        (parent, Some(value)) => *member(parent, &token(name), pointer) = value.clone(),
        (_, None) => panic!("{pointer} is no member of an object"),
    }
}

/// Returns a member of an object, which is added if it is missing, or an element of an array.
#[track_caller]
fn member<'a>(json: &'a mut Value, name: &str, pointer: &str) -> &'a mut Value {
    match json {
        Value::Object(members) => members
            .entry(name)
            .or_insert_with(|| Value::Object(Map::new())),
        Value::Array(elements) => {
            let at = name.parse().ok();
            match at.and_then(|at: usize| elements.get_mut(at)) {
                Some(element) => element,
                None => panic!("{pointer}: the array has no element {name}"),
            }
        }
        scalar => panic!("{pointer}: expected an object before {name}, found {scalar}"),
    }
}
