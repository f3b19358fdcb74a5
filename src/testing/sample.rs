//! The builder of one item.

use std::borrow::Cow;
use std::marker::PhantomData;
use std::slice;
use std::sync::atomic::{AtomicU64, Ordering};

use serde_json::{Map, Value, json};

#[cfg(feature = "signature")]
use super::body::Signed;
use super::body::{self, parsed};
#[cfg(feature = "signature")]
use crate::SignatureVerifier;
use crate::Webhook;
use crate::event::{Event, FlowCompleted, MessageReceived, MessageStatusChanged, Unrecognized};
use crate::model::{Timestamp, phone_digits};

/// The place of an item in a webhook, and the members that depend on the settings of its builder.
#[derive(Clone, Copy, Debug)]
pub(super) struct Kind {
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
    number: u64,
    time: Option<Timestamp>,
    pub(super) waba_id: String,
    pub(super) phone_number_id: String,
    pub(super) display: String,
    pub(super) phone: Option<String>,
    pub(super) user_id: Option<String>,
    pub(super) parent_user_id: Option<String>,
    pub(super) name: Option<String>,
    pub(super) username: Option<String>,
    pub(super) group_id: Option<String>,
    reply_to: Option<String>,
}

impl Settings {
    /// The default time: the 25th of July 2026, 17:20:00 UTC.
    const TIME: i64 = 1_785_000_000;

