//! The delivery of the events of a claim.

use std::future::poll_fn;
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use super::checkpoint::Checkpointer;
use super::claim::Job;
use super::observer::Delivery;
use super::outcome::Outcome;
use super::timer::Alarm;
use crate::event::WebhookEvent;
use crate::signal::{
    Cause, DeliveryObserver, Failure, ReceiverId, ReceiverIds, ReceiverInfo, ReceiverMode,
    RetryWhen,
};
use crate::store::{Due, EventState, ReceiverProgress, ReceiverState, StoreError};
use crate::trace::{self, ReceiverSpans, Scope, Source};
use crate::webhook::EventFailure;

/// The time after which an async delivery yields to the other tasks, and to the other webhooks of a
/// [round](crate::WebhookEngine::tend_async): their leases and their successes are to be written.
const TURN: Duration = Duration::from_millis(10);

/// The most bytes that are kept of the text of an error.
const MAX_ERROR_LEN: usize = 1_000;

/// Delivers all jobs. An event whose progress was not written is delivered again by the next
/// claim.
pub(super) async fn deliver(
    mut checkpointer: Checkpointer<'_>,
    jobs: Vec<Job>,
) -> Result<Outcome, StoreError> {
    let mut succeeded = Vec::new();
    let yields = checkpointer.call.mode == ReceiverMode::Async;
    let mut turn = Instant::now();
    for job in jobs {
        if yields && turn.elapsed() >= TURN {
            yield_once().await;
            turn = Instant::now();
        }
        deliver_event(&mut checkpointer, job, &mut succeeded).await?;
    }
    checkpointer.finish().await
}

/// Returns control to the executor once.
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
    if !checkpointer.is_lost(&job) && checkpointer.hold_back(&job) {
        return Ok(());
    }
    let after_crash = checkpointer.is_after_crash(&job);
    if after_crash {
        if job.progress.attempts >= settings.max_attempts {
            job.progress.state = EventState::Dead;
            note_state(checkpointer, job, None);
            return Ok(());
        }
        // One of its receivers may end the program: the attempt counts before it is made.
        job.progress.attempts += 1;
        checkpointer.mark(&job);
        checkpointer.write().await?;
    }
    if checkpointer.is_lost(&job) {
        checkpointer.outcome.unfinished += 1;
        return Ok(());
    }
    succeeded.clear();
    let at = job.event;
    let event = &checkpointer.batch.events[at];
    let attempt = job.progress.attempts + u32::from(!after_crash);
    let span = Scope::event(Source::Engine, at, event, Some(attempt));
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
    // Without any, all receivers have succeeded, and the event is finished as a whole.
    if has_progress || is_cut_short || error.is_some() {
        observer.note_successes();
        observer.forget_uncalled();
    }
    checkpointer.set_waiting(false);
    let outcome = &mut checkpointer.outcome;
    let has_no_receivers = report.has_no_receivers();
    outcome.failures.extend(EventFailure::all(at, report));
    if let Some(error) = error {
        checkpointer.mark(&job);
        return Err(error);
    }
    outcome.delivered += 1;
    outcome.without_receivers += usize::from(has_no_receivers);
    outcome.unrecognized += usize::from(matches!(event, WebhookEvent::Unrecognized(_)));
    span.run(|| trace::unrecognized(Source::Engine, at, event));
    job.progress.attempts += u32::from(is_attempt && !after_crash);
    let is_lost = checkpointer.is_lost(&job);
    job.progress.state = state_after(&job, is_cut_short || is_lost);
    let delay = if backs_off {
        let delay = settings.backoff.delay(job.progress.attempts);
        delay.max(retry_after)
    } else {
        Duration::ZERO
    };
    span.run(|| note_state(checkpointer, job, (!is_lost).then_some(delay)));
    if checkpointer.is_due() {
        checkpointer.write().await?;
    }
    Ok(())
}

