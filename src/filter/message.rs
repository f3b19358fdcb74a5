//! The filters of messages.

use super::Filter;
use crate::event::MessageReceived;
use crate::model::phone_digits;

/// The example of a filter: a payload that it accepts, and one that it does not.
macro_rules! example {
    ($name:ident, $value:expr, $accepted:literal, $refused:literal) => {
        concat!(
            "\n# Examples\n\n```standalone_crate\n",
            "use whatsapp_signals::event::MessageReceived;\n",
            "use whatsapp_signals::filter::",
            stringify!($name),
            ";\n",
            "use whatsapp_signals::{parse, receiver, signals::MESSAGE_RECEIVED};\n\n",
            "#[receiver(MESSAGE_RECEIVED, filter = ",
            stringify!($name),
            $value,
            ")]\n",
            "fn answer(_event: &MessageReceived) {}\n\n",
            "# fn main() -> Result<(), Box<dyn std::error::Error>> {\n",
            "let report = parse(&std::fs::read(\"tests/payloads/",
            $accepted,
            "\")?)?.dispatch();\n",
            "assert_eq!((report.called(), report.filtered()), (1, 0));\n",
            "let report = parse(&std::fs::read(\"tests/payloads/",
            $refused,
            "\")?)?.dispatch();\n",
            "assert_eq!((report.called(), report.filtered()), (0, 1));\n",
            "# Ok(())\n# }\n```",
        )
    };
}

/// A row for each filter: `is` for those that compare with nothing, `of` for
/// those that compare with a text.
macro_rules! filters {
    (
        is { $(
            $(#[$is_doc:meta])* $is:ident in $is_in:literal, not in $is_not_in:literal:
            |$is_event:ident| $is_it:expr;
        )+ }
        of { $(
            $(#[$of_doc:meta])* $of:ident($text:ident)
            $(= $value:literal in $of_in:literal, not in $of_not_in:literal)?:
            |$of_event:ident| $of_it:expr;
        )+ }
    ) => {
        $(
            $(#[$is_doc])*
            #[doc = example!($is, "", $is_in, $is_not_in)]
            #[must_use]
            pub fn $is($is_event: &MessageReceived) -> bool {
                $is_it
            }
        )+
        $(
            $(#[$of_doc])*
            $(#[doc = example!($of, concat!("(\"", $value, "\")"), $of_in, $of_not_in)])?
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
        is_text in "text.json", not in "image.json": |event| event.message.text().is_some();
        /// A message that carries a file.
        has_media in "image.json", not in "text.json": |event| event.message.has_media();
        /// A message that answers another one.
        is_reply in "text-reply.json", not in "text.json":
            |event| event.message.reply_to().is_some();
        /// A message that was sent in a group.
        is_group_message in "text-group.json", not in "text.json":
            |event| event.message.group_id.is_some();
    }
    of {
        /// A message of this [type](crate::model::Message::message_type), as
        /// Meta spells it: `image`, `interactive`, …
        has_type(kind) = "location" in "location.json", not in "text.json":
            |event| event.message.message_type() == kind;
        /// A text message with exactly this text.
        text_equals(text) = "So, repair or replace?" in "conversation-context.json", not in "text.json":
            |event| event.message.text() == Some(text);
        /// A text message that begins with this.
        text_starts_with(text) = "Good morning" in "text.json", not in "text-reply.json": |event| {
            event.message.text().is_some_and(|of| of.starts_with(text))
        };
        /// A text message that is this command, `/start`, alone or with words
        /// behind it: `/start now`. The name comes without the slash.
        ///
        /// # Examples
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
        is_command(name): |event| {
            let words = event.message.text().and_then(|text| text.strip_prefix('/'));
            words.is_some_and(|words| words.split(char::is_whitespace).next() == Some(name))
        };
        /// An answer to the message with this wamid.
        replies_to(wamid) = "wamid.HBgLMzE5NzAxMDAyMDIVAgARGBQzQUJFNTZFM0Q1NUQ4ODlFRTRBRAA="
            in "text-reply.json", not in "text.json": |event| {
            event.message.reply_to().is_some_and(|id| id.as_str() == wamid)
        };
        /// A tap on the button or list row that your code has given this
        /// [id](crate::model::Message::reply_id).
        reply_id_is(id) = "svc_brakes" in "list-reply.json", not in "button-reply.json":
            |event| event.message.reply_id() == Some(id);
        /// A message of the user with this phone number or user id. The number may be
        /// formatted, as in [`Identity::from_phone`](crate::model::Identity::from_phone): it is
        /// the `wa_id` of Meta's answer,
        /// [never its `input`](crate::model::Identity::from_phone).
        is_from(id) = "+1 555 010-1001" in "text.json", not in "text-reply.json": |event| {
            let user = event.message.user.as_ref();
            let digits = phone_digits(id);
            let id = digits.as_deref().unwrap_or(id);
            user.is_some_and(|user| user.ids().any(|of| of == id))
        };
        /// A message to the business number with this `phone_number_id`.
        ///
        /// # Examples
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
        is_to(id): |event| {
            let number = event.account.phone_number_id.as_ref();
            number.is_some_and(|number| number.as_str() == id)
        };
    }
}
