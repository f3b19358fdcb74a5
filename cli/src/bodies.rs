//! The bodies that `send` posts, made with the testing kit.

use std::fmt;
use std::process;
use std::str::FromStr;
use std::time::SystemTime;

use clap::{Args, Subcommand, ValueEnum};
use serde_json::{Value, json};
use whatsapp_signals::event::{MessageReceived, MessageStatusChanged};
use whatsapp_signals::model::Timestamp;
use whatsapp_signals::testing::{self, Batch, Sample};

/// The user, the number and the account of a webhook.
#[derive(Args)]
pub(crate) struct Parties {
    /// Phone number of the user
    #[arg(
        long,
        global = true,
        value_name = "PHONE",
        default_value = "15550101001"
    )]
    from: Phone,
    /// Number of users, whose phone numbers follow that of --from
    #[arg(long, global = true, value_name = "N", default_value_t = 1,
        value_parser = clap::value_parser!(u64).range(1..))]
    users: u64,
    /// Profile name of the user
    #[arg(long, global = true, default_value = "Ada Okafor")]
    name: String,
    /// `phone_number_id` of your number
    #[arg(
        long,
        global = true,
        value_name = "ID",
        default_value = "300200100500600"
    )]
    to_number: String,
    /// Your number as it is displayed
    #[arg(
        long,
        global = true,
        value_name = "PHONE",
        default_value = "15550100200"
    )]
    display_number: Phone,
    /// Id of your WhatsApp Business Account
    #[arg(
        long,
        global = true,
        value_name = "ID",
        default_value = "900800700600500"
    )]
    waba: String,
}

/// The item of a webhook.
#[derive(Subcommand)]
pub(crate) enum Kind {
    /// A text message
    #[command(after_help = "Example:\n  whatsapp-signals send text 'Is my bike ready?'")]
    Text {
        /// The text
        text: String,
        #[command(flatten)]
        id: Id,
    },
    /// An image
    #[command(after_help = "Example:\n  whatsapp-signals send image --caption 'The new gears'")]
    Image {
        /// The caption
        #[arg(long)]
        caption: Option<String>,
        #[command(flatten)]
        id: Id,
    },
    /// A tap on a button
    #[command(after_help = "Example:\n  whatsapp-signals send button approve 'Approve repair'")]
    Button {
        /// The id of the button; of a template's button its payload
        button: String,
        /// The title of the button
        title: String,
        /// The button is one of a template
        #[arg(long)]
        template: bool,
        #[command(flatten)]
        id: Id,
    },
    /// A submitted flow
    #[command(after_help = "Example:\n  whatsapp-signals send flow '{\"bikes\": 2}'")]
    Flow {
        /// The answers, as a JSON object
        #[arg(value_parser = parse_object)]
        answers: Value,
        #[command(flatten)]
        id: Id,
    },
    /// A status of a message that you sent
    #[command(after_help = "Examples:\n  \
        whatsapp-signals send status delivered wamid.OFFER\n  \
        whatsapp-signals send status failed wamid.OFFER --code 131047 --title 'Re-engagement message'")]
    Status {
        /// The status
        status: Status,
        /// The id of the message
        message: String,
        /// Meta's code of the failure
        #[arg(long, default_value_t = 131_026)]
        code: u32,
        /// Meta's title of the failure
        #[arg(long, default_value = "Message undeliverable")]
        title: String,
    },
    /// Several messages and statuses in one webhook
    ///
    /// Without `--kinds` they are text messages. The kinds take turns: with `--kinds text,read` every
    /// second item is a status.
    #[command(after_help = "Examples:\n  \
        whatsapp-signals send batch 50 'Hi' --users 10\n  \
        whatsapp-signals send batch 6 'Hi' --kinds text,image,button,flow,delivered,read")]
    Batch {
        /// The number of items
        #[arg(value_parser = clap::value_parser!(u64).range(1..=2000))]
        items: u64,
        /// The text of each message, the caption of an image and the title of a button
        #[arg(default_value = "Hi")]
        text: String,
        /// The kinds of the items, in turn
        #[arg(
            long,
            value_name = "KIND,…",
            value_delimiter = ',',
            default_value = "text"
        )]
        kinds: Vec<BatchKind>,
    },
}

/// The kind of an item of a batch. Each status has another message.
#[derive(Clone, Copy, ValueEnum)]
pub(crate) enum BatchKind {
    Text,
    Image,
    /// A tap on the button `approve`
    Button,
    /// A submitted flow with the answers `{"bikes": 2}`
    Flow,
    Sent,
    Delivered,
    Read,
    Played,
    /// A status of a failure with the code 131026
    Failed,
}

#[derive(Args)]
pub(crate) struct Id {
    /// Id of the message (default: a new one for each webhook)
    #[arg(long, value_name = "WAMID")]
    id: Option<String>,
}

#[derive(Clone, Copy, ValueEnum)]
pub(crate) enum Status {
    Sent,
    Delivered,
    Read,
    Played,
    Failed,
}

/// Creates the bodies of one call of `send`.
pub(crate) struct Bodies {
    parties: Parties,
    kind: Kind,
    ids: Ids,
}

impl Bodies {
    pub(crate) fn new(parties: Parties, kind: Kind) -> Self {
        let ids = Ids::new();
        Self { parties, kind, ids }
    }

