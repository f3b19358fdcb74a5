//! The report of a send: counts, responses and failures.

use std::any::TypeId;
use std::error::Error;
use std::fmt::{self, Write};
use std::mem;
use std::num::NonZeroU64;
use std::sync::Arc;

use super::context::MissingContext;
use super::receiver::{BoxError, ReceiverInfo};
use super::retry::{Retry, RetryWhen};
use crate::panic_guard::{catch_panic, drop_guarded};

/// The outcome of a send: counts, failures and responses.
///
/// Only failures are stored, and the responses of a signal
/// [with responses](crate::Signal::with_responses). So a send without failures, of a signal
/// whose receivers return `()`, allocates nothing.
///
/// # Examples
///
/// ```
/// use whatsapp_signals::{ConnectOptions, Signal};
///
/// let signal: Signal<u32> = Signal::new("tick");
/// assert!(signal.send_robust(&1).has_no_receivers());
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
#[derive(Debug)]
pub struct Report<R = ()> {
    counts: Counts,
    details: Details<R>,
}

/// The numbers of receivers that succeeded and that were filtered, in one word: 1, plus 1 for each
/// success, plus [`Self::FILTERED`] for each filter that declined. The word is never zero, so that
/// a `Result` of a report needs no third word.
#[derive(Clone, Copy)]
pub(super) struct Counts(NonZeroU64);

impl Counts {
    const FILTERED: u64 = 1 << 32;
    /// Set if an observer skipped receivers.
    const SKIPPED: u64 = 1 << 62;
    /// Set if all counted receivers are of other signals.
    const OF_OTHERS: u64 = 1 << 63;

    /// Returns the counts of a send in which this number of receivers succeeded.
    #[inline]
    pub(super) const fn of_successes(succeeded: usize) -> Self {
        Self(NonZeroU64::MIN.saturating_add(succeeded as u64))
    }

    /// Returns the word without its constant 1 and the flags.
    #[inline]
    fn sum(self) -> u64 {
        (self.0.get() & (Self::SKIPPED - 1)) - 1
    }

    #[inline]
    fn succeeded(self) -> usize {
        (self.sum() % Self::FILTERED) as usize
    }

    #[inline]
    fn filtered(self) -> usize {
        (self.sum() / Self::FILTERED) as usize
    }
}

impl Default for Counts {
    #[inline]
    fn default() -> Self {
        Self::of_successes(0)
    }
}

impl fmt::Debug for Counts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Counts")
            .field("succeeded", &self.succeeded())
            .field("filtered", &self.filtered())
            .finish()
    }
}

/// The failures and responses, behind one pointer so that a report is small.
#[derive(Debug)]
struct Details<R>(Option<Box<Lists<R>>>);

#[derive(Debug)]
struct Lists<R> {
    failures: Vec<Failure>,
    responses: Vec<(ReceiverInfo, R)>,
}

impl<R> Details<R> {
    #[cold]
    fn lists(&mut self) -> &mut Lists<R> {
        self.0.get_or_insert_with(|| {
            Box::new(Lists {
                failures: Vec::new(),
                responses: Vec::new(),
            })
        })
    }
}

/// Without failures, the drop of a report is one comparison, and inlined.
impl<R> Drop for Details<R> {
    #[inline]
    fn drop(&mut self) {
        #[cold]
        #[inline(never)]
        #[allow(clippy::boxed_local, reason = "one word is passed")]
        fn free<R>(lists: Box<Lists<R>>) {
            // Each failure guards its own drop.
            for (_, response) in lists.responses {
                drop_guarded(response);
            }
        }

        if let Some(lists) = self.0.take() {
            free(lists);
        }
    }
}

/// Returns true if a report stores responses of this type: any type but `()`.
#[inline]
pub(super) fn has_responses<R: 'static>() -> bool {
    TypeId::of::<R>() != TypeId::of::<()>()
}

const _: () = assert!(size_of::<Result<Report, Failure>>() <= 16);

/// The result of a receiver that has not failed.
pub(super) enum CallResult<R> {
    /// The receiver succeeded, with this response.
    Succeeded(R),
    /// The receiver's filter declined the event.
    Filtered,
}

