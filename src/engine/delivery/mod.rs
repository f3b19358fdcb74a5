//! The delivery of the events of a claim.

mod checkpointer;
mod progress;
mod turn_tracker;
mod updates;

use std::future::poll_fn;
use std::task::Poll;
use std::time::{Duration, Instant};

use super::claim::Job;
use super::outcome::Outcome;
use crate::engine::trace;
use crate::event::WebhookEvent;
use crate::signal::{ReceiverId, ReceiverMode};
use crate::store::{Due, EventState, ReceiverState, StoreError};
use crate::trace::{ReceiverSpans, Source, TraceSpan, unrecognized};
use crate::webhook::EventFailure;
use progress::ProgressObserver;

pub(crate) use checkpointer::Checkpointer;
pub(crate) use updates::KeptUpdates;

/// The time after which an async delivery yields to other tasks, and to the other webhooks of a
/// [round](crate::WebhookEngine::tend_async), so that these write their leases and successes.
const YIELD_INTERVAL: Duration = Duration::from_millis(10);

/// Delivers all jobs. An event without written progress is delivered again by the next claim.
pub(crate) async fn deliver(
    mut checkpointer: Checkpointer<'_>,
    jobs: Vec<Job>,
) -> Result<Outcome, StoreError> {
    let mut succeeded = Vec::new();
    let yields = checkpointer.call.mode == ReceiverMode::Async;
    let mut yielded_at = Instant::now();
    for job in jobs {
        if yields && yielded_at.elapsed() >= YIELD_INTERVAL {
            yield_once().await;
            yielded_at = Instant::now();
        }
        deliver_event(&mut checkpointer, job, &mut succeeded).await?;
    }
    checkpointer.finish().await
}

/// Yields to the executor once.
async fn yield_once() {
    let mut has_yielded = false;
    poll_fn(|cx| {
        if has_yielded {
            return Poll::Ready(());
        }
        has_yielded = true;
        cx.waker().wake_by_ref();
        Poll::Pending
    })
    .await;
}

async fn deliver_event(
    checkpointer: &mut Checkpointer<'_>,
    mut job: Job,
    succeeded: &mut Vec<ReceiverId>,
) -> Result<(), StoreError> {
    let call = checkpointer.call;
    let settings = &call.core.settings;
    if !checkpointer.lease_lost(&job) && checkpointer.hold_back(&job) {
        return Ok(());
    }
    let after_crash = checkpointer.is_after_crash(&job);
    if after_crash {
        if job.progress.attempts >= settings.max_attempts {
            job.progress.state = EventState::Dead;
            record_state(checkpointer, job, None);
            return Ok(());
        }
        // One of its receivers may crash the program, so the attempt counts before it is made.
        job.progress.attempts += 1;
        checkpointer.update_progress(&job);
        checkpointer.write().await?;
    }
    if checkpointer.lease_lost(&job) {
        checkpointer.outcome.unfinished += 1;
        return Ok(());
    }
    succeeded.clear();
    let at = job.event;
    let event = &checkpointer.batch.events[at];
    let attempt = job.progress.attempts + u32::from(!after_crash);
    let span = TraceSpan::event(Source::Engine, at, event, Some(attempt));
    let mut observer = ProgressObserver {
        max_attempts: settings.max_attempts,
        attempts_before_crash: if after_crash {
            job.progress.attempts
        } else {
            0
        },
        checkpointer,
        event,
        is_called: vec![false; job.progress.receivers.len()],
        job: &mut job,
        succeeded,
        error: None,
        is_cut_short: false,
        is_attempt: false,
        retry_after: Duration::ZERO,
        backs_off: false,
        timeouts: Vec::new(),
        spans: ReceiverSpans::new(Source::Engine, at),
        calls: Vec::new(),
    };
    let delivery = event.with(&settings.context);
    let delivery = delivery.deliver_observed(call.mode, &mut observer);
    let report = span.around(delivery).await;
    let (error, is_cut_short) = (observer.error.take(), observer.is_cut_short);
    let (is_attempt, retry_after) = (observer.is_attempt, observer.retry_after);
    let backs_off = observer.backs_off;
    let has_progress = !observer.job.progress.receivers.is_empty();
    // Without progress all receivers have succeeded, and the event is finished as a whole.
    if has_progress || is_cut_short || error.is_some() {
        observer.collect_successes();
        observer.forget_uncalled();
    }
    checkpointer.set_waiting(false);
    let outcome = &mut checkpointer.outcome;
    let has_no_receivers = report.has_no_receivers();
    outcome.failures.extend(EventFailure::all(at, report));
    if let Some(error) = error {
        checkpointer.update_progress(&job);
        return Err(error);
    }
    outcome.delivered += 1;
    outcome.without_receivers += usize::from(has_no_receivers);
    outcome.unrecognized += usize::from(matches!(event, WebhookEvent::Unrecognized(_)));
    span.run(|| unrecognized(Source::Engine, at, event));
    job.progress.attempts += u32::from(is_attempt && !after_crash);
    let lease_lost = checkpointer.lease_lost(&job);
    job.progress.state = state_after(&job, is_cut_short || lease_lost);
    let delay = if backs_off {
        let delay = settings.backoff.delay(job.progress.attempts);
        delay.max(retry_after)
    } else {
        Duration::ZERO
    };
    span.run(|| record_state(checkpointer, job, (!lease_lost).then_some(delay)));
    if checkpointer.is_due() {
        checkpointer.write().await?;
    }
    Ok(())
}

/// Records the state of an event after its delivery, and the delay of the next attempt; `None`
/// after a lost lease.
fn record_state(checkpointer: &mut Checkpointer<'_>, mut job: Job, delay: Option<Duration>) {
    checkpointer.update_turns(&job);
    match job.progress.state {
        EventState::Finished => checkpointer.finish_event(&job),
        EventState::Dead => {
            let event = &checkpointer.batch.events[job.event];
            trace::dead_lettered(job.event, event, &job.progress);
            let attempts = job.progress.attempts;
            checkpointer
                .call
                .report_dead_lettered(Some(event), attempts);
            checkpointer.outcome.dead_lettered += 1;
            checkpointer.update_progress(&job);
        }
        EventState::Open => {
            checkpointer.outcome.unfinished += 1;
            if let Some(delay) = delay {
                job.progress.due = Due::after(delay);
                checkpointer.postpone(&job, delay);
            }
            checkpointer.update_progress(&job);
        }
    }
}

/// Returns the state of an event after its delivery: it is dead when no receiver may be tried
/// again and one gave up.
fn state_after(job: &Job, is_cut_short: bool) -> EventState {
    let mut receivers = job.progress.receivers.iter();
    let has = |state| receivers.clone().any(|receiver| receiver.state == state);
    if is_cut_short || has(ReceiverState::Failed) {
        EventState::Open
    } else if receivers.any(|receiver| receiver.state == ReceiverState::GaveUp) {
        EventState::Dead
    } else {
        EventState::Finished
    }
}
