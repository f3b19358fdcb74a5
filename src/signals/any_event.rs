//! The catch-all signal, and the delivery of an event to it and to its own signal.

use super::WebhookEvent;
use crate::signal::{InContext, ReceiverId, Report, Signal, Slots, Watch};

/// Every event that a webhook fires, as a [`WebhookEvent`]: for a log, an archive, a metric or a
/// queue.
///
/// It is sent for each event that is dispatched ([`Parser::dispatch`](crate::Parser::dispatch),
/// [`Webhook::dispatch`](crate::Webhook::dispatch), [`WebhookEvent::dispatch`]) or delivered by a
/// [`WebhookEngine`](crate::WebhookEngine) or a worker. It is not sent for
/// [`MESSAGE_SENT`](super::MESSAGE_SENT) and [`CAMPAIGN_COMPLETED`](super::CAMPAIGN_COMPLETED), nor
/// by [`send`](Signal::send) and its variants, which call the receivers of one signal only.
///
/// - Receivers with a negative order run before those of the event's own signal, the others after
///   them. An async delivery awaits each of the three groups before it starts the next one.
/// - A failure affects no other receiver. An engine keeps the event open and calls the failed
///   receiver again, as for any other signal. Its records have the receiver as `any_event:` and
///   the uid or path, so that a receiver of another signal may have the same uid.
/// - An event whose own signal has no receivers counts as one without receivers, in
///   [`DispatchReport::unheard`](crate::DispatchReport::unheard) and
///   [`Outcome::unheard`](crate::Outcome::unheard).
/// - While there are receivers, [`Parser::dispatch`](crate::Parser::dispatch) skips no item.
///
/// # Examples
///
/// ```standalone_crate
/// use std::collections::BTreeMap;
/// use std::sync::Mutex;
///
/// use whatsapp_signals::{Context, WebhookEvent, parse, receiver, signals::ANY_EVENT};
///
/// #[derive(Default)]
/// struct Metrics(Mutex<BTreeMap<&'static str, usize>>);
///
/// #[receiver(ANY_EVENT, order = -1)]
/// fn count(event: &WebhookEvent, metrics: &Metrics) {
///     *metrics.0.lock().unwrap().entry(event.name()).or_default() += 1;
/// }
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let context = Context::new().with(Metrics::default());
/// let body = &std::fs::read("tests/payloads/flow-reply.json")?;
/// let report = parse(body)?.with(&context).dispatch();
/// assert_eq!((report.called(), report.unheard()), (2, 2));
///
/// let metrics = context.get::<Metrics>().unwrap().0.lock().unwrap();
/// assert_eq!(metrics["message_received"], 1);
/// assert_eq!(metrics["flow_completed"], 1);
/// # Ok(())
/// # }
/// ```
pub static ANY_EVENT: Signal<WebhookEvent> = Signal::new("any_event");

/// Dispatching with a context.
impl InContext<'_, WebhookEvent> {
    /// Sends as [`WebhookEvent::dispatch`] does.
    #[must_use = "the report holds the failures"]
    pub fn dispatch(self) -> Report {
        self.deliver(&mut (), |()| self.send_typed())
    }

    /// Sends as [`WebhookEvent::dispatch_async`] does.
    #[must_use = "the report holds the failures"]
    pub async fn dispatch_async(self) -> Report {
        let typed = async |(): &mut ()| self.asend_typed().await;
        self.deliver_async(&mut (), typed).await
    }

    /// Sends as [`dispatch`](Self::dispatch) does, with an observer.
    pub(crate) fn dispatch_watched(self, watch: &mut impl Watch) -> Report {
        self.deliver(watch, |watch| self.send_typed_watched(watch))
    }

    /// Sends as [`dispatch_async`](Self::dispatch_async) does, with an observer.
    pub(crate) async fn dispatch_async_watched<W: Watch>(self, watch: &mut W) -> Report {
        let typed = async |watch: &mut W| self.asend_typed_watched(watch).await;
        self.deliver_async(watch, typed).await
    }

    /// Calls `typed`, which sends to the event's own signal, between the two parts of the
    /// receivers of [`ANY_EVENT`].
    fn deliver<W: Watch>(self, watch: &mut W, typed: impl FnOnce(&mut W) -> Report) -> Report {
        if !self.has_catch_all() {
            return typed(watch);
        }
        let (event, context) = (self.delivered, self.context);
        let before = ANY_EVENT.send_watched(event, context, &mut CatchAll::before(watch));
        let typed = typed(watch);
        let after = ANY_EVENT.send_watched(event, context, &mut CatchAll::after(watch));
        typed.between(before, after)
    }

    /// Delivers as [`deliver`](Self::deliver) does, and awaits async receivers.
    async fn deliver_async<W: Watch>(
        self,
        watch: &mut W,
        typed: impl AsyncFnOnce(&mut W) -> Report,
    ) -> Report {
        if !self.has_catch_all() {
            return typed(watch).await;
        }
        let (event, context) = (self.delivered, self.context);
        let mut part = CatchAll::before(watch);
        let before = ANY_EVENT.asend_watched(event, context, &mut part).await;
        let typed = typed(watch).await;
        let mut part = CatchAll::after(watch);
        let after = ANY_EVENT.asend_watched(event, context, &mut part).await;
        typed.between(before, after)
    }

    /// True when [`ANY_EVENT`] has receivers for this delivery.
    fn has_catch_all(self) -> bool {
        ANY_EVENT.with(self.context).has_receivers()
    }
}

/// Calls one part of the receivers of [`ANY_EVENT`], and passes them on to the observer of the
/// whole delivery, under names that no receiver of a typed signal has.
///
/// Both parts are of one list, which numbers receivers that have one path.
struct CatchAll<'w, W> {
    watch: &'w mut W,
    is_before: bool,
}

impl<'w, W: Watch> CatchAll<'w, W> {
    /// Returns the part before the typed receivers.
    fn before(watch: &'w mut W) -> Self {
        Self {
            watch,
            is_before: true,
        }
    }

    /// Returns the part behind the typed receivers.
    fn after(watch: &'w mut W) -> Self {
        Self {
            watch,
            is_before: false,
        }
    }
}

impl<W: Watch> Watch for CatchAll<'_, W> {
    fn wants<S: Slots + ?Sized>(&mut self, slots: &S, at: usize) -> bool {
        (slots.order(at) < 0) == self.is_before && self.watch.wants(&Named(slots), at)
    }

    fn succeeded<S: Slots + ?Sized>(&mut self, slots: &S, at: usize) {
        self.watch.succeeded(&Named(slots), at);
    }

    fn waits(&mut self) {
        self.watch.waits();
    }

    fn failed<S: Slots + ?Sized>(&mut self, slots: &S, at: usize) {
        self.watch.failed(&Named(slots), at);
    }
}

/// Receivers of [`ANY_EVENT`], with its name before their ids.
struct Named<'s, S: ?Sized>(&'s S);

impl<S: Slots + ?Sized> Slots for Named<'_, S> {
    fn receiver_id(&self, at: usize) -> ReceiverId {
        format!("{}:{}", ANY_EVENT.name(), self.0.receiver_id(at)).into()
    }

    fn order(&self, at: usize) -> i32 {
        self.0.order(at)
    }
}
