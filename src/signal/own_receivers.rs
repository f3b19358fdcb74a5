//! Receivers of a context's own.

use std::any::Any;
use std::borrow::Cow;
use std::panic::Location;
use std::ptr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use parking_lot::RwLock;

use super::async_receiver::IntoReceiver;
use super::options::{ConnectError, ConnectOptions};
use super::receiver_list::ReceiverList;
use super::receiver_of::ReceiverOf;
use super::{AnySignal, Context, Signal};

/// The receivers that are connected to a context, and shared by its clones.
#[derive(Default)]
pub(super) struct OwnReceivers {
    /// Whether there are any, so that a context without them takes no lock.
    is_used: AtomicBool,
    /// Each signal, and the [`ReceiverList`] of its type.
    lists: RwLock<Vec<(&'static dyn AnySignal, List)>>,
}

type List = Arc<dyn Any + Send + Sync>;

/// The receivers of signals that a context calls beside its own.
#[derive(Clone, Debug)]
pub(super) enum Others {
    All,
    Except(Arc<[Cow<'static, str>]>),
    None,
}

impl OwnReceivers {
    #[inline]
    fn is_used(&self) -> bool {
        // Ordering: Relaxed, as the lock synchronises the lists. The flag is visible to all
        // that happens after the connection.
        self.is_used.load(Ordering::Relaxed)
    }

    #[inline]
    fn list<T, R>(&self, signal: &Signal<T, R>) -> Option<Arc<ReceiverList<T, R>>> {
        if !self.is_used() {
            return None;
        }
        find(&self.lists.read(), signal)
    }

    fn connect<T, R>(
        &self,
        signal: &'static Signal<T, R>,
        receiver: ReceiverOf<T, R>,
    ) -> Result<(), ConnectError> {
        // Outside of the lock, so that a refused receiver is dropped without it.
        let receiver = Arc::new(receiver);
        let mut lists = self.lists.write();
        let list = find(&lists, signal).unwrap_or_default();
        let list = list.with(signal.name, 0, &receiver)?;
        lists.retain(|(other, _)| !is_same(*other, signal));
        lists.push((signal, Arc::new(list)));
        self.is_used.store(true, Ordering::Relaxed);
        Ok(())
    }
}

fn is_same<T, R>(other: &dyn AnySignal, signal: &Signal<T, R>) -> bool {
    ptr::addr_eq(other, signal)
}

fn find<T, R>(
    lists: &[(&'static dyn AnySignal, List)],
    signal: &Signal<T, R>,
) -> Option<Arc<ReceiverList<T, R>>> {
    let (_, list) = lists.iter().find(|(other, _)| is_same(*other, signal))?;
    Arc::clone(list).downcast().ok()
}

/// Receivers of a context's own.
///
/// A test connects receivers to its context, and leaves the receivers of the program out. So
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
    /// Connects a receiver for the deliveries with this context and its clones, for as long as
    /// one of these exists. It takes what [`Signal::connect`] takes.
    ///
    /// Receivers of one order run in this sequence: static ones, those of
    /// [`Signal::connect`], those of the context.
    ///
    /// A receiver that owns a clone of the context keeps both in memory for good.
    ///
    /// A send without a context has an empty one for itself. Receivers that are connected to
    /// that one are never called.
    #[track_caller]
    pub fn connect<T, R, Kind, F>(&self, signal: &'static Signal<T, R>, receiver: F)
    where
        F: IntoReceiver<T, R, Kind>,
    {
        let connected = self.connect_with(signal, ConnectOptions::new(), receiver);
        if let Err(error) = connected {
            unreachable!("no options were given: {error}");
        }
    }

    /// Connects with an order, a uid, a filter or limits. A receiver of the signal that has the
    /// same uid is not called.
    ///
    /// # Errors
    ///
    /// [`ConnectError`] when another receiver of the context has the uid for this signal, a limit
    /// is zero, or a receiver that is not async has a timeout: the receiver given here is dropped.
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
    pub fn connect_with<T, R, Kind, F>(
        &self,
        signal: &'static Signal<T, R>,
        options: ConnectOptions<T>,
        receiver: F,
    ) -> Result<(), ConnectError>
    where
        F: IntoReceiver<T, R, Kind>,
    {
        let caller = Location::caller();
        let receiver = ReceiverOf::connected(signal.name, receiver, options, caller)?;
        match &self.own {
            Some(own) => own.connect(signal, receiver),
            None => Ok(()),
        }
    }

    /// Leaves out all receivers of signals: only those of the context are called.
    #[must_use]
    pub fn only_own_receivers(mut self) -> Self {
        self.others = Others::None;
        self
    }

    /// Leaves out the receivers of signals that have this uid.
    ///
    /// ```
    /// use whatsapp_signals::{Context, Signal, receiver};
    ///
    /// static ORDERED: Signal<u32> = Signal::new("ordered");
    ///
    /// #[receiver(ORDERED, uid = "deliver")]
    /// fn deliver(_: &u32) {
    ///     panic!("not in a test");
    /// }
    ///
    /// # fn main() -> Result<(), whatsapp_signals::Failure> {
    /// let context = Context::new().without_receiver("deliver");
    /// assert_eq!(ORDERED.with(&context).send(&3)?.called(), 0);
    /// # Ok(())
    /// # }
    /// ```
    #[must_use]
    pub fn without_receiver(mut self, uid: impl Into<Cow<'static, str>>) -> Self {
        let uids: &[_] = match &self.others {
            Others::All => &[],
            Others::Except(uids) => uids,
            Others::None => return self,
        };
        let uids = uids.iter().cloned().chain([uid.into()]).collect();
        self.others = Others::Except(uids);
        self
    }

    /// Returns the signals for which the context has receivers.
    pub(super) fn own_signals(&self) -> Vec<&'static dyn AnySignal> {
        let Some(own) = &self.own else {
            return Vec::new();
        };
        own.lists.read().iter().map(|(signal, _)| *signal).collect()
    }

    /// Returns the receivers of the context's own.
    #[inline]
    pub(super) fn own_list<T, R>(&self, signal: &Signal<T, R>) -> Option<Arc<ReceiverList<T, R>>> {
        self.own.as_ref()?.list(signal)
    }

    /// Whether a delivery with the context may have other receivers than the signal.
    #[inline]
    pub(super) fn changes_receivers(&self) -> bool {
        let has_own = self.own.as_ref().is_some_and(|own| own.is_used());
        has_own || !matches!(self.others, Others::All)
    }

    /// Whether receivers of signals that have this uid are left out.
    pub(super) fn leaves_out(&self, uid: Option<&str>) -> bool {
        match &self.others {
            Others::All => false,
            Others::Except(uids) => uid.is_some_and(|uid| uids.iter().any(|other| other == uid)),
            Others::None => true,
        }
    }
}
