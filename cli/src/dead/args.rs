//! The arguments of `dead`: a store or a queue, a command, and a choice of dead letters.

use std::io;
use std::time::Duration;

use clap::{Args, Subcommand};
use serde_json::json;

use crate::database::{DatabaseArgs, Scope};
use crate::exit::Error;
use crate::output::Output;
use crate::time;

/// Lists, requeues and discards dead letters
///
/// A dead letter is an event that a receiver gave up, or a body that is no webhook. KEY is the
/// key of an event, or the masked key that `dead list` prints. With `--nats` it is the number of a
/// dead letter of the queue.
#[derive(Args)]
#[command(after_help = "Examples:\n  \
    whatsapp-signals dead list --database bikes.db --receiver crm\n  \
    whatsapp-signals dead requeue --database bikes.db --receiver crm --dry-run\n  \
    whatsapp-signals dead list --nats nats://127.0.0.1:4222")]
pub(crate) struct DeadArgs {
    #[command(flatten)]
    pub(super) database: DatabaseArgs,
    #[cfg(feature = "nats")]
    #[command(flatten)]
    pub(super) queue: QueueArgs,
    #[command(subcommand)]
    pub(super) command: DeadCommand,
}

#[derive(Subcommand)]
pub(super) enum DeadCommand {
    /// Lists dead letters, the oldest first
    ///
    /// The next page begins with `--after` and the position of the last letter, which `--json`
    /// prints as `position`.
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
    /// Requeues dead letters for the program
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
pub(super) struct Choice {
    /// Keys of dead letters
    #[arg(value_name = "KEY",
        conflicts_with_all = ["all", "receiver", "signal", "number", "tenant", "older_than", "newer_than", "limit", "after"])]
    pub(super) keys: Vec<String>,
    #[command(flatten)]
    pub(super) filter: Filter,
    /// Takes all dead letters
    #[arg(long)]
    pub(super) all: bool,
    /// Prints the dead letters, and changes nothing
    #[arg(long)]
    pub(super) dry_run: bool,
}

#[derive(Clone, Copy)]
pub(super) enum Action {
    Requeue,
    Discard,
}

impl Choice {
    pub(super) fn check(&self) -> Result<(), Error> {
        if self.keys.is_empty() && !self.all && self.filter.is_empty() {
            let text = "expected a key, a filter or --all, found none";
            return Err(Error::Usage(text.into()));
        }
        Ok(())
    }
}

impl Action {
    /// Returns the participle of the action.
    fn name(self) -> &'static str {
        match self {
            Self::Requeue => "requeued",
            Self::Discard => "discarded",
        }
    }

    /// Prints the number of letters.
    pub(super) fn print(self, count: usize, output: &mut Output) -> io::Result<()> {
        let name = self.name();
        output.either(&json!({name: count}), &format!("{name} {count}"))
    }

    /// Prints the number of letters that were found, and not changed.
    pub(super) fn print_dry(self, found: usize, output: &mut Output) -> io::Result<()> {
        let name = self.name();
        let json = json!({name: 0, "found": found});
        output.either(&json, &format!("{name} 0 of {found} (--dry-run)"))
    }
}

/// The conditions that dead letters satisfy.
#[derive(Args, Default)]
pub(super) struct Filter {
    /// Events that this receiver failed to handle, by uid or path
    #[arg(long)]
    pub(super) receiver: Option<String>,
    /// Events of this signal, such as `message_received`
    #[arg(long)]
    pub(super) signal: Option<String>,
    #[command(flatten)]
    pub(super) scope: Scope,
    /// Events received longer ago, such as 30s, 15min, 2h or 7d; in a queue, those that died then
    #[arg(long, value_name = "AGE", value_parser = time::parse_age)]
    pub(super) older_than: Option<Duration>,
    /// Events received since, such as 30s, 15min, 2h or 7d ago; in a queue, those that died since
    #[arg(long, value_name = "AGE", value_parser = time::parse_age)]
    pub(super) newer_than: Option<Duration>,
    /// Maximum number of dead letters, the oldest first (default of `list`: 50)
    #[arg(long, value_name = "N")]
    pub(super) limit: Option<usize>,
    /// Begins after the dead letter at this position, which `list` prints
    #[arg(long, value_name = "POSITION")]
    pub(super) after: Option<String>,
}

impl Filter {
    /// The default limit of a list.
    pub(super) const LIST: usize = 50;

    /// Returns true if the filter has no condition. A limit and a position are none.
    pub(super) fn is_empty(&self) -> bool {
        self.receiver.is_none()
            && self.signal.is_none()
            && self.scope.is_empty()
            && self.older_than.is_none()
            && self.newer_than.is_none()
    }
}

/// The queue whose dead letters are meant.
#[cfg(feature = "nats")]
#[derive(Args)]
pub(super) struct QueueArgs {
    /// URL of a NATS server: the dead letters of its queue, in place of a database
    #[arg(long, global = true, value_name = "URL")]
    pub(super) nats: Option<String>,
    /// Name of the stream of the queue
    #[arg(
        long,
        global = true,
        value_name = "NAME",
        default_value = "WA",
        requires = "nats"
    )]
    pub(super) stream: String,
}
