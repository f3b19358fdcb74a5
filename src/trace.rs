//! The spans and events of [`tracing`](https://docs.rs/tracing), with the feature of
//! that name; no-ops without it. A subscriber that panics costs its own output only.
//!
//! The span of a receiver is within that of its event, and that within the span of the webhook.
//! They carry the ids of your accounts and numbers, and nothing of a user: no
//! text, no name, no phone number, and no wamid, which contains a phone number.
//! The texts of your receivers' errors are logged as they are.

#[cfg(all(feature = "signature", feature = "tracing"))]
pub(crate) use on::forged;
#[cfg(feature = "tracing")]
pub(crate) use on::{
    ReceiverSpans, Scope, dead_lettered, dispatch, dispatch_async, finished, processed, unreadable,
    unrecognized,
};

#[cfg(all(feature = "signature", not(feature = "tracing")))]
pub(crate) use off::forged;
#[cfg(not(feature = "tracing"))]
pub(crate) use off::{
    ReceiverSpans, Scope, dead_lettered, dispatch, dispatch_async, finished, processed, unreadable,
    unrecognized,
};

/// The part of this crate that delivers an event: the target of its spans and events, by which
/// programs filter them.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Source {
    /// `whatsapp_signals::dispatch`
    Dispatch,
    /// `whatsapp_signals::engine`
    Engine,
}

#[cfg(feature = "tracing")]
mod on {
    use std::future::{Future, poll_fn};
    use std::pin::{Pin, pin};
    use std::task::{self, Poll};

    use smallvec::SmallVec;
    use tracing::{Level, Span};

    use super::Source;
    use crate::Outcome;
    use crate::event::WebhookEvent;
    use crate::json::Excerpt;
    use crate::model::Account;
    use crate::signal::{
        Chain, DeliveryObserver, Failure, Guarded, InContext, ReceiverIds, ReceiverMode, Report,
        quietly,
    };
    use crate::store::{ProgressRow, ReceiverProgress, ReceiverState};
    use crate::webhook::{DispatchReport, ParseError};

    /// Calls a macro of `tracing` with the target of a source, as targets are constants.
    macro_rules! with_target {
        ($source:expr, $macro:ident, $($rest:tt)*) => {
            match $source {
                Source::Dispatch => {
                    tracing::$macro!(target: "whatsapp_signals::dispatch", $($rest)*)
                }
                Source::Engine => tracing::$macro!(target: "whatsapp_signals::engine", $($rest)*),
            }
        };
    }

    /// A span in which work is run; none if the subscriber panics at it.
    pub(crate) struct Scope(Guarded<Span>);

    impl Scope {
        /// Returns the span of a webhook: `whatsapp_webhook`.
        pub(crate) fn webhook(source: Source, events: &[WebhookEvent]) -> Self {
            // The macro evaluates the fields only if the span is enabled.
            Self::new(|| {
                with_target!(
                    source,
                    info_span,
                    "whatsapp_webhook",
                    events = events.len(),
                    waba_id = of_all(events, |account| Some(account.waba_id.as_ref()?.as_str())),
                    phone_number_id = of_all(events, |account| {
                        Some(account.phone_number_id.as_ref()?.as_str())
                    }),
                )
            })
        }

        /// Returns the span of the event at a place of its webhook: `whatsapp_event`. An engine
        /// knows the attempt, from 1 on.
        pub(crate) fn event(
            source: Source,
            at: usize,
            event: &WebhookEvent,
            attempt: Option<u32>,
        ) -> Self {
            Self::new(|| {
                with_target!(
                    source,
                    info_span,
                    "whatsapp_event",
                    event = at,
                    signal = event.name(),
                    attempt
                )
            })
        }

        /// Returns the span of a receiver: `whatsapp_receiver`.
        fn receiver<I: ReceiverIds + ?Sized>(source: Source, ids: &I, at: usize) -> Self {
            Self::new(|| {
                with_target!(
                    source,
                    info_span,
                    "whatsapp_receiver",
                    receiver = &*ids.receiver_id(at),
                )
            })
        }

        fn new(span: impl FnOnce() -> Span) -> Self {
            Self(quietly(span).into())
        }

        /// Runs `work` in the span.
        pub(crate) fn run<R>(&self, work: impl FnOnce() -> R) -> R {
            let enter = || self.0.get().map(Span::enter);
            let _entered = Guarded::from(quietly(enter).flatten());
            work()
        }

        /// Polls and drops `work` in the span.
        pub(crate) async fn around<F: Future>(&self, work: F) -> F::Output {
            let work = pin!(Some(work));
            let mut work = InSpan { span: self, work };
            poll_fn(|cx| work.poll(cx)).await
        }
    }

