//! `dead`: the dead letters of a store.

use clap::{Args, Subcommand};
use serde::Serialize;
use serde_json::{Value, json};
use whatsapp_signals::DeadLetter;
use whatsapp_signals::model::Timestamp;

use crate::database::{Database, Place};
use crate::dead_filter::Filter;
use crate::event_line::EventLine;
use crate::exit::{Error, Exit};
use crate::mask;
use crate::output::Output;
use crate::table::{Table, printable};
use crate::time::date;

/// Lists, requeues and discards dead letters
///
/// A dead letter is an event of which a receiver gave up, or a body that is no webhook. KEY is the
/// key of an event, or the masked key that `dead list` prints.
#[derive(Args)]
#[command(after_help = "Examples:\n  \
    whatsapp-signals dead list --database bikes.db --receiver crm\n  \
    whatsapp-signals dead requeue --database bikes.db --receiver crm --dry-run")]
pub(crate) struct DeadArgs {
    #[command(flatten)]
    place: Place,
    #[command(subcommand)]
    command: DeadCommand,
}

#[derive(Subcommand)]
enum DeadCommand {
    /// Lists dead letters, the oldest first
    #[command(after_help = "Example:\n  \
        whatsapp-signals dead list --database bikes.db --signal message_received --older-than 2h")]
    List {
        #[command(flatten)]
        filter: Filter,
    },
    /// Prints a dead letter; with --show-personal its event and its body
    #[command(after_help = "Example:\n  \
        whatsapp-signals dead show 'message_received:wamid.…0MjE3MjkwMzE=:text' --database bikes.db")]
    Show {
        /// The key
        key: String,
    },
    /// Has dead letters delivered again by the program
    ///
    /// The exit code is 1 if there is no dead letter with a key.
    #[command(after_help = "Examples:\n  \
        whatsapp-signals dead requeue --database bikes.db --receiver crm --newer-than 1d\n  \
        whatsapp-signals dead requeue --database bikes.db --all --dry-run")]
    Requeue(Choice),
    /// Marks dead letters as finished
    ///
    /// The exit code is 1 if there is no dead letter with a key.
    #[command(after_help = "Example:\n  \
        whatsapp-signals dead discard --database bikes.db --older-than 30d")]
    Discard {
        #[command(flatten)]
        choice: Choice,
        /// Keeps bodies whose last event is discarded, as the program does with `log_webhooks(true)`
        #[arg(long)]
        log_webhooks: bool,
    },
}

/// A choice of dead letters: by keys, by a filter, or all of them.
#[derive(Args)]
struct Choice {
    /// Keys of dead letters
    #[arg(value_name = "KEY",
        conflicts_with_all = ["all", "receiver", "signal", "number", "older_than", "newer_than", "limit"])]
    keys: Vec<String>,
    #[command(flatten)]
    filter: Filter,
    /// Takes all dead letters
    #[arg(long)]
    all: bool,
    /// Prints the dead letters, and changes nothing
    #[arg(long)]
    dry_run: bool,
}

#[derive(Clone, Copy)]
enum Action {
    Requeue,
    Discard,
}

/// A dead letter as a line of JSON. `event` and `body` are masked, or have personal data.
#[derive(Serialize)]
struct Line<'a> {
    key: String,
    received_at: Timestamp,
    attempts: u32,
    failed: &'a [String],
    event: Option<EventLine<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    body: Option<Value>,
}

/// Runs a command about dead letters.
pub(crate) fn run(args: &DeadArgs, output: &mut Output) -> Result<Exit, Error> {
    let log_webhooks = match &args.command {
        DeadCommand::Discard { log_webhooks, .. } => *log_webhooks,
        _ => false,
    };
    if let DeadCommand::Requeue(choice) | DeadCommand::Discard { choice, .. } = &args.command {
        choice.check()?;
    }
    let database = args.place.open(log_webhooks, output)?;
    match &args.command {
        DeadCommand::List { filter } => {
            let letters = filter.letters(&database, Some(Filter::LIST))?;
            print_all(&letters, output)?;
            Ok(Exit::Done)
        }
        DeadCommand::Show { key } => {
            let letter = find(&database, key)?;
            print_one(&letter, output)?;
            Ok(Exit::Done)
        }
        DeadCommand::Requeue(choice) => choice.resolve(&database, Action::Requeue, output),
        DeadCommand::Discard { choice, .. } => choice.resolve(&database, Action::Discard, output),
    }
}

impl Choice {
    fn check(&self) -> Result<(), Error> {
        if self.keys.is_empty() && !self.all && self.filter.is_empty() {
            let text = "expected a key, a filter or --all, found none";
            return Err(Error::Usage(text.into()));
        }
        Ok(())
    }

