//! Signals: a typed event has a place where receivers register, and where it
//! is sent.
//!
//! A [`Signal`] is a `static`. Receivers come to it in two ways: at compile
//! time with [`#[receiver]`](macro@crate::receiver), which is how most
//! programs do it, and at run time with [`Signal::connect`]. Sending calls
//! them one after the other in the sender's thread, lower
//! [`order`](ConnectOptions::order) first. [`Signal::send`] stops at the first
//! failure, [`Signal::send_robust`] calls everyone and reports. Receivers may be
//! `async`: then [`Signal::asend`] and [`Signal::asend_robust`] wait for them.
//!
//! Nothing here knows of WhatsApp: your own signals work the same way.
//!
//! ```
//! use whatsapp_signals::{ConnectOptions, Signal, receiver};
//!
//! static ORDER_PAID: Signal<u32> = Signal::new("order_paid");
//!
//! #[receiver(ORDER_PAID, uid = "thank")]
//! fn thank(_cents: &u32) {}
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let first = ConnectOptions::new().order(-1).filter(|cents: &u32| *cents > 100_000);
//! let _audit = ORDER_PAID.connect_with(first, |_: &u32| Err("who is this?"))?;
//!
//! assert_eq!(ORDER_PAID.send(&990)?.called(), 1);
//! assert!(ORDER_PAID.send(&2_000_000).is_err());
//! assert!(ORDER_PAID.disconnect("thank"), "static ones can be, too");
//! # Ok(())
//! # }
//! ```

mod any;
mod asend;
mod async_receiver;
mod connect;
mod connection;
mod delivery;
mod info;
mod listed;
mod mute;
mod options;
mod overlay;
mod receiver;
mod receiver_of;
mod registration;
mod report;
mod send;
mod sending;
mod slot;
mod sync;
mod watch;

use std::fmt;
use std::panic::{RefUnwindSafe, UnwindSafe};
use std::sync::OnceLock;

use listed::Listed;
use overlay::Overlay;
use slot::Slot;

pub use any::AnySignal;
pub use async_receiver::{AsyncReceiver, BoxFuture, IntoReceiver};
pub use connection::Connection;
pub use info::ReceiverInfo;
pub use mute::Mute;
pub use options::{ConnectError, ConnectOptions};
pub use receiver::{BoxError, Receiver, ReceiverOutput};
pub use receiver_of::ReceiverOf;
pub use registration::{Registration, receivers};
pub use report::{Cause, Failure, Report};
pub(crate) use watch::{ReceiverId, Slots, Watch};

/// A named place to which receivers of events of type `T` connect.
///
/// The crate's own are in [`signals`](crate::signals). Declare yours the same
/// way:
///
/// ```
/// use whatsapp_signals::{Failure, Signal, receiver};
///
/// pub struct OrderPaid { pub total_cents: u64 }
///
/// pub static ORDER_PAID: Signal<OrderPaid> = Signal::new("order_paid");
///
/// #[receiver(ORDER_PAID)]
/// fn thank(event: &OrderPaid) {
///     assert_eq!(event.total_cents, 990);
/// }
///
/// fn main() -> Result<(), Failure> {
///     let report = ORDER_PAID.send(&OrderPaid { total_cents: 990 })?;
///     assert_eq!(report.called(), 1);
///     Ok(())
/// }
/// ```
///
/// # Re-entrancy
///
/// No lock is held while a receiver runs: it may send (also this signal),
/// connect, disconnect and mute. Each send delivers to those who were
/// connected when it began. A receiver connected meanwhile is called from the
/// next send on; one that is disconnected meanwhile is still called by this
/// one, as in Django.
pub struct Signal<T: 'static> {
    name: &'static str,
    /// The static receivers, sorted; filled at first use.
    statics: OnceLock<Box<[Slot<T>]>>,
    overlay: Overlay<Listed<T>>,
}

impl<T: 'static> Signal<T> {
    /// A signal that nobody is connected to at run time.
    ///
    /// The name is for people and logs; a signal is identified by its address.
    #[must_use]
    pub const fn new(name: &'static str) -> Self {
        Self {
            name,
            statics: OnceLock::new(),
            overlay: Overlay::new(),
        }
    }

    /// The name that it was declared with.
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

    /// Whether anyone is connected, muted or not. Filters are not asked.
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
        self.with_connected(|slots| !slots.is_empty())
    }

    /// Those who are connected, in the order in which they run.
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
        let info = |slot: &Slot<T>| ReceiverInfo::new(self.name, slot.details());
        self.with_connected(|slots| slots.iter().map(info).collect())
    }

    /// Delivers to nobody, in any thread, until the guard is dropped; nested
    /// guards count. Meant for tests and imports. Tests run at once, so those that
    /// mute one signal should take turns.
    ///
    /// # Examples
    ///
    /// ```
    /// use whatsapp_signals::Signal;
    ///
    /// let signal: Signal<u32> = Signal::new("tick");
    /// let _connection = signal.connect(|_: &u32| Err("was called"));
    /// let _silence = signal.mute();
    /// assert!(signal.send_robust(&1).is_unheard());
    /// ```
    pub fn mute(&self) -> Mute<'_, T> {
        self.overlay.mute();
        Mute { signal: self }
    }

    /// Whether a [`Mute`] guard is alive.
    #[must_use]
    pub fn is_muted(&self) -> bool {
        self.overlay.is_muted()
    }

    #[inline]
    fn statics(&self) -> &[Slot<T>] {
        self.statics.get_or_init(|| registration::collect(self))
    }

    /// Reads whom a send calls.
    #[inline]
    fn with_audience<R>(&self, read: impl FnOnce(&[Slot<T>]) -> R) -> R {
        if self.overlay.is_on() {
            return self.overlay.with_audience(self.statics(), read);
        }
        read(self.statics())
    }

    /// Reads who is connected: the audience, or more while muted.
    #[inline]
    fn with_connected<R>(&self, read: impl FnOnce(&[Slot<T>]) -> R) -> R {
        if self.overlay.is_on() {
            return self.overlay.with_connected(self.statics(), read);
        }
        read(self.statics())
    }
}

// What a panicking receiver breaks is its own; a signal's state is whole
// whenever a receiver runs.
impl<T> UnwindSafe for Signal<T> {}
impl<T> RefUnwindSafe for Signal<T> {}

impl<T> fmt::Debug for Signal<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Signal")
            .field("name", &self.name)
            .field("receivers", &self.receivers())
            .field("muted", &self.is_muted())
            .finish_non_exhaustive()
    }
}
