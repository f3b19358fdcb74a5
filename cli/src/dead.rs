//! `dead`: the dead letters of a store. Those of a queue are in `dead_queue`.

use std::collections::BTreeMap;
use std::io;

use clap::{Args, Subcommand};
use serde::Serialize;
use serde_json::{Value, json};
use whatsapp_signals::DeadLetter;
use whatsapp_signals::model::Timestamp;
use whatsapp_signals::store::DeadPlace;

use crate::database::{Database, Place};
use crate::dead_filter::{Filter, place_text};
#[cfg(feature = "nats")]
use crate::dead_queue::{self, Queue};
use crate::event_line::EventLine;
use crate::exit::{Error, Exit};
use crate::mask;
use crate::output::Output;
use crate::table::{Table, printable};
use crate::time::date;

/// Lists, requeues and discards dead letters
///
/// A dead letter is an event of which a receiver gave up, or a body that is no webhook. KEY is the
/// key of an event, or the masked key that `dead list` prints. With `--nats` it is the number of a
/// dead letter of the queue.
#[derive(Args)]
#[command(after_help = "Examples:\n  \
    whatsapp-signals dead list --database bikes.db --receiver crm\n  \
    whatsapp-signals dead requeue --database bikes.db --receiver crm --dry-run\n  \
    whatsapp-signals dead list --nats nats://127.0.0.1:4222")]
pub(crate) struct DeadArgs {
    #[command(flatten)]
    place: Place,
    #[cfg(feature = "nats")]
    #[command(flatten)]
    queue: Queue,
    #[command(subcommand)]
    command: DeadCommand,
}

#[derive(Subcommand)]
pub(crate) enum DeadCommand {
    /// Lists dead letters, the oldest first
    ///
    /// The next page begins with `--after` and the place of the last letter, which `--json` prints
    /// as `place`.
    #[command(after_help = "Examples:\n  \
        whatsapp-signals dead list --database bikes.db --signal message_received --older-than 2h\n  \
        whatsapp-signals dead list --database bikes.db --tenant 900800700600500 --limit 10")]
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
pub(crate) struct Choice {
    /// Keys of dead letters
    #[arg(value_name = "KEY",
        conflicts_with_all = ["all", "receiver", "signal", "number", "tenant", "older_than", "newer_than", "limit", "after"])]
    pub(crate) keys: Vec<String>,
    #[command(flatten)]
    pub(crate) filter: Filter,
    /// Takes all dead letters
    #[arg(long)]
    all: bool,
    /// Prints the dead letters, and changes nothing
    #[arg(long)]
    pub(crate) dry_run: bool,
}

#[derive(Clone, Copy)]
pub(crate) enum Action {
    Requeue,
    Discard,
}

/// A dead letter as a line of JSON. `event` and `body` are masked, or have personal data.
#[derive(Serialize)]
struct Line<'a> {
    /// `None` of a letter that was asked for by its key.
    #[serde(skip_serializing_if = "Option::is_none")]
    place: Option<String>,
    key: String,
    received_at: Timestamp,
    attempts: u32,
    failed: &'a [String],
    /// The texts of errors may quote a user.
    #[serde(skip_serializing_if = "Option::is_none")]
    errors: Option<&'a BTreeMap<String, String>>,
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
    #[cfg(feature = "nats")]
    if args.queue.is_meant() {
        return dead_queue::run(&args.queue, &args.command, output);
    }
    let database = args.place.open(log_webhooks, output)?;
    match &args.command {
        DeadCommand::List { filter } => {
            let mut list = List::new(output);
            filter.for_each(&database, Some(Filter::LIST), |place, letter| {
                list.add(Some(place), &letter)
            })?;
            list.finish(Some(filter.limit.unwrap_or(Filter::LIST)))?;
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
            let filter = self.filter.to_library(database)?;
            count = match action {
                Action::Requeue => database.run(engine.requeue_all_async(&filter))?,
                Action::Discard => database.run(engine.discard_all_async(&filter))?,
            };
            action.print(count, output)?;
            return Ok(exit);
        }
        let mut list = List::new(output);
        if self.keys.is_empty() {
            self.filter.for_each(database, None, |place, letter| {
                count += 1;
                list.add(Some(place), &letter)
            })?;
        }
        for key in &self.keys {
            let letter = match find(database, key) {
                Ok(letter) => letter,
                Err(Error::Missing(text)) => {
                    eprintln!("error: {text}");
                    exit = Exit::Wrong;
                    continue;
                }
                Err(error) => return Err(error),
            };
            if self.dry_run {
                count += 1;
                list.add(None, &letter)?;
                continue;
            }
            let is_resolved = match action {
                Action::Requeue => database.run(engine.requeue_async(&letter.key))?,
                Action::Discard => database.run(engine.discard_async(&letter.key))?,
            };
            count += usize::from(is_resolved);
        }
        if self.dry_run {
            list.finish(None)?;
            action.print_dry(count, output)?;
        } else {
            action.print(count, output)?;
        }
        Ok(exit)
    }
}

