//! Signals: typed events, with receivers that are called for each.
//!
//! The module does not depend on WhatsApp. Its public items are exported by the root of the
//! crate, and the items that `#[receiver]` expands to by `__private`.

mod any;
mod asend;
mod async_receiver;
mod audience;
mod chain;
mod check;
mod context;
mod delivery;
mod guard;
mod guards;
mod in_context;
mod info;
mod kept;
#[cfg(test)]
mod observed_tests;
mod options;
mod overlay;
mod own_receivers;
mod owning;
mod receiver;
mod receiver_list;
mod receiver_of;
mod registration;
mod report;
mod retry;
mod send;
mod sync;

use std::fmt;
use std::panic::{Location, RefUnwindSafe, UnwindSafe};
use std::sync::OnceLock;

use audience::Audience;
use guards::ErasedSignal;
use overlay::Overlay;
use receiver_list::{ReceiverList, Slot};

pub use any::AnySignal;
pub use async_receiver::{AsyncReceiver, BoxFuture, IntoReceiver};
#[cfg(feature = "tracing")]
pub(crate) use chain::Chain;
pub(crate) use check::check_signals;
pub use check::{CheckError, Problem, check};
pub(crate) use context::EMPTY;
pub use context::{Context, MissingContext, Need, needed, needed_dyn};
pub(crate) use delivery::{DeliveryObserver, ReceiverId, ReceiverIds, ReceiverMode};
pub(crate) use guard::{Guarded, quietly};
pub use guards::{Connection, Mute};
pub use in_context::InContext;
pub use info::{Limits, ReceiverInfo};
pub use options::{ConnectError, ConnectErrorKind, ConnectOptions};
pub use owning::{Owning, owning};
pub use receiver::{BoxError, Receiver, ReceiverOutput};
pub use receiver_of::ReceiverOf;
pub use registration::{PayloadOf, Registration, receivers};
pub use report::{Cause, Failure, Report};
pub use retry::{Retry, RetryWhen};

/// A named place to which receivers of events of type `T` connect. They return an `R`, which is
/// `()` unless the signal is [answering](Self::answering).
///
/// A signal is a `static`. Receivers register at compile time with
/// [`#[receiver]`](macro@crate::receiver), as in most programs, or at run time with
/// [`connect`](Self::connect). A send calls them one after the other in the sender's thread,
/// lower [`order`](ConnectOptions::order) first:
///
/// - [`send`](Self::send) stops at the first failure;
/// - [`send_robust`](Self::send_robust) calls all receivers and reports failures;
/// - [`asend`](Self::asend) and [`asend_robust`](Self::asend_robust) also await `async` receivers;
/// - [`with`](Self::with) brings a [`Context`] along, with the values that receivers need.
///
/// The signals of this crate are in [`signals`](crate::signals). Yours may carry values of any
/// type, and work the same way.
///
/// # Examples
///
/// ```
/// use whatsapp_signals::{ConnectOptions, Signal, receiver};
///
/// pub struct OrderPaid { pub total_cents: u64 }
///
/// pub static ORDER_PAID: Signal<OrderPaid> = Signal::new("order_paid");
///
/// #[receiver(ORDER_PAID, uid = "thank")]
/// fn thank(event: &OrderPaid) {
///     println!("Thank you for {} cents", event.total_cents);
/// }
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let first = ConnectOptions::new().order(-1);
/// let audit = |event: &OrderPaid| match event.total_cents {
///     0..=100_000 => Ok(()),
///     _ => Err("is this a bike?"),
/// };
/// let _audit = ORDER_PAID.connect_with(first, audit)?;
///
/// assert_eq!(ORDER_PAID.send(&OrderPaid { total_cents: 990 })?.called(), 2);
/// let failure = ORDER_PAID.send(&OrderPaid { total_cents: 2_000_000 }).unwrap_err();
/// assert_eq!(failure.error().unwrap().to_string(), "is this a bike?");
/// assert!(ORDER_PAID.disconnect("thank"), "a static receiver can be disconnected, too");
/// # Ok(())
/// # }
/// ```
///
/// # Re-entrancy
///
/// No lock is held while a receiver runs: it may send (also this signal),
/// connect, disconnect and mute. Each send delivers to the receivers that were
/// connected when it began. A receiver connected meanwhile is called from the
/// next send on; one that is disconnected meanwhile is still called by this
/// one, as in Django.
pub struct Signal<T: 'static, R: 'static = ()> {
    name: &'static str,
    /// The static receivers, sorted; filled at first use.
    statics: OnceLock<ReceiverList<T, R>>,
    overlay: Overlay<ReceiverList<T, R>>,
}

