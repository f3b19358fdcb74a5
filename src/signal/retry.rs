//! The retry that a receiver's error requests.

use std::error::Error;
use std::fmt;
use std::iter::successors;
use std::time::Duration;

use super::receiver::BoxError;
use crate::panic_guard::catch_panic;

/// An error with the time at which its receiver may be called again with the same event.
///
/// Wraps the receiver's own error. `?` may wrap a `Retry` in turn:
/// [`Failure::retry`](crate::Failure::retry) walks the [`source`](Error::source)s, so a
/// `Retry` is found in a `Box<dyn Error>`, an `anyhow::Error` with context and a
/// `thiserror` enum, `transparent` or not. The outermost `Retry` of a chain counts. An
/// error that is made of the text alone, as by `format!`, loses the `Retry`.
///
/// A [`WebhookEngine`](crate::WebhookEngine) and a worker of `whatsapp-signals-nats` apply a
/// `Retry`. A send does not call a receiver again.
///
/// A receiver may also have a limit of [`attempts`](crate::ReceiverInfo::attempts).
/// [`Retry::never`] ends the attempts before the limit, and [`Retry::after`] does not extend it.
///
/// # Examples
///
/// ```
/// use std::time::Duration;
///
/// use anyhow::Context;
/// use whatsapp_signals::{Retry, RetryWhen, Signal};
///
/// # fn post(text: &str) -> u16 {
/// #     if text.is_empty() { 400 } else { 429 }
/// # }
/// fn forward(text: &String) -> anyhow::Result<()> {
///     match post(text) {
///         400 => Err(Retry::never("400 Bad Request")),
///         429 => Err(Retry::after(Duration::from_secs(60), "429 Too Many Requests")),
///         _ => Ok(()),
///     }
///     .context("the text was not forwarded")
/// }
///
/// let signal: Signal<String> = Signal::new("text_typed");
/// let _connection = signal.connect(forward);
///
/// let failure = signal.send(&String::new()).unwrap_err();
/// assert_eq!(failure.retry(), Some(RetryWhen::Never));
/// let failure = signal.send(&"Hi".to_owned()).unwrap_err();
/// assert_eq!(failure.retry(), Some(RetryWhen::After(Duration::from_secs(60))));
/// ```
///
/// # In a chain of errors
///
/// The `Display` form is the text of the wrapped error. The source is the text of the
/// [`RetryWhen`], and its source is the source of the wrapped error, so that a printed chain has
/// each text once. The wrapped error itself is not part of the chain:
/// [`error`](Retry::error) returns it.
///
/// ```
/// use std::error::Error;
/// use whatsapp_signals::Retry;
///
/// let unknown = "x".parse::<u8>().unwrap_err();
/// let retry = Retry::never(unknown.clone());
/// assert_eq!(retry.to_string(), unknown.to_string());
/// assert_eq!(retry.source().unwrap().to_string(), "not to be retried");
/// assert_eq!(retry.error().downcast_ref(), Some(&unknown));
/// ```
#[derive(Debug)]
pub struct Retry(Link);

/// The source of a [`Retry`]. A search of the chain looks for this type.
///
/// Errors that forward to a `Retry` replace it in the chain: a `transparent` error of `thiserror`,
/// an `Arc`, an `anyhow::Error` that was boxed. They forward `source` too, so this link remains.
#[derive(Debug)]
struct Link {
    when: RetryWhen,
    error: BoxError,
}

/// The time at which a receiver may be called again with the same event.
///
/// Returned by [`Failure::retry`](crate::Failure::retry).
///
/// # Examples
///
/// ```
/// use std::time::Duration;
/// use whatsapp_signals::{Failure, RetryWhen};
///
/// /// Returns the delay before a queue delivers the event again; `None` for a dead letter.
/// fn delay(failure: &Failure, deliveries: u32, backoff: Duration) -> Option<Duration> {
///     let attempts = failure.receiver().attempts();
///     if attempts.is_some_and(|attempts| deliveries >= attempts) {
///         return None;
///     }
///     match failure.retry() {
///         None => Some(backoff),
///         Some(RetryWhen::After(delay)) => Some(delay.max(backoff)),
///         Some(RetryWhen::Never) => None,
///     }
/// }
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum RetryWhen {
    /// Never: the same event would fail again.
    Never,
    /// After this duration, or later.
    After(Duration),
}

impl Retry {
    /// Wraps the error of a receiver that would fail again with the same event.
    ///
    /// ```
    /// use whatsapp_signals::Retry;
    ///
    /// fn cents(text: &String) -> Result<(), Retry> {
    ///     let _cents: u32 = text.parse().map_err(Retry::never)?;
    ///     Ok(())
    /// }
    /// assert!(cents(&"ten".to_owned()).is_err());
    /// ```
    #[must_use]
    pub fn never(error: impl Into<BoxError>) -> Self {
        Self::new(RetryWhen::Never, error.into())
    }

    /// Wraps the error of a receiver that may be called again after this duration, or later: a
    /// longer backoff delay is not shortened.
    #[must_use]
    pub fn after(delay: Duration, error: impl Into<BoxError>) -> Self {
        Self::new(RetryWhen::After(delay), error.into())
    }

    fn new(when: RetryWhen, error: BoxError) -> Self {
        Self(Link { when, error })
    }

    /// Returns the time of the retry.
    #[must_use]
    pub fn when(&self) -> RetryWhen {
        self.0.when
    }

    /// Returns the wrapped error.
    #[must_use]
    pub fn error(&self) -> &(dyn Error + Send + Sync + 'static) {
        &*self.0.error
    }

    /// Returns the time of the outermost retry in the chain of an error. A chain that panics
    /// before its first retry has none.
    pub(super) fn find(error: &(dyn Error + 'static)) -> Option<RetryWhen> {
        let find = || {
            let mut chain = successors(Some(error), |&error| error.source());
            chain.find_map(|error| error.downcast_ref::<Link>())
        };
        Some(catch_panic(find)??.when)
    }
}

impl fmt::Display for Retry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.error.fmt(f)
    }
}

impl Error for Retry {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        Some(&self.0)
    }
}

impl fmt::Display for Link {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.when.fmt(f)
    }
}

impl Error for Link {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        self.error.source()
    }
}

/// Writes `not to be retried` or `to be retried after 60s`.
impl fmt::Display for RetryWhen {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Never => f.write_str("not to be retried"),
            Self::After(delay) => write!(f, "to be retried after {delay:?}"),
        }
    }
}
