//! The options of a run-time connection, and its error.

use std::borrow::Cow;
use std::error::Error;
use std::fmt;

use super::info::ReceiverInfo;
use super::receiver_of::Closure;

/// The order, uid and filter of a receiver, for
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
}

impl<T: 'static> ConnectOptions<T> {
    /// Order 0, no uid, no filter.
    pub const fn new() -> Self {
        Self {
            order: 0,
            uid: None,
            filter: None,
        }
    }

    /// Lower runs earlier; receivers of one order run in the order in which
    /// they were connected, behind the static ones of that order.
    pub fn order(mut self, order: i32) -> Self {
        self.order = order;
        self
    }

    /// The name that can be connected only once, and disconnected by.
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
            .finish()
    }
}

/// The uid is taken; the receiver was not connected.
///
/// ```
/// use whatsapp_signals::{ConnectOptions, Signal};
///
/// let signal: Signal<u32> = Signal::new("tick");
/// let once = || ConnectOptions::new().uid("once");
/// let _first = signal.connect_with(once(), |_: &u32| {})?;
/// let error = signal.connect_with(once(), |_: &u32| {}).unwrap_err();
/// assert_eq!(error.connected().uid(), Some("once"));
/// # Ok::<(), whatsapp_signals::ConnectError>(())
/// ```
#[derive(Debug)]
pub struct ConnectError {
    pub(super) connected: Box<ReceiverInfo>,
}

impl ConnectError {
    /// The receiver that has the uid, and stays connected.
    #[must_use]
    pub fn connected(&self) -> &ReceiverInfo {
        &self.connected
    }
}

impl fmt::Display for ConnectError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let first = &self.connected;
        write!(
            f,
            "uid {:?} of signal {} is taken by receiver {first}",
            first.uid().unwrap_or_default(),
            first.signal(),
        )
    }
}

impl Error for ConnectError {}