impl<T: 'static> Signal<T> {
    /// Returns a signal without run-time receivers, whose receivers return nothing.
    ///
    /// The name is for people and logs; a signal is identified by its address.
    #[must_use]
    pub const fn new(name: &'static str) -> Self {
        Self::answering(name)
    }
}

impl<T: 'static, R: 'static> Signal<T, R> {
    /// Returns a signal whose receivers answer with an `R`:
    /// [`Report::responses`].
    ///
    /// ```
    /// use whatsapp_signals::{Failure, Signal};
    ///
    /// static ASKED: Signal<String, usize> = Signal::answering("asked");
    ///
    /// ASKED.connect(|text: &String| text.len()).detach();
    /// let report = ASKED.send(&"What is it?".to_owned())?;
    /// assert_eq!(report.responses()[0].1, 11);
    /// # Ok::<(), Failure>(())
    /// ```
    #[must_use]
    pub const fn answering(name: &'static str) -> Self {
        Self {
            name,
            statics: OnceLock::new(),
            overlay: Overlay::new(),
        }
    }

    /// Returns the name that the signal was declared with.
    ///
    /// ```
    /// use whatsapp_signals::Signal;
    ///
    /// assert_eq!(Signal::<u32>::new("tick").name(), "tick");
    /// ```
    #[must_use]
    pub fn name(&self) -> &'static str {
        self.name
    }

    /// Returns the signal with the context of a send.
    ///
    /// ```standalone_crate
    /// use whatsapp_signals::{Context, Signal, receiver};
    ///
    /// struct Limit(u32);
    ///
    /// static TICK: Signal<u32> = Signal::new("tick");
    ///
    /// #[receiver(TICK)]
    /// fn check(n: &u32, limit: &Limit) -> Result<(), &'static str> {
    ///     if *n > limit.0 { Err("too late") } else { Ok(()) }
    /// }
    ///
    /// # fn main() {
    /// let context = Context::new().with(Limit(8));
    /// assert!(TICK.with(&context).send(&8).is_ok());
    /// assert!(TICK.with(&context).send(&9).is_err());
    /// # }
    /// ```
    #[inline]
    #[must_use]
    pub fn with<'a>(&'a self, context: &'a Context) -> InContext<'a, Self> {
        InContext::new(self, context)
    }

    /// Connects a function, a closure or a [`Receiver`] of your own, async or
    /// not, until the returned guard is dropped.
    ///
    /// - "async closure does not implement `Fn` because it captures state from its
    ///   environment": hand the state over with [`owning`], as in
    ///   `connect(owning(graph, async |graph: Graph, event: &Payload| …))`.
    /// - "lifetime may not live long enough": write `async |event: &Payload| …` in place of
    ///   `|event: &Payload| async move { … }`, whose future borrows the event.
    /// - "implementation of `FnOnce` is not general enough", or "cannot receive": a closure has to
    ///   name its argument's type, `|event: &Payload| …`.
    ///
    /// # Examples
    ///
    /// ```
    /// use std::sync::mpsc::channel;
    /// use whatsapp_signals::Signal;
    ///
    /// let signal: Signal<u32> = Signal::new("tick");
    /// let (sender, ticks) = channel();
    /// let _connection = signal.connect(move |n: &u32| sender.send(*n));
    /// signal.send(&7)?;
    /// assert_eq!(ticks.recv(), Ok(7));
    /// # Ok::<(), whatsapp_signals::Failure>(())
    /// ```
    #[track_caller]
    pub fn connect<Kind, F: IntoReceiver<T, R, Kind>>(&self, receiver: F) -> Connection<'_> {
        match self.connect_with(ConnectOptions::new(), receiver) {
            Ok(connection) => connection,
            Err(error) => unreachable!("no options were given: {error}"),
        }
    }

    /// Connects with an order, a uid, a filter or limits.
    ///
    /// # Errors
    ///
    /// [`ConnectError`] when the uid is taken, a limit is zero, or a receiver that is not async
    /// has a timeout: the receiver given here is dropped.
    ///
    /// # Examples
    ///
    /// ```
    /// use whatsapp_signals::{ConnectOptions, Signal};
    ///
    /// let signal: Signal<u32> = Signal::new("tick");
    /// let first = ConnectOptions::new().order(-1).uid("greet");
    /// let _connection = signal.connect_with(first, |_: &u32| {})?;
    ///
    /// let again = ConnectOptions::new().uid("greet");
    /// assert!(signal.connect_with(again, |_: &u32| {}).is_err());
    /// # Ok::<(), whatsapp_signals::ConnectError>(())
    /// ```
    #[track_caller]
    pub fn connect_with<Kind, F: IntoReceiver<T, R, Kind>>(
        &self,
        options: ConnectOptions<T>,
        receiver: F,
    ) -> Result<Connection<'_>, ConnectError> {
        let caller = Location::caller();
        let receiver = ReceiverOf::connected(self.name, receiver, options, caller)?;
        let id = self.overlay.connect(self.name, self.statics(), receiver)?;
        Ok(Connection::new(self, id))
    }

    /// Disconnects the receiver with this uid, static or not; false when there
    /// is none.
    ///
    /// # Examples
    ///
    /// ```
    /// use whatsapp_signals::{ConnectOptions, Signal};
    ///
    /// let signal: Signal<u32> = Signal::new("tick");
    /// signal.connect_with(ConnectOptions::new().uid("log"), |_: &u32| {})?.detach();
    /// assert!(signal.disconnect("log"));
    /// assert!(!signal.disconnect("log"));
    /// # Ok::<(), whatsapp_signals::ConnectError>(())
    /// ```
    #[allow(clippy::must_use_candidate, reason = "called for its effect")]
    pub fn disconnect(&self, uid: &str) -> bool {
        self.overlay.disconnect(self.statics(), |slot| {
            slot.details().uid.as_deref() == Some(uid)
        })
    }

    /// Whether there are receivers, muted or not. Filters are not considered.
    ///
    /// ```
    /// use whatsapp_signals::Signal;
    ///
    /// let signal: Signal<u32> = Signal::new("tick");
    /// assert!(!signal.has_receivers());
    /// ```
    #[inline]
    #[must_use]
    pub fn has_receivers(&self) -> bool {
        self.with_connected(|list| !list.slots().is_empty())
    }

    /// Returns the connected receivers, in the order in which they run.
    ///
    /// ```
    /// use whatsapp_signals::{ConnectOptions, Signal};
    ///
    /// let signal: Signal<u32> = Signal::new("tick");
    /// let _b = signal.connect_with(ConnectOptions::new().uid("b"), |_: &u32| {})?;
    /// let _a = signal.connect_with(ConnectOptions::new().uid("a").order(-1), |_: &u32| {})?;
    /// let listed = signal.receivers();
    /// assert_eq!([listed[0].uid(), listed[1].uid()], [Some("a"), Some("b")]);
    /// # Ok::<(), whatsapp_signals::ConnectError>(())
    /// ```
    #[must_use]
    pub fn receivers(&self) -> Vec<ReceiverInfo> {
        let info = |slot: &Slot<T, R>| slot.info(self.name);
        self.with_connected(|list| list.slots().iter().map(info).collect())
    }

    /// Returns the static receivers.
    #[inline]
    fn statics(&self) -> &ReceiverList<T, R> {
        self.statics.get_or_init(|| registration::collect(self))
    }

    /// Returns the list that a send delivers to on the fast path; `None` while muted or
    /// changed at run time, and before the first use.
    #[inline]
    fn static_list(&self) -> Option<&ReceiverList<T, R>> {
        if self.overlay.is_on() {
            return None;
        }
        self.statics.get()
    }

    /// Calls `read` with the connected receivers, muted or not.
    #[inline]
    fn with_connected<O>(&self, read: impl FnOnce(&ReceiverList<T, R>) -> O) -> O {
        if self.overlay.is_on() {
            return self
                .overlay
                .read(|list| read(list.unwrap_or_else(|| self.statics())));
        }
        read(self.statics())
    }
}

