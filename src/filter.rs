//! Which events a receiver wants: filters that are ready, and how to combine
//! them.
//!
//! A filter is a function or closure from an event to `bool`, so one of your
//! own needs nothing from here. The ones below are what nearly every bot asks;
//! all stand behind `filter = …` of [`#[receiver]`](macro@crate::receiver), and
//! in [`ConnectOptions::filter`](crate::ConnectOptions::filter).
//!
//! ```
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
//! # fn main() -> Result<(), whatsapp_signals::ParseError> {
//! let report = parse(include_bytes!("../tests/payloads/text.json"))?.dispatch();
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
//! # fn main() -> Result<(), whatsapp_signals::ParseError> {
//! let events = parse(include_bytes!("../tests/payloads/text.json"))?.into_events();
//! let WebhookEvent::MessageReceived(question) = &events[0] else { panic!("a message") };
//!
//! assert!(filter::is_text(question) && filter::has_type("text")(question));
//! assert!(filter::text_starts_with("Good morning")(question));
//! assert!(filter::is_from("15550101001")(question) && filter::is_to("300200100500600")(question));
//!
//! assert!(!filter::text_is("Good morning")(question), "it says more");
//! assert!(!filter::has_media(question) && !filter::is_of_group(question));
//! assert!(!filter::is_reply(question) && !filter::replies_to("wamid.A")(question));
//! assert!(!filter::is_command("start")(question) && !filter::picks("yes")(question));
//! # Ok(())
//! # }
//! ```

use crate::event::{MessageReceived, MessageStatusChanged};
use crate::model::MessageStatus;

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

/// A row for each filter: `is` for those that compare with nothing, `of` for
/// those that compare with a text.
macro_rules! filters {
    (
        is { $($(#[$is_doc:meta])* $is:ident: |$is_event:ident| $is_it:expr;)+ }
        of { $($(#[$of_doc:meta])* $of:ident($text:ident): |$of_event:ident| $of_it:expr;)+ }
    ) => {
        $(
            $(#[$is_doc])*
            #[must_use]
            pub fn $is($is_event: &MessageReceived) -> bool {
                $is_it
            }
        )+
        $(
            $(#[$of_doc])*
            #[must_use]
            pub fn $of($text: impl AsRef<str> + Send + Sync + 'static) -> impl Filter<MessageReceived> {
                move |$of_event: &MessageReceived| {
                    let $text = $text.as_ref();
                    $of_it
                }
            }
        )+
    };
}

filters! {
    is {
        /// A text message.
        is_text: |event| event.message.text().is_some();
        /// A message that carries a file.
        has_media: |event| event.message.has_media();
        /// A message that answers another one.
        is_reply: |event| event.message.reply_to().is_some();
        /// A message that was sent in a group.
        is_of_group: |event| event.message.group_id.is_some();
    }
    of {
        /// A message of this [type](crate::model::Message::message_type), as
        /// Meta spells it: `image`, `interactive`, …
        has_type(kind): |event| event.message.message_type() == kind;
        /// A text message with exactly this text.
        text_is(text): |event| event.message.text() == Some(text);
        /// A text message that begins with this.
        text_starts_with(text): |event| {
            event.message.text().is_some_and(|of| of.starts_with(text))
        };
        /// A text message that is this command, `/start`, alone or with words
        /// behind it: `/start now`. The name comes without the slash.
        is_command(name): |event| {
            let words = event.message.text().and_then(|text| text.strip_prefix('/'));
            words.is_some_and(|words| words.split(char::is_whitespace).next() == Some(name))
        };
        /// An answer to the message with this wamid.
        replies_to(wamid): |event| {
            event.message.reply_to().is_some_and(|id| id.as_str() == wamid)
        };
        /// A tap on the button or list row that your code has given this
        /// [id](crate::model::Message::reply_id).
        picks(id): |event| event.message.reply_id() == Some(id);
        /// A message of the user with this phone number or user id, as Meta
        /// writes it: digits alone.
        is_from(id): |event| {
            let user = event.message.user.as_ref();
            user.is_some_and(|user| user.ids().any(|of| of == id))
        };
        /// A message to the business number with this `phone_number_id`.
        is_to(id): |event| {
            let number = event.account.phone_number_id.as_ref();
            number.is_some_and(|number| number.as_str() == id)
        };
    }
}

/// A status of this kind: `failed`, `read`, … A payment's statuses have these names, too, and
/// [`payment`](crate::model::StatusUpdate::payment) then.
///
/// ```
/// use whatsapp_signals::event::MessageStatusChanged;
/// use whatsapp_signals::filter::status_is;
/// use whatsapp_signals::model::MessageStatus;
/// use whatsapp_signals::{parse, receiver, signals::MESSAGE_STATUS_CHANGED};
///
/// #[receiver(MESSAGE_STATUS_CHANGED, filter = status_is(MessageStatus::Failed))]
/// fn call_instead(_event: &MessageStatusChanged) {}
///
/// # fn main() -> Result<(), whatsapp_signals::ParseError> {
/// let report = parse(include_bytes!("../tests/payloads/status-read.json"))?.dispatch();
/// assert_eq!((report.called(), report.filtered()), (0, 1));
/// # Ok(())
/// # }
/// ```
#[must_use]
pub fn status_is(status: MessageStatus) -> impl Filter<MessageStatusChanged> {
    move |event: &MessageStatusChanged| event.update.status == status
}
