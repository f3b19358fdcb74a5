//! The logs of an engine.
#![cfg_attr(
    not(feature = "tracing"),
    allow(unused_variables, reason = "only spans and events use them")
)]

use super::Outcome;
use crate::event::WebhookEvent;
use crate::store::ProgressRow;
#[cfg(feature = "tracing")]
use crate::store::ReceiverState;
#[cfg(feature = "tracing")]
use crate::trace::Source;
use crate::trace::log;
use crate::webhook::ParseError;

/// Logs that the event with this index in its webhook has become a dead letter.
#[inline]
pub(crate) fn dead_lettered(at: usize, event: &WebhookEvent, progress: &ProgressRow) {
    log!(
        Source::Engine,
        error,
        event = at,
        signal = event.name(),
        attempts = progress.attempts,
        receivers = progress
            .receivers
            .iter()
            .filter(|receiver| receiver.state == ReceiverState::GaveUp)
            .map(|receiver| receiver.receiver.as_str())
            .collect::<Vec<_>>()
            .join(", "),
        "dead letter"
    );
}

/// Logs that a body is not a webhook.
#[inline]
pub(crate) fn unreadable(error: &ParseError) {
    log!(Source::Engine, warn, %error, "not a webhook");
}

/// Logs that a body has no valid signature.
#[cfg(feature = "signature")]
#[inline]
pub(crate) fn forged(error: &crate::SignatureError) {
    log!(Source::Engine, warn, %error, "not signed");
}

/// Logs the counts of an engine's outcome.
#[inline]
pub(crate) fn processed(outcome: &Outcome) {
    log!(
        Source::Engine,
        info,
        delivered = outcome.delivered(),
        duplicates = outcome.duplicates(),
        unrecognized = outcome.unrecognized(),
        without_receivers = outcome.without_receivers(),
        failed = outcome.failed(),
        unfinished = outcome.unfinished(),
        dead_lettered = outcome.dead_lettered(),
        "processed"
    );
}
