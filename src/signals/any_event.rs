//! The catch-all signal, and the delivery of an event to the catch-all and to its own signal.

use std::pin::pin;
use std::task::{self, Poll, Waker};
use std::time::Duration;

use super::ALL;
use crate::event::{OwnSignal, WebhookEvent, match_payload};
use crate::signal::{
    AnySignal, Context, DeliveryObserver, EMPTY, ErasedDelivery, Failure, InContext, ReceiverId,
    ReceiverIds, ReceiverInfo, ReceiverMode, Report, Signal,
};

/// The signal of every event, as a [`WebhookEvent`]: for a log, an archive, a metric or a queue.
///
/// Sent for each event that is dispatched ([`Parser::dispatch`](crate::Parser::dispatch),
/// [`Webhook::dispatch`](crate::Webhook::dispatch), [`WebhookEvent::dispatch`]) or delivered by a
/// [`WebhookEngine`](crate::WebhookEngine) or a worker, including the messages that the program
/// [sends](crate::WebhookEngine::process_sent) and its campaigns. Not sent by
/// [`send`](Signal::send) and its variants, which call the receivers of one signal only.
///
/// - Receivers with a negative order run before those of the event's own signal, the others after
///   them. An async delivery awaits each of the three groups before it starts the next one.
/// - A failure affects no other receiver. An engine keeps the event open and calls the failed
///   receiver again, as for any other signal. It stores the progress of the receiver under the name
///   `any_event:` and the uid or path, so that a receiver of another signal may have the same uid.
/// - An event whose own signal has no receivers counts as one without receivers, in
///   [`DispatchReport::without_receivers`](crate::DispatchReport::without_receivers) and
///   [`Outcome::without_receivers`](crate::Outcome::without_receivers).
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
/// assert_eq!((report.called(), report.without_receivers()), (2, 2));
///
/// let metrics = context.get::<Metrics>().unwrap().0.lock().unwrap();
/// assert_eq!(metrics["message_received"], 1);
/// assert_eq!(metrics["flow_completed"], 1);
/// # Ok(())
/// # }
/// ```
pub static ANY_EVENT: Signal<WebhookEvent> = Signal::new("any_event");

impl WebhookEvent {
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
}

/// Dispatch with a context.
impl InContext<'_, WebhookEvent> {
    /// Sends as [`WebhookEvent::dispatch`] does.
    #[must_use = "the report holds the failures"]
    pub fn dispatch(self) -> Report {
        if self.has_catch_all() {
            return self.dispatch_observed(&mut ());
        }
        self.send_typed()
    }

    /// Dispatches with an observer.
    pub(crate) fn dispatch_observed(self, observer: &mut impl DeliveryObserver) -> Report {
        poll_now(self.deliver_observed(ReceiverMode::Sync, observer))
    }

    /// Sends as [`WebhookEvent::dispatch_async`] does.
    #[must_use = "the report holds the failures"]
    pub async fn dispatch_async(self) -> Report {
        if self.has_catch_all() {
            return self.deliver_observed(ReceiverMode::Async, &mut ()).await;
        }
        self.typed().asend_robust().await
    }

    /// Delivers with an observer to the receivers of [`ANY_EVENT`] with a negative order, to those
    /// of the event's own signal, and to the remaining receivers of [`ANY_EVENT`]: in
    /// [`ReceiverMode::Async`] as [`dispatch_async`](Self::dispatch_async) does, and in
    /// [`ReceiverMode::Sync`] as [`dispatch`](Self::dispatch) does, so that only the observer is
    /// awaited.
    pub(crate) async fn deliver_observed(
        self,
        mode: ReceiverMode,
        observer: &mut impl DeliveryObserver,
    ) -> Report {
        if !self.has_catch_all() {
            return self.typed().deliver_observed(mode, observer).await;
        }
        let (event, any_event) = (self.delivered, ANY_EVENT.with(self.context));
        let mut group = CatchAll::before(observer);
        let delivery = any_event.erase(event);
        let before = delivery.deliver_observed(mode, &mut group).await;
        let typed = self.typed().deliver_observed(mode, observer).await;
        let mut group = CatchAll::after(observer);
        let delivery = any_event.erase(event);
        let after = delivery.deliver_observed(mode, &mut group).await;
        typed.between(before, after)
    }

    /// Returns true if [`ANY_EVENT`] has receivers for this delivery.
    fn has_catch_all(self) -> bool {
        ANY_EVENT.with(self.context).has_receivers()
    }
}