impl<T: 'static, R: 'static> InContext<'_, Signal<T, R>> {
    /// True when a send with the context has receivers. Filters are not considered.
    #[inline]
    #[must_use]
    pub fn has_receivers(self) -> bool {
        match self.delivered.static_list() {
            Some(list) if !self.context.changes_receivers() => !list.slots().is_empty(),
            _ => self.has_audience(),
        }
    }

    // Out of line, so that only the look at the static list is inlined into a dispatch.
    #[inline(never)]
    fn has_audience(self) -> bool {
        self.with_audience(|audience| audience.iter().next().is_some())
    }

    /// Returns the receivers of a send with the context, in the order in which they run.
    ///
    /// ```
    /// use whatsapp_signals::{ConnectOptions, Context, Signal};
    ///
    /// static TICK: Signal<u32> = Signal::new("tick");
    ///
    /// let _static = TICK.connect(|_: &u32| {});
    /// let context = Context::new();
    /// let first = ConnectOptions::new().order(-1).uid("first");
    /// context.connect_with(&TICK, first, |_: &u32| {})?;
    ///
    /// let receivers = TICK.with(&context).receivers();
    /// assert_eq!((receivers.len(), receivers[0].uid()), (2, Some("first")));
    /// # Ok::<(), whatsapp_signals::ConnectError>(())
    /// ```
    #[must_use]
    pub fn receivers(self) -> Vec<ReceiverInfo> {
        let name = self.delivered.name;
        self.with_audience(|audience| audience.iter().map(|slot| slot.info(name)).collect())
    }

    /// Calls `read` with the connected receivers, muted or not.
    fn with_audience<O>(self, read: impl FnOnce(Audience<'_, T, R>) -> O) -> O {
        let own = self.context.own_list(self.delivered);
        self.delivered.with_connected(|list| {
            read(Audience::merged(list.slots(), own.as_deref(), self.context))
        })
    }
}

impl<T, R> ErasedSignal for Signal<T, R> {
    fn name(&self) -> &'static str {
        self.name
    }

    fn is_connected(&self, id: u64) -> bool {
        self.with_connected(|list| list.slots().iter().any(|slot| slot.has_id(id)))
    }

    fn disconnect_id(&self, id: u64) -> bool {
        self.overlay
            .disconnect(self.statics(), |slot| slot.has_id(id))
    }
}

// A receiver that panics can only break its own state: the signal's state is consistent
// whenever a receiver runs.
impl<T, R> UnwindSafe for Signal<T, R> {}
impl<T, R> RefUnwindSafe for Signal<T, R> {}

impl<T, R> fmt::Debug for Signal<T, R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Signal")
            .field("name", &self.name)
            .field("receivers", &self.receivers())
            .field("muted", &self.is_muted())
            .finish_non_exhaustive()
    }
}