    fn new() -> Self {
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

/// A builder of one item of a webhook whose event has the type `E`.
///
/// The functions of [`testing`](super) create it. Its methods set the user, the business number and
/// the ids, and [`set`](Self::set) sets any other member. [`event`](Self::event),
/// [`webhook`](Self::webhook) and [`body`](Self::body) return the result, any number of times.
///
/// # Defaults
///
/// | | |
/// | --- | --- |
/// | user | the phone number `15550101001`, named `Ada Okafor` |
/// | number | `15550100200` with the id `300200100500600` |
/// | account | `900800700600500` |
/// | id | `wamid.TEST1`, `wamid.TEST2`, …: another one for each builder of the process |
/// | time | 1785000000 (25 July 2026, 17:20 UTC); without an id a second more for each builder |
///
/// An engine delivers an event once. Two builders create two events, and a clone of a builder creates
/// a duplicate.
///
/// # Examples
///
/// ```
/// use whatsapp_signals::testing;
///
/// let event = testing::text("Is my bike ready?")
///     .from("31970100202")
///     .user_id("NL.81020030040050060070")
///     .named("Bram de Wit")
///     .reply_to("wamid.OFFER")
///     .event();
///
/// assert_eq!(event.message.body(), "Is my bike ready?");
/// assert_eq!(event.message.sender().unwrap().phone(), Some("31970100202"));
/// assert_eq!(event.contact.unwrap().display_name(), "Bram de Wit");
/// ```
#[derive(Clone, Debug)]
#[must_use = "call `event`, `webhook`, `body` or `signed`"]
pub struct Sample<E> {
    item: Item,
    event: PhantomData<fn() -> E>,
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
    pub(super) kind: Kind,
    pub(super) settings: Settings,
    /// Members that the kind does not write.
    content: Value,
    /// Members to set or to remove after all others, by their JSON pointers.
    edits: Vec<(String, Option<Value>)>,
    has_contact: bool,
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

impl<E> From<Sample<E>> for Item {
    fn from(sample: Sample<E>) -> Self {
        sample.item
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

impl<E> Sample<E> {
    pub(super) fn new(kind: Kind, content: Value) -> Self {
        let item = Item {
            kind,
            settings: Settings::new(),
            content,
            edits: Vec::new(),
            has_contact: true,
            is_unrecognized: false,
        };
        let event = PhantomData;
        Self { item, event }
    }

    /// Changes the type of the event.
    fn retyped<T>(self) -> Sample<T> {
        let (item, event) = (self.item, PhantomData);
        Sample { item, event }
    }

    /// Changes the kind of the item and keeps the content.
    pub(super) fn of_kind<T>(mut self, kind: Kind) -> Sample<T> {
        self.item.kind = kind;
        self.retyped()
    }
}

/// The user, the number and the ids.
impl<E> Sample<E> {
    /// Sets the phone number of the user. The webhook has only its digits, as Meta writes them; a
    /// text that is no phone number is unchanged.
    ///
    /// It also removes the user id, which belongs to another user.
    ///
    /// ```
    /// let event = whatsapp_signals::testing::text("Hi").from("+31 970 100-202").event();
    /// assert_eq!(event.message.sender().unwrap().phone(), Some("31970100202"));
    /// ```
    pub fn from(mut self, phone: &str) -> Self {
        let settings = &mut self.item.settings;
        settings.phone = Some(wa_id(phone));
        (settings.user_id, settings.parent_user_id) = (None, None);
        self
    }

    /// Sets the phone number of the user, as [`from`](Self::from) does. Use it for statuses,
    /// echoes and calls of the business.
    ///
    /// ```
    /// let event = whatsapp_signals::testing::delivered("wamid.A").to("31970100202").event();
    /// assert_eq!(event.update.recipient.unwrap().phone(), Some("31970100202"));
    /// ```
    pub fn to(self, phone: &str) -> Self {
        self.from(phone)
    }

    /// Sets the business-scoped user id, beside the phone number.
    ///
    /// Meta's page: [Business-scoped user IDs](https://developers.facebook.com/documentation/business-messaging/whatsapp/business-scoped-user-ids).
    pub fn user_id(mut self, id: &str) -> Self {
        self.item.settings.user_id = Some(id.into());
        self
    }

    /// Sets the parent business-scoped user id.
    pub fn parent_user_id(mut self, id: &str) -> Self {
        self.item.settings.parent_user_id = Some(id.into());
        self
    }

    /// Leaves out the phone number, as Meta does for users who hide it behind a username. The user
    /// needs a [`user_id`](Self::user_id) then.
    ///
    /// ```
    /// use whatsapp_signals::testing;
    ///
    /// let sample = testing::text("Hi").user_id("IE.92030040050060070080").without_phone();
    /// let event = sample.username("dara.rides").event();
    /// let user = event.message.sender().unwrap();
    /// assert_eq!((user.phone(), user.user_id()), (None, Some("IE.92030040050060070080")));
    /// assert_eq!(event.contact.unwrap().username.as_deref(), Some("dara.rides"));
    /// ```
    pub fn without_phone(mut self) -> Self {
        self.item.settings.phone = None;
        self
    }

    /// Sets the name of the user's profile.
    pub fn named(mut self, name: &str) -> Self {
        self.item.settings.name = Some(name.into());
        self
    }

    /// Sets the username of the user's profile.
    pub fn username(mut self, username: &str) -> Self {
        self.item.settings.username = Some(username.into());
        self
    }

    /// Leaves out the user's contact, and with it the name.
    ///
    /// ```
    /// use whatsapp_signals::testing;
    ///
    /// assert_eq!(testing::text("Hi").without_contact().event().contact, None);
    /// ```
    pub fn without_contact(mut self) -> Self {
        self.item.has_contact = false;
        self
    }

    /// Sets the business number: its id, and the number as it is displayed.
    ///
    /// ```
    /// let event = whatsapp_signals::testing::text("Hi").to_number("300200100500601", "15550100201").event();
    /// assert_eq!(event.account.phone_number_id.as_ref().unwrap(), "300200100500601");
    /// assert_eq!(event.account.display_phone_number.as_deref(), Some("15550100201"));
    /// ```
    pub fn to_number(mut self, phone_number_id: &str, display: &str) -> Self {
        self.item.settings.phone_number_id = phone_number_id.into();
        self.item.settings.display = display.into();
        self
    }

    /// Sets the WhatsApp Business Account.
    pub fn waba(mut self, id: &str) -> Self {
        self.item.settings.waba_id = id.into();
        self
    }

    /// Sets the id of the item, which is the wamid of a message or the id of a call.
    ///
    /// Two items with one id are one event that Meta repeats:
    ///
    /// ```
    /// use whatsapp_signals::{WebhookEngine, store::MemoryStore, testing};
    ///
    /// let engine = WebhookEngine::new(MemoryStore::new());
    /// engine.process(&testing::text("Hi").id("wamid.A").body())?;
    /// let again = engine.process(&testing::text("Hi").id("wamid.A").body())?;
    /// assert_eq!(again.duplicates(), 1);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn id(self, id: &str) -> Self {
        self.set("/id", id)
    }

    /// Sets the time of the item; of an account's change that of the webhook's entry.
    pub fn at(mut self, time: Timestamp) -> Self {
        self.item.settings.time = Some(time);
        self
    }

    /// Sets the group of a message or a notification.
    ///
    /// ```
    /// use whatsapp_signals::testing;
    ///
    /// let event = testing::text("Hi all").in_group("Y2FwaV9n").event();
    /// assert_eq!(event.message.group_id.unwrap(), "Y2FwaV9n");
    /// ```
    pub fn in_group(mut self, id: &str) -> Self {
        self.item.settings.group_id = Some(id.into());
        self
    }

    /// Sets a member of the item by its JSON pointer. Missing objects are added.
    ///
    /// ```
    /// use serde_json::json;
    /// use whatsapp_signals::testing;
    ///
    /// let event = testing::image()
    ///     .set("/image/caption", "The new gears")
    ///     .set("/referral", json!({"source_type": "ad", "source_id": "610020030040050607"}))
    ///     .event();
    /// assert_eq!(event.message.body(), "The new gears");
    /// assert_eq!(event.message.referral.unwrap().source_type.as_deref(), Some("ad"));
    /// ```
    ///
    /// # Panics
    ///
    /// The terminal method panics if the pointer does not begin with `/`, or leads through a
    /// text or a number.
    pub fn set(mut self, pointer: &str, value: impl Into<Value>) -> Self {
        self.item.edits.push((pointer.into(), Some(value.into())));
        self
    }

    /// Removes a member of the item by its JSON pointer.
    ///
    /// ```
    /// use whatsapp_signals::testing;
    ///
    /// let event = testing::text("Hi").remove("/timestamp").event();
    /// assert_eq!(event.message.timestamp, None);
    /// ```
    ///
    /// # Panics
    ///
    /// As [`set`](Self::set).
    pub fn remove(mut self, pointer: &str) -> Self {
        self.item.edits.push((pointer.into(), None));
        self
    }

    /// Expects that the parser does not type the item, so that it becomes an [`Unrecognized`].
    ///
    /// ```
    /// use whatsapp_signals::testing;
    ///
    /// let event = testing::text("Hi").set("/type", "hologram").unrecognized().event();
    /// assert_eq!(event.reason.to_string(), r#"unknown type "hologram""#);
    /// ```
    pub fn unrecognized(mut self) -> Sample<Unrecognized> {
        self.item.is_unrecognized = true;
        self.retyped()
    }
}

/// The ends of a builder.
impl<E> Sample<E> {
    /// Returns the event that the parser makes of the webhook.
    ///
    /// # Panics
    ///
    /// If the parser does not type the item, or makes no event of this type of it: then a member
    /// that was set is malformed.
    #[track_caller]
    #[must_use]
    pub fn event(&self) -> E
    where
        E: Event,
    {
        let events = self.webhook().into_events().into_iter();
        let mut events = events.filter_map(|event| event.into_any().downcast().ok());
        let event: Option<Box<E>> = events.next();
        // No closure, as its panics name this line and not the caller's.
        match event {
            Some(event) => *event,
            None => panic!(
                "expected the event {}, found none in {}",
                E::NAME,
                self.json()
            ),
        }
    }

    /// Returns the webhook with the item, as the parser reads it.
    ///
    /// # Panics
    ///
    /// If the parser does not type the item.
    #[track_caller]
    #[must_use]
    pub fn webhook(&self) -> Webhook {
        parsed(slice::from_ref(&self.item)).1
    }

    /// Returns the body of the webhook, as Meta's POST request has it.
    ///
    /// # Panics
    ///
    /// If the parser does not type the item.
    #[track_caller]
    #[must_use]
    pub fn body(&self) -> Vec<u8> {
        parsed(slice::from_ref(&self.item)).0
    }

    /// Returns the JSON of the webhook without parsing it, for printing or changes.
    ///
    /// # Panics
    ///
    /// If a pointer of [`set`](Self::set) leads nowhere.
    #[track_caller]
    #[must_use]
    pub fn json(&self) -> Value {
        body::of(slice::from_ref(&self.item))
    }

    /// Returns the body with its signature.
    ///
    /// # Panics
    ///
    /// If the parser does not type the item.
    #[cfg(feature = "signature")]
    #[track_caller]
    #[must_use]
    pub fn signed(&self, verifier: &SignatureVerifier) -> Signed {
        Signed::new(self.body(), verifier)
    }
}

/// Messages.
impl Sample<MessageReceived> {
    /// Creates the message a reply to one of the business.
    pub fn reply_to(mut self, id: impl AsRef<str>) -> Self {
        self.item.settings.reply_to = Some(id.as_ref().into());
        self
    }

    /// Sets the caption of a medium.
    ///
    /// # Panics
    ///
    /// If the message is no medium.
    #[track_caller]
    pub fn caption(self, caption: &str) -> Self {
        let kind = self.item.content["type"].as_str().unwrap_or_default();
        let is_medium = ["image", "audio", "video", "document"].contains(&kind);
        assert!(is_medium, "a message of the type {kind:?} has no caption");
        let pointer = format!("/{kind}/caption");
        self.set(&pointer, caption)
    }

    /// Takes the flow that the message submits. The webhook is the same, and fires both events.
    ///
    /// ```
    /// use serde_json::json;
    /// use whatsapp_signals::testing;
    ///
    /// let flow = testing::flow_reply(&json!({"bikes": 2})).flow().event();
    /// assert_eq!(flow.response.data["bikes"], 2);
    /// ```
    pub fn flow(self) -> Sample<FlowCompleted> {
        self.retyped()
    }
}

/// Statuses.
impl Sample<MessageStatusChanged> {
    /// Sets the price category, and whether the message is billed.
    ///
    /// ```
    /// let event = whatsapp_signals::testing::sent("wamid.A").pricing("utility", true).event();
    /// assert_eq!(event.update.pricing.unwrap().billable, Some(true));
    /// ```
    pub fn pricing(self, category: &str, is_billable: bool) -> Self {
        let pricing = json!({
            "billable": is_billable, "pricing_model": "PMP", "type": "regular", "category": category,
        });
        self.set("/pricing", pricing)
    }

    /// Sets the conversation, by its id and its category.
    pub fn conversation(self, id: &str, category: &str) -> Self {
        self.set(
            "/conversation",
            json!({"id": id, "origin": {"type": category}}),
        )
    }
}