impl<R> CallResult<R> {
    /// Returns the result of a receiver that was called.
    #[inline]
    pub(super) fn of(result: Result<R, BoxError>) -> Result<Self, Cause> {
        match result {
            Ok(response) => Ok(Self::Succeeded(response)),
            Err(error) => Err(Cause::of(error)),
        }
    }

    #[inline]
    pub(super) fn is_filtered(&self) -> bool {
        matches!(self, Self::Filtered)
    }
}

impl<R: 'static> Default for Report<R> {
    #[inline]
    fn default() -> Self {
        Self::new(Counts::default())
    }
}

impl<R: 'static> Report<R> {
    #[inline]
    pub(super) fn new(counts: Counts) -> Self {
        Self {
            counts,
            details: Details(None),
        }
    }

    /// Counts a receiver, and stores its response.
    #[inline]
    pub(super) fn add(&mut self, called: CallResult<R>, receiver: impl FnOnce() -> ReceiverInfo) {
        self.count(&called);
        if has_responses::<R>()
            && let CallResult::Succeeded(response) = called
        {
            self.details.lists().responses.push((receiver(), response));
        }
    }

    #[inline]
    pub(super) fn count(&mut self, called: &CallResult<R>) {
        match called {
            CallResult::Succeeded(_) => self.add_to_counts(1),
            CallResult::Filtered => self.count_filtered(),
        }
    }

    #[cold]
    fn count_filtered(&mut self) {
        self.add_to_counts(Counts::FILTERED);
    }

    #[inline]
    fn add_to_counts(&mut self, more: u64) {
        self.counts = Counts(self.counts.0.saturating_add(more));
    }

    /// Records that an observer skipped a receiver.
    #[inline]
    pub(super) fn skip(&mut self) {
        self.counts = Counts(self.counts.0 | Counts::SKIPPED);
    }

    /// Returns the first failure as an error.
    #[inline]
    pub(super) fn into_result(self) -> Result<Self, Failure> {
        #[cold]
        #[inline(never)]
        fn first<R: 'static>(report: Report<R>) -> Result<Report<R>, Failure> {
            match report.failures().first() {
                None => Ok(report),
                Some(failure) => Err(Failure(Arc::clone(&failure.0))),
            }
        }

        if self.details.0.is_none() {
            Ok(self)
        } else {
            first(self)
        }
    }

    #[cold]
    pub(super) fn push(&mut self, failure: Failure) {
        self.details.lists().failures.push(failure);
    }

    /// Returns the number of receivers that were called, with or without success.
    #[must_use]
    pub fn called(&self) -> usize {
        self.succeeded() + self.failures().len()
    }

    /// Returns the number of receivers that ran and succeeded.
    #[must_use]
    pub fn succeeded(&self) -> usize {
        self.counts.succeeded()
    }

    /// Returns the number of receivers whose filter declined the event.
    #[must_use]
    pub fn filtered(&self) -> usize {
        self.counts.filtered()
    }

    /// Returns the failures, in the order in which the receivers ran.
    #[must_use]
    pub fn failures(&self) -> &[Failure] {
        self.details.0.as_ref().map_or(&[], |lists| &lists.failures)
    }

    /// Returns true if no receiver failed.
    #[must_use]
    pub fn is_ok(&self) -> bool {
        self.failures().is_empty()
    }

    /// Returns true if the signal has no receivers at all, or is muted. Receivers of
    /// [`ANY_EVENT`](crate::signals::ANY_EVENT) do not count.
    ///
    /// A crate with receivers that the binary never names is not linked, and its receivers are
    /// missing. `use its_name as _;` links it.
    #[must_use]
    pub fn has_no_receivers(&self) -> bool {
        let counts = self.counts.0;
        let has_none = counts == NonZeroU64::MIN && self.is_ok();
        has_none || counts.get() & Counts::OF_OTHERS != 0
    }

    /// Converts the report into its failures.
    #[must_use]
    pub fn into_failures(mut self) -> Vec<Failure> {
        let lists = self.details.0.take();
        lists.map_or_else(Vec::new, |lists| lists.failures)
    }

    /// Returns the responses with their receivers, in the order of the receivers; the async
    /// receivers are last. Empty for a signal whose receivers return `()`.
    ///
    /// # Examples
    ///
    /// ```
    /// use whatsapp_signals::{Signal, receiver};
    ///
    /// static PRICED: Signal<u32, u32> = Signal::with_responses("priced");
    ///
    /// #[receiver(PRICED)]
    /// fn net(pieces: &u32) -> u32 {
    ///     pieces * 250
    /// }
    ///
    /// #[receiver(PRICED, order = 1)]
    /// fn rebate(pieces: &u32) -> Result<u32, String> {
    ///     if *pieces < 10 { Err("too few".to_owned()) } else { Ok(pieces * 10) }
    /// }
    ///
    /// # fn main() {
    /// let report = PRICED.send_robust(&20);
    /// let cents: Vec<_> = report.responses().iter().map(|(_, cents)| *cents).collect();
    /// assert_eq!(cents, [5000, 200]);
    /// assert!(report.responses()[1].0.path().ends_with("rebate"));
    ///
    /// let report = PRICED.send_robust(&2);
    /// assert_eq!((report.responses().len(), report.failures().len()), (1, 1));
    /// # }
    /// ```
    #[must_use]
    pub fn responses(&self) -> &[(ReceiverInfo, R)] {
        self.details
            .0
            .as_ref()
            .map_or(&[], |lists| &lists.responses)
    }

    /// Converts the report into its [`responses`](Self::responses).
    #[must_use]
    pub fn into_responses(mut self) -> Vec<(ReceiverInfo, R)> {
        let lists = self.details.0.take();
        lists.map_or_else(Vec::new, |lists| lists.responses)
    }
}

