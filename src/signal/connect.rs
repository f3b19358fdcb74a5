//! Connections at run time: their options, their error, and the guard that disconnects.

use std::borrow::Cow;
use std::error::Error;
use std::fmt;
use std::mem::needs_drop;
use std::time::Duration;

use super::receiver::{Limits, ReceiverInfo, ReceiverMeta};

/// The order, uid, filter and limits of a receiver, for
/// [`Signal::connect_with`](crate::Signal::connect_with).
///
/// # Examples
///
/// ```
/// use whatsapp_signals::{ConnectOptions, Signal};
///
/// let signal: Signal<u32> = Signal::new("tick");
/// let options = ConnectOptions::new().order(-10).uid("uneven").filter(|n: &u32| n % 2 == 1);
/// let _connection = signal.connect_with(options, |_: &u32| {})?;
/// assert_eq!(signal.send_robust(&2).filtered(), 1);
/// assert_eq!(signal.receivers()[0].order(), -10);
/// assert!(signal.disconnect("uneven"));
/// # Ok::<(), whatsapp_signals::ConnectError>(())
/// ```
#[must_use]
pub struct ConnectOptions<T: 'static> {
    pub(super) order: i32,
    pub(super) uid: Option<Cow<'static, str>>,
    pub(super) filter: Option<BoxedFilter<T>>,
    pub(super) limits: Limits,
}

/// The filter of a receiver that is connected at run time.
pub(super) struct BoxedFilter<T> {
    pub(super) accepts: Box<dyn Fn(&T) -> bool + Send + Sync>,
    /// `true` if the drop of the filter runs no code.
    pub(super) owns_nothing: bool,
}

impl<T: 'static> ConnectOptions<T> {
    /// Returns the default options: order 0, no uid, no filter, no limits.
    pub const fn new() -> Self {
        Self {
            order: 0,
            uid: None,
            filter: None,
            limits: Limits::NONE,
        }
    }

    /// Sets the order (default: 0). Receivers of lower order run earlier. Receivers of equal order
    /// run in the order of their connections, behind the static receivers of that order.
    pub fn order(mut self, order: i32) -> Self {
        self.order = order;
        self
    }

    /// Sets a name that no other receiver of the signal may have. `disconnect` finds the receiver
    /// by this name.
    pub fn uid(mut self, uid: impl Into<Cow<'static, str>>) -> Self {
        self.uid = Some(uid.into());
        self
    }

    /// Calls the receiver only for events that `filter` accepts. Corresponds to Django's `sender=`,
    /// for any property of the event.
    pub fn filter(mut self, filter: impl Fn(&T) -> bool + Send + Sync + 'static) -> Self {
        self.filter = Some(BoxedFilter {
            owns_nothing: owns_nothing(&filter),
            accepts: Box::new(filter),
        });
        self
    }

    /// Sets the number of attempts after which an engine gives up an event for this receiver
    /// (default: no limit). A zero is an error of `connect_with`.
    ///
    /// A [`WebhookEngine`](crate::WebhookEngine) and a worker of `whatsapp-signals-nats` apply the
    /// limit. A send calls each receiver once: [`ReceiverInfo::attempts`].
    pub fn attempts(mut self, attempts: u32) -> Self {
        self.limits.attempts = Some(attempts);
        self
    }

    /// Sets the longest time that one run of an async receiver may take (default: no limit). A
    /// zero, or a receiver that is not async, is an error of `connect_with`.
    ///
    /// A [`WebhookEngine`](crate::WebhookEngine) with a timer enforces the limit. A send does not:
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

fn owns_nothing<F>(_: &F) -> bool {
    !needs_drop::<F>()
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

/// The error of [`Signal::connect_with`](crate::Signal::connect_with) and
/// [`Context::connect_with`](crate::Context::connect_with), which drop the receiver.
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
    /// The receiver that has the uid, or, for an error of another kind, the refused receiver.
    receiver: Box<ReceiverInfo>,
}

