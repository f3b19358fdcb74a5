//! Handling of one delivery: by the receivers directly, or by an engine.

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use tokio::runtime::Handle;
use whatsapp_signals::store::{Store, StoreErrorKind};
use whatsapp_signals::{
    Cause, Context, EngineError, EngineErrorKind, Failure, Outcome, Report, RetryWhen,
    WebhookEngine,
};

use crate::envelope::Envelope;

/// Handles events, on a thread that may block.
pub(super) trait EventHandler: Send + Sync + 'static {
    /// Handles a delivery of an event.
    fn handle(&self, runtime: &Handle, context: &Context, delivery: Delivery) -> DeliveryResult;

    /// Returns true if an event beyond `max_deliveries` becomes a dead letter without another
    /// attempt. Otherwise an event that ends the program would end it at every delivery.
    fn enforces_max_deliveries(&self) -> bool;
}

/// A delivery of an event.
pub(super) struct Delivery {
    pub(super) envelope: Envelope,
    /// The number of the delivery, counted from 1.
    pub(super) number: u64,
    /// Whether the event was a dead letter before.
    pub(super) is_requeued: bool,
}

/// The result of a delivery.
///
/// A delay is a lower bound: the next delivery follows after the backoff if that is longer.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum DeliveryResult {
    /// The event is finished.
    Completed,
    /// These receivers failed. The delivery counts, and the next one follows after this delay.
    Failed(Vec<String>, Duration),
    /// The delivery does not count, for this reason. The next one follows after this delay.
    Deferred(&'static str, Duration),
    /// These receivers failed for the last time. The event becomes a dead letter.
    GivenUp(Vec<String>),
}

/// Calls the receivers and keeps no record of them.
pub(super) struct ReceiverHandler;

impl EventHandler for ReceiverHandler {
    fn handle(&self, runtime: &Handle, context: &Context, delivery: Delivery) -> DeliveryResult {
        let event = &delivery.envelope.event;
        let report: Report = runtime.block_on(event.with(context).dispatch_async());
        if report.is_ok() {
            return DeliveryResult::Completed;
        }
        let failed = log_failures(report.failures());
        match retry_delay(report.failures(), delivery.number) {
            Some(delay) => DeliveryResult::Failed(failed, delay),
            None => DeliveryResult::GivenUp(failed),
        }
    }

    fn enforces_max_deliveries(&self) -> bool {
        true
    }
}

impl<S: Store + 'static> EventHandler for Arc<WebhookEngine<S>> {
    fn handle(&self, runtime: &Handle, _: &Context, delivery: Delivery) -> DeliveryResult {
        let Envelope { key, event, .. } = delivery.envelope;
        let work = async {
            if delivery.is_requeued {
                // The event may be a dead letter of the engine, too.
                self.requeue_async(&key).await?;
            }
            let outcome = self.process_event_async(&key, event).await?;
            if outcome.duplicates() > 0
                && let Some(letter) = self.dead_letter_async(&key).await?
            {
                // The engine gave it up in an earlier delivery, whose worker ended before it
                // stored the dead letter in the stream.
                return Ok(DeliveryResult::GivenUp(letter.failed));
            }
            Ok(outcome_result(&outcome))
        };
        let result: Result<_, EngineError> = runtime.block_on(work);
        match result {
            Ok(result) => result,
            Err(error) => match error.kind() {
                EngineErrorKind::Store(error) if error.kind() == StoreErrorKind::Corrupt => {
                    tracing::error!(error = %error, "the store's record of an event is corrupt");
                    DeliveryResult::Failed(Vec::new(), Duration::ZERO)
                }
                _ => {
                    tracing::error!(error = %error, "the engine could not handle an event");
                    DeliveryResult::Deferred("the engine's store failed", Duration::ZERO)
                }
            },
        }
    }

    /// Returns false: an engine counts attempts in its store.
    fn enforces_max_deliveries(&self) -> bool {
        false
    }
}

/// Maps an outcome of an engine, which decides when an event is due and when it is dead.
fn outcome_result(outcome: &Outcome) -> DeliveryResult {
    let failures = outcome.failures().iter().map(|failed| &failed.failure);
    let failed = log_failures(failures);
    if outcome.dead_lettered() > 0 {
        DeliveryResult::GivenUp(failed)
    } else if !outcome.should_retry() {
        DeliveryResult::Completed
    } else {
        let due = outcome.due();
        let delay = due.and_then(|due| due.duration_since(SystemTime::now()).ok());
        let reason = if outcome.held_back() > 0 {
            "an earlier event of the user is open"
        } else if failed.is_empty() {
            "the event is not due, or another worker has leased it"
        } else {
            "a receiver failed"
        };
        DeliveryResult::Deferred(reason, delay.unwrap_or_default())
    }
}

/// Returns the longest delay that a receiver asked for; `None` if all that failed give up.
///
/// While one of them may still succeed, the event is delivered to all its receivers again, because
/// the stream has no record of each receiver. One that gave up runs again and gives up again.
fn retry_delay(failures: &[Failure], deliveries: u64) -> Option<Duration> {
    let retried = failures
        .iter()
        .filter(|failure| !is_last_attempt(failure, deliveries));
    let delays = retried.filter_map(|failure| match failure.retry() {
        None => Some(Duration::ZERO),
        Some(RetryWhen::After(delay)) => Some(delay),
        Some(RetryWhen::Never) => None,
    });
    delays.max()
}

/// Returns true if the receiver has used up its attempts. A delivery without a value that the
/// receiver needs is no attempt, because the receiver did not run.
fn is_last_attempt(failure: &Failure, deliveries: u64) -> bool {
    let has_run = !matches!(failure.cause(), Cause::MissingContext(_));
    let attempts = failure.receiver().attempts();
    has_run && attempts.is_some_and(|attempts| deliveries >= u64::from(attempts))
}

/// Logs the failures and returns the uids or paths of the receivers.
fn log_failures<'a>(failures: impl IntoIterator<Item = &'a Failure>) -> Vec<String> {
    let mut names = Vec::new();
    for failure in failures {
        // The text of a failure quotes nothing of the event.
        tracing::warn!("{failure}");
        let receiver = failure.receiver();
        names.push(receiver.uid().unwrap_or(receiver.path()).to_owned());
    }
    names
}
