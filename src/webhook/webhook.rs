//! A parsed webhook, its dispatch with spans and logs, and the report.
#![cfg_attr(
    not(feature = "tracing"),
    allow(unused_variables, reason = "only spans and logs use them")
)]

use std::error::Error;
use std::fmt;
use std::future::Future;

use crate::Context;
use crate::event::{WebhookEvent, dedup_keys};
#[cfg(feature = "tracing")]
use crate::signal::ReceiverMode;
use crate::signal::{EMPTY, Failure, InContext, Report};
#[cfg(feature = "tracing")]
use crate::trace::{ReceiverSpans, failed};
use crate::trace::{Source, TraceSpan, log, unrecognized};

/// A parsed webhook: the events of a body, in the order of the body. The events of one value are
/// in the order of its lists: `messages`, `statuses`, then the others.
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
/// assert_eq!(report.without_receivers(), 2, "this example has no receivers");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Webhook {
    pub(super) events: Vec<WebhookEvent>,
    pub(super) entries: usize,
    pub(super) empty_entries: usize,
    /// The number of items that were not read, since their signals have no receivers.
    pub(super) skipped: usize,
}

impl Webhook {
    /// Returns the events.
    #[must_use]
    pub fn events(&self) -> &[WebhookEvent] {
        &self.events
    }

    /// Returns the events by value.
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

    /// Returns an iterator over the events.
    pub fn iter(&self) -> std::slice::Iter<'_, WebhookEvent> {
        self.events.iter()
    }

    /// Returns the length of the `entry` array.
    #[must_use]
    pub fn entries(&self) -> usize {
        self.entries
    }

    /// Returns the number of entries without changes.
    ///
    /// ```
    /// let body = br#"{"object": "whatsapp_business_account", "entry": [{"id": "1"}, {"id": "2"}]}"#;
    /// let webhook = whatsapp_signals::parse(body)?;
    /// assert_eq!((webhook.entries(), webhook.empty_entries()), (2, 2));
    /// assert!(webhook.events().is_empty());
    /// # Ok::<(), whatsapp_signals::ParseError>(())
    /// ```
    #[must_use]
    pub fn empty_entries(&self) -> usize {
        self.empty_entries
    }

    /// Returns the [`dedup_key`](crate::Event::dedup_key) of each event, for a queue or a
    /// table. The keys of equal events that [may recur](WebhookEvent::repeats) end with a count,
    /// since Meta does not repeat an event within one body.
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
    /// [`ANY_EVENT`](crate::signals::ANY_EVENT), one event after the other. The report has the
    /// receivers that failed or panicked; the others run nevertheless.
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

    /// Sends each event as [`dispatch`](Self::dispatch) does, and awaits async receivers. Those of
    /// one event run concurrently, as with [`asend_robust`](crate::Signal::asend_robust).
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

/// Dispatching with a context.
impl InContext<'_, Webhook> {
    /// Sends each event as [`Webhook::dispatch`] does.
    #[must_use = "the report holds the failures"]
    pub fn dispatch(self) -> DispatchReport {
        let webhook = self.delivered;
        TraceSpan::webhook(Source::Dispatch, &webhook.events).run(|| {
            let mut report = DispatchReport::new(webhook.skipped);
            for (at, event) in webhook.iter().enumerate() {
                report.add(event, dispatch_event(event.with(self.context), at));
            }
            log_counts(&report);
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
                let delivery = dispatch_event_async(event.with(self.context), at);
                report.add(event, delivery.await);
            }
            log_counts(&report);
            report
        };
        let span = TraceSpan::webhook(Source::Dispatch, &webhook.events);
        span.around(work).await
    }
}

