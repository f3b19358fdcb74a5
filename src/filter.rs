//! Filters: the conditions under which an event is delivered to a receiver.
//!
//! A filter is a function or closure from an event to `bool`. This module has the common ones, and
//! [`Filter`] combines filters. Use a filter as `filter = …` of
//! [`#[receiver]`](macro@crate::receiver), or with
//! [`ConnectOptions::filter`](crate::ConnectOptions::filter).
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
//! fn look(_event: &MessageReceived) {}
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
//! A receiver may call a filter, too:
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
//! assert!(!filter::text_equals("Good morning")(question), "the text is longer");
//! assert!(!filter::has_media(question) && !filter::is_group_message(question));
//! assert!(!filter::is_reply(question) && !filter::replies_to("wamid.A")(question));
//! assert!(!filter::is_command("start")(question) && !filter::reply_id_is("yes")(question));
//! # Ok(())
//! # }
//! ```

use crate::event::{MessageReceived, MessageStatusChanged};
use crate::model::{MessageStatus, phone_digits};

/// A filter of events of type `T`: any `Fn(&T) -> bool` that is `Send + Sync + 'static`.
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
    /// Returns a filter that accepts an event if both filters do. `other` is called only if `self`
    /// accepts.
    fn and(self, other: impl Filter<T>) -> impl Filter<T> {
        move |event: &T| self(event) && other(event)
    }

    /// Returns a filter that accepts an event if one of both filters does. `other` is called only
    /// if `self` rejects.
    fn or(self, other: impl Filter<T>) -> impl Filter<T> {
        move |event: &T| self(event) || other(event)
    }

    /// Returns a filter that accepts an event if `self` rejects it.
    fn not(self) -> impl Filter<T> {
        move |event: &T| !self(event)
    }
}

impl<T: ?Sized, F: Fn(&T) -> bool + Send + Sync + 'static> Filter<T> for F {}

/// Accepts a text message.
#[must_use]
pub fn is_text(event: &MessageReceived) -> bool {
    event.message.text().is_some()
}

/// Accepts a message with a file.
#[must_use]
pub fn has_media(event: &MessageReceived) -> bool {
    event.message.has_media()
}

/// Accepts a message that replies to another one.
#[must_use]
pub fn is_reply(event: &MessageReceived) -> bool {
    event.message.reply_to().is_some()
}

/// Accepts a message in a group.
#[must_use]
pub fn is_group_message(event: &MessageReceived) -> bool {
    event.message.group_id.is_some()
}

/// Accepts a message of this [type](crate::model::Message::message_type), in Meta's spelling:
/// `has_type("interactive")`.
#[must_use]
pub fn has_type(
    message_type: impl AsRef<str> + Send + Sync + 'static,
) -> impl Filter<MessageReceived> {
    move |event: &MessageReceived| event.message.message_type() == message_type.as_ref()
}

/// Accepts a text message with exactly this text.
#[must_use]
pub fn text_equals(text: impl AsRef<str> + Send + Sync + 'static) -> impl Filter<MessageReceived> {
    move |event: &MessageReceived| event.message.text() == Some(text.as_ref())
}

/// Accepts a text message that begins with this text.
#[must_use]
pub fn text_starts_with(
    beginning: impl AsRef<str> + Send + Sync + 'static,
) -> impl Filter<MessageReceived> {
    move |event: &MessageReceived| {
        let text = event.message.text();
        text.is_some_and(|text| text.starts_with(beginning.as_ref()))
    }
}

/// Accepts a text message with this command: `is_command("start")` accepts `/start` and
/// `/start now`. The name is given without the slash.
///
/// ```standalone_crate
/// use whatsapp_signals::event::MessageReceived;
/// use whatsapp_signals::filter::is_command;
/// use whatsapp_signals::{parse, receiver, signals::MESSAGE_RECEIVED};
///
/// #[receiver(MESSAGE_RECEIVED, filter = is_command("start"))]
/// fn start(_event: &MessageReceived) {}
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let greeting = &std::fs::read_to_string("tests/payloads/text.json")?;
/// assert_eq!(parse(greeting.as_bytes())?.dispatch().filtered(), 1);
/// let command = greeting.replace("Good morning!", "/start");
/// assert_eq!(parse(command.as_bytes())?.dispatch().called(), 1);
/// # Ok(())
/// # }
/// ```
#[must_use]
pub fn is_command(name: impl AsRef<str> + Send + Sync + 'static) -> impl Filter<MessageReceived> {
    move |event: &MessageReceived| {
        let text = event.message.text().and_then(|text| text.strip_prefix('/'));
        let command = text.and_then(|text| text.split(char::is_whitespace).next());
        command == Some(name.as_ref())
    }
}

