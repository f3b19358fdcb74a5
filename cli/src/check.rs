//! `check` and `backlog`: the integrity and the version of a store, and its open and dead events.

use crate::database::{DatabaseArgs, Scope};
use crate::exit::{Error, Exit};
use crate::output::Output;
use crate::time;
use clap::Args;
use serde::Serialize;
use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;
use whatsapp_signals::engine::{Backlog, RecordsBacklog};
use whatsapp_signals::store::StoreCheck;

/// Checks the integrity and the version of a database, and prints its backlog
///
/// Nothing is changed, and a missing file is not created. The exit code is 1 if there is a fault,
/// and 3 if the database cannot be read. SQLite reads the whole file. For Postgres the tables,
/// indexes and functions of the schema are compared with those of this version, and no pages are
/// read: `pg_amcheck` does so. With a tenant or a number, the backlog is that of its events, and the
/// database is opened as by `backlog`.
#[derive(Args)]
#[command(after_help = "Examples:\n  \
    whatsapp-signals check --database bikes.db\n  \
    whatsapp-signals check --database bikes.db --max-age 15min --json\n  \
    whatsapp-signals check --tenant 900800700600500 --max-age 15min")]
pub(crate) struct CheckArgs {
    #[command(flatten)]
    database: DatabaseArgs,
    #[command(flatten)]
    scope: Scope,
    /// An open event that was received longer ago is a fault, such as 30s, 15min, 2h or 7d
    #[arg(long, value_name = "AGE", value_parser = time::parse_age)]
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
    /// `None` after a fault, because the tables may be unreadable.
    backlog: Option<ScopedBacklog>,
}

/// The backlog of the store, or of a tenant or a number.
#[derive(Clone, Copy, Serialize)]
#[serde(untagged)]
enum ScopedBacklog {
    Store(Backlog),
    Records(RecordsBacklog),
}

impl ScopedBacklog {
    fn oldest(&self) -> Option<Duration> {
        match self {
            Self::Store(backlog) => backlog.oldest,
            Self::Records(backlog) => backlog.oldest,
        }
    }
}

impl fmt::Display for ScopedBacklog {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Store(backlog) => backlog.fmt(f),
            Self::Records(backlog) => backlog.fmt(f),
        }
    }
}

/// Checks the store, and prints its faults.
pub(crate) fn run(args: &CheckArgs, output: &mut Output) -> Result<Exit, Error> {
    let mut check = args.database.check(output)?;
    let mut backlog = check.backlog.map(Backlog::from).map(ScopedBacklog::Store);
    if backlog.is_some() && !args.scope.is_empty() {
        let database = args.database.open(false, output)?;
        if let Some(records) = args.scope.records(&database)? {
            let of_records = database.run(records.backlog_async())?;
            backlog = Some(ScopedBacklog::Records(of_records));
        }
    }
    let oldest = backlog.and_then(|backlog| backlog.oldest());
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
        Exit::Fault
    })
}

fn print(
    check: &StoreCheck,
    backlog: Option<ScopedBacklog>,
    output: &mut Output,
) -> Result<(), Error> {
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

/// Prints the numbers of open, due and dead events
///
/// `open` events are neither finished nor dead. They are `due`, leased, or due later. `oldest` is
/// the age of the oldest webhook with open events. Of a tenant or a number, the open and the dead
/// events are counted.
#[derive(Args)]
#[command(after_help = "Examples:\n  \
    whatsapp-signals backlog --database bikes.db --json\n  \
    whatsapp-signals backlog --tenant 900800700600500")]
pub(crate) struct BacklogArgs {
    #[command(flatten)]
    database: DatabaseArgs,
    #[command(flatten)]
    scope: Scope,
}

/// Prints the backlog.
pub(crate) fn print_backlog(args: &BacklogArgs, output: &mut Output) -> Result<Exit, Error> {
    let database = args.database.open(false, output)?;
    if let Some(records) = args.scope.records(&database)? {
        let backlog = database.run(records.backlog_async())?;
        output.either(&backlog, &backlog.to_string())?;
        return Ok(Exit::Done);
    }
    let backlog = database.run(database.engine.backlog_async())?;
    output.either(&backlog, &backlog.to_string())?;
    Ok(Exit::Done)
}