/// Dispatches the event at an index of its webhook, in its span.
#[inline]
fn dispatch_event(event: InContext<'_, WebhookEvent>, at: usize) -> Report {
    #[cfg(feature = "tracing")]
    {
        let mut spans = ReceiverSpans::new(Source::Dispatch, at);
        if spans.is_enabled {
            let span = TraceSpan::event(Source::Dispatch, at, event.delivered, None);
            return span.run(|| {
                unrecognized(Source::Dispatch, at, event.delivered);
                event.dispatch_observed(&mut spans)
            });
        }
    }
    let report = event.dispatch();
    log_failures(at, event.delivered, &report);
    report
}

/// Dispatches as [`dispatch_event`] does, and awaits async receivers.
#[inline]
fn dispatch_event_async(
    event: InContext<'_, WebhookEvent>,
    at: usize,
) -> impl Future<Output = Report> {
    #[cfg(not(feature = "tracing"))]
    let dispatched = event.dispatch_async();
    #[cfg(feature = "tracing")]
    let dispatched = async move {
        let mut spans = ReceiverSpans::new(Source::Dispatch, at);
        if spans.is_enabled {
            let span = TraceSpan::event(Source::Dispatch, at, event.delivered, None);
            span.run(|| unrecognized(Source::Dispatch, at, event.delivered));
            let delivery = event.deliver_observed(ReceiverMode::Async, &mut spans);
            return span.around(delivery).await;
        }
        let report = event.dispatch_async().await;
        log_failures(at, event.delivered, &report);
        report
    };
    dispatched
}

/// Logs the failures of a dispatch without spans.
#[inline]
fn log_failures(at: usize, event: &WebhookEvent, report: &Report) {
    unrecognized(Source::Dispatch, at, event);
    #[cfg(feature = "tracing")]
    for failure in report.failures() {
        failed(Source::Dispatch, at, failure);
    }
}

/// Logs the counts of a dispatch.
#[inline]
fn log_counts(report: &DispatchReport) {
    log!(
        Source::Dispatch,
        info,
        events = report.events(),
        skipped = report.skipped(),
        unrecognized = report.unrecognized(),
        without_receivers = report.without_receivers(),
        called = report.called(),
        filtered = report.filtered(),
        failed = report.failures().len(),
        "dispatched"
    );
}

/// The outcome of [`Webhook::dispatch`](crate::Webhook::dispatch).
///
/// # Examples
///
/// ```standalone_crate
/// let body = &std::fs::read("tests/payloads/text.json")?;
/// let report = whatsapp_signals::parse(body)?.dispatch();
/// assert_eq!((report.events(), report.unrecognized()), (1, 0));
/// assert_eq!(report.without_receivers(), 1, "this example has no receivers");
/// assert_eq!((report.called(), report.filtered(), report.is_ok()), (0, 0, true));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Default)]
#[must_use = "the report holds the failures"]
pub struct DispatchReport {
    events: usize,
    skipped: usize,
    unrecognized: usize,
    without_receivers: usize,
    called: usize,
    filtered: usize,
    failures: Vec<EventFailure>,
}

/// The failure of a receiver, with the index of the event.
///
/// As an error, its [source](Error::source) is the [`Failure`].
///
/// # Examples
///
/// ```standalone_crate
/// use std::error::Error;
/// use whatsapp_signals::event::MessageReceived;
/// use whatsapp_signals::{parse, receiver, signals::MESSAGE_RECEIVED};
///
/// #[receiver(MESSAGE_RECEIVED, uid = "crm")]
/// fn store(_event: &MessageReceived) -> Result<(), String> {
///     Err("the CRM is unavailable".to_owned())
/// }
///
/// # fn main() -> Result<(), Box<dyn Error>> {
/// let webhook = parse(&std::fs::read("tests/payloads/flow-reply.json")?)?;
/// let report = webhook.dispatch();
/// let failed = &report.failures()[0];
/// assert_eq!(failed.failure.receiver().uid(), Some("crm"));
/// assert_eq!(webhook.events()[failed.event].name(), "message_received");
///
/// assert_eq!(failed.to_string(), "a receiver of event 0 failed");
/// assert_eq!(failed.source().unwrap().to_string(), failed.failure.to_string());
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
#[non_exhaustive]
pub struct EventFailure {
    /// The index of the event in [`Webhook::events`](crate::Webhook::events). After
    /// [`Parser::dispatch`](crate::Parser::dispatch), skipped items do not count.
    pub event: usize,
    /// The receiver, and the cause of its failure.
    pub failure: Failure,
}

