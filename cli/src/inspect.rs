//! `inspect`: the events of bodies.

use std::path::{Path, PathBuf};

use clap::Args;
use serde::Serialize;
use whatsapp_signals::{Webhook, WebhookEvent, parse};

use crate::event_line::{self, EventLine};
use crate::exit::{Error, Exit};
use crate::input;
use crate::output::Output;
use crate::table::Table;

/// Prints the events of webhook bodies
///
/// Prints a line of JSON for each event, without personal data. With `--show-personal` the line
/// has the payload and the raw JSON, too. The exit code is 1 if a body is no webhook or has
/// unrecognized items; the other bodies are read all the same.
#[derive(Args)]
#[command(after_help = "Examples:\n  \
    whatsapp-signals inspect --table tests/payloads/*.json\n  \
    curl … | whatsapp-signals inspect --show-personal | jq .event")]
pub(crate) struct InspectArgs {
    /// Files with one body each, or - for the standard input
    #[arg(default_value = input::STDIN)]
    files: Vec<PathBuf>,
    /// Prints a table and a summary
    #[arg(long, conflicts_with = "json")]
    table: bool,
}

#[derive(Serialize)]
struct ErrorLine<'a> {
    file: &'a str,
    error: String,
}

/// Prints the events of all files.
pub(crate) fn run(args: &InspectArgs, output: &mut Output) -> Result<Exit, Error> {
    let shows_personal = output.shows_personal();
    let mut rows = args
        .table
        .then(|| EventTable::new(args.files.len() > 1, shows_personal));
    let mut summary = Summary::default();
    let mut exit = Exit::Done;
    for path in &args.files {
        let file = &*path.to_string_lossy();
        let webhook = match read(path) {
            Ok(webhook) => webhook,
            Err((failure, error)) => {
                exit = exit.max(failure);
                summary.errors += 1;
                match &mut rows {
                    Some(rows) => rows.add_error(file, &error),
                    None => output.json(&ErrorLine { file, error })?,
                }
                continue;
            }
        };
        summary.bodies += 1;
        for event in &webhook {
            let line = EventLine::new(file, event, shows_personal)
                .map_err(|error| Error::Failed(format!("{file}: writing JSON failed: {error}")))?;
            summary.events += 1;
            if line.reason.is_some() {
                exit = exit.max(Exit::Wrong);
                summary.unrecognized += 1;
            }
            match &mut rows {
                Some(rows) => rows.add(file, line, event),
                None => output.json(&line)?,
            }
        }
    }
    if let Some(rows) = rows {
        rows.table.print(output)?;
        output.text(&summary.to_string())?;
    }
    Ok(exit)
}

/// Reads and parses a body. An error has the exit code and the text.
fn read(path: &Path) -> Result<Webhook, (Exit, String)> {
    let body = input::read(path).map_err(|error| (Exit::Failed, error))?;
    parse(&body).map_err(|error| (Exit::Wrong, error.to_string()))
}

/// The rows of `--table`.
struct EventTable {
    table: Table,
    has_files: bool,
    shows_personal: bool,
}

impl EventTable {
    fn new(has_files: bool, shows_personal: bool) -> Self {
        let mut header = vec!["signal", "user", "key", "reason"];
        if has_files {
            header.insert(0, "file");
        }
        if shows_personal {
            header.push("text");
        }
        Self {
            table: Table::new(&header),
            has_files,
            shows_personal,
        }
    }

    fn add(&mut self, file: &str, line: EventLine<'_>, event: &WebhookEvent) {
        let reason = match (line.reason, line.path) {
            (Some(reason), Some(path)) => format!("{reason} at {path}"),
            _ => String::new(),
        };
        let signal = line.signal.to_owned();
        let mut cells = vec![signal, line.user, line.key, reason];
        if self.shows_personal {
            cells.push(event_line::text(event).to_owned());
        }
        self.push(file, cells);
    }

    fn add_error(&mut self, file: &str, error: &str) {
        let signal = "(unreadable)".to_owned();
        let cells = vec![signal, String::new(), String::new(), error.to_owned()];
        self.push(file, cells);
    }

    fn push(&mut self, file: &str, mut cells: Vec<String>) {
        if self.has_files {
            cells.insert(0, file.to_owned());
        }
        self.table.push(cells);
    }
}

/// The numbers below the table.
#[derive(Default)]
struct Summary {
    bodies: u64,
    events: u64,
    unrecognized: u64,
    errors: u64,
}

impl std::fmt::Display for Summary {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self {
            bodies,
            events,
            unrecognized,
            errors,
        } = self;
        write!(
            f,
            "bodies {bodies} unreadable {errors} events {events} unrecognized {unrecognized}"
        )
    }
}
