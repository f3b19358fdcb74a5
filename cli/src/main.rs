//! `whatsapp-signals`: webhooks of the WhatsApp Cloud API at the command line. README.md lists the
//! commands and the exit codes.

mod args;
mod bodies;
mod challenge;
mod check;
mod database;
mod dead;
mod events;
mod exit;
mod http;
mod inspect;
mod mask;
mod output;
mod replay;
mod send;
mod signing;
mod time;
mod user_data;
mod webhooks;

use std::process::ExitCode;

use clap::Parser;

use args::{Cli, Command};
use exit::{Error, Exit};
use output::Output;

fn main() -> ExitCode {
    let exit = run(Cli::parse()).unwrap_or_else(|error| error.report());
    exit.into()
}

fn run(cli: Cli) -> Result<Exit, Error> {
    let mut output = Output::new(cli.format);
    let exit = match cli.command {
        Command::Inspect(args) => inspect::run(&args, &mut output)?,
        Command::Send(args) => send::run(args, &mut output)?,
        Command::Sign(args) => signing::sign(&args, &mut output)?,
        Command::Verify(args) => signing::verify(&args, &mut output)?,
        Command::Challenge(args) => challenge::run(&args, &mut output)?,
        Command::Check(args) => check::run(&args, &mut output)?,
        Command::Backlog(args) => check::print_backlog(&args, &mut output)?,
        Command::Dead(args) => dead::run(&args, &mut output)?,
        Command::Webhooks(args) => webhooks::run(&args, &mut output)?,
        Command::Replay(args) => replay::run(&args, &mut output)?,
        Command::Conversation(args) => user_data::conversation(&args, &mut output)?,
        Command::Export(args) => user_data::export(&args, &mut output)?,
        Command::Erase(args) => user_data::erase(&args, &mut output)?,
        Command::Completions { shell } => args::print_completions(shell, &mut output)?,
    };
    output.finish()?;
    Ok(exit)
}