impl Report {
    /// Returns the sum of this report and two others, whose failures come before and behind those
    /// of this report. Only the receivers of this report count in
    /// [`has_no_receivers`](Self::has_no_receivers).
    pub(crate) fn between(self, before: Self, after: Self) -> Self {
        let others = before.counts.sum() + after.counts.sum();
        let mut counts = self.counts.0.saturating_add(others);
        if self.has_no_receivers() {
            counts |= Counts::OF_OTHERS;
        }
        let mut report = Self::new(Counts(counts));
        for part in [before, self, after] {
            for failure in part.into_failures() {
                report.push(failure);
            }
        }
        report
    }
}

/// The failure of one receiver: its description and the cause.
///
/// The `Display` form names the receiver and its source location. It omits the receiver's error
/// and the message of a panic, which may quote a user's message:
/// [`source`](Error::source) and [`panic_message`](Failure::panic_message) return them. `Debug`
/// shows both, so use it in a terminal and not in logs.
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
// An `Arc` is freed out of line, so that the drop of a `Result<Report, Failure>` is short.
pub struct Failure(Arc<Inner>);

struct Inner {
    receiver: ReceiverInfo,
    cause: Cause,
}

/// The last owner of a failure may be a sender, an engine or a log, so a panic of the destructor of
/// the receiver's error must not unwind into the owner.
impl Drop for Inner {
    fn drop(&mut self) {
        drop_guarded(mem::replace(&mut self.cause, Cause::NeedsAsend));
    }
}

/// The cause of a [`Failure`].
///
/// # Examples
///
/// ```
/// use whatsapp_signals::{Cause, Signal};
///
/// let signal: Signal<u32> = Signal::new("tick");
/// let _errs = signal.connect(|_: &u32| Err("no"));
/// let _panics = signal.connect(|n: &u32| assert!(*n > 1, "oh"));
/// let _async = signal.connect(async |_: &u32| {});
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
    /// The receiver returned this error.
    Error(BoxError),
    /// The receiver panicked with this message; `None` if the panic carried no text.
    Panic(Option<Box<str>>),
    /// The receiver is async, and a sync send cannot await it: use
    /// [`asend`](crate::Signal::asend) or [`asend_robust`](crate::Signal::asend_robust).
    NeedsAsend,
    /// The context of the delivery lacks a value that the receiver takes.
    MissingContext(MissingContext),
    /// The receiver's future was dropped, as it took longer than the receiver's
    /// [timeout](crate::ReceiverInfo::timeout).
    TimedOut,
}

impl Cause {
    /// Returns the cause of a failure for the error that the receiver returned.
    #[cold]
    pub(super) fn of(error: BoxError) -> Self {
        match error.downcast() {
            Ok(missing) => Self::MissingContext(*missing),
            Err(error) => Self::Error(error),
        }
    }

