//! The spans and events of [`tracing`](https://docs.rs/tracing), with the feature of
//! that name; no-ops without it. A subscriber that panics costs its own output only.
//!
//! They carry the ids of your accounts and numbers, and nothing of a user: no
//! text, no name, no phone number, and no wamid, which contains a phone number.
//! The texts of your receivers' errors are logged as they are.

#[cfg(all(feature = "signature", feature = "tracing"))]
pub(crate) use on::forged;
#[cfg(feature = "tracing")]
pub(crate) use on::{Webhook, failed, finished, processed, unreadable, unrecognized};

#[cfg(all(feature = "signature", not(feature = "tracing")))]
pub(crate) use off::forged;
#[cfg(not(feature = "tracing"))]
pub(crate) use off::{Webhook, failed, finished, processed, unreadable, unrecognized};

#[cfg(feature = "tracing")]
mod on {
    use std::error::Error;
    use std::fmt::{self, Display, Write};
    use std::future::{Future, poll_fn};
    use std::pin::{Pin, pin};
    use std::task::{self, Poll};

    use tracing::{Span, error, info, info_span, warn};

    use crate::Outcome;
    use crate::event::{Unrecognized, WebhookEvent};
    use crate::json::Excerpt;
    use crate::model::Account;
    use crate::signal::{Failure, Guarded, quietly};
    use crate::webhook::{DispatchReport, ParseError};

    /// The span of a webhook: `whatsapp_webhook`; none if the subscriber panics at it.
    pub(crate) struct Webhook(Guarded<Span>);

    impl Webhook {
        pub(crate) fn new(events: &[WebhookEvent]) -> Self {
            // The macro evaluates the fields only if the span is enabled.
            let span = || {
                info_span!(
                    "whatsapp_webhook",
                    events = events.len(),
                    waba_id = of_all(events, |account| Some(account.waba_id.as_ref()?.as_str())),
                    phone_number_id = of_all(events, |account| {
                        Some(account.phone_number_id.as_ref()?.as_str())
                    }),
                )
            };
            Self(quietly(span).into())
        }

        /// Runs `work` in the span.
        pub(crate) fn scope<R>(&self, work: impl FnOnce() -> R) -> R {
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
        span: &'a Webhook,
        work: Pin<&'a mut Option<F>>,
    }

    impl<F: Future> InSpan<'_, F> {
        fn poll(&mut self, cx: &mut task::Context<'_>) -> Poll<F::Output> {
            let Self { span, work } = self;
            let work = work.as_mut().as_pin_mut();
            work.map_or(Poll::Pending, |work| span.scope(|| work.poll(cx)))
        }
    }

    impl<F> Drop for InSpan<'_, F> {
        fn drop(&mut self) {
            let Self { span, work } = self;
            span.scope(|| work.set(None));
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

    /// Logs that a receiver failed at the event with this place in its webhook.
    pub(crate) fn failed(event: usize, failure: &Failure) {
        let receiver = failure.receiver();
        let chain = failure.error().map(|error| Chain(error));
        quietly(|| {
            error!(
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

    pub(crate) fn unrecognized(event: usize, item: &Unrecognized) {
        quietly(|| {
            warn!(
                event,
                field = item.field.as_deref().map(Excerpt).map(tracing::field::display),
                reason = %item.reason,
                "unrecognized"
            );
        });
    }

    pub(crate) fn unreadable(error: &ParseError) {
        quietly(|| {
            warn!(%error, "not a webhook");
        });
    }

    #[cfg(feature = "signature")]
    pub(crate) fn forged(error: &crate::SignatureError) {
        quietly(|| {
            warn!(%error, "not signed");
        });
    }

    pub(crate) fn finished(report: &DispatchReport) {
        quietly(|| {
            info!(
                events = report.events(),
                skipped = report.skipped(),
                unrecognized = report.unrecognized(),
                unheard = report.unheard(),
                called = report.called(),
                filtered = report.filtered(),
                failed = report.failures().len(),
                "dispatched"
            );
        });
    }

    pub(crate) fn processed(outcome: &Outcome) {
        quietly(|| {
            info!(
                fired = outcome.fired(),
                duplicate = outcome.duplicate(),
                unrecognized = outcome.unrecognized(),
                unheard = outcome.unheard(),
                failed = outcome.failed(),
                unfinished = outcome.unfinished(),
                dead = outcome.dead(),
                "processed"
            );
        });
    }

    /// The text of an error with its sources, in one line. A text or source that panics is
    /// replaced, so that the subscriber writes the remaining fields.
    struct Chain<'a>(&'a (dyn Error + 'static));

    impl Display for Chain<'_> {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str(&text(self.0))?;
            let mut error = self.0;
            loop {
                match quietly(|| error.source()) {
                    Some(None) => return Ok(()),
                    None => return f.write_str(": error whose source panicked"),
                    Some(Some(source)) => {
                        write!(f, ": {}", text(source))?;
                        error = source;
                    }
                }
            }
        }
    }

    /// Returns the text of an error. It is written into memory first: a panic within the
    /// subscriber could cost the whole event.
    fn text(error: &dyn Error) -> String {
        let text = || {
            let mut text = String::new();
            write!(text, "{error}").is_ok().then_some(text)
        };
        let text = quietly(text).flatten();
        text.unwrap_or_else(|| "error whose Display panicked".to_owned())
    }
}

#[cfg(not(feature = "tracing"))]
mod off {
    use std::future::Future;

    use crate::Outcome;
    use crate::event::{Unrecognized, WebhookEvent};
    use crate::signal::Failure;
    use crate::webhook::{DispatchReport, ParseError};

    pub(crate) struct Webhook;

    #[allow(clippy::unused_self, reason = "the other one is a span")]
    impl Webhook {
        #[inline]
        pub(crate) fn new(_: &[WebhookEvent]) -> Self {
            Self
        }

        #[inline]
        pub(crate) fn scope<R>(&self, work: impl FnOnce() -> R) -> R {
            work()
        }

        #[inline]
        pub(crate) fn around<F: Future>(&self, work: F) -> F {
            work
        }
    }

    #[inline]
    pub(crate) fn failed(_: usize, _: &Failure) {}

    #[inline]
    pub(crate) fn unrecognized(_: usize, _: &Unrecognized) {}

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
