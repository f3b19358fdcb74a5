//! What came of a send.

use std::error::Error;
use std::fmt;

use super::info::ReceiverInfo;
use super::receiver::BoxError;

/// The outcome of a [`send_robust`](crate::Signal::send_robust).
///
/// Only failures are stored, so a send in which all went well allocates
/// nothing.
///
/// # Examples
///
/// ```
/// use whatsapp_signals::{ConnectOptions, Signal};
///
/// let signal: Signal<u32> = Signal::new("tick");
/// assert!(signal.send_robust(&1).is_unheard());
///
/// let large = ConnectOptions::new().filter(|n: &u32| *n > 9);
/// let _large = signal.connect_with(large, |_: &u32| {})?;
/// let _ok = signal.connect(|_: &u32| {});
/// assert!(signal.send_robust(&2).is_ok());
///
/// let _bad = signal.connect(|_: &u32| Err("out of paper"));
/// let report = signal.send_robust(&3);
/// assert_eq!((report.called(), report.succeeded(), report.filtered()), (2, 1, 1));
/// assert_eq!(report.failures()[0].error().unwrap().to_string(), "out of paper");
/// assert_eq!(report.into_failures().len(), 1);
/// # Ok::<(), whatsapp_signals::ConnectError>(())
/// ```
#[derive(Debug, Default)]
pub struct Report {
    pub(super) succeeded: usize,
    pub(super) filtered: usize,
    pub(super) failures: Failures,
}

/// What became of an event at a receiver.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Called {
    /// The receiver ran and succeeded.
    Ran,
    /// The receiver's filter declined the event.
    Filtered,
    /// Nobody wants it called.
    LeftOut,
}

/// Behind one pointer, so that a report is small and costs nothing to drop where
/// there are none.
#[derive(Debug, Default)]
#[allow(clippy::box_collection, reason = "a thin pointer")]
pub(super) struct Failures(Option<Box<Vec<Failure>>>);

impl Failures {
    #[cold]
    pub(super) fn push(&mut self, failure: Failure) {
        self.0.get_or_insert_default().push(failure);
    }
}

impl Report {
    #[inline]
    pub(super) fn count(&mut self, called: Called) {
        self.succeeded += usize::from(called == Called::Ran);
        self.filtered += usize::from(called == Called::Filtered);
    }

    /// How many receivers were called, with or without success.
    #[must_use]
    pub fn called(&self) -> usize {
        self.succeeded + self.failures().len()
    }

    /// How many receivers ran and succeeded.
    #[must_use]
    pub fn succeeded(&self) -> usize {
        self.succeeded
    }

    /// How many receivers were spared because their filter declined the event.
    #[must_use]
    pub fn filtered(&self) -> usize {
        self.filtered
    }

    /// Those that failed, in the order in which they ran.
    #[must_use]
    pub fn failures(&self) -> &[Failure] {
        self.failures.0.as_ref().map_or(&[], |failures| failures)
    }

    /// True when no receiver failed.
    #[must_use]
    pub fn is_ok(&self) -> bool {
        self.failures.0.is_none()
    }

    /// True when the signal has no receivers at all (or is muted).
    ///
    /// When that surprises you: a crate with receivers that the binary never
    /// names is not linked. `use its_name as _;` links it.
    #[must_use]
    pub fn is_unheard(&self) -> bool {
        self.called() + self.filtered == 0
    }

    /// The failures themselves.
    #[must_use]
    pub fn into_failures(self) -> Vec<Failure> {
        self.failures.0.map_or_else(Vec::new, |failures| *failures)
    }
}

/// One receiver that failed: who, where, and why.
///
/// As text it names the receiver and where it was registered. What the
/// receiver said is kept out of that line, since it may quote a user's
/// message: it is in [`source`](Error::source), and a panic's in
/// [`panic_message`](Failure::panic_message). `Debug` shows both, so it is for
/// your terminal and not for logs.
///
/// # Examples
///
/// ```
/// use whatsapp_signals::{Cause, Signal};
///
/// let signal: Signal<u32> = Signal::new("tick");
/// let _connection = signal.connect(|n: &u32| assert!(*n < 9, "too late"));
///
/// let failures = signal.send_robust(&9).into_failures();
/// assert!(matches!(failures[0].cause(), Cause::Panic(_)));
/// assert_eq!(failures[0].panic_message(), Some("too late"));
/// assert_eq!(failures[0].receiver().signal(), "tick");
/// ```
pub struct Failure(Box<Inner>);

struct Inner {
    receiver: ReceiverInfo,
    cause: Cause,
}

/// Why a receiver failed.
///
/// # Examples
///
/// ```
/// use whatsapp_signals::{Cause, Signal};
///
/// let signal: Signal<u32> = Signal::new("tick");
/// let _errs = signal.connect(|_: &u32| Err("no"));
/// let _panics = signal.connect(|n: &u32| assert!(*n > 1, "oh"));
/// let _waits = signal.connect(async |_: &u32| {});
///
/// let report = signal.send_robust(&1);
/// let causes: Vec<_> = report.failures().iter().map(|failure| failure.cause()).collect();
/// assert!(matches!(causes[0], Cause::Error(error) if error.to_string() == "no"));
/// assert!(matches!(causes[1], Cause::Panic(Some(message)) if **message == *"oh"));
/// assert!(matches!(causes[2], Cause::NeedsAsend));
/// ```
#[derive(Debug)]
#[non_exhaustive]
pub enum Cause {
    /// It returned this error.
    Error(BoxError),
    /// It panicked with this message; `None` when the panic carried something
    /// other than text.
    Panic(Option<Box<str>>),
    /// It is async, and was met by a plain `send`, which cannot wait: take
    /// [`asend`](crate::Signal::asend) or
    /// [`asend_robust`](crate::Signal::asend_robust).
    NeedsAsend,
}

impl Failure {
    #[cold]
    pub(super) fn new(receiver: ReceiverInfo, cause: Cause) -> Self {
        Self(Box::new(Inner { receiver, cause }))
    }

    /// The receiver that failed.
    #[must_use]
    pub fn receiver(&self) -> &ReceiverInfo {
        &self.0.receiver
    }

    /// Why it failed.
    #[must_use]
    pub fn cause(&self) -> &Cause {
        &self.0.cause
    }

    /// The error that it returned, if that is why it failed.
    #[must_use]
    pub fn error(&self) -> Option<&(dyn Error + Send + Sync + 'static)> {
        match &self.0.cause {
            Cause::Error(error) => Some(&**error),
            Cause::Panic(_) | Cause::NeedsAsend => None,
        }
    }

    /// The text that it panicked with, if it did and there was one.
    #[must_use]
    pub fn panic_message(&self) -> Option<&str> {
        match &self.0.cause {
            Cause::Panic(message) => message.as_deref(),
            Cause::Error(_) | Cause::NeedsAsend => None,
        }
    }
}

impl fmt::Debug for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Failure")
            .field("receiver", &self.0.receiver)
            .field("cause", &self.0.cause)
            .finish()
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let what = match self.0.cause {
            Cause::Error(_) => "failed",
            Cause::Panic(_) => "panicked",
            Cause::NeedsAsend => "is async and needs asend, dispatch_async or process_async",
        };
        let receiver = &self.0.receiver;
        write!(
            f,
            "receiver {receiver} of signal {} {what}",
            receiver.signal()
        )
    }
}

impl Error for Failure {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match &self.0.cause {
            Cause::Error(error) => Some(&**error),
            Cause::Panic(_) | Cause::NeedsAsend => None,
        }
    }
}
