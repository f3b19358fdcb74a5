//! All signals of this crate.
//!
//! Each is a static to which receivers connect: those of the webhook fields, which
//! [`dispatch`](crate::Webhook::dispatch) fires, three that your code fires, and [`ANY_EVENT`],
//! which is sent for each event that is dispatched or delivered. [`FIELDS`] and the statics below
//! name the fields that fire each signal. Meta describes the fields in its [overview].
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
mod statics;
mod table;
mod webhook_event;

use std::borrow::Cow;
use std::sync::{Arc, LazyLock};

use serde::{Deserialize, Serialize};

#[allow(
    clippy::wildcard_imports,
    reason = "the table names nearly all of them"
)]
use crate::event::*;
use crate::model::{Account, Contact, Identity, RawJson};
use crate::signal::{
    AnySignal, Context, DeliveryObserver, EMPTY, InContext, ReceiverMode, Report, Signal,
};
pub use any_event::ANY_EVENT;
pub(crate) use any_event::is_receiver;
use define::define_signals;
use statics::statics;
pub(crate) use table::for_each_signal;
use webhook_event::webhook_event;

/// The account of an event that names none.
static NO_ACCOUNT: Account = Account::none();

/// The JSON of an event that was made of none.
static NO_JSON: LazyLock<RawJson> = LazyLock::new(RawJson::null);

for_each_signal!(define_signals);
