//! The type [`Signal`]: its receivers, muting, and connections to a signal or to a context.

use std::fmt;
use std::panic::{Location, RefUnwindSafe, UnwindSafe};
use std::ptr;
use std::sync::OnceLock;

use super::connect::{ConnectError, ConnectOptions, Connection, ErasedSignal};
use super::context::{Context, InContext};
use super::dynamic::DynamicReceivers;
use super::receiver::{IntoReceiver, ReceiverInfo};
use super::receiver_list::{ReceiverList, Receivers, RegisteredReceiver, connected};
use super::registry::{AnySignal, Registration, StaticReceivers, sealed};

/// A signal: a named list of receivers for events of type `T`. Its receivers return a response `R`,
/// which is `()` unless the signal was made [with responses](Self::with_responses).
///
/// A signal is a `static`. Receivers register at compile time with
/// [`#[receiver]`](macro@crate::receiver), as in most programs, or at run time with
/// [`connect`](Self::connect). A send calls them one after the other in the sender's thread,
/// lower [`order`](ConnectOptions::order) first:
///
/// - [`send`](Self::send) stops at the first failure;
/// - [`send_robust`](Self::send_robust) calls all receivers and reports failures;
/// - [`asend`](Self::asend) and [`asend_robust`](Self::asend_robust) also await `async` receivers;
/// - [`with`](Self::with) adds a [`Context`], with the values that receivers need.
///
/// The signals of this crate are in [`signals`](crate::signals). Your own signals may carry values
/// of any type, and work the same way.
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
/// No lock is held while a receiver runs: a receiver may send (also this signal), connect,
/// disconnect and mute. Each send delivers to the receivers that were connected when it began. A
/// receiver that is connected meanwhile is called from the next send on. A receiver that is
/// disconnected meanwhile is still called by this send, as in Django.
pub struct Signal<T: 'static, R: 'static = ()> {
    pub(super) name: &'static str,
    /// The static receivers, sorted; filled at first use.
    statics: OnceLock<StaticReceivers<T, R>>,
    dynamic: DynamicReceivers<ReceiverList<R>>,
}

impl<T: 'static> Signal<T> {
    /// Returns a signal whose receivers return nothing.
    ///
    /// The name is for listings and logs; a signal is identified by its address.
    #[must_use]
    pub const fn new(name: &'static str) -> Self {
        Self::with_responses(name)
    }
}

impl<T: 'static, R: 'static> Signal<T, R> {
    /// Returns a signal whose receivers return a response `R`:
    /// [`Report::responses`](crate::Report::responses).
    ///
    /// ```
    /// use whatsapp_signals::{Failure, Signal};
    ///
    /// static TYPED: Signal<String, usize> = Signal::with_responses("typed");
    ///
    /// TYPED.connect(|text: &String| text.len()).detach();
    /// let report = TYPED.send(&"Hello, Ada".to_owned())?;
    /// assert_eq!(report.responses()[0].1, 10);
    /// # Ok::<(), Failure>(())
    /// ```
    #[must_use]
    pub const fn with_responses(name: &'static str) -> Self {
        Self {
            name,
            statics: OnceLock::new(),
            dynamic: DynamicReceivers::new(),
        }
    }

