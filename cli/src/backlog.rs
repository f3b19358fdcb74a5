//! `backlog`: the number of events that are to be done.

use clap::Args;

use crate::database::Place;
use crate::exit::{Error, Exit};
use crate::output::Output;
use crate::scope::Scope;

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
    place: Place,
    #[command(flatten)]
    scope: Scope,
}

/// Prints the backlog.
pub(crate) fn run(args: &BacklogArgs, output: &mut Output) -> Result<Exit, Error> {
    let database = args.place.open(false, output)?;
    if let Some(records) = args.scope.records(&database)? {
        let backlog = database.run(records.backlog_async())?;
        output.either(&backlog, &backlog.to_string())?;
        return Ok(Exit::Done);
    }
    let backlog = database.run(database.engine.backlog_async())?;
    output.either(&backlog, &backlog.to_string())?;
    Ok(Exit::Done)
}