    /// Returns the receiver's error, if it returned one.
    fn error(&self) -> Option<&(dyn Error + Send + Sync + 'static)> {
        match self {
            Self::Error(error) => Some(&**error),
            Self::Panic(_) | Self::NeedsAsend | Self::MissingContext(_) | Self::TimedOut => None,
        }
    }

    /// Returns the time of the retry, as [`Failure::retry`] does.
    pub(crate) fn retry(&self) -> Option<RetryWhen> {
        Retry::find(self.error()?)
    }
}

/// Writes the predicate of a failure: *failed*, *took longer than its timeout*. Omits the text of
/// the error or panic, which may quote a user.
impl fmt::Display for Cause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Error(_) => f.write_str("failed"),
            Self::Panic(_) => f.write_str("panicked"),
            Self::NeedsAsend => {
                f.write_str("is async and needs asend, dispatch_async or process_async")
            }
            Self::MissingContext(missing) => missing.fmt(f),
            Self::TimedOut => f.write_str("took longer than its timeout"),
        }
    }
}

impl Failure {
    #[cold]
    pub(super) fn new(receiver: ReceiverInfo, cause: Cause) -> Self {
        Self(Arc::new(Inner { receiver, cause }))
    }

    /// Returns the receiver that failed.
    #[must_use]
    pub fn receiver(&self) -> &ReceiverInfo {
        &self.0.receiver
    }

    /// Returns the cause of the failure.
    #[must_use]
    pub fn cause(&self) -> &Cause {
        &self.0.cause
    }

    /// Returns the receiver's error, if it returned one.
    #[must_use]
    pub fn error(&self) -> Option<&(dyn Error + Send + Sync + 'static)> {
        self.0.cause.error()
    }

    /// Returns the time of the retry that a [`Retry`] in the chain of the receiver's error sets.
    /// `None` stands for the usual retry.
    ///
    /// ```
    /// use whatsapp_signals::{Retry, RetryWhen, Signal};
    ///
    /// let signal: Signal<u32> = Signal::new("tick");
    /// let _gives_up = signal.connect(|_: &u32| Err(Retry::never("400 Bad Request")));
    /// let _fails = signal.connect(|_: &u32| Err("connection refused"));
    ///
    /// let report = signal.send_robust(&1);
    /// let retries: Vec<_> = report.failures().iter().map(|failure| failure.retry()).collect();
    /// assert_eq!(retries, [Some(RetryWhen::Never), None]);
    /// ```
    #[must_use]
    pub fn retry(&self) -> Option<RetryWhen> {
        self.0.cause.retry()
    }

    /// Returns the message of the receiver's panic, if it panicked with text.
    #[must_use]
    pub fn panic_message(&self) -> Option<&str> {
        match &self.0.cause {
            Cause::Panic(message) => message.as_deref(),
            _ => None,
        }
    }

    /// Returns the text of the cause: the error with its sources, or the panic.
    pub(crate) fn cause_text(&self) -> String {
        match self.cause() {
            Cause::Error(error) => ErrorChain(&**error).to_string(),
            Cause::Panic(Some(message)) => format!("panicked: {message}"),
            cause => cause.to_string(),
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
        let receiver = &self.0.receiver;
        let (signal, cause) = (receiver.signal(), &self.0.cause);
        write!(f, "receiver {receiver} of signal {signal} {cause}")
    }
}

impl Error for Failure {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        self.0.cause.error().map(|error| error as _)
    }
}

/// The text of an error and its sources, in one line. A text or source that panics is replaced, so
/// that the remaining texts are written.
pub(crate) struct ErrorChain<'a>(pub(crate) &'a (dyn Error + 'static));

impl fmt::Display for ErrorChain<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&error_text(self.0))?;
        let mut error = self.0;
        loop {
            match catch_panic(|| error.source()) {
                Some(None) => return Ok(()),
                None => return f.write_str(": error whose source panicked"),
                Some(Some(source)) => {
                    write!(f, ": {}", error_text(source))?;
                    error = source;
                }
            }
        }
    }
}

/// Returns the text of an error. The text is written into memory first: a panic within a
/// subscriber could cost the whole event.
fn error_text(error: &dyn Error) -> String {
    let text = || {
        let mut text = String::new();
        write!(text, "{error}").is_ok().then_some(text)
    };
    let text = catch_panic(text).flatten();
    text.unwrap_or_else(|| "error whose Display panicked".to_owned())
}