    /// A future in a span; `None` when it has been dropped.
    struct InSpan<'a, F> {
        span: &'a Scope,
        work: Pin<&'a mut Option<F>>,
    }

    impl<F: Future> InSpan<'_, F> {
        fn poll(&mut self, cx: &mut task::Context<'_>) -> Poll<F::Output> {
            let Self { span, work } = self;
            let work = work.as_mut().as_pin_mut();
            work.map_or(Poll::Pending, |work| span.run(|| work.poll(cx)))
        }
    }

    impl<F> Drop for InSpan<'_, F> {
        fn drop(&mut self) {
            let Self { span, work } = self;
            span.run(|| work.set(None));
        }
    }

    /// An id that all events have. One that is longer than any of Meta's is left
    /// out.
    fn of_all(events: &[WebhookEvent], id: impl Fn(&Account) -> Option<&str>) -> Option<&str> {
        let mut ids = events.iter().map(|event| id(event.account()));
        let first = ids.next()??;
        let is_all = first.len() <= 64 && ids.all(|id| id == Some(first));
        is_all.then_some(first)
    }

    /// The spans of the receivers of one event that run, by their places. The failure of a
    /// receiver is logged in its span.
    pub(crate) struct ReceiverSpans {
        source: Source,
        event: usize,
        has_spans: bool,
        running: SmallVec<[(usize, Scope); 1]>,
    }

    impl ReceiverSpans {
        /// Returns the spans of the receivers of the event at a place of its webhook.
        pub(crate) fn new(source: Source, event: usize) -> Self {
            Self {
                source,
                event,
                has_spans: has_spans(source),
                running: SmallVec::new(),
            }
        }

        /// Runs the call of a receiver, or one poll of it, in its span.
        pub(crate) fn run<I: ReceiverIds + ?Sized, R>(
            &mut self,
            ids: &I,
            at: usize,
            work: impl FnOnce() -> R,
        ) -> R {
            if !self.has_spans {
                return work();
            }
            let known = self.running.iter().position(|(known, _)| *known == at);
            let place = known.unwrap_or(self.running.len());
            if known.is_none() {
                self.running
                    .push((at, Scope::receiver(self.source, ids, at)));
            }
            self.running[place].1.run(work)
        }

        /// Ends the span of a receiver.
        pub(crate) fn end(&mut self, at: usize) {
            self.running.retain(|(known, _)| *known != at);
        }

        /// Logs the failure of a receiver, and ends its span.
        pub(crate) fn fail(&mut self, at: usize, failure: &Failure) {
            let running = self.running.iter().find(|(known, _)| *known == at);
            let log = || failed(self.source, self.event, failure);
            running.map_or_else(log, |(_, span)| span.run(log));
            self.end(at);
        }
    }

    impl DeliveryObserver for ReceiverSpans {
        fn scope<I: ReceiverIds + ?Sized, R>(
            &mut self,
            ids: &I,
            at: usize,
            run: impl FnOnce() -> R,
        ) -> R {
            self.run(ids, at, run)
        }

        fn succeeded<I: ReceiverIds + ?Sized>(&mut self, _: &I, at: usize, _: bool) {
            self.end(at);
        }

        fn failed<I: ReceiverIds + ?Sized>(&mut self, _: &I, at: usize, failure: &Failure) {
            self.fail(at, failure);
        }
    }

    /// Returns whether the spans of events and receivers are enabled.
    fn has_spans(source: Source) -> bool {
        let is_enabled = || with_target!(source, span_enabled, Level::INFO);
        quietly(is_enabled).unwrap_or(false)
    }

    /// Dispatches the event at a place of its webhook, in its span.
    pub(crate) fn dispatch(event: InContext<'_, WebhookEvent>, at: usize) -> Report {
        let mut spans = ReceiverSpans::new(Source::Dispatch, at);
        if !spans.has_spans {
            return logged(at, event.delivered, event.dispatch());
        }
        let span = Scope::event(Source::Dispatch, at, event.delivered, None);
        span.run(|| {
            unrecognized(Source::Dispatch, at, event.delivered);
            event.dispatch_observed(&mut spans)
        })
    }

    /// Dispatches as [`dispatch`] does, and awaits async receivers.
    pub(crate) async fn dispatch_async(event: InContext<'_, WebhookEvent>, at: usize) -> Report {
        let mut spans = ReceiverSpans::new(Source::Dispatch, at);
        if !spans.has_spans {
            return logged(at, event.delivered, event.dispatch_async().await);
        }
        let span = Scope::event(Source::Dispatch, at, event.delivered, None);
        span.run(|| unrecognized(Source::Dispatch, at, event.delivered));
        let delivery = event.deliver_observed(ReceiverMode::Async, &mut spans);
        span.around(delivery).await
    }

    /// Logs the failures of a dispatch without spans.
    fn logged(at: usize, event: &WebhookEvent, report: Report) -> Report {
        unrecognized(Source::Dispatch, at, event);
        for failure in report.failures() {
            failed(Source::Dispatch, at, failure);
        }
        report
    }

    /// Logs that a receiver failed at the event with this place in its webhook.
    fn failed(source: Source, event: usize, failure: &Failure) {
        let receiver = failure.receiver();
        let chain = failure.error().map(|error| Chain(error));
        quietly(|| {
            with_target!(
                source,
                error,
                event,
                signal = receiver.signal(),
                receiver = receiver.path(),
                file = receiver.file(),
                line = receiver.line(),
                error = chain.as_ref().map(tracing::field::display),
                panic = failure.panic_message(),
                "{failure}"
            );
        });
    }

    /// Logs an event that is an [`Unrecognized`](crate::event::Unrecognized).
    pub(crate) fn unrecognized(source: Source, at: usize, event: &WebhookEvent) {
        let WebhookEvent::Unrecognized(item) = event else {
            return;
        };
        quietly(|| {
            with_target!(
                source,
                warn,
                event = at,
                field = item.field.as_deref().map(Excerpt).map(tracing::field::display),
                reason = %item.reason,
                "unrecognized"
            );
        });
    }

    /// Logs that the event with this place in its webhook has become a dead letter.
    pub(crate) fn dead_lettered(at: usize, event: &WebhookEvent, progress: &ProgressRow) {
        let has_failed = |receiver: &&ReceiverProgress| receiver.state == ReceiverState::GaveUp;
        let failed = progress.receivers.iter().filter(has_failed);
        quietly(|| {
            with_target!(
                Source::Engine,
                error,
                event = at,
                signal = event.name(),
                attempts = progress.attempts,
                receivers = failed
                    .map(|receiver| receiver.receiver.as_str())
                    .collect::<Vec<_>>()
                    .join(", "),
                "dead letter"
            );
        });
    }

    pub(crate) fn unreadable(error: &ParseError) {
        quietly(|| {
            with_target!(Source::Engine, warn, %error, "not a webhook");
        });
    }

    #[cfg(feature = "signature")]
    pub(crate) fn forged(error: &crate::SignatureError) {
        quietly(|| {
            with_target!(Source::Engine, warn, %error, "not signed");
        });
    }

    pub(crate) fn finished(report: &DispatchReport) {
        quietly(|| {
            with_target!(
                Source::Dispatch,
                info,
                events = report.events(),
                skipped = report.skipped(),
                unrecognized = report.unrecognized(),
                without_receivers = report.without_receivers(),
                called = report.called(),
                filtered = report.filtered(),
                failed = report.failures().len(),
                "dispatched"
            );
        });
    }

    pub(crate) fn processed(outcome: &Outcome) {
        quietly(|| {
            with_target!(
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
        });
    }
}