impl EventFailure {
    /// Returns the failures in the report of one event.
    pub(crate) fn all(event: usize, report: Report) -> impl Iterator<Item = Self> {
        let failures = report.into_failures().into_iter();
        failures.map(move |failure| Self { event, failure })
    }
}

impl fmt::Display for EventFailure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "a receiver of event {} failed", self.event)
    }
}

impl Error for EventFailure {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        Some(&self.failure)
    }
}

impl DispatchReport {
    fn new(skipped: usize) -> Self {
        Self {
            skipped,
            ..Self::default()
        }
    }

    /// Adds the report of one event.
    fn add(&mut self, event: &WebhookEvent, report: Report) {
        let at = self.events;
        self.events += 1;
        self.unrecognized += usize::from(matches!(event, WebhookEvent::Unrecognized(_)));
        self.without_receivers += usize::from(report.has_no_receivers());
        self.called += report.called();
        self.filtered += report.filtered();
        self.failures.extend(EventFailure::all(at, report));
    }

    /// Returns the number of events, without skipped items.
    #[must_use]
    pub fn events(&self) -> usize {
        self.events
    }

    /// Returns the number of items that were not read, since their signals have no receivers.
    /// Only [`Parser::dispatch`](crate::Parser::dispatch) skips items.
    ///
    /// ```standalone_crate
    /// use whatsapp_signals::Parser;
    ///
    /// let body = &std::fs::read("tests/payloads/text.json")?;
    /// assert_eq!(Parser::new().dispatch(body)?.skipped(), 1);
    /// assert_eq!(Parser::new().parse(body)?.dispatch().skipped(), 0);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn skipped(&self) -> usize {
        self.skipped
    }

    /// Returns the number of [`Unrecognized`](crate::event::Unrecognized) events.
    #[must_use]
    pub fn unrecognized(&self) -> usize {
        self.unrecognized
    }

    /// Returns the number of events whose signal has no receivers, without skipped items.
    /// Receivers of [`ANY_EVENT`](crate::signals::ANY_EVENT) do not count.
    #[must_use]
    pub fn without_receivers(&self) -> usize {
        self.without_receivers
    }

    /// Returns the number of calls of receivers, successful or not.
    #[must_use]
    pub fn called(&self) -> usize {
        self.called
    }

    /// Returns the number of calls that were left out by the receiver's filter.
    ///
    /// ```standalone_crate
    /// use whatsapp_signals::event::MessageReceived;
    /// use whatsapp_signals::{parse, receiver, signals::MESSAGE_RECEIVED};
    ///
    /// #[receiver(MESSAGE_RECEIVED, filter = |event| event.message.has_media())]
    /// fn archive(_event: &MessageReceived) {}
    ///
    /// #[receiver(MESSAGE_RECEIVED)]
    /// fn answer(_event: &MessageReceived) {}
    ///
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let report = parse(&std::fs::read("tests/payloads/text.json")?)?.dispatch();
    /// assert_eq!((report.called(), report.filtered()), (1, 1));
    /// # Ok(())
    /// # }
    /// ```
    #[must_use]
    pub fn filtered(&self) -> usize {
        self.filtered
    }

    /// Returns the failures, in the order of the events and of their receivers; those of async
    /// receivers are the last of their event.
    #[must_use]
    pub fn failures(&self) -> &[EventFailure] {
        &self.failures
    }

    /// Returns the failures by value.
    #[must_use]
    pub fn into_failures(self) -> Vec<EventFailure> {
        self.failures
    }

    /// Returns `true` if no receiver failed.
    #[must_use]
    pub fn is_ok(&self) -> bool {
        self.failures.is_empty()
    }
}