    /// Requeues or discards the letters, and prints their number.
    fn resolve(
        &self,
        database: &Database,
        action: Action,
        output: &mut Output,
    ) -> Result<Exit, Error> {
        let engine = &database.engine;
        let (mut count, mut exit) = (0, Exit::Done);
        if self.keys.is_empty() && !self.dry_run {
            let filter = self.filter.to_library();
            count = match action {
                Action::Requeue => database.run(engine.requeue_all_async(&filter))?,
                Action::Discard => database.run(engine.discard_all_async(&filter))?,
            };
        } else {
            let mut letters = Vec::new();
            if self.keys.is_empty() {
                letters = self.filter.letters(database, None)?;
            }
            for key in &self.keys {
                match find(database, key) {
                    Ok(letter) => letters.push(letter),
                    Err(Error::Missing(text)) => {
                        eprintln!("error: {text}");
                        exit = Exit::Wrong;
                    }
                    Err(error) => return Err(error),
                }
            }
            if self.dry_run {
                print_all(&letters, output)?;
                count = letters.len();
            }
            for letter in letters.iter().filter(|_| !self.dry_run) {
                let is_resolved = match action {
                    Action::Requeue => database.run(engine.requeue_async(&letter.key))?,
                    Action::Discard => database.run(engine.discard_async(&letter.key))?,
                };
                count += usize::from(is_resolved);
            }
        }
        let name = match action {
            Action::Requeue => "requeued",
            Action::Discard => "discarded",
        };
        if self.dry_run {
            let json = json!({name: 0, "found": count});
            output.either(&json, &format!("{name} 0 of {count} (--dry-run)"))?;
        } else {
            output.either(&json!({name: count}), &format!("{name} {count}"))?;
        }
        Ok(exit)
    }
}

/// Returns the dead letter with a key, or with a masked key.
fn find(database: &Database, key: &str) -> Result<DeadLetter, Error> {
    if let Some(letter) = database.run(database.engine.dead_letter_async(key))? {
        return Ok(letter);
    }
    let mut letters = Vec::new();
    if key.contains('…') {
        letters = database.run(database.engine.dead_letters_async(usize::MAX))?;
        letters.retain(|letter| mask::key(&letter.key) == key);
    }
    match letters.len() {
        1 => Ok(letters.remove(0)),
        0 => Err(Error::Missing(
            "there is no dead letter with this key".into(),
        )),
        found => {
            let text = format!("expected one dead letter with this masked key, found {found}");
            Err(Error::Missing(text))
        }
    }
}

fn print_all(letters: &[DeadLetter], output: &mut Output) -> Result<(), Error> {
    let shows_personal = output.shows_personal();
    let mut table = Table::new(&["received", "attempts", "signal", "user", "failed", "key"]);
    for letter in letters {
        let line = Line::new(letter, shows_personal, false)?;
        if output.is_json() {
            output.json(&line)?;
            continue;
        }
        let event = line.event.as_ref();
        table.push(vec![
            date(letter.received_at),
            letter.attempts.to_string(),
            event
                .map_or("(unreadable)", |event| event.signal)
                .to_owned(),
            event.map(|event| event.user.clone()).unwrap_or_default(),
            letter.failed.join(", "),
            line.key,
        ]);
    }
    if !output.is_json() {
        table.print(output)?;
    }
    Ok(())
}

fn print_one(letter: &DeadLetter, output: &mut Output) -> Result<(), Error> {
    let shows_personal = output.shows_personal();
    let line = Line::new(letter, shows_personal, true)?;
    if output.is_json() {
        return Ok(output.json(&line)?);
    }
    let event = line.event.as_ref();
    let rows = [
        ("key", line.key.clone()),
        ("received", date(letter.received_at)),
        ("attempts", letter.attempts.to_string()),
        ("failed", letter.failed.join(", ")),
        (
            "signal",
            event
                .map_or("(unreadable)", |event| event.signal)
                .to_owned(),
        ),
        (
            "user",
            event.map(|event| event.user.clone()).unwrap_or_default(),
        ),
    ];
    for (name, value) in rows {
        output.text(format!("{name:9} {}", printable(&value)).trim_end())?;
    }
    if shows_personal {
        let body = String::from_utf8_lossy(&letter.body);
        let lines = body.lines().map(printable);
        for line in lines {
            output.text(&line)?;
        }
    }
    Ok(())
}

impl<'a> Line<'a> {
    fn new(letter: &'a DeadLetter, shows_personal: bool, with_body: bool) -> Result<Self, Error> {
        let event = letter.event.as_ref();
        let event = event.map(|event| EventLine::new("", event, shows_personal));
        let body = || Value::String(String::from_utf8_lossy(&letter.body).into_owned());
        Ok(Self {
            key: if shows_personal {
                letter.key.clone()
            } else {
                mask::key(&letter.key)
            },
            received_at: letter.received_at,
            attempts: letter.attempts,
            failed: &letter.failed,
            event: event.transpose()?,
            body: (shows_personal && with_body).then(body),
        })
    }
}
