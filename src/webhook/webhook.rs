//! A webhook that was read.

use super::report::DispatchReport;
use crate::Context;
use crate::event::{WebhookEvent, dedup_keys};
use crate::signal::{EMPTY, InContext};
use crate::trace::{self, Scope, Source};

/// A webhook that was read: its events, in the order of the body; those of one
/// value by their lists, `messages` before `statuses` before the others.
///
/// # Examples
///
/// ```standalone_crate
/// let webhook = whatsapp_signals::parse(&std::fs::read("tests/payloads/flow-reply.json")?)?;
/// assert_eq!((webhook.entries(), webhook.events().len()), (1, 2));
///
/// for event in &webhook {
///     println!("{} of {}", event.name(), event.partition_key());
/// }
/// let report = webhook.dispatch();
/// assert_eq!(report.without_receivers(), 2, "nobody listens in this example");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Webhook {
    pub(super) events: Vec<WebhookEvent>,
    pub(super) entries: usize,
    pub(super) empty_entries: usize,
    /// Items that were not read, since nobody hears them.
    pub(super) skipped: usize,
}

impl Webhook {
    /// What it tells.
    ///
    /// ```
    /// let webhook = whatsapp_signals::parse(&std::fs::read("tests/payloads/text.json")?)?;
    /// assert_eq!(webhook.events()[0].contact().unwrap().display_name(), "Ada Okafor");
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn events(&self) -> &[WebhookEvent] {
        &self.events
    }

    /// The events themselves, to be moved elsewhere.
    ///
    /// ```
    /// use whatsapp_signals::event::WebhookEvent;
    ///
    /// let webhook = whatsapp_signals::parse(&std::fs::read("tests/payloads/text.json")?)?;
    /// let event = webhook.into_events().remove(0);
    /// let WebhookEvent::MessageReceived(received) = event else { panic!("a message") };
    /// assert!(received.message.body().starts_with("Good morning!"));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn into_events(self) -> Vec<WebhookEvent> {
        self.events
    }

    /// What it tells, event by event.
    ///
    /// ```
    /// let body = &std::fs::read("tests/payloads/batch-mixed.json")?;
    /// let webhook = whatsapp_signals::parse(body)?;
    /// let statuses = webhook.iter().filter(|event| event.name() == "message_status_changed");
    /// assert_eq!(statuses.count(), 3);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn iter(&self) -> std::slice::Iter<'_, WebhookEvent> {
        self.events.iter()
    }

    /// How many items its `entry` array has.
    ///
    /// ```
    /// let body = br#"{"object": "whatsapp_business_account", "entry": [{"id": "1"}, {"id": "2"}]}"#;
    /// let webhook = whatsapp_signals::parse(body)?;
    /// assert_eq!(webhook.entries(), 2);
    /// # Ok::<(), whatsapp_signals::ParseError>(())
    /// ```
    #[must_use]
    pub fn entries(&self) -> usize {
        self.entries
    }

    /// How many of these have no changes.
    ///
    /// ```
    /// let body = br#"{"object": "whatsapp_business_account", "entry": [{"id": "1", "changes": []}]}"#;
    /// let webhook = whatsapp_signals::parse(body)?;
    /// assert_eq!((webhook.empty_entries(), webhook.events().len()), (1, 0));
    /// # Ok::<(), whatsapp_signals::ParseError>(())
    /// ```
    #[must_use]
    pub fn empty_entries(&self) -> usize {
        self.empty_entries
    }

    /// Returns the [`dedup_key`](crate::Event::dedup_key) of each event, for a queue or a
    /// table. Equal events that [may recur](WebhookEvent::repeats) have a count at the end,
    /// since Meta does not send one thing twice in one body.
    ///
    /// ```
    /// let body = br#"{"object": "whatsapp_business_account", "entry": [{"id": "900", "changes": [
    ///     {"field": "messages", "value": {"errors": [{"code": 130429}, {"code": 130429}]}}
    /// ]}]}"#;
    /// let webhook = whatsapp_signals::parse(body)?;
    /// let keys = webhook.dedup_keys();
    /// assert_eq!(keys[0], webhook.events()[0].dedup_key());
    /// assert_eq!(keys[1], format!("{}:2", keys[0]));
    /// # Ok::<(), whatsapp_signals::ParseError>(())
    /// ```
    #[must_use]
    pub fn dedup_keys(&self) -> Vec<String> {
        dedup_keys(&self.events)
    }

    /// Returns the webhook with the context of its dispatch.
    ///
    /// ```standalone_crate
    /// use whatsapp_signals::event::MessageReceived;
    /// use whatsapp_signals::{Context, parse, receiver, signals::MESSAGE_RECEIVED};
    ///
    /// struct Greeting(&'static str);
    ///
    /// #[receiver(MESSAGE_RECEIVED)]
    /// fn greet(event: &MessageReceived, greeting: &Greeting) {
    ///     println!("{}, {}!", greeting.0, event.contact.as_ref().unwrap().display_name());
    /// }
    ///
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let context = Context::new().with(Greeting("Good morning"));
    /// let body = &std::fs::read("tests/payloads/text.json")?;
    /// assert!(parse(body)?.with(&context).dispatch().failures().is_empty());
    /// # Ok(())
    /// # }
    /// ```
    #[must_use]
    pub fn with<'a>(&'a self, context: &'a Context) -> InContext<'a, Self> {
        InContext::new(self, context)
    }

    /// Sends each event to the receivers of its signal and of
    /// [`ANY_EVENT`](crate::signals::ANY_EVENT), one event after the other. A receiver that
    /// fails or panics stops nothing, and is in the report.
    ///
    /// # Examples
    ///
    /// ```standalone_crate
    /// use whatsapp_signals::event::MessageReceived;
    /// use whatsapp_signals::{receiver, signals::MESSAGE_RECEIVED};
    ///
    /// #[receiver(MESSAGE_RECEIVED)]
    /// fn fails(_event: &MessageReceived) -> Result<(), &'static str> {
    ///     Err("the database is down")
    /// }
    ///
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let body = &std::fs::read("tests/payloads/text.json")?;
    /// let report = whatsapp_signals::parse(body)?.dispatch();
    ///
    /// let failed = &report.failures()[0];
    /// assert_eq!(failed.event, 0);
    /// assert!(failed.failure.receiver().path().ends_with("fails"));
    /// # Ok(())
    /// # }
    /// ```
    #[must_use = "the report holds the failures"]
    pub fn dispatch(&self) -> DispatchReport {
        self.with(&EMPTY).dispatch()
    }

    /// [`dispatch`](Self::dispatch), and waits for async receivers: one event
    /// after the other, and the async receivers of one event at once, as
    /// [`asend_robust`](crate::Signal::asend_robust) does.
    ///
    /// # Examples
    ///
    /// ```standalone_crate
    /// use whatsapp_signals::event::MessageReceived;
    /// use whatsapp_signals::{parse, receiver, signals::MESSAGE_RECEIVED};
    ///
    /// #[receiver(MESSAGE_RECEIVED)]
    /// async fn answer(event: &MessageReceived) {
    ///     assert_eq!(event.message.message_type(), "text");
    /// }
    ///
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # pollster::block_on(async {
    /// let webhook = parse(&std::fs::read("tests/payloads/text.json")?)?;
    /// assert_eq!(webhook.dispatch_async().await.called(), 1);
    /// # Ok(())
    /// # })
    /// # }
    /// ```
    #[must_use = "the report holds the failures"]
    pub async fn dispatch_async(&self) -> DispatchReport {
        self.with(&EMPTY).dispatch_async().await
    }
}

