//! Observers, for metrics and alarms.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use super::{Backlog, EngineError, WebhookEngine};
use crate::event::WebhookEvent;
use crate::panic_guard::catch_panic;
use crate::signal::{Failure, ReceiverInfo};
use crate::store::Store;

/// An observer of an engine, for the program's metrics, alarms and logs.
///
/// An engine calls its observers in the thread or task that does the work, so a method should
/// return at once, as the update of a counter does. A panic of a method is ignored. All methods do
/// nothing by default. A call of the engine within a method is observed, too: `backlog` must not
/// call [`WebhookEngine::backlog`], which would recurse forever.
///
/// Each process reports its own calls; only the [`Backlog`] is that of the store. Calls are
/// reported before the store has confirmed the progress: after a crash some receivers run again,
/// and are reported again.
///
/// # Examples
///
/// ```standalone_crate
/// use std::sync::Arc;
/// use std::sync::atomic::{AtomicU64, Ordering};
///
/// use whatsapp_signals::engine::{Delivery, Observer, Received};
/// use whatsapp_signals::event::MessageReceived;
/// use whatsapp_signals::store::MemoryStore;
/// use whatsapp_signals::{WebhookEngine, receiver, signals::MESSAGE_RECEIVED};
///
/// #[receiver(MESSAGE_RECEIVED, uid = "crm")]
/// fn forward(_event: &MessageReceived) -> Result<(), &'static str> {
///     Err("the CRM is down")
/// }
///
/// #[derive(Default)]
/// struct Metrics {
///     events: AtomicU64,
///     failures: AtomicU64,
/// }
///
/// impl Observer for Metrics {
///     fn received(&self, received: &Received<'_>) {
///         self.events.fetch_add(received.events.len() as u64, Ordering::Relaxed);
///     }
///
///     fn delivered(&self, delivery: &Delivery<'_>) {
///         if delivery.failure.is_some() {
///             println!("{} took {:?}", delivery.receiver.path(), delivery.duration);
///             self.failures.fetch_add(1, Ordering::Relaxed);
///         }
///     }
/// }
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let metrics = Arc::new(Metrics::default());
/// let engine = WebhookEngine::new(MemoryStore::new()).observe(Arc::clone(&metrics));
/// assert_eq!(engine.process(&std::fs::read("tests/payloads/text.json")?)?.failed(), 1);
/// assert_eq!(engine.retry_unfinished()?.failed(), 1);
/// assert_eq!(metrics.events.load(Ordering::Relaxed), 1);
/// assert_eq!(metrics.failures.load(Ordering::Relaxed), 2);
/// # Ok(())
/// # }
/// ```
#[allow(unused_variables, reason = "they have the names of the documentation")]
pub trait Observer: Send + Sync {
    /// Observes that a webhook was stored, or an event of a queue or of the program. A
    /// [replay](WebhookEngine::replay) is not reported.
    fn received(&self, received: &Received<'_>) {}

    /// Observes that a call with a webhook or an event failed: the signature is wrong, the body is
    /// no webhook, or the store failed. A [`tend`](WebhookEngine::tend) fails only with its store.
    fn failed(&self, error: &EngineError) {}

    /// Observes one call of a receiver. Receivers whose filter does not match are not called.
    fn delivered(&self, delivery: &Delivery<'_>) {}

    /// Observes that an event or a body became a [`DeadLetter`](crate::DeadLetter).
    fn dead_lettered(&self, dead: &DeadLettered<'_>) {}

    /// Observes the backlog of the store, at the end of each [`tend`](WebhookEngine::tend) and in
    /// each [`backlog`](WebhookEngine::backlog).
    fn backlog(&self, backlog: &Backlog) {}
}

/// The events of one webhook that were stored.
#[derive(Debug)]
#[non_exhaustive]
pub struct Received<'a> {
    /// The new events, in the order of the webhook.
    pub events: Vec<&'a WebhookEvent>,
    /// The number of events that had been stored and processed before.
    pub duplicates: usize,
}

/// One call of a receiver with an event.
#[derive(Debug)]
#[non_exhaustive]
pub struct Delivery<'a> {
    /// The event.
    pub event: &'a WebhookEvent,
    /// The receiver, with its signal.
    pub receiver: &'a ReceiverInfo,
    /// The number of the attempt of this receiver with this event, from 1 on.
    pub attempt: u32,
    /// The time from the start of the call to its end. The call of an async receiver ends when its
    /// future is ready, also while others are pending.
    pub duration: Duration,
    /// The failure; `None` after a success.
    pub failure: Option<&'a Failure>,
    /// `true` if the receiver gave up, and is not called again with this event.
    pub gave_up: bool,
}

/// An event or a body that became a [`DeadLetter`](crate::DeadLetter).
#[derive(Debug)]
#[non_exhaustive]
pub struct DeadLettered<'a> {
    /// The event; `None` for a body that is no webhook.
    pub event: Option<&'a WebhookEvent>,
    /// The number of attempts of the event.
    pub attempts: u32,
}

impl<O: Observer + ?Sized> Observer for Arc<O> {
    fn received(&self, received: &Received<'_>) {
        (**self).received(received);
    }

    fn failed(&self, error: &EngineError) {
        (**self).failed(error);
    }

    fn delivered(&self, delivery: &Delivery<'_>) {
        (**self).delivered(delivery);
    }

    fn dead_lettered(&self, dead: &DeadLettered<'_>) {
        (**self).dead_lettered(dead);
    }

    fn backlog(&self, backlog: &Backlog) {
        (**self).backlog(backlog);
    }
}

/// The observers of an engine, whose panics are caught.
#[derive(Default)]
pub(super) struct Observers(Vec<Box<dyn Observer>>);

impl Observers {
    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Calls all observers.
    pub(super) fn notify(&self, call: impl Fn(&dyn Observer)) {
        for observer in &self.0 {
            catch_panic(|| call(&**observer));
        }
    }
}

impl fmt::Debug for Observers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Observers").field(&self.0.len()).finish()
    }
}

impl<S: Store> WebhookEngine<S> {
    /// Adds an observer, for metrics and alarms: [`Observer`] has an example. Without observers
    /// nothing is measured. `examples/servers` has one for Prometheus.
    #[must_use]
    pub fn observe(mut self, observer: impl Observer + 'static) -> Self {
        self.core.settings.observers.0.push(Box::new(observer));
        self
    }
}
