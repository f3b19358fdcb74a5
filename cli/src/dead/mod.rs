//! `dead`: the dead letters of a store or of a queue.

mod args;
#[cfg(feature = "nats")]
mod queue;
mod store;

pub(crate) use args::DeadArgs;
use args::DeadCommand;

use crate::exit::{Error, Exit};
use crate::output::Output;

/// Runs a command about dead letters.
pub(crate) fn run(args: &DeadArgs, output: &mut Output) -> Result<Exit, Error> {
    if let DeadCommand::Requeue(choice) | DeadCommand::Discard { choice, .. } = &args.command {
        choice.check()?;
    }
    #[cfg(feature = "nats")]
    if args.queue.nats.is_some() {
        return queue::run(&args.queue, &args.command, output);
    }
    store::run(args, output)
}
