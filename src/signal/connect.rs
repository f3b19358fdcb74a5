//! Receivers that come and go while the program runs.

use super::Signal;
use super::async_receiver::IntoReceiver;
use super::connection::{Connected, Connection};
use super::info::Details;
use super::options::{ConnectError, ConnectOptions};
use super::receiver_of::ReceiverOf;

/// Connecting and disconnecting.
impl<T: 'static> Signal<T> {
    /// Connects a function, a closure or a [`Receiver`](crate::Receiver) of your own, async or
    /// not, until the returned guard is dropped.
    ///
    /// A closure has to name its argument's type, `|event: &Payload| …`: the
    /// compiler does not find it out by itself.
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
    pub fn connect<Kind, R: IntoReceiver<T, Kind>>(&self, receiver: R) -> Connection<'_> {
        match self.connect_with(ConnectOptions::new(), receiver) {
            Ok(connection) => connection,
            Err(error) => unreachable!("no uid was given: {error}"),
        }
    }

    /// Connects with an order, a uid or a filter.
    ///
    /// # Errors
    ///
    /// [`ConnectError`] when the uid is taken: the first stays, and the
    /// receiver given here is dropped.
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
    pub fn connect_with<Kind, R: IntoReceiver<T, Kind>>(
        &self,
        options: ConnectOptions<T>,
        receiver: R,
    ) -> Result<Connection<'_>, ConnectError> {
        let caller = std::panic::Location::caller();
        let receiver = receiver.erase();
        let details = Details {
            path: std::any::type_name::<R>(),
            file: caller.file(),
            line: caller.line(),
            index: 0,
            order: options.order,
            is_async: receiver.is_async(),
            uid: options.uid,
        };
        let receiver = ReceiverOf::object(receiver, options.filter, details);
        match self.overlay.connect(self.name, self.statics(), receiver) {
            Ok(id) => Ok(Connection::new(self, id)),
            Err(connected) => Err(ConnectError {
                connected: Box::new(connected),
            }),
        }
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
}

impl<T> Connected for Signal<T> {
    fn name(&self) -> &'static str {
        self.name
    }

    fn is_connected(&self, id: u64) -> bool {
        self.with_connected(|slots| slots.iter().any(|slot| slot.has_id(id)))
    }

    fn disconnect_id(&self, id: u64) -> bool {
        self.overlay
            .disconnect(self.statics(), |slot| slot.has_id(id))
    }
}
