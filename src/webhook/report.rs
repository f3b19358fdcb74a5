//! What came of dispatching a whole webhook.

use crate::event::WebhookEvent;
use crate::signal::{Failure, Report};

/// The outcome of [`Webhook::dispatch`](crate::Webhook::dispatch).
///
/// # Examples
///
/// ```standalone_crate
/// let body = &std::fs::read("tests/payloads/text.json")?;
/// let report = whatsapp_signals::parse(body)?.dispatch();
/// assert_eq!((report.events(), report.unrecognized()), (1, 0));
/// assert_eq!(report.without_receivers(), 1, "nobody listens in this example");
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

/// A receiver that failed, and at which event.
///
/// # Examples
///
/// ```standalone_crate
/// use whatsapp_signals::event::MessageReceived;
/// use whatsapp_signals::{parse, receiver, signals::MESSAGE_RECEIVED};
///
/// #[receiver(MESSAGE_RECEIVED, uid = "crm")]
/// fn store(_event: &MessageReceived) -> Result<(), String> {
///     Err("the CRM is away".to_owned())
/// }
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let webhook = parse(&std::fs::read("tests/payloads/flow-reply.json")?)?;
/// let report = webhook.dispatch();
/// let failed = &report.failures()[0];
/// assert_eq!(failed.failure.receiver().uid(), Some("crm"));
/// assert_eq!(webhook.events()[failed.event].name(), "message_received");
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
#[non_exhaustive]
pub struct EventFailure {
    /// The event's place in [`Webhook::events`](crate::Webhook::events); after
    /// [`Parser::dispatch`](crate::Parser::dispatch), its place among those that were read.
    pub event: usize,
    /// Who failed, and why.
    pub failure: Failure,
}

impl EventFailure {
    /// The failures at one event.
    pub(crate) fn all(event: usize, report: Report) -> impl Iterator<Item = Self> {
        let failures = report.into_failures().into_iter();
        failures.map(move |failure| Self { event, failure })
    }
}

impl DispatchReport {
    pub(super) fn new(skipped: usize) -> Self {
        Self {
            skipped,
            ..Self::default()
        }
    }

    pub(super) fn add(&mut self, event: &WebhookEvent, report: Report) {
        let at = self.events;
        self.events += 1;
        self.unrecognized += usize::from(matches!(event, WebhookEvent::Unrecognized(_)));
        self.without_receivers += usize::from(report.has_no_receivers());
        self.called += report.called();
        self.filtered += report.filtered();
        self.failures.extend(EventFailure::all(at, report));
    }

    /// How many events there were; skipped items are none.
    ///
    /// ```
    /// let body = &std::fs::read("tests/payloads/flow-reply.json")?;
    /// let report = whatsapp_signals::parse(body)?.dispatch();
    /// assert_eq!(report.events(), 2, "the message, and the flow that it completes");
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
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

    /// How many events were [`Unrecognized`](crate::event::Unrecognized).
    ///
    /// ```
    /// let body = &std::fs::read("tests/payloads/unknown-field.json")?;
    /// let report = whatsapp_signals::parse(body)?.dispatch();
    /// assert_eq!(report.unrecognized(), 1);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn unrecognized(&self) -> usize {
        self.unrecognized
    }

    /// Returns the number of events whose own signal has no receivers; skipped items are none.
    /// Receivers of [`ANY_EVENT`](crate::signals::ANY_EVENT) do not count.
    #[must_use]
    pub fn without_receivers(&self) -> usize {
        self.without_receivers
    }

    /// How often a receiver ran, with or without success.
    #[must_use]
    pub fn called(&self) -> usize {
        self.called
    }

    /// How often a receiver's filter declined.
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

    /// What failed: in the order of the events, and of their receivers, the
    /// async ones last.
    #[must_use]
    pub fn failures(&self) -> &[EventFailure] {
        &self.failures
    }

    /// The failures themselves.
    ///
    /// ```standalone_crate
    /// use whatsapp_signals::event::MessageReceived;
    /// use whatsapp_signals::{parse, receiver, signals::MESSAGE_RECEIVED};
    ///
    /// #[receiver(MESSAGE_RECEIVED)]
    /// fn fails(_event: &MessageReceived) -> Result<(), &'static str> {
    ///     Err("the database is down")
    /// }
    ///
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let report = parse(&std::fs::read("tests/payloads/text.json")?)?.dispatch();
    /// assert!(!report.is_ok());
    /// let failure = report.into_failures().remove(0).failure;
    /// assert_eq!(failure.error().unwrap().to_string(), "the database is down");
    /// # Ok(())
    /// # }
    /// ```
    #[must_use]
    pub fn into_failures(self) -> Vec<EventFailure> {
        self.failures
    }

    /// True when nothing failed.
    #[must_use]
    pub fn is_ok(&self) -> bool {
        self.failures.is_empty()
    }
}
