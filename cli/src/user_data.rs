//! `conversation`, `export` and `erase`: the data of a user.

use clap::Args;
use serde::Serialize;
use serde_json::Value;
use whatsapp_signals::engine::Erased;
use whatsapp_signals::model::{Message, MessageId, Timestamp};

use crate::database::{DatabaseArgs, UserArgs};
use crate::exit::{Error, Exit};
use crate::mask;
use crate::output::{Output, Table};
use crate::time::date;

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
    database: DatabaseArgs,
    /// Maximum number of messages
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
pub(crate) fn conversation(args: &ConversationArgs, output: &mut Output) -> Result<Exit, Error> {
    let shows_personal = output.shows_personal();
    let database = args.database.open(false, output)?;
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

/// Prints all data of a user as JSON
///
/// The output is personal data, with and without `--show-personal`: contacts, messages, statuses,
/// events and unreadable bodies.
#[derive(Args)]
#[command(after_help = "Example:\n  \
    whatsapp-signals export 15550101001 --database bikes.db > ada.json")]
pub(crate) struct ExportArgs {
    #[command(flatten)]
    user: UserArgs,
    #[command(flatten)]
    database: DatabaseArgs,
}

/// Deletes all data of a user
///
/// The data of the user in the whole tenant is deleted, also with `--number`. It cannot be
/// restored. The exit code is 1 if webhooks of the user remain, because the program has leased them:
/// repeat the command after the length of a lease.
#[derive(Args)]
#[command(after_help = "Example:\n  \
    whatsapp-signals erase 15550101001 --database bikes.db --dry-run")]
pub(crate) struct EraseArgs {
    #[command(flatten)]
    user: UserArgs,
    #[command(flatten)]
    database: DatabaseArgs,
    /// Prints the numbers of rows, and deletes nothing
    #[arg(long)]
    dry_run: bool,
    /// Keeps bodies whose last event is erased, as the program does with `log_webhooks(true)`
    #[arg(long)]
    log_webhooks: bool,
}

/// The numbers of rows of a user.
#[derive(Default, Serialize)]
struct Rows {
    contacts: usize,
    messages: usize,
    statuses: usize,
    events: usize,
    unreadable: usize,
    /// The leased webhooks, which are not erased.
    leased: usize,
    has_remains: bool,
    dry_run: bool,
}

/// Prints the data of a user.
pub(crate) fn export(args: &ExportArgs, output: &mut Output) -> Result<Exit, Error> {
    let database = args.database.open(false, output)?;
    let records = args.user.records(&database)?;
    let data = database.run(records.export_async(&args.user.user))?;
    let text = format!("{data:#}");
    output.either(&data, &text)?;
    Ok(Exit::Done)
}

/// Deletes the data of a user.
pub(crate) fn erase(args: &EraseArgs, output: &mut Output) -> Result<Exit, Error> {
    let database = args.database.open(args.log_webhooks, output)?;
    let records = args.user.records(&database)?;
    let rows = if args.dry_run {
        Rows::of_export(&database.run(records.export_async(&args.user.user))?)
    } else {
        Rows::of_erased(database.run(records.erase_async(&args.user.user))?)
    };
    output.either(&rows, &rows.to_string())?;
    if rows.is_empty() {
        return Err(Error::NotFound("there is no data of this user".into()));
    }
    Ok(if rows.leased == 0 {
        Exit::Done
    } else {
        Exit::Fault
    })
}

impl Rows {
    /// Returns true if no row of the user was found.
    fn is_empty(&self) -> bool {
        let rows = [
            self.contacts,
            self.messages,
            self.statuses,
            self.events,
            self.unreadable,
            self.leased,
        ];
        rows.iter().all(|count| *count == 0)
    }

    fn of_export(data: &Value) -> Self {
        let len = |name: &str| data[name].as_array().map_or(0, Vec::len);
        Self {
            contacts: len("contacts"),
            messages: len("messages"),
            statuses: len("statuses"),
            events: len("events"),
            unreadable: len("unreadable"),
            dry_run: true,
            ..Self::default()
        }
    }

    fn of_erased(erased: Erased) -> Self {
        Self {
            contacts: erased.contacts,
            messages: erased.messages,
            statuses: erased.statuses,
            events: erased.events,
            unreadable: erased.unreadable,
            leased: erased.leased,
            has_remains: erased.has_remains,
            dry_run: false,
        }
    }
}

impl std::fmt::Display for Rows {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self {
            contacts,
            messages,
            statuses,
            events,
            unreadable,
            leased,
            has_remains,
            dry_run,
        } = self;
        let verb = if *dry_run { "would erase" } else { "erased" };
        write!(
            f,
            "{verb}: contacts {contacts} messages {messages} statuses {statuses} events {events} \
            unreadable {unreadable}"
        )?;
        if *leased > 0 {
            write!(
                f,
                "\nwebhooks that remain, as the program has leased them: {leased}"
            )?;
        }
        if *has_remains {
            f.write_str("\ndeleted text may remain in the files until they are vacuumed")?;
        }
        Ok(())
    }
}
