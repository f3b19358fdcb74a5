//! The builder of one item.

use std::marker::PhantomData;
use std::slice;

use serde_json::{Value, json};

#[cfg(feature = "signature")]
use super::body::Signed;
use super::body::{self, parsed};
use super::item::{Item, SampleKind, Settings, wa_id};
#[cfg(feature = "signature")]
use crate::SignatureVerifier;
use crate::Webhook;
use crate::event::{Event, FlowCompleted, MessageReceived, MessageStatusChanged, Unrecognized};
use crate::model::Timestamp;

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

impl<E> From<Sample<E>> for Item {
    fn from(sample: Sample<E>) -> Self {
        sample.item
    }
}

impl<E> Sample<E> {
    pub(super) fn new(kind: SampleKind, content: Value) -> Self {
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
    pub(super) fn of_kind<T>(mut self, kind: SampleKind) -> Sample<T> {
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
