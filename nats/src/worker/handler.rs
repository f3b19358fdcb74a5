//! Who handles an event: the receivers alone, or an engine.

use std::sync::Arc;

use tokio::runtime::Handle;
use whatsapp_signals::store::{Store, StoreErrorKind};
use whatsapp_signals::{Context, EngineError, Failure, Outcome, Report, WebhookEngine};

use crate::envelope::Envelope;

/// Handles events, in a thread that may block.
pub(super) trait Handler: Send + Sync + 'static {
    /// Handles an event; `is_requeued` if it was a dead letter.
    fn handle(
        &self,
        runtime: &Handle,
        context: &Context,
        envelope: Envelope,
        is_requeued: bool,
    ) -> Handled;

    /// Whether an event that was delivered too often becomes a dead letter without
    /// being tried: one that ends the program each time must not do so for ever.
    fn gives_up_untried(&self) -> bool;
}

/// What came of it.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Handled {
    /// Nothing is left to do.
    Done,
    /// These receivers failed, and the deliveries are to be counted.
    Failed(Vec<String>),
    /// Not now: it is nobody's fault, and not to be counted.
    NotNow(&'static str),
    /// These receivers failed so often that it is not to be tried again.
    Dead(Vec<String>),
}

/// The receivers alone.
pub(super) struct Receivers;

impl Handler for Receivers {
    fn handle(&self, runtime: &Handle, context: &Context, envelope: Envelope, _: bool) -> Handled {
        let report: Report = runtime.block_on(envelope.event.with(context).dispatch_async());
        if report.is_ok() {
            return Handled::Done;
        }
        Handled::Failed(names(report.failures()))
    }

    fn gives_up_untried(&self) -> bool {
        true
    }
}

impl<S: Store + 'static> Handler for Arc<WebhookEngine<S>> {
    fn handle(
        &self,
        runtime: &Handle,
        _: &Context,
        envelope: Envelope,
        is_requeued: bool,
    ) -> Handled {
        let Envelope { key, event, .. } = envelope;
        let work = async {
            if is_requeued {
                // It may be a dead letter of the engine too.
                self.requeue(&key)?;
            }
            let outcome = self.process_event_async(&key, event).await?;
            if outcome.duplicate() > 0
                && let Some(letter) = self.dead_letter(&key)?
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
                Handled::Failed(Vec::new())
            }
            Err(error) => {
                tracing::error!(error = %error, "the engine could not handle an event");
                Handled::NotNow("the engine's store failed")
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
    if outcome.dead() > 0 {
        Handled::Dead(failed)
    } else if !outcome.should_retry() {
        Handled::Done
    } else if failed.is_empty() {
        Handled::NotNow("another worker has it")
    } else {
        // The engine says when it is dead.
        Handled::NotNow("a receiver failed")
    }
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