    /// Returns the name of the signal.
    #[must_use]
    pub fn name(&self) -> &'static str {
        self.name
    }

    /// Returns the signal with a context for its sends.
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

    /// Connects a function, a closure, or a struct that implements
    /// [`Receiver`](crate::Receiver) or [`AsyncReceiver`](crate::AsyncReceiver), until the returned
    /// guard is dropped.
    ///
    /// Errors of the compiler, and their remedies:
    ///
    /// - "async closure does not implement `Fn` because it captures state from its
    ///   environment": pass the state by [`with_state`](crate::with_state), as in
    ///   `connect(with_state(graph, async |graph: Graph, event: &Payload| …))`.
    /// - "lifetime may not live long enough": write `async |event: &Payload| …` in place of
    ///   `|event: &Payload| async move { … }`, whose future borrows the event.
    /// - "implementation of `FnOnce` is not general enough", or "cannot receive": name the type of
    ///   the closure's argument, `|event: &Payload| …`.
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
    pub fn connect<Kind: 'static, F>(&self, receiver: F) -> Connection<'_>
    where
        F: IntoReceiver<T, R, Kind>,
    {
        match self.connect_with(ConnectOptions::new(), receiver) {
            Ok(connection) => connection,
            Err(error) => unreachable!("no options were given: {error}"),
        }
    }

    /// Connects a receiver with an order, a uid, a filter or limits.
    ///
    /// # Errors
    ///
    /// [`ConnectError`] if the uid is taken, a limit is zero, or a receiver that is not async has a
    /// timeout. The receiver is dropped.
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
    pub fn connect_with<Kind: 'static, F>(
        &self,
        options: ConnectOptions<T>,
        receiver: F,
    ) -> Result<Connection<'_>, ConnectError>
    where
        F: IntoReceiver<T, R, Kind>,
    {
        // Outside of the change, so that a refused receiver is dropped after the lock.
        let receiver = connected(self.name, receiver, options, Location::caller())?;
        let id = self.receivers_erased().connect(&receiver)?;
        Ok(Connection::new(self, id))
    }

    /// Disconnects the receiver with this uid, static or not. Returns false if no receiver has the
    /// uid.
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
        self.receivers_erased().disconnect_uid(uid)
    }

    /// Returns true if the signal has receivers, muted or not. Filters are not considered.
    #[inline]
    #[must_use]
    pub fn has_receivers(&self) -> bool {
        self.receivers_erased().has_any()
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
        self.receivers_erased().infos()
    }

    /// Suspends delivery, in all threads, until the guard is dropped. Nested guards count.
    ///
    /// Intended for tests and imports. Tests that mute the same signal must not run in parallel.
    ///
    /// # Examples
    ///
    /// ```
    /// use whatsapp_signals::Signal;
    ///
    /// let signal: Signal<u32> = Signal::new("tick");
    /// let _connection = signal.connect(|_: &u32| Err("was called"));
    /// let _muted = signal.mute();
    /// assert!(signal.send_robust(&1).has_no_receivers());
    /// ```
    pub fn mute(&self) -> Mute<'_, T, R> {
        self.dynamic.mute();
        Mute { signal: self }
    }

    /// Returns true while a [`Mute`] guard exists.
    #[must_use]
    pub fn is_muted(&self) -> bool {
        self.dynamic.is_muted()
    }

    /// Returns the receivers without the type of the payload.
    #[inline]
    pub(super) fn receivers_erased(&self) -> Receivers<'_, R> {
        let statics = || StaticReceivers::of(self.address());
        Receivers {
            signal: self.name,
            address: self.address(),
            statics: &self.statics.get_or_init(statics).list,
            dynamic: &self.dynamic,
        }
    }

    /// Returns the address, which identifies a signal.
    fn address(&self) -> usize {
        ptr::from_ref(self).addr()
    }

    /// Returns the receivers for the fast path of a send; `None` while the signal is muted or has
    /// run-time receivers, and before the first use.
    #[inline]
    pub(super) fn fast_receivers(&self) -> Option<&StaticReceivers<T, R>> {
        if self.dynamic.is_active() {
            return None;
        }
        self.statics.get()
    }
}

impl<T: 'static, R: 'static> InContext<'_, Signal<T, R>> {
    /// Returns true if a send with the context has receivers. Filters are not considered.
    #[inline]
    #[must_use]
    pub fn has_receivers(self) -> bool {
        match self.delivered.fast_receivers() {
            Some(statics) if !self.context.changes_receivers() => {
                !statics.list.entries().is_empty()
            }
            _ => self.delivered.receivers_erased().has_any_with(self.context),
        }
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
        self.delivered.receivers_erased().infos_with(self.context)
    }
}

