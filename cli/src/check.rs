//! `check`: the integrity and the version of a store, and its backlog.

use std::collections::BTreeMap;
use std::time::Duration;

use clap::Args;
use serde::Serialize;
use whatsapp_signals::engine::Backlog;
use whatsapp_signals::store::StoreCheck;

use crate::database::Place;
use crate::exit::{Error, Exit};
use crate::output::Output;
use crate::time;

/// Checks the integrity and the version of a database, and prints its backlog
///
/// Nothing is changed, and a missing file is not created. The exit code is 1 if there is a fault,
/// and 3 if the database cannot be read. SQLite reads the whole file. For Postgres the tables,
/// indexes and functions of the schema are compared with those of this version, and no pages are
/// read: `pg_amcheck` does so.
#[derive(Args)]
#[command(after_help = "Examples:\n  \
    whatsapp-signals check --database bikes.db\n  \
    whatsapp-signals check --database bikes.db --max-age 15min --json")]
pub(crate) struct CheckArgs {
    #[command(flatten)]
    place: Place,
    /// The oldest open event is a fault if it came longer ago, such as 30s, 15min, 2h or 7d
    #[arg(long, value_name = "AGE", value_parser = time::age)]
    max_age: Option<Duration>,
}

/// The result as a line of JSON.
#[derive(Serialize)]
struct Line<'a> {
    is_ok: bool,
    expected_version: i64,
    version: Option<i64>,
    faults: &'a [String],
    facts: BTreeMap<&'a str, &'a str>,
    /// `None` if the store has a fault: its tables may not be readable.
    backlog: Option<Backlog>,
}

/// Checks the store, and prints its faults.
pub(crate) fn run(args: &CheckArgs, output: &mut Output) -> Result<Exit, Error> {
    let mut check = args.place.check(output)?;
    let backlog = check.backlog.map(Backlog::from);
    let oldest = backlog.and_then(|backlog| backlog.oldest);
    if let (Some(oldest), Some(max_age)) = (oldest, args.max_age)
        && oldest > max_age
    {
        let (oldest, max_age) = (oldest.as_secs(), max_age.as_secs());
        let fault = format!("expected open events of at most {max_age} s, found one of {oldest} s");
        check.faults.push(fault);
    }
    print(&check, backlog, output)?;
    Ok(if check.is_ok() {
        Exit::Done
    } else {
        Exit::Wrong
    })
}

fn print(check: &StoreCheck, backlog: Option<Backlog>, output: &mut Output) -> Result<(), Error> {
    if output.is_json() {
        let facts = check.facts.iter().map(|(name, value)| (*name, &**value));
        return Ok(output.json(&Line {
            is_ok: check.is_ok(),
            expected_version: check.expected_version,
            version: check.version,
            faults: &check.faults,
            facts: facts.collect(),
            backlog,
        })?);
    }
    let version = check
        .version
        .map_or("none".into(), |found| found.to_string());
    output.text(&format!("version         {version}"))?;
    for (name, value) in &check.facts {
        output.text(&format!("{name:15} {value}"))?;
    }
    if let Some(backlog) = backlog {
        output.text(&format!("backlog         {backlog}"))?;
    }
    for fault in &check.faults {
        output.text(&format!("fault           {fault}"))?;
    }
    output.text(&format!("faults          {}", check.faults.len()))?;
    Ok(())
}
