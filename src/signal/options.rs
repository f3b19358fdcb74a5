//! The options of a run-time connection, and its error.

use std::borrow::Cow;
use std::error::Error;
use std::fmt;
use std::time::Duration;

use super::info::{Details, Limits, ReceiverInfo};
use super::receiver_of::Closure;

/// The order, uid, filter and limits of a receiver, for
/// [`Signal::connect_with`](crate::Signal::connect_with).
///
/// # Examples
///
/// ```
/// use whatsapp_signals::{ConnectOptions, Signal};
///
/// let signal: Signal<u32> = Signal::new("tick");
/// let options = ConnectOptions::new().order(-10).uid("odd").filter(|n: &u32| n % 2 == 1);
/// let _connection = signal.connect_with(options, |_: &u32| {})?;
/// assert_eq!(signal.send_robust(&2).filtered(), 1);
/// assert_eq!(signal.receivers()[0].order(), -10);
/// assert!(signal.disconnect("odd"));
/// # Ok::<(), whatsapp_signals::ConnectError>(())
/// ```
#[must_use]
pub struct ConnectOptions<T: 'static> {
    pub(super) order: i32,
    pub(super) uid: Option<Cow<'static, str>>,
    pub(super) filter: Option<Closure<T>>,
    pub(super) limits: Limits,
}

impl<T: 'static> ConnectOptions<T> {
    /// Returns order 0, without uid, filter and limits.
    pub const fn new() -> Self {
        Self {
            order: 0,
            uid: None,
            filter: None,
            limits: Limits::NONE,
        }
    }

    /// Sets the order: lower runs earlier. Receivers of one order run in the order in which
    /// they were connected, behind the static ones of that order.
    pub fn order(mut self, order: i32) -> Self {
        self.order = order;
        self
    }

    /// Sets the name that can be connected only once, and disconnected by.
    pub fn uid(mut self, uid: impl Into<Cow<'static, str>>) -> Self {
        self.uid = Some(uid.into());
        self
    }

    /// Calls the receiver only for events that `filter` accepts. Django's
    /// `sender=`, for any property of the event.
    pub fn filter(mut self, filter: impl Fn(&T) -> bool + Send + Sync + 'static) -> Self {
        self.filter = Some(Closure::new(filter));
        self
    }

    /// Sets the number of attempts after which the receiver gives an event up (default: no
    /// limit). A zero is an error of `connect_with`.
    ///
    /// A [`WebhookEngine`](crate::WebhookEngine) and a worker of `whatsapp-signals-nats` honour the
    /// number. A send calls each receiver once: [`ReceiverInfo::attempts`].
    ///
    /// ```
    /// use whatsapp_signals::{ConnectOptions, Signal};
    ///
    /// let signal: Signal<u32> = Signal::new("tick");
    /// let thrice = ConnectOptions::new().attempts(3);
    /// let _connection = signal.connect_with(thrice, |_: &u32| Err("connection refused"))?;
    /// let failure = signal.send(&7).unwrap_err();
    /// assert_eq!(failure.receiver().attempts(), Some(3));
    /// # Ok::<(), whatsapp_signals::ConnectError>(())
    /// ```
    pub fn attempts(mut self, attempts: u32) -> Self {
        self.limits.attempts = Some(attempts);
        self
    }

    /// Sets the longest time that one run of an async receiver may take (default: no limit). A
    /// zero, or a receiver that is not async, is an error of `connect_with`.
    ///
    /// A [`WebhookEngine`](crate::WebhookEngine) with a timer enforces it, and no send does:
    /// [`ReceiverInfo::timeout`].
    ///
    /// ```
    /// use std::time::Duration;
    /// use whatsapp_signals::{ConnectErrorKind, ConnectOptions, Signal};
    ///
    /// let signal: Signal<u32> = Signal::new("tick");
    /// let options = || ConnectOptions::new().timeout(Duration::from_secs(10));
    /// let _connection = signal.connect_with(options(), async |_: &u32| {})?;
    /// assert_eq!(signal.receivers()[0].timeout(), Some(Duration::from_secs(10)));
    ///
    /// let error = signal.connect_with(options(), |_: &u32| {}).unwrap_err();
    /// assert_eq!(error.kind(), ConnectErrorKind::SyncTimeout);
    /// # Ok::<(), whatsapp_signals::ConnectError>(())
    /// ```
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.limits.timeout = Some(timeout);
        self
    }
}