    /// Returns the body of the webhook with this number, from 0 on.
    pub(crate) fn body(&self, nth: u64) -> Vec<u8> {
        let message = |sample: Sample<MessageReceived>, id: &Id| {
            let id = id.id.clone();
            let id = id.unwrap_or_else(|| self.ids.id(&nth));
            self.parties.add_to(sample, nth).id(&id)
        };
        let json = match &self.kind {
            Kind::Text { text, id } => message(testing::text(text), id).json(),
            Kind::Image { caption, id } => {
                let image = message(testing::image(), id);
                match caption {
                    Some(caption) => image.caption(caption).json(),
                    None => image.json(),
                }
            }
            Kind::Button {
                button,
                title,
                template,
                id,
            } => {
                let button = match template {
                    true => testing::button(button, title),
                    false => testing::button_reply(button, title),
                };
                message(button, id).json()
            }
            Kind::Flow { answers, id } => message(testing::flow_reply(answers), id).json(),
            Kind::Status {
                status,
                message,
                code,
                title,
            } => {
                let status = match status {
                    Status::Sent => testing::sent(message),
                    Status::Delivered => testing::delivered(message),
                    Status::Read => testing::read(message),
                    Status::Played => testing::played(message),
                    Status::Failed => testing::failed(message, *code, title),
                };
                self.parties.add_to(status, nth).json()
            }
            Kind::Batch { items, text, kinds } => self.batch(nth, *items, text, kinds).json(),
        };
        json.to_string().into_bytes()
    }

    /// Returns the webhook with this number and `items` items, whose kinds take turns.
    fn batch(&self, nth: u64, items: u64, text: &str, kinds: &[BatchKind]) -> Batch {
        let mut batch = Batch::default();
        for (at, kind) in (0..items).zip(kinds.iter().cycle()) {
            let id = self.ids.id(&format_args!("{nth}-{at}"));
            let user = nth.wrapping_mul(items).wrapping_add(at);
            let message =
                |sample: Sample<MessageReceived>| self.parties.add_to(sample, user).id(&id);
            let status = |sample: Sample<MessageStatusChanged>| self.parties.add_to(sample, user);
            batch = match kind {
                BatchKind::Text => batch.and(message(testing::text(text))),
                BatchKind::Image => batch.and(message(testing::image().caption(text))),
                BatchKind::Button => batch.and(message(testing::button_reply("approve", text))),
                BatchKind::Flow => batch.and(message(testing::flow_reply(&json!({"bikes": 2})))),
                BatchKind::Sent => batch.and(status(testing::sent(&id))),
                BatchKind::Delivered => batch.and(status(testing::delivered(&id))),
                BatchKind::Read => batch.and(status(testing::read(&id))),
                BatchKind::Played => batch.and(status(testing::played(&id))),
                BatchKind::Failed => {
                    let title = "Message undeliverable";
                    batch.and(status(testing::failed(&id, 131_026, title)))
                }
            };
        }
        batch
    }
}

impl Parties {
    /// Sets the parties of a sample and the current time.
    fn add_to<E>(&self, sample: Sample<E>, nth: u64) -> Sample<E> {
        sample
            .from(&self.from.offset(nth % self.users))
            .named(&self.name)
            .to_number(&self.to_number, &self.display_number.offset(0))
            .waba(&self.waba)
            .at(Timestamp::now())
    }
}

/// Ids of messages that differ in each run: to an engine, a message with a known id is a duplicate.
struct Ids {
    run: u128,
}

impl Ids {
    fn new() -> Self {
        let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
        let run = since.map_or(0, |since| since.as_millis());
        Self { run }
    }

    fn id(&self, nth: &dyn fmt::Display) -> String {
        format!("wamid.CLI{:X}-{}-{nth}", self.run, process::id())
    }
}

fn parse_object(text: &str) -> Result<Value, String> {
    match serde_json::from_str(text) {
        Ok(object @ Value::Object(_)) => Ok(object),
        Ok(_) => Err("expected a JSON object, found another JSON value".into()),
        Err(error) => Err(format!("expected a JSON object, found {error}")),
    }
}

/// The digits of a phone number. ITU-T E.164 allows 15; the shortest ones have 5.
const DIGITS: std::ops::RangeInclusive<usize> = 5..=15;

/// A phone number with its country code.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Phone(u64);

impl Phone {
    /// Returns the digits of the phone number that is `offset` greater.
    pub(crate) fn offset(self, offset: u64) -> String {
        self.0.saturating_add(offset).to_string()
    }
}

impl FromStr for Phone {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let is_separator = |c: char| matches!(c, ' ' | '-' | '(' | ')');
        let digits: String = text.chars().filter(|c| !is_separator(*c)).collect();
        let digits = digits.strip_prefix('+').unwrap_or(&digits);
        let is_number = digits.bytes().all(|digit| digit.is_ascii_digit());
        let is_phone = is_number && DIGITS.contains(&digits.len()) && !digits.starts_with('0');
        match digits.parse() {
            Ok(number) if is_phone => Ok(Self(number)),
            _ => Err("expected a country code and a number, 5 to 15 digits".into()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Phone;

    #[test]
    fn a_phone_number_has_a_country_code_and_digits_only() {
        let digits = |text: &str| text.parse::<Phone>().map(|phone| phone.offset(0)).ok();
        assert_eq!(digits("+1 (555) 010-1001").as_deref(), Some("15550101001"));
        for wrong in [
            "",
            "+",
            "1555",
            "0031970100202",
            "Ada",
            "++15550101001",
            "1555010100112345",
        ] {
            assert_eq!(digits(wrong), None, "{wrong}");
        }
    }
}
