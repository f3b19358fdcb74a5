//! A crate with receivers that forbids `unsafe` and denies every warning.

#![forbid(unsafe_code)]
#![deny(missing_docs, warnings)]
#![deny(future_incompatible, nonstandard_style, rust_2018_idioms, unused)]
#![deny(missing_debug_implementations, unreachable_pub)]
#![deny(single_use_lifetimes, unused_lifetimes, unused_qualifications)]

use whatsapp_signals::event::MessageReceived;
use whatsapp_signals::signals::MESSAGE_RECEIVED;
use whatsapp_signals::{BoxError, Signal, receiver};

/// A signal of this crate.
pub static TICK: Signal<u32> = Signal::new("tick");

fn is_odd(tick: &u32) -> bool {
    tick % 2 == 1
}

#[receiver(TICK, order = -1, uid = "odd", filter = is_odd)]
fn odd(_event: &u32) {}

/// Receivers may be public.
///
/// # Errors
/// Fails for no number.
#[receiver(TICK, filter = |tick| *tick > 9)]
pub fn late(event: &u32) -> Result<(), BoxError> {
    event.to_string().parse::<u64>()?;
    Ok(())
}

#[receiver(TICK, attempts = 3, timeout = 10)]
async fn forward(_event: &u32) {
    std::future::ready(()).await;
}

#[receiver(MESSAGE_RECEIVED)]
fn greet(_event: &MessageReceived) {}
