//! The guard of a receiver that was connected at run time.

use std::fmt;

/// A receiver that was connected at run time; dropping it disconnects the
/// receiver.
///
/// # Examples
///
/// ```
/// use whatsapp_signals::Signal;
///
/// let signal: Signal<u32> = Signal::new("tick");
/// {
///     let _connection = signal.connect(|_: &u32| {});
///     assert_eq!(signal.send(&1)?.called(), 1);
/// }
/// assert_eq!(signal.send(&2)?.called(), 0);
/// # Ok::<(), whatsapp_signals::Failure>(())
/// ```
#[must_use = "dropping the connection disconnects the receiver; call `detach` to keep it for good"]
pub struct Connection<'a> {
    signal: &'a dyn Connected,
    id: u64,
}

/// A signal of any payload, as far as a guard is concerned.
pub(super) trait Connected: Sync {
    fn name(&self) -> &'static str;
    fn is_connected(&self, id: u64) -> bool;
    fn disconnect_id(&self, id: u64) -> bool;
}

impl<'a> Connection<'a> {
    pub(super) fn new(signal: &'a dyn Connected, id: u64) -> Self {
        Self { signal, id }
    }

    /// Keeps the receiver connected for as long as the signal lives.
    ///
    /// ```
    /// use whatsapp_signals::Signal;
    ///
    /// let signal: Signal<u32> = Signal::new("tick");
    /// signal.connect(|_: &u32| {}).detach();
    /// assert!(signal.has_receivers());
    /// ```
    pub fn detach(self) {
        std::mem::forget(self);
    }

    /// Disconnects now; false when it was disconnected before, by its uid.
    ///
    /// ```
    /// use whatsapp_signals::Signal;
    ///
    /// let signal: Signal<u32> = Signal::new("tick");
    /// assert!(signal.connect(|_: &u32| {}).disconnect());
    /// assert!(!signal.has_receivers());
    /// ```
    #[allow(clippy::must_use_candidate, reason = "called for its effect")]
    pub fn disconnect(self) -> bool {
        let removed = self.signal.disconnect_id(self.id);
        std::mem::forget(self);
        removed
    }

    /// Whether the receiver is still connected: its uid may have been
    /// disconnected.
    ///
    /// ```
    /// use whatsapp_signals::{ConnectOptions, Signal};
    ///
    /// let signal: Signal<u32> = Signal::new("tick");
    /// let connection = signal.connect_with(ConnectOptions::new().uid("log"), |_: &u32| {})?;
    /// assert!(connection.is_connected());
    /// signal.disconnect("log");
    /// assert!(!connection.is_connected());
    /// # Ok::<(), whatsapp_signals::ConnectError>(())
    /// ```
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
