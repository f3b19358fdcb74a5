//! Signals with their payload's type erased, for listings.

use std::fmt;

use super::info::ReceiverInfo;
use super::{Context, Signal};

/// A signal of any payload, as in [`signals::ALL`](crate::signals::ALL).
/// Sealed; every [`Signal`] implements it.
///
/// ```standalone_crate
/// use whatsapp_signals::signals;
///
/// let signal = signals::ALL.iter().find(|signal| signal.name() == "message_received");
/// let signal = signal.unwrap();
/// assert!(!signal.has_receivers() && signal.receivers().is_empty(), "in this example");
/// ```
pub trait AnySignal: fmt::Debug + Sync + sealed::Sealed {
    /// See [`Signal::name`].
    fn name(&self) -> &'static str;
    /// See [`Signal::has_receivers`].
    fn has_receivers(&self) -> bool;
    /// See [`Signal::receivers`].
    fn receivers(&self) -> Vec<ReceiverInfo>;
    /// See [`InContext::receivers`](crate::InContext::receivers).
    fn receivers_with(&self, context: &Context) -> Vec<ReceiverInfo>;
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

mod sealed {
    pub trait Sealed {}
    impl<T, R> Sealed for crate::Signal<T, R> {}
}
