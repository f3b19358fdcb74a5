//! Instrumentation by [`tracing`](https://docs.rs/tracing), with the feature of that name; no-ops
//! without it. A subscriber that panics loses only its own output.
//!
//! The span of a receiver is within the span of its event, which is within the span of the webhook.
//! The spans carry the ids of your accounts and numbers, and nothing of a user: no text, no name,
//! no phone number, and no wamid, which contains a phone number. The error texts of receivers are
//! logged unchanged.
//!
//! Without the feature, the types have no size, and the bodies of the functions are empty or one
//! call.
#![cfg_attr(
    not(feature = "tracing"),
    allow(
        unused_variables,
        clippy::unused_self,
        reason = "only spans and events use them"
    )
)]

use std::future::Future;
#[cfg(feature = "tracing")]
use std::{
    future::poll_fn,
    pin::{Pin, pin},
    task::{self, Poll},
};

#[cfg(feature = "tracing")]
use smallvec::SmallVec;
#[cfg(feature = "tracing")]
use tracing::{Level, Span};

use crate::event::WebhookEvent;
#[cfg(feature = "tracing")]
use crate::panic_guard::{Guarded, catch_panic};
#[cfg(feature = "tracing")]
use crate::signal::{DeliveryObserver, ErrorChain};
use crate::signal::{Failure, ReceiverIds};
#[cfg(feature = "tracing")]
use crate::{json::Excerpt, model::Account};

/// The part of this crate that delivers an event: the target of its spans and events, by which
/// programs filter them.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Source {
    /// `whatsapp_signals::dispatch`
    Dispatch,
    /// `whatsapp_signals::engine`
    Engine,
}

/// Calls a macro of `tracing` with the target of a source, as targets are constants. A subscriber
/// that panics is caught: `None`.
#[cfg(feature = "tracing")]
macro_rules! traced {
    ($source:expr, $macro:ident, $($rest:tt)*) => {
        $crate::panic_guard::catch_panic(|| match $source {
            $crate::trace::Source::Dispatch => {
                tracing::$macro!(target: "whatsapp_signals::dispatch", $($rest)*)
            }
            $crate::trace::Source::Engine => tracing::$macro!(target: "whatsapp_signals::engine", $($rest)*),
        })
    };
}
#[cfg(feature = "tracing")]
pub(crate) use traced;

/// Logs an event of a level; a no-op without the feature.
macro_rules! log {
    ($source:expr, $level:ident, $($rest:tt)*) => {
        #[cfg(feature = "tracing")]
        $crate::trace::traced!($source, $level, $($rest)*);
    };
}
pub(crate) use log;

/// Opens a span. The fields are evaluated only if the span is enabled.
macro_rules! open {
    ($source:expr, $($rest:tt)*) => {
        TraceSpan {
            #[cfg(feature = "tracing")]
            span: traced!($source, info_span, $($rest)*).into(),
        }
    };
}

/// A span in which work is run; none if the subscriber panicked at its creation.
pub(crate) struct TraceSpan {
    #[cfg(feature = "tracing")]
    span: Guarded<Span>,
}

impl TraceSpan {
    /// Opens the span of a webhook: `whatsapp_webhook`.
    #[inline]
    pub(crate) fn webhook(source: Source, events: &[WebhookEvent]) -> Self {
        open!(
            source,
            "whatsapp_webhook",
            events = events.len(),
            waba_id = common_id(events, |account| Some(account.waba_id.as_ref()?.as_str())),
            phone_number_id = common_id(events, |account| {
                Some(account.phone_number_id.as_ref()?.as_str())
            }),
        )
    }

    /// Opens the span of the event at an index of its webhook: `whatsapp_event`. An engine gives
    /// the attempt, counted from 1.
    #[inline]
    pub(crate) fn event(
        source: Source,
        at: usize,
        event: &WebhookEvent,
        attempt: Option<u32>,
    ) -> Self {
        open!(
            source,
            "whatsapp_event",
            event = at,
            signal = event.name(),
            attempt
        )
    }

    /// Runs `work` in the span.
    #[inline]
    pub(crate) fn run<R>(&self, work: impl FnOnce() -> R) -> R {
        #[cfg(feature = "tracing")]
        let _entered = Guarded::from(catch_panic(|| self.span.get().map(Span::enter)).flatten());
        work()
    }

    /// Polls and drops `work` in the span.
    #[inline]
    pub(crate) fn around<F: Future>(&self, work: F) -> impl Future<Output = F::Output> {
        #[cfg(feature = "tracing")]
        let work = async move {
            let work = pin!(Some(work));
            let mut work = InSpan { span: self, work };
            poll_fn(|cx| work.poll(cx)).await
        };
        work
    }
}