/// Accepts a message that replies to the message with this wamid.
///
/// ```standalone_crate
/// use whatsapp_signals::event::MessageReceived;
/// use whatsapp_signals::filter::replies_to;
/// use whatsapp_signals::{ConnectOptions, parse, signals::MESSAGE_RECEIVED};
///
/// // The id in the response to the question that you sent.
/// let question = "wamid.HBgLMzE5NzAxMDAyMDIVAgARGBQzQUJFNTZFM0Q1NUQ4ODlFRTRBRAA=";
/// let options = ConnectOptions::new().filter(replies_to(question));
/// let _answered = MESSAGE_RECEIVED.connect_with(options, |event: &MessageReceived| {
///     println!("{}", event.message.body());
/// })?;
///
/// let reply = parse(&std::fs::read("tests/payloads/text-reply.json")?)?;
/// assert_eq!(reply.dispatch().called(), 1);
/// let other = parse(&std::fs::read("tests/payloads/text.json")?)?;
/// assert_eq!(other.dispatch().filtered(), 1);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[must_use]
pub fn replies_to(wamid: impl AsRef<str> + Send + Sync + 'static) -> impl Filter<MessageReceived> {
    move |event: &MessageReceived| {
        let reply_to = event.message.reply_to();
        reply_to.is_some_and(|id| id.as_str() == wamid.as_ref())
    }
}

/// Accepts a tap on the button or list row with this [id](crate::model::Message::reply_id), which
/// you chose when you sent the message.
///
/// ```standalone_crate
/// use whatsapp_signals::event::MessageReceived;
/// use whatsapp_signals::filter::reply_id_is;
/// use whatsapp_signals::{parse, receiver, signals::MESSAGE_RECEIVED};
///
/// #[receiver(MESSAGE_RECEIVED, filter = reply_id_is("svc_brakes"))]
/// fn book_brakes(_event: &MessageReceived) {}
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let row = parse(&std::fs::read("tests/payloads/list-reply.json")?)?;
/// assert_eq!(row.dispatch().called(), 1);
/// let button = parse(&std::fs::read("tests/payloads/button-reply.json")?)?;
/// assert_eq!(button.dispatch().filtered(), 1);
/// # Ok(())
/// # }
/// ```
#[must_use]
pub fn reply_id_is(id: impl AsRef<str> + Send + Sync + 'static) -> impl Filter<MessageReceived> {
    move |event: &MessageReceived| event.message.reply_id() == Some(id.as_ref())
}

/// Accepts a message from the user with this phone number or user id. The number may be formatted,
/// as for [`Identity::from_phone`](crate::model::Identity::from_phone): `is_from("+1 555 010-1001")`.
/// Use the `wa_id` of a response of Meta's,
/// [never its `input`](crate::model::Identity::from_phone).
#[must_use]
pub fn is_from(id: impl AsRef<str> + Send + Sync + 'static) -> impl Filter<MessageReceived> {
    move |event: &MessageReceived| {
        let id = id.as_ref();
        let user = event.message.user.as_ref();
        let digits = phone_digits(id);
        let id = digits.as_deref().unwrap_or(id);
        user.is_some_and(|user| user.ids().any(|of_user| of_user == id))
    }
}

/// Accepts a message to the business number with this `phone_number_id`.
///
/// ```standalone_crate
/// use whatsapp_signals::event::MessageReceived;
/// use whatsapp_signals::filter::is_to;
/// use whatsapp_signals::{parse, receiver, signals::MESSAGE_RECEIVED};
///
/// #[receiver(MESSAGE_RECEIVED, filter = is_to("300200100500601"))]
/// fn answer(event: &MessageReceived) {
///     assert_eq!(event.account.display_phone_number.as_deref(), Some("15550100201"));
/// }
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let report = parse(&std::fs::read("tests/payloads/batch-mixed.json")?)?.dispatch();
/// assert_eq!((report.called(), report.filtered()), (1, 3));
/// assert!(report.is_ok());
/// # Ok(())
/// # }
/// ```
#[must_use]
pub fn is_to(
    phone_number_id: impl AsRef<str> + Send + Sync + 'static,
) -> impl Filter<MessageReceived> {
    move |event: &MessageReceived| {
        let number = event.account.phone_number_id.as_ref();
        number.is_some_and(|number| number.as_str() == phone_number_id.as_ref())
    }
}

/// Accepts a change to this status. The statuses of a payment have the same names, and have
/// [`payment`](crate::model::StatusUpdate::payment).
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

/// Accepts a change of the status of a message that was sent with a `biz_opaque_callback_data` of
/// this beginning, such as a message of one campaign.
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

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use super::*;
    use crate::event::WebhookEvent;

    /// Returns the message of a sample body.
    fn message(file: &str) -> MessageReceived {
        let path = format!("tests/payloads/{file}.json");
        let webhook = crate::parse(&std::fs::read(path).unwrap()).unwrap();
        match webhook.into_events().remove(0) {
            WebhookEvent::MessageReceived(event) => event,
            event => panic!("expected a message, found {event:?}"),
        }
    }

    #[test]
    fn each_filter_accepts_one_sample_and_rejects_another() {
        let check = |filter: &dyn Fn(&MessageReceived) -> bool, accepted, rejected| {
            assert!(filter(&message(accepted)), "{accepted}");
            assert!(!filter(&message(rejected)), "{rejected}");
        };
        check(&is_text, "text", "image");
        check(&has_media, "image", "text");
        check(&is_reply, "text-reply", "text");
        check(&is_group_message, "text-group", "text");
        check(&has_type("location"), "location", "text");
        let question = text_equals("So, repair or replace?");
        check(&question, "conversation-context", "text");
        check(&text_starts_with("Good morning"), "text", "text-reply");
        check(&is_from("+1 555 010-1001"), "text", "text-reply");
    }
}
