//! The signals of this crate.
//!
//! Each signal is a static to which receivers connect. [`dispatch`](crate::Webhook::dispatch) fires
//! the signals of the webhook fields; the program fires three more; and [`ANY_EVENT`] is sent for
//! each event that is dispatched or delivered. [`FIELDS`] and the statics below name the fields
//! that fire each signal. Meta describes the fields in its [overview].
//!
//! ```standalone_crate
//! use whatsapp_signals::event::MessageStatusChanged;
//! use whatsapp_signals::{parse, receiver, signals::MESSAGE_STATUS_CHANGED};
//!
//! #[receiver(MESSAGE_STATUS_CHANGED)]
//! fn track(event: &MessageStatusChanged) {
//!     assert_eq!(event.update.status, "read");
//! }
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let report = parse(&std::fs::read("tests/payloads/status-read.json")?)?.dispatch();
//! assert_eq!(report.called(), 1);
//! # Ok(())
//! # }
//! ```
//!
//! [overview]: https://developers.facebook.com/documentation/business-messaging/whatsapp/webhooks/overview

mod any_event;
mod define;

#[allow(
    clippy::wildcard_imports,
    reason = "the table names nearly all of them"
)]
use crate::event::*;
use crate::signal::{AnySignal, Signal};
pub use any_event::ANY_EVENT;
pub(crate) use any_event::is_receiver;
use define::{define_signals, define_statics};

for_each_signal!(define_signals);
