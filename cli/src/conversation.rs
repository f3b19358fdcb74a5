//! `conversation`: the messages from and to a user.

use clap::Args;
use serde::Serialize;
use whatsapp_signals::model::{Message, MessageId, Timestamp};

use crate::database::Place;
use crate::exit::{Error, Exit};
use crate::mask;
use crate::output::Output;
use crate::table::Table;
use crate::time::date;
use crate::user::UserArgs;

/// Prints the messages from and to a user
///
/// The last messages are printed, the oldest of them first. `--show-personal` adds their texts.
#[derive(Args)]
#[command(after_help = "Example:\n  \
    whatsapp-signals conversation 15550101001 --database bikes.db --number 300200100500600")]
pub(crate) struct ConversationArgs {
    #[command(flatten)]
    user: UserArgs,
    #[command(flatten)]
    place: Place,
    /// The most messages
    #[arg(long, value_name = "N", default_value_t = 50)]
    limit: usize,
    /// Prints the messages before the one with this id
    #[arg(long, value_name = "WAMID")]
    before: Option<String>,
}

/// A message as a line of JSON.
#[derive(Serialize)]
struct Line<'a> {
    id: String,
    timestamp: Option<Timestamp>,
    direction: String,
    #[serde(rename = "type")]
    kind: &'static str,
    status: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    message: Option<&'a Message>,
}

/// Prints the conversation.
pub(crate) fn run(args: &ConversationArgs, output: &mut Output) -> Result<Exit, Error> {
    let shows_personal = output.shows_personal();
    let database = args.place.open(false, output)?;
    let before = args.before.as_deref().map(MessageId::from);
    let records = args.user.records(&database)?;
    let messages = records.conversation_async(&args.user.user, before.as_ref(), args.limit);
    let messages = database.run(messages)?;
    let mut header = vec!["time", "direction", "type", "status", "id"];
    if shows_personal {
        header.push("text");
    }
    let mut table = Table::new(&header);
    for message in messages.iter().rev() {
        let line = Line::new(message, shows_personal);
        if output.is_json() {
            output.json(&line)?;
            continue;
        }
        let mut cells = vec![
            line.timestamp.map(date).unwrap_or_default(),
            line.direction,
            line.kind.to_owned(),
            line.status.unwrap_or_default(),
            line.id,
        ];
        if shows_personal {
            cells.push(message.body().to_owned());
        }
        table.push(cells);
    }
    if !output.is_json() {
        table.print(output)?;
        output.text(&format!("messages {}", messages.len()))?;
    }
    Ok(Exit::Done)
}

impl<'a> Line<'a> {
    fn new(message: &'a Message, shows_personal: bool) -> Self {
        Self {
            id: if shows_personal {
                message.id.to_string()
            } else {
                mask::wamid(message.id.as_str())
            },
            timestamp: message.timestamp,
            direction: message.direction.to_string(),
            kind: message.message_type(),
            status: message.status.as_ref().map(ToString::to_string),
            message: shows_personal.then_some(message),
        }
    }
}
