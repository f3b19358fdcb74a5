//! `inspect`: the events of bodies.

use std::path::{Path, PathBuf};

use clap::Args;
use serde::Serialize;
use whatsapp_signals::{Webhook, parse};

use crate::events::{EventLine, EventTable};
use crate::exit::{Error, Exit};
use crate::output::{Output, STDIN, read_body};

/// Prints the events of webhook bodies
///
/// Prints a line of JSON for each event, without personal data. With `--show-personal` the line
/// has the payload and the raw JSON, too. The exit code is 1 if a body is no webhook or has
/// unrecognized items; the other bodies are printed nevertheless.
#[derive(Args)]
#[command(after_help = "Examples:\n  \
    whatsapp-signals inspect --table tests/payloads/*.json\n  \
    curl … | whatsapp-signals inspect --show-personal | jq .event")]
pub(crate) struct InspectArgs {
    /// Files with one body each, or - for the standard input
    #[arg(default_value = STDIN)]
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
        let webhook = match parse_file(path) {
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
            let line = EventLine::new(file, event, shows_personal)?;
            summary.events += 1;
            if line.reason.is_some() {
                exit = exit.max(Exit::Fault);
                summary.unrecognized += 1;
            }
            match &mut rows {
                Some(rows) => rows.add(file, line, event),
                None => output.json(&line)?,
            }
        }
    }
    if let Some(mut rows) = rows {
        rows.print(output)?;
        output.text(&summary.to_string())?;
    }
    Ok(exit)
}

/// Reads and parses a body. An error has the exit code and the text.
fn parse_file(path: &Path) -> Result<Webhook, (Exit, String)> {
    let body = read_body(path).map_err(|error| (Exit::Failed, error))?;
    parse(&body).map_err(|error| (Exit::Fault, error.to_string()))
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