/// The kind of a [`ConnectError`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ConnectErrorKind {
    /// Another receiver has the uid: [`ConnectError::connected`].
    UidTaken,
    /// A receiver that is not async has a [`timeout`](ConnectOptions::timeout). Only a future
    /// can be dropped before it is ready.
    SyncTimeout,
    /// The number of [`attempts`](ConnectOptions::attempts) is zero.
    ZeroAttempts,
    /// The [`timeout`](ConnectOptions::timeout) is zero.
    ZeroTimeout,
}

impl ConnectError {
    /// Returns the error of a connection whose uid this receiver has.
    pub(super) fn uid_taken(connected: ReceiverInfo) -> Self {
        Self {
            kind: ConnectErrorKind::UidTaken,
            receiver: Box::new(connected),
        }
    }

    /// Checks the limits of a receiver.
    pub(super) fn check_limits(
        signal: &'static str,
        meta: &ReceiverMeta,
        is_async: bool,
    ) -> Result<(), Self> {
        let kind = match meta.limits {
            Limits {
                attempts: Some(0), ..
            } => ConnectErrorKind::ZeroAttempts,
            Limits {
                timeout: Some(Duration::ZERO),
                ..
            } => ConnectErrorKind::ZeroTimeout,
            Limits {
                timeout: Some(_), ..
            } if !is_async => ConnectErrorKind::SyncTimeout,
            _ => return Ok(()),
        };
        let receiver = Box::new(ReceiverInfo::new(signal, meta, is_async));
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
                "expected an async receiver of signal {signal} for a timeout, found {receiver}"
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

/// A guard that disconnects a receiver when it is dropped. Returned by
/// [`Signal::connect`](crate::Signal::connect).
///
/// # Examples
///
/// ```
/// use whatsapp_signals::{ConnectOptions, Signal};
///
/// let signal: Signal<u32> = Signal::new("tick");
/// {
///     let _connection = signal.connect(|_: &u32| {});
///     assert_eq!(signal.send_robust(&1).called(), 1);
/// }
/// assert_eq!(signal.send_robust(&2).called(), 0);
///
/// signal.connect(|_: &u32| {}).detach();
/// assert_eq!(signal.send_robust(&3).called(), 1);
///
/// let connection = signal.connect_with(ConnectOptions::new().uid("log"), |_: &u32| {})?;
/// signal.disconnect("log");
/// assert!(!connection.is_connected());
/// # Ok::<(), whatsapp_signals::ConnectError>(())
/// ```
#[must_use = "dropping the connection disconnects the receiver; call `detach` to keep it connected"]
pub struct Connection<'a> {
    signal: &'a dyn ErasedSignal,
    id: u64,
}

/// A signal with its payload type erased, for [`Connection`].
pub(super) trait ErasedSignal: Sync {
    fn name(&self) -> &'static str;
    fn is_connected(&self, id: u64) -> bool;
    fn disconnect_id(&self, id: u64) -> bool;
}

impl<'a> Connection<'a> {
    pub(super) fn new(signal: &'a dyn ErasedSignal, id: u64) -> Self {
        Self { signal, id }
    }

    /// Keeps the receiver connected until the signal is dropped.
    pub fn detach(self) {
        std::mem::forget(self);
    }

    /// Disconnects the receiver now. Returns false if the receiver was disconnected before, by its
    /// uid.
    #[allow(clippy::must_use_candidate, reason = "called for its effect")]
    pub fn disconnect(self) -> bool {
        let removed = self.signal.disconnect_id(self.id);
        std::mem::forget(self);
        removed
    }

    /// Returns true if the receiver is still connected: it may have been disconnected by its uid.
    #[must_use]
    pub fn is_connected(&self) -> bool {
        self.signal.is_connected(self.id)
    }
}

impl Drop for Connection<'_> {
    fn drop(&mut self) {
        self.signal.disconnect_id(self.id);
    }
}

impl fmt::Debug for Connection<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Connection")
            .field("signal", &self.signal.name())
            .field("id", &self.id)
            .finish()
    }
}
