//! Receivers that ask for a retry, and errors that wrap what they ask for.

use std::io;

use anyhow::Context;
use thiserror::Error;
use whatsapp_signals::{Retry, RetryWhen};

use super::*;

const MINUTE: Duration = Duration::from_secs(60);

fn never() -> Retry {
    Retry::never("the card has expired")
}

fn later() -> Retry {
    Retry::after(MINUTE, "the bank is busy")
}

/// The retry of a failure with this error.
fn retry_of(error: impl Into<BoxError>) -> Option<RetryWhen> {
    let error = Mutex::new(Some(error.into()));
    let signal = Signal::new("tick");
    let _bad = signal.connect(move |_: &u32| {
        let error = error.lock().expect("no test panics here").take();
        error.map_or(Ok(()), Err)
    });
    let failure = signal.send(&1).expect_err("the receiver fails");
    failure.retry()
}

/// The texts of an error and its sources.
fn chain(error: &(dyn Error + 'static)) -> Vec<String> {
    let links = std::iter::successors(Some(error), |&error| error.source());
    links.map(ToString::to_string).collect()
}

#[derive(Debug, Error)]
enum Payment {
    #[error("the payment failed")]
    From(#[from] Retry),
    #[error("the refund failed")]
    Source(#[source] BoxError),
    #[error(transparent)]
    Transparent(Box<Retry>),
    #[error(transparent)]
    Shared(Arc<Retry>),
    #[error(transparent)]
    Anyhow(anyhow::Error),
    #[error("the order failed")]
    Nested(#[source] Box<Payment>),
}

/// A `transparent` variant with `#[from]`, as `?` uses it.
#[derive(Debug, Error)]
#[error(transparent)]
struct Forwarding(#[from] Retry);

#[test]
fn a_retry_is_the_error_itself_boxed_or_not() {
    assert_eq!(retry_of(never()), Some(RetryWhen::Never));
    assert_eq!(retry_of(later()), Some(RetryWhen::After(MINUTE)));
    assert_eq!(retry_of(Box::new(later())), Some(RetryWhen::After(MINUTE)));
    let boxed: BoxError = never().into();
    assert_eq!(retry_of(boxed), Some(RetryWhen::Never));
    assert_eq!(retry_of(Arc::new(never())), Some(RetryWhen::Never));
}

#[test]
fn an_error_without_a_retry_requests_none() {
    assert_eq!(retry_of("the bank is busy"), None);
    assert_eq!(retry_of(io::Error::other("the bank is busy")), None);
    assert_eq!(retry_of(anyhow::anyhow!("busy").context("no answer")), None);
    assert_eq!(retry_of(never().to_string()), None, "text has no sources");

    let signal = Signal::new("tick");
    let _panics = signal.connect(panics_with_a_retry);
    let _waits = signal.connect(async |_: &u32| Err(never()));
    let failures = signal.send_robust(&1).into_failures();
    assert_eq!(failures.len(), 2);
    assert!(failures.iter().all(|failure| failure.retry().is_none()));
}

fn panics_with_a_retry(_: &u32) {
    panic_any(never());
}

#[test]
fn a_retry_is_found_in_an_anyhow_error() {
    fn direct() -> anyhow::Result<()> {
        Err(never())?;
        Ok(())
    }
    fn with_context() -> anyhow::Result<()> {
        direct().context("no money")?;
        Ok(())
    }
    for error in [direct(), with_context(), with_context().context("no order")] {
        let error = error.expect_err("it fails");
        assert_eq!(
            error.downcast_ref::<Retry>().map(Retry::when),
            Some(RetryWhen::Never)
        );
        assert_eq!(retry_of(error), Some(RetryWhen::Never));
    }
}

#[test]
fn a_retry_is_found_in_a_thiserror_enum() {
    for payment in [
        Payment::from(never()),
        Payment::Source(never().into()),
        Payment::Source(io::Error::other(never()).into()),
        Payment::Transparent(never().into()),
        Payment::Shared(never().into()),
        Payment::Anyhow(never().into()),
        Payment::Anyhow(anyhow::Error::new(never()).context("no money")),
    ] {
        let nested = Payment::Nested(payment.into());
        let text = format!("{nested:?}");
        assert_eq!(retry_of(nested), Some(RetryWhen::Never), "{text}");
    }
    assert_eq!(
        retry_of(Forwarding::from(later())),
        Some(RetryWhen::After(MINUTE))
    );
    let transparent = Payment::Transparent(never().into());
    assert_eq!(retry_of(transparent), Some(RetryWhen::Never));
    let mixed = anyhow::Error::new(Forwarding(never())).context("no money");
    assert_eq!(retry_of(Payment::Anyhow(mixed)), Some(RetryWhen::Never));
}

#[test]
fn the_outermost_retry_of_a_chain_counts() {
    assert_eq!(retry_of(Retry::never(later())), Some(RetryWhen::Never));
    let outer = Retry::after(MINUTE, Payment::from(never()));
    assert_eq!(retry_of(outer), Some(RetryWhen::After(MINUTE)));
    let outer = anyhow::Error::new(Retry::never(Forwarding(later()))).context("no money");
    assert_eq!(retry_of(outer), Some(RetryWhen::Never));
}

#[test]
fn an_async_receiver_may_request_a_retry() {
    let signal = Signal::new("tick");
    let _bad = signal.connect(async |_: &u32| Err(later()));
    let report = pollster::block_on(signal.asend_robust(&1));
    assert_eq!(report.failures()[0].retry(), Some(RetryWhen::After(MINUTE)));
}

#[test]
fn a_printed_chain_has_each_text_once() {
    let cause = anyhow::anyhow!("connection refused").context("no money");
    let error = anyhow::Error::new(Retry::after(MINUTE, cause)).context("no order");
    let expected = [
        "no order",
        "no money",
        "to be retried after 60s",
        "connection refused",
    ];
    assert_eq!(
        error.chain().map(ToString::to_string).collect::<Vec<_>>(),
        expected
    );
    assert_eq!(
        chain(&never()),
        ["the card has expired", "not to be retried"]
    );
}

#[test]
fn the_wrapped_error_keeps_its_type() {
    let retry = Retry::never("x".parse::<u8>().expect_err("no number"));
    assert!(retry.error().is::<ParseIntError>());
    assert_eq!(retry.when(), RetryWhen::Never);
}
