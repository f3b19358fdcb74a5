//! The commands, and the options that all of them have.

use clap::{CommandFactory, Parser, Subcommand};
use clap_complete::Shell;
use serde::Serialize;

use crate::challenge::ChallengeArgs;
use crate::check::{BacklogArgs, CheckArgs};
use crate::dead::DeadArgs;
use crate::exit::{Error, Exit};
use crate::inspect::InspectArgs;
use crate::output::{Format, Output};
use crate::replay::ReplayArgs;
use crate::send::SendArgs;
use crate::signing::{SignArgs, VerifyArgs};
use crate::user_data::{ConversationArgs, EraseArgs, ExportArgs};
use crate::webhooks::WebhooksArgs;

const NAME: &str = "whatsapp-signals";

/// Webhooks of the WhatsApp Cloud API at the command line.
///
/// Inspects bodies, signs and verifies them, sends webhooks to a server under test, and reads and
/// repairs the database of an engine. It prints no personal data, unless `--show-personal` is given.
#[derive(Parser)]
#[command(
    name = NAME,
    version,
    after_help = "Exit codes: 0 done, 1 a fault was found, 2 wrong usage, 3 the operation \
        failed.\n\n\
        Examples:\n  \
        whatsapp-signals inspect --table body.json\n  \
        META_APP_SECRET=… whatsapp-signals send text 'Is my bike ready?'"
)]
pub(crate) struct Cli {
    #[command(flatten)]
    pub(crate) format: Format,
    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Subcommand)]
pub(crate) enum Command {
    Inspect(InspectArgs),
    Send(SendArgs),
    Sign(SignArgs),
    Verify(VerifyArgs),
    Challenge(ChallengeArgs),
    Check(CheckArgs),
    Backlog(BacklogArgs),
    Dead(DeadArgs),
    Webhooks(WebhooksArgs),
    Replay(ReplayArgs),
    Conversation(ConversationArgs),
    Export(ExportArgs),
    Erase(EraseArgs),
    /// Prints a completion script for a shell
    #[command(after_help = "Example:\n  whatsapp-signals completions bash \
        > ~/.local/share/bash-completion/completions/whatsapp-signals")]
    Completions {
        /// The shell
        shell: Shell,
    },
}

#[derive(Serialize)]
struct Script<'a> {
    shell: &'a str,
    script: String,
}

/// Prints the completion script of a shell.
pub(crate) fn print_completions(shell: Shell, output: &mut Output) -> Result<Exit, Error> {
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut Cli::command(), NAME, &mut script);
    let script = String::from_utf8_lossy(&script).into_owned();
    if output.is_json() {
        let shell = &*shell.to_string();
        output.json(&Script { shell, script })?;
    } else {
        output.text(script.trim_end())?;
    }
    Ok(Exit::Done)
}
