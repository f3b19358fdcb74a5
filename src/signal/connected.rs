//! Who is connected, and who no longer.

use super::Signal;
use super::connection::Connected;
use super::info::ReceiverInfo;
use super::receiver_list::Slot;

/// Looking at receivers, and disconnecting them.
impl<T: 'static> Signal<T> {
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
        self.with_connected(|list| !list.slots().is_empty())
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
        self.with_connected(|list| list.slots().iter().map(info).collect())
    }
}

impl<T> Connected for Signal<T> {
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
