//! Guards: of a receiver that was connected at run time, and of a muted signal.

use std::fmt;

use super::Signal;

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
    signal: &'a dyn ErasedSignal,
    id: u64,
}

/// A signal of any payload, with the methods that a guard calls.
pub(super) trait ErasedSignal: Sync {
    fn name(&self) -> &'static str;
    fn is_connected(&self, id: u64) -> bool;
    fn disconnect_id(&self, id: u64) -> bool;
}

impl<'a> Connection<'a> {
    pub(super) fn new(signal: &'a dyn ErasedSignal, id: u64) -> Self {
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

/// Muting.
impl<T: 'static, R: 'static> Signal<T, R> {
    /// Suspends delivery, in all threads, until the guard is dropped; nested
    /// guards count. Meant for tests and imports. Tests run concurrently, so those
    /// that mute one signal should take turns.
    ///
    /// # Examples
    ///
    /// ```
    /// use whatsapp_signals::Signal;
    ///
    /// let signal: Signal<u32> = Signal::new("tick");
    /// let _connection = signal.connect(|_: &u32| Err("was called"));
    /// let _silence = signal.mute();
    /// assert!(signal.send_robust(&1).has_no_receivers());
    /// ```
    pub fn mute(&self) -> Mute<'_, T, R> {
        self.overlay.mute();
        Mute { signal: self }
    }

    /// Whether a [`Mute`] guard is alive.
    #[must_use]
    pub fn is_muted(&self) -> bool {
        self.overlay.is_muted()
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
/// assert!(signal.is_muted(), "one guard is left");
/// drop(outer);
/// assert_eq!(signal.send_robust(&1).called(), 1);
/// ```
#[must_use = "dropping the guard unmutes the signal"]
pub struct Mute<'a, T: 'static, R: 'static = ()> {
    pub(super) signal: &'a Signal<T, R>,
}

impl<T, R> Drop for Mute<'_, T, R> {
    fn drop(&mut self) {
        self.signal.overlay.unmute();
    }
}

impl<T, R> fmt::Debug for Mute<'_, T, R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Mute").field(&self.signal.name()).finish()
    }
}
