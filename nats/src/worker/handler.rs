//! Who handles an event: the receivers alone, or an engine.

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use tokio::runtime::Handle;
use whatsapp_signals::store::{Store, StoreErrorKind};
use whatsapp_signals::{
    Cause, Context, EngineError, Failure, Outcome, Report, RetryWhen, WebhookEngine,
};

use crate::envelope::Envelope;

/// Handles events, in a thread that may block.
pub(super) trait Handler: Send + Sync + 'static {
    /// Handles a delivery of an event.
    fn handle(&self, runtime: &Handle, context: &Context, delivery: Delivery) -> Handled;

    /// Whether an event that was delivered too often becomes a dead letter without
    /// being tried: one that ends the program each time must not do so for ever.
    fn gives_up_untried(&self) -> bool;
}

/// A delivery of an event.
pub(super) struct Delivery {
    pub(super) envelope: Envelope,
    /// The number of the delivery, from 1 on.
    pub(super) number: u64,
    /// True if the event was a dead letter before.
    pub(super) is_requeued: bool,
}

/// What came of it.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Handled {
    /// Nothing is left to do.
    Done,
    /// These receivers failed: the delivery is counted, and the next one follows after
    /// the backoff or this delay, whichever is longer.
    Failed(Vec<String>, Duration),
    /// The delivery is not counted, and the next one follows after the backoff or this delay,
    /// whichever is longer.
    NotNow(&'static str, Duration),
    /// These receivers failed for the last time: the event is a dead letter.
    Dead(Vec<String>),
}

/// The receivers alone.
pub(super) struct Receivers;

impl Handler for Receivers {
    fn handle(&self, runtime: &Handle, context: &Context, delivery: Delivery) -> Handled {
        let event = &delivery.envelope.event;
        let report: Report = runtime.block_on(event.with(context).dispatch_async());
        if report.is_ok() {
            return Handled::Done;
        }
        let failed = names(report.failures());
        match delay(report.failures(), delivery.number) {
            Some(delay) => Handled::Failed(failed, delay),
            None => Handled::Dead(failed),
        }
    }

    fn gives_up_untried(&self) -> bool {
        true
    }
}

impl<S: Store + 'static> Handler for Arc<WebhookEngine<S>> {
    fn handle(&self, runtime: &Handle, _: &Context, delivery: Delivery) -> Handled {
        let Envelope { key, event, .. } = delivery.envelope;
        let work = async {
            if delivery.is_requeued {
                // It may be a dead letter of the engine too.
                self.requeue_async(&key).await?;
            }
            let outcome = self.process_event_async(&key, event).await?;
            if outcome.duplicates() > 0
                && let Some(letter) = self.dead_letter_async(&key).await?
            {
                // It died before, and nobody came to say so in the stream.
                return Ok(Handled::Dead(letter.failed));
            }
            Ok(of(&outcome))
        };
        match runtime.block_on(work) {
            Ok(handled) => handled,
            Err(EngineError::Store(error)) if error.kind() == StoreErrorKind::Corrupt => {
                tracing::error!(error = %error, "what the store has of an event is damaged");
                Handled::Failed(Vec::new(), Duration::ZERO)
            }
            Err(error) => {
                tracing::error!(error = %error, "the engine could not handle an event");
                Handled::NotNow("the engine's store failed", Duration::ZERO)
            }
        }
    }

    /// An engine counts for itself.
    fn gives_up_untried(&self) -> bool {
        false
    }
}

fn of(outcome: &Outcome) -> Handled {
    let failures = outcome.failures().iter().map(|failed| &failed.failure);
    let failed = names(failures);
    if outcome.dead_lettered() > 0 {
        Handled::Dead(failed)
    } else if !outcome.should_retry() {
        Handled::Done
    } else {
        // The engine decides when it is due, and when it is dead.
        let due = outcome.due();
        let wait = due.and_then(|due| due.duration_since(SystemTime::now()).ok());
        let reason = if outcome.held_back() > 0 {
            "an earlier event of its user is open"
        } else if failed.is_empty() {
            "it is not due, or another worker has it"
        } else {
            "a receiver failed"
        };
        Handled::NotNow(reason, wait.unwrap_or_default())
    }
}

/// Returns the longest delay that a receiver asked for; `None` when all that failed give up.
///
/// While one of them may still succeed, the event is delivered again, to all its receivers:
/// the stream has no record of single ones. One that gave up runs again, and gives up again.
fn delay(failures: &[Failure], deliveries: u64) -> Option<Duration> {
    let tried_again = failures
        .iter()
        .filter(|failure| !is_last_attempt(failure, deliveries));
    let delays = tried_again.filter_map(|failure| match failure.retry() {
        None => Some(Duration::ZERO),
        Some(RetryWhen::After(delay)) => Some(delay),
        Some(RetryWhen::Never) => None,
    });
    delays.max()
}

/// Returns true if the receiver has used up its attempts. A delivery without a value that the
/// receiver needs is no attempt: the receiver did not run.
fn is_last_attempt(failure: &Failure, deliveries: u64) -> bool {
    let has_run = !matches!(failure.cause(), Cause::MissingContext(_));
    let attempts = failure.receiver().attempts();
    has_run && attempts.is_some_and(|attempts| deliveries >= u64::from(attempts))
}

/// Who failed, by uid or path.
fn names<'a>(failures: impl IntoIterator<Item = &'a Failure>) -> Vec<String> {
    let mut names = Vec::new();
    for failure in failures {
        // As text a failure quotes nothing of the event.
        tracing::warn!("{failure}");
        let receiver = failure.receiver();
        names.push(receiver.uid().unwrap_or(receiver.path()).to_owned());
    }
    names
}
