//! The guard of a muted signal.

use std::fmt;

use super::Signal;

/// Muting.
impl<T: 'static> Signal<T> {
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
}

/// While this lives, its signal delivers to nobody. See [`Signal::mute`].
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
pub struct Mute<'a, T: 'static> {
    pub(super) signal: &'a Signal<T>,
}

impl<T> Drop for Mute<'_, T> {
    fn drop(&mut self) {
        self.signal.overlay.unmute();
    }
}

impl<T> fmt::Debug for Mute<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Mute").field(&self.signal.name()).finish()
    }
}