impl<T> Default for ConnectOptions<T> {
    fn default() -> Self {
        Self::new()
    }
}

impl<T> fmt::Debug for ConnectOptions<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ConnectOptions")
            .field("order", &self.order)
            .field("uid", &self.uid)
            .field("filter", &self.filter.is_some())
            .field("attempts", &self.limits.attempts)
            .field("timeout", &self.limits.timeout)
            .finish()
    }
}

/// The error of a connection: the receiver was dropped.
///
/// ```
/// use whatsapp_signals::{ConnectErrorKind, ConnectOptions, Signal};
///
/// let signal: Signal<u32> = Signal::new("tick");
/// let once = || ConnectOptions::new().uid("once");
/// let _first = signal.connect_with(once(), |_: &u32| {})?;
/// let error = signal.connect_with(once(), |_: &u32| {}).unwrap_err();
/// assert_eq!(error.kind(), ConnectErrorKind::UidTaken);
/// assert_eq!(error.connected().unwrap().uid(), Some("once"));
/// # Ok::<(), whatsapp_signals::ConnectError>(())
/// ```
#[derive(Debug)]
pub struct ConnectError {
    kind: ConnectErrorKind,
    /// The receiver that has the uid, or else the one that was refused.
    receiver: Box<ReceiverInfo>,
}

/// The kind of a [`ConnectError`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ConnectErrorKind {
    /// Another receiver has the uid: [`ConnectError::connected`].
    UidTaken,
    /// A receiver that is not async has a [`timeout`](ConnectOptions::timeout). Only a future
    /// can be dropped before it is done.
    SyncTimeout,
    /// The number of [`attempts`](ConnectOptions::attempts) is zero.
    ZeroAttempts,
    /// The [`timeout`](ConnectOptions::timeout) is zero.
    ZeroTimeout,
}

impl ConnectError {
    /// Returns the error of a receiver whose uid this one has.
    pub(super) fn uid_taken(connected: ReceiverInfo) -> Self {
        Self {
            kind: ConnectErrorKind::UidTaken,
            receiver: Box::new(connected),
        }
    }

    /// Checks the limits of a receiver.
    pub(super) fn check_limits(signal: &'static str, details: &Details) -> Result<(), Self> {
        let kind = match details.limits {
            Limits {
                attempts: Some(0), ..
            } => ConnectErrorKind::ZeroAttempts,
            Limits {
                timeout: Some(Duration::ZERO),
                ..
            } => ConnectErrorKind::ZeroTimeout,
            Limits {
                timeout: Some(_), ..
            } if !details.is_async => ConnectErrorKind::SyncTimeout,
            _ => return Ok(()),
        };
        let receiver = Box::new(ReceiverInfo::new(signal, details));
        Err(Self { kind, receiver })
    }

    /// Returns the kind of the error.
    #[must_use]
    pub fn kind(&self) -> ConnectErrorKind {
        self.kind
    }

    /// Returns the receiver that has the uid and stays connected; `None` if the error is not
    /// [`ConnectErrorKind::UidTaken`].
    #[must_use]
    pub fn connected(&self) -> Option<&ReceiverInfo> {
        (self.kind == ConnectErrorKind::UidTaken).then_some(&self.receiver)
    }
}

impl fmt::Display for ConnectError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let receiver = &self.receiver;
        let signal = receiver.signal();
        match self.kind {
            ConnectErrorKind::UidTaken => write!(
                f,
                "uid {:?} of signal {signal} is taken by receiver {receiver}",
                receiver.uid().unwrap_or_default(),
            ),
            ConnectErrorKind::SyncTimeout => write!(
                f,
                "expected an async receiver for a timeout of signal {signal}, found {receiver}"
            ),
            ConnectErrorKind::ZeroAttempts => write!(
                f,
                "expected at least 1 attempt, found 0 for {receiver} of signal {signal}"
            ),
            ConnectErrorKind::ZeroTimeout => write!(
                f,
                "expected a timeout longer than 0 s, found 0 s for {receiver} of signal {signal}"
            ),
        }
    }
}

impl Error for ConnectError {}