/// Receivers of a context.
///
/// A test connects receivers to its context, and leaves out the receivers of the program. So
/// tests of one signal run in parallel:
///
/// ```
/// use std::sync::mpsc::channel;
/// use whatsapp_signals::{Context, Signal, receiver};
///
/// static ORDERED: Signal<u32> = Signal::new("ordered");
///
/// #[receiver(ORDERED)]
/// fn deliver(_: &u32) {
///     panic!("not in a test");
/// }
///
/// # fn main() -> Result<(), whatsapp_signals::Failure> {
/// let (sender, ordered) = channel();
/// let context = Context::new().only_own_receivers();
/// context.connect(&ORDERED, move |pieces: &u32| sender.send(*pieces));
///
/// ORDERED.with(&context).send(&3)?;
/// assert_eq!(ordered.try_recv(), Ok(3));
/// # Ok(())
/// # }
/// ```
impl Context {
    /// Connects a receiver for the deliveries with this context and its clones, until all of them
    /// are dropped. Accepts the same receivers as [`Signal::connect`].
    ///
    /// Receivers of equal order run in this sequence: static receivers, those of
    /// [`Signal::connect`], those of the context.
    ///
    /// A receiver that owns a clone of the context is never dropped, nor is the context.
    ///
    /// A send without a context has an empty context. Receivers that are connected to that context
    /// are never called.
    #[track_caller]
    pub fn connect<T, R, Kind: 'static, F>(&self, signal: &'static Signal<T, R>, receiver: F)
    where
        F: IntoReceiver<T, R, Kind>,
    {
        let connected = self.connect_with(signal, ConnectOptions::new(), receiver);
        if let Err(error) = connected {
            unreachable!("no options were given: {error}");
        }
    }

    /// Connects a receiver with an order, a uid, a filter or limits. A receiver of the signal that
    /// has the same uid is not called.
    ///
    /// # Errors
    ///
    /// [`ConnectError`] if another receiver of the context has the uid for this signal, a limit is
    /// zero, or a receiver that is not async has a timeout. The receiver is dropped.
    ///
    /// # Examples
    ///
    /// ```
    /// use whatsapp_signals::{ConnectOptions, Context, Signal, receiver};
    ///
    /// static ORDERED: Signal<u32> = Signal::new("ordered");
    ///
    /// #[receiver(ORDERED, uid = "deliver")]
    /// fn deliver(_: &u32) {
    ///     panic!("not in a test");
    /// }
    ///
    /// #[receiver(ORDERED)]
    /// fn bill(_: &u32) {}
    ///
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let context = Context::new();
    /// let instead = ConnectOptions::new().uid("deliver");
    /// context.connect_with(&ORDERED, instead, |_: &u32| {})?;
    /// assert_eq!(ORDERED.with(&context).send(&3)?.called(), 2);
    /// # Ok(())
    /// # }
    /// ```
    #[track_caller]
    pub fn connect_with<T, R, Kind: 'static, F>(
        &self,
        signal: &'static Signal<T, R>,
        options: ConnectOptions<T>,
        receiver: F,
    ) -> Result<(), ConnectError>
    where
        F: IntoReceiver<T, R, Kind>,
    {
        // Outside of the change, so that a refused receiver is dropped after the lock.
        let receiver = connected(signal.name, receiver, options, Location::caller())?;
        self.change_own_list(signal.address(), |list: Option<&ReceiverList<R>>| {
            let none = ReceiverList::default();
            list.unwrap_or(&none).with(signal.name, 0, &receiver)
        })
    }
}

/// A guard that suspends the delivery of its signal. See [`Signal::mute`].
///
/// # Examples
///
/// ```
/// use whatsapp_signals::Signal;
///
/// let signal: Signal<u32> = Signal::new("tick");
/// let _connection = signal.connect(|_: &u32| {});
/// let outer = signal.mute();
/// drop(signal.mute());
/// assert!(signal.is_muted(), "the outer guard exists");
/// drop(outer);
/// assert_eq!(signal.send_robust(&1).called(), 1);
/// ```
#[must_use = "dropping the guard unmutes the signal"]
pub struct Mute<'a, T: 'static, R: 'static = ()> {
    signal: &'a Signal<T, R>,
}

impl<T, R> Drop for Mute<'_, T, R> {
    fn drop(&mut self) {
        self.signal.dynamic.unmute();
    }
}

impl<T, R> fmt::Debug for Mute<'_, T, R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Mute").field(&self.signal.name()).finish()
    }
}

/// The payload that a signal of `T` sends: `T` alone.
///
/// With one type parameter for both payloads, a mismatch would be reported as a mismatch of two
/// [`RegisteredReceiver`]s. The message for a bound names the payloads.
#[diagnostic::on_unimplemented(
    message = "this receiver takes `&{Self}`, but the signal sends `{T}`",
    label = "expected `{T}`"
)]
pub trait PayloadOf<T> {}

impl<T> PayloadOf<T> for T {}

/// Pairs a receiver with a signal. `P` is `T`, and the two share `R`, so the compiler checks the
/// payload and the response before the types are erased.
#[must_use]
pub const fn register<T, R, P: PayloadOf<T>>(
    signal: &'static Signal<T, R>,
    receiver: &'static RegisteredReceiver<P, R>,
) -> Registration {
    Registration { signal, receiver }
}

impl<T, R> AnySignal for Signal<T, R> {
    fn name(&self) -> &'static str {
        self.name()
    }

    fn has_receivers(&self) -> bool {
        self.has_receivers()
    }

    fn receivers(&self) -> Vec<ReceiverInfo> {
        self.receivers()
    }

    fn receivers_with(&self, context: &Context) -> Vec<ReceiverInfo> {
        self.with(context).receivers()
    }
}

impl<T, R> sealed::Sealed for Signal<T, R> {}

impl<T, R> ErasedSignal for Signal<T, R> {
    fn name(&self) -> &'static str {
        self.name
    }

    fn is_connected(&self, id: u64) -> bool {
        self.receivers_erased().has_id(id)
    }

    fn disconnect_id(&self, id: u64) -> bool {
        self.receivers_erased().disconnect_id(id)
    }
}

// A receiver that panics can only leave its own state inconsistent: the signal's state is
// consistent whenever a receiver runs.
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