/// A future in a span; `None` once it has been dropped.
#[cfg(feature = "tracing")]
struct InSpan<'a, F> {
    span: &'a TraceSpan,
    work: Pin<&'a mut Option<F>>,
}

#[cfg(feature = "tracing")]
impl<F: Future> InSpan<'_, F> {
    fn poll(&mut self, cx: &mut task::Context<'_>) -> Poll<F::Output> {
        let Self { span, work } = self;
        let work = work.as_mut().as_pin_mut();
        work.map_or(Poll::Pending, |work| span.run(|| work.poll(cx)))
    }
}

#[cfg(feature = "tracing")]
impl<F> Drop for InSpan<'_, F> {
    fn drop(&mut self) {
        let Self { span, work } = self;
        span.run(|| work.set(None));
    }
}

/// Returns the id that all events share. An id that is longer than any of Meta's is omitted.
#[cfg(feature = "tracing")]
fn common_id(events: &[WebhookEvent], id: impl Fn(&Account) -> Option<&str>) -> Option<&str> {
    let mut ids = events.iter().map(|event| id(event.account()));
    let first = ids.next()??;
    let is_common = first.len() <= 64 && ids.all(|id| id == Some(first));
    is_common.then_some(first)
}

/// The spans of the running receivers of one event. The failure of a receiver is logged in its
/// span.
pub(crate) struct ReceiverSpans {
    #[cfg(feature = "tracing")]
    source: Source,
    /// The index of the event in its webhook.
    #[cfg(feature = "tracing")]
    event: usize,
    #[cfg(feature = "tracing")]
    pub(crate) is_enabled: bool,
    /// The spans, with the indexes of their receivers.
    #[cfg(feature = "tracing")]
    running: SmallVec<[(usize, TraceSpan); 1]>,
}

impl ReceiverSpans {
    /// Returns the spans of the receivers of the event at an index of its webhook.
    #[inline]
    pub(crate) fn new(source: Source, event: usize) -> Self {
        Self {
            #[cfg(feature = "tracing")]
            source,
            #[cfg(feature = "tracing")]
            event,
            #[cfg(feature = "tracing")]
            is_enabled: traced!(source, span_enabled, Level::INFO).unwrap_or(false),
            #[cfg(feature = "tracing")]
            running: SmallVec::new(),
        }
    }

    /// Runs the call of a receiver, or one poll of it, in its span: `whatsapp_receiver`.
    #[inline]
    pub(crate) fn run<I: ReceiverIds + ?Sized, R>(
        &mut self,
        ids: &I,
        at: usize,
        work: impl FnOnce() -> R,
    ) -> R {
        #[cfg(feature = "tracing")]
        if self.is_enabled {
            let known = self.running.iter().position(|(known, _)| *known == at);
            let index = known.unwrap_or(self.running.len());
            if known.is_none() {
                let span = open!(
                    self.source,
                    "whatsapp_receiver",
                    receiver = &*ids.receiver_id(at),
                );
                self.running.push((at, span));
            }
            return self.running[index].1.run(work);
        }
        work()
    }

    /// Ends the span of a receiver.
    #[inline]
    pub(crate) fn end(&mut self, at: usize) {
        #[cfg(feature = "tracing")]
        self.running.retain(|(known, _)| *known != at);
    }

    /// Logs the failure of a receiver, and ends its span.
    #[inline]
    pub(crate) fn fail(&mut self, at: usize, failure: &Failure) {
        #[cfg(feature = "tracing")]
        {
            let running = self.running.iter().find(|(known, _)| *known == at);
            let log = || failed(self.source, self.event, failure);
            running.map_or_else(log, |(_, span)| span.run(log));
        }
        self.end(at);
    }
}

#[cfg(feature = "tracing")]
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

/// Logs that a receiver failed at the event with this index in its webhook.
#[cfg(feature = "tracing")]
pub(crate) fn failed(source: Source, event: usize, failure: &Failure) {
    let receiver = failure.receiver();
    let chain = failure.error().map(|error| ErrorChain(error));
    log!(
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
}

/// Logs an event that is an [`Unrecognized`](crate::event::Unrecognized).
#[inline]
pub(crate) fn unrecognized(source: Source, at: usize, event: &WebhookEvent) {
    if let WebhookEvent::Unrecognized(item) = event {
        log!(
            source,
            warn,
            event = at,
            field = item
                .field
                .as_deref()
                .map(Excerpt)
                .map(tracing::field::display),
            reason = %item.reason,
            "unrecognized"
        );
    }
}
