//! One event of any signal: [`WebhookEvent`] and its properties.

use std::borrow::Cow;
use std::sync::{Arc, LazyLock};

use serde::{Deserialize, Serialize};

#[allow(
    clippy::wildcard_imports,
    reason = "the table of signals names nearly all of them"
)]
use super::*;
use crate::model::{Account, Contact, Identity, RawJson};
use crate::signal::Signal;

/// Defines [`WebhookEvent`], the conversions of payloads, and `match_payload!`. `$d` is the token `$`,
/// for the macro that is defined within.
macro_rules! define_events {
    (
        $d:tt
        own { $(
            $(#[$own_doc:meta])*
            $own_signal:ident: $own:ident = $own_name:literal
            $(, each $($own_list:literal)|+ of $($own_field:literal)|+)?
            $(, from $($own_from:literal)|+)?;
        )+ }
        items { $(
            $(#[$item_doc:meta])*
            $item_signal:ident: $item:ident = $item_name:literal,
            each $item_list:literal of $($item_field:literal)|+;
        )+ }
        values { $(
            $(#[$value_doc:meta])*
            $value_signal:ident: $value:ident = $value_name:literal,
            of $($value_field:literal)|+;
        )+ }
        manual { $(
            $(#[$manual_doc:meta])*
            $manual_signal:ident: $manual:ident = $manual_name:literal;
        )+ }
    ) => {
        /// One event of a webhook, from [`Webhook::events`](crate::Webhook::events); or one event
        /// of your program, as an engine, a queue or a table stores it.
        ///
        /// No webhook yields the last three variants. A
        /// [`WebhookEngine`](crate::WebhookEngine::process_sent) stores and delivers them in the
        /// same way.
        ///
        /// # Examples
        ///
        /// ```
        /// use whatsapp_signals::event::WebhookEvent;
        ///
        /// let body = &std::fs::read("tests/payloads/flow-reply.json")?;
        /// let webhook = whatsapp_signals::parse(body)?;
        /// let names: Vec<_> = webhook.events().iter().map(WebhookEvent::name).collect();
        /// assert_eq!(names, ["message_received", "flow_completed"]);
        ///
        /// let event = &webhook.events()[0];
        /// assert_eq!(event.contact().unwrap().display_name(), "Ada Okafor");
        /// assert_eq!(event.account().phone_number_id.as_ref().unwrap(), "300200100500600");
        /// assert!(event.dedup_key().starts_with("message_received:wamid."));
        /// assert!(event.partition_key().starts_with("300200100500600:"));
        /// assert!(event.raw().as_str().contains("wamid."));
        /// # Ok::<(), Box<dyn std::error::Error>>(())
        /// ```
        #[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
        #[non_exhaustive]
        pub enum WebhookEvent {
            $($(#[$own_doc])* #[serde(rename = $own_name)] $own($own),)+
            $($(#[$item_doc])* #[serde(rename = $item_name)] $item(FieldEvent<$item>),)+
            $($(#[$value_doc])* #[serde(rename = $value_name)] $value(FieldEvent<$value>),)+
            // Boxed, as they are larger than a received message.
            $($(#[$manual_doc])* #[serde(rename = $manual_name)] $manual(Box<$manual>),)+
        }

        /// Evaluates an expression with the payload of a [`WebhookEvent`], of any type; with
        /// `boxed`, another expression for the boxed payloads of the program.
        macro_rules! match_payload {
            ($d event:expr, $d payload:ident => $d body:expr) => {
                match_payload!($d event, $d payload => $d body, boxed => $d body)
            };
            ($d event:expr, $d payload:ident => $d body:expr, boxed => $d boxed:expr) => {
                match $d event {
                    $(WebhookEvent::$own($d payload) => $d body,)+
                    $(WebhookEvent::$item($d payload) => $d body,)+
                    $(WebhookEvent::$value($d payload) => $d body,)+
                    $(WebhookEvent::$manual($d payload) => $d boxed,)+
                }
            };
        }
        pub(crate) use match_payload;

        $(impl From<$own> for WebhookEvent {
            fn from(event: $own) -> Self {
                Self::$own(event)
            }
        })+

        $(impl From<FieldEvent<$item>> for WebhookEvent {
            fn from(event: FieldEvent<$item>) -> Self {
                Self::$item(event)
            }
        })+

        $(impl From<FieldEvent<$value>> for WebhookEvent {
            fn from(event: FieldEvent<$value>) -> Self {
                Self::$value(event)
            }
        })+

        $(impl From<$manual> for WebhookEvent {
            fn from(event: $manual) -> Self {
                Self::$manual(Box::new(event))
            }
        })+
    };
}

for_each_signal!(define_events, $);

/// The account of an event that names none.
static NO_ACCOUNT: Account = Account::none();

/// The JSON of an event that was not made from JSON.
static NO_JSON: LazyLock<RawJson> = LazyLock::new(RawJson::null);

/// The signal and the name of a payload, as methods for `match_payload!`.
pub(crate) trait OwnSignal: Event {
    #[inline]
    fn own_signal(&self) -> &'static Signal<Self> {
        Self::signal()
    }

    #[inline]
    fn own_name(&self) -> &'static str {
        Self::NAME
    }
}

impl<E: Event> OwnSignal for E {}

impl WebhookEvent {
    /// Returns the name of the event's signal: `message_received`, …
    #[must_use]
    pub fn name(&self) -> &'static str {
        match_payload!(self, event => event.own_name())
    }

    /// Returns the key that is equal when Meta repeats the event: [`Event::dedup_key`].
    #[must_use]
    pub fn dedup_key(&self) -> String {
        match_payload!(self, event => event.dedup_key())
    }

    /// Returns the key of the events that must stay in order: [`Event::partition_key`].
    #[must_use]
    pub fn partition_key(&self) -> String {
        match_payload!(self, event => event.partition_key())
    }

    /// Returns the account and number of the event. For a
    /// [`CampaignCompleted`](crate::event::CampaignCompleted) the account has no ids, as a campaign
    /// may have several numbers.
    #[must_use]
    pub fn account(&self) -> &Account {
        match_payload!(
            self,
            event => &event.account,
            boxed => event.account().unwrap_or(&NO_ACCOUNT)
        )
    }

    /// Returns the user's contact, as the webhook gives it.
    #[must_use]
    pub fn contact(&self) -> Option<&Contact> {
        match_payload!(self, event => event.contact())
    }

    /// Returns true if a different event may have the same [`dedup_key`](Self::dedup_key), as the
    /// event has neither an id nor a time.
    ///
    /// A [`META_ERROR`](crate::signals::META_ERROR) never has an id or a time; other events
    /// sometimes lack both.
    ///
    /// ```
    /// let body = &std::fs::read("tests/payloads/value-errors.json")?;
    /// let webhook = whatsapp_signals::parse(body)?;
    /// assert_eq!(webhook.events()[0].name(), "meta_error");
    /// assert!(webhook.events()[0].repeats());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn repeats(&self) -> bool {
        match_payload!(self, event => event.repeats())
    }

    /// Returns the JSON of the item that the event was made from; for a message that you sent, the
    /// request to Meta; `null` if there is none.
    #[must_use]
    pub fn raw(&self) -> &RawJson {
        match_payload!(
            self,
            event => &event.raw,
            boxed => event.request_json().unwrap_or(&NO_JSON)
        )
    }

    /// Returns the user that the event itself names.
    pub(crate) fn user(&self) -> Option<Cow<'_, Identity>> {
        match_payload!(self, event => event.user())
    }

    /// Sets the id by which other events of the body name the user.
    pub(crate) fn set_known_as(&mut self, id: Box<str>) {
        match_payload!(
            self,
            event => event.known_as = Some(id),
            // An event of the program is not part of a body, so no other event names its user.
            boxed => drop((event, id))
        );
    }

    /// Returns the group, for an event that names no user.
    pub(crate) fn group(&self) -> Option<&str> {
        match_payload!(self, event => event.group())
    }

    /// Returns true if the event announces the change of a user's id.
    pub(crate) fn changes_ids(&self) -> bool {
        match_payload!(self, event => event.changes_ids())
    }

    /// Returns the number or account within which the ids of the user are unique.
    pub(crate) fn id_scope(&self) -> &str {
        match_payload!(self, event => event.id_scope())
    }

    /// Calls a closure with the ids of the user: those of the event, and those of its contact.
    pub(crate) fn with_ids<R>(&self, f: impl FnOnce([Option<&Identity>; 2]) -> R) -> R {
        match_payload!(self, event => event.with_ids(f))
    }

    /// Replaces the webhook's contact by the stored contact.
    pub(crate) fn set_contact(&mut self, contact: Arc<Contact>) {
        match_payload!(self, event => event.set_contact(contact));
    }

    /// Returns the payload with its type erased.
    #[cfg(feature = "testing")]
    pub(crate) fn into_any(self) -> Box<dyn std::any::Any> {
        match_payload!(self, event => Box::new(event), boxed => event)
    }
}