#[cfg(not(feature = "tracing"))]
mod off {
    use std::future::Future;

    use super::Source;
    use crate::Outcome;
    use crate::event::WebhookEvent;
    use crate::signal::{Failure, InContext, ReceiverIds, Report};
    use crate::store::ProgressRow;
    use crate::webhook::{DispatchReport, ParseError};

    pub(crate) struct Scope;

    #[allow(clippy::unused_self, reason = "the other one is a span")]
    impl Scope {
        #[inline]
        pub(crate) fn webhook(_: Source, _: &[WebhookEvent]) -> Self {
            Self
        }

        #[inline]
        pub(crate) fn event(_: Source, _: usize, _: &WebhookEvent, _: Option<u32>) -> Self {
            Self
        }

        #[inline]
        pub(crate) fn run<R>(&self, work: impl FnOnce() -> R) -> R {
            work()
        }

        #[inline]
        pub(crate) fn around<F: Future>(&self, work: F) -> F {
            work
        }
    }

    pub(crate) struct ReceiverSpans;

    #[allow(clippy::unused_self, reason = "the other one has spans")]
    impl ReceiverSpans {
        #[inline]
        pub(crate) fn new(_: Source, _: usize) -> Self {
            Self
        }

        #[inline]
        pub(crate) fn run<I: ReceiverIds + ?Sized, R>(
            &mut self,
            _: &I,
            _: usize,
            work: impl FnOnce() -> R,
        ) -> R {
            work()
        }

        #[inline]
        pub(crate) fn end(&mut self, _: usize) {}

        #[inline]
        pub(crate) fn fail(&mut self, _: usize, _: &Failure) {}
    }

    #[inline]
    pub(crate) fn dispatch(event: InContext<'_, WebhookEvent>, _: usize) -> Report {
        event.dispatch()
    }

    #[inline]
    pub(crate) fn dispatch_async(
        event: InContext<'_, WebhookEvent>,
        _: usize,
    ) -> impl Future<Output = Report> {
        event.dispatch_async()
    }

    #[inline]
    pub(crate) fn unrecognized(_: Source, _: usize, _: &WebhookEvent) {}

    #[inline]
    pub(crate) fn dead_lettered(_: usize, _: &WebhookEvent, _: &ProgressRow) {}

    #[inline]
    pub(crate) fn unreadable(_: &ParseError) {}

    #[cfg(feature = "signature")]
    #[inline]
    pub(crate) fn forged(_: &crate::SignatureError) {}

    #[inline]
    pub(crate) fn finished(_: &DispatchReport) {}

    #[inline]
    pub(crate) fn processed(_: &Outcome) {}
}
