//! The payloads that signals carry, one file each.
//!
//! What the parser makes of a webhook is a [`WebhookEvent`]: one variant for
//! each signal that a webhook can fire.

mod campaign_completed;
mod flow_completed;
mod message_received;
mod message_sent;
mod message_status_changed;
mod unrecognized;
mod user_subscribed;

use crate::signal::{Failure, Report, Signal};

pub use crate::signals::WebhookEvent;
pub use campaign_completed::CampaignCompleted;
pub use flow_completed::FlowCompleted;
pub use message_received::MessageReceived;
pub use message_sent::MessageSent;
pub use message_status_changed::MessageStatusChanged;
pub(crate) use unrecognized::Quoted;
pub use unrecognized::{Reason, Unrecognized};
pub use user_subscribed::UserSubscribed;

/// A payload that has a signal of its own.
///
/// Every payload of this crate is one, so that what your code dispatches by
/// hand reads as it should. Implement it for payloads of your own when you
/// like that better than `ORDER_PAID.send(&event)`.
///
/// # Examples
///
/// ```
/// use whatsapp_signals::event::{CampaignCompleted, Event};
/// use whatsapp_signals::model::Campaign;
///
/// let report = CampaignCompleted::new(Campaign::new("Spring"), 118, 2).send()?;
/// assert_eq!(report.called(), 0, "nobody listens in this example");
/// assert_eq!(CampaignCompleted::NAME, "campaign_completed");
/// # Ok::<(), whatsapp_signals::Failure>(())
/// ```
pub trait Event: Sized + 'static {
    /// The signal's name.
    const NAME: &'static str;

    /// The signal that carries it.
    fn signal() -> &'static Signal<Self>;

    /// Sends it: [`Signal::send`].
    ///
    /// # Errors
    ///
    /// The first receiver's failure.
    fn send(&self) -> Result<Report, Failure> {
        Self::signal().send(self)
    }

    /// Sends it to everyone: [`Signal::send_robust`].
    #[must_use = "the report holds the failures"]
    fn send_robust(&self) -> Report {
        Self::signal().send_robust(self)
    }
}