/// Notes the state of an event after its delivery, and the time after which an open one is tried
/// again, unless its webhook is lost.
fn note_state(checkpointer: &mut Checkpointer<'_>, mut job: Job, delay: Option<Duration>) {
    checkpointer.update_turns(&job);
    match job.progress.state {
        EventState::Finished => checkpointer.finish_event(&job),
        EventState::Dead => {
            let event = &checkpointer.batch.events[job.event];
            trace::dead_lettered(job.event, event, &job.progress);
            let attempts = job.progress.attempts;
            checkpointer.call.report_dead(Some(event), attempts);
            checkpointer.outcome.dead_lettered += 1;
            checkpointer.mark(&job);
        }
        EventState::Open => {
            checkpointer.outcome.unfinished += 1;
            if let Some(delay) = delay {
                job.progress.due = Due::after(delay);
                checkpointer.wait(&job, delay);
            }
            checkpointer.mark(&job);
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

/// The observer of the delivery of an event: it leaves out receivers that have succeeded or gave
/// up before, keeps the progress of the others, and has checkpoints written between them.
struct ProgressObserver<'r, 'e> {
    max_attempts: u32,
    /// After a crash: the attempts of the event, which count for each receiver that fails.
    attempts_before_crash: u32,
    checkpointer: &'r mut Checkpointer<'e>,
    event: &'e WebhookEvent,
    job: &'r mut Job,
    /// Whether the receivers of the progress were called in this delivery.
    is_called: Vec<bool>,
    /// The receivers that have succeeded and are not part of the progress yet.
    succeeded: &'r mut Vec<ReceiverId>,
    /// The failure of the store, after which no receiver is called.
    error: Option<StoreError>,
    /// Whether a receiver was left out that has not succeeded.
    is_cut_short: bool,
    /// Whether a receiver that could be called has failed.
    is_attempt: bool,
    /// The longest time for which a receiver that is tried again has asked.
    retry_after: Duration,
    /// Whether a receiver has failed for another reason than that the call is a sync one.
    backs_off: bool,
    /// The alarms of pending receivers that have a timeout, by their places.
    timeouts: Vec<(usize, Alarm<'e>)>,
    spans: ReceiverSpans,
    /// The starts of the calls that are not over, by their places, if the program observes them.
    calls: Vec<(usize, Instant)>,
}

impl ProgressObserver<'_, '_> {
    /// Returns the progress of a receiver that was called, which is added if it is new.
    fn progress_of(&mut self, id: ReceiverId) -> &mut ReceiverProgress {
        let receivers = &mut self.job.progress.receivers;
        let known = receivers.iter().position(|known| known.receiver == id);
        let place = known.unwrap_or(receivers.len());
        if place == receivers.len() {
            let state = ReceiverState::Failed;
            receivers.push(ReceiverProgress::new(id.into_owned(), state, 0));
            self.is_called.push(false);
        }
        self.is_called[place] = true;
        &mut receivers[place]
    }

    /// Adds the receivers that have succeeded to the progress.
    fn note_successes(&mut self) {
        for id in std::mem::take(self.succeeded) {
            let progress = self.progress_of(id);
            progress.state = ReceiverState::Succeeded;
            progress.error = None;
        }
    }

    /// Removes receivers that failed before and are no more part of the program, so that they
    /// do not keep the event open.
    fn forget_uncalled(&mut self) {
        if !self.is_cut_short {
            let mut is_called = self.is_called.iter();
            self.job.progress.receivers.retain(|receiver| {
                let is_called = is_called.next().is_none_or(|is_called| *is_called);
                is_called || receiver.state != ReceiverState::Failed
            });
        }
    }

    /// Cancels the alarm of a receiver that is done: one of another signal may have its place.
    fn end_timeout(&mut self, at: usize) {
        self.timeouts.retain(|(known, _)| *known != at);
    }

    /// Returns the number of the attempt that a receiver makes, from 1 on.
    fn attempt(&self, id: &str) -> u32 {
        let mut receivers = self.job.progress.receivers.iter();
        let known = receivers.find(|known| known.receiver == id);
        let before = known.map_or(0, |known| known.attempts);
        before.saturating_add(1).max(self.attempts_before_crash)
    }

    /// Removes the start of the call of a receiver; `None` if the program does not observe it.
    fn take_start(&mut self, at: usize) -> Option<Instant> {
        let place = self.calls.iter().position(|(known, _)| *known == at)?;
        Some(self.calls.swap_remove(place).1)
    }

    /// Reports a call to the observers of the program.
    fn report(
        &self,
        receiver: &ReceiverInfo,
        (attempt, started): (u32, Instant),
        failure: Option<&Failure>,
        gave_up: bool,
    ) {
        let delivery = Delivery {
            event: self.event,
            receiver,
            attempt,
            duration: started.elapsed(),
            failure,
            gave_up,
        };
        let observers = &self.checkpointer.call.core.settings.observers;
        observers.notify(|observer| observer.delivered(&delivery));
    }

    fn mark_successes(&mut self) {
        self.note_successes();
        self.checkpointer.mark(self.job);
    }
}

impl DeliveryObserver for ProgressObserver<'_, '_> {
    fn poll_checkpoint(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        if self.error.is_some() {
            return Poll::Ready(());
        }
        if !self.succeeded.is_empty() && self.checkpointer.is_interval_over() {
            self.mark_successes();
        }
        self.checkpointer
            .poll(cx)
            .map(|result| self.error = result.err())
    }

    fn should_call<I: ReceiverIds + ?Sized>(&mut self, ids: &I, at: usize) -> bool {
        let replay = &self.checkpointer.batch.replay;
        if replay
            .as_ref()
            .is_some_and(|replay| !replay.calls(&ids.receiver_id(at)))
        {
            return false;
        }
        let receivers = &self.job.progress.receivers;
        if !receivers.is_empty() {
            let id = ids.receiver_id(at);
            let known = receivers.iter().find(|known| known.receiver == id);
            if known.is_some_and(|known| known.state != ReceiverState::Failed) {
                return false;
            }
        }
        let is_over = self.error.is_some() || self.checkpointer.is_lost(self.job);
        self.is_cut_short |= is_over;
        if !is_over && !self.checkpointer.call.core.settings.observers.is_empty() {
            self.calls.push((at, Instant::now()));
        }
        !is_over
    }

    fn scope<I: ReceiverIds + ?Sized, R>(
        &mut self,
        ids: &I,
        at: usize,
        run: impl FnOnce() -> R,
    ) -> R {
        self.spans.run(ids, at, run)
    }

    fn succeeded<I: ReceiverIds + ?Sized>(&mut self, ids: &I, at: usize, is_called: bool) {
        self.end_timeout(at);
        self.spans.end(at);
        let id = ids.receiver_id(at);
        if let Some(started) = self.take_start(at)
            && is_called
        {
            let receiver = ids.info(self.event.name(), at);
            self.report(&receiver, (self.attempt(&id), started), None, false);
        }
        self.succeeded.push(id);
    }

    fn poll_timeout<I: ReceiverIds + ?Sized>(
        &mut self,
        ids: &I,
        at: usize,
        cx: &mut Context<'_>,
    ) -> Poll<()> {
        let Some(timeout) = ids.timeout(at) else {
            return Poll::Pending;
        };
        let known = self.timeouts.iter().position(|(known, _)| *known == at);
        let place = known.unwrap_or(self.timeouts.len());
        if known.is_none() {
            let timer = self.checkpointer.call.core.settings.timer.as_ref();
            self.timeouts.push((at, Alarm::new(timer)));
        }
        if self.timeouts[place].1.poll(|| timeout, cx) {
            Poll::Ready(())
        } else {
            Poll::Pending
        }
    }

    /// Receivers that wait may wait for long, or be dropped: successes are written first.
    fn all_pending(&mut self) {
        self.checkpointer.set_waiting(true);
        if !self.succeeded.is_empty() {
            self.mark_successes();
            self.checkpointer.set_due();
        }
    }

    fn failed<I: ReceiverIds + ?Sized>(&mut self, ids: &I, at: usize, failure: &Failure) {
        self.end_timeout(at);
        self.spans.fail(at, failure);
        let cause = failure.cause();
        // A receiver that could not be called has made no attempt.
        let is_attempt = !matches!(cause, Cause::NeedsAsend | Cause::MissingContext(_));
        let max_attempts = ids.attempts(at).unwrap_or(self.max_attempts);
        let id = ids.receiver_id(at);
        let attempt = self.attempt(&id);
        let keeps_error = self.checkpointer.call.core.settings.keep_errors;
        let progress = self.progress_of(id);
        progress.state = ReceiverState::Failed;
        let mut retry_after = Duration::ZERO;
        progress.error = keeps_error.then(|| error_text(failure));
        if is_attempt {
            progress.attempts = attempt;
            let is_last = progress.attempts >= max_attempts;
            match cause.retry() {
                Some(RetryWhen::Never) => progress.state = ReceiverState::GaveUp,
                _ if is_last => progress.state = ReceiverState::GaveUp,
                Some(RetryWhen::After(delay)) => retry_after = delay,
                None => {}
            }
        }
        let gave_up = progress.state == ReceiverState::GaveUp;
        self.retry_after = self.retry_after.max(retry_after);
        self.is_attempt |= is_attempt;
        self.backs_off |= !matches!(cause, Cause::NeedsAsend);
        if let Some(started) = self.take_start(at) {
            self.report(
                failure.receiver(),
                (attempt, started),
                Some(failure),
                gave_up,
            );
        }
    }
}

/// Returns the text of a failure, cut to [`MAX_ERROR_LEN`].
fn error_text(failure: &Failure) -> Box<str> {
    let mut text = failure.cause_text();
    let mut ends = (0..=text.len().min(MAX_ERROR_LEN)).rev();
    let end = ends.find(|end| text.is_char_boundary(*end));
    text.truncate(end.unwrap_or(0));
    text.into()
}
