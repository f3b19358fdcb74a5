#![doc = include_str!("../README.md")]
#![cfg_attr(docsrs, feature(doc_cfg))]

pub mod event;
pub mod model;
pub mod signal;
pub mod signals;
pub mod webhook;

#[doc(no_inline)]
pub use event::{Event, WebhookEvent};
pub use signal::{
    AnySignal, BoxError, Cause, ConnectError, ConnectOptions, Connection, Failure, Mute, Receiver,
    ReceiverInfo, ReceiverOutput, Report, Signal, receivers,
};
pub use webhook::{
    DispatchReport, EventFailure, ParseError, ParseErrorKind, Parser, Webhook, parse,
};

/// Registers a function as a receiver of a signal, for the whole program.
pub use whatsapp_signals_macros::receiver;

/// What `#[receiver]` expands to. Not part of the interface.
#[doc(hidden)]
pub mod __private {
    pub use inventory;

    pub use crate::signal::{Registered, Registration};
    use crate::signal::{BoxError, ReceiverOutput};

    pub fn into_result(output: impl ReceiverOutput) -> Result<(), BoxError> {
        output.into_result()
    }
}
