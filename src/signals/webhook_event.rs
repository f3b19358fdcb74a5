//! The methods of [`WebhookEvent`]: its properties, and its delivery to its own signal.

use std::borrow::Cow;
use std::sync::{Arc, LazyLock};

use super::{WebhookEvent, match_payload};
use crate::event::{Event, EventMeta};
use crate::model::{Account, Contact, Identity, RawJson};
use crate::signal::{Context, DeliveryObserver, EMPTY, InContext, ReceiverMode, Report, Signal};

/// The account of an event that names none.
static NO_ACCOUNT: Account = Account::none();

/// The JSON of an event that was not made from JSON.
static NO_JSON: LazyLock<RawJson> = LazyLock::new(RawJson::null);

/// The signal and the name of a payload, as methods for `match_payload!`.
trait OwnSignal: Event {
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

    /// Returns the event with a context for its dispatch.
    ///
    /// ```standalone_crate
    /// use whatsapp_signals::event::MessageReceived;
    /// use whatsapp_signals::{Context, receiver, signals::MESSAGE_RECEIVED};
    ///
    /// #[receiver(MESSAGE_RECEIVED)]
    /// fn log(_event: &MessageReceived, prefix: &String) {
    ///     assert_eq!(prefix, "received: ");
    /// }
    ///
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let webhook = whatsapp_signals::parse(&std::fs::read("tests/payloads/text.json")?)?;
    /// let context = Context::new().with(String::from("received: "));
    /// assert_eq!(webhook.events()[0].with(&context).dispatch().succeeded(), 1);
    /// # Ok(())
    /// # }
    /// ```
    #[must_use]
    pub fn with<'a>(&'a self, context: &'a Context) -> InContext<'a, Self> {
        InContext::new(self, context)
    }

    /// Sends the event to the receivers of its signal and of
    /// [`ANY_EVENT`](crate::signals::ANY_EVENT), as [`Signal::send_robust`] does.
    ///
    /// ```standalone_crate
    /// let webhook = whatsapp_signals::parse(&std::fs::read("tests/payloads/text.json")?)?;
    /// let report = webhook.events()[0].dispatch();
    /// assert!(report.has_no_receivers(), "in this example");
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use = "the report holds the failures"]
    pub fn dispatch(&self) -> Report {
        self.with(&EMPTY).dispatch()
    }

    /// Sends as [`dispatch`](Self::dispatch) does, and awaits async receivers, as
    /// [`Signal::asend_robust`] does.
    #[must_use = "the report holds the failures"]
    pub async fn dispatch_async(&self) -> Report {
        self.with(&EMPTY).dispatch_async().await
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
    pub(crate) fn is_news_of_ids(&self) -> bool {
        match_payload!(self, event => event.is_news_of_ids())
    }

    /// Returns the number or account within which the ids of the user are unique.
    pub(crate) fn place(&self) -> &str {
        match_payload!(self, event => event.place())
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

/// Delivery to the event's own signal.
impl InContext<'_, WebhookEvent> {
    pub(super) fn send_typed(self) -> Report {
        match_payload!(self.delivered, event => {
            event.own_signal().with(self.context).send_robust(event)
        })
    }

    pub(super) async fn asend_typed(self) -> Report {
        match_payload!(self.delivered, event => {
            event.own_signal().with(self.context).asend_robust(event).await
        })
    }

    pub(super) async fn deliver_typed(
        self,
        mode: ReceiverMode,
        observer: &mut impl DeliveryObserver,
    ) -> Report {
        match_payload!(self.delivered, event => {
            let signal = event.own_signal().with(self.context);
            signal.deliver_observed(event, mode, observer).await
        })
    }
}
