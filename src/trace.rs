//! What is told to [`tracing`](https://docs.rs/tracing), with the feature of
//! that name; without it, all of this is nothing.
//!
//! The ids of your accounts and numbers are told, and nothing of a user: no
//! text, no name, no phone number, and so no wamid either, which has one in it.
//! What your receivers say in their errors is yours.

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
    use std::fmt::{self, Display};
    use std::future::Future;

    use tracing::{Instrument, Span, error, info, info_span, warn};

    use crate::Outcome;
    use crate::event::{Unrecognized, WebhookEvent};
    use crate::json::Excerpt;
    use crate::model::Account;
    use crate::signal::Failure;
    use crate::webhook::{DispatchReport, ParseError};

    /// The span of a webhook: `whatsapp_webhook`.
    pub(crate) struct Webhook(Span);

    impl Webhook {
        pub(crate) fn new(events: &[WebhookEvent]) -> Self {
            // Nothing is looked up where nobody listens: the macro sees to it.
            Self(info_span!(
                "whatsapp_webhook",
                events = events.len(),
                waba_id = of_all(events, |account| Some(account.waba_id.as_ref()?.as_str())),
                phone_number_id = of_all(events, |account| {
                    Some(account.phone_number_id.as_ref()?.as_str())
                }),
            ))
        }

        pub(crate) fn scope<R>(&self, work: impl FnOnce() -> R) -> R {
            self.0.in_scope(work)
        }

        pub(crate) async fn around<R>(&self, work: impl Future<Output = R>) -> R {
            work.instrument(self.0.clone()).await
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

    /// A receiver failed at the event with this place in its webhook.
    pub(crate) fn failed(event: usize, failure: &Failure) {
        let receiver = failure.receiver();
        let chain = failure.error().map(Chain);
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
    }

    pub(crate) fn unrecognized(event: usize, item: &Unrecognized) {
        warn!(
            event,
            field = item.field.as_deref().map(Excerpt).map(tracing::field::display),
            reason = %item.reason,
            "unrecognized"
        );
    }

    pub(crate) fn unreadable(error: &ParseError) {
        warn!(%error, "not a webhook");
    }

    #[cfg(feature = "signature")]
    pub(crate) fn forged(error: &crate::SignatureError) {
        warn!(%error, "not signed");
    }

    pub(crate) fn finished(report: &DispatchReport) {
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
    }

    pub(crate) fn processed(outcome: &Outcome) {
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
    }

    /// An error and what caused it, in one line.
    struct Chain<'a>(&'a (dyn Error + Send + Sync + 'static));

    impl Display for Chain<'_> {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            write!(f, "{}", self.0)?;
            let mut error = self.0.source();
            while let Some(cause) = error {
                write!(f, ": {cause}")?;
                error = cause.source();
            }
            Ok(())
        }
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