impl Action {
    fn name(self) -> &'static str {
        match self {
            Self::Requeue => "requeued",
            Self::Discard => "discarded",
        }
    }

    /// Prints the number of letters.
    pub(crate) fn print(self, count: usize, output: &mut Output) -> io::Result<()> {
        let name = self.name();
        output.either(&json!({name: count}), &format!("{name} {count}"))
    }

    /// Prints the number of letters that were found, and not changed.
    pub(crate) fn print_dry(self, found: usize, output: &mut Output) -> io::Result<()> {
        let name = self.name();
        let json = json!({name: 0, "found": found});
        output.either(&json, &format!("{name} 0 of {found} (--dry-run)"))
    }
}

/// Returns the dead letter with a key, or with a masked key.
fn find(database: &Database, key: &str) -> Result<DeadLetter, Error> {
    if let Some(letter) = database.run(database.engine.dead_letter_async(key))? {
        return Ok(letter);
    }
    let (mut found, mut count) = (None, 0);
    if key.contains('…') {
        Filter::default().for_each(database, None, |_, letter| {
            if mask::key(&letter.key) == key {
                found = Some(letter);
                count += 1;
            }
            Ok(())
        })?;
    }
    match found {
        Some(letter) if count == 1 => Ok(letter),
        Some(_) => {
            let text = format!("expected one dead letter with this masked key, found {count}");
            Err(Error::Missing(text))
        }
        None => Err(Error::Missing(
            "there is no dead letter with this key".into(),
        )),
    }
}

/// A list of dead letters: lines of JSON, or a table.
struct List<'o> {
    output: &'o mut Output,
    table: Table,
    count: usize,
    last: Option<DeadPlace>,
}

impl<'o> List<'o> {
    fn new(output: &'o mut Output) -> Self {
        let header = ["received", "attempts", "signal", "user", "failed", "key"];
        Self {
            output,
            table: Table::new(&header),
            count: 0,
            last: None,
        }
    }

    fn add(&mut self, place: Option<DeadPlace>, letter: &DeadLetter) -> Result<(), Error> {
        self.count += 1;
        self.last = place;
        let line = Line::new(letter, place, self.output.shows_personal(), false)?;
        if self.output.is_json() {
            return Ok(self.output.json(&line)?);
        }
        let event = line.event.as_ref();
        self.table.push(vec![
            date(letter.received_at),
            letter.attempts.to_string(),
            event
                .map_or("(unreadable)", |event| event.signal)
                .to_owned(),
            event.map(|event| event.user.clone()).unwrap_or_default(),
            letter.failed.join(", "),
            line.key,
        ]);
        Ok(())
    }

    /// Prints the table. A list that has reached its limit may have another page.
    fn finish(mut self, limit: Option<usize>) -> Result<(), Error> {
        if self.output.is_json() {
            return Ok(());
        }
        self.table.print(self.output)?;
        if let Some(last) = self.last.filter(|_| limit == Some(self.count)) {
            let text = format!("next page: --after {}", place_text(last));
            self.output.text(&text)?;
        }
        Ok(())
    }
}

fn print_one(letter: &DeadLetter, output: &mut Output) -> Result<(), Error> {
    let shows_personal = output.shows_personal();
    let line = Line::new(letter, None, shows_personal, true)?;
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
        for (receiver, error) in &letter.errors {
            output.text(&printable(&format!("error     {receiver}: {error}")))?;
        }
        let body = String::from_utf8_lossy(&letter.body);
        let lines = body.lines().map(printable);
        for line in lines {
            output.text(&line)?;
        }
    }
    Ok(())
}

impl<'a> Line<'a> {
    fn new(
        letter: &'a DeadLetter,
        place: Option<DeadPlace>,
        shows_personal: bool,
        with_body: bool,
    ) -> Result<Self, Error> {
        let event = letter.event.as_ref();
        let event = event.map(|event| EventLine::new("", event, shows_personal));
        let body = || Value::String(String::from_utf8_lossy(&letter.body).into_owned());
        Ok(Self {
            place: place.map(place_text),
            key: if shows_personal {
                letter.key.clone()
            } else {
                mask::key(&letter.key)
            },
            received_at: letter.received_at,
            attempts: letter.attempts,
            failed: &letter.failed,
            errors: shows_personal.then_some(&letter.errors),
            event: event.transpose()?,
            body: (shows_personal && with_body).then(body),
        })
    }
}
