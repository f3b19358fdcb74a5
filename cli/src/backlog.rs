//! `backlog`: the number of events that are to be done.

use clap::Args;

use crate::database::Place;
use crate::exit::{Error, Exit};
use crate::output::Output;

/// Prints the numbers of open, due and dead events
///
/// `open` events are neither finished nor dead. They are `due`, leased, or due later. `oldest` is
/// the age of the oldest webhook with open events.
#[derive(Args)]
#[command(after_help = "Example:\n  whatsapp-signals backlog --database bikes.db --json")]
pub(crate) struct BacklogArgs {
    #[command(flatten)]
    place: Place,
}

/// Prints the backlog.
pub(crate) fn run(args: &BacklogArgs, output: &mut Output) -> Result<Exit, Error> {
    let database = args.place.open(false, output)?;
    let backlog = database.run(database.engine.backlog_async())?;
    output.either(&backlog, &backlog.to_string())?;
    Ok(Exit::Done)
}