/// Delivery to the event's own signal.
impl InContext<'_, WebhookEvent> {
    fn send_typed(self) -> Report {
        match_payload!(self.delivered, event => {
            event.own_signal().with(self.context).send_robust(event)
        })
    }

    fn typed(&self) -> ErasedDelivery<'_, ()> {
        match_payload!(self.delivered, event => {
            event.own_signal().with(self.context).erase(event)
        })
    }
}

/// Polls a future until it is ready: at the first poll, as the observers of a sync dispatch have no
/// pending checkpoints.
fn poll_now<O>(work: impl Future<Output = O>) -> O {
    let (mut work, mut cx) = (pin!(work), task::Context::from_waker(Waker::noop()));
    loop {
        if let Poll::Ready(output) = work.as_mut().poll(&mut cx) {
            return output;
        }
    }
}

/// The observer of one group of the receivers of [`ANY_EVENT`]: skips the other group, and reports
/// to the observer of the whole delivery, under names that no receiver of a typed signal has.
///
/// Both groups are taken from the same list, so that receivers with one path have the same numbers
/// in both.
struct CatchAll<'o, O> {
    observer: &'o mut O,
    /// `true` for the group that runs before the typed receivers.
    is_before: bool,
}

impl<'o, O: DeliveryObserver> CatchAll<'o, O> {
    /// Returns the observer of the group before the typed receivers.
    fn before(observer: &'o mut O) -> Self {
        Self {
            observer,
            is_before: true,
        }
    }

    /// Returns the observer of the group after the typed receivers.
    fn after(observer: &'o mut O) -> Self {
        Self {
            observer,
            is_before: false,
        }
    }
}

impl<O: DeliveryObserver> DeliveryObserver for CatchAll<'_, O> {
    fn poll_checkpoint(&mut self, cx: &mut task::Context<'_>) -> Poll<()> {
        self.observer.poll_checkpoint(cx)
    }

    fn should_call<I: ReceiverIds + ?Sized>(&mut self, ids: &I, at: usize) -> bool {
        (ids.order(at) < 0) == self.is_before && self.observer.should_call(&CatchAllIds(ids), at)
    }

    fn scope<I: ReceiverIds + ?Sized, R>(
        &mut self,
        ids: &I,
        at: usize,
        run: impl FnOnce() -> R,
    ) -> R {
        self.observer.scope(&CatchAllIds(ids), at, run)
    }

    fn succeeded<I: ReceiverIds + ?Sized>(&mut self, ids: &I, at: usize, is_called: bool) {
        self.observer.succeeded(&CatchAllIds(ids), at, is_called);
    }

    fn all_pending(&mut self) {
        self.observer.all_pending();
    }

    fn failed<I: ReceiverIds + ?Sized>(&mut self, ids: &I, at: usize, failure: &Failure) {
        self.observer.failed(&CatchAllIds(ids), at, failure);
    }

    fn poll_timeout<I: ReceiverIds + ?Sized>(
        &mut self,
        ids: &I,
        at: usize,
        cx: &mut task::Context<'_>,
    ) -> Poll<()> {
        self.observer.poll_timeout(&CatchAllIds(ids), at, cx)
    }
}

/// Returns true if a signal of this crate has a receiver with this id, as observers of deliveries
/// get it.
pub(crate) fn is_receiver(context: &Context, id: &str) -> bool {
    let has = |signal: &dyn AnySignal, id| {
        let receivers = signal.receivers_with(context);
        receivers.iter().any(|receiver| receiver.has_id(id))
    };
    let catch_all = id.strip_prefix(ANY_EVENT.name());
    let catch_all = catch_all.and_then(|id| id.strip_prefix(':'));
    let mut typed = ALL
        .iter()
        .filter(|signal| signal.name() != ANY_EVENT.name());
    catch_all.is_some_and(|id| has(&ANY_EVENT, id)) || typed.any(|signal| has(*signal, id))
}

/// Receivers of [`ANY_EVENT`], with its name before their ids.
struct CatchAllIds<'i, I: ?Sized>(&'i I);

impl<I: ReceiverIds + ?Sized> ReceiverIds for CatchAllIds<'_, I> {
    fn receiver_id(&self, at: usize) -> ReceiverId {
        format!("{}:{}", ANY_EVENT.name(), self.0.receiver_id(at)).into()
    }

    fn info(&self, _: &'static str, at: usize) -> ReceiverInfo {
        self.0.info(ANY_EVENT.name(), at)
    }

    fn order(&self, at: usize) -> i32 {
        self.0.order(at)
    }

    fn attempts(&self, at: usize) -> Option<u32> {
        self.0.attempts(at)
    }

    fn timeout(&self, at: usize) -> Option<Duration> {
        self.0.timeout(at)
    }
}