/// Dispatching with a context.
impl InContext<'_, Webhook> {
    /// Sends each event as [`Webhook::dispatch`] does.
    #[must_use = "the report holds the failures"]
    pub fn dispatch(self) -> DispatchReport {
        let webhook = self.delivered;
        Scope::webhook(Source::Dispatch, &webhook.events).run(|| {
            let mut report = DispatchReport::new(webhook.skipped);
            for (at, event) in webhook.iter().enumerate() {
                report.add(event, trace::dispatch(event.with(self.context), at));
            }
            trace::finished(&report);
            report
        })
    }

    /// Sends each event as [`Webhook::dispatch_async`] does.
    #[must_use = "the report holds the failures"]
    pub async fn dispatch_async(self) -> DispatchReport {
        let webhook = self.delivered;
        let work = async {
            let mut report = DispatchReport::new(webhook.skipped);
            for (at, event) in webhook.iter().enumerate() {
                let delivery = trace::dispatch_async(event.with(self.context), at);
                report.add(event, delivery.await);
            }
            trace::finished(&report);
            report
        };
        let span = Scope::webhook(Source::Dispatch, &webhook.events);
        span.around(work).await
    }
}

impl IntoIterator for Webhook {
    type Item = WebhookEvent;
    type IntoIter = std::vec::IntoIter<WebhookEvent>;

    fn into_iter(self) -> Self::IntoIter {
        self.events.into_iter()
    }
}

impl<'a> IntoIterator for &'a Webhook {
    type Item = &'a WebhookEvent;
    type IntoIter = std::slice::Iter<'a, WebhookEvent>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}
