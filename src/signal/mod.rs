//! Signals: typed events, and the receivers that are called for each of them.
//!
//! This module does not depend on WhatsApp. The root of the crate exports its public items, and
//! `__private` exports the items that `#[receiver]` expands to.
//!
//! The modules are in the order of their dependencies, each on those above it.

mod context;
mod receiver;

mod connect;
mod retry;

mod report;

mod dynamic;
mod receiver_list;
mod registry;

mod delivery;
#[allow(clippy::module_inception, reason = "the type is that of this module")]
mod signal;

mod asend;
mod send;

#[cfg(test)]
mod tests;

/// The synchronization primitives of [`dynamic`]. `tests/loom.rs` replaces each of them.
mod sync {
    pub(super) use std::sync::Arc;
    pub(super) use std::sync::atomic::{AtomicUsize, Ordering};

    pub(super) use arc_swap::ArcSwapOption;
    pub(super) use parking_lot::Mutex;
}

pub(crate) use asend::ErasedDelivery;
pub use connect::{ConnectError, ConnectErrorKind, ConnectOptions, Connection};
pub(crate) use context::EMPTY;
pub use context::{Context, InContext, MissingContext, Need, require, require_dyn};
pub(crate) use delivery::{DeliveryObserver, ReceiverId, ReceiverIds, ReceiverMode};
pub use receiver::{
    AsyncReceiver, BoxError, BoxFuture, IntoReceiver, Limits, Receiver, ReceiverInfo,
    ReceiverOutput, WithState, with_state,
};
pub use receiver_list::RegisteredReceiver;
pub(crate) use registry::check_signals;
pub use registry::{AnySignal, CheckError, Problem, Registration, check, receivers};
#[cfg(feature = "tracing")]
pub(crate) use report::ErrorChain;
pub use report::{Cause, Failure, Report};
pub use retry::{Retry, RetryWhen};
pub use signal::{Mute, PayloadOf, Signal, register};
