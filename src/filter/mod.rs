//! Which events a receiver wants: filters that are ready, and how to combine
//! them.
//!
//! A filter is a function or closure from an event to `bool`, so one of your
//! own needs nothing from here. The ones below are what nearly every bot asks;
//! all stand behind `filter = …` of [`#[receiver]`](macro@crate::receiver), and
//! in [`ConnectOptions::filter`](crate::ConnectOptions::filter).
//!
//! ```standalone_crate
//! use whatsapp_signals::event::MessageReceived;
//! use whatsapp_signals::filter::{Filter, has_media, is_command, is_reply};
//! use whatsapp_signals::{parse, receiver, signals::MESSAGE_RECEIVED};
//!
//! #[receiver(MESSAGE_RECEIVED, filter = is_command("start").and(is_reply.not()))]
//! fn start(_event: &MessageReceived) {}
//!
//! #[receiver(MESSAGE_RECEIVED, filter = has_media.or(is_question))]
//! fn look_at(_event: &MessageReceived) {}
//!
//! fn is_question(event: &MessageReceived) -> bool {
//!     event.message.body().ends_with('?')
//! }
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let report = parse(&std::fs::read("tests/payloads/text.json")?)?.dispatch();
//! assert_eq!((report.called(), report.filtered()), (1, 1), "a question");
//! # Ok(())
//! # }
//! ```
//!
//! Each is a function of its own, so that a receiver may ask it too:
//!
//! ```
//! use whatsapp_signals::event::WebhookEvent;
//! use whatsapp_signals::{filter, parse};
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let events = parse(&std::fs::read("tests/payloads/text.json")?)?.into_events();
//! let WebhookEvent::MessageReceived(question) = &events[0] else { panic!("a message") };
//!
//! assert!(filter::is_text(question) && filter::has_type("text")(question));
//! assert!(filter::text_starts_with("Good morning")(question));
//! assert!(filter::is_from("15550101001")(question) && filter::is_to("300200100500600")(question));
//!
//! assert!(!filter::text_equals("Good morning")(question), "it says more");
//! assert!(!filter::has_media(question) && !filter::is_group_message(question));
//! assert!(!filter::is_reply(question) && !filter::replies_to("wamid.A")(question));
//! assert!(!filter::is_command("start")(question) && !filter::reply_id_is("yes")(question));
//! # Ok(())
//! # }
//! ```

mod message;

use crate::event::MessageStatusChanged;
use crate::model::MessageStatus;

pub use message::{
    has_media, has_type, is_command, is_from, is_group_message, is_reply, is_text, is_to,
    replies_to, reply_id_is, text_equals, text_starts_with,
};

/// What can be combined: every `Fn(&T) -> bool` that may be shared.
///
/// ```
/// use whatsapp_signals::filter::Filter;
/// use whatsapp_signals::{ConnectOptions, Signal};
///
/// fn is_odd(n: &u32) -> bool {
///     n % 2 == 1
/// }
/// let filter = is_odd.and((|n: &u32| *n < 9).not()).or(|n: &u32| *n == 0);
///
/// let signal: Signal<u32> = Signal::new("tick");
/// let _connection = signal.connect_with(ConnectOptions::new().filter(filter), |_: &u32| {})?;
/// let called = [0, 1, 9, 10].map(|n| signal.send_robust(&n).called());
/// assert_eq!(called, [1, 0, 1, 0]);
/// # Ok::<(), whatsapp_signals::ConnectError>(())
/// ```
pub trait Filter<T: ?Sized>: Fn(&T) -> bool + Send + Sync + Sized + 'static {
    /// Accepts what both accept. The second is asked only when the first has
    /// accepted.
    fn and(self, other: impl Filter<T>) -> impl Filter<T> {
        move |event: &T| self(event) && other(event)
    }

    /// Accepts what one of them accepts. The second is asked only when the
    /// first has not accepted.
    fn or(self, other: impl Filter<T>) -> impl Filter<T> {
        move |event: &T| self(event) || other(event)
    }

    /// Accepts what this one does not.
    fn not(self) -> impl Filter<T> {
        move |event: &T| !self(event)
    }
}

impl<T: ?Sized, F: Fn(&T) -> bool + Send + Sync + 'static> Filter<T> for F {}

/// A status of this kind: `failed`, `read`, … A payment's statuses have these names, too, and
/// [`payment`](crate::model::StatusUpdate::payment) then.
///
/// ```standalone_crate
/// use whatsapp_signals::event::MessageStatusChanged;
/// use whatsapp_signals::filter::status_is;
/// use whatsapp_signals::model::MessageStatus;
/// use whatsapp_signals::{parse, receiver, signals::MESSAGE_STATUS_CHANGED};
///
/// #[receiver(MESSAGE_STATUS_CHANGED, filter = status_is(MessageStatus::Failed))]
/// fn call_instead(_event: &MessageStatusChanged) {}
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let report = parse(&std::fs::read("tests/payloads/status-read.json")?)?.dispatch();
/// assert_eq!((report.called(), report.filtered()), (0, 1));
/// # Ok(())
/// # }
/// ```
#[must_use]
pub fn status_is(status: MessageStatus) -> impl Filter<MessageStatusChanged> {
    move |event: &MessageStatusChanged| event.update.status == status
}

/// A status of a message that was sent with a `biz_opaque_callback_data` of this beginning, such as
/// the messages of one campaign.
///
/// ```standalone_crate
/// use whatsapp_signals::event::MessageStatusChanged;
/// use whatsapp_signals::filter::callback_data_starts_with;
/// use whatsapp_signals::{parse, receiver, signals::MESSAGE_STATUS_CHANGED};
///
/// #[receiver(MESSAGE_STATUS_CHANGED, filter = callback_data_starts_with("spring-2027:"))]
/// fn count(_event: &MessageStatusChanged) {}
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let report = parse(&std::fs::read("tests/payloads/status-read.json")?)?.dispatch();
/// assert_eq!((report.called(), report.filtered()), (0, 1));
/// # Ok(())
/// # }
/// ```
#[must_use]
pub fn callback_data_starts_with(
    beginning: impl Into<String>,
) -> impl Filter<MessageStatusChanged> {
    let beginning = beginning.into();
    move |event: &MessageStatusChanged| {
        let data = event.update.biz_opaque_callback_data.as_deref();
        data.is_some_and(|data| data.starts_with(&beginning))
    }
}
